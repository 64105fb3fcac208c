// SPDX-License-Identifier: GPL-2.0-or-later
#include "mnd/session.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/daemon.h"
#include "io/log.h"
#include "mnd/mnd.h"
#include "wire/dhcp.h"

#define ROWS_MAX (2 * MNS_MAX)	/* who ended stays for a while */
#define SWEEP 1000		/* ms between looks at who is silent */
#define LEASES_MAX 65536	/* bytes of a lease file that are read */

static const char *const origin_names[] = {
	[SESSION_CONFIGURED] = "configured",
	[SESSION_ASKED] = "asked",
	[SESSION_SEEN] = "seen",
};

static struct session_row **find(const struct mnd *m, const char *name)
{
	struct session_row **at = (struct session_row **)&m->rows;

	while (*at && strcmp((*at)->name, name))
		at = &(*at)->next;
	return *at ? at : NULL;
}

const struct session_row *session_find(const struct mnd *m, const char *name)
{
	struct session_row **at = find(m, name);

	return at ? *at : NULL;
}

bool session_has_link(const struct mnd *m, const char *name)
{
	const struct session_row *row;
	unsigned int index = if_nametoindex(name);

	for (size_t i = 0; i < m->config->n_devices; i++)
		if (!strcmp(m->config->devices[i].link, name))
			return true;
	for (row = m->rows; row; row = row->next)
		if (index && row->steer.link == index)
			return true;
	return false;
}

/* The lowest that is free, so that tables stay few. */
static unsigned int free_slot(const struct mnd *m)
{
	const struct session_row *row;
	unsigned int slot = 0;
	bool taken;

	do {
		slot++;
		taken = false;
		for (row = m->rows; row; row = row->next)
			taken = taken || row->steer.slot == slot;
	} while (taken);
	return slot;
}

/* ---- what outlives the daemon ---- */

static json_t *row_pack(const struct session_row *row)
{
	char home[ROAM_ADDR_STRLEN] = "", device[ROAM_ADDR_STRLEN] = "";
	char mac[3 * MN_MAC_LEN] = "", link[IF_NAMESIZE] = "";

	if (!roam_addr_is_none(&row->steer.home))
		roam_addr_format(&row->steer.home, home);
	if (!roam_addr_is_none(&row->steer.device))
		roam_addr_format(&row->steer.device, device);
	if (row->has_mac)
		mnd_format_mac(row->mac, mac);
	if (row->steer.link)
		if_indextoname(row->steer.link, link);
	return json_pack("{ss si si ss ss ss ss}", "name", row->name, "origin",
			 (int)row->origin, "slot", (int)row->steer.slot,
			 "home", home, "device", device, "mac", mac,
			 "link", link);
}

/* Sessions come back with their addresses and tables; see session_start(). */
static void save(struct mnd *m)
{
	char path[sizeof(m->session_path) + 4];
	const struct session_row *row;
	json_t *list = json_array();

	for (row = m->rows; row; row = row->next)
		if (!row->ending && !row->barred)
			json_array_append_new(list, row_pack(row));
	snprintf(path, sizeof(path), "%s.new", m->session_path);
	if (json_dump_file(list, path, JSON_COMPACT) ||
	    rename(path, m->session_path))
		log_warning("%s cannot be written, so sessions ask for their addresses again after a restart: %s",
			    m->session_path, strerror(errno));
	json_decref(list);
}

/* ---- what the core asks for ---- */

static void on_send(void *ctx, const struct mn_send *send)
{
	net_send(ctx, send);
}

static const struct sa_set *find_foreign(void *ctx, const struct roam_addr *addr)
{
	const struct mnd *m = ctx;

	return config_find_agent(m->config, addr);
}

static uint32_t random_bits(void *ctx)
{
	(void)ctx;
	return (uint32_t)daemon_random();
}

static uint64_t wallclock(void *ctx)
{
	(void)ctx;
	return daemon_wallclock();
}

/* SES-06: a session with a NAI of its own needs no sub-NAI. */
static void identify(void *ctx, const struct mns_session *s,
		     struct mns_identity *who)
{
	const struct mnd *m = ctx;
	const struct config_session *own = config_find_session(m->config,
							       s->name);

