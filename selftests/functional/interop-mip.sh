#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# Mobile IPv4 with partners that share no code with us: a home agent and a registration
# client made with scapy (selftests/interop/mip). The network is that of
# mip-topology.sh.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$lib_dir/topology.sh"
# shellcheck source=../mip-topology.sh
. "$lib_dir/mip-topology.sh"

readonly other=$lib_dir/interop/mip

world() {
	modprobe roam_tunnel || fail "roam_tunnel cannot be loaded"
	/usr/bin/python3 -c 'import scapy' || skip "no scapy"
	mip_create
	mip_foreign_sections='pending_timeout = 6s' mip_foreign_options='gre = no encapsulating = no' mip_foreign_start foreign1
	echo grants >"$hosts/behaviour"
	bg in_ns "$home" /usr/bin/python3 "$other" agent "$mip_agent" "$hosts/node/keys.key" \
		"$hosts/foreign1/keys.key" "$hosts/behaviour" "$hosts/log"
	wait_for 60 grep -q ready "$hosts/log"
	mip_node_options='retry_max = 1s' mip_node_start
}

# behaves WORD [NUMBER]: what the home agent does from now on.
behaves() {
	echo "$*" >"$hosts/behaviour.new"
	mv "$hosts/behaviour.new" "$hosts/behaviour"
}

asked() { # TIMES
	(($(wc -l <"$hosts/log") > $1))
}

# Another request goes out, and the home agent has answered it.
renew() {
	local before
	before=$(wc -l <"$hosts/log")
	roam node mn renew
	wait_for 30 asked "$before"
}

counter() { # HOST OBJECT NAME
	roam "$1" -j "$2" stats | jq "[.. | objects | .$3? // empty | numbers] | add // 0"
}

denial() {
	roam node -j mn status | jq -r '[.. | objects | .last_denial? // empty] | first // "none"'
}

its_home_agent() {
	wait_for 60 mip_is_at "foreign $mip_fa1"
	expect_eq "what it understood" \
		"$mip_home $mip_agent $mip_fa1 true true" \
		"$(jq -r 'select(.home) | "\(.home) \(.agent) \(.care_of) \(.mobile) \(.foreign)"' "$hosts/log" | tail -n 1)"
	expect_eq "visitor" "$mip_home 1800" \
		"$(roam foreign1 -j agent visitors | jq -r '.[] | "\(.home) \(.lifetime)"')"
}

# Each denial comes through the foreign agent, and the node says which it was. Afterwards
# it is granted again.
denies() {
	local code word
	wait_for 60 mip_is_at "foreign $mip_fa1"
	for code in 128 129 130 131 132 134 135 136 137 138 139; do
		behaves code "$code"
		word=$(code_name "$code")
		roam node mn renew
		wait_for 30 says "$word"
	done
	behaves grants
	roam node mn leave
	roam node mn join
	wait_for 60 mip_is_at "foreign $mip_fa1"
}

says() {
	[[ $(denial) == *"$1"* ]]
}

# The words of mip_code_name(), which the tool shows.
code_name() {
	case $1 in
	128) echo "unspecified" ;;
	129) echo "prohibited" ;;
	130) echo "resources" ;;
	131) echo "node failed" ;;
	132) echo "foreign agent failed" ;;
	134) echo "request" ;;
	135) echo "simultaneous" ;;
	136) echo "unknown home agent" ;;
	137) echo "reverse tunnel unavailable" ;;
	138) echo "reverse tunnel is mandatory" ;;
	139) echo "encapsulation" ;;
	esac
}

# Replies that nobody may believe change nothing at the node nor at the foreign agent.
hostile() {
	local before word
	wait_for 60 mip_is_at "foreign $mip_fa1"
	before=$(roam foreign1 -j agent visitors | jq -c '.[] | [.home, .identification]')
	for word in "wrong-key" "other-id" "other-home" "cut 12" "cut 21" "flip 3" "flip 30" "no-signature" \
		"no-foreign" "wrong-foreign" "unknown 99" "code 9"; do
		# shellcheck disable=SC2086 # a word and its number
		behaves $word
		renew
		mip_is_at "foreign $mip_fa1" || fail "the node believed '$word'"
	done
	behaves more
	renew
	wait_for 30 lifetime_is_at_most 1800
	behaves unknown 200
	renew
	mip_is_at "foreign $mip_fa1" || fail "an extension that may be skipped was not"
	behaves grants
	renew
	[[ $before ]] || fail "no visitor"
}

lifetime_is_at_most() {
	(($(roam foreign1 -j agent visitors | jq '.[0].lifetime') <= $1 &&
		$(roam node -j mn show | jq '.[0].lifetime') <= $1))
}

# client WORD NUMBER [AGENT]: code and lifetime of the answer to its request
client() {
	in_ns "$node" /usr/bin/python3 "$other" ask eth0 "$fa_mac" "$mip_fa1" "${3:-$mip_agent}" "$mip_fa1" \
		"$hosts/node/keys.key" "$1" "$2"
}

# The situations of the foreign agent's codes, asked by a client that is none of ours.
its_client() {
	local fa_mac
	daemon_stop node mnd
	on_exit mip_node_start
	fa_mac=$(ip -n "$foreign1" -json link show eth1 | jq -r '.[0].address')
	in_batch foreign1 "route add unreachable 203.0.113.0/24"
	on_exit ip -n "$foreign1" route del unreachable 203.0.113.0/24
	behaves grants
	expect_eq "granted" "0 600" "$(client plain 0)"
	expect_eq "reserved bit" "70 600" "$(client reserved 1)"
	expect_eq "unsigned" "70 600" "$(client unsigned 2)"
	expect_eq "cut" "70 600" "$(client cut 3)"
	expect_eq "compression" "73 600" "$(client compression 4)"
	expect_eq "encapsulation" "72 600" "$(client gre 5)"
	expect_eq "too distant" "76 600" "$(client distant 6)"
	expect_eq "delivery style" "79 600" "$(client style 7)"
	expect_eq "lifetime" "69 3600" "$(client long 8)"
	expect_eq "care-of address" "77 600" "$(client care-of 9)"
	expect_eq "vendor extension" "0 600" "$(client plain 10)"
	expect_eq "the agent itself" "194 600" "$(client agent 11 "$mip_fa1")"
	expect_eq "no way to the network" "80 600" "$(client agent 12 203.0.113.9)"
	expect_eq "nobody has the address" "81 600" "$(client agent 13 198.18.0.77)"
	expect_eq "nobody listens" "82 600" "$(client agent 14 "$mip_peer")"
	expect_eq "an extension that nobody may skip" "silence" "$(WAIT=1 client unknown 15)"
	behaves silent
	expect_eq "no answer" "78 600" "$(client plain 16)"
	behaves shorter 3
	expect_eq "a cut reply" "71 600" "$(client plain 17)"
	behaves no-foreign
	expect_eq "a reply that the home agent did not sign" "68 600" "$(client plain 18)"
	behaves grants
	expect_eq "visitors" "10.77.0.100 10.77.0.110" \
		"$(roam foreign1 -j agent visitors | jq -r '.[].home' | sort -V | grep -v "$mip_home" | xargs)"
}

fixture world
prove "MIP-19 MIP-23 MIP-60: an independent home agent grants what our node asks for" its_home_agent
prove "MIP-62: each denial of an independent home agent reaches the node" denies
prove "MIP-20 MIP-62 TEN-20 OPEN-35: replies that nobody may believe change nothing" hostile
prove "MIP-23 MIP-39 MIP-40 MIP-62 MIP-68: a client that is none of ours meets each of the foreign agent's codes" its_client
tests_done
