// SPDX-License-Identifier: GPL-2.0-or-later
/* roam explain: what the module of tunnels does with packets of an address. */
#include <net/if.h>
#include <stdio.h>

#include "roam/cmd/explain.h"
#include "roam/cmd/tunnel.h"
#include "roam/output.h"

/**
 * struct tally - entries that have an address as one end of their tunnel
 * @e: the address
 * @nodes: bindings with it as care-of address
 * @sent: bindings with it as home agent
 * @visitors: visitors with it as home agent
 */
struct tally {
	struct explanation *e;
	unsigned long nodes;
	unsigned long sent;
	unsigned long visitors;
};

static const char *link_name(unsigned int index, char buf[IF_NAMESIZE])
{
	if (!if_indextoname(index, buf))
		snprintf(buf, IF_NAMESIZE, "%u", index % 1000000);
	return buf;
}

/* "for another 12 s", or "for ever". */
static const char *rest(uint32_t lifetime, char *buf, size_t len)
{
	char text[OUTPUT_DURATION_LEN];

	output_duration(lifetime / 1000.0, text, sizeof(text));
	snprintf(buf, len, lifetime ? "for another %s" : "for ever", text);
	return buf;
}

static void explain_binding(struct explanation *e,
			    const struct tunnel_binding *b)
{
	bool back = b->flags & ROAM_TUNNEL_BINDING_FLAG_REVERSE;
	char dev[IF_NAMESIZE], coa[ROAM_ADDR_STRLEN], own[ROAM_ADDR_STRLEN];
	char idle[OUTPUT_DURATION_LEN], until[64];

	explain_claim(e, "tunnel");
	explain_say(e, "It is the home address of a mobile node that is away; this host is its home agent, %s.",
		    rest(b->lifetime, until, sizeof(until)));
	for (size_t i = 0; i < b->n_endpoints; i++)
		explain_say(e, "%s is for it goes to %s from %s by %s (hook PRE_ROUTING or LOCAL_OUT, device %s).",
			    b->n_endpoints > 1 ? "A copy of what" : "What",
			    roam_addr_format(&b->endpoints[i].coa, coa),
			    roam_addr_format(&b->endpoints[i].local, own),
			    tunnel_encap_names[b->endpoints[i].encap & 3],
			    link_name(b->device, dev));
	output_duration(b->idle / 1000.0, idle, sizeof(idle));
	explain_say(e, "Its last packet was %s ago.", idle);
	explain_say(e, back ? "What it sends is taken out of the same tunnel; with its address from anywhere else it is dropped (drop-spoofed)." :
			      "No reverse tunnel was agreed on: what comes out of a tunnel with its address is dropped (drop-spoofed).");
	if (b->home_link)
		explain_say(e, "ARP requests for it are answered on %s.",
			    link_name(b->home_link, dev));
	else
		explain_say(e, "Its home network has no link here, so no ARP is answered for it.");
}

static void explain_visitor(struct explanation *e,
			    const struct tunnel_visitor *v)
{
	static const char *const reverses[] = {
		[ROAM_TUNNEL_REVERSE_NONE] =
			"What it sends is routed as any other packet.",
		[ROAM_TUNNEL_REVERSE_DIRECT] =
			"All that it sends goes back through the tunnel.",
		[ROAM_TUNNEL_REVERSE_ENCAPSULATING] =
			"What it encapsulates goes back through the tunnel, the rest is routed as any other packet.",
	};
	char link[IF_NAMESIZE], agent[ROAM_ADDR_STRLEN], coa[ROAM_ADDR_STRLEN];
	char until[64];

	explain_claim(e, "tunnel");
	if (v->role == ROAM_TUNNEL_ROLE_OWN)
		explain_say(e, "It is the home address of this host, which is a mobile node and away, %s.",
			    rest(v->lifetime, until, sizeof(until)));
	else
		explain_say(e, "It is a visitor: this host is its foreign agent, %s; it is on %s at %02x:%02x:%02x:%02x:%02x:%02x, where no ARP can find it.",
			    rest(v->lifetime, until, sizeof(until)),
			    link_name(v->link, link), v->mac[0], v->mac[1],
			    v->mac[2], v->mac[3], v->mac[4], v->mac[5]);
	for (size_t i = 0; i < v->n_agents; i++)
		explain_say(e, "Its home agent %s may send it packets through the tunnel to %s.",
			    roam_addr_format(&v->agents[i], agent),
			    roam_addr_format(&v->coa, coa));
	if (!v->n_agents)
		explain_say(e, "No home agent has accepted its registration yet, so no tunnel leads to it.");
	if (v->reverse < sizeof(reverses) / sizeof(reverses[0]) && v->n_agents)
		explain_say(e, "%s", reverses[v->reverse]);
}

static void count_binding(void *ctx, const struct tunnel_binding *b)
{
	struct tally *t = ctx;

	for (size_t i = 0; i < b->n_endpoints; i++) {
		t->nodes += roam_addr_eq(&b->endpoints[i].coa, &t->e->addr);
		t->sent += roam_addr_eq(&b->endpoints[i].local, &t->e->addr);
	}
}

static void count_visitor(void *ctx, const struct tunnel_visitor *v)
{
	struct tally *t = ctx;

	for (size_t i = 0; i < v->n_agents; i++)
		t->visitors += roam_addr_eq(&v->agents[i], &t->e->addr);
}

static void explain_ends(struct genl *genl, struct explanation *e)
{
	struct tally t = { .e = e };

	if (tunnel_binding_dump(genl, count_binding, &t, NULL) ||
	    tunnel_visitor_dump(genl, count_visitor, &t, NULL))
		return;
	if (!t.nodes && !t.sent && !t.visitors)
		return;
	explain_claim(e, "tunnel");
	if (t.nodes)
		explain_say(e, "It is the care-of address of %lu mobile node%s of this home agent.",
			    t.nodes, t.nodes == 1 ? "" : "s");
	if (t.sent)
		explain_say(e, "It is the address that this home agent tunnels from, to %lu mobile node%s.",
			    t.sent, t.sent == 1 ? "" : "s");
	if (t.visitors)
		explain_say(e, "It is the home agent of %lu node%s here.",
			    t.visitors, t.visitors == 1 ? "" : "s");
}

void tunnel_explain(struct explanation *e)
{
	struct tunnel_binding binding;
	struct tunnel_visitor visitor;
	struct genl *genl;

	if (!roam_addr_is_v4(&e->addr))
		return;
	genl = tunnel_open(NULL);
	if (!genl)
		return;
	if (!tunnel_binding_get(genl, &e->addr, &binding))
		explain_binding(e, &binding);
	if (!tunnel_visitor_get(genl, &e->addr, &visitor))
		explain_visitor(e, &visitor);
	explain_ends(genl, e);
	genl_close(genl);
}
