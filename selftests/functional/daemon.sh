#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1200
#
# What roam-lrd is configured to do: registers by DNS, keys shared with peers, what
# is exempt, literal mode; and what it does when others change what it set.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$(dirname "$(realpath "$0")")/../topology.sh"

readonly second_addr=198.51.100.67 second_port=17435
readonly mark=0x70

# Two registers that only DNS knows, and a key that the hosts share.
# shellcheck disable=SC2034 # topology.sh's
world() {
	local host
	require dnsmasq
	topology_create
	"$roam_bin/roam" hlr keygen 3 >"$hosts/shared" || fail "keygen does not work"
	for host in mobile correspondent; do
		cat "$hosts/shared" >>"$hosts/$host/keys.key"
	done
	ip -n "$register" address add "$second_addr/26" dev eth0
	bg in_ns "$register" dnsmasq -k -C /dev/null -R -h -u root --pid-file= --local=/test/ \
		--srv-host="_roam-lr._udp.lr.test,second.lr.test,$second_port,20,0" \
		--srv-host="_roam-lr._udp.lr.test,first.lr.test,17434,10,0" \
		--host-record="first.lr.test,$register_addr" \
		--host-record="second.lr.test,$second_addr" \
		--host-record="laptop.lr.test,$permanent" \
		--host-record="server.lr.test,$correspondent_addr"
	register_at=lr.test
	mobile_sections="nameserver = \"$register_addr\"  resolve = 2s
		exempt { mark = $mark  mask = 0xf0  destinations = {\"$register_addr/32\"} }
		peer \"$correspondent_addr\" { key = 3 }"
	mobile_options='mode = probe'
	correspondent_sections="nameserver = \"$register_addr\"  resolve = 2s
		peer \"$permanent\" { key = 3 }"
	correspondent_options='timeout = 200ms  prefer = 2s  null_lifetime = 2s'
	# What passes: everything from net1, from net2 and net3 only what they own.
	in_ns "$router" sysctl -qw net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.net1.rp_filter=0 net.ipv4.conf.net2.rp_filter=1 \
		net.ipv4.conf.net3.rp_filter=1
	register_start
	second_start
	correspondent_start
	move_to 1
	mobile_start
	wait_for 60 is_registered
	echo_serve correspondent 7
	echo_serve mobile 7
	echo_serve register 7
}

second_start() {
	sed -e "s/^lifetime/listen = {\"$second_addr:$second_port\"}\n&/" \
		-e "s|hlr.db|second.db|" "$hosts/register/hlrd.conf" >"$hosts/register/second.conf"
	daemon_start register roam-hlrd second
	wait_for 60 second_knows nobody
}

# second_knows [CARE_OF|nobody]: the second register, by its own socket.
second_knows() {
	local shown
	mkdir -p "$hosts/second"
	ln -sf "$hosts/register/second.sock" "$hosts/second/hlrd.sock"
	shown=$(ROAM_RUN_DIR=$hosts/second in_ns "$register" "$roam_bin/roam" -j hlr show) || return
	[[ $1 == nobody ]] || grep -q -F "\"$1\"" <<<"$shown"
}

# asked_first HOST: the register that its correspondent role asks.
asked_first() {
	roam "$1" -j lr status | jq -r '.[0].register'
}

is_asked_first() {
	[[ $(asked_first correspondent) == "$1" ]]
}

registers_by_dns() {
	expect_eq "registers" "$register_addr $second_addr" \
		"$(roam mobile -j lr registers | jq -r '[.[].register] | join(" ")')"
	wait_for 60 second_knows "$care_of"
	talk_open found mobile "$correspondent_addr" 7
	expect_eq "asked first" "$register_addr" "$(asked_first correspondent)"
}

# A stopped register answers nobody.
preferred_register_comes_back() {
	talk_open prefer mobile "$correspondent_addr" 7
	daemon_signal register hlrd STOP
	on_exit daemon_signal register hlrd CONT
	wait_for 60 asks_by_new_host "$second_addr"
	daemon_signal register hlrd CONT
	wait_for 60 asks_by_new_host "$register_addr"
	talk prefer
}

# Look-ups happen for hosts that nobody knows yet.
asks_by_new_host() {
	new_host=$((${new_host:-99} + 1))
	in_ns "$correspondent" timeout 1 socat -u /dev/null \
		"TCP:203.0.113.$((new_host % 250)):9,connect-timeout=1"
	is_asked_first "$1"
}

# No register answers, and the correspondent follows all the same.
shared_key_needs_no_register() {
	move_to 2
	wait_for 60 is_registered
	talk_open proof mobile "$correspondent_addr" 7
	daemon_signal register hlrd STOP
	on_exit daemon_signal register hlrd CONT
	daemon_signal register second STOP
	on_exit daemon_signal register second CONT
	move_to 3
	talk proof
	wait_for 60 is_mapped correspondent
	expect_match "how it was told" "mn=$permanent is at $care_of .* by=$care_of" \
		"$(grep " is at $care_of " "$hosts/correspondent/log" | tail -n 1)"
}

# What the mobile host sends follows the announce, without waiting for its confirm. The
# correspondent's daemon is late this time: its kernel knows nobody at the new
# address and resets, and the connection lives on.
data_follows_the_proof() {
	local line before
	move_to 2
	wait_for 60 is_registered
	talk_open eager mobile "$correspondent_addr" 7
	before=$(counter mobile mangle drop_early_reset)
	capture_start "$correspondent" eth0 daemon.eager.pcap tcp
	daemon_signal correspondent lrd STOP
	on_exit daemon_signal correspondent lrd CONT
	move_to 3
	wait_for 60 is_mapped mobile
	echo "before it knows" >&"${talk_in[eager]}"
	wait_for 60 counter_is mobile mangle drop_early_reset "-gt $before"
	peer_mode_is announced || fail "not announced: $(roam mobile mangle peer show)"
	expect_match "explained" "was told where this host is now" "$(roam mobile explain "$correspondent_addr")"
	# A new connection waits: the correspondent would know it by the care-of address.
	bg in_ns "$mobile" socat -t 60 "SYSTEM:echo fresh; cat >$hosts/fresh" \
		"TCP:$correspondent_addr:7" 2>"$hosts/error"
	wait_for 60 connection_is_asked_for
	daemon_signal correspondent lrd CONT
	read -r -t 60 line <&"${talk_out[eager]}" || {
		topology_show
		fail "a reset ended the connection"
	}
	wait_for 60 grep -q fresh "$hosts/fresh"
	expect_eq "who the correspondent talks to" "$permanent" \
		"$(sockets correspondent "sport = :7" | sed -E 's/.* //; s/:[0-9]+$//' | sort -u)"
	expect_eq "answer" "before it knows" "$line"
	wait_for 60 peer_mode_is roam
	capture_stop
	tcpdump -n -r "$ROAM_OUT/daemon.eager.pcap" "src $correspondent_addr and dst $care_of and
		tcp[tcpflags] & tcp-rst != 0" 2>/dev/null | grep -q . || fail "nothing was reset"
	# One that confirmed means what it says.
	in_ns "$correspondent" ss -K state established "sport = :7" >/dev/null
	wait_for 60 connection_is_gone
}

# A second without a confirm, and data waits as if there were no proof.
data_does_not_follow_for_long() {
	local line before
	move_to 2
	wait_for 60 is_registered
	talk_open patient mobile "$correspondent_addr" 7
	daemon_signal correspondent lrd STOP
	on_exit daemon_signal correspondent lrd CONT
	move_to 3
	wait_for 60 peer_mode_is announced
	before=$(counter mobile mangle held)
	echo "after a second" >&"${talk_in[patient]}"
	wait_for 60 counter_is mobile mangle held "-gt $before"
	daemon_signal correspondent lrd CONT
	read -r -t 60 line <&"${talk_out[patient]}" || {
		topology_show
		fail "no answer"
	}
	expect_eq "answer" "after a second" "$line"
}

peer_mode_is() {
	roam mobile -j mangle peer show | jq -e --arg mode "$1" --arg peer "$correspondent_addr" \
		'any(.[]; .peer == $peer and .mode == $mode)'
}

connection_is_asked_for() {
	in_ns "$mobile" ss -Htn state syn-sent | grep -q .
}

connection_is_gone() {
	! in_ns "$mobile" ss -Htn state established "dport = :7 and dst $correspondent_addr" | grep -q .
}

# resolving HOST COMMAND...: with the name server as the host's own.
resolving() {
	echo "nameserver $register_addr" >"$hosts/resolv.conf"
	# shellcheck disable=SC2016 # the inner shell's
	nsenter --net="/run/netns/${!1}" -- unshare --mount bash -c '
		mount --bind "$1" /etc/resolv.conf
		exec "${@:2}"' resolving "$hosts/resolv.conf" "${@:2}"
}

# What DNS says about a mobile host is where programs find it, always.
names_lead_to_the_permanent_address() {
	local program='
import socket, sys

s = socket.create_connection((sys.argv[1], 7), 60)
f = s.makefile("rw", buffering=1)
for line in sys.stdin:
    f.write(line)
    f.flush()
    print(f.readline().strip(), s.getsockname()[0], s.getpeername()[0], flush=True)
'
	local n
	move_to 2
	wait_for 60 is_registered
	coproc to_laptop { resolving correspondent /usr/bin/python3 -c "$program" laptop.lr.test; }
	exec {to_laptop_in}>&"${to_laptop[1]}" {to_laptop_out}<&"${to_laptop[0]}"
	# shellcheck disable=SC2154 # set by coproc
	on_exit stop "$to_laptop_PID"
	named "$to_laptop_in" "$to_laptop_out" one "$correspondent_addr $permanent"
	for n in 3 2; do
		move_to "$n"
		named "$to_laptop_in" "$to_laptop_out" "moved-$n" "$correspondent_addr $permanent"
		wait_for 60 is_mapped correspondent
		# The name means the same as before, a new connection finds the new place.
		expect_eq "a connection made in net$n" "again $correspondent_addr $permanent" \
			"$(echo again | resolving correspondent /usr/bin/python3 -c "$program" laptop.lr.test)"
	done
	expect_eq "the other way round" "back $permanent $correspondent_addr" \
		"$(echo back | resolving mobile /usr/bin/python3 -c "$program" server.lr.test)"
}

# named IN OUT WORD ADDRESSES: a word there and back, the socket has these addresses.
named() {
	local line
	echo "$3" >&"$1"
	read -r -t 120 line <&"$2" || {
		topology_show
		fail "no answer to $3"
	}
	expect_eq "answer and addresses" "$3 $4" "$line"
}

# ---- where the mobile host is ----

# until_seen ADDRESS COMMAND...: sets $seen_after, how many ms after the command began
# the daemon says that it is there. Only reads the log: programs take time to start.
until_seen() {
	local address=$1 from log line start=$EPOCHREALTIME
	from=$(wc -l <"$hosts/mobile/log")
	"${@:2}" || fail "failed: ${*:2}"
	until mapfile -s "$from" -t log <"$hosts/mobile/log" &&
		[[ ${log[*]} == *" handoff "*"->$address"* ]]; do
		((${EPOCHREALTIME/./} - ${start/./} < 60000000)) ||
			fail "not within 60 s: the daemon sees $address"
		sleep 0.02
	done
	seen_after=$(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
}

least() {
	printf '%s\n' "$@" | sort -n | head -n 1
}

# The kernel tells of a change at once. Without that the daemon would see each of
# these when it looks next, a second after it saw the one before; a busy guest may
# delay some of them, not all.
change_of_address_is_seen_at_once() {
	local i address all=()
	move_to 1
	wait_for 60 is_registered
	# On a busy machine looking at it takes longer than what is looked at.
	for ((i = 1; i <= 20; i++)); do
		address=192.0.2.$((32 + i))
		echo "address flush dev net1 scope global
			address add $address/26 dev net1
			route replace default via 192.0.2.1" >"$hosts/change"
		until_seen "$address" ip -n "$mobile" -batch "$hosts/change"
		all+=("$seen_after")
		((i < 5 || $(least "${all[@]}") >= 500)) || break
	done
	echo "ms: ${all[*]}"
	(($(least "${all[@]}") < 500)) || fail "each took long: ${all[*]} ms"
	move_to 1
	wait_for 60 is_registered
}

# A change that the kernel tells nobody: whether routes over a link without carrier
# count is a setting. The daemon looks by itself.
change_without_an_event_is_seen_as_well() {
	local i watch all=() gone=192.0.2.70
	move_to 1
	wait_for 60 is_registered
	ip -n "$router" link set net2 down
	on_exit ip -n "$router" link set net2 up
	ip -n "$mobile" link set net2 up
	wait_for 60 without_carrier
	in_ns "$mobile" sysctl -qw net.ipv4.conf.net2.ignore_routes_with_linkdown=0
	on_exit in_ns "$mobile" sysctl -qw net.ipv4.conf.net2.ignore_routes_with_linkdown=0
	on_exit ip -n "$mobile" address flush dev net2
	until_seen "$gone" ip -n "$mobile" -batch - <<-END
		address add $gone/26 dev net2
		route add $register_addr/32 dev net2 src $gone
	END
	bg ip -n "$mobile" monitor address link route rule >"$hosts/told"
	watch=$bg_pid
	# It listens when it tells of an address that does not matter.
	wait_for 60 monitor_tells
	wait_for 60 monitor_is_quiet
	for i in 1 2 3; do
		: >"$hosts/told"
		until_seen "$care_of" in_ns "$mobile" \
			sysctl -qw net.ipv4.conf.net2.ignore_routes_with_linkdown=1
		all+=("$seen_after")
		until_seen "$gone" in_ns "$mobile" \
			sysctl -qw net.ipv4.conf.net2.ignore_routes_with_linkdown=0
		all+=("$seen_after")
		# The daemon's own table apart, which it writes after it looked.
		expect_eq "told by the kernel" "" "$(grep -a -v " table " "$hosts/told")"
	done
	stop "$watch"
	echo "ms: ${all[*]}"
	# A look each second, and the time that a guest needs for it.
	(($(least "${all[@]}") < 3000)) || fail "each took long: ${all[*]} ms"
	move_to 1
	wait_for 60 is_registered
}

without_carrier() {
	ip -n "$mobile" link show net2 | grep -q -E "NO-CARRIER.* state (LOWERLAYER)?DOWN"
}

monitor_tells() {
	ip -n "$mobile" address add 198.18.0.1/32 dev lo
	ip -n "$mobile" address del 198.18.0.1/32 dev lo
	test -s "$hosts/told"
}

monitor_is_quiet() {
	local size
	size=$(wc -c <"$hosts/told")
	sleep 0.5
	((size == $(wc -c <"$hosts/told")))
}

lost_literal() {
	(($(grep -c "do not reach .* symmetric mode" "$hosts/mobile/log") > $1))
}

# Its registers, its correspondent and the network know all that it can tell.
all_is_told() {
	roam mobile -j lr registers | jq -e 'all(.[]; .registered)' &&
		roam mobile -j lr peers | jq -e --arg peer "$correspondent_addr" \
			'any(.[]; .correspondent == $peer and .current)'
}

# mirrored WORDS: the daemon has seen this default route: its own table has it.
mirrored() {
	ip -n "$mobile" route show table 7700 default | grep -q "$1"
}

# The host moves within what has one address: another router, another link. It is not
# told to anybody, though all packets take the new way. In net2 and net3 no literal mode
# is tried a second time.
same_place_tells_nobody() {
	local sent moves lost
	lost=$(grep -c "do not reach .* symmetric mode" "$hosts/mobile/log")
	move_to 2
	talk_open stays mobile "$correspondent_addr" 7
	wait_for 60 lost_literal "$lost"
	wait_for 60 all_is_told
	sent=$(counter mobile lr sent)
	moves=$(counter mobile lr moves)

	ip -n "$router" address add 192.0.2.126/26 dev net2
	on_exit ip -n "$router" address del 192.0.2.126/26 dev net2
	ip -n "$mobile" route replace default via 192.0.2.126
	wait_for 60 mirrored "via 192.0.2.126"
	talk stays

	ip -n "$router" route add "$care_of/32" dev net3
	on_exit ip -n "$router" route del "$care_of/32"
	ip -n "$mobile" link set net3 up
	ip -n "$mobile" route replace default via 192.0.2.129 dev net3 onlink src "$care_of"
	wait_for 60 mirrored "dev net3"
	capture_start "$router" net3 daemon.stays.pcap
	talk stays
	capture_stop
	(($(packets_in daemon.stays.pcap "tcp and src $care_of") > 0 &&
		$(packets_in daemon.stays.pcap "tcp and dst $care_of") > 0)) ||
		fail "the other link carries nothing"
	expect_eq "messages sent" "$sent" "$(counter mobile lr sent)"
	expect_eq "moves" "$moves" "$(counter mobile lr moves)"
	# It looks at all this, and tells what there is to tell.
	move_to 1
	talk stays
	counter_is mobile lr sent "-gt $sent" || fail "a move is not told either"
}

# local_address NAME PORT: of the mobile host's connections to a port.
local_addresses() {
	sockets mobile dport = ":$1" | cut -d: -f1 | sort -u
}

exempt_ports_use_the_care_of_address() {
	place_now
	echo_serve correspondent 5060
	talk_open sip mobile "$correspondent_addr" 5060
	expect_eq "its address" "$care_of" "$(local_addresses 5060)"
	expect_eq "as the correspondent sees it" "$care_of" \
		"$(sockets correspondent sport = :5060 | sed 's/.* \(.*\):.*/\1/')"
	talk_open other mobile "$correspondent_addr" 7
	expect_eq "address for other ports" "$permanent" "$(local_addresses 7)"
}

# DNS names a port, and somebody has a connection to that port: it is none of messages.
ports_of_messages_are_those_of_udp() {
	place_now
	wait_for 60 has_exempt_ports mobile
	echo_serve correspondent "$second_port"
	talk_open named mobile "$correspondent_addr" "$second_port"
	expect_eq "its address" "$permanent" "$(local_addresses "$second_port")"
	move_to 2
	talk named
	wait_for 60 is_registered
}

# The mark is there before the socket connects, as a program would set it.
exempt_marks_use_the_care_of_address() {
	local program='
import socket, sys

s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, int(sys.argv[3], 0))
s.settimeout(60)
s.connect((sys.argv[1], int(sys.argv[2])))
s.sendall(b"line\n")
print(s.getsockname()[0], s.recv(100).decode(), end="")
'
	place_now
	echo_serve correspondent 8
	expect_eq "its address, and the answer" "$care_of line" \
		"$(in_ns "$mobile" /usr/bin/python3 -c "$program" "$correspondent_addr" 8 "$mark")"
	expect_eq "another mark" "$permanent line" \
		"$(in_ns "$mobile" /usr/bin/python3 -c "$program" "$correspondent_addr" 8 0x10)"
}

# The register is a plain host: what is not exempt is held and asked for.
exempt_destinations_are_not_held() {
	local held
	place_now
	held=$(counter mobile mangle held)
	talk_open far mobile "$register_addr" 7
	expect_eq "its address" "$care_of" "$(local_addresses 7)"
	expect_eq "packets held" "$held" "$(counter mobile mangle held)"
}

# ---- what roam-lrd itself sends ----

exempt_ports() {
	roam "$1" -j mangle config show | jq -c '.[0] | .exempt_port + .exempt_udp_port'
}

has_exempt_ports() {
	[[ $(exempt_ports "$1") == "[5060,5061,17434,53,$second_port]" ]]
}

diagnosis() {
	roam "$1" -j doctor | jq -r --arg check "$2" '.[] | select(.check == $check) | .result'
}

udp_to() {
	echo datagram | in_ns "$mobile" socat -u - "UDP:203.0.113.9:$1" || fail "cannot send UDP"
}

# message_sources FILE: where the announces of a capture come from.
message_sources() {
	tcpdump -n -r "$ROAM_OUT/$1" "udp and dst $correspondent_addr" 2>/dev/null |
		awk '{ print $3 }' | cut -d. -f1-4 | sort -u
}

probes_lost() {
	grep -c "do not reach .* symmetric mode" "$hosts/mobile/log"
}

more_probes_lost() {
	(($(probes_lost) > $1))
}

# All UDP is rewritten, and held where a mapping is missing; but not these.
own_messages_are_left_alone() {
	local host held lost
	for host in mobile correspondent; do
		# DNS names the second port.
		wait_for 60 has_exempt_ports "$host"
		expect_ok roam "$host" mangle config set protocol tcp,udp
		on_exit roam "$host" mangle config set protocol tcp
	done
	held=$(counter mobile mangle held)
	udp_to 17434
	udp_to 53
	udp_to "$second_port"
	expect_eq "messages held" "$held" "$(counter mobile mangle held)"
	udp_to 9
	(($(counter mobile mangle held) > held)) || fail "other datagrams are not held"

	# net1 lets the permanent address out: what says so has to carry it.
	move_to 3
	talk_open messages mobile "$correspondent_addr" 7
	wait_for 60 is_registered
	capture_start "$router" correspondent daemon.messages.pcap "udp port 17434"
	move_to 1
	talk messages
	wait_for 60 is_registered
	wait_for 60 second_knows "$care_of"
	wait_for 60 wire_is literal
	wait_for 60 is_mapped correspondent
	capture_stop
	expect_eq "sources of announces" "$care_of $permanent" \
		"$(message_sources daemon.messages.pcap | tr '\n' ' ' | sed 's/ $//')"
	expect_match "how it was told" "mn=$permanent is at $care_of .* by=$care_of" \
		"$(grep " is at $care_of " "$hosts/correspondent/log" | tail -n 1)"
	# net2 does not, and a probe that were rewritten would pass.
	lost=$(probes_lost)
	move_to 2
	talk messages
	wait_for 60 is_registered
	wait_for 60 second_knows "$care_of"
	wait_for 60 is_mapped correspondent
	wait_for 60 more_probes_lost "$lost"
	expect_eq "mode where the permanent address does not pass" symmetric \
		"$(roam mobile -j lr registers | jq -r '.[0].wire')"
	talk messages
}

doctor_knows_when_own_messages_are_not_exempt() {
	place_now
	expect_eq "doctor, as UDP is not rewritten" "" "$(diagnosis mobile messages)"
	expect_ok roam mobile mangle config set protocol tcp,udp
	on_exit roam mobile mangle config set protocol tcp
	expect_eq "doctor" ok "$(diagnosis mobile messages)"
	expect_ok roam mobile mangle config set exempt-udp-port none
	expect_eq "doctor" warn "$(diagnosis mobile messages)"
	daemon_signal mobile lrd HUP
	wait_for 60 has_exempt_ports mobile
	expect_eq "doctor after its advice" ok "$(diagnosis mobile messages)"
	wait_for 60 is_registered
}

# ---- what it sets in the module ----

# reconfigured HOST SED-COMMAND: lrd.conf changed so until the test ends, and read.
reconfigured() {
	local conf=$hosts/$1/lrd.conf
	cp "$conf" "$conf.old"
	on_exit daemon_signal "$1" lrd HUP
	on_exit mv "$conf.old" "$conf"
	sed -i "$2" "$conf"
	daemon_signal "$1" lrd HUP
}

exempts_group() {
	[[ $(roam correspondent -j mangle config show | jq -c '.[0].exempt_cgroup') == "[$1]" ]]
}

# connect_in GROUP: a connection to the mobile host, from a process in that group.
connect_in() {
	# shellcheck disable=SC2016 # the inner shell's
	bash -c 'echo $$ >"$1/cgroup.procs" && exec nsenter --net="/run/netns/$2" timeout 5 \
		socat -u /dev/null "TCP:$3:9,connect-timeout=1"' connect "$1" "$correspondent" "$permanent"
	true
}

exempt_groups_stay_exempt() {
	local group=/sys/fs/cgroup/roam-daemon exempted
	place_now
	reconfigured correspondent 's/^register/exempt { cgroups = {"roam-daemon"} }\n&/'
	wait_for 60 grep -q "cgroup=roam-daemon is not there" "$hosts/correspondent/log"
	mkdir "$group" && on_exit rmdir "$group"
	daemon_signal correspondent lrd HUP
	wait_for 60 exempts_group "$(stat -c %i "$group")"
	daemon_stop correspondent lrd
	daemon correspondent roam-lrd lrd
	expect_eq "exempt after a restart" "[$(stat -c %i "$group")]" \
		"$(roam correspondent -j mangle config show | jq -c '.[0].exempt_cgroup')"
	talk_open group mobile "$correspondent_addr" 7
	wait_for 60 is_mapped correspondent
	exempted=$(counter correspondent mangle exempted)
	connect_in /sys/fs/cgroup
	expect_eq "exempt from another group" "$exempted" "$(counter correspondent mangle exempted)"
	connect_in "$group"
	(($(counter correspondent mangle exempted) > exempted)) || fail "the group is not exempt"
}

peer_time_is() {
	[[ $(roam mobile -j mangle config show | jq '.[0].peer_time') == "$1" ]]
}

# The module's own 10 minutes are enough for what is wanted by default.
correspondents_are_remembered_while_registered() {
	wait_for 60 peer_time_is 600
	reconfigured mobile 's/announce_time/lifetime = 1h  &/'
	wait_for 60 peer_time_is 7200
	# Who wants more gets it.
	expect_ok roam mobile mangle config set peer-time 3h
	daemon_signal mobile lrd HUP
	wait_for 60 has_exempt_ports mobile
	peer_time_is 10800 || fail "it was lowered"
	expect_ok roam mobile mangle config set peer-time 10m
}

wire_is() {
	[[ $(roam mobile -j lr registers | jq -r '.[0].wire') == "$1" ]]
}

# sources FILE: of the TCP packets to the correspondent.
sources() {
	tcpdump -n -r "$ROAM_OUT/$1" "tcp and dst $correspondent_addr and port 7" 2>/dev/null |
		awk '{ print $3 }' | cut -d. -f1-4 | sort -u
}

# net1 lets packets with the permanent address out, net2 does not.
mode_follows_the_network() {
	talk_open mode mobile "$correspondent_addr" 7
	move_to 1
	talk mode
	wait_for 60 wire_is literal
	wait_for 60 is_literal correspondent
	capture_start "$router" correspondent daemon.literal.pcap
	talk mode
	capture_stop
	expect_eq "sources" "$permanent" "$(sources daemon.literal.pcap)"
	move_to 2
	talk mode
	wait_for 60 grep -q "do not reach .* symmetric mode" "$hosts/mobile/log"
	expect_eq "mode" symmetric "$(roam mobile -j lr registers | jq -r '.[0].wire')"
	capture_start "$router" correspondent daemon.symmetric.pcap
	talk mode
	capture_stop
	expect_eq "sources" "$care_of" "$(sources daemon.symmetric.pcap)"
	move_to 1
	wait_for 60 wire_is literal
	talk mode
}

is_literal() {
	[[ $(roam "$1" -j lr show | jq -r --arg perm "$permanent" \
		'.[] | select(.permanent == $perm) | .wire') == literal ]]
}

removed_mappings_come_back() {
	place_now
	talk_open removed mobile "$correspondent_addr" 7
	roam mobile mangle flush || fail "flush does not work"
	wait_for 60 is_mapped mobile
	talk removed
	roam correspondent mangle del "$permanent" || fail "del does not work"
	wait_for 60 is_mapped correspondent
	talk removed
	expect_match "what it says" "somebody else removed its mapping, which is put back" \
		"$(grep "put back" "$hosts/mobile/log")"
	counter_is mobile lr restored "-gt 0" || fail "restored does not count"
}

is_null() {
	[[ $(roam correspondent -j mangle show "$permanent" | jq -r '.[0].state') == null ]]
}

leaving_is_told_to_everybody() {
	move_to 3
	wait_for 60 is_registered
	talk_open left mobile "$correspondent_addr" 7
	wait_for 60 is_mapped correspondent
	expect_ok roam mobile lr leave
	wait_for 60 is_null
	expect_eq "the register's list" "" \
		"$(roam register -j hlr show | jq -r --arg p "$permanent" '.[] | select(.permanent == $p) | .care_of')"
	expect_ok roam mobile lr join
	wait_for 60 is_registered
	wait_for 60 is_mapped correspondent
	talk left
}

# An upgrade: the old one ends, the host moves, the new one finds out.
upgrade_keeps_connections() {
	local signal n=1
	talk_open upgraded mobile "$correspondent_addr" 7
	for signal in TERM KILL; do
		daemon_stop mobile lrd "$signal"
		talk upgraded
		move_to "$n"
		n=$((n + 1))
		daemon mobile roam-lrd lrd
		wait_for 60 is_registered
		wait_for 60 is_mapped correspondent
		talk upgraded
		daemon_stop correspondent lrd "$signal"
		talk upgraded
		daemon correspondent roam-lrd lrd
		talk upgraded
	done
}

# way_of_tcp TO [WORD...]: what the mobile host's kernel answers to a connection.
way_of_tcp() {
	ip -n "$mobile" route get "$1" ipproto tcp "${@:2}" 2>&1
}

# A daemon that has not seen a move yet is one that stands still.
connections_of_the_moment_are_refused() {
	local n=2
	daemon_signal mobile lrd STOP
	on_exit daemon_signal mobile lrd CONT
	move_to "$n"
	expect_match "source of everything else" "src $care_of" \
		"$(ip -n "$mobile" route get "$correspondent_addr")"
	expect_match "a connection" "unreachable" "$(way_of_tcp "$correspondent_addr")"
	expect_match "a connection that is exempt" "src $care_of" \
		"$(way_of_tcp "$correspondent_addr" dport 5060)"
	expect_match "one on the link" "dev net$n" "$(way_of_tcp fe80::9 oif "net$n")"
	expect_match "one on the link" "dev net$n" "$(way_of_tcp 169.254.7.7)"
	daemon_signal mobile lrd CONT
	wait_for 60 starts_from_permanent
	wait_for 60 is_registered
	# Nobody mirrors for who has stopped it.
	daemon_stop mobile lrd
	move_to 3
	expect_match "a connection without the daemon" "src $care_of" \
		"$(way_of_tcp "$correspondent_addr")"
	daemon mobile roam-lrd lrd
	wait_for 60 starts_from_permanent
	wait_for 60 is_registered
}

starts_from_permanent() {
	[[ $(way_of_tcp "$correspondent_addr") == *"src $permanent "* ]]
}

# A change of permanent addresses takes back what the old ones left.
reload_takes_back_an_old_address() {
	place_now
	talk_open reloaded mobile "$correspondent_addr" 7
	sed "s/address = {\"$permanent\"}/address = {\"203.0.113.6\"}/" "$hosts/mobile/lrd.conf" \
		>"$hosts/mobile/lrd.conf.new"
	cp "$hosts/mobile/lrd.conf" "$hosts/mobile/lrd.conf.old"
	mv "$hosts/mobile/lrd.conf.new" "$hosts/mobile/lrd.conf"
	daemon_signal mobile lrd HUP
	wait_for 60 is_unknown mobile
	wait_for 60 is_null
	mv "$hosts/mobile/lrd.conf.old" "$hosts/mobile/lrd.conf"
	daemon_signal mobile lrd HUP
	wait_for 60 is_registered
	talk reloaded
}

is_unknown() {
	[[ $(roam "$1" -j mangle show "$permanent") == '[]' ]]
}

fixture world
prove "MLR-09 MLR-08 INT-16: registers are found by DNS, and all of them are told" registers_by_dns
prove "MLR-10: the preferred register is asked again when it works" preferred_register_comes_back
prove "MLR-11 OPEN-56: names lead to the permanent address, wherever the host is" \
	names_lead_to_the_permanent_address
prove "MLR-33 D-21: a change of address is seen at once" change_of_address_is_seen_at_once
prove "MLR-33 D-21: a change that the kernel does not tell is seen at the next look" \
	change_without_an_event_is_seen_as_well
prove "MLR-40 INT-12: as long as the care-of address stays nobody is told anything" \
	same_place_tells_nobody
prove "OPEN-28 MLR-36: with a shared key a correspondent follows without a register" \
	shared_key_needs_no_register
prove "MLR-38 OPEN-28 OPEN-41: data follows an announce with proof, too early does no harm" \
	data_follows_the_proof
prove "MLR-38 OPEN-41: without a confirm data does not follow for long" \
	data_does_not_follow_for_long
prove "TEN-11: TCP to SIP ports keeps the care-of address" exempt_ports_use_the_care_of_address
prove "SEC-13: ports that DNS names take no connection out" ports_of_messages_are_those_of_udp
prove "OPEN-40: a marked socket keeps the care-of address" exempt_marks_use_the_care_of_address
prove "OPEN-39: exempt destinations are neither held nor rewritten" exempt_destinations_are_not_held
prove "TEN-11: what roam-lrd sends is neither held nor rewritten, whatever is" \
	own_messages_are_left_alone
prove "TEN-11 OPEN-50: the doctor knows when it would be" \
	doctor_knows_when_own_messages_are_not_exempt
prove "OPEN-39: control groups are exempt after a reload and a restart" exempt_groups_stay_exempt
prove "MLR-35: correspondents are remembered for as long as a registration lasts" \
	correspondents_are_remembered_while_registered
prove "OPEN-18 TEN-32: literal where the network lets it, symmetric elsewhere" \
	mode_follows_the_network
prove "OPEN-45: mappings that somebody removes come back" removed_mappings_come_back
prove "MLR-36: leaving is told to registers and correspondents" leaving_is_told_to_everybody
prove "OPEN-45: connections outlive an upgrade, and moves during it" upgrade_keeps_connections
prove "MLR-32: no connection begins at the care-of address in the moment of a move" \
	connections_of_the_moment_are_refused
prove "OPEN-45: a reload takes back an address that is no longer ours" \
	reload_takes_back_an_old_address
tests_done
