/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps N servers told of M items: location registers of where permanent
 * addresses are, home agents of where home addresses are.
 *
 * One request at a time is outstanding with each server, so that the
 * identifications reach it in order and none refuses another (replay). It
 * carries all items that are due there, up to a limit; a change of an item
 * supersedes it. It is repeated, each copy as the first, in intervals that
 * double; what is granted is renewed at two thirds of its lifetime (MLR-04,
 * D-18). Servers that share a key share the order of its identifications, which
 * outlives servers that come and go (OPEN-29).
 *
 * The registrar knows neither messages nor what an item is. The user makes a
 * message of a struct registrar_request, and when an answer came:
 *
 *	i = registrar_find(r, from, nonce);	REGISTRAR_NONE: nobody asked
 *	... verify, compare registrar_request(r, i)->id ...
 *	registrar_answered(r, i, now);
 *	for each item that the answer is about and registrar_asked() confirms:
 *		registrar_granted(), registrar_refused() or registrar_replayed();
 *		an item without one of these is asked for again, not at once
 *	registrar_done(r, i, now, replay);
 *
 * Contract: pure state machine; the time comes with each call.
 */
#ifndef ROAM_CORE_REGISTRAR_H
#define ROAM_CORE_REGISTRAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"

/* No request carries more items. */
#define REGISTRAR_ITEMS_MAX 24
#define REGISTRAR_PROOF_LEN 16
#define REGISTRAR_NONE SIZE_MAX

struct registrar;

/**
 * struct registrar_server - one server to keep told
 * @addr: its address
 * @port: its port, host order
 * @key_id: key shared with it
 */
struct registrar_server {
	struct roam_addr addr;
	uint16_t port;
	uint32_t key_id;
};

/**
 * struct registrar_config - settings
 * @n_items: number of items
 * @items_max: items in one request, at most REGISTRAR_ITEMS_MAX
 * @retry: first repetition of a request, ms, doubling to @retry_max
 * @retry_max: longest interval between repetitions, ms
 */
struct registrar_config {
	size_t n_items;
	size_t items_max;
	msec_t retry;
	msec_t retry_max;
};

/**
 * struct registrar_request - what is to be sent; the same in all copies
 * @to: the server
 * @items: numbers of the items that it is about
 * @n: their number
 * @id: identification, higher than any before with this key
 * @nonce: random, for the answer
 * @proof: what the server wants to see with one of the items, or NULL
 * @leaving: it ends the registrations; no answer is waited for
 */
struct registrar_request {
	const struct registrar_server *to;
	size_t items[REGISTRAR_ITEMS_MAX];
	size_t n;
	uint64_t id;
	uint64_t nonce;
	const uint8_t *proof;
	bool leaving;
};

/**
 * struct registrar_ops - what the registrar asks of its surroundings
 * @send: send a request; may lose it
 * @unanswered: the server has not answered some requests, the last of which was
 *	about @item (among others); said once per outage
 * @random: 64 random bits
 * @wallclock: nanoseconds since 1970, for identifications
 */
struct registrar_ops {
	void (*send)(void *ctx, const struct registrar_request *request);
	void (*unanswered)(void *ctx, const struct registrar_server *server,
			   size_t item, unsigned int tries, msec_t took);
	uint64_t (*random)(void *ctx);
	uint64_t (*wallclock)(void *ctx);
};

/**
 * struct registration - one item at one server
 * @due: when it wants to be sent
 * @since: first request about the present state
 * @expires: when it ends at the server
 * @acked: version of the item that the server acknowledged
 * @tries: requests since @since without a grant
 * @status: why the server refused, the user's own values; 0 if it did not
 * @proved: @proof goes with the requests about it
 * @fresh: and did not go with one yet
 * @proof: see registrar_prove()
 */
struct registration {
	msec_t due;
	msec_t since;
	msec_t expires;
	uint64_t acked;
	unsigned int tries;
	uint8_t status;
	bool proved;
	bool fresh;
	uint8_t proof[REGISTRAR_PROOF_LEN];
};

