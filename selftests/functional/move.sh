#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1500
#
# The main job: connections of unmodified programs go on while their host
# changes its network. The first test moves the host $MOVES times (200) and
# captures; the next ones judge what was captured, by tshark and by a dissector
# that knows nothing of our C code. Then the same over IPv6, $MOVES6 times (a tenth).
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$(dirname "$(realpath "$0")")/../topology.sh"

readonly moves=${MOVES:-200}
readonly moves6=${MOVES6:-$(((moves + 9) / 10))}
readonly download_port=8080
readonly bulk_port=5201
dissector=$(realpath "$(dirname "$0")")/../dissector/roam-lr.lua
# What the judges read.
readonly visited=$ROAM_OUT/move.visited
readonly visited6=$ROAM_OUT/move6.visited
readonly wire=$ROAM_OUT/move.wire
readonly messages=$ROAM_OUT/move.messages

# The addresses that programs use, of the family that a test is about.
peer=$correspondent_addr
own=$permanent

in_url() {
	[[ $1 != *:* ]] || set -- "[$1]"
	echo "$1"
}

# ---- programs as they come ----

ssh_server() {
	local dir=$hosts/correspondent/ssh
	mkdir -p "$dir" /run/sshd
	ssh-keygen -q -t ed25519 -N '' -f "$dir/host"
	ssh-keygen -q -t ed25519 -N '' -f "$dir/user"
	cat >"$dir/config" <<-END
		ListenAddress $peer
		HostKey $dir/host
		AuthorizedKeysFile $dir/user.pub
		PidFile $dir/pid
		PermitRootLogin yes
		StrictModes no
		UsePAM no
		MaxStartups 100
	END
	bg in_ns "$correspondent" "$(command -v sshd)" -D -e -f "$dir/config" 2>"$dir/log"
	wait_for 60 port_open correspondent 22
}

# ssh_open COMMAND...: a session from the mobile host, its ends in $session.
ssh_open() {
	local dir=$hosts/correspondent/ssh
	coproc session {
		exec busybox nsenter --net="/run/netns/$mobile" ssh -F none -i "$dir/user" -o IdentitiesOnly=yes \
			-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
			-o LogLevel=ERROR "root@$peer" "$@"
	}
	# shellcheck disable=SC2154 # set by coproc
	on_exit stop "$session_PID"
}

# say TEXT: a line there and back through the session.
say() {
	local line
	echo "$1" >&"${session[1]}"
	read -r -t 120 line <&"${session[0]}" ||
		fail "ssh: no answer, still alive: $(kill -0 "$session_PID" 2>&1 && echo yes)"
	expect_eq "ssh: answer" "$1" "$line"
}

# A folder served on the correspondent, with one file of random bytes.
download_server() {
	local dir=$hosts/correspondent/www
	mkdir -p "$dir"
	head -c "$1" /dev/urandom >"$dir/file"
	sum=$(sha256sum <"$dir/file")
	bg in_ns "$correspondent" /usr/bin/python3 -m http.server --directory "$dir" \
		--bind "$peer" "$download_port" >"$dir.log" 2>&1
	wait_for 60 port_open correspondent "$download_port"
}

# One download after the other until $hosts/done is there, a line for each. One
# that cannot even begin (curl says 7) found the host between two networks, with
# no route to anywhere: that is no broken connection.
download_loop() {
	local sum status
	until [[ -e $hosts/done ]]; do
		sum=$(
			in_ns "$mobile" curl -sS --max-time 300 --limit-rate 32k \
				"http://$(in_url "$peer"):$download_port/file" | sha256sum
			exit "${PIPESTATUS[0]}"
		)
		status=$?
		((status == 7)) || echo "$status $sum"
	done
}

# iperf3 from the correspondent, who knows the permanent address only.
bulk_open() {
	bg in_ns "$mobile" iperf3 -s -p "$bulk_port" >"$hosts/mobile/iperf3" 2>&1
	wait_for 60 port_open mobile "$bulk_port"
	bg in_ns "$correspondent" iperf3 -c "$own" -p "$bulk_port" -t 36000 -b 200k \
		--forceflush >"$hosts/correspondent/iperf3" 2>&1
	bulk_pid=$bg_pid
	wait_for 120 bulk_went_on 1
}

# bulk_went_on NUMBER: so many bytes of the data connection were acknowledged.
bulk_went_on() {
	(($(bulk_bytes) >= $1))
}

bulk_bytes() {
	in_ns "$correspondent" ss -Htin state established "dport = :$bulk_port" |
		grep -o 'bytes_acked:[0-9]*' | cut -d: -f2 | sort -n | tail -n 1
}

