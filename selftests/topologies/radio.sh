# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Radios of mac80211_hwsim with hostapd and wpa_supplicant. Needs lib.sh and
# topologies/mmp.sh; the air interface of a base station is wlan0, those of a host wlan0,
# wlan1, ...
declare -A radio_bssid radio_pid radio_phy
radio_next=0

# radio_load NUMBER: so many radios.
radio_load() {
	modprobe mac80211_hwsim radios="$1" || skip "there is no mac80211_hwsim"
	on_exit modprobe -r mac80211_hwsim
	wait_for 20 test -e "/sys/class/ieee80211/phy$(($1 - 1))"
}

# radio_give NODE NAME: the next radio goes to a node, its interface gets that name.
radio_give() {
	local phy=phy$radio_next wlan
	radio_next=$((radio_next + 1))
	radio_phy[$1-$2]=$phy
	wlan=$(basename "/sys/class/ieee80211/$phy/device/net/"*)
	iw phy "$phy" set netns name "${mmp_ns[$1]}" || fail "$phy cannot go to $1"
	ip -n "${mmp_ns[$1]}" link set "$wlan" down
	[[ $wlan == "$2" ]] || ip -n "${mmp_ns[$1]}" link set "$wlan" name "$2"
}

# radio_access_point NODE CHANNEL
radio_access_point() {
	radio_give "$1" wlan0
	radio_bssid[$1]=$(ip -n "${mmp_ns[$1]}" -j link show wlan0 | jq -r ".[0].address")
	cat >"$mmp_dir/$1/hostapd.conf" <<-END
		interface=wlan0
		driver=nl80211
		ssid=roam
		hw_mode=g
		channel=$2
		beacon_int=50
		ap_isolate=1
	END
	bg in_ns "${mmp_ns[$1]}" hostapd "$mmp_dir/$1/hostapd.conf" >"$mmp_dir/$1/hostapd.log" 2>&1
	radio_pid[$1]=$bg_pid
	wait_for 30 grep -q AP-ENABLED "$mmp_dir/$1/hostapd.log"
}

# radio_station NODE INTERFACE: it knows the network, and scans nothing by itself.
radio_station() {
	radio_give "$1" "$2"
	cat >"$mmp_dir/$1/$2.conf" <<-END
		ctrl_interface=$mmp_dir/$1/wpa
		network={
			ssid="roam"
			key_mgmt=NONE
			scan_freq=2412 2437 2462
			bgscan="simple:1:-60:300"
		}
	END
}

# radio_on NODE INTERFACE [BS]: the station comes up, at this access point where one is named.
radio_on() {
	[[ ! ${3:-} ]] || sed -i "s/ssid=\"roam\"/&\n\tbssid=${radio_bssid[$3]}/" "$mmp_dir/$1/$2.conf"
	bg in_ns "${mmp_ns[$1]}" wpa_supplicant -D nl80211 -i "$2" -c "$mmp_dir/$1/$2.conf" \
		>"$mmp_dir/$1/$2.log" 2>&1
	radio_pid[$1-$2]=$bg_pid
	wait_for 30 radio_says "$1" "$2" status '^wpa_state=COMPLETED'
}

# radio_cli NODE INTERFACE COMMAND...
radio_cli() {
	in_ns "${mmp_ns[$1]}" wpa_cli -p "$mmp_dir/$1/wpa" -i "$2" "${@:3}"
}

# radio_loudness BS DBM: how loud everybody hears that access point, -80 at least; false where
# hwsim cannot.
radio_loudness() {
	local file=/sys/kernel/debug/ieee80211/${radio_phy[$1-wlan0]}/hwsim/rx_rssi
	[[ -d /sys/kernel/debug/ieee80211 ]] || mount -t debugfs none /sys/kernel/debug 2>/dev/null
	# A power of transmission of 20 dBm comes on top; the file takes a number without sign.
	[[ -w $file ]] && printf %u "$(($2 - 20))" >"$file"
}

# radio_says NODE INTERFACE COMMAND PATTERN
radio_says() {
	radio_cli "$1" "$2" "$3" | grep -q -i -- "$4"
}

# radio_knows NODE INTERFACE BS: it has heard that access point; asks anew where it has not.
radio_knows() {
	radio_says "$1" "$2" scan_results "^${radio_bssid[$3]}" && return
	radio_cli "$1" "$2" scan freq=2412,2437,2462 >/dev/null
	return 1
}

# radio_roam NODE INTERFACE BS: forced.
radio_roam() {
	radio_says "$1" "$2" status "^bssid=${radio_bssid[$3]}" && return
	wait_for 30 radio_knows "$1" "$2" "$3"
	radio_cli "$1" "$2" roam "${radio_bssid[$3]}" | grep -q OK || fail "no roam to $3"
	wait_for 30 radio_says "$1" "$2" status "^bssid=${radio_bssid[$3]}"
}

radio_keep_logs() {
	local log
	for log in "$mmp_dir"/*/hostapd.log "$mmp_dir"/*/wlan*.log; do
		[[ ! -e $log ]] || cp "$log" "$ROAM_OUT/$(basename "$(dirname "$log")").$(basename "$log")"
	done
}
