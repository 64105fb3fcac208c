# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Domains of MMP, each node a network namespace. Needs lib.sh.
#
#   mmp_domain SHAPE makes the namespaces and cables, mmp_start the daemons.
#
#   a      figure 2A:  cn -- gw1 -- n1 -- bs1, bs2     n2 -- bs3, bs4
#   b      figure 2B:  the same, each base station below both n1 and n2
#   c      figure 2C:  the same as a, gw2 beside gw1, both above n1 and n2
#   bc     both of them
#
#   two            two domains in one subnet: gw1 -- n1 -- bs1, bs2 and gw2 -- n2 -- bs3, bs4; each
#                  gateway has a link to the border router, which has no route to the subnet
#   switch         gw1 -- sw -- n1 -- bs1, bs2, and bs3 at sw as well: sw is a layer-2 switch
#
# The mobile host mn has a link on the air to each base station: air1 .. air4, and its
# care-of address on a dummy device. cn, the correspondent, is behind a border
# router br.
readonly mmp_coa=10.7.0.99 mmp_coa6=2001:db8:7::99
readonly mmp_cn=192.0.2.2 mmp_cn6=2001:db8:2::2
readonly mmp_gw=10.7.0.1 mmp_gw6=2001:db8:7::1
readonly mmp_gw2=10.7.0.2 mmp_gw26=2001:db8:7::2
mmp_bin=${ROAM_BIN:-$(realpath "$(dirname "${BASH_SOURCE[0]}")/../../build/bin")}
declare -A mmp_domain_id=() # of nodes that are in another domain than 7
declare -A mmp_subnets=() mmp_gateway=() mmp_gateway6=() # of nodes in another subnet: its prefixes, its addresses
declare -A mmp_ns mmp_pid mmp_role mmp_uplinks

# What a node's namespace gets is collected, and carried out by few programs: a guest
# spends its time on starting them.
declare -A mmp_lines mmp_settings
mmp_links=()

# mmp_sysctl NODE NAME=VALUE...: below net/
mmp_sysctl() {
	local node=$1 setting
	shift
	for setting; do
		mmp_settings[$node]+="echo ${setting#*=} >/proc/sys/net/${setting%%=*} && "
	done
}

# mmp_ip NODE WORD...: a line for ip there.
mmp_ip() {
	mmp_lines[$1]+="${*:2}"$'\n'
}

# mmp_carry_out: all that was collected.
mmp_carry_out() {
	local node
	# Before the links, which get the defaults.
	for node in "${!mmp_settings[@]}"; do
		in_ns "${mmp_ns[$node]}" busybox sh -c "${mmp_settings[$node]} true" ||
			fail "$node: settings"
	done
	printf '%s\n' "${mmp_links[@]}" | ip -batch - || fail "no links"
	for node in "${!mmp_lines[@]}"; do
		ip -n "${mmp_ns[$node]}" -batch - <<<"${mmp_lines[$node]}" || fail "$node: addresses and routes"
	done
	mmp_links=() mmp_lines=() mmp_settings=()
}

# mmp_node NAME ROLE
mmp_node() {
	local space=$1
	printf -v space 'mmp-%s-%08x' "$1" "$SRANDOM"
	ip netns add "$space" || fail "no namespace $1"
	on_exit ns_delete "$space"
	mmp_ns[$1]=$space
	mmp_role[$1]=$2
	mmp_uplinks[$1]=0
	mkdir -p "$mmp_dir/$1"
	mmp_ip "$1" link set lo up
	mmp_sysctl "$1" ipv6/conf/default/accept_dad=0 ipv6/conf/default/accept_ra=0 \
		ipv4/conf/default/rp_filter=0 ipv4/conf/all/rp_filter=0
}

# mmp_veth NODE1 IF1 NODE2 IF2
mmp_veth() {
	mmp_links+=("link add $2 netns ${mmp_ns[$1]} type veth peer name $4 netns ${mmp_ns[$3]}")
	mmp_ip "$1" link set "$2" up
	mmp_ip "$3" link set "$4" up
}

