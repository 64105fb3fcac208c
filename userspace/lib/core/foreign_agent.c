// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/foreign_agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "wire/bytes.h"

#define DENIALS 1024		/* nodes told apart in the limit of denials */
#define DENIAL_INTERVAL 1000	/* ms, RFC 5944 3.7.2 */
#define RATES 4096		/* NAIs told apart in the limit of requests */
#define SENDERS 16		/* so many at least share the room for requests */
#define KEY_LEN 16

/**
 * struct sender - a link-layer address with requests on their way
 * @node: in the table
 * @mac: the address, behind @node
 * @first: its oldest request
 * @last: its newest
 * @n: their number
 */
struct sender {
	struct table_node node;
	uint8_t mac[FA_MAC_LEN];
	struct pending *first;
	struct pending *last;
	size_t n;
};

/**
 * struct pending - a request on its way
 * @next: of the same node
 * @sender: who sent it
 * @newer: of the same sender
 * @older: likewise
 * @v: the request
 */
struct pending {
	struct pending *next;
	struct sender *sender;
	struct pending *newer;
	struct pending *older;
	struct fa_visitor v;
};

/**
 * struct entry - a node: what it asks for now, and what it has
 * @node: in the table
 * @deadline: when the first of it ends
 * @home: the key: its home address, or a hash of its names while it has none
 * @pending: the newest first, at most FA_PENDING_PER_NODE
 * @visitor: the current registration, or NULL
 */
struct entry {
	struct table_node node;
	struct deadline deadline;
	struct roam_addr home;
	struct pending *pending;
	struct fa_visitor *visitor;
};

/**
 * struct user - a NAI with visitors
 * @node: in the table
 * @key: hash of the NAI, behind @node
 * @n: its visitors
 */
struct user {
	struct table_node node;
	uint8_t key[KEY_LEN];
	size_t n;
};

/**
 * struct fa - see fa_new()
 * @config: in force
 * @table: entries by home address
 * @deadlines: of the entries
 * @n_visitors: entries with a visitor
 * @n_pending: pending requests of all
 * @senders: of the pending requests
 * @users: NAIs with visitors
 * @rates: when the burst of a NAI at a node would be whole again, by a hash of both
 * @denied: until when a node is told nothing more, by a hash of it
 */
struct fa {
	struct fa_config config;
	struct table table;
	struct deadlines deadlines;
	size_t n_visitors;
	size_t n_pending;
	struct table senders;
	struct table users;
	msec_t rates[RATES];
	msec_t denied[DENIALS];
};

static const char *const drop_names[FA_DROP_MAX] = {
	[FA_DROP_NONE] = "none",
	[FA_DROP_MESSAGE] = "message",
	[FA_DROP_EXTENSION] = "extension",
	[FA_DROP_LINK] = "link",
	[FA_DROP_UNASKED] = "unasked",
	[FA_DROP_AGENT] = "other_agent",
	[FA_DROP_REPEATED] = "repeated",
	[FA_DROP_RATE] = "rate",
	[FA_DROP_ROOM] = "room",
};

const char *fa_drop_name(enum fa_drop drop)
{
	return drop < FA_DROP_MAX ? drop_names[drop] : "unknown";
}

/* ---- changes ---- */

void fa_changes_reset(struct fa_changes *changes)
{
	changes->n = 0;
}

void fa_changes_free(struct fa_changes *changes)
{
	free(changes->items);
	memset(changes, 0, sizeof(*changes));
}

static bool changes_reserve(struct fa_changes *changes)
{
	size_t room = changes->room ? 2 * changes->room : 16;
	struct fa_change *items;

	if (changes->n < changes->room)
		return true;
	items = reallocarray(changes->items, room, sizeof(*items));
	if (!items)
		return false;
	changes->items = items;
	changes->room = room;
	return true;
}

/* ---- the table ---- */

static struct entry *entry_of(struct table_node *node)
{
	return node ? container_of(node, struct entry, node) : NULL;
}

/* 128 bits with the tables' secret, as in core/lease.c; no home address begins so. */
static void key_of(const uint8_t *data, size_t len, uint8_t first,
		   uint8_t key[KEY_LEN])
{
	uint8_t text[2 + LEASE_NAMES_MAX];
	uint64_t half;
	size_t i;

	memcpy(text + 2, data, len);
	text[1] = first;
	for (i = 0; i < 2; i++) {
		text[0] = (uint8_t)i;
		half = table_hash(text, 2 + len);
		memcpy(key + 8 * i, &half, 8);
	}
}

/* Where a request or a visitor is found. */
static struct roam_addr key_of_visitor(const struct fa_visitor *v)
{
	struct roam_addr key = v->home;

	if (roam_addr_is_none(&v->home) && v->nai_len) {
		key_of(v->names, (size_t)v->nai_len + v->sub_len, v->nai_len,
		       key.b);
		key.b[0] = 0xff;
	}
	return key;
}

static void set_names(struct fa_visitor *v, const struct mip_names *names)
{
	v->nai_len = (uint8_t)names->nai_len;
	v->sub_len = (uint8_t)names->sub_len;
	if (names->nai_len)
		memcpy(v->names, names->nai, names->nai_len);
	if (names->sub_len)
		memcpy(v->names + names->nai_len, names->sub, names->sub_len);
}

static bool same_names(const struct fa_visitor *a, const struct fa_visitor *b)
{
	return a->nai_len == b->nai_len && a->sub_len == b->sub_len &&
	       !memcmp(a->names, b->names, (size_t)a->nai_len + a->sub_len);
}

/* ---- NAIs and their limits ---- */

static struct user *find_user(const struct fa *fa, const struct fa_visitor *v)
{
	struct table_node *node;
	uint8_t key[KEY_LEN];

