// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The registers in force: configured addresses, and what DNS says about
 * configured domains (MLR-09), in the order of the configuration.
 *
 * Domains are asked for at the start, once in a while, after each move (the name
 * servers are others then, and so may be the nearest register) and when no
 * register answers. An answer that fails changes nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "io/daemon.h"
#include "io/log.h"
#include "lrd/lrd.h"

#define SERVICE "_roam-lr._udp"
#define RETRY_MIN 1000		/* ms until a failed question is asked again */
#define RETRY_MAX 60000
#define SOON 2000		/* ms between questions, however good the reason */

/**
 * struct domain - one configured register
 * @lrd: the daemon
 * @config: its section
 * @servers: what is known, one for an address
 * @n_servers: their number
 * @timer: when DNS is asked next
 * @retry: interval after a failure
 * @asked: when DNS was asked last
 * @asking: the answer is outstanding
 */
struct domain {
	struct lrd *lrd;
	const struct config_register *config;
	struct dns_server servers[DNS_SERVERS_MAX];
	size_t n_servers;
	uv_timer_t timer;
	msec_t retry;
	msec_t asked;
	bool asking;
};

/**
 * struct registers - see registers_start()
 * @domains: one for each section
 * @n_domains: their number
 * @dns: NULL when every section has an address
 * @open: timers that are not closed yet
 */
struct registers {
	struct domain *domains;
	size_t n_domains;
	struct dns *dns;
	size_t open;
};

/* ---- the list ---- */

static bool is_listed(const struct lrd *lrd, const struct dns_server *server)
{
	for (size_t i = 0; i < lrd->n_registers; i++)
		if (lrd->registers[i].port == server->port &&
		    roam_addr_eq(&lrd->registers[i].addr, &server->addr))
			return true;
	return false;
}

static void list_domain(struct lrd *lrd, const struct domain *domain)
{
	for (size_t i = 0; i < domain->n_servers; i++) {
		if (lrd->n_registers == LRD_REGISTERS_MAX ||
		    is_listed(lrd, &domain->servers[i]))
			continue;
		lrd->registers[lrd->n_registers++] = (struct mobile_register){
			.addr = domain->servers[i].addr,
			.port = domain->servers[i].port,
			.key_id = domain->config->key_id,
		};
	}
}

static bool list_all(struct lrd *lrd, const struct registers *r)
{
	struct mobile_register old[LRD_REGISTERS_MAX];
	size_t n_old = lrd->n_registers;

	memcpy(old, lrd->registers, sizeof(old));
	memset(lrd->registers, 0, sizeof(lrd->registers));
	lrd->n_registers = 0;
	for (size_t i = 0; i < r->n_domains; i++)
		list_domain(lrd, &r->domains[i]);
	return n_old != lrd->n_registers ||
	       memcmp(old, lrd->registers, sizeof(old));
}

void registers_apply(struct lrd *lrd)
{
	struct corr_register registers[LRD_REGISTERS_MAX];
	msec_t now = daemon_now();
	bool done = true;

	/* They may be asked and told from here on. */
	kernel_set_exempt(lrd);
	for (size_t i = 0; i < lrd->n_registers; i++)
		registers[i] = (struct corr_register){
			.addr = lrd->registers[i].addr,
			.port = lrd->registers[i].port,
			.key_id = lrd->registers[i].key_id,
		};
	done = corr_set_registers(lrd->corr, now, registers, lrd->n_registers);
	if (done && lrd->mobile)
		done = mobile_set_registers(lrd->mobile, now, lrd->registers,
					    lrd->n_registers);
	if (!done)
		log_error("out of memory for the list of registers; the old one stays in use");
}

/* ---- DNS ---- */

static void ask(struct domain *domain);

static void on_timer(uv_timer_t *timer)
{
	ask(timer->data);
}

static void ask_in(struct domain *domain, msec_t delay)
{
	uv_update_time(domain->lrd->loop);
	uv_timer_start(&domain->timer, on_timer, delay, 0);
}

