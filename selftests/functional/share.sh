#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# Four home agents that share registrations. The network is that of
# failover-topology.sh; agent 4 takes none for others.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$lib_dir/topology.sh"
# shellcheck source=../failover-topology.sh
. "$lib_dir/failover-topology.sh"
# shellcheck source=../mip-topology.sh
. "$lib_dir/mip-topology.sh"

readonly many=120

sharing() { # N SERVE POLICY: what agent N has in its configuration
	fo_sync="acks = \"all\"  serve = \"$2\"  share = \"$3\"  weight = $(($1 == 4 ? 0 : 1))"
}

world() {
	local n
	modprobe roam_tunnel || fail "roam_tunnel cannot be loaded"
	modprobe macvlan
	fo_members='{ "198.18.0.1", "198.18.0.2", "198.18.0.3", "198.18.0.4" }'
	fo_many "$many"
	fo_create 4
	for n in 1 2 3 4; do
		sharing "$n" any hash
		fo_start "$n"
	done
	wait_for 30 fo_active 1 2 3 4
	wait_for 30 fo_equal 1 2 3 4
	mip_foreign_start foreign1
	mip_node_start
	wait_for 60 mip_is_at "foreign $mip_fa1"
}

reconfigure() { # SERVE POLICY AGENT...
	local n
	for n in "${@:3}"; do
		sharing "$n" "$1" "$2"
		fo_configure "$n"
		kill -HUP "$(<"$hosts/agent$n/agentd.pid")"
		wait_for 20 configured "$n" "$1" "$2"
	done
	# Each says in its next hello what it wants.
	wait_for 20 all_weights "$@"
}

configured() { # N SERVE POLICY
	[[ $(roam "agent$1" -j sync status | jq -r '.[0] | "\(.serve) \(.share)"') == "$2 $3" ]]
}

all_weights() { # SERVE POLICY AGENT...
	local expected n
	for n in "${@:3}"; do
		expected=$((n == 4 ? 0 : 1))
		[[ $1 == any ]] || expected=0
		[[ $(for a in 1 2 3 4; do
			((a == n)) || roam "agent$a" -j sync show | jq ".[] | select(.address == \"198.18.0.$n\") | .weight"
		done | sort -u) == "$expected" ]] || return 1
	done
}

register() { # NAME NODES [TO]: each of them once
	in_ns "$correspondent" timeout 60 "$lib_dir/registrations" "$hosts/node/keys.key" "$fo_vip" "$mip_peer" \
		"$2" 0 "$ROAM_OUT/$1.promised" ${3:+"$3"} >"$ROAM_OUT/$1.registrations"
}

counter() { # N NAME
	roam "agent$1" -j agent counters | jq -r ".[0].$2"
}

# Registrations that each agent took itself.
taken() {
	local n
	for n in "$@"; do
		counter "$n" accepted
	done
}

# lost NAME N: what was promised and is not at agent N.
lost() {
	fo_bindings "$2" | awk 'NR == FNR { at[$1] = $3; next } !($1 in at) || at[$1] < $2 { print }' \
		- "$ROAM_OUT/$1.promised"
}

order() { # N HOME: agents, and which one took the node's registration
	roam "agent$1" -j sync order "$2" | jq -r '[.[] | .address[9:] + (if .served then "*" else "" end)] | join(" ")'
}

# By the page, with another library: what the first of three live agents is.
readonly reference='
import hashlib, ipaddress, math, sys
def b(a): return bytes(10) + b"\xff\xff" + ipaddress.ip_address(a).packed
for home in sys.argv[1:]:
    def score(agent):
        u = ((int.from_bytes(hashlib.sha256(b(home) + b("198.18.0.%d" % agent)).digest()[:8], "big") >> 11) + 0.5) / 2**53
        return -1 / math.log(u)
    print(*sorted((1, 2, 3), key=score, reverse=True))'

# Each took more than a sixth, but agent 4 nothing; each node went to the first of its order.
served_by_order() {
	local n nodes=()
	for n in {1..12}; do
		nodes+=("10.77.1.$n")
	done
	register hash "$many"
	for n in "${nodes[@]}"; do
		order 1 "$n"
	done | sed 's/\*//; s/ 4$//' >"$ROAM_OUT/share.order"
	/usr/bin/python3 -c "$reference" "${nodes[@]}" | cmp - "$ROAM_OUT/share.order" || fail "the order is another one"
	for n in "${nodes[@]}"; do
		[[ $(order 1 "$n") == [123]\** ]] || return 1
	done
}

by_hash() {
	local n before after total=0 took
	mapfile -t before < <(taken 1 2 3 4)
	# A busy machine may look like an agent that is silent: then another one serves.
	wait_for 60 served_by_order
	mapfile -t after < <(taken 1 2 3 4)
	for n in 0 1 2 3; do
		took=$((after[n] - before[n]))
		echo "# agent $((n + 1)) took $took"
		total=$((total + took))
		((n == 3 ? took == 0 : took > many / 6)) || fail "agent $((n + 1)) took $took"
	done
	((total >= many)) || fail "$total of $many registrations were taken"
	wait_for 30 fo_equal 1 2 3 4
	for n in 1 2 3 4; do
		expect_eq "lost at agent $n" "" "$(lost hash "$n")"
	done
	in_ns "$correspondent" ping -n -c 1 -W 10 "$mip_home" >/dev/null || fail "no way to the node"
}

