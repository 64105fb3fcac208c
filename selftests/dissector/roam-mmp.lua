-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- Wireshark dissector of MMP, written from Documentation/protocols/mmp.md alone,
-- so that it judges the C code independently. No bit operators: see roam-lr.lua.
--
--   tshark -X lua_script:roam-mmp.lua -r FILE -Y roam_mmp
--   tshark -X lua_script:roam-mmp.lua -r FILE -Y roam_mmp.malformed

local PORT = 17436
local VERSION = 1
local HEADER, AUTHENTICATOR = 40, 16
local NAME, SUBNET, HOP = 12, 20, 28
local NAMES_MAX, SUBNETS_MAX, HOPS_MAX = 16, 4, 16

local types = {
	[1] = "gateway beacon", [2] = "base station beacon", [3] = "registration",
	[4] = "cache update", [5] = "route update", [6] = "acknowledgement",
	[7] = "probe", [8] = "probe reply", [9] = "trace", [10] = "trace reply",
	[11] = "host route", [12] = "host route acknowledgement",
}
local statuses = { [0] = "ok", [1] = "stale", [2] = "denied", [3] = "full" }
local kinds = { [0] = "none", [1] = "Ethernet", [2] = "802.11" }
local roles = { [0] = "gateway", [1] = "node", [2] = "base station" }
-- Weights of flags, and the flags that each type may have.
local DOMAIN, PAGING, SEMISOFT, ACK, KEEP = 1, 2, 4, 8, 16
local allowed = {
	[1] = DOMAIN + PAGING, [2] = DOMAIN + PAGING, [3] = DOMAIN + KEEP,
	[4] = DOMAIN + SEMISOFT + KEEP, [5] = DOMAIN + ACK + KEEP, [6] = DOMAIN, [7] = DOMAIN,
	[8] = DOMAIN, [9] = DOMAIN, [10] = DOMAIN, [11] = DOMAIN, [12] = DOMAIN,
}

local mmp = Proto("roam_mmp", "MMP of roam")

local f = {
	version = ProtoField.uint8("roam_mmp.version", "Version"),
	type = ProtoField.uint8("roam_mmp.type", "Type", base.DEC, types),
	flags = ProtoField.uint16("roam_mmp.flags", "Flags", base.HEX),
	semisoft = ProtoField.bool("roam_mmp.semisoft", "Semi-soft"),
	key = ProtoField.uint32("roam_mmp.key", "Key id"),
	domain = ProtoField.uint32("roam_mmp.domain", "Domain id"),
	paging = ProtoField.uint32("roam_mmp.paging", "Paging id"),
	gateway = ProtoField.string("roam_mmp.gateway", "Gateway"),
	epoch = ProtoField.uint32("roam_mmp.epoch", "Epoch of the gateway"),
	number = ProtoField.uint32("roam_mmp.number", "Number of the beacon"),
	timestamp = ProtoField.uint64("roam_mmp.timestamp", "Timestamp in us"),
	period = ProtoField.uint32("roam_mmp.period", "Period in ms"),
	delay = ProtoField.uint32("roam_mmp.delay", "Delay in us"),
	second = ProtoField.string("roam_mmp.second", "Second address"),
	names = ProtoField.uint8("roam_mmp.names", "Names"),
	path = ProtoField.string("roam_mmp.path", "Path"),
	station = ProtoField.string("roam_mmp.base_station", "Base station"),
	router = ProtoField.string("roam_mmp.router", "Router"),
	kind = ProtoField.uint8("roam_mmp.l2", "Layer 2", base.DEC, kinds),
	channel = ProtoField.uint16("roam_mmp.channel", "Channel"),
	bssid = ProtoField.ether("roam_mmp.bssid", "BSSID"),
	subnets = ProtoField.uint8("roam_mmp.subnets", "Subnets"),
	subnet = ProtoField.string("roam_mmp.subnet", "Subnet"),
	coa = ProtoField.string("roam_mmp.care_of", "Care-of address"),
	sequence = ProtoField.uint64("roam_mmp.sequence", "Sequence"),
	unheard = ProtoField.uint32("roam_mmp.unheard", "Heard nothing for ms"),
	status = ProtoField.uint8("roam_mmp.status", "Status", base.DEC, statuses),
	node = ProtoField.string("roam_mmp.node", "Node"),
	nonce = ProtoField.uint64("roam_mmp.nonce", "Nonce", base.HEX),
	hops = ProtoField.uint8("roam_mmp.hops", "Nodes"),
	hop = ProtoField.string("roam_mmp.hop", "Node on the way"),
	role = ProtoField.uint8("roam_mmp.role", "Role", base.DEC, roles),
	downlinks = ProtoField.uint8("roam_mmp.downlinks", "Downlinks"),
	there = ProtoField.uint8("roam_mmp.there", "State", base.DEC, { [0] = "left", [1] = "there" }),
	left = ProtoField.uint32("roam_mmp.left", "Ends in ms"),
	reserved = ProtoField.bytes("roam_mmp.reserved", "Reserved"),
	authenticator = ProtoField.bytes("roam_mmp.authenticator", "Authenticator"),
	-- True in every message that a receiver has to drop.
	malformed = ProtoField.bool("roam_mmp.malformed", "Malformed"),
}
local fields = {}
for _, field in pairs(f) do
	table.insert(fields, field)
