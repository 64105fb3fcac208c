-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- Wireshark dissector of the location register protocol, written from
-- Documentation/protocols/location-register.md alone, so that it judges the C
-- code independently. For the Lua 5.2 of Wireshark 4.0 and the Lua 5.4 of 4.4: no
-- bit operators, which the one does not know, and no bit library, which the other
-- has lost.
--
--   tshark -X lua_script:roam-lr.lua -r FILE -Y roam_lr
--   tshark -X lua_script:roam-lr.lua -r FILE -Y roam_lr.malformed
--
-- In the shell of Wireshark: copy it to the folder of personal plugins that
-- "About Wireshark" names.

local PORT = 17434
local VERSION = 2
local HEADER, ENTRY, AUTHENTICATOR = 40, 48, 16
local COUNT_MIN, COUNT_MAX = 1, 24
local LENGTH_MAX = 1208

local types = {
	[1] = "query", [2] = "answer", [3] = "update",
	[4] = "acknowledgement", [5] = "announce", [6] = "confirm",
	[7] = "challenge",
}
-- The request that a reply belongs to.
local request_of = { [2] = 1, [4] = 3, [6] = 5 }
local between_hosts = { [5] = true, [6] = true }
local one_entry = { [5] = true, [6] = true, [7] = true }
-- Neither cookie nor source.
local plain = { [1] = true, [5] = true }
local statuses = {
	[0] = "ok", [1] = "none", [2] = "stale", [3] = "replay",
	[4] = "denied", [5] = "full", [6] = "later", [7] = "conflict",
	[8] = "unproved", [9] = "unfit",
}

local lr = Proto("roam_lr", "Location Register Protocol of roam")

local f = {
	version = ProtoField.uint8("roam_lr.version", "Version"),
	type = ProtoField.uint8("roam_lr.type", "Type", base.DEC, types),
	count = ProtoField.uint16("roam_lr.count", "Entries"),
	key = ProtoField.uint32("roam_lr.key", "Key id"),
	identification = ProtoField.uint64("roam_lr.identification", "Identification"),
	nonce = ProtoField.uint64("roam_lr.nonce", "Nonce", base.HEX),
	cookie = ProtoField.bytes("roam_lr.cookie", "Cookie"),
	source = ProtoField.ipv6("roam_lr.source", "Source of the request"),
	source4 = ProtoField.ipv4("roam_lr.source4", "Source of the request"),
	entry = ProtoField.bytes("roam_lr.entry", "Entry"),
	permanent = ProtoField.ipv6("roam_lr.permanent", "Permanent address"),
	permanent4 = ProtoField.ipv4("roam_lr.permanent4", "Permanent address"),
	care_of = ProtoField.ipv6("roam_lr.care_of", "Care-of address"),
	care_of4 = ProtoField.ipv4("roam_lr.care_of4", "Care-of address"),
	sequence = ProtoField.uint64("roam_lr.sequence", "Sequence"),
	sealed_key = ProtoField.bytes("roam_lr.sealed_key", "Sealed pair key"),
	mobile_key = ProtoField.uint64("roam_lr.mobile_key", "Mobile host's key id"),
	lifetime = ProtoField.uint32("roam_lr.lifetime", "Lifetime in seconds"),
	status = ProtoField.uint8("roam_lr.status", "Status", base.DEC, statuses),
	flags = ProtoField.uint8("roam_lr.flags", "Flags", base.HEX),
	at_home = ProtoField.bool("roam_lr.flags.at_home", "At home", 8, nil, 0x01),
	literal = ProtoField.bool("roam_lr.flags.literal", "Literal", 8, nil, 0x02),
	pair_key = ProtoField.bool("roam_lr.flags.key", "Key", 8, nil, 0x04),
	reserved = ProtoField.uint16("roam_lr.reserved", "Reserved", base.HEX),
	authenticator = ProtoField.bytes("roam_lr.authenticator", "Authenticator"),
	surplus = ProtoField.bytes("roam_lr.surplus", "Surplus bytes"),
	request = ProtoField.framenum("roam_lr.request", "Reply to", base.NONE, frametype.REQUEST),
	time = ProtoField.relative_time("roam_lr.time", "Time since the request"),
	-- True in every message that a receiver has to drop.
	malformed = ProtoField.bool("roam_lr.malformed", "Malformed"),
}
lr.fields = {
	f.version, f.type, f.count, f.key, f.identification, f.nonce, f.cookie,
	f.source, f.source4, f.entry,
	f.permanent, f.permanent4, f.care_of, f.care_of4, f.sequence, f.sealed_key,
	f.mobile_key, f.lifetime, f.status, f.flags, f.at_home, f.literal, f.pair_key,
	f.reserved, f.authenticator, f.surplus, f.request, f.time, f.malformed,
}

local function malformed(name, text)
	return ProtoExpert.new("roam_lr.malformed." .. name, text,
		expert.group.MALFORMED, expert.severity.ERROR)
end

local function doubtful(name, text)
	return ProtoExpert.new("roam_lr.doubtful." .. name, text,
		expert.group.PROTOCOL, expert.severity.WARN)
