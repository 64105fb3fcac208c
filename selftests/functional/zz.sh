#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
#
# Home agents as one: roam-standbyd says who serves the virtual address, roam-agentd
# keeps the tables of the others in step. The network is that of failover-topology.sh.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$lib_dir/topology.sh"
# shellcheck source=../failover-topology.sh
. "$lib_dir/failover-topology.sh"
# shellcheck source=../mip-topology.sh
. "$lib_dir/mip-topology.sh"

world() {
	fo_device="" mip_device=""


	fo_create 2
	fo_start 1 2
	wait_for 30 fo_pair
	mip_foreign_start foreign1
	wait_for 10 fo_equal 1 2; sleep 2; roam agent1 sync status; roam agent1 sync show; roam agent2 sync show; roam agent1 standby show; mip_node_start
	wait_for 60 mip_is_at "foreign $mip_fa1"
}

fo_pair() {
	[[ $(for n in 1 2; do fo_of "$n" state; done | sort | xargs) == "active standby" ]]
}

in_step() {
	wait_for 20 fo_equal 1 2
	local active standby
	active=$(fo_active 1 2)
	standby=$((3 - active))
	expect_match "binding" "^$mip_home $mip_fa1 " "$(fo_bindings "$active")"
	expect_eq "binding at the standby" "$(fo_bindings "$active")" "$(fo_bindings "$standby")"

}

fixture world
prove "STBY-79 STBY-80 STBY-65 TEN-23: the standby agent's tables are those of the active one" in_step
tests_done
