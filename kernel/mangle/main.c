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

#include "mangle.h"
#include "netlink.h"
#include "resume.h"

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

/* ---- what the parts tell each other ---- */

static struct mangle_net *mangle_net_of(struct mangle_table *table)
{
	return container_of(table, struct mangle_net, table);
}

static void mangle_table_event(struct mangle_table *table,
			       const struct mangle_mapping *mapping, u8 reason)
{
	/* At the end of all there is no family to tell it. */
	if (!mangle_net_of(table)->gone)
		mangle_nl_mapping_event(mangle_net_of(table), mapping, reason);
}

static void mangle_table_moved(struct mangle_table *table)
{
	mangle_resume(mangle_net_of(table));
}

static const struct mangle_table_ops mangle_table_ops = {
	.event = mangle_table_event,
	.moved = mangle_table_moved,
};

static void mangle_peers_event(struct mangle_peers *peers,
			       const struct mangle_peer *peer, u8 reason)
{
	mangle_nl_peer_event(container_of(peers, struct mangle_net, peers),
			     peer, reason);
}

static void mangle_peers_told(struct mangle_peers *peers)
{
	mangle_resume(container_of(peers, struct mangle_net, peers));
}

static const struct mangle_peer_ops mangle_peer_ops = {
	.event = mangle_peers_event,
	.told = mangle_peers_told,
};

static unsigned int mangle_held_output(struct mangle_hold *hold,
				       struct sk_buff *skb, struct sock *sk)
{
	return mangle_output(container_of(hold, struct mangle_net, hold), skb,
			     sk);
}

static bool mangle_held_heard(struct mangle_hold *hold)
{
	return mangle_nl_miss_heard(hold->net);
}

static bool mangle_held_ask(struct mangle_hold *hold,
			    const struct in6_addr *own,
			    const struct in6_addr *peer, u32 need)
{
	return mangle_nl_miss_event(hold->net, own, peer, need);
}

static const struct mangle_hold_ops mangle_hold_ops = {
	.output = mangle_held_output,
	.heard = mangle_held_heard,
	.ask = mangle_held_ask,
};

static unsigned long mangle_sweep(struct roam_sweep *sweep)
{
	struct mangle_net *mn = container_of(sweep, struct mangle_net, sweep);
	unsigned long next = mangle_table_sweep(&mn->table);

	mutex_lock(&mn->table.lock);
	mangle_hooks_update(mn);
	mutex_unlock(&mn->table.lock);
	next = min(next, mangle_peer_sweep(&mn->peers));
	return min(next, mangle_hold_sweep(&mn->hold));
}

/* ---- namespaces ---- */

static int __net_init mangle_net_init(struct net *net)
{
	struct mangle_net *mn = mangle_net(net);
	int err;

	mn->net = net;
	mangle_config_init(&mn->config);
	roam_sweep_init(&mn->sweep, mangle_sweep);
	mangle_resume_init(mn);
	mn->stats = alloc_percpu(struct mangle_stats);
	if (!mn->stats)
		return -ENOMEM;
	mn->hold.net = net;
	mn->hold.config = &mn->config;
	mn->hold.stats = mn->stats;
	mn->hold.sweep = &mn->sweep;
	mn->hold.ops = &mangle_hold_ops;
	mangle_hold_init(&mn->hold);
	err = mangle_table_init(&mn->table, net, &mn->config, &mn->sweep,
				&mangle_table_ops);
	if (err)
		goto err_table;
	mn->peers.net = net;
	mn->peers.table = &mn->table;
	mn->peers.config = &mn->config;
	mn->peers.stats = mn->stats;
	mn->peers.sweep = &mn->sweep;
	mn->peers.ops = &mangle_peer_ops;
	err = mangle_peer_init(&mn->peers);
	if (err)
		goto err_peer;
	RCU_INIT_POINTER(mn->exempt, mangle_exempt_default());
	if (!rcu_access_pointer(mn->exempt)) {
		err = -ENOMEM;
		goto err_exempt;
	}
	return 0;

err_exempt:
	mangle_peer_exit(&mn->peers);
err_peer:
	mangle_table_exit(&mn->table);
err_table:
	free_percpu(mn->stats);
	return err;
}

/* No packet enters the hooks after the grace period that follows. */
static void __net_exit mangle_net_pre_exit(struct net *net)
{
	struct mangle_net *mn = mangle_net(net);

	mutex_lock(&mn->table.lock);
	/* Without this a late run of the sweeper would register the hooks again. */
	mn->gone = true;
	if (mn->forward_hooked)
		nf_unregister_net_hooks(net, mn->ops + MANGLE_HOOKS, MANGLE_HOOKS_FORWARD);
	if (mn->hooked)
		nf_unregister_net_hooks(net, mn->ops, MANGLE_HOOKS);
	mn->forward_hooked = mn->hooked = false;
	mutex_unlock(&mn->table.lock);
	mangle_hold_exit(&mn->hold);
}

static void __net_exit mangle_net_exit_one(struct mangle_net *mn)
{
	/* Nothing adds entries or moves any more, so nothing arms these two again. */
	roam_sweep_exit(&mn->sweep);
	mangle_resume_exit(mn);
	mangle_peer_exit(&mn->peers);
	mangle_table_exit(&mn->table);
	mangle_exempt_free(rcu_dereference_protected(mn->exempt, true));
	kfree(rcu_dereference_protected(mn->table.ranges, true));
	kfree(rcu_dereference_protected(mn->table.internal, true));
	free_percpu(mn->stats);
}

static void __net_exit mangle_net_exit(struct list_head *nets)
{
	bool used = false;
	struct net *net;

	list_for_each_entry(net, nets, exit_list) {
		used |= mangle_net(net)->table.used;
		mangle_net_exit_one(mangle_net(net));
	}
	/*
	 * Remembered routes must be gone before the routing code of these
	 * namespaces is. The callback that frees an endpoint leaves its route to
	 * another callback, so there are two to wait for.
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
