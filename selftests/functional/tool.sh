#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
#
# What a person sees when something is wrong: configurations broken on purpose,
# misspelt commands, faults for the doctor to find.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$(dirname "$(realpath "$0")")/../topology.sh"

world() {
	topology_start
}

# ---- configuration ----

# broken HOST PROGRAM NAME EDIT LINE REGEX...: after the sed script EDIT the daemon
# refuses its configuration; the message begins with file and line and matches.
broken() {
	local host=$1 program=$2 name=$3 edit=$4 line=$5 file output status regex
	file=$hosts/$host/broken.conf
	sed -e "$edit" "$hosts/$host/$name.conf" >"$file"
	! cmp -s "$file" "$hosts/$host/$name.conf" || fail "'$edit' changes nothing"
	for option in --check --verbose; do
		status=0
		output=$(in_ns "${!host}" timeout 30 "$roam_bin/$program" "$option" -c "$file" \
			-s "$hosts/$host/broken.sock" 2>&1) || status=$?
		expect_eq "$program $option, '$edit': status" 78 "$status"
		if [[ $line ]]; then
			expect_match "$program $option, '$edit'" "broken\.conf:$line:" "$output"
		else
			expect_match "$program $option, '$edit'" "broken\.conf" "$output"
		fi
		for regex in "${@:6}"; do
			expect_match "$program $option, '$edit'" "$regex" "$output"
		done
	done
}

# line_of HOST NAME REGEX: where it stands.
line_of() {
	grep -n -m 1 -E "$3" "$hosts/$1/$2.conf" | cut -d: -f1
}

register_names_the_mistake() {
	local host line
	line=$(line_of register hlrd '^lifetime')
	broken register roam-hlrd hlrd 's/^lifetime/lifetme/' "$line" lifetme "did you mean 'lifetime'"
	broken register roam-hlrd hlrd 's/^lifetime.*/lifetime = soon/' "$line" soon
	broken register roam-hlrd hlrd 's/^lifetime.*/lifetime = 100ms/' "$line" 100ms
	broken register roam-hlrd hlrd 's/^store/stroe/' "$(line_of register hlrd '^store')" "did you mean 'store'"
	host=$(line_of register hlrd '^host "mobile"')
	broken register roam-hlrd hlrd 's/key = 1/key = 9/' "$host" "no key 9" keygen
	broken register roam-hlrd hlrd 's/key = 1/key = one/' "$host" "'key'"
	broken register roam-hlrd hlrd 's/key = 2/key = 1/' "$((host + 1))" "key 1"
	broken register roam-hlrd hlrd "s,\"$permanent\",\"203.0.113.5/24\"," "$host" "203.0.113.5/24"
	broken register roam-hlrd hlrd "s/permanent = {/permanant = {/" "$host" "did you mean 'permanent'"
	broken register roam-hlrd hlrd '/^host/d' "" "no host" 'add: host'
	broken register roam-hlrd hlrd '/"correspondent"/s/}//' "" .
}

mobile_names_the_mistake() {
	local line
	broken mobile roam-lrd lrd 's/^permanent/permanant/' "$(line_of mobile lrd '^permanent')" \
		"did you mean 'permanent'"
	broken mobile roam-lrd lrd "s,$permanent_prefix,203.0.113.0/33," \
		"$(line_of mobile lrd '^permanent')" "203.0.113.0/33"
	line=$(line_of mobile lrd '^register')
	broken mobile roam-lrd lrd "s/$register_addr/198.51.100.6600/" "$line" 198.51.100.6600
	broken mobile roam-lrd lrd 's/key = 1/key = 3/' "$line" "no key 3"
	broken mobile roam-lrd lrd '/^register/d' "" register "add: register"
	line=$(line_of mobile lrd 'announce_time')
	broken mobile roam-lrd lrd 's/announce_time.*/announce_time = 5parsecs/' "$line" 5parsecs
	broken mobile roam-lrd lrd 's/announce_time/anounce_time/' "$line" "did you mean 'announce_time'"
	line=$(line_of mobile lrd 'address =')
	broken mobile roam-lrd lrd "s/$permanent\"/192.0.2.7\"/" "$line" 192.0.2.7 permanent
	broken mobile roam-lrd lrd "s/$permanent\"/224.0.0.1\"/" "$line" 224.0.0.1
}

correspondent_names_the_mistake() {
	local line
	line=$(line_of correspondent lrd '^correspondent')
	broken correspondent roam-lrd lrd 's/^correspondent {/correspondent { tires = 3/' "$line" \
		"did you mean 'tries'"
	broken correspondent roam-lrd lrd 's/^correspondent {/correspondent { tries = 0/' "$line" "from 1 to"
	broken correspondent roam-lrd lrd '1i port = 70000' 1 70000
	broken correspondent roam-lrd lrd '1i listen = "everywhere"' 1 everywhere
}

# A key file that others may read, or with a line that is no key.
keys_are_checked() {
	local file=$hosts/correspondent/broken.key output
	sed "s,^keys.*,keys = \"$file\"," "$hosts/correspondent/lrd.conf" >"$hosts/correspondent/keys.conf"
	check_keys() {
		output=$(in_ns "$correspondent" "$roam_bin/roam-lrd" --check \
			-c "$hosts/correspondent/keys.conf" 2>&1) && fail "accepted: $1"
		expect_match "$1" "broken.key" "$output"
	}
	check_keys "no such file"
	cp "$hosts/correspondent/keys.key" "$file"
	chmod 644 "$file"
	check_keys "file that all may read"
	echo "two $(awk '{ print $2 }' "$hosts/correspondent/keys.key")" >"$file"
	chmod 600 "$file"
	check_keys "key id that is no number"
	expect_match "line" ":1:" "$output"
	echo "2 0123" >"$file"
	check_keys "short key"
	[[ $output != *0123* ]] || fail "the message shows the secret: $output"
	cp "$hosts/correspondent/keys.key" "$file"
	expect_ok in_ns "$correspondent" "$roam_bin/roam-lrd" --check -c "$hosts/correspondent/keys.conf"
	key_of_another_owner_is_named
}

