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
# Everybody has an IPv6 address as well: 2001:db8:N::/64 in netN, the correspondent
# 2001:db8:c::2, the register 2001:db8:e::66. The mobile host has 2001:db8:77::5 as
# second permanent address where a test wants it: with_ipv6=yes.
#
# Each is a network namespace; $mobile, $router, $correspondent and $register
# hold their names. The mobile host is in one of the three networks at a time,
# with another address at each visit; each host has a folder of its own for
# configuration, keys, sockets and logs: $hosts/NAME.
#
# pair_create makes less: two hosts on one link, without daemons.
#
#   server 192.0.2.1 ---- 192.0.2.2 roamer, permanent 203.0.113.5
readonly permanent=203.0.113.5
readonly permanent_prefix=203.0.113.0/24
readonly permanent6=2001:db8:77::5
readonly permanent_prefix6=2001:db8:77::/64
readonly correspondent_addr=198.51.100.2
readonly register_addr=198.51.100.66
readonly correspondent_addr6=2001:db8:c::2
readonly register_addr6=2001:db8:e::66
mobile='' router='' correspondent='' register=''

topology_script=${BASH_SOURCE[0]}
roam_bin=${ROAM_BIN:-$(realpath "$(dirname "$topology_script")/../build/bin")}

topology_create() {
	hosts=$(mktemp -d /run/roam-test.XXXXXX)
	on_exit topology_keep_logs
	modprobe roam_mangle || fail "roam_mangle cannot be loaded"
	ns_create mobile router correspondent register
	on_exit topology_stop_daemons
	local n host at_router=()
	# Addresses made by hand are nobody else's: no time for finding that out.
	for host in mobile router correspondent register; do
		topology_sysctl "$host" ipv6/conf/default/accept_dad=0 ipv6/conf/default/accept_ra=0
	done
	topology_sysctl router ipv4/ip_forward=1 ipv6/conf/all/forwarding=1
	for n in 1 2 3; do
		ip link add "net$n" netns "$mobile" type veth peer name "net$n" netns "$router" ||
			fail "cannot connect the mobile host"
		at_router+=("link set net$n up"
			"address add 192.0.2.$(((n - 1) * 64 + 1))/26 dev net$n"
			"address add 2001:db8:$n::1/64 dev net$n nodad")
	done
	in_batch router "${at_router[@]}"
	topology_wire correspondent "$correspondent_addr" 198.51.100.1 "$correspondent_addr6" 2001:db8:c::1
	topology_wire register "$register_addr" 198.51.100.65 "$register_addr6" 2001:db8:e::1
	topology_keys
}

# topology_sysctl HOST NAME=VALUE...: below net, with slashes. A shell that starts at
# once, as in_ns does.
topology_sysctl() {
	# shellcheck disable=SC2016 # the inner shell's
	in_ns "${!1}" busybox sh -c 'for s; do echo "${s#*=}" >"/proc/sys/net/${s%%=*}"; done' \
		sysctl "${@:2}" || fail "cannot set ${*:2} at the $1"
}

# in_batch HOST LINE...: what ip shall do there.
in_batch() {
	printf '%s\n' "${@:2}" | ip -n "${!1}" -batch - || fail "cannot configure the $1"
}

