#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
# kernels: 6.12 6.1 fast
#
# The module by itself, driven by the tool: load and unload, tables, batches,
# events. Large tables use the benchmark range 198.18.0.0/15, the documentation
# ranges are too small for them.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$(dirname "$(realpath "$0")")/../topology.sh"

readonly cycles=${CYCLES:-100}
readonly entries=${ENTRIES:-10000}

tool() {
	"$roam_bin/roam" "$@"
}

# status_of COMMAND...: prints its exit status.
status_of() {
	local status=0
	"$@" >/dev/null 2>&1 || status=$?
	echo "$status"
}

# ---- load and unload ----

# Connections and pings without end between two namespaces; not as fast as it
# goes, so that the emulated machine has time for us. A connection ends where the
# module comes or goes in the middle of it, and the next one begins.
traffic() {
	bg in_ns "$roamer" socat -u TCP-LISTEN:9,fork,reuseaddr OPEN:/dev/null
	bg in_ns "$server" /usr/bin/python3 -c '
import socket, sys, time
while True:
    try:
        with socket.create_connection((sys.argv[1], 9), timeout=1) as s:
            for _ in range(20):
                s.sendall(bytes(1400))
                time.sleep(0.02)
    except OSError:
        time.sleep(0.02)' "$permanent"
	traffic_pid=$bg_pid
	bg in_ns "$server" ping -q -i 0.05 192.0.2.2 >/dev/null
}

# Sets $packets, which the server received. Without a program: each costs the
# emulated machine a tenth of a second.
packets_now() {
	local name
	while read -r name _ packets _; do
		[[ $name != eth0: ]] || return 0
	done <"/proc/$traffic_pid/net/dev"
	fail "no eth0 beside the traffic"
}

more_packets() {
	packets_now
	((packets > $1 + 3))
}

# Packets in both directions since the module is there.
rewrites() {
	tool -n "$1" -j mangle stats | jq -e '.[0] | .in_rewritten > 0 and .out_rewritten > 0'
}

unload_under_traffic() {
	local server roamer doomed i ko packets before
	hosts=$(mktemp -d /run/roam-test.XXXXXX)
	on_exit rm -rf "$hosts"
	pair_create server roamer
	ko=$(modinfo -n roam_mangle)
	# Whoever asked a module of ours something has loaded it.
	modprobe -rq roam_tunnel roam_mmp
	# Found by its name where the way there matters, once.
	modprobe -r roam_mangle || fail "cannot unload before anything"
	modprobe roam_mangle || fail "cannot load by name"
	modprobe -r roam_mangle || fail "cannot unload by name"
	# What it needs went with it, and insmod does not look for that.
	[[ ! -e /sys/module/roam_core ]] || fail "what nobody uses any more stays"
	modprobe -a roam_core nf_conntrack nf_defrag_ipv6 || fail "cannot load what it needs"
	printf 'mangle replace %s via 192.0.2.2 lifetime 1h\nmangle range set %s\n' \
		"$permanent" "$permanent_prefix" >"$hosts/batch"
	traffic
	for ((i = 1; i <= cycles; i++)); do
		insmod "$ko" || fail "cannot load in cycle $i"
		tool -n "$server" -b "$hosts/batch" || fail "cannot configure in cycle $i"
		tool -n "$roamer" mangle replace "$permanent" via 192.0.2.2 own ||
			fail "cannot configure the roamer in cycle $i"
		doomed=''
		if ((i % 10 < 2)); then
			doomed=doomed-$i-$RANDOM
			ip netns add "$doomed"
			tool -n "$doomed" -b "$hosts/batch"
			wait_for 60 rewrites "$server"
			wait_for 60 rewrites "$roamer"
		fi
		packets_now
		before=$packets
		wait_for 60 more_packets "$before"
		# Now before the module, now after it.
		if [[ $doomed ]] && ((i % 2)); then
			ip netns delete "$doomed"
			doomed=''
		fi
		rmmod roam_mangle || fail "cannot unload in cycle $i"
		[[ ! $doomed ]] || ip netns delete "$doomed"
		[[ ! -e /sys/module/roam_mangle ]] || fail "still loaded in cycle $i"
	done
	expect_eq "hooks left" "" "$(grep -F '[roam_mangle]' /proc/kallsyms | head -n 3)"
	modprobe roam_mangle
}

# ---- tables ----

