#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# What a home agent has to do with more than one home network: one with a link and one
# that is only routed to it, nodes of both, several places of a node at a time, and a node
# that does not know its home agent. The network is that of mip-topology.sh.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$lib_dir/topology.sh"
# shellcheck source=../mip-topology.sh
. "$lib_dir/mip-topology.sh"

# The network without a link, and its node, which is the same host.
readonly virtual=10.88.0.0/24 virtual_agent=10.88.0.1 virtual_home=10.88.0.5

world() {
	require tshark tcpdump
	modprobe roam_tunnel || fail "roam_tunnel cannot be loaded"
	mip_create
	in_batch home "address add $virtual_agent/32 dev lo"
	in_batch correspondent "route add $virtual via 198.18.0.1"
	mip_home_options='bindings = 2' mip_home_sections="
		home \"$virtual_agent\" { network = \"$virtual\" }
		node \"$virtual_home\" { spi = 300 key = 5 }" mip_home_start
	mip_foreign_sections="agent \"$virtual_agent\" { spi = 400 key = 9 }" mip_foreign_start foreign1
	mip_foreign_start foreign2
}

# is_node HOME [OPTION...]: the daemon of that node runs from now on.
is_node() {
	[[ ! -e $hosts/node/mnd.conf ]] || daemon_stop node mnd
	cat >"$hosts/node/mnd.conf" <<-END
		home = "$1/24"
		spi = 300
		key = 5
		keys = "$hosts/node/keys.key"
		links = {"eth0"}
		device = "mip0"
		$(printf '%s\n' "${@:2}")
	END
	daemon node roam-mnd mnd
}

pings() { # FROM TO [OPTION...]
	in_ns "${!1}" ping -q -n -c 1 -W 20 "${@:3}" "$2"
}

# Outer and inner destination of echo requests that left the home agent, each once.
tunnelled() {
	tshark -r "$ROAM_OUT/$1" -Y "icmp.type == 8 && ip.proto == 4" -T fields -e ip.src -e ip.dst 2>/dev/null |
		awk -F'[,\t]' '{ print $1, $3, $4 }' | sort -u
}

virtual_network() {
	mip_move visited1
	is_node "$virtual_home" "home_agent = \"$virtual_agent\""
	wait_for 60 mip_is_at "foreign $mip_fa1"
	capture_start "$home" eth0 home.virtual.pcap "ip proto 4"
	wait_for 30 pings correspondent "$virtual_home"
	expect_ok pings node "$mip_peer" -I "$virtual_home"
	capture_stop
	expect_match "from its own agent" "$virtual_agent $mip_fa1 $virtual_home" "$(tunnelled home.virtual.pcap)"
	mip_move visited2
	wait_for 60 mip_is_at "foreign $mip_fa2"
	expect_ok pings correspondent "$virtual_home"
	# Who is not away is nowhere, and packets for him go in no circle.
	expect_fail pings correspondent 10.88.0.77 -W 1
	expect_match "explained" "has no link here" "$(roam home -j explain "$virtual_home" | jq -r ".[0].sentences[]")"
}

# The first node's binding stays while another of another group comes.
two_groups() {
	wait_for 60 mip_is_at "foreign $mip_fa2"
	daemon_stop node mnd KILL
	is_node "$mip_home" "home_agent = \"$mip_agent\""
	wait_for 60 mip_is_at "foreign $mip_fa2"
	expect_eq "nodes and their agents" "$mip_home $mip_agent,$virtual_home $virtual_agent" \
		"$(roam home -j agent show | jq -r 'map("\(.home) \(.home_agent)") | sort | join(",")')"
	wait_for 30 pings correspondent "$mip_home"
	capture_start "$home" eth0 home.groups.pcap "ip proto 4"
	expect_ok pings correspondent "$mip_home"
	in_ns "$correspondent" ping -q -n -c 1 -W 1 "$virtual_home"
	capture_stop
	expect_eq "each from its own agent" "$mip_agent $mip_fa2 $mip_home
$virtual_agent $mip_fa2 $virtual_home" "$(tunnelled home.groups.pcap)"
	# One group's end is none of the other's.
	expect_ok roam home agent end "$virtual_home"
	expect_eq "left" "$mip_home" "$(roam home -j agent show | jq -r '.[].home')"
	expect_ok pings correspondent "$mip_home"
}

