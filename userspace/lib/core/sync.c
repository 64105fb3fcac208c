// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/sync.h"

#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "base/table.h"
#include "wire/bytes.h"

#define ID_LEN 16
#define GROUPS 256		/* of leaves */
#define LEAVES_OF 256		/* leaves of a group */
#define LEAVES (GROUPS * LEAVES_OF)
#define GROUPS_AT_ONCE 8	/* whose leaves are told in one exchange */
#define LEAVES_AT_ONCE 32	/* whose entries are told in one exchange */
#define GROUPS_MANY (SYNC_DIGESTS * 15 / 16)	/* that differ: tables are fetched */
#define TRIES 5			/* D-07 */
#define PROVE_EVERY 20		/* ms between two hellos to somebody unproved */
#define PAST 16			/* sessions of a member that are over */
#define STRANGERS 32		/* who are asked for a proof within PROVE_EVERY */
#define GONE 10			/* dead intervals until a member's place may be taken */
#define TOMBS 4			/* one part of so many of the entries: tombs of unknown ones */
#define ORDER_AHEAD 86400000000000u	/* ns: by a day clocks may differ */
#define CLOCK_SET 1577836800000000000u	/* ns: no clock that was set is before 2020 */
#define HOLES 64		/* parts of a download that came early */
#define WALK 1024		/* entries looked at for one part of an upload */

/**
 * struct entry - what is known of an entry: no value
 * @node: in sync.entries
 * @id: from type and key; its first two bytes are the number of its leaf
 * @next: next one in the same leaf
 * @order: version
 * @digest: of type, key, order and value; 0 of a tombstone
 * @gone: when a tombstone goes
 * @origin: see struct sync_entry
 * @type: table type
 * @deleted: a tombstone
 * @queued: 1 + place in the queue of the next sync_flush(), 0 for none
 * @key_len: length of @key in bytes
 * @key: key
 */
struct entry {
	struct table_node node;
	uint8_t id[ID_LEN];
	struct entry *next;
	uint64_t order;
	union {
		uint64_t digest;
		msec_t gone;
	};
	uint32_t origin;
	uint8_t type;
	bool deleted;
	uint8_t key_len;
	uint32_t queued;
	uint8_t key[];
};

/**
 * struct wish - a change that waits for acknowledgements
 * @token: as given
 * @pos: place of its entry in the queue
 * @wanted: as given
 */
struct wish {
	uint64_t token;
	size_t pos;
	uint8_t wanted;
};

/**
 * struct batch - an update that is out
 * @deadline: when it is sent again
 * @node: in sync.batches
 * @id: identification
 * @owed: members that have not acknowledged it, as bits
 * @told: members that it was sent to
 * @sent: first time
 * @retry: present interval
 * @tries: times it was sent
 * @ids: its entries
 * @n_ids: number of @ids
 * @wishes: not released yet
 * @n_wishes: number of @wishes
 */
struct batch {
	struct deadline deadline;
	struct table_node node;
	uint64_t id;
	uint32_t owed;
	uint32_t told;
	msec_t sent;
	msec_t retry;
	unsigned int tries;
	uint8_t (*ids)[ID_LEN];
	size_t n_ids;
	struct wish *wishes;
	size_t n_wishes;
};

/**
 * struct agents - whose entries are wanted
 * @addr: addresses
 * @n: their number, 0 for all
 */
struct agents {
	struct roam_addr addr[SYNC_AGENTS_MAX];
	size_t n;
};

/* Where a part of a download begins. */
struct place {
	uint32_t leaf;
	uint32_t skip;
};

struct part {
	struct place from;
	struct place to;
	uint32_t sent;
	bool members;
	bool last;
	msec_t when;
	unsigned int tries;
};

#define WINDOW_MAX 64

/**
 * struct upload - a table that is being sent to a member
 * @id: of the request; 0 for none
 * @at: next part begins here
 * @sent: entries in all parts so far
 * @total: entries at the beginning
 * @last: the last part was sent
 * @parts: not acknowledged
 * @n: number of @parts
 * @window: parts that may be unacknowledged; grows by each acknowledgement, as a
 *	receiver that is quick waits for the way only, and is small again after a loss
 * @agents: entries of these alone; of all where there is none (SYNC-49)
 * @resume: when the walk for the next part goes on, as no part was found yet; else 0
 */
struct upload {
	uint64_t id;
	size_t window;
	struct agents agents;
	msec_t resume;
	struct place at;
	uint32_t sent;
	uint32_t total;
	bool last;
	struct part parts[WINDOW_MAX];
	size_t n;
};

/**
 * struct download - the table that is being fetched
 * @id: of the request; 0 for none
 * @agents: whose entries; the table is not complete by some of them
 * @from: member that was asked, -1 for anybody
 * @listed: the members of the group came
 * @done: entries up to here came
 * @end: entries in all, UINT32_MAX while the last part has not come
 * @early: parts that came before one in front of them
 * @n_early: number of @early
 * @again: when the request is sent again
 * @retry: present interval
 * @tries: times it was sent without progress
 */
struct download {
	uint64_t id;
	struct agents agents;
	int from;
	bool listed;
	uint32_t done;
	uint32_t end;
	struct {
		uint32_t from;
		uint32_t to;
	} early[HOLES];
	size_t n_early;
	msec_t again;
	msec_t retry;
	unsigned int tries;
};

/**
 * struct member - another member
 * @addr: who
 * @fixed: known by configuration: nobody takes its place
 * @session: present one
 * @probed: when a hello was sent to it for that
 * @past: earlier ones that may echo the own session: what was recorded then is not
 *	believed again
 * @n_past: number of @past
 * @proved: @session was shown to be the present one
 * @high: highest counter
 * @window: bit n: counter @high - n was seen
 * @heard: last accepted message, 0 for never
 * @synced: says that its table is complete
 * @active: says that it is the active router
 * @equal: its last digest was ours
 * @equal_since: see struct sync_member
 * @entries: likewise
 * @weight: likewise
 * @exchanged: when digests of ranges were last sent to it because they differed
 * @repaired: see struct sync_member
 * @owed: likewise
 * @since: known since
 * @served: its table was requested, or sent
 * @asked: when an upload to it began last, 0 for never in its session
 * @upload: to it
 */
struct member {
	struct roam_addr addr;
	bool fixed;
	uint64_t session;
	msec_t probed;
	uint64_t past[PAST];
	unsigned int n_past;
	bool proved;
	uint64_t high;
	uint64_t window;
	msec_t heard;
	bool synced;
	bool active;
	bool equal;
	msec_t equal_since;
	uint32_t entries;
	uint32_t weight;
	msec_t exchanged;
	uint64_t repaired;
	uint32_t owed;
	msec_t since;
	bool served;
	msec_t asked;
	struct upload upload;
};

/**
 * struct due_ack - an acknowledgement that waits for sync_settled()
 * @id: identification
 * @sent: of a part of a table
 * @member: for whom
 * @type: SYNC_ACK or SYNC_TABLE_ACK
 * @code: enum sync_code
 * @flags: likewise
 */
struct due_ack {
	uint64_t id;
	uint32_t sent;
	uint8_t member;
	uint8_t type;
	uint8_t code;
	uint8_t flags;
};

struct type {
	const struct sync_type *type;
	void *ctx;
	uint64_t highest;
};

struct tomb {
	uint8_t id[ID_LEN];
	msec_t gone;
};

/**
 * struct sync - see sync_new()
 * @config: as given, with defaults
 * @ops: as given
 * @ctx: as given
 * @types: by number
 * @entries: by id
 * @heads: first entry of each leaf
 * @leaves: digest of each leaf: sum of its entries' digests
 * @groups: sums of leaves
 * @root: sum of all
 * @live: entries that are no tombstones
 * @session: of this run, or of a part of it: see renew()
 * @before: the part before, 0 for none
 * @counter: last one used
 * @next_id: next identification
 * @members: others
 * @n_members: places used in @members
 * @strangers: who have no place and were asked for a proof since @strangers_at
 * @strangers_at: when
 * @role: by the election
 * @active: likewise
 * @standby: likewise
 * @synced: the table is complete
 * @fetched_from: whose table it was last
 * @started: when
 * @hello_at: next hellos
 * @queue: entries for the next flush
 * @n_queue: number of @queue
 * @room_queue: room in @queue
 * @wishes: of these
 * @n_wishes: number of @wishes
 * @room_wishes: room in @wishes
 * @batches: by identification
 * @deadlines: of batches
 * @tombs: tombstones in the order in which they go; a ring
 * @tomb_first: first of @tombs
 * @n_tombs: number of them
 * @room_tombs: room for them
 * @acks: of what came since sync_settled()
 * @n_acks: number of @acks
 * @room_acks: room in @acks
 * @download: to this member
 * @scrub: next leaf of sync_scrub()
 * @weight: see sync_set_weight()
 * @stats: numbers
 */
struct sync {
	struct sync_config config;
	const struct sync_ops *ops;
	void *ctx;
	struct type types[256];
	struct table entries;
	struct entry *heads[LEAVES];
	uint64_t leaves[LEAVES];
	uint64_t groups[GROUPS];
	uint64_t root;
	size_t live;
	uint64_t session;
	uint64_t before;
	uint64_t counter;
	uint64_t next_id;
	struct member members[SYNC_MEMBERS_MAX];
	size_t n_members;
	unsigned int strangers;
	msec_t strangers_at;
	enum sync_role role;
	struct roam_addr active;
	struct roam_addr standby;
	bool synced;
	struct roam_addr fetched_from;
	msec_t started;
	msec_t hello_at;
	uint8_t (*queue)[ID_LEN];
	size_t n_queue;
	size_t room_queue;
	struct wish *wishes;
	size_t n_wishes;
	size_t room_wishes;
	struct table batches;
	struct deadlines deadlines;
	struct tomb *tombs;
	size_t tomb_first;
	size_t n_tombs;
	size_t room_tombs;
	struct due_ack *acks;
	size_t n_acks;
	size_t room_acks;
	struct download download;
	uint32_t scrub;
	uint32_t weight;
	struct sync_stats stats;
};

