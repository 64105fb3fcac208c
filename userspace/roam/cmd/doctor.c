// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * roam doctor: what is likely to be in the way on this host. Each check says
 * ok, warn or fail and names the command that mends it.
 */
#include "roam/cmd/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "genl/mangle.h"
#include "roam/client.h"
#include "roam/cmd/daemons.h"
#include "roam/cmd/mangle.h"
#include "roam/firewall.h"
#include "roam/host.h"
#include "roam/output.h"
#include "roam/roam.h"

#define OLDEST_CLOCK 1735689600	/* 2025: this program is not older */
#define MAPPINGS_LOOKED_AT 64	/* routes are asked for no more than these */

/**
 * struct findings - what the checks share
 * @rows: one object for each check
 * @failed: one of them failed
 * @config: settings of the module; no protocol where it does not answer
 * @mappings: struct mangle_mapping, what it holds
 * @addrs: addresses of this host
 * @links: its links
 * @ports: unsigned int, UDP ports that our daemons have open
 */
struct findings {
	json_t *rows;
	bool failed;
	struct mangle_config config;
	struct list mappings;
	struct list addrs;
	struct list links;
	struct list ports;
};

enum verdict { OK, WARN, FAIL };

static void add(struct findings *f, const char *check, enum verdict verdict,
		const char *fix, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

static void add(struct findings *f, const char *check, enum verdict verdict,
		const char *fix, const char *fmt, ...)
{
	static const char *const names[] = { "ok", "warn", "fail" };
	char detail[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	if (verdict == FAIL)
		f->failed = true;
	json_array_append_new(f->rows,
		json_pack("{ss ss ss so}", "check", check, "result",
			  names[verdict], "detail", detail, "fix",
			  fix ? json_string(fix) : json_null()));
}

static void check_module(struct findings *f)
{
	struct genl *genl = mangle_open(NULL);
	int ret;

	if (!genl && errno == ENOENT) {
		add(f, "module", FAIL, "modprobe roam_mangle",
		    "roam_mangle is not loaded");
		return;
	}
	ret = genl ? mangle_read_mappings(genl, &f->mappings, NULL) : -errno;
	if (!ret)
		ret = mangle_config_get(genl, &f->config);
	if (ret == -EPERM)
		add(f, "module", WARN, "sudo roam doctor",
		    "roam_mangle is loaded, but only root may ask it");
	else if (ret)
		add(f, "module", FAIL, "dmesg | grep roam",
		    "roam_mangle does not answer: %s",
		    genl ? genl_error(genl) : strerror(-ret));
	else
		add(f, "module", OK, NULL, "roam_mangle answers");
	genl_close(genl);
}

/* The next mapping of a role from *at on, or NULL. */
static const struct mangle_mapping *next_mapping(const struct findings *f,
						 uint8_t role, size_t *at)
{
	while (*at < f->mappings.n) {
		const struct mangle_mapping *m = list_at(&f->mappings, (*at)++);

		if (m->role == role)
			return m;
	}
	return NULL;
}

static void check_permission(struct findings *f)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (!syscall(SYS_capget, &header, data) &&
	    data[0].effective & (1u << CAP_NET_ADMIN))
		add(f, "permission", OK, NULL, "may change the network");
	else
		add(f, "permission", WARN, "sudo roam doctor",
		    "may not change the network; some checks see less");
}

/* Is the socket with this number among the open files of a process? */
static bool has_socket(const char *folder, DIR *dir, unsigned long inode)
{
	const struct dirent *entry;
	char path[512], target[64], wanted[64];

	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	rewinddir(dir);
	while ((entry = readdir(dir))) {
		ssize_t len;

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		len = readlink(path, target, sizeof(target) - 1);
		target[len < 0 ? 0 : len] = 0;
		if (!strcmp(target, wanted))
			return true;
	}
	return false;
}

/*
 * Appends the UDP ports that a process listens on, not those that it asks a name
 * server from. False: it may not be seen.
 */
static bool read_ports(pid_t pid, struct list *ports)
{
	static const char *const tables[] = { "udp", "udp6" };
	char folder[64], path[64], line[512];
	DIR *dir;

	snprintf(folder, sizeof(folder), "/proc/%d/fd", (int)pid);
	dir = opendir(folder);
	if (!dir)
		return false;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)pid,
			 tables[i]);
		file = fopen(path, "re");
		while (file && fgets(line, sizeof(line), file)) {
			unsigned long inode;
			unsigned int port, to;

			if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%x %*s %*s %*s %*s %*u %*u %lu",
				   &port, &to, &inode) == 3 && !to &&
			    has_socket(folder, dir, inode))
				list_append(ports, &port);
		}
		if (file)
			fclose(file);
	}
	closedir(dir);
	return true;
}

