// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire/mmp.h"

#include <string.h>

#include "wire/bytes.h"

#define BEACON_LEN 76		/* with header, without names */
#define BS_BEACON_LEN 100	/* with header, without subnets */
#define HOST_LEN 80
#define ACK_LEN 80
#define PROBE_LEN 72
#define TRACE_LEN 68		/* with header, without nodes */

static const char *const drop_names[MMP_DROP_MAX] = {
	[MMP_DROP_NONE] = "none",
	[MMP_DROP_LENGTH] = "length",
	[MMP_DROP_VERSION] = "version",
	[MMP_DROP_TYPE] = "type",
	[MMP_DROP_RESERVED] = "reserved",
	[MMP_DROP_NAME] = "name",
	[MMP_DROP_ADDRESS] = "address",
	[MMP_DROP_KEY] = "key",
	[MMP_DROP_AUTH] = "auth",
	[MMP_DROP_DOMAIN] = "domain",
	[MMP_DROP_REPLAY] = "replay",
	[MMP_DROP_STALE] = "stale",
	[MMP_DROP_LOOP] = "loop",
	[MMP_DROP_DUPLICATE] = "duplicate",
	[MMP_DROP_SOURCE] = "source",
	[MMP_DROP_SUBNET] = "subnet",
	[MMP_DROP_ROLE] = "role",
	[MMP_DROP_UNASKED] = "unasked",
	[MMP_DROP_LIMIT] = "limit",
	[MMP_DROP_NO_UPLINK] = "no_uplink",
};

static const char *const type_names[] = {
	[MMP_GATEWAY_BEACON] = "gateway beacon",
	[MMP_BS_BEACON] = "base station beacon",
	[MMP_REGISTRATION] = "registration",
	[MMP_CACHE_UPDATE] = "cache update",
	[MMP_ROUTE_UPDATE] = "route update",
	[MMP_ACK] = "acknowledgement",
	[MMP_PROBE] = "probe",
	[MMP_PROBE_REPLY] = "probe reply",
	[MMP_TRACE] = "trace",
	[MMP_TRACE_REPLY] = "trace reply",
	[MMP_HOST_ROUTE] = "host route",
	[MMP_HOST_ROUTE_ACK] = "host route acknowledgement",
};

static const char *const status_names[] = {
	[MMP_OK] = "ok",
	[MMP_STALE] = "stale",
	[MMP_DENIED] = "denied",
	[MMP_FULL] = "full",
};

static const char *name_of(const char *const *names, size_t n, size_t i)
{
	return i < n && names[i] ? names[i] : "unknown";
}

#define NAME_OF(names, i) name_of(names, sizeof(names) / sizeof(names[0]), i)

const char *mmp_drop_name(enum mmp_drop drop)
{
	return NAME_OF(drop_names, drop);
}

const char *mmp_type_name(uint8_t type)
{
	return NAME_OF(type_names, type);
}

const char *mmp_status_name(uint8_t status)
{
	return NAME_OF(status_names, status);
}

/* ---- names ---- */

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

/* One character at least, and behind the first zero nothing but zeros. */
static bool name_fits(const struct mmp_name *name)
{
	size_t i = 0;

	while (i < MMP_NAME_LEN && is_name_char(name->b[i]))
		i++;
	if (!i)
		return false;
	for (; i < MMP_NAME_LEN; i++)
		if (name->b[i])
			return false;
	return true;
}

bool mmp_name_parse(const char *s, struct mmp_name *name)
{
	struct mmp_name parsed = { { 0 } };
	size_t len = strlen(s);

	if (len > MMP_NAME_LEN)
		return false;
	memcpy(parsed.b, s, len);
	if (!name_fits(&parsed))
		return false;
	*name = parsed;
	return true;
}

const char *mmp_name_format(const struct mmp_name *name, char *buf)
{
	memcpy(buf, name->b, MMP_NAME_LEN);
	buf[MMP_NAME_LEN] = '\0';
	return buf;
}

bool mmp_name_eq(const struct mmp_name *a, const struct mmp_name *b)
{
	return !memcmp(a->b, b->b, MMP_NAME_LEN);
}

bool mmp_name_is_none(const struct mmp_name *name)
{
	return !name->b[0];
}