static const struct roam_addr none;

/* ---- entries and digests ---- */

static uint32_t leaf_of(const uint8_t id[ID_LEN])
{
	return (uint32_t)id[0] << 8 | id[1];
}

static void make_id(uint8_t type, const uint8_t *key, size_t key_len,
		    uint8_t id[ID_LEN])
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, 1, &type);
	sha256_update(&ctx, key_len, key);
	sha256_digest(&ctx, ID_LEN, id);
}

static uint64_t make_digest(const struct entry *e, const uint8_t *value,
			    size_t digested)
{
	uint8_t head[12], out[8];
	struct sha256_ctx ctx;

	bytes_put(bytes_put(head, e->order, 8), e->origin, 4);
	sha256_init(&ctx);
	sha256_update(&ctx, ID_LEN, e->id);
	sha256_update(&ctx, sizeof(head), head);
	sha256_update(&ctx, digested, value);
	sha256_digest(&ctx, sizeof(out), out);
	/* Zero would be no entry. */
	return bytes_get(out, 8) | 1;
}

/* @digest comes into the sums, or goes from them as its negative. */
static void sum(struct sync *s, uint32_t leaf, uint64_t digest)
{
	s->leaves[leaf] += digest;
	s->groups[leaf / LEAVES_OF] += digest;
	s->root += digest;
}

static struct entry *find(const struct sync *s, const uint8_t id[ID_LEN])
{
	struct table_node *node = table_find(&s->entries, id);

	return node ? container_of(node, struct entry, node) : NULL;
}

static struct entry *entry_new(struct sync *s, uint8_t type, const uint8_t *key,
			       size_t key_len, const uint8_t id[ID_LEN])
{
	uint32_t leaf = leaf_of(id);
	struct entry *e;

	if (s->entries.count >= s->config.entries_max)
		return NULL;
	e = calloc(1, sizeof(*e) + key_len);
	if (!e)
		return NULL;
	memcpy(e->id, id, ID_LEN);
	if (!table_insert(&s->entries, &e->node)) {
		free(e);
		return NULL;
	}
	e->type = type;
	e->key_len = key_len;
	memcpy(e->key, key, key_len);
	/* Neither alive nor a tombstone before it has its first order. */
	e->deleted = true;
	e->next = s->heads[leaf];
	s->heads[leaf] = e;
	return e;
}

static void entry_free(struct sync *s, struct entry *e)
{
	struct entry **p = &s->heads[leaf_of(e->id)];

	while (*p != e)
		p = &(*p)->next;
	*p = e->next;
	table_remove(&s->entries, &e->node);
	if (!e->deleted) {
		sum(s, leaf_of(e->id), -e->digest);
		s->live--;
	}
	free(e);
}

static void set_live(struct sync *s, struct entry *e, uint64_t order,
		     uint32_t origin, const uint8_t *value, size_t digested)
{
	if (e->deleted)
		s->live++;
	else
		sum(s, leaf_of(e->id), -e->digest);
	e->deleted = false;
	e->order = order;
	e->origin = origin;
	e->digest = make_digest(e, value, digested);
	sum(s, leaf_of(e->id), e->digest);
	if (order > s->types[e->type].highest)
		s->types[e->type].highest = order;
}

static struct tomb *tomb_at(const struct sync *s, size_t i)
{
	return &s->tombs[(s->tomb_first + i) % s->room_tombs];
}

/* What lives again, is forgotten, or was deleted once more since then is no tombstone. */
static void tombs_compact(struct sync *s)
{
	size_t left = 0;

	for (size_t i = 0; i < s->n_tombs; i++) {
		const struct tomb *tomb = tomb_at(s, i);
		const struct entry *e = find(s, tomb->id);

		if (e && e->deleted && e->gone == tomb->gone)
			*tomb_at(s, left++) = *tomb;
	}
	s->n_tombs = left;
}

/*
 * The ring grows by doubling, where half of it is tombstones that are there; false
 * leaves it as it was.
 */
static bool tombs_reserve(struct sync *s)
{
	size_t room = s->room_tombs ? 2 * s->room_tombs : 64;
	struct tomb *more;

	if (s->n_tombs < s->room_tombs)
		return true;
	tombs_compact(s);
	if (s->n_tombs < s->room_tombs / 2)
		return true;
	more = calloc(room, sizeof(*more));
	if (!more)
		return false;
	for (size_t i = 0; i < s->n_tombs; i++)
		more[i] = *tomb_at(s, i);
	free(s->tombs);
	s->tombs = more;
	s->room_tombs = room;
	s->tomb_first = 0;
	return true;
}

static void set_deleted(struct sync *s, msec_t now, struct entry *e,
			uint64_t order, uint32_t origin)
{
	msec_t gone = now + s->config.tombstone;
	bool there = e->deleted && e->gone == gone;
	struct tomb *tomb;

	if (!e->deleted) {
		sum(s, leaf_of(e->id), -e->digest);
		s->live--;
	}
	e->deleted = true;
	e->order = order;
	e->origin = origin;
	e->gone = gone;
	if (order > s->types[e->type].highest)
		s->types[e->type].highest = order;
	/* Without room it stays for ever, which costs memory and is right. */
	if (there || !tombs_reserve(s))
		return;
	tomb = tomb_at(s, s->n_tombs++);
	memcpy(tomb->id, e->id, ID_LEN);
	tomb->gone = e->gone;
}

static void purge_tombs(struct sync *s, msec_t now)
{
	while (s->n_tombs && s->tombs[s->tomb_first].gone <= now) {
		struct entry *e = find(s, s->tombs[s->tomb_first].id);

		/* It may live again, or have been deleted once more. */
		if (e && e->deleted && e->gone <= now) {
			if (e->queued)
				return;
			entry_free(s, e);
		}
		s->tomb_first = (s->tomb_first + 1) % s->room_tombs;
		s->n_tombs--;
	}
}

static bool is_newer(uint64_t order, uint32_t origin, const struct entry *e)
{
	return order != e->order ? order > e->order : origin > e->origin;
}

/* Asks the client; false if it has no such entry any more. */
static bool read_value(struct sync *s, const struct entry *e, uint8_t *value,
		       size_t *len, size_t *digested)
{
	const struct type *type = &s->types[e->type];

	*digested = 0;
	*len = type->type->serialise(type->ctx, e->key, e->key_len, value,
				     SYNC_VALUE_MAX, digested);
	if (*digested > *len || *len - *digested > UINT8_MAX)
		*digested = *len;
	return *len > 0 && *len <= SYNC_VALUE_MAX;
}

static void drop_all(struct sync *s)
{
	struct table_iter iter = { 0 };
	struct table_node *node;

	while ((node = table_next(&s->entries, &iter))) {
		struct entry *e = container_of(node, struct entry, node);
		const struct type *type = &s->types[e->type];

		if (!e->deleted && s->config.mode == SYNC_SINGLE)
			type->type->remove(type->ctx, e->key, e->key_len);
		entry_free(s, e);
	}
	s->n_tombs = 0;
}

/* ---- members ---- */

static bool is_alive(const struct sync *s, const struct member *m, msec_t now)
{
	return m->heard && m->proved && now - m->heard < s->config.dead;
}

static struct member *member_find(struct sync *s, const struct roam_addr *addr)
{
	for (size_t i = 0; i < s->n_members; i++)
		if (roam_addr_eq(&s->members[i].addr, addr))
			return &s->members[i];
	return NULL;
}

static void forget_owed(struct sync *s, struct member *m);

static uint32_t bit(const struct sync *s, const struct member *m)
{
	return UINT32_C(1) << (m - s->members);
}

/* TEN-01: who is told of changes and compared with. */
static bool is_partner(const struct sync *s, const struct member *m)
{
	if (s->config.mode == SYNC_GROUP)
		return true;
	if (s->role == SYNC_ACTIVE)
		return roam_addr_eq(&m->addr, &s->standby);
	return s->role == SYNC_STANDBY && roam_addr_eq(&m->addr, &s->active);
}

static bool is_told(const struct sync *s, const struct member *m, msec_t now)
{
	return is_alive(s, m, now) && is_partner(s, m) &&
	       (s->config.mode == SYNC_GROUP || s->role == SYNC_ACTIVE);
}

static void transmit_to(struct sync *s, const struct roam_addr *to,
			uint64_t echo, struct sync_msg *msg)
{
	msg->group = s->config.group;
	msg->session = s->session;
	msg->echo = echo;
	msg->counter = ++s->counter;
	msg->sender = s->config.own;
	if (s->synced)
		msg->flags |= SYNC_FLAG_SYNCED;
	if (s->role == SYNC_ACTIVE)
		msg->flags |= SYNC_FLAG_ACTIVE;
	s->ops->send(s->ctx, to, msg);
}

static void transmit(struct sync *s, struct member *m, struct sync_msg *msg)
{
	transmit_to(s, m ? &m->addr : &none, m ? m->session : 0, msg);
}

