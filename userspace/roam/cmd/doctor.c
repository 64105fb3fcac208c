// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * roam doctor: what is likely to be in the way on this host. Each check says
 * ok, warn or fail and names the command that mends it.
 */
#include <errno.h>
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/capability.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
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
#include "roam/output.h"
#include "roam/roam.h"
#include "wire/lr.h"

#define OLDEST_CLOCK 1735689600	/* 2025: this program is not older */
#define NFT_MAX (4 << 20)	/* bytes of rules looked through */

/**
 * struct findings - what the checks share
 * @rows: one object for each check
 * @failed: one of them failed
 * @own: own permanent addresses in the module
 * @n_own: their number
 * @running: a daemon that needs the port runs
 */
struct findings {
	json_t *rows;
	bool failed;
	struct roam_addr *own;
	size_t n_own;
	bool running;
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

static void note_own(void *ctx, const struct mangle_mapping *m)
{
	struct findings *f = ctx;

	if (m->role != ROAM_MANGLE_ROLE_OWN)
		return;
	f->own = realloc(f->own, (f->n_own + 1) * sizeof(*f->own));
	f->own[f->n_own++] = m->perm;
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
	ret = genl ? mangle_mapping_dump(genl, note_own, f, NULL) : -errno;
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

static void check_daemon(struct findings *f, const struct daemon_entry *entry)
{
	struct client *client = client_open(entry->daemon);
	char check[64], fix[320], path[256];
	struct stat st;
	int err = errno;

	snprintf(check, sizeof(check), "roam-%s", entry->daemon);
	client_path(entry->daemon, path, sizeof(path));
	if (client) {
		client_close(client);
		f->running = true;
		add(f, check, OK, NULL, "answers at %s", path);
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

static int read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	int value = -1;

	if (file) {
		if (fscanf(file, "%d", &value) != 1)
			value = -1;
		fclose(file);
	}
	return value;
}

/*
 * The source of a restored packet is the mobile host's permanent address, and
 * while two links are up packets come in by the older one: a strict reverse
 * path check drops both. It only hurts a host with a second way out.
 */
static void check_rp_filter(struct findings *f)
{
	int all = read_number("/proc/sys/net/ipv4/conf/all/rp_filter");
	struct if_nameindex *links = if_nameindex();
	unsigned int n = 0;
	char strict[IF_NAMESIZE] = "";

	for (struct if_nameindex *l = links; l && l->if_name; l++) {
		char path[128];
		int own;

		if (!strcmp(l->if_name, "lo"))
			continue;
		n++;
		snprintf(path, sizeof(path),
			 "/proc/sys/net/ipv4/conf/%s/rp_filter", l->if_name);
		own = read_number(path);
		/* The kernel uses the higher of the two; 1 is strict. */
		if ((own > all ? own : all) == 1)
			snprintf(strict, sizeof(strict), "%s", l->if_name);
	}
	if_freenameindex(links);
	if (*strict && n > 1)
		add(f, "rp_filter", WARN,
		    "sysctl -w net.ipv4.conf.all.rp_filter=2",
		    "strict on %s of %u links: packets that take another way back are dropped",
		    strict, n);
	else
		add(f, "rp_filter", OK, NULL, "not strict where it hurts");
}

static bool is_local(const struct roam_addr *addr, const struct ifaddrs *list)
{
	for (; list; list = list->ifa_next) {
		struct roam_addr local;

		if (!list->ifa_addr || (list->ifa_addr->sa_family != AF_INET &&
					list->ifa_addr->sa_family != AF_INET6))
			continue;
		local = roam_addr_from_sockaddr(list->ifa_addr);
		if (roam_addr_eq(&local, addr))
			return true;
	}
	return false;
}

static int note_rule(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nlattr *attr;
	bool *found = ctx;

	mnl_attr_for_each(attr, nlh, sizeof(struct fib_rule_hdr))
		if (mnl_attr_get_type(attr) == FRA_IP_PROTO &&
		    !mnl_attr_validate(attr, MNL_TYPE_U8) &&
		    mnl_attr_get_u8(attr) == IPPROTO_TCP)
			*found = true;
	return MNL_CB_OK;
}

/* True if a rule sends TCP to a table of its own (design, trap 1). */
static bool has_tcp_rule(void)
{
	char buf[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct fib_rule_hdr *header;
	bool found = false;
	int ret = 1;

	nlh->nlmsg_type = RTM_GETRULE;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = 1;
	header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));
	header->family = AF_INET;
	if (nl && mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) >= 0 &&
	    mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) >= 0) {
		while (ret > 0) {
			ret = mnl_socket_recvfrom(nl, buf, sizeof(buf));
			if (ret > 0)
				ret = mnl_cb_run(buf, ret, 1,
						 mnl_socket_get_portid(nl),
						 note_rule, &found);
		}
	}
	if (nl)
		mnl_socket_close(nl);
	return found;
}

