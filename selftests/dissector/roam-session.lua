-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- Names of sessions in messages of Mobile IPv4, written from
-- Documentation/protocols/sessions.md alone, so that it judges the C code independently.
-- Wireshark's own dissector reads the messages; this one goes behind it. For the Lua 5.2 of
-- Wireshark 4.0 and the Lua 5.4 of 4.4.
--
--   tshark -X lua_script:roam-session.lua -r FILE -Y roam_session -T fields -e roam_session.sub_nai

local VENDOR, SUB, BOTH = 32473, 1, 2
local fixed = { [1] = 24, [3] = 20 }

local session = Proto("roam_session", "Names of a session")

local f = {
	nai = ProtoField.string("roam_session.nai", "NAI"),
	sub_nai = ProtoField.string("roam_session.sub_nai", "Sub-NAI"),
	behind = ProtoField.bool("roam_session.behind", "Named behind the node's authentication"),
	malformed = ProtoField.string("roam_session.malformed", "Malformed"),
}
session.fields = f

local payload = Field.new("udp.payload")
local from, to = Field.new("udp.srcport"), Field.new("udp.dstport")

-- A vendor extension with names: bytes behind type and length.
local function vendor(value, names)
	if value:len() < 8 or value(2, 4):uint() ~= VENDOR then return end
	local kind, text = value(6, 2):uint(), value:len() > 8 and value(8)
	if kind == SUB then
		if not text or text:len() > 64 then return "length" end
		if names.sub_nai then return "twice" end
		names.sub_nai = text
	elseif kind == BOTH then
		local length = text and text(0, 1):uint() or 0
		if length == 0 or text:len() < 2 + length then return "length" end
		if names.nai or names.sub_nai then return "twice" end
		names.nai, names.sub_nai = text(1, length), text(1 + length)
	end
	if value(0, 2):uint() ~= 0 then return "reserved" end
end

-- What is wrong with the extensions from there on, or nil.
local function walk(buffer, at, names)
	local signed = false
	while at < buffer:len() do
		local kind, head, length = buffer(at, 1):uint(), 2, nil
		if kind == 0 then
			at = at + 1
		else
			if kind == 38 then
				if at + 4 > buffer:len() then return "cut" end
				head, length = 4, buffer(at + 2, 2):uint()
			else
				if at + 2 > buffer:len() then return "cut" end
				length = buffer(at + 1, 1):uint()
			end
			if at + head + length > buffer:len() then return "cut" end
			local wrong
			local had = names.sub_nai
			if kind == 131 and length > 0 then
				if names.nai then return "twice" end
				names.nai = buffer(at + 2, length)
			elseif kind == 134 and length > 0 then
				wrong = vendor(buffer(at + 2, length), names)
			end
			if wrong then return wrong end
			if names.sub_nai and not had then names.behind = signed end
			signed = signed or kind == 32
			at = at + head + length
		end
	end
end

function session.dissector(_, _, root)
	local data, source, target = payload(), from(), to()
	if not data or source.value ~= 434 and target.value ~= 434 then return end
	local buffer = data.range
	local start = fixed[buffer(0, 1):uint()]
	if not start or buffer:len() < start then return end
	local names = {}
	local wrong = walk(buffer, start, names)
	if not names.nai and not names.sub_nai and not wrong then return end
	local tree = root:add(session, buffer)
	if names.nai then tree:add(f.nai, names.nai) end
	if names.sub_nai then
		tree:add(f.sub_nai, names.sub_nai)
		tree:add(f.behind, names.behind)
	end
	if wrong then tree:add(f.malformed, wrong) end
end

register_postdissector(session)
