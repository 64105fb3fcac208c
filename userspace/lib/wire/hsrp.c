// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire/hsrp.h"

#include <nettle/md5.h>
#include <nettle/memops.h>
#include <string.h>

#include "wire/bytes.h"

#define V0_LEN 20
#define TLV_HEAD 2
#define TLV_STATE 1
#define TLV_STATE_LEN 40
#define TLV_INTERFACE 2
#define TLV_INTERFACE_LEN 4
#define TLV_TEXT 3
#define TLV_MD5 4
#define TLV_MD5_LEN 28
#define MD5_TLV (TLV_HEAD + TLV_MD5_LEN)
#define MD5_BLOCK 64

#define EXT_NAME 1
#define EXT_ACTIVE 2
#define EXT_STANDBY 3
#define EXT_PADDING 4

static const char *const drop_names[HSRP_DROP_MAX] = {
	[HSRP_DROP_NONE] = "none",
	[HSRP_DROP_LENGTH] = "length",
	[HSRP_DROP_VERSION] = "version",
	[HSRP_DROP_TYPE] = "type",
	[HSRP_DROP_STATE] = "state",
	[HSRP_DROP_RESERVED] = "reserved",
	[HSRP_DROP_TIMERS] = "timers",
	[HSRP_DROP_ADDRESS] = "address",
	[HSRP_DROP_EXTENSION] = "extension",
	[HSRP_DROP_GROUP] = "group",
	[HSRP_DROP_HOPS] = "hops",
	[HSRP_DROP_SENDER] = "sender",
	[HSRP_DROP_KEY] = "key",
	[HSRP_DROP_AUTH] = "auth",
	[HSRP_DROP_REPLAY] = "replay",
	[HSRP_DROP_UNPROVED] = "unproved",
	[HSRP_DROP_LIMIT] = "limit",
};

static const char *const op_names[] = {
	[HSRP_HELLO] = "hello",	[HSRP_COUP] = "coup",
	[HSRP_RESIGN] = "resign", [HSRP_ADVERTISE] = "advertise",
	[HSRP_PROBE] = "probe",	[HSRP_PROOF] = "proof",
	[HSRP_QUERY] = "query",	[HSRP_ANSWER] = "answer",
};

static const char *const state_names[HSRP_STATES] = {
	[HSRP_VIRGIN] = "virgin", [HSRP_LEARN] = "learn",
	[HSRP_LISTEN] = "listen", [HSRP_SPEAK] = "speak",
	[HSRP_STANDBY] = "standby", [HSRP_ACTIVE] = "active",
};

/* By enum hsrp_state. Version 2 has 0 for "disabled" beside "initial". */
static const uint8_t v0_states[HSRP_STATES] = { 0, 1, 2, 4, 8, 16 };

static const char *name_of(const char *const *names, size_t n, size_t i)
{
	return i < n && names[i] ? names[i] : "unknown";
}

const char *hsrp_drop_name(enum hsrp_drop drop)
{
	return name_of(drop_names, HSRP_DROP_MAX, drop);
}

const char *hsrp_op_name(uint8_t op)
{
	return name_of(op_names, sizeof(op_names) / sizeof(op_names[0]), op);
}

const char *hsrp_state_name(uint8_t state)
{
	return name_of(state_names, HSRP_STATES, state);
}

static uint8_t *put_addr(uint8_t *p, const struct roam_addr *addr)
{
	memcpy(p, addr->b, sizeof(addr->b));
	return p + sizeof(addr->b);
}

/* HSRP's four bytes; zero for an address that is none or IPv6. */
static uint8_t *put_addr4(uint8_t *p, const struct roam_addr *addr)
{
	if (roam_addr_is_v4(addr))
		memcpy(p, addr->b + 12, 4);
	else
		memset(p, 0, 4);
	return p + 4;
}

static struct roam_addr get_addr4(const uint8_t *p)
{
	struct in_addr in;

	memcpy(&in, p, sizeof(in));
	return in.s_addr ? roam_addr_from_in(in) : (struct roam_addr){ 0 };
}

