// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/mobile_session.h"

#include <stdlib.h>
#include <string.h>

#define RETRY_MIN 1000		/* ms, RFC 5944 3.6.3 */
#define TRIES 3			/* until a silence is told, or an end is given up */
#define PAUSE_MIN 5000		/* ms after a denial, doubled each time */
#define REPAIRS 3		/* denials in a row that are mended at once */

/**
 * struct session - a session and what it asks for
 * @next: in the list
 * @s: what is known of it
 * @asking: a request is outstanding
 * @id: Identification of the last request
 * @asked: lifetime in it
 * @asked_udp: it asked for a UDP tunnel
 * @target: where it asked from
 * @sent: when
 * @began: when the first of this series was sent
 * @tries: requests of this series
 * @repairs: denials in a row that were mended
 * @denials: denials in a row
 * @retry: when the next request is due, MSEC_NEVER: none is
 * @offset: home agent's clock less ours, s
 * @nonce: high half of the next Identification, with nonces
 * @given_len: bytes of @given
 * @given: sub-NAI by which a foreign agent named it (SES-11). The address belongs to that
 *	name, so the session says it wherever it is from then on
 */
struct session {
	struct session *next;
	struct mns_session s;
	bool asking;
	uint64_t id;
	uint16_t asked;
	bool asked_udp;
	struct mn_registration target;
	msec_t sent;
	msec_t began;
	unsigned int tries;
	unsigned int repairs;
	unsigned int denials;
	msec_t retry;
	int64_t offset;
	uint32_t nonce;
	uint8_t given_len;
	uint8_t given[MIP_SUB_NAI_MAX];
};

/**
 * struct mns - see mns_new()
 * @config: in force
 * @ops: see there
 * @ctx: for them
 * @sessions: a node has few of them
 * @n: their number
 * @attached: the node is attached where sessions can be registered
 * @place: there
 */
struct mns {
	struct mns_config config;
	const struct mns_ops *ops;
	void *ctx;
	struct session *sessions;
	size_t n;
	bool attached;
	struct mn_registration place;
};

static const char *const state_names[] = {
	[MNS_WAITING] = "waiting",
	[MNS_ASKING] = "asking",
	[MNS_ACTIVE] = "active",
	[MNS_DENIED] = "denied",
	[MNS_ENDING] = "ending",
};

static const char *const event_names[] = {
	[MNS_EVENT_REGISTERED] = "session-registered",
	[MNS_EVENT_RENEWED] = "session-renewed",
	[MNS_EVENT_DENIED] = "session-denied",
	[MNS_EVENT_SILENT] = "session-silent",
	[MNS_EVENT_LOST] = "session-lost",
	[MNS_EVENT_ENDED] = "session-ended",
};

const char *mns_state_name(enum mns_state state)
{
	return state_names[state];
}

const char *mns_event_name(enum mns_event event)
{
	return event_names[event];
}

static void event(struct mns *mns, const struct session *s, enum mns_event what)
{
	mns->ops->event(mns->ctx, &s->s, what);
}

static struct session **find(const struct mns *mns, const char *name)
{
	struct session **at = (struct session **)&mns->sessions;

	while (*at && strcmp((*at)->s.name, name))
		at = &(*at)->next;
	return *at ? at : NULL;
}

static void stop_asking(struct session *s)
{
	s->asking = false;
	s->tries = 0;
	s->retry = MSEC_NEVER;
}

static void lose(struct mns *mns, struct session *s)
{
	if (s->s.state != MNS_ACTIVE)
		return;
	s->s.state = mns->attached ? MNS_ASKING : MNS_WAITING;
	if (mns->attached && s->retry == MSEC_NEVER)
		s->retry = 0;
	event(mns, s, MNS_EVENT_LOST);
}

static void drop(struct mns *mns, struct session **at)
{
	struct session *s = *at;

	event(mns, s, MNS_EVENT_ENDED);
	*at = s->next;
	mns->n--;
	free(s);
}

/* ---- requests ---- */

