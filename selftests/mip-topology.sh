# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The network of the Mobile IPv4 tests. Needs lib.sh and topology.sh, whose
# helpers it uses.
#
#   home link 10.77.0.0/24 ---- home 10.77.0.1 -+
#   visited1 192.0.2.0/25 ----- foreign1 ....1 -+- core 198.18.0.0/24 -- correspondent
#   visited2 192.0.2.128/25 --- foreign2 ..129 -+                        198.18.0.100
#
#   node 10.77.0.5, with one link that is in one of the three at a time
#
# The links are bridges in the namespace air; mip_move plugs the node's cable into
# another one, as an access point does: the carrier stays.
# shellcheck disable=SC2034 # the tests'
readonly mip_home=10.77.0.5 mip_agent=${mip_agent:-10.77.0.1} mip_peer=198.18.0.100
readonly mip_fa1=192.0.2.1 mip_fa2=192.0.2.129
node='' home='' foreign1='' foreign2='' correspondent='' air=''
mip_hosts=(node home foreign1 foreign2 correspondent)

mip_create() {
	hosts=$(mktemp -d /run/roam-test.XXXXXX)
	on_exit topology_keep_logs
	ns_create node home foreign1 foreign2 correspondent air
	on_exit topology_stop_daemons
	local bridge n=0 host
	for bridge in core homelink visited1 visited2; do
		in_batch air "link add $bridge type bridge forward_delay 0" "link set $bridge up"
	done
	mip_plug home core eth0 198.18.0.1/24
	mip_plug foreign1 core eth0 198.18.0.11/24
	mip_plug foreign2 core eth0 198.18.0.12/24
	mip_plug correspondent core eth0 $mip_peer/24
	mip_plug home homelink eth1 "$mip_agent/24"
	mip_plug foreign1 visited1 eth1 $mip_fa1/25
	mip_plug foreign2 visited2 eth1 $mip_fa2/25
	mip_plug node visited1 eth0
	for host in home foreign1 foreign2; do
		topology_sysctl "$host" ipv4/ip_forward=1
	done
	in_batch home "route add 192.0.2.0/25 via 198.18.0.11" "route add 192.0.2.128/25 via 198.18.0.12"
	in_batch foreign1 "route add default via 198.18.0.1" "route add 192.0.2.128/25 via 198.18.0.12"
	in_batch foreign2 "route add default via 198.18.0.1" "route add 192.0.2.0/25 via 198.18.0.11"
	in_batch correspondent "route add 10.77.0.0/24 via 198.18.0.1" \
		"route add 192.0.2.0/25 via 198.18.0.11" "route add 192.0.2.128/25 via 198.18.0.12"
	for host in "${mip_hosts[@]}"; do
		mkdir -p "$hosts/$host"
	done
	# one key for the node and its home agent, one between the agents
	(umask 077 &&
		"$roam_bin/roam" hlr keygen 5 >"$hosts/node/keys.key" &&
		"$roam_bin/roam" hlr keygen 9 >"$hosts/foreign1/keys.key" &&
		cat "$hosts/node/keys.key" "$hosts/foreign1/keys.key" >"$hosts/home/keys.key") ||
		fail "keygen does not work"
}

# mip_plug HOST BRIDGE LINK [ADDRESS]
mip_plug() {
	ip link add "$3" netns "${!1}" type veth peer name "${1:0:10}-$3" netns "$air" ||
		fail "cannot connect $1"
	in_batch air "link set ${1:0:10}-$3 master $2" "link set ${1:0:10}-$3 up"
	in_batch "$1" "link set $3 up" ${4:+"address add $4 dev $3"}
}

# mip_move BRIDGE: the node's cable goes into another link.
mip_move() {
	in_batch air "link set node-eth0 master $1"
}

mip_home_start() {
	cat >"$hosts/home/agentd.conf" <<-END
		keys = "$hosts/home/keys.key"
		store = "$hosts/home/agent.db"
		device = "${mip_device-mip0}"
		home "$mip_agent" {
			network = "10.77.0.0/24"
			link = "${mip_home_link:-eth1}"
			interval = 500ms
			lifetime = ${mip_lifetime:-1h}
			${mip_home_options:-}
		}
		node "$mip_home" { spi = 300  key = 5  algorithm = "${mip_algorithm:-hmac-sha256}"  replay = "${mip_replay:-timestamps}" }
		agent "198.18.0.11" { spi = 400  key = 9 }
		agent "$mip_fa1" { spi = 400  key = 9 }
		${mip_home_sections:-}
	END
	daemon home roam-agentd agentd
}

