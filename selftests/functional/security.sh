#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
#
# Who may not move traffic: forgers, replayers, hosts with another's key, users
# without the capability, and floods.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$(dirname "$(realpath "$0")")/../topology.sh"

# Where forgers want the traffic to go.
readonly elsewhere=198.51.100.99

# A message from the protocol page, sent once; prints "TYPE STATUS" of the reply,
# or "silence". Arguments NAME=VALUE; raw is a whole message in hexadecimal digits.
# A comma begins the next message.
readonly forge='
import hashlib, hmac, ipaddress, os, socket, struct, sys, time

def addr(text):
    if not text:
        return bytes(16)
    return bytes(10) + b"\xff\xff" + ipaddress.IPv4Address(text).packed

types = dict(query=1, answer=2, update=3, announce=5, confirm=6, unknown=9)

def sign(secret, data):
    return hmac.new(bytes.fromhex(secret), data, hashlib.sha256).digest()[:16]

# pair is the secret that a pair key is made from.
def message(a):
    key = int(a["key"])
    if a["pair"]:
        a["secret"] = sign(a["pair"], struct.pack(">13sI", b"roam pair key", key) +
                           addr(a["perm"])).hex()
        key |= 1 << 31
    m = struct.pack(">BBHIQ8s16s", 2, types[a["type"]], 1, key, int(a["ident"]),
                    bytes.fromhex(a["nonce"]), bytes.fromhex(a["cookie"]))
    m += addr(a["perm"]) + addr(a["coa"])
    m += struct.pack(">QIBBH", int(a["seq"]), int(a["lifetime"]), 0, int(a["flags"]), 0)
    m += sign(a["secret"], m) if key else bytes(16)
    if a["flip"]:
        m = bytearray(m)
        m[int(a["flip"])] ^= 1
    return bytes.fromhex(a["raw"]) if a["raw"] else m

def send(words):
    a = dict(type="update", perm="203.0.113.5", coa="198.51.100.99", seq=str(2**62),
             lifetime="300", key="0", secret="", ident=str(time.time_ns()),
             nonce=os.urandom(8).hex(), to="198.51.100.66", wait="10", flip="", raw="",
             port="0", pair="", cookie="", flags="0")
    a.update(word.split("=", 1) for word in words)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("0.0.0.0", int(a["port"])))
    s.settimeout(float(a["wait"]))
    s.sendto(message(a), (a["to"], 17434))
    try:
        reply = s.recv(2000)
        print(reply[1], reply[40 + 44])
    except TimeoutError:
        print("silence")

words = sys.argv[1:]
while "," in words:
    send(words[:words.index(",")])
    words = words[words.index(",") + 1:]
send(words)
'

# forge HOST NAME=VALUE...
forge() {
	in_ns "${!1}" /usr/bin/python3 -c "$forge" "${@:2}"
}

# secret HOST: its key.
secret() {
	awk '{ print $2 }' "$hosts/$1/keys.key"
}

world() {
	topology_start
	echo_serve correspondent 7
	talk_open steady mobile "$correspondent_addr" 7
	wait_for 60 is_mapped correspondent
}

# All that a forger could have changed is as it was.
nothing_changed() {
	place_now
	expect_eq "care-of address at the register" "$care_of" \
		"$(roam register -j hlr show "$permanent" | jq -r '.[0].care_of')"
	expect_eq "care-of address at the correspondent" "$care_of" "$(mapped_at correspondent)"
	talk steady
}

# refused COUNTER REPLY NAME=VALUE...: an update from the correspondent's side.
refused() {
	local before
	before=$(counter register hlr "$1")
	expect_eq "reply to an update with ${*:3}" "$2" "$(forge correspondent "wait=1" "${@:3}")"
	wait_for 30 counter_is register hlr "$1" "-gt $before"
	nothing_changed
}

forged_updates_are_refused() {
	refused drop_key silence key=0
	refused drop_key silence key=99 "secret=$(secret mobile)"
	refused drop_auth silence key=1 "secret=$(secret correspondent)"
	refused drop_auth silence key=1 "secret=$(secret mobile)" flip=66
	refused drop_auth silence key=1 "secret=$(secret mobile)" flip=91
	# Somebody who may speak to the register, but not for this address.
	refused status_denied "4 4" wait=60 key=2 "secret=$(secret correspondent)"
}

# The tool that forges is able to make a message that is accepted.
the_forger_knows_the_trade() {
	expect_eq "reply to a query with the right key" "2 0" "$(
		forge correspondent wait=60 type=query coa= seq=0 lifetime=0 key=2 \
			"secret=$(secret correspondent)")"
}

