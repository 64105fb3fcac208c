// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module and namespaces: what is made in which order, and taken down in the
 * opposite one.
 */
#include <linux/module.h>
#include <linux/netdevice.h>
#include <net/genetlink.h>
#include <net/netns/generic.h>

#include "hop.h"
#include "keep.h"
#include "mmp.h"
#include "netlink.h"
#include "shape.h"
#include "table.h"

#define MMP_ERRORS_PER_SECOND 1000

static unsigned int mmp_net_id __read_mostly;

struct mmp_net *mmp_net(const struct net *net)
{
	return net_generic(net, mmp_net_id);
}

static void mmp_config_init(struct mmp_config *config)
{
	config->role = ROAM_MMP_ROLE_NODE;
	config->timeout = msecs_to_jiffies(30000);
	config->second_time = msecs_to_jiffies(1000);
	config->left_time = msecs_to_jiffies(1000);
	config->max_hosts = MMP_HOSTS_DEFAULT;
	config->keep_time = msecs_to_jiffies(2000);
	config->keep_bytes = 1U << 20;
	config->port = htons(17436);
}

static int __net_init mmp_net_init(struct net *net)
{
	struct mmp_net *mn = mmp_net(net);
	int err;

	mn->net = net;
	mutex_init(&mn->mutex);
	spin_lock_init(&mn->lock);
	hash_init(mn->hops);
	/* As many as the kernel sends of its own, and no word about the others. */
	ratelimit_state_init(&mn->errors, HZ, MMP_ERRORS_PER_SECOND);
	ratelimit_set_flags(&mn->errors, RATELIMIT_MSG_ON_RELEASE);
	mmp_config_init(&mn->config);
	roam_sweep_init(&mn->sweep, mmp_table_sweep);
	mmp_keep_init(mn);
	mn->stats = alloc_percpu(struct mmp_stats);
	if (!mn->stats)
		return -ENOMEM;
	err = mmp_table_init(mn, mmp_nl_event);
	if (err)
		free_percpu(mn->stats);
	return err;
}

/* No packet enters the hooks after the grace period that follows. */
static void __net_exit mmp_net_pre_exit(struct net *net)
{
	struct mmp_net *mn = mmp_net(net);

	mutex_lock(&mn->mutex);
	mn->gone = true;
	mmp_hooks_update(mn);
	mutex_unlock(&mn->mutex);
	/* Connections that conntrack knows are held by copies of their packets. */
	mmp_keep_purge(mn);
}

static void mmp_put_all(struct mmp_net *mn)
{
	struct mmp_shape *shape = rcu_dereference_protected(mn->shape, true);
	unsigned int i;

	spin_lock_bh(&mn->lock);
	for (i = 0; shape && i < shape->n_uplinks; i++)
		mmp_hop_put(mn, shape->uplinks[i]);
	for (i = 0; i < mn->n_below; i++)
		mmp_hop_put(mn, mn->below[i]);
	spin_unlock_bh(&mn->lock);
	kfree(shape);
}

static void __net_exit mmp_net_exit(struct net *net)
{
	struct mmp_net *mn = mmp_net(net);

	/* Nothing adds entries any more, so nothing arms it again. */
	roam_sweep_exit(&mn->sweep);
	mmp_table_exit(mn);
	mmp_keep_exit(mn);
	mmp_put_all(mn);
	/* The routes to neighbours go before the routing code of this namespace. */
	rcu_barrier();
	free_percpu(mn->stats);
}

static struct pernet_operations mmp_net_ops = {
	.init = mmp_net_init,
	.pre_exit = mmp_net_pre_exit,
	.exit = mmp_net_exit,
	.id = &mmp_net_id,
	.size = sizeof(struct mmp_net),
};

static int mmp_netdev_event(struct notifier_block *nb, unsigned long event,
			    void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	struct mmp_net *mn = mmp_net(dev_net(dev));

	if (event != NETDEV_UP && event != NETDEV_CHANGEADDR &&
	    event != NETDEV_UNREGISTER)
		return NOTIFY_DONE;
	mutex_lock(&mn->mutex);
	/* With the interface's own address its neighbours are forgotten as well. */
	if (event != NETDEV_UNREGISTER) {
		mmp_hops_up(mn, dev);
	} else {
		mmp_hops_gone(mn, dev);
		mmp_keep_purge(mn);
	}
	mutex_unlock(&mn->mutex);
	return NOTIFY_DONE;
}

static struct notifier_block mmp_netdev_notifier = {
	.notifier_call = mmp_netdev_event,
	/* Behind IPv6, which makes the interface's part of the neighbour table. */
	.priority = -10,
};

static int __init roam_mmp_init(void)
{
	int err;

	err = mmp_table_cache_init();
	if (err)
		return err;
	err = register_pernet_subsys(&mmp_net_ops);
	if (err)
		goto err_cache;
	err = register_netdevice_notifier(&mmp_netdev_notifier);
	if (err)
		goto err_pernet;
	err = mmp_nl_init();
	if (err)
		goto err_notifier;
	return 0;

err_notifier:
	unregister_netdevice_notifier(&mmp_netdev_notifier);
err_pernet:
	unregister_pernet_subsys(&mmp_net_ops);
err_cache:
	mmp_table_cache_exit();
	return err;
}

static void __exit roam_mmp_exit(void)
{
	mmp_nl_exit();
	/* It tells of all interfaces as if they went, and their routes go. */
	unregister_netdevice_notifier(&mmp_netdev_notifier);
	unregister_pernet_subsys(&mmp_net_ops);
	mmp_table_cache_exit();
}

module_init(roam_mmp_init);
module_exit(roam_mmp_exit);

MODULE_DESCRIPTION("roam: host routes inside an access network (MMP)");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
MODULE_ALIAS_GENL_FAMILY(ROAM_MMP_GENL_NAME);
