// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/flow.h"
#include "io/daemon.h"
#include "io/json.h"
#include "io/log.h"
#include "rtnl/watch.h"
#include "syncd/syncd.h"

#define ROOM 65536		/* bytes of an answer at once */
#define EVENTS_ROOM (8 << 20)	/* bytes of events that may wait */
#define GROUPS (NF_NETLINK_CONNTRACK_NEW | NF_NETLINK_CONNTRACK_UPDATE | \
		NF_NETLINK_CONNTRACK_DESTROY)
#define MESSAGE(nlh) ((nlh)->nlmsg_type & 0xff)

/*
 * What is known of a connection that this host did not see begin: packets outside of
 * a window are no reason to drop it.
 */
#define TCP_FLAGS (IP_CT_TCP_FLAG_BE_LIBERAL | IP_CT_TCP_FLAG_SACK_PERM | \
		   IP_CT_TCP_FLAG_WINDOW_SCALE)

/**
 * struct kernel - sockets, and addresses of this host
 * @requests: requests and their answers
 * @events: of connections
 * @poll: of @events
 * @watch: says that addresses changed
 * @seq: of the last request
 * @own: addresses of this host, in order
 * @n_own: their number
 */
struct kernel {
	struct mnl_socket *requests;
	struct mnl_socket *events;
	uv_poll_t poll;
	int watch;
	uint32_t seq;
	struct roam_addr *own;
	size_t n_own;
};

/* ---- addresses of this host ---- */

static int compare(const void *a, const void *b)
{
	return roam_addr_cmp(a, b);
}

static void read_own(struct kernel *k)
{
	struct ifaddrs *list = NULL;
	size_t n = 0;

	if (getifaddrs(&list))
		return;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next)
		n++;
	free(k->own);
	k->own = calloc(n + 1, sizeof(*k->own));
	k->n_own = 0;
	for (const struct ifaddrs *i = list; k->own && i; i = i->ifa_next)
		if (i->ifa_addr && (i->ifa_addr->sa_family == AF_INET ||
				    i->ifa_addr->sa_family == AF_INET6))
			k->own[k->n_own++] =
				roam_addr_from_sockaddr(i->ifa_addr);
	freeifaddrs(list);
	if (k->own)
		qsort(k->own, k->n_own, sizeof(*k->own), compare);
}

static bool is_own(struct kernel *k, const struct roam_addr *addr)
{
	if (!k->own || rtnl_watch_read(k->watch))
		read_own(k);
	return k->own && bsearch(addr, k->own, k->n_own, sizeof(*k->own),
				 compare);
}

/*
 * One end of it is a socket of this host, which another one does not have. That holds
 * for the messages between routers as well.
 */
static bool is_local(struct kernel *k, const struct flow *f)
{
	return is_own(k, &f->src) || is_own(k, &f->reply_src);
}

/* ---- connections ---- */

static struct roam_addr get_addr(const struct nf_conntrack *ct, bool v4,
				 enum nf_conntrack_attr attr4,
				 enum nf_conntrack_attr attr6)
{
	struct roam_addr addr = { .b = { 0 } };
	const void *p = nfct_get_attr(ct, v4 ? attr4 : attr6);

	if (p && v4) {
		struct in_addr in;

		memcpy(&in, p, sizeof(in));
		return roam_addr_from_in(in);
	}
	if (p)
		memcpy(&addr, p, sizeof(addr));
	return addr;
}

static uint16_t get_port(const struct nf_conntrack *ct,
			 enum nf_conntrack_attr attr)
{
	return ntohs(nfct_get_attr_u16(ct, attr));
}

