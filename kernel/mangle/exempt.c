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

static bool mangle_ports_contain(const __be16 *list, unsigned int n,
				 const __be16 *ports)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (list[i] == ports[0] || list[i] == ports[1])
			return true;
	return false;
}

static bool mangle_exempt_has_port(const struct mangle_exempt *exempt, u8 protocol,
				   const __be16 *ports)
{
	return mangle_ports_contain(exempt->ports, exempt->n_ports, ports) ||
	       (protocol == IPPROTO_UDP &&
		mangle_ports_contain(exempt->udp_ports, exempt->n_udp_ports, ports));
}

bool mangle_exempt_look(const struct mangle_exempt *exempt,
			const struct sk_buff *skb, u8 protocol, const __be16 *ports,
			struct in6_addr other, const struct sock *sk)
{
	return (ports && mangle_exempt_has_port(exempt, protocol, ports)) ||
	       (exempt->mask && (skb->mark & exempt->mask) == exempt->mark) ||
	       mangle_ranges_contain(exempt->ranges, &other) ||
	       (sk && mangle_exempt_has_cgroup(exempt, sk));
}

bool mangle_exempt_add_port(struct mangle_exempt *exempt, u16 port, bool udp)
{
	__be16 *list = udp ? exempt->udp_ports : exempt->ports;
	u8 *n = udp ? &exempt->n_udp_ports : &exempt->n_ports;

	if (*n == MANGLE_EXEMPT_PORTS)
		return false;
	list[(*n)++] = htons(port);
	exempt->port_bits |= mangle_exempt_port_bit(htons(port));
	return true;
}

struct mangle_exempt *mangle_exempt_default(void)
{
	struct mangle_exempt *exempt = kzalloc(sizeof(*exempt), GFP_KERNEL);

	if (!exempt)
		return NULL;
	mangle_exempt_add_port(exempt, 5060, false);
	mangle_exempt_add_port(exempt, 5061, false);
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