# A batch file of that many mappings.
many() {
	awk -v n="$1" -v command="$2" 'BEGIN {
		for (i = 0; i < n; i++)
			printf "mangle %s 198.18.%d.%d via 198.19.%d.%d\n", command,
				i / 250, i % 250 + 1, i / 250, i % 250 + 1
	}'
}

table_under_traffic() {
	local server roamer i status=0
	hosts=$(mktemp -d /run/roam-test.XXXXXX)
	on_exit rm -rf "$hosts"
	pair_create server roamer
	pair_map server roamer
	echo_serve roamer 7
	talk_open steady server "$permanent" 7
	traffic
	monitor_start

	many "$entries" add >"$hosts/batch"
	expect_ok tool -n "$server" -b "$hosts/batch"
	expect_eq "mappings" $((entries + 1)) \
		"$(tool -n "$server" -j mangle stats | jq '.[0].mappings')"
	for i in 1 2 3; do
		tool -n "$server" -j mangle show >"$hosts/dump" || fail "dump $i"
		expect_eq "entries of dump $i, and different ones" "$((entries + 1)) $((entries + 1))" \
			"$(jq -r '.[].permanent' "$hosts/dump" |
				awk '!seen[$1]++ { different++ } END { print NR, different }')"
		talk steady
	done
	expect_eq "one of them" '["198.18.7.9","198.19.7.9","remote","valid"]' \
		"$(tool -n "$server" -j mangle show 198.18.7.9 | jq -c '.[0] | [.permanent, .care_of, .role, .state]')"
	# The same once more is refused at its first line; replacing is not.
	tool -n "$server" -b "$hosts/batch" >"$hosts/output" 2>&1 || status=$?
	expect_eq "status" 2 "$status"
	expect_match "line" "line 1:" "$(<"$hosts/output")"
	many 10 replace >"$hosts/batch"
	expect_ok tool -n "$server" -b "$hosts/batch"
	expect_eq "drops" 0 "$(tool -n "$server" -j mangle stats |
		jq '.[0] | [to_entries[] | select(.key | startswith("drop_")) | .value] | add')"
	expect_ok tool -n "$server" mangle flush
	expect_eq "mappings" '[]' "$(tool -n "$server" -j mangle show)"
	# An event for each, or one that says that some were lost.
	wait_for 240 grep -q -E '"lost"|"deleted".*"198\.18\.|"198\.18\..*"deleted"' "$hosts/events"
}

# monitor_start [OPTION...]: events at $server go to a file.
monitor_start() {
	bg in_ns "$server" "$roam_bin/roam" -j "$@" monitor mangle >"$hosts/events"
	wait_for 60 monitor_listens
}

# It tells nothing until something happens.
monitor_listens() {
	tool -n "$server" mangle replace 203.0.113.99 null
	tool -n "$server" mangle del 203.0.113.99
	[[ -s $hosts/events ]]
}

# ---- the tool ----

json_is_valid() {
	local ns command output
	ns_create ns
	for command in "mangle show" "mangle peer show" "mangle range show" \
		"mangle show $permanent"; do
		# shellcheck disable=SC2086 # words
		expect_eq "$command" '[]' "$(tool -j -n "$ns" $command)"
	done
	for command in "mangle config show" "mangle stats" "status" "doctor"; do
		# shellcheck disable=SC2086
		output=$(tool -j -n "$ns" $command)
		jq -e 'type == "array" and length > 0' <<<"$output" >/dev/null ||
			fail "$command: no list: $output"
		expect_eq "$command: documents" 1 "$(jq -s length <<<"$output")"
	done
	tool -n "$ns" mangle replace "$permanent" via 192.0.2.2 lifetime 1h seq 7
	tool -n "$ns" mangle range set "$permanent_prefix" 198.51.100.0/24
	for command in "mangle show" "mangle range show" "mangle show $permanent"; do
		# shellcheck disable=SC2086
		tool -j -p -n "$ns" $command | jq -e 'type == "array" and length > 0' \
			>/dev/null || fail "$command: no list"
	done
	expect_eq "sequence" 7 "$(tool -j -n "$ns" mangle show | jq '.[0].sequence')"
	# What changes something says how much.
	expect_eq "documents of a change" 1 \
		"$(tool -j -n "$ns" mangle flush | jq -s length)"
}

