// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/daemon.h"
#include "io/log.h"
#include "standbyd/standby.h"

#define RESERVE (UINT64_C(1) << 42)	/* more messages than a daemon's life has */
#define PROBE_EVERY 20		/* ms */
#define PROOF_WITHIN 1000	/* ms */
#define PEER_FORGET 3600000	/* ms of silence after which a place is free */

/* ---- the own counter (OPEN-29, OPEN-42) ---- */

/* The new file stands beside the old one until it is complete on the disk. */
static char *write_counter(const char *path, uint64_t counter)
{
	char *temporary = daemon_error("%s.new", path), *error = NULL;
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char text[32];
	int len = snprintf(text, sizeof(text), "%llu\n",
			   (unsigned long long)counter);

	if (fd < 0 || write(fd, text, len) != len || fsync(fd) ||
	    rename(temporary, path))
		error = daemon_error("cannot keep the counter of messages in %s: %s; give it a folder that lasts by the option state",
				     path, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(temporary);
	return error;
}

static uint64_t read_counter(const char *path)
{
	FILE *f = fopen(path, "re");
	unsigned long long counter = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%llu", &counter) != 1)
		counter = 0;
	fclose(f);
	return counter;
}

/* If the file is lost the wall clock is above it, unless that was set back. */
char *counter_open(struct standbyd *d)
{
	uint64_t kept = read_counter(d->config->state);
	uint64_t wall = daemon_wallclock() / 1000;
	char *error;

	d->counter = kept > wall ? kept : wall;
	error = write_counter(d->config->state, d->counter + RESERVE);
	d->reserved = d->counter + RESERVE;
	return error;
}

uint64_t counter_next(struct standbyd *d)
{
	/* The last one is the watcher's. */
	if (d->counter + 1 >= d->reserved) {
		char *error = write_counter(d->config->state,
					    d->reserved + RESERVE);

		if (error) {
			log_error("%s; nothing is sent until then", error);
			free(error);
			return 0;
		}
		d->counter = d->reserved;
		d->reserved += RESERVE;
	}
	return ++d->counter;
}

uint64_t counter_last(struct standbyd *d)
{
	return d->reserved;
}

/* ---- others ---- */

const struct peer *peer_find(const struct link *link,
			     const struct roam_addr *addr, uint32_t key_id)
{
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (link->peers[i].key_id == key_id &&
		    roam_addr_eq(&link->peers[i].addr, addr))
			return &link->peers[i];
	return NULL;
}

static struct peer *peer_add(struct link *link, const struct hsrp_msg *msg,
			     msec_t now)
{
	for (size_t i = 0; i < PEERS_MAX; i++) {
		struct peer *peer = &link->peers[i];

		if (!roam_addr_is_none(&peer->addr) &&
		    now - peer->heard < PEER_FORGET)
			continue;
		*peer = (struct peer){
			.addr = msg->sender, .key_id = msg->key_id,
			.heard = now, .probed = now - PROBE_EVERY,
		};
		return peer;
	}
	return NULL;
}

enum hsrp_drop peer_judge(struct group *group, const struct hsrp_msg *msg,
			  msec_t now, uint64_t *nonce)
{
	struct peer *peer = (struct peer *)peer_find(group->link, &msg->sender,
						     msg->key_id);

	*nonce = 0;
	if (!peer)
		peer = peer_add(group->link, msg, now);
	if (!peer)
		return HSRP_DROP_LIMIT;
	if (msg->op == HSRP_PROOF) {
		if (!peer->nonce || msg->nonce != peer->nonce ||
		    now - peer->asked > PROOF_WITHIN ||
		    (peer->proved && msg->counter <= peer->counter))
			return HSRP_DROP_REPLAY;
		peer->nonce = 0;
		peer->proved = true;
		peer->counter = msg->counter;
		peer->heard = now;
		return HSRP_DROP_NONE;
	}
	if (!peer->proved) {
		if (now - peer->probed >= PROBE_EVERY) {
			/* The same one as long as its proof may be on its way. */
			while (!peer->nonce ||
			       now - peer->asked > PROOF_WITHIN) {
				peer->nonce = daemon_random();
				peer->asked = now;
			}
			peer->probed = now;
			*nonce = peer->nonce;
		}
		/*
		 * Whoever probes hears us and says nothing else, maybe: it is
		 * probed now, so that its first Coup will count.
		 */
		return msg->op == HSRP_PROBE ? HSRP_DROP_NONE :
					       HSRP_DROP_UNPROVED;
	}
	if (msg->counter <= peer->counter)
		return HSRP_DROP_REPLAY;
	peer->counter = msg->counter;
	peer->heard = now;
	return HSRP_DROP_NONE;
}
