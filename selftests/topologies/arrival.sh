# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Two sub-networks, each a domain of MMP with a server of DRCP at its gateway, and a host that
# has an address of neither. Needs lib.sh and topologies/mmp.sh.
#
#   cn -- br -- gw1 -- bs1            domain 7, 10.7.0.0/16
#            -- gw2 -- n2 -- bs2, bs3 domain 8, 10.8.0.0/16 and 2001:db8:8::/64
#
# The host mn has a link to each base station, air1 .. air3, one of them up. Its address,
# which lies on a dummy device, is roam-drcpd's there; base stations and n2 relay.
declare -A arrival_pid
readonly arrival_client=02:00:00:00:00:99
readonly arrival_nodes=(gw1 gw2 n2 bs1 bs2 bs3)

# arrival_network: namespaces and cables; not the air.
arrival_network() {
	mmp_dir=$(mktemp -d /run/roam-mmp.XXXXXX)
	on_exit mmp_keep_logs
	on_exit arrival_keep_logs
	modprobe roam_mmp || fail "roam_mmp cannot be loaded"
	mmp_node cn correspondent
	mmp_node br router
	mmp_node gw1 gateway
	mmp_node gw2 gateway
	mmp_node n2 node
	mmp_node bs1 base-station
	mmp_node bs2 base-station
	mmp_node bs3 base-station
	mmp_node mn host
	mmp_domain_id=([gw2]=8 [n2]=8 [bs2]=8 [bs3]=8)
	mmp_gateway=([gw1]=10.7.0.1 [gw2]=10.8.0.1)
	mmp_gateway6=([gw2]=2001:db8:8::1)
	local node
	for node in "${arrival_nodes[@]}"; do
		mmp_subnets[$node]="\"10.${mmp_domain_id[$node]:-7}.0.0/16\""
		[[ ! ${mmp_domain_id[$node]:-} ]] || mmp_subnets[$node]+=', "2001:db8:8::/64"'
	done
	mmp_veth cn eth0 br cn
	mmp_ip cn address add "$mmp_cn/28" dev eth0
	mmp_ip cn route add default via 192.0.2.1
	mmp_ip br address add 192.0.2.1/28 dev cn
	mmp_ip cn address add "$mmp_cn6/64" dev eth0
	mmp_ip cn route add default via 2001:db8:2::1
	mmp_ip br address add 2001:db8:2::1/64 dev cn
	mmp_sysctl br ipv4/ip_forward=1 ipv6/conf/all/forwarding=1
	mmp_border gw1 1
	mmp_border gw2 2
	mmp_ip gw1 address add 10.7.0.1/32 dev lo
	mmp_ip gw2 address add 10.8.0.1/32 dev lo
	mmp_ip br route add 10.7.0.0/16 via 192.0.2.18
	mmp_ip gw2 address add 2001:db8:8::1/128 dev lo
	mmp_ip br route add 10.8.0.0/16 via 192.0.2.34
	mmp_ip br route add 2001:db8:8::/64 via 2001:db8:f2::2
	mmp_cable gw1 bs1
	mmp_cable gw2 n2
	mmp_cable n2 bs2
	mmp_cable n2 bs3
	mmp_ip mn link add own type dummy
	mmp_ip mn link set own up
}

