// SPDX-License-Identifier: GPL-2.0-only
/*
 * The contract of kernel/tunnel/table.h: random requests for bindings and visitors,
 * each compared with a model that knows which tunnels must exist then; what ends by
 * itself; what is refused changes nothing. And core/encap.h beside the kernel's own
 * functions.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <net/inet_ecn.h>

/* Included: it is part of the module, and does not export anything. */
#include "../tunnel/table.c"

/* Few, so that they meet. */
#define HOMES 10
#define FARS 5
#define LINKS 3
#define DEVICES 2
#define ROUNDS 3000
#define HELD 1000000U
/* The loopback device of the first namespace is always there. */
#define HOME_LINK 1

static struct tunnel_net *tn;
static struct rnd_state rnd;
static unsigned int events[8];
static struct net_device *devices[DEVICES], *link_devs[LINKS];
static struct tunnel_link links[LINKS];

/* ---- what the table asks of the other parts ---- */

static void said_binding(struct tunnel_net *net,
			 const struct tunnel_binding *binding, u8 reason)
{
	events[reason]++;
}

static void said_visitor(struct tunnel_net *net,
			 const struct tunnel_visitor *visitor, u8 reason)
{
	events[reason]++;
}

static struct net_device *device_of(struct tunnel_net *net, u32 ifindex)
{
	int i;

	for (i = 0; i < DEVICES; i++)
		if (devices[i]->ifindex == (int)ifindex)
			return devices[i];
	return NULL;
}

static struct tunnel_link *link_get(struct tunnel_net *net, u32 ifindex,
				    struct netlink_ext_ack *extack)
{
	int i;

	for (i = 0; i < LINKS; i++) {
		if (link_devs[i]->ifindex != (int)ifindex)
			continue;
		links[i].refs++;
		return &links[i];
	}
	return ERR_PTR(-ENODEV);
}

static void link_put(struct tunnel_link *link)
{
	link->refs--;
}

static const struct tunnel_table_ops ops = {
	.binding = said_binding,
	.visitor = said_visitor,
	.device = device_of,
	.link_get = link_get,
	.link_put = link_put,
};

static unsigned long sweep_tables(struct roam_sweep *sweep)
{
	unsigned long next;
	bool more;

	do {
		mutex_lock(&tn->lock);
		more = tunnel_table_expire(tn, 16);
		next = tunnel_table_next(tn);
		mutex_unlock(&tn->lock);
	} while (more);
	return next;
}

/* ---- the model ---- */

/**
 * struct place - where the model has a node
 * @known: there is an entry
 * @to: its tunnels
 * @n: how many
 * @device: index of their device
 * @left: care-of address that it left, 0: none
 * @broadcast: it gets broadcasts
 * @own: a visitor that is this host itself
 * @link: index of the visitor's link, -1: none
 * @mac: last byte of its link-layer address
 */
struct place {
	bool known;
	struct roam_encap to[TUNNEL_ENDPOINTS_MAX];
	unsigned int n;
	int device;
	__be32 left;
	bool broadcast;
	bool own;
	int link;
	u8 mac;
};

static struct place away[HOMES], here[HOMES];

static unsigned int below(unsigned int n)
{
	return prandom_u32_state(&rnd) % n;
}

static struct in6_addr home_addr(unsigned int i)
{
	return roam_addr4(htonl(0xcb007100 + i));
}

static bool same(const struct roam_encap *a, const struct roam_encap *b)
{
	return a->saddr == b->saddr && a->daddr == b->daddr &&
	       a->encap == b->encap &&
	       (a->encap != ROAM_TUNNEL_ENCAP_UDP ||
		(a->sport == b->sport && a->dport == b->dport));
}

/* Tunnels to different places, as the netlink part wants them. */
static unsigned int random_ends(struct roam_encap *to, unsigned int most)
{
	unsigned int n = below(3) ? 1 : 1 + below(most), first = below(FARS), i;
	u8 encap = below(4);

	n = min(n, FARS);
	memset(to, 0, n * sizeof(*to));
	for (i = 0; i < n; i++) {
		to[i].daddr = htonl(0xc0000201 + (first + i) % FARS);
		to[i].saddr = htonl(0xc6336401 + below(2));
		to[i].encap = encap;
		to[i].ttl = 64;
		if (encap != ROAM_TUNNEL_ENCAP_UDP)
			continue;
		to[i].sport = htons(below(2) ? ROAM_MIP_PORT : 4444);
		to[i].dport = htons(5000 + below(2));
	}
	return n;
}