static void hello_to(struct sync *s, const struct roam_addr *to, uint64_t echo)
{
	struct sync_msg msg = {
		.type = SYNC_HELLO, .sent = (uint32_t)s->live,
		.digest = s->root, .total = s->weight,
	};

	transmit_to(s, to, echo, &msg);
}

static void send_hello(struct sync *s, struct member *m)
{
	hello_to(s, m ? &m->addr : &none, m ? m->session : 0);
}

/* A counter that was not seen: the window moves, or a hole in it is filled. */
static bool is_fresh(struct member *m, uint64_t counter)
{
	uint64_t behind;

	if (counter > m->high) {
		uint64_t ahead = counter - m->high;

		m->window = ahead < 64 ? m->window << ahead | 1 : 1;
		m->high = counter;
		return true;
	}
	behind = m->high - counter;
	if (behind >= 64 || m->window >> behind & 1)
		return false;
	m->window |= UINT64_C(1) << behind;
	return true;
}

static bool is_past(const struct member *m, uint64_t session)
{
	for (unsigned int i = 0; i < m->n_past; i++)
		if (m->past[i] == session)
			return true;
	return false;
}

/*
 * A new session of our own voids all that was ever recorded: none of it echoes that. So
 * nothing need be remembered of what is past. Others see a restart, and stay proved:
 * what they say with the session before as echo counts until they know the new one.
 */
static void renew(struct sync *s)
{
	s->before = s->session;
	s->session = s->ops->random(s->ctx) | 1;
	for (size_t i = 0; i < s->n_members; i++)
		s->members[i].n_past = 0;
	for (size_t i = 0; i < s->n_members; i++)
		if (s->members[i].session)
			send_hello(s, &s->members[i]);
}

static bool is_echo(const struct sync *s, uint64_t echo)
{
	return !echo || echo == s->session || echo == s->before;
}

static void new_session(struct sync *s, struct member *m,
			const struct sync_msg *msg)
{
	if (m->session)
		m->past[m->n_past++] = m->session;
	m->session = msg->session;
	m->proved = true;
	m->high = msg->counter;
	m->window = 1;
	m->synced = false;
	m->equal = false;
	m->served = false;
	m->weight = 0;
	m->asked = 0;
	m->upload.id = 0;
	forget_owed(s, m);
	if (m->n_past == PAST)
		renew(s);
}

/* It has a place by configuration or by the election. */
static bool is_appointed(const struct sync *s, const struct member *m)
{
	return m->fixed || roam_addr_eq(&m->addr, &s->active) ||
	       roam_addr_eq(&m->addr, &s->standby);
}

/* Who was named by others and gave no sign in time is not spoken to any more. */
static bool is_spoken_to(const struct sync *s, const struct member *m,
			 msec_t now)
{
	return m->proved || is_appointed(s, m) ||
	       now - m->since < s->config.dead;
}

/*
 * Whose place a newcomer may have: of those that never proved to be there, else of
 * those that are gone for long, the one that was heard least lately.
 */
static struct member *taken_from(struct sync *s, msec_t now, bool proved)
{
	struct member *best = NULL;

	for (size_t i = 0; i < s->n_members; i++) {
		struct member *m = &s->members[i];
		bool may = m->proved ? now - m->heard >= GONE * s->config.dead :
				       proved || !is_spoken_to(s, m, now);

		if (!may || is_appointed(s, m))
			continue;
		if (!best || m->proved < best->proved ||
		    (m->proved == best->proved && m->heard < best->heard))
			best = m;
	}
	return best;
}

/* Nothing is owed to it or by it any more. */
static void member_leave(struct sync *s, struct member *m)
{
	size_t left = 0;

	forget_owed(s, m);
	for (size_t i = 0; i < s->n_acks; i++)
		if (s->acks[i].member != m - s->members)
			s->acks[left++] = s->acks[i];
	s->n_acks = left;
	if (s->download.id && s->download.from == m - s->members)
		s->download.id = 0;
}

/* @proved: it is there; else somebody says so, who may mean nobody. */
static struct member *member_add(struct sync *s, msec_t now,
				 const struct roam_addr *addr, bool proved)
{
	struct member *m = member_find(s, addr);
	bool known = false;

	if (m || roam_addr_eq(addr, &s->config.own))
		return m;
	if (s->n_members < SYNC_MEMBERS_MAX) {
		m = &s->members[s->n_members++];
	} else {
		m = taken_from(s, now, proved);
		if (!m)
			return NULL;
		known = m->session;
		member_leave(s, m);
	}
	memset(m, 0, sizeof(*m));
	m->addr = *addr;
	m->since = now;
	m->probed = now - PROVE_EVERY;
	m->exchanged = now - s->config.hello;
	/* Nobody knows any more which of its sessions are past. */
	if (known)
		renew(s);
	return m;
}

/*
 * Who has no place gets none by saying something: a session that it shows to know is
 * what it takes, and until then nothing is remembered of it.
 */
static void ask_stranger(struct sync *s, msec_t now, const struct sync_msg *msg)
{
	if (now - s->strangers_at >= PROVE_EVERY) {
		s->strangers_at = now;
		s->strangers = 0;
	}
	if (s->strangers++ < STRANGERS)
		hello_to(s, &msg->sender, msg->session);
}

/* OPEN-29: what this run of the sender says to this run of ours. */
static enum sync_drop judge(struct sync *s, msec_t now,
			    const struct sync_msg *msg, struct member **member)
{
	bool proves = msg->echo == s->session;
	struct member *m;

	if (msg->group != s->config.group)
		return SYNC_DROP_GROUP;
	if (roam_addr_eq(&msg->sender, &s->config.own))
		return SYNC_DROP_SENDER;
	m = member_find(s, &msg->sender);
	/* In single mode the election says who has a place. */
	if (!m && s->config.mode == SYNC_SINGLE)
		return SYNC_DROP_MEMBER;
	if (!m && !proves) {
		ask_stranger(s, now, msg);
		return SYNC_DROP_UNPROVED;
	}
	if (!m)
		m = member_add(s, now, &msg->sender, true);
	if (!m)
		return SYNC_DROP_MEMBER;
	*member = m;
	if (m->proved && msg->session == m->session &&
	    is_echo(s, msg->echo)) {
		if (!is_fresh(m, msg->counter))
			return SYNC_DROP_REPLAY;
		m->heard = now;
		return SYNC_DROP_NONE;
	}
	if (is_past(m, msg->session)) {
		/* Or was the one that was believed since a recorded one? It will show. */
		if (!is_alive(s, m, now))
			renew(s);
		return SYNC_DROP_REPLAY;
	}
	if (proves && msg->session != m->session) {
		new_session(s, m, msg);
		m->heard = now;
		/* So that it is proved there, too. */
		send_hello(s, m);
		return SYNC_DROP_NONE;
	}
	/*
	 * It will show that it is there by what it echoes. The session that it claims
	 * is in this hello alone: nothing that was recorded changes what it gets else.
	 */
	if (now - m->probed >= PROVE_EVERY) {
		m->probed = now;
		hello_to(s, &m->addr, msg->session);
	}
	return SYNC_DROP_UNPROVED;
}

/* ---- releases ---- */

static unsigned int bits(uint32_t v)
{
	return (unsigned int)__builtin_popcount(v);
}

static bool has_enough(const struct batch *b, uint8_t wanted)
{
	unsigned int told = bits(b->told), acks = bits(b->told & ~b->owed);

	if (wanted == SYNC_ACKS_ALL)
		return !b->owed;
	if (wanted == SYNC_ACKS_MAJORITY)
		return acks + 1 > (told + 1) / 2;
	return acks >= wanted || !b->owed;
}

/* Each wish that is fulfilled, or each of all if @late. */
static void release(struct sync *s, struct batch *b, bool late)
{
	unsigned int acks = bits(b->told & ~b->owed);
	size_t left = 0;

	for (size_t i = 0; i < b->n_wishes; i++) {
		bool enough = has_enough(b, b->wishes[i].wanted);

		if (!enough && !late) {
			b->wishes[left++] = b->wishes[i];
			continue;
		}
		s->stats.released_late += !enough;
		s->ops->released(s->ctx, b->wishes[i].token, acks, !enough);
	}
	b->n_wishes = left;
}

static void batch_free(struct sync *s, struct batch *b)
{
	deadline_clear(&s->deadlines, &b->deadline);
	table_remove(&s->batches, &b->node);
	free(b->ids);
	free(b->wishes);
	free(b);
}

static void acknowledged(struct sync *s, struct batch *b, uint32_t members)
{
	for (size_t i = 0; i < s->n_members; i++)
		if (b->owed & members & UINT32_C(1) << i)
			s->members[i].owed--;
	b->owed &= ~members;
	release(s, b, false);
	if (!b->owed)
		batch_free(s, b);
}

/*
 * Nothing is expected from it any more: it is silent, or began anew. It does not
 * count as having acknowledged.
 */
static void forget_owed(struct sync *s, struct member *m)
{
	struct table_iter iter = { 0 };
	struct table_node *node;

	while (m->owed && (node = table_next(&s->batches, &iter))) {
		struct batch *b = container_of(node, struct batch, node);

		if (!(b->owed & bit(s, m)))
			continue;
		b->told &= ~bit(s, m);
		acknowledged(s, b, bit(s, m));
	}
	m->owed = 0;
}

/* ---- messages with entries ---- */

/**
 * struct packer - entries into a body
 * @body: the body
 * @p: next byte
 * @n: entries
 */
struct packer {
	uint8_t body[SYNC_BODY_MAX];
	uint8_t *p;
	uint16_t n;
};