# explained HOST ADDRESS: sentences, and what is wrong, each on a line.
explained() {
	roam "$1" -j explain "$2" | jq -r '.[0] | .sentences[], .next[].problem'
}

# The daemons' words and the module's, at each of the three.
is_explained() {
	is_node "$mip_home" "home_agent = \"$mip_agent\""
	mip_move visited2
	wait_for 60 mip_is_at "foreign $mip_fa2"
	wait_for 30 pings correspondent "$mip_home"
	local said
	said=$(explained home "$mip_home")
	expect_match "at the home agent" "registered at the home agent $mip_agent with the care-of address $mip_fa2" "$said"
	expect_match "of its packets" "What is for it goes to $mip_fa2 from $mip_agent by ipip" "$said"
	expect_match "of its link" "ARP requests for it are answered on eth1" "$said"
	expect_match "of the care-of address" "care-of address of 1 mobile node of this home agent" "$(explained home "$mip_fa2")"
	said=$(explained foreign2 "$mip_home")
	expect_match "at the foreign agent" "It is a visitor: this host is its foreign agent" "$said"
	expect_match "of its agent" "Its home agent $mip_agent may send it packets through the tunnel to $mip_fa2" "$said"
	expect_match "at the node" "it is the home address of this host, whose home agent is $mip_agent; it is foreign" \
		"$(explained node "$mip_home")"
	expect_match "as JSON" "agent tunnel|tunnel agent" \
		"$(roam home -j explain "$mip_home" | jq -r '.[0].objects | unique | join(" ")')"
	# A daemon and a module that do not agree are found.
	expect_ok roam home tunnel del "$mip_home"
	expect_match "what is wrong" "roam-agentd has it and the module has not" "$(explained home "$mip_home")"
}

several_places() {
	mip_move visited1
	is_node "$mip_home" "home_agent = \"$mip_agent\"" "simultaneous = true"
	wait_for 60 mip_is_at "foreign $mip_fa1"
	mip_move visited2
	wait_for 60 mip_is_at "foreign $mip_fa2"
	expect_eq "bindings" "$mip_fa1 $mip_fa2" "$(roam home -j agent show | jq -r '.[].care_of' | sort | xargs)"
	wait_for 30 pings correspondent "$mip_home"
	capture_start "$home" eth0 home.copies.pcap "ip proto 4"
	expect_ok pings correspondent "$mip_home"
	capture_stop
	expect_eq "a copy to each" "$mip_agent $mip_fa1 $mip_home
$mip_agent $mip_fa2 $mip_home" "$(tunnelled home.copies.pcap | sort)"
	# Without S there is one place again.
	is_node "$mip_home" "home_agent = \"$mip_agent\""
	wait_for 60 one_binding
}

one_binding() {
	[[ $(roam home -j agent show | jq -r '.[].care_of' | xargs) == "$mip_fa2" ]]
}

agent_is_discovered() {
	mip_move visited2
	capture_start "$home" any home.discovery.pcap "udp port 434"
	is_node "$mip_home"
	wait_for 60 mip_is_at "foreign $mip_fa2"
	capture_stop
	expect_eq "who it is" "$mip_agent" "$(roam node -j mn show | jq -r '.[0].home_agent')"
	expect_match "the answer names the agent" "136	$mip_agent" \
		"$(tshark -r "$ROAM_OUT/home.discovery.pcap" -Y "mip.type == 3" -T fields -e mip.code -e mip.haaddr 2>/dev/null)"
	expect_match "the question went to all" "10.77.0.255" \
		"$(tshark -r "$ROAM_OUT/home.discovery.pcap" -Y "mip.type == 1" -T fields -e ip.dst 2>/dev/null)"
	expect_ok pings correspondent "$mip_home"
}

