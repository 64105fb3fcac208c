// SPDX-License-Identifier: GPL-2.0-only
#include <linux/export.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <net/dst.h>
#include <net/inet_ecn.h>
#include <net/inet_sock.h>
#include <net/ip6_fib.h>
#include <net/ip_fib.h>
#include <net/sock.h>
#include <net/xfrm.h>

#include "addr.h"
#include "route.h"

/**
 * struct roam_route - a route and what it was chosen for
 * @saddr: source address
 * @dst: the route, with a reference
 * @cookie: for dst_check(), IPv6
 * @mark: of the packet
 * @oif: link the socket is bound to
 * @uid: owner of the socket
 * @tos: type of service, traffic class; without the bits of ECN
 * @rcu: frees it, and gives back @dst
 */
struct roam_route {
	struct in6_addr saddr;
	struct dst_entry *dst;
	u32 cookie;
	u32 mark;
	int oif;
	kuid_t uid;
	u8 tos;
	struct rcu_head rcu;
};

static void roam_route_key(struct net *net, struct roam_route *key,
			   const struct sk_buff *skb, const struct sock *sk)
{
	if (skb->protocol == htons(ETH_P_IPV6)) {
		key->saddr = ipv6_hdr(skb)->saddr;
		key->tos = ipv6_get_dsfield(ipv6_hdr(skb)) & ~INET_ECN_MASK;
	} else {
		key->saddr = roam_addr4(ip_hdr(skb)->saddr);
		key->tos = ip_hdr(skb)->tos & ~INET_ECN_MASK;
	}
	key->mark = skb->mark;
	key->oif = sk ? sk->sk_bound_dev_if : 0;
	key->uid = sock_net_uid(net, sk);
}

static bool roam_route_serves(const struct roam_route *route,
			      const struct roam_route *key)
{
	return ipv6_addr_equal(&route->saddr, &key->saddr) &&
	       route->mark == key->mark && route->oif == key->oif &&
	       uid_eq(route->uid, key->uid) && route->tos == key->tos &&
	       dst_check(route->dst, route->cookie);
}

/* Do rules look at more than what is compared, at ports perhaps? */
static bool roam_route_depends_on_flow(struct net *net, bool v6)
{
#if defined(CONFIG_IP_MULTIPLE_TABLES) && defined(CONFIG_IPV6_MULTIPLE_TABLES)
	return v6 ? net->ipv6.fib6_rules_require_fldissect :
		    net->ipv4.fib_rules_require_fldissect;
#else
	return true;
#endif
}

/* IPsec policies look at the whole flow as well. */
static bool roam_route_has_policy(const struct net *net, const struct sock *sk)
{
#ifdef CONFIG_XFRM
	return READ_ONCE(net->xfrm.policy_count[XFRM_POLICY_OUT]) ||
	       (sk && rcu_access_pointer(sk->sk_policy[XFRM_POLICY_OUT]));
#else
	return false;
#endif
}

static void roam_route_free_rcu(struct rcu_head *rcu)
{
	struct roam_route *route = container_of(rcu, struct roam_route, rcu);

	dst_release(route->dst);
	kfree(route);
}

void roam_route_free(struct roam_route *route)
{
	if (route)
		call_rcu(&route->rcu, roam_route_free_rcu);
}
EXPORT_SYMBOL_GPL(roam_route_free);

static u32 roam_route_cookie(const struct sk_buff *skb)
{
	if (skb->protocol != htons(ETH_P_IPV6))
		return 0;
	return rt6_get_cookie(dst_rt6_info(skb_dst(skb)));
}

static void roam_route_remember(struct roam_route __rcu **slot,
				const struct roam_route *key,
				const struct sk_buff *skb)
{
	struct dst_entry *dst = skb_dst(skb);
	struct roam_route *route;

	/* Without memory the next packet looks its route up again. */
	route = kmalloc(sizeof(*route), GFP_ATOMIC | __GFP_NOWARN);
	if (!route)
		return;
	*route = *key;
	route->dst = dst_clone(dst);
	route->cookie = roam_route_cookie(skb);
	roam_route_free(unrcu_pointer(xchg(slot, RCU_INITIALIZER(route))));
}

static noinline int roam_route_look_up(struct net *net, struct sk_buff *skb,
				       struct sock *sk)
{
	if (skb->protocol == htons(ETH_P_IPV6))
		return ip6_route_me_harder(net, sk, skb);
	return ip_route_me_harder(net, sk, skb, RTN_UNSPEC);
}

int roam_route_packet(struct net *net, struct roam_route __rcu **slot,
		      struct sk_buff *skb, struct sock *sk)
{
	struct roam_route *route, key;
	int err;

	if (sk)
		sk = sk_to_full_sk(sk);
	/* In a VRF the device of the packet is part of the question as well. */
	if (!slot || netif_is_l3_master(skb_dst(skb)->dev) ||
	    netif_is_l3_slave(skb_dst(skb)->dev) ||
	    roam_route_has_policy(net, sk) ||
	    roam_route_depends_on_flow(net, skb->protocol == htons(ETH_P_IPV6)))
		return roam_route_look_up(net, skb, sk);

	roam_route_key(net, &key, skb, sk);
	route = rcu_dereference(*slot);
	if (route && roam_route_serves(route, &key)) {
		skb_dst_drop(skb);
		/* A sender may leave RCU behind the hook, so the packet gets a reference. */
		skb_dst_set(skb, dst_clone(route->dst));
		if (skb_headroom(skb) >= LL_RESERVED_SPACE(route->dst->dev))
			return 0;
		return pskb_expand_head(skb,
			HH_DATA_ALIGN(LL_RESERVED_SPACE(route->dst->dev) -
				      skb_headroom(skb)), 0, GFP_ATOMIC);
	}
	err = roam_route_look_up(net, skb, sk);
	if (!err)
		roam_route_remember(slot, &key, skb);
	return err;
}
EXPORT_SYMBOL_GPL(roam_route_packet);