static void pack_begin(struct packer *pack)
{
	pack->p = pack->body;
	pack->n = 0;
}

/* False if it does not fit. One that the client has no more is left out. */
static bool pack_entry(struct sync *s, struct packer *pack, struct entry *e)
{
	uint8_t value[SYNC_VALUE_MAX];
	struct sync_entry x = {
		.type = e->type, .deleted = e->deleted, .order = e->order,
		.origin = e->origin, .key = e->key, .key_len = e->key_len,
		.value = value,
	};

	if (!e->deleted && !read_value(s, e, value, &x.len, &x.digested))
		return true;
	if (!x.order ||
	    sync_entry_size(&x) > (size_t)(pack->body + SYNC_BODY_MAX - pack->p))
		return !x.order;
	pack->p = sync_entry_write(pack->p, &x);
	pack->n++;
	return true;
}

static void pack_into(const struct packer *pack, struct sync_msg *msg)
{
	msg->count = pack->n;
	msg->body = pack->body;
	msg->len = (size_t)(pack->p - pack->body);
}

/* ---- updates ---- */

static bool queue_entry(struct sync *s, struct entry *e, uint8_t wanted,
			uint64_t token)
{
	if (!e->queued && s->n_queue == s->room_queue) {
		size_t room = s->room_queue ? 2 * s->room_queue : 64;
		void *more = reallocarray(s->queue, room, ID_LEN);

		if (!more)
			return false;
		s->queue = more;
		s->room_queue = room;
	}
	if (token && s->n_wishes == s->room_wishes) {
		size_t room = s->room_wishes ? 2 * s->room_wishes : 64;
		void *more = reallocarray(s->wishes, room, sizeof(*s->wishes));

		if (!more)
			return false;
		s->wishes = more;
		s->room_wishes = room;
	}
	if (!e->queued) {
		memcpy(s->queue[s->n_queue++], e->id, ID_LEN);
		e->queued = (uint32_t)s->n_queue;
	}
	if (token)
		s->wishes[s->n_wishes++] = (struct wish){ token, e->queued - 1,
							  wanted };
	return true;
}

static uint32_t own_origin(const struct sync *s)
{
	return (uint32_t)bytes_get(s->config.own.b + 12, 4);
}

static bool local_change(struct sync *s, msec_t now, uint8_t type,
			 const uint8_t *key, size_t key_len, uint64_t order,
			 bool delete, uint8_t wanted, uint64_t token)
{
	uint8_t id[ID_LEN], value[SYNC_VALUE_MAX];
	size_t len, digested;
	struct entry *e;

	if (!s->types[type].type || !key_len || key_len > SYNC_KEY_MAX)
		return false;
	make_id(type, key, key_len, id);
	e = find(s, id);
	if (!order)
		order = s->types[type].highest + 1;
	if (e && order <= e->order)
		return false;
	if (!e)
		e = entry_new(s, type, key, key_len, id);
	if (!e)
		return false;
	if (delete) {
		set_deleted(s, now, e, order, own_origin(s));
	} else if (read_value(s, e, value, &len, &digested)) {
		set_live(s, e, order, own_origin(s), value, digested);
	} else {
		if (!e->order)
			entry_free(s, e);
		return false;
	}
	return queue_entry(s, e, wanted, token);
}

bool sync_update(struct sync *s, msec_t now, uint8_t type, const uint8_t *key,
		 size_t key_len, uint64_t order, uint8_t wanted, uint64_t token)
{
	return local_change(s, now, type, key, key_len, order, false, wanted,
			    token);
}

bool sync_delete(struct sync *s, msec_t now, uint8_t type, const uint8_t *key,
		 size_t key_len, uint64_t order, uint8_t wanted, uint64_t token)
{
	return local_change(s, now, type, key, key_len, order, true, wanted,
			    token);
}

static struct entry *find_key(const struct sync *s, uint8_t type,
			      const uint8_t *key, size_t key_len)
{
	uint8_t id[ID_LEN];

	if (!key_len || key_len > SYNC_KEY_MAX)
		return NULL;
	make_id(type, key, key_len, id);
	return find(s, id);
}

void sync_forget(struct sync *s, uint8_t type, const uint8_t *key,
		 size_t key_len)
{
	struct entry *e = find_key(s, type, key, key_len);

	if (e && !e->deleted)
		entry_free(s, e);
}

void sync_floor(struct sync *s, uint64_t order)
{
	for (size_t i = 0; i < sizeof(s->types) / sizeof(s->types[0]); i++)
		if (s->types[i].type && s->types[i].highest < order)
			s->types[i].highest = order;
}

bool sync_await(struct sync *s, uint8_t type, const uint8_t *key,
		size_t key_len, uint8_t wanted, uint64_t token)
{
	struct entry *e = find_key(s, type, key, key_len);

	return e && e->queued && queue_entry(s, e, wanted, token);
}

bool sync_knows(const struct sync *s, uint8_t type, const uint8_t *key,
		size_t key_len)
{
	const struct entry *e = find_key(s, type, key, key_len);

	return e && !e->deleted;
}

void sync_set_weight(struct sync *s, uint32_t weight)
{
	s->weight = weight;
}

uint32_t sync_origin(const struct sync *s, uint8_t type, const uint8_t *key,
		     size_t key_len)
{
	const struct entry *e = find_key(s, type, key, key_len);

	return e && !e->deleted ? e->origin : 0;
}

bool sync_pass(struct sync *s, const struct roam_addr *to,
	       enum sync_message type, uint64_t id, uint8_t code,
	       const uint8_t *body, size_t len)
{
	struct sync_msg msg = {
		.type = (uint8_t)type, .id = id, .code = code, .body = body,
		.len = len,
	};
	struct member *m = member_find(s, to);

	if (!m || len > SYNC_BODY_MAX)
		return false;
	transmit(s, m, &msg);
	return true;
}

static void send_batch(struct sync *s, struct batch *b, struct member *to)
{
	struct sync_msg msg = { .type = SYNC_UPDATE, .id = b->id };
	struct packer pack;

	pack_begin(&pack);
	for (size_t i = 0; i < b->n_ids; i++) {
		struct entry *e = find(s, b->ids[i]);

		/* What grew and does not fit any more the digests will show. */
		if (e)
			pack_entry(s, &pack, e);
	}
	pack_into(&pack, &msg);
	transmit(s, to, &msg);
}

static void send_to_owing(struct sync *s, struct batch *b, bool first)
{
	if (first && s->config.multicast && s->config.mode == SYNC_GROUP) {
		send_batch(s, b, NULL);
		return;
	}
	for (size_t i = 0; i < s->n_members; i++)
		if (b->owed & UINT32_C(1) << i)
			send_batch(s, b, &s->members[i]);
}

static uint32_t told_members(struct sync *s, msec_t now)
{
	uint32_t told = 0;

	for (size_t i = 0; i < s->n_members; i++)
		if (is_told(s, &s->members[i], now))
			told |= UINT32_C(1) << i;
	return told;
}

/*
 * Entries @from to @from + @n of the queue are one update, with the wishes of just
 * these: the first @n_wishes of @wishes.
 */
static bool batch_new(struct sync *s, msec_t now, size_t from, size_t n,
		      const struct wish *wishes, size_t n_wishes, uint32_t told)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (!b || !deadlines_reserve(&s->deadlines, s->batches.count + 1))
		goto fail;
	b->ids = malloc(n * ID_LEN);
	b->wishes = calloc(n_wishes ? n_wishes : 1, sizeof(*b->wishes));
	b->id = s->next_id++;
	if (!b->ids || !b->wishes || !table_insert(&s->batches, &b->node))
		goto fail;
	memcpy(b->ids, s->queue[from], n * ID_LEN);
	b->n_ids = n;
	if (n_wishes)
		memcpy(b->wishes, wishes, n_wishes * sizeof(*wishes));
	b->n_wishes = n_wishes;
	b->told = told;
	b->owed = told;
	b->sent = now;
	b->retry = s->config.retry;
	b->tries = 1;
	for (size_t i = 0; i < s->n_members; i++)
		s->members[i].owed += told >> i & 1;
	s->stats.updates_sent++;
	deadline_set(&s->deadlines, &b->deadline,
		     min_time(now + b->retry,
			      n_wishes ? now + s->config.wait : MSEC_NEVER));
	send_to_owing(s, b, true);
	release(s, b, false);
	return true;
fail:
	if (b) {
		free(b->ids);
		free(b->wishes);
	}
	free(b);
	return false;
}

static int compare_wishes(const void *a, const void *b)
{
	const struct wish *wa = a, *wb = b;

	return (wa->pos > wb->pos) - (wa->pos < wb->pos);
}

/* Entries from @from on that fit into one message, at least one. */
static size_t fitting(struct sync *s, size_t from)
{
	struct packer pack;
	size_t n = 0;

	pack_begin(&pack);
	for (; from + n < s->n_queue; n++) {
		struct entry *e = find(s, s->queue[from + n]);

		if (e && !pack_entry(s, &pack, e))
			break;
	}
	return n ? n : 1;
}

