#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
#
# Daemons die without a word while connections go on. The kernel keeps rewriting;
# whoever starts again finds what is there and goes on from it.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$(dirname "$(realpath "$0")")/../topology.sh"

# What dies, as topology.sh knows it: HOST PROGRAM NAME.
readonly -A daemons=(
	[register]="register roam-hlrd hlrd"
	[mobile]="mobile roam-lrd lrd"
	[correspondent]="correspondent roam-lrd lrd"
)

world() {
	# So that mappings are renewed while tests run.
	register_lifetime=30s
	topology_start
	echo_serve correspondent 7
	echo_serve mobile 7
	# Two connections, one from each side; they live through all tests.
	talk_open outbound mobile "$correspondent_addr" 7
	talk_open inbound correspondent "$permanent" 7
	traffic_start
}

# Bytes without a pause, so that a daemon always dies under traffic.
traffic_start() {
	bg in_ns "$correspondent" socat -u TCP-LISTEN:9 OPEN:/dev/null
	wait_for 60 port_open correspondent 9
	# shellcheck disable=SC2016 # the inner shell's
	bg in_ns "$mobile" bash -c \
		'while head -c 20000 /dev/zero; do sleep 0.1; done | exec socat -u - "TCP:$1:9"' \
		traffic "$correspondent_addr"
	wait_for 60 traffic_goes_on 0
}

# traffic_goes_on BYTES: more than so many were acknowledged.
traffic_goes_on() {
	local bytes
	bytes=$(in_ns "$mobile" ss -Htin state established dport = :9 |
		grep -o 'bytes_acked:[0-9]*' | cut -d: -f2)
	[[ $bytes ]] && ((bytes > $1))
}

everything_goes_on() {
	local bytes
	talk outbound
	talk inbound
	bytes=$(in_ns "$mobile" ss -Htin state established dport = :9 |
		grep -o 'bytes_acked:[0-9]*' | cut -d: -f2)
	[[ $bytes ]] || fail "the stream of bytes ended"
	wait_for 60 traffic_goes_on "$bytes"
}

die() {
	local host program name
	read -r host program name <<<"${daemons[$1]}"
	echo "$program of $host dies"
	daemon_stop "$host" "$name" KILL
}

# Nothing tells who waits that the daemon is back, as with any service manager.
come_back() {
	# shellcheck disable=SC2086 # words
	daemon ${daemons[$1]}
}

next_network() {
	place_now
	case $care_of in
	192.0.2.?|192.0.2.[1-5]?|192.0.2.6[0-3]) move_to 2 ;;
	192.0.2.6?|192.0.2.[7-9]?|192.0.2.1[01]?|192.0.2.12[0-7]) move_to 3 ;;
	*) move_to 1 ;;
	esac
}

all_daemons_die() {
	local host before
	for host in "${!daemons[@]}"; do
		die "$host"
	done
	expect_eq "daemons left" "" "$(pgrep -l 'roam-(hlrd|lrd)')"
	before=$(counter correspondent mangle out_rewritten)
	everything_goes_on
	counter_is correspondent mangle out_rewritten "-gt $before" ||
		fail "nothing was rewritten"
	# A new connection to a host that is known needs nobody, either.
	talk_open orphan mobile "$correspondent_addr" 7
	for host in register correspondent mobile; do
		come_back "$host"
	done
	next_network
	everything_goes_on
	wait_for 60 is_registered
}

# one_dies WHO: it dies, comes back, the host moves. Then it dies, the host moves,
# it comes back.
one_dies() {
	local who=$1
	die "$who"
	everything_goes_on
	come_back "$who"
	next_network
	everything_goes_on
	wait_for 60 is_registered

	die "$who"
	next_network
	come_back "$who"
	everything_goes_on
	wait_for 60 is_registered
	wait_for 60 is_mapped correspondent
}

register_keeps_its_content() {
	local before
	place_now
	wait_for 60 is_registered
	before=$(register_content)
	die register
	come_back register
	expect_eq "content" "$before" "$(register_content)"
	expect_match "content" "$permanent.*$care_of" "$before"
}

register_content() {
	roam register -j hlr show | jq -c '.[] | [.permanent, .care_of, .sequence, .key]'
}

# All that the register knew is lost. Nobody tells the mobile host, which stays where it
# is: it renews what it takes to be there, in time for who needs it.
register_comes_back_empty() {
	local moves
	next_network
	wait_for 60 is_registered
	wait_for 60 is_mapped correspondent
	moves=$(counter mobile lr moves)
	die register
	rm -f "$hosts/register"/hlr.db*
	# So far away that who asks when a mapping has ended asks too late.
	in_ns "$register" tc qdisc add dev eth0 root netem delay 300ms || skip "no netem"
	come_back register
	everything_goes_on
	wait_for 60 is_registered
	# What the correspondent knew ends soon, and it asks for what is used.
	wait_for 60 counter_is register hlr queries "-gt 0"
	everything_goes_on
	is_mapped correspondent || fail "care-of address: $(mapped_at correspondent)"
	talk_open again correspondent "$permanent" 7
	expect_eq "moves" "$moves" "$(counter mobile lr moves)"
}

fixture world
prove "OPEN-45 MLR-01: the register dies and keeps its content" register_keeps_its_content
prove "OPEN-45 MLR-38: the register dies under traffic" one_dies register
prove "OPEN-45 MLR-38: the correspondent's daemon dies under traffic" one_dies correspondent
prove "OPEN-45 MLR-38: the mobile host's daemon dies under traffic" one_dies mobile
prove "GEN-02 OPEN-45: rewriting goes on with all daemons dead" all_daemons_die
prove "OPEN-38 OPEN-45 MLR-38: the register comes back empty and learns what it lost" \
	register_comes_back_empty
tests_done
