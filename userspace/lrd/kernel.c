// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/daemon.h"
#include "io/log.h"
#include "lrd/lrd.h"

/* ---- requests ---- */

static int set_one(struct lrd *lrd, const struct mangle_mapping *mapping)
{
	char perm[ROAM_ADDR_STRLEN], coa[ROAM_ADDR_STRLEN];
	int err = mangle_mapping_set(lrd->kernel, mapping, 1, MANGLE_SET_ANY,
				     NULL);

	if (err)
		log_warning("mn=%s cannot be mapped to %s: %s",
			    roam_addr_format(&mapping->perm, perm),
			    roam_addr_is_none(&mapping->coa) ? "nothing" :
			    roam_addr_format(&mapping->coa, coa),
			    genl_error(lrd->kernel));
	return err;
}

static uint8_t mode_of(bool literal)
{
	return literal ? ROAM_MANGLE_MODE_LITERAL : ROAM_MANGLE_MODE_SYMMETRIC;
}

bool kernel_is_there(struct lrd *lrd)
{
	/* A module that is loaded again knows nothing of what was set. */
	static bool gone;

	(void)lrd;
	if (!gone && access("/sys/module/roam_mangle", F_OK) &&
	    !access("/sys/module", F_OK)) {
		gone = true;
		log_warning("roam_mangle was unloaded: TCP is as without roam; load it and restart roam-lrd");
	}
	return !gone;
}

void kernel_set_own(struct lrd *lrd, const struct roam_addr *perm,
		    const struct roam_addr *coa, uint64_t seq, bool literal)
{
	struct mangle_mapping mapping = {
		.perm = *perm,
		.role = ROAM_MANGLE_ROLE_OWN,
		.mode = mode_of(literal),
		.seq = seq,
	};

	/* Without a care-of address there is no network to send to. The old
	 * mapping stays: it is the one that the way back may lead to. */
	if (roam_addr_is_none(coa))
		return;
	if (roam_addr_eq(coa, perm))
		mapping.state = ROAM_MANGLE_STATE_NULL;
	else
		mapping.coa = *coa;
	set_one(lrd, &mapping);
}

void kernel_forget_own(struct lrd *lrd, const struct roam_addr *perm)
{
	char text[ROAM_ADDR_STRLEN];

	if (mangle_mapping_del(lrd->kernel, perm, 1, NULL))
		log_warning("mn=%s cannot be removed: %s",
			    roam_addr_format(perm, text),
			    genl_error(lrd->kernel));
}

uint8_t kernel_set_mapping(struct lrd *lrd, const struct roam_addr *perm,
			   const struct roam_addr *coa, uint64_t seq,
			   msec_t lifetime, bool literal)
{
	struct mangle_mapping mapping = {
		.perm = *perm,
		.coa = *coa,
		.role = ROAM_MANGLE_ROLE_REMOTE,
		.mode = mode_of(literal),
		.seq = seq,
		.lifetime = lifetime > UINT32_MAX ? UINT32_MAX : lifetime,
	};

	if (roam_addr_is_none(coa))
		mapping.state = ROAM_MANGLE_STATE_NULL;
	switch (set_one(lrd, &mapping)) {
	case 0: return LR_OK;
	case -EADDRNOTAVAIL: return LR_UNFIT;
	default: return LR_LATER;
	}
}

void kernel_set_peer(struct lrd *lrd, const struct roam_addr *perm,
		     const struct roam_addr *peer, enum peer_mode mode)
{
	struct mangle_peer entry = {
		.own = *perm,
		.addr = *peer,
		.mode = mode,
	};

	if (mangle_peer_set(lrd->kernel, &entry, 1, NULL))
		log_warning("the module does not take a correspondent: %s",
			    genl_error(lrd->kernel));
}

/* ---- events ---- */

static void on_miss(struct lrd *lrd, const struct mangle_event *event)
{
	msec_t now = daemon_now();

	lrd->counters.misses++;
	if (event->need & ROAM_MANGLE_NEED_MAPPING)
		corr_miss(lrd->corr, now, &event->peer.addr);
	if ((event->need & ROAM_MANGLE_NEED_PEER) && lrd->mobile)
		mobile_miss(lrd->mobile, now, &event->peer.own,
			    &event->peer.addr);
}

static void on_peer(struct lrd *lrd, const struct mangle_event *event)
{
	if (!lrd->mobile)
		return;
	if (event->reason == ROAM_MANGLE_REASON_EXPIRED ||
	    event->reason == ROAM_MANGLE_REASON_DELETED)
		mobile_forget(lrd->mobile, &event->peer.own,
			      &event->peer.addr);
	/* This daemon set every other mode itself. */
	else if (event->peer.mode == ROAM_MANGLE_PEER_MODE_SEEN)
		mobile_seen(lrd->mobile, daemon_now(), &event->peer.own,
			    &event->peer.addr);
}

/*
 * Somebody else removed a mapping (roam mangle del, flush). The registration behind
 * the mapping goes on, so the mapping is put back: this daemon alone decides about it.
 */
