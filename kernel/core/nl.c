// SPDX-License-Identifier: GPL-2.0-only
#include <linux/capability.h>
#include <linux/export.h>
#include <linux/percpu.h>
#include <linux/slab.h>

#include "nl.h"

/* ---- reading requests ---- */

int roam_nl_require(struct genl_info *info, u16 type)
{
	if (!GENL_REQ_ATTR_CHECK(info, type))
		return 0;
	NL_SET_ERR_MSG(info->extack,
		       "the request lacks an attribute, which is named beside this");
	return -EINVAL;
}
EXPORT_SYMBOL_GPL(roam_nl_require);

const struct nlattr *roam_nl_addr(const struct nlattr *nest, struct nlattr **tb,
				  u16 type, struct in6_addr *addr,
				  struct netlink_ext_ack *extack)
{
	const struct nlattr *v4 = tb[type], *v6 = tb[type + 1];

	if (v4 && v6) {
		NL_SET_ERR_MSG_ATTR(extack, v6,
				    "an address is IPv4 or IPv6, not both");
		return ERR_PTR(-EINVAL);
	}
	if (v4) {
		*addr = roam_addr4(nla_get_be32(v4));
		return v4;
	}
	if (v6) {
		/* The policy has seen to its length; a bulk request has thousands. */
		*addr = *(const struct in6_addr *)nla_data(v6);
		if (!roam_addr_is4(addr))
			return v6;
		NL_SET_ERR_MSG_ATTR(extack, v6,
				    "this is an IPv4 address in its mapped form; give it as IPv4");
		return ERR_PTR(-EINVAL);
	}
	NL_SET_ERR_ATTR_MISS(extack, (struct nlattr *)nest, type);
	NL_SET_ERR_MSG(extack, "an address is missing; give it as IPv4 or as IPv6");
	return ERR_PTR(-EINVAL);
}
EXPORT_SYMBOL_GPL(roam_nl_addr);

int roam_nl_host(const struct nlattr *nest, struct nlattr **tb, u16 type,
		 struct in6_addr *addr, struct netlink_ext_ack *extack)
{
	const struct nlattr *attr = roam_nl_addr(nest, tb, type, addr, extack);

	if (IS_ERR(attr))
		return PTR_ERR(attr);
	if (roam_addr_is_host(addr))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "this is not the unicast address of a host");
	return -EINVAL;
}
EXPORT_SYMBOL_GPL(roam_nl_host);

int roam_nl_same_family(const struct in6_addr *a, const struct in6_addr *b,
			const struct nlattr *attr,
			struct netlink_ext_ack *extack)
{
	if (roam_addr_is4(a) == roam_addr_is4(b))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr,
			    "one address is IPv4 and the other IPv6; headers are not converted");
	return -EINVAL;
}
EXPORT_SYMBOL_GPL(roam_nl_same_family);

int roam_nl_limit(const struct nlattr *attr, u32 most,
		  struct netlink_ext_ack *extack)
{
	if (!attr || nla_get_u32(attr) <= most || capable(CAP_NET_ADMIN))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr,
			    "only the machine's own administrator may raise this limit above its default");
	return -EPERM;
}
EXPORT_SYMBOL_GPL(roam_nl_limit);

int roam_nl_insert_error(int err, struct netlink_ext_ack *extack)
{
	switch (err) {
	case -EBUSY:
		NL_SET_ERR_MSG_MOD(extack,
				   "the table is being rebuilt and has no room for the entry; try again");
		break;
	case -E2BIG:
		NL_SET_ERR_MSG_MOD(extack,
				   "the table is as large as it can be; delete entries first");
		break;
	case -EEXIST:
		NL_SET_ERR_MSG_MOD(extack, "there is such an entry already");
		break;
	default:
		NL_SET_ERR_MSG_MOD(extack, "there is no memory for the entry; try again later");
	}
	return err;
}
EXPORT_SYMBOL_GPL(roam_nl_insert_error);

/* ---- writing messages ---- */

int roam_nl_put_addr(struct sk_buff *msg, u16 type, const struct in6_addr *addr)
{
	if (roam_addr_is4(addr))
		return nla_put_in_addr(msg, type, roam_addr_to4(addr));
	return nla_put_in6_addr(msg, type + 1, addr);
}
EXPORT_SYMBOL_GPL(roam_nl_put_addr);

struct sk_buff *roam_nl_reply_new(struct genl_info *info,
				  const struct genl_family *family, size_t size,
				  void **hdr)
{
	struct sk_buff *msg = genlmsg_new(size, GFP_KERNEL);

	if (!msg)
		return NULL;
	*hdr = genlmsg_put_reply(msg, info, family, 0, info->genlhdr->cmd);
	if (!*hdr) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}
EXPORT_SYMBOL_GPL(roam_nl_reply_new);

int roam_nl_reply_end(struct genl_info *info, struct sk_buff *msg, void *hdr,
		      int err)
{
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);
}
EXPORT_SYMBOL_GPL(roam_nl_reply_end);

