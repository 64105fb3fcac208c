#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# The units as a host runs them: "make install", a configuration, and systemd as
# first process of a machine of its own, which is made of namespaces. What is
# installed goes to memory above the files of the guest.
#
# The machine is register, mobile host and, as every host, correspondent at once;
# its only network is a dummy link. The modules are those of the guest.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$(dirname "$(realpath "$0")")/../topology.sh"

readonly own=192.0.2.2
top=$(realpath "$(dirname "$(realpath "$0")")/../..")
readonly top

# ---- the machine ----

# What its first process does before it becomes systemd. Arguments: a folder for
# what the machine writes, our sources.
# shellcheck disable=SC2016 # another shell's
readonly before_systemd='
set -eu
memory=$1
mount --make-rprivate /
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t cgroup2 cgroup /sys/fs/cgroup
mkdir -p "$memory/modules"
mount --bind /lib/modules "$memory/modules"
for dir in /etc /usr /var "$2"; do
	mkdir -p "$memory/upper$dir" "$memory/work$dir"
	mount -t overlay -o "lowerdir=$dir,upperdir=$memory/upper$dir,workdir=$memory/work$dir" \
		overlay "$dir"
done
# A machine whose kernel comes from elsewhere may have none.
mkdir -p /lib/modules
mount --move "$memory/modules" /lib/modules
# At the first start: of what else is installed here nothing shall start.
if [ ! -e "$memory/started" ]; then
	rm -rf /etc/systemd/system
	mkdir /etc/systemd/system
	cd /lib/systemd/system
	for unit in local-fs.target.wants/* multi-user.target.wants/* sysinit.target.wants/* \
		timers.target.wants/*; do
		case $unit in
		*journald* | *"/*") ;;
		*) ln -sf /dev/null "/etc/systemd/system/${unit##*/}" ;;
		esac
	done
	touch "$memory/started"
fi
mount -t tmpfs -o mode=0755 run /run
mkdir /run/lock
cd /
exec env -i container=roam PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
	/lib/systemd/systemd --system --unit=multi-user.target
'

machine_create() {
	require systemctl unshare
	[[ -x /lib/systemd/systemd ]] || skip "systemd is not installed"
	memory=$(mktemp -d /run/roam-test.XXXXXX)
	mount -t tmpfs machine "$memory"
	on_exit rmdir "$memory"
	on_exit umount --lazy "$memory"
	group=/sys/fs/cgroup/roam-test
	mkdir "$group"
	on_exit machine_destroy
	ns_create machine
	ip -n "$machine" link add eth0 type dummy
	ip -n "$machine" link set eth0 up
	ip -n "$machine" address add "$own/24" dev eth0
	echo "$before_systemd" >"$memory/begin"
}

machine_start() {
	# shellcheck disable=SC2016 # the inner shell's
	bash -c '
		echo $$ >"$1/cgroup.procs"
		exec nsenter --net="/run/netns/$2" -- unshare --fork --kill-child --pid --mount \
			--uts --ipc --cgroup -- bash "$3/begin" "$3" "$4"' \
		machine "$group" "$machine" "$memory" "$top" \
		</dev/null >>"$ROAM_OUT/service.console" 2>&1 &
	machine_parent=$!
	disown # that the shell does not report how it ended
	wait_for 60 machine_has_init
	wait_for 120 machine_is_up
}

machine_destroy() {
	echo 1 >"$group/cgroup.kill"
	try_for 60 grep -q "^populated 0" "$group/cgroup.events"
	find "$group" -depth -type d -exec rmdir {} \;
}

machine_has_init() {
	machine_init=$(pgrep -P "$machine_parent" -x systemd)
}

# on COMMAND...: on the machine.
on() {
	nsenter --target "$machine_init" --all -- "$@"
}

machine_is_up() {
	on systemctl --quiet is-active multi-user.target
}

# property UNIT NAME
property() {
	on systemctl show --property "$2" --value "roam-$1"
}

property_is() {
	[[ $(property "$1" "$2") == "$3" ]]
}

# journal UNIT: what it said since the machine started, without time and name.
journal() {
	on journalctl --boot --quiet --output cat --unit "roam-$1"
}

journal_says() {
	journal "$1" | grep -q -e "$2"
}

keep_journal() {
	on journalctl --boot --no-pager >>"$ROAM_OUT/service.journal"
}