# Who copied it as root and left it so is told what to do.
key_of_another_owner_is_named() {
	local dir output
	dir=$(mktemp -d /run/roam-keys.XXXXXX)
	on_exit rm -r "$dir"
	chmod 755 "$dir"
	cp "$roam_bin/roam-lrd" "$dir/"
	cp "$hosts/correspondent/keys.key" "$dir/host.key"
	sed "s,^keys.*,keys = \"$dir/host.key\"," "$hosts/correspondent/lrd.conf" >"$dir/lrd.conf"
	chmod 644 "$dir/lrd.conf"
	chmod 600 "$dir/host.key"
	output=$(setpriv --reuid=65534 --regid=65534 --clear-groups "$dir/roam-lrd" --check -c "$dir/lrd.conf" 2>&1) &&
		fail "accepted a key that it may not read"
	expect_match "what to do" "may not read it; chown nobody $dir/host.key; chmod 600" "$output"
}

# What the first page shows is what a new user sees.
samples_have_all_columns() {
	local words header readme
	readme=$(dirname "$topology_script")/../README.md
	echo_serve correspondent 5996
	talk_open sample mobile "$correspondent_addr" 5996
	for words in "mobile lr registers" "mobile lr peers" "correspondent mangle show" "register hlr show"; do
		# shellcheck disable=SC2086 # words
		header=$(roam $words | head -n 1 | xargs)
		expect_eq "roam ${words#* }" "$header" \
			"$(grep -m 1 -A 1 "^    # roam ${words#* }\$" "$readme" | tail -n 1 | xargs)"
	done
}

# A running daemon keeps the old configuration when the new one is broken.
broken_reload_changes_nothing() {
	local before
	cp "$hosts/mobile/lrd.conf" "$hosts/mobile/lrd.good"
	on_exit cp "$hosts/mobile/lrd.good" "$hosts/mobile/lrd.conf"
	before=$(<"$hosts/mobile/lrd.pid")
	echo "lifetme = 3s" >>"$hosts/mobile/lrd.conf"
	daemon_signal mobile lrd HUP
	wait_for 30 grep -q "lifetme" "$hosts/mobile/log"
	daemon_answers mobile lrd || fail "it does not answer any more"
	kill -0 "$before" || fail "it ended"
	expect_eq "registrations" 1 "$(roam mobile -j lr status | jq '.[0].registered')"
}

# ---- commands ----

# usage REGEX WORD...: refused as a usage error whose text matches.
usage() {
	local output status=0
	output=$(roam mobile "${@:2}" 2>&1) || status=$?
	expect_eq "status of '${*:2}'" 1 "$status"
	expect_match "'${*:2}'" "$1" "$output"
}

misspelt_commands_get_a_hint() {
	usage "roam mangle" mangel show
	usage "roam mangle show" mangle shwo
	usage "ambiguous" m show
	usage "no IP address" mangle show here
	usage "words are missing" mangle add "$permanent"
	usage "'via'" mangle add "$permanent" own
	usage "no option" --verbos mangle show
	usage "no command|missing|help" mangle peer del
	usage "one word too many" mangle flush now
	usage "keygen 7" hlr keygen zero
	expect_match "help" "Usage: roam" "$(roam mobile help)"
	expect_match "help of an object" "mangle.*add" "$(roam mobile mangle help | tr '\n' ' ')"
	expect_eq "a word cut short" "$(roam mobile -j mangle range show)" \
		"$(roam mobile -j man ra sh)"
	expect_match "errors as JSON" '"code":"usage"' "$(roam mobile -j mangel 2>&1)"
}

completion_offers_addresses() {
	roam register mangle add 203.0.113.77 via 192.0.2.3
	on_exit roam register mangle flush
	expect_eq "explain" 203.0.113.77 "$(roam register complete explain "")"
	expect_match "replace" "via.*203.0.113.77" "$(roam register complete mangle replace "" | tr '\n' ' ')"
	expect_eq "another beginning" "" "$(roam register complete explain 198)"
}

# ---- status and doctor ----

status_tells_what_runs() {
	local rows
	rows=$(roam mobile -j status)
	expect_eq "daemon" 1 "$(jq '[.[] | select(.component == "roam-lrd" and (.value | tostring | startswith("running")))] | length' <<<"$rows")"
	expect_eq "another daemon" '"not running"' \
		"$(jq '.[] | select(.component == "roam-hlrd") | .value' <<<"$rows")"
	expect_eq "mappings" 1 \
		"$(jq '.[] | select(.component == "roam_mangle" and .item == "mappings") | .value' <<<"$rows")"
	expect_match "text" "roam-lrd.*running" "$(roam mobile status)"
	expect_match "text at the register" "roam-hlrd.*running" "$(roam register status)"
}

# diagnosis HOST CHECK: its result.
diagnosis() {
	roam "$1" -j doctor | jq -r --arg check "$2" '[.[] | select(.check == $check) | .result] | unique | join(" ")'
}

healthy_host_gets_no_failure() {
	expect_eq "failures" "" "$(roam mobile -j doctor |
		jq -r '.[] | select(.result == "fail") | .check + ": " + .detail')"
	expect_ok roam mobile doctor
	expect_eq "module" ok "$(diagnosis mobile roam_mangle)"
	expect_eq "daemon" ok "$(diagnosis mobile roam-lrd)"
	expect_eq "permanent address" ok "$(diagnosis mobile "permanent address")"
	expect_eq "routing rule" ok "$(diagnosis mobile "routing rule")"
	expect_eq "port" ok "$(diagnosis mobile port)"
}

