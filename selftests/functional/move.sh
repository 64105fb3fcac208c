#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1500
# kernels: 6.12 6.1
#
# The main job: connections of unmodified programs go on while their host
# changes its network. The first test moves the host $MOVES times (200) and
# captures; the next ones judge what was captured, by tshark and by a dissector
# that knows nothing of our C code. Then the same over IPv6, $MOVES6 times (a tenth).
#
# Much here is in other languages: awk's and the remote shell's.
# shellcheck disable=SC2016
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
readonly wire=$ROAM_OUT/move.tcp wire6=$ROAM_OUT/move6.tcp
readonly register_wire=$ROAM_OUT/move.register register_wire6=$ROAM_OUT/move6.register
readonly visited=$ROAM_OUT/move.visited visited6=$ROAM_OUT/move6.visited

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

# One download after the other until $hosts/done is there, a line for each: the address
# that curl got, its exit status, the sum. One that cannot even begin (curl says 7) found
# the host between two networks, with no route to anywhere: that is no broken connection. One that
# stands still for 20 s is dead, and the next one has its turn.
download_loop() {
	local from sum status file=$hosts/mobile/download
	until [[ -e $hosts/done ]]; do
		rm -f "$file"
		from=$(in_ns "$mobile" curl -sS --max-time 300 --speed-limit 1 --speed-time 20 --limit-rate 32k \
			-o "$file" -w '%{local_ip}' "http://$(in_url "$peer"):$download_port/file")
		status=$?
		((status != 7)) || continue
		sum=$(sha256sum <"$file")
		echo "$from $status $sum"
	done
}