	if (own && *own->nai) {
		who->names.nai = (const uint8_t *)own->nai;
		who->names.nai_len = strlen(own->nai);
		who->associations = &own->associations;
		return;
	}
	if (!m->config->mn.nai_len)
		return;
	who->names = (struct mip_names){
		.nai = (const uint8_t *)m->config->mn.nai,
		.nai_len = m->config->mn.nai_len,
		.sub = (const uint8_t *)s->name, .sub_len = s->len,
	};
	who->associations = &m->config->mn.associations;
}

static const struct config_devices *devices_on(const struct mnd *m,
					       unsigned int link)
{
	char name[IF_NAMESIZE];

	if (!link || !if_indextoname(link, name))
		return NULL;
	for (size_t i = 0; i < m->config->n_devices; i++)
		if (!strcmp(m->config->devices[i].link, name))
			return &m->config->devices[i];
	return NULL;
}

/* ---- devices that get the address of their session by DHCP ---- */

/* A device whose address is the session's own, as it asked for one. */
static bool is_given(const struct session_row *row)
{
	return row->origin == SESSION_SEEN && row->steer.link;
}

/* Where dnsmasq looks for the address of this device; false: nowhere. */
static bool hosts_path(const struct mnd *m, const struct session_row *row,
		       const char *prefix, char path[256])
{
	const struct config_devices *d = devices_on(m, row->steer.link);
	char mac[3 * MN_MAC_LEN];

	if (!is_given(row) || !d || !*d->hosts)
		return false;
	mnd_format_mac(row->mac, mac);
	return snprintf(path, 256, "%s/%s%s", d->hosts, prefix, mac) < 256;
}

/* A file that says the same already is left alone: dnsmasq reads what is written. */
static bool says(const char *path, const char *text)
{
	char have[128] = "";
	FILE *f = fopen(path, "re");

	if (!f)
		return false;
	if (!fgets(have, sizeof(have), f))
		have[0] = '\0';
	fclose(f);
	return !strcmp(have, text);
}

/* dnsmasq reads no file that begins with a dot, so it sees whole ones only. */
static void tell_server(const struct mnd *m, const struct session_row *row)
{
	char path[256], draft[256], text[128];
	char mac[3 * MN_MAC_LEN], home[ROAM_ADDR_STRLEN];
	bool written = false;
	FILE *f;

	if (roam_addr_is_none(&row->steer.home) ||
	    !hosts_path(m, row, "", path) || !hosts_path(m, row, ".", draft))
		return;
	mnd_format_mac(row->mac, mac);
	snprintf(text, sizeof(text), "%s,%s\n", mac,
		 roam_addr_format(&row->steer.home, home));
	if (says(path, text))
		return;
	f = fopen(draft, "we");
	if (f) {
		/* dnsmasq is of the group */
		written = fputs(text, f) >= 0 && !fchmod(fileno(f), 0640);
		written = !fclose(f) && written;
	}
	if (!written || rename(draft, path))
		log_error("%s cannot be written, so a device gets no address: %s",
			  path, strerror(errno));
}

static void untell_server(const struct mnd *m, const struct session_row *row)
{
	char path[256];

	if (hosts_path(m, row, "", path))
		unlink(path);
}

static void make_folders(const struct mnd *m)
{
	for (size_t i = 0; i < m->config->n_devices; i++) {
		const char *path = m->config->devices[i].hosts;

		if (!*path)
			continue;
		if (mkdir(path, 0750) && errno != EEXIST)
			log_error("%s cannot be made: %s", path, strerror(errno));
		else if (chmod(path, 0750))
			log_warning("the mode of %s cannot be set: %s", path,
				    strerror(errno));
	}
}

static void remove_row(struct mnd *m, struct session_row **at)
{
	struct session_row *row = *at;

	steer_clear(m, &row->steer);
	untell_server(m, row);
	if (row->barred) {
		row->steer.home = (struct roam_addr){ 0 };
		row->ending = false;
		return;
	}
	*at = row->next;
	m->n_rows--;
	free(row);
	if (!m->rows)
		steer_rest(m);
}

