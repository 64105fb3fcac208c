// SPDX-License-Identifier: GPL-2.0-or-later
#include "rtnl/addr.h"

#include <errno.h>
#include <linux/if_addr.h>

int rtnl_addr_add(struct rtnl *rtnl, unsigned int index,
		  const struct roam_addr *addr)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_NEWADDR,
				       NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	const struct ifa_cacheinfo deprecated = { .ifa_valid = UINT32_MAX };
	struct ifaddrmsg *ifa;

	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = rtnl_family(addr);
	ifa->ifa_prefixlen = roam_addr_is_v4(addr) ? 32 : 128;
	ifa->ifa_index = index;
	rtnl_put_addr(nlh, IFA_LOCAL, addr);
	rtnl_put_addr(nlh, IFA_ADDRESS, addr);
	if (!roam_addr_is_v4(addr)) {
		/*
		 * No duplicate address detection: no other host is on this
		 * link.
		 */
		mnl_attr_put_u32(nlh, IFA_FLAGS, IFA_F_NODAD);
		mnl_attr_put(nlh, IFA_CACHEINFO, sizeof(deprecated),
			     &deprecated);
	}
	return rtnl_unless(rtnl_talk(rtnl, nlh, NULL, NULL), EEXIST);
}

/* struct holder - who has an address */
struct holder {
	const struct roam_addr *addr;
	unsigned int except;
	unsigned int index;
	bool found;
};

static int read_holder(const struct nlmsghdr *nlh, void *ctx)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct holder *holder = ctx;
	const struct nlattr *attr;
	struct roam_addr addr;

	if (!rtnl_has_header(nlh, sizeof(struct ifaddrmsg)))
		return MNL_CB_OK;
	if (ifa->ifa_index == holder->except)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*ifa)) {
		bool was_found = holder->found;

		/* IPv6 addresses stand in IFA_ADDRESS only. */
		if (mnl_attr_get_type(attr) != IFA_LOCAL &&
		    (ifa->ifa_family != AF_INET6 ||
		     mnl_attr_get_type(attr) != IFA_ADDRESS))
			continue;
		addr = rtnl_get_addr(attr);
		holder->found |= roam_addr_eq(&addr, holder->addr);
		/* One that is going is no place to stay. */
		if (!was_found && holder->found &&
		    !(ifa->ifa_flags & (IFA_F_DEPRECATED | IFA_F_TENTATIVE)))
			holder->index = ifa->ifa_index;
	}
	return MNL_CB_OK;
}

unsigned int rtnl_addr_link(struct rtnl *rtnl, const struct roam_addr *addr)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_GETADDR, NLM_F_DUMP);
	struct holder holder = { .addr = addr };
	struct ifaddrmsg *ifa;

	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = rtnl_family(addr);
	return rtnl_talk(rtnl, nlh, read_holder, &holder) ? 0 : holder.index;
}

int rtnl_addr_elsewhere(struct rtnl *rtnl, unsigned int index,
			const struct roam_addr *addr)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_GETADDR, NLM_F_DUMP);
	struct holder holder = { .addr = addr, .except = index };
	struct ifaddrmsg *ifa;
	int err;

	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = rtnl_family(addr);
	err = rtnl_talk(rtnl, nlh, read_holder, &holder);
	return err ? err : holder.found;
}

int rtnl_addr_del(struct rtnl *rtnl, unsigned int index, const struct roam_addr *addr)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_DELADDR, NLM_F_ACK);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));

	ifa->ifa_family = rtnl_family(addr);
	ifa->ifa_prefixlen = roam_addr_is_v4(addr) ? 32 : 128;
	ifa->ifa_index = index;
	rtnl_put_addr(nlh, IFA_LOCAL, addr);
	return rtnl_unless(rtnl_talk(rtnl, nlh, NULL, NULL), EADDRNOTAVAIL);
}