static void read_flow(const struct nf_conntrack *ct, struct flow *f)
{
	bool v4 = nfct_get_attr_u8(ct, ATTR_L3PROTO) == AF_INET;

	*f = (struct flow){
		.proto = nfct_get_attr_u8(ct, ATTR_L4PROTO),
		.zone = nfct_get_attr_u16(ct, ATTR_ZONE),
		.src = get_addr(ct, v4, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC),
		.dst = get_addr(ct, v4, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST),
		.sport = get_port(ct, ATTR_ORIG_PORT_SRC),
		.dport = get_port(ct, ATTR_ORIG_PORT_DST),
		.reply_src = get_addr(ct, v4, ATTR_REPL_IPV4_SRC,
				      ATTR_REPL_IPV6_SRC),
		.reply_dst = get_addr(ct, v4, ATTR_REPL_IPV4_DST,
				      ATTR_REPL_IPV6_DST),
		.reply_sport = get_port(ct, ATTR_REPL_PORT_SRC),
		.reply_dport = get_port(ct, ATTR_REPL_PORT_DST),
		.mark = nfct_get_attr_u32(ct, ATTR_MARK),
		.timeout = nfct_get_attr_u32(ct, ATTR_TIMEOUT),
	};
	if (f->timeout > FLOW_TIMEOUT_MAX)
		f->timeout = FLOW_TIMEOUT_MAX;
	if (f->proto != IPPROTO_TCP)
		return;
	f->state = nfct_get_attr_u8(ct, ATTR_TCP_STATE);
	f->scale[0] = nfct_get_attr_u8(ct, ATTR_TCP_WSCALE_ORIG);
	f->scale[1] = nfct_get_attr_u8(ct, ATTR_TCP_WSCALE_REPL);
}

/* Worth a message: both ends have spoken, so that a flood of first packets is none. */
static bool is_worth(struct syncd *d, const struct nf_conntrack *ct,
		     const struct flow *f)
{
	if (!(nfct_get_attr_u32(ct, ATTR_STATUS) & IPS_SEEN_REPLY))
		return false;
	if (f->proto == IPPROTO_UDP && !d->config->udp)
		return false;
	return flow_is_valid(f) && !is_local(d->kernel, f);
}

/* DESTROY leaves timeout and state out: the key alone counts. */
static int on_connection(const struct nlmsghdr *nlh, void *ctx)
{
	struct nf_conntrack *ct = nfct_new();
	uint8_t key[FLOW_KEY_LEN], value[FLOW_VALUE_LEN];
	struct syncd *d = ctx;
	struct flow f;

	if (!ct)
		return MNL_CB_OK;
	if (nfct_nlmsg_parse(nlh, ct) >= 0) {
		read_flow(ct, &f);
		flow_key_encode(&f, key);
		flow_value_encode(&f, value);
		if (MESSAGE(nlh) == IPCTNL_MSG_CT_DELETE || !is_worth(d, ct, &f))
			tables_gone(d, &kernel_connections, key, sizeof(key));
		else
			tables_seen(d, &kernel_connections, key, sizeof(key),
				    value, sizeof(value));
	}
	nfct_destroy(ct);
	return MNL_CB_OK;
}

static void on_events(uv_poll_t *poll, int status, int events)
{
	struct syncd *d = poll->data;
	static uint8_t buf[ROOM];
	ssize_t n;

	(void)events;
	if (status < 0)
		return;
	for (int i = 0; i < 64; i++) {
		n = mnl_socket_recvfrom(d->kernel->events, buf, sizeof(buf));
		if (n < 0 && errno == ENOBUFS) {
			d->counters.overruns++;
			d->next_look = daemon_now();
			break;
		}
		if (n <= 0)
			break;
		mnl_cb_run(buf, (size_t)n, 0, 0, on_connection, d);
	}
	net_flush(d);
}

/* ---- requests ---- */

static struct nlmsghdr *request(struct kernel *k, void *buf, uint8_t type,
				uint16_t flags, uint8_t family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++k->seq;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = 0;
	return nlh;
}

