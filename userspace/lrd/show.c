// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands of the control socket. */
#include <jansson.h>

#include "io/daemon.h"
#include "io/json.h"
#include "lrd/lrd.h"

/* The source address of the host's own packets. */
static const char *wire_name(bool literal)
{
	return literal ? "literal" : "symmetric";
}

static void add_mapping(void *ctx, const struct corr_status *st)
{
	json_array_append_new(ctx, json_pack("{so so ss sI so sb}",
		"permanent", json_addr(&st->perm),
		"care_of", json_addr(&st->coa),
		"wire", wire_name(st->literal),
		"sequence", (json_int_t)st->seq,
		"expires_in", json_until(daemon_now(), st->expires),
		"pending", st->pending));
}

static json_t *show(void *ctx, const json_t *args, struct control_error *error)
{
	struct lrd *lrd = ctx;
	json_t *list = json_array();

	(void)args;
	(void)error;
	corr_foreach(lrd->corr, add_mapping, list);
	return list;
}

/* "ok" is what a register said, not what nobody said. */
static json_t *last_status(const struct mobile_status *st)
{
	return st->registered || st->last_status ?
	       json_string(lr_status_name(st->last_status)) : json_null();
}

static void add_registration(void *ctx, const struct mobile_status *st)
{
	json_array_append_new(ctx, json_pack("{so so ss so sb so sI si so so sb so}",
		"permanent", json_addr(&st->perm),
		"care_of", json_addr(&st->coa),
		"wire", wire_name(st->literal),
		"register", json_addr(&st->reg),
		"registered", st->registered,
		"expires_in", json_until(daemon_now(), st->expires),
		"sequence", (json_int_t)st->seq,
		"tries", (int)st->tries,
		"last_status", last_status(st),
		"seen", json_addr(&st->seen),
		"translated", st->translated,
		"other", json_addr(&st->other)));
}

static json_t *registers(void *ctx, const json_t *args,
			 struct control_error *error)
{
	struct lrd *lrd = ctx;
	json_t *list = json_array();

	(void)args;
	(void)error;
	if (lrd->mobile)
		mobile_foreach(lrd->mobile, add_registration, list);
	return list;
}

static const char *mode_name(enum peer_mode mode)
{
	switch (mode) {
	case PEER_SEEN: return "seen";
	case PEER_ROAM: return "roam";
	case PEER_PLAIN: return "plain";
	case PEER_ANNOUNCED: return "announced";
	}
	return "unknown";
}

static const char *proof_name(enum mobile_proof proof)
{
	switch (proof) {
	case PROOF_REGISTER: return "register";
	case PROOF_PEER: return "peer";
	case PROOF_PAIR: return "pair";
	}
	return "unknown";
}

static void add_peer(void *ctx, const struct mobile_peer_status *st)
{
	json_array_append_new(ctx, json_pack("{so so ss ss sb so so}",
		"permanent", json_addr(&st->perm),
		"correspondent", json_addr(&st->peer),
		"mode", mode_name(st->mode),
		"proof", proof_name(st->proof),
		"current", st->current,
		"expires_in", json_until(daemon_now(), st->expires),
		"confirm_ms", st->took < 0 ? json_null() :
					     json_integer(st->took)));
}

static json_t *peers(void *ctx, const json_t *args, struct control_error *error)
{
	struct lrd *lrd = ctx;
	json_t *list = json_array();

	(void)args;
	(void)error;
	if (lrd->mobile)
		mobile_foreach_peer(lrd->mobile, add_peer, list);
	return list;
}

static json_t *counters(void *ctx, const json_t *args,
			struct control_error *error)
{
	const struct lrd *lrd = ctx;
	const struct lrd_counters *c = &lrd->counters;
	json_t *object = json_object();

	(void)args;
	(void)error;
	channel_add_counters(lrd->channel, object);
	json_add_counter(object, "", "misses", c->misses);
	json_add_counter(object, "", "moves", place_get(lrd)->moves);
	json_add_counter(object, "", "restored", c->restored);
	json_add_counter(object, "", "resyncs", c->resyncs);
	return object;
}

