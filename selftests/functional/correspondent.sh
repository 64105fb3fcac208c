#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1200
#
# What a correspondent does with packets to mobile hosts, to hosts that are none,
# and with everything that is not its business.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$(dirname "$(realpath "$0")")/../topology.sh"

# Hosts in the range of permanent addresses that never move, beside the register.
readonly fixed_a=203.0.113.77 fixed_b=203.0.113.78 fixed_c=203.0.113.79
readonly fixed_d=203.0.113.80 fixed_e=203.0.113.81
dissector=$(realpath "$(dirname "$0")")/../dissector/roam-lr.lua

world() {
	local address host
	mobile_options='announce_time = 2s'
	topology_create
	# As strict as a distribution's defaults get (OPEN-11, OPEN-18).
	for host in mobile router correspondent register; do
		in_ns "${!host}" sysctl -qw net.ipv4.conf.all.rp_filter=1 \
			net.ipv4.conf.default.rp_filter=1
	done
	for address in "$fixed_a" "$fixed_b" "$fixed_c" "$fixed_d" "$fixed_e"; do
		ip -n "$register" address add "$address/32" dev lo
		ip -n "$router" route add "$address" via "$register_addr"
	done
	register_start
	correspondent_start
	# Somebody asks for the mobile host before the register knows it.
	in_ns "$correspondent" socat -u /dev/null "TCP:$permanent:17,connect-timeout=10"
	state_before=$(state_of "$permanent")
	move_to 1
	mobile_start
	wait_for 60 is_registered
	echo_serve register 7
	echo_serve mobile 7
	echo_serve correspondent 7
}

# messages FILE FILTER: how many of them are in a capture.
messages() {
	tshark -n -r "$ROAM_OUT/$1" -X "lua_script:$dissector" -Y "roam_lr && $2" \
		2>/dev/null | wc -l
}

# packets FILE FILTER
packets() {
	tshark -n -r "$ROAM_OUT/$1" -Y "$2" 2>/dev/null | wc -l
}

state_of() {
	roam correspondent -j mangle show "$1" | jq -r '.[0].state'
}

state_is() {
	[[ $(state_of "$1") == "$2" ]]
}

# ---- destinations that do not move ----

# One question for the first packet, held until the answer, then none.
fixed_host_is_asked_for_once() {
	local rewritten held order
	rewritten=$(counter correspondent mangle out_rewritten)
	held=$(counter correspondent mangle held)
	capture_start "$correspondent" eth0 correspondent.fixed.pcap \
		"udp port 17434 or host $fixed_a"
	talk_open first correspondent "$fixed_a" 7
	expect_eq "state of the mapping" null "$(state_of "$fixed_a")"
	talk_open second correspondent "$fixed_a" 7
	talk second
	capture_stop
	counter_is correspondent mangle held "-gt $held" || fail "the first packet was not held"
	expect_eq "queries" 1 "$(messages correspondent.fixed.pcap \
		"roam_lr.type == 1 && roam_lr.permanent4 == $fixed_a")"
	expect_eq "answers 'none'" 1 "$(messages correspondent.fixed.pcap \
		"roam_lr.type == 2 && roam_lr.status == 1 && roam_lr.permanent4 == $fixed_a")"
	order=$(tshark -n -r "$ROAM_OUT/correspondent.fixed.pcap" -X "lua_script:$dissector" \
		-Y "roam_lr || tcp.flags.syn == 1 && tcp.flags.ack == 0" -T fields \
		-e roam_lr.type -e ip.proto 2>/dev/null | head -n 3 | tr -s '\t\n' '  ')
	expect_eq "query, answer, SYN" "1 17 2 17 6 " "${order# }"
	expect_eq "packets rewritten" "$rewritten" \
		"$(counter correspondent mangle out_rewritten)"
}

