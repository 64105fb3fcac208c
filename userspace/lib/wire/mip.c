// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire/mip.h"

#include <arpa/inet.h>
#include <string.h>

#include "wire/bytes.h"

#define EXTENSION_HEAD 2
#define LONG_HEAD 4		/* type, reserved, length of two bytes */
#define SPI_LEN 4
#define UDP_EXTENSION_LEN 6
#define ICMP_HEAD 8
#define ADVERT_MOBILITY 16
#define ADVERT_PREFIXES 19
#define ADVERT_CHALLENGE 24
#define MOBILITY_FIXED 6	/* bytes of the mobility extension without addresses */

static const char *const error_names[MIP_ERROR_MAX] = {
	[MIP_OK] = "ok",
	[MIP_SHORT] = "short",
	[MIP_LONG] = "long",
	[MIP_TYPE] = "type",
	[MIP_UNKNOWN] = "unknown_extension",
	[MIP_MALFORMED] = "malformed",
};

static const char *const code_names[256] = {
	[MIP_ACCEPTED] = "accepted",
	[MIP_ACCEPTED_ONE] = "accepted, without simultaneous bindings",
	[MIP_FA_UNSPECIFIED] = "foreign agent: reason unspecified",
	[MIP_FA_PROHIBITED] = "foreign agent: administratively prohibited",
	[MIP_FA_RESOURCES] = "foreign agent: insufficient resources",
	[MIP_FA_MN_AUTH] = "foreign agent: mobile node failed authentication",
	[MIP_FA_HA_AUTH] = "foreign agent: home agent failed authentication",
	[MIP_FA_LIFETIME] = "foreign agent: requested lifetime too long",
	[MIP_FA_REQUEST] = "foreign agent: poorly formed request",
	[MIP_FA_REPLY] = "foreign agent: poorly formed reply",
	[MIP_FA_ENCAPSULATION] = "foreign agent: encapsulation unavailable",
	[MIP_FA_COMPRESSION] = "foreign agent: header compression unavailable",
	[MIP_FA_NO_REVERSE] = "foreign agent: reverse tunnel unavailable",
	[MIP_FA_REVERSE_MANDATORY] =
		"foreign agent: reverse tunnel is mandatory, T is not set",
	[MIP_FA_TOO_DISTANT] = "foreign agent: mobile node too distant",
	[MIP_FA_CARE_OF] = "foreign agent: invalid care-of address",
	[MIP_FA_TIMEOUT] = "foreign agent: registration timeout",
	[MIP_FA_DELIVERY] = "foreign agent: delivery style not supported",
	[MIP_FA_NET_UNREACHABLE] = "foreign agent: home network unreachable",
	[MIP_FA_HOST_UNREACHABLE] = "foreign agent: home agent host unreachable",
	[MIP_FA_PORT_UNREACHABLE] = "foreign agent: home agent port unreachable",
	[MIP_FA_HA_UNREACHABLE] = "foreign agent: home agent unreachable",
	[MIP_FA_HOME_NONZERO] = "foreign agent: non-zero home address required",
	[MIP_FA_NAI_MISSING] = "foreign agent: missing NAI in the reply",
	[MIP_FA_AGENT_MISSING] = "foreign agent: missing home agent in the reply",
	[MIP_FA_HOME_MISSING] = "foreign agent: missing home address in the reply",
	[MIP_FA_VENDOR_MN] =
		"foreign agent: unknown critical vendor extension of the node",
	[MIP_FA_VENDOR_HA] =
		"foreign agent: unknown critical vendor extension of the home agent",
	[MIP_HA_UNSPECIFIED] = "home agent: reason unspecified",
	[MIP_HA_PROHIBITED] = "home agent: administratively prohibited",
	[MIP_HA_RESOURCES] = "home agent: insufficient resources",
	[MIP_HA_MN_AUTH] = "home agent: mobile node failed authentication",
	[MIP_HA_FA_AUTH] = "home agent: foreign agent failed authentication",
	[MIP_HA_IDENTIFICATION] = "home agent: registration Identification mismatch",
	[MIP_HA_REQUEST] = "home agent: poorly formed request",
	[MIP_HA_BINDINGS] = "home agent: too many simultaneous bindings",
	[MIP_HA_UNKNOWN_AGENT] = "home agent: unknown home agent address",
	[MIP_HA_NO_REVERSE] = "home agent: reverse tunnel unavailable",
	[MIP_HA_REVERSE_MANDATORY] =
		"home agent: reverse tunnel is mandatory, T is not set",
	[MIP_HA_ENCAPSULATION] = "home agent: encapsulation unavailable",
	[MIP_HA_VENDOR_MN] =
		"home agent: unknown critical vendor extension of the node",
	[MIP_HA_VENDOR_FA] =
		"home agent: unknown critical vendor extension of the foreign agent",
	[MIP_HA_UDP_ENCAPSULATION] = "home agent: UDP encapsulation unavailable",
	[MIP_FA_AGENT_INVALID] = "foreign agent: invalid home agent address",
};