/* Version 0 tells whole seconds or nothing. */
static bool in_seconds(const struct hsrp_msg *msg)
{
	return msg->hello % 1000 == 0 && msg->hold % 1000 == 0 &&
	       msg->hold <= 255000;
}

static uint8_t *put_md5(uint8_t *p, const struct hsrp_msg *msg)
{
	p = bytes_put(p, TLV_MD5, 1);
	p = bytes_put(p, TLV_MD5_LEN, 1);
	p = bytes_put(p, 1, 1);
	p = bytes_put(p, 0, 3);
	p = put_addr4(p, &msg->sender);
	p = bytes_put(p, msg->key_id, 4);
	memset(p, 0, MD5_DIGEST_SIZE);
	return p + MD5_DIGEST_SIZE;
}

static uint8_t *encode_v0(const struct hsrp_msg *msg, uint8_t *p)
{
	bool whole = in_seconds(msg);

	p = bytes_put(p, 0, 1);
	p = bytes_put(p, msg->op, 1);
	p = bytes_put(p, v0_states[msg->state], 1);
	p = bytes_put(p, whole ? msg->hello / 1000 : 0, 1);
	p = bytes_put(p, whole ? msg->hold / 1000 : 0, 1);
	p = bytes_put(p, msg->priority, 1);
	p = bytes_put(p, msg->group, 1);
	p = bytes_put(p, 0, 1);
	if (msg->auth == HSRP_AUTH_TEXT)
		memcpy(p, msg->text, HSRP_TEXT_LEN);
	else
		memset(p, 0, HSRP_TEXT_LEN);
	p = put_addr4(p + HSRP_TEXT_LEN, &msg->vip);
	return msg->auth == HSRP_AUTH_MD5 ? put_md5(p, msg) : p;
}

static uint8_t *encode_v2(const struct hsrp_msg *msg, uint8_t *p)
{
	p = bytes_put(p, TLV_STATE, 1);
	p = bytes_put(p, TLV_STATE_LEN, 1);
	p = bytes_put(p, 2, 1);
	p = bytes_put(p, msg->op, 1);
	p = bytes_put(p, msg->state + 1u, 1);
	p = bytes_put(p, 4, 1);
	p = bytes_put(p, msg->group, 2);
	/* Identifier: something of the sender's own; its address will do. */
	p = bytes_put(p, 0x0200, 2);
	p = put_addr4(p, &msg->sender);
	p = bytes_put(p, msg->priority, 4);
	p = bytes_put(p, msg->hello, 4);
	p = bytes_put(p, msg->hold, 4);
	p = put_addr4(p, &msg->vip);
	memset(p, 0, 12);
	p += 12;
	if (msg->auth == HSRP_AUTH_TEXT) {
		p = bytes_put(p, TLV_TEXT, 1);
		p = bytes_put(p, HSRP_TEXT_LEN, 1);
		memcpy(p, msg->text, HSRP_TEXT_LEN);
		p += HSRP_TEXT_LEN;
	}
	return msg->auth == HSRP_AUTH_MD5 ? put_md5(p, msg) : p;
}

static uint8_t *put_ext(uint8_t *p, uint8_t type, const void *value, size_t len)
{
	p = bytes_put(p, type, 1);
	p = bytes_put(p, len, 1);
	memcpy(p, value, len);
	return p + len;
}

static uint8_t *encode_own(const struct hsrp_msg *msg, uint8_t *buf)
{
	static const uint8_t zeros[UINT8_MAX];
	uint8_t *p = buf;
	uint8_t *ext;

	p = bytes_put(p, STANDBY_VERSION, 1);
	p = bytes_put(p, msg->op, 1);
	p = bytes_put(p, msg->state, 1);
	p = bytes_put(p, msg->priority, 1);
	p = bytes_put(p, msg->group, 2);
	p = bytes_put(p, 0, 2);
	p = bytes_put(p, msg->key_id, 4);
	p = bytes_put(p, msg->hello, 4);
	p = bytes_put(p, msg->hold, 4);
	p = bytes_put(p, 0, 4);
	p = bytes_put(p, msg->counter, 8);
	p = bytes_put(p, msg->nonce, 8);
	p = put_addr(p, &msg->vip);
	p = put_addr(p, &msg->sender);
	ext = p;
	if (msg->name[0])
		p = put_ext(p, EXT_NAME, msg->name, strlen(msg->name));
	if (!roam_addr_is_none(&msg->active))
		p = put_ext(p, EXT_ACTIVE, msg->active.b, 16);
	if (!roam_addr_is_none(&msg->standby))
		p = put_ext(p, EXT_STANDBY, msg->standby.b, 16);
	if (msg->padding)
		p = put_ext(p, EXT_PADDING, zeros, msg->padding);
	bytes_put(buf + 6, (size_t)(p - ext), 2);
	return p;
}

