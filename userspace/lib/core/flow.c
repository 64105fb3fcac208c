// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/flow.h"

#include <netinet/in.h>
#include <string.h>

#include "wire/bytes.h"

#define SCALE_MAX 14

static bool is_host(const struct roam_addr *addr, bool v4)
{
	return roam_addr_is_v4(addr) == v4 && roam_addr_is_usable(addr);
}

bool flow_is_valid(const struct flow *f)
{
	bool v4 = roam_addr_is_v4(&f->src);

	if (!is_host(&f->src, v4) || !is_host(&f->dst, v4) ||
	    !is_host(&f->reply_src, v4) || !is_host(&f->reply_dst, v4))
		return false;
	if (!f->sport || !f->dport || !f->reply_sport || !f->reply_dport ||
	    !f->timeout || f->timeout > FLOW_TIMEOUT_MAX)
		return false;
	if (f->scale[0] > SCALE_MAX || f->scale[1] > SCALE_MAX)
		return false;
	if (f->proto == IPPROTO_UDP)
		return f->state == FLOW_NO_STATE;
	return f->proto == IPPROTO_TCP && f->state >= FLOW_ESTABLISHED &&
	       f->state <= FLOW_LAST_ACK;
}

static uint8_t *put_addr(uint8_t *p, const struct roam_addr *addr)
{
	memcpy(p, addr, sizeof(*addr));
	return p + sizeof(*addr);
}

static const uint8_t *get_addr(const uint8_t *p, struct roam_addr *addr)
{
	memcpy(addr, p, sizeof(*addr));
	return p + sizeof(*addr);
}

void flow_key_encode(const struct flow *f, uint8_t *p)
{
	*p++ = f->proto;
	*p++ = 0;
	p = bytes_put(p, f->zone, 2);
	p = put_addr(p, &f->src);
	p = put_addr(p, &f->dst);
	p = bytes_put(p, f->sport, 2);
	bytes_put(p, f->dport, 2);
}

void flow_value_encode(const struct flow *f, uint8_t *p)
{
	p = put_addr(p, &f->reply_src);
	p = put_addr(p, &f->reply_dst);
	p = bytes_put(p, f->reply_sport, 2);
	p = bytes_put(p, f->reply_dport, 2);
	p = bytes_put(p, f->mark, 4);
	*p++ = f->state;
	*p++ = f->scale[0];
	*p++ = f->scale[1];
	*p++ = 0;
	bytes_put(p, f->timeout, 4);
}

bool flow_key_decode(const uint8_t *p, size_t len, struct flow *f)
{
	if (len != FLOW_KEY_LEN || p[1])
		return false;
	f->proto = p[0];
	f->zone = (uint16_t)bytes_get(p + 2, 2);
	p = get_addr(p + 4, &f->src);
	p = get_addr(p, &f->dst);
	f->sport = (uint16_t)bytes_get(p, 2);
	f->dport = (uint16_t)bytes_get(p + 2, 2);
	return true;
}

bool flow_decode(const uint8_t *key, size_t key_len, const uint8_t *p,
		 size_t len, struct flow *f)
{
	if (!flow_key_decode(key, key_len, f) || len != FLOW_VALUE_LEN || p[43])
		return false;
	p = get_addr(p, &f->reply_src);
	p = get_addr(p, &f->reply_dst);
	f->reply_sport = (uint16_t)bytes_get(p, 2);
	f->reply_dport = (uint16_t)bytes_get(p + 2, 2);
	f->mark = (uint32_t)bytes_get(p + 4, 4);
	f->state = p[8];
	f->scale[0] = p[9];
	f->scale[1] = p[10];
	f->timeout = (uint32_t)bytes_get(p + 12, 4);
	return flow_is_valid(f);
}
