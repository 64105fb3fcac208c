#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
# kernels: 6.12 6.1
#
# The way of packets through the module, without daemons: a server and a host
# that roams between two links, both families. Mappings are set by the tool.
#
#   server  eth0 192.0.2.1/24    2001:db8:2::1/64   -- roamer eth0 .2 ::2
#           eth1 198.51.100.1/24 2001:db8:3::1/64   -- roamer eth1 .2 ::2
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$(dirname "$(realpath "$0")")/../topology.sh"

readonly perm4=203.0.113.77 perm6=2001:db8:ffff::77

tool() { "$roam_bin/roam" "$@"; }
on() { in_ns "${!1}" "${@:2}"; }

# counted HOST NAME: a counter of the module.
counted() {
	tool -n "${!1}" -j mangle stats | jq -r --arg name "$2" '.[0][$name]'
}

counted_is() { test "$(counted "$1" "$2")" "$3" "$4"; }

# where FAMILY: care-of address on the second link, or on the first.
care_of() {
	case $1$2 in
	41) echo 192.0.2.2 ;;
	42) echo 198.51.100.2 ;;
	61) echo 2001:db8:2::2 ;;
	62) echo 2001:db8:3::2 ;;
	esac
}

perm() { if [[ $1 == 4 ]]; then echo "$perm4"; else echo "$perm6"; fi; }
# socat and addresses: IPv6 in brackets.
host_of() { if [[ $1 == *:* ]]; then echo "[$1]"; else echo "$1"; fi; }

two_links() {
	modprobe roam_mangle || fail "roam_mangle cannot be loaded"
	hosts=$(mktemp -d /run/roam-test.XXXXXX)
	on_exit rm -rf "$hosts"
	ns_create server roamer
	local i=0 net4 net6 host
	for net4 in 192.0.2 198.51.100; do
		net6=2001:db8:$((i + 2))::
		veth_pair "$server" "eth$i" "$roamer" "eth$i"
		for host in 1 2; do
			local ns=$server
			((host == 1)) || ns=$roamer
			ip -n "$ns" address add "$net4.$host/24" dev "eth$i"
			ip -n "$ns" address add "$net6$host/64" dev "eth$i" nodad
		done
		i=$((i + 1))
	done
	# While the first link is down the second one leads to the server.
	ip -n "$roamer" route add 192.0.2.0/24 via 198.51.100.1 metric 1000
	ip -n "$roamer" address add "$perm4/32" dev lo
	ip -n "$roamer" address add "$perm6/128" dev lo nodad
	# Without the module the permanent addresses lead nowhere.
	ip -n "$server" route add blackhole default
	ip -n "$server" -6 route add blackhole default
	ip -n "$server" route add 203.0.113.0/24 dev eth0
	ip -n "$server" -6 route add 2001:db8:ffff::/48 dev eth0
	tool -n "$server" mangle range set 203.0.113.0/24 2001:db8:ffff::/48
	bg on roamer socat -t 30 TCP6-LISTEN:7,ipv6only=0,fork,reuseaddr EXEC:cat
	bg on server socat -t 30 TCP6-LISTEN:7,ipv6only=0,fork,reuseaddr EXEC:cat
	wait_for 60 port_open roamer 7
	wait_for 60 port_open server 7
}

# map LINK [OPTIONS]: both ends, both families, the roamer first: it would reset
# connections that come to an address it does not know yet. No daemon answers whether the
# server knows, so its entry is forgotten: an unknown peer needs no answer.
map() {
	local family
	for family in 4 6; do
		expect_ok tool -n "$roamer" mangle replace "$(perm "$family")" \
			via "$(care_of "$family" "$1")" own "${@:2}"
		expect_ok tool -n "$server" mangle replace "$(perm "$family")" \
			via "$(care_of "$family" "$1")" "${@:2}"
	done
	tool -n "$roamer" mangle peer flush
}

# seen HOST LINK FILTER COMMAND...: packets that match the filter of tcpdump
# while the command runs.
seen() {
	local host=$1 link=$2 filter=$3 file
	file=path.$RANDOM.pcap
	capture_start "${!host}" "$link" "$file" "$filter"
	"${@:4}" >&2
	capture_stop
	tcpdump -r "$ROAM_OUT/$file" -n 2>/dev/null | wc -l
}

# echo_once HOST ADDRESS [OPTIONS]: a line to an echo_serve and back.
echo_once() {
	local got
	got=$(echo hello | on "$1" timeout 60 socat -t 30 - "TCP:$(host_of "$2"):7${3:+,$3}")
	expect_eq "answer of $2" hello "$got"
}

