/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bindings and visitors on disk: what store_commit() accepted survives a kill and
 * a power cut (store/log.h). Times there are wall clock.
 */
#ifndef ROAM_AGENTD_STORE_H
#define ROAM_AGENTD_STORE_H

#include "core/foreign_agent.h"
#include "core/home_agent.h"

struct store;

/* NULL with *error, caller frees. */
struct store *store_open(const char *path, char **error);
void store_close(struct store *store);
/*
 * Puts all of it into the tables. What a clock that went back makes of a lifetime
 * is bounded by what was granted. NULL, or a sentence that the caller frees.
 */
char *store_load(struct store *store, struct ha *ha, struct fa *fa, msec_t now,
		 uint64_t wall);
/* Makes a batch durable, all or none: NULL, or a sentence. */
char *store_commit(struct store *store, struct ha *ha, struct fa *fa,
		   const struct ha_changes *nodes,
		   const struct fa_changes *visitors, msec_t now,
		   uint64_t wall);

#endif
