// SPDX-License-Identifier: GPL-2.0-only
/*
 * A netfilter hook that does nothing: what it costs to be called at all. The
 * bench measures it beside roam_mangle.
 *
 * The hook is in the namespace of whoever loads the module, so that the rest of
 * the machine stays as it is: ip netns exec NAME modprobe roam_bench_hook.
 */
#include <linux/module.h>
#include <linux/netfilter_ipv4.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <net/net_namespace.h>

static struct net *bench_net;

static unsigned int bench_hook(void *priv, struct sk_buff *skb,
			       const struct nf_hook_state *state)
{
	return NF_ACCEPT;
}

static const struct nf_hook_ops bench_hook_ops = {
	.hook = bench_hook,
	.pf = NFPROTO_IPV4,
	.hooknum = NF_INET_PRE_ROUTING,
	/* that of roam_mangle */
	.priority = NF_IP_PRI_CONNTRACK - 10,
};

static int __init bench_hook_init(void)
{
	int err;

	/* Held, so that the namespace cannot go before the module. */
	bench_net = get_net(current->nsproxy->net_ns);
	err = nf_register_net_hook(bench_net, &bench_hook_ops);
	if (err)
		put_net(bench_net);
	return err;
}

static void __exit bench_hook_exit(void)
{
	nf_unregister_net_hook(bench_net, &bench_hook_ops);
	put_net(bench_net);
}

module_init(bench_hook_init);
module_exit(bench_hook_exit);

MODULE_DESCRIPTION("roam bench: an empty netfilter hook");
MODULE_LICENSE("GPL");
