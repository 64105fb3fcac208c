/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How entries of roam_mangle look as JSON, for mangle, monitor and status. */
#ifndef ROAM_CMD_MANGLE_H
#define ROAM_CMD_MANGLE_H

#include <jansson.h>

#include "genl/mangle.h"

json_t *mangle_json_mapping(const struct mangle_mapping *m);
json_t *mangle_json_peer(const struct mangle_peer *p);
/* The counters as an object, or NULL: genl_error() says why. */
json_t *mangle_json_stats(struct genl *genl);

#endif
