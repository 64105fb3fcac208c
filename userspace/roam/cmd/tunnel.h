/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in roam_tunnel, as lists and as JSON, for every command. */
#ifndef ROAM_CMD_TUNNEL_H
#define ROAM_CMD_TUNNEL_H

#include <jansson.h>
#include <stdbool.h>

#include "genl/tunnel.h"
#include "roam/list.h"

struct explanation;

/* Words for enum roam_tunnel_encap and enum roam_tunnel_reverse. */
extern const char *const tunnel_encap_names[4];
extern const char *const tunnel_reverse_names[3];

/*
 * The tables as lists of struct tunnel_binding and struct tunnel_visitor in order of
 * their addresses, counters as JSON. On success the result is the caller's to
 * free. 0, or negative errno with genl_error().
 */
int tunnel_read_bindings(struct genl *genl, struct list *list,
			 bool *interrupted);
int tunnel_read_visitors(struct genl *genl, struct list *list,
			 bool *interrupted);
int tunnel_read_stats(struct genl *genl, json_t **object);

/* The first @max of a list. */
json_t *tunnel_json_bindings(const struct list *list, size_t max);
json_t *tunnel_json_visitors(const struct list *list, size_t max);
json_t *tunnel_json_config(const struct tunnel_config *config);
/* The first home addresses there are, for completion. */
json_t *tunnel_complete_homes(void);
json_t *tunnel_complete_visitors(void);
/* For struct module_entry (roam/registry.h). */
json_t *tunnel_json_event(const struct nlmsghdr *nlh);
void tunnel_report(struct genl *genl, json_t *report, size_t rows);
void tunnel_explain(struct explanation *e);

/* Has the module a binding or an own end with this home address (TEN-28)? */
bool tunnel_serves(const struct roam_addr *addr);

#endif