mip_foreign_start() {
	cat >"$hosts/$1/agentd.conf" <<-END
		store = "$hosts/$1/agent.db"
		device = "${mip_device-mip0}"
		foreign "eth1" {
			interval = 500ms
			${mip_foreign_options:-}
		}
		${mip_foreign_sections:-}
	END
	if [[ $1 == foreign1 ]]; then
		cat >>"$hosts/$1/agentd.conf" <<-END
			keys = "$hosts/$1/keys.key"
			agent "$mip_agent" { spi = 400  key = 9 }
		END
	fi
	daemon "$1" roam-agentd agentd
}

mip_node_start() {
	cat >"$hosts/node/mnd.conf" <<-END
		home = "$mip_home/24"
		home_agent = "$mip_agent"
		spi = 300
		key = 5
		algorithm = "${mip_algorithm:-hmac-sha256}"
		replay = "${mip_replay:-timestamps}"
		keys = "$hosts/node/keys.key"
		links = {"eth0"}
		device = "${mip_node_device-${mip_device-mip0}}"
		${mip_node_options:-}
	END
	daemon node roam-mnd mnd
}

# What the node is registered by: "foreign 192.0.2.1"
mip_place() {
	roam node -j mn show | jq -r '.[] | .mode + " " + .care_of'
}

mip_is_at() {
	[[ $(mip_place) == "$1" ]]
}

# ---- ssh from the correspondent to a server at the node's home address ----

mip_ssh_server() {
	local dir=$hosts/node/ssh
	mkdir -p "$dir" /run/sshd
	ssh-keygen -q -t ed25519 -N '' -f "$dir/host"
	ssh-keygen -q -t ed25519 -N '' -f "$dir/user"
	cat >"$dir/config" <<-END
		Port 2222
		ListenAddress 0.0.0.0
		HostKey $dir/host
		AuthorizedKeysFile $dir/user.pub
		PidFile none
		StrictModes no
		UsePAM no
		UseDNS no
	END
	bg in_ns "$node" "$(command -v sshd)" -D -e -f "$dir/config" 2>"$dir/log"
	wait_for 60 grep -q "Server listening" "$dir/log"
}

# mip_ssh_open: a session that repeats what it is told; its ends in $session.
mip_ssh_open() {
	local dir=$hosts/node/ssh
	coproc session {
		exec busybox nsenter --net="/run/netns/$correspondent" ssh -F none -i "$dir/user" \
			-o IdentitiesOnly=yes -o StrictHostKeyChecking=no \
			-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -p 2222 \
			"root@$mip_home" cat 2>"$dir/client.log"
	}
	on_exit stop "$session_PID"
	mip_ssh_says hello
}

# Where what the session says gets lost: asked when it is.
mip_ssh_autopsy() {
	local dir=$hosts/node/ssh host tos
	tail -n 3 "$dir/client.log" "$dir/log"
	in_ns "$correspondent" ss -tion "dport = :2222"
	in_ns "$node" ss -tion "sport = :2222"
	for tos in 0x00 0x08 0x10; do
		in_ns "$correspondent" ip route get "$mip_home" tos "$tos"
		in_ns "$node" ip route get "$mip_peer" from "$mip_home" tos "$tos"
		in_ns "$correspondent" ping -c 1 -W 5 -Q "$tos" "$mip_home" >/dev/null || echo "no answer to correspondent with tos $tos"
		in_ns "$node" ping -c 1 -W 5 -Q "$tos" -I "$mip_home" "$mip_peer" >/dev/null || echo "no answer to node with tos $tos"
	done
	in_ns "$node" ip neigh
	capture_start "$node" eth0 autopsy.node.pcap
	capture_start "$foreign1" any autopsy.foreign1.pcap
	capture_start "$home" any autopsy.home.pcap
	capture_start "$correspondent" eth0 autopsy.correspondent.pcap
	echo again >&"${session[1]}"
	# The time of a few repetitions; there is nothing to wait for.
	sleep 10
	for host in node foreign1 home correspondent; do
		echo "--- $host"
		tcpdump -nevr "$ROAM_OUT/autopsy.$host.pcap" 'not udp port 434' 2>/dev/null | tail -n 8
		in_ns "${!host}" nstat -asz | awk '/Discards|NoRoutes|AddrErr|HdrErr|RPFilter|PathFilter|CsumErr|OutOfWindow|PAWS|Failed/ && $2 != 0 { print $1, $2 }'
	done
	for host in home foreign1 foreign2; do
		roam "$host" tunnel stats | awk -v host="$host" '$2 != 0 { print host, $0 }'
		tail -n 4 "$hosts/$host/log"
	done
	tail -n 8 "$hosts/node/log"
}

mip_ssh_says() {
	local answer=''
	echo "$1" >&"${session[1]}"
	read -r -t 120 answer <&"${session[0]}" || mip_ssh_autopsy
	expect_eq "what ssh brings back" "$1" "$answer"
}