/* ---- writing ---- */

static uint8_t *put_bytes(uint8_t *p, const void *bytes, size_t len)
{
	memcpy(p, bytes, len);
	return p + len;
}

static uint8_t *put_addr(uint8_t *p, const struct roam_addr *addr)
{
	return put_bytes(p, addr->b, sizeof(addr->b));
}

static uint8_t *put_name(uint8_t *p, const struct mmp_name *name)
{
	return put_bytes(p, name->b, sizeof(name->b));
}

static uint8_t *put_gateway_beacon(uint8_t *p, const struct mmp_msg *msg)
{
	p = bytes_put(p, msg->timestamp, 8);
	p = bytes_put(p, msg->period, 4);
	p = bytes_put(p, msg->delay, 4);
	p = put_addr(p, &msg->gateway6);
	p = bytes_put(p, msg->n_path, 1);
	p = bytes_put(p, 0, 3);
	for (unsigned int i = 0; i < msg->n_path; i++)
		p = put_name(p, &msg->path[i]);
	return p;
}

static uint8_t *put_bs_beacon(uint8_t *p, const struct mmp_msg *msg)
{
	p = put_name(p, &msg->name);
	p = bytes_put(p, msg->period, 4);
	p = put_addr(p, &msg->gateway6);
	p = put_addr(p, &msg->router);
	p = bytes_put(p, msg->l2.kind, 1);
	p = bytes_put(p, 0, 1);
	p = bytes_put(p, msg->l2.channel, 2);
	p = put_bytes(p, msg->l2.bssid, sizeof(msg->l2.bssid));
	p = bytes_put(p, msg->n_subnets, 1);
	p = bytes_put(p, 0, 1);
	for (unsigned int i = 0; i < msg->n_subnets; i++) {
		p = put_addr(p, &msg->subnets[i].addr);
		p = bytes_put(p, msg->subnets[i].len, 1);
		p = bytes_put(p, 0, 3);
	}
	return p;
}

static uint8_t *put_host(uint8_t *p, const struct mmp_msg *msg)
{
	p = put_addr(p, &msg->coa);
	p = bytes_put(p, msg->host_seq, 8);
	p = put_name(p, &msg->name);
	return bytes_put(p, msg->unheard, 4);
}

static uint8_t *put_ack(uint8_t *p, const struct mmp_msg *msg)
{
	p = put_addr(p, &msg->coa);
	p = bytes_put(p, msg->host_seq, 8);
	p = bytes_put(p, msg->status, 1);
	p = bytes_put(p, 0, 3);
	return put_name(p, &msg->name);
}

static uint8_t *put_probe(uint8_t *p, const struct mmp_msg *msg)
{
	p = bytes_put(p, msg->timestamp, 8);
	p = bytes_put(p, msg->nonce, 8);
	p = put_name(p, &msg->name);
	return bytes_put(p, 0, 4);
}

static uint8_t *put_trace(uint8_t *p, const struct mmp_msg *msg)
{
	p = put_addr(p, &msg->coa);
	p = bytes_put(p, msg->nonce, 8);
	p = bytes_put(p, msg->n_trace, 1);
	p = bytes_put(p, 0, 3);
	for (unsigned int i = 0; i < msg->n_trace; i++) {
		const struct mmp_hop_state *hop = &msg->trace[i];

		p = put_name(p, &hop->name);
		p = bytes_put(p, hop->role, 1);
		p = bytes_put(p, hop->downlinks, 1);
		p = bytes_put(p, 0, 2);
		p = bytes_put(p, hop->left, 4);
		p = bytes_put(p, hop->seq, 8);
	}
	return p;
}

