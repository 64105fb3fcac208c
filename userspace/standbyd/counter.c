// SPDX-License-Identifier: GPL-2.0-or-later
/* The counter of what this host sends, above all it ever sent (OPEN-29, OPEN-42). */
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
