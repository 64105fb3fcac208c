// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the radio says, by nl80211 (OPEN-25): at a base station that a host has come, at a
 * host that it is at another access point. Without it, or where the link is a cable, changes
 * of the carrier tell the same a little later.
 */
#include <linux/genetlink.h>
#include <linux/nl80211.h>
#include <stdlib.h>
#include <string.h>

#include "genl/genl.h"
#include "io/daemon.h"
#include "io/log.h"
#include "mmpd/mmpd.h"

/**
 * struct radio_event - of the one that is read
 * @command: what happened
 * @link: index of the interface
 * @mac: of the other end
 */
struct radio_event {
	uint8_t command;
	uint32_t link;
	uint8_t mac[6];
};

static struct radio_event decode(const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	struct radio_event event = { .command = genl->cmd };
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(*genl)) {
		size_t len = mnl_attr_get_payload_len(attr);

		switch (mnl_attr_get_type(attr)) {
		case NL80211_ATTR_IFINDEX:
			if (len == sizeof(event.link))
				event.link = mnl_attr_get_u32(attr);
			break;
		case NL80211_ATTR_MAC:
			if (len == sizeof(event.mac))
				memcpy(event.mac, mnl_attr_get_payload(attr),
				       len);
			break;
		}
	}
	return event;
}

static void on_event(const struct nlmsghdr *nlh, void *ctx)
{
	struct radio_event event = decode(nlh);
	struct mmpd *m = ctx;
	const struct mmpd_link *link = mmpd_link(m, event.link);
	char mac[18];

	if (!link || !link->air)
		return;
	if (m->host && (event.command == NL80211_CMD_CONNECT ||
			event.command == NL80211_CMD_ROAM)) {
		log_info("link=%s radio is at access point %s",
			 link->link.name, mac_format(event.mac, mac));
		kernel_roamed(m, event.link, event.mac);
	} else if (m->host && (event.command == NL80211_CMD_DISCONNECT ||
			       event.command == NL80211_CMD_DEAUTHENTICATE)) {
		mmp_host_unheard(m->host, daemon_now(), event.link);
	} else if (m->node && event.command == NL80211_CMD_NEW_STATION) {
		log_info("link=%s a host has come: %s", link->link.name,
			 mac_format(event.mac, mac));
		mmp_node_arrival(m->node, daemon_now());
		mmpd_kick(m);
	}
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct mmpd *m = poll->data;

	(void)status;
	(void)events;
	/* What was lost, the carrier tells. */
	genl_events(m->radio, on_event, m);
}

void radio_start(struct mmpd *m)
{
	char *error = NULL;

	if (m->radio || (!m->host && !m->node))
		return;
	m->radio = genl_open("nl80211", 1, &error);
	free(error);
	if (!m->radio)
		return;
	if (genl_subscribe(m->radio, "mlme")) {
		log_warning("the radio cannot be listened to: %s",
			    genl_error(m->radio));
		genl_close(m->radio);
		m->radio = NULL;
		return;
	}
	uv_poll_init(m->loop, &m->radio_poll, genl_fd(m->radio));
	m->radio_poll.data = m;
	uv_poll_start(&m->radio_poll, UV_READABLE, on_readable);
}

static void on_closed(uv_handle_t *handle)
{
	genl_close(((struct mmpd *)handle->data)->radio);
}

void radio_stop(struct mmpd *m)
{
	if (m->radio)
		uv_close((uv_handle_t *)&m->radio_poll, on_closed);
}
