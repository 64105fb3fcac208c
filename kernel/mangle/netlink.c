// SPDX-License-Identifier: GPL-2.0-only
/*
 * The family, and what its objects share. Requests are checked in netlink-OBJECT.c and
 * carried out by table.c, peer.c and range.c. Each refusal names the attribute and
 * says why in a sentence.
 */
#include <linux/module.h>

/*
 * Included, not linked: its table of multicast groups is static, because the
 * generator leaves the family itself to us.
 */
#include "netlink-gen.c"

#include "../core/nl.h"
#include "mangle.h"
#include "netlink.h"

struct mangle_net *mangle_nl_net(struct genl_info *info)
{
	return mangle_net(genl_info_net(info));
}

struct sk_buff *mangle_nl_reply_new(struct genl_info *info, void **hdr)
{
	/* The longest reply: 256 prefixes of IPv6. */
	return roam_nl_reply_new(info, &mangle_nl_family, 3 * 4096, hdr);
}

int mangle_nl_bulk(struct genl_info *info, u16 type, u32 applied,
		   int (*fn)(struct genl_info *info, const struct nlattr *attr))
{
	return roam_nl_bulk(info, &mangle_nl_family, type,
			    ROAM_MANGLE_A_MAIN_APPLIED, applied, fn);
}

/* The generated operations, with what the specification cannot say. */
static struct genl_ops mangle_nl_ops[ARRAY_SIZE(roam_mangle_nl_ops)] __ro_after_init;

static struct genl_multicast_group
mangle_nl_mcgrps[ARRAY_SIZE(roam_mangle_nl_mcgrps)] __ro_after_init;

struct genl_family mangle_nl_family __ro_after_init = {
	.name		= ROAM_MANGLE_GENL_NAME,
	.version	= ROAM_MANGLE_GENL_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.ops		= mangle_nl_ops,
	.n_ops		= ARRAY_SIZE(mangle_nl_ops),
	.resv_start_op	= ROAM_MANGLE_CMD_MAPPING_SET,
	.mcgrps		= mangle_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(mangle_nl_mcgrps),
};

int __init mangle_nl_init(void)
{
	unsigned int i;

	/* Events tell who talks to whom and where, so only administrators may listen. */
	for (i = 0; i < ARRAY_SIZE(mangle_nl_mcgrps); i++) {
		mangle_nl_mcgrps[i] = roam_mangle_nl_mcgrps[i];
		mangle_nl_mcgrps[i].flags = GENL_MCAST_CAP_NET_ADMIN;
	}
	memcpy(mangle_nl_ops, roam_mangle_nl_ops, sizeof(mangle_nl_ops));
	for (i = 0; i < ARRAY_SIZE(mangle_nl_ops); i++) {
		struct genl_ops *op = &mangle_nl_ops[i];

		if (op->cmd == ROAM_MANGLE_CMD_MAPPING_GET)
			op->start = mangle_nl_mapping_dump_start;
		else if (op->cmd == ROAM_MANGLE_CMD_PEER_GET)
			op->start = mangle_nl_peer_dump_start;
		else
			continue;
		op->done = roam_nl_dump_done;
	}
	return genl_register_family(&mangle_nl_family);
}

void mangle_nl_exit(void)
{
	genl_unregister_family(&mangle_nl_family);
}
