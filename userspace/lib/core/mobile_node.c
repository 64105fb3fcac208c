// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/mobile_node.h"

#include <stdlib.h>
#include <string.h>

#define RETRY_MIN 1000		/* ms, RFC 5944 3.6.3 */
#define TRIES 3			/* of one place before another is tried */
#define BLOCK_MIN 5000		/* ms that a place is left alone after that ... */
#define BLOCK_MAX 300000	/* ... doubled each time up to this */
#define REPAIRS 4		/* denials in a row that are mended at once */
#define SOLICIT_INTERVAL 1000	/* ms, RFC 5944 2.4 */
#define SOLICIT_FAST 3
#define SOLICIT_MAX 60000

/**
 * struct spot - a way to be attached: an agent, or the own address of a link
 * @blocked: until when it is not tried
 * @failures: in a row
 * @no_encap: M and G were refused
 * @no_reverse: T was refused
 * @reverse: T was demanded
 * @no_several: S was refused
 * @no_udp: UDP tunnels were refused
 * @lifetime: longest it takes, 0: not known
 */
struct spot {
	msec_t blocked;
	unsigned int failures;
	bool no_encap;
	bool no_reverse;
	bool reverse;
	bool no_several;
	bool no_udp;
	uint16_t lifetime;
};

/**
 * struct agent - an agent that was heard
 * @addr: where its advertisements come from; none: free
 * @mac: its link-layer address
 * @advert: the last one
 * @expires: when it is lost
 * @spot: as a place to be
 */
struct agent {
	struct roam_addr addr;
	uint8_t mac[MN_MAC_LEN];
	struct mip_advert advert;
	msec_t expires;
	struct spot spot;
};

/**
 * struct link - a link of this host
 * @index: of the kernel
 * @up: usable
 * @rank: smaller is preferred
 * @addr: the host's own address, none if it has none
 * @gateway: router for it
 * @own: that address as a place to be
 * @agents: agents heard
 * @solicited: solicitations sent in a row
 * @solicit: when the next is due, MSEC_NEVER while none is needed
 */
struct link {
	uint32_t index;
	bool up;
	unsigned int rank;
	struct roam_addr addr;
	struct roam_addr gateway;
	struct spot own;
	struct agent agents[MN_AGENTS];
	unsigned int solicited;
	msec_t solicit;
};

/**
 * struct mn - see mn_new()
 * @config: in force; agent is filled in when it was discovered
 * @ops: see there
 * @ctx: for them
 * @links: of the host
 * @n_links: their number
 * @target: where we register or are registered
 * @registration: in force, if @registered
 * @registered: there is one
 * @asking: a request is outstanding
 * @leaving: it is the one that ends all bindings by the user's wish
 * @left: nothing is to be registered
 * @id: Identification of the last request
 * @asked: lifetime in it
 * @asked_flags: flags in it
 * @asked_udp: it asked for a UDP tunnel
 * @sent: when it was sent
 * @began: when the first of this series was sent
 * @tries: requests of this series
 * @repairs: denials in a row that were mended
 * @retry: when the next request is due
 * @offset: home agent's clock less ours, s
 * @nonce: high half of the next Identification, with nonces
 */
struct mn {
	struct mn_config config;
	const struct mn_ops *ops;
	void *ctx;
	struct link links[MN_LINKS];
	size_t n_links;
	struct mn_place target;
	struct mn_registration registration;
	bool registered;
	bool asking;
	bool leaving;
	bool left;
	uint64_t id;
	uint16_t asked;
	uint8_t asked_flags;
	bool asked_udp;
	msec_t sent;
	msec_t began;
	unsigned int tries;
	unsigned int repairs;
	msec_t retry;
	int64_t offset;
	uint32_t nonce;
};

static const char *const drop_names[MN_DROP_MAX] = {
	[MN_DROP_NONE] = "none",
	[MN_DROP_MESSAGE] = "message",
	[MN_DROP_EXTENSION] = "extension",
	[MN_DROP_UNASKED] = "unasked",
	[MN_DROP_AUTH] = "authentication",
	[MN_DROP_LINK] = "link",
	[MN_DROP_ROOM] = "room",
};

static const char *const mode_names[] = {
	[MN_NOWHERE] = "nowhere",
	[MN_HOME] = "home",
	[MN_FOREIGN] = "foreign",
	[MN_COLOCATED] = "co-located",
};

const char *mn_drop_name(enum mn_drop drop)
{
	return drop < MN_DROP_MAX ? drop_names[drop] : "unknown";
}

const char *mn_mode_name(enum mn_mode mode)
{
	return mode_names[mode];
}

static void event(struct mn *mn, enum mn_event_type type,
		  const struct mn_place *place, uint8_t code, msec_t took)
{
	struct mn_event e = { .type = type, .place = *place, .code = code,
			      .took = took };

	mn->ops->event(mn->ctx, &e);
}