/* 0 or a negative errno. */
static int talk(struct kernel *k, const struct nlmsghdr *nlh, mnl_cb_t fn,
		void *ctx)
{
	unsigned int port = mnl_socket_get_portid(k->requests);
	static uint8_t buf[ROOM];
	int more = MNL_CB_OK;

	if (mnl_socket_sendto(k->requests, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (more > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(k->requests, buf, sizeof(buf));

		if (n < 0)
			return -errno;
		more = mnl_cb_run(buf, (size_t)n, nlh->nlmsg_seq, port, fn, ctx);
	}
	return more < 0 ? -errno : 0;
}

static void set_addr(struct nf_conntrack *ct, const struct roam_addr *addr,
		     enum nf_conntrack_attr attr4, enum nf_conntrack_attr attr6)
{
	if (roam_addr_is_v4(addr))
		nfct_set_attr_u32(ct, attr4, roam_addr_to_in(addr).s_addr);
	else
		nfct_set_attr(ct, attr6, addr);
}

/* What names it: the packets of who began it. */
static void set_key(struct nf_conntrack *ct, const struct flow *f)
{
	nfct_set_attr_u8(ct, ATTR_L3PROTO,
			 roam_addr_is_v4(&f->src) ? AF_INET : AF_INET6);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, f->proto);
	if (f->zone)
		nfct_set_attr_u16(ct, ATTR_ZONE, f->zone);
	set_addr(ct, &f->src, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC);
	set_addr(ct, &f->dst, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST);
	nfct_set_attr_u16(ct, ATTR_ORIG_PORT_SRC, htons(f->sport));
	nfct_set_attr_u16(ct, ATTR_ORIG_PORT_DST, htons(f->dport));
}

static void set_state(struct nf_conntrack *ct, const struct flow *f)
{
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, f->timeout);
	nfct_set_attr_u32(ct, ATTR_MARK, f->mark);
	nfct_set_attr_u32(ct, ATTR_STATUS,
			  IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED);
	if (f->proto != IPPROTO_TCP)
		return;
	nfct_set_attr_u8(ct, ATTR_TCP_STATE, f->state);
	nfct_set_attr_u8(ct, ATTR_TCP_FLAGS_ORIG, TCP_FLAGS);
	nfct_set_attr_u8(ct, ATTR_TCP_MASK_ORIG, TCP_FLAGS);
	nfct_set_attr_u8(ct, ATTR_TCP_FLAGS_REPL, TCP_FLAGS);
	nfct_set_attr_u8(ct, ATTR_TCP_MASK_REPL, TCP_FLAGS);
	nfct_set_attr_u8(ct, ATTR_TCP_WSCALE_ORIG, f->scale[0]);
	nfct_set_attr_u8(ct, ATTR_TCP_WSCALE_REPL, f->scale[1]);
}

/*
 * The kernel translates what it is told as if it had no translation yet: the answer to
 * the packet as it is, and what becomes of its addresses.
 */
static void set_translation(struct nf_conntrack *ct, const struct flow *f)
{
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	if (!roam_addr_eq(&f->reply_dst, &f->src))
		set_addr(ct, &f->reply_dst, ATTR_SNAT_IPV4, ATTR_SNAT_IPV6);
	if (f->reply_dport != f->sport)
		nfct_set_attr_u16(ct, ATTR_SNAT_PORT, htons(f->reply_dport));
	if (!roam_addr_eq(&f->reply_src, &f->dst))
		set_addr(ct, &f->reply_src, ATTR_DNAT_IPV4, ATTR_DNAT_IPV6);
	if (f->reply_sport != f->dport)
		nfct_set_attr_u16(ct, ATTR_DNAT_PORT, htons(f->reply_sport));
}

static int tell(struct syncd *d, const struct flow *f, uint8_t type,
		uint16_t flags)
{
	struct nf_conntrack *ct = nfct_new();
	uint8_t buf[2048];
	struct nlmsghdr *nlh;
	int error = -ENOMEM;

	if (!ct)
		return error;
	set_key(ct, f);
	if (type == IPCTNL_MSG_CT_NEW)
		set_state(ct, f);
	if (flags & NLM_F_CREATE)
		set_translation(ct, f);
	nlh = request(d->kernel, buf, type, flags | NLM_F_ACK,
		      roam_addr_is_v4(&f->src) ? AF_INET : AF_INET6);
	if (!nfct_nlmsg_build(nlh, ct))
		error = talk(d->kernel, nlh, NULL, NULL);
	nfct_destroy(ct);
	return error;
}