static const struct tunnel_endpoint *end_of(const struct place *places,
					    unsigned int i)
{
	const struct in6_addr home = home_addr(i);
	struct tunnel_binding *binding;
	struct tunnel_visitor *visitor;

	if (places == away) {
		binding = tunnel_binding_find(tn, home.s6_addr32[3]);
		return binding ? rcu_dereference(binding->to) : NULL;
	}
	visitor = tunnel_visitor_find(tn, home.s6_addr32[3]);
	return visitor ? rcu_dereference(visitor->to) : NULL;
}

/* What the table says of a node is what the model says. */
static void compare_one(struct kunit *test, const struct place *places,
			unsigned int i)
{
	const struct place *p = &places[i];
	const struct tunnel_endpoint *end;
	unsigned int n = 0;

	rcu_read_lock();
	for (end = end_of(places, i); end && n < p->n; end = end->also, n++) {
		KUNIT_EXPECT_TRUE(test, same(&end->tunnel, &p->to[n]));
		KUNIT_EXPECT_PTR_EQ(test, end->dev, devices[p->device]);
	}
	KUNIT_EXPECT_PTR_EQ(test, end, (const struct tunnel_endpoint *)NULL);
	KUNIT_EXPECT_EQ(test, n, p->known ? p->n : 0);
	rcu_read_unlock();
}

/**
 * struct want - what must exist
 * @end: tunnels that several may share
 * @dev: their devices
 * @pair: tunnels between different addresses
 * @own: own ends between those
 * @n_ends: number of @end
 * @n_pairs: number of @pair
 * @alone: tunnels that belong to one entry
 * @ports: tunnels from a port of their own
 */
struct want {
	struct roam_encap end[2 * HOMES], pair[2 * HOMES * FARS];
	int dev[2 * HOMES];
	unsigned int own[2 * HOMES * FARS];
	unsigned int n_ends, n_pairs, alone, ports;
};

static bool is_port(const struct roam_encap *end)
{
	return end->encap == ROAM_TUNNEL_ENCAP_UDP &&
	       end->sport != htons(ROAM_MIP_PORT);
}

static void want_one(struct want *w, const struct place *p)
{
	unsigned int i, j;

	if (!p->known)
		return;
	for (i = 0; i < p->n; i++) {
		for (j = 0; j < w->n_pairs; j++)
			if (w->pair[j].saddr == p->to[i].saddr &&
			    w->pair[j].daddr == p->to[i].daddr)
				break;
		if (j == w->n_pairs) {
			w->own[j] = 0;
			w->pair[w->n_pairs++] = p->to[i];
		}
		w->own[j] += p->own;
	}
	if (p->n > 1) {
		w->alone += p->n;
		for (i = 0; i < p->n; i++)
			w->ports += is_port(&p->to[i]);
		return;
	}
	if (!p->n)
		return;
	for (i = 0; i < w->n_ends; i++)
		if (same(&w->end[i], p->to) && w->dev[i] == p->device)
			return;
	w->dev[w->n_ends] = p->device;
	w->end[w->n_ends++] = *p->to;
	w->ports += is_port(p->to);
}

static void compare_all(struct kunit *test, struct want *w)
{
	unsigned int i, bindings = 0, visitors = 0, told = 0, used[LINKS] = {};
	struct tunnel_binding *binding;
	struct tunnel_pair *pair;

	w->n_ends = 0;
	w->n_pairs = 0;
	w->alone = 0;
	w->ports = 0;
	for (i = 0; i < HOMES; i++) {
		want_one(w, &away[i]);
		want_one(w, &here[i]);
		bindings += away[i].known;
		visitors += here[i].known;
		told += away[i].known && away[i].broadcast;
		if (here[i].known && here[i].link >= 0)
			used[here[i].link]++;
	}
	KUNIT_ASSERT_EQ(test, tn->n_bindings, bindings);
	KUNIT_ASSERT_EQ(test, tn->n_visitors, visitors);
	KUNIT_ASSERT_EQ(test, atomic_read(&tn->bindings.nelems), bindings);
	KUNIT_ASSERT_EQ(test, atomic_read(&tn->visitors.nelems), visitors);
	KUNIT_ASSERT_EQ(test, tn->n_endpoints, w->n_ends + w->alone);
	KUNIT_ASSERT_EQ(test, atomic_read(&tn->endpoints.nelems), w->n_ends);
	KUNIT_ASSERT_EQ(test, atomic_read(&tn->pairs.nelems), w->n_pairs);
	KUNIT_ASSERT_EQ(test, tn->n_ports, w->ports);
	for (i = 0; i < LINKS; i++)
		KUNIT_ASSERT_EQ(test, links[i].refs, HELD + used[i]);
	rcu_read_lock();
	for (i = 0; i < w->n_pairs; i++) {
		pair = tunnel_pair_find(tn, w->pair[i].daddr, w->pair[i].saddr);
		KUNIT_EXPECT_NOT_NULL(test, pair);
		if (pair)
			KUNIT_EXPECT_EQ(test, pair->own, w->own[i]);
	}
	hlist_for_each_entry_rcu(binding, &tn->broadcasts, broadcast)
		told--;
	rcu_read_unlock();
	KUNIT_ASSERT_EQ(test, told, 0);
}

