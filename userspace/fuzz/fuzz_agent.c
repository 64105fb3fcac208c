// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Home and foreign agent against nodes and agents that have valid keys and say
 * anything: what is bound leads to who asked, limits hold, and what is taken back
 * leaves no trace.
 */
#include "fuzz.h"

#include <string.h>

#include "core/foreign_agent.h"
#include "core/home_agent.h"

#define NODES_MAX 3
#define VISITORS_MAX 2
#define PENDING_MAX 5
#define LINK 3

static struct sa_set sas[3];	/* node, foreign agent, stranger */
static struct ha_node nodes[5];
static struct ha_group groups[2];
static struct fa_link fa_links[1];
static struct auth_keys *keys;
static uint32_t counter;

static const struct ha_node *find_node(void *ctx, const struct roam_addr *home)
{
	size_t i;

	(void)ctx;
	for (i = 0; i < 5; i++)
		if (roam_addr_eq(&nodes[i].home, home))
			return &nodes[i];
	return NULL;
}

/* Every second address is that of an agent with an association. */
static const struct sa_set *find_peer(void *ctx, const struct roam_addr *addr)
{
	(void)ctx;
	return addr->b[15] & 1 ? &sas[1] : NULL;
}

static const struct sa_set *find_visitor(void *ctx, const struct roam_addr *addr)
{
	(void)ctx;
	return addr->b[15] == 4 ? &sas[2] : NULL;
}

static bool is_own(void *ctx, const struct roam_addr *addr)
{
	(void)ctx;
	return roam_addr_eq(addr, &fa_links[0].addr);
}

static uint32_t next_random(void *ctx)
{
	(void)ctx;
	return counter++;
}

static struct roam_addr address(uint8_t net, uint8_t n)
{
	return (struct roam_addr){
		.b = { [10] = 0xff, [11] = 0xff, 10, net, 0, n },
	};
}

static void prepare(void)
{
	uint8_t secret[16];
	unsigned int i;

	if (keys)
		return;
	keys = auth_keys_new();
	auth_keys_keep_secrets(keys);
	for (i = 0; i < 3; i++) {
		memset(secret, (int)i + 1, sizeof(secret));
		auth_keys_add(keys, i + 1, secret, sizeof(secret));
		sas[i].n = 1;
		sas[i].items[0] = (struct sa){
			.spi = 300 + i, .algorithm = i, .window = SA_WINDOW,
			.key = auth_keys_find(keys, i + 1),
		};
	}
	for (i = 0; i < 5; i++) {
		nodes[i].home = address(1, (uint8_t)(i + 1));
		nodes[i].associations = sas[0];
		if (i == 3)
			nodes[i].associations.items[0].replay = SA_NONCES;
	}
	for (i = 0; i < 2; i++) {
		groups[i] = (struct ha_group){
			.agent = address(1, (uint8_t)(100 + i)),
			.network = { address(1, 0), 120 },
			.lifetime_max = 1000, .bindings_max = 2 + i, .gre = true,
			.udp = true, .reverse = true, .broadcast = true,
		};
	}
	groups[1].network = (struct roam_prefix){ address(2, 0), 120 };
	fa_links[0] = (struct fa_link){
		.index = LINK, .addr = address(3, 1), .coa = address(3, 1),
		.lifetime_max = 600, .gre = true, .reverse = true,
		.encapsulating = true,
	};
}

static struct mip_writer message(struct input *in, msec_t now, uint8_t type)
{
	struct mip_msg msg = {
		.type = type, .flags = take(in), .code = take(in),
		.lifetime = (uint16_t)(take(in) << 4),
		.home = take_addr(in, 1), .agent = address(1, 100 + take(in) % 3),
		.coa = take_addr(in, 3),
		.id = sa_timestamp((uint64_t)now * 1000000) + take(in),
	};
	struct mip_writer w = { .len = 0 };
	uint8_t extra[16], how = take(in);
	unsigned int i;

	mip_put_message(&w, &msg);
	for (i = 0; i < sizeof(extra); i++)
		extra[i] = take(in);
	if (how & 1)
		mip_put_extension(&w, take(in), extra, take(in) % 17);
	if (how & 2)
		mip_put_udp_request(&w, &(struct mip_udp_request){
					    (uint8_t)(take(in) & 0xc0), 0 });
	if (!(how & 4))
		sa_sign(&sas[0].items[0], &w, MIP_MOBILE_HOME);
	if (how & 8)
		mip_put_extension(&w, take(in), extra, take(in) % 17);
	if (how & 16)
		sa_sign(&sas[2].items[0], &w, MIP_MOBILE_FOREIGN);
	if (how & 32)
		sa_sign(&sas[1].items[0], &w, MIP_FOREIGN_HOME);
	if (how & 64 && w.len)
		w.buf[take(in) % w.len] ^= take(in);
	return w;
}

static void check_state(void *ctx, const struct ha_state *s)
{
	uint8_t buf[HA_STATE_LEN], again[HA_STATE_LEN];
	struct ha_state back;
	unsigned int i, k;
	size_t len;

	(void)ctx;
	check(s->n <= HA_BINDINGS_MAX && find_node(NULL, &s->home));
	for (i = 0; i < s->n; i++) {
		const struct ha_binding *b = &s->bindings[i];

		check(roam_addr_is_usable(&b->coa) && b->lifetime);
		check(!roam_addr_eq(&b->coa, &s->home));
		check(!find_node(NULL, &b->coa));
		check(b->lifetime <= 1000);
		for (k = 0; k < i; k++)
			check(!roam_addr_eq(&b->coa, &s->bindings[k].coa));
	}
	len = ha_state_encode(s, 77, buf);
	check(ha_state_decode(buf, len, 77, &back) == len);
	check(ha_state_encode(&back, 77, again) == len);
	check(!memcmp(buf, again, len));
}

