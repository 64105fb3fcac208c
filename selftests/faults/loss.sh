#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
#
# Control messages get lost, doubled and late; a register is out of reach while the
# host moves. In the end everybody agrees.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$(dirname "$(realpath "$0")")/../topology.sh"

readonly moves=10

world() {
	mobile_options='move_time = 120s'
	topology_start
	echo_serve correspondent 7
	talk_open steady mobile "$correspondent_addr" 7
}

# spoil HOST: on both directions of its link, only our messages: UDP.
spoil() {
	spoil_device "$router" "$1"
	spoil_device "${!1}" eth0
}

spoil_device() {
	in_ns "$1" tc qdisc add dev "$2" root handle 1: prio || skip "no prio queues"
	in_ns "$1" tc qdisc add dev "$2" parent 1:3 handle 30: netem limit 1000 \
		delay 40ms 20ms loss 30% duplicate 30% reorder 30% || skip "no netem"
	in_ns "$1" tc filter add dev "$2" parent 1: protocol ip u32 \
		match ip protocol 17 0xff flowid 1:3 || skip "no u32 filters"
	on_exit in_ns "$1" tc qdisc del dev "$2" root
}

spoiled() {
	in_ns "$1" tc -s qdisc show dev "$2" | grep -A 1 netem | grep -o 'dropped [0-9]*'
}

moves_with_loss() {
	local i
	spoil register
	spoil correspondent
	for ((i = 1; i <= moves; i++)); do
		move_to $((1 + i % 3))
		talk steady
		wait_for 120 is_mapped correspondent
		wait_for 120 is_registered
	done
	# It was not luck.
	expect_match "lost" "dropped [1-9]" "$(
		spoiled "$router" register
		spoiled "$register" eth0
		spoiled "$router" correspondent
		spoiled "$correspondent" eth0)"
}

# late_by PROOF: the correspondent is slow to learn the new care-of address, which PROOF
# will make it believe. What the host sends meanwhile must not end the connection.
late_by() {
	local i line
	talk_open eager mobile "$correspondent_addr" 7
	capture_start "$correspondent" eth0 loss.eager.pcap tcp
	for ((i = 1; i <= 3; i++)); do
		[[ $1 == register ]] || wait_for 60 proof_is "$1"
		daemon_signal correspondent lrd STOP
		on_exit daemon_signal correspondent lrd CONT
		# A daemon that has just started has no pair key until it is confirmed.
		if [[ $1 == register ]]; then
			daemon_stop mobile lrd
			mobile_start
			wait_for 60 proof_is "$1"
		fi
		move_to $((1 + i % 3))
		wait_for 60 own_is_mapped
		echo "move $i" >&"${talk_in[eager]}"
		# Held back, or sent: both are right as long as the connection lives.
		try_for 3 sent_from_here
		daemon_signal correspondent lrd CONT
		read -r -t 60 line <&"${talk_out[eager]}" || {
			topology_show
			fail "the connection ended with move $i; resets: $(resets)"
		}
		expect_eq "answer" "move $i" "$line"
	done
	capture_stop
}

proof_is() {
	roam mobile -j lr peers | jq -e --arg proof "$1" --arg peer "$correspondent_addr" \
		'any(.[]; .correspondent == $peer and .proof == $proof)'
}

# Who has to ask the register gets nothing before it has confirmed.
data_before_the_confirmation() {
	late_by register
	expect_eq "resets" "" "$(resets)"
}

# Data goes behind a proof, before the confirm: too early here.
data_before_the_proof_is_read() {
	late_by pair
	expect_match "resets" "Flags" "$(resets)"
	counter_is mobile mangle drop_early_reset "-gt 0" || fail "none was dropped"
}

sent_from_here() {
	tcpdump -n -r "$ROAM_OUT/loss.eager.pcap" "src $care_of" 2>/dev/null | grep -q .
}

resets() {
	tcpdump -n -r "$ROAM_OUT/loss.eager.pcap" 'tcp[tcpflags] & tcp-rst != 0' 2>/dev/null
}

own_is_mapped() {
	is_mapped mobile
}

register_out_of_reach() {
	place_now
	wait_for 120 is_registered
	old=$care_of
	ip -n "$register" link set eth0 down
	move_to 2
	# The host has tried in vain.
	wait_for 120 tried_in_vain
	expect_eq "the register's last word" "$old" \
		"$(roam register -j hlr show | jq -r '.[0].care_of')"
	ip -n "$register" link set eth0 up
	ip -n "$register" route replace default via 198.51.100.65
	wait_for 120 is_registered
	wait_for 120 is_mapped correspondent
	talk steady
}

tried_in_vain() {
	roam mobile -j lr registers | jq -e '.[0] | .tries >= 2 and (.registered | not)'
}

# Two moves while nobody answers: only the newer one counts afterwards.
two_moves_out_of_reach() {
	ip -n "$register" link set eth0 down
	move_to 1
	wait_for 120 tried_in_vain
	move_to 3
	wait_for 120 tried_in_vain
	ip -n "$register" link set eth0 up
	ip -n "$register" route replace default via 198.51.100.65
	wait_for 120 is_registered
	wait_for 120 is_mapped correspondent
	talk steady
}

fixture world
prove "OPEN-20 OPEN-38 MLR-34 MLR-36: $moves moves with lost, doubled and late messages" \
	moves_with_loss
prove "MLR-38: data before the correspondent knows the new address does no harm" \
	data_before_the_confirmation
prove "MLR-38 OPEN-28: nor does data before a correspondent has read a proof" \
	data_before_the_proof_is_read
prove "MLR-34 MLR-38: the register is out of reach during a move" register_out_of_reach
prove "MLR-34 OPEN-38: two moves while the register is out of reach" two_moves_out_of_reach
tests_done