size_t hsrp_encode(enum hsrp_form form, const struct hsrp_msg *msg,
		   uint8_t *buf)
{
	uint8_t *end = form == HSRP_V0 ? encode_v0(msg, buf) :
		       form == HSRP_V2 ? encode_v2(msg, buf) :
					 encode_own(msg, buf);

	return (size_t)(end - buf);
}

/* All zero where a router does not know it, else a host's address. */
static bool is_host(const struct roam_addr *addr)
{
	return roam_addr_is_none(addr) || roam_addr_is_usable(addr);
}

static enum hsrp_drop check_values(const struct hsrp_msg *msg)
{
	if (msg->hold && msg->hold <= msg->hello)
		return HSRP_DROP_TIMERS;
	if (!is_host(&msg->vip) || !is_host(&msg->sender))
		return HSRP_DROP_ADDRESS;
	return HSRP_DROP_NONE;
}

static enum hsrp_drop get_md5(const uint8_t *p, struct hsrp_msg *msg)
{
	if (p[0] != TLV_MD5 || p[1] != TLV_MD5_LEN || p[2] != 1)
		return HSRP_DROP_EXTENSION;
	msg->auth = HSRP_AUTH_MD5;
	msg->sender = get_addr4(p + 6);
	msg->key_id = (uint32_t)bytes_get(p + 10, 4);
	return HSRP_DROP_NONE;
}

static enum hsrp_drop decode_v0(const uint8_t *p, size_t len,
				struct hsrp_msg *msg)
{
	enum hsrp_drop drop = HSRP_DROP_NONE;
	uint8_t state;

	if (len < 2)
		return HSRP_DROP_LENGTH;
	if (p[0])
		return HSRP_DROP_VERSION;
	msg->op = p[1];
	if (msg->op > HSRP_ADVERTISE)
		return HSRP_DROP_TYPE;
	if (msg->op == HSRP_ADVERTISE)
		return len == 16 ? HSRP_DROP_NONE : HSRP_DROP_LENGTH;
	if (len != V0_LEN && len != V0_LEN + MD5_TLV)
		return HSRP_DROP_LENGTH;
	for (state = 0; state < HSRP_STATES; state++)
		if (v0_states[state] == p[2])
			break;
	if (state == HSRP_STATES)
		return HSRP_DROP_STATE;
	msg->state = state;
	msg->hello = p[3] * 1000u;
	msg->hold = p[4] * 1000u;
	msg->priority = p[5];
	msg->group = p[6];
	msg->auth = HSRP_AUTH_TEXT;
	memcpy(msg->text, p + 8, HSRP_TEXT_LEN);
	msg->vip = get_addr4(p + 16);
	if (len > V0_LEN)
		drop = get_md5(p + V0_LEN, msg);
	return drop != HSRP_DROP_NONE ? drop : check_values(msg);
}

static enum hsrp_drop get_group_state(const uint8_t *p, struct hsrp_msg *msg)
{
	uint32_t priority = (uint32_t)bytes_get(p + 12, 4);

