#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# Calls where servers, networks and other people do what they should not: servers that
# fall silent, are slow or are found by DNS; messages that are lost; daemons that are killed;
# accounts of an attacker's own.
#
# shellcheck disable=SC2016
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$(dirname "$(realpath "$0")")/../topology.sh"
# shellcheck source=../sip.sh
. "$(dirname "$(realpath "$0")")/../sip.sh"

# In the way of calls, as many servers are.
sip_server_options=(-A WITH_RECORD_ROUTE)

sip_network() {
	sip_create
	echo "mallory:$sip_domain:malice" >>"$sip_dir/subscriber"
	server_start 0
	server_start 1
	sip_start mobile alice
	sip_start correspondent bob
	wait_for 30 sip_registered mobile
	wait_for 30 sip_registered correspondent
}

# roam-rtp of the mobile host calls that of the correspondent.
call_begins() {
	rtp correspondent answer
	answerer=$rtp_pid
	rtp mobile call "sip:bob@$sip_domain"
	caller=$rtp_pid
	wait_for 20 sip_has mobile up
}

call_ends() {
	stop "$caller" INT
	wait_for 20 sip_has correspondent up 0
	wait_for 20 sip_has mobile up 0
}

# ---- where this host is ----

# sip_sent_by HOST: messages so far.
sip_sent_by() {
	sip_counter "$1" sent
}

change_is_seen() {
	local before
	wait_for 30 sip_at_address mobile "$care_of"
	before=$care_of
	move_to 2
	wait_for 30 sip_at_address mobile "$care_of"
	expect_eq "where it was" "$before" "$(sip mobile status | jq -r '.[0].old_address')"
	grep -q "$care_of" "$hosts/mobile/log" || fail "nothing is said about it"
	wait_for 20 sip_registered mobile
}

sip_at_address() {
	[[ $(sip "$1" status | jq -r '.[0].address') == "$2" ]]
}

# A daemon that did not run for a while has missed nothing in the end.
change_during_a_stop_is_seen() {
	local n
	daemon_signal mobile sipd STOP
	for n in 1 2 3; do
		move_to "$n"
	done
	daemon_signal mobile sipd CONT
	wait_for 30 sip_at_address mobile "$care_of"
	wait_for 20 sip_registered mobile
}

