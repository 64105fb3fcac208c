# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Home agents that stand in for each other. Needs lib.sh, topology.sh and
# mip-topology.sh, whose helpers it uses.
#
#   agent1 198.18.0.1 -+
#   agent2 198.18.0.2 -+- core 198.18.0.0/24 -- correspondent 198.18.0.100
#   ...                |
#   virtual 198.18.0.10: home agent of 10.77.0.0/24, which no link holds, unless
#                      |   $fo_home_link says so: then neighbour 10.77.255.100 is there
#   visited1 192.0.2.0/25 -- foreign1 .1, 198.18.0.11
#
#   node 10.77.0.5 in visited1
# shellcheck disable=SC2034 # the tests'
# It is sourced before mip-topology.sh: the node's home agent is the virtual one.
readonly fo_vip=198.18.0.10
mip_agent=$fo_vip
fo_hello=100 fo_hold=500 fo_agents=2

# fo_create [N]: N agents.
fo_create() {
	local n host names=()
	fo_agents=${1:-2}
	for ((n = 1; n <= fo_agents; n++)); do
		names+=("agent$n")
		declare -g "agent$n="
	done
	[[ ! ${fo_home_link:-} ]] || { neighbour='' && names+=(neighbour); }
	hosts=$(mktemp -d /run/roam-test.XXXXXX)
	on_exit topology_keep_logs
	ns_create node foreign1 correspondent air "${names[@]}"
	on_exit topology_stop_daemons
	for n in core visited1; do
		in_batch air "link add $n type bridge forward_delay 0" "link set $n up"
	done
	for ((n = 1; n <= fo_agents; n++)); do
		mip_plug "agent$n" core eth0 "198.18.0.$n/24"
		topology_sysctl "agent$n" ipv4/ip_forward=1
		in_batch "agent$n" "route add 192.0.2.0/25 via 198.18.0.11"
	done
	if [[ ${fo_home_link:-} ]]; then
		in_batch air "link add $fo_home_link type bridge forward_delay 0" "link set $fo_home_link up"
		mip_plug neighbour "$fo_home_link" eth0 10.77.255.100/16
		for ((n = 1; n <= fo_agents; n++)); do
			mip_plug "agent$n" "$fo_home_link" eth1 "10.77.255.$n/16"
		done
	fi
	mip_plug foreign1 core eth0 198.18.0.11/24
	mip_plug correspondent core eth0 "$mip_peer/24"
	mip_plug foreign1 visited1 eth1 "$mip_fa1/25"
	mip_plug node visited1 eth0
	topology_sysctl foreign1 ipv4/ip_forward=1
	in_batch foreign1 "route add default via $fo_vip"
	in_batch correspondent "route add 10.77.0.0/24 via $fo_vip" "route add 192.0.2.0/25 via 198.18.0.11"
	for host in node foreign1 correspondent "${names[@]}"; do
		mkdir -p "$hosts/$host"
	done
	(umask 077 && "$roam_bin/roam" hlr keygen 5 >"$hosts/node/keys.key" &&
		"$roam_bin/roam" hlr keygen 9 >"$hosts/foreign1/keys.key" &&
		"$roam_bin/roam" hlr keygen 7 >"$hosts/sync.key") || fail "keygen does not work"
	for ((n = 1; n <= fo_agents; n++)); do
		(umask 077 && cat "$hosts"/{node,foreign1}/keys.key "$hosts/sync.key" >"$hosts/agent$n/keys.key")
	done
}

# fo_standby N: roam-standbyd of agent N.
fo_standby() {
	cat >"$hosts/agent$1/standbyd.conf" <<-END
		keys = "$hosts/agent$1/keys.key"
		state = "$hosts/agent$1/counter"
		group "home" {
			link = "eth0"
			number = 10
			virtual = "$fo_vip"
			hello = "${fo_hello}ms"
			hold = "${fo_hold}ms"
			key = 7
			priority = $((100 + $1))
		}
	END
	daemon "agent$1" roam-standbyd standbyd
}