/* As core/mobile_node.c does: greater than every one before, its low bits random. */
static uint64_t next_id(struct mns *mns, const struct session *s,
			const struct sa *sa)
{
	uint32_t low = mns->ops->random(mns->ctx);
	uint64_t id;

	if (sa->replay == SA_NONCES) {
		if (low == (uint32_t)s->id)
			low++;
		return (uint64_t)s->nonce << 32 | low;
	}
	id = sa_timestamp(mns->ops->wallclock(mns->ctx));
	id += (uint64_t)s->offset << 32;
	id = (id & ~(uint64_t)0xfffff) | (low & 0xfffff);
	return id > s->id ? id : s->id + 1 + (low & 0xfffff);
}

/* A session is asked for no longer than the node itself got, and asks for nothing
 * that the node was refused. */
static uint16_t lifetime_for(const struct mns *mns, const struct session *s)
{
	uint16_t lifetime = mns->config.lifetime;

	if (s->s.state == MNS_ENDING && !roam_addr_is_none(&s->s.home))
		return 0;
	return lifetime < mns->place.lifetime ? lifetime : mns->place.lifetime;
}

static void write_request(struct mns *mns, struct session *s,
			  const struct mns_identity *who, struct mip_writer *w)
{
	const struct mn_registration *r = &mns->place;
	struct mip_msg msg = {
		.type = MIP_REQUEST, .lifetime = s->asked, .home = s->s.home,
		.flags = r->flags & (uint8_t)~(MIP_SIMULTANEOUS | MIP_BROADCAST),
		.agent = r->home_agent, .coa = r->place.coa, .id = s->id,
	};
	struct mip_udp_request udp = {
		.flags = mns->config.nat_force ? MIP_UDP_FORCE : 0,
	};
	const struct sa_set *foreign = NULL;

	/* where the address is not heard of any more the names still are */
	if (s->tries >= TRIES && s->s.state == MNS_ASKING)
		msg.home = (struct roam_addr){ 0 };
	w->len = 0;
	w->full = false;
	mip_put_message(w, &msg);
	mip_put_names(w, &mns->config.naming, &who->names);
	s->asked_udp = r->udp && s->asked;
	if (s->asked_udp)
		mip_put_udp_request(w, &udp);
	sa_sign(&who->associations->items[0], w, MIP_MOBILE_HOME);
	if (r->place.has_agent)
		foreign = mns->ops->find_foreign(mns->ctx, &r->place.agent);
	if (foreign && foreign->n)
		sa_sign(&foreign->items[0], w, MIP_MOBILE_FOREIGN);
}

static void identify(struct mns *mns, const struct session *s,
		     struct mns_identity *who)
{
	*who = (struct mns_identity){ .associations = NULL };
	mns->ops->identify(mns->ctx, &s->s, who);
	if (who->names.sub_len || !s->given_len)
		return;
	who->names.sub = s->given;
	who->names.sub_len = s->given_len;
}

static void ask(struct mns *mns, msec_t now, struct session *s)
{
	const struct mn_place *place = &mns->place.place;
	struct mn_send send = { .place = *place, .ttl = 64 };
	struct mns_identity who;
	struct mip_writer w;
	const struct sa *sa;

	identify(mns, s, &who);
	if (!who.associations || !who.associations->n || !mns->attached)
		return;
	sa = &who.associations->items[0];
	s->asked = lifetime_for(mns, s);
	/* RFC 5944 3.6.3: with nonces the unanswered request comes unchanged */
	if (!s->asking || !s->tries || sa->replay != SA_NONCES)
		s->id = next_id(mns, s, sa);
	s->target = mns->place;
	write_request(mns, s, &who, &w);
	send.to = place->has_agent ? place->agent : mns->place.home_agent;
	send.from = place->mode == MN_COLOCATED ? place->coa : s->s.home;
	/* RFC 3024 3: so that the agent sees that nothing lies between */
	if (place->has_agent)
		send.ttl = 255;
	send.data = w.buf;
	send.len = w.len;
	s->asking = true;
	s->sent = now;
	if (!s->tries++)
		s->began = now;
	s->retry = now + min_time((msec_t)RETRY_MIN <<
				  (s->tries < 16 ? s->tries - 1 : 15),
				  max_time(mns->config.retry_max, RETRY_MIN));
	if (s->s.state == MNS_WAITING || s->s.state == MNS_DENIED)
		s->s.state = MNS_ASKING;
	if (!w.full)
		mns->ops->send(mns->ctx, &send);
}

