#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# Where a care-of address can be, how it comes, and what happens to a host between two
# networks: devices above links, router advertisements, portals, sleep, a wrong clock. And
# sockets of every kind, which must not notice.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$(dirname "$(realpath "$0")")/../topology.sh"

top=$(realpath "$(dirname "$(realpath "$0")")/../..")
readonly top

world() {
	topology_start
	echo_serve correspondent 7
}

# The care-of address is on a device above the link.
links_of_other_kinds() {
	local kind n=100
	talk_open linked mobile "$correspondent_addr" 7
	on_exit move_to 1
	on_exit ip -n "$mobile" link delete up0
	for kind in bridge "bond mode active-backup miimon 100" "macvlan mode bridge" "ipvlan mode l2"; do
		n=$((n + 1))
		in_batch mobile "link set net2 down"
		case $kind in
		b*) in_batch mobile "link add up0 type $kind" "link set net2 master up0" ;;
		*) in_batch mobile "link add up0 link net2 type $kind" ;;
		esac
		# A hard handoff each time.
		in_batch mobile "address flush dev net1 scope global" "link set net1 down" "link set net2 up" \
			"link set up0 up" "address add 192.0.2.$n/26 dev up0" \
			"route replace default via 192.0.2.65 dev up0"
		care_of=192.0.2.$n
		wait_for 60 is_registered
		talk linked
		talk_open "linked.${kind%% *}" mobile "$correspondent_addr" 7
		expect_eq "addresses on $kind" "$permanent" \
			"$(sockets mobile dport = :7 | cut -d: -f1 | sort -u)"
		move_to 1
		wait_for 60 is_registered
		talk linked
		talk "linked.${kind%% *}"
		ip -n "$mobile" link delete up0
	done
}

# A network that lets nobody out who has not said yes on its page.
captive_portal() {
	talk_open captured mobile "$correspondent_addr" 7
	echo_serve router 8080
	in_ns "$router" nft -f - <<-END || fail "no filter"
		table ip portal {
			chain pre {
				type nat hook prerouting priority -100;
				iifname "net2" tcp dport 80 redirect to 8080
			}
			chain on {
				type filter hook forward priority 0;
				iifname "net2" drop
			}
		}
	END
	on_exit in_ns "$router" nft delete table ip portal
	move_to 2
	# The page, whoever is asked for that nobody is connected to; it sees the care-of address.
	talk_open page mobile "$register_addr" 80
	! is_registered || fail "registered from within"
	wait_for 30 says_unanswered
	in_ns "$router" nft delete chain ip portal on
	talk captured
	wait_for 60 is_registered
	in_ns "$router" nft 'add chain ip portal on'
	talk page
}

says_unanswered() {
	[[ $(roam mobile doctor) == *"does not answer about $permanent"* ]]
}

mobile_as_before() {
	daemon_stop mobile lrd
	mobile_start
	place_now
	wait_for 60 is_registered
}

# A host sleeps until nobody knows it any more, and wakes elsewhere.
suspended_host_wakes_elsewhere() {
	daemon_stop mobile lrd
	on_exit mobile_as_before
	mobile_options='lifetime = 4s' mobile_start
	place_now
	wait_for 60 is_registered
	talk_open asleep mobile "$correspondent_addr" 7
	daemon_signal mobile lrd STOP
	in_batch mobile "link set net1 down"
	wait_for 60 is_forgotten
	move_to 2
	daemon_signal mobile lrd CONT
	talk asleep
	wait_for 60 is_registered
}

is_forgotten() {
	roam register -j hlr show | jq -e --arg perm "$permanent" 'all(.[]; .permanent != $perm)'
}

# The clocks of all go back by a day, behind what each was told before.
clock_goes_back() {
	place_now
	talk_open yesterday mobile "$correspondent_addr" 7
	clock_set -86400
	on_exit clock_set 86400
	move_to 2
	talk yesterday
	wait_for 60 is_registered
	talk_open today mobile "$correspondent_addr" 7
}

# The shell counts its seconds by this clock, and begins anew.
clock_set() {
	date -s "@$((EPOCHSECONDS + $1))" >/dev/null || fail "the clock cannot be set"
	SECONDS=0
}

