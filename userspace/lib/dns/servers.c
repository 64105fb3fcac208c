// SPDX-License-Identifier: GPL-2.0-or-later
#include "dns/servers.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "io/daemon.h"
#include "io/log.h"

#define RETRY_MIN 1000		/* ms until a failed question is asked again */
#define RETRY_MAX 60000
#define SOON 2000		/* ms between questions, however good the reason */

/**
 * struct domain - one source
 * @servers: whose it is
 * @source: its entry
 * @known: its servers, one for an address
 * @n_known: their number
 * @timer: when DNS is asked next
 * @retry: interval after a failure
 * @asked: when DNS was asked last
 * @asking: the answer is outstanding
 */
struct domain {
	struct servers *servers;
	const struct servers_source *source;
	struct dns_server known[DNS_SERVERS_MAX];
	size_t n_known;
	uv_timer_t timer;
	msec_t retry;
	msec_t asked;
	bool asking;
};

/**
 * struct servers - see servers_open()
 * @loop: the loop
 * @config: what is in force
 * @changed: tells the user
 * @ctx: for @changed
 * @domains: one for each source
 * @dns: NULL when every source is an address
 * @open: timers that are not closed yet
 */
struct servers {
	uv_loop_t *loop;
	struct servers_config config;
	void (*changed)(void *ctx);
	void *ctx;
	struct domain *domains;
	struct dns *dns;
	size_t open;
};

static bool is_listed(const struct servers_entry *list, size_t n,
		      const struct dns_server *server)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].port == server->port &&
		    roam_addr_eq(&list[i].addr, &server->addr))
			return true;
	return false;
}

size_t servers_list(const struct servers *servers, struct servers_entry *list,
		    size_t max)
{
	size_t n = 0;

	memset(list, 0, max * sizeof(*list));
	for (size_t i = 0; i < servers->config.n_sources; i++) {
		const struct domain *domain = &servers->domains[i];

		for (size_t k = 0; k < domain->n_known && n < max; k++) {
			if (is_listed(list, n, &domain->known[k]))
				continue;
			list[n].addr = domain->known[k].addr;
			list[n].port = domain->known[k].port;
			list[n++].source = i;
		}
	}
	return n;
}

static void log_known(const struct domain *domain)
{
	char addr[ROAM_ADDR_STRLEN];

	for (size_t i = 0; i < domain->n_known; i++)
		log_notice("%s=%s port=%u by=%s", domain->servers->config.what,
			   roam_addr_format(&domain->known[i].addr, addr),
			   domain->known[i].port,
			   domain->source->domain ? domain->source->domain :
						    "configuration");
}

static void ask(struct domain *domain);

static void on_timer(uv_timer_t *timer)
{
	ask(timer->data);
}

static void ask_in(struct domain *domain, msec_t delay)
{
	uv_update_time(domain->servers->loop);
	uv_timer_start(&domain->timer, on_timer, delay, 0);
}

static void on_failure(struct domain *domain, const char *error)
{
	const char *what = domain->servers->config.what;
	const bool known = domain->n_known;

	log_warning("no %s found by DNS: %s; asked again in %lld s, %s%s%s",
		    what, error, (long long)domain->retry / 1000,
		    known ? "those known stay in use" : "check '",
		    known ? "" : what, known ? "" : "' and the name server");
	ask_in(domain, domain->retry);
	domain->retry *= 2;
	if (domain->retry > RETRY_MAX)
		domain->retry = RETRY_MAX;
}

static void on_answer(void *ctx, const struct dns_server *found, size_t n,
		      const char *error)
{
	struct domain *domain = ctx;
	struct servers *servers = domain->servers;
	bool same = n == domain->n_known;

	domain->asking = false;
	if (!n) {
		on_failure(domain, error);
		return;
	}
	for (size_t i = 0; same && i < n; i++)
		same = domain->known[i].port == found[i].port &&
		       roam_addr_eq(&domain->known[i].addr, &found[i].addr);
	domain->retry = RETRY_MIN;
	memcpy(domain->known, found, n * sizeof(*found));
	domain->n_known = n;
	ask_in(domain, servers->config.resolve);
	if (same)
		return;
	log_known(domain);
	servers->changed(servers->ctx);
}

static void ask(struct domain *domain)
{
	struct servers *servers = domain->servers;

	if (domain->asking)
		return;
	uv_timer_stop(&domain->timer);
	domain->asking = true;
	domain->asked = daemon_now();
	dns_find(servers->dns, servers->config.service, domain->source->domain,
		 domain->source->port, on_answer, domain);
}

void servers_look(struct servers *servers)
{
	msec_t now = daemon_now();

	for (size_t i = 0; servers && i < servers->config.n_sources; i++) {
		struct domain *domain = &servers->domains[i];

		if (!domain->source->domain || domain->asking)
			continue;
		ask_in(domain, now - domain->asked < SOON ? SOON : 0);
	}
}

static void open_domain(struct servers *servers, size_t i)
{
	const struct servers_source *source = &servers->config.sources[i];
	struct domain *domain = &servers->domains[i];

	domain->servers = servers;
	domain->source = source;
	domain->retry = RETRY_MIN;
	uv_timer_init(servers->loop, &domain->timer);
	domain->timer.data = domain;
	servers->open++;
	if (!source->domain)
		domain->known[domain->n_known++] =
			(struct dns_server){ source->addr, source->port };
	log_known(domain);
}

struct servers *servers_open(uv_loop_t *loop,
			     const struct servers_config *config,
			     void (*changed)(void *ctx), void *ctx,
			     char **error)
{
	struct servers *servers = calloc(1, sizeof(*servers));
	bool names = false;

	*error = NULL;
	if (servers)
		servers->domains = calloc(config->n_sources + 1,
					  sizeof(*servers->domains));
	if (!servers || !servers->domains) {
		free(servers);
		*error = daemon_error("out of memory");
		return NULL;
	}
	servers->loop = loop;
	servers->config = *config;
	servers->changed = changed;
	servers->ctx = ctx;
	for (size_t i = 0; i < config->n_sources; i++) {
		open_domain(servers, i);
		names |= config->sources[i].domain != NULL;
	}
	if (!names)
		return servers;
	servers->dns = dns_open(loop, config->nameserver, daemon_random, error);
	if (!servers->dns) {
		servers_close(servers);
		return NULL;
	}
	for (size_t i = 0; i < config->n_sources; i++)
		if (config->sources[i].domain)
			ask(&servers->domains[i]);
	return servers;
}

static void free_servers(struct servers *servers)
{
	free(servers->domains);
	free(servers);
}

static void on_domain_closed(uv_handle_t *handle)
{
	struct servers *servers = handle->data;

	if (!--servers->open)
		free_servers(servers);
}

void servers_close(struct servers *servers)
{
	if (!servers)
		return;
	/* No answer comes after this. */
	dns_close(servers->dns);
	if (!servers->config.n_sources)
		free_servers(servers);
	else
		for (size_t i = servers->config.n_sources; i-- > 0;) {
			struct domain *domain = &servers->domains[i];

			domain->timer.data = servers;
			uv_close((uv_handle_t *)&domain->timer,
				 on_domain_closed);
		}
}
