/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The generic netlink family roam_tunnel; its contract is
 * Documentation/netlink/specs/roam_tunnel.yaml.
 */
#ifndef ROAM_TUNNEL_NETLINK_H
#define ROAM_TUNNEL_NETLINK_H

#include "tunnel.h"

struct tunnel_binding;
struct tunnel_visitor;

/*
 * Events, to whoever listens in the namespace. Under tunnel_net.lock. One that
 * cannot be built is lost, and the listener learns that from its socket (ENOBUFS).
 */
void tunnel_nl_binding_event(struct tunnel_net *tn,
			     const struct tunnel_binding *binding, u8 reason);
void tunnel_nl_visitor_event(struct tunnel_net *tn,
			     const struct tunnel_visitor *visitor, u8 reason);

int tunnel_nl_init(void);
void tunnel_nl_exit(void);

#endif