# Addresses come by router advertisements, and the one in use is a temporary one.
temporary_addresses() {
	local left
	require dnsmasq
	daemon_stop mobile lrd
	on_exit mobile_as_before
	with_ipv6=yes mobile_start
	place_now
	wait_for 60 is_registered 6
	bg in_ns "$correspondent" socat TCP6-LISTEN:15,fork,reuseaddr EXEC:cat
	wait_for 60 port_open correspondent 15
	talk_open lasting mobile "[$correspondent_addr6]" 15
	bg in_ns "$router" dnsmasq --keep-in-foreground --conf-file=/dev/null --port=0 --user=root \
		--pid-file= --interface=net3 --enable-ra --dhcp-range=2001:db8:3::,ra-only,64,1h
	topology_sysctl mobile ipv6/conf/net3/accept_ra=2 ipv6/conf/net3/use_tempaddr=2 \
		ipv6/conf/net3/accept_dad=0
	on_exit topology_sysctl mobile ipv6/conf/net3/accept_ra=0 ipv6/conf/net3/use_tempaddr=0
	in_batch mobile "link set net1 down" "link set net3 up" "address add 192.0.2.190/26 dev net3" \
		"route replace default via 192.0.2.129"
	on_exit move_to 1
	wait_for 60 has_temporary
	care_of6=$(temporary)
	wait_for 60 is_registered 6
	talk lasting
	# It ends, and another one comes.
	left=$care_of6
	ip -n "$mobile" address delete "$left/64" dev net3
	wait_for 60 lives_elsewhere "$left"
	talk lasting
}

temporary() {
	ip -n "$mobile" -6 -o address show dev net3 scope global temporary | awk '{ sub("/.*", "", $4); print $4; exit }'
}

has_temporary() {
	[[ $(temporary) ]] && ip -n "$mobile" -6 route show default | grep -q net3
}

# lives_elsewhere ADDRESS: the register knows another one of that network.
lives_elsewhere() {
	roam register -j hlr show | jq -e --arg perm "$permanent6" --arg left "$1" \
		'any(.[]; .permanent == $perm and .care_of != $left and (.care_of | startswith("2001:db8:3:")))'
}

# ---- what programs do ----

# A connection of each kind that the kernel has, over two moves, and SYN cookies.
sockets_of_all_kinds() {
	local kind out=$hosts/kinds fd n
	topology_sysctl correspondent ipv4/tcp_fastopen=3
	topology_sysctl mobile ipv4/tcp_fastopen=3
	modprobe -qa tcp_bbr tls
	bg in_ns "$correspondent" "$top/selftests/socket-kinds" serve 7100
	wait_for 60 port_open correspondent 7106
	mkfifo "$out.in"
	# shellcheck disable=SC2016 # the inner shell's
	bg bash -c 'exec busybox nsenter --net="/run/netns/$1" -- "$2" talk "$3" 7100 <>"$4" >"$5"' \
		kinds "$mobile" "$top/selftests/socket-kinds" "$correspondent_addr" "$out.in" "$out"
	exec {fd}<>"$out.in"
	wait_for 120 grep -q ready "$out"
	for kind in plain mptcp fastopen reuseport zerocopy ktls; do
		expect_match "$kind" "$kind open $permanent" "$(<"$out")"
	done
	if modprobe -qn tcp_bbr; then
		expect_match bbr "bbr open $permanent" "$(<"$out")"
	fi
	for n in 2 3; do
		move_to "$n"
		echo on >&"$fd"
		wait_for 120 said_done "$out" "$((n - 1))"
	done
	exec {fd}>&-
	# A server that keeps nothing of who knocks.
	topology_sysctl correspondent ipv4/tcp_syncookies=2
	on_exit topology_sysctl correspondent ipv4/tcp_syncookies=1
	talk_open cookie mobile "$correspondent_addr" 7
	expect_match "cookies" "TcpExtSyncookiesRecv +[1-9]" "$(in_ns "$correspondent" nstat -asz TcpExtSyncookiesRecv)"
	move_to 1
	talk cookie
	wait_for 60 is_registered
}

said_done() {
	(($(grep -c '^done' "$1") >= $2))
}

fixture world
prove "HOST-12: MPTCP, Fast Open, SO_REUSEPORT, MSG_ZEROCOPY, kernel TLS, SYN cookies go on, and BBR where it is" \
	sockets_of_all_kinds
prove "HOST-13: a care-of address on a bridge, bond, macvlan or ipvlan" links_of_other_kinds
prove "HOST-13: temporary addresses of router advertisements come and go" temporary_addresses
prove "HOST-14: behind a captive portal its page is reached, and all goes on when it opens" captive_portal
prove "HOST-14: a host that nobody knows any more wakes elsewhere, its connections live" \
	suspended_host_wakes_elsewhere
prove "HOST-14 OPEN-29: connections move when the clock went back by a day" clock_goes_back
tests_done
