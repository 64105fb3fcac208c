#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# Calls go on while a host moves: two servers, applications, phones as they come,
# standard and hostile peers. tshark judges what was on the wire.
#
# shellcheck disable=SC2016
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$(dirname "$(realpath "$0")")/../topology.sh"
# shellcheck source=../sip.sh
. "$(dirname "$(realpath "$0")")/../sip.sh"

readonly moves_pcap=$ROAM_OUT/sip.pcap

# In the way of calls: SIPp answers to where a call first came from.
sip_server_options=(-A WITH_RECORD_ROUTE)

sip_network() {
	sip_create
	server_start 0
	server_start 1
	sip_start mobile alice 'local { port = 5060 }'
	sip_start correspondent bob
	wait_for 30 sip_registered mobile
	wait_for 30 sip_registered correspondent
}

# sip_fields FILTER FIELD...: of the capture, by an independent decoder, sorted by time.
sip_fields() {
	local fields=() field
	for field in "${@:2}"; do
		fields+=(-e "$field")
	done
	tshark -r "$moves_pcap" -Y "$1" -T fields -E separator='|' -E occurrence=a "${fields[@]}" 2>/dev/null
}

call_survives_moves() {
	local n
	capture_start "$router" any sip.pcap 'udp'
	rtp correspondent answer
	rtp mobile call -t 9 "sip:bob@$sip_domain"
	wait_for 20 sip_has mobile up
	for n in 2 3 1; do
		sleep_rtp mobile 20
		move_to "$n"
		wait_for 20 sip_told mobile
	done
	wait_for 20 lib_gone "$rtp_pid"
	wait_for 20 sip_has correspondent up 0
	capture_stop
	for n in mobile:call correspondent:answer; do
		(($(rtp_result "${n%:*}" "${n#*:}" received) > 240)) ||
			fail "$n: $(<"$hosts/${n%:*}/${n#*:}.json")"
	done
	expect_eq "moves that the peer's application was told" 3 "$(rtp_result correspondent answer peer_moves)"
	expect_eq "moves that the mobile host's application was told" 0 "$(rtp_result mobile call peer_moves)"
	expect_eq "calls afterwards" 0 "$(sip mobile show | jq length)"
}

# sleep_rtp HOST N: until the first call's peer has sent for a while; a move needs
# something to interrupt. Counted by the kernel, as the application has its media itself.
sleep_rtp() {
	local before
	before=$(rtp_arrived "$1")
	wait_for 20 rtp_arrived "$1" $((before + $2))
}

# rtp_arrived HOST [AT_LEAST]
rtp_arrived() {
	local n
	n=$(in_ns "${!1}" awk '/^Udp:/ && $2 ~ /^[0-9]/ { print $2 }' /proc/net/snmp)
	[[ ${2:-} ]] || echo "$n"
	((n >= ${2:-0}))
}

wire_is_standard() {
	local invites contacts sdp versions seqs
	# The requests that left the mobile host, each once: it and the router are one hop apart.
	invites=$(sip_fields 'sip.Method == "INVITE" && ip.src == 192.0.2.0/24 && sip.CSeq.seq && sip.resend == 0' \
		sip.contact.host sdp.connection_info.address sdp.owner.version sip.CSeq.seq sip.Via.sent-by.address ip.src |
		sort -t'|' -k4n -u)
	contacts=$(cut -d'|' -f1 <<<"$invites" | uniq | xargs)
	sdp=$(cut -d'|' -f2 <<<"$invites" | uniq | xargs)
	expect_eq "contacts and connections" "$contacts" "$sdp"
	(($(wc -w <<<"$contacts") >= 4)) || fail "addresses: $contacts"
	awk -F'|' '$1 != $6 || $2 != $6 { exit 1 }' <<<"$invites" || fail "another address than the packet's: $invites"
	versions=$(cut -d'|' -f3 <<<"$invites" | sort -n -u | xargs)
	seqs=$(cut -d'|' -f4 <<<"$invites" | sort -n | uniq -d)
	expect_match "versions of the description" '^1 2 3 4$' "$versions"
	expect_eq "sequence numbers used twice" "" "$seqs"
	# One Call-ID for all of it.
	expect_eq "Call-IDs" 1 "$(sip_fields 'sip.Method == "INVITE"' sip.Call-ID | sort -u | wc -l)"
	expect_eq "malformed" "" "$(sip_fields '_ws.malformed && (sip || sdp || rtp)' frame.number)"
}

register_replaces_the_contact() {
	local one
	one=$(sip_fields 'sip.Method == "REGISTER" && ip.dst == 198.51.100.64/26 && sip.auth.digest.response' \
		ip.src ip.dst sip.Contact sip.Expires | sort -u)
	# New and old contact in one request, at both servers, for each of the moves.
	for server in "${sip_servers[@]}"; do
		(($(grep -F "|$server|" <<<"$one" | grep -c 'expires=300.*expires=0') >= 3)) || fail "$server: $one"
	done
	# The first try is the right one: the digest is known from before.
	expect_eq "challenges after a move" "" "$(sip_fields 'sip.Status-Code == 401' frame.number)"
}

correspondent_calls() {
	rtp mobile answer
	rtp correspondent call -t 3 "sip:alice@$sip_domain"
	wait_for 20 sip_has correspondent up
	sleep_rtp correspondent 20
	move_to 2
	wait_for 20 sip_told mobile
	wait_for 20 lib_gone "$rtp_pid"
	(($(rtp_result correspondent call received) > 100)) || fail "$(<"$hosts/correspondent/call.json")"
	# Called again where it is now: by the registration of after the move.
	rtp mobile answer
	rtp correspondent call -t 1 "sip:alice@$sip_domain"
	wait_for 20 lib_gone "$rtp_pid"
	(($(rtp_result correspondent call received) > 30)) || fail "$(<"$hosts/correspondent/call.json")"
}

both_move_at_once() {
	local before
	rtp correspondent answer
	rtp mobile call "sip:bob@$sip_domain"
	local caller=$rtp_pid
	wait_for 20 sip_has mobile up
	sleep_rtp mobile 20
	before=$(sip_counter mobile sought)
	in_batch correspondent "address add 198.51.100.9/26 dev eth0" "route replace default via 198.51.100.1 src 198.51.100.9" \
		"address del 198.51.100.2/26 dev eth0"
	on_exit in_batch correspondent "address add 198.51.100.2/26 dev eth0" \
		"route replace default via 198.51.100.1 src 198.51.100.2" "address del 198.51.100.9/26 dev eth0"
	move_to 3
	wait_for 40 sip_told mobile
	wait_for 40 told_at correspondent 198.51.100.9
	sleep_rtp mobile 20
	sleep_rtp correspondent 20
	expect_eq "media of the peer" 198.51.100.9 "$(sip mobile show | jq -r '.[0].peer_media')"
	expect_eq "media of the mobile host" "$care_of" "$(sip correspondent show | jq -r '.[0].peer_media')"
	stop "$caller" INT
	(($(sip_counter mobile sought) > before)) || echo "nobody had to be sought"
}

told_at() {
	sip "$1" status | jq -e '.[0].untold == 0 and .[0].address == "'"$2"'"'
}

phones_never_learn() {
	local lo=$ROAM_OUT/sip.lo.pcap
	phone_start mobile alice
	phone_start correspondent bob
	capture_start "$mobile" lo sip.lo.pcap 'udp'
	wait_for 20 phone_dials mobile "sip:bob@$sip_domain"
	wait_for 20 sip_has mobile up
	wait_for 20 media_flows mobile 30
	for n in 1 2; do
		move_to "$n"
		wait_for 20 sip_told mobile
		wait_for 20 media_flows mobile 30
	done
	# The gap of each move is known; between two networks the host may be nowhere for a moment.
	sip mobile quality | jq -e 'map(select(.address)) | length == 2 and all(.[]; .told_ms != null and .gap_ms > 0 and .lost != null)' ||
		fail "$(sip mobile quality)"
	phone_says mobile hangup
	wait_for 20 sip_has correspondent up 0
	capture_stop
	expect_eq "INVITEs that the phone saw or made" 1 \
		"$(tshark -r "$lo" -Y 'sip.Method == "INVITE" && sip.resend == 0' 2>/dev/null | wc -l)"
	expect_eq "places that its media came from" 1 \
		"$(tshark -r "$lo" -d udp.port==10000-10100,rtp -Y 'udp.dstport >= 10000 && udp.dstport <= 10100 && !(udp.dstport & 1)' \
			-T fields -e ip.src -e udp.srcport 2>/dev/null | sort -u | wc -l)"
}

# ---- servers ----

wrong_password_is_refused() {
	sip_stop correspondent
	sip_secret correspondent wrong
	sip_start correspondent bob
	wait_for 20 refused_by correspondent 401
	# It says so, says what to do, does not say the password, and does not hammer.
	grep -q 'refuses .* with 401.*secret' "$hosts/correspondent/log" || fail "$(tail -n 5 "$hosts/correspondent/log")"
	sip correspondent registrations | jq -e 'all(.[]; .tries <= 3)' || fail "$(sip correspondent registrations)"
	! grep -q wrong "$hosts/correspondent/log" || fail "the password is in the log"
	sip_stop correspondent
	sip_secret correspondent builder
	sip_start correspondent bob
	wait_for 20 sip_registered correspondent
}

refused_by() {
	sip "$1" registrations | jq -e "all(.[]; .registered == false and .last_code == $2)"
}

dead_server_is_done_without() {
	server_stop 0 KILL
	on_exit server_start 0
	move_to 3
	wait_for 20 registered_at mobile 1
	wait_for 20 server_knows 1 alice
	rtp correspondent answer
	rtp mobile call -t 1 "sip:bob@$sip_domain"
	wait_for 20 lib_gone "$rtp_pid"
	(($(rtp_result mobile call received) > 30)) || fail "$(<"$hosts/mobile/call.json")"
}

registered_at() {
	sip "$1" registrations | jq -e "any(.[]; .registered and (.server | contains(\"${sip_servers[$2]}\")))"
}

empty_server_learns_anew() {
	sip mobile join
	sip correspondent join
	wait_for 30 sip_registered mobile
	wait_for 30 sip_registered correspondent
	server_stop 0 KILL
	server_start 0
	# It knows nobody: calls by it go by the other one.
	rtp correspondent answer
	rtp mobile call -t 1 "sip:bob@$sip_domain"
	wait_for 20 lib_gone "$rtp_pid"
	(($(rtp_result mobile call received) > 30)) || fail "$(<"$hosts/mobile/call.json")"
	# The next move tells it.
	move_to 1
	wait_for 20 sip_registered mobile
	wait_for 20 server_knows 0 alice
	sip correspondent join
	wait_for 20 server_knows 0 bob
}

# ---- peers ----

# with_peer NAME ANSWER...: a call from the mobile host to SIPp, which stands.
with_peer() {
	peer_scenario "$1" "${@:2}"
	bg in_ns "$correspondent" sipp -sf "$hosts/$1.xml" -i 198.51.100.3 -p 5060 -nostdin -m 1 -timeout 60 \
		>"$ROAM_OUT/sip.$1.sipp" 2>&1
	peer_pid=$bg_pid
	wait_for 30 peer_listens
	rtp mobile call "sip:peer@198.51.100.3"
	caller=$rtp_pid
	wait_for 20 sip_has mobile up
}

peer_ends_well() {
	stop "$caller" INT
	wait_for 20 lib_gone "$peer_pid"
	wait "$peer_pid" || fail "SIPp saw what it did not expect: $(tail -n 30 "$ROAM_OUT/sip.$1.sipp")"
}

refused_offer_changes_nothing() {
	local before
	with_peer refusing 488 200
	before=$(sip_counter mobile refused)
	move_to 2
	wait_for 20 counter_rose mobile refused "$before"
	expect_eq "state" backoff "$(sip mobile show | jq -r '.[0].state')"
	expect_match "what is said" 'refuses the new address with 488.*the call is kept as it was.*asked again' \
		"$(grep 488 "$hosts/mobile/log")"
	# Asked again, it agrees.
	wait_for 30 sip_told mobile
	expect_eq "state" up "$(sip mobile show | jq -r '.[0].state')"
	peer_ends_well refusing
}

counter_rose() {
	(($(sip_counter "$1" "$2") > $3))
}

glare_is_tried_again() {
	with_peer glare 491 200
	move_to 3
	wait_for 20 sip_told mobile
	(($(sip_counter mobile glare) > 0)) || fail "no glare was counted"
	peer_ends_well glare
}

retry_after_is_heeded() {
	local began=$SECONDS
	with_peer later '500:Retry-After: 2' 200
	move_to 1
	wait_for 20 sip_told mobile
	((SECONDS - began >= 2)) || fail "asked again too early"
	peer_ends_well later
}

# ---- other transports, other servers ----

# call_moves: a call of a second and more, with a move in it; what both received is enough.
call_moves() {
	rtp correspondent answer
	rtp mobile call "sip:bob@$sip_domain"
	local caller=$rtp_pid
	wait_for 20 sip_has mobile up
	sleep_rtp mobile 20
	place_now
	move_to $((visits % 3 + 1))
	wait_for 20 sip_told mobile
	sleep_rtp mobile 20
	stop "$caller" INT
	wait_for 20 sip_has correspondent up 0
	expect_eq "moves that the peer saw" 1 "$(rtp_result correspondent answer peer_moves)"
}

# as_before: the mobile host's daemon with its usual configuration.
as_before() {
	unset sip_at
	sip_stop mobile
	sip_start mobile alice
	wait_for 30 sip_registered mobile
}

tcp_carries_calls() {
	sip_stop mobile
	on_exit as_before
	sip_at="servers = {\"sip:${sip_servers[0]};transport=tcp\"}" sip_start mobile alice
	wait_for 20 sip_registered mobile 1
	capture_start "$router" register sip.tcp.pcap 'tcp port 5060'
	call_moves
	capture_stop
	(($(packets_in sip.tcp.pcap 'tcp[tcpflags] & tcp-syn != 0 and src net 192.0.2.0/24') >= 1)) || fail "nothing went by TCP"
}

# tls_self_signed FILE NAME
tls_self_signed() {
	expect_ok openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -days 2 \
		-keyout "$dir/$1.key" -out "$dir/$1.pem"
}

tls_authority() {
	local dir=$sip_dir/tls
	[[ ! -e $dir ]] || return 0
	mkdir "$dir"
	tls_self_signed ca "$1"
	tls_self_signed other another
	expect_ok openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=sip -keyout "$dir/key.pem" \
		-out "$dir/request"
	echo "subjectAltName=IP:${sip_servers[0]}" >"$dir/names"
	expect_ok openssl x509 -req -in "$dir/request" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -days 2 \
		-extfile "$dir/names" -out "$dir/certificate.pem"
	sed "s|/etc/kamailio/roam|$dir|" "$sip_shipped/tls.cfg" >"$dir/tls.cfg"
}

tls_is_checked_and_carries_calls() {
	require openssl
	tls_authority authority
	server_stop 0
	server_start 0 -A WITH_TLS -A "ROAM_TLS=\"$sip_dir/tls/tls.cfg\"" -l "tls:${sip_servers[0]}:5061"
	sip_stop mobile
	on_exit as_before
	sip_at="servers = {\"sip:${sip_servers[0]}:5061;transport=tls\"}"
	# A certificate of somebody else's authority is none.
	sip_start mobile alice "tls { ca = \"$sip_dir/tls/other.pem\" }" 'retry = "200ms"'
	wait_for 20 tried_often mobile
	expect_fail sip_registered mobile 1
	sip_stop mobile
	sip_start mobile alice "tls { ca = \"$sip_dir/tls/ca.pem\" }"
	wait_for 20 sip_registered mobile 1
	sip correspondent join
	wait_for 20 sip_registered correspondent
	call_moves
}

tried_often() {
	sip "$1" registrations | jq -e 'all(.[]; .tries >= 2)'
}

server_redirects() {
	server_stop 0
	server_start 0 -A WITH_REDIRECT
	on_exit server_start 0
	on_exit server_stop 0
	server_stop 1
	on_exit server_start 1
	sip mobile join
	sip correspondent join
	wait_for 20 registered_at mobile 0
	wait_for 20 registered_at correspondent 0
	capture_start "$router" any sip.redirect.pcap 'udp port 5060'
	call_moves
	capture_stop
	expect_match "answers" 302 "$(tshark -r "$ROAM_OUT/sip.redirect.pcap" -Y 'sip.Status-Code >= 300 && sip.CSeq.method == "INVITE"' \
		-T fields -e sip.Status-Code 2>/dev/null | sort -u | xargs)"
}

ipv6_carries_calls() {
	local host
	server_stop 0
	sip_server_address=2001:db8:e::66 server_start 0
	on_exit server_start 0
	on_exit server_stop 0
	for host in mobile:alice correspondent:bob; do
		sip_stop "${host%:*}"
		sip_at='servers = {"[2001:db8:e::66]"}' sip_start "${host%:*}" "${host#*:}"
		on_exit sip_start "${host%:*}" "${host#*:}"
		on_exit sip_stop "${host%:*}"
		wait_for 20 sip_registered "${host%:*}" 1
	done
	call6_moves
}

call6_moves() {
	rtp correspondent answer
	rtp mobile call "sip:bob@$sip_domain"
	local caller=$rtp_pid
	wait_for 20 sip_has mobile up
	expect_eq "media of the peer" "$correspondent_addr6" "$(sip mobile show | jq -r '.[0].peer_media')"
	place_now
	move_to $((visits % 3 + 1))
	wait_for 20 told6
	wait_for 20 media_of_mobile "$care_of6"
	stop "$caller" INT
	(($(rtp_result mobile call received) > 0)) || fail "$(<"$hosts/mobile/call.json")"
}

told6() {
	sip mobile status | jq -e '.[0].untold == 0 and .[0].address6 == "'"$care_of6"'"'
}

media_of_mobile() {
	[[ $(sip correspondent show | jq -r '.[0].peer_media') == "$1" ]]
}

peer_that_ignores_the_move_is_noticed() {
	phone_start mobile alice
	peer_scenario deaf 200 200 200 200 200 200
	sed -i "s/c=IN IP4 .*/c=IN IP4 $correspondent_addr/" "$hosts/deaf.xml"
	bg in_ns "$correspondent" sipp -sf "$hosts/deaf.xml" -i 198.51.100.3 -p 5060 -nostdin -m 1 -timeout 60 \
		>"$ROAM_OUT/sip.deaf.sipp" 2>&1
	wait_for 30 peer_listens
	wait_for 20 phone_dials mobile sip:peer@198.51.100.3
	wait_for 20 sip_has mobile up
	# The peer's media go to where the call began, and stay there.
	bg in_ns "$correspondent" "$roam_bin/roam-rtp" -l 7000 "$(media_told)"
	wait_for 20 media_flows mobile 60
	place_now
	move_to $((visits % 3 + 1))
	wait_for 30 sip_has mobile stuck
	grep -q 'agreed to the new address and sends nothing to it' "$hosts/mobile/log" || fail "nothing is said about it"
	expect_eq "explain" sip "$(roam mobile -j explain "$correspondent_addr" | jq -r '.[0].objects[]' | grep sip)"
	phone_says mobile hangup
}

# Where the mobile host said that it receives: its address, and the port of its relay.
media_told() {
	local port
	port=$(in_ns "$mobile" ss -Hlun | awk '{ print $4 }' | grep -E '^(\*|\[::\]):3[0-9]{3}[02468]$' | sed 's/.*://' | head -n 1)
	place_now
	echo "$care_of:$port"
}

# ---- beside the module ----

# SIP by TCP, media, and a connection by TCP that the module rewrites: one host moves, and
# all go on; what is SIP's is on the wire as the programs wrote it.
everything_side_by_side() {
	local link
	[[ ! ${ROAM_NATIVE:-} ]] || skip "the module is not loaded here"
	register_start
	correspondent_start
	mobile_start
	place_now
	wait_for 60 is_registered
	sip_stop mobile
	on_exit as_before
	sip_at="servers = {\"sip:${sip_servers[0]};transport=tcp\"}" sip_start mobile alice
	wait_for 20 sip_registered mobile 1
	echo_serve correspondent 7
	talk_open tcp mobile "$correspondent_addr" 7
	place_now
	link=$(ip -n "$mobile" -o address show to "$care_of" | awk '{ print $2 }')
	capture_sides "$mobile" "$link" sip 'ip and (udp or tcp port 5060)' 'ip protocol udp' 'tcp dport 5060' 'tcp sport 5060'
	rtp correspondent answer
	rtp mobile call -t 2 "sip:bob@$sip_domain"
	wait_for 30 lib_gone "$rtp_pid"
	wait_for 20 sip_has correspondent up 0
	capture_sides_stop sip
	expect_eq "packets that differ between wire and stack" "" \
		"$(diff <(bytes_of_side sip.wire nobody) <(bytes_of_side sip.stack nobody) | head -n 4)"
	(($(packets_in sip.wire.pcap 'tcp port 5060') > 4)) || fail "no SIP by TCP was seen"
	(($(packets_in sip.wire.pcap 'udp and greater 200') > 100)) || fail "no media were seen"
	call_moves
	talk tcp
	expect_eq "the host of the connection" "$permanent" \
		"$(sockets mobile dport = 7 | awk '{ print $1 }' | sed 's/:[0-9]*$//')"
	# One name for each purpose, and the tool knows them all.
	expect_eq "for TCP" own-permanent "$(roam mobile -j explain "$permanent" | jq -r '.[0].role')"
	expect_eq "for routing" own-care-of "$(roam mobile -j explain "$care_of" | jq -r '.[0].role')"
	expect_match "for media" 'sip:alice@' "$(roam mobile -j sip registrations)"
}

end_is_clean() {
	rtp correspondent answer
	local answerer=$rtp_pid
	rtp mobile call "sip:bob@$sip_domain"
	wait_for 20 sip_has correspondent up
	sip_stop mobile
	# The peer is told, and the servers are.
	wait_for 20 lib_gone "$answerer"
	expect_fail server_knows 0 alice
	expect_fail server_knows 1 alice
	sip_start mobile alice
	wait_for 20 sip_registered mobile
}

fixture sip_network
prove "SIP-02 SIP-08 SIP-09 SIP-11 SIP-13 SIP-15 SIP-16 INT-13: a call goes on over three moves" call_survives_moves
prove "SIP-12 SIP-14 SIP-17 SIP-22: each re-INVITE names the new place, once, as the standard says" wire_is_standard
prove "SIP-04 SIP-06 SIP-07 TEN-10: one REGISTER at each server replaces the contact" register_replaces_the_contact
prove "SIP-10 SIP-18 SIP-21: the correspondent calls, before and after a move" correspondent_calls
prove "OPEN-20: both ends move at once" both_move_at_once
prove "SIP-01 SIP-03 SIP-22: two phones as they come talk, and neither learns of a move" phones_never_learn
prove "OPEN-36: a wrong password is refused, told and not hammered" wrong_password_is_refused
prove "SIP-07: calls go on without one of the servers" dead_server_is_done_without
prove "SIP-07: a server that restarts empty learns anew" empty_server_learns_anew
prove "SIP-14: a peer that refuses the offer keeps the call" refused_offer_changes_nothing
prove "SIP-14: glare is tried again" glare_is_tried_again
prove "SIP-14: Retry-After is heeded" retry_after_is_heeded
prove "SIP-22: TCP carries signalling, over a move" tcp_carries_calls
prove "OPEN-36: TLS carries signalling, from servers with the right certificate alone" tls_is_checked_and_carries_calls
prove "TEN-10 SIP-08: a server that redirects" server_redirects
prove "SIP-15: a peer that agrees and sends to the old address is noticed" peer_that_ignores_the_move_is_noticed
prove "OPEN-01 SIP-14: the same over IPv6" ipv6_carries_calls
prove "INT-01 INT-05 INT-09 SIP-19 TEN-11 TEN-27: calls and rewritten connections side by side" everything_side_by_side
prove "SIP-16: the daemon's end ends calls and registrations" end_is_clean
tests_done
