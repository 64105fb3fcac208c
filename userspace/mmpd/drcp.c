// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Steps 410 to 418 where the address is roam-drcpd's: it is told when the host enters
 * another domain, and says which address the host has then. Default routes prefer an
 * address when the gateway has acknowledged it, so that who follows the host's source
 * (roam-lrd, roam-sipd) acts behind that (INT-08).
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/daemon.h"
#include "io/json.h"
#include "io/log.h"
#include "mmpd/mmpd.h"

/* Another domain, as far as the host knows: it may have another subnet. */
static void tell_arrival(struct mmpd *m, const struct mmp_station *s)
{
	const struct mmpd_link *link = s ? mmpd_link(m, s->hop.link) : NULL;

	if (!link || mmp_hop_eq(&m->arrived, &s->hop) ||
	    !talk_is_connected(m->drcp))
		return;
	m->arrived = s->hop;
	talk_ask(m->drcp, "attach", json_pack("{ss}", "link", link->link.name));
}

static bool use_sources(struct mmpd *m)
{
	struct roam_addr before[2];

	memcpy(before, m->sources, sizeof(before));
	memset(m->sources, 0, sizeof(m->sources));
	for (size_t i = m->n_addrs; i--;)
		m->sources[roam_addr_is_v4(&m->addrs[i])] = m->addrs[i];
	return memcmp(before, m->sources, sizeof(before));
}

void drcp_on_state(struct mmpd *m, const struct mmp_host_event *event)
{
	bool moves = event->state == MMP_HOST_NO_ADDRESS ||
		     (event->state == MMP_HOST_REGISTERING &&
		      event->record->movement != MMP_MOVE_DOMAIN);

	if (!m->drcp)
		return;
	if (moves)
		tell_arrival(m, event->station);
	/* What the host goes back to later is an arrival again. */
	else if (event->station)
		m->arrived = event->station->hop;
	if (event->state != MMP_HOST_ATTACHED || !use_sources(m))
		return;
	kernel_set_router(m, event->station);
	talk_ask(m->drcp, "registered", json_object());
}

/*
 * One line, which roam-drcpd wrote: this daemon is in a group that may read it, and the
 * file is of nobody else.
 */
static struct auth_keys *read_keys(const char *path, char **error)
{
	struct auth_keys *keys = auth_keys_new();
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char text[2 * AUTH_LINE_LEN];
	struct stat st;
	ssize_t len = -1;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	    !(st.st_mode & S_IRWXO))
		len = read(fd, text, sizeof(text));
	if (fd >= 0)
		close(fd);
	if (keys && len >= 0 &&
	    auth_keys_parse(keys, path, text, (size_t)len, error)) {
		explicit_bzero(text, sizeof(text));
		return keys;
	}
	if (!*error)
		*error = daemon_error("%s cannot be read, or by others as well: roam-mmpd has to be root, roam-drcpd's user or in the group of that name",
				      path);
	explicit_bzero(text, sizeof(text));
	auth_keys_free(keys);
	return NULL;
}

static void set_address(struct mmpd *m, const struct roam_addr *addr,
			const char *path)
{
	struct auth_keys *keys;
	char text[ROAM_ADDR_STRLEN], *error = NULL;

	if (m->n_addrs && roam_addr_eq(&m->addrs[0], addr))
		return;
	keys = read_keys(path, &error);
	if (!keys || !auth_keys_find(keys, MMPD_DRCP_KEY)) {
		log_error("address=%s cannot be registered: %s",
			  roam_addr_format(addr, text), error ? error :
			  "its key is not there; 'mmp_keys' of the server's drcpd.conf");
		free(error);
		auth_keys_free(keys);
		return;
	}
	log_notice("address=%s from=roam-drcpd", roam_addr_format(addr, text));
	auth_keys_free(m->drcp_keys);
	m->drcp_keys = keys;
	m->addrs[0] = *addr;
	m->addr_keys[0] = auth_keys_find(keys, MMPD_DRCP_KEY);
	m->n_addrs = 1;
	net_watch_addresses(m);
	mmpd_set_addresses(m);
}

static void lose_address(struct mmpd *m)
{
	if (!m->n_addrs)
		return;
	m->n_addrs = 0;
	net_watch_addresses(m);
	mmpd_set_addresses(m);
}

/* An event about an address, or the answer to "address". */
static void take(struct mmpd *m, const json_t *object)
{
	const char *text = json_string_value(json_object_get(object, "address"));
	const char *keys = json_string_value(json_object_get(object, "keys"));
	struct roam_addr addr;

	if (text && keys && roam_addr_parse(text, &addr))
		set_address(m, &addr, keys);
}

static void route_again(struct mmpd *m)
{
	const struct mmp_station *s = mmp_host_station(m->host);

	if (s)
		kernel_set_router(m, s);
}

static void on_event(void *ctx, const json_t *event)
{
	const char *what = json_string_value(json_object_get(event, "event"));

	if (what && !strcmp(what, "configured"))
		take(ctx, event);
	else if (what && !strcmp(what, "lost"))
		lose_address(ctx);
	/* With the address went the route that prefers it. */
	else if (what && !strcmp(what, "restored"))
		route_again(ctx);
}

static void on_answer(void *ctx, const json_t *result)
{
	take(ctx, json_array_get(result, 0));
}

static void on_connected(void *ctx)
{
	struct mmpd *m = ctx;
	const struct mmp_station *s = mmp_host_station(m->host);

	memset(&m->arrived, 0, sizeof(m->arrived));
	talk_ask(m->drcp, "address", json_object());
	tell_arrival(m, s);
}

static const struct talk_ops ops = {
	.connected = on_connected,
	.event = on_event,
	.answer = on_answer,
};

void drcp_start(struct mmpd *m)
{
	if (m->config->drcp)
		m->drcp = talk_open(m->loop, m->config->drcp, &ops, m);
}

void drcp_stop(struct mmpd *m)
{
	talk_close(m->drcp);
	auth_keys_free(m->drcp_keys);
}