# ---- both families ----

# A connection from either side goes on while the roamer changes its link.
connection_moves() {
	local family=$1 name=talk$1
	map 1
	talk_open "$name.down" server "$(host_of "$(perm "$family")")" 7
	talk_open "$name.up" roamer "$(host_of "$(address_of_server "$family")")" 7 \
		"bind=$(host_of "$(perm "$family")")"
	for link in 2 1 2; do
		map "$link"
		talk "$name.down"
		talk "$name.up"
	done
	expect_eq "sockets at the server that know a care-of address" "" \
		"$(on server ss -Htn | grep -F "$(care_of "$family" 2)")"
	(($(seen server eth1 "host $(care_of "$family" 2) and tcp" talk "$name.down") > 0)) ||
		fail "the care-of address is not on the wire"
}

address_of_server() { if [[ $1 == 4 ]]; then echo 192.0.2.1; else echo 2001:db8:2::1; fi; }

# With large segments, and with checksums that the receiver looks at.
bulk_is_unharmed() {
	local family=$1 large
	map 1
	head -c 3000000 /dev/urandom >"$hosts/bulk"
	rm -f "$hosts/bulk.got"
	bg on roamer socat -u TCP6-LISTEN:9,ipv6only=0 "CREATE:$hosts/bulk.got"
	wait_for 60 port_open roamer 9
	capture_start "$roamer" eth0 "path.bulk$family.pcap" -s 96 greater 1600
	expect_ok on server timeout 120 socat -u "OPEN:$hosts/bulk" \
		"TCP:$(host_of "$(perm "$family")"):9"
	wait_for 60 cmp "$hosts/bulk" "$hosts/bulk.got"
	capture_stop
	# Many times what fits into a packet, and rewritten.
	large=$(packets_in "path.bulk$family.pcap" dst "$(care_of "$family" 1)")
	((large > 10)) || fail "only $large large segments; the offloads did not work"
	expect_eq "large segments to another address" "$large" "$(packets_in "path.bulk$family.pcap")"
	expect_eq "drops" 0 "$(counted roamer drop_malformed)"
}

# Nothing but addresses and checksums changes, from one stack to the other: type of
# service 184 with ECN's two bits, which make it 186, and a time to live of 33.
other_fields_stay() {
	local family=$1 options="tos=184,ttl=33" side host
	require nft
	[[ $family == 4 ]] || options="ipv6-tclass=184,ipv6-unicast-hops=33"
	for host in server roamer; do
		on "$host" sysctl -qw net.ipv4.tcp_ecn=1
		on_exit on "$host" sysctl -qw net.ipv4.tcp_ecn=2
	done
	map 1
	for host in server roamer; do
		capture_sides "${!host}" eth0 "path.fields$family.$host" "tcp port 7" "tcp sport 7" "tcp dport 7"
	done
	talk_open "marked$family" server "$(host_of "$(perm "$family")")" 7 "$options"
	talk "marked$family"
	for host in server roamer; do
		capture_sides_stop "path.fields$family.$host"
	done
	for side in server.stack server.wire roamer.wire roamer.stack; do
		bytes_of_side "path.fields$family.$side" rewriting >"$ROAM_OUT/path.$side"
		expect_eq "packets that $side sees in another way" "" \
			"$(diff "$ROAM_OUT/path.server.stack" "$ROAM_OUT/path.$side" | head -n 4)"
	done
	# Both lines that were sent, and as the module changed addresses.
	(($(grep -c -E '^(45ba.{12}21|6ba.{11}21)' "$ROAM_OUT/path.$side") >= 2)) ||
		fail "no marked packet: $(head -n 3 "$ROAM_OUT/path.$side")"
	for host in server roamer; do
		expect_eq "packets on the wire of the $host with the permanent address" 0 \
			"$(packets_in "path.fields$family.$host.wire.pcap" host "$(perm "$family")")"
	done
}

# Each packet of TCP is taken as it leaves: as many as are on the wire.
every_packet_is_counted() {
	local before sent
	map 1
	talk_open counted server "$perm4" 7
	before=$(counted server out_rewritten)
	capture_start "$server" eth0 path.counted.pcap "dst host $(care_of 4 1) and tcp"
	for ((i = 0; i < 10; i++)); do talk counted; done
	sent=$(($(counted server out_rewritten) - before))
	wait_for 10 captured_at_least "$sent"
	capture_stop
	expect_eq "packets rewritten" "$(tcpdump -r "$ROAM_OUT/path.counted.pcap" -n 2>/dev/null | wc -l)" \
		"$(($(counted server out_rewritten) - before))"
	((sent >= 10)) || fail "only $sent packets were counted"
}

