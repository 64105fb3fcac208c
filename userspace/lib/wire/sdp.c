// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire/sdp.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/**
 * struct text - a piece of text
 * @p: where it begins
 * @len: its length
 */
struct text {
	const char *p;
	size_t len;
};

/* ---- lines and words ---- */

/* The next line without its end; false when there is none left. */
static bool next_line(struct text *rest, struct text *line)
{
	const char *end;

	if (!rest->len)
		return false;
	line->p = rest->p;
	end = memchr(rest->p, '\n', rest->len);
	line->len = end ? (size_t)(end - rest->p) : rest->len;
	rest->p += line->len + (end ? 1 : 0);
	rest->len -= line->len + (end ? 1 : 0);
	if (line->len && line->p[line->len - 1] == '\r')
		line->len--;
	return true;
}

/* The next word of a line, empty at its end. */
static struct text next_word(struct text *line)
{
	struct text word = { line->p, 0 };

	while (word.len < line->len && line->p[word.len] != ' ')
		word.len++;
	line->p += word.len;
	line->len -= word.len;
	while (line->len && *line->p == ' ') {
		line->p++;
		line->len--;
	}
	return word;
}

static bool is_word(struct text word, const char *s)
{
	return word.len == strlen(s) && !memcmp(word.p, s, word.len);
}

static bool begins(struct text line, const char *s)
{
	size_t len = strlen(s);

	return line.len >= len && !memcmp(line.p, s, len);
}

static struct text after(struct text line, size_t n)
{
	return (struct text){ line.p + n, line.len - n };
}

static bool to_number(struct text word, unsigned long max, unsigned long *n)
{
	*n = 0;
	if (!word.len)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		if (word.p[i] < '0' || word.p[i] > '9')
			return false;
		*n = *n * 10 + (word.p[i] - '0');
		if (*n > max)
			return false;
	}
	return true;
}

/* "IN IP4 192.0.2.1"; 0.0.0.0 and :: are none. */
static bool to_addr(struct text words, struct roam_addr *addr)
{
	struct text net = next_word(&words), kind = next_word(&words);
	struct text word = next_word(&words);
	char buf[ROAM_ADDR_STRLEN];

	if (!is_word(net, "IN") || !word.len || word.len >= sizeof(buf))
		return false;
	memcpy(buf, word.p, word.len);
	buf[word.len] = 0;
	if (!roam_addr_parse(buf, addr) ||
	    roam_addr_is_v4(addr) != is_word(kind, "IP4") ||
	    (!roam_addr_is_v4(addr) && !is_word(kind, "IP6")))
		return false;
	if (roam_addr_is_v4(addr) && !roam_addr_to_in(addr).s_addr)
		memset(addr, 0, sizeof(*addr));
	return true;
}

/* ---- reading ---- */

/**
 * struct reading - state of roam_sdp_read()
 * @sdp: the result
 * @addr: of the session's connection line
 * @connected: there is one
 * @direction: of the session
 * @media: the stream being read, NULL before the first
 * @own_addr: it has a connection line of its own
 * @own_rtcp: it says where its reports go
 * @own_rtcp_addr: with an address
 */
struct reading {
	struct roam_sdp *sdp;
	struct roam_addr addr;
	bool connected;
	enum roam_sdp_direction direction;
	struct roam_sdp_media *media;
	bool own_addr;
	bool own_rtcp;
	bool own_rtcp_addr;
};

/* What was left unsaid about the stream that ends here. */
static const char *close_media(struct reading *r)
{
	struct roam_sdp_media *m = r->media;

	if (!m)
		return NULL;
	if (!r->own_addr) {
		if (!r->connected && m->port)
			return "a stream has no address";
		m->addr = r->addr;
	}
	if (!r->own_rtcp)
		m->rtcp_port = m->port && m->port < 65535 ? m->port + 1 : 0;
	if (!r->own_rtcp_addr)
		m->rtcp_addr = m->addr;
	return NULL;
}

