// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cgroup.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "exempt.h"

#ifdef CONFIG_SOCK_CGROUP_DATA
static bool roam_exempt_has_cgroup(const struct roam_exempt *exempt,
				   const struct sock *sk)
{
	struct cgroup *cgroup;
	unsigned int i;

	if (!sk_fullsock(sk))
		return false;
	for (cgroup = sock_cgroup_ptr(&((struct sock *)sk)->sk_cgrp_data);
	     cgroup; cgroup = cgroup_parent(cgroup))
		for (i = 0; i < exempt->n_cgroups; i++)
			if (exempt->cgroups[i] == cgroup_id(cgroup))
				return true;
	return false;
}
#else
static bool roam_exempt_has_cgroup(const struct roam_exempt *exempt,
				   const struct sock *sk)
{
	return false;
}
#endif

static bool roam_exempt_has_port(const struct roam_exempt *exempt,
				 const __be16 *ports)
{
	unsigned int i;

	for (i = 0; i < exempt->n_ports; i++)
		if (exempt->ports[i] == ports[0] || exempt->ports[i] == ports[1])
			return true;
	return false;
}

bool roam_exempt_look(const struct roam_exempt *exempt,
		      const struct sk_buff *skb, const __be16 *ports,
		      struct in6_addr other, const struct sock *sk)
{
	return (ports && roam_exempt_has_port(exempt, ports)) ||
	       (exempt->mask && (skb->mark & exempt->mask) == exempt->mark) ||
	       roam_ranges_contain(exempt->ranges, &other) ||
	       (sk && roam_exempt_has_cgroup(exempt, sk));
}

bool roam_exempt_add_port(struct roam_exempt *exempt, u16 port)
{
	if (exempt->n_ports == ROAM_EXEMPT_PORTS)
		return false;
	exempt->ports[exempt->n_ports++] = htons(port);
	exempt->port_bits |= roam_exempt_port_bit(htons(port));
	return true;
}

struct roam_exempt *roam_exempt_default(void)
{
	struct roam_exempt *exempt = kzalloc(sizeof(*exempt), GFP_KERNEL);

	if (!exempt)
		return NULL;
	roam_exempt_add_port(exempt, 5060);
	roam_exempt_add_port(exempt, 5061);
	return exempt;
}

void roam_exempt_free(struct roam_exempt *exempt)
{
	if (exempt)
		kfree(exempt->ranges);
	kfree(exempt);
}

static void roam_exempt_free_rcu(struct rcu_head *rcu)
{
	roam_exempt_free(container_of(rcu, struct roam_exempt, rcu));
}

void roam_exempt_set(struct roam_net *rn, struct roam_exempt *exempt)
{
	struct roam_exempt *old;

	lockdep_assert_held(&rn->lock);
	exempt->rare = exempt->mask || exempt->ranges || exempt->n_cgroups;
	old = rcu_replace_pointer(rn->exempt, exempt,
				  lockdep_is_held(&rn->lock));
	if (old)
		call_rcu(&old->rcu, roam_exempt_free_rcu);
}