/* roam-lrd sees to that, but what is exempt can be set by others (TEN-11). */
static void check_messages(struct findings *f, unsigned int port)
{
	if (!mangle_rewrites(&f->config, IPPROTO_UDP))
		return;
	if (mangle_exempt_has_port(&f->config.exempt, port))
		add(f, "messages", OK, NULL,
		    "UDP is rewritten, that of port %u is not", port);
	else
		add(f, "messages", WARN, "systemctl reload roam-lrd",
		    "UDP is rewritten, and port %u is not exempt: what roam-lrd sends may wait for its own answer",
		    port);
}

static void check_port(struct findings *f, const struct daemon_entry *entry,
		       pid_t pid)
{
	size_t before = f->ports.n, used = 0;
	char list[128] = "";

	if (!read_ports(pid, &f->ports)) {
		add(f, "port", WARN, "sudo roam doctor",
		    "may not see which ports roam-%s has open", entry->daemon);
		return;
	}
	if (f->ports.n == before) {
		add(f, "port", WARN, "ss -ulpn",
		    "roam-%s runs, but has no UDP port open", entry->daemon);
		return;
	}
	for (size_t i = before; i < f->ports.n && used + 8 < sizeof(list); i++)
		used += snprintf(list + used, sizeof(list) - used, "%s%u",
				 i > before ? ", " : "",
				 *(unsigned int *)list_at(&f->ports, i));
	add(f, "port", OK, NULL, "roam-%s listens on UDP port %s",
	    entry->daemon, list);
	for (size_t i = before; i < f->ports.n; i++)
		if (!strcmp(entry->daemon, "lrd"))
			check_messages(f, *(unsigned int *)list_at(&f->ports, i));
}

static void check_daemon(struct findings *f, const struct daemon_entry *entry)
{
	struct client *client = client_open(entry->daemon);
	char check[64], fix[320], path[256];
	struct stat st;
	int err = errno;

	snprintf(check, sizeof(check), "roam-%s", entry->daemon);
	client_path(entry->daemon, path, sizeof(path));
	if (client) {
		add(f, check, OK, NULL, "answers at %s", path);
		check_port(f, entry, client_pid(client));
		client_close(client);
		return;
	}
	snprintf(fix, sizeof(fix), "systemctl start roam-%s", entry->daemon);
	if (err == EACCES)
		add(f, check, WARN, "sudo roam doctor", "may not open %s",
		    path);
	else if (!stat(path, &st))
		add(f, check, FAIL, fix, "ended without removing %s: %s", path,
		    strerror(err));
	else
		add(f, check, OK, NULL, "does not run here");
}

/* Strict reverse path filtering: the kernel takes the higher of two settings. */
static bool is_strict(const char *device)
{
	int all = host_read_number("/proc/sys/net/ipv4/conf/all/rp_filter");
	char path[128];
	int own;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter",
		 device);
	own = host_read_number(path);
	return (own > all ? own : all) == 1;
}

/*
 * A restored packet has the mobile host's permanent address as source, and
 * comes in by the link that leads to its care-of address: where the route to
 * the permanent address leads elsewhere, a strict check drops it.
 */
static bool check_rp_remote(struct findings *f)
{
	char perm[ROAM_ADDR_STRLEN], coa[ROAM_ADDR_STRLEN];
	const struct mangle_mapping *m;
	size_t at = 0, n = 0;

	while (n++ < MAPPINGS_LOOKED_AT &&
	       (m = next_mapping(f, ROAM_MANGLE_ROLE_REMOTE, &at))) {
		struct host_route to_perm, to_coa;

		/* IPv6 has no such filter. */
		if (m->state != ROAM_MANGLE_STATE_VALID ||
		    !roam_addr_is_v4(&m->perm) ||
		    host_route(&m->coa, NULL, IPPROTO_TCP, &to_coa) ||
		    host_route(&m->perm, NULL, IPPROTO_TCP, &to_perm) ||
		    !strcmp(to_perm.device, to_coa.device) ||
		    !is_strict(to_coa.device))
			continue;
		roam_addr_format(&m->perm, perm);
		roam_addr_format(&m->coa, coa);
		add(f, "rp_filter", WARN,
		    "sysctl -w net.ipv4.conf.all.rp_filter=2",
		    "strict on %s: packets of %s come in there, from %s, but its route leads to %s, so they are dropped",
		    to_coa.device, perm, coa, to_perm.device);
		return true;
	}
	return false;
}

/* Can packets of a moving host come in here? */
static bool is_uplink(const struct findings *f, const struct host_link *link)
{
	size_t at = 0;

	if (!link->up || link->loopback ||
	    !strcmp(link->kind, "dummy"))
		return false;
	while (at < f->addrs.n) {
		const struct host_addr *entry = list_at(&f->addrs, at++);

		if (!strcmp(entry->device, link->name) &&
		    roam_addr_is_v4(&entry->addr) &&
		    roam_addr_is_usable(&entry->addr))
			return true;
	}
	return false;
}

