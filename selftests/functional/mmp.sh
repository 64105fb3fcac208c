#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# A domain of MMP at work: daemons in every role, the module, real packets.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topologies/mmp.sh
. "$(dirname "$(realpath "$0")")/../topologies/mmp.sh"

domain() {
	mmp_domain b
	mmp_start
	wait_for 60 mmp_is bs1 uplinks 'map(select(.class == "primary" or .class == "secondary")) | length' 2
	mmp_move bs1
}

# entry NODE: downlinks of the host's entry there, as names of interfaces.
entry() {
	mmp_tool "$1" show "$mmp_coa" | jq -r '.[0].downlinks | map(.link) | join(" ")'
}

# uplink_of BS: the node that its primary uplink leads to.
uplink_of() {
	mmp_get "$1" uplinks '.[] | select(.class == "primary") | .node'
}

entries_follow_the_uplink() {
	local node
	node=$(uplink_of bs1)
	[[ $(entry gw1) == "to-$node" && $(entry "$node") == to-bs1 ]]
}

wires_itself_up() {
	local bs node
	for bs in bs1 bs2 bs3 bs4; do
		wait_for 30 mmp_is "$bs" status .gateway "$mmp_gw"
	done
	# Both uplinks are as good: when another one is chosen, entries follow with the host's next update.
	wait_for 30 entries_follow_the_uplink
	node=$(uplink_of bs1)
	expect_match "node above bs1" '^n[12]$' "$node"
	expect_eq "path that bs1 sees" "gw1 $node bs1" \
		"$(mmp_tool bs1 tree | jq -r 'map(.node) | join(" ")')"
	expect_eq "entry at the base station" air "$(entry bs1)"
	expect_ok in_ns "${mmp_ns[mn]}" busybox ping -c 1 -W 10 "$mmp_cn"
	expect_ok in_ns "${mmp_ns[cn]}" busybox ping -c 1 -W 10 "$mmp_coa"
	expect_ok in_ns "${mmp_ns[cn]}" busybox ping -6 -c 1 -W 10 "$mmp_coa6"
	# Each node writes itself into the header.
	expect_ok in_ns "${mmp_ns[cn]}" ping -q -n -c 1 -W 10 -R "$mmp_coa"
	expect_ok in_ns "${mmp_ns[mn]}" ping -q -n -c 1 -W 10 -R "$mmp_cn"
}

# permanent NODE LINK PATTERN: neighbours that the kernel must not forget.
permanent() {
	ip -n "${mmp_ns[$1]}" -6 neighbour show nud permanent dev "$2" | grep -c -- "$3"
}

are_permanent() {
	[[ $(permanent "${@:1:3}") == "$4" ]]
}

# The kernel forgets all of an interface when that gets another address, as a bond does.
neighbours_stay() {
	local ns=${mmp_ns[bs1]} mac before
	mmp_move bs1
	before=$(permanent bs1 air lladdr)
	((before > 0)) || fail "no permanent neighbour"
	mac=$(ip -n "$ns" -j link show air | jq -r '.[0].address')
	ip -n "$ns" -batch - <<-END || fail "no other address"
		link set air address 02:00:5e:00:53:77
		link set air address $mac
	END
	expect_eq "permanent neighbours" "$before" "$(permanent bs1 air lladdr)"
	expect_ok in_ns "${mmp_ns[cn]}" busybox ping -c 1 -W 10 "$mmp_coa"
}

# One host that is at more link-layer addresses than the neighbour table has room for, one
# after the other.
neighbours_are_let_go() {
	local header
	header=$(dirname "$(realpath "$0")")/../../kernel/include/uapi/linux/roam_mmp.h
	expect_ok in_ns "${mmp_ns[cn]}" /usr/bin/python3 - "$header" 1200 <<<"$neighbours_py"
	# The one it is at, and the one it left.
	wait_for 30 are_permanent cn eth0 'lladdr 02:00:5e:10:' 2
	expect_ok in_ns "${mmp_ns[cn]}" /usr/bin/python3 - "$header" 0 <<<"$neighbours_py"
	wait_for 30 are_permanent cn eth0 'lladdr 02:00:5e:10:' 0
}
readonly neighbours_py='
import re, socket, struct, sys
C = {}
text = re.sub(r"/\*.*?\*/", "", open(sys.argv[1]).read(), flags=re.S)
for block in re.findall(r"enum[^{;]*\{(.*?)\}", text, re.S):
    n = 0
    for name, value in re.findall(r"^\s*(\w+)(?: = (\d+))?,", block, re.M):
        n = int(value) if value else n
        C["_".join(name.split("_")[2:])] = n
        n += 1