static void on_event(void *ctx, const struct mns_session *s, enum mns_event event)
{
	struct mnd *m = ctx;
	struct session_row **at = find(m, s->name), *row;
	bool given;

	show_session_event(m, s, event);
	if (!at)
		return;
	row = *at;
	switch (event) {
	case MNS_EVENT_REGISTERED:
	case MNS_EVENT_RENEWED:
		given = !roam_addr_eq(&row->steer.home, &s->home);
		if (given && !roam_addr_is_none(&row->steer.home))
			steer_clear(m, &row->steer);
		row->steer.home = s->home;
		steer_set(m, &row->steer, &s->registration);
		if (given) {
			tell_server(m, row);
			save(m);
		}
		break;
	case MNS_EVENT_LOST:
		steer_set(m, &row->steer, NULL);
		break;
	case MNS_EVENT_ENDED:
		remove_row(m, at);
		save(m);
		break;
	default:
		break;
	}
}

const struct mns_ops session_ops = {
	.send = on_send,
	.event = on_event,
	.identify = identify,
	.find_foreign = find_foreign,
	.random = random_bits,
	.wallclock = wallclock,
};

/* ---- which sessions there are ---- */

static void on_sweep(uv_timer_t *timer);

static struct session_row *add_row(struct mnd *m, const char *name,
				   enum session_origin origin)
{
	struct session_row *row = m->n_rows < ROWS_MAX ?
		calloc(1, sizeof(*row)) : NULL;

	if (!row)
		return NULL;
	snprintf(row->name, sizeof(row->name), "%s", name);
	row->origin = origin;
	row->seen = daemon_now();
	row->steer.slot = free_slot(m);
	row->next = m->rows;
	m->rows = row;
	m->n_rows++;
	if (!uv_is_active((uv_handle_t *)&m->sweep))
		uv_timer_start(&m->sweep, on_sweep, SWEEP, SWEEP);
	return row;
}

/* The row has to be there before the core speaks of the session. */
static bool begin(struct mnd *m, struct session_row *row)
{
	struct session_row **at;

	if (mns_add(m->mns, daemon_now(), row->name, &row->steer.home))
		return true;
	m->counters.sessions_refused++;
	at = find(m, row->name);
	if (at)
		remove_row(m, at);
	return false;
}

/* Two devices cannot be told apart by one address: the one seen last has it. */
static void take_device(struct mnd *m, struct session_row *row,
			const struct roam_addr *addr)
{
	const struct mns_session *s = mns_find(m->mns, row->name);
	struct session_row *other;

	for (other = m->rows; other; other = other->next) {
		if (other == row ||
		    !roam_addr_eq(&other->steer.device, addr))
			continue;
		steer_clear(m, &other->steer);
		other->steer.device = (struct roam_addr){ 0 };
	}
	if (roam_addr_eq(&row->steer.device, addr))
		return;
	steer_clear(m, &row->steer);
	row->steer.device = *addr;
	if (s && s->state == MNS_ACTIVE)
		steer_set(m, &row->steer, &s->registration);
	save(m);
}

static const struct config_session *named_device(const struct mnd *m,
						 const uint8_t mac[MN_MAC_LEN])
{
	for (size_t i = 0; i < m->config->n_sessions; i++)
		if (m->config->sessions[i].has_mac &&
		    !memcmp(m->config->sessions[i].mac, mac, MN_MAC_LEN))
			return &m->config->sessions[i];
	return NULL;
}

/*
 * A device is its link-layer address: that is the sub-NAI, so it gets the same address
 * each time, unless the configuration has a name for it.
 */
static void name_device(const struct mnd *m, const uint8_t mac[MN_MAC_LEN],
			char name[MIP_SUB_NAI_MAX + 1])
{
	const struct config_session *named = named_device(m, mac);

	if (named)
		snprintf(name, MIP_SUB_NAI_MAX + 1, "%s", named->name);
	else
		mnd_format_mac(mac, name);
}

/* What is known of a device that is there; NULL: there are too many. */
static struct session_row *device_row(struct mnd *m, const char *name,
				      unsigned int link,
				      const uint8_t mac[MN_MAC_LEN],
				      const char *host)
{
	struct session_row **at = find(m, name);
	struct session_row *row = at ? *at : add_row(m, name, SESSION_SEEN);

	if (!row || row->ending || row->barred)
		return row;
	memcpy(row->mac, mac, MN_MAC_LEN);
	row->has_mac = true;
	row->where = link;
	if (host && *host)
		snprintf(row->host, sizeof(row->host), "%s", host);
	return row;
}