/* ---- bulk requests ---- */

int roam_nl_bulk(struct genl_info *info, const struct genl_family *family,
		 u16 type, u16 reply, u32 applied,
		 int (*fn)(struct genl_info *info, const struct nlattr *attr))
{
	const struct nlattr *attr;
	struct sk_buff *msg;
	int err = 0, ret, rem;
	void *hdr;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(attr) != type)
			continue;
		err = fn(info, attr);
		if (err)
			break;
		applied++;
	}
	msg = roam_nl_reply_new(info, family, nla_total_size(sizeof(u32)),
				&hdr);
	if (!msg)
		return err ?: -ENOMEM;
	ret = roam_nl_reply_end(info, msg, hdr,
				nla_put_u32(msg, reply, applied));
	return err ?: ret;
}
EXPORT_SYMBOL_GPL(roam_nl_bulk);

/* ---- events ---- */

struct sk_buff *roam_nl_event_new(const struct genl_family *family,
				  struct net *net, unsigned int group, u8 cmd,
				  void **hdr)
{
	struct sk_buff *msg;

	if (!genl_has_listeners(family, net, group))
		return NULL;
	msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_ATOMIC);
	if (!msg)
		return NULL;
	*hdr = genlmsg_put(msg, 0, 0, family, 0, cmd);
	if (!*hdr) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}
EXPORT_SYMBOL_GPL(roam_nl_event_new);

int roam_nl_event_send(const struct genl_family *family, struct net *net,
		       unsigned int group, struct sk_buff *msg, void *hdr)
{
	genlmsg_end(msg, hdr);
	return genlmsg_multicast_netns(family, net, msg, 0, group, GFP_ATOMIC);
}
EXPORT_SYMBOL_GPL(roam_nl_event_send);

/* ---- dumps ---- */

int roam_nl_dump_start(struct netlink_callback *cb, struct rhashtable *table)
{
	struct roam_nl_dump *dump = kzalloc(sizeof(*dump), GFP_KERNEL);

	if (!dump)
		return -ENOMEM;
	rhashtable_walk_enter(table, &dump->iter);
	cb->args[0] = (long)dump;
	return 0;
}
EXPORT_SYMBOL_GPL(roam_nl_dump_start);

int roam_nl_dump_done(struct netlink_callback *cb)
{
	struct roam_nl_dump *dump = roam_nl_dump_of(cb);

	rhashtable_walk_exit(&dump->iter);
	kfree(dump);
	return 0;
}
EXPORT_SYMBOL_GPL(roam_nl_dump_done);

void *roam_nl_dump_put(struct sk_buff *skb, struct netlink_callback *cb,
		       const struct genl_family *family, u8 cmd)
{
	void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				cb->nlh->nlmsg_seq, family, NLM_F_MULTI, cmd);

	if (hdr)
		genl_dump_check_consistent(cb, hdr);
	return hdr;
}
EXPORT_SYMBOL_GPL(roam_nl_dump_put);

int roam_nl_dump(struct sk_buff *skb, struct netlink_callback *cb,
		 const struct genl_family *family, u8 cmd, atomic_t *generation,
		 int (*put)(struct sk_buff *msg, const void *entry, void *ctx),
		 void *ctx)
{
	struct roam_nl_dump *dump = roam_nl_dump_of(cb);
	void *entry, *hdr;
	int err;

	cb->seq = (u32)atomic_read(generation) << 1 | 1;
	rhashtable_walk_start(&dump->iter);
	for (entry = rhashtable_walk_peek(&dump->iter); entry;
	     entry = rhashtable_walk_next(&dump->iter)) {
		if (IS_ERR(entry)) {
			/* The table was resized, so entries may come twice: that is a change. */
			atomic_inc(generation);
			continue;
		}
		hdr = roam_nl_dump_put(skb, cb, family, cmd);
		if (!hdr)
			break;
		err = put(skb, entry, ctx);
		if (!err) {
			genlmsg_end(skb, hdr);
			continue;
		}
		genlmsg_cancel(skb, hdr);
		/* An entry that was just removed does not end the dump. */
		if (err != -ENOENT)
			break;
	}
	rhashtable_walk_stop(&dump->iter);
	dump->end = !entry;
	return skb->len;
}
EXPORT_SYMBOL_GPL(roam_nl_dump);

/* ---- counters ---- */

static u64 roam_nl_counter_sum(const void __percpu *stats, u16 offset)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += *(const u64 *)(per_cpu_ptr(stats, cpu) + offset);
	return sum;
}

int roam_nl_put_counters(struct sk_buff *msg,
			 const struct roam_nl_counter *counters, unsigned int n,
			 u16 pad, const void __percpu *stats)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (nla_put_u64_64bit(msg, counters[i].attr,
				      roam_nl_counter_sum(stats,
							  counters[i].offset),
				      pad))
			return -EMSGSIZE;
	return 0;
}
EXPORT_SYMBOL_GPL(roam_nl_put_counters);