void sync_flush(struct sync *s, msec_t now)
{
	uint32_t told = told_members(s, now);
	size_t from = 0, wish = 0;

	for (size_t i = 0; i < s->n_queue; i++) {
		struct entry *e = find(s, s->queue[i]);

		if (e)
			e->queued = 0;
	}
	if (s->n_wishes)
		qsort(s->wishes, s->n_wishes, sizeof(*s->wishes),
		      compare_wishes);
	while (told && from < s->n_queue) {
		size_t n = fitting(s, from), wishes = 0;

		while (wish + wishes < s->n_wishes &&
		       s->wishes[wish + wishes].pos < from + n)
			wishes++;
		if (!batch_new(s, now, from, n, s->wishes + wish, wishes, told))
			/* Out of memory: digests will show what is missing. */
			for (size_t i = 0; i < wishes; i++)
				s->ops->released(s->ctx,
						 s->wishes[wish + i].token, 0,
						 true);
		wish += wishes;
		from += n;
	}
	/* Nobody is there to be told. */
	for (; wish < s->n_wishes; wish++)
		s->ops->released(s->ctx, s->wishes[wish].token, 0, false);
	s->n_queue = 0;
	s->n_wishes = 0;
}

void sync_release_all(struct sync *s)
{
	struct table_iter iter = { 0 };
	struct table_node *node;

	while ((node = table_next(&s->batches, &iter)))
		release(s, container_of(node, struct batch, node), true);
	for (size_t i = 0; i < s->n_wishes; i++)
		s->ops->released(s->ctx, s->wishes[i].token, 0, true);
	s->n_wishes = 0;
}

/* ---- entries from others ---- */

/*
 * An order far above every clock would be the last one for its type: each later change
 * of an honest member would be older. Whoever made it has a wrong clock, or means it.
 * A clock that was not set since this host started judges nobody.
 */
static bool is_ahead(const struct sync *s, uint64_t order)
{
	uint64_t now = s->ops->clock ? s->ops->clock(s->ctx) : 0;

	return now > CLOCK_SET && order > now + ORDER_AHEAD;
}

static enum sync_code merge(struct sync *s, msec_t now,
			    const struct sync_entry *x, struct member *m)
{
	const struct type *type = &s->types[x->type];
	uint8_t id[ID_LEN];
	struct entry *e;
	enum sync_apply applied;

	if (!type->type) {
		s->stats.ignored++;
		return SYNC_ACCEPTED;
	}
	if (is_ahead(s, x->order)) {
		s->stats.ahead++;
		return SYNC_PROHIBITED;
	}
	make_id(x->type, x->key, x->key_len, id);
	e = find(s, id);
	if (e && !is_newer(x->order, x->origin, e)) {
		s->stats.stale++;
		return SYNC_ACCEPTED;
	}
	/* Nothing is lost by that; if an older version comes yet, digests will tell. */
	if (!e && x->deleted &&
	    s->entries.count - s->live >= s->config.entries_max / TOMBS) {
		s->stats.full++;
		return SYNC_ACCEPTED;
	}
	if (!e)
		e = entry_new(s, x->type, x->key, x->key_len, id);
	if (!e) {
		s->stats.full++;
		return SYNC_RESOURCES;
	}
	m->repaired++;
	if (x->deleted) {
		if (!e->deleted) {
			type->type->remove(type->ctx, e->key, e->key_len);
			s->stats.removed++;
		}
		set_deleted(s, now, e, x->order, x->origin);
		return SYNC_ACCEPTED;
	}
	applied = type->type->apply(type->ctx, x->key, x->key_len, x->value,
				    x->len, x->order);
	if (applied == SYNC_APPLIED) {
		set_live(s, e, x->order, x->origin, x->value, x->digested);
		s->stats.applied++;
		return SYNC_ACCEPTED;
	}
	if (applied == SYNC_IGNORED) {
		/* What it replaces is over as well. */
		if (!e->deleted) {
			type->type->remove(type->ctx, e->key, e->key_len);
			s->stats.removed++;
		}
		if (!e->deleted || !e->order)
			entry_free(s, e);
		s->stats.ignored++;
		return SYNC_ACCEPTED;
	}
	if (!e->order)
		entry_free(s, e);
	s->stats.full++;
	return SYNC_RESOURCES;
}

static enum sync_code merge_all(struct sync *s, msec_t now,
				const struct sync_msg *msg, struct member *m,
				bool repair)
{
	const uint8_t *p = msg->body, *end = p + msg->len;
	enum sync_code worst = SYNC_ACCEPTED;
	uint64_t before = m->repaired;
	struct sync_entry x;

	while (p < end && sync_entry_read(&p, end, &x)) {
		enum sync_code code = merge(s, now, &x, m);

		if (code != SYNC_ACCEPTED)
			worst = code;
	}
	if (!repair)
		m->repaired = before;
	return worst;
}

/* STBY-86: in single mode only the standby router takes, from the active one. */
static bool takes_from(const struct sync *s, const struct member *m)
{
	return s->config.mode == SYNC_GROUP || is_partner(s, m);
}

/* ---- acknowledgements ---- */

/* Without room it is not acknowledged, and comes again. */
static void acknowledge(struct sync *s, struct member *m,
			const struct due_ack *ack)
{
	if (s->n_acks == s->room_acks) {
		size_t room = s->room_acks ? 2 * s->room_acks : 64;
		void *more = reallocarray(s->acks, room, sizeof(*s->acks));

		if (!more)
			return;
		s->acks = more;
		s->room_acks = room;
	}
	s->acks[s->n_acks] = *ack;
	s->acks[s->n_acks++].member = (uint8_t)(m - s->members);
	if (!s->config.settles)
		sync_settled(s, true);
}

static bool is_like(const struct due_ack *a, const struct due_ack *b)
{
	return a->member == b->member && a->type == b->type &&
	       a->code == b->code;
}

/* The first one that is due, and further ones of its kind: one message. */
static void send_acks(struct sync *s)
{
	const struct due_ack first = s->acks[0];
	uint8_t body[SYNC_BODY_MAX], *p = body;
	struct sync_msg msg = {
		.type = first.type, .id = first.id, .code = first.code,
		.flags = first.flags, .sent = first.sent, .body = body,
	};
	size_t left = 0;

	for (size_t i = 1; i < s->n_acks; i++) {
		if (first.type != SYNC_ACK || !is_like(&s->acks[i], &first) ||
		    msg.count == SYNC_BODY_MAX / 8) {
			s->acks[left++] = s->acks[i];
			continue;
		}
		p = bytes_put(p, s->acks[i].id, 8);
		msg.count++;
	}
	msg.len = (size_t)(p - body);
	s->n_acks = left;
	s->stats.acks_sent += first.type == SYNC_ACK;
	transmit(s, &s->members[first.member], &msg);
}

void sync_settled(struct sync *s, bool durable)
{
	size_t left = 0;

	for (size_t i = 0; i < s->n_acks; i++) {
		struct due_ack *ack = &s->acks[i];

		/* A part of a table comes again by itself. */
		if (!durable && ack->type == SYNC_TABLE_ACK)
			continue;
		if (!durable && ack->code == SYNC_ACCEPTED)
			ack->code = SYNC_RESOURCES;
		s->acks[left++] = *ack;
	}
	s->n_acks = left;
	while (s->n_acks)
		send_acks(s);
}

static void on_update(struct sync *s, msec_t now, const struct sync_msg *msg,
		      struct member *m)
{
	struct due_ack ack = { .type = SYNC_ACK, .id = msg->id };

	s->stats.updates_received++;
	if (takes_from(s, m)) {
		ack.code = merge_all(s, now, msg, m, false);
	} else {
		s->stats.drop[SYNC_DROP_ROLE]++;
		ack.code = SYNC_PROHIBITED;
	}
	acknowledge(s, m, &ack);
}

static void on_ack_of(struct sync *s, const struct sync_msg *msg, uint64_t id,
		      struct member *m)
{
	struct table_node *node = table_find(&s->batches, &id);
	struct batch *b = node ? container_of(node, struct batch, node) : NULL;

	if (!b || !(b->owed & bit(s, m))) {
		s->stats.acks_unasked++;
		return;
	}
	s->stats.acks_received++;
	/* It had no room: it gets the same again, in a while. */
	if (msg->code == SYNC_RESOURCES)
		return;
	if (msg->code != SYNC_ACCEPTED)
		b->told &= ~bit(s, m);
	acknowledged(s, b, bit(s, m));
}

static void on_ack(struct sync *s, const struct sync_msg *msg, struct member *m)
{
	on_ack_of(s, msg, msg->id, m);
	for (uint16_t i = 0; i < msg->count; i++)
		on_ack_of(s, msg, bytes_get(msg->body + 8 * i, 8), m);
}

/* ---- the whole table ---- */

static bool is_wanted(const struct sync *s, const struct agents *agents,
		      const struct entry *e)
{
	const struct type *type = &s->types[e->type];
	struct roam_addr agent;

	if (!agents->n)
		return true;
	if (!type->type->agent_of ||
	    !type->type->agent_of(type->ctx, e->key, e->key_len, &agent))
		return false;
	for (size_t i = 0; i < agents->n; i++)
		if (roam_addr_eq(&agents->addr[i], &agent))
			return true;
	return false;
}

/*
 * Entries from a place on, as many as fit, of the next WALK ones; returns where the
 * next part begins.
 */
static struct place pack_from(struct sync *s, struct packer *pack,
			      struct place at, const struct agents *agents)
{
	unsigned int left = WALK;

	pack_begin(pack);
	for (; at.leaf < LEAVES; at.leaf++, at.skip = 0) {
		struct entry *e = s->heads[at.leaf];

		for (uint32_t i = 0; e && i < at.skip; i++)
			e = e->next;
		for (; e; e = e->next, at.skip++)
			if (!left-- || (is_wanted(s, agents, e) &&
					!pack_entry(s, pack, e)))
				return at;
	}
	return at;
}

