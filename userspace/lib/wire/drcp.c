// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire/drcp.h"

#include <string.h>

#include "wire/bytes.h"

/* Bytes behind the header, without those that count subnets. */
static const size_t body_len[] = {
	[DRCP_ADVERTISEMENT] = 8,
	[DRCP_SOLICITATION] = 8,
	[DRCP_REQUEST] = 44,
	[DRCP_ASSIGNMENT] = 120,
	[DRCP_RELEASE] = 24,
	[DRCP_DECLINE] = 24,
};

const char *drcp_drop_name(enum drcp_drop drop)
{
	static const char *const names[] = {
		[DRCP_DROP_NONE] = "none", [DRCP_DROP_LENGTH] = "length",
		[DRCP_DROP_VERSION] = "version", [DRCP_DROP_TYPE] = "type",
		[DRCP_DROP_RESERVED] = "reserved",
		[DRCP_DROP_ADDRESS] = "address", [DRCP_DROP_KEY] = "key",
		[DRCP_DROP_AUTH] = "auth", [DRCP_DROP_REPLAY] = "replay",
		[DRCP_DROP_SOURCE] = "source", [DRCP_DROP_SERVER] = "server",
		[DRCP_DROP_UNASKED] = "unasked", [DRCP_DROP_ROLE] = "role",
		[DRCP_DROP_LIMIT] = "limit",
	};

	return drop < DRCP_DROP_MAX ? names[drop] : "?";
}

const char *drcp_type_name(uint8_t type)
{
	static const char *const names[] = {
		[DRCP_ADVERTISEMENT] = "advertisement",
		[DRCP_SOLICITATION] = "solicitation",
		[DRCP_REQUEST] = "request", [DRCP_ASSIGNMENT] = "assignment",
		[DRCP_RELEASE] = "release", [DRCP_DECLINE] = "decline",
	};

	return type && type <= DRCP_DECLINE ? names[type] : "?";
}

const char *drcp_status_name(uint8_t status)
{
	static const char *const names[] = {
		[DRCP_OK] = "ok", [DRCP_EXHAUSTED] = "exhausted",
		[DRCP_NO_SUBNET] = "no-subnet", [DRCP_STALE] = "stale",
		[DRCP_LATER] = "later", [DRCP_RELEASED] = "released",
	};

	return status <= DRCP_RELEASED ? names[status] : "?";
}

/* ---- writing ---- */

static uint8_t *put_addr(uint8_t *p, const struct roam_addr *addr)
{
	memcpy(p, addr->b, 16);
	return p + 16;
}

static uint8_t *put_prefix(uint8_t *p, const struct roam_prefix *prefix)
{
	p = put_addr(p, &prefix->addr);
	p = bytes_put(p, prefix->len, 1);
	return bytes_put(p, 0, 3);
}

static uint8_t *put_client(uint8_t *p, const uint8_t client[6])
{
	memcpy(p, client, 6);
	return bytes_put(p + 6, 0, 2);
}

size_t drcp_encode(const struct drcp_msg *msg, uint8_t *buf)
{
	uint8_t *p = buf;

	p = bytes_put(p, DRCP_VERSION, 1);
	p = bytes_put(p, msg->type, 1);
	p = bytes_put(p, msg->type == DRCP_ASSIGNMENT ? msg->status : 0, 1);
	p = bytes_put(p, 0, 1);
	p = bytes_put(p, msg->key_id, 4);
	p = bytes_put(p, msg->server, 8);
	p = bytes_put(p, msg->epoch, 4);
	p = bytes_put(p, msg->seq, 4);
	p = bytes_put(p, msg->stamp, 8);
	switch (msg->type) {
	case DRCP_ADVERTISEMENT:
		p = bytes_put(p, msg->period, 4);
		p = bytes_put(p, msg->n_subnets, 1);
		p = bytes_put(p, 0, 3);
		for (size_t i = 0; i < msg->n_subnets; i++) {
			p = put_prefix(p, &msg->subnets[i].prefix);
			p = put_addr(p, &msg->subnets[i].router);
		}
		break;
	case DRCP_SOLICITATION:
		p = put_client(p, msg->client);
		break;
	case DRCP_REQUEST:
		p = put_client(p, msg->client);
		p = put_prefix(p, &msg->subnet);
		p = put_addr(p, &msg->addr);
		break;
	case DRCP_ASSIGNMENT:
		p = put_client(p, msg->client);
		p = put_prefix(p, &msg->subnet);
		p = put_addr(p, &msg->addr);
		p = bytes_put(p, msg->lease, 4);
		p = put_addr(p, &msg->router);
		p = put_addr(p, &msg->dns);
		p = bytes_put(p, msg->mmp_key, 4);
		p = bytes_put(p, 0, 4);
		memcpy(p, msg->sealed, DRCP_SEALED_LEN);
		p += DRCP_SEALED_LEN;
		break;
	default:
		p = put_client(p, msg->client);
		p = put_addr(p, &msg->addr);
	}
	return p - buf;
}

/* ---- reading ---- */

/**
 * struct reader - goes through a message of the right length
 * @p: next byte
 * @drop: the first thing that is wrong
 */
struct reader {
	const uint8_t *p;
	enum drcp_drop drop;
};

static void wrong(struct reader *r, enum drcp_drop drop)
{
	if (!r->drop)
		r->drop = drop;
}

static uint64_t get(struct reader *r, unsigned int bytes)
{
	uint64_t value = bytes_get(r->p, bytes);

	r->p += bytes;
	return value;
}

static void get_zeros(struct reader *r, unsigned int bytes)
{
	if (get(r, bytes))
		wrong(r, DRCP_DROP_RESERVED);
}