	if (!v->nai_len)
		return NULL;
	key_of(v->names, v->nai_len, 0, key);
	node = table_find(&fa->users, key);
	return node ? container_of(node, struct user, node) : NULL;
}

/* A visitor without memory for its NAI is not counted: it can be, and it is there. */
static void join_user(struct fa *fa, const struct fa_visitor *v)
{
	struct user *user = find_user(fa, v);

	if (!v->nai_len)
		return;
	if (!user) {
		user = calloc(1, sizeof(*user));
		if (!user)
			return;
		key_of(v->names, v->nai_len, 0, user->key);
		if (!table_insert(&fa->users, &user->node)) {
			free(user);
			return;
		}
	}
	user->n++;
}

static void leave_user(struct fa *fa, const struct fa_visitor *v)
{
	struct user *user = find_user(fa, v);

	if (!user || --user->n)
		return;
	table_remove(&fa->users, &user->node);
	free(user);
}

/*
 * Requests of a NAI from one node: nobody proved the name yet, so who uses another's
 * name uses up nothing of his (SES-30).
 */
static bool is_within_rate(struct fa *fa, msec_t now,
			   const struct fa_visitor *v)
{
	uint8_t who[LEASE_NAMES_MAX + FA_MAC_LEN];
	msec_t each, *until;

	if (!v->nai_len || !fa->config.requests_rate)
		return true;
	memcpy(who, v->names, v->nai_len);
	memcpy(who + v->nai_len, v->mac, FA_MAC_LEN);
	until = &fa->rates[table_hash(who, v->nai_len + FA_MAC_LEN) % RATES];
	each = 60000 / fa->config.requests_rate;
	if (*until < now)
		*until = now;
	if (*until - now > each * (fa->config.requests_burst - 1))
		return false;
	*until += each;
	return true;
}

static struct entry *find(const struct fa *fa, const struct roam_addr *home)
{
	return entry_of(table_find(&fa->table, home));
}

static struct entry *find_or_make(struct fa *fa, const struct roam_addr *home)
{
	struct entry *e = find(fa, home);

	if (e)
		return e;
	if (!deadlines_reserve(&fa->deadlines, fa->table.count + 1))
		return NULL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->home = *home;
	if (table_insert(&fa->table, &e->node))
		return e;
	free(e);
	return NULL;
}

static void set_deadline(struct fa *fa, struct entry *e)
{
	msec_t first = e->visitor ? e->visitor->expires : MSEC_NEVER;
	const struct pending *p;

	for (p = e->pending; p; p = p->next)
		first = min_time(first, p->v.expires);
	deadline_set(&fa->deadlines, &e->deadline, first);
}

/* An entry without content goes; else its deadline is set. */
static void settle(struct fa *fa, struct entry *e)
{
	if (e->visitor || e->pending) {
		set_deadline(fa, e);
		return;
	}
	deadline_clear(&fa->deadlines, &e->deadline);
	table_remove(&fa->table, &e->node);
	free(e);
}

static void drop_visitor(struct fa *fa, struct entry *e)
{
	if (e->visitor) {
		fa->n_visitors--;
		leave_user(fa, e->visitor);
	}
	free(e->visitor);
	e->visitor = NULL;
}

/* ---- who sent what is pending ---- */

static struct sender *find_sender(const struct fa *fa, const uint8_t *mac)
{
	struct table_node *node = table_find(&fa->senders, mac);

	return node ? container_of(node, struct sender, node) : NULL;
}

static bool join_sender(struct fa *fa, struct pending *p)
{
	struct sender *s = find_sender(fa, p->v.mac);

	if (!s) {
		s = calloc(1, sizeof(*s));
		if (!s)
			return false;
		memcpy(s->mac, p->v.mac, FA_MAC_LEN);
		if (!table_insert(&fa->senders, &s->node)) {
			free(s);
			return false;
		}
	}
	p->sender = s;
	p->newer = NULL;
	p->older = s->last;
	*(s->last ? &s->last->newer : &s->first) = p;
	s->last = p;
	s->n++;
	return true;
}

static void leave_sender(struct fa *fa, struct pending *p)
{
	struct sender *s = p->sender;

	*(p->older ? &p->older->newer : &s->first) = p->newer;
	*(p->newer ? &p->newer->older : &s->last) = p->older;
	if (--s->n)
		return;
	table_remove(&fa->senders, &s->node);
	free(s);
}

/* What one link-layer address may have pending, of all nodes together. */
static size_t sender_max(const struct fa *fa)
{
	size_t part = fa->config.pending_max / SENDERS;

	return part > FA_PENDING_PER_NODE ? part : FA_PENDING_PER_NODE;
}

static void drop_pending(struct fa *fa, struct pending **at)
{
	struct pending *p = *at;

	*at = p->next;
	leave_sender(fa, p);
	free(p);
	fa->n_pending--;
}

static void tell_unanswered(const struct fa *fa, const struct fa_visitor *v)
{
	if (fa->config.unanswered)
		fa->config.unanswered(fa->config.ctx, v);
}

/* It goes, and no reply tells anybody that it did. */
static void give_up_pending(struct fa *fa, struct pending **at)
{
	struct fa_visitor v = (*at)->v;

	drop_pending(fa, at);
	tell_unanswered(fa, &v);
}

static bool set_visitor(struct fa *fa, struct entry *e,
			const struct fa_visitor *visitor)
{
	if (!e->visitor) {
		e->visitor = malloc(sizeof(*e->visitor));
		if (!e->visitor)
			return false;
		fa->n_visitors++;
	} else {
		leave_user(fa, e->visitor);
	}
	*e->visitor = *visitor;
	join_user(fa, visitor);
	return true;
}

