// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/rows.h"

#include <inttypes.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/bytes.h"

void set_row_id(const char *name, uint8_t id[SET_ID_LEN])
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, strlen(name), (const uint8_t *)name);
	sha256_digest(&ctx, SET_ID_LEN, id);
}

size_t set_row_encode(const struct set_row *row, uint8_t *key, uint8_t *value)
{
	memcpy(key, row->set, SET_ID_LEN);
	memcpy(key + SET_ID_LEN, row->key, row->key_len);
	bytes_put(bytes_put(value, row->timeout, 8), row->left, 8);
	return SET_ID_LEN + row->key_len;
}

bool set_row_decode(const uint8_t *key, size_t key_len, const uint8_t *value,
		    size_t len, struct set_row *row)
{
	if (key_len <= SET_ID_LEN || key_len > SET_ID_LEN + SET_KEY_MAX ||
	    len != SET_VALUE_LEN)
		return false;
	memcpy(row->set, key, SET_ID_LEN);
	row->key_len = key_len - SET_ID_LEN;
	memcpy(row->key, key + SET_ID_LEN, row->key_len);
	row->timeout = bytes_get(value, 8);
	row->left = bytes_get(value + 8, 8);
	return row->timeout <= SET_TIMEOUT_MAX && row->left <= SET_TIMEOUT_MAX;
}

/* What a lease file has in a line is not what ends one. */
static bool is_text(const char *text)
{
	int words = 1;

	for (const char *p = text; *p; p++) {
		if (*p == ' ') {
			words++;
			if (p == text || p[1] == ' ' || !p[1])
				return false;
		} else if (*p < 0x21 || *p > 0x7e) {
			return false;
		}
	}
	return *text && words == 3;
}

size_t lease_row_encode(const struct lease_row *row, uint8_t *key,
			uint8_t *value)
{
	size_t len = strlen(row->text);
	uint8_t *p = bytes_put(value, row->expiry, 4);

	memcpy(key, row->addr.b, LEASE_KEY_LEN);
	memcpy(p, row->text, len);
	return (size_t)(bytes_put(p + len, row->left, 4) - value);
}

bool lease_row_decode(const uint8_t *key, size_t key_len, const uint8_t *value,
		      size_t len, struct lease_row *row)
{
	if (key_len != LEASE_KEY_LEN || len < 4 + LEASE_TAIL ||
	    len > LEASE_VALUE_MAX)
		return false;
	memcpy(row->addr.b, key, LEASE_KEY_LEN);
	row->expiry = (uint32_t)bytes_get(value, 4);
	len -= 4 + LEASE_TAIL;
	memcpy(row->text, value + 4, len);
	row->text[len] = 0;
	row->left = (uint32_t)bytes_get(value + 4 + len, 4);
	return strlen(row->text) == len && is_text(row->text) &&
	       (row->left == LEASE_INFINITE) == !row->expiry &&
	       roam_addr_is_v4(&row->addr) && roam_addr_is_usable(&row->addr);
}

bool lease_row_parse(const char *line, uint64_t now, struct lease_row *row)
{
	char mac[64], addr[64];
	uint64_t expiry;
	int end = 0;

	if (strlen(line) >= LEASE_TEXT_MAX - 64 ||
	    sscanf(line, "%" SCNu64 " %63s %63s %n", &expiry, mac, addr, &end) != 3 ||
	    !end || expiry > UINT32_MAX || !roam_addr_parse(addr, &row->addr) ||
	    !roam_addr_is_v4(&row->addr) || !roam_addr_is_usable(&row->addr))
		return false;
	snprintf(row->text, sizeof(row->text), "%s %s", mac, line + end);
	row->expiry = (uint32_t)expiry;
	row->left = !expiry ? LEASE_INFINITE :
		    expiry <= now ? 0 :
		    expiry - now < LEASE_INFINITE ? (uint32_t)(expiry - now) :
						    LEASE_INFINITE - 1;
	return is_text(row->text);
}

static bool is_host4(const struct roam_addr *addr)
{
	return roam_addr_is_v4(addr) && roam_addr_is_usable(addr);
}

bool gtp_row_is_valid(const struct gtp_row *row)
{
	if (!is_host4(&row->station) || !is_host4(&row->peer))
		return false;
	if (row->version == 0)
		return row->out <= UINT16_MAX;
	return row->version == 1 && row->tunnel && row->tunnel <= UINT32_MAX &&
	       row->out;
}

void gtp_row_encode(const struct gtp_row *row, uint8_t *key, uint8_t *value)
{
	memcpy(key, row->device, SET_ID_LEN);
	key[SET_ID_LEN] = row->version;
	bytes_put(key + SET_ID_LEN + 1, row->tunnel, 8);
	memcpy(value, row->station.b, 16);
	memcpy(value + 16, row->peer.b, 16);
	bytes_put(value + 32, row->out, 4);
}

bool gtp_row_decode(const uint8_t *key, size_t key_len, const uint8_t *value,
		    size_t len, struct gtp_row *row)
{
	if (key_len != GTP_KEY_LEN || len != GTP_VALUE_LEN)
		return false;
	memcpy(row->device, key, SET_ID_LEN);
	row->version = key[SET_ID_LEN];
	row->tunnel = bytes_get(key + SET_ID_LEN + 1, 8);
	memcpy(row->station.b, value, 16);
	memcpy(row->peer.b, value + 16, 16);
	row->out = (uint32_t)bytes_get(value + 32, 4);
	return gtp_row_is_valid(row);
}