# bad_messages HOST TYPE: "REASON WORD..." for each reason to drop a message, for a
# daemon that has the key of this host and does not serve this type.
bad_messages() {
	local key secret
	read -r key secret <"$hosts/$1/keys.key"
	cat <<-END
		version flip=0
		type type=unknown
		count raw=$(printf '02010000000000020000000000000000%016d%032d' 1 0)
		length raw=0203
		reserved flip=87 key=0
		address perm=224.0.0.1
		key key=99 secret=$secret
		auth key=$key secret=$(printf '%064d' 1)
		role type=$2 key=$key secret=$secret
	END
}

# all_known HOST: what its daemons and its module know, without what just runs on.
all_known() {
	local object
	for object in "hlr show" "lr show" "lr registers" "lr peers" "mangle show" "mangle peer show"; do
		# shellcheck disable=SC2086 # words
		roam "$1" -j $object 2>/dev/null |
			jq -c --arg object "$object" '[$object, map(del(.expires_in, .idle))]'
	done
}

# drops HOST OBJECT: "REASON NUMBER" of each, sorted.
drops() {
	roam "$1" -j "$2" counters | jq -r '.[0] | to_entries[] |
		select(.key | startswith("drop_")) | "\(.key | ltrimstr("drop_")) \(.value)"' | sort
}

# all_dropped HOST OBJECT BEFORE: each reason of BEFORE was counted since.
all_dropped() {
	[[ $(join <(echo "$3") <(drops "$1" "$2") | awk '$3 <= $2') == "" ]]
}

# bad_messages_are_dropped HOST OBJECT KEYS-OF TYPE [ADDRESS]
bad_messages_are_dropped() {
	local messages before known address=${5:-} n
	place_now
	known=$(all_known "$1")
	expect_match "what $1 knows" "$permanent" "$known"
	messages=$(bad_messages "$3" "$4")
	n=$(wc -l <<<"$messages")
	before=$(join <(cut -d ' ' -f 1 <<<"$messages" | sort) <(drops "$1" "$2"))
	expect_eq "reasons that are counted" "$n" "$(wc -l <<<"$before")"
	# shellcheck disable=SC2046 # words
	expect_eq "replies" "$n silence" "$(forge router $(
		sed -E "s/^[a-z]+/, wait=0.5 to=${address:-$care_of}/; 1s/^, //" <<<"$messages") |
		sort | uniq -c | xargs)"
	wait_for 30 all_dropped "$1" "$2" "$before"
	expect_eq "what $1 knows" "$known" "$(all_known "$1")"
	nothing_changed
}

# What the mobile host sent at its last but one move, seen by somebody on the path.
replayed_update_is_refused() {
	local raw before
	capture_start "$router" register security.pcap "udp port 17434"
	move_to 2
	talk steady
	wait_for 60 is_registered
	move_to 3
	talk steady
	wait_for 60 is_registered
	capture_stop
	raw=$(tshark -n -r "$ROAM_OUT/security.pcap" -Y "udp.dstport == 17434 && udp.length > 80" \
		-T fields -e udp.payload 2>/dev/null | grep '^0203' | head -n 1)
	expect_match "captured update" '^0203' "$raw"
	replay "$raw"
	# The register knows after a restart, too.
	daemon_stop register hlrd KILL
	daemon register roam-hlrd hlrd
	replay "$raw"
}

replay() {
	expect_eq "reply to a replayed update" "4 3" "$(forge router "raw=$1" wait=60)"
	nothing_changed
}

forged_announces_change_nothing() {
	local before
	before=$(counter correspondent lr received)
	forge register "to=$correspondent_addr" type=announce wait=3
	forge register "to=$correspondent_addr" type=announce wait=3 lifetime=0 coa=
	# With a key that the correspondent has, but a wrong authenticator.
	forge register "to=$correspondent_addr" type=announce wait=1 key=2 \
		"secret=$(secret mobile)"
	counter_is correspondent lr received "-ge $((before + 3))" || fail "they did not arrive"
	nothing_changed
}

forged_replies_change_nothing() {
	local before
	before=$(counter correspondent lr received)
	forge router "to=$correspondent_addr" type=answer key=0 wait=1
	forge router "to=$correspondent_addr" type=answer key=2 \
		"secret=$(secret correspondent)" wait=1
	counter_is correspondent lr drop_unasked "-gt 0" || fail "the answer was not counted"
	counter_is correspondent lr received "-ge $((before + 2))" || fail "they did not arrive"
	place_now
	before=$(counter mobile lr drop_unasked)
	forge correspondent "to=$care_of" type=confirm wait=1
	wait_for 30 counter_is mobile lr drop_unasked "-gt $before"
	nothing_changed
}

