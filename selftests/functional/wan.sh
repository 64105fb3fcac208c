#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# Two home agents that share no link, two routers apart, one to the other by a line that
# loses and delays. Nobody elects: both have the home agent's address as a host route, and
# routes lead to the nearer one that is there.
#
#   node -- visited1 192.0.2.0/25 -- foreign1 198.18.0.11 -+
#                          correspondent 198.18.0.100 -----+- core -- near -- far
#                                                                      |       |
#                      agent1 203.0.113.2, 198.51.100.10 --------------+       |
#                      agent2 203.0.113.66, 198.51.100.10 ---------------------+
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$lib_dir/topology.sh"
# shellcheck source=../failover-topology.sh
. "$lib_dir/failover-topology.sh"
mip_agent=198.51.100.10
# shellcheck source=../mip-topology.sh
. "$lib_dir/mip-topology.sh"

readonly address1=203.0.113.2 address2=203.0.113.66

world() {
	local name
	modprobe roam_tunnel || fail "roam_tunnel cannot be loaded"
	agent1='' agent2='' near='' far=''
	hosts=$(mktemp -d /run/roam-test.XXXXXX)
	on_exit topology_keep_logs
	ns_create node foreign1 correspondent air near far agent1 agent2
	on_exit topology_stop_daemons
	for name in core visited1 line link1 link2; do
		in_batch air "link add $name type bridge forward_delay 0" "link set $name up"
	done
	mip_plug foreign1 core eth0 198.18.0.11/24
	mip_plug foreign1 visited1 eth1 "$mip_fa1/25"
	mip_plug correspondent core eth0 "$mip_peer/24"
	mip_plug node visited1 eth0
	mip_plug near core eth0 198.18.0.1/24
	mip_plug near link1 eth1 203.0.113.1/26
	mip_plug near line eth2 203.0.113.193/26
	mip_plug far line eth0 203.0.113.194/26
	mip_plug far link2 eth1 203.0.113.65/26
	mip_plug agent1 link1 eth0 "$address1/26"
	mip_plug agent2 link2 eth0 "$address2/26"
	for name in foreign1 near far agent1 agent2; do
		topology_sysctl "$name" ipv4/ip_forward=1
	done
	in_batch foreign1 "route add default via 198.18.0.1"
	in_batch correspondent "route add default via 198.18.0.1"
	in_batch near "route add 192.0.2.0/25 via 198.18.0.11" "route add 203.0.113.64/26 via 203.0.113.194" \
		"route add 198.51.100.10 via $address1 metric 10" "route add 198.51.100.10 via 203.0.113.194 metric 20" \
		"route add 10.77.0.0/24 via $address1 metric 10" "route add 10.77.0.0/24 via 203.0.113.194 metric 20"
	in_batch far "route add default via 203.0.113.193" "route add 198.51.100.10 via $address2" "route add 10.77.0.0/24 via $address2"
	in_batch agent1 "route add default via 203.0.113.1" "link set lo up" "address add $mip_agent/32 dev lo"
	in_batch agent2 "route add default via 203.0.113.65" "link set lo up" "address add $mip_agent/32 dev lo"
	in_ns "$near" tc qdisc add dev eth2 root netem delay 10ms loss 10% || fail "no netem"
	in_ns "$far" tc qdisc add dev eth0 root netem delay 10ms loss 10%
	for name in node foreign1 correspondent agent1 agent2; do
		mkdir -p "$hosts/$name"
	done
	(umask 077 && "$roam_bin/roam" hlr keygen 5 >"$hosts/node/keys.key" && "$roam_bin/roam" hlr keygen 9 >"$hosts/foreign1/keys.key" &&
		"$roam_bin/roam" hlr keygen 7 >"$hosts/sync.key" && cat "$hosts"/{node,foreign1}/keys.key "$hosts/sync.key" >"$hosts/agent1/keys.key" &&
		cp "$hosts/agent1/keys.key" "$hosts/agent2/keys.key") || fail "keygen does not work"
	agent 1 "$address1" "$address2"
	agent 2 "$address2" "$address1"
	wait_for 30 fo_equal 1 2
	mip_foreign_start foreign1
	mip_node_start
	wait_for 60 mip_is_at "foreign $mip_fa1"
}

agent() { # N OWN OTHER
	cat >"$hosts/agent$1/agentd.conf" <<-END
		keys = "$hosts/agent$1/keys.key"
		store = "$hosts/agent$1/agent.db"
		device = "mip0"
		home "$mip_agent" { network = "10.77.0.0/24"  lifetime = 1h }
		node "$mip_home" { spi = 300  key = 5 }
		agent "198.18.0.11" { spi = 400  key = 9 }
		agent "$mip_fa1" { spi = 400  key = 9 }
		sync { virtual = "$mip_agent"  address = "$2"  members = { "$3" }  acks = "all"  wait = "2s"  key = 7  hello = "300ms"  retry = "200ms"  dead = "20s" }
	END
	daemon "agent$1" roam-agentd agentd
}

accepted() {
	roam "agent$1" -j agent counters | jq -r '.[0].accepted'
}

registered() {
	(($(accepted "$1") > 0))
}

reached() {
	in_ns "$correspondent" ping -q -n -c 1 -W 2 "$mip_home"
}

in_step() {
	expect_eq "registered at the nearer one" true "$(accepted 1 | jq '. > 0')"
	expect_eq "registered at the other one" 0 "$(accepted 2)"
	wait_for 30 fo_same_bindings 1 2
	for _ in 1 2 3; do
		roam node mn renew || fail "the node does not register"
	done
	wait_for 30 fo_same_bindings 1 2
	wait_for 30 fo_equal 1 2
	wait_for 20 reached
}

# The nearer one is gone, and the routers see that.
other_one_serves() {
	kill -KILL "$(<"$hosts/agent1/agentd.pid")"
	rm "$hosts/agent1/agentd.pid"
	in_batch near "link set eth1 down"
	wait_for 20 reached
	expect_eq "registrations there" 0 "$(accepted 2)"
	roam node mn renew || fail "the node does not register at the other one"
	wait_for 20 registered 2
	expect_eq "virtual MAC addresses" "" "$(for ns in "$agent1" "$agent2"; do in_ns "$ns" ip -o link show type macvlan; done)"
	# It comes back, gets what happened meanwhile over the line, and has its place again.
	in_batch near "link set eth1 up"
	in_batch near "route replace 198.51.100.10 via $address1 metric 10" "route replace 10.77.0.0/24 via $address1 metric 10"
	daemon agent1 roam-agentd agentd
	wait_for 30 fo_same_bindings 1 2
	wait_for 30 fo_equal 1 2
	wait_for 20 reached
}

fixture world
prove "SYNC-04: two agents are in step across routers that lose and delay" in_step
prove "SYNC-05 TEN-04: an agent on another link serves by a host route when the nearer one is gone" other_one_serves
tests_done
