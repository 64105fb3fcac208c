# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# SIP in the network of topology.sh, which it needs: two servers (Kamailio with the
# shipped configuration) at the host of the register, alice at the mobile host, bob at
# the correspondent, each behind roam-sipd with a phone (baresip) or an application
# (roam-rtp). Without the module it runs in namespaces of any host: ROAM_NATIVE=yes.
#
# What lib.sh and topology.sh define, and what tests use:
# shellcheck disable=SC2154,SC2034
readonly sip_domain=example.net
readonly sip_servers=(198.51.100.66 198.51.100.67)
# Added to each start of a server.
sip_server_options=()
sip_shipped=$(realpath "$lib_dir/../packaging/kamailio")

if [[ ${ROAM_NATIVE:-} ]]; then
	modprobe() { :; }
fi

# sip_create: the network, servers, accounts; the mobile host in net1.
sip_create() {
	require kamailio baresip sipp
	topology_create
	in_batch register "address add ${sip_servers[1]}/26 dev eth0"
	in_batch correspondent "address add ${correspondent_addr%.*}.3/26 dev eth0"
	# Its first address may go without the others.
	topology_sysctl correspondent ipv4/conf/all/promote_secondaries=1
	# Gaps are measured: only what the host does shall count.
	links_stay=yes
	in_batch mobile "link set net1 up" "link set net2 up" "link set net3 up"
	move_to 1
	sip_dir=$hosts/register
	cp "$sip_shipped/db/version" "$sip_dir"
	cat >"$sip_dir/subscriber" <<-END
		username(string) domain(string) password(string)
		alice:$sip_domain:wonder
		bob:$sip_domain:builder
	END
	sip_secret mobile wonder
	sip_secret correspondent builder
}

# sip_secret HOST PASSWORD
sip_secret() {
	(umask 077 && echo "$2" >"$hosts/$1/secret")
}

# server_start N [OPTION...]: Kamailio at the Nth address.
server_start() {
	local addr=${sip_server_address:-${sip_servers[$1]}}
	[[ $addr != *:* ]] || addr="[$addr]"
	mkdir -p "$sip_dir/run$1"
	echo "--- server $1" >>"$sip_dir/log"
	busybox nsenter --net="/run/netns/$register" -- "$(command -v kamailio)" \
		-f "$sip_shipped/kamailio.cfg" -A "ROAM_DB=$sip_dir" -A "ROAM_CTL=\"unix:$sip_dir/run$1/ctl\"" \
		-l "udp:$addr:5060" -l "tcp:$addr:5060" -Y "$sip_dir/run$1" -DD -E -m 16 -M 4 "${sip_server_options[@]}" "${@:2}" \
		>>"$sip_dir/log" 2>&1 &
	echo "$!" >"$sip_dir/kamailio$1.pid"
	disown
	wait_for 60 server_answers "$addr"
}

server_answers() {
	in_ns "$register" "$roam_bin/roam" sip server check "$1" domain "$sip_domain"
}

# server_knows N USER: it has a contact of that account.
server_knows() {
	kamcmd -s "unix:$sip_dir/run$1/ctl" ul.lookup location "$2@$sip_domain" | grep -q Address
}

# server_stop N [SIGNAL]: with its children, which a signal to it alone may leave behind.
server_stop() {
	local pid children child
	pid=$(<"$sip_dir/kamailio$1.pid")
	children=$(pgrep -P "$pid")
	daemon_stop register "kamailio$1" "${2:-TERM}"
	for child in $children; do
		kill -KILL "$child" 2>/dev/null
		try_for 5 lib_gone "$child"
	done
}

# sip_start HOST USER [LINE...]: roam-sipd with that account and what the lines say.
sip_start() {
	printf '%s\n' "account \"sip:$2@$sip_domain\" { secret = \"$hosts/$1/secret\" }" \
		"${sip_at:-servers = {\"${sip_servers[0]}\", \"${sip_servers[1]}\"\}}" "${@:3}" >"$hosts/$1/sipd.conf"
	daemon "$1" roam-sipd sipd
}

sip_stop() {
	daemon_stop "$1" sipd
}

# sip HOST COMMAND...: what roam says as JSON.
sip() {
	roam "$1" -j sip "${@:2}"
}

sip_registered() {
	sip "$1" registrations | jq -e "length == ${2:-2} and all(.[]; .registered)"
}

# sip_count HOST STATE: calls in that state.
sip_count() {
	sip "$1" show | jq "[.[] | select(.state == \"$2\")] | length"
}

sip_has() {
	[[ $(sip_count "$1" "$2") == "${3:-1}" ]]
}

sip_counter() {
	sip "$1" counters | jq ".[0].$2"
}

# Every peer knows where the host is.
sip_told() {
	sip "$1" status | jq -e '.[0].untold == 0 and .[0].address == "'"$care_of"'"'
}

# media_flows HOST N: so many more packets came from the peer.
media_flows() {
	local now
	now=$(sip "$1" show | jq '.[0].received')
	[[ ${media_seen:-} ]] || media_seen=$now
	((now >= media_seen + $2)) && media_seen=
}

# sip_delay MS: a round trip to the correspondent and to the servers takes that long; false
# where the kernel has no netem.
sip_delay() {
	local dev
	for dev in correspondent register; do
		in_ns "$router" tc qdisc replace dev "$dev" root netem delay "$(($1 / 2))ms" limit 100000 2>/dev/null &&
			in_ns "${!dev}" tc qdisc replace dev eth0 root netem delay "$(($1 - $1 / 2))ms" limit 100000 ||
			return 1
	done
}