doctor_finds_planted_faults() {
	# Strict hurts a moving host only while it has two links to receive by.
	in_ns "$mobile" sysctl -qw net.ipv4.conf.all.rp_filter=1
	expect_eq "strict rp_filter, one link" ok "$(diagnosis mobile rp_filter)"
	ip -n "$mobile" link set net2 up
	ip -n "$mobile" address add 192.0.2.100/26 dev net2
	expect_eq "strict rp_filter, two links" warn "$(diagnosis mobile rp_filter)"
	in_ns "$mobile" sysctl -qw net.ipv4.conf.all.rp_filter=0
	expect_eq "no rp_filter, two links" ok "$(diagnosis mobile rp_filter)"
	ip -n "$mobile" address flush dev net2
	ip -n "$mobile" link set net2 down

	in_ns "$mobile" nft 'add table inet t; add chain inet t in { type filter hook input priority 0; policy drop; }'
	expect_eq "firewall" warn "$(diagnosis mobile firewall)"
	in_ns "$mobile" nft 'add rule inet t in udp dport 17000-18000 accept'
	expect_eq "firewall with the port in a range" ok "$(diagnosis mobile firewall)"
	in_ns "$mobile" nft 'delete table inet t'
	expect_eq "no firewall" ok "$(diagnosis mobile firewall)"

	# While the daemon sleeps nobody puts back what is missing.
	daemon_signal mobile lrd STOP
	ip -n "$mobile" rule del ipproto tcp table 7700
	ip -n "$mobile" address del "$permanent/32" dev roam0
	expect_eq "no rule" fail "$(diagnosis mobile "routing rule")"
	expect_eq "no address" fail "$(diagnosis mobile "permanent address")"
	expect_fail roam mobile doctor
	daemon_signal mobile lrd CONT
	wait_for 30 rule_is_back
	# Every finding says what to do.
	ip -n "$mobile" address replace "$permanent/32" dev roam0

	daemon_stop mobile lrd KILL
	expect_eq "dead daemon" fail "$(diagnosis mobile roam-lrd)"
	expect_eq "advice" "systemctl start roam-lrd" "$(roam mobile -j doctor |
		jq -r '.[] | select(.check == "roam-lrd") | .fix')"
	daemon mobile roam-lrd lrd
	expect_eq "daemon again" ok "$(diagnosis mobile roam-lrd)"
}

# On a correspondent strict hurts where the two addresses of a mobile host lead
# different ways.
doctor_knows_where_rp_filter_hurts() {
	in_ns "$correspondent" sysctl -qw net.ipv4.conf.all.rp_filter=1
	on_exit in_ns "$correspondent" sysctl -qw net.ipv4.conf.all.rp_filter=0
	roam correspondent mangle replace 203.0.113.9 via 192.0.2.60
	on_exit roam correspondent mangle del 203.0.113.9
	expect_eq "same way" ok "$(diagnosis correspondent rp_filter)"
	ip -n "$correspondent" link add far type dummy
	on_exit ip -n "$correspondent" link del far
	ip -n "$correspondent" link set far up
	ip -n "$correspondent" route add 203.0.113.9 dev far
	expect_eq "another way" warn "$(diagnosis correspondent rp_filter)"
	in_ns "$correspondent" sysctl -qw net.ipv4.conf.all.rp_filter=0
	expect_eq "another way, not strict" ok "$(diagnosis correspondent rp_filter)"
}

# The same by a rule, for IPv6, as firewalld makes it.
doctor_knows_where_a_source_rule_hurts() {
	expect_eq "no rule" "" "$(diagnosis correspondent "reverse path")"
	in_ns "$correspondent" nft 'add table inet fw; add chain inet fw pre { type filter hook prerouting priority -290; };
		add rule inet fw pre meta nfproto ipv6 fib saddr . mark . iif oif missing drop' || fail "no rule"
	on_exit in_ns "$correspondent" nft delete table inet fw
	ip -n "$correspondent" link add far6 type dummy
	on_exit ip -n "$correspondent" link del far6
	in_batch correspondent "link set far6 up" "route add 2001:db8:77::9 dev far6"
	roam correspondent mangle replace 2001:db8:77::9 via 2001:db8:2::60
	on_exit roam correspondent mangle del 2001:db8:77::9
	expect_eq "another way" warn "$(diagnosis correspondent "reverse path")"
	expect_match "what to do" "IPv6_rpfilter=loose" "$(roam correspondent doctor)"
	ip -n "$correspondent" route del 2001:db8:77::9 dev far6
	expect_eq "same way" "" "$(diagnosis correspondent "reverse path")"
}

# ---- whom the registers do not know ----

# says HOST CHECK RESULT REGEX: a finding of the doctor, whose status says whether it found
# something else.
says() {
	jq <<<"$(roam "$1" -j doctor)" -e --arg check "$2" --arg result "$3" --arg text "$4" \
		'any(.[]; .check == $check and .result == $result and (.detail | test($text)))'
}

# registers COLUMN of the mobile host's first register.
of_register() {
	roam mobile -j lr registers | jq -r ".[0].$1"
}

# deaf HOST: a firewall lets no message in, what it sends goes out.
deaf() {
	in_ns "${!1}" nft 'add table inet deaf; add chain inet deaf in { type filter hook input priority 0; policy drop; };
		add rule inet deaf in udp sport != 17434 accept; add rule inet deaf in meta l4proto != udp accept' || fail "no filter"
}

