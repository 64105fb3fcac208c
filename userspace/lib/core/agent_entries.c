// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/agent_entries.h"

#include <string.h>

#include "wire/bytes.h"

#define N_MASK 0x0f
#define HAS_LAST 0x10
#define HAS_NONCE 0x20
#define ENCAP_MASK 0x07
#define HAS_SOURCE 0x08
#define NAMED 0x80
#define VISITOR_FIXED 42
#define LEASE_FIXED 5
#define QUIET 0x01
#define QUIET_MAX 86400		/* s that an address rests at most */
#define INFINITE UINT32_MAX

size_t agent_key(enum agent_entry type, const struct roam_addr *home,
		 uint64_t id, uint8_t key[AGENT_KEY_MAX])
{
	uint8_t *p = mip_put_addr(key, home);

	if (type == AGENT_PENDING)
		p = bytes_put(p, (uint32_t)id, 4);
	return (size_t)(p - key);
}

bool agent_key_read(enum agent_entry type, const uint8_t *key, size_t len,
		    struct roam_addr *home, uint32_t *id)
{
	if (len != (type == AGENT_PENDING ? 8 : 4))
		return false;
	*home = mip_get_addr(key);
	*id = type == AGENT_PENDING ? (uint32_t)bytes_get(key + 4, 4) : 0;
	return roam_addr_is_usable(home);
}

/* ---- what is left ---- */

static uint8_t *put_left(uint8_t *p, msec_t end, msec_t now)
{
	msec_t left = end == MSEC_NEVER ? INFINITE : max_time(end - now, 0);

	return bytes_put(p, (uint64_t)min_time(left, INFINITE), 4);
}

/* Seconds @granted bound it; MIP_LIFETIME_INFINITE allows all. */
static msec_t get_left(const uint8_t *p, msec_t now, uint16_t granted)
{
	uint32_t left = (uint32_t)bytes_get(p, 4);

	if (granted == MIP_LIFETIME_INFINITE)
		return left == INFINITE ? MSEC_NEVER : now + left;
	return now + min_time(left, (msec_t)granted * 1000);
}

/* ---- bindings ---- */

static uint8_t *put_binding(uint8_t *p, const struct ha_binding *b)
{
	bool source = !roam_addr_eq(&b->source, &b->coa);

	*p++ = b->encap | (source ? HAS_SOURCE : 0);
	p = mip_put_addr(p, &b->coa);
	if (source)
		p = mip_put_addr(p, &b->source);
	p = bytes_put(p, b->id, 8);
	p = bytes_put(p, b->spi, 4);
	p = bytes_put(p, b->lifetime, 2);
	p = bytes_put(p, b->port, 2);
	return bytes_put(p, b->flags, 1);
}

size_t agent_binding_encode(const struct ha_state *state, msec_t now,
			    uint8_t buf[AGENT_BINDING_MAX], size_t *digested)
{
	bool last = !state->n || state->last != state->bindings[0].id;
	uint8_t *p = buf;

	*p++ = (uint8_t)(state->n | (last ? HAS_LAST : 0) |
			 (state->nonce ? HAS_NONCE : 0));
	p = mip_put_addr(p, &state->agent);
	if (last)
		p = bytes_put(p, state->last, 8);
	if (state->nonce)
		p = bytes_put(p, state->nonce, 4);
	for (unsigned int i = 0; i < state->n; i++)
		p = put_binding(p, &state->bindings[i]);
	*digested = (size_t)(p - buf);
	for (unsigned int i = 0; i < state->n; i++)
		p = put_left(p, state->bindings[i].expires, now);
	p = put_left(p, state->kept, now);
	return (size_t)(p - buf);
}

/* NULL where it ends too early or is none. */
static const uint8_t *get_binding(const uint8_t *p, const uint8_t *end,
				  struct ha_binding *b)
{
	size_t len = 22;

	if (p >= end)
		return NULL;
	len += *p & HAS_SOURCE ? 4 : 0;
	if ((size_t)(end - p) < len || *p & ~(ENCAP_MASK | HAS_SOURCE))
		return NULL;
	b->encap = *p & ENCAP_MASK;
	b->coa = mip_get_addr(p + 1);
	b->source = b->coa;
	if (*p & HAS_SOURCE) {
		b->source = mip_get_addr(p + 5);
		p += 4;
	}
	b->id = bytes_get(p + 5, 8);
	b->spi = (uint32_t)bytes_get(p + 13, 4);
	b->lifetime = (uint16_t)bytes_get(p + 17, 2);
	b->port = (uint16_t)bytes_get(p + 19, 2);
	b->flags = p[21];
	return b->encap <= HA_ENCAP_UDP && roam_addr_is_usable(&b->coa) &&
	       roam_addr_is_usable(&b->source) ? p + 22 : NULL;
}

bool agent_binding_decode(const uint8_t *buf, size_t len, msec_t now,
			  struct ha_state *state)
{
	const uint8_t *p = buf + 5, *end = buf + len;
	struct roam_addr home = state->home;
	size_t fixed = 5;

	memset(state, 0, sizeof(*state));
	state->home = home;
	if (!len || buf[0] & ~(N_MASK | HAS_LAST | HAS_NONCE))
		return false;
	state->n = buf[0] & N_MASK;
	fixed += buf[0] & HAS_LAST ? 8 : 0;
	fixed += buf[0] & HAS_NONCE ? 4 : 0;
	if (state->n > HA_BINDINGS_MAX || len < fixed ||
	    (!state->n && !(buf[0] & HAS_LAST)))
		return false;
	state->agent = mip_get_addr(buf + 1);
	if (buf[0] & HAS_LAST) {
		state->last = bytes_get(p, 8);
		p += 8;
	}
	if (buf[0] & HAS_NONCE) {
		state->nonce = (uint32_t)bytes_get(p, 4);
		p += 4;
	}
	for (unsigned int i = 0; p && i < state->n; i++)
		p = get_binding(p, end, &state->bindings[i]);
	if (!p || (size_t)(end - p) != 4 * (state->n + 1))
		return false;
	if (!(buf[0] & HAS_LAST))
		state->last = state->bindings[0].id;
	for (unsigned int i = 0; i < state->n; i++, p += 4)
		state->bindings[i].expires =
			get_left(p, now, state->bindings[i].lifetime);
	state->kept = get_left(p, now, MIP_LIFETIME_INFINITE - 1);
	return true;
}

