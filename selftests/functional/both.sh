#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1500
# kernels: 6.12
#
# Two hosts that both move, one after the other and at the same instant, $ROUNDS
# times (30), while they talk to each other; and a host that comes home and leaves
# again. The first test captures, the next ones judge.
#
#   mobile                                          correspondent
#   203.0.113.5 -- net1 to net3 -- router -- far1 to far3 -- 203.0.113.99
#                  home 203.0.113.0/26       198.18.N.0/24
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$(dirname "$(realpath "$0")")/../topology.sh"

readonly rounds=${ROUNDS:-12}
readonly other_permanent=203.0.113.99
readonly home_gateway=203.0.113.1
# What the judges read: a line "CARE-OF OTHER-CARE-OF" for each pair of places.
readonly visited=$ROAM_OUT/both.visited
readonly wire=$ROAM_OUT/both.wire

# ---- the other host moves, too ----

# The fixed link of the correspondent stays down, it has three others.
other_create() {
	local n
	ip -n "$correspondent" link set eth0 down
	for n in 1 2 3; do
		veth_pair "$correspondent" "far$n" "$router" "far$n"
		ip -n "$router" address add "198.18.$n.1/24" dev "far$n"
		ip -n "$correspondent" link set "far$n" down
		in_ns "$correspondent" ethtool -K "far$n" tx off tso off gso off >/dev/null
		in_ns "$mobile" ethtool -K "net$n" tx off tso off gso off >/dev/null
	done
}

other_start() {
	cat >"$hosts/correspondent/lrd.conf" <<-END
		keys = "$hosts/correspondent/keys.key"
		permanent = {"$permanent_prefix"}
		register "$register_addr" { key = 2 }
		mobile { address = {"$other_permanent"}  announce_time = 5s }
	END
	daemon correspondent roam-lrd lrd
}

register_start_both() {
	cat >"$hosts/register/hlrd.conf" <<-END
		keys = "$hosts/register/keys.key"
		store = "$hosts/register/hlr.db"
		host "mobile" { key = 1  permanent = {"$permanent"} }
		host "correspondent" { key = 2  permanent = {"$other_permanent"} }
	END
	daemon register roam-hlrd hlrd
}

other_visits=0
# other_prepare N: what brings the other host to its network N, as move_to does.
# Sets $other_care_of.
other_prepare() {
	local n
	other_visits=$((other_visits + 1))
	other_care_of=198.18.$1.$((2 + other_visits % 250))
	for n in 1 2 3; do
		((n == $1)) || echo "link set far$n down"
		echo "address flush dev far$n scope global"
	done >"$hosts/other"
	cat >>"$hosts/other" <<-END
		link set far$1 up
		address add $other_care_of/24 dev far$1
		route replace default via 198.18.$1.1
	END
}

other_go() {
	ip -n "$correspondent" -batch "$hosts/other"
}

other_move_to() {
	other_prepare "$1"
	other_go || fail "cannot move to far$1"
}

other_is_registered() {
	permanent_is_at "$other_permanent" "$other_care_of"
}

# permanent_is_at PERMANENT CAREOF: at the register.
permanent_is_at() {
	roam register -j hlr show | jq -e --arg perm "$1" --arg coa "$2" \
		'any(.[]; .permanent == $perm and .care_of == $coa)'
}

arrived() {
	echo "$care_of $other_care_of" >>"$visited"
	talk there
	talk back
}

# Neither daemon runs before both hosts are somewhere else: whatever they send
# afterwards goes to where the other one was.
both_move_unnoticed() {
	daemon_signal mobile lrd STOP
	daemon_signal correspondent lrd STOP
	other_move_to "$1"
	move_to "$1"
	daemon_signal mobile lrd CONT
	daemon_signal correspondent lrd CONT
}

# As fast as the machine does both, in whatever order.
both_move() {
	local pid
	other_prepare "$1"
	other_go &
	pid=$!
	move_to "$1"
	wait "$pid" || fail "cannot move to far$1"
}

both_hosts_move() {
	local i
	require ethtool
	topology_create
	other_create
	register_start_both
	other_move_to 1
	other_start
	move_to 1
	mobile_start
	wait_for 60 is_registered
	wait_for 60 other_is_registered
	echo_serve mobile 7
	echo_serve correspondent 7

	: >"$visited"
	capture_start "$router" any both.pcap tcp
	talk_open there mobile "$other_permanent" 7
	talk_open back correspondent "$permanent" 7
	for ((i = 1; i <= rounds; i++)); do
		case $((i % 4)) in
		0) move_to $((1 + i % 3)) ;;
		1) both_move_unnoticed $((1 + i % 3)) ;;
		2) other_move_to $((1 + i % 3)) ;;
		3) both_move $((1 + i % 3)) ;;
		esac
		arrived
	done
	wait_for 60 is_registered
	wait_for 60 other_is_registered
	expect_eq "where the mobile host sends to" "$other_care_of" "$(sends_to mobile "$other_permanent")"
	expect_eq "where the other host sends to" "$care_of" "$(sends_to correspondent "$permanent")"
	expect_eq "connections of the mobile host" "$permanent $other_permanent" \
		"$(sockets mobile | sed -E 's/:[0-9]+//g' | sort -u)"
	expect_eq "connections of the other host" "$other_permanent $permanent" \
		"$(sockets correspondent | sed -E 's/:[0-9]+//g' | sort -u)"
	capture_stop
}