static bool add_pending(struct fa *fa, struct entry *e,
			const struct fa_visitor *request)
{
	struct pending *p = malloc(sizeof(*p));

	if (!p)
		return false;
	p->v = *request;
	if (!join_sender(fa, p)) {
		free(p);
		return false;
	}
	p->next = e->pending;
	e->pending = p;
	fa->n_pending++;
	return true;
}

static struct pending **find_pending(struct entry *e, uint64_t id)
{
	struct pending **at;

	for (at = &e->pending; *at; at = &(*at)->next)
		if ((uint32_t)(*at)->v.id == (uint32_t)id)
			return at;
	return NULL;
}

bool fa_get(const struct fa *fa, const struct roam_addr *home,
	    struct fa_visitor *visitor)
{
	const struct entry *e = find(fa, home);

	if (!e || !e->visitor)
		return false;
	*visitor = *e->visitor;
	return true;
}

bool fa_get_pending(const struct fa *fa, const struct roam_addr *home,
		    uint32_t id, struct fa_visitor *pending)
{
	struct entry *e = (struct entry *)find(fa, home);
	struct pending **at = e ? find_pending(e, id) : NULL;

	if (!at)
		return false;
	*pending = (*at)->v;
	return true;
}

bool fa_apply(struct fa *fa, const struct fa_visitor *visitor)
{
	struct entry *e = find_or_make(fa, &visitor->home);
	bool set = e && set_visitor(fa, e, visitor);

	if (e)
		settle(fa, e);
	return set;
}

bool fa_apply_pending(struct fa *fa, const struct fa_visitor *pending)
{
	struct roam_addr key = key_of_visitor(pending);
	struct entry *e = find_or_make(fa, &key);
	struct pending **at;
	bool set;

	if (!e)
		return false;
	at = find_pending(e, pending->id);
	if (at)
		drop_pending(fa, at);
	set = add_pending(fa, e, pending);
	settle(fa, e);
	return set;
}

void fa_delete_pending(struct fa *fa, const struct roam_addr *home, uint64_t id)
{
	struct entry *e = find(fa, home);
	struct pending **at = e ? find_pending(e, id) : NULL;

	if (!at)
		return;
	drop_pending(fa, at);
	settle(fa, e);
}

/* @visitor NULL: it goes. Room for the change is reserved. */
static bool change(struct fa *fa, struct entry *e,
		   const struct fa_visitor *visitor, struct fa_changes *changes)
{
	struct fa_change c = { .existed = e->visitor, .exists = visitor };

	if (!changes_reserve(changes))
		return false;
	if (e->visitor)
		c.before = *e->visitor;
	c.after.home = e->home;
	if (visitor) {
		c.after = *visitor;
		if (!set_visitor(fa, e, visitor))
			return false;
	} else {
		drop_visitor(fa, e);
	}
	changes->items[changes->n++] = c;
	return true;
}

void fa_undo(struct fa *fa, const struct fa_changes *changes)
{
	size_t i;

	for (i = changes->n; i--; ) {
		const struct fa_change *c = &changes->items[i];
		struct entry *e = find(fa, &c->after.home);

		if (c->existed) {
			fa_apply(fa, &c->before);
		} else if (e) {
			drop_visitor(fa, e);
			settle(fa, e);
		}
	}
}

bool fa_delete(struct fa *fa, const struct roam_addr *home,
	       struct fa_changes *changes)
{
	struct entry *e = find(fa, home);
	bool done;

	if (!e || !e->visitor)
		return false;
	done = change(fa, e, NULL, changes);
	settle(fa, e);
	return done;
}

/* ---- messages to the node ---- */

static const struct sa_set *sa_of_node(const struct fa *fa,
				       const struct roam_addr *home)
{
	const struct sa_set *set =
		fa->config.find_node(fa->config.ctx, home);

	return set && set->n ? set : NULL;
}

/* RFC 5944 3.7.2.3: who it goes to. */
static void address_reply(struct fa_send *send, const struct fa_visitor *v,
			  const struct fa_link *link)
{
	static const struct in_addr all = { INADDR_BROADCAST };

	send->direction = FA_TO_NODE;
	send->from = link ? link->addr : v->to;
	send->to = v->home;
	if (v->flags & MIP_DECAPSULATES && !roam_addr_is_none(&v->source))
		send->to = v->source;
	if (roam_addr_is_none(&send->to))
		send->to = roam_addr_from_in(all);
	send->port = v->port;
	send->link = v->link;
	memcpy(send->mac, v->mac, FA_MAC_LEN);
}

static void sign_for_node(struct fa_send *send)
{
	if (send->node)
		sa_sign(&send->node->items[0], &send->w, MIP_MOBILE_FOREIGN);
}

static const struct fa_link *link_of(const struct fa *fa, uint32_t index)
{
	size_t i;

	for (i = 0; i < fa->config.n_links; i++)
		if (fa->config.links[i].index == index)
			return &fa->config.links[i];
	return NULL;
}

/* So that the node knows which of its sessions was denied. */
static void put_names(struct fa_send *send)
{
	const struct fa_visitor *v = &send->names;

	if (v->nai_len)
		mip_put_extension(&send->w, MIP_NAI, v->names, v->nai_len);
	if (v->sub_len)
		mip_put_sub_nai(&send->w, &send->naming, v->names + v->nai_len,
				v->sub_len);
}

static void make_denial(const struct fa *fa, const struct fa_visitor *v,
			uint8_t code, struct fa_send *send)
{
	const struct fa_link *link = link_of(fa, v->link);

	memset(send, 0, offsetof(struct fa_send, w));
	send->w.len = 0;
	send->w.full = false;
	address_reply(send, v, link);
	send->code = code;
	send->naming = fa->config.naming;
	send->node = sa_of_node(fa, &v->home);
	send->names = *v;
	send->msg = (struct mip_msg){
		.type = MIP_REPLY, .code = code, .home = v->home,
		.agent = v->agent, .id = v->id, .lifetime = v->requested,
	};
	if (code == MIP_FA_LIFETIME && link)
		send->msg.lifetime = link->lifetime_max;
	mip_put_message(&send->w, &send->msg);
	put_names(send);
	sign_for_node(send);
}

