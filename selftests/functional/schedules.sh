#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# schedules.sh [FIRST [N]]: N schedules by chance of crashes, restarts, partitions and heals
# of four home agents under registrations and de-registrations, from the one with the number
# FIRST on; each has its own seed and can be repeated. What the tables are in the end is
# judged by a reference (judge-registrations). "make soak-group" plays fifty.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$lib_dir/topology.sh"
# shellcheck source=../failover-topology.sh
. "$lib_dir/failover-topology.sh"
# shellcheck source=../mip-topology.sh
. "$lib_dir/mip-topology.sh"

readonly first=${1:-1} schedules=${2:-3} many=60 steps=5

world() {
	modprobe roam_tunnel || fail "roam_tunnel cannot be loaded"
	modprobe macvlan
	fo_members='{ "198.18.0.1", "198.18.0.2", "198.18.0.3", "198.18.0.4" }'
	fo_sync='acks = "all"  serve = "any"'
	fo_many "$many"
	fo_create 4
	in_batch air "link add island type bridge forward_delay 0" "link set island up"
	fo_start 1 2 3 4
	wait_for 30 one_active
	wait_for 30 fo_equal 1 2 3 4
}

one_active() {
	local n
	(($(for n in 1 2 3 4; do fo_of "$n" state 2>/dev/null; done | grep -c active) == 1))
}

chance() { # N: a number below N
	chance=$((chance_state = (chance_state * 1103515245 + 12345) % 2147483648, chance_state / 65536 % $1))
}

runs() { # N
	[[ -e $hosts/agent$1/agentd.pid ]]
}

step() {
	local what n
	chance 4
	n=$((chance + 1))
	chance 4
	what=$chance
	if ! runs "$n"; then
		what=start
		fo_start "$n"
	elif ((what == 0)); then
		what='kill'
		fo_kill "$n"
	elif ((what == 1)); then
		what=partition
		in_batch air "link set agent$n-eth0 master island"
	elif ((what == 2)); then
		what=unplug
		fo_unplug "$n"
	else
		what=heal
		fo_plug "$n"
	fi
	echo "# $what $n"
	# Long enough for an election at times, too short at others.
	chance 12
	sleep "$((chance / 10)).$((chance % 10))"
}

schedule() { # NUMBER
	local n
	chance_state=$1
	: >"$ROAM_OUT/schedule.history"
	bg in_ns "$correspondent" "$lib_dir/registrations" "$hosts/node/keys.key" "$fo_vip" "$mip_peer" \
		"$many" 100 "$ROAM_OUT/schedule.promised" "" "$ROAM_OUT/schedule.history" >"$ROAM_OUT/schedule.registrations"
	for ((n = 0; n < steps; n++)); do
		step
	done
	for n in 1 2 3 4; do
		fo_plug "$n"
		runs "$n" || fo_start "$n"
	done
	wait_for 30 one_active
	wait_for 30 accepted_more_than "$(grep -c accepted "$ROAM_OUT/schedule.history")"
	stop "$bg_pid" INT
	wait_for 30 fo_equal 1 2 3 4
	for n in 1 2 3 4; do
		fo_bindings "$n" >"$ROAM_OUT/schedule.$n"
	done
	"$lib_dir/judge-registrations" "$ROAM_OUT/schedule.history" "$ROAM_OUT"/schedule.{1,2,3,4} ||
		fail "schedule $1 ended with wrong tables"
	one_active || fail "more than one agent is active, or none"
}

# Something is accepted again, by whoever is active now.
accepted_more_than() {
	(($(grep -c accepted "$ROAM_OUT/schedule.history") > $1))
}

fixture world
for ((number = first; number < first + schedules; number++)); do
	prove "OPEN-44 OPEN-57 SYNC-01 SYNC-35: crashes and partitions by chance, schedule $number" schedule "$number"
done
tests_done