# mmp_cable UPPER LOWER: a link, up0, up1, ... at the lower end.
mmp_cable() {
	local up=up${mmp_uplinks[$2]}
	mmp_uplinks[$2]=$((mmp_uplinks[$2] + 1))
	mmp_veth "$1" "to-$2" "$2" "$up"
}

# mmp_air BS NUMBER: the host's link to a base station.
mmp_air() {
	mmp_veth "$1" air mn "air$2"
}

# mmp_second_host NAME BS: a host with a link on the air of a base station.
mmp_second_host() {
	mmp_node "$1" stranger
	mmp_veth "$2" "air-$1" "$1" air1
	mmp_ip "$1" link add own type dummy
	mmp_ip "$1" link set own up
	mmp_ip "$1" address add "$mmp_coa/32" dev own
	mmp_carry_out
}

# mmp_config NODE [LINE...]: ten lines, the same everywhere but for the role.
mmp_config() {
	local node=$1 file=$mmp_dir/$1/mmpd.conf
	shift
	{
		cat <<-END
			role = "${mmp_role[$node]}"
			name = "$node"
			domain = ${mmp_domain_id[$node]:-7}
			keys = "$mmp_dir/domain.key"
			subnets = {${mmp_subnets[$node]:-"10.7.0.0/16", "2001:db8:7::/64"}}
			links = {"up*", "to-*"}
			air = {"${arrival_air:-air}*"}
			state = "$mmp_dir/$node/state"
		END
		case ${mmp_role[$node]} in
		gateway)
			local own=$mmp_gw own6=$mmp_gw6
			[[ $node != gw2 ]] || own=$mmp_gw2 own6=$mmp_gw26
			[[ ! ${mmp_gateway[$node]:-} ]] || own=${mmp_gateway[$node]} own6=${mmp_gateway6[$node]:-}
			echo "gateway { address = \"$own\" address6 = \"$own6\" beacon = \"${mmp_beacon:-1s}\" }"
			;;
		base-station) echo "base-station { router = \"\" beacon = \"${mmp_air_beacon:-500ms}\" }" ;;
		esac
		echo "missed = ${mmp_missed:-6}"
		echo "spread = \"${mmp_spread:-50ms}\""
		printf '%s\n' "$@"
	} >"$file"
}

# mmp_host_config [LINE...]: of the mobile host.
mmp_host_config() {
	in_ns "${mmp_ns[mn]}" "$mmp_bin/roam" mmp keygen 1 "$mmp_dir/domain.key" \
		"$mmp_coa" "$mmp_coa6" >"$mmp_dir/mn/keys" || fail "no keys for the host"
	chmod 600 "$mmp_dir/mn/keys"
	cat >"$mmp_dir/mn/mmpd.conf" <<-END
		role = "host"
		keys = "$mmp_dir/mn/keys"
		air = {"${arrival_air:-air}*"}
		state = "$mmp_dir/mn/state"
		missed = ${mmp_missed:-6}
		host {
			address = {"$mmp_coa", "$mmp_coa6"}
			key = {1001, 1002}
			handoff = "${mmp_handoff:-semi-soft}"
			$(printf '%s\n' "$@")
		}
	END
}

# mmp_border GW NUMBER: a gateway's link to the border router.
mmp_border() {
	local gw=$1 n=$2
	mmp_veth br "gw$n" "$gw" border
	mmp_ip br address add "192.0.2.$((16 * n + 1))/28" dev "gw$n"
	mmp_ip br address add "2001:db8:f$n::1/64" dev "gw$n"
	mmp_ip "$gw" address add "192.0.2.$((16 * n + 2))/28" dev border
	mmp_ip "$gw" address add "2001:db8:f$n::2/64" dev border
	mmp_ip "$gw" route add default via "192.0.2.$((16 * n + 1))"
	mmp_ip "$gw" route add default via "2001:db8:f$n::1"
	mmp_sysctl "$gw" ipv4/ip_forward=1 ipv6/conf/all/forwarding=1
}

