// SPDX-License-Identifier: GPL-2.0-only
#include <linux/export.h>
#include <linux/inet.h>
#include <linux/inetdevice.h>
#include <net/addrconf.h>
#include <net/ip.h>

#include "addr.h"

struct roam_hash_key roam_hash_key __read_mostly;
EXPORT_SYMBOL_GPL(roam_hash_key);

bool roam_addr_is_host(const struct in6_addr *addr)
{
	__be32 a = roam_addr_to4(addr);
	int type = ipv6_addr_type(addr);

	if (roam_addr_is4(addr))
		return !ipv4_is_zeronet(a) && !ipv4_is_loopback(a) &&
		       !ipv4_is_multicast(a) && !ipv4_is_lbcast(a);
	/* Link-local ones mean nothing on another link. */
	return (type & IPV6_ADDR_UNICAST) &&
	       !(type & (IPV6_ADDR_LOOPBACK | IPV6_ADDR_LINKLOCAL |
			 IPV6_ADDR_MAPPED | IPV6_ADDR_COMPATv4));
}
EXPORT_SYMBOL_GPL(roam_addr_is_host);

bool roam_addr_is_local(struct net *net, const struct in6_addr *addr)
{
	if (roam_addr_is4(addr))
		return __ip_dev_find(net, roam_addr_to4(addr), false);
	return ipv6_chk_addr(net, addr, NULL, 0);
}
EXPORT_SYMBOL_GPL(roam_addr_is_local);