# ---- applications ----

# rtp HOST NAME [ARGUMENT...]: roam-rtp in the background, its results in
# $hosts/HOST/NAME.json; its process is in $rtp_pid.
rtp() {
	busybox nsenter --net="/run/netns/${!1}" -- "$roam_bin/roam-rtp" -j -s "$hosts/$1/sipd.sock" "${@:3}" \
		>"$hosts/$1/$2.json" 2>"$hosts/$1/$2.err" &
	rtp_pid=$!
	on_exit stop "$rtp_pid"
	[[ $* == *sip:* || $* == *:[0-9]* ]] || wait_for 30 rtp_listens "$1" "$rtp_pid"
}

# Two connections to the daemon, of which one monitors: it may be called.
rtp_listens() {
	(($(in_ns "${!1}" ss -Hxp 2>/dev/null | grep -c "pid=$2,") >= 2))
}

# rtp_result HOST NAME MEMBER
rtp_result() {
	jq -r ".$3" <"$hosts/$1/$2.json"
}

# ---- phones ----

# phone_start HOST USER: baresip as it comes, with this host's roam-sipd as its proxy.
# It answers at once. Its process is in $phone_pid.
phone_start() {
	phone_configure "$@"
	echo "<sip:$2@$sip_domain;transport=udp>;auth_pass=none;outbound=\"sip:127.0.0.1;transport=udp\";answermode=auto;regint=60;ptime=20;audio_codecs=pcmu" \
		>"$hosts/$1/phone/accounts"
	phone_runs "$1"
	wait_for 30 phone_is_known "$1"
}

phone_configure() {
	local dir=$hosts/$1/phone
	mkdir -p "$dir"
	[[ -e $hosts/tone.wav ]] || python3 "$lib_dir/tone" "$hosts/tone.wav"
	cat >"$dir/config" <<-END
		module_path /usr/lib/baresip/modules
		module g711.so
		module aufile.so
		module aubridge.so
		module_tmp account.so
		module_app menu.so
		module_app ctrl_tcp.so
		ctrl_tcp_listen 127.0.0.1:4444
		audio_source aufile,$hosts/tone.wav
		audio_player aubridge,x
		audio_alert aubridge,y
		sip_listen 127.0.0.1:5070
		rtp_ports 10000-10100
	END
	: >"$dir/contacts"
}

# phone_runs HOST
phone_runs() {
	local dir=$hosts/$1/phone
	busybox nsenter --net="/run/netns/${!1}" -- "$(command -v baresip)" -f "$dir" </dev/null >"$dir/log" 2>&1 &
	phone_pid=$!
	on_exit stop "$phone_pid" KILL
}

phone_is_known() {
	[[ $(sip "$1" phones | jq length) == 1 ]]
}

# phone_says HOST COMMAND [WORD]: as netstrings, to the phone's control port.
phone_says() {
	local json="{\"command\":\"$2\",\"params\":\"${3:-}\",\"token\":\"t\"}"
	# shellcheck disable=SC2016 # the inner shell's
	in_ns "${!1}" bash -c 'exec 3<>/dev/tcp/127.0.0.1/4444; printf "%s:%s," "${#1}" "$1" >&3; read -r -t 1 -N 10 <&3' \
		phone "$json"
}

# phone_dials HOST URL: the phone calls; said again until it does, as it may just start.
phone_dials() {
	[[ $(sip "$1" show | jq length) == 0 ]] || return 0
	phone_says "$1" dial "$2"
	try_for 2 sip_calls "$1"
}

sip_calls() {
	(($(sip "$1" show | jq length) > 0))
}

# ---- standard and hostile peers ----

peer_listens() {
	in_ns "$correspondent" ss -Hlun "src = 198.51.100.3:5060" | grep -q .
}

# peer_scenario NAME CODE[:HEADER]...: writes $hosts/NAME.xml: answers a call by 200, and
# each INVITE after that by the next code; "gone" is no answer at all. Media at port 7000.
peer_scenario() {
	local file=$hosts/$1.xml answer
	{
		cat <<-'END'
			<?xml version="1.0" encoding="ISO-8859-1" ?>
			<scenario name="peer">
			<recv request="INVITE" crlf="true" rrs="true"/>
		END
		peer_answer 200 "" 1
		for answer in "${@:2}"; do
			# A 200 that was sent twice is acknowledged twice, on a busy machine.
			echo '<recv request="ACK" optional="true"/><recv request="ACK" optional="true"/>'
			if [[ $answer == gone ]]; then
				echo '<recv request="INVITE" rrs="true" timeout="40000"/>'
				continue
			fi
			echo '<recv request="INVITE" rrs="true" timeout="40000"/>'
			[[ $answer == *:* ]] || answer+=:
			peer_answer "${answer%%:*}" "${answer#*:}" 2
		done
		cat <<-'END'
			<recv request="ACK" optional="true"/>
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
	} >"$file"
}

peer_answer() {
	local to='[last_To:];tag=[call_number]' body='Content-Length: 0

'
	[[ $3 == 1 ]] || to='[last_To:]'
	[[ $1 != 2* ]] || body='Contact: <sip:peer@[local_ip]:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=peer 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio 7000 RTP/AVP 0
a=rtpmap:0 PCMU/8000
'
	cat <<-END
		<send retrans="500"><![CDATA[

		SIP/2.0 $1 Answer
		[last_Via:]
		[last_Record-Route:]
		[last_From:]
		$to
		[last_Call-ID:]
		[last_CSeq:]
		${2:+$2
		}$body]]></send>
		<recv request="ACK"/>
	END
}