static void begin_seen(struct mnd *m, struct session_row *row)
{
	if (!begin(m, row))
		return;
	m->counters.sessions_seen++;
	mnd_kick(m);
}

static void device_seen(struct mnd *m, unsigned int link,
			const struct roam_addr *addr,
			const uint8_t mac[MN_MAC_LEN], bool fresh,
			const char *host)
{
	const struct config_devices *d = devices_on(m, link);
	char name[MIP_SUB_NAI_MAX + 1];
	struct session_row **at, *row;

	if (!d)
		return;
	name_device(m, mac, name);
	at = find(m, name);
	if (at && is_given(*at) ? !roam_addr_eq(addr, &(*at)->steer.home) :
	    !roam_prefix_contains(&d->network, addr) ||
	    !roam_addr_is_usable(addr))
		return;
	row = device_row(m, name, link, mac, host);
	if (!row)
		return;
	if (fresh || !at)
		row->seen = daemon_now();
	if (row->ending || row->barred || is_given(row))
		return;
	take_device(m, row, addr);
	if (!at)
		begin_seen(m, row);
}

/* From a fixed address to the session's own, or from one link to another. */
static void give(struct mnd *m, struct session_row *row, unsigned int link)
{
	const struct mns_session *s = mns_find(m->mns, row->name);

	if (row->steer.link == link)
		return;
	steer_clear(m, &row->steer);
	untell_server(m, row);
	row->steer.device = (struct roam_addr){ 0 };
	row->steer.link = link;
	if (s && s->state == MNS_ACTIVE)
		steer_set(m, &row->steer, &s->registration);
	save(m);
}

void session_asks(struct mnd *m, unsigned int link,
		  const struct dhcp_client *client)
{
	const struct config_devices *d = devices_on(m, link);
	char name[MIP_SUB_NAI_MAX + 1];
	struct session_row *row;
	bool known;

	if (!d || !*d->hosts)
		return;
	name_device(m, client->mac, name);
	known = find(m, name);
	row = device_row(m, name, link, client->mac, client->host);
	if (!row)
		return;
	row->seen = daemon_now();
	if (row->ending || row->barred || row->origin != SESSION_SEEN)
		return;
	give(m, row, link);
	tell_server(m, row);
	if (!known)
		begin_seen(m, row);
}

void session_seen(struct mnd *m, const struct steer_neighbour *n)
{
	device_seen(m, n->link, &n->addr, n->mac, n->fresh, NULL);
}

char *session_add(struct mnd *m, const char *name, const struct roam_addr *device,
		  const char *link)
{
	struct session_row **at, *row;

	if (!mip_sub_nai_is_valid((const uint8_t *)name, strlen(name)))
		return daemon_error("the name of a session has 1 to %d bytes, without control characters",
				    MIP_SUB_NAI_MAX);
	if (!m->config->mn.nai_len && !config_find_session(m->config, name))
		return daemon_error("sessions are of a NAI, and none is configured; add to mnd.conf: nai = \"user@example.com\"");
	at = find(m, name);
	if (at && (*at)->barred) {
		(*at)->barred = false;
		if (mns_find(m->mns, name) || begin(m, *at))
			mnd_kick(m);
		return NULL;
	}
	if (at)
		return daemon_error("there is a session of that name already; see: roam mn sessions");
	if (*link && !if_nametoindex(link))
		return daemon_error("there is no link %s", link);
	row = add_row(m, name, SESSION_ASKED);
	if (!row)
		return daemon_error("out of memory");
	row->steer.link = *link ? if_nametoindex(link) : 0;
	row->steer.local = !*link && roam_addr_is_none(device);
	if (!roam_addr_is_none(device))
		take_device(m, row, device);
	if (!begin(m, row))
		return daemon_error("there are %zu sessions already; see: sessions_max in mnd.conf",
				    mns_count(m->mns));
	save(m);
	mnd_kick(m);
	return NULL;
}

bool session_end(struct mnd *m, const char *name, bool bar)
{
	struct session_row **at = find(m, name);

	if (!at)
		return false;
	if ((*at)->barred)
		return true;
	/* the device is still there, and would be seen again at once */
	(*at)->barred = bar && (*at)->origin == SESSION_SEEN;
	(*at)->ending = true;
	mns_end(m->mns, daemon_now(), name);
	save(m);
	mnd_kick(m);
	return true;
}