captured_at_least() {
	(($(tcpdump -r "$ROAM_OUT/path.counted.pcap" -n 2>/dev/null | wc -l) >= $1))
}

# Only the roamer has moved: what the server still sends to the address just
# left arrives while grace lasts, and is nobody's after it.
left_address_is_translated() {
	local before
	map 1
	talk_open late server "$perm4" 7
	on_exit tool -n "$roamer" mangle config set grace 5s
	tool -n "$roamer" mangle config set grace 30s
	tool -n "$roamer" mangle replace "$perm4" via "$(care_of 4 2)" own
	before=$(counted roamer in_rewritten)
	echo "in flight" >&"${talk_in[late]}"
	wait_for 30 counted_is roamer in_rewritten -gt "$before"
	map 2
	read -r -t 60 line <&"${talk_out[late]}" || fail "no answer"
	expect_eq "what was in flight" "in flight" "$line"

	tool -n "$roamer" mangle config set grace 0s
	map 1
	before=$(counted roamer in_rewritten)
	tool -n "$server" mangle replace "$perm4" via "$(care_of 4 2)"
	on server timeout 5 socat -u /dev/null "TCP:$perm4:7,connect-timeout=2"
	expect_eq "packets rewritten without grace" "$before" "$(counted roamer in_rewritten)"
}

# ---- fragments ----

rewrite_udp() {
	local host
	for host in server roamer; do
		on_exit tool -n "${!host}" mangle config set protocol tcp
		tool -n "${!host}" mangle config set protocol tcp,udp
	done
}

# Datagrams of several fragments, in a random order, are whole and from the
# permanent address (UDP is rewritten only here).
fragments_arrive_whole() {
	local -A full=([4]=$perm4 [6]='[2001:0db8:ffff:0000:0000:0000:0000:0077]')
	local family=$1 port=$((90 + $1)) sum from
	from=$(host_of "$(perm "$family")")
	rewrite_udp
	map 1
	on roamer tc qdisc add dev eth0 root netem delay 20ms 15ms 2>/dev/null ||
		skip "no netem"
	on_exit ip netns exec "$roamer" tc qdisc del dev eth0 root
	rm -f "$hosts/sums" "$hosts/from"
	bg on server socat -u "UDP$family-RECVFROM:$port,fork" \
		"SYSTEM:sha256sum >>$hosts/sums; echo \$SOCAT_PEERADDR >>$hosts/from"
	wait_for 60 udp_open server "$port"
	head -c 7000 /dev/urandom >"$hosts/datagram"
	sum=$(sha256sum <"$hosts/datagram")
	# The receiver is not always there: as many as it takes.
	for ((i = 0; i < 40; i++)); do
		on roamer socat -b 9000 -u "OPEN:$hosts/datagram" \
			"UDP$family:$(host_of "$(address_of_server "$family")"):$port,bind=$from"
		! lines_are "$hosts/from" 10 || break
	done
	wait_for 60 lines_are "$hosts/from" 10
	expect_eq "content" "$sum" "$(sort -u "$hosts/sums")"
	# socat writes out the zeros of IPv6.
	expect_eq "source" "${full[$family]}" "$(sort -u "$hosts/from")"
}

# Only the first piece has ports: of what is exempt by its port the others have to stay
# as they are, too.
exempt_fragments_arrive_whole() {
	local family=$1 port=$((100 + $1)) sum
	rewrite_udp
	map 1
	on_exit tool -n "$server" mangle config set exempt-port 5060,5061
	tool -n "$server" mangle config set exempt-port "$port"
	rm -f "$hosts/sums"
	bg on server socat -u "UDP$family-RECVFROM:$port,fork" "SYSTEM:sha256sum >>$hosts/sums"
	wait_for 60 udp_open server "$port"
	head -c 7000 /dev/urandom >"$hosts/datagram"
	sum=$(sha256sum <"$hosts/datagram")
	# The receiver is not always there: as many as it takes.
	for ((i = 0; i < 20; i++)); do
		on roamer socat -b 9000 -u "OPEN:$hosts/datagram" \
			"UDP$family:$(host_of "$(address_of_server "$family")"):$port,bind=$(host_of "$(care_of "$family" 1)")"
		! lines_are "$hosts/sums" 3 || break
	done
	wait_for 20 lines_are "$hosts/sums" 3
	expect_eq "content" "$sum" "$(sort -u "$hosts/sums")"
}

udp_open() { on "$1" ss -Hlun "sport = :$2" | grep -q .; }
lines_are() { [[ -e $1 && $(wc -l <"$1") -ge "$2" ]]; }