# ---- roam on it ----

# The words of README.md, apart from the modules, which are there.
install_roam() {
	machine_create
	modprobe -r roam_mangle
	machine_start
	on_exit keep_journal
	expect_ok on make -C "$top" install-userspace install-files
	on bash -c 'umask 077
		roam hlr keygen 1 | tee >(install -m 600 -o _roam-hlrd /dev/stdin /etc/roam/keys.d/hlrd/hosts.key) |
			install -m 600 -o _roam-lrd /dev/stdin /etc/roam/keys.d/lrd/laptop.key' ||
		fail "no key"
	# Both daemons have the same port by default, one host has it once.
	configure hlrd <<-END
		listen = {"$own:17435"}
		host "laptop" { key = 1  permanent = {"$permanent"} }
	END
	configure lrd <<-END
		permanent = {"$permanent_prefix"}
		register "$own:17435" { key = 1 }
		exempt { ports = {5060, 5061, 2222} }
		mobile { address = {"$permanent"} }
	END
	expect_ok on systemctl start roam-hlrd roam-lrd
	# At once: systemd waited until they were ready.
	shown=$(on roam -j status)
}

# configure UNIT: its configuration from standard input.
configure() {
	on tee "/etc/roam/$1.conf" >/dev/null
}

registered() {
	on roam -j hlr show | jq -e --arg perm "$permanent" --arg coa "$own" \
		'any(.[]; .permanent == $perm and .care_of == $coa)'
}

both_run() {
	local unit
	echo "$shown"
	for unit in hlrd lrd; do
		expect_eq "$unit" active "$(on systemctl is-active "roam-$unit")"
		expect_eq "type of $unit" notify "$(property "$unit" Type)"
		expect_eq "$unit in the status as soon as it was started" true \
			"$(jq --arg unit "roam-$unit" 'any(.[]; .component == $unit and
				(.value | tostring | startswith("running")))' <<<"$shown")"
	done
	wait_for 60 registered
	expect_match "status of roam-lrd for systemctl" "mobile host at $own" \
		"$(property lrd StatusText)"
	expect_eq "what systemd finds wrong in the units" "" "$(on systemd-analyze verify --man=no \
		roam-hlrd.service roam-lrd.service 2>&1)"
}

# process NAME...: these lines of $process, values only.
process() {
	local name
	for name; do
		sed -n "s/^$name:[[:space:]]*//p" <<<"$process"
	done | xargs
}

# roam-lrd configures the network, roam-hlrd nothing.
they_run_with_few_rights() {
	local unit caps process user none=0000000000000000
	for unit in hlrd lrd; do
		user=$(on id -u "_roam-$unit")
		((user)) || fail "_roam-$unit is root"
		caps=$none
		[[ $unit != lrd ]] || caps=0000000000001000 # CAP_NET_ADMIN
		process=$(on cat "/proc/$(property "$unit" MainPID)/status")
		expect_eq "user of $unit" "$user $user $user $user" "$(process Uid)"
		expect_eq "capabilities of $unit" "$caps $caps $caps" "$(process CapPrm CapEff CapBnd)"
		expect_eq "those it could pass on" "$none $none" "$(process CapInh CapAmb)"
		expect_eq "no new privileges, a system call filter" "1 2" "$(process NoNewPrivs Seccomp)"
		expect_eq "socket of $unit" "660 _roam-$unit roam" \
			"$(on stat -c '%a %U %G' "/run/roam/$unit/$unit.sock")"
	done
	expect_eq "store" "600 _roam-hlrd" "$(on stat -c '%a %U' /var/lib/roam/hlrd/hlr.db)"
	# The group may use the tool.
	expect_ok as nobody roam roam hlr show
	expect_fail as nobody nogroup roam hlr show
	expect_fail as nobody roam cat /etc/roam/keys.d/hlrd/hosts.key
}

# as USER GROUPS COMMAND...: the first group is that of the process.
as() {
	on setpriv --reuid "$1" --regid "${2%%,*}" --groups "$2" -- "${@:3}"
}