static void add_configured(struct mnd *m)
{
	for (size_t i = 0; i < m->config->n_sessions; i++) {
		const struct config_session *s = &m->config->sessions[i];
		struct session_row *row;

		/* one that names a device begins when the device is seen */
		if (find(m, s->name) ||
		    (s->has_mac && roam_addr_is_none(&s->device)))
			continue;
		row = add_row(m, s->name, SESSION_CONFIGURED);
		if (!row)
			continue;
		row->steer.device = s->device;
		row->steer.link = *s->link ? if_nametoindex(s->link) : 0;
		row->steer.local = !*s->link && roam_addr_is_none(&s->device);
		begin(m, row);
	}
}

void session_configure(struct mnd *m)
{
	struct session_row *row, *next;

	mns_configure(m->mns, &m->mns_config);
	for (row = m->rows; row; row = next) {
		next = row->next;
		if (row->origin == SESSION_CONFIGURED && !row->ending &&
		    !config_find_session(m->config, row->name))
			session_end(m, row->name, false);
	}
	add_configured(m);
}

/* ---- who is gone ---- */

/* A program's link goes with the program, however it ended. */
static bool lost_link(const struct session_row *row)
{
	char name[IF_NAMESIZE];

	return row->steer.link && row->origin == SESSION_ASKED &&
	       !if_indextoname(row->steer.link, name);
}

static void on_sweep(uv_timer_t *timer)
{
	struct mnd *m = timer->data;
	struct session_row *row, *next;
	msec_t now = daemon_now();

	if (!m->rows)
		uv_timer_stop(timer);
	for (row = m->rows; row; row = next) {
		const struct config_devices *d;
		msec_t silent = now - row->seen;

		next = row->next;
		if (lost_link(row) && !row->ending) {
			/* The row may be gone with it at once. */
			session_end(m, row->name, false);
			continue;
		}
		if (row->origin != SESSION_SEEN || row->ending)
			continue;
		d = devices_on(m, row->where);
		if ((!d || silent > d->linger) && row->barred) {
			row->barred = false;
			remove_row(m, find(m, row->name));
		} else if (!d || silent > d->linger)
			session_end(m, row->name, false);
		else if (silent > d->linger / 4)
			steer_probe(m, row->where, is_given(row) ?
				    &row->steer.home : &row->steer.device);
	}
}

/* ---- leases of dnsmasq ---- */

/* "1764316800 02:00:00:00:00:01 192.168.5.10 laptop 01:02:00:00:00:00:01" */
static void read_lease(struct mnd *m, const struct config_devices *d, char *line)
{
	char mac_word[32], addr_word[64], host[64];
	uint8_t mac[MN_MAC_LEN];
	struct roam_addr addr;

	if (sscanf(line, "%*s %31s %63s %63s", mac_word, addr_word, host) != 3 ||
	    !config_parse_mac(mac_word, mac) ||
	    !roam_addr_parse(addr_word, &addr) ||
	    !mip_sub_nai_is_valid((uint8_t *)host, strlen(host)))
		return;
	device_seen(m, if_nametoindex(d->link), &addr, mac, false,
		    strcmp(host, "*") ? host : NULL);
}

static void read_leases(struct mnd *m, const struct config_devices *d)
{
	FILE *f = fopen(d->leases, "re");
	char line[512];
	size_t n = 0;

	while (f && n < LEASES_MAX && fgets(line, sizeof(line), f)) {
		n += strlen(line);
		read_lease(m, d, line);
	}
	if (f)
		fclose(f);
}

static void on_leases(uv_fs_event_t *handle, const char *name, int events,
		      int status)
{
	struct mnd *m = handle->data;

	(void)name;
	(void)events;
	(void)status;
	for (size_t i = 0; i < m->config->n_devices; i++)
		if (*m->config->devices[i].leases)
			read_leases(m, &m->config->devices[i]);
}

