-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- Wireshark dissector of DRCP, written from Documentation/protocols/drcp.md alone, so
-- that it judges the C code independently. For the Lua 5.2 of Wireshark 4.0 and the Lua 5.4
-- of 4.4.
--
--   tshark -X lua_script:roam-drcp.lua -r FILE -Y roam_drcp.malformed

local PORT = 17438
local HEADER, AUTHENTICATOR, SUBNET = 32, 16, 36

local types = {
	[1] = "advertisement", [2] = "solicitation", [3] = "request",
	[4] = "assignment", [5] = "release", [6] = "decline",
}
local bodies = { [1] = 8, [2] = 8, [3] = 44, [4] = 120, [5] = 24, [6] = 24 }
local statuses = {
	[0] = "ok", [1] = "exhausted", [2] = "no-subnet", [3] = "stale",
	[4] = "later", [5] = "released",
}

local drcp = Proto("roam_drcp", "DRCP of roam")

local f = {
	version = ProtoField.uint8("roam_drcp.version", "Version"),
	type = ProtoField.uint8("roam_drcp.type", "Type", base.DEC, types),
	status = ProtoField.uint8("roam_drcp.status", "Status", base.DEC, statuses),
	key = ProtoField.uint32("roam_drcp.key", "Key id"),
	server = ProtoField.uint64("roam_drcp.server", "Server", base.HEX),
	epoch = ProtoField.uint32("roam_drcp.epoch", "Epoch"),
	sequence = ProtoField.uint32("roam_drcp.sequence", "Sequence"),
	stamp = ProtoField.uint64("roam_drcp.stamp", "Stamp"),
	period = ProtoField.uint32("roam_drcp.period", "Period in ms"),
	subnets = ProtoField.uint8("roam_drcp.subnets", "Subnets"),
	prefix = ProtoField.ipv6("roam_drcp.prefix", "Prefix"),
	length = ProtoField.uint8("roam_drcp.length", "Length of the prefix"),
	client = ProtoField.ether("roam_drcp.client", "Client"),
	address = ProtoField.ipv6("roam_drcp.address", "Address"),
	lease = ProtoField.uint32("roam_drcp.lease", "Lease in seconds"),
	router = ProtoField.ipv6("roam_drcp.router", "Default router"),
	dns = ProtoField.ipv6("roam_drcp.dns", "Name server"),
	mmp_key = ProtoField.uint32("roam_drcp.mmp_key", "Key id of MMP"),
	sealed = ProtoField.bytes("roam_drcp.sealed", "Sealed key"),
	authenticator = ProtoField.bytes("roam_drcp.authenticator", "Authenticator"),
	malformed = ProtoField.string("roam_drcp.malformed", "Malformed"),
}
drcp.fields = f

local function zeros(range)
	for i = 0, range:len() - 1 do
		if range(i, 1):uint() ~= 0 then return false end
	end
	return true
end

-- What is wrong with it, or nil: lengths first, so that all else can be read.
local function length_of(buffer)
	if buffer:len() < HEADER then return nil, "length" end
	if buffer(0, 1):uint() ~= 1 then return nil, "version" end
	local body = bodies[buffer(1, 1):uint()]
	if not body then return nil, "type" end
	local length = HEADER + body + AUTHENTICATOR
	if buffer:len() < length then return nil, "length" end
	if buffer(1, 1):uint() == 1 then
		local n = buffer(36, 1):uint()
		if n < 1 or n > 8 then return nil, "length" end
		length = length + n * SUBNET
	end
	if buffer:len() ~= length then return nil, "length" end
	return length
end

local function client(tree, buffer)
	tree:add(f.client, buffer(32, 6))
	if not zeros(buffer(38, 2)) then return "reserved" end
	if buffer(32, 1):uint() % 2 == 1 or zeros(buffer(32, 6)) then return "address" end
end

local function prefix(tree, buffer, at)
	tree:add(f.prefix, buffer(at, 16))
	tree:add(f.length, buffer(at + 16, 1))
	if not zeros(buffer(at + 17, 3)) then return "reserved" end
	local n = buffer(at + 16, 1):uint()
	if n < 1 or n > 128 then return "address" end
end

local function body(kind, tree, buffer)
	local wrong
	if kind == 1 then
		tree:add(f.period, buffer(32, 4))
		tree:add(f.subnets, buffer(36, 1))
		if zeros(buffer(32, 4)) or not zeros(buffer(37, 3)) then wrong = "reserved" end
		for i = 0, buffer(36, 1):uint() - 1 do
			wrong = wrong or prefix(tree, buffer, 40 + i * SUBNET)
			tree:add(f.router, buffer(60 + i * SUBNET, 16))
		end
		return wrong
	end
	wrong = client(tree, buffer)
	if kind == 3 or kind == 4 then
		wrong = wrong or prefix(tree, buffer, 40)
		tree:add(f.address, buffer(60, 16))
	elseif kind > 4 then
		tree:add(f.address, buffer(40, 16))
	end
	if kind == 4 then
		tree:add(f.lease, buffer(76, 4))
		tree:add(f.router, buffer(80, 16))
		tree:add(f.dns, buffer(96, 16))
		tree:add(f.mmp_key, buffer(112, 4))
		tree:add(f.sealed, buffer(120, 32))
		local ok = buffer(2, 1):uint() == 0
		if zeros(buffer(76, 4)) == ok or (ok and zeros(buffer(60, 16))) then wrong = wrong or "reserved" end
		local keyed = not zeros(buffer(112, 4))
		if not zeros(buffer(116, 4)) or (keyed and not ok) or (not keyed and not zeros(buffer(120, 32))) then
			wrong = wrong or "reserved"
		end
	end
	return wrong
end

function drcp.dissector(buffer, pinfo, root)
	pinfo.cols.protocol = "DRCP"
	local tree = root:add(drcp, buffer())
	local length, wrong = length_of(buffer)
	if length then
		local kind = buffer(1, 1):uint()
		pinfo.cols.info = types[kind]
		tree:add(f.version, buffer(0, 1))
		tree:add(f.type, buffer(1, 1))
		tree:add(f.status, buffer(2, 1))
		tree:add(f.key, buffer(4, 4))
		tree:add(f.server, buffer(8, 8))
		tree:add(f.epoch, buffer(16, 4))
		tree:add(f.sequence, buffer(20, 4))
		tree:add(f.stamp, buffer(24, 8))
		if not zeros(buffer(3, 1)) then wrong = "reserved" end
		if kind == 4 and buffer(2, 1):uint() > 5 or kind ~= 4 and not zeros(buffer(2, 1)) then
			wrong = "reserved"
		end
		wrong = wrong or body(kind, tree, buffer)
		tree:add(f.authenticator, buffer(length - AUTHENTICATOR, AUTHENTICATOR))
		if zeros(buffer(4, 4)) and not zeros(buffer(length - AUTHENTICATOR, AUTHENTICATOR)) then
			wrong = wrong or "reserved"
		end
	end
	if wrong then
		tree:add(f.malformed, wrong)
		pinfo.cols.info = "malformed: " .. wrong
	end
end

DissectorTable.get("udp.port"):add(PORT, drcp)