/* @may: there may be none. What no host can have is none either. */
static void get_addr(struct reader *r, bool may, struct roam_addr *addr)
{
	memcpy(addr->b, r->p, 16);
	r->p += 16;
	if (roam_addr_is_none(addr) ? !may :
	    !roam_addr_is_usable(addr) || roam_addr_is_link_local(addr))
		wrong(r, DRCP_DROP_ADDRESS);
}

static void get_prefix(struct reader *r, struct roam_prefix *prefix)
{
	struct roam_prefix first;
	char text[ROAM_PREFIX_STRLEN];

	get_addr(r, false, &prefix->addr);
	prefix->len = get(r, 1);
	get_zeros(r, 3);
	if (prefix->len > 128 || !prefix->len ||
	    (roam_addr_is_v4(&prefix->addr) && prefix->len <= 96)) {
		wrong(r, DRCP_DROP_ADDRESS);
		return;
	}
	/* What a prefix is, host bits included, says the one parser of them. */
	if (!roam_prefix_parse(roam_prefix_format(prefix, text), &first) ||
	    first.len != prefix->len ||
	    !roam_addr_eq(&first.addr, &prefix->addr))
		wrong(r, DRCP_DROP_ADDRESS);
}

/* Not a group, and not nobody. */
static void get_client(struct reader *r, uint8_t client[6])
{
	static const uint8_t none[6];

	memcpy(client, r->p, 6);
	r->p += 6;
	get_zeros(r, 2);
	if ((client[0] & 1) || !memcmp(client, none, 6))
		wrong(r, DRCP_DROP_ADDRESS);
}

static void get_subnets(struct reader *r, struct drcp_msg *msg)
{
	for (size_t i = 0; i < msg->n_subnets; i++) {
		struct drcp_subnet *s = &msg->subnets[i];

		get_prefix(r, &s->prefix);
		get_addr(r, true, &s->router);
	}
}

/* Without a key id there is no key; and what is refused has none. */
static void get_sealed(struct reader *r, struct drcp_msg *msg)
{
	msg->mmp_key = get(r, 4);
	get_zeros(r, 4);
	memcpy(msg->sealed, r->p, DRCP_SEALED_LEN);
	if (msg->mmp_key && msg->status != DRCP_OK)
		wrong(r, DRCP_DROP_RESERVED);
	if (msg->mmp_key)
		r->p += DRCP_SEALED_LEN;
	else
		for (size_t i = 0; i < DRCP_SEALED_LEN / 8; i++)
			get_zeros(r, 8);
}

static void get_body(struct reader *r, struct drcp_msg *msg)
{
	switch (msg->type) {
	case DRCP_ADVERTISEMENT:
		msg->period = get(r, 4);
		msg->n_subnets = get(r, 1);
		get_zeros(r, 3);
		if (!msg->period)
			wrong(r, DRCP_DROP_RESERVED);
		get_subnets(r, msg);
		break;
	case DRCP_SOLICITATION:
		get_client(r, msg->client);
		break;
	case DRCP_REQUEST:
		get_client(r, msg->client);
		get_prefix(r, &msg->subnet);
		get_addr(r, true, &msg->addr);
		break;
	case DRCP_ASSIGNMENT:
		get_client(r, msg->client);
		get_prefix(r, &msg->subnet);
		get_addr(r, msg->status != DRCP_OK, &msg->addr);
		msg->lease = get(r, 4);
		get_addr(r, true, &msg->router);
		get_addr(r, true, &msg->dns);
		if (!msg->lease != (msg->status != DRCP_OK))
			wrong(r, DRCP_DROP_RESERVED);
		get_sealed(r, msg);
		break;
	default:
		get_client(r, msg->client);
		get_addr(r, false, &msg->addr);
	}
}

static bool length_is_right(const uint8_t *buf, size_t len)
{
	size_t body = body_len[buf[1]], subnets = 0;

	if (len < DRCP_HEADER_LEN + body + DRCP_AUTH_LEN)
		return false;
	if (buf[1] == DRCP_ADVERTISEMENT) {
		subnets = buf[DRCP_HEADER_LEN + 4];
		if (!subnets || subnets > DRCP_SUBNETS_MAX)
			return false;
	}
	return len == DRCP_HEADER_LEN + body + subnets * DRCP_SUBNET_LEN +
		      DRCP_AUTH_LEN;
}

enum drcp_drop drcp_decode(const uint8_t *buf, size_t len, struct drcp_msg *msg,
			   size_t *covered)
{
	struct reader r = { buf, DRCP_DROP_NONE };

	if (len < DRCP_HEADER_LEN)
		return DRCP_DROP_LENGTH;
	if (buf[0] != DRCP_VERSION)
		return DRCP_DROP_VERSION;
	if (!buf[1] || buf[1] > DRCP_DECLINE)
		return DRCP_DROP_TYPE;
	if (!length_is_right(buf, len))
		return DRCP_DROP_LENGTH;
	memset(msg, 0, sizeof(*msg));
	r.p++;
	msg->type = get(&r, 1);
	msg->status = get(&r, 1);
	get_zeros(&r, 1);
	msg->key_id = get(&r, 4);
	msg->server = get(&r, 8);
	msg->epoch = get(&r, 4);
	msg->seq = get(&r, 4);
	msg->stamp = get(&r, 8);
	if (msg->type == DRCP_ASSIGNMENT ? msg->status > DRCP_RELEASED :
					   msg->status)
		wrong(&r, DRCP_DROP_RESERVED);
	get_body(&r, msg);
	/* Who has no key has no authenticator. */
	*covered = len - DRCP_AUTH_LEN;
	if (!msg->key_id) {
		get_zeros(&r, 8);
		get_zeros(&r, 8);
	}
	return r.drop;
}