const char *mip_error_name(enum mip_error error)
{
	return error < MIP_ERROR_MAX ? error_names[error] : "unknown";
}

const char *mip_code_name(uint8_t code)
{
	return code_names[code] ? code_names[code] : "unknown code";
}

const char *mip_flags_format(uint8_t flags, char buf[9])
{
	static const char letters[] = "SBDMGVTx";
	char *p = buf;
	int i;

	for (i = 0; i < 8; i++)
		if (flags & 0x80 >> i)
			*p++ = letters[i];
	if (p == buf)
		*p++ = '-';
	*p = '\0';
	return buf;
}

struct roam_addr mip_get_addr(const uint8_t *p)
{
	struct roam_addr addr = { 0 };

	if (!bytes_get(p, 4))
		return addr;
	addr.b[10] = 0xff;
	addr.b[11] = 0xff;
	memcpy(addr.b + 12, p, 4);
	return addr;
}

/* "None" and IPv4 addresses alike end with what stands on the wire. */
uint8_t *mip_put_addr(uint8_t *p, const struct roam_addr *addr)
{
	memcpy(p, addr->b + 12, 4);
	return p + 4;
}

uint8_t *mip_put_time(uint8_t *p, msec_t when, int64_t shift)
{
	return bytes_put(p, (uint64_t)(when == MSEC_NEVER ? when :
							    when + shift), 8);
}

msec_t mip_get_time(const uint8_t *p, int64_t shift)
{
	int64_t value = (int64_t)bytes_get(p, 8);
	msec_t when;

	return value == MSEC_NEVER ||
	       __builtin_sub_overflow(value, shift, &when) ? MSEC_NEVER : when;
}

static void decode_request(const uint8_t *buf, struct mip_msg *msg)
{
	msg->flags = buf[1];
	msg->lifetime = (uint16_t)bytes_get(buf + 2, 2);
	msg->home = mip_get_addr(buf + 4);
	msg->agent = mip_get_addr(buf + 8);
	msg->coa = mip_get_addr(buf + 12);
	msg->id = bytes_get(buf + 16, 8);
}

static void decode_reply(const uint8_t *buf, struct mip_msg *msg)
{
	msg->code = buf[1];
	msg->lifetime = (uint16_t)bytes_get(buf + 2, 2);
	msg->home = mip_get_addr(buf + 4);
	msg->agent = mip_get_addr(buf + 8);
	msg->id = bytes_get(buf + 12, 8);
}

static bool is_known(uint8_t type)
{
	switch (type) {
	case MIP_MOBILE_HOME:
	case MIP_MOBILE_FOREIGN:
	case MIP_FOREIGN_HOME:
	case MIP_CRITICAL_VENDOR:
	case MIP_UDP_TUNNEL_REPLY:
	case MIP_ENCAPSULATING_DELIVERY:
	case MIP_NAI:
	case MIP_VENDOR:
	case MIP_NAI_CARRYING:
	case MIP_UDP_TUNNEL_REQUEST:
		return true;
	default:
		return false;
	}
}