/* While two links are up, packets in flight come in by the one just left. */
static bool check_rp_own(struct findings *f)
{
	const char *strict = NULL;
	unsigned int n = 0;
	size_t at = 0;

	if (!next_mapping(f, ROAM_MANGLE_ROLE_OWN, &at))
		return false;
	for (size_t i = 0; i < f->links.n; i++) {
		const struct host_link *link = list_at(&f->links, i);

		if (!is_uplink(f, link))
			continue;
		n++;
		if (is_strict(link->name))
			strict = link->name;
	}
	if (!strict || n < 2)
		return false;
	add(f, "rp_filter", WARN, "sysctl -w net.ipv4.conf.all.rp_filter=2",
	    "strict on %s, and this host moves between %u links: what still comes in by the one just left is dropped",
	    strict, n);
	return true;
}

static void check_rp_filter(struct findings *f)
{
	if (!check_rp_remote(f) && !check_rp_own(f))
		add(f, "rp_filter", OK, NULL, "not strict where it hurts");
}

static void check_mobile(struct findings *f)
{
	const struct mangle_mapping *m;
	char text[ROAM_ADDR_STRLEN];
	bool v4 = false, v6 = false;
	size_t at = 0;

	while ((m = next_mapping(f, ROAM_MANGLE_ROLE_OWN, &at))) {
		roam_addr_format(&m->perm, text);
		v4 |= roam_addr_is_v4(&m->perm);
		v6 |= !roam_addr_is_v4(&m->perm);
		if (host_addr_find(&f->addrs, &m->perm))
			add(f, "permanent address", OK, NULL,
			    "%s is on this host", text);
		else
			add(f, "permanent address", FAIL,
			    "systemctl restart roam-lrd",
			    "%s is mapped but on no device", text);
	}
	if (!v4 && !v6)
		return;
	if ((!v4 || host_has_rule(AF_INET, IPPROTO_TCP)) &&
	    (!v6 || host_has_rule(AF_INET6, IPPROTO_TCP)))
		add(f, "routing rule", OK, NULL, "TCP has its own table");
	else
		add(f, "routing rule", FAIL, "systemctl restart roam-lrd",
		    "no rule for TCP: new connections will not use the permanent address");
}

/* An address is served by a tunnel or by rewriting, never by both (TEN-28). */
static void check_tunnels(struct findings *f)
{
	char text[ROAM_ADDR_STRLEN], device[IF_NAMESIZE], fix[128];

	for (size_t i = 0; i < f->mappings.n; i++) {
		const struct mangle_mapping *m = list_at(&f->mappings, i);

		if (!host_tunnel_of(&m->perm, device))
			continue;
		roam_addr_format(&m->perm, text);
		snprintf(fix, sizeof(fix), "ip address show dev %s; ip route show dev %s",
			 device, device);
		add(f, "tunnel", FAIL, fix,
		    "%s is mapped here and behind the tunnel %s as well",
		    text, device);
	}
}

/* What sees packets before or instead of the module's hooks (OPEN-13). */
static void check_bypass(struct findings *f, const json_t *rules)
{
	const json_t *flowtable;
	bool found = false;
	size_t at = 0;

	while ((flowtable = firewall_flowtable(rules, &at))) {
		const json_t *device = json_object_get(flowtable, "dev");

		if (json_is_array(device))
			device = json_array_get(device, 0);
		found = true;
		add(f, "flowtable", WARN, "nft list flowtables",
		    "%s carries packets (%s) past the address rewriting; leave connections of mobile hosts out of it",
		    json_string_value(json_object_get(flowtable, "name")),
		    device ? json_string_value(device) : "no link yet");
	}
	for (size_t i = 0; i < f->links.n; i++) {
		const struct host_link *link = list_at(&f->links, i);
		char fix[64];

		if (link->ingress[0]) {
			found = true;
			snprintf(fix, sizeof(fix), strcmp(link->ingress, "tcx") ?
				 "tc filter show dev %s ingress" :
				 "bpftool net show dev %s", link->name);
			add(f, "tc", WARN, fix,
			    "a filter (%s) on %s gets packets first: what it redirects, or hardware does for it, is not rewritten",
			    link->ingress, link->name);
		}
		if (!link->xdp)
			continue;
		found = true;
		snprintf(fix, sizeof(fix), "bpftool prog show id %u",
			 link->xdp);
		add(f, "XDP", WARN, fix,
		    "program %u on %s gets packets first: what it redirects or answers is not rewritten",
		    link->xdp, link->name);
	}
	if (!found)
		add(f, "bypass", OK, NULL,
		    "no flowtable, filter or XDP program skips the rewriting");
}