# ---- errors ----

# try_in_vain HOST TYPE FROM TO PORT: what becomes of it within five seconds.
try_in_vain() {
	on "$1" python3 - "${@:2}" <<-'END'
		import errno, socket, sys
		kind, source, to, port = sys.argv[1:]
		s = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET,
		                  socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
		s.settimeout(5)
		try:
		    if source != "-":
		        s.bind((source, 0))
		    s.connect((to, int(port)))
		    s.send(b"hello")
		    print("answer", s.recv(100))
		except TimeoutError:
		    print("nothing")
		except OSError as e:
		    print(errno.errorcode[e.errno])
	END
}

# Firewalls refuse by an ICMP error, and closed ports of UDP do. Who is refused
# hears of it, though the error is about addresses that were not on the wire.
errors_reach_who_is_refused() {
	local family=$1 host sent kind
	require nft
	rewrite_udp
	map 1
	for host in server roamer; do
		on "$host" nft -f - <<-'END' || skip "no reject in nftables"
			table inet refuse {
				chain in {
					type filter hook input priority 0; policy accept;
					tcp dport 99 reject with icmpx type port-unreachable
				}
			}
		END
		on_exit ip netns exec "${!host}" nft delete table inet refuse
	done
	for kind in tcp udp; do
		sent=$(counted server out_icmp)
		expect_eq "$kind of the roamer" ECONNREFUSED "$(try_in_vain roamer "$kind" \
			"$(perm "$family")" "$(address_of_server "$family")" 99)"
		counted_is server out_icmp -gt "$sent" || fail "no error was translated by the server"
		sent=$(counted roamer out_icmp)
		expect_eq "$kind of the server" ECONNREFUSED "$(try_in_vain server "$kind" - \
			"$(perm "$family")" 99)"
		counted_is roamer out_icmp -gt "$sent" || fail "no error was translated by the roamer"
	done
}

# What is on the wire: a plain error about the packet that was on the wire.
errors_have_good_checksums() {
	local family=$1 file=path.error$1.pcap errors
	map 1
	rewrite_udp
	capture_start "$server" eth0 "$file"
	expect_eq "udp of the roamer" ECONNREFUSED "$(try_in_vain roamer udp \
		"$(perm "$family")" "$(address_of_server "$family")" 98)"
	expect_eq "udp of the server" ECONNREFUSED "$(try_in_vain server udp - \
		"$(perm "$family")" 98)"
	capture_stop
	errors=$(tshark -n -r "$ROAM_OUT/$file" -Y "udp.port == 98 && (icmp || icmpv6)" \
		-o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -T fields \
		-e icmp.checksum.status -e icmpv6.checksum.status -e ip.checksum.status 2>/dev/null)
	expect_eq "errors" 2 "$(wc -l <<<"$errors")"
	expect_eq "bad checksums" "" "$(grep -vE '^[1,[:space:]]+$' <<<"$errors")"
	expect_eq "permanent addresses on the wire" "" "$(tcpdump -v -n -r "$ROAM_OUT/$file" 2>/dev/null |
		grep -F "$(perm "$family")")"
}

# ---- what is left alone ----

exempt() { tool -n "$server" mangle config set "$@"; }

# not_rewritten WHAT COMMAND...: TCP to the permanent address leaves as it is.
not_rewritten() {
	local what=$1 before
	before=$(counted server exempted)
	expect_eq "$what: packets to the care-of address" 0 \
		"$(seen server eth0 "dst host $(care_of 4 1) and tcp[tcpflags] & tcp-syn != 0" "${@:2}")"
	counted_is server exempted -gt "$before" || fail "$what: not counted as exempt"
}

# try_port PORT: begin a connection, whatever becomes of it.
try_port() {
	on server socat -u /dev/null "TCP:$perm4:$1,connect-timeout=0.2" 2>/dev/null || true
}

# try_mark MARK: the same from a socket with a mark.
try_mark() {
	on server python3 - "$perm4" "$1" <<-'END'
		import socket, sys
		s = socket.socket()
		s.settimeout(0.2)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, int(sys.argv[2]))
		s.connect_ex((sys.argv[1], 4001))
	END
}

