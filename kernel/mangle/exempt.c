// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cgroup.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "exempt.h"
#include "mangle.h"
#include "range.h"

static bool roam_exempt_has_port(const struct roam_exempt *exempt, __be16 port)
{
	unsigned int i;

	for (i = 0; i < exempt->n_ports; i++)
		if (exempt->ports[i] == port)
			return true;
	return false;
}

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

bool roam_is_exempt(struct roam_net *rn, const struct sk_buff *skb,
		    const __be16 *ports, const struct in6_addr *other,
		    const struct sock *sk)
{
	const struct roam_exempt *exempt = rcu_dereference(rn->exempt);

	if (!exempt)
		return false;
	if ((ports && (roam_exempt_has_port(exempt, ports[0]) ||
		       roam_exempt_has_port(exempt, ports[1]))) ||
	    (exempt->mask && (skb->mark & exempt->mask) == exempt->mark) ||
	    roam_ranges_contain(exempt->ranges, other) ||
	    (exempt->n_cgroups && sk && roam_exempt_has_cgroup(exempt, sk))) {
		roam_count(rn, exempted);
		return true;
	}
	return false;
}

struct roam_exempt *roam_exempt_default(void)
{
	struct roam_exempt *exempt = kzalloc(sizeof(*exempt), GFP_KERNEL);

	if (!exempt)
		return NULL;
	exempt->ports[0] = htons(5060);
	exempt->ports[1] = htons(5061);
	exempt->n_ports = 2;
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
	old = rcu_replace_pointer(rn->exempt, exempt,
				  lockdep_is_held(&rn->lock));
	if (old)
		call_rcu(&old->rcu, roam_exempt_free_rcu);
}