# mmp_enter_by NUMBER: the border router sends what is for the domain to this gateway.
mmp_enter_by() {
	ip -n "${mmp_ns[br]}" route replace 10.7.0.0/16 via "192.0.2.$((16 * $1 + 2))"
	ip -n "${mmp_ns[br]}" route replace 2001:db8:7::/64 via "2001:db8:f$1::2"
}

mmp_second_gateway() {
	mmp_node gw2 gateway
	mmp_border gw2 2
	mmp_ip gw2 address add "$mmp_gw2/32" dev lo
	mmp_ip gw2 address add "$mmp_gw26/128" dev lo
}

# mmp_domain SHAPE
mmp_domain() {
	local i stations=(1 2 3 4)
	mmp_dir=$(mktemp -d /run/roam-mmp.XXXXXX)
	on_exit mmp_keep_logs
	modprobe roam_mmp || fail "roam_mmp cannot be loaded"
	mmp_node cn correspondent
	mmp_node br router
	mmp_node gw1 gateway
	mmp_node n1 node
	if [[ $1 == switch ]]; then
		mmp_node sw switch
		stations=(1 2 3)
	else
		mmp_node n2 node
	fi
	for i in "${stations[@]}"; do
		mmp_node "bs$i" base-station
	done
	mmp_node mn host
	mmp_veth cn eth0 br cn
	mmp_ip cn address add "$mmp_cn/28" dev eth0
	mmp_ip cn address add "$mmp_cn6/64" dev eth0
	mmp_ip br address add 192.0.2.1/28 dev cn
	mmp_ip br address add 2001:db8:2::1/64 dev cn
	mmp_ip cn route add default via 192.0.2.1
	mmp_ip cn route add default via 2001:db8:2::1
	mmp_sysctl br ipv4/ip_forward=1 ipv6/conf/all/forwarding=1
	mmp_border gw1 1
	mmp_ip gw1 address add "$mmp_gw/32" dev lo
	mmp_ip gw1 address add "$mmp_gw6/128" dev lo
	if [[ $1 == switch ]]; then
		mmp_ip sw link add bridge type bridge
		mmp_ip sw link set bridge up
		mmp_veth gw1 to-sw sw port0
		mmp_cable sw n1
		mmp_cable sw bs3
		mmp_cable n1 bs1
		mmp_cable n1 bs2
		for i in port0 to-n1 to-bs3; do
			mmp_ip sw link set "$i" master bridge
		done
	else
		mmp_cable gw1 n1
		case $1 in
		two)
			mmp_second_gateway
			mmp_domain_id=([gw2]=8 [n2]=8 [bs3]=8 [bs4]=8)
			mmp_cable gw2 n2
			;;
		c | bc)
			mmp_cable gw1 n2
			mmp_second_gateway
			mmp_cable gw2 n1
			mmp_cable gw2 n2
			;;
		*)
			mmp_cable gw1 n2
			;;
		esac
		for i in 1 2 3 4; do
			mmp_cable "n$(((i + 1) / 2))" "bs$i"
		done
	fi
	for i in "${stations[@]}"; do
		mmp_air "bs$i" "$i"
	done
	if [[ $1 == b || $1 == bc ]]; then
		for i in 1 2 3 4; do
			mmp_cable "n$((2 - (i - 1) / 2))" "bs$i"
		done
	fi
	mmp_ip mn link add own type dummy
	mmp_ip mn link set own up
	mmp_ip mn address add "$mmp_coa/32" dev own
	mmp_ip mn address add "$mmp_coa6/128" dev own nodad
	mmp_carry_out
	[[ $1 == two ]] || mmp_enter_by 1
	"$mmp_bin/roam" mmp keygen 1 >"$mmp_dir/domain.key" || fail "no domain key"
	chmod 600 "$mmp_dir/domain.key"
}