size_t mmp_encode(const struct mmp_msg *msg, uint8_t *buf)
{
	uint8_t *p = buf;

	p = bytes_put(p, MMP_VERSION, 1);
	p = bytes_put(p, msg->type, 1);
	p = bytes_put(p, msg->flags, 2);
	p = bytes_put(p, msg->key_id, 4);
	p = bytes_put(p, msg->domain, 4);
	p = bytes_put(p, msg->paging, 4);
	p = put_addr(p, &msg->gateway);
	p = bytes_put(p, msg->epoch, 4);
	p = bytes_put(p, msg->seq, 4);
	switch (msg->type) {
	case MMP_GATEWAY_BEACON:
		p = put_gateway_beacon(p, msg);
		break;
	case MMP_BS_BEACON:
		p = put_bs_beacon(p, msg);
		break;
	case MMP_ACK:
	case MMP_HOST_ROUTE:
	case MMP_HOST_ROUTE_ACK:
		p = put_ack(p, msg);
		break;
	case MMP_PROBE:
	case MMP_PROBE_REPLY:
		p = put_probe(p, msg);
		break;
	case MMP_TRACE:
	case MMP_TRACE_REPLY:
		p = put_trace(p, msg);
		break;
	default:
		p = put_host(p, msg);
		break;
	}
	return (size_t)(p - buf);
}

/* ---- reading ---- */

static void get_addr(const uint8_t *p, struct roam_addr *addr)
{
	memcpy(addr->b, p, sizeof(addr->b));
}

static bool get_name(const uint8_t *p, struct mmp_name *name)
{
	memcpy(name->b, p, sizeof(name->b));
	return name_fits(name);
}

static bool is_none_or_usable(const struct roam_addr *addr)
{
	return roam_addr_is_none(addr) || roam_addr_is_usable(addr);
}

/* Beside an IPv6 gateway address there is no second one. */
static bool second_fits(const struct mmp_msg *msg)
{
	if (roam_addr_is_none(&msg->gateway6))
		return true;
	return roam_addr_is_v4(&msg->gateway) &&
	       !roam_addr_is_v4(&msg->gateway6) &&
	       roam_addr_is_usable(&msg->gateway6);
}

static enum mmp_drop get_gateway_beacon(const uint8_t *buf, struct mmp_msg *msg)
{
	msg->timestamp = bytes_get(buf + 40, 8);
	msg->period = (uint32_t)bytes_get(buf + 48, 4);
	msg->delay = (uint32_t)bytes_get(buf + 52, 4);
	get_addr(buf + 56, &msg->gateway6);
	if (bytes_get(buf + 73, 3) || !msg->period)
		return MMP_DROP_RESERVED;
	if (!roam_addr_is_usable(&msg->gateway) || !second_fits(msg))
		return MMP_DROP_ADDRESS;
	for (unsigned int i = 0; i < msg->n_path; i++)
		if (!get_name(buf + BEACON_LEN + i * MMP_NAME_LEN,
			      &msg->path[i]))
			return MMP_DROP_NAME;
	return MMP_DROP_NONE;
}

static bool get_subnet(const uint8_t *p, struct roam_prefix *subnet)
{
	struct roam_prefix first;
	char text[ROAM_PREFIX_STRLEN];

	get_addr(p, &subnet->addr);
	subnet->len = p[16];
	/* What a prefix is, host bits included, says the one parser of them. */
	if (subnet->len > 128 ||
	    (roam_addr_is_v4(&subnet->addr) && subnet->len < 96))
		return false;
	return roam_prefix_parse(roam_prefix_format(subnet, text), &first) &&
	       first.len == subnet->len &&
	       roam_addr_eq(&first.addr, &subnet->addr);
}

static enum mmp_drop get_bs_beacon(const uint8_t *buf, struct mmp_msg *msg)
{
	if (!get_name(buf + 40, &msg->name))
		return MMP_DROP_NAME;
	msg->period = (uint32_t)bytes_get(buf + 52, 4);
	get_addr(buf + 56, &msg->gateway6);
	get_addr(buf + 72, &msg->router);
	msg->l2.kind = buf[88];
	msg->l2.channel = (uint16_t)bytes_get(buf + 90, 2);
	memcpy(msg->l2.bssid, buf + 92, sizeof(msg->l2.bssid));
	if (buf[89] || buf[99] || msg->l2.kind > MMP_L2_WIFI || !msg->period)
		return MMP_DROP_RESERVED;
	if (!is_none_or_usable(&msg->gateway) || !second_fits(msg))
		return MMP_DROP_ADDRESS;
	if (!roam_addr_is_none(&msg->router) &&
	    (!roam_addr_is_v4(&msg->router) ||
	     !roam_addr_is_usable(&msg->router)))
		return MMP_DROP_ADDRESS;
	for (unsigned int i = 0; i < msg->n_subnets; i++) {
		const uint8_t *p = buf + BS_BEACON_LEN + i * MMP_SUBNET_LEN;

		if (bytes_get(p + 17, 3))
			return MMP_DROP_RESERVED;
		if (!get_subnet(p, &msg->subnets[i]))
			return MMP_DROP_ADDRESS;
	}
	return MMP_DROP_NONE;
}

