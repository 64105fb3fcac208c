// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Entries of roam_mmp, or /32 routes as their peer:
 *
 *	load-mmp entries FROM N LINK MAC
 *	load-mmp routes FROM N LINK GATEWAY
 *	load-mmp change FROM N LINK MAC MAC2
 *	load-mmp replace FROM N LINK GATEWAY GATEWAY2
 *	load-mmp expiry FROM N LINK MAC
 *	load-mmp keep-entries FROM N LINK MAC
 *	load-mmp keep-change FROM N LINK MAC MAC2
 *	load-mmp flush
 *
 * The first two make N entries and print the nanoseconds that one took. "change" points
 * 1,000 of N entries, each by a request of its own and at random, to the other neighbour and
 * prints what one took; "replace" does the same with routes. Then both do it once more in one
 * go, without the way between program and kernel for each, and print that. "expiry" makes N entries that
 * end within a moment, and prints what one end took of the processor (see load-roam.c). With
 * "keep-" hosts have one receiver: copies of what goes to them are kept, and play at a change.
 */
#include <err.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "genl/mmp.h"
#include "load.h"

#define CHANGES 1000
#define RANGE "10.128.0.0/9"	/* of all hosts */
#define TIMEOUT 3600000		/* ms; nothing ends by itself */
#define SHORT 300
#define UNHEARD 50000		/* ms that a host with one receiver says */
#define WINDOW 1500

static bool keep;

static struct roam_addr address(uint32_t first, uint32_t i)
{
	return roam_addr_from_in((struct in_addr){ htonl(first + i) });
}

static void parse_mac(const char *s, uint8_t *mac)
{
	if (sscanf(s, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &mac[0], &mac[1],
		   &mac[2], &mac[3], &mac[4], &mac[5]) != 6)
		errx(2, "%s is no link-layer address", s);
}

/* Numbers that look random and are the same each time. */
static uint32_t next_random(void)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

static void configure(struct genl *genl, uint32_t link, uint32_t timeout)
{
	const struct mmp_kernel_config config = {
		.role = ROAM_MMP_ROLE_GATEWAY, .timeout = timeout,
		.second_time = 1000, .left_time = 1000,
		.max_hosts = 2000000, .port = 17436,
		.keep_time = keep ? 60000 : 0, .keep_bytes = 1 << 20,
	};
	const struct mmp_kernel_link links = { link, ROAM_MMP_KIND_NODES };
	struct roam_prefix range;

	if (!roam_prefix_parse(RANGE, &range))
		errx(2, "%s is no prefix", RANGE);
	if (mmp_config_set(genl, &config) || mmp_links_set(genl, &links, 1) ||
	    mmp_ranges_set(genl, &range, 1))
		errx(1, "%s", genl_error(genl));
}

static struct mmp_entry *make_entries(uint32_t first, uint32_t n, uint32_t link,
				      const char *mac)
{
	struct mmp_entry *entries = calloc(n, sizeof(*entries));

	if (!entries)
		err(1, NULL);
	for (uint32_t i = 0; i < n; i++) {
		entries[i].addr = address(first, i);
		entries[i].seq = 1;
		entries[i].n = 1;
		entries[i].keep = keep;
		entries[i].hops[0].link = link;
		parse_mac(mac, entries[i].hops[0].mac);
	}
	return entries;
}

static void set_entries(struct genl *genl, const struct mmp_entry *entries,
			uint32_t n)
{
	if (mmp_routes_set(genl, entries, n, NULL))
		errx(1, "%s", genl_error(genl));
}

static double change_at_once(struct genl *genl, uint32_t first, uint32_t n,
			     uint32_t link, char **macs)
{
	struct mmp_entry *entries = make_entries(first, CHANGES, link, macs[1]);
	uint64_t start;

	for (int i = 0; i < CHANGES; i++) {
		entries[i].addr = address(first, next_random() % n);
		entries[i].seq = 10000;
		parse_mac(macs[i % 2], entries[i].hops[0].mac);
	}
	start = load_now();
	set_entries(genl, entries, CHANGES);
	start = load_now() - start;
	free(entries);
	return (double)start / CHANGES;
}

static double change_entries(struct genl *genl, uint32_t first, uint32_t n,
			     uint32_t link, char **macs)
{
	struct mmp_entry entry = {
		.n = 1, .keep = keep, .play = keep ? UNHEARD : 0,
	};
	uint64_t start = load_now();

	for (int i = 0; i < CHANGES; i++) {
		entry.addr = address(first, next_random() % n);
		/* "keep-change" is called twice. */
		entry.seq = (keep ? start : 2) + (uint64_t)i;
		entry.hops[0].link = link;
		parse_mac(macs[1 - i % 2], entry.hops[0].mac);
		if (mmp_route_set(genl, &entry))
			errx(1, "%s", genl_error(genl));
	}
	return (double)(load_now() - start) / CHANGES;
}

static uint64_t spin(void)
{
	uint64_t end = load_now() + WINDOW * 1000000ULL;
	uint64_t rounds = 0;

	while (load_now() < end)
		rounds++;
	return rounds;
}

/* ---- routes ---- */

