#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# Generated netlink requests, most of them wrong in some way, from several
# processes and namespaces at once, while packets pass. What must be left: a
# module that answers, tables that agree with their counters, and nothing that is
# more than was put into it. The guest judges the kernel's log and looks for leaks.
#
# To repeat: SEED=N, as the first line of the test's log says. REQUESTS=N and
# REQUEST_SECONDS=N bound each of the four processes.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$(dirname "$(realpath "$0")")/../topology.sh"

here=$(dirname "$(realpath "$0")")
readonly here
readonly specs=$here/../../Documentation/netlink/specs
readonly seed=${SEED:-$RANDOM}

tool() {
	"$roam_bin/roam" "$@"
}

# generate N COMMAND...: one process in the background, in the namespace that
# COMMAND enters. Its output in requests.N.out.
generate() {
	bg "${@:2}" /usr/bin/python3 "$here/random-requests" --seed $((seed + $1)) \
		--count "${REQUESTS:-1500}" --seconds "${REQUEST_SECONDS:-60}" "$specs/roam_${module:-mangle}.yaml" \
		>"$ROAM_OUT/requests.$1.out" 2>&1
	generators[$1]=$bg_pid
}

slab() {
	awk '/^Slab:/ { print $2 }' /proc/meminfo
}

# table_agrees NS COUNTER COMMAND...: lifetimes end at any time, so that a table and
# its counter may be read apart.
table_agrees() {
	[[ $(tool -n "$1" -j mangle "${@:3}" | jq 'map(select(.state != "pending")) | length') == \
		$(tool -n "$1" -j mangle stats | jq ".[0].$2") ]]
}

nothing_on_hold() {
	[[ $(tool -n "$1" -j mangle stats | jq '.[0].holding') == 0 ]]
}

no_more_memory() {
	(($(slab) < $1 + 32768))
}

random_requests_under_traffic() {
	local server roamer ns host generators=() nobody=() i status before
	pair_create server roamer
	for host in "$server 1" "$roamer 2"; do
		# shellcheck disable=SC2086 # two words
		set -- $host
		in_ns "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0
		ip -n "$1" address add "2001:db8::$2/64" dev eth0 nodad
	done
	# The debug kernel has no user namespaces.
	[[ ! -e /proc/self/ns/user ]] || nobody=(--user --map-root-user)
	echo "seed $seed"
	before=$(slab)
	# Two in one namespace, one at the other end, and one that is nobody here.
	generate 0 in_ns "$server"
	generate 1 in_ns "$server"
	generate 2 in_ns "$roamer"
	generate 3 unshare --net "${nobody[@]}"
	for i in "${!generators[@]}"; do
		status=0
		wait "${generators[i]}" || status=$?
		cat "$ROAM_OUT/requests.$i.out"
		expect_eq "status of generator $i" 0 "$status"
		jq -R 'fromjson? | .requests' "$ROAM_OUT/requests.$i.out" |
			grep -q '^[1-9][0-9][0-9]' || fail "generator $i made few requests"
	done
	for ns in "$server" "$roamer"; do
		wait_for 60 table_agrees "$ns" mappings show
		wait_for 60 table_agrees "$ns" peers peer show
		expect_eq "care-of addresses that two share" "" \
			"$(tool -n "$ns" -j mangle show | jq -r '.[].care_of // empty' | sort | uniq -d)"
		tool -n "$ns" mangle stats
		expect_ok tool -n "$ns" mangle flush
		expect_ok tool -n "$ns" mangle peer flush
		expect_ok tool -n "$ns" mangle range set none
		expect_eq "mappings after a flush" 0 "$(tool -n "$ns" -j mangle stats | jq '.[0].mappings')"
		# Nobody listens, no hook holds: those that wait are let go in time.
		wait_for 90 nothing_on_hold "$ns"
	done
	wait_for 60 no_more_memory "$before"
	# And it does what it is for.
	for ns in "$server" "$roamer"; do
		expect_ok tool -n "$ns" mangle config set protocol tcp hold-time 2s max-mappings 100 internal none
	done
	expect_ok pair_map server roamer
	in_ns "$roamer" ping -c 1 -W 30 192.0.2.1 || fail "no packet passes"
}

# Two in one namespace and one at the other end, until all have ended.
generate_at_both() {
	local i status
	generate 0 in_ns "$server"
	generate 1 in_ns "$server"
	generate 2 in_ns "$roamer"
	for i in "${!generators[@]}"; do
		status=0
		wait "${generators[i]}" || status=$?
		cat "$ROAM_OUT/requests.$i.out"
		expect_eq "status of generator $i" 0 "$status"
	done
}

# The same for the access network: entries that meet, neighbours that come and go with
# them, links that are not there. Connections are begun to the same addresses.
random_requests_to_mmp() {
	local module=mmp server roamer host generators=() before
	modprobe roam_mmp || fail "no module"
	pair_create server roamer
	for host in "$server 1" "$roamer 2"; do
		# shellcheck disable=SC2086 # two words
		set -- $host
		in_ns "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0
		ip -n "$1" address add "2001:db8::$2/64" dev eth0 nodad
	done
	echo "seed $seed"
	before=$(slab)
	generate_at_both
	# A link that goes takes the routes to its neighbours along.
	ip -n "$server" link del eth0
	expect_match "statistics" '"hosts":' "$(tool -n "$server" -j mmp stats)"
	ip netns del "$roamer"
	wait_for 60 no_more_memory "$before"
}

# The same for tunnels: bindings and visitors of addresses that packets go to meanwhile, by
# devices of kind roam that go in the end.
random_requests_to_tunnel() {
	local module=tunnel server roamer ns generators=() before
	# Three kinds of messages here are long ones; in the debug kernel that takes a while.
	local REQUEST_SECONDS=${REQUEST_SECONDS:-25}
	modprobe roam_tunnel || fail "no module"
	pair_create server roamer
	for ns in "$server" "$roamer"; do
		ip -n "$ns" link add roam0 type roam
		ip -n "$ns" link set roam0 up
		in_ns "$ns" sysctl -qw net.ipv4.ip_forward=1
	done
	echo "seed $seed"
	before=$(slab)
	generate_at_both
	for ns in "$server" "$roamer"; do
		wait_for 60 tunnels_agree "$ns" bindings show
		wait_for 60 tunnels_agree "$ns" visitors visitors show
		expect_ok tool -n "$ns" tunnel visitors flush
	done
	expect_ok tool -n "$server" tunnel flush
	expect_eq "tunnels that nobody uses" 0 "$(tool -n "$server" -j tunnel stats | jq '.[0].endpoints')"
	# A device that goes takes what uses it along.
	ip -n "$roamer" link del roam0
	expect_eq "tunnels without a device" 0 "$(tool -n "$roamer" -j tunnel stats | jq '.[0].endpoints')"
	wait_for 60 no_more_memory "$before"
	ip netns del "$roamer"
}

# tunnels_agree NS COUNTER COMMAND...
tunnels_agree() {
	[[ $(tool -n "$1" -j tunnel "${@:3}" | jq length) == \
		$(tool -n "$1" -j tunnel stats | jq ".[0].$2") ]]
}

prove "OPEN-34 OPEN-35: generated random requests leave the module whole" random_requests_under_traffic
prove "OPEN-34 OPEN-35: so does the module of the access network" random_requests_to_mmp
prove "OPEN-34 OPEN-35: and the module of tunnels" random_requests_to_tunnel
tests_done
