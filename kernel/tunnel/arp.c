// SPDX-License-Identifier: GPL-2.0-only
#include <linux/if_arp.h>
#include <linux/jiffies.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/slab.h>
#include <net/arp.h>

#include "arp.h"
#include "table.h"

/* Of all nodes at once: so many in a jiffy, or neighbours lose some. */
#define TUNNEL_ANNOUNCE_BURST 16

/**
 * struct tunnel_announcement - what is to be said again
 * @node: in tunnel_net.announcements
 * @home: home address, the key
 * @end: in tunnel_net.announcement_ends, when it is said next
 * @link: index of the home link
 * @left: how many times more
 * @mac: where the node is, if @back
 * @back: the node is at home again; else this host stands for it
 * @rcu: frees it
 */
struct tunnel_announcement {
	struct rhash_head node;
	struct in6_addr home;
	struct roam_end end;
	u32 link;
	u32 left;
	u8 mac[ETH_ALEN];
	bool back;
	struct rcu_head rcu;
};

#define TUNNEL_ANNOUNCEMENT_PARAMS \
	ROAM_TABLE_PARAMS(struct tunnel_announcement, node, home)

/* ---- answers ---- */

unsigned int tunnel_hook_arp(void *priv, struct sk_buff *skb,
			     const struct nf_hook_state *state)
{
	struct net_device *dev = state->in;
	const struct arphdr *arp = arp_hdr(skb);
	const u8 *sha = (const u8 *)(arp + 1);
	struct tunnel_binding *binding;
	struct tunnel_net *tn = priv;
	__be32 sip, tip;

	/* The receiver has checked that all of it is there. */
	if (arp->ar_op != htons(ARPOP_REQUEST) ||
	    arp->ar_pro != htons(ETH_P_IP) || arp->ar_pln != sizeof(tip) ||
	    arp->ar_hln != dev->addr_len || dev->addr_len != ETH_ALEN)
		return NF_ACCEPT;
	memcpy(&sip, sha + ETH_ALEN, sizeof(sip));
	memcpy(&tip, sha + 2 * ETH_ALEN + sizeof(sip), sizeof(tip));
	/* It says who has the address, and asks nothing. */
	if (sip == tip || READ_ONCE(tn->config.silent))
		return NF_ACCEPT;
	binding = tunnel_binding_find(tn, tip);
	if (!binding || READ_ONCE(binding->home_link) != dev->ifindex)
		return NF_ACCEPT;
	arp_send(ARPOP_REPLY, ETH_P_ARP, sip, dev, tip, sha, dev->dev_addr,
		 sha);
	tunnel_count(tn, arp_replies);
	/* Or the kernel's own list of proxies would answer as well. */
	consume_skb(skb);
	return NF_STOLEN;
}

/* ---- gratuitous ARP ---- */

/*
 * The node's address stands in the message only: a frame that came from here with
 * the node's address as source would tell every switch that the node is here.
 */
static void tunnel_announcement_xmit(const struct tunnel_announcement *say,
				     struct net_device *dev)
{
	__be32 home = roam_addr_to4(&say->home);
	struct sk_buff *skb;

	skb = arp_create(ARPOP_REQUEST, ETH_P_ARP, home, dev, home, NULL, NULL,
			 NULL);
	if (!skb)
		return;
	if (say->back && dev->addr_len == ETH_ALEN)
		memcpy(arp_hdr(skb) + 1, say->mac, ETH_ALEN);
	arp_xmit(skb);
}

static void tunnel_announcement_send(struct tunnel_net *tn,
				     const struct tunnel_announcement *say)
{
	struct net_device *dev;

	rcu_read_lock();
	dev = dev_get_by_index_rcu(tn->net, say->link);
	if (dev && netif_running(dev) && !(dev->flags & IFF_NOARP)) {
		tunnel_announcement_xmit(say, dev);
		this_cpu_inc(tn->stats->announcements);
	}
	rcu_read_unlock();
}

static void tunnel_announcement_forget(struct tunnel_net *tn,
				       struct tunnel_announcement *say)
{
	roam_ends_del(&tn->announcement_ends, &say->end);
	rhashtable_remove_fast(&tn->announcements, &say->node,
			       TUNNEL_ANNOUNCEMENT_PARAMS);
	kfree_rcu(say, rcu);
}

static struct tunnel_announcement *
tunnel_announcement_get(struct tunnel_net *tn, const struct in6_addr *home)
{
	struct tunnel_announcement *say;

	say = rhashtable_lookup_fast(&tn->announcements, home,
				     TUNNEL_ANNOUNCEMENT_PARAMS);
	if (say)
		return say;
	say = kzalloc(sizeof(*say), GFP_KERNEL_ACCOUNT);
	if (!say)
		return NULL;
	say->home = *home;
	if (!roam_table_insert(&tn->announcements, &say->node,
			       TUNNEL_ANNOUNCEMENT_PARAMS))
		return say;
	kfree(say);
	return NULL;
}