	if (p[0] != 2)
		return HSRP_DROP_VERSION;
	if (p[1] > HSRP_RESIGN)
		return HSRP_DROP_TYPE;
	if (p[2] > HSRP_STATES)
		return HSRP_DROP_STATE;
	/* IPv6 groups speak on another port; theirs is not ours. */
	if (p[3] != 4)
		return HSRP_DROP_ADDRESS;
	msg->op = p[1];
	msg->state = p[2] ? p[2] - 1 : HSRP_VIRGIN;
	msg->group = (uint16_t)bytes_get(p + 4, 2);
	msg->priority = priority > 255 ? 255 : priority;
	msg->hello = (uint32_t)bytes_get(p + 16, 4);
	msg->hold = (uint32_t)bytes_get(p + 20, 4);
	msg->vip = get_addr4(p + 24);
	return HSRP_DROP_NONE;
}

static enum hsrp_drop decode_v2(const uint8_t *p, size_t len,
				struct hsrp_msg *msg)
{
	enum hsrp_drop drop = HSRP_DROP_NONE;
	bool stated = false, advertised = false;

	while (len && drop == HSRP_DROP_NONE) {
		size_t size;

		if (len < TLV_HEAD || len < TLV_HEAD + (size_t)p[1])
			return HSRP_DROP_LENGTH;
		/* Nothing stands behind the digest: it covers what is before. */
		if (msg->auth == HSRP_AUTH_MD5)
			return HSRP_DROP_EXTENSION;
		size = TLV_HEAD + (size_t)p[1];
		switch (p[0]) {
		case TLV_STATE:
			if (p[1] != TLV_STATE_LEN || stated)
				return HSRP_DROP_LENGTH;
			stated = true;
			drop = get_group_state(p + TLV_HEAD, msg);
			break;
		case TLV_INTERFACE:
			if (p[1] != TLV_INTERFACE_LEN)
				return HSRP_DROP_LENGTH;
			advertised = true;
			break;
		case TLV_TEXT:
			if (p[1] != HSRP_TEXT_LEN)
				return HSRP_DROP_LENGTH;
			msg->auth = HSRP_AUTH_TEXT;
			memcpy(msg->text, p + TLV_HEAD, HSRP_TEXT_LEN);
			break;
		case TLV_MD5:
			if (p[1] != TLV_MD5_LEN)
				return HSRP_DROP_LENGTH;
			drop = get_md5(p, msg);
			break;
		default:
			break;
		}
		p += size;
		len -= size;
	}
	if (drop != HSRP_DROP_NONE)
		return drop;
	if (!stated && !advertised)
		return HSRP_DROP_LENGTH;
	if (!stated)
		msg->op = HSRP_ADVERTISE;
	return check_values(msg);
}