/* SYNC-17: who the members of the group are, in front of all entries. */
static void send_list(struct sync *s, msec_t now, struct member *m)
{
	uint8_t body[(SYNC_MEMBERS_MAX + 1) * 16];
	struct sync_msg msg = {
		.type = SYNC_TABLE, .id = m->upload.id, .count = 1,
		.total = m->upload.total, .flags = SYNC_FLAG_MEMBERS,
		.body = body,
	};

	memcpy(body, s->config.own.b, 16);
	for (size_t i = 0; i < s->n_members; i++)
		if (is_alive(s, &s->members[i], now))
			memcpy(body + 16 * msg.count++, s->members[i].addr.b, 16);
	msg.len = 16 * (size_t)msg.count;
	s->stats.download_messages++;
	transmit(s, m, &msg);
}

static void send_part(struct sync *s, struct member *m, struct part *part,
		      const struct packer *pack)
{
	struct sync_msg msg = {
		.type = SYNC_TABLE, .id = m->upload.id, .sent = part->sent,
		.total = m->upload.total,
		.flags = part->last ? SYNC_FLAG_LAST : 0,
	};

	pack_into(pack, &msg);
	s->stats.download_messages++;
	transmit(s, m, &msg);
}

/*
 * Further parts while the window has room (SYNC-20). Where nothing that is wanted was
 * found, the walk goes on after all else that came: nobody's question stops the loop.
 */
static void upload_more(struct sync *s, msec_t now, struct member *m)
{
	struct upload *up = &m->upload;

	while (up->id && !up->last && up->n < up->window && now >= up->resume) {
		struct packer pack;
		struct part *part = &up->parts[up->n];

		part->from = up->at;
		part->to = pack_from(s, &pack, up->at, &up->agents);
		up->resume = 0;
		if (!pack.n && part->to.leaf < LEAVES) {
			up->at = part->to;
			up->resume = now + 1;
			return;
		}
		part->members = false;
		up->at = part->to;
		up->sent += pack.n;
		part->sent = up->sent;
		part->last = up->at.leaf >= LEAVES;
		part->when = now;
		part->tries = 1;
		up->last = part->last;
		up->n++;
		send_part(s, m, part, &pack);
	}
}

static void upload_begin(struct sync *s, msec_t now, struct member *m,
			 uint64_t id, const struct agents *agents)
{
	m->upload = (struct upload){
		.id = id, .total = agents->n ? 0 : (uint32_t)s->live,
		.agents = *agents, .window = s->config.window, .n = 1,
		.parts[0] = { .members = true, .when = now, .tries = 1 },
	};
	m->served = true;
	m->asked = now;
	send_list(s, now, m);
	upload_more(s, now, m);
}

static void upload_repeat(struct sync *s, msec_t now, struct member *m)
{
	struct upload *up = &m->upload;

	for (size_t i = 0; up->id && i < up->n; i++) {
		struct part *part = &up->parts[i];
		struct packer pack;

		if (now - part->when < s->config.retry << (part->tries - 1))
			continue;
		if (part->tries++ >= TRIES) {
			up->id = 0;
			return;
		}
		part->when = now;
		up->window = s->config.window;
		if (part->members) {
			send_list(s, now, m);
			continue;
		}
		pack_from(s, &pack, part->from, &up->agents);
		send_part(s, m, part, &pack);
	}
}

/* TEN-19: the active one, else the standby router, else who has the higher address. */
static bool is_better(const struct sync *s, const struct member *m)
{
	bool standby = roam_addr_eq(&s->config.own, &s->standby);

	if (s->role == SYNC_ACTIVE || m->active)
		return s->role != SYNC_ACTIVE;
	if (standby || roam_addr_eq(&m->addr, &s->standby))
		return !standby;
	return roam_addr_cmp(&m->addr, &s->config.own) > 0;
}

/* How many others answer before this member does. */
static unsigned int rank(const struct sync *s, msec_t now,
			 const struct member *asks)
{
	unsigned int n = 0;

	for (size_t i = 0; i < s->n_members; i++) {
		const struct member *m = &s->members[i];

		n += m != asks && m->synced && is_alive(s, m, now) &&
		     is_better(s, m);
	}
	return n;
}

static void on_request(struct sync *s, msec_t now, const struct sync_msg *msg,
		       struct member *m)
{
	struct sync_msg reply = { .type = SYNC_TABLE, .id = msg->id };
	struct agents agents = { .n = msg->count };

	s->stats.requests_received++;
	if (m->upload.id == msg->id)
		return;
	if (msg->count > SYNC_AGENTS_MAX) {
		s->stats.drop[SYNC_DROP_LENGTH]++;
		return;
	}
	for (size_t i = 0; i < agents.n; i++)
		memcpy(agents.addr[i].b, msg->body + 16 * i, 16);
	/* SYNC-19: to all; one answers, the next one when that did not help. */
	if (!msg->echo && s->synced && rank(s, now, m) > msg->sent)
		return;
	if (!takes_from(s, m))
		reply.code = SYNC_PROHIBITED;
	else if (!s->synced)
		reply.code = SYNC_NOT_INITIALISED;
	/* Who wants another one so soon asks again. */
	if (reply.code == SYNC_ACCEPTED && m->asked &&
	    now - m->asked < s->config.retry)
		return;
	if (reply.code == SYNC_ACCEPTED)
		upload_begin(s, now, m, msg->id, &agents);
	else
		transmit(s, m, &reply);
}

static void on_table_ack(struct sync *s, msec_t now, const struct sync_msg *msg,
			 struct member *m)
{
	struct upload *up = &m->upload;
	bool last = msg->flags & SYNC_FLAG_LAST;

	for (size_t i = 0; up->id == msg->id && i < up->n; i++) {
		if (up->parts[i].sent != msg->sent || up->parts[i].last != last)
			continue;
		memmove(&up->parts[i], &up->parts[i + 1],
			(up->n - i - 1) * sizeof(up->parts[0]));
		up->n--;
		if (up->window < WINDOW_MAX)
			up->window++;
		if (up->last && !up->n)
			up->id = 0;
		else
			upload_more(s, now, m);
		return;
	}
	s->stats.acks_unasked++;
}

static void set_synced(struct sync *s, bool synced, const struct roam_addr *from)
{
	if (s->synced == synced && roam_addr_eq(&s->fetched_from, from))
		return;
	s->synced = synced;
	s->fetched_from = *from;
	s->ops->synced(s->ctx, synced, from);
}

static void send_request(struct sync *s, msec_t now)
{
	struct download *down = &s->download;
	uint8_t body[SYNC_AGENTS_MAX * 16];
	struct sync_msg msg = {
		.type = SYNC_REQUEST, .id = down->id, .sent = down->tries,
		.count = (uint16_t)down->agents.n, .body = body,
		.len = 16 * down->agents.n,
	};

	for (size_t i = 0; i < down->agents.n; i++)
		memcpy(body + 16 * i, down->agents.addr[i].b, 16);
	s->stats.requests_sent++;
	down->again = now + down->retry;
	down->tries++;
	transmit(s, down->from >= 0 ? &s->members[down->from] : NULL, &msg);
}

/* Whose table a member that is not complete asks for now. */
static struct member *source(struct sync *s, msec_t now)
{
	struct member *best = NULL;

	for (size_t i = 0; i < s->n_members; i++) {
		struct member *m = &s->members[i];

		if (!is_alive(s, m, now) || !m->synced || !is_partner(s, m))
			continue;
		/* TEN-19: the active one, else the one with the most. */
		if (!best || m->active > best->active ||
		    (m->active == best->active && m->entries > best->entries))
			best = m;
	}
	return best;
}

static bool asks_all(const struct sync *s)
{
	return s->config.mode == SYNC_GROUP && s->config.multicast;
}

/* @m NULL: all are asked, and one of them answers. */
static void request_from(struct sync *s, msec_t now, struct member *m,
			 const struct agents *agents)
{
	s->download = (struct download){
		.id = s->ops->random(s->ctx) | 1, .agents = *agents,
		.from = m ? (int)(m - s->members) : -1, .end = UINT32_MAX,
		.retry = s->config.retry,
	};
	send_request(s, now);
}

