// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/daemon.h"
#include "io/log.h"
#include "lrd/lrd.h"

static struct lrd lrd;

/* ---- what the cores ask for ---- */

static void send_message(void *ctx, const struct roam_addr *to, uint16_t port,
			 const struct lr_msg *msg)
{
	net_send(ctx, to, port, msg);
}

static void send_probe(void *ctx, const struct roam_addr *from,
		       const struct roam_addr *to, uint16_t port,
		       const struct lr_msg *msg)
{
	net_send_from(ctx, from, to, port, msg);
}

static struct roam_addr locate(void *ctx, const struct roam_addr *peer,
			       bool doubt)
{
	struct lrd *l = ctx;

	return corr_locate(l->corr, daemon_now(), peer, doubt);
}

static void set_own(void *ctx, const struct roam_addr *perm,
		    const struct roam_addr *coa, uint64_t seq, bool literal)
{
	kernel_set_own(ctx, perm, coa, seq, literal);
}

static void set_peer(void *ctx, const struct roam_addr *perm,
		     const struct roam_addr *peer, enum peer_mode mode)
{
	kernel_set_peer(ctx, perm, peer, mode);
}

static void remember(void *ctx, msec_t lifetime)
{
	kernel_remember_peers(ctx, lifetime);
}

static uint8_t set_mapping(void *ctx, const struct roam_addr *perm,
			   const struct roam_addr *coa, uint64_t seq,
			   msec_t lifetime, bool literal)
{
	return kernel_set_mapping(ctx, perm, coa, seq, lifetime, literal);
}

static uint64_t random_bits(void *ctx)
{
	(void)ctx;
	return daemon_random();
}

static uint64_t wallclock(void *ctx)
{
	(void)ctx;
	return daemon_wallclock();
}

static void on_mobile_event(void *ctx, const struct mobile_event *event)
{
	report_mobile(ctx, event);
}

static void on_corr_event(void *ctx, const struct corr_event *event)
{
	report_corr(ctx, event);
	/* DNS may know other registers by now. */
	if (event->type == CORR_NO_REGISTER)
		registers_look(ctx);
}

static const struct mobile_ops mobile_ops = {
	.send = send_message,
	.probe = send_probe,
	.locate = locate,
	.set_own = set_own,
	.set_peer = set_peer,
	.remember = remember,
	.random = random_bits,
	.wallclock = wallclock,
	.event = on_mobile_event,
};

static const struct corr_ops corr_ops = {
	.send = send_message,
	.set_mapping = set_mapping,
	.random = random_bits,
	.wallclock = wallclock,
	.event = on_corr_event,
};

/* ---- their timer ---- */

static msec_t on_tick(void *ctx, msec_t now)
{
	struct lrd *l = ctx;
	msec_t next = corr_tick(l->corr, now);

	return l->mobile ? min_time(next, mobile_tick(l->mobile, now)) : next;
}

void lrd_kick(struct lrd *l)
{
	ticker_kick(&l->tick);
}

/* ---- the daemon ---- */

static void *load(const char *path, char **error)
{
	return config_load(path, error);
}

static void unload(void *config)
{
	config_free(config);
}

static char *start_cores(struct lrd *l)
{
	l->corr = corr_new(&l->config->corr, &corr_ops, l);
	if (l->config->n_own)
		l->mobile = mobile_new(&l->config->mobile, &mobile_ops, l);
	if (!l->corr || (l->config->n_own && !l->mobile))
		return daemon_error("out of memory");
	return NULL;
}

static char *start(uv_loop_t *loop, void *config, const char *socket_path)
{
	char *error;

	lrd.loop = loop;
	lrd.started = daemon_now();
	lrd.config = config;
	ticker_init(&lrd.tick, loop, on_tick, &lrd);

	error = start_cores(&lrd);
	if (!error)
		error = kernel_start(&lrd);
	if (!error)
		error = net_start(&lrd);
	if (!error)
		lrd.control = control_open(loop, socket_path, show_commands,
					   &lrd, &error);
	if (error)
		return error;
	kernel_adopt(&lrd);
	error = registers_start(&lrd);
	if (!error) {
		/*
		 * The registers are known before the module asks its first
		 * question (MLR-12).
		 */
		kernel_configure(&lrd);
		error = place_start(&lrd);
	}
	lrd_kick(&lrd);
	return error;
}

