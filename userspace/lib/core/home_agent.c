// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/home_agent.h"

#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "wire/bytes.h"

/* How long a nonce is remembered for a node that is at home, ms. */
#define NONCE_KEPT 3600000
#define PROTO_IPIP 4

/**
 * struct entry - a mobile node in the table
 * @node: in the table
 * @deadline: when the first binding ends, or the memory of a node at home
 * @home: and the rest as in struct ha_state
 */
struct entry {
	struct table_node node;
	struct deadline deadline;
	struct roam_addr home;
	struct roam_addr agent;
	uint64_t last;
	msec_t kept;
	uint32_t nonce;
	unsigned int n;
	struct ha_binding *bindings;
};

/**
 * struct ha - see ha_new()
 * @config: in force
 * @table: entries by home address
 * @deadlines: of the entries
 * @away: entries with a binding
 * @leases: addresses of sessions
 */
struct ha {
	struct ha_config config;
	struct table table;
	struct deadlines deadlines;
	size_t away;
	struct leases *leases;
};

/**
 * struct judgement - a request being judged
 * @ha: the home agent
 * @now: the time
 * @in: the datagram
 * @msg: decoded
 * @names: of a session
 * @node: whose it is
 * @by_name: it was found by its NAI
 * @lease: of such a node's session: the address it has or would get
 * @leased: it has it
 * @group: whom it is sent to
 * @sa: association with the node that proved it
 * @foreign: association with the foreign agent that proved it, or NULL
 * @signature: the mobile-home extension
 * @before: what is known of the node
 * @existed: there is an entry
 * @binding: what would be bound
 * @reply: the answer
 */
struct judgement {
	struct ha *ha;
	msec_t now;
	const struct ha_request *in;
	struct mip_msg msg;
	struct mip_names names;
	const struct ha_node *node;
	bool by_name;
	struct lease lease;
	bool leased;
	const struct ha_group *group;
	const struct sa *sa;
	const struct sa *foreign;
	const struct mip_extension *signature;
	struct ha_state before;
	bool existed;
	struct ha_binding binding;
	struct ha_reply *reply;
};

static const char *const drop_names[HA_DROP_MAX] = {
	[HA_DROP_NONE] = "none",
	[HA_DROP_MESSAGE] = "message",
	[HA_DROP_EXTENSION] = "extension",
	[HA_DROP_NODE] = "unknown_node",
	[HA_DROP_UNSIGNED] = "unsigned",
	[HA_DROP_AUTH] = "authentication",
	[HA_DROP_FOREIGN] = "unknown_foreign_agent",
	[HA_DROP_ROOM] = "room",
};

const char *ha_drop_name(enum ha_drop drop)
{
	return drop < HA_DROP_MAX ? drop_names[drop] : "unknown";
}

/* ---- changes ---- */

void ha_changes_reset(struct ha_changes *changes)
{
	changes->n = 0;
	changes->n_leases = 0;
}

void ha_changes_free(struct ha_changes *changes)
{
	free(changes->items);
	free(changes->leases);
	memset(changes, 0, sizeof(*changes));
}

