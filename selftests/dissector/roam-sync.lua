-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- Wireshark dissector of the table synchronisation, written from
-- Documentation/protocols/sync.md alone, so that it judges the C code
-- independently. No bit operators: see roam-lr.lua.
--
--   tshark -X lua_script:roam-sync.lua -r FILE -Y roam_sync
--   tshark -X lua_script:roam-sync.lua -r FILE -Y roam_sync.malformed

local PORT = 17986
local VERSION = 1
local HEADER, AUTHENTICATOR, MAX = 72, 16, 1200
local ENTRY = 18

local types = {
	[1] = "hello", [2] = "update", [3] = "ack", [4] = "request", [5] = "table",
	[6] = "table ack", [7] = "ranges", [8] = "leaf",
	[9] = "relay", [10] = "answer",
}
local codes = {
	[0] = "accepted", [1] = "unspecified", [2] = "administratively prohibited",
	[3] = "insufficient resources", [4] = "table not initialised",
}
local tables = { [1] = "binding", [2] = "visitor", [3] = "pending request", [4] = "lease" }
local with_entries = { [2] = true, [5] = true, [8] = true }

local sync = Proto("roam_sync", "Table Synchronisation of roam")

local f = {
	version = ProtoField.uint8("roam_sync.version", "Version"),
	type = ProtoField.uint8("roam_sync.type", "Type", base.DEC, types),
	code = ProtoField.uint8("roam_sync.code", "Code", base.DEC, codes),
	flags = ProtoField.uint8("roam_sync.flags", "Flags", base.HEX),
	group = ProtoField.uint16("roam_sync.group", "Group"),
	count = ProtoField.uint16("roam_sync.count", "Count"),
	key = ProtoField.uint32("roam_sync.key", "Key id"),
	sent = ProtoField.uint32("roam_sync.sent", "Sent"),
	session = ProtoField.uint64("roam_sync.session", "Session", base.HEX),
	echo = ProtoField.uint64("roam_sync.echo", "Echo", base.HEX),
	counter = ProtoField.uint64("roam_sync.counter", "Counter"),
	id = ProtoField.uint64("roam_sync.id", "Identification", base.HEX),
	sender = ProtoField.string("roam_sync.sender", "Sender"),
	total = ProtoField.uint32("roam_sync.total", "Total"),
	reserved = ProtoField.uint32("roam_sync.reserved", "Reserved", base.HEX),
	digest = ProtoField.uint64("roam_sync.digest", "Digest", base.HEX),
	address = ProtoField.bytes("roam_sync.address", "Address"),
	entry = ProtoField.bytes("roam_sync.entry", "Entry"),
	table = ProtoField.uint8("roam_sync.entry.table", "Table type", base.DEC, tables),
	deleted = ProtoField.bool("roam_sync.entry.deleted", "Deleted"),
	order = ProtoField.uint64("roam_sync.entry.order", "Order"),
	origin = ProtoField.ipv4("roam_sync.entry.origin", "Origin"),
	entry_key = ProtoField.bytes("roam_sync.entry.key", "Key"),
	home = ProtoField.ipv4("roam_sync.entry.home", "Home address"),
	value = ProtoField.bytes("roam_sync.entry.value", "Value"),
	source = ProtoField.bytes("roam_sync.relay.source", "Source of the request"),
	destination = ProtoField.bytes("roam_sync.relay.destination", "Destination of the request"),
	port = ProtoField.uint16("roam_sync.relay.port", "Source port of the request"),
	registration = ProtoField.bytes("roam_sync.registration", "Request or reply"),
	authenticator = ProtoField.bytes("roam_sync.authenticator", "Authenticator"),
	-- True in every message that a receiver has to drop.
	malformed = ProtoField.bool("roam_sync.malformed", "Malformed"),
}
local fields = {}
for _, field in pairs(f) do
	table.insert(fields, field)
end
sync.fields = fields

local function malformed(name, text)
	return ProtoExpert.new("roam_sync.malformed." .. name, text,
		expert.group.MALFORMED, expert.severity.ERROR)
end

local e = {
	length = malformed("length", "Length is not what type and count say"),
	version = malformed("version", "Unknown version"),
	type = malformed("type", "Unknown type"),
	code = malformed("code", "Unknown code"),
	reserved = malformed("reserved", "Reserved bits are not zero"),
	session = malformed("session", "No session"),
	address = malformed("address", "An address that no host can have"),
	entry = malformed("entry", "An entry that does not fit"),
	sender = malformed("sender", "Source is not the sender"),
}
local experts = {}
for _, expert_info in pairs(e) do
	table.insert(experts, expert_info)
end
sync.experts = experts

local ip_src = Field.new("ip.src")

local function is_zero(range)
	return not string.find(range:bytes():tohex(), "[^0]")
end

-- Of an entry, or nil where it does not fit.
local function entry_size(tvb, at, stop)
	local key, tail, value, kind, flags

	if at + ENTRY > stop then
		return nil
	end
	kind, flags, key = tvb(at, 1):uint(), tvb(at + 1, 1):uint(), tvb(at + 2, 1):uint()
	tail, value = tvb(at + 3, 1):uint(), tvb(at + 4, 2):uint()
	if kind == 0 or flags > 1 or key < 1 or key > 64 or tail > value or value > 1024 or
	   (flags == 1 and value ~= 0) or is_zero(tvb(at + 6, 8)) or at + ENTRY + key + value > stop then
		return nil
	end
	return ENTRY + key + value