/* ---- names ---- */

static uint8_t *put_names(uint8_t *p, uint8_t nai_len, uint8_t sub_len,
			  const uint8_t *names)
{
	*p++ = nai_len;
	*p++ = sub_len;
	memcpy(p, names, (size_t)nai_len + sub_len);
	return p + nai_len + sub_len;
}

/* NULL where they end too early or are none; a sub-NAI is of a NAI. */
static const uint8_t *get_names(const uint8_t *p, const uint8_t *end,
				uint8_t *nai_len, uint8_t *sub_len,
				uint8_t names[LEASE_NAMES_MAX])
{
	if (end - p < 2 || end - p < 2 + p[0] + p[1])
		return NULL;
	*nai_len = *p++;
	*sub_len = *p++;
	if (*nai_len ? !mip_nai_is_valid(p, *nai_len) : *sub_len)
		return NULL;
	if (*sub_len && !mip_sub_nai_is_valid(p + *nai_len, *sub_len))
		return NULL;
	memcpy(names, p, (size_t)*nai_len + *sub_len);
	return p + *nai_len + *sub_len;
}

/* ---- visitors ---- */

size_t agent_visitor_encode(const struct fa_visitor *v, msec_t now,
			    uint8_t buf[AGENT_VISITOR_MAX], size_t *digested)
{
	uint8_t *p = buf;

	p = mip_put_addr(p, &v->source);
	p = mip_put_addr(p, &v->to);
	p = mip_put_addr(p, &v->coa);
	p = mip_put_addr(p, &v->agent);
	p = bytes_put(p, v->id, 8);
	p = bytes_put(p, v->spi, 4);
	p = bytes_put(p, v->requested, 2);
	p = bytes_put(p, v->lifetime, 2);
	p = bytes_put(p, v->port, 2);
	p = bytes_put(p, v->flags, 1);
	p = bytes_put(p, v->reverse | (v->named ? NAMED : 0), 1);
	memcpy(p, v->mac, FA_MAC_LEN);
	p = put_names(p + FA_MAC_LEN, v->nai_len, v->sub_len, v->names);
	*digested = (size_t)(p - buf);
	p = put_left(p, v->expires, now);
	return (size_t)(p - buf);
}

bool agent_visitor_decode(const uint8_t *buf, size_t len, msec_t now,
			  struct fa_visitor *v)
{
	const uint8_t *p, *end = buf + len;
	struct roam_addr home = v->home;

	memset(v, 0, sizeof(*v));
	v->home = home;
	if (len < VISITOR_FIXED)
		return false;
	v->source = mip_get_addr(buf);
	v->to = mip_get_addr(buf + 4);
	v->coa = mip_get_addr(buf + 8);
	v->agent = mip_get_addr(buf + 12);
	v->id = bytes_get(buf + 16, 8);
	v->spi = (uint32_t)bytes_get(buf + 24, 4);
	v->requested = (uint16_t)bytes_get(buf + 28, 2);
	v->lifetime = (uint16_t)bytes_get(buf + 30, 2);
	v->port = (uint16_t)bytes_get(buf + 32, 2);
	v->flags = buf[34];
	v->reverse = buf[35] & ~NAMED;
	v->named = buf[35] & NAMED;
	memcpy(v->mac, buf + 36, FA_MAC_LEN);
	p = get_names(buf + VISITOR_FIXED, end, &v->nai_len, &v->sub_len, v->names);
	if (!p || end - p != 4)
		return false;
	/* A pending request has none yet, and ends soon in any case. */
	v->expires = get_left(p, now, v->lifetime ? v->lifetime : 60);
	return v->reverse <= FA_REVERSE_ENCAPSULATING &&
	       roam_addr_is_usable(&v->agent);
}

/* ---- leases ---- */

size_t agent_lease_encode(const struct lease *lease, msec_t now,
			  uint8_t buf[AGENT_LEASE_MAX], size_t *digested)
{
	uint8_t *p = buf;

	*p++ = lease->until == MSEC_NEVER ? 0 : QUIET;
	p = mip_put_addr(p, &lease->agent);
	p = put_names(p, lease->nai_len, lease->sub_len, lease->names);
	*digested = (size_t)(p - buf);
	p = put_left(p, lease->until, now);
	return (size_t)(p - buf);
}

bool agent_lease_decode(const uint8_t *buf, size_t len, msec_t now,
			struct lease *lease)
{
	const uint8_t *p, *end = buf + len;
	struct roam_addr addr = lease->addr;

	memset(lease, 0, sizeof(*lease));
	lease->addr = addr;
	if (len < LEASE_FIXED || buf[0] & ~QUIET)
		return false;
	lease->agent = mip_get_addr(buf + 1);
	p = get_names(buf + LEASE_FIXED, end, &lease->nai_len, &lease->sub_len,
		      lease->names);
	if (!p || end - p != 4 || !lease->nai_len)
		return false;
	lease->until = MSEC_NEVER;
	if (buf[0] & QUIET)
		lease->until = now + min_time((msec_t)bytes_get(p, 4),
					      (msec_t)QUIET_MAX * 1000);
	return true;
}
