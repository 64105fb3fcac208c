# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Library of the functional tests. A test file is an executable bash script that
# runs as root inside a guest:
#
#	. "$(dirname "$(realpath "$0")")/../lib.sh"
#
#	moved_host_keeps_connection() {
#		local mobile peer
#		ns_create mobile peer
#		veth_pair "$mobile" eth0 "$peer" eth0
#		...
#		expect_eq "packets lost" 0 "$lost"
#	}
#
#	prove "MLR-17: a connection survives a move" moved_host_keeps_connection
#	tests_done
#
# Each test runs in a subshell of its own, its name begins with the requirements
# it proves, its result is one KTAP line. What it creates is undone in reverse
# order when it ends, however it ends; what it prints is shown when it fails and
# stays in $ROAM_OUT. With TEST=word only tests whose file, name or function
# contains the word run.
#
# What several tests share is made once by "fixture FUNCTION" before the first of
# them. They see its variables, but only it can change them for all.
set -uo pipefail

: "${ROAM_OUT:=$(mktemp -d)}"
# Programs that need no other locale start in two thirds of the time without one.
export LC_ALL=C
lib_script=$(basename "$0" .sh)
lib_dir=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
lib_tests=0
lib_failures=0
lib_open=''
lib_undo=()
lib_fixture=()
readonly lib_script
readonly lib_status_failed=1 lib_status_skipped=4

# ---- tests and their results ----

# prove NAME FUNCTION [ARG...]
prove() {
	local name=$1 log status=0 started
	shift
	[[ "$lib_script $name $1" == *"${TEST:-}"* ]] || return 0
	((lib_tests)) || echo "TAP version 13"
	lib_make_fixture
	lib_tests=$((lib_tests + 1))
	log=$ROAM_OUT/$lib_script.$lib_tests.log
	[[ ! -w /dev/kmsg ]] || echo "roam: $lib_script: $name" >/dev/kmsg
	started=$SECONDS
	# shellcheck disable=SC2030,SC2031 # each test has its own
	(
		lib_undo=()
		trap 'lib_cleanup' EXIT
		trap 'exit 143' TERM INT
		"$@"
	) >"$log" 2>&1 || status=$?
	echo "# $((SECONDS - started)) s"
	case $status in
	0)
		echo "ok $lib_tests $lib_script: $name"
		;;
	"$lib_status_skipped")
		echo "ok $lib_tests $lib_script: $name # SKIP $(sed -n 's/^SKIP: //p' "$log")"
		;;
	*)
		sed 's/^/# /' "$log"
		echo "not ok $lib_tests $lib_script: $name${lib_open:+ # TODO $lib_open}"
		[[ $lib_open ]] || lib_failures=$((lib_failures + 1))
		;;
	esac
}

# prove_open REASON NAME FUNCTION [ARG...]: what an open issue has still to make work.
# It runs and shows, and its failure is a result of the kind TODO.
prove_open() {
	lib_open=$1
	prove "${@:2}"
	lib_open=''
}

# fixture FUNCTION [ARG...]: it runs before the next test that is selected; what
# it creates is undone at the end of the file.
fixture() {
	lib_fixture=("$@")
}