end

local function dissect_entry(tvb, tree, at, size)
	local key, value = tvb(at + 2, 1):uint(), tvb(at + 4, 2):uint()
	local item = tree:add(f.entry, tvb(at, size))

	item:add(f.table, tvb(at, 1))
	item:add(f.deleted, tvb(at + 1, 1), tvb(at + 1, 1):uint() == 1)
	item:add(f.order, tvb(at + 6, 8))
	item:add(f.origin, tvb(at + 14, 4))
	item:add(f.entry_key, tvb(at + ENTRY, key))
	if tables[tvb(at, 1):uint()] and key >= 4 then
		item:add(f.home, tvb(at + ENTRY, 4))
	end
	if value > 0 then
		item:add(f.value, tvb(at + ENTRY + key, value))
	end
end

function sync.dissector(tvb, pinfo, tree)
	local len = tvb:len()
	local root = tree:add(sync, tvb())
	local bad = false

	local function check(item, good, what)
		if not good then
			item:add_proto_expert_info(what)
			bad = true
		end
	end

	pinfo.cols.protocol = "ROAM-SYNC"
	if len < HEADER then
		check(root, false, e.length)
		root:add(f.malformed, true)
		pinfo.cols.info = "Malformed, too short"
		return
	end

	local type, count, key = tvb(1, 1):uint(), tvb(6, 2):uint(), tvb(8, 4):uint()
	local stop = len - (key ~= 0 and AUTHENTICATOR or 0)
	local mapped = is_zero(tvb(48, 10)) and tvb(58, 2):uint() == 0xffff
	local text = mapped and tostring(tvb(60, 4):ipv4()) or tostring(tvb(48, 16):ipv6())
	local first = mapped and tvb(60, 1):uint() or tvb(48, 1):uint()
	local source = ip_src()

	check(root:add(f.version, tvb(0, 1)), tvb(0, 1):uint() == VERSION, e.version)
	check(root:add(f.type, tvb(1, 1)), types[type], e.type)
	check(root:add(f.code, tvb(2, 1)), codes[tvb(2, 1):uint()], e.code)
	check(root:add(f.flags, tvb(3, 1)), tvb(3, 1):uint() < 64, e.reserved)
	root:add(f.group, tvb(4, 2))
	root:add(f.count, tvb(6, 2))
	root:add(f.key, tvb(8, 4))
	root:add(f.sent, tvb(12, 4))
	check(root:add(f.session, tvb(16, 8)), not is_zero(tvb(16, 8)), e.session)
	root:add(f.echo, tvb(24, 8))
	root:add(f.counter, tvb(32, 8))
	root:add(f.id, tvb(40, 8))
	local sender = root:add(f.sender, tvb(48, 16), text)
	check(sender, not is_zero(tvb(48, 16)) and first ~= 255 and not (mapped and
		(first == 0 or first == 127 or first >= 224)), e.address)
	if source then
		check(sender, text == tostring(source.value), e.sender)
	end
	root:add(f.total, tvb(64, 4))
	check(root:add(f.reserved, tvb(68, 4)), tvb(68, 4):uint() == 0, e.reserved)
	check(root, len <= MAX and stop >= HEADER, e.length)

	local at, n = HEADER, 0
	if type == 1 and stop == HEADER + 8 then
		root:add(f.digest, tvb(at, 8))
		at = stop
	elseif type == 7 then
		while at + 8 <= stop do
			root:add(f.digest, tvb(at, 8))
			at, n = at + 8, n + 1
		end
		check(root, n == count, e.length)
	elseif type == 3 then
		while at + 8 <= stop do
			root:add(f.id, tvb(at, 8))
			at, n = at + 8, n + 1
		end
		check(root, n == count, e.length)
	elseif type == 4 or (type == 5 and math.floor(tvb(3, 1):uint() / 16) % 2 == 1) then
		while at + 16 <= stop do
			root:add(f.address, tvb(at, 16))
			at, n = at + 16, n + 1
		end
		check(root, n == count, e.length)
	elseif type == 9 and stop > HEADER + 34 then
		root:add(f.source, tvb(at, 16))
		root:add(f.destination, tvb(at + 16, 16))
		root:add(f.port, tvb(at + 32, 2))
		root:add(f.registration, tvb(at + 34, stop - at - 34))
		check(root, count == 0 and tvb(at + 32, 2):uint() > 0, e.length)
		at = stop
	elseif type == 10 then
		if stop > at then
			root:add(f.registration, tvb(at, stop - at))
		end
		check(root, count == 0, e.length)
		at = stop
	elseif with_entries[type] then
		while at < stop do
			local size = entry_size(tvb, at, stop)

			if not size then
				check(root, false, e.entry)
				break
			end
			dissect_entry(tvb, root, at, size)
			at, n = at + size, n + 1
		end
		check(root, n == count, e.entry)
	end
	check(root, at == stop or bad, e.length)
	if stop < len and stop >= HEADER then
		root:add(f.authenticator, tvb(stop, len - stop))
	end
	root:add(f.malformed, bad)
	pinfo.cols.info = (types[type] or "Unknown") .. " from " .. text ..
		(bad and ", malformed" or "")
end

DissectorTable.get("udp.port"):add(PORT, sync)
