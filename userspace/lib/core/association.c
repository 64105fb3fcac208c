// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/association.h"

#include <string.h>

#define NTP_EPOCH 2208988800ULL		/* 1970 in seconds since 1900 */
#define NSEC_PER_SEC 1000000000ULL

const struct sa *sa_find(const struct sa_set *set, uint32_t spi)
{
	unsigned int i;

	for (i = 0; i < set->n; i++)
		if (set->items[i].spi == spi)
			return &set->items[i];
	return NULL;
}

enum sa_result sa_check(const struct sa_set *set, const struct mip_msg *msg,
			uint8_t type, const struct sa **sa,
			const struct mip_extension **e)
{
	const struct sa *found;
	size_t mac_len, covered;
	const uint8_t *mac;
	uint32_t spi;

	*sa = NULL;
	*e = mip_find(msg, type, NULL);
	if (!*e || !mip_get_auth(*e, &spi, &mac, &mac_len, &covered))
		return SA_MISSING;
	if (mip_find(msg, type, *e))
		return SA_DOUBLE;
	found = sa_find(set, spi);
	if (!found)
		return SA_UNKNOWN;
	if (!auth_mac_verify(found->key, found->algorithm, msg->buf, covered,
			     mac, mac_len))
		return SA_WRONG;
	*sa = found;
	return SA_VALID;
}

void sa_sign(const struct sa *sa, struct mip_writer *w, uint8_t type)
{
	size_t len = auth_algorithm_len(sa->algorithm);
	uint8_t mac[AUTH_MAC_MAX];
	uint8_t *at;

	at = mip_put_auth(w, type, sa->spi, len);
	if (!at)
		return;
	if (!auth_mac(sa->key, sa->algorithm, w->buf, w->len - len, mac)) {
		/* a key without its secret: what cannot be signed is not sent */
		w->full = true;
		return;
	}
	memcpy(at, mac, len);
}

uint64_t sa_timestamp(uint64_t wall)
{
	uint64_t seconds = wall / NSEC_PER_SEC + NTP_EPOCH;
	uint64_t fraction = ((wall % NSEC_PER_SEC) << 32) / NSEC_PER_SEC;

	return seconds << 32 | fraction;
}

uint64_t sa_clock_distance(uint64_t id, uint64_t wall)
{
	uint64_t now = sa_timestamp(wall);
	uint64_t distance = id > now ? id - now : now - id;

	return (distance >> 32) * 1000 +
	       ((distance & UINT32_MAX) * 1000 >> 32);
}