# topology_wire HOST ADDRESS GATEWAY ADDRESS6 GATEWAY6
topology_wire() {
	ip link add eth0 netns "${!1}" type veth peer name "$1" netns "$router" ||
		fail "cannot connect the $1"
	in_batch router "link set $1 up" "address add $3/26 dev $1" "address add $5/64 dev $1 nodad"
	in_batch "$1" "link set eth0 up" "address add $2/26 dev eth0" "route add default via $3" \
		"address add $4/64 dev eth0 nodad" "route add default via $5"
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
# answers. Its process is in $daemon_pid. It runs until daemon_stop or the end of
# the topology, so a test may start again what all tests of a file use.
daemon() {
	local dir=$hosts/$1
	daemon_start "$@"
	wait_for 60 daemon_answers "$1" "$3"
	# Whoever ran before may have left its socket.
	kill -0 "$daemon_pid" || fail "$2 ended: $(tail -n 3 "$dir/log")"
}

# daemon_start HOST PROGRAM NAME: the same without waiting.
daemon_start() {
	local dir=$hosts/$1
	echo "--- start of $2" >>"$dir/log"
	# nsenter becomes the program, so the process is the daemon itself.
	busybox nsenter --net="/run/netns/${!1}" -- "$roam_bin/$2" -c "$dir/$3.conf" -s "$dir/$3.sock" -v \
		>>"$dir/log" 2>&1 &
	daemon_pid=$!
	disown # that the shell does not report how it ended
	echo "$daemon_pid" >"$dir/$3.pid"
}

# daemon_stop HOST NAME [SIGNAL]
daemon_stop() {
	local pid
	pid=$(<"$hosts/$1/$2.pid")
	rm "$hosts/$1/$2.pid"
	stop "$pid" "${3:-TERM}"
}

# daemon_signal HOST NAME SIGNAL: it goes on running, or not, as the signal says.
daemon_signal() {
	kill -s "$3" "$(<"$hosts/$1/$2.pid")"
}

topology_stop_daemons() {
	local file
	for file in "$hosts"/*/*.pid; do
		[[ ! -e $file ]] || stop "$(<"$file")"
	done
}

daemon_answers() {
	local object=${2%d}
	# "roam sync" asks agents.
	[[ $2 != syncd ]] || object=table
	roam "$1" -j "$object" status | grep -q '"daemon"'
}

register_start() {
	cat >"$hosts/register/hlrd.conf" <<-END
		keys = "$hosts/register/keys.key"
		store = "$hosts/register/hlr.db"
		lifetime = ${register_lifetime:-300s}
		host "mobile" { key = 1  permanent = {"$permanent", "$permanent6"} }
		host "correspondent" { key = 2 }
	END
	daemon register roam-hlrd hlrd
	register_pid=$daemon_pid
}

mobile_start() {
	cat >"$hosts/mobile/lrd.conf" <<-END
		keys = "$hosts/mobile/keys.key"
		permanent = {"$permanent_prefix", "$permanent_prefix6"}
		register "${register_at:-$register_addr}" { key = 1 }
		${mobile_sections:-}
		mobile {
			address = {"$permanent"${with_ipv6:+, "$permanent6"}}
			announce_time = 5s
			${mobile_options:-}
		}
	END
	daemon mobile roam-lrd lrd
	mobile_pid=$daemon_pid
}

correspondent_start() {
	correspondent_configure
	daemon correspondent roam-lrd lrd
	correspondent_pid=$daemon_pid
}

# With $correspondent_options as they are now; SIGHUP tells the daemon.
correspondent_configure() {
	cat >"$hosts/correspondent/lrd.conf" <<-END
		keys = "$hosts/correspondent/keys.key"
		permanent = {"$permanent_prefix", "$permanent_prefix6"}
		register "${register_at:-$register_addr}" { key = 2 }
		${correspondent_sections:-}
		correspondent { ${correspondent_options:-} }
	END
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

# move_to N: leave the network, enter network N with another address than on the
# last visits. The old link goes first: a hard handoff; with links_stay=yes only its
# addresses do, as a link that comes up may carry nothing for a second. Sets $care_of, $care_of6.
move_to() {
	local n=$1 base=$((($1 - 1) * 64)) visits=0 other handoff=()
	place_now
	visits=$((visits + 1))
	care_of=192.0.2.$((base + 2 + visits % 60))
	care_of6=$(printf '2001:db8:%d::%x' "$n" $((16 + visits % 60000)))
	echo "$visits $care_of $care_of6" >"$hosts/place"
	for other in 1 2 3; do
		((other == n)) || [[ ${links_stay:-} ]] || handoff+=("link set net$other down")
		handoff+=("address flush dev net$other scope global")
	done
	in_batch mobile "${handoff[@]}" "link set net$n up" "address add $care_of/26 dev net$n" \
		"route replace default via 192.0.2.$((base + 1))" "address add $care_of6/64 dev net$n nodad" \
		"route replace default via 2001:db8:$n::1"
}

# place_now: set $care_of and $care_of6, which another test may have changed.
place_now() {
	# shellcheck disable=SC2034 # the caller's
	[[ ! -e $hosts/place ]] || read -r visits care_of care_of6 <"$hosts/place"
}

# address_of KIND [FAMILY]: permanent, care_of, correspondent_addr or register_addr.
address_of() {
	local name=$1
	[[ ${2:-4} == 4 ]] || name+=6
	echo "${!name}"
}

# is_registered [FAMILY]: the register knows the present care-of address.
is_registered() {
	roam register -j hlr show |
		jq -e --arg perm "$(address_of permanent "$@")" \
			--arg coa "$(address_of care_of "$@")" \
			'any(.[]; .permanent == $perm and .care_of == $coa)'
}

# mapped_at HOST [FAMILY]: the care-of address the module of a host sends to.
mapped_at() {
	roam "$1" -j mangle show |
		jq -r --arg perm "$(address_of permanent "${@:2}")" \
			'.[] | select(.permanent == $perm) | .care_of'
}

# is_mapped HOST [FAMILY]: its module sends to the present care-of address.
is_mapped() {
	[[ $(mapped_at "$@") == "$(address_of care_of "${@:2}")" ]]
}

# ---- connections ----

# echo_serve HOST PORT [OPTIONS]: answers each line with the same line.
echo_serve() {
	bg in_ns "${!1}" socat "TCP-LISTEN:$2,fork,reuseaddr${3:+,$3}" EXEC:cat
	wait_for 60 port_open "$1" "$2"
}

port_open() {
	in_ns "${!1}" ss -Hltn "sport = :$2" | grep -q .
}

declare -A talk_in talk_out

# talk_open NAME HOST ADDRESS PORT [OPTIONS]: a connection to an echo_serve.
talk_open() {
	local dir=$hosts/talk.$1 fd
	mkdir "$dir"
	mkfifo "$dir/in" "$dir/out"
	# shellcheck disable=SC2016 # the inner shell's
	bg bash -c 'exec busybox nsenter --net="/run/netns/$1" -- socat -t 60 - "$2" <>"$3" >"$4"' \
		talk "${!2}" "TCP:$3:$4${5:+,$5}" "$dir/in" "$dir/out"
	exec {fd}<>"$dir/in"
	talk_in[$1]=$fd
	exec {fd}<>"$dir/out"
	talk_out[$1]=$fd
	on_exit rm -r "$dir"
	talk "$1"
}

# talk NAME: a line there and back, or fail.
talk() {
	local line text="$1 $RANDOM$RANDOM"
	echo "$text" >&"${talk_in[$1]}"
	read -r -t 120 line <&"${talk_out[$1]}" || {
		topology_show
		fail "$1: no answer"
	}
	expect_eq "$1: answer" "$text" "$line"
}

# What every host thinks, for the log of a failed test.
topology_show() {
	local host
	for host in mobile correspondent; do
		[[ ${!host} ]] || continue
		echo "--- $host"
		in_ns "${!host}" ss -Htnoi
		roam "$host" mangle show
		roam "$host" mangle peer show
		roam "$host" mangle stats | grep -v ' 0$'
		roam "$host" lr show
		tail -n 20 "$hosts/$host/log"
	done
}

# sockets HOST FILTER: "LOCAL PEER" of its TCP connections.
sockets() {
	in_ns "${!1}" ss -Htn state established "${@:2}" | awk '{ print $3, $4 }'
}

# ---- counters ----

# counter HOST OBJECT NAME: mangle (the module's), hlr or lr (a daemon's).
counter() {
	local what=counters
	[[ $2 != mangle ]] || what=stats
	roam "$1" -j "$2" "$what" | jq -r --arg name "$3" '.[0][$name]'
}

# counter_is HOST OBJECT NAME CONDITION: as in counter_is mobile mangle held '-gt 3'
counter_is() {
	# shellcheck disable=SC2086 # two words
	test "$(counter "$1" "$2" "$3")" $4
}

# ---- a pair of hosts without daemons ----

# pair_create SERVER ROAMER: variables that get the names of the namespaces.
pair_create() {
	modprobe roam_mangle || fail "roam_mangle cannot be loaded"
	ns_create "$1" "$2"
	veth_pair "${!1}" eth0 "${!2}" eth0
	in_batch "$1" "address add 192.0.2.1/24 dev eth0" "route add $permanent_prefix via 192.0.2.2"
	in_batch "$2" "address add 192.0.2.2/24 dev eth0" "address add $permanent/32 dev lo"
}

# pair_map SERVER ROAMER: both ends rewrite.
pair_map() {
	"$roam_bin/roam" -n "${!1}" mangle replace "$permanent" via 192.0.2.2 &&
		"$roam_bin/roam" -n "${!1}" mangle range set "$permanent_prefix" &&
		"$roam_bin/roam" -n "${!2}" mangle replace "$permanent" via 192.0.2.2 own
}