# Whoever takes a daemon over is its user.
daemons_are_apart() {
	local unit users proc
	users=$(on sh -c 'sed -n s/^User=//p /usr/lib/systemd/system/roam-*.service')
	expect_eq "units, and users of theirs" "9 9" \
		"$(wc -l <<<"$users") $(sort -u <<<"$users" | grep -c ^_roam-)"
	expect_ok as _roam-hlrd roam head -c 0 /etc/roam/keys.d/hlrd/hosts.key /var/lib/roam/hlrd/hlr.db
	expect_fail as _roam-lrd roam cat /etc/roam/keys.d/hlrd/hosts.key
	expect_fail as _roam-lrd roam cat /var/lib/roam/hlrd/hlr.db
	expect_fail as _roam-hlrd roam cat /etc/roam/keys.d/lrd/laptop.key
	# It answers for nobody else, not even for who does not run.
	expect_fail as _roam-hlrd roam touch /run/roam/lrd/other.sock
	expect_fail as _roam-hlrd roam mkdir /run/roam/mnd
	# It may ask, and have nothing done, but where it was put into the group for that.
	expect_ok as _roam-hlrd roam roam lr status
	expect_match "who is refused" "needs privilege" "$(as _roam-hlrd roam roam lr leave 2>&1)"
	expect_ok as nobody roam,_roam-lrd roam lr leave
	expect_ok as nobody roam,_roam-lrd roam lr join
	wait_for 60 registered
	for unit in agentd syncd; do
		expect_eq "whom $unit may tell something" _roam-standbyd \
			"$(property "$unit" SupplementaryGroups)"
	done
	expect_eq "whom mmpd may tell something" _roam-drcpd "$(property mmpd SupplementaryGroups)"
	# The same user sees nothing of the process.
	for unit in hlrd lrd; do
		proc=/proc/$(property "$unit" MainPID)
		expect_fail as "_roam-$unit" roam cat "$proc/environ"
		expect_fail as "_roam-$unit" roam cat "$proc/maps"
	done
}

# A core that goes to a program is made whatever the limit of its size is.
nothing_is_dumped() {
	local unit pid crashed pattern=/proc/sys/kernel/core_pattern
	cp "$pattern" "$memory/pattern"
	on_exit eval "cat '$memory/pattern' >$pattern"
	# shellcheck disable=SC2016 # the inner shell's
	printf '#!/bin/sh\nexec cat >%s/core.$1\n' "$memory" >"$memory/dump"
	chmod 755 "$memory/dump"
	echo "|$memory/dump %P" >"$pattern"
	# So a dump is seen where there is one.
	# shellcheck disable=SC2016 # the inner shell's
	bash -c 'ulimit -c 0; kill -ABRT $$' &
	crashed=$!
	wait_for 30 test -s "$memory/core.$crashed"
	for unit in hlrd lrd; do
		pid=$(property "$unit" MainPID)
		on kill -ABRT "$pid"
		wait_for 60 restarted "$unit" "$pid"
	done
	expect_eq "dumps" "core.$crashed" "$(cd "$memory" && echo core.*)"
	wait_for 60 registered
}

# restarted UNIT PID: another process does the work.
restarted() {
	local pid
	pid=$(property "$1" MainPID)
	((pid && pid != $2)) && property_is "$1" ActiveState active
}

killed_ones_come_back() {
	local unit pid before
	wait_for 60 registered
	before=$(on roam -j mangle show | jq -c 'map([.permanent, .care_of, .role])')
	for unit in hlrd lrd; do
		pid=$(property "$unit" MainPID)
		on kill -KILL "$pid"
		wait_for 60 restarted "$unit" "$pid"
		expect_eq "restarts of $unit" 1 "$(property "$unit" NRestarts)"
	done
	expect_eq "mappings" "$before" \
		"$(on roam -j mangle show | jq -c 'map([.permanent, .care_of, .role])')"
	wait_for 60 registered
}

# A daemon that lives and does nothing. Half a minute is much for a test.
hanging_one_is_restarted() {
	local pid
	expect_eq "time to hang" "30s 30s" "$(property hlrd WatchdogUSec) $(property lrd WatchdogUSec)"
	on mkdir -p /run/systemd/system/roam-lrd.service.d
	on tee /run/systemd/system/roam-lrd.service.d/test.conf >/dev/null <<-END
		[Service]
		WatchdogSec=3
	END
	on_exit on systemctl daemon-reload
	on_exit on rm -r /run/systemd/system/roam-lrd.service.d
	expect_ok on systemctl daemon-reload
	expect_ok on systemctl restart roam-lrd
	pid=$(property lrd MainPID)
	# As long as it works it is left alone, and says so more than once.
	wait_for 60 watchdog_fed 2
	expect_eq "process" "$pid" "$(property lrd MainPID)"
	on kill -STOP "$pid"
	wait_for 60 restarted lrd "$pid"
	expect_match "why" "Watchdog timeout" "$(on journalctl --boot --quiet --output cat UNIT=roam-lrd.service)"
	wait_for 60 registered
}

