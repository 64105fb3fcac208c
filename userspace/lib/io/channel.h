/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sockets of a protocol with its limits and counters: what stands between
 * io/udp.h and a daemon's own messages.
 *
 * A datagram comes in with the socket that it came by. The daemon decodes and
 * authenticates it and returns 0, or the reason why it is dropped: one of an
 * enum of its own, for which the protocol has names. Drops are counted by
 * reason, and logged within limits that hold for each source and for all
 * (OPEN-32). A source that sends more than the allowed rate is not looked at.
 *
 * The sockets follow the configuration: channel_listen() opens what is wanted
 * and is not open, and then closes what is not wanted; when one cannot be
 * opened all stay as they were.
 */
#ifndef ROAM_IO_CHANNEL_H
#define ROAM_IO_CHANNEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "auth/auth.h"
#include "base/time.h"
#include "conf/conf.h"
#include "io/log.h"
#include "io/udp.h"

struct channel;
struct channel_socket;

/**
 * struct channel_protocol - what a daemon tells about its messages; constant
 * @reasons: reasons for a drop are from 1 to before this
 * @reason_name: a word for each of them
 * @limit: the reason for what is above the rate; 0: there is no rate
 * @level: of the log lines about drops
 * @receive: one datagram; 0, or why it is dropped, then with *key_id where the
 *	log line shall name a key. A reply goes back by @socket.
 * @batch_end: all that came with one system call was received; may be NULL
 * @burst_end: nothing more waits on that socket, or enough came at once: for
 *	what is done in groups (io/burst.h); may be NULL
 * @unreachable: ICMP said that nobody listens there; may be NULL
 */
struct channel_protocol {
	int reasons;
	const char *(*reason_name)(int reason);
	int limit;
	enum log_level level;
	int (*receive)(void *ctx, struct channel_socket *socket,
		       const struct udp_datagram *d, msec_t now,
		       uint32_t *key_id);
	void (*batch_end)(void *ctx);
	void (*burst_end)(void *ctx);
	void (*unreachable)(void *ctx, const struct roam_addr *host,
			    uint16_t port);
};

/* A channel without sockets; NULL when out of memory. */
struct channel *channel_new(uv_loop_t *loop,
			    const struct channel_protocol *protocol, void *ctx);
void channel_free(struct channel *channel);

/* NULL when exactly these are open; else a sentence, caller frees. */
char *channel_listen(struct channel *channel,
		     const struct conf_endpoint *endpoints, size_t n);
/* Datagrams per second of one source; 0 for no limit. */
void channel_set_rate(struct channel *channel, uint32_t rate);

/* The socket's own endpoint. */
const struct conf_endpoint *channel_endpoint(const struct channel_socket *s);
/* The i-th socket, NULL behind the last. */
struct channel_socket *channel_at(const struct channel *channel, size_t i);
/* Whether one of the sockets can send to an address of this family. */
bool channel_reaches(const struct channel *channel, const struct roam_addr *to);
/*
 * Queues a datagram as udp_send() does, and counts it. A NULL @socket stands for
 * the first one, and where the socket is bound to an address of the other family
 * than @to, the first one that can send there takes its place.
 */
void channel_send(struct channel *channel, struct channel_socket *socket,
		  const struct roam_addr *to, uint16_t port,
		  const struct roam_addr *local, const void *data, size_t len);

/*
 * True if one more line about this source may be written; counts what is left
 * out, and names it with the next line: *suppressed.
 */
bool channel_may_log(struct channel *channel, const struct roam_addr *source,
		     uint32_t *suppressed);
/* Counts a drop that is found later than in receive(), and logs it likewise. */
void channel_drop(struct channel *channel, const struct udp_datagram *d,
		  uint32_t key_id, int reason);

/* Adds received, sent, send_errors and drop_<reason> to an answer. */
void channel_add_counters(const struct channel *channel, json_t *object);

/**
 * enum channel_proof - what became of an authenticator
 * @CHANNEL_PROVED: it is right
 * @CHANNEL_NO_KEY: there is no key with this id
 * @CHANNEL_FORGED: it is not right
 */
enum channel_proof { CHANNEL_PROVED, CHANNEL_NO_KEY, CHANNEL_FORGED };

/*
 * Verifies the @mac_len bytes behind the first @covered of a datagram, which
 * the caller's decoder found to be there; *key is set where it is right.
 */
enum channel_proof channel_verify(const struct auth_keys *keys, uint32_t key_id,
				  const struct udp_datagram *d, size_t covered,
				  size_t mac_len, const struct auth_key **key);

#endif