# ---- captures ----

# Offloads would leave checksums and sizes to a network card that is not there.
offloads_off() {
	local n
	for n in 1 2 3; do
		in_ns "$mobile" ethtool -K "net$n" tx off tso off gso off >/dev/null
		in_ns "$router" ethtool -K "net$n" tx off tso off gso off gro off >/dev/null
	done
	in_ns "$correspondent" ethtool -K eth0 tx off tso off gso off >/dev/null
	in_ns "$router" ethtool -K correspondent tx off tso off gso off gro off >/dev/null
}

# The visited networks accept only what their addresses may send (OPEN-18).
filter_ingress() {
	local n
	for n in 1 2 3; do
		in_ns "$router" sysctl -qw "net.ipv4.conf.net$n.rp_filter=1"
	done
}

# fields FILE OPTIONS...: tshark, tabs between the fields.
fields() {
	tshark -n -r "$ROAM_OUT/$1" -T fields "${@:2}" 2>"$ROAM_OUT/move.tshark.log" ||
		fail "tshark: $(<"$ROAM_OUT/move.tshark.log")"
}

captured() {
	[[ -s $ROAM_OUT/move.tcp.pcap && -s $visited ]] || skip "nothing was captured"
}

# ---- tests ----

# outlive_moves COUNT FAMILY NAME: captures go to NAME.*.pcap.
outlive_moves() {
	local count=$1 family=$2 name=$3
	local i before sum bulk_pid tcp_pid address port
	require ssh sshd curl iperf3 ethtool
	topology_start
	wait_for 60 is_registered "$family"
	filter_ingress
	offloads_off
	ssh_server
	download_server 200000
	# shellcheck disable=SC2016 # the remote shell's
	ssh_open 'echo $SSH_CONNECTION; exec cat'
	read -r -t 120 address port <&"${session[0]}" || fail "ssh does not connect"
	expect_eq "peer address that sshd sees" "$own" "$address"
	expect_match "its addresses" "^[0-9]+ $peer 22$" "$port"
	bulk_open

	: >"$ROAM_OUT/$name.visited"
	capture_start "$router" correspondent "$name.tcp.pcap"
	tcp_pid=$capture_pid
	capture_start "$router" register "$name.register.pcap"
	bg download_loop >"$hosts/downloads"
	for ((i = 1; i <= count; i++)); do
		move_to $((1 + i % 3))
		address_of care_of "$family" >>"$ROAM_OUT/$name.visited"
		say "move $i"
	done

	# Everything goes on after the last move.
	before=$(bulk_bytes)
	expect_match "bytes of iperf3" '^[0-9]+$' "$before"
	wait_for 120 bulk_went_on $((before + 20000))
	wait_for 120 is_registered "$family"
	touch "$hosts/done"
	wait_for 300 downloads_ended
	expect_eq "downloads with errors" "" "$(grep -v -F "0 $sum" "$hosts/downloads")"
	expect_match "downloads" '^[0-9]+$' "$(wc -l <"$hosts/downloads")"
	kill -0 "$bulk_pid" || fail "iperf3 ended: $(tail "$hosts/correspondent/iperf3")"
	expect_eq "errors of iperf3" "" "$(grep -i error "$hosts"/*/iperf3)"
	sockets_are_permanent
	capture_stop
	stop "$tcp_pid"
	echo "downloads: $(wc -l <"$hosts/downloads")"
}

# The register is asked over IPv6, too, and both families move at once.
outlive_moves_over_ipv6() {
	local peer=$correspondent_addr6 own=$permanent6
	# shellcheck disable=SC2034 # topology.sh's
	local with_ipv6=yes register_at="[$register_addr6]"
	outlive_moves "$moves6" 6 move6
	wait_for 60 is_registered 4
}

downloads_ended() {
	[[ -s $hosts/downloads ]] && ! in_ns "$mobile" pgrep -x curl
}

# as_ss ADDRESS PORT: as ss prints it.
as_ss() {
	echo "$(in_url "$1"):$2"
}

# Both ends of ssh: port and address did not change (MLR-32).
sockets_are_permanent() {
	local here there
	here=$(as_ss "$own" "${port%% *}") there=$(as_ss "$peer" 22)
	expect_eq "ssh at the mobile host" "$here $there" "$(sockets mobile dport = :22)"
	expect_eq "ssh at the correspondent" "$there $here" "$(sockets correspondent sport = :22)"
	expect_eq "care-of addresses in sockets" "" \
		"$( (sockets mobile; sockets correspondent) | grep -E '192\.0\.2\.|2001:db8:[123]::')"
}