end

local e = {
	length = malformed("length", "Length is not what the count says"),
	version = malformed("version", "Unknown version"),
	type = malformed("type", "Unknown type"),
	count = malformed("count", "Number of entries is not from 1 to 24, or not 1 where there is one"),
	reserved = malformed("reserved", "Reserved bits are not zero"),
	address = malformed("address", "An address that no host can have"),
	unsigned = malformed("key", "This type needs an authenticator"),
	pair = malformed("pair_key", "A pair key is for announce and confirm"),
	flag_key = malformed("flag_key", "The flag key stands alone, in query and answer"),
	request_status = doubtful("status", "A request has no status"),
	status = doubtful("unknown_status", "Unknown status"),
	at_home = doubtful("at_home", "At home, yet the addresses differ"),
	no_care_of = doubtful("care_of", "A mapping without care-of address"),
}
lr.experts = {
	e.length, e.version, e.type, e.count, e.reserved, e.address, e.unsigned,
	e.pair, e.flag_key, e.request_status, e.status, e.at_home, e.no_care_of,
}

lr.prefs.port = Pref.uint("UDP port", PORT, "Port that the messages are sent to")

-- Requests seen in the first pass, by type and nonce; replies keep their find.
local requests, replies

function lr.init()
	requests, replies = {}, {}
end

local function is_zero(range)
	return not string.find(range:bytes():tohex(), "[^0]")
end

local function is_mapped(range)
	return is_zero(range(0, 10)) and range(10, 2):uint() == 0xffff
end

-- Returns why an address cannot be one, nil if it can. All zero is for the caller.
local function wrong_address(range)
	local first = range(0, 1):uint()

	if is_mapped(range) then
		first = range(12, 1):uint()
		if range(12, 4):uint() == 0 then
			return "unspecified"
		end
		if first >= 224 and first <= 239 then
			return "multicast"
		end
		return first == 127 and "loopback" or nil
	end
	if first == 0xff then
		return "multicast"
	end
	if is_zero(range(0, 12)) then
		return range(12, 4):uint() == 1 and "loopback" or "IPv4-compatible"
	end
	return nil
end

local function address_text(range)
	if is_zero(range) then
		return "none"
	end
	if is_mapped(range) then
		return tostring(range(12, 4):ipv4())
	end
	return tostring(range:ipv6())
end

local function add_address(tree, range, field, field4)
	if is_mapped(range) then
		return tree:add(field4, range(12, 4))
	end
	return tree:add(field, range)
end

-- True if the care-of address makes the message malformed.
local function dissect_care_of(range, tree, is_mapping)
	local item = add_address(tree, range, f.care_of, f.care_of4)
	local reason = not is_zero(range) and wrong_address(range)

	if reason then
		item:add_proto_expert_info(e.address, "Care-of address is " .. reason)
		return true
	end
	if is_zero(range) and is_mapping then
		item:add_proto_expert_info(e.no_care_of)
	end
	return false
end

-- True if the flags make the message malformed.
local function dissect_flags(range, tree, type)
	local item = tree:add(f.flags, range)
	local flags, key = range:uint(), range:bitfield(5, 1) == 1

	item:add(f.at_home, range)
	item:add(f.literal, range)
	item:add(f.pair_key, range)
	if range:bitfield(0, 5) ~= 0 then
		item:add_proto_expert_info(e.reserved)
		return true
	end
	if key and (flags ~= 4 or type > 2) then
		item:add_proto_expert_info(e.flag_key)
		return true
	end
	return false
end

-- dissect_entry: true if the entry makes the message malformed.
local function dissect_entry(range, tree, type, number)
	local permanent, care_of = range(0, 16), range(16, 16)
	local lifetime, status = range(40, 4):uint(), range(44, 1):uint()
	local at_home = range(45, 1):bitfield(7, 1) == 1
	local is_key = type == 2 and range(45, 1):bitfield(5, 1) == 1 and status == 0
	local bad = false
	local entry = tree:add(f.entry, range)
	local item, reason

	entry:set_text(string.format("Entry %d: %s %s, %d s, %s", number, address_text(permanent),
		is_key and "sealed pair key" or "at " .. address_text(care_of), lifetime,
		statuses[status] or "unknown status"))

	item = add_address(entry, permanent, f.permanent, f.permanent4)
	reason = is_zero(permanent) and "unspecified" or wrong_address(permanent)
	if reason then
		item:add_proto_expert_info(e.address, "Permanent address is " .. reason)
		bad = true
	end
	if is_key then
		entry:add(f.sealed_key, care_of)
		entry:add(f.mobile_key, range(32, 8))
	else
		bad = dissect_care_of(care_of, entry,
			lifetime > 0 and status == 0 and type ~= 1) or bad
		entry:add(f.sequence, range(32, 8))
	end
	entry:add(f.lifetime, range(40, 4))
	item = entry:add(f.status, range(44, 1))
	if types[type] and not request_of[type] and type ~= 7 and status ~= 0 then
		item:add_proto_expert_info(e.request_status)
	elseif not statuses[status] then
		item:add_proto_expert_info(e.status)
	end
	bad = dissect_flags(range(45, 1), entry, type) or bad
	if at_home and address_text(permanent) ~= address_text(care_of) then
		item:add_proto_expert_info(e.at_home)
	end
	item = entry:add(f.reserved, range(46, 2))
	if range(46, 2):uint() ~= 0 then
		item:add_proto_expert_info(e.reserved)
		bad = true
	end
	return bad