# A connection that begins between the kernel's new route and roam-lrd's own has the
# care-of address (roam-lrd(8), LIMITS) and ends with the visit; that is seldom.
downloads_are_whole() {
	local plain
	plain=$(grep -c -v -F "$own " "$hosts/downloads")
	echo "downloads: $(wc -l <"$hosts/downloads"), begun in the moment of a move: $plain"
	((plain <= 1 + $1 / 50)) || fail "$plain downloads did not begin at the permanent address"
	expect_eq "downloads with errors" "" "$(grep -F "$own " "$hosts/downloads" | grep -v -F "$own 0 $sum")"
	grep -q -F "$own 0 $sum" "$hosts/downloads" || fail "no download"
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

# captured CAPTURE...: each, as tshark and the dissector see it, goes to CAPTURE.fields.
# Once, for all judges: tshark takes long.
captured() {
	local file
	for file; do
		[[ -s $file.pcap ]] || skip "nothing was captured"
		[[ ! -s $file.fields ]] || continue
		tshark -n -r "$file.pcap" -X "lua_script:$dissector" -T fields -E header=y \
			-E occurrence=a -E separator=/t "${checksum_fields[@]}" \
			-e ip.src -e ip.dst -e ip.proto -e ip.len \
			-e ipv6.src -e ipv6.dst -e ipv6.nxt -e ipv6.plen \
			-e udp.dstport -e tcp.hdr_len -e tcp.len \
			-e roam_lr.type -e roam_lr.permanent4 -e roam_lr.care_of4 \
			-e roam_lr.permanent -e roam_lr.care_of -e roam_lr.status \
			-e roam_lr.malformed -e _ws.expert.message \
			>"$file.fields" 2>"$file.tshark.log" || fail "tshark: $(<"$file.tshark.log")"
		[[ $(wc -l <"$file.fields") -gt 1 ]] || fail "no packets in $file.pcap"
	done
}

# judge PROGRAM VISITED CAPTURE...: awk for each packet of captures. It has the columns
# by name, $f["ip.src"], how often each care-of address was visited, visit[ADDRESS],
# and knows packets of our own protocol, ours. Three lines tell what is wrong.
judge() {
	awk -F'\t' -v perm="$permanent" -v perm6="$permanent6" -v peer="$correspondent_addr" \
		-v peer6="$correspondent_addr6" -v visited="$2" '
		BEGIN { while ((getline place <visited) > 0) visit[place]++ }
		function has(list, item) { return index("," list ",", "," item ",") }
		# An entry and its key entry say the same.
		function only(list, item) { return list == item "" || list == item "," item }
		FNR == 1 { for (i = 1; i <= NF; i++) f[$i] = i; next }
		{ ours = $f["frame.protocols"] ~ /roam_lr/; at_register = FILENAME ~ /register/ }
		'"$1" "${@:3}" | head -n 3
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
	downloads_are_whole "$count"
	kill -0 "$bulk_pid" || fail "iperf3 ended: $(tail "$hosts/correspondent/iperf3")"
	expect_eq "errors of iperf3" "" "$(grep -i error "$hosts"/*/iperf3)"
	sockets_are_permanent
	capture_stop
	stop "$tcp_pid"
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
	captured "$wire"
	expect_eq "packets with the permanent address" "" "$(judge '
		has($f["ip.src"] "," $f["ip.dst"], perm)' "$visited" "$wire.fields")"
	# Not for want of packets: every visit sent and received TCP.
	expect_eq "visits without TCP in both directions" "" "$(judge '
		$f["ip.proto"] == 6 && $f["ip.dst"] == peer { sent[$f["ip.src"]] = 1 }
		$f["ip.proto"] == 6 && $f["ip.src"] == peer { got[$f["ip.dst"]] = 1 }
		END { for (v in visit) if (!sent[v] || !got[v]) print v }' "$visited" "$wire.fields")"
}

nothing_but_plain_tcp() {
	captured "$wire"
	# TCP, our messages and errors about the network just left; nothing around them.
	expect_eq "other protocols" "" "$(judge '
		$f["ip.src"] && $f["ip.proto"] != 6 && $f["ip.proto"] !~ /^1,/ &&
			!($f["ip.proto"] == 17 && $f["udp.dstport"] == 17434)' "$visited" "$wire.fields")"
	expect_eq "TCP in anything but 20 bytes of IP header" "" "$(judge '
		$f["ip.proto"] == 6 && $f["ip.len"] != 20 + $f["tcp.hdr_len"] + $f["tcp.len"]' \
		"$visited" "$wire.fields")"
	expect_eq "largest packet" 1500 "$(judge '
		$f["ip.len"] + 0 > m { m = $f["ip.len"] + 0 }
		END { print m }' "$visited" "$wire.fields")"
}

checksums_are_good() {
	captured "$wire"
	expect_eq "packets with a wrong checksum" "" "$(sed 1d "$wire.fields" | wrong_checksums)"
}

# Each visit appears as often in messages of each kind as the host was there.
messages_follow_the_protocol_page() {
	local captures=("$wire.fields" "$register_wire.fields")
	captured "$wire" "$register_wire"
	expect_eq "malformed or doubtful messages" "" "$(judge '
		ours && ($f["roam_lr.malformed"] || $f["_ws.expert.message"])' "$visited" "${captures[@]}")"
	expect_eq "messages about somebody else" "" "$(judge '
		ours && !only($f["roam_lr.permanent4"], perm)' "$visited" "${captures[@]}")"
	expect_eq "moves without their exchange" "" "$(judge '
		!ours { next }
		{ type = $f["roam_lr.type"]; coa = $f["roam_lr.care_of4"]; good = only($f["roam_lr.status"], 0) }
		!at_register && type == 5 { announce[coa]++ }
		!at_register && type == 1 { queries++ }
		!at_register && type == 2 && good { answers++ }
		!at_register && type == 6 && good { confirm[coa]++ }
		at_register && type == 3 { update[coa]++ }
		at_register && type == 4 && good { ack[coa]++ }
		END {
			for (v in visit) {
				n = visit[v]
				all += n
				if (update[v] < n || ack[v] < n || announce[v] < n || confirm[v] < n)
					printf "%s: %d visits, update %d ack %d announce %d confirm %d\n",
						v, n, update[v], ack[v], announce[v], confirm[v]
			}
			# One may be about several moves.
			if (!all || !queries || !answers)
				printf "%d moves, %d queries, %d answers\n", all, queries, answers
		}' "$visited" "${captures[@]}")"
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
	captured "$wire6"
	expect_eq "packets with the permanent address" "" "$(judge '
		has($f["ipv6.src"] "," $f["ipv6.dst"], perm6)' "$visited6" "$wire6.fields")"
	expect_eq "visits without TCP in both directions" "" "$(judge '
		$f["ipv6.nxt"] == 6 && $f["ipv6.dst"] == peer6 { sent[$f["ipv6.src"]] = 1 }
		$f["ipv6.nxt"] == 6 && $f["ipv6.src"] == peer6 { got[$f["ipv6.dst"]] = 1 }
		END { for (v in visit) if (!sent[v] || !got[v]) print v }' \
		"$visited6" "$wire6.fields")"
	expect_eq "other protocols" "" "$(judge '
		$f["ipv6.src"] && $f["ipv6.nxt"] != 6 && $f["ipv6.nxt"] !~ /^58/ &&
			!($f["ipv6.nxt"] == 17 && $f["udp.dstport"] == 17434)' "$visited6" "$wire6.fields")"
	expect_eq "TCP in anything but a plain header" "" "$(judge '
		$f["ipv6.nxt"] == 6 && $f["ipv6.plen"] != $f["tcp.hdr_len"] + $f["tcp.len"]' \
		"$visited6" "$wire6.fields")"
	expect_eq "packets with a wrong checksum" "" "$(sed 1d "$wire6.fields" | wrong_checksums)"
}

# Announces, answers, confirms about each visit, and both families in each update.
ipv6_messages() {
	local captures=("$wire6.fields" "$register_wire6.fields")
	captured "$wire6" "$register_wire6"
	expect_eq "malformed or doubtful messages" "" "$(judge '
		ours && $f["ipv6.src"] && ($f["roam_lr.malformed"] || $f["_ws.expert.message"])' \
		"$visited6" "${captures[@]}")"
	expect_eq "moves without their exchange" "" "$(judge '
		!ours || !$f["ipv6.src"] { next }
		{ type = $f["roam_lr.type"]; coa = $f["roam_lr.care_of"]; good = only($f["roam_lr.status"], 0) }
		!at_register && type == 5 { announce[coa]++ }
		!at_register && type == 2 && good { answers++ }
		!at_register && type == 6 && good { confirm[coa]++ }
		at_register && type == 3 { update[coa]++ }
		END {
			for (v in visit) {
				all++
				if (!update[v] || !announce[v] || !confirm[v])
					printf "%s: update %d announce %d confirm %d\n",
						v, update[v], announce[v], confirm[v]
			}
			if (!all || !answers) printf "%d visits, %d answers\n", all, answers
		}' "$visited6" "${captures[@]}")"
}

prove "GEN-10 MLR-32 MLR-38 OPEN-18: ssh, curl and iperf3 outlive $moves moves" \
	outlive_moves "$moves" 4 move
prove "MLR-17 MLR-29 OPEN-18 OPEN-19 INT-14: the wire carries care-of addresses, both ways" \
	no_permanent_address_on_the_wire
prove "MLR-39: no tunnel and no byte more" nothing_but_plain_tcp
prove "OPEN-03: all checksums are good after rewriting" checksums_are_good
prove "MLR-02 MLR-03 MLR-05 MLR-34 MLR-36 INT-12: each move has its exchange of messages" \
	messages_follow_the_protocol_page
prove "OPEN-03 OPEN-04 MLR-38: a bulk transfer with offloads is unharmed by moves" \
	bulk_with_offloads
prove "OPEN-01 MLR-32 MLR-38: the same over IPv6, $moves6 moves" outlive_moves_over_ipv6
prove "OPEN-01 OPEN-03 OPEN-18 MLR-39: IPv6 on the wire is plain, with care-of addresses" \
	ipv6_on_the_wire
prove "OPEN-01 MLR-34 MLR-36: each move over IPv6 has its exchange of messages" ipv6_messages
tests_done