void fa_refuse(struct fa_send *send, uint8_t code)
{
	send->code = send->msg.code = code;
	send->w.len = 0;
	send->w.full = false;
	mip_put_message(&send->w, &send->msg);
	put_names(send);
	sign_for_node(send);
}

/* At most one denial a second for a node, RFC 5944 3.7.2. */
static enum fa_drop deny(struct fa *fa, msec_t now, const struct fa_visitor *v,
			 uint8_t code, struct fa_send *send)
{
	uint8_t who[16 + FA_MAC_LEN];
	msec_t *until;

	memcpy(who, v->home.b, 16);
	memcpy(who + 16, v->mac, FA_MAC_LEN);
	until = &fa->denied[table_hash(who, sizeof(who)) % DENIALS];
	if (now < *until)
		return FA_DROP_RATE;
	*until = now + DENIAL_INTERVAL;
	make_denial(fa, v, code, send);
	return FA_DROP_NONE;
}

/* ---- requests ---- */

/**
 * struct judgement - a request being judged
 * @fa: the foreign agent
 * @in: the datagram
 * @link: where it came from
 * @msg: decoded
 * @signature: the mobile-home extension
 * @names: of a session
 * @adds: we add the sub-NAI
 * @v: what will be pending
 */
struct judgement {
	const struct fa *fa;
	const struct fa_datagram *in;
	const struct fa_link *link;
	struct mip_msg msg;
	const struct mip_extension *signature;
	struct mip_names names;
	bool adds;
	struct fa_visitor v;
};

static void fill_request(struct judgement *j)
{
	size_t mac_len, covered;
	const uint8_t *mac;

	j->v = (struct fa_visitor){
		.home = j->msg.home, .source = j->in->from, .to = j->in->to,
		.coa = j->msg.coa, .agent = j->msg.agent, .id = j->msg.id,
		.link = j->in->link, .requested = j->msg.lifetime,
		.port = j->in->from_port, .flags = j->msg.flags,
		.named = j->names.nai,
	};
	memcpy(j->v.mac, j->in->mac, FA_MAC_LEN);
	set_names(&j->v, &j->names);
	j->signature = mip_find(&j->msg, MIP_MOBILE_HOME, NULL);
	if (j->signature)
		mip_get_auth(j->signature, &j->v.spi, &mac, &mac_len, &covered);
}

static uint8_t check_node(const struct judgement *j)
{
	const struct sa_set *set = sa_of_node(j->fa, &j->msg.home);
	const struct mip_extension *e;
	const struct sa *sa;

	if (!set)
		return MIP_ACCEPTED;
	if (sa_check(set, &j->msg, MIP_MOBILE_FOREIGN, &sa, &e) != SA_VALID ||
	    e < j->signature)
		return MIP_FA_MN_AUTH;
	return MIP_ACCEPTED;
}

static bool offers_coa(const struct fa *fa, const struct roam_addr *coa)
{
	size_t i;

	for (i = 0; i < fa->config.n_links; i++)
		if (roam_addr_eq(&fa->config.links[i].coa, coa))
			return true;
	return false;
}

static uint8_t check_care_of(const struct judgement *j)
{
	if (!j->msg.lifetime)
		return MIP_ACCEPTED;
	if (j->msg.flags & MIP_DECAPSULATES)
		return roam_addr_is_usable(&j->msg.coa) ? MIP_ACCEPTED :
							  MIP_FA_CARE_OF;
	return offers_coa(j->fa, &j->msg.coa) ? MIP_ACCEPTED : MIP_FA_CARE_OF;
}

static uint8_t check_agent(const struct judgement *j)
{
	const struct fa_config *config = &j->fa->config;
	const struct roam_addr *agent = &j->msg.agent;

	if (!roam_addr_is_usable(agent) || roam_addr_is_link_local(agent) ||
	    config->is_own(config->ctx, agent))
		return MIP_FA_AGENT_INVALID;
	if (config->is_allowed && !config->is_allowed(config->ctx, agent))
		return MIP_FA_PROHIBITED;
	return MIP_ACCEPTED;
}

/* RFC 3024 3 and 4: the delivery style is told behind the node's signature. */
static uint8_t check_reverse(struct judgement *j)
{
	bool style = mip_find(&j->msg, MIP_ENCAPSULATING_DELIVERY,
			      j->signature);

	if (!(j->msg.flags & MIP_REVERSE)) {
		if (style)
			return MIP_FA_REQUEST;
		return j->link->reverse_only && j->msg.lifetime ?
			MIP_FA_REVERSE_MANDATORY : MIP_ACCEPTED;
	}
	if (!j->link->reverse)
		return MIP_FA_NO_REVERSE;
	if (j->in->ttl != 255)
		return MIP_FA_TOO_DISTANT;
	if (style && !j->link->encapsulating)
		return MIP_FA_DELIVERY;
	j->v.reverse = style ? FA_REVERSE_ENCAPSULATING : FA_REVERSE_DIRECT;
	return MIP_ACCEPTED;
}

static uint8_t check_flags(const struct judgement *j)
{
	if (j->msg.flags & MIP_RESERVED)
		return MIP_FA_REQUEST;
	if (j->msg.flags & MIP_COMPRESSION)
		return MIP_FA_COMPRESSION;
	if (j->msg.flags & MIP_DECAPSULATES)
		return MIP_ACCEPTED;
	if ((j->msg.flags & MIP_GRE && !j->link->gre) ||
	    (j->msg.flags & MIP_MINIMAL && !j->link->minimal))
		return MIP_FA_ENCAPSULATION;
	return MIP_ACCEPTED;
}

