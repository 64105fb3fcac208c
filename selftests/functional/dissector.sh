#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The dissector judges other tests, so it is judged first: by the test vectors of
# the protocol page, and by messages that the page calls malformed.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

here=$(dirname "$(realpath "$0")")
readonly pages=$here/../../Documentation/protocols

# Bytes as text2pcap wants them, names as read by whoever judges: the vectors as
# they are, then one, mostly the query, with one thing wrong.
# shellcheck disable=SC2016
readonly lr_messages='
import re, sys

page, dump, names = sys.argv[1:]
vectors = {}
for name, text in re.findall(r"```hex (\w+)\n(.*?)```", open(page).read(), re.S):
    vectors[name] = bytes.fromhex(re.sub(r"\s", "", re.sub(r";.*", "", text)))
query = vectors["query"]

def at(offset, *values, of="query"):
    message = bytearray(vectors[of])
    message[offset:offset + len(values)] = values
    return bytes(message)

vectors["sealed key of any bytes"] = at(40 + 48 + 16, 0xff, 2, of="answer_key")
wrong = {
    "version": at(0, 1), "type": at(1, 8), "type zero": at(1, 0), "count": at(3, 0),
    "count too high": at(3, 25), "length": query[:-1], "surplus": query + b"x",
    "header": query[:36], "nothing": b"\2", "flags": at(40 + 45, 8), "flags high": at(40 + 45, 0x80),
    "cookie in a query": at(24, 1), "cookie in an announce": at(39, 1, of="announce"),
    "authenticator without key": at(40 + 48, 1, of="announce"),
    "two in an announce": at(3, 2, of="announce"), "two in an update of one": at(3, 2, of="removal"),
    "flag key and another": at(40 + 45, 6), "flag key in an update": at(40 + 45, 4, of="removal"),
    "flag key in an announce": at(40 + 45, 4, of="announce_pair"),
    "key for multicast": at(40 + 48, 0xff, 2, of="answer_key"), "pair key": at(4, 0x80),
    "reserved": at(40 + 47, 1), "unspecified": at(40, *bytes(16)),
    "multicast": at(40 + 12, 224), "loopback": at(40 + 12, 127),
    "compatible": at(40, *bytes(12)), "multicast care-of": at(56, 0xff, 2),
    "no key": query[:4] + bytes(4) + query[8:-16] + bytes(16),
}
with open(dump, "w") as out, open(names, "w") as list:
    for good, messages in ((1, vectors), (0, wrong)):
        for name, message in messages.items():
            print("good" if good else "wrong", name, file=list)
            for i in range(0, len(message), 16):
                print("%06x " % i, message[i:i + 16].hex(" "), file=out)
            print(file=out)
'

# shellcheck disable=SC2016
readonly mmp_messages='
import re, sys

page, dump, names = sys.argv[1:]
vectors = {}
for name, text in re.findall(r"```hex (\w+)\n(.*?)```", open(page).read(), re.S):
    vectors[name] = bytes.fromhex(re.sub(r"\s", "", re.sub(r";.*", "", text)))

def at(of, offset, *values):
    message = bytearray(vectors[of])
    message[offset:offset + len(values)] = values
    return bytes(message)

wrong = {
    "version": at("probe", 0, 2), "type": at("probe", 1, 13), "type zero": at("probe", 1, 0),
    "length": vectors["probe"][:-1], "surplus": vectors["trace"] + b"x", "header": vectors["probe"][:20],
    "flag": at("registration", 3, 5), "no domain": at("registration", 11, 0),
    "domain denied": at("registration", 3, 0), "paging": at("probe", 15, 1),
    "loopback": at("registration", 28, 127), "multicast": at("registration", 52, 224),
    "reserved": at("registration", 79, 1), "empty name": at("registration", 64, 0),
    "name": at("registration", 64, 0x2f), "name behind zeros": at("registration", 70, 0x78),
    "names": at("gateway_beacon", 72, 0), "many names": at("gateway_beacon", 72, 17),
    "path": at("gateway_beacon", 76, 0x20), "second": at("gateway_beacon", 56, 0xff),
    "no period": at("gateway_beacon", 48, 0, 0, 0, 0), "subnets": at("base_station_beacon", 98, 5),
    "layer 2": at("base_station_beacon", 88, 3), "host bits": at("base_station_beacon", 115, 1),
    "prefix": at("base_station_beacon", 116, 129), "short prefix": at("base_station_beacon", 116, 95),
    "status": at("acknowledgement", 64, 4), "epoch": at("probe", 35, 1),
    "nodes": at("trace", 64, 0), "role": at("trace", 80, 3), "downlinks": at("trace_reply", 81, 3),
    "hop": at("trace_reply", 96, 0x20), "state": at("host_route", 64, 2),
}
with open(dump, "w") as out, open(names, "w") as list:
    for good, messages in ((1, vectors), (0, wrong)):
        for name, message in messages.items():
            print("good" if good else "wrong", name, file=list)
            for i in range(0, len(message), 16):
                print("%06x " % i, message[i:i + 16].hex(" "), file=out)
            print(file=out)
