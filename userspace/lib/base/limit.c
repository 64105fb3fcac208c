// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/limit.h"

#include "base/table.h"

/* An IPv6 /64 is one host's, who may use any address of it. */
static struct roam_addr source_of(const struct roam_addr *addr)
{
	struct roam_addr source = *addr;

	if (!roam_addr_is_v4(addr))
		for (size_t i = 8; i < sizeof(source.b); i++)
			source.b[i] = 0;
	return source;
}

bool limit_allow(struct limit *limit, msec_t now,
		 const struct roam_addr *addr, uint32_t *suppressed)
{
	struct roam_addr of = source_of(addr), *source = &of;
	uint32_t hash = 2166136261u;	/* FNV-1a; a forged source only shares a slot */

	for (size_t i = 0; i < sizeof(source->b); i++)
		hash = (hash ^ source->b[i]) * 16777619u;
	hash = (hash ^ hash >> 16) % LIMIT_SLOTS;

	if (now / 1000 != limit->second) {
		limit->second = now / 1000;
		limit->lines = 0;
	}
	if (!roam_addr_eq(&limit->slots[hash].source, source)) {
		limit->slots[hash].source = *source;
		limit->slots[hash].next = 0;
		limit->slots[hash].suppressed = 0;
	}
	if (now < limit->slots[hash].next || limit->lines >= LIMIT_TOTAL) {
		limit->slots[hash].suppressed++;
		return false;
	}
	limit->lines++;
	*suppressed = limit->slots[hash].suppressed;
	limit->slots[hash].suppressed = 0;
	limit->slots[hash].next = now + LIMIT_INTERVAL;
	return true;
}

bool line_limit_allow(struct line_limit *limit, msec_t now,
		      uint32_t *suppressed)
{
	*suppressed = 0;
	if (now / 1000 != limit->second) {
		if (limit->lines > LINE_LIMIT)
			*suppressed = limit->lines - LINE_LIMIT;
		limit->second = now / 1000;
		limit->lines = 0;
	}
	return limit->lines++ < LINE_LIMIT;
}

bool rate_limit_charge(struct rate_limit *limit, msec_t now, uint32_t rate,
		       const void *who, size_t len)
{
	int64_t *until, at = now * 1000;

	if (!rate)
		return true;
	until = &limit->until[table_hash(who, len) % RATE_SLOTS];
	if (*until < at)
		*until = at;
	if (*until - at >= 1000000)
		return false;
	*until += 1000000 / rate;
	return true;
}

bool rate_limit_allow(struct rate_limit *limit, msec_t now, uint32_t rate,
		      const struct roam_addr *source)
{
	struct roam_addr of = source_of(source);

	return rate_limit_charge(limit, now, rate, of.b, sizeof(of.b));
}