static uint8_t check_room(const struct judgement *j)
{
	const struct fa *fa = j->fa;
	const struct entry *e = find(fa, &j->msg.home);
	bool visits = e && e->visitor;
	const struct user *user;

	/* who has some himself makes room */
	if (fa->n_pending >= fa->config.pending_max &&
	    !find_sender(fa, j->v.mac))
		return MIP_FA_RESOURCES;
	user = find_user(fa, &j->v);
	if (j->msg.lifetime && !visits && user && fa->config.sessions_max &&
	    user->n >= fa->config.sessions_max)
		return MIP_FA_RESOURCES;
	if (j->msg.lifetime && !visits &&
	    (j->link->busy || fa->n_visitors >= fa->config.visitors_max))
		return MIP_FA_RESOURCES;
	return MIP_ACCEPTED;
}

/* In the order of RFC 5944 3.7.2.1; a request that fails costs no memory. */
static uint8_t judge(struct judgement *j)
{
	uint8_t code;

	if (!j->signature)
		return MIP_FA_REQUEST;
	code = check_flags(j);
	if (!code && roam_addr_is_none(&j->msg.home) && !j->names.nai)
		code = MIP_FA_HOME_NONZERO;
	if (!code && !roam_addr_is_none(&j->msg.home) &&
	    !roam_addr_is_usable(&j->msg.home))
		code = MIP_FA_REQUEST;
	if (!code)
		code = check_node(j);
	if (!code)
		code = check_care_of(j);
	if (!code && j->msg.lifetime > j->link->lifetime_max)
		code = MIP_FA_LIFETIME;
	if (!code)
		code = check_reverse(j);
	if (!code && mip_find(&j->msg, MIP_CRITICAL_VENDOR, j->signature))
		code = MIP_FA_VENDOR_MN;
	if (!code)
		code = check_agent(j);
	if (!code)
		code = check_room(j);
	return code;
}

/*
 * Room among the pending requests of one node. Who sends many makes room by his
 * own oldest one only, so nobody can push out another's by using its address.
 */
static uint8_t make_room(struct fa *fa, struct entry *e,
			 const struct fa_visitor *v)
{
	struct pending **at, **oldest = NULL;
	unsigned int n = 0, own = 0;

	for (at = &e->pending; *at; at = &(*at)->next) {
		n++;
		if (memcmp((*at)->v.mac, v->mac, FA_MAC_LEN))
			continue;
		own++;
		oldest = at;
	}
	if (own >= FA_PENDING_PER_SENDER) {
		give_up_pending(fa, oldest);
		n--;
	}
	return n < FA_PENDING_PER_NODE ? MIP_ACCEPTED : MIP_FA_RESOURCES;
}

/* The oldest one of a sender that has as many as it may have, whosever it says it is. */
static void make_room_of_sender(struct fa *fa, const uint8_t *mac,
				const struct entry *keep)
{
	struct sender *s = find_sender(fa, mac);
	struct pending **at, *p;
	struct roam_addr key;
	struct entry *e;

	if (!s || (s->n < sender_max(fa) &&
		   fa->n_pending < fa->config.pending_max))
		return;
	p = s->first;
	key = key_of_visitor(&p->v);
	e = find(fa, &key);
	for (at = &e->pending; *at != p; at = &(*at)->next)
		;
	give_up_pending(fa, at);
	if (e != keep)
		settle(fa, e);
}

/*
 * What the node signed goes on as it is; what stands behind is for us and is
 * left out (RFC 5944 3.7.2.2).
 */
static enum fa_drop relay_request(const struct judgement *j,
				  struct fa_send *send)
{
	const struct fa_config *config = &j->fa->config;
	const struct mip_extension *e = j->signature;
	const struct sa_set *peer;

	memset(send, 0, offsetof(struct fa_send, w));
	send->w.len = 0;
	send->w.full = false;
	send->direction = FA_TO_AGENT;
	send->from = j->link->coa;
	send->to = j->msg.agent;
	send->port = MIP_PORT;
	mip_put_bytes(&send->w, j->in->data,
		      (size_t)(e->data + e->len - j->in->data));
	peer = config->find_peer(config->ctx, &j->msg.agent);
	if (j->adds)
		mip_put_sub_nai(&send->w, &config->naming,
				j->v.names + j->v.nai_len, j->v.sub_len);
	if (peer && peer->n && (j->msg.lifetime || j->adds))
		sa_sign(&peer->items[0], &send->w, MIP_FOREIGN_HOME);
	return send->w.full ? FA_DROP_ROOM : FA_DROP_NONE;
}

/* A node behind which there is one session only is known by where it is. */
static void add_sub_nai(struct judgement *j)
{
	const struct fa_config *config = &j->fa->config;
	const struct sa_set *peer = config->find_peer(config->ctx,
						      &j->msg.agent);
	const uint8_t *mac = j->in->mac;
	char sub[18];

	if (!j->link->sub_nai || !j->names.nai || j->names.sub || !peer ||
	    !peer->n)
		return;
	snprintf(sub, sizeof(sub), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0],
		 mac[1], mac[2], mac[3], mac[4], mac[5]);
	memcpy(j->v.names + j->v.nai_len, sub, sizeof(sub) - 1);
	j->v.sub_len = sizeof(sub) - 1;
	j->adds = true;
}

/*
 * Another home agent's word about a node that visits. Neither the home address in a
 * request nor the link-layer address of its frame proves who sent it, and an agent that
 * accepts speaks for itself alone: such a node first ends what it has, or signs for us.
 * Its request goes on all the same, as one to all agents of a network finds the agent that
 * the visitor has (RFC 5944 3.6.1.2).
 */
