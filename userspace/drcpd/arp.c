// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether somebody else has this host's address (RFC 5227), off the critical path: the
 * address is in use while it is asked for, and given up when somebody answers.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/if_ether.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drcpd/drcpd.h"
#include "io/daemon.h"

#define PROBES 3
#define PROBE_WAIT 1000		/* ms between two */

/**
 * struct arp - the look for others
 * @fd: ARP packets of the link
 * @poll: watches it
 * @timer: the next probe
 * @left: probes left
 */
struct arp {
	int fd;
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned int left;
};

static void send_probe(struct drcpd *d, const struct rtnl_link *own)
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP),
		.sll_ifindex = (int)own->index, .sll_halen = 6,
		.sll_addr = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	};
	struct ether_arp arp = {
		.ea_hdr = {
			.ar_hrd = htons(ARPHRD_ETHER),
			.ar_pro = htons(ETHERTYPE_IP),
			.ar_hln = 6, .ar_pln = 4, .ar_op = htons(ARPOP_REQUEST),
		},
	};

	/* From no address: whoever hears it learns nothing wrong. */
	memcpy(arp.arp_sha, own->mac, 6);
	memcpy(arp.arp_tpa, d->bound.addr.b + 12, 4);
	(void)sendto(d->arp->fd, &arp, sizeof(arp), 0, (struct sockaddr *)&ll,
		     sizeof(ll));
}

static void on_timer(uv_timer_t *timer)
{
	struct drcpd *d = timer->data;
	const struct rtnl_link *own = kernel_own(d);

	if (!d->arp->left || !own || !roam_addr_is_v4(&d->bound.addr))
		return;
	d->arp->left--;
	send_probe(d, own);
	uv_timer_start(timer, on_timer, PROBE_WAIT, 0);
}

void arp_probe(struct drcpd *d)
{
	if (!d->arp)
		return;
	d->arp->left = PROBES;
	on_timer(&d->arp->timer);
}

/* Somebody says that the address is his, in a question or an answer. */
static bool is_conflict(const struct drcpd *d, const struct rtnl_link *own,
			const struct ether_arp *arp)
{
	return roam_addr_is_v4(&d->bound.addr) &&
	       arp->ea_hdr.ar_hrd == htons(ARPHRD_ETHER) &&
	       arp->ea_hdr.ar_pro == htons(ETHERTYPE_IP) &&
	       arp->ea_hdr.ar_hln == 6 && arp->ea_hdr.ar_pln == 4 &&
	       !memcmp(arp->arp_spa, d->bound.addr.b + 12, 4) &&
	       memcmp(arp->arp_sha, own->mac, 6);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct drcpd *d = poll->data;
	const struct rtnl_link *own = kernel_own(d);
	struct ether_arp arp;

	(void)status;
	(void)events;
	for (int i = 0; i < 64; i++) {
		struct sockaddr_ll ll;
		socklen_t ll_len = sizeof(ll);
		ssize_t len = recvfrom(d->arp->fd, &arp, sizeof(arp),
				       MSG_DONTWAIT, (struct sockaddr *)&ll,
				       &ll_len);

		if (len < 0)
			break;
		if (len == sizeof(arp) && own &&
		    (uint32_t)ll.sll_ifindex == own->index &&
		    ll.sll_pkttype != PACKET_OUTGOING &&
		    is_conflict(d, own, &arp))
			drcp_client_conflict(d->client, daemon_now());
	}
	drcpd_kick(d);
}

char *arp_open(struct drcpd *d)
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP),
	};

	/* Bound to no link: one that goes down would be an error of the socket. */
	d->arp = calloc(1, sizeof(*d->arp));
	if (!d->arp)
		return daemon_error("out of memory");
	d->arp->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			    htons(ETH_P_ARP));
	if (d->arp->fd < 0 ||
	    bind(d->arp->fd, (struct sockaddr *)&ll, sizeof(ll)))
		return daemon_error("cannot look for others with the same address: %s",
				    strerror(errno));
	uv_timer_init(d->loop, &d->arp->timer);
	uv_poll_init(d->loop, &d->arp->poll, d->arp->fd);
	d->arp->timer.data = d->arp->poll.data = d;
	uv_poll_start(&d->arp->poll, UV_READABLE, on_readable);
	return NULL;
}

void arp_close(struct drcpd *d)
{
	if (!d->arp)
		return;
	uv_close((uv_handle_t *)&d->arp->timer, NULL);
	uv_poll_stop(&d->arp->poll);
	uv_close((uv_handle_t *)&d->arp->poll, NULL);
	close(d->arp->fd);
}
