// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire/lr.h"

#include <string.h>

#include "wire/bytes.h"

static const char *const drop_names[LR_DROP_MAX] = {
	[LR_DROP_NONE] = "none",
	[LR_DROP_LENGTH] = "length",
	[LR_DROP_VERSION] = "version",
	[LR_DROP_TYPE] = "type",
	[LR_DROP_COUNT] = "count",
	[LR_DROP_RESERVED] = "reserved",
	[LR_DROP_ADDRESS] = "address",
	[LR_DROP_KEY] = "key",
	[LR_DROP_AUTH] = "auth",
	[LR_DROP_UNASKED] = "unasked",
	[LR_DROP_ROLE] = "role",
	[LR_DROP_LIMIT] = "limit",
};

static const char *const type_names[] = {
	[LR_QUERY] = "query",
	[LR_ANSWER] = "answer",
	[LR_UPDATE] = "update",
	[LR_ACK] = "acknowledgement",
	[LR_ANNOUNCE] = "announce",
	[LR_CONFIRM] = "confirm",
	[LR_CHALLENGE] = "challenge",
};

static const char *const status_names[] = {
	[LR_OK] = "ok",
	[LR_NONE] = "none",
	[LR_STALE] = "stale",
	[LR_REPLAY] = "replay",
	[LR_DENIED] = "denied",
	[LR_FULL] = "full",
	[LR_LATER] = "later",
	[LR_CONFLICT] = "conflict",
	[LR_UNPROVED] = "unproved",
	[LR_UNFIT] = "unfit",
};

static const char *name_of(const char *const *names, size_t n, size_t i)
{
	return i < n && names[i] ? names[i] : "unknown";
}

const char *lr_drop_name(enum lr_drop drop)
{
	return name_of(drop_names, LR_DROP_MAX, drop);
}

const char *lr_type_name(uint8_t type)
{
	return name_of(type_names, sizeof(type_names) / sizeof(type_names[0]),
		       type);
}

const char *lr_status_name(uint8_t status)
{
	return name_of(status_names,
		       sizeof(status_names) / sizeof(status_names[0]), status);
}

bool lr_is_reply(uint8_t type)
{
	return type == LR_ANSWER || type == LR_ACK || type == LR_CONFIRM;
}

static bool is_zero(const uint8_t *p, size_t len)
{
	while (len--)
		if (p[len])
			return false;
	return true;
}

bool lr_has_cookie(const struct lr_msg *msg)
{
	return !is_zero(msg->cookie, sizeof(msg->cookie));
}

static uint8_t *put_entry(uint8_t *p, const struct lr_entry *entry)
{
	memcpy(p, entry->perm.b, sizeof(entry->perm.b));
	memcpy(p + 16, entry->coa.b, sizeof(entry->coa.b));
	p = bytes_put(p + 32, entry->seq, 8);
	p = bytes_put(p, entry->lifetime, 4);
	p = bytes_put(p, entry->status, 1);
	p = bytes_put(p, entry->flags, 1);
	return bytes_put(p, 0, 2);
}

size_t lr_encode(const struct lr_msg *msg, uint8_t *buf)
{
	uint8_t *p = buf;
	unsigned int i;

	p = bytes_put(p, LR_VERSION, 1);
	p = bytes_put(p, msg->type, 1);
	p = bytes_put(p, msg->count, 2);
	p = bytes_put(p, msg->key_id, 4);
	p = bytes_put(p, msg->id, 8);
	p = bytes_put(p, msg->nonce, 8);
	memcpy(p, lr_is_reply(msg->type) ? msg->source.b : msg->cookie, 16);
	p += 16;
	for (i = 0; i < msg->count; i++)
		p = put_entry(p, &msg->entries[i]);
	return (size_t)(p - buf);
}

static bool flags_fit(uint8_t type, uint8_t flags)
{
	if (flags == LR_FLAG_KEY)
		return type == LR_QUERY || type == LR_ANSWER;
	return !(flags & ~LR_FLAGS);
}

/* In a key entry any bytes do. */
static bool care_of_fits(uint8_t type, const struct lr_entry *entry)
{
	return (type == LR_ANSWER && entry->flags == LR_FLAG_KEY) ||
	       roam_addr_is_none(&entry->coa) ||
	       roam_addr_is_usable(&entry->coa);
}

/* In query and announce the field between nonce and entries is reserved. */
static bool get_cookie(const uint8_t *p, struct lr_msg *msg)
{
	memset(msg->cookie, 0, sizeof(msg->cookie));
	memset(msg->source.b, 0, sizeof(msg->source.b));
	if (lr_is_reply(msg->type))
		memcpy(msg->source.b, p, sizeof(msg->source.b));
	else if (msg->type == LR_UPDATE || msg->type == LR_CHALLENGE)
		memcpy(msg->cookie, p, sizeof(msg->cookie));
	else
		return is_zero(p, LR_COOKIE_LEN);
	return true;
}

/* What nobody signed gets one answer, about one address. */
static unsigned int entries_max(uint8_t type)
{
	return type < LR_ANNOUNCE ? LR_MAX_ENTRIES : 1;
}

static enum lr_drop get_entry(const uint8_t *p, uint8_t type,
			      struct lr_entry *entry)
{
	memcpy(entry->perm.b, p, sizeof(entry->perm.b));
	memcpy(entry->coa.b, p + 16, sizeof(entry->coa.b));
	entry->seq = bytes_get(p + 32, 8);
	entry->lifetime = (uint32_t)bytes_get(p + 40, 4);
	entry->status = p[44];
	entry->flags = p[45];
	if (!flags_fit(type, entry->flags) || bytes_get(p + 46, 2))
		return LR_DROP_RESERVED;
	if (!roam_addr_is_usable(&entry->perm) || !care_of_fits(type, entry))
		return LR_DROP_ADDRESS;
	return LR_DROP_NONE;
}

enum lr_drop lr_decode(const uint8_t *buf, size_t len, struct lr_msg *msg,
		       size_t *covered)
{
	enum lr_drop drop;
	unsigned int i;

	if (len < LR_HEADER_LEN)
		return LR_DROP_LENGTH;
	if (buf[0] != LR_VERSION)
		return LR_DROP_VERSION;
	msg->type = buf[1];
	msg->count = (uint16_t)bytes_get(buf + 2, 2);
	msg->key_id = (uint32_t)bytes_get(buf + 4, 4);
	msg->id = bytes_get(buf + 8, 8);
	msg->nonce = bytes_get(buf + 16, 8);
	msg->pair = 0;
	if (msg->type < LR_QUERY || msg->type > LR_CHALLENGE)
		return LR_DROP_TYPE;
	if (msg->count < 1 || msg->count > entries_max(msg->type))
		return LR_DROP_COUNT;
	*covered = LR_HEADER_LEN + (size_t)msg->count * LR_ENTRY_LEN;
	if (len != *covered + LR_AUTH_LEN)
		return LR_DROP_LENGTH;
	if (!get_cookie(buf + 24, msg) ||
	    (!msg->key_id && !is_zero(buf + *covered, LR_AUTH_LEN)))
		return LR_DROP_RESERVED;
	for (i = 0; i < msg->count; i++) {
		drop = get_entry(buf + LR_HEADER_LEN + i * LR_ENTRY_LEN,
				 msg->type, &msg->entries[i]);
		if (drop != LR_DROP_NONE)
			return drop;
	}
	return LR_DROP_NONE;
}
