// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire/sync.h"

#include <string.h>

#include "wire/bytes.h"

#define ENTRY_DELETED 0x01

static const char *const drop_names[SYNC_DROP_MAX] = {
	[SYNC_DROP_NONE] = "none",
	[SYNC_DROP_LENGTH] = "length",
	[SYNC_DROP_VERSION] = "version",
	[SYNC_DROP_TYPE] = "type",
	[SYNC_DROP_CODE] = "code",
	[SYNC_DROP_RESERVED] = "reserved",
	[SYNC_DROP_ADDRESS] = "address",
	[SYNC_DROP_ENTRY] = "entry",
	[SYNC_DROP_KEY] = "key",
	[SYNC_DROP_AUTH] = "auth",
	[SYNC_DROP_GROUP] = "group",
	[SYNC_DROP_SENDER] = "sender",
	[SYNC_DROP_UNPROVED] = "unproved",
	[SYNC_DROP_REPLAY] = "replay",
	[SYNC_DROP_MEMBER] = "member",
	[SYNC_DROP_ROLE] = "role",
};

static const char *const message_names[] = {
	[SYNC_HELLO] = "hello", [SYNC_UPDATE] = "update", [SYNC_ACK] = "ack",
	[SYNC_REQUEST] = "request", [SYNC_TABLE] = "table",
	[SYNC_TABLE_ACK] = "table_ack", [SYNC_RANGES] = "ranges",
	[SYNC_LEAF] = "leaf", [SYNC_RELAY] = "relay",
	[SYNC_ANSWER] = "answer",
};

static const char *const code_names[] = {
	[SYNC_ACCEPTED] = "accepted", [SYNC_UNSPECIFIED] = "unspecified",
	[SYNC_PROHIBITED] = "prohibited", [SYNC_RESOURCES] = "resources",
	[SYNC_NOT_INITIALISED] = "not_initialised",
};

static const char *name_of(const char *const *names, size_t n, size_t i)
{
	return i < n && names[i] ? names[i] : "unknown";
}

const char *sync_drop_name(enum sync_drop drop)
{
	return name_of(drop_names, SYNC_DROP_MAX, drop);
}

const char *sync_message_name(uint8_t type)
{
	return name_of(message_names,
		       sizeof(message_names) / sizeof(message_names[0]), type);
}

const char *sync_code_name(uint8_t code)
{
	return name_of(code_names, sizeof(code_names) / sizeof(code_names[0]),
		       code);
}

size_t sync_encode(const struct sync_msg *msg, uint8_t *buf)
{
	uint8_t *p = buf;

	p = bytes_put(p, SYNC_VERSION, 1);
	p = bytes_put(p, msg->type, 1);
	p = bytes_put(p, msg->code, 1);
	p = bytes_put(p, msg->flags, 1);
	p = bytes_put(p, msg->group, 2);
	p = bytes_put(p, msg->count, 2);
	p = bytes_put(p, msg->key_id, 4);
	p = bytes_put(p, msg->sent, 4);
	p = bytes_put(p, msg->session, 8);
	p = bytes_put(p, msg->echo, 8);
	p = bytes_put(p, msg->counter, 8);
	p = bytes_put(p, msg->id, 8);
	memcpy(p, msg->sender.b, 16);
	p = bytes_put(p + 16, msg->total, 4);
	p = bytes_put(p, 0, 4);
	if (msg->type == SYNC_HELLO)
		return (size_t)(bytes_put(p, msg->digest, 8) - buf);
	if (msg->len)
		memcpy(p, msg->body, msg->len);
	return (size_t)(p - buf) + msg->len;
}

size_t sync_relay_write(const struct sync_relay *relay, uint8_t *body)
{
	memcpy(body, relay->from.b, 16);
	memcpy(body + 16, relay->to.b, 16);
	bytes_put(body + 32, relay->port, 2);
	memcpy(body + SYNC_RELAY_HEAD, relay->data, relay->len);
	return SYNC_RELAY_HEAD + relay->len;
}

bool sync_relay_read(const uint8_t *body, size_t len, struct sync_relay *relay)
{
	if (len <= SYNC_RELAY_HEAD)
		return false;
	memcpy(relay->from.b, body, 16);
	memcpy(relay->to.b, body + 16, 16);
	relay->port = (uint16_t)bytes_get(body + 32, 2);
	relay->data = body + SYNC_RELAY_HEAD;
	relay->len = len - SYNC_RELAY_HEAD;
	return relay->port && roam_addr_is_usable(&relay->from);
}

size_t sync_entry_size(const struct sync_entry *entry)
{
	return SYNC_ENTRY_HEAD + entry->key_len + entry->len;
}

uint8_t *sync_entry_write(uint8_t *p, const struct sync_entry *entry)
{
	p = bytes_put(p, entry->type, 1);
	p = bytes_put(p, entry->deleted ? ENTRY_DELETED : 0, 1);
	p = bytes_put(p, entry->key_len, 1);
	p = bytes_put(p, entry->len - entry->digested, 1);
	p = bytes_put(p, entry->len, 2);
	p = bytes_put(p, entry->order, 8);
	p = bytes_put(p, entry->origin, 4);
	memcpy(p, entry->key, entry->key_len);
	p += entry->key_len;
	if (entry->len)
		memcpy(p, entry->value, entry->len);
	return p + entry->len;
}

