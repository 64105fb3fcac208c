// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/channel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limit.h"
#include "io/daemon.h"
#include "io/json.h"

/**
 * struct channel_socket - one socket
 * @channel: whose it is
 * @endpoint: where it listens
 * @udp: the socket
 */
struct channel_socket {
	struct channel *channel;
	struct conf_endpoint endpoint;
	struct udp *udp;
};

/**
 * struct channel - see channel_new()
 * @loop: the loop
 * @protocol: what the daemon told
 * @ctx: for its calls
 * @sockets: the open ones
 * @n: their number
 * @per_second: datagrams of one source
 * @rate: what each source sent
 * @lines: of log lines about sources
 * @received: datagrams
 * @sent: datagrams
 * @closed_errors: datagrams that sockets lost which are closed by now
 * @drop: datagrams by reason
 */
struct channel {
	uv_loop_t *loop;
	const struct channel_protocol *protocol;
	void *ctx;
	struct channel_socket **sockets;
	size_t n;
	uint32_t per_second;
	struct rate_limit rate;
	struct limit lines;
	uint64_t received;
	uint64_t sent;
	uint64_t closed_errors;
	uint64_t *drop;
};

struct channel *channel_new(uv_loop_t *loop,
			    const struct channel_protocol *protocol, void *ctx)
{
	struct channel *channel = calloc(1, sizeof(*channel));

	if (!channel)
		return NULL;
	channel->loop = loop;
	channel->protocol = protocol;
	channel->ctx = ctx;
	channel->drop = calloc(protocol->reasons, sizeof(*channel->drop));
	if (channel->drop)
		return channel;
	free(channel);
	return NULL;
}

static void free_socket(struct channel_socket *socket)
{
	socket->channel->closed_errors += udp_send_errors(socket->udp);
	udp_close(socket->udp);
	free(socket);
}

void channel_free(struct channel *channel)
{
	if (!channel)
		return;
	for (size_t i = 0; i < channel->n; i++)
		free_socket(channel->sockets[i]);
	free(channel->sockets);
	free(channel->drop);
	free(channel);
}

void channel_set_rate(struct channel *channel, uint32_t rate)
{
	channel->per_second = rate;
}

bool channel_may_log(struct channel *channel, const struct roam_addr *source,
		     uint32_t *suppressed)
{
	return limit_allow(&channel->lines, daemon_now(), source, suppressed);
}

void channel_drop(struct channel *channel, const struct udp_datagram *d,
		  uint32_t key_id, int reason)
{
	char from[ROAM_ADDR_STRLEN], key[32] = "", more[64] = "";
	uint32_t suppressed;

	channel->drop[reason]++;
	if (!channel_may_log(channel, &d->from, &suppressed))
		return;
	if (key_id)
		snprintf(key, sizeof(key), " key=%u", key_id);
	if (suppressed)
		snprintf(more, sizeof(more),
			 " (%u more lines about this source suppressed)",
			 suppressed);
	log_msg(channel->protocol->level, "from=%s port=%u dropped reason=%s%s%s",
		roam_addr_format(&d->from, from), d->from_port,
		channel->protocol->reason_name(reason), key, more);
}

static bool within_rate(struct channel *channel, const struct udp_datagram *d,
			msec_t now)
{
	return !channel->per_second || !channel->protocol->limit ||
	       rate_limit_allow(&channel->rate, now, channel->per_second,
				&d->from);
}

static void on_datagrams(void *ctx, const struct udp_datagram *d, size_t n)
{
	struct channel_socket *socket = ctx;
	struct channel *channel = socket->channel;
	const struct channel_protocol *protocol = channel->protocol;
	msec_t now = daemon_now();

	for (size_t i = 0; i < n; i++) {
		int reason = protocol->limit;
		uint32_t key_id = 0;

		channel->received++;
		if (within_rate(channel, &d[i], now))
			reason = protocol->receive(channel->ctx, socket, &d[i],
						   now, &key_id);
		if (reason)
			channel_drop(channel, &d[i], key_id, reason);
	}
	if (protocol->batch_end)
		protocol->batch_end(channel->ctx);
}

static void on_burst_end(void *ctx)
{
	const struct channel_socket *socket = ctx;

	socket->channel->protocol->burst_end(socket->channel->ctx);
}

static void on_unreachable(void *ctx, const struct roam_addr *host,
			   uint16_t port)
{
	const struct channel_socket *socket = ctx;

	if (socket->channel->protocol->unreachable)
		socket->channel->protocol->unreachable(socket->channel->ctx,
						       host, port);
}