# The same bytes leave the sender and reach the other side, at their own addresses.
fixed_host_gets_the_same_bytes() {
	local side sent
	capture_start "$correspondent" eth0 correspondent.sent.pcap "tcp and dst $fixed_b"
	sent=$capture_pid
	capture_start "$register" eth0 correspondent.got.pcap "tcp and dst $fixed_b"
	head -c 100000 /dev/urandom >"$hosts/bytes"
	bg in_ns "$register" socat -u TCP-LISTEN:9,bind="$fixed_b" "CREATE:$hosts/bytes.got"
	wait_for 60 port_open register 9
	expect_ok in_ns "$correspondent" socat -u "OPEN:$hosts/bytes" "TCP:$fixed_b:9"
	wait_for 60 cmp "$hosts/bytes" "$hosts/bytes.got"
	capture_stop
	capture_stop "$sent"
	for side in sent got; do
		tshark -n -r "$ROAM_OUT/correspondent.$side.pcap" -T fields -e ip.src -e ip.dst \
			-e ip.id -e tcp.seq_raw -e tcp.ack_raw -e tcp.len -e tcp.checksum \
			2>/dev/null | sort -u >"$ROAM_OUT/correspondent.$side"
	done
	expect_eq "packets that changed on their way" "" \
		"$(comm -13 "$ROAM_OUT/correspondent.sent" "$ROAM_OUT/correspondent.got" | head -n 3)"
	# By bytes: how many packets they are is a matter of segmentation offload.
	(($(awk '{ bytes += $6 } END { print bytes + 0 }' "$ROAM_OUT/correspondent.got") >= 100000)) ||
		fail "bytes are missing in the capture"
	expect_eq "TCP from another address" "" \
		"$(grep -v "^198.51.100.2" "$ROAM_OUT/correspondent.sent" | head -n 3)"
}

# Short lifetimes for one test.
short_null_lifetime() {
	correspondent_options='null_lifetime = 4s'
	correspondent_configure
	daemon_signal correspondent lrd HUP
	on_exit long_null_lifetime
}

long_null_lifetime() {
	correspondent_options=
	correspondent_configure
	daemon_signal correspondent lrd HUP
}

# Renewed while it is in use, or asked for again by the next packet.
expired_mapping_is_asked_for() {
	local before
	short_null_lifetime
	talk_open early correspondent "$fixed_c" 7
	before=$(counter register hlr queries)
	wait_for 60 gone_or_renewed "$before"
	talk_open late correspondent "$fixed_c" 7
	counter_is register hlr queries "-gt $before" || fail "it was not asked for again"
}

gone_or_renewed() {
	gone_mapping "$fixed_c" || counter_is register hlr queries "-gt $1"
}

# Nobody talks to it any more: the mapping ends and nobody asks.
idle_mapping_ends() {
	short_null_lifetime
	in_ns "$correspondent" socat -u /dev/null "TCP:$fixed_c:7"
	wait_for 60 state_is "$fixed_c" null
	try_for 45 gone_mapping "$fixed_c" || fail "it is renewed for ever: $(
		counter register hlr queries) queries"
}

gone_mapping() {
	[[ $(roam correspondent -j mangle show "$1") == '[]' ]]
}

outside_the_range_nothing_happens() {
	local before after
	before=$(what_was_done)
	talk_open outside correspondent "$register_addr" 7
	talk outside
	after=$(what_was_done)
	expect_eq "counters" "$before" "$after"
}

what_was_done() {
	roam correspondent -j mangle stats |
		jq -c '.[0] | del(.mappings, .peers)'
	counter correspondent lr misses
}

# An update of a host that had no mapping: the null mapping is replaced.
update_replaces_null_mapping() {
	expect_eq "state before the host was registered" null "$state_before"
	talk_open announced mobile "$correspondent_addr" 7
	expect_eq "state" valid "$(state_of "$permanent")"
	is_mapped correspondent || fail "care-of address: $(mapped_at correspondent)"
	talk_open back correspondent "$permanent" 7
}

# ---- who is told of a move ----

# peer_known: how the mobile host knows the correspondent, and whether that knows it.
peer_known() {
	roam mobile -j mangle peer show | jq -r --arg peer "$correspondent_addr" \
		'.[] | select(.peer == $peer) | "\(.mode) \(.told)"'
}

peer_is() {
	[[ $(peer_known) == "$1" ]]
}

# nothing_open PORT: no connection is established, and those to the port have left
# nothing but what waits for stray segments.
nothing_open() {
	[[ ! $(sockets mobile; sockets correspondent) ]] &&
		(in_ns "$mobile" ss -Htan; in_ns "$correspondent" ss -Htan) |
			awk -v port=":$1\$" '$1 !~ /TIME-WAIT|LISTEN/ && ($4 ~ port || $5 ~ port) { left = 1 }
				END { exit left }'
}