def attr(kind, data):
    return struct.pack("HH", len(data) + 4, kind) + data + bytes(-len(data) % 4)
def nest(kind, *attrs):
    return attr(kind | 0x8000, b"".join(attrs))
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
s.bind((0, 0))
def ask(family, command, data):
    s.send(struct.pack("IHHII", 20 + len(data), family, 5, 1, 0) + struct.pack("BBH", command, 1, 0) + data)
    answer = end = s.recv(65536)
    while struct.unpack_from("H", end, 4)[0] != 2: end = s.recv(65536)
    if struct.unpack_from("i", end, 16)[0]: sys.exit("refused: %r" % end)
    return answer
answer, at = ask(16, 3, attr(2, b"roam_mmp\0")), 20
while at < len(answer):
    length, kind = struct.unpack_from("HH", answer, at)
    if kind == 1: family = struct.unpack_from("H", answer, at + 4)[0]
    at += (length + 3) & ~3
ask(family, C["CMD_RANGE_SET"], nest(C["A_MAIN_RANGE"], attr(C["A_RANGE_ADDR4"], socket.inet_aton("10.7.0.0")),
    attr(C["A_RANGE_PREFIX_LEN"], b"\x10")))
link = struct.pack("I", socket.if_nametoindex("eth0"))
for i in range(int(sys.argv[2])):
    hop = nest(C["A_HOST_HOP"], attr(C["A_HOP_IFINDEX"], link), attr(C["A_HOP_LLADDR"], struct.pack("!IH", 0x02005e10, i)))
    ask(family, C["CMD_HOST_SET"], nest(C["A_MAIN_HOST"], attr(C["A_HOST_ADDR4"], socket.inet_aton("10.7.9.9")),
        attr(C["A_HOST_SEQ"], struct.pack("Q", i + 1)), hop))
if sys.argv[2] == "0": ask(family, C["CMD_HOST_DEL"], attr(C["A_MAIN_ALL"], b""))
'

# The backbone knows the prefix, the gateway its own address, and inner nodes nothing.
who_knows_what() {
	expect_match "route of the border router" "^10.7.0.0/16 via 192.0.2.18 " \
		"$(ip -n "${mmp_ns[br]}" route show 10.7.0.0/16)"
	expect_eq "routes of n1" "" "$(ip -n "${mmp_ns[n1]}" route)"
	expect_match "source of the host" " src $mmp_coa " "$(ip -n "${mmp_ns[mn]}" route get "$mmp_cn") "
}

semisoft() {
	local i
	mmp_move bs1
	mmp_flow 8 200 "$1"
	for i in 2 3 4 1 3 2; do
		mmp_move "bs$i"
	done
	mmp_flow_end
	mmp_tool mn handoffs | jq -c '.[-6:][] | [.to, .handoff, .took, .period_ms, .skew_ms]'
	expect_eq "lost on the way down" 0 "$lost_down"
	expect_eq "lost on the way up" 0 "$lost_up"
	expect_eq "twice on the way up" 0 "$twice_up"
	((twice_down > 0)) || fail "no packet went both ways"
}

# What went through the module of each node, and what IP discarded there; the ends' queues.
where_lost() {
	local node
	for node in gw1 n1 n2 bs1 bs2 bs3 bs4; do
		echo "$node $(mmp_tool "$node" stats | jq -c '.[0] | with_entries(select(.value != 0))')" \
			"$(discarded "$node")"
	done
	for node in mn cn br; do
		echo "$node $(in_ns "${mmp_ns[$node]}" grep -h '^Udp: [0-9]' /proc/net/snmp) $(discarded "$node")"
	done
	cat /proc/net/softnet_stat
}