static void count_mapping(void *ctx, const struct corr_status *st)
{
	if (!roam_addr_is_none(&st->coa))
		++*(int *)ctx;
}

static void count_peer(void *ctx, const struct mobile_peer_status *st)
{
	(void)st;
	++*(int *)ctx;
}

/* struct registration_count - registrations and how many of them stand */
struct registration_count {
	int all;
	int registered;
	bool translated;
};

static void count_registration(void *ctx, const struct mobile_status *st)
{
	struct registration_count *count = ctx;

	count->all++;
	count->registered += st->registered;
	count->translated |= st->translated;
}

/* The register that the next question goes to. */
static const struct roam_addr *asked_first(const struct lrd *lrd)
{
	static const struct roam_addr none;

	return lrd->n_registers ?
	       &lrd->registers[corr_register_index(lrd->corr)].addr : &none;
}

static json_t *status(void *ctx, const json_t *args,
		      struct control_error *error)
{
	const struct lrd *lrd = ctx;
	struct registration_count registrations = { 0, 0, false };
	const struct host_places *places = place_get(lrd);
	int mappings = 0, n_peers = 0;

	(void)args;
	(void)error;
	corr_foreach(lrd->corr, count_mapping, &mappings);
	if (lrd->mobile) {
		mobile_foreach(lrd->mobile, count_registration, &registrations);
		mobile_foreach_peer(lrd->mobile, count_peer, &n_peers);
	}
	return json_status("roam-lrd", daemon_now(), lrd->started,
		json_pack("{ss so so so so so sb sb si so sb si si si si}",
			  "role", lrd->mobile ? "mobile" : "correspondent",
			  "care_of", json_addr(&places->now.v4),
			  "care_of6", json_addr(&places->now.v6),
			  "old_care_of", json_addr(&places->before.v4),
			  "old_care_of6", json_addr(&places->before.v6),
			  "moved", places->moved ?
				json_seconds(daemon_now() - places->moved) :
				json_null(),
			  "left", lrd->left,
			  "translated", registrations.translated,
			  "registers", (int)lrd->n_registers,
			  "register", json_addr(asked_first(lrd)),
			  "unanswered", corr_is_unanswered(lrd->corr),
			  "registrations", registrations.all,
			  "registered", registrations.registered,
			  "correspondents", n_peers,
			  "mappings", mappings));
}

static bool is_mobile(const struct lrd *lrd, struct control_error *error)
{
	if (lrd->mobile)
		return true;
	control_refuse(error, "refused", "mobile { address = {...} } in lrd.conf",
		       "this host is no mobile host");
	return false;
}

/* Before a long sleep or a shutdown: nobody shall send to where we were. */
static json_t *leave(void *ctx, const json_t *args, struct control_error *error)
{
	struct lrd *lrd = ctx;

	(void)args;
	if (!is_mobile(lrd, error))
		return NULL;
	if (!lrd->left) {
		lrd->left = true;
		mobile_deregister(lrd->mobile, daemon_now());
		for (size_t i = 0; i < lrd->config->n_own; i++)
			kernel_forget_own(lrd, &lrd->config->own[i]);
		place_look(lrd);
		lrd_kick(lrd);
	}
	return json_array();
}

static json_t *join(void *ctx, const json_t *args, struct control_error *error)
{
	struct lrd *lrd = ctx;

	(void)args;
	if (!is_mobile(lrd, error))
		return NULL;
	lrd->left = false;
	for (size_t i = 0; i < lrd->config->n_own; i++)
		mobile_restore(lrd->mobile, &lrd->config->own[i]);
	place_look(lrd);
	return json_array();
}

const struct control_command show_commands[] = {
	{ "show", show, false, "permanent addresses known here, as correspondent" },
	{ "registers", registers, false, "own permanent addresses at each register" },
	{ "peers", peers, false, "correspondents of the own permanent addresses" },
	{ "counters", counters, false, "messages, and drops by reason" },
	{ "leave", leave, true, "end all registrations and tell correspondents, until join" },
	{ "join", join, true, "register again after leave" },
	{ "status", status, false, "role, care-of address, how much of it stands" },
	{ NULL, NULL, false, NULL }
};