# mapping_seq: the sequence that the correspondent holds.
mapping_seq() {
	roam correspondent -j mangle show "$permanent" | jq -r '.[0].sequence'
}

# Mobile host and correspondent have a pair key by now. Who has another one, or none:
forged_pair_keys_change_nothing() {
	local seq before
	place_now
	seq=$(mapping_seq)
	before=$(counter correspondent lr received)
	# An announce is a hint then: the register knows nothing of it.
	expect_eq "confirm of a forged announce" "6 6" "$(
		forge register "to=$correspondent_addr" type=announce wait=60 key=2 \
			"pair=$(secret correspondent)" "seq=$((seq + 1))" "coa=$register_addr")"
	counter_is correspondent lr received "-gt $before" || fail "it did not arrive"
	expect_eq "sequence" "$seq" "$(mapping_seq)"
	before=$(counter mobile lr drop_auth)
	forge correspondent "to=$care_of" type=confirm wait=1 key=2 "pair=$(secret correspondent)"
	wait_for 30 counter_is mobile lr drop_auth "-gt $before"
	before=$(counter mobile lr drop_unasked)
	forge correspondent "to=$care_of" type=confirm wait=1 key=2 "pair=$(secret mobile)"
	wait_for 30 counter_is mobile lr drop_unasked "-gt $before"
	# The register is no party to it.
	before=$(counter register hlr drop_key)
	forge correspondent type=query coa= seq=0 lifetime=0 wait=1 key=2 "pair=$(secret mobile)"
	wait_for 30 counter_is register hlr drop_key "-gt $before"
	nothing_changed
	# With the right key it has to come from the care-of address.
	expect_eq "confirm of a true announce from elsewhere" "6 8" "$(
		forge register "to=$correspondent_addr" type=announce wait=60 key=2 \
			"pair=$(secret mobile)" "seq=$((seq + 1))" "coa=$care_of")"
	nothing_changed
	# The forgeries were good ones: the same from there is believed at once.
	expect_eq "confirm of a true announce" "6 0" "$(
		forge mobile "to=$correspondent_addr" type=announce wait=60 key=2 \
			"pair=$(secret mobile)" "seq=$((seq + 1))" "coa=$care_of")"
	expect_eq "sequence" "$((seq + 1))" "$(mapping_seq)"
	# Nobody else is at the correspondent's own address, which its module knows.
	expect_eq "confirm of the correspondent's address" "6 9" "$(
		forge correspondent "to=$correspondent_addr" type=announce wait=60 key=2 \
			"pair=$(secret mobile)" "seq=$((seq + 2))" "coa=$correspondent_addr")"
	nothing_changed
}

# ---- hosts with a key of their own ----

# claim STATUS CARE-OF [NAME=VALUE...]: the mobile host's own key, used at the
# correspondent for a place where it is not.
claim() {
	expect_eq "reply to a claim of $2" "4 $1" "$(forge correspondent wait=60 key=1 \
		"secret=$(secret mobile)" "coa=$2" "${@:3}")"
	nothing_changed
}

# The mobile host may speak for its permanent address and for no other: the silent
# victim that it would have flooded gets one short message of the register.
nobody_is_moved_where_he_is_not() {
	local challenges replies
	place_now
	challenges=$(counter register hlr challenges)
	replies=$(counter register hlr replies)
	claim 8 "$elsewhere"
	claim 8 "$elsewhere" "cookie=$(printf '%032d' 1)"
	claim 9 169.254.169.254
	claim 8 "$register_addr"
	counter_is register hlr challenges "-gt $challenges" ||
		fail "nobody was challenged"
	counter_is register hlr challenges "-le $((challenges + 3))" ||
		fail "challenges: $(counter register hlr challenges)"
	counter_is register hlr replies "-ge $((replies + 4))" ||
		fail "replies: $(counter register hlr replies)"
}