mmp_keep_logs() {
	local log
	for log in "$mmp_dir"/*/log; do
		[[ -e $log ]] || continue
		cp "$log" "$ROAM_OUT/${mmp_label:-mmp}.$(basename "$(dirname "$log")").log"
	done
	rm -rf "$mmp_dir"
}

# mmp_daemon NODE: starts its daemon.
mmp_daemon() {
	mkdir -p "$mmp_dir/$1/run"
	bg in_ns "${mmp_ns[$1]}" "$mmp_bin/roam-mmpd" -c "$mmp_dir/$1/mmpd.conf" \
		-s "$mmp_dir/$1/run/mmpd.sock" >>"$mmp_dir/$1/log" 2>&1
	mmp_pid[$1]=$bg_pid
}

# mmp_tool NODE ARGUMENT...: roam mmp there.
mmp_tool() {
	ROAM_RUN_DIR=$mmp_dir/$1/run in_ns "${mmp_ns[$1]}" "$mmp_bin/roam" -j mmp "${@:2}"
}

# mmp_get NODE COMMAND FILTER: a value out of its answer.
mmp_get() {
	local filter=$3
	[[ $2 != status && $2 != counters && $2 != stats ]] || filter=".[0] | $filter"
	mmp_tool "$1" "$2" | jq -r "$filter"
}

# mmp_is NODE COMMAND FILTER VALUE
mmp_is() {
	[[ $(mmp_get "$1" "$2" "$3") == "$4" ]]
}

# mmp_start: all daemons, until the host is attached.
mmp_start() {
	local node
	for node in "${!mmp_role[@]}"; do
		case ${mmp_role[$node]} in
		gateway | node | base-station)
			[[ -e $mmp_dir/$node/mmpd.conf ]] || mmp_config "$node"
			mmp_daemon "$node"
			;;
		esac
	done
	[[ -e $mmp_dir/mn/mmpd.conf ]] || mmp_host_config
	mmp_daemon mn
	wait_for 60 mmp_is mn status .state attached
}

# mmp_at BS: the host is there, and acknowledged.
mmp_at() {
	[[ $(mmp_get mn status '.base_station + " " + .state') == "$1 attached" ]]
}

# mmp_move BS
mmp_move() {
	mmp_tool mn move "$1" >/dev/null || fail "the host cannot go to $1"
	wait_for 60 mmp_at "$1"
}

# ---- traffic ----

# mmp_flow SECONDS RATE [6]: both ways at once; each end says what it got in
# $mmp_dir/flow.down and flow.up: "sent received lost twice gap_ms". The host's address is
# $mmp_flow_host where that is set.
mmp_flow() {
	local here=${mmp_flow_host:-$mmp_coa} there=$mmp_cn
	[[ ${3:-} != 6 ]] || here=$mmp_coa6 there=$mmp_cn6
	rm -f "$mmp_dir"/flow.*
	bg in_ns "${mmp_ns[mn]}" /usr/bin/python3 "$mmp_flow_py" "$here" "$there" "$1" "$2" "$mmp_dir/flow.down"
	mmp_flow_pids=("$bg_pid")
	bg in_ns "${mmp_ns[cn]}" /usr/bin/python3 "$mmp_flow_py" "$there" "$here" "$1" "$2" "$mmp_dir/flow.up"
	mmp_flow_pids+=("$bg_pid")
	wait_for 60 mmp_flow_runs
}
mmp_moves_py=$(realpath "$(dirname "${BASH_SOURCE[0]}")")/moves.py
mmp_flow_py=$(realpath "$(dirname "${BASH_SOURCE[0]}")")/flow.py

mmp_flow_runs() {
	[[ -s $mmp_dir/flow.down.ready && -s $mmp_dir/flow.up.ready ]]
}

# mmp_flow_end: waits for its end; sets lost_down, twice_down, gap_down and the same of up.
mmp_flow_end() {
	local pid
	for pid in "${mmp_flow_pids[@]}"; do
		wait "$pid" || fail "a flow failed"
	done
	# shellcheck disable=SC2034 # the tests'
	read -r got_down lost_down twice_down gap_down <"$mmp_dir/flow.down"
	# shellcheck disable=SC2034
	read -r got_up lost_up twice_up gap_up <"$mmp_dir/flow.up"
	echo "down: $got_down got, $lost_down lost, $twice_down twice, gap $gap_down ms; up: $got_up got, $lost_up lost, $twice_up twice, gap $gap_up ms"
	grep -H . "$mmp_dir"/flow.*.lost
	return 0
}