unanswered_registrations_are_named() {
	expect_ok says mobile registration ok "$permanent is known at $register_addr"
	expect_eq "last status" ok "$(of_register last_status)"
	deaf mobile
	on_exit in_ns "$mobile" nft delete table inet deaf
	move_to 2
	wait_for 30 says mobile registration fail \
		"$register_addr does not answer about $permanent, tried .* does a firewall on the way or on this host"
	expect_eq "last status" null "$(of_register last_status)"
	expect_match "explanation" "has not confirmed that .last answer: none" "$(sentences mobile "$permanent")"
	in_ns "$mobile" nft flush table inet deaf
	in_ns "$mobile" nft 'add chain inet deaf in { policy accept; }'
	# At once, and not at the next try.
	move_to 3
	wait_for 30 says mobile registration ok "$permanent is known"
	# A register out of reach.
	in_ns "$router" nft 'add table inet cut; add chain inet cut on { type filter hook forward priority 0; };
		add rule inet cut on udp dport 17434 drop' || fail "no filter"
	on_exit in_ns "$router" nft delete table inet cut
	move_to 1
	wait_for 30 says mobile registration fail "is it reachable"
	in_ns "$router" nft flush table inet cut
	move_to 2
	wait_for 30 says mobile registration ok "$permanent is known"
	move_to 1
	wait_for 60 is_registered
}

wrong_key_is_named() {
	cp "$hosts/mobile/keys.key" "$hosts/mobile/right.key"
	on_exit right_key_again
	roam mobile hlr keygen 1 >"$hosts/mobile/keys.key"
	daemon_signal mobile lrd HUP
	move_to 2
	wait_for 30 says mobile registration fail "does not answer about $permanent.* have both ends the same key"
}

right_key_again() {
	mv "$hosts/mobile/right.key" "$hosts/mobile/keys.key"
	chmod 600 "$hosts/mobile/keys.key"
	daemon_signal mobile lrd HUP
	move_to 1
	wait_for 60 is_registered
}

denial_is_named() {
	cp "$hosts/register/hlrd.conf" "$hosts/register/right.conf"
	on_exit right_register_again
	sed -i "s/\"$permanent\", //" "$hosts/register/hlrd.conf"
	daemon_signal register hlrd HUP
	move_to 2
	wait_for 30 says mobile registration fail \
		"$register_addr refuses $permanent: denied; its host section names the key"
	expect_eq "last status" denied "$(of_register last_status)"
}

right_register_again() {
	mv "$hosts/register/right.conf" "$hosts/register/hlrd.conf"
	daemon_signal register hlrd HUP
	move_to 1
	wait_for 60 is_registered
}

# A correspondent to whom the register does not speak.
unanswered_questions_are_named() {
	expect_eq "before" "" "$(diagnosis correspondent questions)"
	deaf correspondent
	on_exit in_ns "$correspondent" nft delete table inet deaf
	bg in_ns "$correspondent" socat -u /dev/null TCP:203.0.113.92:9,connect-timeout=30
	wait_for 30 says correspondent questions fail "no register answers where other hosts are.*$register_addr"
	in_ns "$correspondent" nft flush table inet deaf
	in_ns "$correspondent" nft 'add chain inet deaf in { policy accept; }'
	bg in_ns "$correspondent" socat -u /dev/null TCP:203.0.113.91:9,connect-timeout=30
	wait_for 30 is_answered
}

is_answered() {
	[[ -z $(diagnosis correspondent questions) ]]
}

# ---- what skips the hooks ----

doctor_names_what_skips_hooks() {
	expect_eq "nothing" ok "$(diagnosis mobile bypass)"
	in_ns "$mobile" nft 'add table inet f; add flowtable inet f fast { hook ingress priority 0; devices = { net1 }; }' ||
		fail "no flowtable"
	expect_eq "flowtable" warn "$(diagnosis mobile flowtable)"
	expect_match "its link" "net1" "$(roam mobile doctor)"
	in_ns "$mobile" nft 'delete table inet f'
	expect_eq "no flowtable" ok "$(diagnosis mobile bypass)"
}

doctor_names_xdp_programs() {
	require clang
	cat >"$hosts/pass.c" <<-END
		__attribute__((section("xdp"))) int pass(void *ctx) { return 2; }
		char _license[] __attribute__((section("license"))) = "GPL";
	END
	clang -target bpf -O2 -g -c -o "$hosts/pass.o" "$hosts/pass.c" || fail "clang"
	ip -n "$mobile" link set dev net3 xdpgeneric obj "$hosts/pass.o" sec xdp ||
		fail "the kernel takes no XDP program"
	expect_eq "program" warn "$(diagnosis mobile XDP)"
	expect_match "its link" "net3" "$(roam mobile doctor)"
	ip -n "$mobile" link set dev net3 xdpgeneric off
	expect_eq "no program" ok "$(diagnosis mobile bypass)"
}

doctor_names_filters() {
	local net="dev net3"
	# shellcheck disable=SC2086 # words
	{
		in_ns "$mobile" tc qdisc add $net clsact || fail "no clsact"
		expect_eq "no filter" ok "$(diagnosis mobile bypass)"
		in_ns "$mobile" tc filter add $net egress matchall action pass || fail "no filter"
		expect_eq "a filter behind the hooks" ok "$(diagnosis mobile bypass)"
		in_ns "$mobile" tc filter add $net ingress matchall action mirred egress redirect dev net2 ||
			fail "no filter"
		expect_eq "a filter before the hooks" warn "$(diagnosis mobile tc)"
		expect_match "its link" "matchall.* net3 " "$(roam mobile doctor)"
		in_ns "$mobile" tc qdisc delete $net clsact
		in_ns "$mobile" tc qdisc add $net ingress
		expect_eq "no filter" ok "$(diagnosis mobile bypass)"
		in_ns "$mobile" tc filter add $net ingress matchall action drop || fail "no filter"
		expect_eq "a filter of the older kind" warn "$(diagnosis mobile tc)"
		in_ns "$mobile" tc qdisc delete $net ingress
	}
	expect_eq "no filter" ok "$(diagnosis mobile bypass)"
}

