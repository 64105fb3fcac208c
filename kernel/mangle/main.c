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

#include "exempt.h"
#include "hold.h"
#include "mangle.h"
#include "netlink.h"
#include "peer.h"
#include "range.h"
#include "resume.h"
#include "table.h"

static unsigned int mangle_net_id __read_mostly;

struct mangle_net *mangle_net(const struct net *net)
{
	return net_generic(net, mangle_net_id);
}

static void mangle_config_init(struct mangle_config *config)
{
	__set_bit(IPPROTO_TCP, config->protocols);
	config->hold_packets = 64;
	config->hold_total = 4096;
	config->hold_time = msecs_to_jiffies(2000);
	config->hold_policy = ROAM_MANGLE_HOLD_POLICY_PASS;
	config->grace = msecs_to_jiffies(5000);
	config->max_mappings = MANGLE_MAPPINGS_DEFAULT;
	config->max_peers = MANGLE_PEERS_DEFAULT;
	config->peer_time = msecs_to_jiffies(600000);
}

static unsigned long mangle_sweep(struct roam_sweep *sweep)
{
	struct mangle_net *mn = container_of(sweep, struct mangle_net, sweep);
	unsigned long next;

	mutex_lock(&mn->lock);
	next = mangle_table_sweep(mn);
	mangle_hooks_update(mn);
	mutex_unlock(&mn->lock);
	next = min(next, mangle_peer_sweep(mn));
	return min(next, mangle_hold_sweep(mn));
}

static int __net_init mangle_net_init(struct net *net)
{
	struct mangle_net *mn = mangle_net(net);
	int err;

	mn->net = net;
	mutex_init(&mn->lock);
	/* Not 0, which mangle_peer.epoch has before it was told of anything. */
	atomic_set(&mn->epoch, 1);
	mangle_config_init(&mn->config);
	mangle_hold_init(mn);
	roam_sweep_init(&mn->sweep, mangle_sweep);
	mangle_resume_init(mn);
	mn->stats = alloc_percpu(struct mangle_stats);
	if (!mn->stats)
		return -ENOMEM;
	err = mangle_table_init(mn);
	if (err)
		goto err_table;
	err = mangle_peer_init(mn);
	if (err)
		goto err_peer;
	RCU_INIT_POINTER(mn->exempt, mangle_exempt_default());
	if (!rcu_access_pointer(mn->exempt)) {
		err = -ENOMEM;
		goto err_exempt;
	}
	return 0;

err_exempt:
	mangle_peer_exit(mn);
err_peer:
	mangle_table_exit(mn);
err_table:
	free_percpu(mn->stats);
	return err;
}

/* No packet enters the hooks after the grace period that follows. */
static void __net_exit mangle_net_pre_exit(struct net *net)
{
	struct mangle_net *mn = mangle_net(net);

	mutex_lock(&mn->lock);
	/* Or a late run of the sweeper would have the hooks again. */
	mn->gone = true;
	if (mn->hooked)
		nf_unregister_net_hooks(net, mn->ops, MANGLE_HOOKS);
	mn->hooked = false;
	mutex_unlock(&mn->lock);
	mangle_hold_exit(mn);
}

static void __net_exit mangle_net_exit_one(struct mangle_net *mn)
{
	/* Nothing adds entries or moves any more, so nothing arms them again. */
	roam_sweep_exit(&mn->sweep);
	mangle_resume_exit(mn);
	mangle_peer_exit(mn);
	mangle_table_exit(mn);
	mangle_exempt_free(rcu_dereference_protected(mn->exempt, true));
	kfree(rcu_dereference_protected(mn->ranges, true));
	free_percpu(mn->stats);
}

static void __net_exit mangle_net_exit(struct list_head *nets)
{
	bool used = false;
	struct net *net;

	list_for_each_entry(net, nets, exit_list) {
		used |= mangle_net(net)->used;
		mangle_net_exit_one(mangle_net(net));
	}
	/*
	 * Remembered routes must be gone before the routing code of these
	 * namespaces is. What frees an endpoint leaves its route to another
	 * callback: hence two.
	 */
	if (used) {
		rcu_barrier();
		rcu_barrier();
	}
}

static struct pernet_operations mangle_net_ops = {
	.init = mangle_net_init,
	.pre_exit = mangle_net_pre_exit,
	.exit_batch = mangle_net_exit,
	.id = &mangle_net_id,
	.size = sizeof(struct mangle_net),
};

static int __init roam_mangle_init(void)
{
	int err;

	err = mangle_table_caches_init();
	if (err)
		return err;
	err = register_pernet_subsys(&mangle_net_ops);
	if (err)
		goto err_caches;
	err = mangle_nl_init();
	if (err)
		goto err_pernet;
	return 0;

err_pernet:
	unregister_pernet_subsys(&mangle_net_ops);
err_caches:
	mangle_table_caches_exit();
	return err;
}

static void __exit roam_mangle_exit(void)
{
	mangle_nl_exit();
	unregister_pernet_subsys(&mangle_net_ops);
	mangle_table_caches_exit();
}

module_init(roam_mangle_init);
module_exit(roam_mangle_exit);

MODULE_DESCRIPTION("roam: permanent and care-of addresses (MIP-LR)");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
MODULE_ALIAS_GENL_FAMILY(ROAM_MANGLE_GENL_NAME);