static bool is_another_s(const struct fa *fa, msec_t now,
			 const struct fa_visitor *v)
{
	const struct entry *e = find(fa, &v->home);

	return !(v->flags & MIP_DECAPSULATES) && e && e->visitor &&
	       e->visitor->expires > now &&
	       !roam_addr_eq(&e->visitor->agent, &v->agent) &&
	       !sa_of_node(fa, &v->home);
}

enum fa_drop fa_request(struct fa *fa, msec_t now, const struct fa_datagram *in,
			struct fa_send *send)
{
	struct judgement j = { .fa = fa, .in = in };
	enum mip_error error = mip_decode(in->data, in->len, &j.msg);
	struct roam_addr key;
	struct pending **at;
	struct entry *e;
	uint8_t code;

	if (error == MIP_UNKNOWN)
		return FA_DROP_EXTENSION;
	if ((error != MIP_OK && error != MIP_MALFORMED) ||
	    j.msg.type != MIP_REQUEST)
		return FA_DROP_MESSAGE;
	j.link = link_of(fa, in->link);
	if (!j.link)
		return FA_DROP_LINK;
	if (error == MIP_OK &&
	    !mip_get_names(&j.msg, &fa->config.naming, &j.names))
		return FA_DROP_MESSAGE;
	fill_request(&j);
	code = error == MIP_MALFORMED ? MIP_FA_REQUEST : judge(&j);
	if (!code && !is_within_rate(fa, now, &j.v))
		code = MIP_FA_RESOURCES;
	if (code)
		return deny(fa, now, &j.v, code, send);
	add_sub_nai(&j);
	key = key_of_visitor(&j.v);
	e = find_or_make(fa, &key);
	if (!e)
		return deny(fa, now, &j.v, MIP_FA_RESOURCES, send);
	at = find_pending(e, j.v.id);
	if (at && memcmp((*at)->v.mac, j.v.mac, FA_MAC_LEN))
		return FA_DROP_REPEATED;
	if (at)
		drop_pending(fa, at);
	j.v.expires = now + fa->config.pending_timeout;
	code = make_room(fa, e, &j.v);
	if (!code)
		make_room_of_sender(fa, j.v.mac, e);
	if (!code && !add_pending(fa, e, &j.v))
		code = MIP_FA_RESOURCES;
	settle(fa, e);
	return code ? deny(fa, now, &j.v, code, send) : relay_request(&j, send);
}

/* ---- replies ---- */

/* RFC 5944 3.7.3.1; 0: all is well. */
static uint8_t check_reply(const struct fa *fa, const struct mip_msg *msg,
			   const struct fa_visitor *v)
{
	const struct fa_config *config = &fa->config;
	const struct sa_set *set =
		config->find_peer(config->ctx, &v->agent);
	const struct mip_extension *e, *signature;
	const struct sa *sa;
	enum sa_result result;

	signature = mip_find(msg, MIP_MOBILE_HOME, NULL);
	if (set && set->n) {
		result = sa_check(set, msg, MIP_FOREIGN_HOME, &sa, &e);
		/* a de-registration carries none on its way there */
		if (result != SA_VALID &&
		    !(result == SA_MISSING && !v->requested))
			return MIP_FA_HA_AUTH;
	}
	if (mip_code_accepts(msg->code) && !signature)
		return MIP_FA_REPLY;
	if (v->named && mip_code_accepts(msg->code) &&
	    !mip_find(msg, MIP_NAI, NULL))
		return MIP_FA_NAI_MISSING;
	if (mip_code_accepts(msg->code) && roam_addr_is_none(&msg->agent))
		return MIP_FA_AGENT_MISSING;
	if (mip_find(msg, MIP_CRITICAL_VENDOR, signature))
		return MIP_FA_VENDOR_HA;
	return MIP_ACCEPTED;
}

/*
 * The pending request that a reply answers: by its home address, or by its names if
 * it had none (TEN-25). *@e: where it is.
 */
static struct pending **find_asked(struct fa *fa, const struct mip_msg *msg,
				   const struct fa_visitor *names,
				   struct entry **e)
{
	struct pending **at;
	struct roam_addr key;

	*e = find(fa, &msg->home);
	at = *e ? find_pending(*e, msg->id) : NULL;
	if (at || !names->nai_len)
		return at;
	key = key_of_visitor(names);
	*e = find(fa, &key);
	return *e ? find_pending(*e, msg->id) : NULL;
}

/*
 * A session that asked for an address has the one of the reply from now on. Nobody
 * else's visitor is moved by that: a home agent has no say about another's.
 */
static uint8_t take_address(struct fa *fa, const struct mip_msg *msg,
			    struct fa_visitor *v)
{
	struct fa_visitor there;

	if (!roam_addr_is_none(&v->home) || !mip_code_accepts(msg->code))
		return MIP_ACCEPTED;
	if (roam_addr_is_none(&msg->home))
		return MIP_FA_HOME_MISSING;
	if (!roam_addr_is_usable(&msg->home) ||
	    (fa_get(fa, &msg->home, &there) &&
	     (!roam_addr_eq(&there.agent, &v->agent) ||
	      !same_names(&there, v))))
		return MIP_FA_REPLY;
	v->home = msg->home;
	return MIP_ACCEPTED;
}

static void relay_reply(const struct fa *fa, const struct mip_msg *msg,
			const struct fa_visitor *v, struct fa_send *send)
{
	const struct mip_extension *e = mip_find(msg, MIP_MOBILE_HOME, NULL);
	size_t len = e ? (size_t)(e->data + e->len - msg->buf) : MIP_REPLY_LEN;

	memset(send, 0, offsetof(struct fa_send, w));
	send->w.len = 0;
	send->w.full = false;
	address_reply(send, v, link_of(fa, v->link));
	send->names = *v;
	send->naming = fa->config.naming;
	send->code = msg->code;
	send->msg = *msg;
	send->msg.buf = NULL;
	send->msg.n = 0;
	send->node = sa_of_node(fa, &v->home);
	mip_put_bytes(&send->w, msg->buf, len);
	sign_for_node(send);
}

