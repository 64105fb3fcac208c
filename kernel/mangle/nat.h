/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What address translators of this host make of packets: Docker, Kubernetes and
 * virtual machines publish ports by DNAT, and go out by masquerading.
 *
 * - A reply to somebody behind us who goes out by a care-of address of ours has that
 *   as destination, and no socket here. It is the translator's: mangle_nat_knows_wire().
 * - A published port is asked for at an address of ours, so the mobile host's address
 *   is restored; then the packet is forwarded. Its reply passes no LOCAL_OUT: it is
 *   translated behind the translator, mangle_nat_forwarded().
 */
#ifndef ROAM_MANGLE_NAT_H
#define ROAM_MANGLE_NAT_H

#include <linux/netfilter.h>
#include <linux/types.h>
#include <net/net_namespace.h>
#include <net/netfilter/nf_conntrack.h>

struct mangle_net;
struct net_device;
struct sk_buff;

/**
 * mangle_nat_is_used() - may there be a translator in this namespace?
 * @net: the namespace
 * @v6: the family that is asked about
 *
 * Called by a hook of PRE_ROUTING. Conntrack begins its work on a packet there: where no
 * hook but ours stands, no connection is watched, and that costs two loads for each packet
 * without a socket.
 */
static inline bool mangle_nat_is_used(const struct net *net, bool v6)
{
	const struct nf_hook_entries *first =
		v6 ? rcu_dereference(net->nf.hooks_ipv6[NF_INET_PRE_ROUTING]) :
		     rcu_dereference(net->nf.hooks_ipv4[NF_INET_PRE_ROUTING]);

	return unlikely(first && first->num_hook_entries > 1) && nf_conntrack_count(net);
}

/**
 * mangle_nat_knows_wire() - is a received packet part of a translated connection, as
 * it is on the wire?
 * @net: the namespace
 * @skb: the packet; before conntrack has seen it
 * @v6: it is an IPv6 packet
 */
bool mangle_nat_knows_wire(struct net *net, const struct sk_buff *skb, bool v6);

/* Does this host forward what comes by the link, so that it may be a translator? */
bool mangle_nat_may_forward(struct net *net, const struct net_device *in, bool v6);

/* Hook for both families: POST_ROUTING, behind source NAT. */
unsigned int mangle_nat_forwarded(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state);

#endif