# Each rule by itself; then none, and the same packets are rewritten.
exemptions_hold() {
	local group
	map 1
	not_rewritten "port of SIP, exempt from the start" try_port 5060
	exempt exempt-port 4000
	not_rewritten "port" try_port 4000
	exempt exempt-mark 0x10/0xff
	not_rewritten "mark of a socket" try_mark 16
	exempt exempt-mark 0/0
	exempt exempt-prefix 203.0.113.64/26
	not_rewritten "prefix" try_port 4001
	exempt exempt-prefix ""
	group=/sys/fs/cgroup/roam-test-$$
	mkdir "$group" && on_exit rmdir "$group"
	exempt exempt-cgroup "$group"
	not_rewritten "control group" in_group "$group" 4001
	exempt exempt-cgroup ""
	exempt exempt-port 5060,5061
	(($(seen server eth0 "dst host $(care_of 4 1) and tcp" try_port 4001) > 0)) ||
		fail "nothing is rewritten any more"
}

in_group() {
	# shellcheck disable=SC2016 # the inner shell's
	bash -c 'echo $$ >"$1/cgroup.procs" && exec nsenter --net="/run/netns/$2" timeout 5 \
		socat -u /dev/null "TCP:$3:$4,connect-timeout=1"' group "$1" "$server" "$perm4" "$2"
	true
}

# Bound to the care-of address: a service of the visited network, not ours.
care_of_listener_is_reached() {
	local got
	map 1
	bg on roamer socat -t 30 "TCP-LISTEN:11,bind=$(care_of 4 1),fork,reuseaddr" EXEC:cat
	wait_for 60 port_open roamer 11
	got=$(echo hello | on server timeout 60 socat -t 30 - "TCP:$(care_of 4 1):11")
	expect_eq "answer of the care-of address" hello "$got"
}

# ---- literal mode ----

# On the wire: the permanent address as source, the care-of one as destination.
literal_mode() {
	map 1 mode literal
	(($(seen server eth0 "src host $perm4 and tcp" echo_once server "$perm4") > 0)) ||
		fail "no packet from the permanent address"
	(($(seen server eth0 "dst host $(care_of 4 1) and tcp" echo_once server "$perm4") > 0)) ||
		fail "no packet to the care-of address"
	expect_eq "packets from the care-of address" 0 \
		"$(seen server eth0 "src host $(care_of 4 1) and tcp" echo_once server "$perm4")"
	talk_open literal server "$perm4" 7
	map 2 mode literal
	talk literal
	map 2
	talk literal
}

# ---- where the module sits ----

# point_rules HOOK PRIORITY
point_rules() {
	local address
	echo "type filter hook $1 priority $2; policy accept;"
	for address in "$perm4" "$(care_of 4 1)"; do
		echo "tcp sport 7 ip saddr $address counter"
		echo "tcp dport 7 ip daddr $address counter"
	done
}

# points HOST LINK: a chain at each place that packets pass, the nearest before and
# behind the module, counts TCP of port 7 by the roamer's address.
points() {
	on "$1" nft -f - <<-END || fail "no netfilter tables"
		table netdev points {
			chain wire_in {
				$(point_rules "ingress device $2" -500)
			}
			chain wire_out {
				$(point_rules "egress device $2" -500)
			}
		}
		table ip points {
			chain before_in {
				$(point_rules prerouting -211)
			}
			chain behind_in {
				$(point_rules prerouting -209)
			}
			chain socket_in {
				$(point_rules input 0)
			}
			chain socket_out {
				$(point_rules output -500)
			}
			chain before_out {
				$(point_rules output 2147483646)
			}
			chain behind_out {
				$(point_rules postrouting -500)
			}
		}
	END
	on_exit on "$1" nft delete table netdev points
	on_exit on "$1" nft delete table ip points
}

# point CHAIN, of $ruleset: "FROM-PERMANENT TO-PERMANENT FROM-CARE-OF TO-CARE-OF", packets.
point() {
	jq -r --arg chain "$1" '[.nftables[].rule |
		select(.chain == $chain) | .expr[] | .counter.packets // empty] |
		map(tostring) | join(" ")' <<<"$ruleset"
}

# Packets are counted, not glimpsed: each passes every point, under one address
# below the module and under the other one above it.
it_sits_below_ip_and_above_layer_two() {
	local chain host ruleset
	require nft
	map 1
	points roamer eth0
	points server eth0
	echo_once server "$perm4"
	for host in roamer server; do
		ruleset=$(on "$host" nft -j list ruleset)
		for chain in wire_in before_in behind_out wire_out; do
			expect_match "$host, $chain" "^0 0 (0 [1-9][0-9]*|[1-9][0-9]* 0)\$" "$(point "$chain")"
		done
		for chain in behind_in socket_in socket_out before_out; do
			expect_match "$host, $chain" "^(0 [1-9][0-9]*|[1-9][0-9]* 0) 0 0\$" "$(point "$chain")"
		done
		# Every packet, in both directions.
		expect_eq "$host, received" "$(point before_in)" \
			"$(point behind_in | awk '{ print $3, $4, $1, $2 }')"
		expect_eq "$host, sent" "$(point behind_out)" \
			"$(point before_out | awk '{ print $3, $4, $1, $2 }')"
	done
	# The kernel's own list: these hooks, at these places, and no other. Debian's 6.1
	# cannot list them.
	modprobe -q nfnetlink_hook || return 0
	for host in roamer server; do
		expect_eq "hooks of $host" "ip prerouting -210
ip output 2147483647
ip6 prerouting -210
ip6 output 2147483647" "$(our_hooks "$host")"
	done
}