static bool same_place(const struct mn_registration *a,
		       const struct mn_registration *b)
{
	return a->place.mode == b->place.mode && a->place.link == b->place.link &&
	       roam_addr_eq(&a->place.coa, &b->place.coa) &&
	       roam_addr_eq(&a->place.agent, &b->place.agent) &&
	       roam_addr_eq(&a->home_agent, &b->home_agent) &&
	       a->flags == b->flags && a->udp == b->udp;
}

static void follow(struct mns *mns, msec_t now, struct session *s)
{
	if (!mns->attached) {
		stop_asking(s);
		lose(mns, s);
		if (s->s.state != MNS_ENDING)
			s->s.state = MNS_WAITING;
		return;
	}
	if (s->s.state == MNS_ACTIVE && !s->asking &&
	    same_place(&s->s.registration, &mns->place))
		return;
	if (s->asking && same_place(&s->target, &mns->place))
		return;
	stop_asking(s);
	s->repairs = 0;
	s->denials = 0;
	ask(mns, now, s);
}

void mns_attach(struct mns *mns, msec_t now, const struct mn_registration *r)
{
	struct session *s;

	mns->attached = r && r->place.mode != MN_HOME;
	if (mns->attached)
		mns->place = *r;
	for (s = mns->sessions; s; s = s->next)
		follow(mns, now, s);
}

/* ---- which sessions there are ---- */

bool mns_add(struct mns *mns, msec_t now, const char *name,
	     const struct roam_addr *home)
{
	struct session *s;
	size_t len = strlen(name);

	if (!mip_sub_nai_is_valid((const uint8_t *)name, len) ||
	    mns->n >= mns->config.max || mns->n >= MNS_MAX || find(mns, name))
		return false;
	s = calloc(1, sizeof(*s));
	if (!s)
		return false;
	memcpy(s->s.name, name, len);
	s->s.len = len;
	s->s.home = *home;
	s->s.state = MNS_WAITING;
	s->retry = MSEC_NEVER;
	s->next = mns->sessions;
	mns->sessions = s;
	mns->n++;
	ask(mns, now, s);
	return true;
}

/* Who was given nothing has nothing to give back, unless an answer is on its way. */
bool mns_end(struct mns *mns, msec_t now, const char *name)
{
	struct session **at = find(mns, name), *s;

	if (!at)
		return false;
	s = *at;
	if (s->s.state == MNS_ENDING)
		return true;
	if (!mns->attached || (roam_addr_is_none(&s->s.home) && !s->asking)) {
		drop(mns, at);
		return true;
	}
	if (s->s.state == MNS_ACTIVE)
		event(mns, s, MNS_EVENT_LOST);
	s->s.state = MNS_ENDING;
	s->denials = 0;
	if (roam_addr_is_none(&s->s.home))
		return true;
	stop_asking(s);
	ask(mns, now, s);
	return true;
}

/* ---- replies ---- */

static bool is_authentic(const struct mns *mns, const struct session *s,
			 const struct mns_identity *who,
			 const struct roam_addr *from,
			 const struct mip_msg *msg)
{
	const struct mn_place *place = &s->target.place;
	const struct sa_set *foreign = NULL;
	const struct mip_extension *e;
	const struct sa *sa;

	if (place->has_agent)
		foreign = mns->ops->find_foreign(mns->ctx, &place->agent);
	if (foreign && foreign->n &&
	    sa_check(foreign, msg, MIP_MOBILE_FOREIGN, &sa, &e) != SA_VALID)
		return false;
	if (mip_code_is_home(msg->code))
		return sa_check(who->associations, msg, MIP_MOBILE_HOME, &sa,
				&e) == SA_VALID;
	/* a denial that nobody signs is believed of the asked agent only */
	return place->has_agent && roam_addr_eq(from, &place->agent);
}

static void accepted(struct mns *mns, msec_t now, const struct mip_msg *msg,
		     struct session **at)
{
	const struct mip_extension *e = mip_find(msg, MIP_UDP_TUNNEL_REPLY,
						 NULL);
	struct mip_udp_reply udp = { .code = MIP_UDP_DECLINED };
	struct session *s = *at;
	struct mn_registration *r = &s->s.registration;
	bool again = s->s.state == MNS_ACTIVE && same_place(r, &s->target) &&
		     roam_addr_eq(&s->s.home, &msg->home);