# In literal mode a host receives at one address and answers from another, so it could
# keep alive what it sends to somebody who says nothing. It gets nobody there either.
silent_victims_get_nothing() {
	local seq literal=2 silence
	place_now
	in_batch register "address add $elsewhere/32 dev eth0"
	on_exit in_batch register "address delete $elsewhere/32 dev eth0"
	capture_start "$register" eth0 security.victim.pcap "dst host $elsewhere"
	seq=$(mapping_seq)
	expect_eq "reply to a literal update for the victim" "4 8" "$(
		forge mobile wait=60 key=1 "secret=$(secret mobile)" "coa=$elsewhere" "flags=$literal")"
	expect_eq "confirm of a literal announce for the victim" "6 8" "$(
		forge mobile "to=$correspondent_addr" type=announce wait=60 key=2 "flags=$literal" \
			"pair=$(secret mobile)" "seq=$((seq + 1))" "coa=$elsewhere")"
	# Data goes on, to where the host is.
	talk steady
	talk steady
	capture_stop
	silence=$(tcpdump -n -r "$ROAM_OUT/security.victim.pcap" tcp 2>/dev/null)
	expect_eq "segments at the victim" "" "$silence"
	(($(tcpdump -n -r "$ROAM_OUT/security.victim.pcap" udp 2>/dev/null | wc -l) <= 2)) ||
		fail "the victim gets $(tcpdump -n -r "$ROAM_OUT/security.victim.pcap" 2>/dev/null)"
	nothing_changed
}

# ---- translators ----

is_translated() {
	roam mobile -j lr status | jq -e '.[0].translated'
}

is_not_translated() {
	roam mobile -j lr status | jq -e '.[0].translated | not'
}

# The router hides net3 behind its own addresses.
translate() {
	in_ns "$router" nft "$1" || fail "no translator"
}

translators_are_noticed() {
	local seen line
	require nft
	# What the register believes of before is in another network.
	move_to 1
	wait_for 60 is_registered
	translate "add table ip t; add chain ip t post { type nat hook postrouting priority 100; }; add rule ip t post ip saddr 192.0.2.128/26 masquerade"
	on_exit in_ns "$router" nft delete table ip t
	echo_serve correspondent 70
	move_to 3
	wait_for 60 is_translated
	seen=$(roam mobile -j lr registers | jq -r '.[0] | "\(.registered) \(.last_status) \(.seen)"')
	expect_eq "what the register said" "false unproved 198.51.100.65" "$seen"
	expect_match "log" "behind a translator \(NAT\).*$register_addr saw 198.51.100.65" "$(<"$hosts/mobile/log")"
	roam mobile -j doctor >"$hosts/doctor" || true
	expect_match "doctor" "behind a translator" "$(<"$hosts/doctor")"
	# Connections work as they do everywhere else, at once.
	talk_open hidden mobile "$correspondent_addr" 70
	talk hidden
	expect_eq "mode of the correspondent" plain "$(roam mobile -j lr peers |
		jq -r --arg peer "$correspondent_addr" '.[] | select(.correspondent == $peer) | .mode')"
	# What the register believed before is over, or is where the host was: nobody is sent here.
	line=$(roam register -j hlr show "$permanent" | jq -r '.[].care_of')
	[[ $line != 192.0.2.1[2-9]* ]] || fail "the register believes $line"
	# Nor is anybody there taken for it, where another network has the same addresses.
	[[ $(mapped_at correspondent) != "$care_of" ]] || fail "mapped to $care_of"
	move_to 2
	wait_for 60 is_not_translated
	wait_for 60 is_registered
}

# ---- netlink ----

roam_binary() {
	"$roam_bin/roam" "$@"
}

unprivileged_users_are_refused() {
	local command output status
	for command in "mangle show" "mangle add $permanent via $elsewhere" \
		"mangle replace $permanent via $elsewhere" "mangle flush" "mangle peer flush" \
		"mangle range set none" "mangle config set grace 1s" "mangle stats"; do
		status=0
		# shellcheck disable=SC2086 # words
		output=$(in_ns "$correspondent" setpriv --bounding-set=-net_admin \
			--inh-caps=-net_admin "$roam_bin/roam" $command 2>&1) || status=$?
		expect_eq "status of '$command' without the capability" 2 "$status"
		expect_match "'$command'" "[Nn]ot permitted|root" "$output"
	done
	# Nor does it hear who talks to whom.
	output=$(in_ns "$correspondent" timeout 20 setpriv --bounding-set=-net_admin \
		--inh-caps=-net_admin "$roam_bin/roam" monitor mangle 2>&1)
	expect_match "'monitor mangle'" "[Nn]ot permitted|root" "$output"
	# Root in a user namespace of its own is nobody in this network namespace.
	expect_fail in_ns "$correspondent" unshare --user --map-root-user \
		"$roam_bin/roam" mangle flush
	nothing_changed
}

# In a network namespace of its own it may do anything, and nobody else notices.
foreign_namespace_is_untouched() {
	# shellcheck disable=SC2016 # the inner shell's
	expect_eq "own namespace of a user" '["198.51.100.99"]' "$(
		unshare --user --map-root-user --net sh -c '
			"$1" mangle replace "$2" via "$3" && "$1" -j mangle show' \
			sh "$roam_bin/roam" "$permanent" "$elsewhere" |
			tail -n 1 | jq -c '[.[].care_of]')"
	nothing_changed
}