# our_hooks HOST: "FAMILY HOOK PRIORITY" of each hook that the module has.
our_hooks() {
	on "$1" nft list hooks | awk '
		/^family/ { family = $2 }
		/^\thook/ { hook = $2 }
		/\[roam_mangle\]/ { print family, hook, $1 + 0 }'
}

# received_bytes COMMAND...: of the packets that the server receives during the
# command, as they come from the wire and as they leave the module.
received_bytes() {
	local side
	capture_start "$server" eth0 path.wire.pcap "tcp src port 7"
	side=$capture_pid
	on server nft -f - <<-'END' || fail "no netfilter tables"
		table ip received {
			chain behind {
				type filter hook prerouting priority -209; policy accept;
				tcp sport 7 log group 5 queue-threshold 1
			}
		}
	END
	capture_start "$server" nflog:5 path.behind.pcap
	"$@"
	wait_for 60 captured_alike
	stop "$capture_pid"
	stop "$side"
	on server nft delete table ip received
	for side in wire behind; do
		bytes_of_side "path.$side" nobody >"$ROAM_OUT/path.$side"
	done
}

captured_alike() {
	local wire
	wire=$(tcpdump -n -r "$ROAM_OUT/path.wire.pcap" | wc -l)
	((wire > 3 && wire == $(tcpdump -n -r "$ROAM_OUT/path.behind.pcap" | wc -l)))
}

# In literal mode a correspondent has nothing to restore. The module's hook is there,
# since other mappings may be symmetric, but what comes passes it as it is.
literal_mode_leaves_the_received_alone() {
	local before
	require nft
	map 1 mode literal
	before=$(stats_in server)
	received_bytes echo_once server "$perm4"
	expect_eq "packets that the module changed" "" \
		"$(diff "$ROAM_OUT/path.wire" "$ROAM_OUT/path.behind")"
	expect_eq "addresses" "$perm4 192.0.2.1" "$(addresses_in path.wire.pcap)"
	expect_eq "counters of what is received" "$before" "$(stats_in server)"
	# The same in symmetric mode: that is what the comparison would have shown.
	map 1
	received_bytes echo_once server "$perm4"
	expect_eq "addresses on the wire" "$(care_of 4 1) 192.0.2.1" "$(addresses_in path.wire.pcap)"
	expect_eq "addresses behind the module" "$perm4 192.0.2.1" "$(addresses_in path.behind.pcap)"
	[[ $(stats_in server) != "$before" ]] || fail "the module does not count what it restores"
}

stats_in() {
	tool -n "${!1}" -j mangle stats | jq -c '.[0] | with_entries(select(.key | startswith("in_")))'
}

# ---- routes ----

# The care-of address is behind another link than the permanent one, and the
# route to it changes under an open connection.
routes_follow() {
	map 2
	talk_open routed server "$perm4" 7
	(($(seen server eth1 "dst host $(care_of 4 2)" talk routed) > 0)) ||
		fail "not sent to the link of the care-of address"
	ip -n "$server" route add "$(care_of 4 2)/32" via 192.0.2.2
	on_exit ip -n "$server" route del "$(care_of 4 2)/32"
	ip netns exec "$roamer" sysctl -q net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0
	(($(seen server eth0 "dst host $(care_of 4 2)" talk routed) > 0)) ||
		fail "a remembered route outlived the change"
}