static void on_deleted(struct lrd *lrd, const struct mangle_mapping *m)
{
	char text[ROAM_ADDR_STRLEN];
	bool restored;

	/* It was this daemon: see roam lr leave. */
	if (lrd->left && m->role == ROAM_MANGLE_ROLE_OWN)
		return;
	if (m->role == ROAM_MANGLE_ROLE_REMOTE)
		restored = corr_restore(lrd->corr, daemon_now(), &m->perm);
	else
		restored = lrd->mobile && mobile_restore(lrd->mobile, &m->perm);
	if (!restored)
		return;
	lrd->counters.restored++;
	log_notice("mn=%s: somebody else removed its mapping, which is put back; to end it: %s",
		   roam_addr_format(&m->perm, text),
		   m->role == ROAM_MANGLE_ROLE_OWN ? "roam lr leave" :
		   "stop roam-lrd");
}

static void on_mapping(struct lrd *lrd, const struct mangle_event *event)
{
	const struct mangle_mapping *m = &event->mapping;

	if (event->reason == ROAM_MANGLE_REASON_DELETED)
		on_deleted(lrd, m);
	else if (event->reason == ROAM_MANGLE_REASON_EXPIRED &&
		 m->role == ROAM_MANGLE_ROLE_REMOTE)
		corr_expired(lrd->corr, daemon_now(), &m->perm, m->idle);
}

static void on_event(const struct nlmsghdr *nlh, void *ctx)
{
	struct lrd *lrd = ctx;
	struct mangle_event event;

	if (!mangle_event_decode(nlh, &event))
		return;
	switch (event.cmd) {
	case ROAM_MANGLE_CMD_MISS_NTF:
		on_miss(lrd, &event);
		break;
	case ROAM_MANGLE_CMD_PEER_NTF:
		on_peer(lrd, &event);
		break;
	case ROAM_MANGLE_CMD_MAPPING_NTF:
		on_mapping(lrd, &event);
		break;
	}
}

/* ---- what the module holds ---- */

static void adopt_mapping(void *ctx, const struct mangle_mapping *m)
{
	bool literal = m->mode == ROAM_MANGLE_MODE_LITERAL;
	struct lrd *lrd = ctx;

	if (m->state == ROAM_MANGLE_STATE_PENDING)
		return;
	if (m->role == ROAM_MANGLE_ROLE_REMOTE)
		corr_adopt(lrd->corr, daemon_now(), &m->perm, &m->coa, m->seq,
			   m->lifetime ? m->lifetime : MSEC_NEVER, literal);
	else if (lrd->mobile)
		mobile_adopt_own(lrd->mobile, &m->perm,
				 m->state == ROAM_MANGLE_STATE_NULL ?
				 &m->perm : &m->coa, m->seq, literal);
}

static void adopt_peer(void *ctx, const struct mangle_peer *p)
{
	struct lrd *lrd = ctx;

	mobile_adopt_peer(lrd->mobile, &p->own, &p->addr, p->mode);
}

static void see_peer(void *ctx, const struct mangle_peer *p)
{
	struct lrd *lrd = ctx;

	if (p->mode == ROAM_MANGLE_PEER_MODE_SEEN)
		mobile_seen(lrd->mobile, daemon_now(), &p->own, &p->addr);
	/*
	 * The daemon before this one moved, and ended before it told anybody or
	 * heard an answer.
	 */
	else if (p->mode != ROAM_MANGLE_PEER_MODE_PLAIN && !p->told)
		mobile_miss(lrd->mobile, daemon_now(), &p->own, &p->addr);
}

static void exempt_cgroups(struct lrd *lrd)
{
	struct mangle_exempt *exempt = &lrd->exempt;

	for (size_t i = 0; i < lrd->config->n_cgroups; i++) {
		const char *path = lrd->config->cgroups[i];

		if (mangle_cgroup_id(path, &exempt->cgroups[exempt->n_cgroups]))
			exempt->n_cgroups++;
		else
			log_warning("cgroup=%s is not there, so it is not exempt; once it is: systemctl reload roam-lrd",
				    path);
	}
}

/* TEN-11, OPEN-39, OPEN-40 */
void kernel_set_exempt(struct lrd *lrd)
{
	struct mangle_config config = {
		.set = 1u << ROAM_MANGLE_A_CONFIG_EXEMPT,
	};

	lrd->exempt = lrd->config->exempt;
	for (size_t i = 0; i < lrd->n_registers; i++)
		/* DNS says the port: what it says is exempt for messages alone. */
		if (!mangle_exempt_add_udp_port(&lrd->exempt,
						lrd->registers[i].port))
			log_warning("messages to port %u of a register are not exempt: the module takes %d ports of UDP; name fewer registers",
				    lrd->registers[i].port,
				    MANGLE_EXEMPT_PORTS);
	exempt_cgroups(lrd);
	config.exempt = lrd->exempt;
	if (mangle_config_set(lrd->kernel, &config))
		log_error("the module does not take what is exempt: %s",
			  genl_error(lrd->kernel));
}