/* To be said @times, first in @delay jiffies. */
static void tunnel_announcement_fill(struct tunnel_net *tn,
				     struct tunnel_announcement *say,
				     const struct tunnel_binding *binding,
				     const u8 *mac, u32 times, u32 delay)
{
	u32 now = (u32)jiffies;

	say->link = binding->home_link;
	say->left = times;
	say->back = mac;
	if (mac)
		memcpy(say->mac, mac, ETH_ALEN);
	if (!times)
		return;
	roam_ends_add(&tn->announcement_ends, &say->end, now, now + delay);
	roam_sweep_within(&tn->sweep, delay);
}

void tunnel_announce(struct tunnel_net *tn,
		     const struct tunnel_binding *binding, const u8 *mac)
{
	u32 times = tn->config.announce_count;
	struct tunnel_announcement *say, once = { .home = binding->home };

	lockdep_assert_held(&tn->lock);
	if (!binding->home_link || !times || tn->config.silent)
		return;
	say = tunnel_announcement_get(tn, &binding->home);
	if (!say) {
		tunnel_announcement_fill(tn, &once, binding, mac, 0, 0);
		tunnel_announcement_send(tn, &once);
		return;
	}
	tunnel_announcement_fill(tn, say, binding, mac, times - 1,
				 tn->config.announce_interval);
	tunnel_announcement_send(tn, say);
	if (!say->left)
		tunnel_announcement_forget(tn, say);
}

/**
 * struct tunnel_announce_walk - all bindings, one after the other
 * @tn: namespace
 * @n: how many have been asked for
 */
struct tunnel_announce_walk {
	struct tunnel_net *tn;
	u32 n;
};

static bool tunnel_announce_one(void *entry, void *ctx)
{
	struct tunnel_announce_walk *walk = ctx;
	const struct tunnel_binding *binding = entry;
	struct tunnel_net *tn = walk->tn;
	struct tunnel_announcement *say;

	if (!binding->home_link)
		return true;
	say = rhashtable_lookup_fast(&tn->announcements, &binding->home,
				     TUNNEL_ANNOUNCEMENT_PARAMS);
	if (!say) {
		/* The walk is under RCU. */
		say = kzalloc(sizeof(*say), GFP_ATOMIC | __GFP_NOWARN);
		if (!say)
			return true;
		say->home = binding->home;
		if (rhashtable_insert_fast(&tn->announcements, &say->node,
					   TUNNEL_ANNOUNCEMENT_PARAMS)) {
			kfree(say);
			return true;
		}
	}
	tunnel_announcement_fill(tn, say, binding, NULL,
				 max(tn->config.announce_count, 1U),
				 walk->n++ / TUNNEL_ANNOUNCE_BURST);
	return true;
}

u32 tunnel_announce_all(struct tunnel_net *tn)
{
	struct tunnel_announce_walk walk = { tn };

	lockdep_assert_held(&tn->lock);
	roam_table_walk(&tn->bindings, tunnel_announce_one, &walk);
	return walk.n;
}

static bool tunnel_announcement_due(struct roam_end *end, u32 now, u32 *again,
				    void *ctx)
{
	struct tunnel_announcement *say =
		container_of(end, struct tunnel_announcement, end);
	struct tunnel_net *tn = ctx;

	if (!tn->config.silent)
		tunnel_announcement_send(tn, say);
	if (tn->config.silent || !--say->left) {
		tunnel_announcement_forget(tn, say);
		return false;
	}
	*again = now + tn->config.announce_interval;
	return true;
}

bool tunnel_announce_run(struct tunnel_net *tn, unsigned int budget)
{
	lockdep_assert_held(&tn->lock);
	return roam_ends_run(&tn->announcement_ends, (u32)jiffies, budget,
			     tunnel_announcement_due, tn);
}

int tunnel_announce_init(struct tunnel_net *tn)
{
	roam_ends_init(&tn->announcement_ends, (u32)jiffies);
	return rhashtable_init(&tn->announcements, &TUNNEL_ANNOUNCEMENT_PARAMS);
}

static void tunnel_announcement_free(void *entry, void *ctx)
{
	kfree(entry);
}

void tunnel_announce_exit(struct tunnel_net *tn)
{
	rhashtable_free_and_destroy(&tn->announcements,
				    tunnel_announcement_free, NULL);
}