static enum mmp_drop get_host(const uint8_t *buf, struct mmp_msg *msg)
{
	get_addr(buf + 40, &msg->coa);
	msg->host_seq = bytes_get(buf + 56, 8);
	msg->unheard = (uint32_t)bytes_get(buf + 76, 4);
	if (msg->unheard && !(msg->flags & MMP_FLAG_KEEP))
		return MMP_DROP_RESERVED;
	if (!roam_addr_is_usable(&msg->coa) ||
	    !roam_addr_is_usable(&msg->gateway))
		return MMP_DROP_ADDRESS;
	return get_name(buf + 64, &msg->name) ? MMP_DROP_NONE : MMP_DROP_NAME;
}

static enum mmp_drop get_ack(const uint8_t *buf, struct mmp_msg *msg)
{
	get_addr(buf + 40, &msg->coa);
	msg->host_seq = bytes_get(buf + 56, 8);
	msg->status = buf[64];
	if (bytes_get(buf + 65, 3) ||
	    msg->status > (msg->type == MMP_ACK ? MMP_FULL : 1))
		return MMP_DROP_RESERVED;
	if (!roam_addr_is_usable(&msg->coa) ||
	    !roam_addr_is_usable(&msg->gateway))
		return MMP_DROP_ADDRESS;
	return get_name(buf + 68, &msg->name) ? MMP_DROP_NONE : MMP_DROP_NAME;
}

static enum mmp_drop get_probe(const uint8_t *buf, struct mmp_msg *msg)
{
	msg->timestamp = bytes_get(buf + 40, 8);
	msg->nonce = bytes_get(buf + 48, 8);
	if (bytes_get(buf + 68, 4) || msg->epoch || msg->seq)
		return MMP_DROP_RESERVED;
	if (!roam_addr_is_none(&msg->gateway))
		return MMP_DROP_ADDRESS;
	return get_name(buf + 56, &msg->name) ? MMP_DROP_NONE : MMP_DROP_NAME;
}

static enum mmp_drop get_trace(const uint8_t *buf, struct mmp_msg *msg)
{
	get_addr(buf + 40, &msg->coa);
	msg->nonce = bytes_get(buf + 56, 8);
	if (bytes_get(buf + 65, 3) || msg->epoch || msg->seq)
		return MMP_DROP_RESERVED;
	if (!roam_addr_is_none(&msg->gateway) ||
	    !roam_addr_is_usable(&msg->coa))
		return MMP_DROP_ADDRESS;
	for (unsigned int i = 0; i < msg->n_trace; i++) {
		const uint8_t *p = buf + TRACE_LEN + i * MMP_TRACE_LEN;
		struct mmp_hop_state *hop = &msg->trace[i];

		hop->role = p[12];
		hop->downlinks = p[13];
		hop->left = (uint32_t)bytes_get(p + 16, 4);
		hop->seq = bytes_get(p + 20, 8);
		if (!get_name(p, &hop->name))
			return MMP_DROP_NAME;
		if (hop->role > MMP_TRACE_BASE_STATION || hop->downlinks > 2 ||
		    p[14] || p[15])
			return MMP_DROP_RESERVED;
	}
	return MMP_DROP_NONE;
}

static uint16_t flags_of(uint8_t type)
{
	const uint16_t ids = MMP_FLAG_DOMAIN | MMP_FLAG_PAGING;

	switch (type) {
	case MMP_GATEWAY_BEACON:
	case MMP_BS_BEACON:
		return ids;
	case MMP_CACHE_UPDATE:
		return MMP_FLAG_DOMAIN | MMP_FLAG_SEMISOFT | MMP_FLAG_KEEP;
	case MMP_ROUTE_UPDATE:
		return MMP_FLAG_DOMAIN | MMP_FLAG_ACK | MMP_FLAG_KEEP;
	case MMP_REGISTRATION:
		return MMP_FLAG_DOMAIN | MMP_FLAG_KEEP;
	default:
		return MMP_FLAG_DOMAIN;
	}
}