	stop_asking(s);
	s->repairs = 0;
	s->denials = 0;
	s->s.code = 0;
	if (s->s.state == MNS_ENDING && !s->asked) {
		drop(mns, at);
		return;
	}
	if (s->s.state == MNS_ACTIVE && !roam_addr_eq(&s->s.home, &msg->home))
		lose(mns, s);
	s->s.home = msg->home;
	if (s->s.state == MNS_ENDING) {
		/* what it asked for before it was ended is given back */
		ask(mns, now, s);
		return;
	}
	if (e)
		mip_get_udp_reply(e, &udp);
	*r = s->target;
	r->lifetime = msg->lifetime < s->asked ? msg->lifetime : s->asked;
	r->udp = s->asked_udp && udp.code < MIP_UDP_DECLINED;
	r->expires = r->renew = MSEC_NEVER;
	r->agreed = true;
	if (r->lifetime != MIP_LIFETIME_INFINITE) {
		/* RFC 5944 3.6.2.2: counted from the request on */
		r->expires = s->sent + 1000 * (msec_t)r->lifetime;
		r->renew = s->sent + 1000 * (msec_t)r->lifetime * 2 / 3;
	}
	s->s.took = now - s->began;
	s->s.state = MNS_ACTIVE;
	event(mns, s, again ? MNS_EVENT_RENEWED : MNS_EVENT_REGISTERED);
}

/* True: ask again at once. */
static bool repair(struct mns *mns, struct session *s,
		   const struct mip_msg *msg, const struct sa *sa)
{
	switch (msg->code) {
	case MIP_HA_IDENTIFICATION:
		if (sa->replay == SA_NONCES)
			s->nonce = (uint32_t)(msg->id >> 32);
		else
			s->offset += (int64_t)(msg->id >> 32) -
				     (int64_t)(s->id >> 32);
		/* what was too new is no measure for what comes */
		s->id = sa->replay == SA_NONCES ? s->id : 0;
		return true;
	case MIP_HA_PROHIBITED:
		/* the address that it had is not its own any more */
		if (s->s.state == MNS_ENDING || roam_addr_is_none(&s->s.home))
			return false;
		lose(mns, s);
		s->s.home = (struct roam_addr){ 0 };
		return true;
	default:
		return false;
	}
}

static void denied(struct mns *mns, msec_t now, const struct mip_msg *msg,
		   struct session **at, const struct sa *sa)
{
	struct session *s = *at;

	s->s.code = msg->code;
	event(mns, s, MNS_EVENT_DENIED);
	if (s->repairs < REPAIRS && repair(mns, s, msg, sa)) {
		s->repairs++;
		stop_asking(s);
		ask(mns, now, s);
		return;
	}
	stop_asking(s);
	s->repairs = 0;
	if (s->s.state == MNS_ENDING && ++s->denials >= TRIES) {
		drop(mns, at);
		return;
	}
	/* what is in force elsewhere stays until it ends */
	if (s->s.state != MNS_ENDING)
		s->denials++;
	if (s->s.state == MNS_ASKING)
		s->s.state = MNS_DENIED;
	s->retry = now + min_time((msec_t)PAUSE_MIN <<
				  (s->denials < 8 ? s->denials - 1 : 8),
				  max_time(mns->config.retry_max, PAUSE_MIN));
}

static bool same_bytes(const uint8_t *a, size_t a_len, const uint8_t *b,
		       size_t b_len)
{
	return a_len == b_len && (!a_len || !memcmp(a, b, a_len));
}

/*
 * A foreign agent repeats the names, and the home agent does. What has no sub-NAI is the
 * only session of its NAI, and a foreign agent may have named it.
 */
static bool is_of(const struct mip_names *names, const struct mip_names *own)
{
	return same_bytes(names->nai, names->nai_len, own->nai, own->nai_len) &&
	       (!own->sub_len ||
		same_bytes(names->sub, names->sub_len, own->sub, own->sub_len));
}

static struct session **find_asked(struct mns *mns, const struct mip_msg *msg,
				   const struct mip_names *names,
				   struct mns_identity *who)
{
	struct session **at;

	for (at = &mns->sessions; *at; at = &(*at)->next) {
		struct session *s = *at;

		if (!s->asking || (uint32_t)s->id != (uint32_t)msg->id)
			continue;
		identify(mns, s, who);
		if (who->associations && who->associations->n &&
		    is_of(names, &who->names))
			return at;
	}
	return NULL;
}