/* ---- requests ---- */

static int set_binding(const struct tunnel_binding_request *req, u8 *reason)
{
	struct tunnel_binding *binding;

	mutex_lock(&tn->lock);
	binding = tunnel_binding_set(tn, req, reason, NULL);
	mutex_unlock(&tn->lock);
	return PTR_ERR_OR_ZERO(binding);
}

static int set_visitor(const struct tunnel_visitor_request *req, u8 *reason)
{
	struct tunnel_visitor *visitor;

	mutex_lock(&tn->lock);
	visitor = tunnel_visitor_set(tn, req, reason, NULL);
	mutex_unlock(&tn->lock);
	return PTR_ERR_OR_ZERO(visitor);
}

/* False: there was none. */
static bool remove_one(const struct place *places, unsigned int i)
{
	const struct in6_addr home = home_addr(i);
	struct tunnel_binding *binding = NULL;
	struct tunnel_visitor *visitor = NULL;

	mutex_lock(&tn->lock);
	rcu_read_lock();
	if (places == away)
		binding = tunnel_binding_find(tn, home.s6_addr32[3]);
	else
		visitor = tunnel_visitor_find(tn, home.s6_addr32[3]);
	rcu_read_unlock();
	if (binding)
		tunnel_binding_remove(tn, binding);
	if (visitor)
		tunnel_visitor_remove(tn, visitor);
	mutex_unlock(&tn->lock);
	return binding || visitor;
}

static bool is_there(const struct place *p, const struct roam_encap *to,
		     unsigned int n, int device)
{
	unsigned int i;

	if (!p->known || p->n != n || (n && p->device != device))
		return false;
	for (i = 0; i < n; i++)
		if (!same(&p->to[i], &to[i]))
			return false;
	return true;
}

static void leave(struct place *p, const struct roam_encap *to, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (to[i].daddr == p->to->daddr)
			return;
	p->left = p->to->daddr;
}

static void random_binding(struct kunit *test, unsigned int i)
{
	struct tunnel_binding_request req = {
		.home = home_addr(i),
		.exclusive = !below(5),
		.existing = !below(5),
		.home_link = below(2) ? HOME_LINK : 0,
		.flags = below(2) ? ROAM_TUNNEL_BINDING_FLAG_BROADCAST : 0,
		.lifetime = below(2) ? 1000 * HZ : 0,
	};
	struct place *p = &away[i];
	int device = below(DEVICES), want = 0;
	struct tunnel_binding *binding;
	u8 reason = 0xff, was;

	req.n = random_ends(req.endpoint, TUNNEL_ENDPOINTS_MAX);
	req.device = devices[device]->ifindex;
	if (p->known && req.exclusive)
		want = -EEXIST;
	else if (!p->known && req.existing)
		want = -ENOENT;
	KUNIT_ASSERT_EQ(test, set_binding(&req, &reason), want);
	if (want)
		return;
	was = is_there(p, req.endpoint, req.n, device) ?
	      ROAM_TUNNEL_REASON_REFRESHED :
	      p->known ? ROAM_TUNNEL_REASON_MOVED : ROAM_TUNNEL_REASON_NEW;
	KUNIT_ASSERT_EQ(test, reason, was);
	if (was == ROAM_TUNNEL_REASON_MOVED)
		leave(p, req.endpoint, req.n);
	else if (was == ROAM_TUNNEL_REASON_NEW)
		p->left = 0;
	p->known = true;
	p->n = req.n;
	p->device = device;
	p->broadcast = req.flags && req.home_link;
	memcpy(p->to, req.endpoint, sizeof(p->to));
	rcu_read_lock();
	binding = tunnel_binding_find(tn, req.home.s6_addr32[3]);
	KUNIT_EXPECT_EQ(test, binding->left, p->left);
	KUNIT_EXPECT_EQ(test, binding->mortal, req.lifetime != 0);
	rcu_read_unlock();
}