no_permanent_address_on_the_wire() {
	captured
	fields move.tcp.pcap -E occurrence=a -E separator=/t -e ip.src -e ip.dst -e ip.proto \
		-e ip.len -e udp.dstport -e tcp.hdr_len -e tcp.len >"$wire"
	expect_eq "packets with the permanent address" "" \
		"$(grep -w -F "$permanent" "$wire" | head -n 3)"
	# Not for want of packets: every visit sent and received TCP.
	expect_eq "visits without TCP in both directions" "" "$(
		awk -v peer="$correspondent_addr" '
			NR == FNR { visit[$1]; next }
			$3 == 6 && $2 == peer { sent[$1] = 1 }
			$3 == 6 && $1 == peer { got[$2] = 1 }
			END { for (v in visit) if (!sent[v] || !got[v]) print v }' "$visited" "$wire")"
}

nothing_but_plain_tcp() {
	captured
	# TCP, our messages and errors about the network just left; nothing around them.
	expect_eq "other protocols" "" "$(
		awk -F'\t' '$1 && $3 != 6 && !($3 == 17 && $5 == 17434) && $3 !~ /^1,/' "$wire" | head -n 3)"
	expect_eq "TCP in anything but 20 bytes of IP header" "" "$(
		awk -F'\t' '$3 == 6 && $4 != 20 + $6 + $7' "$wire" | head -n 3)"
	expect_eq "largest packet" 1500 "$(awk -F'\t' '$4 + 0 > m { m = $4 + 0 } END { print m }' "$wire")"
}

checksums_are_good() {
	captured
	expect_eq "packets with a wrong checksum" "" "$(wrong_checksums "$ROAM_OUT/move.tcp.pcap")"
}

# Each visit appears as often in messages of each kind as the host was there.
messages_follow_the_protocol_page() {
	local file
	captured
	for file in tcp register; do
		fields "move.$file.pcap" -X "lua_script:$dissector" -Y roam_lr \
			-E occurrence=a -E separator=/t -e roam_lr.type -e roam_lr.permanent4 \
			-e roam_lr.care_of4 -e roam_lr.status -e ip.src -e ip.dst \
			-e roam_lr.malformed -e _ws.expert.message >"$messages.$file"
		sed "s/^/$file\t/" "$messages.$file"
		rm "$messages.$file"
	done >"$messages"
	expect_eq "malformed or doubtful messages" "" \
		"$(awk -F'\t' '$8 || $9' "$messages" | head -n 3)"
	expect_eq "messages about somebody else" "" \
		"$(awk -F'\t' -v perm="$permanent" '$3 != perm' "$messages" | head -n 3)"
	expect_eq "moves without their exchange" "" "$(awk -F'\t' '
		NR == FNR { visits[$1]++; all++; next }
		$1 == "tcp" && $2 == 5 { announce[$4]++ }
		$1 == "tcp" && $2 == 1 { queries++ }
		$1 == "tcp" && $2 == 2 && $5 == 0 { answer[$4]++ }
		$1 == "tcp" && $2 == 6 && $5 == 0 { confirm[$4]++ }
		$1 == "register" && $2 == 3 { update[$4]++ }
		$1 == "register" && $2 == 4 && $5 == 0 { ack[$4]++ }
		END {
			for (v in visits) {
				n = visits[v]
				if (update[v] < n || ack[v] < n || announce[v] < n ||
				    answer[v] < n || confirm[v] < n)
					printf "%s: %d visits, update %d ack %d announce %d answer %d confirm %d\n",
						v, n, update[v], ack[v], announce[v], answer[v], confirm[v]
			}
			if (queries < all)
				printf "%d queries for %d moves\n", queries, all
		}' "$visited" "$messages" | head -n 5)"
}

# As fast as it goes, offloads on as they come: large segments are rewritten whole.
bulk_with_offloads() {
	local i sum count
	require curl
	topology_start
	download_server 8000000
	capture_start "$router" correspondent move.bulk.pcap -s 64 greater 1600
	bg in_ns "$mobile" curl -sS --limit-rate 2M \
		"http://$peer:$download_port/file" >"$hosts/file" 2>"$hosts/error"
	for ((i = 1; i <= 5; i++)); do
		wait_for 120 received_more $((i * 500000))
		move_to $((1 + i % 3))
	done
	wait "$bg_pid" || fail "curl: $(<"$hosts/error")"
	expect_eq "sha256" "$sum" "$(sha256sum <"$hosts/file")"
	capture_stop
	count=$(tcpdump -n -r "$ROAM_OUT/move.bulk.pcap" 2>/dev/null | wc -l)
	((count > 10)) || fail "only $count large segments; the offloads did not work"
	rm "$ROAM_OUT/move.bulk.pcap"
}