enum mn_drop mns_reply(struct mns *mns, msec_t now, const struct roam_addr *from,
		       const uint8_t *data, size_t len)
{
	struct mip_names names = { .nai = NULL };
	struct mns_identity who;
	struct session **at;
	struct mip_msg msg;
	enum mip_error error = mip_decode(data, len, &msg);
	const struct sa *sa;

	if (error == MIP_UNKNOWN)
		return MN_DROP_EXTENSION;
	if (error != MIP_OK || msg.type != MIP_REPLY ||
	    !mip_get_names(&msg, &mns->config.naming, &names))
		return MN_DROP_MESSAGE;
	at = find_asked(mns, &msg, &names, &who);
	if (!at)
		return MN_DROP_UNASKED;
	if (!is_authentic(mns, *at, &who, from, &msg))
		return MN_DROP_AUTH;
	sa = &who.associations->items[0];
	/* RFC 5944 5.7.2: every authentic reply brings the next nonce */
	if (mip_code_is_home(msg.code) && sa->replay == SA_NONCES)
		(*at)->nonce = (uint32_t)(msg.id >> 32);
	if (!mip_code_accepts(msg.code)) {
		denied(mns, now, &msg, at, sa);
		return MN_DROP_NONE;
	}
	if (!roam_addr_is_usable(&msg.home))
		return MN_DROP_MESSAGE;
	if (!who.names.sub_len && names.sub_len) {
		memcpy((*at)->given, names.sub, names.sub_len);
		(*at)->given_len = (uint8_t)names.sub_len;
	}
	accepted(mns, now, &msg, at);
	return MN_DROP_NONE;
}

/* ---- time ---- */

/* Returns false if the session is gone. */
static bool tick_session(struct mns *mns, msec_t now, struct session **at)
{
	struct session *s = *at;

	if (s->s.state == MNS_ACTIVE && s->s.registration.expires <= now)
		lose(mns, s);
	if (s->s.state == MNS_ENDING && (!mns->attached ||
	    (s->tries >= TRIES && s->retry <= now))) {
		drop(mns, at);
		return false;
	}
	if (!mns->attached)
		return true;
	if (s->retry <= now) {
		if (s->asking && s->tries == TRIES)
			event(mns, s, MNS_EVENT_SILENT);
		ask(mns, now, s);
	} else if (s->s.state == MNS_ACTIVE && !s->asking &&
		   s->s.registration.renew <= now) {
		s->s.registration.renew = MSEC_NEVER;
		ask(mns, now, s);
	}
	return true;
}

msec_t mns_tick(struct mns *mns, msec_t now)
{
	struct session **at = &mns->sessions;
	msec_t next = MSEC_NEVER;

	while (*at) {
		if (!tick_session(mns, now, at))
			continue;
		next = min_time(next, (*at)->retry);
		if ((*at)->s.state == MNS_ACTIVE)
			next = min_time(next,
				min_time((*at)->s.registration.expires,
					 (*at)->s.registration.renew));
		at = &(*at)->next;
	}
	return next;
}

/* ---- the whole ---- */

struct mns *mns_new(const struct mns_config *config, const struct mns_ops *ops,
		    void *ctx)
{
	struct mns *mns = calloc(1, sizeof(*mns));

	if (!mns)
		return NULL;
	mns->config = *config;
	mns->ops = ops;
	mns->ctx = ctx;
	return mns;
}

void mns_configure(struct mns *mns, const struct mns_config *config)
{
	mns->config = *config;
}

void mns_free(struct mns *mns)
{
	struct session *s;

	while (mns && (s = mns->sessions)) {
		mns->sessions = s->next;
		free(s);
	}
	free(mns);
}

const struct mns_session *mns_find(const struct mns *mns, const char *name)
{
	struct session **at = find(mns, name);

	return at ? &(*at)->s : NULL;
}

size_t mns_count(const struct mns *mns)
{
	return mns->n;
}

void mns_walk(const struct mns *mns,
	      void (*fn)(void *ctx, const struct mns_session *session), void *ctx)
{
	const struct session *s;

	for (s = mns->sessions; s; s = s->next)
		fn(ctx, &s->s);
}