static bool changes_reserve(struct ha_changes *changes)
{
	size_t room = changes->room ? 2 * changes->room : 16;
	struct ha_change *items;

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

static struct entry *find(const struct ha *ha, const struct roam_addr *home)
{
	return entry_of(table_find(&ha->table, home));
}

static void state_of(const struct entry *e, struct ha_state *state)
{
	memset(state, 0, sizeof(*state));
	state->home = e->home;
	state->agent = e->agent;
	state->last = e->last;
	state->kept = e->kept;
	state->nonce = e->nonce;
	state->n = e->n;
	if (e->n)
		memcpy(state->bindings, e->bindings,
		       e->n * sizeof(*e->bindings));
}

static bool is_empty(const struct ha_state *state)
{
	return !state->n && !state->last && !state->nonce;
}

static void remove_entry(struct ha *ha, struct entry *e)
{
	if (e->n)
		ha->away--;
	deadline_clear(&ha->deadlines, &e->deadline);
	table_remove(&ha->table, &e->node);
	free(e->bindings);
	free(e);
}

static struct entry *new_entry(struct ha *ha, const struct roam_addr *home)
{
	struct entry *e;

	if (!deadlines_reserve(&ha->deadlines, ha->table.count + 1))
		return NULL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->home = *home;
	if (!table_insert(&ha->table, &e->node)) {
		free(e);
		return NULL;
	}
	return e;
}

static msec_t first_end(const struct ha_state *state)
{
	msec_t first = MSEC_NEVER;
	unsigned int i;

	for (i = 0; i < state->n; i++)
		first = min_time(first, state->bindings[i].expires);
	return state->n ? first : state->kept;
}

static bool set_bindings(struct entry *e, const struct ha_state *state)
{
	struct ha_binding *bindings = NULL;

	if (state->n > e->n) {
		bindings = reallocarray(e->bindings, state->n, sizeof(*bindings));
		if (!bindings)
			return false;
		e->bindings = bindings;
	}
	if (state->n)
		memcpy(e->bindings, state->bindings,
		       state->n * sizeof(*e->bindings));
	e->n = state->n;
	return true;
}

bool ha_apply(struct ha *ha, const struct ha_state *state)
{
	struct entry *e = find(ha, &state->home);
	bool was_away, is_new = !e;

	if (is_empty(state)) {
		if (e)
			remove_entry(ha, e);
		return true;
	}
	if (is_new)
		e = new_entry(ha, &state->home);
	if (!e)
		return false;
	was_away = e->n;
	if (!set_bindings(e, state)) {
		if (is_new)
			remove_entry(ha, e);
		return false;
	}
	ha->away += !!e->n;
	ha->away -= was_away;
	e->agent = state->agent;
	e->last = state->last;
	e->kept = state->kept;
	e->nonce = state->nonce;
	deadline_set(&ha->deadlines, &e->deadline, first_end(state));
	return true;
}

bool ha_get(const struct ha *ha, const struct roam_addr *home,
	    struct ha_state *state)
{
	const struct entry *e = find(ha, home);

	memset(state, 0, sizeof(*state));
	state->home = *home;
	if (e)
		state_of(e, state);
	return e;
}

/* A lease is put in force, and what was before is remembered. */
static bool change_lease(struct ha *ha, const struct lease *after,
			 struct ha_changes *changes)
{
	size_t room = changes->leases_room ? 2 * changes->leases_room : 16;
	struct ha_lease_change *c;

	if (changes->n_leases == changes->leases_room) {
		c = reallocarray(changes->leases, room, sizeof(*c));
		if (!c)
			return false;
		changes->leases = c;
		changes->leases_room = room;
	}
	c = &changes->leases[changes->n_leases];
	memset(c, 0, sizeof(*c));
	c->after = *after;
	c->existed = leases_at(ha->leases, &after->addr, &c->before);
	if (!leases_apply(ha->leases, after))
		return false;
	changes->n_leases++;
	return true;
}

static msec_t quiet_of(const struct ha *ha, const struct roam_addr *agent)
{
	size_t i;

	for (i = 0; i < ha->config.n_groups; i++)
		if (roam_addr_eq(&ha->config.groups[i].agent, agent))
			return ha->config.groups[i].quiet;
	return 0;
}

/* The address of a session that has no binding any more rests. */
static void release(struct ha *ha, msec_t now, const struct roam_addr *home,
		    struct ha_changes *changes)
{
	struct lease lease;

	if (!leases_at(ha->leases, home, &lease) || lease.until != MSEC_NEVER)
		return;
	lease.until = now + max_time(quiet_of(ha, &lease.agent),
				     2 * SA_WINDOW);
	change_lease(ha, &lease, changes);
}

/* Puts @after in force and remembers what was before. */
static bool change(struct ha *ha, const struct ha_state *before, bool existed,
		   const struct ha_state *after, struct ha_changes *changes)
{
	if (!changes_reserve(changes) || !ha_apply(ha, after))
		return false;
	changes->items[changes->n++] = (struct ha_change){
		.existed = existed, .before = *before, .after = *after,
	};
	return true;
}

/*
 * What is put back was there a moment ago; where there is no memory for it, the
 * node registers again. An entry of its own needs none.
 */
void ha_undo(struct ha *ha, const struct ha_changes *changes)
{
	size_t i;

	for (i = changes->n; i--; ) {
		struct ha_state state = changes->items[i].before;

		if (!changes->items[i].existed)
			state = (struct ha_state){ .home = state.home };
		ha_apply(ha, &state);
	}
	for (i = changes->n_leases; i--; ) {
		struct lease lease = changes->leases[i].before;

		if (!changes->leases[i].existed)
			lease = (struct lease){
				.addr = changes->leases[i].after.addr,
			};
		leases_apply(ha->leases, &lease);
	}
}

/* ---- requests ---- */

static const struct ha_group *group_of_agent(const struct ha *ha,
					     const struct roam_addr *agent)
{
	size_t i;

	for (i = 0; i < ha->config.n_groups; i++)
		if (roam_addr_eq(&ha->config.groups[i].agent, agent))
			return &ha->config.groups[i];
	return NULL;
}

static const struct ha_group *group_of_home(const struct ha *ha,
					    const struct roam_addr *home)
{
	size_t i;

	for (i = 0; i < ha->config.n_groups; i++)
		if (roam_prefix_contains(&ha->config.groups[i].network, home))
			return &ha->config.groups[i];
	return NULL;
}

/* The broadcast address of the network, the limited one, or none at all. */
static bool is_discovery(const struct ha_group *group,
			 const struct roam_addr *agent)
{
	struct roam_addr last = group->network.addr;
	unsigned int bit;

	if (roam_addr_is_none(agent))
		return true;
	for (bit = group->network.len; bit < 128; bit++)
		last.b[bit / 8] |= 0x80 >> bit % 8;
	if (roam_addr_eq(&last, agent))
		return true;
	memset(last.b + 12, 0xff, 4);
	return roam_addr_eq(&last, agent);
}

bool ha_is_for_us(const struct ha *ha, const struct mip_msg *msg)
{
	const struct ha_group *group;

	if (msg->type != MIP_REQUEST)
		return false;
	if (group_of_agent(ha, &msg->agent))
		return true;
	group = group_of_home(ha, &msg->home);
	return group && is_discovery(group, &msg->agent);
}

/* By its home address, or by its name (SES-06, SES-14). */
static void find_whom(struct judgement *j)
{
	const struct ha_config *config = &j->ha->config;

	j->node = config->find_node(config->ctx, &j->msg.home);
	j->group = group_of_home(j->ha, &j->msg.home);
	if (j->node || !config->find_name || !j->names.nai)
		return;
	j->node = config->find_name(config->ctx, j->names.nai,
				    j->names.nai_len);
	j->by_name = j->node;
	if (!roam_addr_is_none(&j->msg.home))
		return;
	/* whose network the address is to be of says the home agent field */
	j->group = group_of_agent(j->ha, &j->msg.agent);
	if (!j->group && config->n_groups)
		j->group = &config->groups[0];
}

static enum ha_drop understand(struct judgement *j)
{
	enum mip_error error = mip_decode(j->in->data, j->in->len, &j->msg);

	if (error == MIP_UNKNOWN)
		return HA_DROP_EXTENSION;
	if (error != MIP_OK || j->msg.type != MIP_REQUEST)
		return HA_DROP_MESSAGE;
	if (!mip_get_names(&j->msg, &j->ha->config.naming, &j->names))
		return HA_DROP_MESSAGE;
	find_whom(j);
	if (!j->node || !j->node->associations.n || !j->group)
		return HA_DROP_NODE;
	return HA_DROP_NONE;
}

/* What the reply repeats of the request. */
static void begin_reply(struct judgement *j)
{
	const struct ha_group *asked = group_of_agent(j->ha, &j->in->to);
	struct ha_reply *reply = j->reply;

	memset(reply, 0, offsetof(struct ha_reply, w));
	reply->w.len = 0;
	reply->w.full = false;
	reply->group = j->group;
	reply->msg.type = MIP_REPLY;
	reply->msg.lifetime = j->msg.lifetime;
	reply->msg.home = j->msg.home;
	reply->msg.agent = j->group->agent;
	reply->msg.id = j->msg.id;
	/* RFC 5944 3.8.3.1: from where it was sent to, unless that was a broadcast */
	reply->from = asked ? asked->agent : j->group->agent;
	if (j->names.nai)
		lease_set_names(&reply->names, &j->names);
	reply->naming = j->ha->config.naming;
	/* in the form that the request had */
	reply->naming.both = j->names.nai && !mip_find(&j->msg, MIP_NAI, NULL);
}

static enum ha_drop write_reply(struct ha_reply *reply)
{
	struct mip_names names = lease_names(&reply->names);
	struct mip_writer *w = &reply->w;

	w->len = 0;
	w->full = false;
	mip_put_message(w, &reply->msg);
	if (names.nai_len)
		mip_put_names(w, &reply->naming, &names);
	if (reply->has_udp)
		mip_put_udp_reply(w, &reply->udp);
	sa_sign(reply->mobile, w, MIP_MOBILE_HOME);
	if (reply->foreign)
		sa_sign(reply->foreign, w, MIP_FOREIGN_HOME);
	return w->full ? HA_DROP_ROOM : HA_DROP_NONE;
}

static enum ha_drop answer(struct judgement *j, uint8_t code)
{
	j->reply->msg.code = code;
	if (!j->reply->mobile)
		j->reply->mobile = j->sa ? j->sa : &j->node->associations.items[0];
	j->reply->foreign = j->foreign;
	return write_reply(j->reply);
}

/* Whoever asked is told what would have been the answer to his request, not more. */
void ha_refuse(struct ha_reply *reply, uint8_t code)
{
	reply->msg.code = code;
	reply->has_udp = false;
	write_reply(reply);
}

/*
 * RFC 5944 3.8.2.1 c and d. A foreign agent that has an association must use it
 * for registrations; for a de-registration it need not, but a wrong one counts.
 */
static enum ha_drop check_foreign(struct judgement *j, bool *valid)
{
	const struct ha_config *config = &j->ha->config;
	const struct mip_extension *e;
	const struct sa_set *set;
	enum sa_result result;

	*valid = true;
	set = config->find_peer(config->ctx, &j->in->from);
	if (!set || !set->n)
		return mip_find(&j->msg, MIP_FOREIGN_HOME, NULL) ?
			HA_DROP_FOREIGN : HA_DROP_NONE;
	result = sa_check(set, &j->msg, MIP_FOREIGN_HOME, &j->foreign, &e);
	if (result == SA_MISSING && !j->msg.lifetime) {
		/* the reply carries one all the same, RFC 5944 3.8.3.3 e */
		j->foreign = &set->items[0];
		return HA_DROP_NONE;
	}
	*valid = result == SA_VALID;
	if (!*valid)
		j->foreign = NULL;
	return HA_DROP_NONE;
}

/*
 * RFC 5944 3.8.2.1 a. Nobody who cannot sign gets an answer that is longer than
 * what he sent, so that no flood grows on us.
 */
static enum ha_drop refuse_node(struct judgement *j)
{
	enum ha_drop drop = answer(j, MIP_HA_MN_AUTH);

	if (drop == HA_DROP_NONE && !j->foreign &&
	    j->reply->w.len > j->in->len)
		return HA_DROP_AUTH;
	return drop;
}

/* ---- replay protection ---- */

static bool is_repeated_nonce(const struct judgement *j)
{
	unsigned int i;

	for (i = 0; i < j->before.n; i++)
		if (j->before.bindings[i].id == j->msg.id &&
		    roam_addr_eq(&j->before.bindings[i].coa, &j->msg.coa))
			return true;
	return false;
}

static bool is_fresh(const struct judgement *j)
{
	if (j->sa->replay == SA_NONCES)
		return j->before.nonce && j->msg.id >> 32 == j->before.nonce;
	return j->msg.id > j->before.last &&
	       sa_clock_distance(j->msg.id, j->in->wall) <= j->sa->window;
}

static uint32_t new_nonce(const struct judgement *j)
{
	const struct ha_config *config = &j->ha->config;
	uint32_t nonce = config->random(config->ctx);

	while (!nonce || nonce == j->before.nonce)
		nonce++;
	return nonce;
}

static uint64_t with_high(uint64_t high, uint64_t id)
{
	return high << 32 | (id & UINT32_MAX);
}

/* RFC 5944 5.7: the reply says what would have been right. */
/*
 * The node's signature does not cover a sub-NAI that a foreign agent added: one signed
 * request makes one session, or the agent would make as many of it as it likes.
 */
static bool is_used_up(const struct judgement *j)
{
	return j->by_name && !j->leased && j->names.sub &&
	       j->names.sub_at > j->signature &&
	       j->sa->replay == SA_TIMESTAMPS &&
	       j->msg.id <= leases_last(j->ha->leases, j->names.nai,
					j->names.nai_len);
}

static enum ha_drop resynchronise(struct judgement *j,
				  struct ha_changes *changes)
{
	struct ha_state after = j->before;

	if (j->sa->replay == SA_TIMESTAMPS) {
		j->reply->msg.id = with_high(sa_timestamp(j->in->wall) >> 32,
					     j->msg.id);
		return answer(j, MIP_HA_IDENTIFICATION);
	}
	if (!after.nonce || after.kept < j->now) {
		/* the nonce is the address's: so the session keeps it meanwhile */
		if (j->by_name && !j->leased) {
			j->lease.until = j->now + NONCE_KEPT;
			if (!change_lease(j->ha, &j->lease, changes))
				return answer(j, MIP_HA_RESOURCES);
		}
		after.agent = j->group->agent;
		after.nonce = new_nonce(j);
		after.kept = j->now + NONCE_KEPT;
		if (!change(j->ha, &j->before, j->existed, &after, changes))
			return answer(j, MIP_HA_RESOURCES);
	}
	/* the same one again while it is unused: replays cost nothing */
	j->reply->msg.id = with_high(after.nonce, j->msg.id);
	return answer(j, MIP_HA_IDENTIFICATION);
}

/* What an accepted request leaves behind for the next one. */
static void advance(struct judgement *j, struct ha_state *after)
{
	after->agent = j->group->agent;
	if (j->sa->replay == SA_NONCES) {
		after->nonce = new_nonce(j);
		after->kept = j->now + NONCE_KEPT;
		j->reply->msg.id = with_high(after->nonce, j->msg.id);
		return;
	}
	after->last = j->msg.id;
	/* later the clock alone refuses it; twice, as clocks differ both ways */
	after->kept = max_time(after->kept, j->now + 2 * (msec_t)j->sa->window);
}

/* ---- what is asked for ---- */

static bool is_known_vendor(const struct mip_extension *e)
{
	(void)e;
	return false;
}

/* RFC 3115: a critical vendor extension that nobody knows, by who added it. */
static uint8_t check_vendor(const struct judgement *j)
{
	const struct mip_extension *e = NULL;

	while ((e = mip_find(&j->msg, MIP_CRITICAL_VENDOR, e)))
		if (!is_known_vendor(e))
			return e < j->signature ? MIP_HA_VENDOR_MN :
						  MIP_HA_VENDOR_FA;
	return MIP_ACCEPTED;
}

static uint8_t encap_of_flags(const struct judgement *j, uint8_t *encap)
{
	if (j->msg.flags & MIP_GRE) {
		*encap = HA_ENCAP_GRE;
		return j->group->gre ? MIP_ACCEPTED : MIP_HA_ENCAPSULATION;
	}
	if (j->msg.flags & MIP_MINIMAL) {
		*encap = HA_ENCAP_MINIMAL;
		return j->group->minimal ? MIP_ACCEPTED : MIP_HA_ENCAPSULATION;
	}
	*encap = HA_ENCAP_IPIP;
	return MIP_ACCEPTED;
}

/*
 * RFC 3519 4.3..4.5. Only what the node signed counts; the module carries IP in
 * UDP, so another inner encapsulation is refused.
 */
static uint8_t check_udp(struct judgement *j)
{
	bool nat = !roam_addr_eq(&j->in->from, &j->msg.coa);
	const struct mip_extension *e;
	struct mip_udp_request udp;
	bool wanted;

	e = mip_find(&j->msg, MIP_UDP_TUNNEL_REQUEST, NULL);
	if (!e || e > j->signature || !mip_get_udp_request(e, &udp))
		return MIP_ACCEPTED;
	if (!(j->msg.flags & MIP_DECAPSULATES) &&
	    !(udp.flags & MIP_UDP_FOREIGN))
		return MIP_HA_REQUEST;
	j->reply->has_udp = true;
	j->reply->udp.code = MIP_UDP_DECLINED;
	wanted = nat || udp.flags & MIP_UDP_FORCE;
	if (!wanted || udp.flags & MIP_UDP_FOREIGN)
		return MIP_ACCEPTED;
	if (!j->group->udp)
		return MIP_HA_UDP_ENCAPSULATION;
	if (!nat && !j->group->udp_force)
		return MIP_HA_PROHIBITED;
	if (udp.encapsulation && udp.encapsulation != PROTO_IPIP)
		return MIP_HA_UDP_ENCAPSULATION;
	j->binding.encap = HA_ENCAP_UDP;
	j->reply->udp = (struct mip_udp_reply){
		.force = !nat, .keepalive = j->group->keepalive,
	};
	return MIP_ACCEPTED;
}

/* The tunnel must lead to who asked, and into no circle (design: trap 7). */
static uint8_t check_care_of(const struct judgement *j)
{
	const struct ha_config *config = &j->ha->config;
	const struct roam_addr *coa = &j->msg.coa;
	struct lease lease;

	if (roam_addr_eq(coa, &j->msg.home))
		return MIP_HA_REQUEST;
	if (!roam_addr_is_usable(coa) || roam_addr_is_link_local(coa) ||
	    !roam_addr_is_usable(&j->in->from))
		return MIP_HA_REQUEST;
	if (group_of_agent(j->ha, coa) ||
	    config->find_node(config->ctx, coa) ||
	    leases_at(j->ha->leases, coa, &lease))
		return MIP_HA_PROHIBITED;
	if (j->binding.encap == HA_ENCAP_UDP || j->foreign ||
	    j->group->foreign_care_of)
		return MIP_ACCEPTED;
	return roam_addr_eq(coa, &j->in->from) ? MIP_ACCEPTED :
						 MIP_HA_PROHIBITED;
}

static uint8_t check_reverse(const struct judgement *j)
{
	if (j->msg.flags & MIP_REVERSE)
		return j->group->reverse ? MIP_ACCEPTED : MIP_HA_NO_REVERSE;
	return j->group->reverse_only ? MIP_HA_REVERSE_MANDATORY : MIP_ACCEPTED;
}

static uint16_t grant(const struct judgement *j)
{
	uint16_t max = j->group->lifetime_max;

	if (j->node->lifetime_max && j->node->lifetime_max < max)
		max = j->node->lifetime_max;
	return j->msg.lifetime < max ? j->msg.lifetime : max;
}

/* What is asked for beside the number of bindings. */
static uint8_t check_service(struct judgement *j)
{
	uint8_t code = check_vendor(j);

	if (!code)
		code = encap_of_flags(j, &j->binding.encap);
	if (!code)
		code = check_reverse(j);
	if (!code)
		code = check_udp(j);
	if (!code)
		code = check_care_of(j);
	return code;
}

static unsigned int bindings_max(const struct judgement *j)
{
	unsigned int max = j->node->bindings_max ? j->node->bindings_max :
						   j->group->bindings_max;

	return max > HA_BINDINGS_MAX ? HA_BINDINGS_MAX : max;
}

/* Drops the binding of that care-of address, or all; true if one was there. */
static bool unbind(struct ha_state *state, const struct roam_addr *coa)
{
	unsigned int i, kept = 0, before = state->n;

	for (i = 0; coa && i < state->n; i++)
		if (!roam_addr_eq(&state->bindings[i].coa, coa))
			state->bindings[kept++] = state->bindings[i];
	state->n = kept;
	return kept < before;
}

static void fill_binding(struct judgement *j)
{
	struct ha_binding *b = &j->binding;

	b->coa = j->msg.coa;
	b->source = j->in->from;
	b->port = j->in->from_port;
	b->id = j->msg.id;
	b->spi = j->sa->spi;
	b->lifetime = grant(j);
	b->flags = j->msg.flags;
	if (!j->group->broadcast)
		b->flags &= (uint8_t)~MIP_BROADCAST;
	b->expires = b->lifetime == MIP_LIFETIME_INFINITE ?
		MSEC_NEVER : j->now + 1000 * (msec_t)b->lifetime;
}

/* RFC 5944 3.8.2.2; the newest binding comes first. */
static uint8_t bind_one(struct judgement *j, struct ha_state *after)
{
	bool several = j->msg.flags & MIP_SIMULTANEOUS;
	unsigned int max = bindings_max(j);
	uint8_t code = check_service(j);

	if (code)
		return code;
	if (several && max == 1)
		code = MIP_ACCEPTED_ONE;
	unbind(after, several && max > 1 ? &j->msg.coa : NULL);
	if (after->n >= max)
		return MIP_HA_BINDINGS;
	if (!j->before.n && j->ha->away >= j->ha->config.nodes_max)
		return MIP_HA_RESOURCES;
	fill_binding(j);
	memmove(after->bindings + 1, after->bindings,
		after->n * sizeof(after->bindings[0]));
	after->bindings[0] = j->binding;
	after->n++;
	j->reply->msg.lifetime = j->binding.lifetime;
	return code;
}

static uint8_t unbind_some(struct judgement *j, struct ha_state *after)
{
	bool all = roam_addr_eq(&j->msg.coa, &j->msg.home);

	unbind(after, all ? NULL : &j->msg.coa);
	j->reply->msg.lifetime = 0;
	return check_vendor(j);
}

/* RFC 5944 3.8.2.2: a repeated request prolongs nothing. */
static enum ha_drop repeat(struct judgement *j)
{
	unsigned int i;

	for (i = 0; i < j->before.n; i++) {
		const struct ha_binding *b = &j->before.bindings[i];
		msec_t left = (b->expires - j->now) / 1000;

		if (b->id != j->msg.id || !roam_addr_eq(&b->coa, &j->msg.coa))
			continue;
		if (b->expires == MSEC_NEVER)
			j->reply->msg.lifetime = MIP_LIFETIME_INFINITE;
		else
			j->reply->msg.lifetime = left > 0 ? (uint16_t)left : 1;
		if (b->encap == HA_ENCAP_UDP) {
			j->reply->has_udp = true;
			j->reply->udp.keepalive = j->group->keepalive;
			j->reply->udp.force = roam_addr_eq(&b->coa, &b->source);
		}
		break;
	}
	j->reply->msg.id = with_high(j->before.nonce, j->msg.id);
	return answer(j, MIP_ACCEPTED);
}

static enum ha_drop carry_out(struct judgement *j, struct ha_changes *changes)
{
	struct ha_state after = j->before;
	uint8_t code;

	if (j->node->prohibited)
		code = MIP_HA_PROHIBITED;
	else if (!group_of_agent(j->ha, &j->msg.agent) ||
		 !roam_addr_eq(&j->msg.agent, &j->group->agent))
		code = MIP_HA_UNKNOWN_AGENT;
	else if (j->msg.flags & MIP_RESERVED)
		code = MIP_HA_REQUEST;
	else if (j->msg.lifetime)
		code = bind_one(j, &after);
	else
		code = unbind_some(j, &after);
	if (!mip_code_accepts(code))
		after = j->before;
	if (mip_code_accepts(code) && after.n && j->by_name &&
	    !(j->leased && j->lease.until == MSEC_NEVER)) {
		j->lease.until = MSEC_NEVER;
		if (!change_lease(j->ha, &j->lease, changes)) {
			code = MIP_HA_RESOURCES;
			after = j->before;
		}
	}
	if (mip_code_accepts(code) && j->by_name &&
	    j->sa->replay == SA_TIMESTAMPS)
		leases_advance(j->ha->leases, j->names.nai, j->names.nai_len,
			       j->msg.id);
	if (mip_code_accepts(code))
		j->reply->msg.home = j->msg.home;
	/* an authentic Identification is used up by a refusal, too */
	advance(j, &after);
	if (!change(j->ha, &j->before, j->existed, &after, changes)) {
		j->reply->msg.id = j->msg.id;
		code = MIP_HA_RESOURCES;
	} else if (j->before.n && !after.n) {
		release(j->ha, j->now, &j->msg.home, changes);
	}
	return answer(j, code);
}

/* Who must not be given to a session. */
static bool is_taken(void *ctx, const struct roam_addr *addr)
{
	const struct judgement *j = ctx;
	const struct ha_config *config = &j->ha->config;

	return config->find_node(config->ctx, addr) || find(j->ha, addr) ||
	       group_of_agent(j->ha, addr) || !roam_addr_is_usable(addr);
}

/*
 * SES-15..17: the address that the session has; else one of the pool, if it asks for
 * one; else the one it names, if it may. Nothing is taken yet: the request may still
 * be refused.
 */
static uint8_t resolve(struct judgement *j)
{
	const struct roam_addr *asked = &j->msg.home;
	struct lease other;

	/* what a foreign agent added counts with its signature only (TEN-24) */
	if (j->names.sub && j->names.sub_at > j->signature && !j->foreign)
		return MIP_HA_FA_AUTH;
	j->leased = leases_find(j->ha->leases, &j->names, &j->lease);
	if (j->leased) {
		j->msg.home = j->lease.addr;
		return MIP_ACCEPTED;
	}
	/* there is nothing to end */
	if (!j->msg.lifetime)
		return MIP_HA_PROHIBITED;
	if (leases_of(j->ha->leases, j->names.nai, j->names.nai_len) >=
	    j->node->sessions_max)
		return MIP_HA_RESOURCES;
	lease_set_names(&j->lease, &j->names);
	j->lease.agent = j->group->agent;
	if (roam_addr_is_none(asked)) {
		if (roam_addr_is_none(&j->group->pool_first) ||
		    !leases_pick(j->ha->leases, &j->group->pool_first,
				 &j->group->pool_last, is_taken, j,
				 &j->lease.addr))
			return MIP_HA_RESOURCES;
		j->msg.home = j->lease.addr;
		return MIP_ACCEPTED;
	}
	j->lease.addr = *asked;
	if (!j->node->addresses.len ||
	    !roam_prefix_contains(&j->node->addresses, asked) ||
	    is_taken(j, asked) || leases_at(j->ha->leases, asked, &other))
		return MIP_HA_PROHIBITED;
	return MIP_ACCEPTED;
}

enum ha_drop ha_input(struct ha *ha, msec_t now, const struct ha_request *in,
		      struct ha_reply *reply, struct ha_changes *changes)
{
	struct judgement j = { .ha = ha, .now = now, .in = in, .reply = reply };
	enum ha_drop drop = understand(&j);
	bool foreign_valid;
	enum sa_result result;

	if (drop != HA_DROP_NONE)
		return drop;
	begin_reply(&j);
	result = sa_check(&j.node->associations, &j.msg, MIP_MOBILE_HOME, &j.sa,
			  &j.signature);
	if (result == SA_MISSING || result == SA_DOUBLE)
		return HA_DROP_UNSIGNED;
	drop = check_foreign(&j, &foreign_valid);
	if (drop != HA_DROP_NONE)
		return drop;
	if (result != SA_VALID)
		return refuse_node(&j);
	if (j.by_name) {
		uint8_t code = resolve(&j);

		if (code)
			return answer(&j, code);
	}
	j.existed = ha_get(ha, &j.msg.home, &j.before);
	if (j.sa->replay == SA_NONCES && is_repeated_nonce(&j))
		return repeat(&j);
	if (!is_fresh(&j) || is_used_up(&j))
		return resynchronise(&j, changes);
	if (!foreign_valid)
		return answer(&j, MIP_HA_FA_AUTH);
	return carry_out(&j, changes);
}

/* ---- time ---- */

msec_t ha_next(const struct ha *ha)
{
	return min_time(deadlines_next(&ha->deadlines),
			leases_next(ha->leases));
}

bool ha_apply_lease(struct ha *ha, const struct lease *lease,
		    struct ha_changes *changes)
{
	struct mip_names names = lease_names(lease);
	struct lease other;

	if (lease->until && leases_find(ha->leases, &names, &other) &&
	    !roam_addr_eq(&other.addr, &lease->addr)) {
		other.until = 0;
		if (!change_lease(ha, &other, changes))
			return false;
	}
	return change_lease(ha, lease, changes);
}

struct leases *ha_leases(struct ha *ha)
{
	return ha->leases;
}

/* Bindings that are over go; a node at home is forgotten when its time comes. */
static void age(struct ha_state *state, msec_t now)
{
	unsigned int i, kept = 0;

	for (i = 0; i < state->n; i++)
		if (state->bindings[i].expires > now)
			state->bindings[kept++] = state->bindings[i];
	state->n = kept;
	if (!kept && state->kept <= now) {
		state->last = 0;
		state->nonce = 0;
	}
}

msec_t ha_expire(struct ha *ha, msec_t now, struct ha_changes *changes)
{
	struct deadline *due;
	struct lease lease;

	while (changes_reserve(changes) &&
	       (due = deadlines_pop(&ha->deadlines, now))) {
		struct entry *e = container_of(due, struct entry, deadline);
		struct ha_state before, after;

		state_of(e, &before);
		after = before;
		age(&after, now);
		change(ha, &before, true, &after, changes);
		if (before.n && !after.n)
			release(ha, now, &before.home, changes);
	}
	while (leases_due(ha->leases, now, &lease)) {
		lease.until = 0;
		if (!change_lease(ha, &lease, changes))
			break;
	}
	return ha_next(ha);
}

bool ha_end(struct ha *ha, msec_t now, const struct roam_addr *home,
	    struct ha_changes *changes)
{
	struct ha_state before, after;

	if (!ha_get(ha, home, &before) || !before.n)
		return false;
	after = before;
	after.n = 0;
	age(&after, now);
	if (!change(ha, &before, true, &after, changes))
		return false;
	release(ha, now, home, changes);
	return true;
}

/* ---- the whole ---- */

struct ha *ha_new(const struct ha_config *config)
{
	struct ha *ha = calloc(1, sizeof(*ha));

	if (!ha)
		return NULL;
	ha->config = *config;
	ha->leases = leases_new();
	if (!ha->leases) {
		free(ha);
		return NULL;
	}
	table_init(&ha->table, table_key_offset(struct entry, node, home),
		   sizeof(struct roam_addr));
	return ha;
}

void ha_configure(struct ha *ha, const struct ha_config *config)
{
	ha->config = *config;
}

void ha_free(struct ha *ha)
{
	struct table_iter iter = { 0 };
	struct entry *e;

	if (!ha)
		return;
	while ((e = entry_of(table_next(&ha->table, &iter)))) {
		free(e->bindings);
		free(e);
	}
	table_fini(&ha->table);
	leases_free(ha->leases);
	deadlines_fini(&ha->deadlines);
	free(ha);
}

size_t ha_count(const struct ha *ha)
{
	return ha->away;
}

size_t ha_entries(const struct ha *ha)
{
	return ha->table.count;
}

void ha_walk(const struct ha *ha, struct ha_cursor *cursor, size_t n,
	     void (*fn)(void *ctx, const struct ha_state *state), void *ctx)
{
	struct ha_state state;
	struct entry *e;
	size_t seen;

	/* a bucket is handed out whole, as it may change before the next call */
	for (seen = 0; seen < n || cursor->at.next; seen++) {
		e = entry_of(table_next(&ha->table, &cursor->at));
		if (!e) {
			cursor->done = true;
			return;
		}
		state_of(e, &state);
		fn(ctx, &state);
	}
}

/* ---- written down ---- */

#define STATE_FIXED 30
#define BINDING_LEN 34

/*
 * home 4, agent 4, last 8, kept 8, nonce 4, number 1, reserved 1; each binding:
 * care-of 4, source 4, Identification 8, end 8, SPI 4, lifetime 2, port 2,
 * flags 1, encapsulation 1
 */
size_t ha_state_encode(const struct ha_state *state, int64_t shift,
		       uint8_t buf[HA_STATE_LEN])
{
	uint8_t *p = buf;
	unsigned int i;

	p = mip_put_addr(p, &state->home);
	p = mip_put_addr(p, &state->agent);
	p = bytes_put(p, state->last, 8);
	p = mip_put_time(p, state->kept, shift);
	p = bytes_put(p, state->nonce, 4);
	p = bytes_put(p, state->n, 1);
	p = bytes_put(p, 0, 1);
	for (i = 0; i < state->n; i++) {
		const struct ha_binding *b = &state->bindings[i];

		p = mip_put_addr(p, &b->coa);
		p = mip_put_addr(p, &b->source);
		p = bytes_put(p, b->id, 8);
		p = mip_put_time(p, b->expires, shift);
		p = bytes_put(p, b->spi, 4);
		p = bytes_put(p, b->lifetime, 2);
		p = bytes_put(p, b->port, 2);
		p = bytes_put(p, b->flags, 1);
		p = bytes_put(p, b->encap, 1);
	}
	return (size_t)(p - buf);
}

size_t ha_state_decode(const uint8_t *buf, size_t len, int64_t shift,
		       struct ha_state *state)
{
	const uint8_t *p = buf;
	unsigned int i;

	memset(state, 0, sizeof(*state));
	if (len < STATE_FIXED)
		return 0;
	state->home = mip_get_addr(p);
	state->agent = mip_get_addr(p + 4);
	state->last = bytes_get(p + 8, 8);
	state->kept = mip_get_time(p + 16, shift);
	state->nonce = (uint32_t)bytes_get(p + 24, 4);
	state->n = p[28];
	p += STATE_FIXED;
	if (!roam_addr_is_usable(&state->home) || state->n > HA_BINDINGS_MAX ||
	    len < STATE_FIXED + state->n * BINDING_LEN)
		return 0;
	for (i = 0; i < state->n; i++) {
		struct ha_binding *b = &state->bindings[i];

		b->coa = mip_get_addr(p);
		b->source = mip_get_addr(p + 4);
		b->id = bytes_get(p + 8, 8);
		b->expires = mip_get_time(p + 16, shift);
		b->spi = (uint32_t)bytes_get(p + 24, 4);
		b->lifetime = (uint16_t)bytes_get(p + 28, 2);
		b->port = (uint16_t)bytes_get(p + 30, 2);
		b->flags = p[32];
		b->encap = p[33];
		if (!roam_addr_is_usable(&b->coa) ||
		    !roam_addr_is_usable(&b->source) ||
		    b->encap > HA_ENCAP_UDP)
			return 0;
		p += BINDING_LEN;
	}
	return (size_t)(p - buf);
}