/* Neither the reply nor our own limit is exceeded, and nobody is given more than
 * he asked for. */
static uint16_t lifetime_of(const struct fa *fa, const struct mip_msg *msg,
			    const struct fa_visitor *v)
{
	const struct fa_link *link = link_of(fa, v->link);
	uint16_t lifetime = msg->lifetime;

	if (lifetime > v->requested)
		lifetime = v->requested;
	if (link && lifetime > link->lifetime_max)
		lifetime = link->lifetime_max;
	return lifetime;
}

/* False: out of memory. */
static bool grant_visitor(struct fa *fa, msec_t now, struct fa_visitor *v,
			  struct fa_changes *changes)
{
	struct entry *e = find_or_make(fa, &v->home);
	bool done;

	if (!e)
		return false;
	v->expires = v->lifetime == MIP_LIFETIME_INFINITE ? MSEC_NEVER :
		now + 1000 * (msec_t)v->lifetime;
	done = change(fa, e, v, changes);
	settle(fa, e);
	return done;
}

/*
 * What an accepted registration makes of the visitor. False: out of memory. The entry
 * of the request is not touched, unless it is that of the home address.
 */
static bool update_visitor(struct fa *fa, msec_t now, const struct mip_msg *msg,
			   struct fa_visitor v, struct fa_changes *changes)
{
	struct entry *e;

	if (v.flags & MIP_DECAPSULATES)
		return true;
	v.lifetime = lifetime_of(fa, msg, &v);
	if (v.lifetime)
		return grant_visitor(fa, now, &v, changes);
	e = find(fa, &v.home);
	/* the binding to another agent's address, or at another home agent, ended, not ours */
	if (!e || !e->visitor || is_another_s(fa, now, &v) ||
	    (!roam_addr_eq(&v.coa, &v.home) &&
	     !roam_addr_eq(&v.coa, &e->visitor->coa)))
		return true;
	return change(fa, e, NULL, changes);
}

enum fa_drop fa_reply(struct fa *fa, msec_t now, const struct fa_datagram *in,
		      struct fa_send *send, struct fa_changes *changes)
{
	struct fa_visitor v, said = { .nai_len = 0 };
	struct mip_msg msg;
	enum mip_error error = mip_decode(in->data, in->len, &msg);
	struct mip_names names = { .nai = NULL };
	struct roam_addr key;
	struct pending **at;
	struct entry *e;
	uint8_t code;

	if (error == MIP_UNKNOWN)
		return FA_DROP_EXTENSION;
	if ((error != MIP_OK && error != MIP_MALFORMED) ||
	    msg.type != MIP_REPLY)
		return FA_DROP_MESSAGE;
	if (error == MIP_OK &&
	    !mip_get_names(&msg, &fa->config.naming, &names))
		return FA_DROP_MESSAGE;
	set_names(&said, &names);
	at = find_asked(fa, &msg, &said, &e);
	if (!at)
		return FA_DROP_UNASKED;
	v = (*at)->v;
	/* whoever serves a network answers a request to its broadcast address */
	if (!roam_addr_eq(&in->from, &v.agent) &&
	    msg.code != MIP_HA_UNKNOWN_AGENT)
		return FA_DROP_AGENT;
	code = error == MIP_MALFORMED ? MIP_FA_REPLY :
					check_reply(fa, &msg, &v);
	if (!code && said.nai_len && !same_names(&said, &v))
		code = MIP_FA_REPLY;
	drop_pending(fa, at);
	key = e->home;
	if (!code)
		code = take_address(fa, &msg, &v);
	if (!code && mip_code_accepts(msg.code) && v.requested &&
	    is_another_s(fa, now, &v))
		code = MIP_FA_REPLY;
	if (!code && mip_code_accepts(msg.code) &&
	    !update_visitor(fa, now, &msg, v, changes))
		code = MIP_FA_RESOURCES;
	if (code)
		make_denial(fa, &v, code, send);
	else
		relay_reply(fa, &msg, &v, send);
	e = find(fa, &key);
	if (e)
		settle(fa, e);
	if (!send->w.full)
		return FA_DROP_NONE;
	tell_unanswered(fa, &v);
	return FA_DROP_ROOM;
}

void fa_unreachable(struct fa *fa, msec_t now, const struct roam_addr *agent,
		    uint8_t code, fa_send_fn fn, void *ctx)
{
	struct table_iter iter = { 0 };
	struct pending **at;
	struct fa_send send;
	struct entry *e;

	(void)now;
	while ((e = entry_of(table_next(&fa->table, &iter)))) {
		for (at = &e->pending; *at; ) {
			if (!roam_addr_eq(&(*at)->v.agent, agent)) {
				at = &(*at)->next;
				continue;
			}
			make_denial(fa, &(*at)->v, code, &send);
			give_up_pending(fa, at);
			fn(ctx, &send);
		}
		settle(fa, e);
	}
}

/* ---- time ---- */

msec_t fa_next(const struct fa *fa)
{
	return deadlines_next(&fa->deadlines);
}

static void expire_entry(struct fa *fa, msec_t now, struct entry *e,
			 fa_send_fn fn, void *ctx, struct fa_changes *changes)
{
	struct pending **at = &e->pending;
	struct fa_send send;

	while (*at) {
		if ((*at)->v.expires > now) {
			at = &(*at)->next;
			continue;
		}
		make_denial(fa, &(*at)->v, MIP_FA_TIMEOUT, &send);
		give_up_pending(fa, at);
		fn(ctx, &send);
	}
	if (e->visitor && e->visitor->expires <= now)
		change(fa, e, NULL, changes);
	settle(fa, e);
}