/* "49170", "49170/1" */
static const char *read_port(struct text port, unsigned long *n)
{
	const char *slash = memchr(port.p, '/', port.len);

	if (slash) {
		struct text count = after(port, slash + 1 - port.p);

		port.len = slash - port.p;
		if (!to_number(count, 65535, n) || *n != 1)
			return "a stream has several ports";
	}
	return to_number(port, 65535, n) ? NULL :
	       "the port of a stream is no number";
}

/* "audio 49170 RTP/AVP 0 8" */
static const char *read_media(struct reading *r, struct text words)
{
	struct text kind = next_word(&words), port = next_word(&words);
	struct text proto = next_word(&words), format = next_word(&words);
	const char *error = close_media(r);
	unsigned long n;

	if (error)
		return error;
	if (r->sdp->n_media == ROAM_SDP_MEDIA_MAX)
		return "it has too many streams";
	if (!kind.len || !format.len)
		return "the line of a stream makes no sense";
	error = read_port(port, &n);
	if (error)
		return error;
	r->media = &r->sdp->media[r->sdp->n_media++];
	*r->media = (struct roam_sdp_media){
		.port = n, .rtp = begins(proto, "RTP/") ||
				  begins(proto, "UDP/TLS/RTP/"),
		.direction = r->direction,
	};
	r->own_addr = r->own_rtcp = r->own_rtcp_addr = false;
	return NULL;
}

static const char *read_connection(struct reading *r, struct text words)
{
	struct roam_addr addr;

	if (!to_addr(words, &addr))
		return "a connection line is no address";
	if (r->media) {
		r->media->addr = addr;
		r->own_addr = true;
	} else {
		r->addr = addr;
		r->connected = true;
	}
	return NULL;
}

/* "rtcp:53020[ IN IP4 192.0.2.1]" (RFC 3605) */
static const char *read_rtcp(struct reading *r, struct text words)
{
	struct text port = next_word(&words);
	unsigned long n;

	if (!r->media)
		return NULL;
	if (!to_number(port, 65535, &n))
		return "the port of reports is no number";
	r->media->rtcp_port = n;
	r->own_rtcp = true;
	if (!words.len)
		return NULL;
	if (!to_addr(words, &r->media->rtcp_addr))
		return "the address of reports is none";
	r->own_rtcp_addr = true;
	return NULL;
}

static const char *read_attribute(struct reading *r, struct text line)
{
	static const char *const names[] = {
		[ROAM_SDP_SENDRECV] = "sendrecv",
		[ROAM_SDP_SENDONLY] = "sendonly",
		[ROAM_SDP_RECVONLY] = "recvonly",
		[ROAM_SDP_INACTIVE] = "inactive",
	};

	if (begins(line, "rtcp:"))
		return read_rtcp(r, after(line, 5));
	for (int i = 0; i < 4; i++) {
		if (!is_word(line, names[i]))
			continue;
		if (r->media)
			r->media->direction = i;
		else
			r->direction = i;
	}
	return NULL;
}

static const char *read_line(struct reading *r, struct text line,
			     unsigned int number, unsigned int *origins)
{
	struct text value;

	if (line.len < 2 || line.p[1] != '=' || line.p[0] < 'a' ||
	    line.p[0] > 'z')
		return "a line is none of a description";
	value = after(line, 2);
	if (number == 0 && !is_word(line, "v=0"))
		return "it does not begin with v=0";
	switch (line.p[0]) {
	case 'v':
		return number ? "it begins twice" : NULL;
	case 'o':
		return r->media || ++*origins > 1 ?
		       "it has more than one origin" : NULL;
	case 'c':
		return read_connection(r, value);
	case 'm':
		return read_media(r, value);
	case 'a':
		return read_attribute(r, value);
	default:
		return NULL;
	}
}