/* Head and content of the extension at @at; false if it does not fit. */
static bool cut(const struct mip_msg *msg, size_t at, struct mip_extension *e,
		size_t *next)
{
	size_t head = EXTENSION_HEAD, len;

	e->type = msg->buf[at];
	e->at = (uint16_t)at;
	if (e->type == MIP_CRITICAL_VENDOR)
		head = LONG_HEAD;
	if (msg->len - at < head)
		return false;
	len = head == LONG_HEAD ? bytes_get(msg->buf + at + 2, 2) :
				  msg->buf[at + 1];
	if (msg->len - at - head < len)
		return false;
	e->data = msg->buf + at + head;
	e->len = (uint16_t)len;
	*next = at + head + len;
	return true;
}

static bool is_well_formed(const struct mip_extension *e)
{
	switch (e->type) {
	case MIP_MOBILE_HOME:
	case MIP_MOBILE_FOREIGN:
	case MIP_FOREIGN_HOME:
		return e->len > SPI_LEN;
	case MIP_CRITICAL_VENDOR:
		return e->len >= 6;
	case MIP_NAI:
		return e->len >= 1;
	case MIP_ENCAPSULATING_DELIVERY:
		return e->len == 0;
	default:
		return true;
	}
}

static enum mip_error decode_extensions(struct mip_msg *msg, size_t at)
{
	struct mip_extension e;
	size_t next;

	for (; at < msg->len; at = next) {
		if (msg->buf[at] == MIP_PADDING) {
			next = at + 1;
			continue;
		}
		if (msg->buf[at] < 128 && !is_known(msg->buf[at]))
			return MIP_UNKNOWN;
		if (!cut(msg, at, &e, &next))
			return MIP_MALFORMED;
		if (!is_known(e.type))
			continue;
		if (!is_well_formed(&e) || msg->n == MIP_EXTENSIONS_MAX)
			return MIP_MALFORMED;
		msg->extensions[msg->n++] = e;
	}
	return MIP_OK;
}

enum mip_error mip_decode(const uint8_t *buf, size_t len, struct mip_msg *msg)
{
	size_t fixed;

	memset(msg, 0, sizeof(*msg));
	if (!len)
		return MIP_SHORT;
	if (len > MIP_MAX_LEN)
		return MIP_LONG;
	msg->type = buf[0];
	if (msg->type != MIP_REQUEST && msg->type != MIP_REPLY)
		return MIP_TYPE;
	fixed = msg->type == MIP_REQUEST ? MIP_REQUEST_LEN : MIP_REPLY_LEN;
	if (len < fixed)
		return MIP_SHORT;
	msg->buf = buf;
	msg->len = len;
	if (msg->type == MIP_REQUEST)
		decode_request(buf, msg);
	else
		decode_reply(buf, msg);
	return decode_extensions(msg, fixed);
}

const struct mip_extension *mip_find(const struct mip_msg *msg, uint8_t type,
				     const struct mip_extension *after)
{
	unsigned int i = after ? (unsigned int)(after - msg->extensions) + 1 : 0;

	for (; i < msg->n; i++)
		if (msg->extensions[i].type == type)
			return &msg->extensions[i];
	return NULL;
}

bool mip_get_auth(const struct mip_extension *e, uint32_t *spi,
		  const uint8_t **mac, size_t *mac_len, size_t *covered)
{
	if (e->type < MIP_MOBILE_HOME || e->type > MIP_FOREIGN_HOME ||
	    e->len <= SPI_LEN)
		return false;
	*spi = (uint32_t)bytes_get(e->data, SPI_LEN);
	*mac = e->data + SPI_LEN;
	*mac_len = e->len - SPI_LEN;
	*covered = e->at + EXTENSION_HEAD + SPI_LEN;
	return true;
}

/* The normal shape has two reserved bytes in front of the vendor's number. */
bool mip_get_vendor(const struct mip_extension *e, struct mip_vendor *vendor)
{
	size_t skip = e->type == MIP_VENDOR ? 2 : 0;

	if ((e->type != MIP_VENDOR && e->type != MIP_CRITICAL_VENDOR) ||
	    e->len < skip + 6)
		return false;
	vendor->vendor = (uint32_t)bytes_get(e->data + skip, 4);
	vendor->type = (uint16_t)bytes_get(e->data + skip + 4, 2);
	vendor->data = e->data + skip + 6;
	vendor->len = e->len - skip - 6;
	return true;
}