static void check_mobile(struct findings *f)
{
	char text[ROAM_ADDR_STRLEN];
	struct ifaddrs *list = NULL;

	if (!f->n_own)
		return;
	getifaddrs(&list);
	for (size_t i = 0; i < f->n_own; i++) {
		roam_addr_format(&f->own[i], text);
		if (is_local(&f->own[i], list))
			add(f, "permanent address", OK, NULL,
			    "%s is on this host", text);
		else
			add(f, "permanent address", FAIL,
			    "systemctl restart roam-lrd",
			    "%s is mapped but on no device", text);
	}
	freeifaddrs(list);
	if (has_tcp_rule())
		add(f, "routing rule", OK, NULL, "TCP has its own table");
	else
		add(f, "routing rule", FAIL, "systemctl restart roam-lrd",
		    "no rule for TCP: new connections will not use the permanent address");
}

static bool port_bound(const char *path, unsigned int port)
{
	FILE *file = fopen(path, "re");
	char line[512];
	bool bound = false;

	while (file && !bound && fgets(line, sizeof(line), file)) {
		unsigned int local;

		bound = sscanf(line, " %*d: %*[0-9A-Fa-f]:%x", &local) == 1 &&
			local == port;
	}
	if (file)
		fclose(file);
	return bound;
}

static void check_port(struct findings *f)
{
	if (!f->running)
		return;
	if (port_bound("/proc/self/net/udp", LR_PORT) ||
	    port_bound("/proc/self/net/udp6", LR_PORT))
		add(f, "port", OK, NULL, "UDP port %d is open", LR_PORT);
	else
		add(f, "port", WARN, "ss -ulpn",
		    "a daemon runs, but nothing listens on UDP port %d; is another port meant?",
		    LR_PORT);
}

/* All rules as text, or NULL where nft is missing or may not be asked. */
static char *read_rules(void)
{
	FILE *pipe = popen("nft list ruleset 2>/dev/null", "re");
	char *text;
	size_t n;

	if (!pipe)
		return NULL;
	text = malloc(NFT_MAX + 1);
	n = fread(text, 1, NFT_MAX, pipe);
	text[n] = 0;
	if (pclose(pipe)) {
		free(text);
		return NULL;
	}
	return text;
}

static void check_firewall(struct findings *f)
{
	char *rules = read_rules();
	char port[16];

	if (!rules)
		return;
	snprintf(port, sizeof(port), "%d", LR_PORT);
	if (strstr(rules, "flowtable "))
		add(f, "flowtable", WARN, "nft list flowtables",
		    "a flowtable lets packets pass by the address rewriting; leave mobile hosts out of it");
	if (strstr(rules, "hook input") && strstr(rules, "policy drop") &&
	    !strstr(rules, port))
		add(f, "firewall", WARN,
		    "nft add rule inet filter input udp dport 17434 accept",
		    "input is dropped by default and no rule names UDP port %d",
		    LR_PORT);
	else
		add(f, "firewall", OK, NULL, "nothing seen against UDP port %d",
		    LR_PORT);
	free(rules);
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
	int value = read_number("/proc/sys/kernel/tainted");

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

static int doctor_run(int argc, char **argv)
{
	struct findings f = { .rows = json_array() };

	if (argc) {
		json_decref(f.rows);
		return fail(ROAM_USAGE, "roam doctor",
			    "'%s' is one word too many", argv[0]);
	}
	check_module(&f);
	check_permission(&f);
	for (const struct daemon_entry *e = daemons; e->object; e++)
		check_daemon(&f, e);
	check_mobile(&f);
	check_rp_filter(&f);
	check_port(&f);
	check_firewall(&f);
	check_clock(&f);
	check_taint(&f);
	output_table(f.rows, NULL);
	free(f.own);
	return f.failed ? ROAM_REFUSED : ROAM_OK;
}

static const struct command doctor = {
	.name = "doctor",
	.help = "what is in the way, and the command that mends it",
	.run = doctor_run,
};
ROAM_OBJECT(doctor)