# A base station, a route or a second address may change: the care-of address does not.
kept_address_is_no_move() {
	local before other
	call_begins
	place_now
	wait_for 20 sip_told mobile
	before=$(sip_counter mobile updates)/$(sip_counter mobile moves)/$(server_registers alice)
	other=192.0.2.$((${care_of##*.} / 64 * 64 + 60))
	in_batch mobile "address add $other/26 dev net3" "link set net3 mtu 1400" "neigh flush all" \
		"route add 198.51.100.128/26 via 192.0.2.129"
	in_batch mobile "link set net3 down" "link set net3 up" "route replace default via 192.0.2.129 src $care_of"
	# It has looked again, more than once: by its clock that looks each second.
	rtp_goes_on mobile 120
	in_batch mobile "address del $other/26 dev net3" "link set net3 mtu 1500"
	rtp_goes_on mobile 60
	expect_eq "re-INVITEs, moves and registrations" "$before" \
		"$(sip_counter mobile updates)/$(sip_counter mobile moves)/$(server_registers alice)"
	call_ends
}

server_registers() {
	kamcmd -s "unix:$sip_dir/run0/ctl" ul.lookup location "$1@$sip_domain" | sed -n 's/.*CSeq: *//p'
}

# rtp_goes_on HOST N: so many more datagrams came.
rtp_goes_on() {
	local before
	before=$(udp_arrived "$1")
	wait_for 30 udp_more "$1" $((before + $2))
}

udp_arrived() {
	in_ns "${!1}" awk '/^Udp:/ && $2 ~ /^[0-9]/ { print $2 }' /proc/net/snmp
}

udp_more() {
	(($(udp_arrived "$1") >= $2))
}

# ---- servers ----

# server_signal N SIGNAL: to all its processes.
server_signal() {
	local pid
	pid=$(<"$sip_dir/kamailio$1.pid")
	# shellcheck disable=SC2046 # a list
	kill -s "$2" "$pid" $(pgrep -P "$pid")
}

silent_server_is_passed_over() {
	local began=${EPOCHREALTIME/./} before
	before=$(sip_counter mobile failovers)
	server_signal 0 STOP
	on_exit server_signal 0 CONT
	call_begins
	# Without another server it would be 32 s until anything happened.
	(((${EPOCHREALTIME/./} - began) / 1000 < 15000)) || fail "it took $(((${EPOCHREALTIME/./} - began) / 1000)) ms"
	expect_eq "calls that went by another server" $((before + 1)) "$(sip_counter mobile failovers)"
	call_ends
	# It is known now: the next call does not even try.
	call_begins
	expect_eq "calls that went by another server" $((before + 1)) "$(sip_counter mobile failovers)"
	call_ends
}

# The route set of a call names the server that it was set up by.
call_outlives_its_server() {
	local before
	wait_for 30 sip_registered mobile
	call_begins
	before=$(sip_counter mobile bypassed)
	server_signal 0 STOP
	on_exit server_signal 0 CONT
	move_to 1
	wait_for 10 sip_told mobile
	rtp_goes_on mobile 20
	expect_eq "re-INVITEs that went around it" $((before + 1)) "$(sip_counter mobile bypassed)"
	call_ends
}

slow_server_makes_one_call() {
	in_ns "$register" tc qdisc add dev eth0 root netem delay 1300ms 2>/dev/null || skip "no netem here"
	on_exit in_ns "$register" tc qdisc del dev eth0 root
	call_begins
	wait_for 20 sip_has correspondent up 1
	# What the first server delivers late is cancelled or ended.
	wait_for 30 calls_are correspondent 1
	rtp_goes_on mobile 20
	call_ends
}

calls_are() {
	[[ $(sip "$1" show | jq length) == "$2" ]]
}

unknown_callee_is_told() {
	local status=0
	rtp mobile nobody "sip:nobody@$sip_domain"
	wait_for 20 lib_gone "$rtp_pid"
	wait "$rtp_pid" || status=$?
	expect_eq "packets" 0 "$(rtp_result mobile nobody sent)"
	grep -q '404' "$hosts/mobile/log" || fail "nothing is said about it"
	expect_eq "calls afterwards" 0 "$(sip mobile show | jq length)"
}

# The mobile host's only server is a domain, whose servers a name server knows.
with_name_server() {
	require dnsmasq
	local zone=$hosts/dnsmasq.conf
	cat >"$zone" <<-END
		no-resolv
		no-hosts
		bind-interfaces
		listen-address=198.51.100.66
		srv-host=_sip._udp.$sip_domain,second.$sip_domain,5060,20,1
		srv-host=_sip._udp.$sip_domain,first.$sip_domain,5060,10,1
		host-record=first.$sip_domain,${sip_servers[0]}
		host-record=second.$sip_domain,${sip_servers[1]}
		host-record=peer.$sip_domain,198.51.100.3
	END
	bg in_ns "$register" dnsmasq -k -C "$zone" --pid-file= >"$hosts/dnsmasq.log" 2>&1
	wait_for 20 dns_answers
	sip_stop mobile
	on_exit as_before
	sip_at="servers = {\"$sip_domain\"} nameserver = \"198.51.100.66\"" sip_start mobile alice
	wait_for 20 sip_registered mobile 1
}

name_server_finds_servers() {
	capture_start "$router" any sip.srv.pcap 'udp port 53 or udp port 5060'
	with_name_server
	capture_stop
	# RFC 3263: NAPTR, SRV, address; and the target of the lowest priority first.
	expect_match "what was asked" '_sip\._udp\.example\.net' \
		"$(tshark -r "$ROAM_OUT/sip.srv.pcap" -Y 'dns.qry.type == 33' -T fields -e dns.qry.name 2>/dev/null | sort -u | xargs)"
	expect_eq "who is asked first" "${sip_servers[0]}" "$(tshark -r "$ROAM_OUT/sip.srv.pcap" \
		-Y 'sip.Method == "REGISTER" && ip.src == 192.0.2.0/24' -T fields -e ip.dst 2>/dev/null | head -n 1)"
	call_begins
	call_ends
}

# RFC 3263 4.3 with what a caller waits for: not 32 s, as a transaction would.
next_server_of_a_name_is_tried() {
	local began before
	with_name_server
	before=$(sip_counter mobile failovers)
	server_signal 0 STOP
	on_exit server_signal 0 CONT
	began=${EPOCHREALTIME/./}
	call_begins
	(((${EPOCHREALTIME/./} - began) / 1000 < 15000)) || fail "it took $(((${EPOCHREALTIME/./} - began) / 1000)) ms"
	expect_eq "calls that went by another server" $((before + 1)) "$(sip_counter mobile failovers)"
	grep -q "nothing comes from server .*; ${sip_servers[1]} port 5060 is tried" "$hosts/mobile/log" ||
		fail "nothing is said about it"
	# A move is told there, too.
	move_to 2
	wait_for 20 sip_told mobile
	wait_for 20 sip_registered mobile 1
	call_ends
}

# A callee's contact is a name, and the call ends while DNS is asked for it: memory that was
# given back is filled with what no pointer survives.
ended_call_leaves_its_ack() {
	local status=0 sipp
	GLIBC_TUNABLES=glibc.malloc.perturb=165:glibc.malloc.tcache_count=0 with_name_server
	cat >"$hosts/named.xml" <<-'END'
		<?xml version="1.0" encoding="ISO-8859-1" ?>
		<scenario name="named">
		<recv request="INVITE"/>
		<send retrans="500"><![CDATA[

		SIP/2.0 200 OK
		[last_Via:]
		[last_From:]
		[last_To:];tag=[call_number]
		[last_Call-ID:]
		[last_CSeq:]
		Contact: <sip:peer@peer.example.net>
		Content-Length: 0

		]]></send>
		<recv request="ACK"/>
		<recv request="BYE"/>
		<send><![CDATA[

		SIP/2.0 200 OK
		[last_Via:]
		[last_From:]
		[last_To:]
		[last_Call-ID:]
		[last_CSeq:]
		Content-Length: 0

		]]></send>
		</scenario>
	END
	bg in_ns "$correspondent" sipp -sf "$hosts/named.xml" -i 198.51.100.3 -p 5060 -nostdin -m 1 -timeout 60 \
		>"$ROAM_OUT/sip.named.sipp" 2>&1
	sipp=$bg_pid
	wait_for 30 peer_listens
	control_says mobile start '{"to": "sip:peer@198.51.100.3", "sdp": "'"$mallorys_sdp"'"}'
	# It has no description, so the call ends as it is answered.
	wait_for 30 lib_gone "$sipp"
	wait "$sipp" || status=$?
	expect_eq "what the peer makes of it" 0 "$status"
	expect_eq "calls" 0 "$(sip mobile show | jq length)"
}

dns_answers() {
	in_ns "$register" ss -Hlun 'sport = :53' | grep -q .
}

as_before() {
	sip_stop mobile
	sip_start mobile alice
	wait_for 30 sip_registered mobile
}

# ---- networks ----

# One of five packets is lost each way, and some come late: a call and its moves stand it.
lost_and_late_messages() {
	local n
	in_ns "$router" tc qdisc add dev correspondent root netem loss 20% delay 30ms 25ms 2>/dev/null || skip "no netem here"
	on_exit in_ns "$router" tc qdisc del dev correspondent root
	in_ns "$router" tc qdisc add dev register root netem loss 20% delay 30ms 25ms
	on_exit in_ns "$router" tc qdisc del dev register root
	call_begins
	for n in 2 3 1; do
		move_to "$n"
		wait_for 40 sip_told mobile
		rtp_goes_on mobile 20
	done
	expect_eq "state" up "$(sip mobile show | jq -r '.[0].state')"
	expect_eq "calls" 1 "$(sip correspondent show | jq length)"
	call_ends
}

many_moves_lose_no_call() {
	local i
	call_begins
	for ((i = 0; i < ${SIP_MOVES:-20}; i++)); do
		place_now
		move_to $((visits % 3 + 1))
		wait_for 20 sip_told mobile
		sip_has mobile up || fail "the call is lost after move $i"
	done
	rtp_goes_on mobile 20
	expect_eq "calls" 1 "$(sip correspondent show | jq length)"
	call_ends
}

# As it is shipped a server stays out of calls: what a move needs goes between the hosts.
moves_are_told_directly() {
	server_stop 0
	sip_server_options=() server_start 0
	on_exit server_start 0
	on_exit server_stop 0
	sip mobile join
	wait_for 20 sip_registered mobile
	sip correspondent join
	wait_for 20 sip_registered correspondent
	call_begins
	capture_start "$router" any sip.direct.pcap 'udp port 5060'
	place_now
	move_to $((visits % 3 + 1))
	wait_for 20 sip_told mobile
	capture_stop
	expect_eq "where re-INVITEs went" "$correspondent_addr" "$(tshark -r "$ROAM_OUT/sip.direct.pcap" \
		-Y 'sip.Method == "INVITE" && ip.src == 192.0.2.0/24' -T fields -e ip.dst 2>/dev/null | sort -u | xargs)"
	call_ends
}

# ---- the daemon itself ----

# After a crash nobody says BYE. The peer's next word finds out.
killed_daemon_is_found_out() {
	call_begins
	daemon_stop mobile sipd KILL
	sip_start mobile alice
	wait_for 20 sip_registered mobile
	expect_eq "calls of the new one" 0 "$(sip mobile show | jq length)"
	roam correspondent sip update "$(sip correspondent show | jq -r '.[0].session')"
	wait_for 20 sip_has correspondent up 0
	wait_for 20 lib_gone "$answerer"
	stop "$caller" KILL
}

# reload HOST WORDS: SIGHUP, and the line that it is answered by.
reload() {
	local lines
	lines=$(wc -l <"$hosts/$1/log")
	daemon_signal "$1" sipd HUP
	wait_for 20 said_since "$1" "$lines" "$2"
}

said_since() {
	tail -n "+$(($2 + 1))" "$hosts/$1/log" | grep -q -- "$3"
}

configuration_is_reloaded() {
	local conf=$hosts/mobile/sipd.conf
	wait_for 30 sip_registered mobile
	call_begins
	cp "$conf" "$hosts/sipd.conf.was"
	# What cannot be read, and what calls hang on: nothing changes.
	echo 'expires = "soon"' >>"$conf"
	reload mobile "expires.*the old configuration stays in force"
	sed 's/^servers = .*/servers = {"192.0.2.99"}/' "$hosts/sipd.conf.was" >"$conf"
	reload mobile "servers cannot change while calls go on; systemctl restart roam-sipd .*stays in force"
	sip mobile registrations | jq -e 'length == 2 and all(.[]; .registered)' || fail "$(sip mobile registrations)"
	# A wrong password is in force at once, and the right one again.
	cp "$hosts/sipd.conf.was" "$conf"
	sip_secret mobile wrong
	reload mobile "configuration reloaded"
	wait_for 20 refused_all mobile
	sip_secret mobile wonder
	echo 'expires = "60s"' >>"$conf"
	reload mobile "configuration reloaded"
	wait_for 20 sip_registered mobile
	sip mobile registrations | jq -e 'all(.[]; .expires_in <= 60)' || fail "$(sip mobile registrations)"
	# The call has seen nothing of it, and goes on over a move.
	place_now
	move_to $((visits % 3 + 1))
	wait_for 20 sip_told mobile
	rtp_goes_on mobile 20
	expect_eq "state" up "$(sip mobile show | jq -r '.[0].state')"
	call_ends
	cp "$hosts/sipd.conf.was" "$conf"
	reload mobile "configuration reloaded"
}

refused_all() {
	sip "$1" registrations | jq -e 'all(.[]; (.registered | not) and .last_code == 401)'
}

# ---- people ----

# as_mallory FILE: SIPp registers or calls by its own password; its exit status tells.
as_mallory() {
	in_ns "$correspondent" sipp -sf "$1" -i 198.51.100.3 -p 5080 -m 1 -nostdin -timeout 20 -au mallory -ap malice \
		-s alice "${sip_servers[0]}:5060" >"$ROAM_OUT/sip.mallory" 2>&1
}

mallory_registers_as_alice() {
	local before
	cat >"$hosts/steal.xml" <<-'END'
		<?xml version="1.0" encoding="ISO-8859-1" ?>
		<scenario name="steal">
		<send retrans="500"><![CDATA[

		REGISTER sip:example.net SIP/2.0
		Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
		Max-Forwards: 70
		From: <sip:alice@example.net>;tag=[call_number]
		To: <sip:alice@example.net>
		Call-ID: [call_id]
		CSeq: 1 REGISTER
		Contact: <sip:mallory@[local_ip]:[local_port]>
		Expires: 300
		Content-Length: 0

		]]></send>
		<recv response="401" auth="true"/>
		<send retrans="500"><![CDATA[

		REGISTER sip:example.net SIP/2.0
		Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
		Max-Forwards: 70
		From: <sip:alice@example.net>;tag=[call_number]
		To: <sip:alice@example.net>
		Call-ID: [call_id]
		CSeq: 2 REGISTER
		Contact: <sip:mallory@[local_ip]:[local_port]>
		[authentication]
		Expires: 300
		Content-Length: 0

		]]></send>
		<recv response="401"/>
		</scenario>
	END
	before=$(kamcmd -s "unix:$sip_dir/run0/ctl" ul.lookup location "alice@$sip_domain" | grep Address)
	as_mallory "$hosts/steal.xml" || fail "$(tail -n 20 "$ROAM_OUT/sip.mallory")"
	expect_eq "where alice is" "$before" \
		"$(kamcmd -s "unix:$sip_dir/run0/ctl" ul.lookup location "alice@$sip_domain" | grep Address)"
}

# Mallory's own daemon, with a password of its own.
mallory_start() {
	(umask 077 && echo malice >"$hosts/correspondent/malice")
	cat >"$hosts/correspondent/mallory.conf" <<-END
		account "sip:mallory@$sip_domain" { secret = "$hosts/correspondent/malice" }
		servers = {"${sip_servers[0]}"}
		port = 5090
		local { address = "" }
	END
	daemon_start correspondent roam-sipd mallory
	on_exit daemon_stop correspondent mallory
	wait_for 20 mallory_registered
}

mallory_registered() {
	mallory registrations | jq -e '.[0].registered'
}

# mallory COMMAND [JSON]: by its control socket.
mallory() {
	printf '{"command": "%s", "args": %s}\n' "$1" "${2:-{\}}" |
		in_ns "$correspondent" socat -t 2 - "UNIX-CONNECT:$hosts/correspondent/mallory.sock" | jq .result
}

# control_says HOST COMMAND JSON: by the control socket, as an application.
control_says() {
	printf '{"command": "%s", "args": %s}\n' "$2" "$3" |
		in_ns "${!1}" socat -t 2 - "UNIX-CONNECT:$hosts/$1/sipd.sock"
}

readonly mallorys_sdp='v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 7000 RTP/AVP 0\r\n'

# Calls that nobody answers take room; an account has room for a few.
mallory_floods_with_calls() {
	local i before
	mallory_start
	# Somebody listens to events and answers nothing.
	roam_listens mobile
	before=$(sip_counter mobile drop_busy)
	for ((i = 0; i < 40; i++)); do
		echo '{"command": "start", "args": {"to": "sip:alice@'"$sip_domain"'", "sdp": "'"$mallorys_sdp"'"}}'
	done >"$hosts/flood"
	in_ns "$correspondent" socat -t 3 - "UNIX-CONNECT:$hosts/correspondent/mallory.sock" <"$hosts/flood" >/dev/null
	wait_for 20 busy_rose "$before"
	(($(sip mobile show | jq length) <= 16)) || fail "$(sip mobile show | jq length) calls wait"
	# Alice calls others meanwhile.
	call_begins
	call_ends
}

# Who called is gone without a word: its calls end by themselves, and the next one rings.
vanished_callers_leave_room() {
	local conf=$hosts/mobile/sipd.conf before
	mallory_start
	roam_listens mobile
	before=$(sip_counter mobile drop_busy)
	mallory start '{"to": "sip:alice@'"$sip_domain"'", "sdp": "'"$mallorys_sdp"'"}' >/dev/null
	wait_for 20 rings mobile
	daemon_stop correspondent mallory KILL
	cp "$conf" "$hosts/sipd.conf.was"
	echo 'ring_wait = "1s"' >>"$conf"
	reload mobile "configuration reloaded"
	wait_for 20 calls_are mobile 0
	expect_match "why" 'nobody answered' "$(jq -r 'select(.event == "ended").reason' "$hosts/mobile/events")"
	cp "$hosts/sipd.conf.was" "$conf"
	reload mobile "configuration reloaded"
	expect_eq "busy" "$before" "$(sip_counter mobile drop_busy)"
}

rings() {
	(($(sip_count "$1" ringing) > 0))
}

# A caller's name that is no text is refused, and what is shown of a call is always some.
odd_names_hide_nothing() {
	place_now
	roam_listens mobile
	invites_as 1 $'sip:m\xffllory@example.net'
	invites_as 2 sip:mallory@example.net
	grep -q 'SIP/2.0 400' "$hosts/odd.1" || fail "$(<"$hosts/odd.1")"
	grep -q 'SIP/2.0 180' "$hosts/odd.2" || fail "$(<"$hosts/odd.2")"
	expect_eq "who calls" "sip:mallory@example.net" "$(sip mobile show | jq -r '.[].peer')"
	wait_for 20 grep -q '"incoming"' "$hosts/mobile/events"
	control_says mobile end '{"session": '"$(sip mobile show | jq '.[0].session')"'}'
	wait_for 20 calls_are mobile 0
}

# Between networks there is no address to answer from: the call waits for the next one.
answer_needs_an_address() {
	local args answer
	place_now
	roam_listens mobile
	invites_as 3 sip:mallory@example.net
	args='{"session": '"$(sip mobile show | jq '.[0].session')"', "sdp": "'"$mallorys_sdp"'"}'
	in_batch mobile "link set net1 down" "link set net2 down" "link set net3 down"
	wait_for 20 sip_at_address mobile null
	answer=$(control_says mobile accept "$args")
	expect_match "answer from nowhere" 'has no address' "$answer"
	expect_eq "state" ringing "$(sip mobile show | jq -r '.[0].state')"
	in_batch mobile "link set net1 up" "link set net2 up" "link set net3 up"
	move_to $((visits % 3 + 1))
	wait_for 20 sip_at_address mobile "$care_of"
	answer=$(control_says mobile accept "$args")
	expect_match "answered" '"state":"up"' "$answer"
	control_says mobile end "$args"
	wait_for 20 calls_are mobile 0
	wait_for 20 sip_registered mobile
}

# invites_as N FROM: its Call-ID is no text either; what comes back is in $hosts/odd.N.
invites_as() {
	printf '%s\r\n' "INVITE sip:alice@$sip_domain SIP/2.0" "Via: SIP/2.0/UDP 198.51.100.3:5099;branch=z9hG4bKodd$1" \
		"Max-Forwards: 70" "From: <$2>;tag=1" "To: <sip:alice@$sip_domain>" $'Call-ID: odd\xff'"$1" \
		"CSeq: 1 INVITE" "Contact: <sip:x@198.51.100.3:5099>" "Content-Length: 0" "" >"$hosts/invite"
	in_ns "$correspondent" socat -t 2 - "UDP:$care_of:5060,bind=198.51.100.3:5099" <"$hosts/invite" >"$hosts/odd.$1"
}

roam_listens() {
	ROAM_RUN_DIR=$hosts/$1 bg in_ns "${!1}" "$roam_bin/roam" -j monitor sip >"$hosts/$1/events"
	wait_for 20 listens "$bg_pid"
}

listens() {
	in_ns "$mobile" ss -Hxp 2>/dev/null | grep -q "pid=$1,"
}

busy_rose() {
	(($(sip_counter mobile drop_busy) >= $1 + 20))
}

# A description may name somebody who never asked for media.
mallory_steers_media() {
	local victim=198.51.100.2
	phone_start mobile alice
	peer_scenario steer 200
	# The peer answers at its address and has media sent to another one.
	sed -i "s/c=IN IP4 .*/c=IN IP4 $victim/" "$hosts/steer.xml"
	bg in_ns "$correspondent" sipp -sf "$hosts/steer.xml" -i 198.51.100.3 -p 5060 -nostdin -m 1 -timeout 60 \
		>"$ROAM_OUT/sip.steer.sipp" 2>&1
	wait_for 30 peer_listens
	wait_for 20 phone_dials mobile sip:peer@198.51.100.3
	wait_for 20 sip_has mobile up
	wait_for 30 withheld_something
	phone_says mobile hangup
	wait_for 20 calls_are mobile 0
	grep -q 'nothing comes from 198.51.100.2' "$hosts/mobile/log" || fail "nothing is said about it"
}

withheld_something() {
	(($(sip mobile show | jq '.[0].withheld') > 20))
}

# Strangers to a dialog know neither its Call-ID nor its tags.
strangers_end_nothing() {
	local before method
	call_begins
	place_now
	before=$(sip_counter mobile drop_strangers)
	for method in BYE INVITE CANCEL; do
		printf '%s\r\n' "$method sip:alice@$care_of SIP/2.0" "Via: SIP/2.0/UDP 198.51.100.3:5099;branch=z9hG4bK$method" \
			"Max-Forwards: 70" "From: <sip:bob@$sip_domain>;tag=1" "To: <sip:alice@$sip_domain>;tag=2" \
			"Call-ID: $(sip mobile show | jq -r '.[0].call_id')" "CSeq: 4000000000 $method" \
			"Contact: <sip:x@198.51.100.3:5099>" "Content-Length: 0" "" >"$hosts/$method"
		in_ns "$correspondent" socat -u "OPEN:$hosts/$method" "UDP-SENDTO:$care_of:5060,bind=198.51.100.3:5099"
	done
	wait_for 20 strangers_rose "$before"
	rtp_goes_on mobile 20
	expect_eq "state" up "$(sip mobile show | jq -r '.[0].state')"
	call_ends
}

strangers_rose() {
	(($(sip_counter mobile drop_strangers) >= $1 + 2))
}

# A process without privileges may look, where the socket's mode lets it, and change nothing.
control_socket_is_guarded() {
	local socket=$hosts/mobile/sipd.sock command answer
	chmod 711 "$hosts" "$hosts/mobile"
	chmod 666 "$socket"
	for command in start accept end update leave join; do
		answer=$(echo '{"command": "'"$command"'", "args": {"session": 1, "to": "sip:bob@example.net", "sdp": "v=0"}}' |
			in_ns "$mobile" setpriv --reuid 65534 --clear-groups socat -t 2 - "UNIX-CONNECT:$socket")
		expect_match "$command" '"error"' "$answer"
	done
	# Nor by lines that are too long, deep or no JSON at all.
	head -c 200000 /dev/zero | tr '\0' '[' |
		in_ns "$mobile" setpriv --reuid 65534 --clear-groups socat -t 2 - "UNIX-CONNECT:$socket" >/dev/null 2>&1
	wait_for 20 sip_registered mobile
	expect_eq "calls" 0 "$(sip mobile show | jq length)"
}

# ---- the torture list ----

torture_list_is_understood() {
	place_now
	in_ns "$correspondent" python3 "$lib_dir/sip-torture" "$care_of" 198.51.100.3 || fail "see above"
	sip_has mobile up 0 || fail "it made a call"
	call_begins
	call_ends
}

flood_takes_no_memory() {
	local pid before after
	place_now
	pid=$(<"$hosts/mobile/sipd.pid")
	in_ns "$correspondent" python3 "$lib_dir/sip-torture" "$care_of" 198.51.100.3 flood 3000
	before=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
	in_ns "$correspondent" python3 "$lib_dir/sip-torture" "$care_of" 198.51.100.3 flood 20000
	after=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
	echo "$before kB before, $after kB after 20000 calls of nobody"
	((after - before < 8192)) || fail "it grew by $((after - before)) kB"
	(($(sip_counter mobile drop_limited) > 1000)) || fail "nothing was limited"
}

fixture sip_network
prove "SIP-05: a change of address by hand is seen and said" change_is_seen
prove "SIP-05: a change is seen by a daemon that did not run when it was" change_during_a_stop_is_seen
prove "SIP-20: what keeps the address causes no message" kept_address_is_no_move
prove "SIP-07: a silent server is passed over at once" silent_server_is_passed_over
prove "SIP-07 SIP-14: a call outlives the server that it was set up by" call_outlives_its_server
prove "SIP-07: a slow server makes one call, not two" slow_server_makes_one_call
prove "SIP-08: an unknown callee is told" unknown_callee_is_told
prove "SIP-22: servers are found by DNS (RFC 3263)" name_server_finds_servers
prove "SIP-07 SIP-22: of a domain's servers the next is tried when the first is silent" next_server_of_a_name_is_tried
prove "SEC-50: an ACK that waits for DNS outlives its call" ended_call_leaves_its_ack
prove "GEN-05: a configuration is put in force while calls go on, or refused as a whole" configuration_is_reloaded
prove "SIP-14: messages that are lost or late cost time alone" lost_and_late_messages
prove "SIP-14: many moves lose no call" many_moves_lose_no_call
prove "SIP-12 SIP-14: a move is told to the peer itself, in one round trip" moves_are_told_directly
prove "SIP-16: calls of a daemon that was killed end" killed_daemon_is_found_out
prove "OPEN-36: the messages of RFC 4475 are understood or refused as they should" torture_list_is_understood
prove "OPEN-36: an account is no authority over another one" mallory_registers_as_alice
prove "OPEN-36: calls that nobody answers are few" mallory_floods_with_calls
prove "SEC-51: callers that vanished leave room" vanished_callers_leave_room
prove "SEC-52: names that are no text hide no call" odd_names_hide_nothing
prove "SIP-17: a call is answered from an address, or waits for one" answer_needs_an_address
prove "OPEN-36: media go to who is there" mallory_steers_media
prove "OPEN-36: strangers to a call end nothing" strangers_end_nothing
prove "OPEN-36: the control socket changes nothing for who may not" control_socket_is_guarded
prove "OPEN-36: a flood of calls takes no memory" flood_takes_no_memory
tests_done