static bool install_flow(struct syncd *d, const struct item *item)
{
	struct flow f;
	int error;

	if (!flow_decode(item->key.bytes, item->key.len, item->value, item->len,
			 &f))
		return false;
	error = tell(d, &f, IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL);
	if (error == -EEXIST)
		error = tell(d, &f, IPCTNL_MSG_CT_NEW, 0);
	if (error)
		log_debug("a connection was not taken by the kernel: %s",
			  strerror(-error));
	return !error;
}

static void remove_flow(struct syncd *d, const struct item *item)
{
	struct flow f;

	if (flow_key_decode(item->key.bytes, item->key.len, &f))
		tell(d, &f, IPCTNL_MSG_CT_DELETE, 0);
}

static bool check_flow(struct syncd *d, const uint8_t *key, size_t key_len,
		       const uint8_t *value, size_t len)
{
	struct flow f;

	return flow_decode(key, key_len, value, len, &f) &&
	       !is_local(d->kernel, &f) &&
	       (d->config->udp || f.proto != IPPROTO_UDP);
}

static bool look_at_flows(struct syncd *d)
{
	uint8_t buf[256];
	int error = talk(d->kernel, request(d->kernel, buf, IPCTNL_MSG_CT_GET,
					    NLM_F_DUMP, AF_UNSPEC),
			 on_connection, d);

	if (error)
		log_error("the kernel does not tell its connections: %s",
			  strerror(-error));
	return !error;
}

static json_t *show_flow(const struct item *item)
{
	struct flow f;

	if (!flow_decode(item->key.bytes, item->key.len, item->value, item->len,
			 &f))
		return NULL;
	return json_pack("{ss ss so so so so sb sI sI sI}",
			 "table", item->kind->name,
			 "protocol", f.proto == IPPROTO_TCP ? "tcp" : "udp",
			 "source", json_endpoint(&f.src, f.sport),
			 "destination", json_endpoint(&f.dst, f.dport),
			 "reply_source", json_endpoint(&f.reply_src, f.reply_sport),
			 "reply_destination",
			 json_endpoint(&f.reply_dst, f.reply_dport),
			 "installed", item->installed,
			 "mark", (json_int_t)f.mark, "zone", (json_int_t)f.zone,
			 "timeout", (json_int_t)f.timeout);
}

const struct kind kernel_connections = {
	.type = FLOW_ENTRY, .name = "connections",
	.value_max = FLOW_VALUE_LEN, .tail = FLOW_VALUE_LEN - FLOW_DIGESTED,
	.check = check_flow, .install = install_flow, .remove = remove_flow,
	.look = look_at_flows, .show = show_flow,
};

/* ---- start ---- */

static struct mnl_socket *open_socket(unsigned int groups)
{
	struct mnl_socket *s = mnl_socket_open(NETLINK_NETFILTER);

	if (s && mnl_socket_bind(s, groups, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(s);
		s = NULL;
	}
	return s;
}

char *kernel_start(struct syncd *d)
{
	struct kernel *k = calloc(1, sizeof(*k));
	int room = EVENTS_ROOM, fd;

	if (!k)
		return daemon_error("out of memory");
	d->kernel = k;
	k->watch = rtnl_watch_open();
	k->requests = open_socket(0);
	k->events = open_socket(GROUPS);
	if (k->watch < 0 || !k->requests || !k->events)
		return daemon_error("no netlink socket for connections: %s; is nf_conntrack_netlink in the kernel, and this root?",
				    strerror(errno));
	fd = mnl_socket_get_fd(k->events);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	uv_poll_init(d->loop, &k->poll, fd);
	k->poll.data = d;
	uv_poll_start(&k->poll, UV_READABLE, on_events);
	return NULL;
}

void kernel_stop(struct syncd *d)
{
	struct kernel *k = d->kernel;

	if (!k)
		return;
	if (k->poll.data)
		uv_close((uv_handle_t *)&k->poll, NULL);
	if (k->events)
		mnl_socket_close(k->events);
	if (k->requests)
		mnl_socket_close(k->requests);
	if (k->watch >= 0)
		close(k->watch);
	free(k->own);
}
