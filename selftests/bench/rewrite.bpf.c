// SPDX-License-Identifier: GPL-2.0-only
/*
 * The peer "tc-bpf": the rewrite of the bench as a classifier with a hash map,
 * written as one would for production: TCP and UDP only, options and fragments
 * minded, checksums by the kernel's helpers.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/types.h>
#include <linux/udp.h>
#include <stddef.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define IP_OFFSET 0x1fff

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __be32);
	__type(value, __be32);
	__uint(max_entries, 1); /* the loader says how many */
} mappings SEC(".maps");

SEC("tc")
int rewrite(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	struct iphdr *ip = data + sizeof(struct ethhdr);
	__u64 flags = BPF_F_PSEUDO_HDR | sizeof(__be32);
	__be32 old, *new;
	__u32 check;

	if (skb->protocol != bpf_htons(ETH_P_IP) ||
	    (void *)(ip + 1) > (void *)(long)skb->data_end)
		return TC_ACT_OK;
	check = sizeof(struct ethhdr) + ip->ihl * 4;
	if (ip->protocol == IPPROTO_UDP) {
		check += offsetof(struct udphdr, check);
		flags |= BPF_F_MARK_MANGLED_0;
	} else if (ip->protocol == IPPROTO_TCP) {
		check += offsetof(struct tcphdr, check);
	} else {
		return TC_ACT_OK;
	}
	old = ip->daddr;
	new = bpf_map_lookup_elem(&mappings, &old);
	if (!new)
		return TC_ACT_OK;

	if (!(ip->frag_off & bpf_htons(IP_OFFSET)) &&
	    bpf_l4_csum_replace(skb, check, old, *new, flags))
		return TC_ACT_SHOT;
	if (bpf_l3_csum_replace(skb, sizeof(struct ethhdr) +
				offsetof(struct iphdr, check), old, *new,
				sizeof(__be32)) ||
	    bpf_skb_store_bytes(skb, sizeof(struct ethhdr) +
				offsetof(struct iphdr, daddr), new,
				sizeof(*new), 0))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