'

# judge MESSAGES PAGE PORT NAME PROTOCOL [FIELD]: what the dissector says of each.
judge() {
	local kind name malformed sealed expert
	require tshark text2pcap
	/usr/bin/python3 -c "$1" "$pages/$2" "$ROAM_OUT/dissector.hex" "$ROAM_OUT/dissector.names" ||
		fail "no vectors"
	text2pcap -q -u "40000,$3" "$ROAM_OUT/dissector.hex" "$ROAM_OUT/dissector.pcap" 2>&1
	tshark -n -r "$ROAM_OUT/dissector.pcap" -X "lua_script:$here/../dissector/${4//_/-}.lua" -T fields \
		-E separator='|' -e _ws.col.Protocol -e "$4.malformed" -e "$4.${6:-type}" -e _ws.expert.message \
		2>&1 | grep -v "^Running as user" >"$ROAM_OUT/dissector.seen"
	expect_eq "messages" "$(wc -l <"$ROAM_OUT/dissector.names")" \
		"$(wc -l <"$ROAM_OUT/dissector.seen")"
	paste -d'|' "$ROAM_OUT/dissector.names" "$ROAM_OUT/dissector.seen" |
		while IFS='|' read -r name protocol malformed sealed expert; do
			kind=${name%% *}
			expect_eq "$name: protocol" "$5" "$protocol"
			[[ $expert != *"Lua Error"* ]] || fail "$name: $expert"
			if [[ $kind == good ]]; then
				expect_eq "$name: malformed" "" "$malformed$expert"
			else
				expect_match "$name: malformed" "^(1|True)$" "$malformed"
				expect_match "$name: reason" . "$expert"
			fi
			[[ $name != "good answer_key" ]] ||
				expect_eq "sealed key" 0ec6c975c3e8bd00872e2bc6fbd79a54 "$sealed"
		done || exit 1
}

# The same for the table synchronisation.
# shellcheck disable=SC2016
readonly sync_messages='
import re, sys

page, dump = sys.argv[1:]
messages = [bytes.fromhex(re.sub(r"\s", "", text)) for text in re.findall(r"```hex [\w-]+\n(.*?)```", open(page).read(), re.S)]
update = messages[1]
for at, value in ((0, 2), (1, 0), (1, 11), (2, 5), (3, 0x40), (71, 1), (60, 224), (7, 3), (72, 0), (73, 2), (74, 0), (85, 0)):
    wrong = bytearray(update)
    wrong[at] = value
    messages.append(bytes(wrong))
messages += [update[:-1], update[:50]]
with open(dump, "w") as out:
    for message in messages:
        for i in range(0, len(message), 16):
            print("%06x " % i, message[i:i + 16].hex(" "), file=out)
        print(file=out)
'

table_synchronisation() {
	require tshark text2pcap
	/usr/bin/python3 -c "$sync_messages" "$here/../../Documentation/protocols/sync.md" "$ROAM_OUT/sync.hex" ||
		fail "no vectors"
	text2pcap -q -4 10.0.0.2,10.0.0.1 -u 17986,17986 "$ROAM_OUT/sync.hex" "$ROAM_OUT/sync.pcap" 2>&1
	expect_eq "malformed" "0 0 0 0 0 0 0 0 1 1 1 1 1 1 1 1 1 1 1 1 1 1" \
		"$(tshark -n -r "$ROAM_OUT/sync.pcap" -X "lua_script:$here/../dissector/roam-sync.lua" -Y roam_sync \
			-T fields -e roam_sync.malformed 2>/dev/null | sed 's/True/1/; s/False/0/' | xargs)"
}

prove "GEN-09: the dissector knows good messages from malformed ones" \
	judge "$lr_messages" location-register.md 17434 roam_lr ROAM-LR sealed_key
prove "GEN-09: so does that of MMP" judge "$mmp_messages" mmp.md 17436 roam_mmp ROAM-MMP
prove "STBY-81 GEN-09: the dissector of the table synchronisation" table_synchronisation
tests_done