static void random_visitor(struct kunit *test, unsigned int i)
{
	struct tunnel_visitor_request req = {
		.home = home_addr(i),
		.exclusive = !below(5),
		.existing = !below(5),
		.role = below(3) ? ROAM_TUNNEL_ROLE_VISITOR : ROAM_TUNNEL_ROLE_OWN,
		.lifetime = below(2) ? 1000 * HZ : 0,
		.mac = { 2, 0, 0, 0, 0, below(2) },
	};
	bool own = req.role == ROAM_TUNNEL_ROLE_OWN;
	struct place *p = &here[i];
	int device = below(DEVICES), link = own ? -1 : (int)below(LINKS);
	int want = 0;
	u8 reason = 0xff, was;

	/* A visitor's agents may not be known yet. */
	if (own || below(5))
		req.n = random_ends(req.endpoint, TUNNEL_AGENTS_MAX);
	req.device = devices[device]->ifindex;
	req.link = link >= 0 ? link_devs[link]->ifindex : 0;
	if (p->known && req.exclusive)
		want = -EEXIST;
	else if (!p->known && req.existing)
		want = -ENOENT;
	else if (p->known && p->own != own)
		want = -EBUSY;
	KUNIT_ASSERT_EQ(test, set_visitor(&req, &reason), want);
	if (want)
		return;
	was = is_there(p, req.endpoint, req.n, device) && p->link == link &&
	      p->mac == req.mac[5] ? ROAM_TUNNEL_REASON_REFRESHED :
	      p->known ? ROAM_TUNNEL_REASON_MOVED : ROAM_TUNNEL_REASON_NEW;
	KUNIT_ASSERT_EQ(test, reason, was);
	p->known = true;
	p->n = req.n;
	p->device = device;
	p->own = own;
	p->link = link;
	p->mac = req.mac[5];
	memcpy(p->to, req.endpoint, sizeof(req.endpoint));
}

static void test_random(struct kunit *test)
{
	struct want *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	struct place *places;
	unsigned int i, home;

	KUNIT_ASSERT_NOT_NULL(test, w);
	for (i = 0; i < ROUNDS; i++) {
		home = below(HOMES);
		places = below(2) ? away : here;
		if (!below(6)) {
			KUNIT_ASSERT_EQ(test, remove_one(places, home),
					places[home].known);
			places[home] = (struct place){ .link = -1 };
		} else if (places == away) {
			random_binding(test, home);
		} else {
			random_visitor(test, home);
		}
		compare_one(test, places, home);
		compare_all(test, w);
	}
	/* A device takes what uses it along, and nothing else. */
	mutex_lock(&tn->lock);
	tunnel_bindings_flush(tn, devices[0]);
	tunnel_visitors_flush(tn, link_devs[0]);
	mutex_unlock(&tn->lock);
	for (i = 0; i < HOMES; i++) {
		if (away[i].known && away[i].device == 0)
			away[i] = (struct place){ .link = -1 };
		if (here[i].known && here[i].link == 0)
			here[i] = (struct place){ .link = -1 };
	}
	compare_all(test, w);
}

static struct tunnel_binding_request plain_binding(unsigned int i)
{
	struct tunnel_binding_request req = {
		.home = home_addr(i),
		.device = devices[0]->ifindex,
		.n = 1,
		.endpoint = { {
			.daddr = htonl(0xc0000201 + i % FARS),
			.saddr = htonl(0xc6336401),
			.ttl = 64,
		} },
	};

	return req;
}

