// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/daemon.h"
#include "io/log.h"
#include "sipd/loop.h"
#include "sipd/sipd.h"

/* At the end: for BYE and REGISTER to leave, and to be repeated once. */
#define LINGER 700

static struct sipd sipd;

/* ---- the cores ---- */

static bool send_registration(void *ctx, void *user, unsigned int expires)
{
	struct sipd_registration *reg = user;

	(void)ctx;
	/* Each try is one of all places that it may be at. */
	server_answers(reg->target);
	return ua_registration_send(reg->ua, server_route(reg->target),
				    expires);
}

static void on_registration_event(void *ctx, void *user, unsigned int code,
				  msec_t took)
{
	report_registration(ctx, user, code, took);
}

static const struct sip_registration_ops registration_ops = {
	.send = send_registration,
	.event = on_registration_event,
};

static void on_tick(void *arg)
{
	struct sipd *s = arg;
	msec_t now = daemon_now();
	msec_t next = sip_sessions_tick(s->sessions, now);

	next = min_time(next, sip_registrations_tick(s->registrations, now));
	next = min_time(next, call_tick(s, now));
	loop_at(next, on_tick, s);
}

void sipd_kick(struct sipd *s)
{
	loop_at(daemon_now(), on_tick, s);
}

void server_changed(struct sipd_server *server)
{
	struct sipd *s = server->sipd;

	for (size_t i = 0; i < s->n_regs; i++) {
		struct sipd_registration *reg = &s->regs[i];

		/* It may have an address of a family that this host lacks. */
		if (reg->target == server &&
		    !ua_registration_reroute(reg->ua, server_route(server)))
			sip_registration_answered(reg->core, daemon_now(), 0,
						  0);
	}
	sipd_kick(s);
	call_server_changed(s, server);
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

static char *start_registrations(struct sipd *s)
{
	const struct config *config = s->config;

	s->regs = calloc(config->n_accounts * config->n_servers,
			 sizeof(*s->regs));
	if (!s->regs)
		return daemon_error("out of memory");
	for (size_t i = 0; i < config->n_accounts; i++) {
		for (size_t j = 0; j < config->n_servers; j++) {
			struct sipd_registration *reg = &s->regs[s->n_regs++];

			reg->sipd = s;
			reg->account = &config->accounts[i];
			reg->server = &config->servers[j];
			reg->target = &s->servers[j];
			reg->core = sip_registration_new(s->registrations, reg);
			reg->ua = ua_registration_new(s->ua, reg->account,
						      reg->server, reg);
			if (!reg->core || !reg->ua)
				return daemon_error("cannot register at %s: out of memory, or no URI",
						    reg->server->uri);
		}
	}
	return NULL;
}

static char *start(uv_loop_t *loop, void *config, const char *socket_path)
{
	char *error;

	sipd.loop = loop;
	sipd.started = daemon_now();
	sipd.watch = -1;
	sipd.config = config;
	log_info("%zu accounts, %zu servers", sipd.config->n_accounts,
		 sipd.config->n_servers);
	table_init(&sipd.calls, table_key_offset(struct call, node, id),
		   sizeof(uint64_t));
	error = loop_open(loop);
	if (error)
		return error;
	sipd.sessions = sip_sessions_new(&sipd.config->session,
					 &call_session_ops, &sipd);
	sipd.registrations =
		sip_registrations_new(&sipd.config->registration,
				      &registration_ops, &sipd);
	if (!sipd.sessions || !sipd.registrations)
		return daemon_error("out of memory");
	uv_timer_init(loop, &sipd.linger);
	sipd.ua = ua_open(sipd.config, &call_ua_ops, &sipd, &error);
	if (!error)
		error = servers_start(&sipd);
	if (!error)
		error = start_registrations(&sipd);
	if (!error)
		sipd.control = control_open(loop, socket_path, show_commands,
					    &sipd, &error);
	if (!error)
		error = place_start(&sipd);
	return error;
}

static void close_all(uv_timer_t *timer)
{
	uv_close((uv_handle_t *)timer, NULL);
	if (sipd.dns)
		dns_close(sipd.dns);
	for (size_t i = 0; i < sipd.n_regs; i++)
		ua_registration_free(sipd.regs[i].ua);
	sip_registrations_free(sipd.registrations);
	sip_sessions_free(sipd.sessions);
	table_fini(&sipd.calls);
	ua_close(sipd.ua);
	free(sipd.regs);
}

/*
 * What calls and registrations hang on stays as it is; what is changed of it is said.
 * Everything else is in force at once, and each server is asked again: a password may be
 * right now.
 */
static char *reload(void *loaded)
{
	struct config *fresh = loaded, *old = sipd.config;
	const char *fixed = config_fixed(old, fresh);

	if (fixed)
		return daemon_error("%s cannot change while calls go on; systemctl restart roam-sipd ends them and puts it in force",
				    fixed);
	config_keep_accounts(fresh, old);
	sipd.config = fresh;
	ua_set_config(sipd.ua, fresh);
	for (size_t i = 0; i < sipd.n_regs; i++)
		ua_registration_forget(sipd.regs[i].ua);
	sip_sessions_configure(sipd.sessions, &fresh->session);
	sip_registrations_configure(sipd.registrations, &fresh->registration);
	if (!sipd.left)
		sip_registrations_move(sipd.registrations, daemon_now(),
				       place_is_somewhere(&sipd));
	sipd_kick(&sipd);
	return NULL;
}

/* Calls end with BYE, registrations with a REGISTER: nobody waits for a ghost. */
static void stop(void)
{
	place_stop(&sipd);
	call_end_all(&sipd);
	sip_registrations_leave(sipd.registrations, daemon_now());
	control_close(sipd.control);
	sipd.control = NULL;
	uv_update_time(sipd.loop);
	uv_timer_start(&sipd.linger, close_all, LINGER, 0);
}

static void run(uv_loop_t *loop)
{
	loop_run(loop);
	loop_close();
}

static void status(char *buf, size_t len)
{
	char v4[ROAM_ADDR_STRLEN] = "", v6[ROAM_ADDR_STRLEN] = "";

	if (!roam_addr_is_none(&sipd.place.v4))
		roam_addr_format(&sipd.place.v4, v4);
	if (!roam_addr_is_none(&sipd.place.v6))
		roam_addr_format(&sipd.place.v6, v6);
	snprintf(buf, len, "%zu sessions, at %s%s%s", sipd.calls.count,
		 *v4 || *v6 ? v4 : "no address", *v4 && *v6 ? " and " : "", v6);
}

int main(int argc, char **argv)
{
	static const struct daemon daemon = {
		.name = "roam-sipd",
		.summary = "keeps SIP calls of hosts that move alive",
		.config_path = "/etc/roam/sipd.conf",
		.socket_path = CONTROL_USUAL("sipd"),
		.caps = 0,
		.load = load,
		.unload = unload,
		.start = start,
		.reload = reload,
		.stop = stop,
		.status = status,
		.run = run,
	};

	return daemon_main(&daemon, argc, argv);
}