# readme WORDS: the indented lines behind the line of README that has them.
readme() {
	awk -v words="$1" 'index($0, words) { found = 1; next }
		found && /^    / { print substr($0, 5); seen = 1; next }
		seen { exit }' "$lib_dir/../README.md"
}

# What README tells to write, and nothing else, but that three hosts share this file system.
as_readme_says() {
	daemon_stop node mnd
	local host
	for host in home foreign1 foreign2; do
		daemon_stop "$host" agentd
	done
	for host in "home:**Home agent**, \`/etc" "foreign2:**Foreign agent**, the same" "node:**Laptop**, \`/etc/roam/mnd"; do
		readme "${host#*:}" >"$hosts/readme"
		[[ -s $hosts/readme ]] || fail "README has no lines for ${host%%:*}"
		case ${host%%:*} in
		node)
			{ echo "keys = \"$hosts/node/keys.key\"" && cat "$hosts/readme"; } >"$hosts/node/mnd.conf"
			;;
		*)
			{ printf 'keys = "%s"\nstore = "%s"\n' "$hosts/node/keys.key" "$hosts/${host%%:*}/readme.db" &&
				cat "$hosts/readme"; } >"$hosts/${host%%:*}/agentd.conf"
			daemon "${host%%:*}" roam-agentd agentd
			;;
		esac
	done
	mip_move visited2
	daemon node roam-mnd mnd
	wait_for 60 mip_is_at "foreign $mip_fa2"
	wait_for 30 pings correspondent "$mip_home"
	expect_eq "at the home agent" "$mip_home $mip_fa2 $mip_agent T ipip" \
		"$(roam home -j agent show | jq -r '.[] | "\(.home) \(.care_of) \(.home_agent) \(.flags) \(.encapsulation)"')"
	expect_eq "at the foreign agent" "$mip_home" "$(roam foreign2 -j agent visitors | jq -r '.[].home')"
}

# A switch that is a home agent as well: the home link is a bridge, its hosts behind a port.
agent_is_a_bridge() {
	daemon_stop home agentd
	in_batch home "address del $mip_agent/24 dev eth1" "link add lan type bridge forward_delay 0" \
		"link set eth1 master lan" "link set lan up" "address add $mip_agent/24 dev lan"
	# A host that stays there, and that has spoken with the node.
	in_batch air "address add 10.77.0.9/24 dev homelink"
	mip_home_link=lan mip_home_start
	mip_move homelink
	is_node "$mip_home" "home_agent = \"$mip_agent\""
	wait_for 60 mip_is_at "home $mip_home"
	wait_for 30 pings air "$mip_home"
	mip_move visited2
	wait_for 60 mip_is_at "foreign $mip_fa2"
	wait_for 30 pings air "$mip_home"
	wait_for 30 pings correspondent "$mip_home"
	expect_eq "what the host takes for the node" "$(ip -n "$home" -j link show lan | jq -r '.[0].address')" \
		"$(ip -n "$air" -j neigh show "$mip_home" dev homelink | jq -r '.[0].lladdr')"
	mip_move homelink
	wait_for 60 mip_is_at "home $mip_home"
	wait_for 30 pings air "$mip_home"
}

fixture world
prove "GEN-15 MIP-01 MIP-53 MIP-57: a home network without a link" virtual_network
prove "MIP-15 MIP-27: two groups of nodes on one router, told apart" two_groups
prove "MIP-34: several places at a time, and a copy to each" several_places
prove "MIP-69: a home agent that the node does not know is found" agent_is_discovered
prove "OPEN-50: roam explain says where a node is, and what disagrees" is_explained
prove "GEN-05: the lines of README make a home agent, a foreign agent and a node" as_readme_says
prove "GEN-16: a bridge is a home agent for the hosts behind its ports" agent_is_a_bridge
tests_done
