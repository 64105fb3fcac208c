// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/limit.h"

#include "base/table.h"

bool limit_allow(struct limit *limit, msec_t now,
		 const struct roam_addr *source, uint32_t *suppressed)
{
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

bool rate_limit_allow(struct rate_limit *limit, msec_t now, uint32_t rate,
		      const struct roam_addr *source)
{
	size_t len = roam_addr_is_v4(source) ? sizeof(source->b) : 8;
	int64_t *until, at = now * 1000;

	if (!rate)
		return true;
	until = &limit->until[table_hash(source->b, len) % RATE_SLOTS];
	if (*until < at)
		*until = at;
	if (*until - at >= 1000000)
		return false;
	*until += 1000000 / rate;
	return true;
}