changes_come_back() {
	local ns
	ns_create ns
	expect_ok tool -n "$ns" mangle config set protocol tcp,udp hold-packets 3 hold-total 30 \
		hold-time 300ms hold-policy drop grace 1s max-mappings 5 max-peers 6 peer-time 1m
	expect_eq "settings" '[["tcp","udp"],3,30,0.3,"drop",1,5,6,60]' \
		"$(tool -j -n "$ns" mangle config show | jq -c '.[0] |
			[.protocol, .hold_packets, .hold_total, .hold_time, .hold_policy,
			.grace, .max_mappings, .max_peers, .peer_time]')"
	many 5 add | tool -n "$ns" -b - || fail "five of five"
	expect_eq "status of the sixth" 2 \
		"$(status_of tool -n "$ns" mangle add "$permanent" via 192.0.2.2)"
	expect_match "why" "limit|max-mappings" \
		"$(tool -n "$ns" mangle add "$permanent" via 192.0.2.2 2>&1)"
	expect_eq "status of a double one" 2 \
		"$(status_of tool -n "$ns" mangle add 198.18.0.1 via 192.0.2.2)"
	expect_ok tool -n "$ns" mangle replace 198.18.0.1 via 192.0.2.77 seq 9
	expect_eq "status of an older one" 2 \
		"$(status_of tool -n "$ns" mangle replace 198.18.0.1 via 192.0.2.78 seq 8)"
	expect_eq "care-of address" 192.0.2.77 \
		"$(tool -j -n "$ns" mangle show 198.18.0.1 | jq -r '.[0].care_of')"
	expect_ok tool -n "$ns" mangle del 198.18.0.1 198.18.0.2
	expect_eq "status of deleting nothing" 2 "$(status_of tool -n "$ns" mangle del 198.18.0.1)"
	expect_eq "mappings" 3 "$(tool -j -n "$ns" mangle show | jq length)"
	expect_ok tool -n "$ns" mangle range set none
	expect_eq "prefixes" '[]' "$(tool -j -n "$ns" mangle range show)"
}

lifetimes_end() {
	local ns
	ns_create ns
	tool -n "$ns" mangle add "$permanent" via 192.0.2.2 lifetime 1s
	tool -n "$ns" mangle add 203.0.113.6 via 192.0.2.3 lifetime 1h
	wait_for 60 mappings_are "$ns" 203.0.113.6
}

mappings_are() {
	[[ $(tool -j -n "$1" mangle show | jq -r '.[].permanent' | xargs) == "${*:2}" ]]
}

batches_report() {
	local ns output
	ns_create ns
	expect_eq "all good" 0 "$(printf 'mangle add %s via 192.0.2.2\n# a comment\n\nmangle show\n' \
		203.0.113.1 | status_of tool -n "$ns" -b -)"
	expect_eq "unknown word" 1 "$(echo "mangle ad 203.0.113.2 via 192.0.2.2 now" |
		status_of tool -n "$ns" -b -)"
	expect_eq "refused" 2 "$(echo "mangle add 203.0.113.1 via 192.0.2.2" |
		status_of tool -n "$ns" -b -)"
	expect_eq "in part" 4 "$(printf '%s\n' "mangle add 203.0.113.3 via 192.0.2.3" \
		"mangle add 203.0.113.1 via 192.0.2.2" "mangle add 203.0.113.4 via 192.0.2.4" |
		status_of tool -n "$ns" -force -b -)"
	expect_eq "mappings" "203.0.113.1 203.0.113.3 203.0.113.4" \
		"$(tool -j -n "$ns" mangle show | jq -r '.[].permanent' | xargs)"
	# Without -force it ends at the wrong line, and says which.
	output=$(printf '%s\n' "mangle add 203.0.113.5 via 192.0.2.5" "mangle add x via y" \
		"mangle add 203.0.113.7 via 192.0.2.7" | tool -j -n "$ns" -b - 2>&1 >/dev/null)
	expect_eq "the wrong line" 2 "$(jq .error.line <<<"$output")"
	expect_eq "mappings" 4 "$(tool -j -n "$ns" mangle show | jq length)"
	output=$(printf 'mangle show\nmangle stats\n' | tool -j -n "$ns" -b -)
	expect_eq "lines of the results" '[1,2]' "$(jq -c 'map(.line)' <<<"$output")"
	expect_eq "no such file" 1 "$(status_of tool -b /nowhere)"
	expect_eq "no such namespace" 1 "$(status_of tool -n nowhere mangle show)"
	expect_eq "daemon that does not run" 3 \
		"$(ROAM_RUN_DIR=/nowhere status_of tool -n "$ns" hlr show)"
	module_absent roam_mangle
	expect_eq "module that is not loaded" 3 "$(status_of tool -n "$ns" mangle show)"
	expect_match "what to do" "modprobe roam_mangle" "$(tool -n "$ns" mangle show 2>&1)"
}

