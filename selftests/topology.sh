# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The network of the MIP-LR tests and of the demo. Needs lib.sh.
#
#                 +-- net1 192.0.2.0/26   --+
#   mobile        |                         |           +-- correspondent
#   203.0.113.5 --+-- net2 192.0.2.64/26  --+-- router -+   198.51.100.2/26
#   (permanent)   |                         |           |
#                 +-- net3 192.0.2.128/26 --+           +-- register
#                                                           198.51.100.66/26
#
# Each is a network namespace; $mobile, $router, $correspondent and $register
# hold their names. The mobile host is in one of the three networks at a time,
# with another address at each visit; each host has a folder of its own for
# configuration, keys, sockets and logs: $hosts/NAME.
readonly permanent=203.0.113.5
readonly permanent_prefix=203.0.113.0/24
readonly correspondent_addr=198.51.100.2
readonly register_addr=198.51.100.66

topology_script=${BASH_SOURCE[0]}
roam_bin=${ROAM_BIN:-$(realpath "$(dirname "$topology_script")/../build/bin")}

topology_create() {
	hosts=$(mktemp -d /run/roam-test.XXXXXX)
	on_exit topology_keep_logs
	modprobe roam_mangle || fail "roam_mangle cannot be loaded"
	ns_create mobile router correspondent register
	in_ns "$router" sysctl -qw net.ipv4.ip_forward=1
	local n
	for n in 1 2 3; do
		veth_pair "$mobile" "net$n" "$router" "net$n"
		ip -n "$router" address add "192.0.2.$(((n - 1) * 64 + 1))/26" dev "net$n"
		ip -n "$mobile" link set "net$n" down
	done
	topology_wire correspondent "$correspondent_addr" 198.51.100.1
	topology_wire register "$register_addr" 198.51.100.65
	visits=0
	topology_keys
}

# topology_wire HOST ADDRESS GATEWAY
topology_wire() {
	veth_pair "${!1}" eth0 "$router" "$1"
	ip -n "${!1}" address add "$2/26" dev eth0
	ip -n "$router" address add "$3/26" dev "$1"
	ip -n "${!1}" route add default via "$3"
}

topology_keep_logs() {
	local host
	for host in "$hosts"/*/; do
		cp "$host"log "$ROAM_OUT/$lib_script.$lib_tests.$(basename "$host").log" 2>/dev/null
	done
	rm -rf "$hosts"
}

# Every host has its own key, the register has them all.
topology_keys() {
	local host id=0
	mkdir -p "$hosts/register"
	for host in mobile correspondent; do
		id=$((id + 1))
		mkdir -p "$hosts/$host"
		(umask 077 && "$roam_bin/roam" hlr keygen "$id" >"$hosts/$host/keys.key") ||
			fail "keygen does not work"
		cat "$hosts/$host/keys.key" >>"$hosts/register/keys.key"
	done
	chmod 600 "$hosts/register/keys.key"
}

# roam HOST ARGUMENT...: the tool, in that host's namespace.
roam() {
	ROAM_RUN_DIR=$hosts/$1 in_ns "${!1}" "$roam_bin/roam" "${@:2}"
}

# daemon HOST PROGRAM NAME: start it with $hosts/HOST/NAME.conf, wait until it
# answers. Its process is in $daemon_pid.
daemon() {
	local dir=$hosts/$1
	echo "--- start of $2" >>"$dir/log"
	bg in_ns "${!1}" "$roam_bin/$2" -c "$dir/$3.conf" -s "$dir/$3.sock" -v 2>>"$dir/log"
	daemon_pid=$bg_pid
	# nsenter becomes the program, so the process is the daemon itself.
	wait_for 60 daemon_answers "$1" "$3"
}

daemon_answers() {
	roam "$1" -j "${2%d}" status | grep -q '"daemon"'
}

register_start() {
	cat >"$hosts/register/hlrd.conf" <<-END
		keys = "$hosts/register/keys.key"
		store = "$hosts/register/hlr.db"
		lifetime = 300s
		host "mobile" { key = 1  permanent = {"$permanent"} }
		host "correspondent" { key = 2 }
	END
	daemon register roam-hlrd hlrd
	register_pid=$daemon_pid
}

mobile_start() {
	cat >"$hosts/mobile/lrd.conf" <<-END
		keys = "$hosts/mobile/keys.key"
		permanent = {"$permanent_prefix"}
		register "$register_addr" { key = 1 }
		mobile {
			address = {"$permanent"}
			announce_time = 5s
		}
	END
	daemon mobile roam-lrd lrd
	mobile_pid=$daemon_pid
}

correspondent_start() {
	cat >"$hosts/correspondent/lrd.conf" <<-END
		keys = "$hosts/correspondent/keys.key"
		permanent = {"$permanent_prefix"}
		register "$register_addr" { key = 2 }
	END
	daemon correspondent roam-lrd lrd
	correspondent_pid=$daemon_pid
}

# Everything up, the mobile host in net1 and registered.
topology_start() {
	topology_create
	register_start
	correspondent_start
	move_to 1
	mobile_start
	wait_for 60 is_registered
}

# move_to N: leave the network, enter network N with an address not used before.
# The old link goes first: a hard handoff. One process does it all: under
# emulation the start of each would be most of the time away. Sets $care_of.
move_to() {
	local n=$1 base=$((($1 - 1) * 64)) other
	visits=$((visits + 1))
	care_of=192.0.2.$((base + 2 + visits % 60))
	{
		for other in 1 2 3; do
			((other == n)) || echo "link set net$other down"
		done
		for other in 1 2 3; do
			echo "address flush dev net$other"
		done
		echo "link set net$n up"
		echo "address add $care_of/26 dev net$n"
		echo "route replace default via 192.0.2.$((base + 1))"
	} | ip -n "$mobile" -batch - || fail "cannot move to net$n"
}

# The register knows the present care-of address.
is_registered() {
	roam register -j hlr show |
		jq -e --arg perm "$permanent" --arg coa "$care_of" \
			'any(.[]; .permanent == $perm and .care_of == $coa)'
}

# mapped_at HOST: the care-of address the module of a host sends to.
mapped_at() {
	roam "$1" -j mangle show |
		jq -r --arg perm "$permanent" '.[] | select(.permanent == $perm) | .care_of'
}

# is_mapped HOST: its module sends to the present care-of address.
is_mapped() {
	[[ $(mapped_at "$1") == "$care_of" ]]
}