static void check_same(const struct ha_state *a, const struct ha_state *b)
{
	uint8_t one[HA_STATE_LEN], other[HA_STATE_LEN];
	size_t len = ha_state_encode(a, 0, one);

	check(ha_state_encode(b, 0, other) == len);
	check(!memcmp(one, other, len));
}

static void home(struct input *in, struct ha *ha, msec_t now)
{
	struct mip_writer w = message(in, now, MIP_REQUEST);
	struct ha_request r = {
		.data = w.buf, .len = w.len, .from = take_addr(in, 3),
		.from_port = 434, .to = address(1, 100),
		.wall = (uint64_t)now * 1000000,
	};
	static struct ha_changes changes;
	struct ha_state before, after;
	struct ha_reply reply;
	enum ha_drop drop;
	struct mip_msg msg;
	bool existed;

	mip_decode(w.buf, w.len, &msg);
	existed = ha_get(ha, &msg.home, &before);
	ha_changes_reset(&changes);
	drop = ha_input(ha, now, &r, &reply, &changes);
	check(drop < HA_DROP_MAX && changes.n <= 1);
	if (drop == HA_DROP_NONE)
		check(mip_decode(reply.w.buf, reply.w.len, &msg) == MIP_OK);
	else
		check(!changes.n);
	if (take(in) & 1) {
		ha_undo(ha, &changes);
		mip_decode(w.buf, w.len, &msg);
		check(ha_get(ha, &msg.home, &after) == existed);
		check_same(&before, &after);
	}
}

static void visitor(void *ctx, const struct fa_visitor *v, bool pending)
{
	uint8_t buf[FA_VISITOR_MAX];
	struct fa_visitor back;
	size_t len;

	(void)ctx;
	check(pending || (v->lifetime && v->lifetime <= v->requested));
	check(v->requested <= 600);
	/* Who asks for an address has none, and is never stored before the reply. */
	len = fa_visitor_encode(v, -5, buf);
	check(fa_visitor_decode(buf, len, -5, &back) ==
	      (roam_addr_is_usable(&v->home) ? len : 0));
}

static void on_send(void *ctx, const struct fa_send *send)
{
	(void)ctx;
	check(send->direction == FA_TO_NODE && send->link == LINK);
}

static void foreign(struct input *in, struct fa *fa, msec_t now)
{
	bool reply = take(in) & 1;
	struct mip_writer w = message(in, now, reply ? MIP_REPLY : MIP_REQUEST);
	static struct fa_changes changes;
	struct fa_datagram d = {
		.data = w.buf, .len = w.len,
		.from = reply ? address(1, 100 + take(in) % 3) :
				take_addr(in, 1),
		.to = address(3, 1), .link = LINK, .ttl = take(in) | 0xfe,
		.mac = { [5] = take(in) % 3 },
	};
	struct fa_send send;
	struct mip_msg msg;

	fa_changes_reset(&changes);
	if (!reply) {
		if (fa_request(fa, now, &d, &send) == FA_DROP_NONE &&
		    send.direction == FA_TO_AGENT)
			check(!is_own(NULL, &send.to));
		return;
	}
	if (fa_reply(fa, now, &d, &send, &changes) != FA_DROP_NONE)
		return;
	check(mip_decode(send.w.buf, send.w.len, &msg) == MIP_OK);
	if (take(in) & 1)
		fa_undo(fa, &changes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ha_config hc = {
		.groups = groups, .n_groups = 2, .nodes_max = NODES_MAX,
		.find_node = find_node, .find_peer = find_peer,
		.random = next_random,
	};
	struct fa_config fc = {
		.links = fa_links, .n_links = 1, .pending_max = PENDING_MAX,
		.pending_timeout = FA_PENDING_TIMEOUT,
		.visitors_max = VISITORS_MAX, .find_node = find_visitor,
		.find_peer = find_peer, .is_own = is_own,
	};
	struct input in = { data, size };
	struct ha_changes nodes_changed = { 0 };
	struct fa_changes visitors_changed = { 0 };
	struct ha_cursor at_nodes;
	struct fa_cursor at_visitors;
	msec_t now = 1800000000000;
	struct ha *ha;
	struct fa *fa;

	prepare();
	counter = 1;
	ha = ha_new(&hc);
	fa = fa_new(&fc);
	while (in.left) {
		uint8_t op = take(&in);

		if (op < 100)
			home(&in, ha, now);
		else if (op < 200)
			foreign(&in, fa, now);
		else
			now += 100 * (msec_t)(op - 199) * (op - 199);
		ha_changes_reset(&nodes_changed);
		fa_changes_reset(&visitors_changed);
		check(ha_expire(ha, now, &nodes_changed) > now);
		check(fa_expire(fa, now, on_send, NULL, &visitors_changed) >
		      now);
		check(ha_count(ha) <= NODES_MAX && ha_entries(ha) <= 5);
		check(fa_pending(fa) <= PENDING_MAX);
		memset(&at_nodes, 0, sizeof(at_nodes));
		memset(&at_visitors, 0, sizeof(at_visitors));
		ha_walk(ha, &at_nodes, 100, check_state, NULL);
		fa_walk(fa, &at_visitors, 100, visitor, NULL);
	}
	ha_free(ha);
	fa_free(fa);
	ha_changes_free(&nodes_changed);
	fa_changes_free(&visitors_changed);
	return 0;
}