static void log_servers(const struct domain *domain)
{
	char addr[ROAM_ADDR_STRLEN];

	for (size_t i = 0; i < domain->n_servers; i++)
		log_notice("register=%s port=%u by=%s",
			   roam_addr_format(&domain->servers[i].addr, addr),
			   domain->servers[i].port,
			   domain->config->domain ? domain->config->domain :
						    "configuration");
}

static void on_answer(void *ctx, const struct dns_server *servers, size_t n,
		      const char *error)
{
	struct domain *domain = ctx;
	struct lrd *lrd = domain->lrd;

	domain->asking = false;
	if (!n) {
		log_warning("no register found by DNS: %s; asked again in %lld s, %s",
			    error, (long long)domain->retry / 1000,
			    domain->n_servers ? "those known stay in use" :
			    "check 'register' and the name server");
		ask_in(domain, domain->retry);
		domain->retry *= 2;
		if (domain->retry > RETRY_MAX)
			domain->retry = RETRY_MAX;
		return;
	}
	domain->retry = RETRY_MIN;
	memcpy(domain->servers, servers, n * sizeof(*servers));
	domain->n_servers = n;
	ask_in(domain, lrd->config->resolve);
	if (!list_all(lrd, lrd->sources))
		return;
	log_servers(domain);
	registers_apply(lrd);
	/* Where we are is the way to a register. */
	place_look(lrd);
	lrd_kick(lrd);
}

static void ask(struct domain *domain)
{
	if (domain->asking)
		return;
	uv_timer_stop(&domain->timer);
	domain->asking = true;
	domain->asked = daemon_now();
	dns_find(domain->lrd->sources->dns, SERVICE, domain->config->domain,
		 domain->config->port, on_answer, domain);
}

void registers_look(struct lrd *lrd)
{
	struct registers *r = lrd->sources;
	msec_t now = daemon_now();

	for (size_t i = 0; r && i < r->n_domains; i++) {
		struct domain *domain = &r->domains[i];

		if (!domain->config->domain || domain->asking)
			continue;
		ask_in(domain, now - domain->asked < SOON ? SOON : 0);
	}
}

/* ---- start and stop ---- */

char *registers_start(struct lrd *lrd)
{
	const struct config *config = lrd->config;
	struct registers *r = calloc(1, sizeof(*r));
	char *error = NULL;
	bool names = false;

	if (r)
		r->domains = calloc(config->n_registers, sizeof(*r->domains));
	if (!r || !r->domains) {
		free(r);
		return daemon_error("out of memory");
	}
	lrd->sources = r;
	r->n_domains = config->n_registers;
	for (size_t i = 0; i < r->n_domains; i++) {
		const struct config_register *reg = &config->registers[i];
		struct domain *domain = &r->domains[i];

		domain->lrd = lrd;
		domain->config = reg;
		domain->retry = RETRY_MIN;
		uv_timer_init(lrd->loop, &domain->timer);
		domain->timer.data = domain;
		r->open++;
		if (!reg->domain)
			domain->servers[domain->n_servers++] =
				(struct dns_server){ reg->addr, reg->port };
		log_servers(domain);
		names |= reg->domain != NULL;
	}
	list_all(lrd, r);
	registers_apply(lrd);
	if (!names)
		return NULL;
	r->dns = dns_open(lrd->loop, config->nameserver, daemon_random,
			  &error);
	for (size_t i = 0; !error && i < r->n_domains; i++)
		if (r->domains[i].config->domain)
			ask(&r->domains[i]);
	return error;
}

static void on_domain_closed(uv_handle_t *handle)
{
	struct registers *r = handle->data;

	if (--r->open)
		return;
	free(r->domains);
	free(r);
}

void registers_stop(struct lrd *lrd)
{
	struct registers *r = lrd->sources;

	if (!r)
		return;
	lrd->sources = NULL;
	/* No answer comes after this. */
	dns_close(r->dns);
	for (size_t i = 0; i < r->n_domains; i++) {
		r->domains[i].timer.data = r;
		uv_close((uv_handle_t *)&r->domains[i].timer, on_domain_closed);
	}
}