static bool same_place(const struct mn_place *a, const struct mn_place *b)
{
	return a->mode == b->mode && a->link == b->link &&
	       roam_addr_eq(&a->coa, &b->coa) &&
	       roam_addr_eq(&a->agent, &b->agent);
}

/* ---- links and agents ---- */

static struct link *find_link(struct mn *mn, uint32_t index)
{
	size_t i;

	for (i = 0; i < mn->n_links; i++)
		if (mn->links[i].index == index)
			return &mn->links[i];
	return NULL;
}

static struct agent *find_agent(struct link *link, const struct roam_addr *addr)
{
	unsigned int i;

	for (i = 0; i < MN_AGENTS; i++)
		if (roam_addr_eq(&link->agents[i].addr, addr))
			return &link->agents[i];
	return NULL;
}

static bool is_heard(const struct agent *a, msec_t now)
{
	return !roam_addr_is_none(&a->addr) && a->expires > now;
}

/* The prefix that an agent's first router address lies in; false: not told. */
static bool prefix_of(const struct mip_advert *advert, struct roam_prefix *p)
{
	unsigned int bit;

	if (!advert->n_prefixes || !advert->n_routers)
		return false;
	p->addr = advert->routers[0];
	p->len = 96 + advert->prefixes[0];
	for (bit = p->len; bit < 128; bit++)
		p->addr.b[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
	return true;
}

static bool is_home_agent(const struct mn *mn, const struct agent *a)
{
	struct roam_prefix p;
	unsigned int i;

	if (!a->advert.is_agent || !(a->advert.flags & MIP_ADVERT_HOME))
		return false;
	if (roam_addr_eq(&a->addr, &mn->config.agent))
		return true;
	for (i = 0; i < a->advert.n_routers; i++)
		if (roam_addr_eq(&a->advert.routers[i], &mn->config.agent))
			return true;
	return prefix_of(&a->advert, &p) &&
	       roam_prefix_contains(&p, &mn->config.home) &&
	       p.len == mn->config.network.len;
}

static bool is_home_link(const struct mn *mn, const struct link *link,
			 msec_t now)
{
	unsigned int i;

	for (i = 0; i < MN_AGENTS; i++)
		if (is_heard(&link->agents[i], now) &&
		    is_home_agent(mn, &link->agents[i]))
			return true;
	return !roam_addr_is_none(&link->addr) &&
	       roam_prefix_contains(&mn->config.network, &link->addr);
}

/* ---- the choice of a place ---- */

/**
 * struct choice - the best place found so far
 * @place: see there; MN_NOWHERE: none
 * @spot: what is known of it
 * @score: smaller is better
 */
struct choice {
	struct mn_place place;
	struct spot *spot;
	uint64_t score;
};

static unsigned int rank_of(const struct mn *mn, const struct roam_addr *agent)
{
	unsigned int i;

	for (i = 0; i < mn->config.n_preferred; i++)
		if (roam_addr_eq(&mn->config.preferred[i], agent))
			break;
	return i;
}

/*
 * At home first; then by the agents' order, the links' order, the kind; and what
 * is in use before what is as good.
 */
static void consider(const struct mn *mn, msec_t now, struct choice *best,
		     const struct mn_place *place, const struct link *link,
		     struct spot *spot, unsigned int order)
{
	bool colocated = place->mode == MN_COLOCATED;
	uint64_t score = order;

	score = score << 8 | (link->rank > 254 ? 254 : link->rank);
	score = score << 1 | (colocated != mn->config.prefer_colocated);
	score = score << 1 | !same_place(place, &mn->target);
	/* what just failed comes after all that did not */
	if (spot->blocked > now)
		score |= 1ULL << 32;
	if (place->mode == MN_HOME)
		score = 0;
	if (best->place.mode != MN_NOWHERE && best->score <= score)
		return;
	*best = (struct choice){ .place = *place, .spot = spot,
				 .score = score };
}

static void consider_agent(const struct mn *mn, msec_t now, struct choice *best,
			   struct link *link, struct agent *a)
{
	struct mn_place place = { .mode = MN_FOREIGN, .link = link->index,
				  .agent = a->addr, .has_agent = true };

	if (!is_heard(a, now) || !a->advert.is_agent ||
	    !(a->advert.flags & MIP_ADVERT_FOREIGN) || !a->advert.n_coas)
		return;
	place.coa = a->advert.coas[0];
	/* RFC 5944 2.1.1: a busy one keeps whom it has */
	if (a->advert.flags & MIP_ADVERT_BUSY &&
	    !(mn->registered && same_place(&place, &mn->registration.place)))
		return;
	if (roam_addr_is_none(&place.coa))
		return;
	memcpy(place.mac, a->mac, MN_MAC_LEN);
	consider(mn, now, best, &place, link, &a->spot,
		 rank_of(mn, &a->addr));
}

/* The agent on that link that wants to be asked even for the host's own address. */
static const struct agent *insisting(const struct link *link, msec_t now)
{
	unsigned int i;

	for (i = 0; i < MN_AGENTS; i++)
		if (is_heard(&link->agents[i], now) &&
		    link->agents[i].advert.flags & MIP_ADVERT_REGISTRATION)
			return &link->agents[i];
	return NULL;
}

static void consider_own(const struct mn *mn, msec_t now, struct choice *best,
			 struct link *link)
{
	struct mn_place place = { .mode = MN_COLOCATED, .link = link->index,
				  .coa = link->addr, .gateway = link->gateway };
	const struct agent *a = insisting(link, now);

	if (roam_addr_is_none(&link->addr))
		return;
	if (a) {
		place.agent = a->addr;
		place.has_agent = true;
		memcpy(place.mac, a->mac, MN_MAC_LEN);
	}
	consider(mn, now, best, &place, link, &link->own,
		 (unsigned int)mn->config.n_preferred);
}

static struct choice choose(struct mn *mn, msec_t now)
{
	struct choice best = { .place.mode = MN_NOWHERE };
	size_t i, k;

	for (i = 0; i < mn->n_links; i++) {
		struct link *link = &mn->links[i];

		if (!link->up)
			continue;
		if (is_home_link(mn, link, now)) {
			struct mn_place home = {
				.mode = MN_HOME, .link = link->index,
				.coa = mn->config.home,
				.gateway = link->gateway,
			};

			consider(mn, now, &best, &home, link, &link->own, 0);
		}
		for (k = 0; mn->config.foreign && k < MN_AGENTS; k++)
			consider_agent(mn, now, &best, link, &link->agents[k]);
		if (mn->config.colocated)
			consider_own(mn, now, &best, link);
	}
	return best;
}

/* What is known of the place in use; NULL if it is gone. */
static struct spot *spot_of(struct mn *mn, const struct mn_place *place)
{
	struct link *link = find_link(mn, place->link);
	struct agent *a;

	if (!link || place->mode == MN_NOWHERE)
		return NULL;
	if (place->mode != MN_FOREIGN)
		return &link->own;
	a = find_agent(link, &place->agent);
	return a ? &a->spot : NULL;
}

/* ---- requests ---- */

/*
 * Greater than every one before, also after the clock was set back (RFC 5944
 * 5.7.1); by the home agent's clock once it told that it differs.
 */
static uint64_t next_id(struct mn *mn)
{
	const struct sa *sa = &mn->config.associations.items[0];
	uint32_t low = mn->ops->random(mn->ctx);
	uint64_t id;

	if (sa->replay == SA_NONCES) {
		if (low == (uint32_t)mn->id)
			low++;
		return (uint64_t)mn->nonce << 32 | low;
	}
	id = sa_timestamp(mn->ops->wallclock(mn->ctx));
	id += (uint64_t)mn->offset << 32;
	/* the low bits are random: nobody can guess which reply is awaited */
	id = (id & ~(uint64_t)0xfffff) | (low & 0xfffff);
	return id > mn->id ? id : mn->id + 1 + (low & 0xfffff);
}

static const struct mip_advert *advert_of(struct mn *mn)
{
	struct link *link = find_link(mn, mn->target.link);
	struct agent *a;

	if (!link || mn->target.mode != MN_FOREIGN)
		return NULL;
	a = find_agent(link, &mn->target.agent);
	return a ? &a->advert : NULL;
}

/* RFC 5944 3.6.1.2: only what the foreign agent offers is asked for. */
static uint8_t flags_for(struct mn *mn, const struct spot *spot)
{
	const struct mip_advert *advert = advert_of(mn);
	uint8_t flags = mn->config.flags;

	if (advert && !(advert->flags & MIP_ADVERT_GRE))
		flags &= (uint8_t)~MIP_GRE;
	if (advert && !(advert->flags & MIP_ADVERT_MINIMAL))
		flags &= (uint8_t)~MIP_MINIMAL;
	if (advert && !(advert->flags & MIP_ADVERT_REVERSE) &&
	    !mn->config.reverse_only)
		flags &= (uint8_t)~MIP_REVERSE;
	if (spot->no_encap)
		flags &= (uint8_t)~(MIP_GRE | MIP_MINIMAL);
	if (spot->no_reverse && !mn->config.reverse_only)
		flags &= (uint8_t)~MIP_REVERSE;
	if (spot->reverse)
		flags |= MIP_REVERSE;
	if (spot->no_several)
		flags &= (uint8_t)~MIP_SIMULTANEOUS;
	if (mn->target.mode == MN_COLOCATED)
		flags |= MIP_DECAPSULATES;
	return flags;
}

static uint16_t lifetime_for(struct mn *mn, const struct spot *spot)
{
	const struct mip_advert *advert = advert_of(mn);
	uint16_t lifetime = mn->config.lifetime;

	if (mn->target.mode == MN_HOME || mn->leaving)
		return 0;
	if (advert && advert->registration && lifetime > advert->registration)
		lifetime = advert->registration;
	if (spot->lifetime && lifetime > spot->lifetime)
		lifetime = spot->lifetime;
	return lifetime;
}

/* The broadcast address of the home network, for discovery (MIP-69). */
static struct roam_addr home_broadcast(const struct mn *mn)
{
	struct roam_addr last = mn->config.network.addr;
	unsigned int bit;

	for (bit = mn->config.network.len; bit < 128; bit++)
		last.b[bit / 8] |= 0x80 >> bit % 8;
	return last;
}

static void write_request(struct mn *mn, const struct spot *spot,
			  const struct roam_addr *agent, struct mip_writer *w)
{
	struct mip_msg msg = {
		.type = MIP_REQUEST, .flags = mn->asked_flags,
		.lifetime = mn->asked, .home = mn->config.home,
		.agent = *agent, .coa = mn->target.coa, .id = mn->id,
	};
	struct mip_udp_request udp = { 0 };
	const struct sa_set *foreign = NULL;

	if (mn->leaving)
		msg.coa = mn->config.home;
	w->len = 0;
	w->full = false;
	mip_put_message(w, &msg);
	if (mn->config.nai_len)
		mip_put_extension(w, MIP_NAI, mn->config.nai,
				  mn->config.nai_len);
	mn->asked_udp = mn->config.nat && !spot->no_udp && mn->asked &&
		mn->target.mode == MN_COLOCATED && !mn->target.has_agent;
	if (mn->asked_udp) {
		udp.flags = mn->config.nat_force ? MIP_UDP_FORCE : 0;
		mip_put_udp_request(w, &udp);
	}
	sa_sign(&mn->config.associations.items[0], w, MIP_MOBILE_HOME);
	if (mn->target.has_agent)
		foreign = mn->ops->find_foreign(mn->ctx, &mn->target.agent);
	if (foreign && foreign->n)
		sa_sign(&foreign->items[0], w, MIP_MOBILE_FOREIGN);
}

static void send_request(struct mn *mn, msec_t now)
{
	struct spot *spot = spot_of(mn, &mn->target);
	struct roam_addr agent = mn->config.agent;
	struct mn_send send = { .place = mn->target, .ttl = 64 };
	bool repeat = mn->asking && mn->tries &&
		mn->config.associations.items[0].replay == SA_NONCES;
	struct mip_writer w;

	if (!spot)
		return;
	if (roam_addr_is_none(&agent))
		agent = home_broadcast(mn);
	mn->asked_flags = flags_for(mn, spot);
	mn->asked = lifetime_for(mn, spot);
	/* RFC 5944 3.6.3: with nonces the unanswered request comes unchanged */
	if (!repeat)
		mn->id = next_id(mn);
	write_request(mn, spot, &agent, &w);
	send.to = mn->target.has_agent ? mn->target.agent : agent;
	send.from = mn->target.mode == MN_COLOCATED ? mn->target.coa :
						      mn->config.home;
	/* RFC 3024 3: so that the agent sees that nothing lies between */
	if (mn->target.has_agent)
		send.ttl = 255;
	send.data = w.buf;
	send.len = w.len;
	mn->asking = true;
	mn->sent = now;
	if (!mn->tries++)
		mn->began = now;
	mn->retry = now + min_time((msec_t)RETRY_MIN <<
				   (mn->tries < 16 ? mn->tries - 1 : 15),
				   mn->config.retry_max);
	if (!w.full)
		mn->ops->send(mn->ctx, &send);
}

static void stop_asking(struct mn *mn)
{
	mn->asking = false;
	mn->tries = 0;
	mn->retry = MSEC_NEVER;
}

static void lose(struct mn *mn)
{
	if (!mn->registered)
		return;
	mn->registered = false;
	event(mn, MN_EVENT_LOST, &mn->registration.place, 0, 0);
	mn->ops->attach(mn->ctx, NULL);
}

static void block(struct spot *spot, msec_t now)
{
	unsigned int n = spot->failures < 6 ? spot->failures : 6;

	spot->blocked = now + min_time((msec_t)BLOCK_MIN << n, BLOCK_MAX);
	spot->failures++;
}

/* A new place: what was agreed on elsewhere stays in force until the reply. */
static void go(struct mn *mn, msec_t now, const struct mn_place *place)
{
	stop_asking(mn);
	mn->target = *place;
	mn->repairs = 0;
	if (place->mode == MN_NOWHERE) {
		lose(mn);
		return;
	}
	event(mn, MN_EVENT_TRY, place, 0, 0);
	/* at home the routes are those of the home link, which is not here */
	if (mn->registered && mn->registration.place.mode == MN_HOME &&
	    place->mode != MN_HOME)
		lose(mn);
	if (place->mode == MN_HOME) {
		/* on the home link the address works at once (MIP-03) */
		mn->registration = (struct mn_registration){
			.place = *place, .home_agent = mn->config.agent,
			.expires = MSEC_NEVER, .renew = MSEC_NEVER,
		};
		mn->registered = true;
		mn->ops->attach(mn->ctx, &mn->registration);
	}
	send_request(mn, now);
}

static bool is_gone(struct mn *mn, msec_t now, const struct mn_place *place)
{
	struct link *link = find_link(mn, place->link);
	struct agent *a;

	if (!link || !link->up)
		return true;
	if (place->mode == MN_HOME)
		return !is_home_link(mn, link, now);
	if (place->mode == MN_COLOCATED)
		return !roam_addr_eq(&link->addr, &place->coa);
	a = find_agent(link, &place->agent);
	return !a || !is_heard(a, now);
}

static void look(struct mn *mn, msec_t now)
{
	struct choice best;

	if (mn->left)
		return;
	best = choose(mn, now);
	if (mn->registered && is_gone(mn, now, &mn->registration.place) &&
	    best.place.mode == MN_NOWHERE)
		lose(mn);
	if (!same_place(&best.place, &mn->target))
		go(mn, now, &best.place);
}

/* ---- inputs about the surroundings ---- */

static void forget_agents(struct mn *mn, struct link *link)
{
	unsigned int i;

	for (i = 0; i < MN_AGENTS; i++) {
		struct mn_place place = { .mode = MN_FOREIGN,
					  .link = link->index,
					  .agent = link->agents[i].addr };

		if (!roam_addr_is_none(&link->agents[i].addr))
			event(mn, MN_EVENT_AGENT_LOST, &place, 0, 0);
		memset(&link->agents[i], 0, sizeof(link->agents[i]));
	}
}

void mn_link(struct mn *mn, msec_t now, uint32_t index, bool up,
	     unsigned int rank)
{
	struct link *link = find_link(mn, index);

	if (!link && (!up || mn->n_links == MN_LINKS))
		return;
	if (!link) {
		link = &mn->links[mn->n_links++];
		*link = (struct link){ .index = index,
				       .solicit = MSEC_NEVER };
	}
	link->rank = rank;
	if (link->up == up)
		return;
	link->up = up;
	link->solicited = 0;
	link->solicit = up ? now : MSEC_NEVER;
	if (!up) {
		forget_agents(mn, link);
		memset(&link->own, 0, sizeof(link->own));
		link->addr = (struct roam_addr){ 0 };
	}
}

void mn_address(struct mn *mn, msec_t now, uint32_t index,
		const struct roam_addr *addr, const struct roam_addr *gateway)
{
	struct link *link = find_link(mn, index);

	if (!link || !link->up)
		return;
	if (!roam_addr_eq(&link->addr, addr)) {
		memset(&link->own, 0, sizeof(link->own));
		/* another network: who was heard before may be out of reach */
		if (!roam_addr_is_none(addr)) {
			link->solicited = 0;
			link->solicit = now;
		}
	}
	link->addr = *addr;
	link->gateway = *gateway;
}

static struct agent *new_agent(struct link *link, msec_t now)
{
	unsigned int i;

	for (i = 0; i < MN_AGENTS; i++)
		if (!is_heard(&link->agents[i], now))
			return &link->agents[i];
	return NULL;
}

/* RFC 5944 2.4.2.2: who appears with another prefix shows that we moved. */
static void lose_others(struct mn *mn, struct link *link,
			const struct mip_advert *advert)
{
	struct roam_prefix mine, other;
	unsigned int i;

	if (!prefix_of(advert, &mine))
		return;
	for (i = 0; i < MN_AGENTS; i++) {
		struct agent *a = &link->agents[i];
		struct mn_place place = { .mode = MN_FOREIGN,
					  .link = link->index,
					  .agent = a->addr };

		if (roam_addr_is_none(&a->addr) ||
		    !prefix_of(&a->advert, &other) ||
		    (mine.len == other.len &&
		     roam_addr_eq(&mine.addr, &other.addr)))
			continue;
		event(mn, MN_EVENT_AGENT_LOST, &place, 0, 0);
		memset(a, 0, sizeof(*a));
	}
}

/* A smaller number than before means a restart: registrations are lost there. */
static bool has_restarted(const struct agent *a, const struct mip_advert *new)
{
	return new->sequence < a->advert.sequence &&
	       new->sequence < MIP_SEQUENCE_WRAP;
}

enum mn_drop mn_advert(struct mn *mn, msec_t now, uint32_t index,
		       const struct roam_addr *from,
		       const uint8_t mac[MN_MAC_LEN], const uint8_t *data,
		       size_t len)
{
	struct link *link = find_link(mn, index);
	struct mip_advert advert;
	struct agent *a;
	enum mip_error error = mip_advert_decode(data, len, &advert);

	if (error == MIP_UNKNOWN)
		return MN_DROP_EXTENSION;
	if (error != MIP_OK || !roam_addr_is_usable(from))
		return MN_DROP_MESSAGE;
	if (!link || !link->up)
		return MN_DROP_LINK;
	if (!advert.is_agent || !advert.lifetime)
		return MN_DROP_NONE;
	a = find_agent(link, from);
	if (a && !is_heard(a, now))
		memset(a, 0, sizeof(*a));
	if (!a || roam_addr_is_none(&a->addr)) {
		struct mn_place place = { .mode = MN_FOREIGN, .link = index,
					  .agent = *from };

		lose_others(mn, link, &advert);
		a = new_agent(link, now);
		if (!a)
			return MN_DROP_ROOM;
		memset(a, 0, sizeof(*a));
		a->addr = *from;
		event(mn, MN_EVENT_AGENT, &place, 0, 0);
	} else if (has_restarted(a, &advert) && mn->registered &&
		   roam_addr_eq(&mn->registration.place.agent, from)) {
		event(mn, MN_EVENT_RESTARTED, &mn->registration.place, 0, 0);
		mn->registration.renew = now;
	}
	memcpy(a->mac, mac, MN_MAC_LEN);
	a->advert = advert;
	a->expires = now + 1000 * (msec_t)advert.lifetime;
	link->solicited = 0;
	link->solicit = MSEC_NEVER;
	return MN_DROP_NONE;
}

/* ---- replies ---- */

static bool is_authentic(struct mn *mn, const struct roam_addr *from,
			 const struct mip_msg *msg)
{
	const struct sa_set *foreign = NULL;
	const struct mip_extension *e;
	const struct sa *sa;

	if (mn->target.has_agent)
		foreign = mn->ops->find_foreign(mn->ctx, &mn->target.agent);
	if (foreign && foreign->n &&
	    sa_check(foreign, msg, MIP_MOBILE_FOREIGN, &sa, &e) != SA_VALID)
		return false;
	if (mip_code_is_home(msg->code))
		return sa_check(&mn->config.associations, msg, MIP_MOBILE_HOME,
				&sa, &e) == SA_VALID;
	/* a denial that nobody signs is believed of the asked agent only */
	return mn->target.has_agent && roam_addr_eq(from, &mn->target.agent);
}

static void accepted(struct mn *mn, msec_t now, const struct mip_msg *msg,
		     struct spot *spot)
{
	struct mn_registration *r = &mn->registration;
	const struct mip_extension *e = mip_find(msg, MIP_UDP_TUNNEL_REPLY,
						 NULL);
	struct mip_udp_reply udp = { .code = MIP_UDP_DECLINED };
	uint16_t lifetime = msg->lifetime < mn->asked ? msg->lifetime :
							mn->asked;
	msec_t took = now - mn->began;

	if (e)
		mip_get_udp_reply(e, &udp);
	memset(spot, 0, sizeof(*spot));
	*r = (struct mn_registration){
		.place = mn->target, .home_agent = mn->config.agent,
		.flags = mn->asked_flags, .id = mn->id, .lifetime = lifetime,
		.udp = mn->asked_udp && udp.code < MIP_UDP_DECLINED,
		.expires = MSEC_NEVER, .renew = MSEC_NEVER, .agreed = true,
	};
	if (r->udp)
		r->keepalive = udp.keepalive ? udp.keepalive :
					       mn->config.keepalive;
	if (lifetime != MIP_LIFETIME_INFINITE) {
		/* RFC 5944 3.6.2.2: counted from the request on */
		r->expires = mn->sent + 1000 * (msec_t)lifetime;
		r->renew = mn->sent + 1000 * (msec_t)lifetime * 2 / 3;
	}
	stop_asking(mn);
	mn->repairs = 0;
	mn->registered = lifetime;
	if (!lifetime) {
		lose(mn);
		return;
	}
	mn->ops->attach(mn->ctx, r);
	event(mn, MN_EVENT_REGISTERED, &r->place, msg->code, took);
}

/* RFC 5944 3.6.2.3 and the others that can be mended. True: ask again at once. */
static bool repair(struct mn *mn, const struct mip_msg *msg, struct spot *spot)
{
	const struct sa *sa = &mn->config.associations.items[0];

	switch (msg->code) {
	case MIP_FA_LIFETIME:
		if (!msg->lifetime || msg->lifetime >= mn->asked)
			return false;
		spot->lifetime = msg->lifetime;
		return true;
	case MIP_HA_IDENTIFICATION:
		if (sa->replay == SA_NONCES)
			mn->nonce = (uint32_t)(msg->id >> 32);
		else
			mn->offset += (int64_t)(msg->id >> 32) -
				      (int64_t)(mn->id >> 32);
		/* what was too new is no measure for what comes */
		mn->id = sa->replay == SA_NONCES ? mn->id : 0;
		return true;
	case MIP_HA_UNKNOWN_AGENT:
		if (!roam_addr_is_usable(&msg->agent) ||
		    roam_addr_eq(&msg->agent, &mn->config.agent))
			return false;
		mn->config.agent = msg->agent;
		return true;
	case MIP_FA_ENCAPSULATION:
	case MIP_HA_ENCAPSULATION:
		spot->no_encap = true;
		return mn->asked_flags & (MIP_GRE | MIP_MINIMAL);
	case MIP_FA_NO_REVERSE:
	case MIP_HA_NO_REVERSE:
		spot->no_reverse = true;
		return mn->asked_flags & MIP_REVERSE && !mn->config.reverse_only;
	case MIP_FA_REVERSE_MANDATORY:
	case MIP_HA_REVERSE_MANDATORY:
		spot->reverse = true;
		return !(mn->asked_flags & MIP_REVERSE);
	case MIP_HA_BINDINGS:
		spot->no_several = true;
		return mn->asked_flags & MIP_SIMULTANEOUS;
	case MIP_HA_UDP_ENCAPSULATION:
		spot->no_udp = true;
		return mn->asked_udp;
	default:
		return false;
	}
}

/* A home agent denies everywhere alike, so another place would not help. */
static void denied(struct mn *mn, msec_t now, const struct mip_msg *msg,
		   struct spot *spot)
{
	msec_t pause = BLOCK_MIN;
	unsigned int n;

	event(mn, MN_EVENT_DENIED, &mn->target, msg->code, 0);
	if (mn->repairs < REPAIRS && repair(mn, msg, spot)) {
		mn->repairs++;
		stop_asking(mn);
		send_request(mn, now);
		return;
	}
	n = mn->tries;
	stop_asking(mn);
	mn->repairs = 0;
	if (mip_code_is_home(msg->code)) {
		mn->tries = n;
		mn->retry = now + min_time(pause << (n < 8 ? n : 8),
					   max_time(mn->config.retry_max,
						    BLOCK_MIN));
		return;
	}
	block(spot, now);
	mn->retry = spot->blocked;
}

static void end_leave(struct mn *mn)
{
	mn->leaving = false;
	mn->left = true;
	stop_asking(mn);
	mn->target = (struct mn_place){ .mode = MN_NOWHERE };
	lose(mn);
}

enum mn_drop mn_reply(struct mn *mn, msec_t now, const struct roam_addr *from,
		      const uint8_t *data, size_t len)
{
	struct mip_msg msg;
	enum mip_error error = mip_decode(data, len, &msg);
	struct spot *spot;

	if (error == MIP_UNKNOWN)
		return MN_DROP_EXTENSION;
	if (error != MIP_OK || msg.type != MIP_REPLY)
		return MN_DROP_MESSAGE;
	spot = spot_of(mn, &mn->target);
	if (!mn->asking || !spot || (uint32_t)msg.id != (uint32_t)mn->id ||
	    !roam_addr_eq(&msg.home, &mn->config.home))
		return MN_DROP_UNASKED;
	if (!is_authentic(mn, from, &msg))
		return MN_DROP_AUTH;
	/* RFC 5944 5.7.2: every authentic reply brings the next nonce */
	if (mip_code_is_home(msg.code) &&
	    mn->config.associations.items[0].replay == SA_NONCES)
		mn->nonce = (uint32_t)(msg.id >> 32);
	if (!mip_code_accepts(msg.code)) {
		denied(mn, now, &msg, spot);
		return MN_DROP_NONE;
	}
	if (mn->leaving) {
		end_leave(mn);
	} else if (mn->target.mode == MN_HOME) {
		stop_asking(mn);
		mn->registration.agreed = true;
		event(mn, MN_EVENT_HOME, &mn->target, msg.code,
		      now - mn->began);
	} else {
		accepted(mn, now, &msg, spot);
	}
	return MN_DROP_NONE;
}

/* ---- time ---- */

static msec_t solicit(struct mn *mn, msec_t now, struct link *link)
{
	msec_t wait = SOLICIT_INTERVAL;

	if (!link->up || link->solicit == MSEC_NEVER || link->solicit > now)
		return link->up ? link->solicit : MSEC_NEVER;
	mn->ops->solicit(mn->ctx, link->index);
	link->solicited++;
	if (link->solicited >= SOLICIT_FAST)
		wait <<= link->solicited - SOLICIT_FAST + 1 < 6 ?
			link->solicited - SOLICIT_FAST + 1 : 6;
	link->solicit = now + min_time(wait, SOLICIT_MAX);
	return link->solicit;
}

static msec_t age_agents(struct mn *mn, msec_t now, struct link *link)
{
	msec_t next = MSEC_NEVER;
	bool heard = false;
	unsigned int i;

	for (i = 0; i < MN_AGENTS; i++) {
		struct agent *a = &link->agents[i];
		struct mn_place place = { .mode = MN_FOREIGN,
					  .link = link->index,
					  .agent = a->addr };

		if (roam_addr_is_none(&a->addr))
			continue;
		if (is_heard(a, now)) {
			next = min_time(next, a->expires);
			heard = true;
			continue;
		}
		event(mn, MN_EVENT_AGENT_LOST, &place, 0, 0);
		memset(a, 0, sizeof(*a));
	}
	if (link->up && !heard && link->solicit == MSEC_NEVER) {
		link->solicited = 0;
		link->solicit = now;
	}
	return next;
}

/* No answer: the same again, or after some tries whatever else there is. */
static void retry(struct mn *mn, msec_t now)
{
	struct spot *spot = spot_of(mn, &mn->target);

	if (!spot || mn->target.mode == MN_NOWHERE)
		return;
	if (mn->leaving && mn->tries >= TRIES) {
		end_leave(mn);
		return;
	}
	if (mn->asking && mn->tries == TRIES && !mn->leaving &&
	    mn->target.mode != MN_HOME) {
		struct choice other;

		event(mn, MN_EVENT_SILENT, &mn->target, 0, 0);
		block(spot, now);
		other = choose(mn, now);
		if (other.place.mode != MN_NOWHERE &&
		    !same_place(&other.place, &mn->target)) {
			go(mn, now, &other.place);
			return;
		}
	}
	send_request(mn, now);
}

msec_t mn_tick(struct mn *mn, msec_t now)
{
	msec_t next = MSEC_NEVER;
	size_t i;

	for (i = 0; i < mn->n_links; i++)
		next = min_time(next, age_agents(mn, now, &mn->links[i]));
	for (i = 0; i < mn->n_links; i++)
		if (mn->config.foreign && !mn->left)
			next = min_time(next, solicit(mn, now, &mn->links[i]));
	if (mn->registered && mn->registration.expires <= now)
		lose(mn);
	look(mn, now);
	if (!mn->registered && !mn->asking && mn->retry == MSEC_NEVER)
		mn->retry = now;
	if (mn->target.mode == MN_NOWHERE)
		mn->retry = MSEC_NEVER;
	if (mn->retry <= now)
		retry(mn, now);
	if (mn->registered && !mn->asking && mn->registration.renew <= now &&
	    mn->retry == MSEC_NEVER) {
		mn->registration.renew = MSEC_NEVER;
		send_request(mn, now);
	}
	next = min_time(next, mn->retry);
	if (mn->registered)
		next = min_time(next, min_time(mn->registration.expires,
					       mn->registration.renew));
	return next;
}

void mn_leave(struct mn *mn, msec_t now)
{
	if (!mn->registered || mn->target.mode == MN_HOME) {
		end_leave(mn);
		return;
	}
	stop_asking(mn);
	mn->leaving = true;
	send_request(mn, now);
}

void mn_join(struct mn *mn, msec_t now)
{
	mn->left = false;
	mn->leaving = false;
	mn->target = (struct mn_place){ .mode = MN_NOWHERE };
	look(mn, now);
}

void mn_renew(struct mn *mn, msec_t now)
{
	if (!mn->registered || mn->target.mode == MN_HOME)
		return;
	/* who asks for it does not mean to wait for a pause after a denial */
	stop_asking(mn);
	mn->registration.renew = now;
}

/* ---- the whole ---- */

struct mn *mn_new(const struct mn_config *config, const struct mn_ops *ops,
		  void *ctx)
{
	struct mn *mn = calloc(1, sizeof(*mn));

	if (!mn)
		return NULL;
	mn->config = *config;
	mn->ops = ops;
	mn->ctx = ctx;
	mn->retry = MSEC_NEVER;
	return mn;
}

void mn_free(struct mn *mn)
{
	free(mn);
}

const struct mn_registration *mn_current(const struct mn *mn)
{
	return mn->registered ? &mn->registration : NULL;
}

void mn_agents(const struct mn *mn,
	       void (*fn)(void *ctx, const struct mn_agent_info *info),
	       void *ctx)
{
	size_t i, k;

	for (i = 0; i < mn->n_links; i++) {
		for (k = 0; k < MN_AGENTS; k++) {
			const struct agent *a = &mn->links[i].agents[k];
			struct mn_agent_info info = {
				.place = { .mode = MN_FOREIGN,
					   .link = mn->links[i].index,
					   .agent = a->addr,
					   .has_agent = true },
				.flags = a->advert.flags,
				.sequence = a->advert.sequence,
				.advert_lifetime = a->advert.lifetime,
				.lifetime = a->advert.registration,
				.expires = a->expires,
				.blocked = a->spot.blocked,
			};

			if (roam_addr_is_none(&a->addr))
				continue;
			info.place.coa = a->advert.coas[0];
			memcpy(info.place.mac, a->mac, MN_MAC_LEN);
			info.current = mn->registered &&
				roam_addr_eq(&mn->registration.place.agent,
					     &a->addr);
			fn(ctx, &info);
		}
	}
}