end
mmp.fields = fields

local function malformed(name, text)
	return ProtoExpert.new("roam_mmp.malformed." .. name, text,
		expert.group.MALFORMED, expert.severity.ERROR)
end

local e = {
	length = malformed("length", "Length is not that of the type"),
	version = malformed("version", "Unknown version"),
	type = malformed("type", "Unknown type"),
	reserved = malformed("reserved", "A flag, an id or reserved bits that must not be"),
	address = malformed("address", "An address that no host can have"),
	name = malformed("name", "A name that cannot be one"),
}
local experts = {}
for _, expert_info in pairs(e) do
	table.insert(experts, expert_info)
end
mmp.experts = experts

mmp.prefs.port = Pref.uint("UDP port", PORT, "Port of the messages")

local function is_zero(range)
	return not string.find(range:bytes():tohex(), "[^0]")
end

local function is_mapped(range)
	return is_zero(range(0, 10)) and range(10, 2):uint() == 0xffff
end

local function address_text(range)
	if is_zero(range) then
		return "none"
	end
	return is_mapped(range) and tostring(range(12, 4):ipv4()) or tostring(range:ipv6())
end

-- No host can have it; the unspecified one is judged by who asks.
local function wrong_address(range)
	local first = range(0, 1):uint()

	if is_mapped(range) then
		first = range(12, 1):uint()
		return range(12, 4):uint() == 0 or first == 127 or (first >= 224 and first <= 239) or
			range(12, 4):uint() == 0xffffffff
	end
	return first == 0xff or is_zero(range(0, 12))
end

local function usable(range)
	return not is_zero(range) and not wrong_address(range)
end

local function none_or_usable(range)
	return is_zero(range) or not wrong_address(range)
end

-- An IPv6 address beside an IPv4 one, or nothing.
local function second_fits(gateway, range)
	return is_zero(range) or (is_mapped(gateway) and not is_mapped(range) and usable(range))
end

local function name_text(range)
	return (string.gsub(range:string(), "%z.*", ""))
end

local function name_fits(range)
	local hex = range:bytes():tohex()
	local behind = false

	for i = 1, #hex, 2 do
		local c = string.char(tonumber(string.sub(hex, i, i + 1), 16))

		if c == "\0" then
			behind = true
		elseif behind or not string.find(c, "[%w._-]") then
			return false
		end
	end
	return string.sub(hex, 1, 2) ~= "00"
end

-- Are all bits of a prefix behind its length zero?
local function prefix_fits(range, len)
	if len > 128 or (is_mapped(range) and len < 96) then
		return false
	end
	for i = 0, 15 do
		local bits = math.min(8, math.max(0, len - 8 * i))

		if range(i, 1):uint() % (2 ^ (8 - bits)) ~= 0 then
			return false
		end
	end
	return true
end

local function prefix_text(range, len)
	if is_mapped(range) then
		return address_text(range) .. "/" .. (len - 96)
	end
	return tostring(range:ipv6()) .. "/" .. len
end

-- Length without authenticator, or nil.
local function length_of(tvb, type)
	if type == 1 then
		local n = tvb:len() > 72 and tvb(72, 1):uint() or 0
		return n >= 1 and n <= NAMES_MAX and 76 + NAME * n or nil
	elseif type == 2 then
		local n = tvb:len() > 98 and tvb(98, 1):uint() or SUBNETS_MAX + 1
		return n <= SUBNETS_MAX and 100 + SUBNET * n or nil
	elseif type == 7 or type == 8 then
		return 72
	elseif type == 9 or type == 10 then
		local n = tvb:len() > 64 and tvb(64, 1):uint() or 0
		return n >= 1 and n <= HOPS_MAX and 68 + HOP * n or nil
	end
	return 80
