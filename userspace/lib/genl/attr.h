/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the typed clients of the modules' families share: reading attributes, bulk
 * requests, dumps, counters.
 */
#ifndef ROAM_GENL_ATTR_H
#define ROAM_GENL_ATTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "genl/genl.h"

/** struct attrs - attributes of one nest by type; NULL where absent */
struct attrs {
	const struct nlattr *a[32];
};

void attrs_read_message(struct attrs *attrs, const struct nlmsghdr *nlh);
void attrs_read_nest(struct attrs *attrs, const struct nlattr *nest);

/* These give 0 for an absent or short attribute. */
uint8_t attrs_u8(const struct attrs *attrs, int type);
uint16_t attrs_u16(const struct attrs *attrs, int type);
uint32_t attrs_u32(const struct attrs *attrs, int type);
uint64_t attrs_u64(const struct attrs *attrs, int type);

/* An IPv4 address; all zero if absent. */
struct roam_addr attrs_addr4(const struct attrs *attrs, int type);
/* An address in one of two attributes, all zero for neither. */
struct roam_addr attrs_addr(const struct attrs *attrs, int type4, int type6);

void attr_put_addr4(struct nlmsghdr *nlh, uint16_t type,
		    const struct roam_addr *addr);
void attr_put_addr(struct nlmsghdr *nlh, uint16_t type4, uint16_t type6,
		   const struct roam_addr *addr);

/* Writes entry @i of @entries into the request. */
typedef void (*attr_put_fn)(struct nlmsghdr *nlh, const void *entries, size_t i);

/**
 * struct genl_bulk - a request of many entries
 * @cmd: command
 * @flag: attribute without a value that goes with each message, 0 for none
 * @applied: attribute of the answer: how many took effect, 32 bits
 * @entry_max: no entry is longer
 * @put: writes one
 */
struct genl_bulk {
	uint8_t cmd;
	uint16_t flag;
	uint16_t applied;
	size_t entry_max;
	attr_put_fn put;
};

/*
 * Sends @n entries in as few messages as possible. The entry at index *@applied (may
 * be NULL) is the one that failed.
 */
int genl_send_bulk(struct genl *genl, const struct genl_bulk *bulk,
		   const void *entries, size_t n, size_t *applied);
/* A request for all there are, named by the attribute @all. */
int genl_send_all(struct genl *genl, uint8_t cmd, uint16_t all,
		  uint16_t applied_attr, size_t *applied);

/** struct genl_counter - a counter in a nest: its name, attribute, and if 64 bits */
struct genl_counter {
	const char *name;
	uint8_t type;
	bool wide;
};

/**
 * genl_get_counters() - read all counters of a family
 * @cmd: command that asks for them
 * @nest: the attribute they are in
 * @counters: which
 * @n: how many
 * @fn: called for each
 */
int genl_get_counters(struct genl *genl, uint8_t cmd, uint16_t nest,
		      const struct genl_counter *counters, size_t n,
		      void (*fn)(void *ctx, const char *name, uint64_t value),
		      void *ctx);

#endif
