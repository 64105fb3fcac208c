// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "auth/auth.h"
#include "io/daemon.h"
#include "io/log.h"
#include "lrd/lrd.h"
#include "wire/lr.h"

/*
 * The pair key of a message, for auth_key_free(), or NULL. The correspondent has it
 * from its register, the mobile host makes it of its key msg->pair.
 */
static struct auth_key *pair_key(const struct lrd *lrd, const struct lr_msg *msg,
				 bool is_mobile)
{
	const struct auth_keys *keys = lrd->config->keys;
	const struct roam_addr *perm = &msg->entries[0].perm;
	uint32_t correspondent = msg->key_id & ~LR_PAIR_KEY;
	const struct auth_key *own;
	const struct corr_pair *pair;

	if (is_mobile) {
		own = auth_keys_find(keys, msg->pair);
		return own ? auth_pair(own, msg->key_id, correspondent,
				       perm->b) : NULL;
	}
	pair = corr_pair(lrd->corr, perm);
	own = auth_keys_find(keys, correspondent);
	if (!pair || pair->key_id != msg->key_id || !own)
		return NULL;
	return auth_pair_open(own, pair->mobile, pair->nonce, perm->b,
			      pair->sealed, msg->key_id);
}

/* Adds the authenticator; false without its key. */
static bool authenticate(const struct lrd *lrd, const struct lr_msg *msg,
			 uint8_t *buf, size_t len)
{
	struct auth_key *pair = NULL;
	const struct auth_key *key;

	if (msg->key_id & LR_PAIR_KEY)
		key = pair = pair_key(lrd, msg, msg->type == LR_ANNOUNCE);
	else
		key = auth_keys_find(lrd->config->keys, msg->key_id);
	if (key)
		auth_sign(key, buf, len, buf + len, LR_AUTH_LEN);
	auth_key_free(pair);
	return key;
}

void net_send_from(struct lrd *lrd, const struct roam_addr *from,
		   const struct roam_addr *to, uint16_t port,
		   const struct lr_msg *msg)
{
	uint8_t buf[LR_MAX_LEN];
	size_t len = lr_encode(msg, buf);

	memset(buf + len, 0, LR_AUTH_LEN);
	if (msg->key_id && !authenticate(lrd, msg, buf, len))
		return;
	channel_send(lrd->channel, NULL, to, port, from, buf,
		     len + LR_AUTH_LEN);
}

/*
 * What tells where we are comes from there, which is what shows it (SEC-01). At
 * home, and where the receiver is of the other family, the kernel chooses.
 */
static const struct roam_addr *place_of(const struct lr_msg *msg,
					const struct roam_addr *to)
{
	const struct lr_entry *e;

	if (msg->type != LR_UPDATE && msg->type != LR_ANNOUNCE)
		return NULL;
	for (e = msg->entries; e < msg->entries + msg->count; e++)
		if (!roam_addr_is_none(&e->coa) &&
		    !roam_addr_eq(&e->coa, &e->perm) &&
		    roam_addr_is_v4(&e->coa) == roam_addr_is_v4(to))
			return &e->coa;
	return NULL;
}

void net_send(struct lrd *lrd, const struct roam_addr *to, uint16_t port,
	      const struct lr_msg *msg)
{
	net_send_from(lrd, place_of(msg, to), to, port, msg);
}

/*
 * The role that a message is for. Messages of the other types are for
 * registers.
 */
static enum lr_drop dispatch(struct lrd *lrd, msec_t now,
			     const struct udp_datagram *d,
			     const struct lr_msg *msg)
{
	switch (msg->type) {
	case LR_ANSWER:
	case LR_ANNOUNCE:
		return corr_input(lrd->corr, now, &d->from, d->from_port, msg);
	case LR_ACK:
	case LR_CHALLENGE:
	case LR_CONFIRM:
		if (lrd->mobile)
			return mobile_input(lrd->mobile, now, &d->from, msg);
		return LR_DROP_ROLE;
	default:
		return LR_DROP_ROLE;
	}
}