discarded() { # NODE
	# shellcheck disable=SC2016 # awk's
	in_ns "${mmp_ns[$1]}" awk '/^Ip:|^Icmp:/ { if (!seen[$1]++) { split($0, name); next }
		for (i = 2; i <= NF; i++)
			if ($i && name[i] ~ /Err|Disc|NoRoutes|Fail|Unreach|Unknown/) printf " %s=%s", name[i], $i }
		' /proc/net/snmp
}

# As many as there may be in the time, under load.
semisoft_many() {
	local moves
	mmp_move bs1
	mmp_flow 40 1000
	moves=$(/usr/bin/python3 "$mmp_moves_py" "$mmp_dir/mn/run/mmpd.sock" 500 38 "$mmp_dir/moves" \
		bs3 bs2 bs4 bs1) || fail "$moves"
	mmp_flow_end
	echo "$moves handoffs"
	where_lost
	expect_eq "lost on the way down" 0 "$lost_down"
	expect_eq "lost on the way up" 0 "$lost_up"
	expect_eq "twice on the way up" 0 "$twice_up"
	((moves > 50)) || fail "only $moves handoffs"
	# At most those of the periods.
	((twice_down < got_down / 2)) || fail "$twice_down twice"
}

# Of a hard handoff of a host that hears the new base station alone.
hard() {
	local i
	mmp_move bs1
	mmp_flow 6 200
	for i in 1 2; do
		ip -n "${mmp_ns[mn]}" link set "air$i" down
		wait_for 60 mmp_left "bs$i"
		ip -n "${mmp_ns[mn]}" link set "air$i" up
	done
	mmp_flow_end
	mmp_tool mn handoffs | jq -c '.[-2:][] | [.to, .handoff, .took, .reason]'
	expect_eq "kind" hard "$(mmp_tool mn handoffs | jq -r '.[-1].handoff')"
	# Until the program that takes it down and the daemon had their turn.
	((lost_down < got_down / 4)) || fail "$lost_down of $got_down lost"
}

mmp_left() {
	local at
	at=$(mmp_get mn status '.base_station + " " + .state')
	[[ $at != "$1 "* && $at == *" attached" ]]
}

dead_node() {
	local node
	mmp_move bs1
	node=$(uplink_of bs1)
	mmp_flow 12 100
	# Not the daemon alone: everything there stands still.
	ip -n "${mmp_ns[$node]}" link set up0 down
	kill -s STOP "${mmp_pid[$node]}"
	mmp_flow_end
	kill -s CONT "${mmp_pid[$node]}"
	ip -n "${mmp_ns[$node]}" link set up0 up
	((gap_down < 6000 && gap_up < 6000)) || fail "outage"
	[[ $(entry gw1) != "to-$node" ]] || fail "the way down was not healed"
	wait_for 60 mmp_is "$node" status .gateway "$mmp_gw"
}

# No daemon runs, and packets go down by what the modules hold, until that ends.
modules_alone() {
	local node stopped=(gw1 n1 n2 bs1)
	mmp_move bs1
	wait_for 30 entry_lasts gw1 10
	for node in "${stopped[@]}"; do
		kill -s STOP "${mmp_pid[$node]}"
	done
	mmp_flow 2 100
	mmp_flow_end
	for node in "${stopped[@]}"; do
		kill -s CONT "${mmp_pid[$node]}"
	done
	((got_down > 150 && lost_down == 0)) || fail "$got_down got, $lost_down lost"
}

entry_lasts() { # NODE SECONDS
	mmp_tool "$1" show "$mmp_coa" | jq -e --argjson least "$2" '.[0].expires_in > $least'
}