# A socket in a VRF. Its table has a way to the permanent address, too, and the roamer
# would answer there: what counts is what the packets carry.
vrf_is_followed() {
	ip -n "$server" link add red type vrf table 100 || skip "no VRF"
	on_exit ip -n "$server" link del red
	ip -n "$server" link set red up
	ip -n "$server" link set eth1 master red
	on_exit ip -n "$server" link set eth1 nomaster
	ip -n "$server" route add 203.0.113.0/24 dev eth1 table 100
	map 2
	capture_start "$server" eth1 path.vrf.pcap "tcp port 7"
	on server timeout 60 socat -t 30 - "TCP:$perm4:7,so-bindtodevice=red" <<<hello >"$hosts/vrf" || true
	capture_stop
	expect_eq "answer through the VRF" hello "$(cat "$hosts/vrf")"
	(($(packets_in path.vrf.pcap dst "$(care_of 4 2)") > 2)) || fail "no packet to the care-of address"
	(($(packets_in path.vrf.pcap src "$(care_of 4 2)") > 2)) || fail "no packet from the care-of address"
	expect_eq "packets with the permanent address" 0 "$(packets_in path.vrf.pcap host "$perm4")"
}

# The kernel finds the socket of a segment early if it is asked to, behind these hooks;
# in front of them nobody but us can have found it.
segments_bring_their_socket() {
	local name=socket$1 on before
	require nft
	map 1
	on roamer nft 'add table inet early; add chain inet early in { type filter hook prerouting priority -150; };
		add rule inet early in tcp dport 7 meta skuid 0 counter'
	on_exit in_ns "$roamer" nft 'delete table inet early'
	on_exit in_ns "$roamer" sysctl -qw net.ipv4.tcp_early_demux=1
	talk_open "$name" server "$(host_of "$(perm "$1")")" 7
	talk "$name"
	(($(sockets_seen) > 0)) || fail "no segment had its socket"
	for on in 0 1; do
		on roamer sysctl -qw net.ipv4.tcp_early_demux="$on"
		before=$(sockets_seen)
		talk "$name"
		expect_eq "segments have a socket, asked for: $on" "$on" \
			"$(($(sockets_seen) > before))"
	done
}

sockets_seen() {
	on roamer nft -j list table inet early | jq '[.. | .counter? | select(. != null) | .packets] | add'
}

# ---- after a move ----

# Segments to the first care-of address vanish on their way, and the timer grows.
lose_segments() {
	on roamer nft 'add table inet lost; add chain inet lost in { type filter hook prerouting priority -400; };
		add rule inet lost in iifname "eth0" drop'
	on_exit in_ns "$roamer" nft 'delete table inet lost'
}

# backed_off TIMES: the timer has doubled so often, from 0.2 s.
backed_off() {
	on server ss -Htni "dst $perm4" | grep -q "backoff:[$1-9]"
}

# What was lost is sent again at once, not when a timer of seconds has run off.
connection_resumes() {
	local before started took
	map 1
	talk_open resumed server "$perm4" 7
	lose_segments
	echo "lost at first" >&"${talk_in[resumed]}"
	# It would run for 12.8 s, of which a busy machine takes some to see it.
	wait_for 60 backed_off 6
	before=$(counted server resumed)
	started=$(date +%s%N)
	map 2
	read -r -t 60 line <&"${talk_out[resumed]}" || {
		ip -n "$server" route
		ip -n "$roamer" route
		on server ss -Htnoi
		on roamer ss -Htnoi
		tool -n "$server" mangle show
		fail "no answer after the move"
	}
	took=$((($(date +%s%N) - started) / 1000000))
	expect_eq "what was lost" "lost at first" "$line"
	counted_is server resumed -gt "$before" || fail "nothing was asked to send again"
	echo "$took ms after the mapping changed"
	((took < 6000)) || fail "$took ms until lost data came"
}

# A time-out sends the oldest segment and waits for its acknowledgement. Here all come
# before the first word of the other end.
all_that_is_lost_comes_at_once() {
	local line text at bytes
	text=$(printf '%06000d' 7)
	map 1
	talk_open several server "$perm4" 7
	lose_segments
	echo "$text" >&"${talk_in[several]}"
	wait_for 60 backed_off 1
	on roamer tc qdisc add dev eth0 root netem delay 300ms || skip "no netem"
	on_exit ip netns exec "$roamer" tc qdisc del dev eth0 root
	capture_start "$server" any path.several.pcap "tcp port 7"
	map 2
	read -r -t 60 line <&"${talk_out[several]}" || fail "no answer after the move"
	expect_eq "answer" "$text" "$line"
	capture_stop
	at=$(care_of 4 2)
	bytes=$(tcpdump -n -r "$ROAM_OUT/path.several.pcap" 2>/dev/null | awk -v at="$at" '
		index($0, "IP " at ".") { exit }
		index($0, "> " at ".") { n += $NF }
		END { print n + 0 }')
	((bytes > 6000)) || fail "$bytes bytes came before the first answer"
}

# Who talked and went is forgotten; who says nothing, but has a connection, is not.
silence_is_remembered() {
	local net silent left address silent_pid
	case $1 in
	4) net=192.0.2. ;;
	6) net=2001:db8:2:: ;;
	esac
	silent=${net}98 left=${net}99
	map 1
	for address in "$silent" "$left"; do
		ip -n "$server" address add "$address" dev eth0 nodad
		on_exit ip -n "$server" address del "$address" dev eth0
	done
	expect_ok tool -n "$roamer" mangle config set peer-time 1s
	on_exit tool -n "$roamer" mangle config set peer-time 10m
	talk_open "silent$1" server "$(host_of "$(perm "$1")")" 7 "bind=$(host_of "$silent")"
	silent_pid=$bg_pid
	echo_once server "$(perm "$1")" "bind=$(host_of "$left")"
	peer_is_known "$left" || fail "$left is not known"
	wait_for 30 peer_is_gone "$left"
	peer_is_known "$silent" || fail "$silent was forgotten, which has a connection"
	stop "$silent_pid"
	wait_for 30 peer_is_gone "$silent"
}