# What a user puts into the module of a namespace of his own is memory of his.
peers_are_charged() {
	local group=/sys/fs/cgroup/roam-security n=20000 grown
	grep -qw memory /sys/fs/cgroup/cgroup.controllers || skip "no memory is counted here"
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control
	mkdir "$group"
	on_exit rmdir "$group"
	# shellcheck disable=SC2016 # the inner shell's
	grown=$(bash -c 'echo $$ >"$1/cgroup.procs"
		exec unshare --user --map-root-user --net /usr/bin/python3 "${@:2}"' \
		charged "$group" "$(dirname "$(realpath "$0")")/many-peers" \
		"$(dirname "$(realpath "$0")")/../../Documentation/netlink/specs/roam_mangle.yaml" \
		"$n" "$group/memory.stat") || fail "no correspondents"
	# The entry itself, without the table.
	((grown >= n * 96)) || fail "$n correspondents cost their owner $grown bytes"
}

# Each is refused, with a sentence and the attribute that is to blame, and by no
# attribute but that.
malformed_requests_are_refused() {
	local file=$ROAM_OUT/security.requests before here
	here=$(dirname "$(realpath "$0")")
	place_now
	before=$(kernel_state)
	in_ns "$correspondent" /usr/bin/python3 "$here/wrong-requests" \
		"$here/../../Documentation/netlink/specs/roam_mangle.yaml" \
		"permanent=$permanent" "care_of=$care_of" >"$file" || fail "the client failed"
	(($(wc -l <"$file") > 60)) || fail "only $(wc -l <"$file") requests"
	expect_eq "requests that were accepted" "" "$(awk -F'\t' '!$2' "$file")"
	expect_eq "refusals without text" "" "$(awk -F'\t' '!$3' "$file")"
	expect_eq "refusals that do not name the attribute: error, text, named, expected" "" \
		"$(awk -F'\t' '$4 != $5' "$file")"
	expect_eq "what the module holds" "$before" "$(kernel_state)"
	nothing_changed
}

kernel_state() {
	roam correspondent -j mangle show | jq -c 'map([.permanent, .care_of, .role, .state])'
	roam correspondent -j mangle range show
	roam correspondent -j mangle config show
}

the_tool_passes_the_cause_on() {
	local output status=0
	output=$(roam correspondent mangle add "$permanent" via 127.0.0.1 2>&1) || status=$?
	expect_eq "status" 2 "$status"
	expect_match "cause" "127.0.0.1|loopback|host|address" "$output"
	status=0
	output=$(roam correspondent -j mangle add "$permanent" via "$elsewhere" 2>&1 >/dev/null) ||
		status=$?
	expect_eq "status" 2 "$status"
	jq -e '.error | .code == "refused" and (.message | length > 0) and (.hint | length > 0)' \
		<<<"$output" >/dev/null || fail "no JSON error: $output"
	nothing_changed
}

# ---- floods ----

# daemon_memory: what the correspondent's daemon has, in KiB.
daemon_memory() {
	awk '/^VmRSS:/ { print $2 }' "/proc/$correspondent_pid/status"
}

questions() {
	roam correspondent -j mangle show | jq 'map(select(.state == "pending")) | length'
}

no_questions() {
	[[ $(questions) == 0 ]]
}

# Of 1,500 hosts that nobody knows, the module asks for as many as it has room for, and
# the daemon looks for no more than it has room for.
questions_are_bounded() {
	local before asked
	daemon_signal register hlrd STOP
	on_exit daemon_signal register hlrd CONT
	expect_ok roam correspondent mangle config set hold-time 12s hold-policy drop
	on_exit roam correspondent mangle config set hold-time 2s hold-policy pass
	before=$(daemon_memory)
	in_ns "$correspondent" /usr/bin/python3 -c '
import resource, socket
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
sockets = []
for host in range(0x1000, 0x1000 + 1500):
    s = socket.socket(socket.AF_INET6)
    s.setblocking(False)
    s.connect_ex(("2001:db8:77::%x" % host, 9))
    sockets.append(s)
' || fail "no flood"
	asked=$(questions)
	# Some of the room may be taken by what another test asked without an answer.
	((asked > 700 && asked <= 1024)) || fail "questions: $asked"
	counter_is correspondent mangle drop_hold_full "-ge 400" ||
		fail "drop_hold_full: $(counter correspondent mangle drop_hold_full)"
	talk steady
	wait_for 60 no_questions
	(($(daemon_memory) < before + 2048)) ||
		fail "roam-lrd grew from $before to $(daemon_memory) KiB"
}

# First packets to many hosts while the register does not answer.
floods_are_bounded() {
	local full timeout
	daemon_signal register hlrd STOP
	on_exit daemon_signal register hlrd CONT
	expect_ok roam correspondent mangle config set hold-total 50 hold-packets 2 \
		hold-time 8s hold-policy drop
	on_exit roam correspondent mangle config set hold-total 4096 hold-packets 64 \
		hold-time 2s hold-policy pass
	full=$(counter correspondent mangle drop_hold_full)
	timeout=$(counter correspondent mangle drop_hold_timeout)
	in_ns "$correspondent" /usr/bin/python3 -c '
import socket
sockets = []
for host in range(20, 220):
    for port in range(1, 5):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(("203.0.113.%d" % host, port))
        sockets.append(s)
' || fail "no flood"
	counter_is correspondent mangle drop_hold_full "-ge $((full + 600))" ||
		fail "drop_hold_full: $(counter correspondent mangle drop_hold_full)"
	counter_is correspondent mangle holding '-le 50' ||
		fail "held: $(counter correspondent mangle holding)"
	# What is known goes on meanwhile.
	talk steady
	wait_for 60 counter_is correspondent mangle holding '-eq 0'
	counter_is correspondent mangle drop_hold_timeout "-gt $timeout" ||
		fail "drop_hold_timeout does not count"
	# The other policy: what has no room passes, and is counted as well.
	expect_ok roam correspondent mangle config set hold-total 0 hold-policy pass
	in_ns "$correspondent" socat -u /dev/null "TCP:203.0.113.250:7,connect-timeout=1"
	counter_is correspondent mangle pass_hold_full "-gt 0" ||
		fail "pass_hold_full does not count"
	counter_is correspondent mangle mappings '-le 300' || fail "mappings grow"
	talk steady
}

# segments FLAGS PORT N [ADDRESS PORT]: forged ones to the mobile host, from N addresses,
# or from this one.
segments() {
	in_ns "$correspondent" /usr/bin/python3 - "$care_of" "$@" <<-'END' || fail "no flood"
		import socket, struct, sys
		to = socket.inet_aton(sys.argv[1])
		flags, port, n = (int(a, 0) for a in sys.argv[2:5])
		s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
		for i in range(n):
		    source = bytes([198, 51, 101 + i // 250, i % 250 + 3])
		    source_port = 1024 + i
		    if sys.argv[5:]:
		        source, source_port = socket.inet_aton(sys.argv[5]), int(sys.argv[6])
		    tcp = struct.pack("!HHIIBBHHH", source_port, port, 1, 1, 0x50, flags, 512, 0, 0)
		    whole = source + to + struct.pack("!BBH", 0, 6, len(tcp)) + tcp
		    total = sum(struct.unpack("!%dH" % (len(whole) // 2), whole))
		    while total >> 16:
		        total = (total & 0xffff) + (total >> 16)
		    tcp = tcp[:16] + struct.pack("!H", 0xffff - total) + tcp[18:]
		    s.sendto(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0, source, to) + tcp,
		             (sys.argv[1], 0))
	END
}

# Segments of no connection, from anywhere, make the mobile host answer by resets.
# It asks about none of those addresses, and has room for those it talks to.
resets_raise_no_questions() {
	local held rewritten port
	place_now
	echo_serve mobile 98
	for port in 99 98; do
		held=$(counter mobile mangle held)
		rewritten=$(counter mobile mangle out_rewritten)
		segments 0x10 "$port" 200
		# Each reset left, with the care-of address that was asked.
		wait_for 30 counter_is mobile mangle out_rewritten "-ge $((rewritten + 200))"
		expect_eq "packets held for that, port $port" "$held" "$(counter mobile mangle held)"
	done
	talk steady
}

# A connection that is over answers late segments by its time-wait socket. About whose
# address that was nobody asks, though the table has no room for it.
time_wait_raises_no_questions() {
	local other=198.51.100.4 port held rewritten
	place_now
	talk steady
	in_batch correspondent "address add $other/26 dev eth0"
	on_exit in_batch correspondent "address delete $other/26 dev eth0"
	in_ns "$mobile" socat -u /dev/null "TCP:$other:7,connect-timeout=20" || fail "no connection"
	wait_for 30 time_waits "$other"
	port=$(time_wait_port "$other")
	# Who would say at once that it is there after all.
	daemon_signal mobile lrd STOP
	on_exit daemon_signal mobile lrd CONT
	expect_ok roam mobile mangle peer del "$permanent" "$other"
	expect_ok roam mobile mangle config set max-peers "$(peers)"
	on_exit roam mobile mangle config set max-peers 65536
	held=$(counter mobile mangle held)
	rewritten=$(counter mobile mangle out_rewritten)
	segments 0x10 "$port" 50 "$other" 7
	# The kernel answers the first of them, and not all.
	wait_for 30 counter_is mobile mangle out_rewritten "-gt $rewritten"
	expect_eq "packets held for that" "$held" "$(counter mobile mangle held)"
	talk steady
}

time_wait_port() {
	in_ns "$mobile" ss -Htan state time-wait dst "$1" | sed -n 's/.*203\.0\.113\.5:\([0-9]*\) .*/\1/p' | head -n 1
}

time_waits() {
	[[ $(time_wait_port "$1") ]]
}

# peers: how many correspondents the mobile host's module remembers.
peers() {
	roam mobile -j mangle peer show | jq length
}

# Half-open connections from addresses that are forged: each is answered, and that is all.
forged_syns_leave_nothing() {
	local before rewritten held known
	place_now
	echo_serve mobile 97 "backlog=1024"
	# Who has moved just now has to tell those that begin at the old address.
	wait_for 30 settled_for_a_second
	talk steady
	before=$(peers)
	known=$(roam mobile -j lr peers | jq length)
	held=$(counter mobile mangle held)
	rewritten=$(counter mobile mangle out_rewritten)
	segments 0x02 97 400
	wait_for 30 counter_is mobile mangle out_rewritten "-ge $((rewritten + 300))"
	expect_eq "packets held" "$held" "$(counter mobile mangle held)"
	expect_eq "correspondents of the module" "$before" "$(peers)"
	expect_eq "correspondents of the daemon" "$known" "$(roam mobile -j lr peers | jq length)"
	# Somebody who is there completes the handshake, and is remembered.
	in_ns "$router" socat -u /dev/null "TCP:$care_of:97,connect-timeout=20" || fail "no connection"
	wait_for 30 peers_are "$((before + 1))"
	talk steady
}

peers_are() {
	(($(peers) == $1))
}

settled_for_a_second() {
	roam mobile -j lr status | jq -e '.[0].moved > 2'
}

# A full table: those that only connected make room for those that take part.
who_confirmed_stays() {
	local n i
	place_now
	talk steady
	n=$(peers)
	expect_ok roam mobile mangle config set max-peers "$n"
	on_exit roam mobile mangle config set max-peers 65536
	echo_serve mobile 96
	for i in 11 12 13 14; do
		in_ns "$router" busybox ip address add "192.0.2.2$i/32" dev lo
		on_exit in_ns "$router" busybox ip address delete "192.0.2.2$i/32" dev lo
		in_ns "$router" socat -u /dev/null "TCP:$care_of:96,connect-timeout=20,bind=192.0.2.2$i" ||
			fail "no connection from 192.0.2.2$i"
	done
	(($(peers) <= n)) || fail "correspondents: $n, then $(peers)"
	roam mobile -j mangle peer show |
		jq -e --arg c "$correspondent_addr" 'any(.[]; .peer == $c)' ||
		fail "who confirmed is gone: $(roam mobile -j mangle peer show)"
	talk steady
}

# refusal CARE-OF TEXT: the module's sentence about a mapping to there.
refusal() {
	local output status=0
	output=$(roam correspondent mangle add 203.0.113.77 via "$1" 2>&1) || status=$?
	expect_eq "status for $1" 2 "$status"
	expect_match "sentence about $1" "$2" "$output"
}

nowhere_to_be() {
	refusal 127.0.0.1 "unicast address of a host"
	refusal 224.0.0.1 "unicast address of a host"
	refusal 169.254.169.254 "link-local"
	refusal "$correspondent_addr" "address of this host"
	refusal 203.0.113.9 "prefix of permanent addresses"
	expect_ok roam correspondent mangle config set internal 10.0.0.0/8,192.168.0.0/16
	expect_eq "internal prefixes" '["10.0.0.0/8","192.168.0.0/16"]' \
		"$(roam correspondent -j mangle config show | jq -c '.[0].internal')"
	refusal 10.1.2.3 "internal prefix"
	expect_ok roam correspondent mangle config set internal none
	expect_ok roam correspondent mangle add 203.0.113.77 via 10.1.2.3
	expect_ok roam correspondent mangle del 203.0.113.77
	nothing_changed
}

# Somebody in the group of the control socket, and nothing else, who sends and never reads, in many
# connections, and sends rubbish: the daemon goes on.
control_socket_is_flooded() {
	place_now
	local flood
	flood=$(
		cat <<-'END'
			import os, random, socket, sys
			sockets = []
			random.seed(1)
			rubbish = [b'{"command": "peers"}\n' * 2000, b'{' * 100000, b"\0" * 5000, b'{"command": 7}\n',
			           b'"' + b"x" * 200000 + b'"\n', b'[]\n', b'{"command": "status", "args": []}\n']
			while True:
			    try:
			        s = socket.socket(socket.AF_UNIX)
			        s.setblocking(False)
			        s.connect(sys.argv[1])
			        sockets.append(s)
			    except OSError:
			        s.close()
			    for s in random.sample(sockets, min(len(sockets), 20)):
			        try:
			            s.send(random.choice(rubbish))
			        except OSError:
			            if random.random() < 0.3:
			                sockets.remove(s)
			                s.close()
		END
	)
	chmod 711 "$hosts"
	chgrp 65534 "$hosts/mobile/lrd.sock"
	bg setpriv --reuid 65534 --regid 65534 --clear-groups /usr/bin/python3 -c "$flood" \
		"$hosts/mobile/lrd.sock"
	# Every connection that there is room for is the flooder's.
	wait_for 30 control_is_full
	move_to 1
	talk steady
	move_to 2
	talk steady
	wait_for 60 is_mapped correspondent
	(($(awk '/^VmRSS:/ { print $2 }' "/proc/$mobile_pid/status") < 65536)) ||
		fail "roam-lrd has $(grep VmRSS "/proc/$mobile_pid/status")"
	stop "$bg_pid"
	wait_for 60 daemon_answers mobile lrd
	wait_for 60 is_registered
	nothing_changed
}

control_is_full() {
	(($(find "/proc/$mobile_pid/fd" -lname 'socket:*' | wc -l) > 60))
}

fixture world
prove "OPEN-26: the messages of this test are good ones" the_forger_knows_the_trade
prove "OPEN-26: forged updates are refused and counted" forged_updates_are_refused
prove "OPEN-26 OPEN-35: bad messages to a register are dropped and counted" \
	bad_messages_are_dropped register hlr correspondent announce "$register_addr"
prove "OPEN-26 OPEN-35: bad messages to a correspondent are dropped and counted" \
	bad_messages_are_dropped correspondent lr correspondent update "$correspondent_addr"
prove "OPEN-26 OPEN-35: bad messages to a mobile host are dropped and counted" \
	bad_messages_are_dropped mobile lr mobile query
prove "OPEN-29: a replayed update is refused, also after a restart" replayed_update_is_refused
prove "OPEN-28: forged announces change nothing" forged_announces_change_nothing
prove "OPEN-26 OPEN-28: forged replies change nothing" forged_replies_change_nothing
prove "OPEN-26 OPEN-28: forged pair keys change nothing" forged_pair_keys_change_nothing
prove "SEC-01 SEC-02: with a key of one's own nobody is moved where he is not" \
	nobody_is_moved_where_he_is_not
prove "SEC-01 OPEN-18: a silent victim is not flooded in literal mode" silent_victims_get_nothing
prove "OPEN-34: users without the capability are refused" unprivileged_users_are_refused
prove "OPEN-34 OPEN-14: a user's own namespace is no way in" foreign_namespace_is_untouched
prove "SEC-17: correspondents in a user's own namespace are memory of that user" peers_are_charged
prove "OPEN-34: malformed requests are refused, with cause and attribute" malformed_requests_are_refused
prove "OPEN-34: the tool passes the cause on" the_tool_passes_the_cause_on
prove "OPEN-32 OPEN-37: a flood of unknown destinations stays bounded" floods_are_bounded
prove "OPEN-32: more questions than there is room for" questions_are_bounded
prove "OPEN-32: segments of no connection make nobody ask" resets_raise_no_questions
prove "OPEN-32: nor do late segments of a connection that is over" time_wait_raises_no_questions
prove "SEC-11: forged SYNs are answered, and leave nothing" forged_syns_leave_nothing
prove "SEC-14: in a full table who confirmed stays" who_confirmed_stays
prove "SEC-02 OPEN-28: the module refuses a mapping to where no mobile host can be" nowhere_to_be
prove "SEC-15: a control socket that is flooded stops nothing" control_socket_is_flooded
# The last one: the correspondent is plain afterwards.
prove "OPEN-65: behind a translator the host says so and stays plain" translators_are_noticed
tests_done
