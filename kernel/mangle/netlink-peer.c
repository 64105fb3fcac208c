// SPDX-License-Identifier: GPL-2.0-only
/* Netlink: correspondents, and the questions about them. */
#include <linux/jiffies.h>

#include "../core/nl.h"
#include "mangle.h"
#include "netlink.h"
#include "netlink-gen.h"
#include "trace.h"

static int mangle_nl_parse_peer(const struct nlattr *nest,
				struct mangle_peer_key *key, u8 *mode,
				struct netlink_ext_ack *extack)
{
	struct nlattr *tb[ROAM_MANGLE_A_PEER_MAX + 1];
	int err;

	err = nla_parse_nested(tb, ROAM_MANGLE_A_PEER_MAX, nest,
			       roam_mangle_peer_nl_policy, extack);
	if (err)
		return err;
	err = roam_nl_host(nest, tb, ROAM_MANGLE_A_PEER_OWN4, &key->own,
			   extack);
	if (err)
		return err;
	err = roam_nl_host(nest, tb, ROAM_MANGLE_A_PEER_ADDR4, &key->addr,
			   extack);
	if (err)
		return err;
	*mode = ROAM_MANGLE_PEER_MODE_SEEN;
	if (tb[ROAM_MANGLE_A_PEER_MODE])
		*mode = nla_get_u8(tb[ROAM_MANGLE_A_PEER_MODE]);
	return roam_nl_same_family(&key->own, &key->addr, nest, extack);
}

/* @own may be NULL. */
static int mangle_nl_put_peer(struct sk_buff *msg, const struct in6_addr *own,
			      const struct in6_addr *addr, u8 mode, bool told,
			      u32 idle)
{
	struct nlattr *nest;

	nest = nla_nest_start(msg, ROAM_MANGLE_A_MAIN_PEER);
	if (!nest)
		return -EMSGSIZE;
	if ((own && roam_nl_put_addr(msg, ROAM_MANGLE_A_PEER_OWN4, own)) ||
	    roam_nl_put_addr(msg, ROAM_MANGLE_A_PEER_ADDR4, addr) ||
	    nla_put_u8(msg, ROAM_MANGLE_A_PEER_MODE, mode) ||
	    nla_put_u8(msg, ROAM_MANGLE_A_PEER_TOLD, told) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_PEER_IDLE, jiffies_to_msecs(idle))) {
		nla_nest_cancel(msg, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(msg, nest);
	return 0;
}

/* Under rcu_read_lock(). */
static int mangle_nl_put_peer_entry(struct mangle_net *mn, struct sk_buff *msg,
				    const struct mangle_peer *peer)
{
	struct mangle_mapping *own = mangle_mapping_find(&mn->table, &peer->key.own);

	return mangle_nl_put_peer(msg, &peer->key.own, &peer->key.addr,
				  READ_ONCE(peer->mode), own &&
				  mangle_peer_knows(peer, READ_ONCE(own->epoch)),
				  roam_age(&peer->used));
}

void mangle_nl_peer_event(struct mangle_net *mn, const struct mangle_peer *peer,
			  u8 reason)
{
	struct sk_buff *msg;
	void *hdr;

	trace_peer(mn->net, &peer->key.own, &peer->key.addr,
		   READ_ONCE(peer->mode), reason);
	msg = roam_nl_event_new(&mangle_nl_family, mn->net,
				ROAM_MANGLE_NLGRP_EVENTS,
				ROAM_MANGLE_CMD_PEER_NTF, &hdr);
	if (!msg)
		return;
	if (mangle_nl_put_peer_entry(mn, msg, peer) ||
	    nla_put_u8(msg, ROAM_MANGLE_A_MAIN_REASON, reason))
		nlmsg_free(msg);
	else
		roam_nl_event_send(&mangle_nl_family, mn->net,
				   ROAM_MANGLE_NLGRP_EVENTS, msg, hdr);
}

bool mangle_nl_miss_heard(struct net *net)
{
	return genl_has_listeners(&mangle_nl_family, net,
				  ROAM_MANGLE_NLGRP_MISS);
}

bool mangle_nl_miss_event(struct net *net, const struct in6_addr *own,
			  const struct in6_addr *peer, u32 need)
{
	struct sk_buff *msg;
	void *hdr;

	trace_miss(net, own, peer, need);
	msg = roam_nl_event_new(&mangle_nl_family, net,
				ROAM_MANGLE_NLGRP_MISS,
				ROAM_MANGLE_CMD_MISS_NTF, &hdr);
	if (!msg)
		return true;
	if (mangle_nl_put_peer(msg, own, peer, ROAM_MANGLE_PEER_MODE_SEEN, false,
			       0) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_MAIN_NEED, need)) {
		nlmsg_free(msg);
		return true;
	}
	return roam_nl_event_send(&mangle_nl_family, net,
				  ROAM_MANGLE_NLGRP_MISS, msg, hdr) !=
	       -ESRCH;
}

