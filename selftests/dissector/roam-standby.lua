-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- Wireshark dissector of the standby protocol, written from
-- Documentation/protocols/standby.md alone, so that it judges the C code
-- independently. No bit operators: see roam-lr.lua.
--
--   tshark -X lua_script:roam-standby.lua -r FILE -Y roam_standby
--   tshark -X lua_script:roam-standby.lua -r FILE -Y roam_standby.malformed

local PORT = 17985
local VERSION = 1
local HEADER, EXTENSIONS_MAX, AUTHENTICATOR = 72, 256, 16
local NAME_MAX = 32
local TTL = 255

local types = {
	[0] = "hello", [1] = "coup", [2] = "resign", [4] = "probe", [5] = "proof",
	[6] = "query", [7] = "answer",
}
local without_key = { [6] = true, [7] = true }
local states = {
	[0] = "virgin", [1] = "learn", [2] = "listen", [3] = "speak",
	[4] = "standby", [5] = "active",
}
local extensions = {
	[1] = "name", [2] = "active router", [3] = "standby router", [4] = "padding",
}

local standby = Proto("roam_standby", "Standby Protocol of roam")

local f = {
	version = ProtoField.uint8("roam_standby.version", "Version"),
	type = ProtoField.uint8("roam_standby.type", "Type", base.DEC, types),
	state = ProtoField.uint8("roam_standby.state", "State", base.DEC, states),
	priority = ProtoField.uint8("roam_standby.priority", "Priority"),
	group = ProtoField.uint16("roam_standby.group", "Group"),
	ext_len = ProtoField.uint16("roam_standby.extensions", "Length of extensions"),
	key = ProtoField.uint32("roam_standby.key", "Key id"),
	hello = ProtoField.uint32("roam_standby.hellotime", "Hellotime in ms"),
	hold = ProtoField.uint32("roam_standby.holdtime", "Holdtime in ms"),
	reserved = ProtoField.uint32("roam_standby.reserved", "Reserved", base.HEX),
	counter = ProtoField.uint64("roam_standby.counter", "Counter"),
	nonce = ProtoField.uint64("roam_standby.nonce", "Nonce", base.HEX),
	virtual = ProtoField.string("roam_standby.virtual", "Virtual address"),
	sender = ProtoField.string("roam_standby.sender", "Sender"),
	ext = ProtoField.bytes("roam_standby.extension", "Extension"),
	name = ProtoField.string("roam_standby.name", "Name of the group"),
	active = ProtoField.string("roam_standby.active", "Active router"),
	standby = ProtoField.string("roam_standby.standby", "Standby router"),
	authenticator = ProtoField.bytes("roam_standby.authenticator", "Authenticator"),
	-- True in every message that a receiver has to drop.
	malformed = ProtoField.bool("roam_standby.malformed", "Malformed"),
}
local fields = {}
for _, field in pairs(f) do
	table.insert(fields, field)
end
standby.fields = fields

local function malformed(name, text)
	return ProtoExpert.new("roam_standby.malformed." .. name, text,
		expert.group.MALFORMED, expert.severity.ERROR)
end

local e = {
	length = malformed("length", "Length is not what extensions and key id say"),
	version = malformed("version", "Unknown version"),
	type = malformed("type", "Unknown type"),
	state = malformed("state", "Unknown state"),
	timers = malformed("timers", "Holdtime is not above hellotime"),
	reserved = malformed("reserved", "Reserved bits are not zero"),
	address = malformed("address", "An address that no host can have"),
	extension = malformed("extension", "An extension that does not fit"),
	unsigned = malformed("key", "This type needs an authenticator"),
	hops = malformed("hops", "Not from this link"),
	sender = malformed("sender", "Source is not the sender"),
}
local experts = {}
for _, expert_info in pairs(e) do
	table.insert(experts, expert_info)
end
standby.experts = experts

standby.prefs.port = Pref.uint("UDP port", PORT, "Port that the messages are sent to")

local ip_ttl = Field.new("ip.ttl")
local ip_src = Field.new("ip.src")

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

local function wrong_address(range)
	local first = range(0, 1):uint()

	if is_zero(range) then
		return false
	end
	if is_mapped(range) then
		first = range(12, 1):uint()
		return range(12, 4):uint() == 0 or first == 127 or (first >= 224 and first <= 239) or
			range(12, 4):uint() == 0xffffffff
	end
	return first == 0xff or is_zero(range(0, 12))
end

