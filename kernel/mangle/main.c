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

static unsigned int roam_net_id __read_mostly;

struct roam_net *roam_net(const struct net *net)
{
	return net_generic(net, roam_net_id);
}

static void roam_config_init(struct roam_config *config)
{
	__set_bit(IPPROTO_TCP, config->protocols);
	config->hold_packets = 64;
	config->hold_total = 4096;
	config->hold_time = msecs_to_jiffies(2000);
	config->hold_policy = ROAM_MANGLE_HOLD_POLICY_PASS;
	config->grace = msecs_to_jiffies(5000);
	config->max_mappings = ROAM_MAPPINGS_DEFAULT;
	config->max_peers = ROAM_PEERS_DEFAULT;
	config->peer_time = msecs_to_jiffies(600000);
}

static int __net_init roam_net_init(struct net *net)
{
	struct roam_net *rn = roam_net(net);
	int err;

	rn->net = net;
	mutex_init(&rn->lock);
	/* Not 0, which roam_peer.epoch has before it was told of anything. */
	atomic_set(&rn->epoch, 1);
	roam_config_init(&rn->config);
	roam_hold_init(rn);
	roam_sweep_init(rn);
	roam_resume_init(rn);
	rn->stats = alloc_percpu(struct roam_stats);
	if (!rn->stats)
		return -ENOMEM;
	err = roam_table_init(rn);
	if (err)
		goto err_table;
	err = roam_peer_init(rn);
	if (err)
		goto err_peer;
	RCU_INIT_POINTER(rn->exempt, roam_exempt_default());
	if (!rcu_access_pointer(rn->exempt)) {
		err = -ENOMEM;
		goto err_exempt;
	}
	return 0;

err_exempt:
	roam_peer_exit(rn);
err_peer:
	roam_table_exit(rn);
err_table:
	free_percpu(rn->stats);
	return err;
}

/* No packet enters the hooks after the grace period that follows. */
static void __net_exit roam_net_pre_exit(struct net *net)
{
	struct roam_net *rn = roam_net(net);

	mutex_lock(&rn->lock);
	/* Or a late run of the sweeper would have the hooks again. */
	rn->gone = true;
	if (rn->hooked)
		nf_unregister_net_hooks(net, rn->ops, ROAM_HOOKS);
	rn->hooked = false;
	mutex_unlock(&rn->lock);
	roam_hold_exit(rn);
}

static void __net_exit roam_net_exit_one(struct roam_net *rn)
{
	/* Nothing adds entries or moves any more, so nothing arms them again. */
	cancel_delayed_work_sync(&rn->sweep);
	roam_resume_exit(rn);
	roam_peer_exit(rn);
	roam_table_exit(rn);
	roam_exempt_free(rcu_dereference_protected(rn->exempt, true));
	kfree(rcu_dereference_protected(rn->ranges, true));
	free_percpu(rn->stats);
}

static void __net_exit roam_net_exit(struct list_head *nets)
{
	bool used = false;
	struct net *net;

	list_for_each_entry(net, nets, exit_list) {
		used |= roam_net(net)->used;
		roam_net_exit_one(roam_net(net));
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

static struct pernet_operations roam_net_ops = {
	.init = roam_net_init,
	.pre_exit = roam_net_pre_exit,
	.exit_batch = roam_net_exit,
	.id = &roam_net_id,
	.size = sizeof(struct roam_net),
};

static int __init roam_mangle_init(void)
{
	int err;

	err = roam_table_caches_init();
	if (err)
		return err;
	err = register_pernet_subsys(&roam_net_ops);
	if (err)
		goto err_caches;
	err = roam_nl_init();
	if (err)
		goto err_pernet;
	return 0;

err_pernet:
	unregister_pernet_subsys(&roam_net_ops);
err_caches:
	roam_table_caches_exit();
	return err;
}

static void __exit roam_mangle_exit(void)
{
	roam_nl_exit();
	unregister_pernet_subsys(&roam_net_ops);
	roam_table_caches_exit();
}

module_init(roam_mangle_init);
module_exit(roam_mangle_exit);

MODULE_DESCRIPTION("roam: permanent and care-of addresses (MIP-LR)");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
MODULE_ALIAS_GENL_FAMILY(ROAM_MANGLE_GENL_NAME);