/**
 * struct registrar_news - what an answer says that was not known before
 * @news: it does
 * @tries: requests that it took
 * @took: ms since the first of them
 */
struct registrar_news {
	bool news;
	unsigned int tries;
	msec_t took;
};

/* NULL when out of memory. */
struct registrar *registrar_new(const struct registrar_config *config,
				const struct registrar_ops *ops, void *ctx);
void registrar_free(struct registrar *r);

/*
 * Other servers from now on, copied; those that were there keep their state, new
 * ones are told of all items that are there. False when out of memory; nothing
 * changed.
 */
bool registrar_set_servers(struct registrar *r, msec_t now,
			   const struct registrar_server *servers, size_t n);
/* The i-th server, NULL behind the last. */
const struct registrar_server *registrar_server(const struct registrar *r,
						size_t i);

/* The item is there, or not, as everybody knows already: nothing is sent. */
void registrar_adopt(struct registrar *r, size_t item, bool there);
/*
 * The item changed: all servers are to hear of its present state at the next
 * tick, of one that is not there any more nothing.
 */
void registrar_change(struct registrar *r, msec_t now, size_t item, bool there);
/* The item is sent at @when, not before, to all servers. */
void registrar_delay(struct registrar *r, size_t item, msec_t when);
/*
 * Sends what is due. Return: when to call again. registrar_change() sends
 * nothing by itself, so that several changes leave in one request.
 */
msec_t registrar_tick(struct registrar *r, msec_t now);
/* A request with @leaving about every item to every server, at once. */
void registrar_leave(struct registrar *r, msec_t now);

/* The server at @from that an outstanding request with @nonce went to. */
size_t registrar_find(const struct registrar *r, const struct roam_addr *from,
		      uint64_t nonce);
/* The request of that server. */
const struct registrar_request *registrar_request(const struct registrar *r,
						  size_t server);
void registrar_answered(struct registrar *r, size_t server, msec_t now);
/* The outstanding request was about this item. */
bool registrar_asked(const struct registrar *r, size_t server, size_t item);
/* The server holds @version of the item for @lifetime ms. */
struct registrar_news registrar_granted(struct registrar *r, size_t server,
					size_t item, msec_t now,
					uint64_t version, msec_t lifetime);
/* It refused with @status, not 0; it is asked again in @delay ms. */
struct registrar_news registrar_refused(struct registrar *r, size_t server,
					size_t item, msec_t now,
					uint8_t status, msec_t delay);
/**
 * registrar_prove() - the server told what it wants to see with an item
 * @r: the registrar
 * @nonce: of the last request to that server, which may have several addresses
 * @item: the item
 * @now: the time
 * @proof: goes with each request about the item as it is now; where several items
 *	of one request have one, that of the first goes, and the others come after
 *
 * Return: false if that server was not asked about that item.
 */
bool registrar_prove(struct registrar *r, uint64_t nonce, size_t item,
		     msec_t now, const uint8_t proof[REGISTRAR_PROOF_LEN]);
/* What the server wanted to see is not sent after all. */
void registrar_disprove(struct registrar *r, size_t server, size_t item);
/*
 * The server holds the identification @id, so the one of the request was too
 * low: the next is higher, and leaves at once, unless that did not help before.
 */
void registrar_replayed(struct registrar *r, size_t server, size_t item,
			msec_t now, uint64_t id);
/* All that the answer says was handed over; @replay: it was a replay. */
void registrar_done(struct registrar *r, size_t server, msec_t now,
		    bool replay);

/* Where requests with @nonce went last, answered or not; REGISTRAR_NONE: nowhere. */
size_t registrar_find_last(const struct registrar *r, uint64_t nonce);

/* The state of an item at a server. */
const struct registration *registrar_get(const struct registrar *r,
					 size_t server, size_t item);

#endif