/*
 * The nat hook sees a packet as it is on the wire and remembers the source it
 * chose for the whole connection: after a move it would go on to write the
 * old care-of address.
 */
static void check_masquerade(struct findings *f, const json_t *rules)
{
	const struct mangle_mapping *m;
	size_t at = 0;

	while ((m = next_mapping(f, ROAM_MANGLE_ROLE_OWN, &at))) {
		const struct host_addr *entry;
		const json_t *rule;
		char text[ROAM_ADDR_STRLEN];

		if (m->state != ROAM_MANGLE_STATE_VALID)
			continue;
		entry = host_addr_find(&f->addrs, &m->coa);
		rule = entry ? firewall_masquerades(rules, &m->coa,
						    entry->device) : NULL;
		roam_addr_format(&m->perm, text);
		if (rule)
			add(f, "masquerade", WARN, "nft -a list ruleset",
			    "rule %d in %s %s hits connections of %s: they would keep the care-of address they began with; except it",
			    (int)json_integer_value(json_object_get(rule, "handle")),
			    json_string_value(json_object_get(rule, "table")),
			    json_string_value(json_object_get(rule, "chain")),
			    text);
		else
			add(f, "masquerade", OK, NULL, "no rule hits %s", text);
	}
}

static void check_filter(struct findings *f, const json_t *rules)
{
	for (size_t i = 0; i < f->ports.n; i++) {
		unsigned int port = *(unsigned int *)list_at(&f->ports, i);
		char fix[96];

		if (!firewall_drops_input(rules) ||
		    firewall_names_port(rules, port)) {
			add(f, "firewall", OK, NULL,
			    "nothing seen against UDP port %u", port);
			continue;
		}
		snprintf(fix, sizeof(fix),
			 "nft add rule inet filter input udp dport %u accept",
			 port);
		add(f, "firewall", WARN, fix,
		    "input is dropped by default and no rule names UDP port %u",
		    port);
	}
}

static void check_firewall(struct findings *f)
{
	json_t *rules = firewall_read();

	if (!rules)
		add(f, "firewall", OK, NULL,
		    "not looked at: nft is not installed or not permitted");
	check_bypass(f, rules);
	if (rules) {
		check_masquerade(f, rules);
		check_filter(f, rules);
	}
	json_decref(rules);
}

/* Identifications are wall-clock times: a clock in the past looks like replay. */
static void check_clock(struct findings *f)
{
	struct timex timex = { 0 };
	time_t now = time(NULL);

	if (now < OLDEST_CLOCK)
		add(f, "clock", FAIL, "timedatectl set-ntp true",
		    "it is set to the year %ld",
		    1970 + (long)(now / 31556952));
	else if (adjtimex(&timex) == TIME_ERROR)
		add(f, "clock", WARN, "timedatectl set-ntp true",
		    "no time server keeps it right; registers refuse a host whose clock went back");
	else
		add(f, "clock", OK, NULL, "kept by a time server");
}

static void check_taint(struct findings *f)
{
	static const struct {
		int bit;
		const char *text;
	} bits[] = {
		{ 7, "the kernel crashed somewhere (oops) since boot" },
		{ 9, "the kernel warned since boot" },
		{ 14, "a processor was stuck since boot" },
	};
	int value = host_read_number("/proc/sys/kernel/tainted");

	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		if (value > 0 && value & (1 << bits[i].bit)) {
			add(f, "kernel", WARN,
			    "journalctl -k -p warning",
			    "%s", bits[i].text);
			return;
		}
	}
	add(f, "kernel", OK, NULL, "no complaint since boot");
}

json_t *doctor_findings(bool *failed)
{
	struct findings f = {
		.rows = json_array(),
		.mappings = LIST_OF(struct mangle_mapping),
		.addrs = host_addrs(),
		.links = host_links(),
		.ports = LIST_OF(unsigned int),
	};

	host_read_ingress(&f.links);
	check_module(&f);
	check_permission(&f);
	for (const struct daemon_entry *e = daemons; e->object; e++)
		check_daemon(&f, e);
	check_mobile(&f);
	check_tunnels(&f);
	check_rp_filter(&f);
	check_firewall(&f);
	check_clock(&f);
	check_taint(&f);
	list_free(&f.mappings);
	list_free(&f.addrs);
	list_free(&f.links);
	list_free(&f.ports);
	*failed = f.failed;
	return f.rows;
}

static int doctor_run(int argc, char **argv)
{
	bool failed;

	if (argc)
		return fail(ROAM_USAGE, "roam doctor",
			    "'%s' is one word too many", argv[0]);
	output_table(doctor_findings(&failed), NULL);
	return failed ? ROAM_REFUSED : ROAM_OK;
}

static const struct command doctor = {
	.name = "doctor",
	.help = "what is in the way, and the command that mends it",
	.run = doctor_run,
};
ROAM_OBJECT(doctor)
