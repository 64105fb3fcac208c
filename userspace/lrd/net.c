// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "auth/auth.h"
#include "io/daemon.h"
#include "io/log.h"
#include "lrd/lrd.h"
#include "wire/lr.h"

void net_send_from(struct lrd *lrd, const struct roam_addr *from,
		   const struct roam_addr *to, uint16_t port,
		   const struct lr_msg *msg)
{
	const struct auth_key *key;
	uint8_t buf[LR_MAX_LEN];
	size_t len = lr_encode(msg, buf);

	if (msg->key_id) {
		key = auth_keys_find(lrd->config->keys, msg->key_id);
		if (!key)
			return;
		auth_sign(key, buf, len, buf + len, LR_AUTH_LEN);
		len += LR_AUTH_LEN;
	}
	udp_send(lrd->udp, to, port, from, buf, len);
	lrd->counters.sent++;
}

void net_send(struct lrd *lrd, const struct roam_addr *to, uint16_t port,
	      const struct lr_msg *msg)
{
	net_send_from(lrd, NULL, to, port, msg);
}

/* Which role a message is for; the rest of the types is for registers. */
static enum lr_drop dispatch(struct lrd *lrd, msec_t now,
			     const struct udp_datagram *d,
			     const struct lr_msg *msg)
{
	switch (msg->type) {
	case LR_ANSWER:
	case LR_ANNOUNCE:
		return corr_input(lrd->corr, now, &d->from, d->from_port, msg);
	case LR_ACK:
	case LR_CONFIRM:
		if (lrd->mobile)
			return mobile_input(lrd->mobile, now, &d->from, msg);
		return LR_DROP_ROLE;
	default:
		return LR_DROP_ROLE;
	}
}

static enum lr_drop handle(struct lrd *lrd, msec_t now,
			   const struct udp_datagram *d)
{
	const struct auth_key *key;
	enum lr_drop drop;
	struct lr_msg msg;
	size_t covered;

	drop = lr_decode(d->data, d->len, &msg, &covered);
	if (drop != LR_DROP_NONE)
		return drop;
	if (msg.key_id) {
		key = auth_keys_find(lrd->config->keys, msg.key_id);
		if (!key)
			return LR_DROP_KEY;
		if (!auth_verify(key, d->data, covered, d->data + covered,
				 LR_AUTH_LEN))
			return LR_DROP_AUTH;
	}
	return dispatch(lrd, now, d, &msg);
}

static void on_datagrams(void *ctx, const struct udp_datagram *d, size_t n)
{
	struct lrd *lrd = ctx;
	msec_t now = daemon_now();
	char from[ROAM_ADDR_STRLEN];

	for (size_t i = 0; i < n; i++) {
		enum lr_drop drop = handle(lrd, now, &d[i]);

		lrd->counters.received++;
		if (drop == LR_DROP_NONE)
			continue;
		lrd->counters.drop[drop]++;
		log_debug("from=%s port=%u dropped reason=%s",
			  roam_addr_format(&d[i].from, from), d[i].from_port,
			  lr_drop_name(drop));
	}
	lrd_kick(lrd);
}

static void on_unreachable(void *ctx, const struct roam_addr *host,
			   uint16_t port)
{
	struct lrd *lrd = ctx;

	if (lrd->mobile && port == lrd->config->port)
		mobile_unreachable(lrd->mobile, daemon_now(), host);
	lrd_kick(lrd);
}

char *net_start(struct lrd *lrd)
{
	char *error = NULL;

	lrd->udp = udp_open(lrd->loop, &lrd->config->listen, lrd->config->port,
			    on_datagrams, on_unreachable, lrd, &error);
	return error;
}

void net_stop(struct lrd *lrd)
{
	udp_close(lrd->udp);
}
