// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "io/daemon.h"
#include "io/log.h"
#include "mnd/mnd.h"
#include "mnd/session.h"
#include "wire/bytes.h"
#include "wire/dhcp.h"

#define ALL_ROUTERS "224.0.0.2"
#define ARP_LEN 28
#define ECHO_LEN 8

static void note(struct mnd *m, enum mn_drop drop)
{
	if (drop != MN_DROP_NONE)
		m->counters.drop[drop]++;
	mnd_kick(m);
}

/* What the node itself does not await can be for one of its sessions. */
static void on_reply(struct mnd *m, const struct roam_addr *from,
		     const uint8_t *data, size_t len)
{
	enum mn_drop drop = mn_reply(m->mn, daemon_now(), from, data, len);

	if (drop == MN_DROP_UNASKED)
		drop = mns_reply(m->mns, daemon_now(), from, data, len);
	/* a reply comes twice here, see on_frame() */
	if (drop != MN_DROP_UNASKED && len >= 4) {
		m->counters.replies++;
		m->counters.deregistration_replies += !data[2] && !data[3];
	}
	note(m, drop);
}

static void on_datagrams(void *ctx, const struct udp_datagram *d, size_t n)
{
	struct mnd *m = ctx;

	for (size_t i = 0; i < n; i++) {
		m->counters.received++;
		on_reply(m, &d[i].from, d[i].data, d[i].len);
	}
}

/*
 * A reply that comes by the link alone is taken here; one that the kernel lets
 * through to the socket comes there as well and is then a reply to nothing.
 */
static void on_frame(void *ctx, const struct frame *frame)
{
	struct mnd_link *link = ctx;
	struct mnd *m = link->mnd;

	if (frame->protocol == IPPROTO_ICMP) {
		if (!frame->len || frame->data[0] != MIP_ICMP_ADVERTISEMENT)
			return;
		m->counters.received++;
		m->counters.adverts++;
		note(m, mn_advert(m->mn, daemon_now(), link->index,
				  &frame->from, frame->mac, frame->data,
				  frame->len));
		return;
	}
	if (frame->from_port != MIP_PORT || !frame->len ||
	    frame->data[0] != MIP_REPLY)
		return;
	m->counters.received++;
	on_reply(m, &frame->from, frame->data, frame->len);
}

static struct mnd_link *find_link(struct mnd *m, unsigned int index)
{
	for (size_t i = 0; i < m->n_links; i++)
		if (m->links[i].index == index)
			return &m->links[i];
	return NULL;
}

void net_open_link(struct mnd *m, const char *name, unsigned int index)
{
	struct mnd_link *link = find_link(m, index);
	char *error = NULL;

	if (link) {
		link->seen = true;
		return;
	}
	for (size_t i = 0; i < m->n_links && !link; i++)
		if (!m->links[i].index)
			link = &m->links[i];
	if (!link && m->n_links < MN_LINKS)
		link = &m->links[m->n_links++];
	if (!link)
		return;
	*link = (struct mnd_link){ .mnd = m, .index = index, .seen = true };
	strncpy(link->name, name, sizeof(link->name) - 1);
	link->frames = frame_open(m->loop, index, on_frame, link, &error);
	if (!link->frames)
		log_error("%s", error ? error : "out of memory");
	free(error);
}

void net_close_link(struct mnd *m, struct mnd_link *link)
{
	(void)m;
	frame_close(link->frames);
	memset(link, 0, sizeof(*link));
}

static void on_client(void *ctx, const struct frame *frame)
{
	struct mnd_link *link = ctx;
	struct dhcp_client client;

	if (dhcp_asks(frame->data, frame->len, &client))
		session_asks(link->mnd, link->index, &client);
}

static bool is_heard(const struct mnd *m, const char *name)
{
	for (size_t i = 0; i < m->config->n_devices; i++)
		if (*m->config->devices[i].hosts &&
		    !strcmp(m->config->devices[i].link, name))
			return true;
	return false;
}

static void hear(struct mnd *m, const char *name)
{
	struct mnd_link *link = NULL;
	char *error = NULL;

	for (size_t i = MN_LINKS; i--; )
		if (!m->clients[i].frames)
			link = &m->clients[i];
		else if (!strcmp(m->clients[i].name, name))
			return;
	if (!link || !if_nametoindex(name))
		return;
	link->mnd = m;
	link->index = if_nametoindex(name);
	snprintf(link->name, sizeof(link->name), "%s", name);
	link->frames = frame_open_port(m->loop, link->index, DHCP_SERVER_PORT,
				       on_client, link, &error);
	if (!link->frames)
		log_error("%s", error ? error : "out of memory");
	free(error);
}