bool sync_request(struct sync *s, msec_t now, const struct roam_addr *addrs,
		  size_t n)
{
	struct agents agents = { .n = n };
	struct member *m = source(s, now);

	if (!m || !s->synced || s->download.id || n > SYNC_AGENTS_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		agents.addr[i] = addrs[i];
	request_from(s, now, asks_all(s) ? NULL : m, &agents);
	return true;
}

/* SYNC-18: who answers knows others, from whom this member has not heard yet. */
static void learn_members(struct sync *s, msec_t now, const struct sync_msg *msg)
{
	for (uint16_t i = 0; i < msg->count; i++) {
		struct roam_addr addr;

		memcpy(addr.b, msg->body + 16 * i, 16);
		if (s->config.mode == SYNC_GROUP && roam_addr_is_usable(&addr))
			member_add(s, now, &addr, false);
	}
}

/* A piece that touches @from to @to grows by that. False: no room for one more. */
static bool note_early(struct download *down, uint32_t from, uint32_t to)
{
	for (size_t i = 0; i < down->n_early; i++) {
		if (down->early[i].to < from || down->early[i].from > to)
			continue;
		if (from < down->early[i].from)
			down->early[i].from = from;
		if (to > down->early[i].to)
			down->early[i].to = to;
		return true;
	}
	if (down->n_early == HOLES)
		return false;
	down->early[down->n_early].from = from;
	down->early[down->n_early++].to = to;
	return true;
}

/*
 * Parts come in any order; what came is one piece from the beginning and some
 * behind it. False: it has to come once more.
 */
static bool note_part(struct download *down, uint32_t from, uint32_t to)
{
	bool moved = true;

	if (from > down->done && !note_early(down, from, to))
		return false;
	if (from <= down->done && to > down->done)
		down->done = to;
	while (moved) {
		moved = false;
		for (size_t i = 0; i < down->n_early; i++) {
			if (down->early[i].from > down->done)
				continue;
			if (down->early[i].to > down->done)
				down->done = down->early[i].to;
			down->early[i] = down->early[--down->n_early];
			moved = true;
			break;
		}
	}
	return true;
}

static void on_table(struct sync *s, msec_t now, const struct sync_msg *msg,
		     struct member *m)
{
	struct due_ack ack = { .type = SYNC_TABLE_ACK, .id = msg->id,
			       .sent = msg->sent };
	struct download *down = &s->download;
	int from = (int)(m - s->members);
	bool list = msg->flags & SYNC_FLAG_MEMBERS;

	/* TEN-22: the active router begins by itself where nobody asked. */
	if (!down->id && !s->synced && is_partner(s, m) &&
	    msg->code == SYNC_ACCEPTED) {
		request_from(s, now, m, &(struct agents){ .n = 0 });
		down->id = msg->id;
	}
	/* A part that was acknowledged and came again: its ack was lost. */
	if (msg->id != down->id || (down->from >= 0 && down->from != from)) {
		if (m->synced && msg->code == SYNC_ACCEPTED && takes_from(s, m)) {
			ack.flags = msg->flags & SYNC_FLAG_LAST;
			acknowledge(s, m, &ack);
		}
		return;
	}
	if (msg->code != SYNC_ACCEPTED || msg->sent < (list ? 0 : msg->count))
		return;
	down->from = from;
	if (list)
		learn_members(s, now, msg);
	else if (merge_all(s, now, msg, m, false) != SYNC_ACCEPTED)
		return;
	if (!list && !note_part(down, msg->sent - msg->count, msg->sent))
		return;
	ack.flags = msg->flags & SYNC_FLAG_LAST;
	acknowledge(s, m, &ack);
	down->listed |= list;
	down->tries = 0;
	down->retry = s->config.retry;
	down->again = now + 4 * down->retry;
	if (msg->flags & SYNC_FLAG_LAST)
		down->end = msg->sent;
	if (down->done < down->end || !down->listed)
		return;
	down->id = 0;
	s->stats.downloads++;
	if (down->agents.n)
		return;
	set_synced(s, true, &m->addr);
	send_hello(s, m);
}

/* ---- digests of ranges ---- */

static void send_ranges(struct sync *s, struct member *m, const uint64_t *sums,
			bool leaves, uint32_t group)
{
	uint8_t body[SYNC_DIGESTS * 8];

	for (uint32_t first = 0; first < GROUPS; first += SYNC_DIGESTS) {
		struct sync_msg msg = {
			.type = SYNC_RANGES, .sent = first, .total = group,
			.count = SYNC_DIGESTS, .body = body,
			.len = sizeof(body),
			.flags = leaves ? SYNC_FLAG_LEAVES : 0,
		};
		uint8_t *p = body;

		for (uint32_t i = 0; i < SYNC_DIGESTS; i++)
			p = bytes_put(p, sums[first + i], 8);
		transmit(s, m, &msg);
	}
}

/* All entries of a leaf, in as many messages as it takes. */
static void send_leaf(struct sync *s, struct member *m, uint32_t leaf,
		      bool reply)
{
	struct place at = { leaf, 0 };
	uint32_t number = 0;

	do {
		struct sync_msg msg = {
			.type = SYNC_LEAF, .sent = leaf, .total = number++,
			.flags = reply ? SYNC_FLAG_REPLY : 0,
		};
		struct packer pack;
		struct entry *e = s->heads[leaf];

		pack_begin(&pack);
		for (uint32_t i = 0; e && i < at.skip; i++)
			e = e->next;
		for (; e && pack_entry(s, &pack, e); e = e->next)
			at.skip++;
		if (!e)
			at.leaf++;
		else if (!pack.n)
			at.skip++;
		if (at.leaf != leaf)
			msg.flags |= SYNC_FLAG_LAST;
		pack_into(&pack, &msg);
		transmit(s, m, &msg);
	} while (at.leaf == leaf);
}

/* One of two begins: the standby router, else who has the higher address. */
static bool begins(const struct sync *s, const struct member *m)
{
	if (s->config.mode == SYNC_SINGLE)
		return s->role == SYNC_STANDBY;
	return roam_addr_cmp(&s->config.own, &m->addr) > 0;
}

/* Digests of groups that differ from those in @msg. */
static unsigned int groups_differ(const struct sync *s,
				  const struct sync_msg *msg)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < msg->count; i++)
		n += bytes_get(msg->body + 8 * i, 8) != s->groups[msg->sent + i];
	return n;
}

/*
 * Behind a long partition each group differs, and range by range it would take minutes.
 * Each of the two fetches the other's table; the newer version of everything stays.
 */
static void fetch_both(struct sync *s, msec_t now, struct member *m)
{
	if (s->download.id)
		return;
	request_from(s, now, m, &(struct agents){ .n = 0 });
	if (!begins(s, m))
		send_ranges(s, m, s->groups, false, 0);
}

static void on_ranges(struct sync *s, msec_t now, const struct sync_msg *msg,
		      struct member *m)
{
	bool leaves = msg->flags & SYNC_FLAG_LEAVES;
	unsigned int told = 0;

	if (msg->sent > GROUPS || msg->count > GROUPS - msg->sent ||
	    (leaves && msg->total >= GROUPS) || !is_partner(s, m)) {
		s->stats.drop[SYNC_DROP_ROLE]++;
		return;
	}
	if (!leaves && s->config.mode == SYNC_GROUP && s->synced && m->synced &&
	    groups_differ(s, msg) > GROUPS_MANY) {
		fetch_both(s, now, m);
		return;
	}
	for (uint32_t i = 0; i < msg->count; i++) {
		uint32_t n = msg->sent + i;
		uint32_t leaf = msg->total * LEAVES_OF + n;
		uint64_t theirs = bytes_get(msg->body + 8 * i, 8);

		if (leaves && theirs != s->leaves[leaf] &&
		    told++ < LEAVES_AT_ONCE) {
			s->stats.leaves_repaired++;
			send_leaf(s, m, leaf, false);
		} else if (!leaves && theirs != s->groups[n] &&
			   told++ < GROUPS_AT_ONCE) {
			send_ranges(s, m, &s->leaves[n * LEAVES_OF], true, n);
		}
	}
}

static void on_leaf(struct sync *s, msec_t now, const struct sync_msg *msg,
		    struct member *m)
{
	if (msg->sent >= LEAVES || !is_partner(s, m)) {
		s->stats.drop[SYNC_DROP_ROLE]++;
		return;
	}
	merge_all(s, now, msg, m, true);
	/* Both have the newer of everything once this one is there, too. */
	if (!(msg->flags & SYNC_FLAG_REPLY) && msg->flags & SYNC_FLAG_LAST)
		send_leaf(s, m, msg->sent, true);
	if (msg->flags & SYNC_FLAG_REPLY && msg->flags & SYNC_FLAG_LAST)
		send_hello(s, m);
}

static void on_hello(struct sync *s, msec_t now, const struct sync_msg *msg,
		     struct member *m)
{
	bool equal = msg->digest == s->root;

	m->entries = msg->sent;
	m->weight = msg->total;
	if (equal && !m->equal)
		m->equal_since = now;
	m->equal = equal;
	if (equal || !is_partner(s, m) || !s->synced || !m->synced)
		return;
	s->stats.differences++;
	if (!begins(s, m) || now - m->exchanged < s->config.hello / 2)
		return;
	m->exchanged = now;
	send_ranges(s, m, s->groups, false, 0);
}

/* ---- roles, and what happens by itself ---- */

/* SYNC-08, TEN-19: nobody is there, or nobody has it and this is the best. */
static bool may_declare(struct sync *s, msec_t now)
{
	if (s->config.mode == SYNC_SINGLE)
		return s->role == SYNC_ACTIVE;
	/* Where others may be, they are waited for. */
	if ((s->n_members || s->config.multicast) &&
	    now - s->started < 2 * s->config.hello)
		return false;
	for (size_t i = 0; i < s->n_members; i++) {
		const struct member *m = &s->members[i];

		if (is_alive(s, m, now) &&
		    (m->synced ||
		     roam_addr_cmp(&m->addr, &s->config.own) > 0))
			return false;
	}
	return true;
}

static void become_complete(struct sync *s, msec_t now)
{
	struct member *m;

	if (s->synced || s->download.id)
		return;
	if (may_declare(s, now)) {
		set_synced(s, true, &s->config.own);
		return;
	}
	m = source(s, now);
	if (m)
		request_from(s, now, asks_all(s) ? NULL : m,
			     &(struct agents){ .n = 0 });
}

void sync_set_role(struct sync *s, msec_t now, enum sync_role role,
		   const struct roam_addr *active,
		   const struct roam_addr *standby)
{
	bool other = !roam_addr_eq(&s->active, active);

	s->role = role;
	s->active = *active;
	s->standby = *standby;
	if (s->config.mode == SYNC_GROUP)
		return;
	if (!roam_addr_is_none(active))
		member_add(s, now, active, true);
	if (!roam_addr_is_none(standby))
		member_add(s, now, standby, true);
	/* What nobody will acknowledge any more is released. */
	for (size_t i = 0; i < s->n_members; i++)
		if (!is_told(s, &s->members[i], now))
			forget_owed(s, &s->members[i]);
	if (role == SYNC_PASSIVE) {
		s->download.id = 0;
		drop_all(s);
		set_synced(s, false, &none);
	} else if (role == SYNC_STANDBY && other) {
		s->download.id = 0;
		set_synced(s, false, &none);
	}
	become_complete(s, now);
	for (size_t i = 0; i < s->n_members; i++)
		if (is_partner(s, &s->members[i]))
			send_hello(s, &s->members[i]);
}