static bool is_own(const struct config *config, const struct roam_addr *addr)
{
	for (size_t i = 0; i < config->n_own; i++)
		if (roam_addr_eq(&config->own[i], addr))
			return true;
	return false;
}

/*
 * Permanent addresses that are not ours any more: registers and correspondents
 * are told that nobody is there; the others are registered again a moment later.
 */
static void leave_old(struct lrd *l, const struct config *old,
		      const struct config *config)
{
	bool told = false;

	for (size_t i = 0; i < old->n_own; i++) {
		if (is_own(config, &old->own[i]))
			continue;
		if (!told)
			mobile_deregister(l->mobile, daemon_now());
		told = true;
		kernel_forget_own(l, &old->own[i]);
	}
}

/*
 * A new configuration gets new cores, which take over what the module holds:
 * the same that a restart does, without closing anything.
 */
static char *reload(void *loaded)
{
	const struct config *old = lrd.config, *config = loaded;
	char *error;

	if (config->port != old->port ||
	    !roam_addr_eq(&config->listen, &old->listen) ||
	    (config->n_own != 0) != (old->n_own != 0))
		return daemon_error("'port', 'listen' and whether there is a mobile address cannot change while it runs; restart roam-lrd, no connection is lost by that");
	leave_old(&lrd, old, config);
	mobile_free(lrd.mobile);
	corr_free(lrd.corr);
	lrd.mobile = NULL;
	lrd.left = false;
	registers_stop(&lrd);
	lrd.config = config;
	error = start_cores(&lrd);
	/* Half a daemon helps nobody: the service manager makes a new one. */
	if (error) {
		log_error("%s", error);
		abort();
	}
	kernel_adopt(&lrd);
	error = registers_start(&lrd);
	kernel_configure(&lrd);
	if (!error)
		error = place_apply(&lrd);
	if (error)
		log_error("%s; what depends on it is tried again by the next reload", error);
	free(error);
	lrd_kick(&lrd);
	return NULL;
}

static void stop(void)
{
	ticker_stop(&lrd.tick);
	place_stop(&lrd);
	registers_stop(&lrd);
	control_close(lrd.control);
	net_stop(&lrd);
	kernel_stop(&lrd);
	mobile_free(lrd.mobile);
	corr_free(lrd.corr);
}

static void note_translated(void *ctx, const struct mobile_status *st)
{
	*(bool *)ctx |= st->translated;
}

static bool is_translated(const struct lrd *l)
{
	bool translated = false;

	mobile_foreach(l->mobile, note_translated, &translated);
	return translated;
}

static void status(char *buf, size_t len)
{
	const struct host_places *places = place_get(&lrd);
	char v4[ROAM_ADDR_STRLEN] = "", v6[ROAM_ADDR_STRLEN] = "";

	if (!roam_addr_is_none(&places->now.v4))
		roam_addr_format(&places->now.v4, v4);
	if (!roam_addr_is_none(&places->now.v6))
		roam_addr_format(&places->now.v6, v6);
	if (!lrd.mobile)
		snprintf(buf, len, "correspondent");
	else if (lrd.left)
		snprintf(buf, len, "mobile host, has left (roam lr join)");
	else if (!*v4 && !*v6)
		snprintf(buf, len, "mobile host, between networks");
	else
		snprintf(buf, len, "mobile host at %s%s%s%s", v4,
			 *v4 && *v6 ? " and " : "", v6,
			 is_translated(&lrd) ?
			 ", behind a translator (NAT): connections do not survive a move" : "");
}

int main(int argc, char **argv)
{
	static const struct daemon daemon = {
		.name = "roam-lrd",
		.summary = "keeps TCP connections of mobile hosts alive (MIP-LR)",
		.config_path = "/etc/roam/lrd.conf",
		.socket_path = CONTROL_USUAL("lrd"),
		/* the module, routes, rules and the dummy link */
		.caps = 1ULL << CAP_NET_ADMIN,
		.load = load,
		.unload = unload,
		.start = start,
		.reload = reload,
		.stop = stop,
		.status = status,
	};

	return daemon_main(&daemon, argc, argv);
}