monitor_writes_json_lines() {
	local server
	hosts=$(mktemp -d /run/roam-test.XXXXXX)
	on_exit rm -rf "$hosts"
	ns_create server
	monitor_start -ts
	tool -n "$server" mangle add "$permanent" via 192.0.2.2
	tool -n "$server" mangle replace "$permanent" via 192.0.2.3
	tool -n "$server" mangle del "$permanent"
	tool -n "$server" mangle add "$permanent" via 192.0.2.4 lifetime 1s
	wait_for 60 grep -q expired "$hosts/events"
	expect_eq "lines that are no event" "" "$(
		jq -c -R '. as $line | try (fromjson | select((.object == "mangle" and .time) | not))
			catch $line' "$hosts/events")"
	expect_eq "events" "new 192.0.2.2 moved 192.0.2.3 deleted 192.0.2.3 new 192.0.2.4 expired 192.0.2.4" \
		"$(jq -r --arg perm "$permanent" 'select(.permanent == $perm) | .event + " " + .care_of' \
			"$hosts/events" | xargs)"
}

# ---- packets on hold, and tracepoints ----

# Listens to questions in a namespace and answers none: $bg_pid. The group is found
# as any client does, by the family's name.
ask_nobody() {
	bg in_ns "$1" /usr/bin/python3 -c '
import socket, struct, time

s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
s.bind((0, 0))
name = b"roam_mangle\0"
s.send(struct.pack("=IHHIIBBHHH", 24 + len(name), 16, 1, 1, 0, 3, 1, 0, 4 + len(name), 2) + name)
reply = s.recv(65536)
at = reply.index(b"miss\0")
# Its number stands before or behind the name, as an attribute of its own.
number = reply.rindex(struct.pack("=HH", 8, 2), 0, at) + 4
s.setsockopt(270, 1, struct.unpack_from("=I", reply, number)[0])
print("listens", flush=True)
time.sleep(3600)' >"$hosts/listener"
	wait_for 60 grep -q listens "$hosts/listener"
}

# connects NS ADDRESS...: a connection to each is begun, and given up after $wait.
connects() {
	in_ns "$1" /usr/bin/python3 -c '
import socket, sys
for address in sys.argv[2:]:
    s = socket.socket()
    s.settimeout(float(sys.argv[1]))
    try:
        s.connect((address, 9))
    except OSError:
        pass' "${wait:-0.1}" "${@:2}"
}

# traced EVENT WORDS: how many of them there are in the server's namespace. That of
# the test before may still be on its way out.
traced() {
	grep -c " $1: netns=$(stat -L -c %i "/run/netns/$server") .*$2" "$tracing/trace"
}

counted() {
	tool -n "$server" -j mangle stats | jq ".[0].$1"
}

# shown [ADDRESS]: what the tool shows of mappings.
shown() {
	tool -n "$server" -j mangle show "$@" |
		jq -c '[.[] | [.permanent, .care_of, .role, .state]]'
}

pending_mappings_are_shown() {
	local server roamer host
	hosts=$(mktemp -d /run/roam-test.XXXXXX)
	on_exit rm -rf "$hosts"
	pair_create server roamer
	tool -n "$server" mangle config set hold-time 8s hold-policy drop
	tool -n "$server" mangle range set "$permanent_prefix"
	tool -n "$server" mangle add "$permanent" via 192.0.2.2
	connects "$server" 203.0.113.20
	expect_eq "while nobody is asked" "[[\"$permanent\",\"192.0.2.2\",\"remote\",\"valid\"]]" "$(shown)"
	ask_nobody "$server"
	connects "$server" 203.0.113.20 203.0.113.21
	expect_eq "while two are asked for" \
		"[[\"203.0.113.20\",null,\"remote\",\"pending\"],[\"203.0.113.21\",null,\"remote\",\"pending\"]]" \
		"$(shown | jq -c '[.[] | select(.[3] == "pending")]')"
	expect_eq "one of them" '[["203.0.113.20",null,"remote","pending"]]' "$(shown 203.0.113.20)"
	expect_eq "its time" true "$(tool -n "$server" -j mangle show 203.0.113.20 |
		jq '.[0].expires_in | . > 0 and . <= 8')"
	expect_eq "mappings by the counter" 1 "$(counted mappings)"
	# It is no mapping yet: adding it is no change of one.
	expect_ok tool -n "$server" mangle add 203.0.113.20 null
	expect_eq "after the answer" '[["203.0.113.20",null,"remote","null"]]' "$(shown 203.0.113.20)"
	wait_for 60 holds_none
	expect_eq "when its time is over" \
		"[[\"203.0.113.20\",null,\"remote\",\"null\"],[\"$permanent\",\"192.0.2.2\",\"remote\",\"valid\"]]" \
		"$(shown | jq -c sort)"
	# More of them than fit into one part of a dump.
	for host in {30..230}; do echo "203.0.113.$host"; done >"$hosts/many"
	tool -n "$server" mangle config set hold-time 15s
	mapfile -t host <"$hosts/many"
	wait=0 connects "$server" "${host[@]}"
	expect_eq "many of them, each once" "$(sort "$hosts/many")" \
		"$(tool -n "$server" -j mangle show |
			jq -r '.[] | select(.state == "pending") | .permanent' | sort)"
}