/* RFC 3519 3.1: reserved fields that are not zero make it an unknown one. */
bool mip_get_udp_request(const struct mip_extension *e,
			 struct mip_udp_request *udp)
{
	if (e->type != MIP_UDP_TUNNEL_REQUEST || e->len != UDP_EXTENSION_LEN ||
	    e->data[0] || bytes_get(e->data + 4, 2))
		return false;
	udp->flags = e->data[2] & (MIP_UDP_FORCE | MIP_UDP_FOREIGN);
	udp->encapsulation = e->data[3];
	return true;
}

bool mip_get_udp_reply(const struct mip_extension *e, struct mip_udp_reply *udp)
{
	if (e->type != MIP_UDP_TUNNEL_REPLY || e->len != UDP_EXTENSION_LEN ||
	    e->data[0])
		return false;
	udp->code = e->data[1];
	udp->force = e->data[2] & 0x80;
	udp->keepalive = (uint16_t)bytes_get(e->data + 4, 2);
	return true;
}

void mip_put_bytes(struct mip_writer *w, const uint8_t *data, size_t len)
{
	if (len > sizeof(w->buf) - w->len) {
		w->full = true;
		return;
	}
	if (len)
		memcpy(w->buf + w->len, data, len);
	w->len += len;
}

void mip_put_message(struct mip_writer *w, const struct mip_msg *msg)
{
	bool request = msg->type == MIP_REQUEST;
	uint8_t fixed[MIP_REQUEST_LEN], *p = fixed;

	p = bytes_put(p, msg->type, 1);
	p = bytes_put(p, request ? msg->flags : msg->code, 1);
	p = bytes_put(p, msg->lifetime, 2);
	p = mip_put_addr(p, &msg->home);
	p = mip_put_addr(p, &msg->agent);
	if (request)
		p = mip_put_addr(p, &msg->coa);
	p = bytes_put(p, msg->id, 8);
	mip_put_bytes(w, fixed, (size_t)(p - fixed));
}

/* Room for an extension of the simple shape, with its head; NULL if full. */
static uint8_t *put_head(struct mip_writer *w, uint8_t type, size_t len)
{
	uint8_t *p = w->buf + w->len;

	if (len > 255 || EXTENSION_HEAD + len > sizeof(w->buf) - w->len) {
		w->full = true;
		return NULL;
	}
	p[0] = type;
	p[1] = (uint8_t)len;
	w->len += EXTENSION_HEAD + len;
	return p + EXTENSION_HEAD;
}

void mip_put_extension(struct mip_writer *w, uint8_t type, const void *data,
		       size_t len)
{
	uint8_t *p = put_head(w, type, len);

	if (p && len)
		memcpy(p, data, len);
}

void mip_put_vendor(struct mip_writer *w, uint8_t type,
		    const struct mip_vendor *vendor)
{
	uint8_t head[LONG_HEAD + 6], *p = head;
	size_t len = vendor->len + 6;

	if (type == MIP_VENDOR) {
		p = put_head(w, type, 2 + len);
		if (!p)
			return;
		p = bytes_put(p, 0, 2);
		p = bytes_put(p, vendor->vendor, 4);
		p = bytes_put(p, vendor->type, 2);
		if (vendor->len)
			memcpy(p, vendor->data, vendor->len);
		return;
	}
	if (len > UINT16_MAX || LONG_HEAD + len > sizeof(w->buf) - w->len) {
		w->full = true;
		return;
	}
	p = bytes_put(p, type, 1);
	p = bytes_put(p, 0, 1);
	p = bytes_put(p, len, 2);
	p = bytes_put(p, vendor->vendor, 4);
	p = bytes_put(p, vendor->type, 2);
	mip_put_bytes(w, head, (size_t)(p - head));
	mip_put_bytes(w, vendor->data, vendor->len);
}

