// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module and namespaces: what is made in which order, and taken down in the
 * opposite one.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "arp.h"
#include "deliver.h"
#include "device.h"
#include "netlink.h"
#include "table.h"

/* Entries that a run of the sweeper touches before others get the lock. */
#define TUNNEL_SWEEP_BUDGET 256

static unsigned int tunnel_net_id __read_mostly;

struct tunnel_net *tunnel_net(const struct net *net)
{
	return net_generic(net, tunnel_net_id);
}

static void tunnel_config_init(struct tunnel_config *config)
{
	config->ttl = 64;
	config->grace = msecs_to_jiffies(5000);
	config->announce_count = 3;
	config->announce_interval = msecs_to_jiffies(1000);
	config->max_bindings = TUNNEL_BINDINGS_DEFAULT;
	config->max_visitors = TUNNEL_VISITORS_DEFAULT;
}

static const struct tunnel_table_ops tunnel_table_ops = {
	.binding = tunnel_nl_binding_event,
	.visitor = tunnel_nl_visitor_event,
	.device = tunnel_device_get,
	.link_get = tunnel_link_get,
	.link_put = tunnel_link_put,
};

static unsigned long tunnel_net_sweep(struct roam_sweep *sweep)
{
	struct tunnel_net *tn = container_of(sweep, struct tunnel_net, sweep);
	unsigned long next;
	bool more;

	do {
		mutex_lock(&tn->lock);
		more = tunnel_table_expire(tn, TUNNEL_SWEEP_BUDGET);
		more |= tunnel_announce_run(tn, TUNNEL_SWEEP_BUDGET);
		if (!more)
			tunnel_hooks_update(tn);
		next = min(tunnel_table_next(tn),
			   roam_ends_next(&tn->announcement_ends,
					  (u32)jiffies));
		mutex_unlock(&tn->lock);
		cond_resched();
	} while (more);
	return next;
}

static int __net_init tunnel_net_init(struct net *net)
{
	struct tunnel_net *tn = tunnel_net(net);
	int err;

	tn->net = net;
	mutex_init(&tn->lock);
	INIT_LIST_HEAD(&tn->devices);
	tunnel_config_init(&tn->config);
	tn->stats = alloc_percpu(struct tunnel_stats);
	if (!tn->stats)
		return -ENOMEM;
	roam_sweep_init(&tn->sweep, tunnel_net_sweep);
	err = tunnel_table_init(tn, &tunnel_table_ops);
	if (err)
		goto err_table;
	err = tunnel_announce_init(tn);
	if (err)
		goto err_announce;
	return 0;

err_announce:
	tunnel_table_exit(tn);
err_table:
	free_percpu(tn->stats);
	return err;
}

/* No packet enters the hooks after the grace period that follows. */
static void __net_exit tunnel_net_pre_exit(struct net *net)
{
	struct tunnel_net *tn = tunnel_net(net);

	mutex_lock(&tn->lock);
	/* Or a late run of the sweeper would have the hooks again. */
	tn->gone = true;
	if (tn->hooked)
		nf_unregister_net_hooks(net, tn->ops, TUNNEL_HOOKS);
	tn->hooked = false;
	/* What holds devices goes before they do. */
	tunnel_bindings_flush(tn, NULL);
	tunnel_visitors_flush(tn, NULL);
	mutex_unlock(&tn->lock);
}

static void __net_exit tunnel_net_exit(struct net *net)
{
	struct tunnel_net *tn = tunnel_net(net);

	roam_sweep_exit(&tn->sweep);
	tunnel_announce_exit(tn);
	tunnel_table_exit(tn);
	free_percpu(tn->stats);
}

static struct pernet_operations tunnel_net_ops = {
	.init = tunnel_net_init,
	.pre_exit = tunnel_net_pre_exit,
	.exit = tunnel_net_exit,
	.id = &tunnel_net_id,
	.size = sizeof(struct tunnel_net),
};

static int __init tunnel_init(void)
{
	int err;

	err = tunnel_table_caches_init();
	if (err)
		return err;
	err = register_pernet_subsys(&tunnel_net_ops);
	if (err)
		goto err_caches;
	err = tunnel_device_init();
	if (err)
		goto err_pernet;
	err = tunnel_nl_init();
	if (err)
		goto err_device;
	return 0;

err_device:
	tunnel_device_exit();
err_pernet:
	unregister_pernet_subsys(&tunnel_net_ops);
err_caches:
	tunnel_table_caches_exit();
	return err;
}

static void __exit tunnel_exit(void)
{
	tunnel_nl_exit();
	/* Removes the devices of all namespaces. */
	tunnel_device_exit();
	unregister_pernet_subsys(&tunnel_net_ops);
	tunnel_table_caches_exit();
}

module_init(tunnel_init);
module_exit(tunnel_exit);

MODULE_DESCRIPTION("roam: tunnels of home and foreign agents (Mobile IPv4)");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
MODULE_ALIAS_GENL_FAMILY(ROAM_TUNNEL_GENL_NAME);