# Nobody talks any more as the host moves. The correspondent hears of it all the same,
# so that its next connection needs nobody, although the register is there to be asked.
closed_correspondents_are_told() {
	local server queries held misses
	# The correspondent knows the mobile host, which starts with nobody in its list.
	in_ns "$mobile" socat -u /dev/null "TCP:$correspondent_addr:7"
	wait_for 60 is_mapped correspondent
	wait_for 60 nothing_open 7
	expect_ok roam mobile mangle peer flush
	expect_eq "correspondents before" "" "$(peer_known)"
	bg in_ns "$mobile" socat -u TCP-LISTEN:11 OPEN:/dev/null
	server=$bg_pid
	wait_for 60 port_open mobile 11
	expect_ok in_ns "$correspondent" socat -u /dev/null "TCP:$permanent:11"
	wait "$server" || fail "the server failed"
	wait_for 60 nothing_open 11
	wait_for 60 peer_is "roam true"

	capture_start "$router" correspondent correspondent.closed.pcap "udp port 17434"
	move_to 2
	wait_for 60 is_registered
	wait_for 60 is_mapped correspondent
	wait_for 60 peer_is "roam true"
	capture_stop
	(($(messages correspondent.closed.pcap "roam_lr.type == 5 && ip.dst == $correspondent_addr &&
		roam_lr.permanent4 == $permanent && roam_lr.care_of4 == $care_of") > 0)) ||
		fail "the correspondent was not told"
	expect_eq "own messages with the permanent address" 0 \
		"$(packets_in correspondent.closed.pcap host "$permanent")"

	queries=$(counter register hlr queries)
	held=$(counter correspondent mangle held)
	misses=$(counter correspondent lr misses)
	daemon_signal register hlrd STOP
	on_exit daemon_signal register hlrd CONT
	talk_open unasked correspondent "$permanent" 7
	daemon_signal register hlrd CONT
	expect_eq "packets held" "$held" "$(counter correspondent mangle held)"
	expect_eq "questions of the module" "$misses" "$(counter correspondent lr misses)"
	expect_eq "queries" "$queries" "$(counter register hlr queries)"
}

# ---- nobody can say ----

# no_register OPTIONS: the register is silent, the module's settings as given.
no_register() {
	daemon_signal register hlrd STOP
	on_exit daemon_signal register hlrd CONT
	expect_ok roam correspondent mangle config set "$@"
	on_exit roam correspondent mangle config set hold-time 2s hold-policy pass
}

# By default they leave in the end, as they are, and so does the whole connection.
unanswered_packets_pass_in_the_end() {
	local held passed sent started first
	expect_eq "default" pass "$(roam correspondent -j mangle config show | jq -r '.[0].hold_policy')"
	no_register hold-time 4s
	held=$(counter correspondent mangle held)
	passed=$(counter correspondent mangle pass_hold_timeout)
	capture_start "$correspondent" eth0 correspondent.unanswered.pcap "tcp and host $fixed_d"
	started=$EPOCHREALTIME
	talk_open unanswered correspondent "$fixed_d" 7
	capture_stop
	first=$(tcpdump -n -tt -r "$ROAM_OUT/correspondent.unanswered.pcap" 2>/dev/null | head -n 1)
	expect_match "first packet" "> $fixed_d\.7: Flags \[S\]" "$first"
	# To the microsecond, less than a tick for the kernel's own rounding.
	sent=$((${first%%[. ]*}000000 + 10#$(cut -d' ' -f1 <<<"${first#*.}") - ${started/./}))
	echo "first packet after $((sent / 1000)) ms"
	((sent > 3990000)) || fail "the first packet left after $sent us"
	((sent < 20000000)) || fail "the first packet waited for $sent us"
	held=$(($(counter correspondent mangle held) - held))
	((held > 0)) || fail "nothing was held"
	expect_eq "packets that passed in the end" "$held" \
		"$(($(counter correspondent mangle pass_hold_timeout) - passed))"
	expect_eq "known of the address" '[]' "$(roam correspondent -j mangle show "$fixed_d")"
}

# The first one when its hold ends, those that TCP sends later as well.
unanswered_packets_are_dropped_where_wanted() {
	local held dropped passed
	no_register hold-time 2s hold-policy drop
	held=$(counter correspondent mangle held)
	dropped=$(counter correspondent mangle drop_hold_timeout)
	passed=$(counter correspondent mangle pass_hold_timeout)
	capture_start "$correspondent" eth0 correspondent.dropped.pcap "tcp and host $fixed_e"
	expect_fail in_ns "$correspondent" socat -u /dev/null "TCP:$fixed_e:7,connect-timeout=6"
	held=$(($(counter correspondent mangle held) - held))
	((held > 0)) || fail "nothing was held"
	wait_for 60 counter_is correspondent mangle drop_hold_timeout "-gt $((dropped + 1))"
	capture_stop
	expect_eq "packets that passed" "$passed" "$(counter correspondent mangle pass_hold_timeout)"
	expect_eq "packets on the wire" 0 "$(packets_in correspondent.dropped.pcap)"
}

# ---- what is not TCP ----

# Sends back what comes: SIP, something like RTP, a protocol for experiments. Or, given
# its own address, another one and which of these, sends to that and says what came back.
readonly datagrams='
import os, select, socket, sys

own = sys.argv[1] if len(sys.argv) > 1 else "0.0.0.0"
sockets = {}
for what in sys.argv[3:] or ("5060", "16384", "raw"):
    raw = what == "raw"
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW if raw else socket.SOCK_DGRAM, 253 if raw else 0)
    s.settimeout(60)
    s.bind((own, 0 if raw or len(sys.argv) > 1 else int(what)))
    sockets[s] = what

def receive(s):
    data, sender = s.recvfrom(2000)
    return data[20:] if sockets[s] == "raw" else data, sender

if len(sys.argv) == 1:
    print("listens", flush=True)
    while True:
        for s in select.select(sockets, [], [])[0]:
            s.sendto(*receive(s))
for s, what in sockets.items():
    data = b"INVITE sip:nobody@example.net" + os.urandom(100)
    s.sendto(data, (sys.argv[2], 0 if what == "raw" else int(what)))
    came, sender = receive(s)
    print(what, "same" if came == data else "other", "from", sender[0])
'

# datagrams_serve HOST
datagrams_serve() {
	bg in_ns "${!1}" /usr/bin/python3 -c "$datagrams" >"$hosts/datagrams"
	wait_for 60 grep -q listens "$hosts/datagrams"
}

# datagrams_between HOST OWN-ADDRESS ADDRESS WHAT...: one of each there and back.
datagrams_between() {
	expect_eq "what came back" "$(printf "%s same from $3\n" "${@:4}")" \
		"$(in_ns "${!1}" /usr/bin/python3 -c "$datagrams" "${@:2}")"
}

# A connection is rewritten meanwhile. Each packet is looked at four times, and is always
# the same: above the module, on the wire, on the wire at the other end, above the module
# there.
others_pass_untouched() {
	local host side link address
	place_now
	talk_open before mobile "$correspondent_addr" 7
	datagrams_serve correspondent
	link=$(ip -n "$mobile" -o address show to "$care_of" | awk '{ print $2 }')
	for host in mobile correspondent; do
		capture_sides "${!host}" "$link" "correspondent.$host" \
			"ip and (icmp or proto 253 or udp port 5060 or udp port 16384)" \
			"ip protocol { 1, 253 }" "udp sport { 5060, 16384 }" "udp dport { 5060, 16384 }"
		link=eth0
	done
	datagrams_between mobile "$care_of" "$correspondent_addr" 5060 16384 raw
	expect_ok in_ns "$mobile" ping -c 1 -W 60 "$correspondent_addr"
	expect_ok in_ns "$correspondent" ping -c 1 -W 60 "$care_of"
	# What an application sends to the permanent address stays as it is, too.
	echo lost | in_ns "$correspondent" socat -u - "UDP-SENDTO:$permanent:5060"
	wait_for 60 packet_came correspondent.correspondent.wire.pcap "dst $permanent and udp port 5060"
	for host in mobile correspondent; do
		capture_sides_stop "correspondent.$host"
	done
	# shellcheck disable=SC2086 # four words
	address=$(printf '%02x' ${care_of//./ })
	for side in mobile.stack mobile.wire correspondent.wire correspondent.stack; do
		bytes_of_side "correspondent.$side" router | grep "$address" >"$ROAM_OUT/correspondent.$side"
		expect_eq "packets that $side sees in another way" "" \
			"$(diff "$ROAM_OUT/correspondent.mobile.stack" "$ROAM_OUT/correspondent.$side" | head -n 4)"
	done
	# ICMP, UDP and the other one, by the field in their headers.
	expect_eq "packets by protocol" "4 01 4 11 2 fd" \
		"$(cut -c19-20 "$ROAM_OUT/correspondent.$side" | sort | uniq -c | xargs)"
	talk before
}

# Once the policy names it, UDP has permanent addresses above and care-of ones below.
udp_is_rewritten_where_named() {
	local host filter
	place_now
	talk_open told mobile "$correspondent_addr" 7
	datagrams_serve correspondent
	for host in mobile correspondent; do
		expect_ok roam "$host" mangle config set protocol tcp,udp
		on_exit roam "$host" mangle config set protocol tcp
	done
	capture_start "$router" correspondent correspondent.named.pcap "udp port 16384"
	datagrams_between mobile "$permanent" "$correspondent_addr" 16384
	capture_stop
	expect_eq "packets on the wire, there and back" "1 1 2" "$(for filter in \
		"src $care_of and dst $correspondent_addr" "src $correspondent_addr and dst $care_of" ""; do
		packets_in correspondent.named.pcap "$filter"
	done | xargs)"
	# Who was told hears of a move as before, though these messages are UDP as well.
	move_to 3
	talk told
	wait_for 60 is_registered
	wait_for 60 is_mapped correspondent
	datagrams_between mobile "$permanent" "$correspondent_addr" 16384
}

packet_came() {
	tcpdump -n -r "$ROAM_OUT/$1" "${@:2}" 2>/dev/null | grep -q .
}

# ---- the path ----

# A narrow link behind the router, another size for each direction.
narrow_path_is_discovered() {
	place_now
	ip -n "$router" route change 198.51.100.0/26 dev correspondent \
		src 198.51.100.1 mtu lock 1300
	on_exit ip -n "$router" route change 198.51.100.0/26 dev correspondent src 198.51.100.1
	for net in 0 64 128; do
		ip -n "$router" route change "192.0.2.$net/26" dev "net$((net / 64 + 1))" \
			src "192.0.2.$((net + 1))" mtu lock 1200
		on_exit ip -n "$router" route change "192.0.2.$net/26" \
			dev "net$((net / 64 + 1))" src "192.0.2.$((net + 1))"
	done
	head -c 300000 /dev/urandom >"$hosts/large"
	in_icmp_mobile=$(counter mobile mangle in_icmp)
	in_icmp_correspondent=$(counter correspondent mangle in_icmp)
	bg in_ns "$correspondent" socat -u TCP-LISTEN:9 "CREATE:$hosts/large.up"
	bg in_ns "$mobile" socat -u TCP-LISTEN:9 "CREATE:$hosts/large.down"
	wait_for 60 port_open correspondent 9
	wait_for 60 port_open mobile 9
	expect_ok in_ns "$mobile" timeout 120 socat -u "OPEN:$hosts/large" "TCP:$correspondent_addr:9"
	wait_for 60 cmp "$hosts/large" "$hosts/large.up"
	expect_ok in_ns "$correspondent" timeout 120 socat -u "OPEN:$hosts/large" "TCP:$permanent:9"
	wait_for 60 cmp "$hosts/large" "$hosts/large.down"
	counter_is mobile mangle in_icmp "-gt $in_icmp_mobile" ||
		fail "no error was translated at the mobile host"
	counter_is correspondent mangle in_icmp "-gt $in_icmp_correspondent" ||
		fail "no error was translated at the correspondent"
}

# The same connection, at first on a narrow path, then on a wide one.
old_path_is_forgotten() {
	move_to 1
	wait_for 60 is_registered
	# It may have asked for the mobile host before that was registered.
	in_ns "$mobile" socat -u /dev/null "TCP:$correspondent_addr:7"
	wait_for 60 is_mapped correspondent
	talk_open grows correspondent "$permanent" 7
	ip -n "$router" route change 192.0.2.0/26 dev net1 src 192.0.2.1 mtu lock 1200
	on_exit ip -n "$router" route change 192.0.2.0/26 dev net1 src 192.0.2.1
	large_line grows
	expect_eq "packets on the narrow path" 1200 "$(size_of_packets)"
	move_to 2
	wait_for 60 is_mapped correspondent
	wait_for 60 is_wide
}

is_wide() {
	large_line grows
	[[ $(size_of_packets) == 1500 ]]
}

# large_line NAME: more than one segment, there and back.
large_line() {
	local line got
	line=$(head -c 6000 /dev/urandom | base64 -w 0)
	echo "$line" >&"${talk_in[$1]}"
	read -r -t 60 got <&"${talk_out[$1]}" || fail "no answer"
	[[ $got == "$line" ]] || fail "another answer"
}

size_of_packets() {
	in_ns "$correspondent" ss -Htin "dst $permanent dport = :7" | grep -o 'pmtu:[0-9]*' |
		cut -d: -f2 | sort -u
}

# Firewalls of both hosts: permanent addresses, one entry, before and after.
conntrack_sees_permanent_addresses() {
	local host before port
	require conntrack nft
	for host in mobile correspondent; do
		in_ns "${!host}" nft -f - <<-'END' || fail "no connection tracking"
			table inet t {
				chain in {
					type filter hook input priority 0; policy accept;
					ct state invalid counter drop
					tcp dport != 7 ct state new counter drop
				}
				chain out {
					type filter hook output priority 0; policy accept;
					ct state invalid counter drop
				}
			}
		END
		on_exit in_ns "${!host}" nft delete table inet t
	done
	talk_open tracked mobile "$correspondent_addr" 7
	port=$(sockets mobile dport = :7 | sed -n '$s/.*'"$permanent"':\([0-9]*\) .*/\1/p')
	before=$(tracked_pairs "$port")
	move_to 2
	talk tracked
	move_to 3
	talk tracked
	for host in mobile correspondent; do
		expect_eq "entries at the $host" \
			"src=$permanent dst=$correspondent_addr src=$correspondent_addr dst=$permanent" \
			"$(tracked_at "$host" "$port")"
		expect_eq "entries with care-of addresses" "" \
			"$(in_ns "${!host}" conntrack -L -p tcp 2>/dev/null | grep -F 192.0.2.)"
	done
	expect_eq "entries before and after" "$before" "$(tracked_pairs "$port")"
	expect_eq "refused as invalid" "0 0" "$(
		for host in mobile correspondent; do
			in_ns "${!host}" nft list chain inet t in |
				sed -n 's/.*invalid counter packets \([0-9]*\).*/\1/p'
		done | xargs)"
}

tracked_at() {
	in_ns "${!1}" conntrack -L -p tcp --sport "$2" 2>/dev/null |
		grep -o -E '(src|dst)=[^ ]*' | xargs
}

tracked_pairs() {
	tracked_at mobile "$1"
	tracked_at correspondent "$1"
}

# A firewall in the network that the host visits: only what began inside passes.
stateful_firewall_lets_it_through() {
	require nft
	in_ns "$router" nft -f - <<-'END' || fail "no connection tracking"
		table inet t {
			chain forward {
				type filter hook forward priority 0; policy drop;
				ct state established,related accept
				iifname "net*" accept
				udp dport 17434 accept
				iifname { "register", "correspondent" } oifname { "register", "correspondent" } accept
			}
		}
	END
	on_exit in_ns "$router" nft delete table inet t
	talk_open guarded mobile "$correspondent_addr" 7
	for n in 3 1 2; do
		move_to "$n"
		talk guarded
	done
}

strict_settings_do_no_harm() {
	local host
	for host in mobile router correspondent; do
		expect_eq "rp_filter at $host" 1 \
			"$(in_ns "${!host}" sysctl -n net.ipv4.conf.all.rp_filter)"
	done
	talk_open strict mobile "$correspondent_addr" 7
	talk_open back correspondent "$permanent" 7
	for n in 1 2 3; do
		move_to "$n"
		talk strict
		talk back
	done
}

# signed_connection_moves OPTION: signatures over the addresses, with Python's sockets on
# both sides.
signed_connection_moves() {
	local status=0 program='
import errno, socket, struct, sys

option, role, own, peer = sys.argv[1:]
key = b"throw-away"
address = struct.pack("=H2s4s120x", socket.AF_INET, b"\0\0", socket.inet_aton(peer))
options = {
    # TCP_MD5SIG, struct tcp_md5sig: address, flags, prefix length, key length, interface, key
    "MD5": (14, address + struct.pack("=BBHI80s", 0, 0, len(key), 0, key)),
    # TCP_AO_ADD_KEY, struct tcp_ao_add: address, algorithm, interface, use it now, reserved,
    # prefix length, ids sent and received, length of the code, flags, key length, key
    "AO": (38, address + struct.pack("=64siIHBBBBBB80s", b"hmac(sha1)", 0,
                                     3 if role == "client" else 0, 0, 32, 100, 100, 12, 0,
                                     len(key), key)),
}
s = socket.socket()
try:
    s.setsockopt(socket.IPPROTO_TCP, *options[option])
except OSError as error:
    sys.exit(4 if error.errno == errno.ENOPROTOOPT else str(error))
if role == "probe":
    pass
elif role == "server":
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((own, 179))
    s.listen()
    c, _ = s.accept()
    while data := c.recv(4096):
        c.sendall(data)
else:
    s.connect((peer, 179))
    f = s.makefile("rw", buffering=1)
    for line in sys.stdin:
        f.write(line)
        f.flush()
        print(f.readline(), end="", flush=True)
'
	in_ns "$correspondent" /usr/bin/python3 -c "$program" "$1" probe - "$permanent" || status=$?
	((status != 4)) || skip "a kernel without TCP-$1"
	bg in_ns "$correspondent" /usr/bin/python3 -c "$program" "$1" server 0.0.0.0 "$permanent"
	wait_for 60 port_open correspondent 179
	coproc signed {
		exec busybox nsenter --net="/run/netns/$mobile" /usr/bin/python3 -c "$program" \
			"$1" client - "$correspondent_addr"
	}
	# shellcheck disable=SC2154 # set by coproc
	on_exit stop "$signed_PID"
	signed_line one
	expect_match "the unsigned are refused" "." "$(
		in_ns "$mobile" timeout 5 socat -u - "TCP:$correspondent_addr:179" </dev/null 2>&1 || echo refused)"
	move_to 1
	signed_line two
	move_to 2
	signed_line three
}

signed_line() {
	local line
	echo "$1" >&"${signed[1]}"
	read -r -t 120 line <&"${signed[0]}" || fail "no signed answer to $1"
	expect_eq "signed answer" "$1" "$line"
}

# ipsec_between PROTOCOL ALGORITHM...: transport mode for port 177 between the permanent
# address and the correspondent's, keys by hand, required at both ends.
ipsec_between() {
	local host own peer own_port peer_port
	local there="src $permanent dst $correspondent_addr" back="src $correspondent_addr dst $permanent"
	local require="tmpl proto $1 mode transport level required"
	for host in mobile correspondent; do
		own=$there own_port=dport peer=$back peer_port=sport
		[[ $host == mobile ]] || own=$back own_port=sport peer=$there peer_port=dport
		printf '%s\n' \
			"xfrm state add $there proto $1 spi 0x101 mode transport ${*:2}" \
			"xfrm state add $back proto $1 spi 0x102 mode transport ${*:2}" \
			"xfrm policy add $own proto tcp $own_port 177 dir out $require" \
			"xfrm policy add $peer proto tcp $peer_port 177 dir in $require" |
			ip -n "${!host}" -batch - || skip "a kernel without IPsec"
		on_exit ip -n "${!host}" xfrm policy flush
		on_exit ip -n "${!host}" xfrm state flush
	done
}

# An authentication header covers the addresses as well.
ipsec_moves() {
	local n host
	[[ $1 != ah ]] || set -- ah "auth hmac(sha256) 0x$(printf '%064d' 1)"
	[[ $1 != esp ]] || set -- esp "enc cbc(aes) 0x$(printf '%032d' 1) auth hmac(sha256) 0x$(printf '%064d' 2)"
	ipsec_between "$@"
	echo_serve correspondent 177
	capture_start "$router" correspondent "correspondent.$1.pcap" "tcp port 177 or proto 50 or proto 51"
	# What is not to be rewritten does not arrive, and never goes in clear instead.
	! in_ns "$mobile" socat -u /dev/null "TCP:$correspondent_addr:177,connect-timeout=2" ||
		fail "connected without $1"
	for host in mobile correspondent; do
		expect_ok roam "$host" mangle config set protocol "tcp,$1"
		on_exit roam "$host" mangle config set protocol tcp
	done
	talk_open "$1" mobile "$correspondent_addr" 177
	for n in 2 3 1; do
		move_to "$n"
		talk "$1"
		expect_eq "packets with the care-of address" yes "$(
			capture_has "correspondent.$1.pcap" "ip proto \\$1 and host $care_of")"
	done
	capture_stop
	expect_eq "packets in clear" 0 "$(packets_in "correspondent.$1.pcap" tcp)"
	expect_eq "packets with the permanent address" 0 \
		"$(packets_in "correspondent.$1.pcap" "host $permanent")"
}

# capture_has FILE FILTER
capture_has() {
	(($(packets_in "$@") > 0)) && echo yes
}

# ---- connections to the care-of address itself ----

care_of_connections_are_left_alone() {
	local kept
	place_now
	# The first test of the file: nobody talked yet, so that this one is before.
	expect_match "state of the mapping" "null" "$(state_of "$permanent")"
	talk_open before correspondent "$care_of" 7
	talk_open mapped mobile "$correspondent_addr" 7
	wait_for 60 is_mapped correspondent
	talk_open after correspondent "$care_of" 7
	talk_open bound mobile "$correspondent_addr" 7 "bind=$care_of"
	kept=$(counter mobile mangle in_kept)
	talk before
	talk after
	talk bound
	talk mapped
	expect_match "the socket's own address" "^$care_of:" \
		"$(sockets mobile dport = :7 src "$care_of")"
	counter_is mobile mangle in_kept "-gt $kept" || fail "in_kept does not count"
}

plain_peer_works_by_the_care_of_address() {
	move_to 2
	wait_for 60 is_registered
	# It serves at the register, where no roam-lrd runs.
	talk_open plain mobile "$register_addr" 7
	talk plain
	expect_eq "peer address at the plain host" "$care_of" \
		"$(sockets register sport = :7 src "$register_addr" | sed 's/.* \(.*\):.*/\1/')"
	expect_eq "how the peer is known" plain \
		"$(roam mobile -j mangle peer show |
			jq -r --arg peer "$register_addr" '.[] | select(.peer == $peer) | .mode')"
	talk_open again mobile "$register_addr" 7
}

# ---- namespaces ----

# Two pairs with the same addresses; what one forgets the other keeps.
namespaces_share_nothing() {
	# shellcheck disable=SC2034 # by name
	local server1 roamer1 server2 roamer2
	pair_create server1 roamer1
	pair_create server2 roamer2
	pair_map server1 roamer1
	pair_map server2 roamer2
	echo_serve roamer1 7
	echo_serve roamer2 7
	talk_open one server1 "$permanent" 7
	talk_open two server2 "$permanent" 7
	"$roam_bin/roam" -n "$roamer1" mangle flush
	"$roam_bin/roam" -n "$server1" mangle flush
	talk one
	talk two
	"$roam_bin/roam" -n "$server1" mangle replace "$permanent" via 192.0.2.9
	expect_eq "care-of address in the other namespace" 192.0.2.2 \
		"$("$roam_bin/roam" -j -n "$server2" mangle show | jq -r '.[0].care_of')"
	talk two
	# Whoever listens in another namespace does not answer here: nothing waits.
	"$roam_bin/roam" -n "$server2" mangle range set "$permanent_prefix"
	in_ns "$server2" socat -u /dev/null "TCP:203.0.113.200:7,connect-timeout=1"
	(($("$roam_bin/roam" -j -n "$server2" mangle stats | jq '.[0].unasked') > 0)) ||
		fail "the first packet was not let go"
	expect_eq "packets that wait" 0 \
		"$("$roam_bin/roam" -j -n "$server2" mangle stats | jq '.[0].holding')"
	ns_delete "$server1"
	talk two
	counter_before=$("$roam_bin/roam" -j -n "$server2" mangle stats | jq '.[0].out_rewritten')
	talk two
	(($("$roam_bin/roam" -j -n "$server2" mangle stats | jq '.[0].out_rewritten') > counter_before)) ||
		fail "the other namespace stopped to rewrite"
}

fixture world
prove "OPEN-40: connections to the care-of address are left alone" care_of_connections_are_left_alone
prove "MLR-25: an update replaces a null mapping" update_replaces_null_mapping
prove "MLR-35 MLR-36 MLR-37: who has closed is told of a move, and needs no question after it" \
	closed_correspondents_are_told
prove "MLR-06 MLR-21 MLR-22 MLR-24: a host that does not move is asked for once" \
	fixed_host_is_asked_for_once
prove "MLR-18: TCP to a host that does not move leaves unmodified" fixed_host_gets_the_same_bytes
prove "MLR-23: an expired mapping is asked for again" expired_mapping_is_asked_for
prove "MLR-23: a mapping that nobody uses ends" idle_mapping_ends
prove "MLR-16: TCP outside the range is not looked at" outside_the_range_nothing_happens
prove "MLR-15 MLR-28 TEN-27: UDP, ping and other protocols pass untouched" others_pass_untouched
prove "OPEN-39 TEN-27: UDP is rewritten where the policy names it" udp_is_rewritten_where_named
prove "OPEN-08: errors of a narrow path reach the socket" narrow_path_is_discovered
prove "OPEN-41: after a move the size of the old path is forgotten" old_path_is_forgotten
prove "OPEN-10: firewalls see permanent addresses and one connection" \
	conntrack_sees_permanent_addresses
prove "OPEN-11 OPEN-18: strict reverse path filters do no harm" strict_settings_do_no_harm
prove "OPEN-19: a stateful firewall on the path lets a moved connection through" \
	stateful_firewall_lets_it_through
prove "OPEN-12: a TCP-MD5 session moves" signed_connection_moves MD5
prove "OPEN-12: a TCP-AO session moves" signed_connection_moves AO
prove "OPEN-12: an authentication header covers permanent addresses" ipsec_moves ah
prove "OPEN-12: what is encrypted is rewritten behind that" ipsec_moves esp
prove "OPEN-37: where no register answers the first packets pass in the end" \
	unanswered_packets_pass_in_the_end
prove "OPEN-37: where no register answers they are dropped if that is wanted" \
	unanswered_packets_are_dropped_where_wanted
prove "OPEN-37: a plain peer works by the care-of address" \
	plain_peer_works_by_the_care_of_address
prove "OPEN-14: namespaces share nothing" namespaces_share_nothing
tests_done
