// SPDX-License-Identifier: GPL-2.0-or-later
/* Any value of an entry: what is accepted says itself again, and grants no more. */
#include "fuzz.h"

#include <string.h>

#include "core/agent_entries.h"

#define NOW 1000000

static void check_binding(const struct ha_state *state)
{
	struct ha_state back = { .home = state->home };
	uint8_t buf[AGENT_BINDING_MAX];
	size_t digested, len;

	check(state->n <= HA_BINDINGS_MAX);
	for (unsigned int i = 0; i < state->n; i++) {
		const struct ha_binding *b = &state->bindings[i];

		check(roam_addr_is_usable(&b->coa));
		check(roam_addr_is_usable(&b->source));
		check(b->encap <= HA_ENCAP_UDP);
		check(b->lifetime == MIP_LIFETIME_INFINITE ||
		      b->expires <= NOW + (msec_t)b->lifetime * 1000);
	}
	len = agent_binding_encode(state, NOW, buf, &digested);
	check(agent_binding_decode(buf, len, NOW, &back));
	check(back.n == state->n && back.last == state->last);
}

static void check_visitor(const struct fa_visitor *v)
{
	struct fa_visitor back = { .home = v->home };
	uint8_t buf[AGENT_VISITOR_MAX];
	size_t digested, len;

	check(roam_addr_is_usable(&v->agent));
	check(v->reverse <= FA_REVERSE_ENCAPSULATING && !v->link);
	len = agent_visitor_encode(v, NOW, buf, &digested);
	check(agent_visitor_decode(buf, len, NOW, &back));
	check(back.id == v->id && back.expires == v->expires);
	check(back.nai_len == v->nai_len && back.sub_len == v->sub_len);
	check(!memcmp(back.names, v->names, (size_t)v->nai_len + v->sub_len));
}

static void check_lease(const struct lease *lease)
{
	struct lease back = { .addr = lease->addr };
	struct mip_names names = lease_names(lease);
	uint8_t buf[AGENT_LEASE_MAX];
	size_t digested, len;

	check(mip_nai_is_valid(names.nai, names.nai_len));
	check(lease->until == MSEC_NEVER || lease->until <= NOW + 86400000);
	len = agent_lease_encode(lease, NOW, buf, &digested);
	check(agent_lease_decode(buf, len, NOW, &back));
	check(lease_is_of(&back, &names) && back.until == lease->until);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ha_state state;
	struct fa_visitor v;
	struct lease lease;
	uint32_t id;

	if (size < 10)
		return 0;
	if (!agent_key_read(data[0] % 4 + 1, data + 1, data[9] % 9,
			    &state.home, &id))
		return 0;
	v.home = state.home;
	lease.addr = state.home;
	if (agent_binding_decode(data + 10, size - 10, NOW, &state))
		check_binding(&state);
	if (agent_visitor_decode(data + 10, size - 10, NOW, &v))
		check_visitor(&v);
	if (agent_lease_decode(data + 10, size - 10, NOW, &lease))
		check_lease(&lease);
	return 0;
}
