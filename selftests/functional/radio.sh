#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# Real radio: access points by hostapd, a host by wpa_supplicant, frames of 802.11 by
# mac80211_hwsim. Nothing of them is patched, and nothing is told to roam-mmpd by hand.
#
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topologies/mmp.sh
. "$lib_dir/topologies/mmp.sh"
# shellcheck source=../topologies/arrival.sh
. "$lib_dir/topologies/arrival.sh"
# shellcheck source=../topologies/radio.sh
. "$lib_dir/topologies/radio.sh"
arrival_air=wlan0

network() {
	require hostapd wpa_supplicant wpa_cli iw
	radio_load 5
	arrival_network
	on_exit radio_keep_logs
	mmp_carry_out
	radio_access_point bs1 1
	radio_access_point bs2 6
	radio_access_point bs3 11
	radio_station mn wlan0
	radio_station mn wlan1
	arrival_start
	arrival_host '"wlan0", "wlan1"'
	arrival_drcpd mn
	mmp_daemon mn
	radio_on mn wlan0
}

arrives_by_radio() {
	radio_roam mn wlan0 bs2
	wait_for 30 arrival_at bs2 8
	expect_ok in_ns "${mmp_ns[mn]}" busybox ping -c 1 -W 10 "$mmp_cn"
	expect_ok in_ns "${mmp_ns[cn]}" busybox ping -c 1 -W 10 "$(arrival_address)"
}

# ours LINK: ms from what the radio said last about that link to the acknowledgement behind it. A
# handoff that failed took -1.
ours() {
	awk -v link="link=$1" '
		function ms(t, p) { split(t, p, "[:.]"); return ((p[1] * 60 + p[2]) * 60 + p[3]) * 1000 + p[4] }
		$3 == link && /radio is at access point/ { at = ms($2); took = "" }
		/ handoff state=/ && !/took=-1/ { if (took == "") took = ms($2) - at }
		END { print took }' "$mmp_dir/mn/log"
}

# One radio hears one access point: what goes down meanwhile is kept, and comes behind. What the
# host itself sends without a radio is lost, and said.
forced_roam_keeps_the_address() {
	local before at
	wait_for 30 arrival_at bs2 8
	before=$(arrival_address)
	for at in bs3 bs2; do
		mmp_flow_host=$before mmp_flow 6 100
		radio_roam mn wlan0 "$at"
		wait_for 30 arrival_at "$at" 8
		mmp_flow_end
		expect_eq "address" "$before" "$(arrival_address)"
		echo "roam to $at: gap down $gap_down ms, up $gap_up ms, of which ours $(ours wlan0) ms; lost down $lost_down, up $lost_up"
		expect_eq "lost on the way down" 0 "$lost_down"
		((lost_up < got_up / 2)) || fail "more lost than a roam costs"
	done
	expect_match "what told of it" "radio is at access point" "$(<"$mmp_dir/mn/log")"
}

# The host walks away: its card hears the access point less and less, and looks for another one.
weak_signal_is_left() {
	local before
	wait_for 30 arrival_at bs2 8
	before=$(arrival_address)
	radio_loudness bs3 -40 || skip "hwsim has no loudness"
	radio_loudness bs1 -80
	radio_loudness bs2 -80
	wait_for 30 arrival_at bs3 8
	radio_loudness bs2 -40
	radio_loudness bs3 -80
	wait_for 30 arrival_at bs2 8
	# A card that hears nobody well listens to other channels again and again, and loses packets.
	radio_loudness bs1 -40
	radio_loudness bs3 -40
	expect_eq "address" "$before" "$(arrival_address)"
}

# Two radios: both ways work before the old one is left.
two_radios_lose_nothing() {
	local before at
	wait_for 30 arrival_at bs2 8
	before=$(arrival_address)
	radio_on mn wlan1 bs3
	wait_for 30 hears bs3
	mmp_flow_host=$before mmp_flow 8 100
	for at in bs3 bs2 bs3; do
		mmp_move "$at"
	done
	mmp_flow_end
	expect_eq "kind" semi-soft "$(mmp_get mn handoffs '.[-1].handoff')"
	expect_eq "address" "$before" "$(arrival_address)"
	expect_eq "lost on the way down" 0 "$lost_down"
	expect_eq "lost on the way up" 0 "$lost_up"
	stop "${radio_pid[mn-wlan1]}"
	wait_for 30 arrival_at bs2 8
}

hears() {
	mmp_get mn stations '.[].base_station' | grep -q "^$1$"
}

# The access point goes, and the card looks for another one by itself.
spontaneous_roam_keeps_the_address() {
	local before
	wait_for 30 arrival_at bs2 8
	before=$(arrival_address)
	stop "${radio_pid[bs1]}"
	stop "${radio_pid[bs2]}"
	wait_for 30 arrival_at bs3 8
	expect_eq "address" "$before" "$(arrival_address)"
	expect_ok in_ns "${mmp_ns[cn]}" busybox ping -c 1 -W 10 "$before"
}

fixture network
prove "OPEN-25 OPEN-55 MMP-83: a host that associates has an address and is registered" arrives_by_radio
prove "OPEN-25 MMP-46 MMP-82 MMP-83: a roam of one radio keeps the address, and loses nothing on the way down" forced_roam_keeps_the_address
prove "OPEN-25 OPEN-55 MMP-82: a card that hears its access point less and less goes to another one, and keeps the address" weak_signal_is_left
prove "OPEN-23 OPEN-25 MMP-46: with two radios no packet is lost" two_radios_lose_nothing
prove "OPEN-25 MMP-82: an access point that goes is left for another one" spontaneous_roam_keeps_the_address
tests_done