/* An id that is not there is zero, one that is there is not. */
static bool ids_fit(const struct mmp_msg *msg)
{
	return !!(msg->flags & MMP_FLAG_DOMAIN) == !!msg->domain &&
	       !!(msg->flags & MMP_FLAG_PAGING) == !!msg->paging;
}

/* Length of a message without its authenticator, 0 if there is none such. */
static size_t length_of(const uint8_t *buf, size_t len, struct mmp_msg *msg)
{
	switch (msg->type) {
	case MMP_GATEWAY_BEACON:
		msg->n_path = len > 72 ? buf[72] : 0;
		if (!msg->n_path || msg->n_path > MMP_PATH_MAX)
			return 0;
		return BEACON_LEN + (size_t)msg->n_path * MMP_NAME_LEN;
	case MMP_BS_BEACON:
		msg->n_subnets = len > 98 ? buf[98] : 0;
		if (msg->n_subnets > MMP_SUBNETS_MAX)
			return 0;
		return BS_BEACON_LEN + (size_t)msg->n_subnets * MMP_SUBNET_LEN;
	case MMP_ACK:
	case MMP_HOST_ROUTE:
	case MMP_HOST_ROUTE_ACK:
		return ACK_LEN;
	case MMP_PROBE:
	case MMP_PROBE_REPLY:
		return PROBE_LEN;
	case MMP_TRACE:
	case MMP_TRACE_REPLY:
		msg->n_trace = len > 64 ? buf[64] : 0;
		if (!msg->n_trace || msg->n_trace > MMP_PATH_MAX)
			return 0;
		return TRACE_LEN + (size_t)msg->n_trace * MMP_TRACE_LEN;
	default:
		return HOST_LEN;
	}
}

static enum mmp_drop get_body(const uint8_t *buf, struct mmp_msg *msg)
{
	switch (msg->type) {
	case MMP_GATEWAY_BEACON:
		return get_gateway_beacon(buf, msg);
	case MMP_BS_BEACON:
		return get_bs_beacon(buf, msg);
	case MMP_ACK:
	case MMP_HOST_ROUTE:
	case MMP_HOST_ROUTE_ACK:
		return get_ack(buf, msg);
	case MMP_PROBE:
	case MMP_PROBE_REPLY:
		return get_probe(buf, msg);
	case MMP_TRACE:
	case MMP_TRACE_REPLY:
		return get_trace(buf, msg);
	default:
		return get_host(buf, msg);
	}
}

enum mmp_drop mmp_decode(const uint8_t *buf, size_t len, struct mmp_msg *msg,
			 size_t *covered)
{
	if (len < MMP_HEADER_LEN)
		return MMP_DROP_LENGTH;
	if (buf[0] != MMP_VERSION)
		return MMP_DROP_VERSION;
	memset(msg, 0, sizeof(*msg));
	msg->type = buf[1];
	if (msg->type < MMP_GATEWAY_BEACON || msg->type > MMP_TYPE_MAX)
		return MMP_DROP_TYPE;
	*covered = length_of(buf, len, msg);
	if (!*covered || len != *covered + MMP_AUTH_LEN)
		return MMP_DROP_LENGTH;
	msg->flags = (uint16_t)bytes_get(buf + 2, 2);
	msg->key_id = (uint32_t)bytes_get(buf + 4, 4);
	msg->domain = (uint32_t)bytes_get(buf + 8, 4);
	msg->paging = (uint32_t)bytes_get(buf + 12, 4);
	get_addr(buf + 16, &msg->gateway);
	msg->epoch = (uint32_t)bytes_get(buf + 32, 4);
	msg->seq = (uint32_t)bytes_get(buf + 36, 4);
	if ((msg->flags & ~flags_of(msg->type)) || !ids_fit(msg))
		return MMP_DROP_RESERVED;
	return get_body(buf, msg);
}