/*
 * A mapping lasts at a correspondent for as long as this host is registered, and a
 * correspondent whose mapping ends just after its last packet asks for it again. So the
 * module remembers correspondents for two lifetimes (MLR-35, MLR-37). A longer time that
 * the administrator has set is never lowered. The module counts in a signed number.
 */
void kernel_remember_peers(struct lrd *lrd, msec_t lifetime)
{
	struct mangle_config config;
	msec_t wanted = 2 * lifetime;

	if (wanted > INT32_MAX)
		wanted = INT32_MAX;
	if (!mangle_config_get(lrd->kernel, &config)) {
		if (config.peer_time >= wanted)
			return;
		config.set = 1u << ROAM_MANGLE_A_CONFIG_PEER_TIME;
		config.peer_time = wanted;
		if (!mangle_config_set(lrd->kernel, &config))
			return;
	}
	log_error("cannot have the module remember correspondents for %lld s: %s",
		  (long long)wanted / 1000, genl_error(lrd->kernel));
}

/* The module refuses what the cores refuse, whoever asks for it (SEC-02). */
static void set_internal(struct lrd *lrd)
{
	struct mangle_config config = {
		.set = 1u << ROAM_MANGLE_A_CONFIG_INTERNAL,
		.n_internal = lrd->config->n_internal,
	};

	if (config.n_internal > MANGLE_EXEMPT_RANGES) {
		log_warning("the module takes %d of the %zu prefixes in 'internal'; this daemon minds the others",
			    MANGLE_EXEMPT_RANGES, config.n_internal);
		config.n_internal = MANGLE_EXEMPT_RANGES;
	}
	memcpy(config.internal, lrd->config->internal,
	       config.n_internal * sizeof(*config.internal));
	if (mangle_config_set(lrd->kernel, &config))
		log_error("the module does not take the internal prefixes: %s",
			  genl_error(lrd->kernel));
}

void kernel_configure(struct lrd *lrd)
{
	set_internal(lrd);
	if (lrd->mobile)
		kernel_remember_peers(lrd, (msec_t)lrd->config->mobile.lifetime *
					   1000);
	if (mangle_range_set(lrd->kernel, lrd->config->permanent,
			     lrd->config->n_permanent))
		log_error("the module does not take the prefixes: %s",
			  genl_error(lrd->kernel));
	else
		log_notice("module configured prefixes=%zu",
			   lrd->config->n_permanent);
}

void kernel_adopt(struct lrd *lrd)
{
	if (mangle_mapping_dump(lrd->kernel, adopt_mapping, lrd, NULL) ||
	    (lrd->mobile &&
	     mangle_peer_dump(lrd->kernel, adopt_peer, lrd, NULL)))
		log_error("cannot read what the module holds: %s",
			  genl_error(lrd->kernel));
	if (lrd->mobile)
		mangle_peer_dump(lrd->kernel, see_peer, lrd, NULL);
}

static void restore_mapping(void *ctx, const struct corr_status *st)
{
	struct lrd *lrd = ctx;

	corr_restore(lrd->corr, daemon_now(), &st->perm);
}

/*
 * Questions whose events were lost time out in the module and are asked again.
 * Correspondents that were seen stand in the module's tables and are read from there.
 * Mappings that were removed do not, so all mappings are set again.
 */
static void resync(struct lrd *lrd)
{
	lrd->counters.resyncs++;
	log_notice("events of the module were lost, comparing its tables");
	corr_foreach(lrd->corr, restore_mapping, lrd);
	if (!lrd->mobile || lrd->left)
		return;
	for (size_t i = 0; i < lrd->config->n_own; i++)
		mobile_restore(lrd->mobile, &lrd->config->own[i]);
	mangle_peer_dump(lrd->kernel, see_peer, lrd, NULL);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct lrd *lrd = poll->data;

	(void)status;
	(void)events;
	if (genl_events(lrd->events, on_event, lrd) == -ENOBUFS)
		resync(lrd);
	lrd_kick(lrd);
}

char *kernel_start(struct lrd *lrd)
{
	char *error = NULL;

	lrd->kernel = mangle_open(&error);
	if (lrd->kernel)
		lrd->events = mangle_open(&error);
	if (!lrd->events)
		return error;
	if (genl_subscribe(lrd->events, "miss") ||
	    genl_subscribe(lrd->events, "events"))
		return daemon_error("cannot listen to the module: %s",
				    genl_error(lrd->events));
	uv_poll_init(lrd->loop, &lrd->events_poll, genl_fd(lrd->events));
	lrd->events_poll.data = lrd;
	uv_poll_start(&lrd->events_poll, UV_READABLE, on_readable);
	return NULL;
}

static void on_poll_closed(uv_handle_t *handle)
{
	struct lrd *lrd = handle->data;

	genl_close(lrd->events);
}

void kernel_stop(struct lrd *lrd)
{
	uv_close((uv_handle_t *)&lrd->events_poll, on_poll_closed);
	genl_close(lrd->kernel);
}