end

local function add_name(tree, field, range, check)
	check(tree:add(field, range, name_text(range)), name_fits(range), e.name)
end

local function add_address(tree, field, range, good, check)
	check(tree:add(field, range, address_text(range)), good, e.address)
end

local function add_reserved(tree, range, check)
	check(tree:add(f.reserved, range), is_zero(range), e.reserved)
end

local bodies = {}

bodies[1] = function(tvb, tree, check)
	tree:add(f.timestamp, tvb(40, 8))
	check(tree:add(f.period, tvb(48, 4)), tvb(48, 4):uint() > 0, e.reserved)
	tree:add(f.delay, tvb(52, 4))
	add_address(tree, f.gateway, tvb(16, 16), usable(tvb(16, 16)), check)
	add_address(tree, f.second, tvb(56, 16), second_fits(tvb(16, 16), tvb(56, 16)), check)
	tree:add(f.names, tvb(72, 1))
	add_reserved(tree, tvb(73, 3), check)
	for i = 0, tvb(72, 1):uint() - 1 do
		add_name(tree, f.path, tvb(76 + NAME * i, NAME), check)
	end
end

bodies[2] = function(tvb, tree, check)
	add_name(tree, f.station, tvb(40, NAME), check)
	check(tree:add(f.period, tvb(52, 4)), tvb(52, 4):uint() > 0, e.reserved)
	add_address(tree, f.gateway, tvb(16, 16), none_or_usable(tvb(16, 16)), check)
	add_address(tree, f.second, tvb(56, 16), second_fits(tvb(16, 16), tvb(56, 16)), check)
	add_address(tree, f.router, tvb(72, 16), is_zero(tvb(72, 16)) or
		(is_mapped(tvb(72, 16)) and usable(tvb(72, 16))), check)
	check(tree:add(f.kind, tvb(88, 1)), kinds[tvb(88, 1):uint()], e.reserved)
	add_reserved(tree, tvb(89, 1), check)
	tree:add(f.channel, tvb(90, 2))
	tree:add(f.bssid, tvb(92, 6))
	tree:add(f.subnets, tvb(98, 1))
	add_reserved(tree, tvb(99, 1), check)
	for i = 0, tvb(98, 1):uint() - 1 do
		local at = 100 + SUBNET * i
		local len = tvb(at + 16, 1):uint()

		check(tree:add(f.subnet, tvb(at, 17), prefix_text(tvb(at, 16), len)),
			prefix_fits(tvb(at, 16), len), e.address)
		add_reserved(tree, tvb(at + 17, 3), check)
	end
end

local function has(flags, weight)
	return math.floor(flags / weight) % 2 == 1
end

local function host(tvb, tree, check)
	add_address(tree, f.gateway, tvb(16, 16), usable(tvb(16, 16)), check)
	add_address(tree, f.coa, tvb(40, 16), usable(tvb(40, 16)), check)
	tree:add(f.sequence, tvb(56, 8))
	add_name(tree, f.station, tvb(64, NAME), check)
	check(tree:add(f.unheard, tvb(76, 4)), has(tvb(2, 2):uint(), KEEP) or is_zero(tvb(76, 4)), e.reserved)
end
bodies[3], bodies[4], bodies[5] = host, host, host

bodies[6] = function(tvb, tree, check)
	add_address(tree, f.gateway, tvb(16, 16), usable(tvb(16, 16)), check)
	add_address(tree, f.coa, tvb(40, 16), usable(tvb(40, 16)), check)
	tree:add(f.sequence, tvb(56, 8))
	check(tree:add(f.status, tvb(64, 1)), statuses[tvb(64, 1):uint()], e.reserved)
	add_reserved(tree, tvb(65, 3), check)
	add_name(tree, f.node, tvb(68, NAME), check)
end

-- Of no gateway, and so of no beacon.
local function without_gateway(tvb, tree, check)
	add_address(tree, f.gateway, tvb(16, 16), is_zero(tvb(16, 16)), check)
	check(tree, is_zero(tvb(32, 8)), e.reserved)
end

