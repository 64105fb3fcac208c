// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A small file. A node has a line for each gateway: "gateway ADDRESS EPOCH NUMBER";
 * a host one for its sequence and its base station: "host SEQUENCE LINK MAC DOMAIN
 * GATEWAY". It is written anew as a whole and put in place of the old one, so that a
 * crash leaves one of the two. A gateway's own epoch is on disk before anybody
 * hears of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/daemon.h"
#include "io/log.h"
#include "mmpd/mmpd.h"

struct line {
	struct roam_addr gateway;
	uint32_t epoch;
	uint32_t seq;
};

static struct line lines[2 * MMP_GATEWAYS_MAX];
static size_t n_lines;
static struct mmp_host_memory memory;

static void load_host(struct mmpd *mmpd, const char *text)
{
	uint8_t *mac = memory.station.mac;
	char addr[ROAM_ADDR_STRLEN];

	memset(&memory, 0, sizeof(memory));
	if (sscanf(text,
		   "host %" SCNu64 " %" SCNu32 " %2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx %" SCNu32 " %45s",
		   &memory.seq, &memory.station.link, &mac[0], &mac[1], &mac[2],
		   &mac[3], &mac[4], &mac[5], &memory.domain, addr) == 10 &&
	    roam_addr_parse(addr, &memory.gateway))
		mmp_host_remember(mmpd->host, daemon_now(), &memory);
}

static void load_line(struct mmpd *mmpd, const char *text)
{
	char addr[ROAM_ADDR_STRLEN];
	struct line line;

	if (mmpd->host) {
		load_host(mmpd, text);
		return;
	}
	if (sscanf(text, "gateway %45s %" SCNu32 " %" SCNu32, addr,
		   &line.epoch, &line.seq) != 3 ||
	    !roam_addr_parse(addr, &line.gateway) ||
	    n_lines == sizeof(lines) / sizeof(lines[0]))
		return;
	lines[n_lines++] = line;
	mmp_node_remember(mmpd->node, &line.gateway, line.epoch, line.seq);
}

void state_load(struct mmpd *mmpd)
{
	FILE *file = fopen(mmpd->config->state, "r");
	char text[256];

	n_lines = 0;
	if (!file) {
		if (errno != ENOENT)
			log_warning("file=%s cannot be read: %s; messages captured before this start are refused a moment later",
				    mmpd->config->state, strerror(errno));
		return;
	}
	while (fgets(text, sizeof(text), file))
		load_line(mmpd, text);
	fclose(file);
}

static bool write_host(FILE *file)
{
	char addr[ROAM_ADDR_STRLEN], mac[18];

	return fprintf(file, "host %" PRIu64 " %" PRIu32 " %s %" PRIu32 " %s\n",
		       memory.seq, memory.station.link,
		       mac_format(memory.station.mac, mac), memory.domain,
		       roam_addr_format(&memory.gateway, addr)) > 0;
}

static bool write_all(const char *path, bool durable)
{
	char addr[ROAM_ADDR_STRLEN];
	FILE *file = fopen(path, "w");
	bool ok = file;

	if (!file)
		return false;
	for (size_t i = 0; i < n_lines; i++)
		ok &= fprintf(file, "gateway %s %" PRIu32 " %" PRIu32 "\n",
			      roam_addr_format(&lines[i].gateway, addr),
			      lines[i].epoch, lines[i].seq) > 0;
	if (memory.seq)
		ok &= write_host(file);
	ok &= !fflush(file) && (!durable || !fsync(fileno(file)));
	return !fclose(file) && ok;
}

static void save(struct mmpd *mmpd, bool durable)
{
	char *path = daemon_error("%s.new", mmpd->config->state);

	if (!write_all(path, durable) || rename(path, mmpd->config->state))
		log_error("file=%s cannot be written: %s; after a restart old messages may be believed for a moment",
			  mmpd->config->state, strerror(errno));
	free(path);
}

void state_save_host(struct mmpd *mmpd, const struct mmp_host_memory *saved)
{
	/* A handoff does not wait for the disk: where the host is can be found out. */
	bool durable = saved->seq != memory.seq;

	memory = *saved;
	save(mmpd, durable);
}

void state_save_gateway(struct mmpd *mmpd, const struct roam_addr *gateway,
			uint32_t epoch, uint32_t seq)
{
	size_t i = 0;

	while (i < n_lines && !roam_addr_eq(&lines[i].gateway, gateway))
		i++;
	/* The one remembered for longest makes room. */
	if (i == sizeof(lines) / sizeof(lines[0])) {
		memmove(lines, lines + 1, sizeof(lines) - sizeof(lines[0]));
		i--;
	} else if (i == n_lines) {
		n_lines++;
	}
	lines[i] = (struct line){ *gateway, epoch, seq };
	save(mmpd, true);
}