void mip_put_udp_request(struct mip_writer *w, const struct mip_udp_request *udp)
{
	uint8_t data[UDP_EXTENSION_LEN] = {
		[2] = udp->flags, [3] = udp->encapsulation,
	};

	mip_put_extension(w, MIP_UDP_TUNNEL_REQUEST, data, sizeof(data));
}

void mip_put_udp_reply(struct mip_writer *w, const struct mip_udp_reply *udp)
{
	uint8_t data[UDP_EXTENSION_LEN] = {
		[1] = udp->code, [2] = udp->force ? 0x80 : 0,
	};

	bytes_put(data + 4, udp->keepalive, 2);
	mip_put_extension(w, MIP_UDP_TUNNEL_REPLY, data, sizeof(data));
}

uint8_t *mip_put_auth(struct mip_writer *w, uint8_t type, uint32_t spi,
		      size_t mac_len)
{
	uint8_t *p = put_head(w, type, SPI_LEN + mac_len);

	return p ? bytes_put(p, spi, SPI_LEN) : NULL;
}

/* ---- names of sessions ---- */

/* Length of the UTF-8 sequence at @p, 0 if it is none (RFC 3629). */
static size_t utf8_len(const uint8_t *p, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *p < 0x80 ? 1 : *p >= 0xf0 && *p < 0xf8 ? 4 :
		   *p >= 0xe0 ? 3 : *p >= 0xc0 ? 2 : 0;
	uint32_t c = n == 1 ? *p : n ? *p & (0xff >> (n + 1)) : 0;
	size_t i;

	if (!n || *p >= 0xf8 || n > left)
		return 0;
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return n;
}

/* Printable text: neither C0 nor C1 controls, so that a terminal shows what it is. */
static bool is_text(const uint8_t *p, size_t len)
{
	size_t at, n;

	for (at = 0; at < len; at += n) {
		n = utf8_len(p + at, len - at);
		if (!n || p[at] < 0x20 || p[at] == 0x7f ||
		    (p[at] == 0xc2 && p[at + 1] < 0xa0))
			return false;
	}
	return true;
}

bool mip_nai_is_valid(const uint8_t *nai, size_t len)
{
	const uint8_t *at = len ? memchr(nai, '@', len) : NULL;

	if (!len || len > MIP_NAI_MAX - 1 || !is_text(nai, len) ||
	    memchr(nai, ' ', len))
		return false;
	if (!at)
		return true;
	at++;
	return at < nai + len && !memchr(at, '@', (size_t)(nai + len - at)) &&
	       *at != '.' && nai[len - 1] != '.';
}

bool mip_sub_nai_is_valid(const uint8_t *sub, size_t len)
{
	return len && len <= MIP_SUB_NAI_MAX && is_text(sub, len);
}

static uint32_t naming_vendor(const struct mip_naming *naming)
{
	return naming->vendor ? naming->vendor : MIP_NAMING_VENDOR;
}

static uint16_t naming_type(const struct mip_naming *naming)
{
	return naming->type ? naming->type : MIP_NAMING_SUB;
}

static bool take_sub(struct mip_names *names, const struct mip_extension *e,
		     const uint8_t *sub, size_t len)
{
	if (names->sub_at || !mip_sub_nai_is_valid(sub, len))
		return false;
	names->sub = sub;
	names->sub_len = len;
	names->sub_at = e;
	return true;
}

static bool take_nai(struct mip_names *names, const uint8_t *nai, size_t len)
{
	if (names->nai || !mip_nai_is_valid(nai, len))
		return false;
	names->nai = nai;
	names->nai_len = len;
	return true;
}

static bool take_both(struct mip_names *names, const struct mip_extension *e,
		      const struct mip_vendor *v)
{
	size_t len = v->len ? v->data[0] : 0;

	return v->len && len < v->len &&
	       take_nai(names, v->data + 1, len) &&
	       take_sub(names, e, v->data + 1 + len, v->len - 1 - len);
}

bool mip_get_names(const struct mip_msg *msg, const struct mip_naming *naming,
		   struct mip_names *names)
{
	const struct mip_extension *e;
	struct mip_vendor v;
	bool ok = true;