# fo_configure N: roam-agentd of agent N; fo_home, fo_sync and fo_nodes stand in its configuration.
fo_configure() {
	cat >"$hosts/agent$1/agentd.conf" <<-END
		keys = "$hosts/agent$1/keys.key"
		store = "${fo_store:-$hosts/agent$1/agent.db}"
		device = "${fo_device-mip0}"
		rate = 0
		home "$fo_vip" { network = "10.77.0.0/16"  ${fo_home_link:+link = "eth1"}  lifetime = ${mip_lifetime:-1h}  ${fo_home:-} }
		node "$mip_home" { spi = 300  key = 5 }
		agent "198.18.0.11" { spi = 400  key = 9 }
		agent "$mip_fa1" { spi = 400  key = 9 }
		${fo_nodes:-}
		sync {
			standby = "home"
			${fo_members:+members = $fo_members}
			key = 7
			hello = "200ms"
			retry = "200ms"
			${fo_sync:-}
		}
	END
}

fo_agent() {
	fo_configure "$1"
	daemon "agent$1" roam-agentd agentd
}

fo_start() {
	local n
	for n; do
		fo_standby "$n"
		fo_agent "$n"
	done
}

# fo_of N MEMBER: of the group.
fo_of() {
	roam "agent$1" -j standby show | jq -r ".[0].$2"
}

fo_is() { # N STATE
	[[ $(fo_of "$1" state 2>/dev/null) == "$2" ]]
}

# fo_active N...: who of them is.
fo_active() {
	local n
	for n; do
		! fo_is "$n" active || {
			echo "$n"
			return
		}
	done
	return 1
}

fo_sync_of() { # N MEMBER
	roam "agent$1" -j sync status | jq -r ".[0].$2"
}

# fo_equal N N...: the tables of all have the same digest, and are complete.
fo_equal() {
	local n
	[[ $(for n; do
		roam "agent$n" -j sync status | jq -r '.[0] | "\(.synced) \(.digest)"'
	done | sort -u | sed 's/ .*//') == true ]]
}

# fo_bindings N: home and care-of addresses there.
fo_bindings() {
	roam "agent$1" -j agent show | jq -r '.[] | "\(.home) \(.care_of) \(.identification)"' | sort
}

# fo_same_bindings N...: they hold the same ones. A test waits for that, because the node
# renews on and the tables are read one after the other.
fo_same_bindings() {
	local n first
	first=$(fo_bindings "$1")
	for n in "${@:2}"; do
		[[ $(fo_bindings "$n") == "$first" ]] || return 1
	done
	[[ $first ]]
}

# fo_kill N: both daemons crash; the host lives.
fo_kill() {
	kill -KILL "$(<"$hosts/agent$1/agentd.pid")" "$(<"$hosts/agent$1/standbyd.pid")"
	rm "$hosts/agent$1/agentd.pid" "$hosts/agent$1/standbyd.pid"
}

# fo_unplug N: its cable is pulled. fo_plug N.
fo_unplug() {
	in_batch air "link set agent$1-eth0 nomaster"
}

fo_plug() {
	in_batch air "link set agent$1-eth0 master core"
}

# fo_many N: further nodes, 10.77.1.1 and on, all with the key of the first one.
fo_many() {
	fo_nodes=$(awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++)
		printf "node \"10.77.%d.%d\" { spi = 300  key = 5 }\n", 1 + int(i / 250), 1 + i % 250 }')
}

# ---- traffic: from the correspondent to the node's home address ----

fo_pings_begin() {
	in_ns "$correspondent" ping -n -c 1 -W 10 "$mip_home" >/dev/null || fail "no way to the node"
	bg in_ns "$correspondent" ping -n -i 0.01 "$mip_home" >"$ROAM_OUT/failover.ping"
	fo_pings=$bg_pid
}

fo_pings_go_on() {
	local seen
	seen=$(wc -l <"$ROAM_OUT/failover.ping")
	wait_for 20 eval "((\$(wc -l <$ROAM_OUT/failover.ping) > $seen + 20))"
}

fo_lost() {
	stop "$fo_pings" INT
	sed -n 's/^\([0-9]*\) packets transmitted, \([0-9]*\) received.*/\1 \2/p' "$ROAM_OUT/failover.ping" |
		awk '{ print $1 - $2 }'
}
