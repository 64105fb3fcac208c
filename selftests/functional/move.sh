#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1500
#
# The main job: connections of unmodified programs go on while their host
# changes its network.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$(dirname "$(realpath "$0")")/../topology.sh"

readonly moves=${MOVES:-200}

# A program that answers every line it gets, on the correspondent.
echo_server() {
	bg in_ns "$correspondent" socat TCP-LISTEN:7,fork,reuseaddr EXEC:cat
	wait_for 30 port_open "$correspondent" 7
}

port_open() {
	in_ns "$1" ss -Hltn "sport = :$2" | grep -q .
}

one_connection_one_move() {
	topology_start
	echo_server
	coproc TALK { in_ns "$mobile" socat -t 30 - "TCP:$correspondent_addr:7"; }
	on_exit stop "$TALK_PID"
	echo one >&"${TALK[1]}"
	read -r -t 60 line <&"${TALK[0]}" || fail "no answer before the move"
	expect_eq "answer" one "$line"
	expect_match "local address of the socket" "$permanent:" \
		"$(in_ns "$mobile" ss -Htn state established dport = :7)"
	expect_match "peer address at the correspondent" "$permanent:" \
		"$(in_ns "$correspondent" ss -Htn state established sport = :7)"
	move_to 2
	wait_for 60 is_mapped correspondent
	echo two >&"${TALK[1]}"
	read -r -t 60 line <&"${TALK[0]}" || fail "no answer after the move"
	expect_eq "answer" two "$line"
	wait_for 60 is_registered
}

test "MLR-32 MLR-36 MLR-38: a connection goes on after a move" one_connection_one_move
tests_done
