// SPDX-License-Identifier: GPL-2.0-or-later
#include "rtnl/nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#define ELEMENTS_MAX 8
#define ELEMENT_LEN 256		/* bytes of its message, with room */

int nft_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	return fd < 0 ? -errno : fd;
}

static struct nlmsghdr *put_head(char *at, uint16_t type, uint16_t flags,
				 uint8_t family, uint16_t res_id)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(at);
	struct nfgenmsg *head = mnl_nlmsg_put_extra_header(nlh, sizeof(*head));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	head->nfgen_family = family;
	head->version = NFNETLINK_V0;
	head->res_id = htons(res_id);
	return nlh;
}

static void put_addr(struct nlmsghdr *nlh, uint16_t type,
		     const struct roam_addr *addr)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, type);
	struct in_addr in = roam_addr_to_in(addr);

	mnl_attr_put(nlh, NFTA_DATA_VALUE, sizeof(in), &in);
	mnl_attr_nest_end(nlh, nest);
}

static char *put_element(char *at, bool add, const char *table,
			 const struct nft_element *e)
{
	struct nlmsghdr *nlh = put_head(at,
		NFNL_SUBSYS_NFTABLES << 8 |
			(add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM),
		NLM_F_ACK | (add ? NLM_F_CREATE : 0), NFPROTO_IPV4, 0);
	struct nlattr *list, *element;

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, e->map);
	list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	element = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	put_addr(nlh, NFTA_SET_ELEM_KEY, &e->key);
	put_addr(nlh, NFTA_SET_ELEM_DATA, &e->value);
	mnl_attr_nest_end(nlh, element);
	mnl_attr_nest_end(nlh, list);
	return at + NLMSG_ALIGN(nlh->nlmsg_len);
}

/* The kernel has answered when the request has been sent; the first error counts. */
static int read_answers(int fd)
{
	_Alignas(struct nlmsghdr) char buf[8192];
	int err = -EPROTO;
	ssize_t len;

	while ((len = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		const struct nlmsghdr *nlh = (struct nlmsghdr *)buf;
		int left = (int)len;

		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			const struct nlmsgerr *answer = mnl_nlmsg_get_payload(nlh);

			if (nlh->nlmsg_type != NLMSG_ERROR ||
			    nlh->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*answer))
				continue;
			if (err == -EPROTO || !err)
				err = answer->error;
		}
	}
	return err;
}

int nft_change(int fd, bool add, const char *table,
	       const struct nft_element *elements, size_t n)
{
	_Alignas(struct nlmsghdr) char buf[(ELEMENTS_MAX + 2) * ELEMENT_LEN];
	struct nlmsghdr *nlh;
	char *at = buf;

	if (fd < 0 || n > ELEMENTS_MAX)
		return -EINVAL;
	nlh = put_head(at, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC,
		       NFNL_SUBSYS_NFTABLES);
	at += NLMSG_ALIGN(nlh->nlmsg_len);
	for (size_t i = 0; i < n; i++)
		at = put_element(at, add, table, &elements[i]);
	nlh = put_head(at, NFNL_MSG_BATCH_END, 0, AF_UNSPEC,
		       NFNL_SUBSYS_NFTABLES);
	at += NLMSG_ALIGN(nlh->nlmsg_len);
	if (send(fd, buf, (size_t)(at - buf), 0) < 0)
		return -errno;
	return read_answers(fd);
}