const char *roam_sdp_read(const char *text, size_t len, struct roam_sdp *sdp)
{
	struct text rest = { text, len }, line;
	struct reading r = { .sdp = sdp };
	unsigned int number = 0, origins = 0;
	const char *error;

	memset(sdp, 0, sizeof(*sdp));
	if (!len)
		return "it is empty";
	if (len > ROAM_SDP_MAX)
		return "it is too long";
	if (memchr(text, 0, len))
		return "it has a zero byte";
	while (next_line(&rest, &line)) {
		/* An empty line at the end is common and harmless. */
		if (!line.len && !rest.len)
			break;
		error = read_line(&r, line, number++, &origins);
		if (error)
			return error;
	}
	if (!origins)
		return "it has no origin";
	return close_media(&r);
}

/* ---- writing ---- */

/**
 * struct out - where roam_sdp_move() writes
 * @p: begin
 * @len: bytes written
 * @room: bytes there
 * @full: something did not fit
 */
struct out {
	char *p;
	size_t len;
	size_t room;
	bool full;
};

static void put(struct out *out, const char *p, size_t len)
{
	if (out->full || len > out->room - out->len) {
		out->full = true;
		return;
	}
	memcpy(out->p + out->len, p, len);
	out->len += len;
}

static void putf(struct out *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void putf(struct out *out, const char *fmt, ...)
{
	char buf[256];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	put(out, buf, len);
}

static const char *kind_of(const struct roam_addr *addr)
{
	return roam_addr_is_v4(addr) ? "IP4" : "IP6";
}

/* Ways past the place, which is to be the only one. */
static bool leads_elsewhere(struct text line)
{
	static const char *const names[] = {
		"a=candidate:", "a=remote-candidates:", "a=ice-", "a=rtcp:",
		"a=end-of-candidates",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (begins(line, names[i]))
			return true;
	return false;
}

static void put_connection(struct out *out, const struct roam_sdp_place *place,
			   struct text words)
{
	char buf[ROAM_ADDR_STRLEN];
	struct roam_addr addr;

	/* On hold is on hold at every place. */
	if (to_addr(words, &addr) && roam_addr_is_none(&addr))
		putf(out, "c=IN %s %s\r\n", kind_of(&place->addr),
		     roam_addr_is_v4(&place->addr) ? "0.0.0.0" : "::");
	else
		putf(out, "c=IN %s %s\r\n", kind_of(&place->addr),
		     roam_addr_format(&place->addr, buf));
}

static void put_media(struct out *out, uint16_t port, struct text words)
{
	struct text kind = next_word(&words), was = next_word(&words);
	unsigned long n;

	put(out, "m=", 2);
	put(out, kind.p, kind.len);
	putf(out, " %u ", read_port(was, &n) || !n ? 0 : port);
	put(out, words.p, words.len);
	put(out, "\r\n", 2);
}

size_t roam_sdp_move(const char *text, size_t len,
		     const struct roam_sdp_place *place, char *to, size_t room)
{
	struct out out = { .p = to, .room = room };
	struct text rest = { text, len }, line;
	char buf[ROAM_ADDR_STRLEN];
	size_t n = 0;

	while (next_line(&rest, &line)) {
		if (!line.len || leads_elsewhere(line))
			continue;
		if (begins(line, "o=")) {
			putf(&out, "o=- %llu %llu IN %s %s\r\n",
			     (unsigned long long)place->session,
			     (unsigned long long)place->version,
			     kind_of(&place->addr),
			     roam_addr_format(&place->addr, buf));
		} else if (begins(line, "c=")) {
			put_connection(&out, place, after(line, 2));
		} else if (begins(line, "m=") && n < ROAM_SDP_MEDIA_MAX) {
			put_media(&out, place->ports[n++], after(line, 2));
		} else {
			put(&out, line.p, line.len);
			put(&out, "\r\n", 2);
		}
	}
	return out.full ? 0 : out.len;
}