end

-- Which request a reply answers; nonces are random, so that one number will do.
local function match(pinfo, type, nonce)
	local key = string.format("%d %s", request_of[type] or type, nonce)

	if not pinfo.visited then
		if request_of[type] then
			replies[pinfo.number] = requests[key]
		elseif types[type] and not requests[key] then
			requests[key] = { pinfo.number, pinfo.abs_ts }
		end
	end
	return replies[pinfo.number]
end

local function dissect_header(tvb, tree, len)
	local version, type = tvb(0, 1):uint(), tvb(1, 1):uint()
	local count, key = tvb(2, 2):uint(), tvb(4, 4):uint()
	local pair = tvb(4, 1):bitfield(0, 1) == 1
	local wanted = HEADER + ENTRY * count + AUTHENTICATOR
	local bad = false
	local item

	local function check(good, what, ...)
		if not good then
			item:add_proto_expert_info(what, ...)
			bad = true
		end
	end

	item = tree:add(f.version, tvb(0, 1))
	check(version == VERSION, e.version)
	item = tree:add(f.type, tvb(1, 1))
	check(types[type], e.type)
	item = tree:add(f.count, tvb(2, 2))
	check(count >= COUNT_MIN and count <= (one_entry[type] and 1 or COUNT_MAX), e.count)
	check(len == wanted and len <= LENGTH_MAX, e.length,
		string.format("%d bytes, count says %d", len, wanted))
	item = tree:add(f.key, tvb(4, 4))
	check(key ~= 0 or not types[type] or between_hosts[type], e.unsigned)
	check(not pair or not types[type] or between_hosts[type], e.pair)
	if pair then
		item:append_text(string.format(" (pair key of %d)", tvb(4, 4):bitfield(1, 31)))
	end
	tree:add(f.identification, tvb(8, 8))
	tree:add(f.nonce, tvb(16, 8))
	if request_of[type] then
		item = add_address(tree, tvb(24, 16), f.source, f.source4)
	else
		item = tree:add(f.cookie, tvb(24, 16))
		check(not plain[type] or is_zero(tvb(24, 16)), e.reserved)
	end
	return bad
end

function lr.dissector(tvb, pinfo, tree)
	local len = tvb:reported_length_remaining()
	local root = tree:add(lr, tvb())
	local bad, at, first = false, HEADER, nil

	pinfo.cols.protocol = "ROAM-LR"
	if tvb:len() < HEADER then
		root:add_proto_expert_info(e.length,
			string.format("%d bytes, the header has %d", len, HEADER))
		root:add(f.malformed, true)
		pinfo.cols.info = "Malformed, too short"
		return
	end
	bad = dissect_header(tvb, root, len)

	local type, count = tvb(1, 1):uint(), tvb(2, 2):uint()
	for number = 1, math.min(count, COUNT_MAX) do
		if tvb:len() < at + ENTRY then
			break
		end
		first = first or tvb(at, ENTRY)
		bad = dissect_entry(tvb(at, ENTRY), root, type, number) or bad
		at = at + ENTRY
	end
	if tvb:len() >= at + AUTHENTICATOR then
		local item = root:add(f.authenticator, tvb(at, AUTHENTICATOR))

		if tvb(4, 4):uint() == 0 and not is_zero(tvb(at, AUTHENTICATOR)) then
			item:add_proto_expert_info(e.reserved)
			bad = true
		end
		at = at + AUTHENTICATOR
	end
	if tvb:len() > at then
		root:add(f.surplus, tvb(at))
	end

	local request = match(pinfo, type, tvb(16, 8):bytes():tohex())
	if request then
		root:add(f.request, request[1]):set_generated()
		root:add(f.time, NSTime.new(0, math.floor(
			(pinfo.abs_ts - request[2]) * 1e9))):set_generated()
	end
	if bad then
		root:add(f.malformed, true):set_generated()
	end

	local text = types[type] or string.format("type %d", type)
	if first then
		local status = first(44, 1):uint()

		text = string.format("%s %s at %s", text,
			address_text(first(0, 16)), address_text(first(16, 16)))
		if request_of[type] then
			text = text .. ", " .. (statuses[status] or "unknown status")
		end
	end
	if count > 1 then
		text = string.format("%s and %d more", text, count - 1)
	end
	pinfo.cols.info = text .. (bad and " [malformed]" or "")
end

local port_table = DissectorTable.get("udp.port")
local registered = PORT

port_table:add(registered, lr)

function lr.prefs_changed()
	if lr.prefs.port ~= registered then
		port_table:remove(registered, lr)
		registered = lr.prefs.port
		port_table:add(registered, lr)
	end
end