# watchdog_fed TIMES: it was, that often since the first call.
watchdog_fed() {
	local last
	last=$(property lrd WatchdogTimestampMonotonic)
	if [[ ${fed_last:-} != "$last" ]]; then
		fed=$((${fed:--1} + 1))
		fed_last=$last
	fi
	((fed >= $1))
}

reload_takes_the_new_configuration() {
	local pid
	wait_for 60 registered
	pid=$(property lrd MainPID)
	expect_eq "prefixes" "$permanent_prefix" "$(prefixes)"
	on cp -p /etc/roam/lrd.conf /etc/roam/lrd.conf.good
	on_exit on mv /etc/roam/lrd.conf.good /etc/roam/lrd.conf
	on sed -i "s|^permanent = .*|permanent = {\"$permanent_prefix\", \"198.18.0.0/15\"}|" \
		/etc/roam/lrd.conf
	expect_ok on systemctl reload roam-lrd
	wait_for 60 prefixes_are "198.18.0.0/15 $permanent_prefix"
	# A broken one changes nothing, is named, and the unit stays.
	on sed -i "1i permanant = {}" /etc/roam/lrd.conf
	expect_ok on systemctl reload roam-lrd
	wait_for 60 journal_says lrd "/etc/roam/lrd.conf:1: no option 'permanant'; did you mean 'permanent'?.*stays in force"
	wait_for 60 property_is lrd ActiveState active
	prefixes_are "198.18.0.0/15 $permanent_prefix" || fail "prefixes: $(prefixes)"
	expect_eq "process" "$pid" "$(property lrd MainPID)"
	on cp -p /etc/roam/lrd.conf.good /etc/roam/lrd.conf
	expect_ok on systemctl reload roam-lrd
	wait_for 60 prefixes_are "$permanent_prefix"
}

prefixes() {
	on roam -j mangle range show | jq -r '[.[].prefix] | sort | join(" ")'
}

prefixes_are() {
	[[ $(prefixes) == "$1" ]]
}

# Who sees the unit fail looks at its status first. It does not try again and again.
broken_configuration_is_named() {
	local unit
	for unit in hlrd lrd; do
		on cp -p "/etc/roam/$unit.conf" "/etc/roam/$unit.conf.good"
		on_exit on systemctl start "roam-$unit"
		on_exit on systemctl reset-failed "roam-$unit"
		on_exit on mv "/etc/roam/$unit.conf.good" "/etc/roam/$unit.conf"
		on sed -i '1i lifetme = "5m"' "/etc/roam/$unit.conf"
		expect_fail on systemctl restart "roam-$unit"
		expect_match "status of roam-$unit" \
			"Active: failed .*status=78.*Status: \"/etc/roam/$unit.conf:1: no option 'lifetme'" \
			"$(on systemctl status --no-pager --full "roam-$unit")"
		expect_eq "restarts of $unit" 0 "$(property "$unit" NRestarts)"
	done
}

# The machine goes down and comes up; the module is not loaded by hand.
boot_configures_the_module() {
	local said
	expect_ok on systemctl enable roam-hlrd roam-lrd
	keep_journal
	on systemctl --no-block --force reboot
	wait_for 60 lib_gone "$machine_parent"
	expect_eq "module, before" "" "$(module_absent_now)"
	machine_start
	on_exit keep_journal
	wait_for 60 registered
	expect_eq "units" "active active" "$(on systemctl is-active roam-hlrd roam-lrd | xargs)"
	expect_eq "prefixes in the module" "$permanent_prefix" "$(prefixes)"
	expect_eq "exempt ports in the module" "2222 5060 5061 17434 17435" "$(on roam -j mangle config show |
		jq -r '.[0] | .exempt_port + .exempt_udp_port | sort | map(tostring) | join(" ")')"
	expect_eq "own mapping in the module" "$own own" "$(on roam -j mangle show "$permanent" |
		jq -r '.[0] | .care_of + " " + .role')"
	expect_eq "register that is asked" "$own" "$(on roam -j lr status | jq -r '.[0].register')"
	said=$(journal lrd | grep -o -E "register=$own port=17435 by=configuration|module configured|handoff")
	expect_eq "order in the journal" \
		"register=$own port=17435 by=configuration, module configured, handoff" \
		"${said//$'\n'/, }"
}