static struct nlmsghdr *put_route(void *buf, uint32_t addr, uint32_t link,
				  uint32_t gateway, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *rtm;

	nlh->nlmsg_type = RTM_NEWROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | flags;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = AF_INET;
	rtm->rtm_dst_len = 32;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_STATIC;
	rtm->rtm_type = RTN_UNICAST;
	mnl_attr_put_u32(nlh, RTA_DST, htonl(addr));
	mnl_attr_put_u32(nlh, RTA_OIF, link);
	mnl_attr_put_u32(nlh, RTA_GATEWAY, htonl(gateway));
	return nlh;
}

static void await_ack(struct mnl_socket *nl)
{
	char buf[8192];
	ssize_t len = mnl_socket_recvfrom(nl, buf, sizeof(buf));

	if (len < 0 || mnl_cb_run(buf, (size_t)len, 0, 0, NULL, NULL) < 0)
		err(1, "route");
}

static double add_routes(uint32_t first, uint32_t n, uint32_t link,
			 uint32_t gateway)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);
	uint64_t start = load_now();
	char buf[512];

	for (uint32_t i = 0; i < n; i++) {
		struct nlmsghdr *nlh = put_route(buf, first + i, link, gateway,
						 i + 1 < n ? 0 : NLM_F_ACK);

		if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
			err(1, "route");
	}
	await_ack(nl);
	mnl_socket_close(nl);
	return (double)(load_now() - start) / n;
}

static double replace_routes(uint32_t first, uint32_t n, uint32_t link,
			     const uint32_t *gateways)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);
	uint64_t start = load_now();
	char buf[512];

	for (int i = 0; i < CHANGES; i++) {
		struct nlmsghdr *nlh = put_route(buf, first + next_random() % n,
						 link, gateways[1 - i % 2],
						 NLM_F_REPLACE | NLM_F_ACK);

		if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
			err(1, "route");
		await_ack(nl);
	}
	mnl_socket_close(nl);
	return (double)(load_now() - start) / CHANGES;
}

static double replace_at_once(uint32_t first, uint32_t n, uint32_t link,
			      const uint32_t *gateways)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);
	static char buf[CHANGES * 64];
	uint64_t start;
	size_t len = 0;

	for (int i = 0; i < CHANGES; i++)
		len += put_route(buf + len, first + next_random() % n, link,
				 gateways[i % 2], NLM_F_REPLACE |
				 (i + 1 < CHANGES ? 0 : NLM_F_ACK))->nlmsg_len;
	start = load_now();
	if (mnl_socket_sendto(nl, buf, len) < 0)
		err(1, "route");
	await_ack(nl);
	start = load_now() - start;
	mnl_socket_close(nl);
	return (double)start / CHANGES;
}

static int with_routes(int argc, char **argv)
{
	uint32_t first = load_address(argv[2]), n = load_number(argv[3]);
	uint32_t link = if_nametoindex(argv[4]);
	uint32_t gateways[2] = { load_address(argv[5]) };

	if (argc == 6) {
		printf("%.1f\n", add_routes(first, n, link, gateways[0]));
		return 0;
	}
	gateways[1] = load_address(argv[6]);
	printf("%.1f\n", replace_routes(first, n, link, gateways));
	printf("%.1f\n", replace_at_once(first, n, link, gateways));
	return 0;
}

/* ---- entries ---- */

static int with_entries(struct genl *genl, char **argv)
{
	uint32_t first = load_address(argv[2]), n = load_number(argv[3]);
	uint32_t link = if_nametoindex(argv[4]);
	struct mmp_entry *entries;
	uint64_t start, before;

	if (!strncmp(argv[1], "keep-", 5)) {
		keep = true;
		argv[1] += 5;
	}
	if (!strcmp(argv[1], "change")) {
		printf("%.1f\n", change_entries(genl, first, n, link, argv + 5));
		if (keep)
			return 0;
		printf("%.1f\n", change_at_once(genl, first, n, link, argv + 5));
		return 0;
	}
	entries = make_entries(first, n, link, argv[5]);
	configure(genl, link, TIMEOUT);
	if (!strcmp(argv[1], "entries")) {
		start = load_now();
		set_entries(genl, entries, n);
		printf("%.1f\n", (double)(load_now() - start) / n);
	} else {
		before = spin();
		configure(genl, link, SHORT);
		set_entries(genl, entries, n);
		printf("%.1f\n", WINDOW * 1e6 *
		       (1 - (double)spin() / (double)before) / n);
		configure(genl, link, TIMEOUT);
	}
	free(entries);
	return 0;
}

int main(int argc, char **argv)
{
	struct genl *genl;
	char *error;
	int status;

	if (argc > 5 && (!strcmp(argv[1], "routes") || !strcmp(argv[1], "replace")))
		return with_routes(argc, argv);
	genl = mmp_open(&error);
	if (!genl)
		errx(1, "%s", error);
	if (argc == 2 && !strcmp(argv[1], "flush")) {
		if (mmp_route_flush(genl, NULL) || mmp_links_set(genl, NULL, 0))
			errx(1, "%s", genl_error(genl));
		status = 0;
	} else if (argc < 6) {
		errx(2, "usage: load-mmp [keep-]entries|routes|[keep-]change|replace|expiry FROM N LINK NEIGHBOUR [OTHER] | flush");
	} else {
		status = with_entries(genl, argv);
	}
	genl_close(genl);
	return status;
}
