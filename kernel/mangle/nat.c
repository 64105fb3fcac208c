// SPDX-License-Identifier: GPL-2.0-only
#include <linux/inetdevice.h>
#include <net/ip.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "../core/packet.h"
#include "../core/route.h"
#include "mangle.h"
#include "nat.h"

bool mangle_nat_knows_wire(struct net *net, const struct sk_buff *skb, bool v6)
{
	struct nf_conntrack_tuple_hash *found;
	struct nf_conntrack_tuple tuple;
	const struct nf_conn *ct;
	bool translated;

	if (!nf_ct_get_tuplepr(skb, skb_network_offset(skb),
			       v6 ? NFPROTO_IPV6 : NFPROTO_IPV4, net, &tuple))
		return false;
	found = nf_conntrack_find_get(net, &nf_ct_zone_dflt, &tuple);
	if (!found)
		return false;
	ct = nf_ct_tuplehash_to_ctrack(found);
	translated = ct->status & IPS_NAT_MASK;
	nf_ct_put((struct nf_conn *)ct);
	return translated;
}

bool mangle_nat_may_forward(struct net *net, const struct net_device *in, bool v6)
{
	struct in_device *in_dev;

	if (v6)
		return READ_ONCE(net->ipv6.devconf_all->forwarding);
	in_dev = in ? __in_dev_get_rcu(in) : NULL;
	return in_dev ? IN_DEV_FORWARD(in_dev) :
			IPV4_DEVCONF_ALL(net, FORWARDING);
}

/* Is it the reply of a port that this host publishes? */
static bool mangle_nat_is_published(const struct sk_buff *skb)
{
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct = nf_ct_get(skb, &ctinfo);

	return ct && CTINFO2DIR(ctinfo) == IP_CT_DIR_REPLY &&
	       (ct->status & IPS_DST_NAT);
}

/*
 * The source by which a published port of ours is seen: the care-of address, unless
 * the other end is known not to know it yet, which sends its segment again later.
 * False: the packet has to be dropped.
 */
static bool mangle_nat_source(struct mangle_net *mn, const struct roam_pair6 *old,
			      const struct in6_addr **saddr)
{
	const struct mangle_peer_key key = { old->saddr, old->daddr };
	struct mangle_mapping *own = mangle_mapping_find(&mn->table, &old->saddr);
	struct mangle_endpoint *endpoint;
	struct mangle_peer *peer;

	endpoint = own && own->role == ROAM_MANGLE_ROLE_OWN ?
		   rcu_dereference(own->endpoint) : NULL;
	if (!endpoint)
		return true;
	mangle_mapping_touch(own);
	if (READ_ONCE(own->mode) == ROAM_MANGLE_MODE_SYMMETRIC)
		*saddr = &endpoint->coa;
	peer = mangle_peer_find(&mn->peers, &key);
	return !peer || mangle_peer_is_told(peer, READ_ONCE(own->epoch));
}

static unsigned int mangle_nat_translate(struct mangle_net *mn, struct sk_buff *skb,
					 bool v6)
{
	const struct roam_pair6 old = roam_packet_pair(skb, v6);
	const struct in6_addr *saddr = NULL;
	struct mangle_endpoint *to = NULL;
	struct mangle_mapping *mapping;
	struct roam_packet pkt;
	const __be16 *ports;
	__be16 buf[2];

	roam_packet_read(skb, v6, &pkt);
	if (!test_bit(pkt.protocol, mn->config.protocols) || pkt.later)
		return NF_ACCEPT;
	if (!mangle_nat_source(mn, &old, &saddr))
		return mangle_drop(mn, skb, MANGLE_DROP_UNTOLD);
	mapping = mangle_mapping_find(&mn->table, &old.daddr);
	if (mapping && mapping->role == ROAM_MANGLE_ROLE_REMOTE) {
		mangle_mapping_touch(mapping);
		to = rcu_dereference(mapping->endpoint);
	}
	if (!saddr && !to)
		return NF_ACCEPT;
	if (!roam_packet_open(skb, &pkt))
		return mangle_drop(mn, skb, MANGLE_DROP_MALFORMED);
	ports = roam_packet_ports(skb, &pkt, buf);
	if (mangle_is_exempt(mn, skb, pkt.protocol, ports, &old.daddr, NULL))
		return NF_ACCEPT;
	roam_packet_rewrite(skb, &pkt, saddr, to ? &to->coa : NULL);
	if (to) {
		if (roam_route_packet(mn->net, &to->route, skb, NULL))
			return mangle_drop(mn, skb, MANGLE_DROP_NO_ROUTE);
		/* Whoever sends set it for the route that it had. */
		skb->dev = skb_dst(skb)->dev;
	}
	mangle_count(mn, out_rewritten);
	return NF_ACCEPT;
}

unsigned int mangle_nat_forwarded(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	bool v6 = state->pf == NFPROTO_IPV6;

	/* What this host sends has passed mangle_output(). */
	if (likely(!(v6 ? IP6CB(skb)->flags & IP6SKB_FORWARDED :
			  IPCB(skb)->flags & IPSKB_FORWARDED)) ||
	    !mangle_nat_is_published(skb))
		return NF_ACCEPT;
	return mangle_nat_translate(priv, skb, v6);
}
