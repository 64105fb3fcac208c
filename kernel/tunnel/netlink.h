/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The generic netlink family roam_tunnel; its contract is
 * Documentation/netlink/specs/roam_tunnel.yaml.
 */
#ifndef ROAM_TUNNEL_NETLINK_H
#define ROAM_TUNNEL_NETLINK_H

#include <net/genetlink.h>

#include "tunnel.h"

struct roam_encap;
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

/* ---- what the files of the family share ---- */

extern struct genl_family tunnel_nl_family;

struct tunnel_net *tunnel_nl_net(struct genl_info *info);

/* The address of a host; 0 or -EINVAL. */
int tunnel_nl_host(const struct nlattr *nest, const struct nlattr *attr,
		   u16 type, __be32 *addr, struct netlink_ext_ack *extack);
/* A lifetime in jiffies, 0: for ever. */
unsigned long tunnel_nl_lifetime(const struct nlattr *attr);
/* How packets are carried; the ports are those of UDP. 0 or -EINVAL. */
int tunnel_nl_parse_encap(const struct nlattr *nest, const struct nlattr *encap,
			  const struct nlattr *sport,
			  const struct nlattr *dport, struct roam_encap *tunnel,
			  struct netlink_ext_ack *extack);
/* Both ends, which cannot be the same; 0 or -EINVAL. */
int tunnel_nl_check_ends(const struct nlattr *nest,
			 const struct roam_encap *tunnel,
			 struct netlink_ext_ack *extack);

/* UDP ports, as attributes of these types; nothing for another encapsulation. */
int tunnel_nl_put_ports(struct sk_buff *msg, const struct roam_encap *tunnel,
			u16 sport, u16 dport);
/* What is left of a lifetime, at least 1, or nothing of one that has no end. */
int tunnel_nl_put_lifetime(struct sk_buff *msg, u16 type, bool mortal,
			   u32 expires);

/* A reply with its header; *hdr for roam_nl_reply_end(). */
struct sk_buff *tunnel_nl_reply_new(struct genl_info *info, void **hdr);
/* roam_nl_bulk() of this family. */
int tunnel_nl_bulk(struct genl_info *info, u16 type, u32 applied,
		   int (*fn)(struct genl_info *info, const struct nlattr *attr));
/* Ends an event that was filled with @err. */
void tunnel_nl_event_end(struct tunnel_net *tn, struct sk_buff *msg, void *hdr,
			 int err, u8 reason);

int tunnel_nl_binding_dump_start(struct netlink_callback *cb);
int tunnel_nl_visitor_dump_start(struct netlink_callback *cb);

#endif