# page SECTION N: the Nth block of that section of the manual's page about laptops, without prompts.
page() {
	awk -v section="## $1" -v want="$2" '
		/^## / { here = index($0, section) == 1; n = 0 }
		!/^    / { open = 0; next }
		here { n += !open; open = 1; if (n == want) print substr($0, 5) }
	' "$top/Documentation/guide/laptop.md" | sed -E 's/^[#$] //; s/      .*//'
}

# followed SECTION N: its words, as root of the machine.
followed() {
	page "$@" >"$memory/words"
	[[ -s $memory/words ]] || fail "the page has no block $2 in '$1'"
	expect_ok on bash -e -c "cd /root; $(<"$memory/words")"
}

# A machine on which nothing was set up, by the page alone. The register is the machine's own.
laptop_page_is_followed() {
	on systemctl stop roam-lrd
	on bash -c 'cp /etc/roam/keys.d/lrd/laptop.key /root/ && rm -r /etc/roam/keys.d/lrd/* /etc/roam/lrd.conf'
	on nft -f - <<-END || skip "no firewall here"
		table inet filter {
			chain input {
				type filter hook input priority 0; policy drop;
				udp dport 17435 accept
			}
		}
	END
	on_exit on nft delete table inet filter
	followed "2. A key" 1
	page "2. A key" 2 | sed "s/198.51.100.66/$own:17435/" | configure lrd
	# The doctor fails, and says why: nobody answers.
	page "3. Start" 1 >"$memory/words"
	on bash -c "$(<"$memory/words")" || true
	wait_for 30 says_doctor "registration.*fail.*does a firewall on the way or on this host"
	followed "2. A key" 3
	wait_for 60 says_doctor "registration.*ok.*203.0.113.5 is known at $own"
	expect_eq "enabled" enabled "$(on systemctl is-enabled roam-lrd)"
	# The way back, for a while and for good.
	followed "5. The way back" 1
	wait_for 60 registered
	page "5. The way back" 2 | sed "s|^make |make -C $top |" >"$memory/words"
	expect_ok on bash -e -c "$(<"$memory/words")"
	expect_eq "rules, link and programs that are left" "" "$(on bash -c '
		ip rule | grep -E "^(7699|7700):"
		ip -o link | grep roam0
		ls /usr/sbin/roam-lrd /usr/bin/roam /lib/systemd/system/roam-lrd.service 2>/dev/null' | xargs)"
}

# Its status says whether it found something, which is not the question here.
says_doctor() {
	grep -q -E -- "$1" <<<"$(on roam doctor)"
}

module_absent_now() {
	modprobe -r roam_mangle || echo "cannot be unloaded"
	grep '^roam_mangle' /proc/modules
}

fixture install_roam
prove "GEN-05 GEN-08 OPEN-53: what make install leaves starts under systemd, and says that it is ready" both_run
prove "GEN-05 GEN-14: the units give few rights" they_run_with_few_rights
prove "SEC-16: a daemon's user has the keys of no other, and has nothing done by it" daemons_are_apart
prove "OPEN-45 GEN-05: a killed daemon is started again" killed_ones_come_back
prove "OPEN-45 GEN-05: a hanging daemon is noticed and started again" hanging_one_is_restarted
prove "SEC-09: a daemon that crashes leaves no core, which would hold its keys" nothing_is_dumped
prove "GEN-05: systemctl reload" reload_takes_the_new_configuration
prove "GEN-05: systemctl status names the mistake in a configuration" broken_configuration_is_named
prove "MLR-12 MLR-26 GEN-05: at boot the daemon chooses the register and configures the module" \
	boot_configures_the_module
prove "OPEN-53 HOST-09: a machine by the page about laptops alone, and the way back" laptop_page_is_followed
tests_done
