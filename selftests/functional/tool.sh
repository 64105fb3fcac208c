#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
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
		expect_eq "$program $option, '$edit': status" 2 "$status"
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
	broken register roam-hlrd hlrd "s/permanent = {\"$permanent\"}/permanent = {\"203.0.113.5\\/24\"}/" \
		"$host" "203.0.113.5/24"
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
	broken mobile roam-lrd lrd "s/$register_addr/register.example/" "$line" register.example
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
	expect_eq "module" ok "$(diagnosis mobile module)"
	expect_eq "daemon" ok "$(diagnosis mobile roam-lrd)"
	expect_eq "permanent address" ok "$(diagnosis mobile "permanent address")"
	expect_eq "routing rule" ok "$(diagnosis mobile "routing rule")"
	expect_eq "port" ok "$(diagnosis mobile port)"
}

doctor_finds_planted_faults() {
	in_ns "$mobile" sysctl -qw net.ipv4.conf.all.rp_filter=1
	expect_eq "strict rp_filter" warn "$(diagnosis mobile rp_filter)"
	in_ns "$mobile" sysctl -qw net.ipv4.conf.all.rp_filter=0

	in_ns "$mobile" nft 'add table inet t; add chain inet t in { type filter hook input priority 0; policy drop; }'
	expect_eq "firewall" warn "$(diagnosis mobile firewall)"
	in_ns "$mobile" nft 'delete table inet t'
	expect_eq "no firewall" ok "$(diagnosis mobile firewall)"

	# While the daemon sleeps nobody puts back what is missing.
	daemon_signal mobile lrd STOP
	ip -n "$mobile" rule del ipproto tcp
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

rule_is_back() {
	ip -n "$mobile" rule show | grep -q 'ipproto tcp'
}

# Others remove what the daemon put there; it comes back.
foreign_changes_are_mended() {
	ip -n "$mobile" rule del ipproto tcp
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
	local status
	topology_stop_daemons
	module_absent roam_mangle
	expect_eq "module" fail "$(diagnosis mobile module)"
	expect_match "advice" "modprobe roam_mangle" "$(roam mobile doctor)"
	expect_match "status" "not loaded" "$(roam mobile status)"
	status=0
	in_ns "$mobile" timeout 30 "$roam_bin/roam-lrd" -c "$hosts/mobile/lrd.conf" \
		-s "$hosts/mobile/lrd.sock" >"$hosts/output" 2>&1 || status=$?
	expect_eq "status of the daemon" 2 "$status"
	expect_match "its message" "roam_mangle" "$(<"$hosts/output")"
}

fixture world
test "GEN-05: the register names mistakes in its configuration" register_names_the_mistake
test "GEN-05: a mobile host's daemon names mistakes in its configuration" mobile_names_the_mistake
test "GEN-05: a correspondent's daemon names mistakes in its configuration" \
	correspondent_names_the_mistake
test "GEN-14: key files are checked" keys_are_checked
test "GEN-05: a broken reload changes nothing" broken_reload_changes_nothing
test "GEN-07: misspelt commands get a hint" misspelt_commands_get_a_hint
test "GEN-05 OPEN-50: status tells what runs" status_tells_what_runs
test "OPEN-50: the doctor finds nothing on a healthy host" healthy_host_gets_no_failure
test "OPEN-50 OPEN-11: the doctor finds planted faults" doctor_finds_planted_faults
test "OPEN-45: what others remove comes back" foreign_changes_are_mended
test "OPEN-50: a missing module is named" missing_module_is_named
tests_done