/* MIP-11: what ends goes, with the tunnel that nobody else uses; what was renewed stays. */
static void test_ends(struct kunit *test)
{
	struct tunnel_binding_request req;
	unsigned int i;
	u8 reason;

	for (i = 0; i < 300; i++) {
		req = plain_binding(i);
		req.lifetime = HZ / 20;
		KUNIT_ASSERT_EQ(test, set_binding(&req, &reason), 0);
	}
	req = plain_binding(7);
	req.lifetime = 1000 * HZ;
	KUNIT_ASSERT_EQ(test, set_binding(&req, &reason), 0);
	req = plain_binding(8);
	KUNIT_ASSERT_EQ(test, set_binding(&req, &reason), 0);
	/* The sweeper ends them by itself. */
	for (i = 0; i < 3000 && READ_ONCE(tn->n_bindings) > 2; i++)
		msleep(10);
	KUNIT_EXPECT_EQ(test, tn->n_bindings, 2);
	KUNIT_EXPECT_EQ(test, tn->n_endpoints, 2);
	/* One of the two may have ended before it was renewed, on a slow machine. */
	KUNIT_EXPECT_GE(test, events[ROAM_TUNNEL_REASON_EXPIRED], 298);
	KUNIT_EXPECT_LE(test, events[ROAM_TUNNEL_REASON_EXPIRED], 300);
}

static void test_refused(struct kunit *test)
{
	struct tunnel_binding_request req = plain_binding(0);
	struct tunnel_visitor_request visitor = {
		.home = home_addr(0),
		.device = devices[0]->ifindex,
		.link = 999,
		.n = 1,
		.endpoint = { req.endpoint[0] },
	};
	u32 generation;
	u8 reason;

	tn->config.max_bindings = 1;
	tn->config.max_visitors = 1;
	KUNIT_ASSERT_EQ(test, set_binding(&req, &reason), 0);
	generation = atomic_read(&tn->generation);
	req = plain_binding(1);
	KUNIT_EXPECT_EQ(test, set_binding(&req, &reason), -ENOSPC);
	req.device = 999;
	tn->config.max_bindings = 2;
	KUNIT_EXPECT_EQ(test, set_binding(&req, &reason), -ENODEV);
	req.device = devices[0]->ifindex;
	req.home_link = 0x7ffffff0;
	KUNIT_EXPECT_EQ(test, set_binding(&req, &reason), -ENODEV);
	KUNIT_EXPECT_EQ(test, set_visitor(&visitor, &reason), -ENODEV);
	visitor.link = link_devs[0]->ifindex;
	visitor.device = 999;
	KUNIT_EXPECT_EQ(test, set_visitor(&visitor, &reason), -ENODEV);
	KUNIT_EXPECT_EQ(test, tn->n_bindings, 1);
	KUNIT_EXPECT_EQ(test, tn->n_visitors, 0);
	KUNIT_EXPECT_EQ(test, tn->n_endpoints, 1);
	KUNIT_EXPECT_EQ(test, links[0].refs, HELD);
	KUNIT_EXPECT_EQ(test, atomic_read(&tn->generation), generation);
	visitor.device = devices[0]->ifindex;
	KUNIT_EXPECT_EQ(test, set_visitor(&visitor, &reason), 0);
	visitor.home = home_addr(1);
	KUNIT_EXPECT_EQ(test, set_visitor(&visitor, &reason), -ENOSPC);
	KUNIT_EXPECT_EQ(test, links[0].refs, HELD + 1);
}

static void test_size(struct kunit *test)
{
	/* With its share of the table, a pointer for each bucket at three quarters. */
	KUNIT_EXPECT_LE(test, kmem_cache_size(tunnel_binding_cache) +
			      2 * sizeof(void *), 192);
}

/* ---- headers ---- */

static void inner_fill(struct iphdr *iph, unsigned int len)
{
	get_random_bytes(iph, len);
	iph->version = 4;
	iph->ihl = 5 + below(3);
	iph->tot_len = htons(len);
	iph->frag_off = below(2) ? htons(ROAM_IP_DF) : 0;
	iph->protocol = IPPROTO_TCP;
	iph->check = 0;
	iph->check = ip_fast_csum(iph, iph->ihl);
}

/*
 * What was put into a tunnel comes out of it as it was. The memory ends where the packet
 * does, so that KASAN sees who reads on.
 */