# A program on a link, without a queueing discipline, while this process runs: the two
# instructions "r0 = -1; exit" let every packet go on.
readonly attach_tcx='
import ctypes, os, socket, struct, sys, time

libc = ctypes.CDLL(None, use_errno=True)

def bpf(command, attr):
    buffer = ctypes.create_string_buffer(attr.ljust(128, b"\0"), 128)
    fd = libc.syscall(321, command, buffer, 128)
    if fd < 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    return fd

program = struct.pack("=BBhiBBhi", 0xb7, 0, 0, -1, 0x95, 0, 0, 0)
code = ctypes.create_string_buffer(program)
licence = ctypes.create_string_buffer(b"GPL")
load = struct.pack("=IIQQ", 3, 2, ctypes.addressof(code), ctypes.addressof(licence))
link = struct.pack("=IIII", bpf(5, load), socket.if_nametoindex(sys.argv[1]), 46, 0)
held = bpf(28, link)
print("attached", flush=True)
time.sleep(3600)
'

doctor_names_tcx_programs() {
	bg in_ns "$mobile" /usr/bin/python3 -c "$attach_tcx" net3 >"$hosts/tcx" 2>&1
	wait_for 60 test -s "$hosts/tcx"
	! grep -q "Invalid argument" "$hosts/tcx" || skip "a kernel without tcx"
	expect_eq "attached" attached "$(<"$hosts/tcx")"
	expect_eq "program" warn "$(diagnosis mobile tc)"
	expect_match "its link" "tcx.* net3 " "$(roam mobile doctor)"
	stop "$bg_pid"
	expect_eq "no program" ok "$(diagnosis mobile bypass)"
}

doctor_names_masquerading() {
	expect_eq "no rule" ok "$(diagnosis mobile masquerade)"
	masquerade() {
		in_ns "$mobile" nft "add table ip n; add chain ip n post { type nat hook postrouting priority 100; }; add rule ip n post $1 masquerade" ||
			fail "no rule: $1"
		expect_eq "rule: $1" "$2" "$(diagnosis mobile masquerade)"
		in_ns "$mobile" nft 'delete table ip n'
	}
	place_now
	masquerade 'oifname "net1"' warn
	masquerade 'ip daddr != 10.0.0.0/8' warn
	masquerade "ip saddr { 10.0.0.0/8, $care_of }" warn
	masquerade 'oifname "net2"' ok
	masquerade 'oifname != "net1"' ok
	masquerade 'ip saddr 10.0.0.0/8' ok
}

# ---- an address has one service ----

tunnels_and_rewriting_exclude_each_other() {
	local status=0 output
	ip -n "$correspondent" link add away type ipip local "$correspondent_addr" remote 192.0.2.61 ||
		skip "the kernel makes no tunnels"
	on_exit ip -n "$correspondent" link del away
	ip -n "$correspondent" link set away up
	ip -n "$correspondent" route add 203.0.113.77 dev away
	ip -n "$correspondent" route add 203.0.112.0/24 dev away
	output=$(roam correspondent mangle add 203.0.113.77 via 192.0.2.61 2>&1) || status=$?
	expect_eq "status" 2 "$status"
	expect_match "message" "tunnel away" "$output"
	expect_eq "mapping" "[]" "$(roam correspondent -j mangle show 203.0.113.77)"
	# Just a way that leads through a tunnel is not that.
	expect_ok roam correspondent mangle add 203.0.113.78 via 203.0.112.1
	expect_ok roam correspondent mangle add 203.0.112.5 via 192.0.2.61
	on_exit roam correspondent mangle del 203.0.113.78 203.0.112.5
	expect_eq "doctor" "" "$(diagnosis correspondent tunnel)"
	ip -n "$correspondent" route add 203.0.113.78 dev away
	expect_eq "doctor" fail "$(diagnosis correspondent tunnel)"
}

# ---- explain ----

# explanation HOST ADDRESS FILTER: of the document about it.
explanation() {
	roam "$1" -j explain "$2" | jq -r ".[0]$3"
}

# sentences HOST ADDRESS: the text of it in one line.
sentences() {
	roam "$1" explain "$2" | tr '\n' ' ' | tr -s ' '
}

# wire_is_as_explained HOST INTERFACE TO: what explain says about TCP to TO is what a capture
# of the first segment shows.
wire_is_as_explained() {
	local host=$1 interface=$2 to=$3 said
	said=$(explanation "$host" "$to" '.outgoing | "\(.device) \(.wire_source) \(.wire_destination)"')
	capture_start "${!host}" "$interface" "explain.$host.pcap" "tcp port 5999"
	in_ns "${!host}" socat -u OPEN:/dev/null "TCP:$to:5999,connect-timeout=20" || true
	capture_stop
	expect_eq "$host to $to" "$said" "$interface $(
		addresses_in "explain.$host.pcap" 'tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn')"
}

