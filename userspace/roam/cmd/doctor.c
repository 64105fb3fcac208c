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
#include "io/control.h"
#include "roam/client.h"
#include "roam/cmd/mangle.h"
#include "roam/firewall.h"
#include "roam/host.h"
#include "roam/output.h"
#include "roam/registry.h"
#include "roam/roam.h"

#define OLDEST_CLOCK 1735689600	/* 2025: this program is not older */
#define MAPPINGS_LOOKED_AT 64	/* routes are asked for no more than these */

void finding_add(struct findings *f, const char *check, enum finding verdict,
		 const char *fix, const char *fmt, ...)
{
	static const char *const names[] = { "ok", "warn", "fail" };
	char detail[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	if (verdict == FINDING_FAIL)
		f->failed = true;
	json_array_append_new(f->rows,
		json_pack("{ss ss ss so}", "check", check, "result",
			  names[verdict], "detail", detail, "fix",
			  fix ? json_string(fix) : json_null()));
}

/* Does the daemon run that needs the module? */
static bool is_missed(const struct module_entry *entry)
{
	struct client *client;

	if (!entry->daemon)
		return true;
	client = client_open(entry->daemon);
	if (!client)
		return false;
	client_close(client);
	return true;
}

static void check_module(struct findings *f, const struct module_entry *entry)
{
	struct genl *genl = entry->open(NULL);
	const char *name = entry->module;
	json_t *stats = NULL;
	char fix[96];
	int ret;

	if (!genl && errno == ENOENT) {
		snprintf(fix, sizeof(fix), "modprobe %s", name);
		if (is_missed(entry))
			finding_add(f, name, FINDING_FAIL, fix,
				    "%s is not loaded", name);
		else
			finding_add(f, name, FINDING_OK, NULL,
				    "not loaded, and not needed here");
		return;
	}
	ret = genl ? entry->stats(genl, &stats) : -errno;
	if (ret == -EPERM)
		finding_add(f, name, FINDING_WARN, "sudo roam doctor",
			    "%s is loaded, but only root may ask it", name);
	else if (ret)
		finding_add(f, name, FINDING_FAIL, "dmesg | grep roam",
			    "%s does not answer: %s", name,
			    genl ? genl_error(genl) : strerror(-ret));
	else
		finding_add(f, name, FINDING_OK, NULL, "%s answers", name);
	if (!ret)
		json_decref(stats);
	if (entry->doctor)
		entry->doctor(f, ret ? NULL : genl);
	genl_close(genl);
}

/* Reads what the checks of addresses and routes compare. */
static void read_mangle(struct findings *f)
{
	struct genl *genl = mangle_open(NULL);

	if (!genl)
		return;
	if (mangle_read_mappings(genl, &f->mappings, NULL))
		f->mappings = LIST_OF(struct mangle_mapping);
	if (mangle_config_get(genl, &f->config))
		memset(&f->config, 0, sizeof(f->config));
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
		finding_add(f, "permission", FINDING_OK, NULL, "may change the network");
	else
		finding_add(f, "permission", FINDING_WARN, "sudo roam doctor",
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

static void check_port(struct findings *f, const char *name, pid_t pid)
{
	size_t used = 0;
	char list[128] = "";

	if (!read_ports(pid, &f->ports)) {
		finding_add(f, "port", FINDING_WARN, "sudo roam doctor",
			    "may not see which ports %s has open", name);
		return;
	}
	if (f->ports.n == f->first_port) {
		finding_add(f, "port", FINDING_WARN, "ss -ulpn",
			    "%s runs, but has no UDP port open", name);
		return;
	}
	for (size_t i = f->first_port;
	     i < f->ports.n && used + 8 < sizeof(list); i++)
		used += snprintf(list + used, sizeof(list) - used, "%s%u",
				 i > f->first_port ? ", " : "",
				 *(unsigned int *)list_at(&f->ports, i));
	finding_add(f, "port", FINDING_OK, NULL, "%s listens on UDP port %s",
		    name, list);
}

static void check_running(struct findings *f, const struct daemon_entry *entry,
			  const char *name, struct client *client)
{
	pid_t pid = client_pid(client);
	json_t *status;

	f->first_port = f->ports.n;
	if (!entry->no_port)
		check_port(f, name, pid);
	if (!entry->doctor)
		return;
	status = client_ask(entry->daemon, "status", NULL);
	if (status)
		entry->doctor(f, status);
	json_decref(status);
}

static void check_daemon(struct findings *f, const struct daemon_entry *entry)
{
	struct client *client = client_open(entry->daemon);
	char name[DAEMON_NAME_LEN], fix[320], path[256];
	struct stat st;
	int err = errno;

	daemon_name(entry, name);
	control_path(entry->daemon, path, sizeof(path));
	if (client) {
		finding_add(f, name, FINDING_OK, NULL, "answers at %s", path);
		check_running(f, entry, name, client);
		client_close(client);
		return;
	}
	snprintf(fix, sizeof(fix), "systemctl start %s", name);
	if (err == EACCES)
		finding_add(f, name, FINDING_WARN, "sudo roam doctor",
			    "may not open %s", path);
	else if (!stat(path, &st))
		finding_add(f, name, FINDING_FAIL, fix,
			    "ended without removing %s: %s", path,
			    strerror(err));
	else
		finding_add(f, name, FINDING_OK, NULL, "does not run here");
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
static bool has_two_ways(const struct mangle_mapping *m, struct host_route *to_perm,
			 struct host_route *to_coa)
{
	return m->state == ROAM_MANGLE_STATE_VALID &&
	       !host_route(&m->coa, NULL, IPPROTO_TCP, to_coa) &&
	       !host_route(&m->perm, NULL, IPPROTO_TCP, to_perm) &&
	       strcmp(to_perm->device, to_coa->device);
}

static bool check_rp_remote(struct findings *f)
{
	char perm[ROAM_ADDR_STRLEN], coa[ROAM_ADDR_STRLEN];
	const struct mangle_mapping *m;
	size_t at = 0, n = 0;

	while (n++ < MAPPINGS_LOOKED_AT &&
	       (m = next_mapping(f, ROAM_MANGLE_ROLE_REMOTE, &at))) {
		struct host_route to_perm, to_coa;

		/* For IPv6 there are rules alone: check_source_rule(). */
		if (!roam_addr_is_v4(&m->perm) || !has_two_ways(m, &to_perm, &to_coa) ||
		    !is_strict(to_coa.device))
			continue;
		roam_addr_format(&m->perm, perm);
		roam_addr_format(&m->coa, coa);
		finding_add(f, "rp_filter", FINDING_WARN,
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
	finding_add(f, "rp_filter", FINDING_WARN, "sysctl -w net.ipv4.conf.all.rp_filter=2",
	    "strict on %s, and this host moves between %u links: what still comes in by the one just left is dropped",
	    strict, n);
	return true;
}

static void check_rp_filter(struct findings *f)
{
	if (!check_rp_remote(f) && !check_rp_own(f))
		finding_add(f, "rp_filter", FINDING_OK, NULL, "not strict where it hurts");
}

/*
 * Somebody else's rules come before ours: does one of them take what goes anywhere? True
 * after a finding.
 */
static bool check_taken(struct findings *f, const struct roam_addr *perm)
{
	char from[ROAM_ADDR_STRLEN], text[ROAM_ADDR_STRLEN];
	struct host_route route;
	struct roam_addr to;

	/* No host is there, and every default route leads there. */
	if (!roam_addr_parse(roam_addr_is_v4(perm) ? "198.18.0.1" : "2001:2::1", &to) ||
	    host_route(&to, NULL, IPPROTO_TCP, &route) || roam_addr_is_none(&route.src) ||
	    roam_addr_eq(&route.src, perm))
		return false;
	finding_add(f, "routing rule", FINDING_WARN, "ip rule show",
		    "rules of somebody else, a VPN perhaps, take TCP to %s from %s, before that of %s: such connections end with a move",
		    route.device, roam_addr_format(&route.src, from),
		    roam_addr_format(perm, text));
	return true;
}

static void check_mobile(struct findings *f)
{
	bool taken = false;
	const struct mangle_mapping *m;
	char text[ROAM_ADDR_STRLEN];
	bool v4 = false, v6 = false;
	size_t at = 0;

	while ((m = next_mapping(f, ROAM_MANGLE_ROLE_OWN, &at))) {
		roam_addr_format(&m->perm, text);
		v4 |= roam_addr_is_v4(&m->perm);
		v6 |= !roam_addr_is_v4(&m->perm);
		if (host_addr_find(&f->addrs, &m->perm))
			finding_add(f, "permanent address", FINDING_OK, NULL,
			    "%s is on this host", text);
		else
			finding_add(f, "permanent address", FINDING_FAIL,
			    "systemctl restart roam-lrd",
			    "%s is mapped but on no device", text);
		taken |= m->state == ROAM_MANGLE_STATE_VALID && check_taken(f, &m->perm);
	}
	if ((!v4 && !v6) || taken)
		return;
	if ((!v4 || host_has_rule(AF_INET, IPPROTO_TCP)) &&
	    (!v6 || host_has_rule(AF_INET6, IPPROTO_TCP)))
		finding_add(f, "routing rule", FINDING_OK, NULL, "TCP has its own table");
	else
		finding_add(f, "routing rule", FINDING_FAIL, "systemctl restart roam-lrd",
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
		finding_add(f, "tunnel", FINDING_FAIL, fix,
		    "%s is mapped here and behind the tunnel %s as well",
		    text, device);
	}
}

/* Finds what handles packets before the module's hooks or instead of them (OPEN-13). */
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
		finding_add(f, "flowtable", FINDING_WARN, "nft list flowtables",
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
			finding_add(f, "tc", FINDING_WARN, fix,
			    "a filter (%s) on %s gets packets first: what it redirects, or hardware does for it, is not rewritten",
			    link->ingress, link->name);
		}
		if (!link->xdp)
			continue;
		found = true;
		snprintf(fix, sizeof(fix), "bpftool prog show id %u",
			 link->xdp);
		finding_add(f, "XDP", FINDING_WARN, fix,
		    "program %u on %s gets packets first: what it redirects or answers is not rewritten",
		    link->xdp, link->name);
	}
	if (!found)
		finding_add(f, "bypass", FINDING_OK, NULL,
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
			finding_add(f, "masquerade", FINDING_WARN, "nft -a list ruleset",
			    "rule %d in %s %s hits connections of %s: they would keep the care-of address they began with; except it",
			    (int)json_integer_value(json_object_get(rule, "handle")),
			    json_string_value(json_object_get(rule, "table")),
			    json_string_value(json_object_get(rule, "chain")),
			    text);
		else
			finding_add(f, "masquerade", FINDING_OK, NULL, "no rule hits %s", text);
	}
}

/* The same as strict reverse path filtering, as a rule: firewalld's IPv6_rpfilter. */
static void check_source_rule(struct findings *f, const json_t *rules)
{
	const struct mangle_mapping *m;
	char perm[ROAM_ADDR_STRLEN];
	size_t at = 0, n = 0;

	if (!firewall_checks_source(rules))
		return;
	while (n++ < MAPPINGS_LOOKED_AT &&
	       (m = next_mapping(f, ROAM_MANGLE_ROLE_REMOTE, &at))) {
		struct host_route to_perm, to_coa;

		if (!has_two_ways(m, &to_perm, &to_coa))
			continue;
		finding_add(f, "reverse path", FINDING_WARN,
			    "nft list ruleset | grep fib; with firewalld IPv6_rpfilter=loose",
			    "a rule drops what does not come by the link of its source: packets of %s come by %s, and its route leads to %s",
			    roam_addr_format(&m->perm, perm), to_coa.device,
			    to_perm.device);
		return;
	}
}

static void check_filter(struct findings *f, const json_t *rules)
{
	for (size_t i = 0; i < f->ports.n; i++) {
		unsigned int port = *(unsigned int *)list_at(&f->ports, i);
		char fix[96];

		if (!firewall_drops_input(rules) ||
		    firewall_names_port(rules, port)) {
			finding_add(f, "firewall", FINDING_OK, NULL,
			    "nothing seen against UDP port %u", port);
			continue;
		}
		snprintf(fix, sizeof(fix),
			 "nft add rule inet filter input udp dport %u accept",
			 port);
		finding_add(f, "firewall", FINDING_WARN, fix,
		    "input is dropped by default and no rule names UDP port %u",
		    port);
	}
}

static void check_firewall(struct findings *f)
{
	json_t *rules = firewall_read();

	if (!rules)
		finding_add(f, "firewall", FINDING_OK, NULL,
		    "not looked at: nft is not installed or not permitted");
	check_bypass(f, rules);
	if (rules) {
		check_masquerade(f, rules);
		check_source_rule(f, rules);
		check_filter(f, rules);
	}
	json_decref(rules);
}

/* Identifications are wall-clock times: a clock that went back costs a message, one of 1970 certificates as well. */
static void check_clock(struct findings *f)
{
	struct timex timex = { 0 };
	time_t now = time(NULL);

	if (now < OLDEST_CLOCK)
		finding_add(f, "clock", FINDING_FAIL, "timedatectl set-ntp true",
		    "it is set to the year %ld",
		    1970 + (long)(now / 31556952));
	else if (adjtimex(&timex) == TIME_ERROR)
		finding_add(f, "clock", FINDING_WARN, "timedatectl set-ntp true",
		    "no time server keeps it right; after it went back, registers and agents refuse the first message, and the host goes on from the time in their answer");
	else
		finding_add(f, "clock", FINDING_OK, NULL, "kept by a time server");
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
			finding_add(f, "kernel", FINDING_WARN,
			    "journalctl -k -p warning",
			    "%s", bits[i].text);
			return;
		}
	}
	finding_add(f, "kernel", FINDING_OK, NULL, "no complaint since boot");
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

	const struct module_entry *module;
	const struct daemon_entry *daemon;

	host_read_ingress(&f.links);
	read_mangle(&f);
	for (size_t i = 0; (module = module_at(i)); i++)
		check_module(&f, module);
	check_permission(&f);
	for (size_t i = 0; (daemon = daemon_at(i)); i++)
		check_daemon(&f, daemon);
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