tracepoints_agree_with_counters() {
	local server roamer tracing=/sys/kernel/tracing
	[[ -d $tracing/events ]] || skip "a kernel without tracing"
	hosts=$(mktemp -d /run/roam-test.XXXXXX)
	on_exit rm -rf "$hosts"
	pair_create server roamer
	echo 1 >"$tracing/events/roam_mangle/enable" || fail "no tracepoints"
	# shellcheck disable=SC2016 # the inner shell's
	on_exit sh -c 'echo 0 >"$1/events/roam_mangle/enable"; : >"$1/trace"' sh "$tracing"
	: >"$tracing/trace"
	tool -n "$server" mangle config set hold-time 4s hold-policy drop hold-packets 1
	tool -n "$server" mangle range set "$permanent_prefix"
	ask_nobody "$server"
	# Two packets to one host: the second one finds no room.
	connects "$server" 203.0.113.20 203.0.113.21 203.0.113.20 203.0.113.22
	# One of them is answered, nobody answers about the others.
	tool -n "$server" mangle add 203.0.113.22 null
	wait_for 60 holds_none
	tool -n "$server" mangle replace "$permanent" via 192.0.2.2
	tool -n "$server" mangle replace "$permanent" via 192.0.2.9
	tool -n "$server" mangle del "$permanent"
	cp "$tracing/trace" "$ROAM_OUT/module.trace"

	expect_eq "questions" "1 1 1" "$(for host in 20 21 22; do
		traced miss "own=:: peer=::ffff:203.0.113.$host need=mapping"
	done | xargs)"
	for reason in hold_full hold_timeout malformed untold no_route; do
		expect_eq "drops by $reason" "$(counted "drop_$reason")" \
			"$(traced drop "reason=$reason\$")"
	done
	(($(counted drop_hold_full) > 0 && $(counted drop_hold_timeout) > 1)) ||
		fail "nothing was dropped"
	expect_match "a packet that was dropped" "^[1-9]" \
		"$(traced drop "saddr=::ffff:192.0.2.1 daddr=::ffff:203.0.113.20 reason=hold_full")"
	expect_eq "the answer" 1 "$(traced answer "peer=::ffff:203.0.113.22 packets=1 in_time=1")"
	expect_eq "silence" 2 "$(traced answer "peer=::ffff:203.0.113.2[01] packets=1 in_time=0")"
	expect_eq "changes" "new 192.0.2.2 moved 192.0.2.9 deleted 192.0.2.9" \
		"$(sed -n -E "s/.* mapping: .*permanent=::ffff:$permanent care_of=::ffff:([0-9.]+) role=remote reason=(.*)/\2 \1/p" \
			"$tracing/trace" | xargs)"
}

holds_none() {
	[[ $(counted holding) == 0 ]]
}

with_module() {
	modprobe roam_mangle || fail "roam_mangle cannot be loaded"
}

fixture with_module
prove "GEN-01: $cycles times loaded and unloaded under traffic" unload_under_traffic
prove "GEN-06 GEN-18: $entries mappings under traffic, no packet dropped" table_under_traffic
prove "GEN-07: JSON is valid, and a list even when empty" json_is_valid
prove "GEN-06 GEN-07: what is set can be read and deleted" changes_come_back
prove "MLR-20: a mapping ends with its lifetime" lifetimes_end
prove "GEN-07: batches report line and status" batches_report
prove "GEN-06 GEN-07: the monitor writes JSON lines" monitor_writes_json_lines
prove "MLR-21 OPEN-50: a mapping that is asked for is shown as pending" pending_mappings_are_shown
prove "OPEN-50: tracepoints tell what the counters count" tracepoints_agree_with_counters
tests_done