local function dissect_extension(range, tree, check)
	local kind, value = range(0, 1):uint(), range:len() > 2 and range(2) or nil
	local size = range:len() - 2
	local item = tree:add(f.ext, range)

	item:set_text("Extension: " .. (extensions[kind] or tostring(kind)))
	if kind == 1 then
		local text = value and value:string() or ""

		check(item, size >= 1 and size <= NAME_MAX and not string.find(text, "[^!-~]"), e.extension)
		if value then
			item:add(f.name, value, text)
		end
	elseif kind == 2 or kind == 3 then
		check(item, size == 16 and not is_zero(value) and not wrong_address(value), e.extension)
		if size == 16 then
			item:add(kind == 2 and f.active or f.standby, value, address_text(value))
		end
	end
end

local function dissect_extensions(tvb, tree, len, check)
	local at, stop = HEADER, HEADER + len

	while at < stop do
		local size = stop - at >= 2 and 2 + tvb(at + 1, 1):uint() or 2

		if at + size > stop then
			check(tree, false, e.extension)
			return
		end
		dissect_extension(tvb(at, size), tree, check)
		at = at + size
	end
end

function standby.dissector(tvb, pinfo, tree)
	local len = tvb:reported_length_remaining()
	local root = tree:add(standby, tvb())
	local bad = false

	local function check(item, good, what)
		if not good then
			item:add_proto_expert_info(what)
			bad = true
		end
	end

	pinfo.cols.protocol = "ROAM-STANDBY"
	if tvb:len() < HEADER then
		check(root, false, e.length)
		root:add(f.malformed, true)
		pinfo.cols.info = "Malformed, too short"
		return
	end

	local type, state = tvb(1, 1):uint(), tvb(2, 1):uint()
	local ext_len, key = tvb(6, 2):uint(), tvb(8, 4):uint()
	local hello, hold = tvb(12, 4):uint(), tvb(16, 4):uint()
	local wanted = HEADER + ext_len + (key ~= 0 and AUTHENTICATOR or 0)
	local ttl, source = ip_ttl(), ip_src()

	check(root:add(f.version, tvb(0, 1)), tvb(0, 1):uint() == VERSION, e.version)
	check(root:add(f.type, tvb(1, 1)), types[type], e.type)
	check(root:add(f.state, tvb(2, 1)), states[state], e.state)
	root:add(f.priority, tvb(3, 1))
	root:add(f.group, tvb(4, 2))
	check(root:add(f.ext_len, tvb(6, 2)), len == wanted and ext_len <= EXTENSIONS_MAX, e.length)
	check(root:add(f.key, tvb(8, 4)), key ~= 0 or without_key[type] or not types[type], e.unsigned)
	root:add(f.hello, tvb(12, 4))
	check(root:add(f.hold, tvb(16, 4)), hold == 0 or hold > hello, e.timers)
	check(root:add(f.reserved, tvb(20, 4)), tvb(20, 4):uint() == 0, e.reserved)
	root:add(f.counter, tvb(24, 8))
	root:add(f.nonce, tvb(32, 8))
	check(root:add(f.virtual, tvb(40, 16), address_text(tvb(40, 16))), not wrong_address(tvb(40, 16)), e.address)
	local sender = root:add(f.sender, tvb(56, 16), address_text(tvb(56, 16)))
	check(sender, not wrong_address(tvb(56, 16)), e.address)
	check(root, not ttl or ttl.value == TTL, e.hops)
	if type ~= 6 and source and not is_zero(tvb(56, 16)) then
		check(sender, address_text(tvb(56, 16)) == tostring(source.value), e.sender)
	end
	if len == wanted and tvb:len() == len then
		dissect_extensions(tvb, root, ext_len, check)
		if key ~= 0 then
			root:add(f.authenticator, tvb(wanted - AUTHENTICATOR, AUTHENTICATOR))
		end
	end
	if bad then
		root:add(f.malformed, true):set_generated()
	end
	pinfo.cols.info = string.format("%s group %d %s priority %d%s", types[type] or "type " .. type,
		tvb(4, 2):uint(), states[state] or "state " .. state, tvb(3, 1):uint(),
		bad and " [malformed]" or "")
end

local port_table = DissectorTable.get("udp.port")
local registered = PORT

port_table:add(registered, standby)

function standby.prefs_changed()
	if standby.prefs.port ~= registered then
		port_table:remove(registered, standby)
		registered = standby.prefs.port
		port_table:add(registered, standby)
	end
end
