// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nft sets as dynamic access lists: what packets or people put into a set at one router
 * is in the set of the same name at the other, and ends when it ends there. Packets make
 * no events, so the sets are looked at.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/rows.h"
#include "io/daemon.h"
#include "io/json.h"
#include "io/log.h"
#include "syncd/syncd.h"

#define ROOM 65536
#define SLACK 1000		/* ms that an end may move before others are told */

/**
 * struct set - one of the configuration
 * @id: see struct set_row
 * @family: NFPROTO_*
 * @table: its table
 * @name: its name
 * @text: all three
 */
struct set {
	uint8_t id[SET_ID_LEN];
	uint8_t family;
	char table[256];
	char name[256];
	char text[256];
};

static struct {
	struct mnl_socket *socket;
	uint32_t seq;
	struct set *sets;
	size_t n;
	/* of the dump under way */
	struct syncd *d;
	const struct set *at;
} nft;

static const struct set *find_set(const uint8_t id[SET_ID_LEN])
{
	for (size_t i = 0; i < nft.n; i++)
		if (!memcmp(nft.sets[i].id, id, SET_ID_LEN))
			return &nft.sets[i];
	return NULL;
}

static struct nlmsghdr *put_header(void *buf, uint16_t type, uint16_t flags,
				   uint8_t family, uint16_t res_id)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++nft.seq;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(res_id);
	return nlh;
}

static uint16_t type_of(uint8_t msg)
{
	return NFNL_SUBSYS_NFTABLES << 8 | msg;
}

static void put_element(struct nlmsghdr *nlh, const struct set *set,
			const struct set_row *row, bool times)
{
	struct nlattr *list, *element, *key;

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, set->table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set->name);
	list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	element = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	key = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);
	mnl_attr_put(nlh, NFTA_DATA_VALUE, row->key_len, row->key);
	mnl_attr_nest_end(nlh, key);
	if (times && row->timeout)
		mnl_attr_put_u64(nlh, NFTA_SET_ELEM_TIMEOUT,
				 htobe64(row->timeout));
	if (times && row->left)
		mnl_attr_put_u64(nlh, NFTA_SET_ELEM_EXPIRATION,
				 htobe64(row->left));
	mnl_attr_nest_end(nlh, element);
	mnl_attr_nest_end(nlh, list);
}

/* The acknowledgement of the message with that number: 0 or a negative errno. */
static int wait_ack(uint32_t seq)
{
	static uint8_t buf[ROOM];

	for (;;) {
		ssize_t n = mnl_socket_recvfrom(nft.socket, buf, sizeof(buf));
		const struct nlmsghdr *nlh = (const void *)buf;
		int left = (int)n;

		if (n < 0)
			return -errno;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

			if (nlh->nlmsg_type != NLMSG_ERROR)
				continue;
			if (nlh->nlmsg_seq == seq)
				return e->error;
			/* The transaction as a whole was refused. */
			if (e->error)
				return e->error;
		}
	}
}