# sends_to HOST PERMANENT
sends_to() {
	roam "$1" -j mangle show "$2" | jq -r '.[0].care_of'
}

captured() {
	[[ -s $ROAM_OUT/both.pcap && -s $visited ]] || skip "nothing was captured"
}

both_addresses_are_rewritten() {
	captured
	tshark -n -r "$ROAM_OUT/both.pcap" -Y "tcp && !icmp" -T fields "${checksum_fields[@]}" \
		-e ip.src -e ip.dst -e ip.len -e tcp.hdr_len -e tcp.len -e tcp.flags.reset \
		-e tcp.flags.ack >"$wire.fields" 2>/dev/null
	cut -f 6- "$wire.fields" >"$wire"
	expect_eq "packets with a permanent address" "" "$(grep -w -F '203.0.113' "$wire" | head -n 3)"
	# In each pair of places, both ways: from care-of to care-of address.
	expect_eq "places without TCP in both directions" "" "$(awk '
		NR == FNR { pair[$1 " " $2]; next }
		{ seen[$1 " " $2] }
		END {
			for (p in pair) {
				split(p, a, " ")
				if (!(p in seen) || !((a[2] " " a[1]) in seen))
					print p
			}
		}' "$visited" "$wire")"
	# A refusal of a segment that came too early is one without ACK.
	expect_eq "connections that were reset" "" "$(
		awk -F'\t' '$6 ~ /1|True/ && $7 ~ /1|True/' "$wire" | head -n 3)"
	expect_eq "packets with more than TCP in IP" "" \
		"$(awk -F'\t' '$3 != 20 + $4 + $5' "$wire" | head -n 3)"
	expect_eq "packets with a wrong checksum" "" "$(wrong_checksums <"$wire.fields")"
}

# ---- home ----

home_create() {
	veth_pair "$mobile" home "$router" home
	ip -n "$router" address add "$home_gateway/26" dev home
	ip -n "$mobile" link set home down
}

go_home() {
	local n handoff=()
	for n in 1 2 3; do
		handoff+=("link set net$n down" "address flush dev net$n scope global")
	done
	in_batch mobile "${handoff[@]}" "link set home up" "address add $permanent/26 dev home" \
		"route replace default via $home_gateway"
	care_of=$permanent
}

leave_home() {
	ip -n "$mobile" link set home down
	ip -n "$mobile" address flush dev home
	move_to "$1"
}

home_is_known() {
	roam register -j hlr show | jq -e --arg perm "$permanent" \
		'any(.[]; .permanent == $perm and .care_of == $perm and .at_home)'
}

state_is() {
	[[ $(roam "$1" -j mangle show "$permanent" | jq -r '.[0].state') == "$2" ]]
}

rewritten() {
	echo "$(counter mobile mangle in_rewritten) $(counter mobile mangle out_rewritten)" \
		"$(counter correspondent mangle in_rewritten) $(counter correspondent mangle out_rewritten)"
}

home_and_away() {
	local i before talks=(out in)
	topology_create
	home_create
	register_start
	correspondent_start
	move_to 1
	mobile_start
	wait_for 60 is_registered
	echo_serve correspondent 7
	echo_serve mobile 7
	talk_open out mobile "$correspondent_addr" 7
	talk_open in correspondent "$permanent" 7
	for ((i = 1; i <= 2; i++)); do
		go_home
		wait_for 60 home_is_known
		wait_for 60 state_is correspondent null
		wait_for 60 state_is mobile null
		talk_all
		before=$(rewritten)
		capture_start "$router" correspondent "home.$i.pcap" tcp
		talk_open "out$i" mobile "$correspondent_addr" 7
		talk_open "in$i" correspondent "$permanent" 7
		talks+=("out$i" "in$i")
		talk_all
		capture_stop
		expect_eq "addresses on the wire at home" \
			"$correspondent_addr $permanent $permanent $correspondent_addr" \
			"$(addresses_in "home.$i.pcap")"
		expect_eq "rewritten at home" "$before" "$(rewritten)"
		expect_match "what explain says" "at home" "$(roam mobile explain "$permanent")"

		leave_home $((1 + i % 3))
		wait_for 60 is_registered
		wait_for 60 is_mapped correspondent
		talk_all
		expect_eq "at home" false "$(roam register -j hlr show | jq '.[0].at_home')"
		capture_start "$router" correspondent "away.$i.pcap" tcp
		talk_all
		capture_stop
		expect_eq "addresses on the wire when away" \
			"$care_of $correspondent_addr $correspondent_addr $care_of" \
			"$(addresses_in "away.$i.pcap")"
	done
}

talk_all() {
	local name
	for name in "${talks[@]}"; do
		talk "$name"
	done
}

prove "OPEN-20 OPEN-21 MLR-38: two hosts talk and both move, $rounds times" both_hosts_move
prove "OPEN-03 OPEN-21 MLR-39: both addresses of each packet are rewritten" \
	both_addresses_are_rewritten
prove "OPEN-22 MLR-38: a host comes home and leaves again, its connections live" home_and_away
tests_done