static int mangle_nl_peer_set_one(struct genl_info *info,
				  const struct nlattr *attr)
{
	struct mangle_net *mn = mangle_nl_net(info);
	struct mangle_peer_key key;
	int err;
	u8 mode;

	err = mangle_nl_parse_peer(attr, &key, &mode, info->extack);
	if (err)
		return err;
	mutex_lock(&mn->table.lock);
	err = mangle_peer_set(&mn->peers, &key, mode, info->extack);
	mutex_unlock(&mn->table.lock);
	if (err) {
		NL_SET_BAD_ATTR(info->extack, attr);
		return err;
	}
	mangle_hold_release(&mn->hold, &key.addr);
	return 0;
}

int roam_mangle_nl_peer_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	if (roam_nl_require(info, ROAM_MANGLE_A_MAIN_PEER))
		return -EINVAL;
	return mangle_nl_bulk(info, ROAM_MANGLE_A_MAIN_PEER, 0,
			      mangle_nl_peer_set_one);
}

static int mangle_nl_peer_del_one(struct genl_info *info,
				  const struct nlattr *attr)
{
	struct mangle_peer_key key;
	int err;
	u8 mode;

	err = mangle_nl_parse_peer(attr, &key, &mode, info->extack);
	if (!err)
		err = mangle_peer_del(&mangle_nl_net(info)->peers, &key);
	if (err == -ENOENT)
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "there is no such correspondent");
	return err;
}

int roam_mangle_nl_peer_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct mangle_net *mn = mangle_nl_net(info);
	u32 applied = 0;

	if (info->attrs[ROAM_MANGLE_A_MAIN_ALL]) {
		applied = atomic_read(&mn->peers.by_key.nelems);
		mangle_peer_flush(&mn->peers);
	} else if (roam_nl_require(info, ROAM_MANGLE_A_MAIN_PEER)) {
		return -EINVAL;
	}
	return mangle_nl_bulk(info, ROAM_MANGLE_A_MAIN_PEER, applied,
			      mangle_nl_peer_del_one);
}

int roam_mangle_nl_peer_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct mangle_net *mn = mangle_nl_net(info);
	struct mangle_peer_key key;
	struct mangle_peer *peer;
	struct sk_buff *msg;
	struct nlattr *nest;
	void *hdr;
	u8 mode;
	int err;

	if (roam_nl_require(info, ROAM_MANGLE_A_MAIN_PEER))
		return -EINVAL;
	nest = info->attrs[ROAM_MANGLE_A_MAIN_PEER];
	err = mangle_nl_parse_peer(nest, &key, &mode, info->extack);
	if (err)
		return err;

	msg = mangle_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	rcu_read_lock();
	peer = mangle_peer_find(&mn->peers, &key);
	if (peer) {
		err = mangle_nl_put_peer_entry(mn, msg, peer);
	} else {
		NL_SET_ERR_MSG_ATTR(info->extack, nest,
				    "there is no such correspondent");
		err = -ENOENT;
	}
	rcu_read_unlock();
	return roam_nl_reply_end(info, msg, hdr, err);
}

int mangle_nl_peer_dump_start(struct netlink_callback *cb)
{
	return roam_nl_dump_start(cb, &mangle_net(sock_net(cb->skb->sk))->peers.by_key);
}

static int mangle_nl_dump_put_peer(struct sk_buff *msg, const void *entry,
				   void *ctx)
{
	return mangle_nl_put_peer_entry(ctx, msg, entry);
}

int roam_mangle_nl_peer_get_dumpit(struct sk_buff *skb,
				   struct netlink_callback *cb)
{
	struct mangle_net *mn = mangle_net(sock_net(skb->sk));

	return roam_nl_dump(skb, cb, &mangle_nl_family,
			    ROAM_MANGLE_CMD_PEER_GET, &mn->table.generation,
			    mangle_nl_dump_put_peer, mn);
}