by_turn() {
	local n before after took
	reconfigure any round-robin 1 2 3 4
	# What ended is known to nobody: each is a new node.
	for n in {1..30}; do
		roam "agent$(fo_active 1 2 3 4)" agent end "10.77.1.$n" || fail "10.77.1.$n cannot be ended"
	done
	wait_for 30 fo_equal 1 2 3 4
	mapfile -t before < <(taken 1 2 3)
	register turn 30
	mapfile -t after < <(taken 1 2 3)
	for n in 0 1 2; do
		took=$((after[n] - before[n]))
		echo "# agent $((n + 1)) took $took"
		((took >= 5)) || fail "agent $((n + 1)) took $took of 30"
	done
	wait_for 30 fo_equal 1 2 3 4
	expect_eq "lost at agent 4" "" "$(lost turn 4)"
	reconfigure any hash 1 2 3 4
}

# served N HOME AGENT: as agent N sees it
served() {
	[[ " $(order "$1" "$2") " == *" $3* "* ]]
}

goes_on_at() { # N HOME...: these nodes are served by the next agent of their order
	local home next
	for home in "${@:3}"; do
		next=$(order "$1" "$home" | tr -d '*' | awk -v dead="$2" '{ print $1 == dead ? $2 : $1 }')
		served "$1" "$home" "$next" || return 1
	done
}

# An agent that serves dies under registrations, then the active one does.
members_die() {
	local active dead left=() n homes=()
	active=$(fo_active 1 2 3 4)
	bg in_ns "$correspondent" "$lib_dir/registrations" "$hosts/node/keys.key" "$fo_vip" "$mip_peer" \
		"$many" 200 "$ROAM_OUT/die.promised" >"$ROAM_OUT/die.registrations"
	for dead in 1 2 3; do
		((dead == active)) || break
	done
	for n in {1..12}; do
		homes+=("10.77.1.$n")
	done
	wait_for 30 counted "$dead" accepted 20
	fo_unplug "$dead"
	fo_kill "$dead"
	wait_for 30 goes_on_at "$active" "$dead" "${homes[@]}"
	for n in 1 2 3 4; do
		((n == dead || n == active)) || left+=("$n")
	done
	# SYNC-68: who becomes active has the list, and shares at once.
	fo_unplug "$active"
	fo_kill "$active"
	wait_for 30 fo_active "${left[@]}"
	n=$(fo_active "${left[@]}")
	# One of them is agent 4: whichever is active, the other ones' part is 3's or 1's.
	wait_for 30 spread "${left[@]}"
	stop "$bg_pid" INT
	tail -n 1 "$ROAM_OUT/die.registrations" | sed 's/^/# sent, accepted, denied, longest silence, seconds: /'
	wait_for 30 fo_equal "${left[@]}"
	for n in "${left[@]}"; do
		expect_eq "lost at agent $n" "" "$(lost die "$n")"
	done
	for n in "$dead" "$active"; do
		fo_plug "$n"
		sharing "$n" any hash
		fo_start "$n"
	done
	wait_for 30 fo_equal 1 2 3 4
	for n in 1 2 3 4; do
		expect_eq "lost at agent $n" "" "$(lost die "$n")"
	done
}

counted() { # N NAME VALUE
	(($(counter "$1" "$2") > $3))
}

# The one of the two that is not agent 4 takes what nodes ask now, and only that one.
spread() { # N 4
	local before after
	mapfile -t before < <(taken "$@")
	try_for 20 counted "$1" accepted "$((before[0] + 10))" || return
	mapfile -t after < <(taken "$@")
	((after[1] == before[1]))
}

# A passive agent serves what is sent to its own address, with "serve any" only; and it
# answers from there.
by_own_address() {
	local n
	wait_for 30 fo_active 1 2 3 4
	for n in 1 2 3; do
		(($(fo_active 1 2 3 4) == n)) || break
	done
	bg in_ns "$correspondent" tcpdump -n -l -i eth0 "udp src port 434 and src host 198.18.0.$n" \
		>"$ROAM_OUT/share.replies" 2>"$ROAM_OUT/share.tcpdump"
	wait_for 20 grep -q listening "$ROAM_OUT/share.tcpdump"
	register own 10 "198.18.0.$n"
	wait_for 20 grep -q "198.18.0.$n.434 >" "$ROAM_OUT/share.replies"
	stop "$bg_pid" INT
	wait_for 30 fo_equal 1 2 3 4
	expect_eq "lost" "" "$(lost own 4)"
	# Not any more.
	reconfigure active-only hash 1 2 3 4
	roam "agent$n" -j agent counters >"$ROAM_OUT/share.before"
	bg in_ns "$correspondent" "$lib_dir/registrations" "$hosts/node/keys.key" "$fo_vip" "$mip_peer" 10 20 \
		"$ROAM_OUT/refused.promised" "198.18.0.$n" >"$ROAM_OUT/refused.registrations"
	wait_for 20 counted "$n" other "$(($(jq '.[0].other' "$ROAM_OUT/share.before") + 10))"
	stop "$bg_pid" INT
	expect_eq "promised" "" "$(cat "$ROAM_OUT/refused.promised")"
	expect_eq "taken" "$(jq '.[0].accepted' "$ROAM_OUT/share.before")" "$(counter "$n" accepted)"
}

fixture world
prove "SYNC-66 SYNC-67: registrations are shared by a hash of the node" by_hash
prove "SYNC-66 SYNC-67: registrations are shared by turn" by_turn
prove "SYNC-66 SYNC-68 OPEN-57: an agent that serves dies, then the active one" members_die
prove "TEN-02 SYNC-23: a passive agent serves what its own address is asked, if it may" by_own_address
tests_done