local function probe(tvb, tree, check)
	without_gateway(tvb, tree, check)
	tree:add(f.timestamp, tvb(40, 8))
	tree:add(f.nonce, tvb(48, 8))
	add_name(tree, f.node, tvb(56, NAME), check)
	add_reserved(tree, tvb(68, 4), check)
end
bodies[7], bodies[8] = probe, probe

local function trace(tvb, tree, check)
	without_gateway(tvb, tree, check)
	add_address(tree, f.coa, tvb(40, 16), usable(tvb(40, 16)), check)
	tree:add(f.nonce, tvb(56, 8))
	tree:add(f.hops, tvb(64, 1))
	add_reserved(tree, tvb(65, 3), check)
	for i = 0, tvb(64, 1):uint() - 1 do
		local at = 68 + HOP * i

		add_name(tree, f.hop, tvb(at, NAME), check)
		check(tree:add(f.role, tvb(at + 12, 1)), roles[tvb(at + 12, 1):uint()], e.reserved)
		check(tree:add(f.downlinks, tvb(at + 13, 1)), tvb(at + 13, 1):uint() <= 2, e.reserved)
		add_reserved(tree, tvb(at + 14, 2), check)
		tree:add(f.left, tvb(at + 16, 4))
		tree:add(f.sequence, tvb(at + 20, 8))
	end
end
bodies[9], bodies[10] = trace, trace

local function host_route(tvb, tree, check)
	add_address(tree, f.gateway, tvb(16, 16), usable(tvb(16, 16)), check)
	add_address(tree, f.coa, tvb(40, 16), usable(tvb(40, 16)), check)
	tree:add(f.sequence, tvb(56, 8))
	check(tree:add(f.there, tvb(64, 1)), tvb(64, 1):uint() <= 1, e.reserved)
	add_reserved(tree, tvb(65, 3), check)
	add_name(tree, f.node, tvb(68, NAME), check)
end
bodies[11], bodies[12] = host_route, host_route

local function flags_fit(type, flags)
	for bit = 0, 15 do
		if has(flags, 2 ^ bit) and not has(allowed[type], 2 ^ bit) then
			return false
		end
	end
	return true
end

function mmp.dissector(tvb, pinfo, tree)
	local root = tree:add(mmp, tvb())
	local bad = false

	local function check(item, good, what)
		if not good then
			item:add_proto_expert_info(what)
			bad = true
		end
	end

	pinfo.cols.protocol = "ROAM-MMP"
	if tvb:len() < HEADER then
		check(root, false, e.length)
		root:add(f.malformed, true)
		pinfo.cols.info = "Malformed, too short"
		return
	end

	local type, flags = tvb(1, 1):uint(), tvb(2, 2):uint()
	local len = types[type] and length_of(tvb, type)

	check(root:add(f.version, tvb(0, 1)), tvb(0, 1):uint() == VERSION, e.version)
	check(root:add(f.type, tvb(1, 1)), types[type], e.type)
	check(root:add(f.flags, tvb(2, 2)), not types[type] or flags_fit(type, flags), e.reserved)
	root:add(f.semisoft, tvb(2, 2), has(flags, SEMISOFT))
	root:add(f.key, tvb(4, 4))
	check(root:add(f.domain, tvb(8, 4)), has(flags, DOMAIN) == (tvb(8, 4):uint() ~= 0), e.reserved)
	check(root:add(f.paging, tvb(12, 4)), has(flags, PAGING) == (tvb(12, 4):uint() ~= 0), e.reserved)
	root:add(f.epoch, tvb(32, 4))
	root:add(f.number, tvb(36, 4))
	check(root, not types[type] or (len and tvb:reported_length_remaining() == len + AUTHENTICATOR), e.length)
	if len and tvb:len() == len + AUTHENTICATOR then
		bodies[type](tvb, root, check)
		root:add(f.authenticator, tvb(len, AUTHENTICATOR))
	end
	if bad then
		root:add(f.malformed, true):set_generated()
	end
	pinfo.cols.info = string.format("%s%s%s", types[type] or "type " .. type,
		has(flags, SEMISOFT) and " (semi-soft)" or "", bad and " [malformed]" or "")
end

local port_table = DissectorTable.get("udp.port")
local registered = PORT

port_table:add(registered, mmp)

function mmp.prefs_changed()
	if mmp.prefs.port ~= registered then
		port_table:remove(registered, mmp)
		registered = mmp.prefs.port
		port_table:add(registered, mmp)
	end
end