msec_t fa_expire(struct fa *fa, msec_t now, fa_send_fn fn, void *ctx,
		 struct fa_changes *changes)
{
	struct deadline *due;

	while (changes_reserve(changes) &&
	       (due = deadlines_pop(&fa->deadlines, now)))
		expire_entry(fa, now, container_of(due, struct entry, deadline),
			     fn, ctx, changes);
	return fa_next(fa);
}

/* ---- the whole ---- */

struct fa *fa_new(const struct fa_config *config)
{
	struct fa *fa = calloc(1, sizeof(*fa));

	if (!fa)
		return NULL;
	fa->config = *config;
	table_init(&fa->table, table_key_offset(struct entry, node, home),
		   sizeof(struct roam_addr));
	table_init(&fa->senders, table_key_offset(struct sender, node, mac),
		   FA_MAC_LEN);
	table_init(&fa->users, table_key_offset(struct user, node, key),
		   KEY_LEN);
	return fa;
}

void fa_configure(struct fa *fa, const struct fa_config *config)
{
	fa->config = *config;
}

void fa_free(struct fa *fa)
{
	struct table_iter iter = { 0 };
	struct table_node *node;
	struct entry *e;

	if (!fa)
		return;
	while ((e = entry_of(table_next(&fa->table, &iter)))) {
		while (e->pending)
			drop_pending(fa, &e->pending);
		free(e->visitor);
		free(e);
	}
	iter = (struct table_iter){ 0 };
	while ((node = table_next(&fa->users, &iter)))
		free(container_of(node, struct user, node));
	table_fini(&fa->users);
	table_fini(&fa->senders);
	table_fini(&fa->table);
	deadlines_fini(&fa->deadlines);
	free(fa);
}

size_t fa_count(const struct fa *fa)
{
	return fa->n_visitors;
}

size_t fa_pending(const struct fa *fa)
{
	return fa->n_pending;
}

void fa_walk(const struct fa *fa, struct fa_cursor *cursor, size_t n,
	     void (*fn)(void *ctx, const struct fa_visitor *visitor,
			bool pending), void *ctx)
{
	const struct pending *p;
	struct entry *e;
	size_t seen;

	for (seen = 0; seen < n || cursor->at.next; seen++) {
		e = entry_of(table_next(&fa->table, &cursor->at));
		if (!e) {
			cursor->done = true;
			return;
		}
		if (e->visitor)
			fn(ctx, e->visitor, false);
		for (p = e->pending; p; p = p->next)
			fn(ctx, &p->v, true);
	}
}

/* ---- written down ---- */

/*
 * home, source, sent to, care-of, agent 4 each; Identification 8, end 8, link 4,
 * SPI 4, asked 2, granted 2, port 2, flags 1, reverse and named 1, MAC 6, length of the
 * NAI 1 and of the sub-NAI 1, names
 */
size_t fa_visitor_encode(const struct fa_visitor *v, int64_t shift,
			 uint8_t buf[FA_VISITOR_MAX])
{
	uint8_t *p = buf;

	p = mip_put_addr(p, &v->home);
	p = mip_put_addr(p, &v->source);
	p = mip_put_addr(p, &v->to);
	p = mip_put_addr(p, &v->coa);
	p = mip_put_addr(p, &v->agent);
	p = bytes_put(p, v->id, 8);
	p = mip_put_time(p, v->expires, shift);
	p = bytes_put(p, v->link, 4);
	p = bytes_put(p, v->spi, 4);
	p = bytes_put(p, v->requested, 2);
	p = bytes_put(p, v->lifetime, 2);
	p = bytes_put(p, v->port, 2);
	p = bytes_put(p, v->flags, 1);
	p = bytes_put(p, v->reverse | (v->named ? 0x80 : 0), 1);
	memcpy(p, v->mac, FA_MAC_LEN);
	p = bytes_put(p + FA_MAC_LEN, v->nai_len, 1);
	p = bytes_put(p, v->sub_len, 1);
	memcpy(p, v->names, (size_t)v->nai_len + v->sub_len);
	return FA_VISITOR_LEN + (size_t)v->nai_len + v->sub_len;
}

size_t fa_visitor_decode(const uint8_t *buf, size_t len, int64_t shift,
			 struct fa_visitor *v)
{
	size_t names;

	memset(v, 0, sizeof(*v));
	if (len < FA_VISITOR_LEN)
		return 0;
	v->home = mip_get_addr(buf);
	v->source = mip_get_addr(buf + 4);
	v->to = mip_get_addr(buf + 8);
	v->coa = mip_get_addr(buf + 12);
	v->agent = mip_get_addr(buf + 16);
	v->id = bytes_get(buf + 20, 8);
	v->expires = mip_get_time(buf + 28, shift);
	v->link = (uint32_t)bytes_get(buf + 36, 4);
	v->spi = (uint32_t)bytes_get(buf + 40, 4);
	v->requested = (uint16_t)bytes_get(buf + 44, 2);
	v->lifetime = (uint16_t)bytes_get(buf + 46, 2);
	v->port = (uint16_t)bytes_get(buf + 48, 2);
	v->flags = buf[50];
	v->reverse = buf[51] & 0x7f;
	v->named = buf[51] & 0x80;
	memcpy(v->mac, buf + 52, FA_MAC_LEN);
	v->nai_len = buf[58];
	v->sub_len = buf[59];
	names = (size_t)v->nai_len + v->sub_len;
	if (names > len - FA_VISITOR_LEN || names > LEASE_NAMES_MAX ||
	    !roam_addr_is_usable(&v->home) || !roam_addr_is_usable(&v->agent) ||
	    v->reverse > FA_REVERSE_ENCAPSULATING)
		return 0;
	memcpy(v->names, buf + FA_VISITOR_LEN, names);
	return FA_VISITOR_LEN + names;
}