explain_says_what_happens() {
	echo_serve correspondent 5999
	echo_serve mobile 5999
	place_now
	expect_eq "mobile: own address" own-permanent "$(explanation mobile "$permanent" .role)"
	expect_match "its care-of address" "care-of address is $care_of" "$(sentences mobile "$permanent")"
	expect_match "its register" "$register_addr knows" "$(sentences mobile "$permanent")"
	expect_eq "mobile: care-of address" own-care-of "$(explanation mobile "$care_of" .role)"
	expect_eq "mobile: nothing to do" 0 "$(explanation mobile "$permanent" '.next | length')"
	wire_is_as_explained mobile net1 "$correspondent_addr"
	expect_eq "rewritten" rewritten "$(explanation mobile "$correspondent_addr" .outgoing.verdict)"
	expect_eq "its mode" "roam true" \
		"$(explanation mobile "$correspondent_addr" '.correspondents[0] | "\(.mode) \(.told)"')"

	wire_is_as_explained correspondent eth0 "$permanent"
	expect_eq "correspondent: the mobile host" "mobile rewritten" \
		"$(explanation correspondent "$permanent" '| "\(.role) \(.outgoing.verdict)"')"
	expect_eq "correspondent: its care-of address" "care-of unchanged" \
		"$(explanation correspondent "$care_of" '| "\(.role) \(.outgoing.verdict)"')"
	expect_eq "unknown" unknown "$(explanation correspondent 203.0.113.200 .role)"
	in_ns "$correspondent" socat -u OPEN:/dev/null TCP:203.0.113.200:1,connect-timeout=5 || true
	wait_for 30 is_explained correspondent 203.0.113.200 null
	expect_eq "outside" outside "$(explanation correspondent 198.51.100.77 .role)"
	expect_eq "this host" local "$(explanation correspondent "$correspondent_addr" .role)"
	expect_match "register" "register on this host has it at $care_of" \
		"$(sentences register "$permanent")"
}

is_explained() {
	[[ $(explanation "$1" "$2" .role) == "$3" ]]
}

# What is wrong is said, with what mends it.
explain_says_what_is_wrong() {
	daemon_signal mobile lrd STOP
	on_exit daemon_signal mobile lrd CONT
	ip -n "$mobile" rule del ipproto tcp table 7700
	# The daemon sleeps; its socket still takes connections, and is silent.
	expect_match "rule" "No rule gives TCP" "$(explanation_without_daemon "$permanent")"
	ip -n "$mobile" route del default
	expect_match "route" "no route" "$(explanation_without_daemon 198.51.100.200)"
	ip -n "$mobile" route replace default via 192.0.2.1
	roam mobile mangle config set protocol udp
	expect_match "protocol" "leaves TCP alone" "$(explanation_without_daemon "$permanent")"
	roam mobile mangle config set protocol tcp
	expect_match "no daemon" "systemctl start roam-lrd" "$(explanation_without_daemon 203.0.113.201)"
}

# As if the daemon did not run.
explanation_without_daemon() {
	ROAM_RUN_DIR=$hosts/nowhere in_ns "$mobile" "$roam_bin/roam" explain "$1" | tr '\n' ' ' | tr -s ' '
}

exemptions_are_set_and_explained() {
	local before
	before=$(roam register -j mangle config show)
	config() {
		roam register -j mangle config show | jq -c ".[0].$1"
	}
	expect_ok roam register mangle config set exempt-port 22,5060 exempt-mark 0x1/0xf
	expect_ok roam register mangle config set exempt-prefix 198.51.100.0/26,203.0.113.64/26 exempt-cgroup /sys/fs/cgroup
	expect_eq "ports" "[22,5060]" "$(config exempt_port)"
	expect_eq "mark" '"0x1/0xf"' "$(config exempt_mark)"
	expect_eq "prefixes" '["198.51.100.0/26","203.0.113.64/26"]' "$(config exempt_prefix)"
	expect_eq "control group" "[$(stat -c %i /sys/fs/cgroup)]" "$(config exempt_cgroup)"
	roam register mangle replace 203.0.113.65 via 192.0.2.60
	expect_eq "explained" "exempt unchanged" \
		"$(explanation register 203.0.113.65 '| "\(.role) \(.outgoing.verdict)"')"
	expect_eq "one beside it" outside "$(explanation register 203.0.113.3 .role)"
	roam register mangle flush
	usage "no setting" mangle config set exempt-port 0
	usage "no setting" mangle config set exempt-mark 0x10/0xf
	usage "no setting" mangle config set exempt-prefix 203.0.113.5/24
	usage "no setting" mangle config set exempt-cgroup no-such-group
	usage "no setting" mangle config set exempt-user root
	expect_ok roam register mangle config set exempt-port 5060,5061 exempt-mark none exempt-prefix none exempt-cgroup none
	expect_eq "as before" "$before" "$(roam register -j mangle config show)"
}

modes_are_set_and_explained() {
	roam register mangle range set "$permanent_prefix"
	on_exit roam register mangle range set none
	expect_ok roam register mangle add 203.0.113.8 via 192.0.2.60 mode literal
	expect_eq "literal" literal "$(roam register -j mangle show 203.0.113.8 | jq -r '.[0].mode')"
	expect_match "explained" "literal mode" "$(sentences register 203.0.113.8)"
	expect_ok roam register mangle replace 203.0.113.8 via 192.0.2.60 mode symmetric
	expect_eq "symmetric" symmetric "$(roam register -j mangle show 203.0.113.8 | jq -r '.[0].mode')"
	usage "no mode" mangle add 203.0.113.8 via 192.0.2.60 mode sideways
	roam register mangle flush
}

left_care_of_address_is_explained() {
	local left
	place_now
	left=$care_of
	move_to 2
	wait_for 60 is_registered
	expect_eq "left" left-care-of "$(explanation mobile "$left" .role)"
	expect_eq "present" own-care-of "$(explanation mobile "$care_of" .role)"
	wait_for 60 grace_is_over "$left"
	move_to 1
	wait_for 60 is_registered
}

grace_is_over() {
	sentences mobile "$1" | grep -q "grace of .* is over"
}

# ---- report ----

report_holds_all_but_secrets() {
	local file=$hosts/report secret
	secret=$(awk '{ print $2 }' "$hosts/mobile/keys.key")
	mkdir -p /etc/roam
	echo "# by mistake: $secret" >/etc/roam/lrd.conf
	on_exit rm -f /etc/roam/lrd.conf
	echo "roam: a key in the log, $secret" >/dev/kmsg
	expect_ok roam mobile report "$file"
	for word in "$permanent" "$permanent_prefix" "by mistake" "a key in the log" \
		"in_rewritten" "hold_policy" "routing rule" "registered"; do
		grep -q -F "$word" "$file" || fail "the report does not hold '$word'"
	done
	! grep -q -F "$secret" "$file" || fail "the report holds a key"
	expect_eq "who may read it" 600 "$(stat -c %a "$file")"
	expect_fail roam mobile report "$file"
}