static bool get_name(const uint8_t *p, size_t len, char *name)
{
	if (!len || len > STANDBY_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (p[i] <= ' ' || p[i] > '~')
			return false;
	memcpy(name, p, len);
	name[len] = 0;
	return true;
}

static bool get_host(const uint8_t *p, size_t len, struct roam_addr *addr)
{
	if (len != sizeof(addr->b))
		return false;
	memcpy(addr->b, p, sizeof(addr->b));
	return roam_addr_is_usable(addr);
}

static enum hsrp_drop get_extensions(const uint8_t *p, size_t len,
				     struct hsrp_msg *msg)
{
	while (len) {
		size_t size;
		bool fits = true;

		if (len < TLV_HEAD || len < TLV_HEAD + (size_t)p[1])
			return HSRP_DROP_EXTENSION;
		size = p[1];
		if (p[0] == EXT_NAME)
			fits = get_name(p + TLV_HEAD, size, msg->name);
		else if (p[0] == EXT_ACTIVE)
			fits = get_host(p + TLV_HEAD, size, &msg->active);
		else if (p[0] == EXT_STANDBY)
			fits = get_host(p + TLV_HEAD, size, &msg->standby);
		else if (p[0] == EXT_PADDING)
			msg->padding = size;
		/* Others are for those who know them. */
		if (!fits)
			return HSRP_DROP_EXTENSION;
		p += TLV_HEAD + size;
		len -= TLV_HEAD + size;
	}
	return HSRP_DROP_NONE;
}

static enum hsrp_drop decode_own(const uint8_t *p, size_t len,
				 struct hsrp_msg *msg, size_t *covered)
{
	size_t ext;
	enum hsrp_drop drop;

	if (len < STANDBY_HEADER_LEN)
		return HSRP_DROP_LENGTH;
	if (p[0] != STANDBY_VERSION)
		return HSRP_DROP_VERSION;
	msg->op = p[1];
	if (msg->op > HSRP_ANSWER || msg->op == HSRP_ADVERTISE)
		return HSRP_DROP_TYPE;
	msg->state = p[2];
	if (msg->state >= HSRP_STATES)
		return HSRP_DROP_STATE;
	msg->priority = p[3];
	msg->group = (uint16_t)bytes_get(p + 4, 2);
	ext = bytes_get(p + 6, 2);
	msg->key_id = (uint32_t)bytes_get(p + 8, 4);
	msg->hello = (uint32_t)bytes_get(p + 12, 4);
	msg->hold = (uint32_t)bytes_get(p + 16, 4);
	msg->counter = bytes_get(p + 24, 8);
	msg->nonce = bytes_get(p + 32, 8);
	memcpy(msg->vip.b, p + 40, 16);
	memcpy(msg->sender.b, p + 56, 16);
	*covered = STANDBY_HEADER_LEN + ext;
	if (ext > STANDBY_EXT_MAX ||
	    len != *covered + (msg->key_id ? STANDBY_AUTH_LEN : 0))
		return HSRP_DROP_LENGTH;
	if (bytes_get(p + 20, 4))
		return HSRP_DROP_RESERVED;
	drop = get_extensions(p + STANDBY_HEADER_LEN, ext, msg);
	return drop != HSRP_DROP_NONE ? drop : check_values(msg);
}

enum hsrp_drop hsrp_decode(enum hsrp_form form, const uint8_t *buf, size_t len,
			   struct hsrp_msg *msg, size_t *covered)
{
	memset(msg, 0, sizeof(*msg));
	*covered = len;
	if (form == HSRP_V0)
		return decode_v0(buf, len, msg);
	if (form == HSRP_V2)
		return decode_v2(buf, len, msg);
	return decode_own(buf, len, msg, covered);
}

/* Key as a padded MD5 block, the message without its digest, the key again. */
static void keyed_md5(const uint8_t *buf, size_t len, const uint8_t *key,
		      size_t key_len, uint8_t digest[MD5_DIGEST_SIZE])
{
	static const uint8_t zeros[MD5_DIGEST_SIZE];
	uint8_t block[MD5_BLOCK] = { 0 };
	struct md5_ctx ctx;

	memcpy(block, key, key_len);
	block[key_len] = 0x80;
	block[56] = (uint8_t)(key_len * 8);
	block[57] = (uint8_t)(key_len * 8 >> 8);
	md5_init(&ctx);
	md5_update(&ctx, sizeof(block), block);
	md5_update(&ctx, len - MD5_DIGEST_SIZE, buf);
	md5_update(&ctx, MD5_DIGEST_SIZE, zeros);
	md5_update(&ctx, key_len, key);
	md5_digest(&ctx, MD5_DIGEST_SIZE, digest);
}

void hsrp_md5_sign(uint8_t *buf, size_t len, const uint8_t *key, size_t key_len)
{
	keyed_md5(buf, len, key, key_len, buf + len - MD5_DIGEST_SIZE);
}

bool hsrp_md5_verify(const uint8_t *buf, size_t len, const uint8_t *key,
		     size_t key_len)
{
	uint8_t digest[MD5_DIGEST_SIZE];

	keyed_md5(buf, len, key, key_len, digest);
	return memeql_sec(digest, buf + len - MD5_DIGEST_SIZE, sizeof(digest));
}

void hsrp_virtual_mac(enum hsrp_form form, uint16_t group, uint8_t mac[6])
{
	static const uint8_t v0[6] = { 0x00, 0x00, 0x0c, 0x07, 0xac, 0x00 };
	static const uint8_t v2[6] = { 0x00, 0x00, 0x0c, 0x9f, 0xf0, 0x00 };

	memcpy(mac, form == HSRP_V2 ? v2 : v0, 6);
	if (form == HSRP_V2)
		mac[4] |= group >> 8 & 0x0f;
	mac[5] = group & 0xff;
}