received_more() {
	(($(stat -c %s "$hosts/file") >= $1))
}

# What the IPv4 tests above look at, in one.
ipv6_on_the_wire() {
	local seen=$ROAM_OUT/move6.wire
	[[ -s $ROAM_OUT/move6.tcp.pcap && -s $visited6 ]] || skip "nothing was captured"
	fields move6.tcp.pcap -Y ipv6 -E occurrence=a -E separator=/t -e ipv6.src -e ipv6.dst \
		-e ipv6.nxt -e ipv6.plen -e udp.dstport -e tcp.hdr_len -e tcp.len >"$seen"
	expect_eq "packets with the permanent address" "" "$(grep -w -F "$permanent6" "$seen" | head -n 3)"
	expect_eq "visits without TCP in both directions" "" "$(
		awk -v peer="$correspondent_addr6" '
			NR == FNR { visit[$1]; next }
			$3 == 6 && $2 == peer { sent[$1] = 1 }
			$3 == 6 && $1 == peer { got[$2] = 1 }
			END { for (v in visit) if (!sent[v] || !got[v]) print v }' "$visited6" "$seen")"
	expect_eq "other protocols" "" "$(
		awk -F'\t' '$3 != 6 && !($3 == 17 && $5 == 17434) && $3 !~ /^58/' "$seen" | head -n 3)"
	expect_eq "TCP in anything but a plain header" "" "$(
		awk -F'\t' '$3 == 6 && $4 != $6 + $7' "$seen" | head -n 3)"
	expect_eq "packets with a wrong checksum" "" "$(wrong_checksums "$ROAM_OUT/move6.tcp.pcap")"
}

# Announces, answers, confirms about each visit, and both families in each update.
ipv6_messages() {
	local file seen=$ROAM_OUT/move6.messages
	[[ -s $ROAM_OUT/move6.register.pcap && -s $visited6 ]] || skip "nothing was captured"
	for file in tcp register; do
		fields "move6.$file.pcap" -X "lua_script:$dissector" -Y "roam_lr && ipv6" \
			-E occurrence=a -E separator=/t -e roam_lr.type -e roam_lr.permanent \
			-e roam_lr.care_of -e roam_lr.status -e roam_lr.malformed \
			-e _ws.expert.message | sed "s/^/$file\t/"
	done >"$seen"
	expect_eq "malformed or doubtful messages" "" "$(awk -F'\t' '$6 || $7' "$seen" | head -n 3)"
	expect_eq "moves without their exchange" "" "$(awk -F'\t' '
		NR == FNR { visits[$1]++; next }
		$1 == "tcp" && $2 == 5 { announce[$4]++ }
		$1 == "tcp" && $2 == 2 && $5 == 0 { answer[$4]++ }
		$1 == "tcp" && $2 == 6 && $5 == 0 { confirm[$4]++ }
		$1 == "register" && $2 == 3 { update[$4]++ }
		END {
			for (v in visits)
				if (!update[v] || !announce[v] || !answer[v] || !confirm[v])
					printf "%s: update %d announce %d answer %d confirm %d\n",
						v, update[v], announce[v], answer[v], confirm[v]
		}' "$visited6" "$seen" | head -n 5)"
}

test "GEN-10 MLR-32 MLR-38 OPEN-18: ssh, curl and iperf3 outlive $moves moves" \
	outlive_moves "$moves" 4 move
test "MLR-17 MLR-29 OPEN-18 OPEN-19: the wire carries care-of addresses, both ways" \
	no_permanent_address_on_the_wire
test "MLR-39: no tunnel and no byte more" nothing_but_plain_tcp
test "OPEN-03: all checksums are good after rewriting" checksums_are_good
test "MLR-02 MLR-03 MLR-05 MLR-34 MLR-36: each move has its exchange of messages" \
	messages_follow_the_protocol_page
test "OPEN-03 OPEN-04 MLR-38: a bulk transfer with offloads is unharmed by moves" \
	bulk_with_offloads
test "OPEN-01 MLR-32 MLR-38: the same over IPv6, $moves6 moves" outlive_moves_over_ipv6
test "OPEN-01 OPEN-03 OPEN-18 MLR-39: IPv6 on the wire is plain, with care-of addresses" \
	ipv6_on_the_wire
test "OPEN-01 MLR-34 MLR-36: each move over IPv6 has its exchange of messages" ipv6_messages
tests_done