void net_hear_clients(struct mnd *m)
{
	for (size_t i = 0; i < MN_LINKS; i++) {
		struct mnd_link *link = &m->clients[i];

		if (link->frames && (!is_heard(m, link->name) ||
		    if_nametoindex(link->name) != link->index))
			net_close_link(m, link);
	}
	for (size_t i = 0; i < m->config->n_devices; i++)
		if (*m->config->devices[i].hosts)
			hear(m, m->config->devices[i].link);
}

void net_send(struct mnd *m, const struct mn_send *send)
{
	struct mnd_link *link = find_link(m, send->place.link);
	struct frame frame = {
		.link = send->place.link, .protocol = IPPROTO_UDP,
		.from = send->from, .to = send->to, .from_port = MIP_PORT,
		.to_port = MIP_PORT, .ttl = send->ttl, .data = send->data,
		.len = send->len,
	};

	m->counters.sent++;
	m->counters.deregistrations += !send->data[2] && !send->data[3];
	if (!send->place.has_agent) {
		udp_send(m->udp, &send->to, MIP_PORT, &send->from, send->data,
			 send->len);
		return;
	}
	memcpy(frame.mac, send->place.mac, FRAME_MAC_LEN);
	if (!link || !link->frames || !frame_send(link->frames, &frame))
		log_debug("a request was not sent: %s", strerror(errno));
}

void net_solicit(struct mnd *m, uint32_t index)
{
	struct mnd_link *link = find_link(m, index);
	uint8_t buf[MIP_SOLICITATION_LEN];
	struct frame frame = {
		.link = index, .protocol = IPPROTO_ICMP,
		.from = m->config->mn.home, .ttl = 1, .data = buf,
		.len = sizeof(buf),
	};

	if (!link || !link->frames)
		return;
	mip_solicitation_encode(buf);
	roam_addr_parse(ALL_ROUTERS, &frame.to);
	frame_mac_of_group(&frame.to, frame.mac);
	if (frame_send(link->frames, &frame))
		m->counters.solicited++;
}

static bool mac_of(int fd, const char *name, uint8_t mac[FRAME_MAC_LEN])
{
	struct ifreq req = { 0 };

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFHWADDR, &req) ||
	    req.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return false;
	memcpy(mac, req.ifr_hwaddr.sa_data, FRAME_MAC_LEN);
	return true;
}

/* RFC 5944 4.6: who returns tells its neighbours. */
void net_announce(struct mnd *m, uint32_t index)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP),
		.sll_ifindex = (int)index, .sll_halen = FRAME_MAC_LEN,
		.sll_addr = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	};
	uint8_t arp[ARP_LEN] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	struct mnd_link *link = find_link(m, index);
	struct in_addr home = roam_addr_to_in(&m->config->mn.home);
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (link && mac_of(fd, link->name, arp + 8)) {
		memcpy(arp + 14, &home, 4);
		memcpy(arp + 24, &home, 4);
		for (int i = 0; i < 2; i++)
			if (sendto(fd, arp, sizeof(arp), 0,
				   (struct sockaddr *)&to, sizeof(to)) < 0)
				log_debug("gratuitous ARP was not sent: %s",
					  strerror(errno));
			else
				m->counters.announced++;
	}
	close(fd);
}

/* RFC 3519 4.9: what keeps the NAT's mapping; the tunnel takes it along. */
void net_keepalive(struct mnd *m, const struct roam_addr *agent)
{
	struct sockaddr_in from = { .sin_family = AF_INET }, to = from;
	uint8_t echo[ECHO_LEN] = { ICMP_ECHO, 0, 0xf7, 0xff };
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

	if (fd < 0)
		return;
	from.sin_addr = roam_addr_to_in(&m->config->mn.home);
	to.sin_addr = roam_addr_to_in(agent);
	if (!bind(fd, (struct sockaddr *)&from, sizeof(from)) &&
	    !setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, m->config->device,
			(socklen_t)strlen(m->config->device)) &&
	    sendto(fd, echo, sizeof(echo), 0, (struct sockaddr *)&to,
		   sizeof(to)) == sizeof(echo))
		m->counters.keepalives++;
	else
		log_debug("a keepalive was not sent: %s", strerror(errno));
	close(fd);
}

char *net_start(struct mnd *m)
{
	static const struct roam_addr any;
	char *error = NULL;

	m->udp = udp_open(m->loop, &any, MIP_PORT, on_datagrams, NULL, m,
			  &error);
	return m->udp ? NULL : error;
}

void net_stop(struct mnd *m)
{
	for (size_t i = 0; i < m->n_links; i++)
		frame_close(m->links[i].frames);
	m->n_links = 0;
	for (size_t i = 0; i < MN_LINKS; i++)
		frame_close(m->clients[i].frames);
	if (m->udp)
		udp_close(m->udp);
}