static int change(const struct set_row *row, uint8_t msg, uint16_t flags)
{
	const struct set *set = find_set(row->set);
	static uint8_t buf[8192];
	struct mnl_nlmsg_batch *batch;
	struct nlmsghdr *nlh;
	uint32_t seq;
	int error;

	if (!set)
		return -ENOENT;
	batch = mnl_nlmsg_batch_start(buf, sizeof(buf));
	put_header(mnl_nlmsg_batch_current(batch), NFNL_MSG_BATCH_BEGIN, 0,
		   AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	mnl_nlmsg_batch_next(batch);
	nlh = put_header(mnl_nlmsg_batch_current(batch), type_of(msg),
			 flags | NLM_F_ACK, set->family, 0);
	seq = nlh->nlmsg_seq;
	put_element(nlh, set, row, msg == NFT_MSG_NEWSETELEM);
	mnl_nlmsg_batch_next(batch);
	put_header(mnl_nlmsg_batch_current(batch), NFNL_MSG_BATCH_END, 0,
		   AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	mnl_nlmsg_batch_next(batch);
	error = mnl_socket_sendto(nft.socket, mnl_nlmsg_batch_head(batch),
				  mnl_nlmsg_batch_size(batch)) < 0 ?
		-errno : wait_ack(seq);
	mnl_nlmsg_batch_stop(batch);
	return error;
}

/* ---- what the kernel has ---- */

static uint64_t get_ms(const struct nlattr *attr)
{
	uint64_t ms = be64toh(mnl_attr_get_u64(attr));

	return ms < SET_TIMEOUT_MAX ? ms : SET_TIMEOUT_MAX;
}

/* An interval, or an element with data, is no access list that packets make. */
static void on_element(const struct nlattr *element)
{
	uint8_t key[SET_ID_LEN + SET_KEY_MAX], value[SET_VALUE_LEN];
	struct set_row row = { .key_len = 0 };
	const struct nlattr *attr, *data;
	size_t len;

	memcpy(row.set, nft.at->id, SET_ID_LEN);
	mnl_attr_for_each_nested(attr, element) {
		switch (mnl_attr_get_type(attr)) {
		case NFTA_SET_ELEM_KEY:
			mnl_attr_for_each_nested(data, attr) {
				len = mnl_attr_get_payload_len(data);
				if (mnl_attr_get_type(data) != NFTA_DATA_VALUE ||
				    len > SET_KEY_MAX)
					continue;
				row.key_len = len;
				memcpy(row.key, mnl_attr_get_payload(data), len);
			}
			break;
		case NFTA_SET_ELEM_TIMEOUT:
			row.timeout = get_ms(attr);
			break;
		case NFTA_SET_ELEM_EXPIRATION:
			row.left = get_ms(attr);
			break;
		case NFTA_SET_ELEM_DATA:
		case NFTA_SET_ELEM_KEY_END:
		case NFTA_SET_ELEM_FLAGS:
			return;
		}
	}
	if (!row.key_len)
		return;
	len = set_row_encode(&row, key, value);
	tables_seen(nft.d, &sets_elements, key, len, value, sizeof(value));
}

static int on_elements(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nlattr *attr, *element;

	(void)ctx;
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == NFTA_SET_ELEM_LIST_ELEMENTS)
			mnl_attr_for_each_nested(element, attr)
				on_element(element);
	return MNL_CB_OK;
}

static int dump(const struct set *set)
{
	static uint8_t buf[ROOM];
	struct nlmsghdr *nlh = put_header(buf, type_of(NFT_MSG_GETSETELEM),
					  NLM_F_DUMP, set->family, 0);
	unsigned int port = mnl_socket_get_portid(nft.socket);
	uint32_t seq = nlh->nlmsg_seq;
	int more = MNL_CB_OK;

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, set->table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set->name);
	if (mnl_socket_sendto(nft.socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	nft.at = set;
	while (more > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(nft.socket, buf, sizeof(buf));

		if (n < 0)
			return -errno;
		more = mnl_cb_run(buf, (size_t)n, seq, port, on_elements, NULL);
	}
	return more < 0 ? -errno : 0;
}

/* A set that is not there has no elements: rules are loaded anew at times. */
static bool look(struct syncd *d)
{
	bool good = true;

	nft.d = d;
	for (size_t i = 0; i < nft.n; i++) {
		int error = dump(&nft.sets[i]);

		if (!error || error == -ENOENT)
			continue;
		log_error("the kernel does not tell what is in set %s: %s",
			  nft.sets[i].text, strerror(-error));
		good = false;
	}
	return good;
}

/* ---- entries ---- */

static bool check(struct syncd *d, const uint8_t *key, size_t key_len,
		  const uint8_t *value, size_t len)
{
	struct set_row row;

	(void)d;
	return set_row_decode(key, key_len, value, len, &row) &&
	       find_set(row.set);
}

/* What is left now, at least 1 ms of something that ends. */
static uint64_t left_now(const struct item *item, uint64_t left)
{
	msec_t passed = daemon_now() - item->at;

	if (!left)
		return 0;
	return (msec_t)left > passed ? left - (uint64_t)passed : 1;
}

static bool get_row(const struct item *item, struct set_row *row)
{
	if (!set_row_decode(item->key.bytes, item->key.len, item->value,
			    item->len, row))
		return false;
	row->left = left_now(item, row->left);
	return true;
}

/* A packet that keeps an element moves its end; not each one is worth a message. */
static bool same(const struct item *item, const uint8_t *value, size_t len)
{
	struct set_row told, seen;
	uint64_t slack;

	if (!get_row(item, &told) ||
	    !set_row_decode(item->key.bytes, item->key.len, value, len, &seen) ||
	    told.timeout != seen.timeout || !told.left != !seen.left)
		return false;
	slack = SLACK + seen.left / 8;
	return seen.left < told.left + slack && told.left < seen.left + slack;
}

static void age(const struct item *item, uint8_t *value)
{
	uint8_t key[SET_ID_LEN + SET_KEY_MAX];
	struct set_row row;

	if (get_row(item, &row))
		set_row_encode(&row, key, value);
}

static bool install(struct syncd *d, const struct item *item)
{
	struct set_row row;
	int error;

	(void)d;
	if (!get_row(item, &row))
		return false;
	error = change(&row, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
	if (error)
		log_debug("an element was not taken by its set: %s",
			  strerror(-error));
	return !error;
}

static void remove_element(struct syncd *d, const struct item *item)
{
	struct set_row row;

	(void)d;
	if (get_row(item, &row))
		change(&row, NFT_MSG_DELSETELEM, 0);
}

static json_t *show(const struct item *item)
{
	char text[2 * SET_KEY_MAX + 1] = "";
	const struct set *set;
	struct set_row row;
	struct roam_addr addr;

	if (!get_row(item, &row))
		return NULL;
	set = find_set(row.set);
	if (row.key_len == 4) {
		struct in_addr in;

		memcpy(&in, row.key, 4);
		addr = roam_addr_from_in(in);
		roam_addr_format(&addr, text);
	} else if (row.key_len == 16) {
		memcpy(&addr, row.key, 16);
		roam_addr_format(&addr, text);
	} else {
		for (size_t i = 0; i < row.key_len; i++)
			snprintf(text + 2 * i, sizeof(text) - 2 * i, "%02x",
				 row.key[i]);
	}
	return json_pack("{ss ss ss sb so}", "table", item->kind->name,
			 "set", set ? set->text : "", "element", text,
			 "installed", item->installed,
			 "left", row.left ? json_seconds((msec_t)row.left) :
					    json_null());
}

const struct kind sets_elements = {
	.type = SET_ENTRY, .name = "sets", .exclusive = true, .value_max = SET_VALUE_LEN,
	.tail = SET_VALUE_LEN - SET_DIGESTED, .check = check, .same = same,
	.age = age, .install = install, .remove = remove_element, .look = look,
	.show = show,
};

/* ---- start ---- */

static void read_set(const char *text, struct set *set)
{
	char family[8];

	set_row_id(text, set->id);
	snprintf(set->text, sizeof(set->text), "%s", text);
	sscanf(text, "%7s %255s %255s", family, set->table, set->name);
	set->family = !strcmp(family, "ip") ? NFPROTO_IPV4 :
		      !strcmp(family, "ip6") ? NFPROTO_IPV6 : NFPROTO_INET;
}

char *sets_start(struct syncd *d)
{
	if (!d->config->n_sets)
		return NULL;
	nft.seq = (uint32_t)time(NULL);
	nft.sets = calloc(d->config->n_sets, sizeof(*nft.sets));
	nft.socket = mnl_socket_open(NETLINK_NETFILTER);
	if (!nft.sets || !nft.socket ||
	    mnl_socket_bind(nft.socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return daemon_error("no netlink socket for sets: %s",
				    strerror(errno));
	for (size_t i = 0; i < d->config->n_sets; i++)
		read_set(d->config->sets[i], &nft.sets[nft.n++]);
	return NULL;
}

void sets_stop(void)
{
	if (nft.socket)
		mnl_socket_close(nft.socket);
	free(nft.sets);
	memset(&nft, 0, sizeof(nft));
}