# A neighbour on the air sends with the host's address; an unregistered one as well.
spoofed() {
	local before after
	mmp_move bs1
	before=$(mmp_get bs3 stats '."drop-unregistered"')
	/usr/bin/python3 - "$mmp_coa" "${mmp_ns[mn]}" "${mmp_ns[bs3]}" <<-'END' || fail "cannot send"
		import ctypes, fcntl, os, socket, struct, sys
		libc = ctypes.CDLL(None)
		def enter(ns):
		    fd = os.open("/run/netns/" + ns, os.O_RDONLY)
		    assert not libc.setns(fd, 0)
		def mac(name):
		    return fcntl.ioctl(socket.socket(), 0x8927,
		        struct.pack("256s", name.encode()))[18:24]
		enter(sys.argv[3]); to = mac("air")
		enter(sys.argv[2])
		def checksum(b):
		    s = sum(struct.unpack("!%dH" % (len(b) // 2), b))
		    s = (s & 0xffff) + (s >> 16); s += s >> 16
		    return ~s & 0xffff
		s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		s.bind(("air3", 0))
		for last in (99, 98):
		    src = bytes([10, 7, 0, last]); dst = bytes([192, 0, 2, 2])
		    ip = struct.pack("!BBHHHBBH", 0x45, 0, 28, 1, 0, 64, 17, 0) + src + dst
		    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
		    for i in range(10):
		        s.send(to + b"\2\0\0\0\6\6" + b"\x08\0" + ip + struct.pack("!HHHH", 9, 9, 8, 0))
	END
	wait_for 20 dropped_more bs3 "$((before + 19))"
	after=$(entry gw1)
	expect_match "entry at the gateway" '^to-n[12]$' "$after"
	expect_eq "entry at the spoofed base station" "" \
		"$(mmp_tool bs3 show 10.7.0.98 | jq -r '.[0].host // empty')"
	expect_ok in_ns "${mmp_ns[cn]}" busybox ping -c 1 -W 10 "$mmp_coa"
}

dropped_more() {
	(($(mmp_get "$1" stats '."drop-unregistered"') > $2))
}

# thief_config ADDRESS KEYS: claims the host's address with these keys.
thief_config() {
	mkdir -p "$mmp_dir/thief"
	cp "$1" "$mmp_dir/thief/keys"
	chmod 600 "$mmp_dir/thief/keys"
	cat >"$mmp_dir/thief/mmpd.conf" <<-END
		role = "host"
		keys = "$mmp_dir/thief/keys"
		air = {"air*"}
		state = "$mmp_dir/thief/state"
		missed = 6
		host { address = {"$mmp_coa"} key = {1001} update = "1s" }
	END
}

# A host of the domain, with a key of its own, claims the address of another one.
stolen() {
	local before moved
	mmp_move bs1
	mmp_second_host thief bs4
	"$mmp_bin/roam" mmp keygen 1 "$mmp_dir/domain.key" 10.7.0.98 >"$mmp_dir/thief.keys" || fail "no keys"
	thief_config "$mmp_dir/thief.keys"
	wait_for 20 mmp_takes_part bs4 air-thief
	before=$(mmp_get bs4 counters .drop_auth)
	mmp_daemon thief
	wait_for 60 auth_dropped bs4 "$((before + 4))"
	# It may have an entry of the time when the host was there.
	expect_eq "entries that lead to the thief" 0 \
		"$(mmp_tool bs4 show "$mmp_coa" | jq '[.[]?.downlinks[] | select(.link == "air-thief")] | length')"
	expect_ok in_ns "${mmp_ns[cn]}" busybox ping -c 1 -W 10 "$mmp_coa"
	expect_eq "attached" attached "$(mmp_get mn status .state)"
	expect_match "state of the thief" '^(registering|searching)$' "$(mmp_get thief status .state)"
	stop "${mmp_pid[thief]}" TERM
	# With a copy of the host's key it is the same host in two places: the newest counts, and
	# there is one of it at any time.
	thief_config "$mmp_dir/mn/keys"
	mmp_daemon thief
	wait_for 60 mmp_is thief status .state attached
	moved=$(mmp_tool gw1 trace "$mmp_coa" | jq -r '.[-1].node')
	expect_match "where it is" '^bs[14]$' "$moved"
	expect_eq "entries at the gateway" 1 "$(mmp_tool gw1 show "$mmp_coa" | jq '.[0].downlinks | length')"
	stop "${mmp_pid[thief]}" TERM
	mmp_move bs2
	mmp_move bs1
	expect_ok in_ns "${mmp_ns[cn]}" busybox ping -c 1 -W 10 "$mmp_coa"
}

mmp_takes_part() {
	grep -q "link=$2 up" "$mmp_dir/$1/log"
}

auth_dropped() {
	(($(mmp_get "$1" counters .drop_auth) >= $2))
}

idle_host_stays_reachable() {
	mmp_move bs1
	expect_eq "expires" true "$(mmp_tool gw1 show "$mmp_coa" | jq '.[0].expires_in > 0')"
	wait_for 40 received_route_update
}

# Again and again, on the air of each base station.
beacons_on_the_air() {
	local before
	before=$(mmp_get mn counters .received_base_station_beacon)
	wait_for 30 heard_beacons "$((before + 12))"
	expect_eq "base stations heard" "bs1 bs2 bs3 bs4" \
		"$(mmp_tool mn stations | jq -r 'map(.base_station) | unique | join(" ")')"
}

heard_beacons() {
	(($(mmp_get mn counters .received_base_station_beacon) >= $1))
}

received_route_update() {
	(($(mmp_get gw1 counters .received_route_update) > 0))
}

# The link between a base station and its node goes down, and comes back.
link_down() {
	local up before after
	mmp_move bs1
	wait_for 20 in_ns "${mmp_ns[mn]}" busybox ping -c 1 -W 2 "$mmp_cn"
	up=$(mmp_get bs1 uplinks '.[] | select(.class == "primary") | .link')
	before=$(entry gw1)
	mmp_flow 4 200
	ip -n "${mmp_ns[bs1]}" link set "$up" down
	mmp_flow_end
	# Read before the link is back, which the base station may prefer at once.
	after=$(entry gw1)
	ip -n "${mmp_ns[bs1]}" link set "$up" up
	expect_match "entry at the gateway, before $before" '^to-n[12]$' "$after"
	[[ $after != "$before" ]] || fail "the way down was not healed"
	((lost_up <= 2)) || fail "$lost_up lost on the way up"
	((lost_down < 100)) || fail "$lost_down lost on the way down"
	wait_for 30 mmp_is bs1 uplinks 'map(select(.class == "primary" or .class == "secondary")) | length' 2
}

# Inner nodes have no address and no route, and say all the same why a packet cannot go on.
errors() {
	local up links bs=bs1
	mmp_move "$bs"
	expect_eq "routes of $bs" "" "$(ip -n "${mmp_ns[$bs]}" route)"
	ip -n "${mmp_ns[$bs]}" link set air mtu 1300
	in_ns "${mmp_ns[cn]}" /usr/bin/python3 - "$mmp_coa" "$mmp_coa6" <<<"$errors_py" ||
		fail "the correspondent is not told"
	ip -n "${mmp_ns[$bs]}" link set air mtu 1500
	# The base station may choose the other uplink meanwhile: both are narrow.
	mapfile -t links < <(mmp_get "$bs" uplinks '.[].link' | sort -u)
	for up in "${links[@]}"; do
		ip -n "${mmp_ns[$bs]}" link set "$up" mtu 1300
	done
	in_ns "${mmp_ns[mn]}" /usr/bin/python3 - "$mmp_cn" "$mmp_cn6" <<<"$errors_py" ||
		fail "the host is not told"
	for up in "${links[@]}"; do
		ip -n "${mmp_ns[$bs]}" link set "$up" mtu 1500
	done
	for up in cn mn; do
		ip -n "${mmp_ns[$up]}" route flush cache
		ip -n "${mmp_ns[$up]}" -6 route flush cache
	done
}
readonly errors_py='
import socket, struct, sys, time
def sock(to, family, level, discover):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.setsockopt(level, discover, 2)
    s.connect((to, 9))
    return s
def learns(s, level, option):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try: s.send(b"x" * 1400)
        except OSError: pass
        if s.getsockopt(level, option) == 1300: return True
        time.sleep(0.2)
    return False
v4 = sock(sys.argv[1], socket.AF_INET, socket.IPPROTO_IP, 10)
v6 = sock(sys.argv[2], socket.AF_INET6, socket.IPPROTO_IPV6, 23)
if not learns(v4, socket.IPPROTO_IP, 14): sys.exit("IPv4: no path MTU")
if not learns(v6, socket.IPPROTO_IPV6, 24): sys.exit("IPv6: no path MTU")
# Who says that the time to live is over: each router and node on the way.
seen = []
for ttl in range(1, 5):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, 11, 1)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
    s.connect((sys.argv[1], 9))
    end = time.monotonic() + 20
    while len(seen) < ttl and time.monotonic() < end:
        try: s.send(b"x")
        except OSError: pass
        time.sleep(0.1)
        try: _, extra, _, _ = s.recvmsg(64, 512, 0x2000)
        except OSError: continue
        for l, t, data in extra:
            kind = data[5]
            if t == 11 and kind in (11, 3):
                seen.append((kind, socket.inet_ntoa(data[20:24])))
                break
    s.close()
print(seen)
if len(seen) < 4 or any(kind != 11 for kind, _ in seen[:3]): sys.exit("a hop is silent")
'

# Every daemon is killed and started again under traffic. What was lost here once was data by a
# neighbour whom a restarted node did not know to be below yet; it takes over whom the module knows.
restarts() {
	local node
	mmp_move bs1
	mmp_flow 8 200
	for node in gw1 n1 n2 bs1 mn; do
		echo "$node is killed at $EPOCHREALTIME"
		stop "${mmp_pid[$node]}" KILL
		mmp_daemon "$node"
	done
	mmp_flow_end
	wait_for 60 mmp_at bs1
	where_lost
	expect_eq "lost on the way down" 0 "$lost_down"
	expect_eq "lost on the way up" 0 "$lost_up"
	mmp_move bs3
	mmp_move bs1
}

fixture domain
prove "MMP-03 MMP-06 MMP-22 MMP-24 MMP-25 MMP-27 MMP-28 MMP-34 OPEN-01: a domain wires itself up and carries packets both ways" \
	wires_itself_up
prove "MMP-12 MMP-29 INT-14: the backbone knows the prefix, inner nodes nothing, and a host its address" who_knows_what
prove_open "one packet of 40,000 gets lost in the host while its default route is replaced" "MMP-46 MMP-13 MMP-45 MMP-47: 500 semi-soft handoffs under 1,000 packets a second lose none" semisoft_many
prove "MMP-46 OPEN-01: nor over IPv6" semisoft 6
prove "MMP-36 MMP-38 MMP-41 MMP-83: a hard handoff when a link goes down" hard
prove "MMP-57 MMP-59 MMP-60: a node that stands still is passed by" dead_node
prove "GEN-04: packets go down while all daemons of the domain stand still" modules_alone
prove "OPEN-30: a spoofed source moves nothing and gets nowhere" spoofed
prove "OPEN-30 TEN-15: a host with a key of its own cannot take another's address; one that is in two places is where it spoke last" \
	stolen
prove "MMP-71 MMP-72: base stations are heard on the air again and again" beacons_on_the_air
prove "MMP-33 MMP-93: a silent host sends route updates" idle_host_stays_reachable
prove "MMP-58 MMP-59: a link down below a base station is passed by, and the way down healed" link_down
prove "MMP-28 MMP-04: nodes without addresses tell senders what they need to know: packets too big, time to live" errors
prove "MMP-25: neighbours stay when an interface gets another address" neighbours_stay
prove "OPEN-32 MMP-25: a neighbour that no host is at any more may be forgotten" neighbours_are_let_go
# The last one: what it starts ends with it.
prove_open "mended, and not run often enough yet to be sure" "OPEN-45 OPEN-29 OPEN-42: each daemon is killed and started again, and no packet is lost" restarts
tests_done