	memset(names, 0, sizeof(*names));
	for (e = msg->extensions; ok && e < msg->extensions + msg->n; e++) {
		if (e->type == MIP_NAI)
			ok = take_nai(names, e->data, e->len);
		if (e->type != MIP_VENDOR || !mip_get_vendor(e, &v) ||
		    v.vendor != naming_vendor(naming))
			continue;
		if (v.type == naming_type(naming))
			ok = take_sub(names, e, v.data, v.len);
		else if (v.type == naming_type(naming) + 1)
			ok = take_both(names, e, &v);
	}
	return ok;
}

void mip_put_sub_nai(struct mip_writer *w, const struct mip_naming *naming,
		     const uint8_t *sub, size_t len)
{
	struct mip_vendor v = { .vendor = naming_vendor(naming),
				.type = naming_type(naming),
				.data = sub, .len = len };

	mip_put_vendor(w, MIP_VENDOR, &v);
}

void mip_put_names(struct mip_writer *w, const struct mip_naming *naming,
		   const struct mip_names *names)
{
	uint8_t both[1 + MIP_NAI_MAX + MIP_SUB_NAI_MAX];
	struct mip_vendor v = { .vendor = naming_vendor(naming),
				.type = naming_type(naming) + 1, .data = both,
				.len = 1 + names->nai_len + names->sub_len };

	/* an extension has one byte of length: long names need two */
	if (naming->both && names->nai && names->sub && v.len + 8 <= 255) {
		both[0] = (uint8_t)names->nai_len;
		memcpy(both + 1, names->nai, names->nai_len);
		memcpy(both + 1 + names->nai_len, names->sub, names->sub_len);
		mip_put_vendor(w, MIP_VENDOR, &v);
		return;
	}
	if (names->nai)
		mip_put_extension(w, MIP_NAI, names->nai, names->nai_len);
	if (names->sub)
		mip_put_sub_nai(w, naming, names->sub, names->sub_len);
}

/* ---- agent discovery ---- */