arrival_keep_logs() {
	local log
	for log in "$mmp_dir"/*/drcp.log; do
		[[ ! -e $log ]] || cp "$log" "$ROAM_OUT/drcp.$(basename "$(dirname "$log")").log"
	done
}

arrival_keys() {
	(
		umask 077
		"$mmp_bin/roam" mmp keygen 1 >"$mmp_dir/domain.key" &&
			"$mmp_bin/roam" mmp keygen 1 >"$mmp_dir/drcp.key" &&
			"$mmp_bin/roam" mmp keygen 1 "$mmp_dir/domain.key" >"$mmp_dir/mn/keys" &&
			"$mmp_bin/roam" drcp keygen 1 "$mmp_dir/drcp.key" "$arrival_client" >"$mmp_dir/mn/drcp.keys"
	) || fail "no keys"
}

# arrival_drcp NODE LINE...: the configuration of its roam-drcpd.
arrival_drcp() {
	local node=$1
	shift
	printf '%s\n' "keys = \"$mmp_dir/drcp.key\"" "store = \"$mmp_dir/$node/leases\"" "$@" \
		>"$mmp_dir/$node/drcpd.conf"
}

# arrival_server GW LINK SUBNET: 10.SUBNET.0.0/16
arrival_server() {
	arrival_drcp "$1" 'role = "server"' "links = {\"$2\"}" 'relays = yes' "mmp_keys = \"$mmp_dir/domain.key\"" \
		"pool \"10.$3.0.0/16\" { first = \"10.$3.1.1\" last = \"10.$3.1.250\" lease = \"${arrival_lease:-1h}\" }"
}

# arrival_host LINKS [LINE...]: the host's two configurations; its links as in a list.
arrival_host() {
	local links=$1
	shift
	arrival_drcp mn 'role = "client"' "links = {$links}" "client = \"$arrival_client\"" 'device = "own"' \
		"mmp_keys = \"$mmp_dir/mn/address.key\"" "dhcp_wait = \"${arrival_dhcp_wait:-3s}\""
	sed -i "s|^keys = .*|keys = \"$mmp_dir/mn/drcp.keys\"|" "$mmp_dir/mn/drcpd.conf"
	cat >"$mmp_dir/mn/mmpd.conf" <<-END
		role = "host"
		keys = "$mmp_dir/mn/keys"
		air = {$links}
		state = "$mmp_dir/mn/state"
		missed = ${mmp_missed:-6}
		host {
			drcp = "$mmp_dir/mn/run/drcpd.sock"
			handoff = "${mmp_handoff:-semi-soft}"
			$(printf '%s\n' "$@")
		}
	END
}

# arrival_drcpd NODE: starts its roam-drcpd.
arrival_drcpd() {
	mkdir -p "$mmp_dir/$1/run"
	bg in_ns "${mmp_ns[$1]}" "$mmp_bin/roam-drcpd" -v -c "$mmp_dir/$1/drcpd.conf" \
		-s "$mmp_dir/$1/run/drcpd.sock" >>"$mmp_dir/$1/drcp.log" 2>&1
	arrival_pid[$1]=$bg_pid
}

# arrival_start: all daemons but the host's.
arrival_start() {
	local node
	arrival_keys
	arrival_server gw1 to-bs1 7
	arrival_server gw2 to-n2 8
	arrival_drcp n2 'role = "relay"' 'links = {"up0", "to-bs2", "to-bs3"}'
	for node in bs1 bs2 bs3; do
		arrival_drcp "$node" 'role = "relay"' 'links = {"up0"}' "air = {\"${arrival_air:-air}\"}"
	done
	for node in "${arrival_nodes[@]}"; do
		mmp_config "$node"
		mmp_daemon "$node"
		arrival_drcpd "$node"
	done
	for node in bs1 bs2 bs3; do
		wait_for 30 mmp_is "$node" status .gateway "${mmp_gateway[gw$((${mmp_domain_id[$node]:-7} - 6))]}"
	done
}

# arrival_drcp_get NODE COMMAND FILTER
arrival_drcp_get() {
	ROAM_RUN_DIR=$mmp_dir/$1/run in_ns "${mmp_ns[$1]}" "$mmp_bin/roam" -j drcp "$2" | jq -r "$3"
}

# arrival_address: of the host, all that its device has.
arrival_address() {
	ip -n "${mmp_ns[mn]}" -4 -j address show dev own | jq -r '[.[].addr_info[]?.local] | join(" ")'
}

# arrival_at BS SUBNET: acknowledged there, with one address, of that subnet, which the kernel prefers.
arrival_at() {
	mmp_at "$1" && [[ $(arrival_address) == 10.$2.1.* && $(arrival_address) != *' '* ]] &&
		[[ "$(ip -n "${mmp_ns[mn]}" route get "$mmp_cn") " == *" src $(arrival_address) "* ]]
}