static void test_encap_there_and_back(struct kunit *test)
{
	struct roam_encap tunnel = {
		.saddr = htonl(0xc6336401), .daddr = htonl(0xc0000201),
		.sport = htons(ROAM_MIP_PORT), .dport = htons(5000), .ttl = 64,
	};
	unsigned int i, len, head, total, cut;
	struct roam_decap decap;
	u8 *inner, *packet;
	struct iphdr *iph;

	for (i = 0; i < 120; i++) {
		tunnel.encap = i % 4;
		len = 28 + below(60);
		inner = kmalloc(len, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, inner);
		inner_fill((void *)inner, len);
		if (!below(3)) {
			iph = (void *)inner;
			iph->saddr = tunnel.saddr;
			iph->check = 0;
			iph->check = ip_fast_csum(iph, iph->ihl);
		}
		head = roam_encap_len(&tunnel, tunnel.encap, (void *)inner);
		total = head + len;
		packet = kmalloc(total, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, packet);
		memcpy(packet + head, inner, len);
		roam_encap_write(packet, &tunnel, tunnel.encap, head, total, 7);
		iph = (void *)packet;
		KUNIT_EXPECT_EQ(test, ip_fast_csum(iph, iph->ihl), 0);
		KUNIT_EXPECT_EQ(test, ntohs(iph->tot_len), total);
		KUNIT_EXPECT_EQ(test, iph->protocol,
				roam_encap_protocol(tunnel.encap));
		KUNIT_EXPECT_EQ(test, iph->tos, ((struct iphdr *)inner)->tos);
		KUNIT_EXPECT_EQ(test, (int)roam_decap_read(iph, total, &decap),
				(int)ROAM_DECAP_OK);
		KUNIT_EXPECT_EQ(test, decap.saddr, ((struct iphdr *)inner)->saddr);
		KUNIT_EXPECT_EQ(test, decap.daddr, ((struct iphdr *)inner)->daddr);
		if (tunnel.encap == ROAM_TUNNEL_ENCAP_MINIMAL)
			roam_decap_minimal_restore(packet, &decap);
		KUNIT_EXPECT_EQ(test, decap.len, head);
		KUNIT_EXPECT_MEMEQ(test, packet + head, inner, len);
		kfree(packet);
		/* Cut short anywhere behind its own header, and in memory of that size. */
		for (cut = sizeof(*iph); cut < total; cut += 1 + below(4)) {
			packet = kmalloc(cut, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, packet);
			get_random_bytes(packet, cut);
			iph = (void *)packet;
			iph->version = 4;
			iph->ihl = 5;
			iph->tot_len = htons(cut);
			iph->protocol = roam_encap_protocol(tunnel.encap);
			roam_decap_read(iph, cut, &decap);
			kfree(packet);
		}
		kfree(inner);
	}
}