static uint16_t checksum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)bytes_get(p + i, 2);
	if (len % 2)
		sum += (uint32_t)p[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

size_t mip_advert_encode(const struct mip_advert *advert,
			 uint8_t buf[MIP_ADVERT_MAX])
{
	uint8_t *p = buf;
	unsigned int i;

	p = bytes_put(p, MIP_ICMP_ADVERTISEMENT, 1);
	p = bytes_put(p, advert->code, 1);
	p = bytes_put(p, 0, 2);
	p = bytes_put(p, advert->n_routers, 1);
	p = bytes_put(p, 2, 1);
	p = bytes_put(p, advert->lifetime, 2);
	for (i = 0; i < advert->n_routers; i++) {
		p = mip_put_addr(p, &advert->routers[i]);
		p = bytes_put(p, advert->preferences[i], 4);
	}
	if (advert->is_agent) {
		p = bytes_put(p, ADVERT_MOBILITY, 1);
		p = bytes_put(p, MOBILITY_FIXED + 4 * advert->n_coas, 1);
		p = bytes_put(p, advert->sequence, 2);
		p = bytes_put(p, advert->registration, 2);
		p = bytes_put(p, advert->flags, 2);
		for (i = 0; i < advert->n_coas; i++)
			p = mip_put_addr(p, &advert->coas[i]);
	}
	if (advert->n_prefixes) {
		p = bytes_put(p, ADVERT_PREFIXES, 1);
		p = bytes_put(p, advert->n_prefixes, 1);
		for (i = 0; i < advert->n_prefixes; i++)
			p = bytes_put(p, advert->prefixes[i], 1);
	}
	bytes_put(buf + 2, checksum(buf, (size_t)(p - buf)), 2);
	return (size_t)(p - buf);
}

static bool decode_mobility(const uint8_t *p, size_t len,
			    struct mip_advert *advert)
{
	size_t i;

	if (len < MOBILITY_FIXED || (len - MOBILITY_FIXED) % 4)
		return false;
	advert->is_agent = true;
	advert->sequence = (uint16_t)bytes_get(p, 2);
	advert->registration = (uint16_t)bytes_get(p + 2, 2);
	advert->flags = (uint16_t)bytes_get(p + 4, 2);
	advert->n_coas = 0;
	for (i = MOBILITY_FIXED; i < len && advert->n_coas < MIP_ADVERT_ADDRS;
	     i += 4)
		advert->coas[advert->n_coas++] = mip_get_addr(p + i);
	return true;
}

static bool decode_prefixes(const uint8_t *p, size_t len, size_t routers,
			    struct mip_advert *advert)
{
	size_t i;

	if (len != routers)
		return false;
	for (i = 0; i < advert->n_routers; i++) {
		if (p[i] > 32)
			return false;
		advert->prefixes[i] = p[i];
	}
	advert->n_prefixes = advert->n_routers;
	return true;
}

static enum mip_error decode_advert_extensions(const uint8_t *p, size_t len,
					       size_t routers,
					       struct mip_advert *advert)
{
	size_t n;

	while (len) {
		if (*p == MIP_PADDING) {
			p++;
			len--;
			continue;
		}
		if (*p < 128 && *p != ADVERT_MOBILITY && *p != ADVERT_PREFIXES &&
		    *p != ADVERT_CHALLENGE)
			return MIP_UNKNOWN;
		if (len < EXTENSION_HEAD || len - EXTENSION_HEAD < p[1])
			return MIP_MALFORMED;
		n = p[1];
		if (*p == ADVERT_MOBILITY &&
		    !decode_mobility(p + EXTENSION_HEAD, n, advert))
			return MIP_MALFORMED;
		if (*p == ADVERT_PREFIXES &&
		    !decode_prefixes(p + EXTENSION_HEAD, n, routers, advert))
			return MIP_MALFORMED;
		p += EXTENSION_HEAD + n;
		len -= EXTENSION_HEAD + n;
	}
	return MIP_OK;
}

enum mip_error mip_advert_decode(const uint8_t *buf, size_t len,
				 struct mip_advert *advert)
{
	size_t routers, size, i;
	const uint8_t *p;

	memset(advert, 0, sizeof(*advert));
	if (len < ICMP_HEAD)
		return MIP_SHORT;
	if (buf[0] != MIP_ICMP_ADVERTISEMENT)
		return MIP_TYPE;
	advert->code = buf[1];
	routers = buf[4];
	size = 4 * (size_t)buf[5];
	advert->lifetime = (uint16_t)bytes_get(buf + 6, 2);
	/* RFC 5944 2.1: there may be no router address in it, RFC 1256 differs. */
	if (checksum(buf, len) || (routers && size < 8) ||
	    len - ICMP_HEAD < routers * size ||
	    (advert->code != MIP_ADVERT_COMMON &&
	     advert->code != MIP_ADVERT_MOBILE))
		return MIP_MALFORMED;
	for (i = 0, p = buf + ICMP_HEAD; i < routers; i++, p += size) {
		if (i >= MIP_ADVERT_ADDRS)
			continue;
		advert->routers[i] = mip_get_addr(p);
		advert->preferences[i] = (uint32_t)bytes_get(p + 4, 4);
		advert->n_routers++;
	}
	return decode_advert_extensions(p, len - (size_t)(p - buf), routers,
					advert);
}

void mip_solicitation_encode(uint8_t buf[MIP_SOLICITATION_LEN])
{
	memset(buf, 0, MIP_SOLICITATION_LEN);
	buf[0] = MIP_ICMP_SOLICITATION;
	bytes_put(buf + 2, checksum(buf, MIP_SOLICITATION_LEN), 2);
}

bool mip_solicitation_is_valid(const uint8_t *buf, size_t len)
{
	return len >= MIP_SOLICITATION_LEN && buf[0] == MIP_ICMP_SOLICITATION &&
	       !buf[1] && !checksum(buf, len);
}

uint16_t mip_sequence_next(uint16_t sequence)
{
	return sequence == UINT16_MAX ? MIP_SEQUENCE_WRAP : sequence + 1;
}