lib_make_fixture() {
	local make=("${lib_fixture[@]}")
	((${#make[@]})) || return 0
	lib_fixture=()
	lib_fixture_log=$ROAM_OUT/$lib_script.fixture.log
	trap 'lib_end_fixture' EXIT
	trap 'exit 143' TERM INT
	exec {lib_out}>&1 {lib_err}>&2 >"$lib_fixture_log" 2>&1
	"${make[@]}"
	exec 1>&"$lib_out"
	exec 2>&"$lib_err"
	lib_fixture_log=
}

# At the end of the file, or when fail or skip ended the fixture and so the file.
lib_end_fixture() {
	local status=$?
	if [[ $lib_fixture_log ]]; then
		exec 1>&"$lib_out"
		exec 2>&"$lib_err"
		if ((status == lib_status_skipped)); then
			echo "ok 1 $lib_script # SKIP $(sed -n 's/^SKIP: //p' "$lib_fixture_log")"
			status=0
		else
			sed 's/^/# /' "$lib_fixture_log"
			echo "not ok 1 $lib_script: what its tests share could not be made"
			status=1
		fi
		echo "1..1"
	fi
	(exit "$status")
	lib_cleanup >>"$ROAM_OUT/$lib_script.fixture.log" 2>&1
}

# Close the list of results; the script's last command.
tests_done() {
	echo "1..$lib_tests"
	exit $((lib_failures > 0))
}

# fail TEXT: end this test, it failed.
fail() {
	echo "FAIL: $*"
	local i
	for ((i = 1; i < ${#FUNCNAME[@]} - 2; i++)); do
		echo "  at ${BASH_SOURCE[i]##*/}:${BASH_LINENO[i - 1]} ${FUNCNAME[i]}"
	done
	exit "$lib_status_failed"
}

# skip REASON: end this test, it cannot run here.
skip() {
	echo "SKIP: $*"
	exit "$lib_status_skipped"
}

# require COMMAND...: skip where a program is missing.
require() {
	local program
	for program; do
		type -P "$program" >/dev/null || skip "$program is not installed"
	done
}

# expect_eq WHAT EXPECTED SEEN
expect_eq() {
	[[ $2 == "$3" ]] || fail "$1: expected '$2', saw '$3'"
}

# expect_match WHAT REGEX SEEN
expect_match() {
	[[ $3 =~ $2 ]] || fail "$1: expected to match '$2', saw '$3'"
}

# expect_ok COMMAND...
expect_ok() {
	local output status=0
	output=$("$@" 2>&1) || status=$?
	((status == 0)) || fail "'$*' failed with $status: $output"
}

# expect_fail COMMAND...: it must refuse.
expect_fail() {
	local output
	! output=$("$@" 2>&1) || fail "'$*' should have failed: $output"
}

# ---- undoing ----

# on_exit COMMAND...: run when this test ends, last registered first.
on_exit() {
	# shellcheck disable=SC2031
	lib_undo+=("$(printf '%q ' "$@")")
}

lib_cleanup() {
	local status=$? i
	trap '' TERM INT
	for ((i = ${#lib_undo[@]} - 1; i >= 0; i--)); do
		eval "${lib_undo[i]}" || true
	done
	exit "$status"
}

# ---- waiting ----

# try_for SECONDS COMMAND...: poll until it succeeds, silently; status tells.
try_for() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < deadline)) || return 1
		busybox sleep 0.1
	done
}

# wait_for SECONDS COMMAND...: the same, but fail the test. The limit is for
# what is broken: emulated guests are many times slower than iron.
wait_for() {
	try_for "$@" || fail "not within $1 s: ${*:2}"
}

# ---- processes ----

# bg COMMAND...: start in the background, stopped when the test ends. The
# process is in $bg_pid.
bg() {
	# A function would run in a shell of its own, which nobody wants to signal.
	if [[ $1 == in_ns ]]; then
		hash "$3" 2>/dev/null
		set -- busybox nsenter --net="/run/netns/$2" -- "${BASH_CMDS[$3]:-$3}" "${@:4}"
	fi
	"$@" &
	bg_pid=$!
	on_exit stop "$bg_pid"
}

# stop PID [SIGNAL]: end a process started by bg, gently first, and reap it.
stop() {
	local pid=$1
	kill -s "${2:-TERM}" "$pid" 2>/dev/null || return 0
	# In one piece, as some shells say "Killed" as soon as they see it.
	try_for 20 lib_gone "$pid" || { kill -KILL "$pid"; wait "$pid"; } 2>/dev/null
	wait "$pid" 2>/dev/null
	return 0
}

lib_gone() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
	[[ ${stat##*) } == Z* ]]
}

# What jq does, in a tenth of the time that jq takes to start in emulation.
jq() {
	gojq "$@"
}

# ---- networks ----

# ns_create NAME...: network namespaces; each name is a variable, declared by the
# caller, that gets the real, unique name.
ns_create() {
	local lib_name lib_ns
	for lib_name; do
		printf -v lib_ns '%s-%08x' "$lib_name" "$SRANDOM"
		ip netns add "$lib_ns" || fail "cannot create namespace $lib_name"
		on_exit ns_delete "$lib_ns"
		in_ns "$lib_ns" busybox ip link set lo up
		printf -v "$lib_name" %s "$lib_ns"
	done
}

# Processes left inside would keep the namespace, and our modules, alive.
ns_delete() {
	local dir
	for dir in /proc/[0-9]*; do
		[[ ! $dir/ns/net -ef /run/netns/$1 ]] || kill -KILL "${dir#/proc/}" 2>/dev/null
	done
	ip netns delete "$1"
}

# in_ns NS COMMAND...: without the remounts of ip netns exec. A static program, as
# the guest's processor spends more time on starting programs than on anything; by
# its path, because busybox prefers the commands that it has itself.
in_ns() {
	hash "$2" 2>/dev/null
	busybox nsenter --net="/run/netns/$1" -- "${BASH_CMDS[$2]:-$2}" "${@:3}"
}

# veth_pair NS1 IF1 NS2 IF2: two connected interfaces, up.
veth_pair() {
	ip link add "$2" netns "$1" type veth peer name "$4" netns "$3" ||
		fail "cannot connect $1 $2 and $3 $4"
	in_ns "$1" busybox ip link set "$2" up
	in_ns "$3" busybox ip link set "$4" up
}

# ---- modules ----

# module_absent NAME: unloaded, and the kernel cannot load it by itself, as it does
# when somebody asks for a netlink family. Until module_present or the test's end.
module_absent() {
	modprobe -r "$1" || fail "cannot unload $1"
	sysctl -qw kernel.modprobe=/bin/false
	on_exit module_present "$1"
}

module_present() {
	sysctl -qw kernel.modprobe="$(command -v modprobe)"
	modprobe "$1"
}

# ---- captures ----

declare -A lib_capture_log lib_sides

# capture_start NS IF FILE [FILTER...]: returns once packets are captured; FILE
# lies in $ROAM_OUT and stays for whoever reads the logs.
capture_start() {
	local ns=$1 interface=$2 file=$ROAM_OUT/$3
	bg in_ns "$ns" tcpdump --immediate-mode -B 16384 -U -n -i "$interface" -w "$file" "${@:4}" 2>"$file.log"
	capture_pid=$bg_pid
	lib_capture_log[$capture_pid]=$file.log
	wait_for 60 grep -q "listening on" "$file.log"
	on_exit rm -f "$file.log"
}

# capture_stop [PID]: end this capture or the one started last. All its packets are
# in the file: asked twice how many it has, it said the same number. Where traffic
# goes on it never does.
capture_stop() {
	local pid=${1:-$capture_pid}
	try_for 10 lib_capture_rests "$pid"
	stop "$pid"
}

lib_capture_rests() {
	local said
	kill -s USR1 "$1"
	said=$(sed -n 's/.* \([0-9]*\) packets captured.*/\1/p' "${lib_capture_log[$1]}" | tail -n 2)
	[[ $said =~ ^([0-9]+)$'\n'([0-9]+)$ && ${BASH_REMATCH[1]} == "${BASH_REMATCH[2]}" ]]
}

# capture_sides NS IF NAME FILTER MATCH...: packets by tcpdump's FILTER on the wire, in
# NAME.wire.pcap, and those by any MATCH, in the words of nft, as this host's stack has
# them behind the module, in NAME.stack.pcap. They shall be the same ones.
capture_sides() {
	local rules
	rules=$(printf '%s log group 5 queue-threshold 1\n' "${@:5}")
	in_ns "$1" nft -f - <<-END || fail "no netfilter tables"
		table inet stack {
			chain sent {
				type filter hook output priority 2147483646; policy accept;
				$rules
			}
			chain received {
				type filter hook prerouting priority -209; policy accept;
				$rules
			}
		}
	END
	on_exit in_ns "$1" nft delete table inet stack
	capture_start "$1" "$2" "$3.wire.pcap" "$4"
	lib_sides[$3]=$capture_pid
	capture_start "$1" nflog:5 "$3.stack.pcap"
	lib_sides[$3]+=" $capture_pid"
}

# capture_sides_stop NAME: once both sides have the same number of packets.
capture_sides_stop() {
	local pid
	wait_for 60 lib_sides_alike "$1"
	for pid in ${lib_sides[$1]}; do
		stop "$pid"
	done
}

lib_sides_alike() {
	local wire
	wire=$(packets_in "$1.wire.pcap")
	((wire > 0 && wire == $(packets_in "$1.stack.pcap")))
}

# bytes_of_side NAME.SIDE nobody|router|rewriting: its packets, but for what that may change.
bytes_of_side() {
	/usr/bin/python3 "$lib_dir/packet-bytes" "$2" "$ROAM_OUT/$1.pcap" ||
		fail "cannot read what was captured"
}

# packets_in FILE [FILTER...]: how many of them are in a capture.
packets_in() {
	tcpdump -n -r "$ROAM_OUT/$1" "${@:2}" 2>/dev/null | wc -l
}

# addresses_in FILE [FILTER...]: "SOURCE DESTINATION" of its IPv4 packets with ports, each
# pair once, in one line.
addresses_in() {
	tcpdump -n -q -r "$ROAM_OUT/$1" "${@:2}" 2>/dev/null |
		sed -E 's/.* IP ([0-9.]+)\.[0-9]+ > ([0-9.]+)\.[0-9]+: .*/\1 \2/' | sort -u | xargs
}

# tshark ARG...: by a user who is not root but may read what root may, as tshark loads
# no dissector of root's from version 4.4 on.
tshark() {
	unshare --user --map-user=1000 --map-group=1000 -- tshark "$@"
}

# First columns of tshark -T fields, for wrong_checksums.
# shellcheck disable=SC2034 # the tests'
readonly checksum_fields=(-o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE
	-e frame.number -e frame.protocols -e ip.checksum.status -e tcp.checksum.status
	-e tcp.checksum.ffff)

# wrong_checksums <FIELDS: the first TCP packets whose checksums, as they are on the
# wire, are wrong. Linux writes 0xffff where the sum is zero and that is right by RFC
# 1071, but tshark calls it bad and says so in a field of its own: one packet of 65,536.
wrong_checksums() {
	awk -F'\t' '$2 ~ /:tcp/ && $2 !~ /:icmp/ && ($3 != "" && $3 != 1 || $4 != 1 && $5 == "")' |
		head -n 3
}