bool sync_add_member(struct sync *s, msec_t now, const struct roam_addr *addr)
{
	struct member *m = member_add(s, now, addr, true);

	if (!m)
		return false;
	m->fixed = true;
	send_hello(s, m);
	return true;
}

void sync_input(struct sync *s, msec_t now, const struct sync_msg *msg)
{
	struct member *m = NULL;
	enum sync_drop drop = judge(s, now, msg, &m);

	if (drop != SYNC_DROP_NONE) {
		s->stats.drop[drop]++;
		return;
	}
	m->synced = msg->flags & SYNC_FLAG_SYNCED;
	m->active = msg->flags & SYNC_FLAG_ACTIVE;
	switch (msg->type) {
	case SYNC_HELLO:
		on_hello(s, now, msg, m);
		break;
	case SYNC_UPDATE:
		on_update(s, now, msg, m);
		break;
	case SYNC_ACK:
		on_ack(s, msg, m);
		break;
	case SYNC_REQUEST:
		on_request(s, now, msg, m);
		break;
	case SYNC_TABLE:
		on_table(s, now, msg, m);
		break;
	case SYNC_TABLE_ACK:
		on_table_ack(s, now, msg, m);
		break;
	case SYNC_RANGES:
		on_ranges(s, now, msg, m);
		break;
	case SYNC_LEAF:
		on_leaf(s, now, msg, m);
		break;
	case SYNC_RELAY:
	case SYNC_ANSWER:
		if (s->ops->passed)
			s->ops->passed(s->ctx, msg);
		else
			s->stats.drop[SYNC_DROP_ROLE]++;
		break;
	}
	become_complete(s, now);
}

static void run_batch(struct sync *s, msec_t now, struct batch *b)
{
	if (b->n_wishes && now >= b->sent + s->config.wait)
		release(s, b, true);
	if (now >= b->sent + b->retry) {
		if (b->tries >= TRIES) {
			/* Whoever owes it is behind; digests will mend that. */
			b->told &= ~b->owed;
			acknowledged(s, b, b->owed);
			return;
		}
		b->tries++;
		b->retry *= 2;
		s->stats.updates_repeated++;
		send_to_owing(s, b, false);
	}
	deadline_set(&s->deadlines, &b->deadline,
		     min_time(b->sent + b->retry,
			      b->n_wishes ? b->sent + s->config.wait :
					    MSEC_NEVER));
}

static void run_download(struct sync *s, msec_t now)
{
	struct download *down = &s->download;

	if (!down->id || now < down->again)
		return;
	if (down->tries >= TRIES ||
	    (down->from >= 0 && !is_alive(s, &s->members[down->from], now))) {
		down->id = 0;
		return;
	}
	/* What came is kept; the parts that were lost come with the next try. */
	if (down->tries) {
		down->retry *= 2;
		send_request(s, now);
	} else {
		struct agents agents = down->agents;

		request_from(s, now, down->from >= 0 && !asks_all(s) ?
			     &s->members[down->from] : NULL, &agents);
	}
}

static void run_members(struct sync *s, msec_t now)
{
	for (size_t i = 0; i < s->n_members; i++) {
		struct member *m = &s->members[i];

		if (m->owed && !is_alive(s, m, now))
			forget_owed(s, m);
		if (m->upload.id)
			upload_repeat(s, now, m);
		if (m->upload.resume)
			upload_more(s, now, m);
		/* TEN-22 */
		if (s->config.mode == SYNC_SINGLE && s->synced &&
		    is_told(s, m, now) && !m->synced && !m->served &&
		    now - m->since > 2 * s->config.hello)
			upload_begin(s, now, m, s->ops->random(s->ctx) | 1,
				     &(struct agents){ .n = 0 });
	}
}

msec_t sync_next(const struct sync *s)
{
	msec_t next = min_time(s->hello_at, deadlines_next(&s->deadlines));

	if (s->download.id)
		next = min_time(next, s->download.again);
	for (size_t i = 0; i < s->n_members; i++) {
		const struct upload *up = &s->members[i].upload;

		if (up->id && up->resume && up->n < up->window)
			next = min_time(next, up->resume);
		for (size_t p = 0; up->id && p < up->n; p++) {
			const struct part *part = &up->parts[p];

			next = min_time(next, part->when +
					(s->config.retry << (part->tries - 1)));
		}
	}
	return next;
}

void sync_run(struct sync *s, msec_t now)
{
	struct deadline *due;

	while ((due = deadlines_pop(&s->deadlines, now)))
		run_batch(s, now, container_of(due, struct batch, deadline));
	run_download(s, now);
	run_members(s, now);
	become_complete(s, now);
	if (now < s->hello_at)
		return;
	s->hello_at = now + s->config.hello;
	purge_tombs(s, now);
	/* Whoever is there and not known yet hears it, and answers. */
	if (asks_all(s))
		send_hello(s, NULL);
	for (size_t i = 0; i < s->n_members; i++)
		if (is_partner(s, &s->members[i]) &&
		    is_spoken_to(s, &s->members[i], now))
			send_hello(s, &s->members[i]);
}

size_t sync_scrub(struct sync *s, size_t n)
{
	size_t differed = 0;

	for (uint32_t tried = 0; n && tried < LEAVES; tried++) {
		struct entry *next;

		for (struct entry *e = s->heads[s->scrub]; e && n; e = next) {
			uint8_t value[SYNC_VALUE_MAX];
			size_t len, digested;
			uint64_t digest = 0;

			next = e->next;
			if (e->deleted || e->queued)
				continue;
			n--;
			if (read_value(s, e, value, &len, &digested))
				digest = make_digest(e, value, digested);
			if (digest == e->digest)
				continue;
			/* As old as can be: whoever has it right is newer. */
			differed++;
			sum(s, s->scrub, digest - e->digest);
			e->digest = digest;
			e->order = 1;
			e->origin = 0;
			if (!digest)
				entry_free(s, e);
		}
		s->scrub = (s->scrub + 1) % LEAVES;
	}
	return differed;
}

/* ---- around it ---- */

void sync_config_default(struct sync_config *c)
{
	c->hello = c->hello ? c->hello : 1000;
	c->dead = c->dead ? c->dead : 5 * c->hello;
	c->retry = c->retry ? c->retry : 1000;
	c->wait = c->wait ? c->wait : 500;
	c->tombstone = c->tombstone ? c->tombstone : 300000;
	c->window = c->window ? c->window : 8;
	if (c->window > WINDOW_MAX)
		c->window = WINDOW_MAX;
	c->entries_max = c->entries_max ? c->entries_max : 1000000;
}

struct sync *sync_new(const struct sync_config *config,
		      const struct sync_ops *ops, void *ctx, msec_t now)
{
	struct sync *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->config = *config;
	sync_config_default(&s->config);
	s->ops = ops;
	s->ctx = ctx;
	table_init(&s->entries, table_key_offset(struct entry, node, id),
		   ID_LEN);
	table_init(&s->batches, table_key_offset(struct batch, node, id),
		   sizeof(uint64_t));
	s->session = ops->random(ctx) | 1;
	s->next_id = ops->random(ctx) >> 1;
	s->started = now;
	s->hello_at = now;
	return s;
}

void sync_free(struct sync *s)
{
	struct table_iter iter = { 0 };
	struct table_node *node;

	if (!s)
		return;
	while ((node = table_next(&s->batches, &iter)))
		batch_free(s, container_of(node, struct batch, node));
	table_fini(&s->batches);
	iter = (struct table_iter){ 0 };
	while ((node = table_next(&s->entries, &iter)))
		entry_free(s, container_of(node, struct entry, node));
	table_fini(&s->entries);
	deadlines_fini(&s->deadlines);
	free(s->queue);
	free(s->wishes);
	free(s->tombs);
	free(s->acks);
	free(s);
}

bool sync_register(struct sync *s, const struct sync_type *type, void *ctx)
{
	if (!type->type || s->types[type->type].type)
		return false;
	s->types[type->type] = (struct type){ .type = type, .ctx = ctx };
	return true;
}

bool sync_is_synced(const struct sync *s)
{
	return s->synced;
}

size_t sync_count(const struct sync *s)
{
	return s->live;
}

uint64_t sync_digest(const struct sync *s)
{
	return s->root;
}

const struct sync_stats *sync_stats(const struct sync *s)
{
	((struct sync *)s)->stats.tombstones = s->entries.count - s->live;
	((struct sync *)s)->stats.tomb_places = s->room_tombs;
	return &s->stats;
}

bool sync_member(const struct sync *s, size_t i, msec_t now,
		 struct sync_member *member)
{
	const struct member *m = &s->members[i];

	if (i >= s->n_members)
		return false;
	*member = (struct sync_member){
		.addr = m->addr, .alive = is_alive(s, m, now),
		.proved = m->proved, .synced = m->synced, .equal = m->equal,
		.heard = m->heard, .equal_since = m->equal_since,
		.owed = m->owed, .entries = m->entries,
		.repaired = m->repaired, .weight = m->weight,
	};
	return true;
}