# ---- top ----

top_shows_rates() {
	echo_serve correspondent 5998
	talk_open rate mobile "$correspondent_addr" 5998
	# shellcheck disable=SC2016 # the inner shell's
	bg bash -c 'while echo more >&"$0"; do sleep 0.05; done' "${talk_in[rate]}"
	wait_for 60 rate_is_seen
	expect_match "text" "PERMANENT.*$permanent.*CORRESPONDENTS|$permanent" "$(roam mobile top --once interval 100ms)"
	expect_eq "control characters" "" "$(roam mobile top --once interval 100ms | tr -d '\n -~')"
	expect_eq "moves" "$(counter mobile lr moves)" "$(roam mobile -j top interval 100ms | jq '.[0].summary.moves')"
	expect_match "gap" "^[0-9]+$" "$(roam mobile -j top interval 100ms | jq '.[0].summary.gap_ms')"
}

rate_is_seen() {
	roam mobile -j top interval 500ms |
		jq -e '.[0].counters[] | select(.counter == "out_rewritten") | .per_second > 0'
}

top_sorts() {
	roam register mangle add 203.0.113.1 via 192.0.2.3 lifetime 50s
	roam register mangle add 203.0.113.2 via 192.0.2.1 lifetime 20s
	roam register mangle add 203.0.113.3 via 192.0.2.2
	on_exit roam register mangle flush
	order() {
		roam register -j top interval 100ms "$@" | jq -r '[.[0].mappings[].permanent[-1:]] | join(" ")'
	}
	expect_eq "by address" "1 2 3" "$(order)"
	expect_eq "the other way" "3 2 1" "$(order reverse)"
	expect_eq "by end" "2 1 3" "$(order sort expires)"
	expect_eq "no more rows than wanted" "2" "$(order sort expires rows 1)"
}

# ---- JSON ----

# Every command once where it answers and once where it refuses.
every_answer_fits_its_schema() {
	local out=$hosts/json n=0
	mkdir "$out"
	# keep NAME HOST WORD...: what it prints.
	keep() {
		n=$((n + 1))
		roam "$2" -j "${@:3}" >"$out/$1.$n" 2>"$out/error.$1.$n" || [[ -s $out/error.$1.$n ]] || [[ $1 == doctor ]] ||
			fail "'${*:3}' fails without a word"
		[[ -s $out/$1.$n ]] || rm "$out/$1.$n"
		[[ -s $out/error.$1.$n ]] || rm "$out/error.$1.$n"
	}
	bg in_ns "$mobile" env "ROAM_RUN_DIR=$hosts/mobile" "$roam_bin/roam" -j -ts monitor >"$out/monitor.mobile"
	bg in_ns "$correspondent" env "ROAM_RUN_DIR=$hosts/correspondent" "$roam_bin/roam" -j monitor >"$out/monitor.correspondent"
	bg in_ns "$register" env "ROAM_RUN_DIR=$hosts/register" "$roam_bin/roam" -j -ts monitor >"$out/monitor.register"
	echo_serve correspondent 5997
	talk_open json mobile "$correspondent_addr" 5997
	for words in help "mangle help" "complete mangle" "status" "doctor" "explain $permanent" \
		"explain $correspondent_addr" "top" "report" "-d report" "mangle show" "mangle show $permanent" \
		"mangle peer show" "mangle range show" "mangle config show" "mangle stats" \
		"lr show" "lr peers" "lr registers" "lr status" "lr counters" "hlr show" \
		"mangle show here" "explain" "mangle add $permanent own" "mangle del 10.0.0.9" \
		"mangle range set 1.2.3.4/33" "mangle config set grace 99h" "mangle peer del 10.0.0.1 10.0.0.2"; do
		name=${words#-d }
		case $name in
		*help) name=help ;;
		complete* | explain*) name=${name%% *} ;;
		"mangle show"*) name=mangle-show ;;
		*[0-9]*) name=refused ;;
		esac
		# shellcheck disable=SC2086 # words
		keep "${name// /-}" mobile $words
	done
	for words in show "show $permanent" status counters keys "keygen 9"; do
		# shellcheck disable=SC2086
		keep "hlr-${words%% *}" register hlr $words
	done
	keep report register report
	keep top register top
	keep lr-show correspondent lr show
	keep explain correspondent explain "$permanent"
	keep mangle-range-set register mangle range set 10.9.0.0/16
	keep mangle-add register mangle add 10.9.0.1 via 192.0.2.50 lifetime 900s
	keep mangle-replace register mangle replace 10.9.0.2 null
	keep mangle-add register mangle add 10.9.0.1 null
	keep mangle-show register mangle show
	keep mangle-config-set register mangle config set hold-policy drop protocol tcp,udp
	keep mangle-config-show register mangle config show
	keep mangle-peer-del mobile mangle peer del "$permanent" "$correspondent_addr"
	keep mangle-peer-flush register mangle peer flush
	keep mangle-del register mangle del 10.9.0.2
	keep mangle-flush register mangle flush
	roam register mangle config set hold-policy pass protocol tcp
	printf '%s\n' "mangle add 10.9.0.5 null" "mangle add 10.9.0.5 null" nonsense "mangle range set none" >"$hosts/batch"
	keep batch register -force -b "$hosts/batch"
	keep version register -V
	roam register mangle flush
	move_to 3
	wait_for 60 is_registered
	talk json
	move_to 1
	wait_for 60 is_registered
	talk json
	keep lr-leave mobile lr leave
	keep lr-join mobile lr join
	wait_for 60 is_registered
	for file in mobile correspondent register; do
		wait_for 60 test_size "$out/monitor.$file"
	done
	stop_monitors
	expect_ok jq -e .time "$out/monitor.mobile"
	expect_eq "time without -ts" null "$(jq -n 'input | .time' "$out/monitor.correspondent")"
	roam mobile -j help >"$hosts/help"
	# What the other objects print is checked where their daemons run.
	"$(dirname "$topology_script")/schema" "$out" "$hosts/help" complete doctor explain hlr lr \
		mangle monitor report status top || fail "see above"
}