/* The folder, as the file may not be there yet, or be replaced. */
static void watch_leases(struct mnd *m)
{
	for (size_t i = 0; i < m->config->n_devices; i++) {
		const char *path = m->config->devices[i].leases;
		const char *slash = strrchr(path, '/');
		char folder[256];

		if (!slash)
			continue;
		snprintf(folder, sizeof(folder), "%.*s",
			 (int)(slash > path ? slash - path : 1), path);
		if (uv_fs_event_start(&m->leases, on_leases, folder, 0))
			log_warning("%s cannot be watched for leases", folder);
		/* one folder holds the leases of all links */
		break;
	}
	on_leases(&m->leases, NULL, 0, 0);
}

/* ---- the whole ---- */

static bool load_row(struct mnd *m, const json_t *item)
{
	const char *name, *home, *device, *mac, *link;
	struct session_row *row;
	int origin, slot;

	if (json_unpack((json_t *)item, "{ss si si ss ss ss ss}", "name", &name,
			"origin", &origin, "slot", &slot, "home", &home,
			"device", &device, "mac", &mac, "link", &link) ||
	    !mip_sub_nai_is_valid((const uint8_t *)name, strlen(name)) ||
	    find(m, name) || slot < 1 || slot > 2 * MNS_MAX ||
	    origin < SESSION_CONFIGURED || origin > SESSION_SEEN)
		return false;
	if (origin == SESSION_CONFIGURED && !config_find_session(m->config, name))
		return false;
	/* a program's link goes with it */
	if (*link && !if_nametoindex(link))
		return false;
	row = add_row(m, name, (enum session_origin)origin);
	if (!row)
		return false;
	row->steer.slot = (unsigned int)slot;
	row->steer.link = *link ? if_nametoindex(link) : 0;
	if (*home)
		roam_addr_parse(home, &row->steer.home);
	if (*device)
		roam_addr_parse(device, &row->steer.device);
	row->steer.local = !*link && !*device;
	row->has_mac = config_parse_mac(mac, row->mac);
	return true;
}

static json_t *load(struct mnd *m)
{
	json_t *list = json_load_file(m->session_path, 0, NULL), *item;
	size_t i;

	json_array_foreach(list, i, item)
		load_row(m, item);
	return list;
}

static void begin_loaded(struct mnd *m)
{
	struct session_row *row, *next;

	for (row = m->rows; row; row = next) {
		next = row->next;
		if (is_given(row))
			row->where = row->steer.link;
		else if (row->origin == SESSION_SEEN && m->config->n_devices)
			row->where =
				if_nametoindex(m->config->devices[0].link);
		tell_server(m, row);
		begin(m, row);
	}
}

static void begin_steering(struct mnd *m)
{
	struct steering list[MNS_MAX];
	struct session_row *row;
	size_t n = 0;

	for (row = m->rows; row && n < MNS_MAX; row = row->next)
		list[n++] = row->steer;
	if (n || m->config->n_devices || m->config->n_sessions ||
	    m->config->mn.nai_len)
		steer_begin(m, list, n);
}

char *session_start(struct mnd *m, const char *path)
{
	json_t *list;
	char *error;

	uv_timer_init(m->loop, &m->sweep);
	uv_fs_event_init(m->loop, &m->leases);
	m->sweep.data = m;
	m->leases.data = m;
	m->sessions_open = true;
	if ((size_t)snprintf(m->session_path, sizeof(m->session_path),
			     "%s.sessions", path) >= sizeof(m->session_path))
		return daemon_error("the path %s is too long", path);
	make_folders(m);
	list = load(m);
	error = steer_start(m, !list);
	json_decref(list);
	if (error)
		return error;
	begin_steering(m);
	begin_loaded(m);
	add_configured(m);
	if (!m->rows)
		steer_rest(m);
	if (m->config->n_devices) {
		steer_look(m);
		watch_leases(m);
	}
	return NULL;
}

void session_walk(const struct mnd *m,
		  void (*fn)(void *ctx, const struct session_row *row), void *ctx)
{
	const struct session_row *row;

	for (row = m->rows; row; row = row->next)
		fn(ctx, row);
}

void session_stop(struct mnd *m)
{
	struct session_row *row;

	if (m->sessions_open) {
		uv_close((uv_handle_t *)&m->sweep, NULL);
		uv_close((uv_handle_t *)&m->leases, NULL);
	}
	steer_stop(m);
	while ((row = m->rows)) {
		m->rows = row->next;
		free(row);
	}
}

const char *session_origin_name(enum session_origin origin)
{
	return origin_names[origin];
}