bool sync_entry_read(const uint8_t **p, const uint8_t *end,
		     struct sync_entry *entry)
{
	const uint8_t *b = *p;
	uint8_t flags;
	size_t loose;

	if (end - b < SYNC_ENTRY_HEAD)
		return false;
	entry->type = b[0];
	flags = b[1];
	entry->key_len = b[2];
	loose = b[3];
	entry->len = bytes_get(b + 4, 2);
	entry->order = bytes_get(b + 6, 8);
	entry->origin = (uint32_t)bytes_get(b + 14, 4);
	entry->deleted = flags & ENTRY_DELETED;
	if (!entry->type || flags & ~ENTRY_DELETED || !entry->key_len ||
	    entry->key_len > SYNC_KEY_MAX || entry->len > SYNC_VALUE_MAX ||
	    loose > entry->len || !entry->order ||
	    entry->deleted != !entry->len ||
	    (size_t)(end - b) < sync_entry_size(entry))
		return false;
	entry->digested = entry->len - loose;
	entry->key = b + SYNC_ENTRY_HEAD;
	entry->value = entry->key + entry->key_len;
	*p = b + sync_entry_size(entry);
	return true;
}

static bool has_entries(const struct sync_msg *msg)
{
	return msg->type == SYNC_UPDATE || msg->type == SYNC_LEAF ||
	       (msg->type == SYNC_TABLE && !(msg->flags & SYNC_FLAG_MEMBERS));
}

static bool entries_fit(const struct sync_msg *msg)
{
	const uint8_t *p = msg->body, *end = p + msg->len;
	struct sync_entry entry;

	for (uint16_t i = 0; i < msg->count; i++)
		if (!sync_entry_read(&p, end, &entry))
			return false;
	return p == end;
}

static enum sync_drop check_body(struct sync_msg *msg)
{
	struct sync_relay relay;
	size_t unit = 0;

	if (has_entries(msg))
		return entries_fit(msg) ? SYNC_DROP_NONE : SYNC_DROP_ENTRY;
	if (msg->type == SYNC_RELAY)
		return !msg->count && sync_relay_read(msg->body, msg->len, &relay) ?
		       SYNC_DROP_NONE : SYNC_DROP_LENGTH;
	if (msg->type == SYNC_ANSWER)
		return msg->count ? SYNC_DROP_LENGTH : SYNC_DROP_NONE;
	if (msg->type == SYNC_RANGES || msg->type == SYNC_ACK)
		unit = 8;
	else if (msg->type == SYNC_TABLE || msg->type == SYNC_REQUEST)
		unit = 16;
	if (msg->type == SYNC_HELLO) {
		if (msg->len != 8 || msg->count)
			return SYNC_DROP_LENGTH;
		msg->digest = bytes_get(msg->body, 8);
		return SYNC_DROP_NONE;
	}
	return msg->len == msg->count * unit ? SYNC_DROP_NONE :
					       SYNC_DROP_LENGTH;
}

enum sync_drop sync_decode(const uint8_t *buf, size_t len, struct sync_msg *msg,
			   size_t *covered)
{
	size_t auth;

	memset(msg, 0, sizeof(*msg));
	if (len < SYNC_HEADER_LEN || len > SYNC_MAX_LEN)
		return SYNC_DROP_LENGTH;
	if (buf[0] != SYNC_VERSION)
		return SYNC_DROP_VERSION;
	msg->type = buf[1];
	msg->code = buf[2];
	msg->flags = buf[3];
	msg->group = (uint16_t)bytes_get(buf + 4, 2);
	msg->count = (uint16_t)bytes_get(buf + 6, 2);
	msg->key_id = (uint32_t)bytes_get(buf + 8, 4);
	msg->sent = (uint32_t)bytes_get(buf + 12, 4);
	msg->session = bytes_get(buf + 16, 8);
	msg->echo = bytes_get(buf + 24, 8);
	msg->counter = bytes_get(buf + 32, 8);
	msg->id = bytes_get(buf + 40, 8);
	memcpy(msg->sender.b, buf + 48, 16);
	msg->total = (uint32_t)bytes_get(buf + 64, 4);
	if (msg->type < SYNC_HELLO || msg->type > SYNC_ANSWER)
		return SYNC_DROP_TYPE;
	if (msg->code > SYNC_NOT_INITIALISED)
		return SYNC_DROP_CODE;
	if (msg->flags & ~SYNC_FLAGS || bytes_get(buf + 68, 4))
		return SYNC_DROP_RESERVED;
	if (!roam_addr_is_usable(&msg->sender) || !msg->session)
		return SYNC_DROP_ADDRESS;
	auth = msg->key_id ? SYNC_AUTH_LEN : 0;
	if (len < SYNC_HEADER_LEN + auth)
		return SYNC_DROP_LENGTH;
	*covered = len - auth;
	msg->body = buf + SYNC_HEADER_LEN;
	msg->len = *covered - SYNC_HEADER_LEN;
	return check_body(msg);
}