test_size() {
	[[ -s $1 ]]
}

# A line may be cut off if the file is read while it is written.
stop_monitors() {
	local pid
	for pid in $(jobs -p); do
		grep -q monitor "/proc/$pid/cmdline" && stop "$pid"
	done
	return 0
}

rule_is_back() {
	ip -n "$mobile" rule show | grep -q 'ipproto tcp lookup 7700'
}

# Others remove what the daemon put there; it comes back.
foreign_changes_are_mended() {
	ip -n "$mobile" rule del ipproto tcp table 7700
	wait_for 30 rule_is_back
	ip -n "$mobile" route flush table 7700
	wait_for 30 table_is_back
	ip -n "$mobile" address del "$permanent/32" dev roam0
	wait_for 30 address_is_back
}

table_is_back() {
	ip -n "$mobile" route show table 7700 | grep -q "src $permanent"
}

address_is_back() {
	ip -n "$mobile" address show dev roam0 | grep -q "$permanent/32"
}

missing_module_is_named() {
	local status module
	topology_stop_daemons
	module_absent roam_mangle
	# There is something to watch as long as one of the others is there.
	for module in $(lsmod | awk '/^roam_(tunnel|mmp) / { print $1 }'); do
		module_absent "$module"
	done
	expect_eq "module" fail "$(diagnosis mobile roam_mangle)"
	expect_match "advice" "modprobe roam_mangle" "$(roam mobile doctor)"
	expect_match "status" "not loaded" "$(roam mobile status)"
	expect_match "explanation" "roam_mangle is not loaded" "$(sentences mobile "$permanent")"
	expect_match "report" "not loaded" "$(roam mobile report)"
	status=0
	roam mobile top --once >"$hosts/output" 2>&1 || status=$?
	expect_eq "status of top" 3 "$status"
	status=0
	in_ns "$mobile" timeout 30 "$roam_bin/roam-lrd" -c "$hosts/mobile/lrd.conf" \
		-s "$hosts/mobile/lrd.sock" >"$hosts/output" 2>&1 || status=$?
	expect_eq "status of the daemon" 2 "$status"
	expect_match "its message" "roam_mangle" "$(<"$hosts/output")"
}

fixture world
prove "GEN-05: the register names mistakes in its configuration" register_names_the_mistake
prove "GEN-05: a mobile host's daemon names mistakes in its configuration" mobile_names_the_mistake
prove "GEN-05: a correspondent's daemon names mistakes in its configuration" \
	correspondent_names_the_mistake
prove "GEN-14: key files are checked" keys_are_checked
prove "GEN-05 OPEN-50: samples in the README have all columns" samples_have_all_columns
prove "GEN-05: a broken reload changes nothing" broken_reload_changes_nothing
prove "GEN-07: misspelt commands get a hint" misspelt_commands_get_a_hint
prove "GEN-07: completion offers addresses that are there" completion_offers_addresses
prove "GEN-05 OPEN-50: status tells what runs" status_tells_what_runs
prove "OPEN-50: the doctor finds nothing on a healthy host" healthy_host_gets_no_failure
prove "OPEN-50 OPEN-11: the doctor finds planted faults" doctor_finds_planted_faults
prove "OPEN-50 OPEN-11: strict reverse path filters are named where they hurt" doctor_knows_where_rp_filter_hurts
prove "OPEN-50 OPEN-11: rules against wrong ways of sources are named where they hurt" \
	doctor_knows_where_a_source_rule_hurts
prove "OPEN-50: a register that does not answer is named, and that it never did" unanswered_registrations_are_named
prove "OPEN-50: the doctor thinks of a wrong key" wrong_key_is_named
prove "OPEN-50: the doctor passes on that a register denies" denial_is_named
prove "OPEN-50: a correspondent whose questions are not answered is named" unanswered_questions_are_named
prove "OPEN-13: flowtables that skip the hooks are named" doctor_names_what_skips_hooks
prove "OPEN-13: XDP programs that skip the hooks are named" doctor_names_xdp_programs
prove "OPEN-13: filters that come before the hooks are named" doctor_names_filters
prove "OPEN-13: programs without a queueing discipline are named" doctor_names_tcx_programs
prove "OPEN-50: masquerading of permanent addresses is named" doctor_names_masquerading
prove "TEN-28: an address is served by a tunnel or by rewriting, not by both" tunnels_and_rewriting_exclude_each_other
prove "OPEN-50 INT-06: explain says what happens on the wire" explain_says_what_happens
prove "OPEN-50: explain says what is wrong" explain_says_what_is_wrong
prove "OPEN-39 OPEN-40: exemptions are set and explained" exemptions_are_set_and_explained
prove "OPEN-18: modes are set and explained" modes_are_set_and_explained
prove "OPEN-50: explain knows a care-of address that was left" left_care_of_address_is_explained
prove "OPEN-50 GEN-14: a report holds everything but secrets" report_holds_all_but_secrets
prove "OPEN-50: top shows rates" top_shows_rates
prove "OPEN-50: top sorts" top_sorts
prove "OPEN-50: every answer and event fits its JSON schema" every_answer_fits_its_schema
prove "OPEN-45: what others remove comes back" foreign_changes_are_mended
prove "OPEN-50: a missing module is named" missing_module_is_named
tests_done