peer_is_known() {
	tool -n "$roamer" -j mangle peer show | jq -e --arg peer "$1" 'any(.[]; .peer == $peer)'
}

peer_is_gone() { ! peer_is_known "$1"; }

fixture two_links
prove "OPEN-01 MLR-17 MLR-29 MLR-38: IPv4 connections move" connection_moves 4
prove "OPEN-01 MLR-17 MLR-29 MLR-38: IPv6 connections move" connection_moves 6
prove "OPEN-03 OPEN-04: IPv4 in bulk, with offloads" bulk_is_unharmed 4
prove "OPEN-01 OPEN-03 OPEN-04: IPv6 in bulk, with offloads" bulk_is_unharmed 6
prove "OPEN-06: IPv4 headers keep all but addresses, ECN among it" other_fields_stay 4
prove "OPEN-01 OPEN-06: IPv6 headers keep all but addresses, ECN among it" other_fields_stay 6
prove "MLR-14: every packet of TCP is taken as it leaves" every_packet_is_counted
prove "OPEN-24: the address just left is translated while grace lasts" \
	left_address_is_translated
prove "OPEN-05: IPv4 fragments in any order arrive whole" fragments_arrive_whole 4
prove "OPEN-01 OPEN-05: IPv6 fragments in any order arrive whole" fragments_arrive_whole 6
prove "OPEN-05 TEN-11: IPv4 fragments of an exempt port arrive whole" \
	exempt_fragments_arrive_whole 4
prove "OPEN-01 OPEN-05 TEN-11: IPv6 fragments of an exempt port arrive whole" \
	exempt_fragments_arrive_whole 6
prove "OPEN-08: who is refused by an ICMP error hears of it, IPv4" errors_reach_who_is_refused 4
prove "OPEN-01 OPEN-08: who is refused by an ICMP error hears of it, IPv6" \
	errors_reach_who_is_refused 6
prove "OPEN-08: errors on the wire are about care-of addresses, IPv4" errors_have_good_checksums 4
prove "OPEN-01 OPEN-08: errors on the wire are about care-of addresses, IPv6" \
	errors_have_good_checksums 6
prove "OPEN-39 OPEN-40 TEN-11 TEN-27: ports, marks, prefixes and control groups are exempt" \
	exemptions_hold
prove "OPEN-40 TEN-13: a service at the care-of address is reached" care_of_listener_is_reached
prove "MLR-30 MLR-31 OPEN-18 TEN-32: literal mode" literal_mode
prove "MLR-13 MLR-27: the hooks sit below IP and above layer two" \
	it_sits_below_ip_and_above_layer_two
prove "MLR-19: in literal mode a correspondent leaves what it receives alone" \
	literal_mode_leaves_the_received_alone
prove "OPEN-15: packets follow the route to the care-of address" routes_follow
prove "OPEN-14 OPEN-15: a socket in a VRF" vrf_is_followed
prove "OPEN-03: an IPv4 segment brings its socket, where sockets are found early" \
	segments_bring_their_socket 4
prove "OPEN-01 OPEN-03: an IPv6 segment brings its socket, where sockets are found early" \
	segments_bring_their_socket 6
prove "MLR-35 MLR-37: IPv4 correspondents with silent connections are remembered" \
	silence_is_remembered 4
prove "OPEN-01 MLR-35 MLR-37: IPv6 correspondents with silent connections are remembered" \
	silence_is_remembered 6
prove "OPEN-41: lost data is sent again at once after a move" connection_resumes
prove "OPEN-41: all that was lost is sent again without waiting for a word" \
	all_that_is_lost_comes_at_once
tests_done