/* OPEN-06: congestion marks as the kernel's own tunnels treat them. */
static void test_encap_ecn(struct kunit *test)
{
	struct sk_buff *skb = alloc_skb(sizeof(struct iphdr), GFP_KERNEL);
	unsigned int outer, inner;
	struct iphdr *iph;
	bool passes;
	u8 tos;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	iph = skb_put_zero(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	skb->protocol = htons(ETH_P_IP);
	for (outer = 0; outer < 256; outer++) {
		for (inner = 0; inner < 256; inner++) {
			memset(iph, 0, sizeof(*iph));
			iph->version = 4;
			iph->ihl = 5;
			iph->tos = inner;
			passes = INET_ECN_decapsulate(skb, outer, inner) < 2;
			KUNIT_ASSERT_EQ(test, passes,
					roam_decap_ecn(outer, inner, &tos));
			if (passes)
				KUNIT_ASSERT_EQ(test, iph->tos, tos);
		}
	}
	kfree_skb(skb);
}

/* ---- suite ---- */

static int tunnel_suite_init(struct kunit_suite *suite)
{
	return tunnel_table_caches_init();
}

static void tunnel_suite_exit(struct kunit_suite *suite)
{
	tunnel_table_caches_exit();
}

/* Who finds an entry before the lock is given back finds its device, link and tunnels. */
static void test_whole(struct kunit *test)
{
	const struct roam_encap tunnel = { .saddr = htonl(0xc0000212),
					   .daddr = htonl(0xc0000202) };
	struct tunnel_visitor_request req = {
		.home = roam_addr4(htonl(0xcb007105)),
		.link = link_devs[0]->ifindex,
		.reverse = ROAM_TUNNEL_REVERSE_DIRECT,
	};
	struct tunnel_endpoint *to;
	struct tunnel_visitor *visitor;
	struct tunnel_link *link;

	mutex_lock(&tn->lock);
	link = link_get(tn, req.link, NULL);
	to = tunnel_endpoint_get(tn, &tunnel, 1, devices[0]);
	KUNIT_ASSERT_NOT_NULL(test, to);
	visitor = tunnel_visitor_create(tn, &req, to, link, devices[0], NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(visitor));
	KUNIT_EXPECT_PTR_EQ(test, visitor->dev, devices[0]);
	KUNIT_EXPECT_PTR_EQ(test, tunnel_visitor_link(tn, visitor), link);
	KUNIT_EXPECT_PTR_EQ(test, tunnel_visitor_to(tn, visitor), to);
	KUNIT_EXPECT_EQ(test, visitor->reverse, ROAM_TUNNEL_REVERSE_DIRECT);
	tunnel_visitor_remove(tn, visitor);
	mutex_unlock(&tn->lock);
}

/* Something with an index, and nothing else of a device. */
static struct net_device *index_only(struct kunit *test, int ifindex)
{
	struct net_device *dev = kunit_kzalloc(test, sizeof(*dev), GFP_KERNEL);

	if (dev)
		dev->ifindex = ifindex;
	return dev;
}

static int tunnel_init(struct kunit *test)
{
	int i;

	for (i = 0; i < DEVICES; i++) {
		devices[i] = index_only(test, 100 + i);
		if (!devices[i])
			return -ENOMEM;
	}
	for (i = 0; i < LINKS; i++) {
		link_devs[i] = index_only(test, 200 + i);
		if (!link_devs[i])
			return -ENOMEM;
		links[i] = (struct tunnel_link){ .refs = HELD, .dev = link_devs[i] };
	}
	for (i = 0; i < HOMES; i++) {
		away[i] = (struct place){ .link = -1 };
		here[i] = (struct place){ .link = -1 };
	}
	memset(events, 0, sizeof(events));
	prandom_seed_state(&rnd, 11);
	tn = kzalloc(sizeof(*tn), GFP_KERNEL);
	if (!tn)
		return -ENOMEM;
	tn->net = &init_net;
	mutex_init(&tn->lock);
	INIT_LIST_HEAD(&tn->devices);
	tn->config.max_bindings = 100000;
	tn->config.max_visitors = 100000;
	tn->config.grace = HZ;
	roam_sweep_init(&tn->sweep, sweep_tables);
	return tunnel_table_init(tn, &ops);
}

static void tunnel_exit(struct kunit *test)
{
	int i;

	tn->gone = true;
	roam_sweep_exit(&tn->sweep);
	tunnel_table_exit(tn);
	/* Whoever pointed to a tunnel or a link has let it go, once. */
	KUNIT_EXPECT_EQ(test, tn->n_endpoints, 0);
	KUNIT_EXPECT_EQ(test, tn->n_ports, 0);
	for (i = 0; i < LINKS; i++)
		KUNIT_EXPECT_EQ(test, links[i].refs, HELD);
	rcu_barrier();
	kfree(tn);
}

static struct kunit_case tunnel_cases[] = {
	{ .name = "MIP-14 MIP-34 MIP-59 OPEN-14: random bindings and visitors, compared with a model",
	  .run_case = test_random },
	{ .name = "MIP-11: what is renewed stays, what is not ends with its tunnel",
	  .run_case = test_ends },
	{ .name = "MIP-14: a visitor is whole when it is found", .run_case = test_whole },
	{ .name = "OPEN-32 OPEN-34: what is refused changes nothing",
	  .run_case = test_refused },
	{ .name = "OPEN-32: a binding has at most 192 bytes", .run_case = test_size },
	{ .name = "MIP-37 MIP-38 MIP-54 MIP-55 OPEN-35: into a tunnel and out of it",
	  .run_case = test_encap_there_and_back },
	{ .name = "OPEN-06: marks of congestion beside the kernel's", .run_case = test_encap_ecn },
	{}
};

static struct kunit_suite tunnel_suite = {
	.name = "roam_tunnel",
	.suite_init = tunnel_suite_init,
	.suite_exit = tunnel_suite_exit,
	.init = tunnel_init,
	.exit = tunnel_exit,
	.test_cases = tunnel_cases,
};

kunit_test_suite(tunnel_suite);

MODULE_DESCRIPTION("roam: tests of bindings, visitors and tunnels");
MODULE_LICENSE("GPL");
