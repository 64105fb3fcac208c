/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in roam_mangle, as lists and as JSON, for every command. */
#ifndef ROAM_CMD_MANGLE_H
#define ROAM_CMD_MANGLE_H

#include <jansson.h>
#include <stdbool.h>

#include "genl/mangle.h"
#include "roam/list.h"

/* Words for enum roam_mangle_mode and enum roam_mangle_hold_policy. */
extern const char *const mangle_mode_names[2];
extern const char *const mangle_policy_names[2];

/*
 * The tables as lists of struct mangle_mapping and struct mangle_peer in order
 * of their addresses, prefixes and counters as JSON. On success the result is
 * the caller's to free. 0, or negative errno with genl_error().
 */
int mangle_read_mappings(struct genl *genl, struct list *list,
			 bool *interrupted);
int mangle_read_peers(struct genl *genl, struct list *list, bool *interrupted);
int mangle_read_ranges(struct genl *genl, json_t **array);
int mangle_read_stats(struct genl *genl, json_t **object);

json_t *mangle_json_mapping(const struct mangle_mapping *m);
json_t *mangle_json_peer(const struct mangle_peer *p);
/* The first @max of a list. */
json_t *mangle_json_mappings(const struct list *list, size_t max);
json_t *mangle_json_peers(const struct list *list, size_t max);
/* The first permanent addresses there are, for completion. */
json_t *mangle_complete_perms(void);
json_t *mangle_json_config(const struct mangle_config *config);
/* For struct module_entry (roam/registry.h). */
json_t *mangle_json_event(const struct nlmsghdr *nlh);
void mangle_report(struct genl *genl, json_t *report, size_t rows);

#endif