static struct channel_socket *open_socket(struct channel *channel,
					  const struct conf_endpoint *e,
					  char **error)
{
	struct channel_socket *socket = calloc(1, sizeof(*socket));

	if (!socket) {
		*error = daemon_error("out of memory");
		return NULL;
	}
	socket->channel = channel;
	socket->endpoint = *e;
	socket->udp = udp_open(channel->loop, &e->addr, e->port, on_datagrams,
			       on_unreachable, socket, error);
	if (!socket->udp) {
		free(socket);
		return NULL;
	}
	if (channel->protocol->burst_end)
		udp_on_burst_end(socket->udp, on_burst_end);
	return socket;
}

static struct channel_socket *find_socket(const struct channel *channel,
					  const struct conf_endpoint *e)
{
	for (size_t i = 0; i < channel->n; i++) {
		struct channel_socket *socket = channel->sockets[i];

		if (socket->endpoint.port == e->port &&
		    roam_addr_eq(&socket->endpoint.addr, &e->addr))
			return socket;
	}
	return NULL;
}

static bool is_among(struct channel_socket **sockets, size_t n,
		     const struct channel_socket *socket)
{
	for (size_t i = 0; i < n; i++)
		if (sockets[i] == socket)
			return true;
	return false;
}

/* Closes those of @from that are not among @kept, which may be of another list. */
static void close_others(struct channel_socket **from, size_t n_from,
			 struct channel_socket **kept, size_t n_kept)
{
	for (size_t i = 0; i < n_from; i++)
		if (!is_among(kept, n_kept, from[i]))
			free_socket(from[i]);
}

char *channel_listen(struct channel *channel,
		     const struct conf_endpoint *endpoints, size_t n)
{
	struct channel_socket **sockets = calloc(n ? n : 1, sizeof(*sockets));
	char *error = NULL;
	size_t opened = 0;

	if (!sockets)
		return daemon_error("out of memory");
	for (; opened < n && !error; opened++) {
		struct channel_socket *s;

		s = find_socket(channel, &endpoints[opened]);
		/* An endpoint that stands twice is in use at the second time. */
		if (!s || is_among(sockets, opened, s))
			s = open_socket(channel, &endpoints[opened], &error);
		sockets[opened] = s;
		if (error)
			break;
	}
	if (error) {
		close_others(sockets, opened, channel->sockets, channel->n);
		free(sockets);
		return error;
	}
	close_others(channel->sockets, channel->n, sockets, n);
	free(channel->sockets);
	channel->sockets = sockets;
	channel->n = n;
	return NULL;
}

const struct conf_endpoint *channel_endpoint(const struct channel_socket *s)
{
	return &s->endpoint;
}

struct channel_socket *channel_at(const struct channel *channel, size_t i)
{
	return i < channel->n ? channel->sockets[i] : NULL;
}

/* A socket that listens everywhere is one of both families. */
static bool reaches(const struct channel_socket *socket,
		    const struct roam_addr *to)
{
	const struct roam_addr *at = &socket->endpoint.addr;

	return roam_addr_is_none(at) ||
	       roam_addr_is_v4(at) == roam_addr_is_v4(to);
}

static struct channel_socket *choose_socket(const struct channel *channel,
					    const struct roam_addr *to)
{
	for (size_t i = 0; i < channel->n; i++)
		if (reaches(channel->sockets[i], to))
			return channel->sockets[i];
	return NULL;
}

bool channel_reaches(const struct channel *channel, const struct roam_addr *to)
{
	return choose_socket(channel, to);
}

void channel_send(struct channel *channel, struct channel_socket *socket,
		  const struct roam_addr *to, uint16_t port,
		  const struct roam_addr *local, const void *data, size_t len)
{
	if (!socket || !reaches(socket, to))
		socket = choose_socket(channel, to);
	if (!socket)
		return;
	udp_send(socket->udp, to, port, local, data, len);
	channel->sent++;
}

void channel_add_counters(const struct channel *channel, json_t *object)
{
	const struct channel_protocol *protocol = channel->protocol;
	uint64_t lost = channel->closed_errors;

	for (size_t i = 0; i < channel->n; i++)
		lost += udp_send_errors(channel->sockets[i]->udp);
	json_add_counter(object, "", "received", channel->received);
	json_add_counter(object, "", "sent", channel->sent);
	json_add_counter(object, "", "send_errors", lost);
	for (int i = 1; i < protocol->reasons; i++)
		json_add_counter(object, "drop_", protocol->reason_name(i),
				 channel->drop[i]);
}

enum channel_proof channel_verify(const struct auth_keys *keys, uint32_t key_id,
				  const struct udp_datagram *d, size_t covered,
				  size_t mac_len, const struct auth_key **key)
{
	const struct auth_key *found = auth_keys_find(keys, key_id);

	if (!found)
		return CHANNEL_NO_KEY;
	if (!auth_verify(found, d->data, covered, d->data + covered, mac_len))
		return CHANNEL_FORGED;
	*key = found;
	return CHANNEL_PROVED;
}