static bool pair_is_authentic(const struct lrd *lrd,
			      const struct udp_datagram *d, size_t covered,
			      const struct lr_msg *msg)
{
	struct auth_key *key = pair_key(lrd, msg, msg->type == LR_CONFIRM);
	bool authentic = key && auth_verify(key, d->data, covered,
					    d->data + covered, LR_AUTH_LEN);

	auth_key_free(key);
	return authentic;
}

/*
 * An announce whose pair key does not fit is still a hint: this daemon may have
 * lost the pair key, or the mobile host may have made it of a newer key. The
 * answer of the register brings both together again.
 */
static enum lr_drop verify_pair(const struct lrd *lrd,
				const struct udp_datagram *d, size_t covered,
				struct lr_msg *msg)
{
	if (msg->type == LR_ANNOUNCE) {
		if (!pair_is_authentic(lrd, d, covered, msg))
			msg->key_id = 0;
		return LR_DROP_NONE;
	}
	if (msg->type != LR_CONFIRM)
		return LR_DROP_KEY;
	for (size_t i = 0; i < lrd->n_registers; i++) {
		/* Registers of one domain share their key, and stand together. */
		if (msg->pair == lrd->registers[i].key_id)
			continue;
		msg->pair = lrd->registers[i].key_id;
		if (pair_is_authentic(lrd, d, covered, msg))
			return LR_DROP_NONE;
	}
	return LR_DROP_AUTH;
}

static enum lr_drop verify(const struct lrd *lrd, const struct udp_datagram *d,
			   size_t covered, struct lr_msg *msg)
{
	const struct auth_key *key;
	enum channel_proof proof;

	if (!msg->key_id)
		return LR_DROP_NONE;
	if (msg->key_id & LR_PAIR_KEY)
		return verify_pair(lrd, d, covered, msg);
	proof = channel_verify(lrd->config->keys, msg->key_id, d, covered,
			       LR_AUTH_LEN, &key);
	return proof == CHANNEL_NO_KEY ? LR_DROP_KEY :
	       proof == CHANNEL_FORGED ? LR_DROP_AUTH : LR_DROP_NONE;
}

static int on_datagram(void *ctx, struct channel_socket *socket,
		       const struct udp_datagram *d, msec_t now,
		       uint32_t *key_id)
{
	struct lrd *lrd = ctx;
	enum lr_drop drop;
	struct lr_msg msg;
	size_t covered;

	(void)socket;
	drop = lr_decode(d->data, d->len, &msg, &covered);
	if (drop != LR_DROP_NONE)
		return drop;
	drop = verify(lrd, d, covered, &msg);
	if (drop != LR_DROP_NONE)
		*key_id = msg.key_id;
	else
		drop = dispatch(lrd, now, d, &msg);
	return drop;
}

static void on_batch_end(void *ctx)
{
	lrd_kick(ctx);
}

static void on_unreachable(void *ctx, const struct roam_addr *host,
			   uint16_t port)
{
	struct lrd *lrd = ctx;

	if (lrd->mobile && port == lrd->config->port)
		mobile_unreachable(lrd->mobile, daemon_now(), host);
	lrd_kick(lrd);
}

static const char *drop_name(int reason)
{
	return lr_drop_name(reason);
}

/* Anybody may send to a host, and often: what is dropped is for debugging. */
static const struct channel_protocol protocol = {
	.reasons = LR_DROP_MAX,
	.reason_name = drop_name,
	.level = LOG_LEVEL_DEBUG,
	.receive = on_datagram,
	.batch_end = on_batch_end,
	.unreachable = on_unreachable,
};

char *net_start(struct lrd *lrd)
{
	const struct conf_endpoint listen = { lrd->config->listen,
					      lrd->config->port };

	lrd->channel = channel_new(lrd->loop, &protocol, lrd);
	if (!lrd->channel)
		return daemon_error("out of memory");
	return channel_listen(lrd->channel, &listen, 1);
}

void net_stop(struct lrd *lrd)
{
	channel_free(lrd->channel);
}
