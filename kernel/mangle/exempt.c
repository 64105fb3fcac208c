// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cgroup.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "exempt.h"

#ifdef CONFIG_SOCK_CGROUP_DATA
static bool mangle_exempt_has_cgroup(const struct mangle_exempt *exempt,
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
static bool mangle_exempt_has_cgroup(const struct mangle_exempt *exempt,
				     const struct sock *sk)
{
	return false;
}
#endif

static bool mangle_exempt_has_port(const struct mangle_exempt *exempt,
				   const __be16 *ports)
{
	unsigned int i;

	for (i = 0; i < exempt->n_ports; i++)
		if (exempt->ports[i] == ports[0] || exempt->ports[i] == ports[1])
			return true;
	return false;
}

bool mangle_exempt_look(const struct mangle_exempt *exempt,
			const struct sk_buff *skb, const __be16 *ports,
			struct in6_addr other, const struct sock *sk)
{
	return (ports && mangle_exempt_has_port(exempt, ports)) ||
	       (exempt->mask && (skb->mark & exempt->mask) == exempt->mark) ||
	       mangle_ranges_contain(exempt->ranges, &other) ||
	       (sk && mangle_exempt_has_cgroup(exempt, sk));
}

bool mangle_exempt_add_port(struct mangle_exempt *exempt, u16 port)
{
	if (exempt->n_ports == MANGLE_EXEMPT_PORTS)
		return false;
	exempt->ports[exempt->n_ports++] = htons(port);
	exempt->port_bits |= mangle_exempt_port_bit(htons(port));
	return true;
}

struct mangle_exempt *mangle_exempt_default(void)
{
	struct mangle_exempt *exempt = kzalloc(sizeof(*exempt), GFP_KERNEL);

	if (!exempt)
		return NULL;
	mangle_exempt_add_port(exempt, 5060);
	mangle_exempt_add_port(exempt, 5061);
	return exempt;
}

void mangle_exempt_free(struct mangle_exempt *exempt)
{
	if (exempt)
		kfree(exempt->ranges);
	kfree(exempt);
}

static void mangle_exempt_free_rcu(struct rcu_head *rcu)
{
	mangle_exempt_free(container_of(rcu, struct mangle_exempt, rcu));
}

void mangle_exempt_free_later(struct mangle_exempt *exempt)
{
	if (exempt)
		call_rcu(&exempt->rcu, mangle_exempt_free_rcu);
}

void mangle_exempt_finish(struct mangle_exempt *exempt)
{
	exempt->rare = exempt->mask || exempt->ranges || exempt->n_cgroups;
}
