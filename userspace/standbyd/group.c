// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>

#include "io/daemon.h"
#include "io/log.h"
#include "standbyd/standby.h"

#define ANSWERS 20		/* in a second, to each of those without and with a key */

/*
 * ms that the virtual MAC address stays in the filter of a router that released
 * it: nothing is forwarded from there any more, and taking it out holds the
 * kernel's lock for tens of milliseconds, while others on this host may want it.
 */
#define FILTER_LAG 100

/*
 * Announcements after a takeover or a heal, ms after the one before: a switch or
 * host that misses one believes the next (failure 3 of others).
 */
static const msec_t announcements[] = { 0, 100, 900, 2000, 7000 };
#define N_ANNOUNCEMENTS (sizeof(announcements) / sizeof(announcements[0]))

static const struct roam_addr none;

static void reschedule(struct group *group)
{
	deadline_set(&group->d->deadlines, &group->deadline,
		     min_time(min_time(elect_next(&group->e),
				       group->announce_at),
			      group->filter_until));
}

static void arm(struct standbyd *d);

/* A number of a sender on a link, for the lines about it. */
static void refuse(struct link *link, struct group *group,
		   const struct roam_addr *from, enum hsrp_drop reason)
{
	struct standbyd *d = link->d;
	char text[ROAM_ADDR_STRLEN];
	uint32_t suppressed;

	if (group)
		group->drop[reason]++;
	else
		d->drop[reason]++;
	/* Every sender is unproved once, and hosts of others are no news. */
	if (reason == HSRP_DROP_UNPROVED || reason == HSRP_DROP_GROUP)
		return;
	if (limit_allow(&d->limit, daemon_now(), from, &suppressed))
		log_warning("link=%s group=%s from=%s dropped reason=%s%s suppressed=%u",
			    link->name, group ? group->config->name : "none",
			    roam_addr_format(from, text), hsrp_drop_name(reason),
			    roam_addr_eq(from, &link->addr) ?
			    ": it has our address; give each router its own" : "",
			    suppressed);
}

/* ---- messages out ---- */

/* Signs, or fills in what HSRP has instead; 0 if there is no counter. */
static size_t seal(struct group *group, struct hsrp_msg *msg, uint64_t counter,
		   uint8_t *buf)
{
	const struct config_group *c = group->config;
	size_t len;

	msg->group = c->number;
	if (c->form == HSRP_OWN) {
		msg->key_id = c->key_id;
		msg->counter = counter;
		if (!counter)
			return 0;
		len = hsrp_encode(HSRP_OWN, msg, buf);
		auth_sign(auth_keys_find(group->d->config->keys, c->key_id),
			  buf, len, buf + len, STANDBY_AUTH_LEN);
		return len + STANDBY_AUTH_LEN;
	}
	msg->auth = c->auth;
	msg->key_id = c->md5_id;
	memcpy(msg->text, c->text, HSRP_TEXT_LEN);
	len = hsrp_encode(c->form, msg, buf);
	if (c->auth == HSRP_AUTH_MD5)
		hsrp_md5_sign(buf, len, c->md5_key, c->md5_len);
	return len;
}

static void transmit(struct group *group, struct hsrp_msg *msg,
		     const struct roam_addr *to)
{
	uint64_t counter = group->config->form == HSRP_OWN ?
			   counter_next(group->d) : 0;
	uint8_t buf[HSRP_MAX_LEN];
	size_t len = seal(group, msg, counter, buf);

	if (!len)
		return;
	group->sent[msg->op]++;
	/* The switch learns from these where the virtual MAC address is. */
	net_send(group, to, net_port(group->config->form),
		 group->placed && group->serving &&
			msg->op == HSRP_HELLO, buf, len);
}

static void transmit_nonce(struct group *group, uint8_t op, uint64_t nonce,
			   const struct roam_addr *to)
{
	struct elect_effect effect = { .op = op, .state = group->e.state };
	struct hsrp_msg msg;

	elect_message(&group->e, &effect, &msg);
	msg.nonce = nonce;
	transmit(group, &msg, to);
}

/* ---- addresses ---- */

static void note_kernel(struct group *group, char *error)
{
	if (!error)
		return;
	group->kernel_errors++;
	log_error("group=%s %s", group->config->name, error);
	free(group->kernel_error);
	group->kernel_error = error;
}

/* The Resign for the case that this process ends before it can say it. */
static void arm_watcher(struct group *group)
{
	struct elect_effect effect = { .op = HSRP_RESIGN, .state = HSRP_ACTIVE };
	struct roam_addr all = net_group_addr(group->config->form);
	uint8_t buf[HSRP_MAX_LEN];
	struct hsrp_msg msg;
	size_t len;

	elect_message(&group->e, &effect, &msg);
	len = seal(group, &msg, counter_last(group->d), buf);
	watch_serving(group, &all, buf, len);
}

static void announce(struct group *group, msec_t now)
{
	const struct link *link = group->link;

	group->announced += net_announce(group->d, link->index, group->mac,
					 &group->served_vip);
	/* Its own address has another MAC address now, too (STBY-92). */
	if (group->config->mac == MAC_SWAP)
		net_announce(group->d, link->index, group->mac, &link->addr);
	if (++group->announce_step < N_ANNOUNCEMENTS)
		group->announce_at = now + announcements[group->announce_step];
	else
		group->announce_at = group->d->config->announce ?
				     now + group->d->config->announce :
				     MSEC_NEVER;
}

static void begin_announcements(struct group *group)
{
	group->announce_step = 0;
	announce(group, daemon_now());
}

/*
 * The kernel's part waits for a lock that others may hold for as long as some
 * hellos: the second thread does it, and hellos leave meanwhile.
 */
static void adopt(struct group *group)
{
	if (group->serving)
		return;
	group->serving = true;
	group->served_vip = group->e.vip;
	group->filter_until = MSEC_NEVER;
	arm_watcher(group);
	link_place(group);
}

/* Here the word waits for the deed: whoever hears it takes the address. */
static void release(struct group *group)
{
	struct placement place = kernel_place(group);
	int err;

	if (!group->serving)
		return;
	watch_released(group);
	group->serving = false;
	group->announce_at = MSEC_NEVER;
	err = kernel_withdraw(group->d->rtnl, &place);
	if (err)
		note_kernel(group, daemon_error("cannot take the addresses of group '%s' away: %s",
						group->config->name,
						strerror(-err)));
	if (group->config->mac == MAC_MACVLAN)
		group->filter_until = daemon_now() + FILTER_LAG;
	if (group->config->mac == MAC_SWAP)
		net_announce(group->d, group->link->index, group->link->mac,
			     &group->link->addr);
}

void group_placed(struct group *group, bool adopted, int err, uint64_t us)
{
	group->placing = false;
	group->placed = adopted;
	if (err)
		note_kernel(group, daemon_error("cannot %s the addresses of group '%s': %s",
						adopted ? "take" : "give up",
						group->config->name,
						strerror(-err)));
	if (adopted != group->serving) {
		link_place(group);
	} else if (adopted) {
		group->adopt_us = us;
		begin_announcements(group);
	}
	reschedule(group);
	arm(group->d);
}

/* ---- what the core wants ---- */

static void report(struct group *group, const struct elect_change *c)
{
	char peer[ROAM_ADDR_STRLEN], cell[24];

	group->history[group->n_history++ % HISTORY_MAX] = *c;
	log_notice("group=%s link=%s %s->%s: %s (%s priority=%u peer=%s/%u silent=%lldms late=%lldms)",
		   group->config->name, group->link->name,
		   hsrp_state_name(c->from), hsrp_state_name(c->to), c->reason,
		   elect_cell_name(c->event, c->from, cell), c->priority,
		   roam_addr_is_none(&c->peer) ? "none" :
						 roam_addr_format(&c->peer, peer),
		   c->peer_priority, (long long)c->silent, (long long)c->late);
	show_change(group, c);
}

static void send_effect(struct group *group, const struct elect_effect *effect)
{
	struct hsrp_msg msg;

	elect_message(&group->e, effect, &msg);
	transmit(group, &msg, &effect->to);
	/* Two were active: what hosts believe is unknown now. */
	if (effect->op == HSRP_COUP && group->placed)
		begin_announcements(group);
}

void group_carry_out(struct group *group, const struct elect_effects *out)
{
	for (size_t i = 0; i < out->n; i++) {
		const struct elect_effect *x = &out->effect[i];

		switch (x->what) {
		case ELECT_SEND:
			send_effect(group, x);
			break;
		case ELECT_ADOPT:
			adopt(group);
			break;
		case ELECT_RELEASE:
			release(group);
			break;
		case ELECT_FETCH:
			show_event(group, "fetch", &x->to);
			break;
		case ELECT_CLEARANCE:
			show_event(group, "clearance",
				   &group->e.active.rank.addr);
			break;
		case ELECT_CHANGED:
			report(group, &x->change);
			break;
		case ELECT_PEERS:
			show_event(group, "peers", &none);
			break;
		case ELECT_LEARNED:
			show_event(group, "learned", &none);
			break;
		}
	}
	reschedule(group);
}

/* ---- messages in ---- */

static struct group *find_number(const struct link *link, uint8_t form,
				 uint16_t number)
{
	const struct standbyd *d = link->d;

	for (size_t i = 0; i < d->n_groups; i++)
		if (d->groups[i]->link == link &&
		    d->groups[i]->config->form == form &&
		    d->groups[i]->config->number == number)
			return d->groups[i];
	return NULL;
}

/*
 * Who begins to speak may have been active on the other side of a cut, and gave way to
 * this router's hello without a word: what hosts believe is unknown then, too.
 */
static void hear_speaker(struct group *group, msec_t now)
{
	if (!group->placed || now < group->speaker_again)
		return;
	group->speaker_again = now + group->e.hold;
	begin_announcements(group);
}

static void input(struct group *group, const struct hsrp_msg *msg, msec_t heard)
{
	struct elect_effects out = { 0 };

	elect_input(&group->e, daemon_now(), heard, msg, &out);
	if (msg->op == HSRP_HELLO && msg->state == HSRP_SPEAK &&
	    elect_serves(&group->e))
		hear_speaker(group, daemon_now());
	group_carry_out(group, &out);
}

static bool verified(const struct group *group, const uint8_t *data,
		     size_t covered)
{
	return auth_verify(auth_keys_find(group->d->config->keys,
					  group->config->key_id),
			   data, covered, data + covered, STANDBY_AUTH_LEN);
}

/* STBY-18: not longer than the question, not too many, from who serves only. */
static void answer(struct link *link, const struct hsrp_msg *query,
		   const struct roam_addr *from, uint16_t port,
		   const uint8_t *data, size_t covered, size_t len)
{
	struct elect_effect effect = { .op = HSRP_ANSWER, .state = HSRP_ACTIVE };
	struct group *group = group_find(link->d, query->name);
	struct standbyd *d = link->d;
	msec_t second = daemon_now() / 1000;
	uint8_t buf[HSRP_MAX_LEN];
	struct hsrp_msg msg;
	size_t size;

	if (!group || group->link != link || group->config->form != HSRP_OWN ||
	    !group->serving)
		return;
	if (group->config->query == QUERY_OFF ||
	    (query->key_id ? query->key_id != group->config->key_id :
			     group->config->query == QUERY_KEY)) {
		refuse(link, group, from, HSRP_DROP_KEY);
		return;
	}
	if (query->key_id && !verified(group, data, covered)) {
		refuse(link, group, from, HSRP_DROP_AUTH);
		return;
	}
	if (second != d->answers_second) {
		d->answers_second = second;
		memset(d->answers, 0, sizeof(d->answers));
	}
	elect_message(&group->e, &effect, &msg);
	msg.group = group->config->number;
	msg.nonce = query->nonce;
	strcpy(msg.name, group->config->name);
	msg.active = group->e.config.addr;
	if (group->e.standby.known)
		msg.standby = group->e.standby.rank.addr;
	msg.key_id = query->key_id;
	size = hsrp_encode(HSRP_OWN, &msg, buf);
	if (msg.key_id) {
		auth_sign(auth_keys_find(d->config->keys, msg.key_id), buf,
			  size, buf + size, STANDBY_AUTH_LEN);
		size += STANDBY_AUTH_LEN;
	}
	/* Who has a key does not depend on how many ask without. */
	if (size > len || d->answers[!!msg.key_id] >= ANSWERS) {
		refuse(link, group, from, HSRP_DROP_LIMIT);
		return;
	}
	d->answers[!!msg.key_id]++;
	group->received[HSRP_QUERY]++;
	group->sent[HSRP_ANSWER]++;
	net_send(group, from, port, false, buf, size);
}

static enum hsrp_drop check_own(struct group *group, const struct hsrp_msg *msg,
				const uint8_t *data, size_t covered)
{
	if (msg->key_id != group->config->key_id)
		return HSRP_DROP_KEY;
	return verified(group, data, covered) ? HSRP_DROP_NONE : HSRP_DROP_AUTH;
}

static void receive_own(struct group *group, struct hsrp_msg *msg,
			msec_t heard, const uint8_t *data, size_t covered)
{
	enum hsrp_drop drop = check_own(group, msg, data, covered);
	uint64_t nonce = 0;

	if (drop == HSRP_DROP_NONE)
		drop = standby_peers_judge(&group->link->peers, msg,
					   daemon_now(), daemon_random() | 1,
					   &nonce);
	if (nonce)
		transmit_nonce(group, HSRP_PROBE, nonce, &msg->sender);
	if (drop != HSRP_DROP_NONE) {
		refuse(group->link, group, &msg->sender, drop);
		return;
	}
	group->received[msg->op]++;
	if (msg->op == HSRP_PROBE) {
		transmit_nonce(group, HSRP_PROOF, msg->nonce, &msg->sender);
		return;
	}
	if (msg->op == HSRP_PROOF)
		msg->op = HSRP_HELLO;
	input(group, msg, heard);
}

static void receive_hsrp(struct group *group, struct hsrp_msg *msg,
			 const struct roam_addr *from, msec_t heard,
			 const uint8_t *data, size_t len)
{
	const struct config_group *c = group->config;
	enum hsrp_drop drop = HSRP_DROP_NONE;

	/* In version 2 no authentication TLV stands for the default text. */
	if (msg->auth == HSRP_AUTH_NONE) {
		msg->auth = HSRP_AUTH_TEXT;
		memcpy(msg->text, "cisco\0\0\0", HSRP_TEXT_LEN);
	}
	if (msg->auth != c->auth)
		drop = HSRP_DROP_KEY;
	else if (c->auth == HSRP_AUTH_TEXT &&
		 memcmp(msg->text, c->text, HSRP_TEXT_LEN))
		drop = HSRP_DROP_AUTH;
	else if (c->auth == HSRP_AUTH_MD5 &&
		 !hsrp_md5_verify(data, len, c->md5_key, c->md5_len))
		drop = HSRP_DROP_AUTH;
	else if (c->auth == HSRP_AUTH_MD5 && !roam_addr_eq(&msg->sender, from))
		drop = HSRP_DROP_SENDER;
	if (drop != HSRP_DROP_NONE) {
		refuse(group->link, group, from, drop);
		return;
	}
	msg->sender = *from;
	group->received[msg->op]++;
	input(group, msg, heard);
}

void group_receive(struct link *link, uint8_t form, const struct roam_addr *from,
		   uint16_t port, int ttl, msec_t heard, const uint8_t *data,
		   size_t len)
{
	struct hsrp_msg msg;
	struct group *group;
	size_t covered;
	enum hsrp_drop drop = hsrp_decode(form, data, len, &msg, &covered);

	if (drop == HSRP_DROP_NONE && form == HSRP_OWN && ttl != STANDBY_TTL)
		drop = HSRP_DROP_HOPS;
	if (drop == HSRP_DROP_NONE &&
	    (roam_addr_eq(from, &link->addr) ||
	     (form == HSRP_OWN && msg.op != HSRP_QUERY &&
	      !roam_addr_eq(&msg.sender, from))))
		drop = HSRP_DROP_SENDER;
	if (drop != HSRP_DROP_NONE) {
		refuse(link, NULL, from, drop);
		return;
	}
	if (msg.op == HSRP_ADVERTISE || msg.op == HSRP_ANSWER)
		return;
	if (msg.op == HSRP_QUERY) {
		answer(link, &msg, from, port, data, covered, len);
		return;
	}
	group = find_number(link, form, msg.group);
	if (!group)
		refuse(link, NULL, from, HSRP_DROP_GROUP);
	else if (form == HSRP_OWN)
		receive_own(group, &msg, heard, data, covered);
	else
		receive_hsrp(group, &msg, from, heard, data, len);
}

/* ---- links and priorities ---- */

static uint8_t effective_priority(const struct group *group)
{
	unsigned int priority = group->config->elect.priority;

	return priority > group->missing ? priority - group->missing : 0;
}

void group_track(struct group *group, unsigned int missing)
{
	uint8_t before = group->e.priority;

	group->missing = missing;
	elect_set_priority(&group->e, effective_priority(group));
	if (before == group->e.priority)
		return;
	log_notice("group=%s priority %u->%u by what it tracks",
		   group->config->name, before, group->e.priority);
	show_event(group, "priority", &none);
}

/* Event 1: the link is up and what the group needs on it is there. */
static void start(struct group *group)
{
	struct elect_effects out = { 0 };
	char *error = net_open(group->link, group->config->form);

	if (!error)
		error = kernel_prepare(group);
	if (error) {
		note_kernel(group, error);
		return;
	}
	kernel_tune(group->link);
	elect_set_priority(&group->e, effective_priority(group));
	elect_start(&group->e, daemon_now(), &out);
	group_carry_out(group, &out);
}

static void stop(struct group *group, const char *reason)
{
	struct elect_effects out = { 0 };

	elect_stop(&group->e, daemon_now(), reason, &out);
	group_carry_out(group, &out);
}

void group_link_changed(struct group *group)
{
	struct link *link = group->link;
	struct elect_config *c = &group->e.config;
	const struct roam_addr *addr =
		roam_addr_is_none(&group->config->elect.addr) ?
		&link->addr : &group->config->elect.addr;

	/* Another address is another router to the others (STBY-N13). */
	if (group->e.state != HSRP_VIRGIN &&
	    (!link->up || !roam_addr_eq(&c->addr, addr)))
		stop(group, link->up ? "the address of the link changed" :
				       "the link is down");
	if (group->e.state == HSRP_VIRGIN && !link->up)
		kernel_forget(group);
	c->addr = *addr;
	if (group->e.state == HSRP_VIRGIN && link->up)
		start(group);
}

bool group_resign(struct group *group, msec_t pause, const char *reason)
{
	struct elect_effects out = { 0 };
	bool was = elect_resign(&group->e, daemon_now(), pause, reason, &out);

	group_carry_out(group, &out);
	return was;
}

struct group *group_find(const struct standbyd *d, const char *name)
{
	for (size_t i = 0; i < d->n_groups; i++)
		if (!strcmp(d->groups[i]->config->name, name))
			return d->groups[i];
	return NULL;
}

/* ---- time ---- */

static void arm(struct standbyd *d)
{
	msec_t next = deadlines_next(&d->deadlines);
	struct itimerspec when = { 0 };

	if (next == d->armed)
		return;
	d->armed = next;
	if (next != MSEC_NEVER) {
		when.it_value.tv_sec = next / 1000;
		when.it_value.tv_nsec = next % 1000 * 1000000;
		/* A time that is over, even zero, is due at once. */
		if (!when.it_value.tv_sec && !when.it_value.tv_nsec)
			when.it_value.tv_nsec = 1;
	}
	timerfd_settime(d->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void run_due(struct standbyd *d)
{
	struct deadline *due;

	while ((due = deadlines_pop(&d->deadlines, daemon_now()))) {
		struct group *group = container_of(due, struct group, deadline);
		struct elect_effects out = { 0 };
		msec_t now = daemon_now();

		if (group->announce_at <= now)
			announce(group, now);
		if (group->filter_until <= now) {
			group->filter_until = MSEC_NEVER;
			link_place(group);
		}
		if (elect_next(&group->e) <= now)
			elect_run(&group->e, now, &out);
		group_carry_out(group, &out);
	}
}

/*
 * The watcher took addresses away because this process did not run. The core
 * finds that out by itself, as it measures the same; if it just missed the
 * limit, the group gives the role up.
 */
static void yield(struct standbyd *d)
{
	d->counter = d->reserved;
	run_due(d);
	for (size_t i = 0; i < d->n_groups; i++)
		if (d->groups[i]->serving &&
		    watch_withdrew(d->groups[i]))
			group_resign(d->groups[i], 0,
				     "the watcher resigned for it, as it did not run");
}

void groups_run(struct standbyd *d)
{
	realtime_keep(d);
	if (watch_beat(d, daemon_now()))
		yield(d);
	/* What waits in the sockets was said before the timers ended. */
	net_drain(d);
	run_due(d);
	arm(d);
}

/* ---- all of them ---- */

static struct link *link_of(struct standbyd *d, const char *name)
{
	struct link *link;

	for (size_t i = 0; i < d->n_links; i++)
		if (!strcmp(d->links[i]->name, name))
			return d->links[i];
	link = calloc(1, sizeof(*link));
	if (!link)
		abort();
	link->d = d;
	strcpy(link->name, name);
	for (int i = 0; i < LINK_TUNABLES; i++)
		link->tunables[i] = -1;
	d->links[d->n_links++] = link;
	return link;
}

char *groups_open(struct standbyd *d)
{
	const struct config *config = d->config;

	d->links = calloc(config->n_groups, sizeof(*d->links));
	d->groups = calloc(config->n_groups, sizeof(*d->groups));
	if (!d->links || !d->groups ||
	    !deadlines_reserve(&d->deadlines, config->n_groups))
		return daemon_error("out of memory");
	for (size_t i = 0; i < config->n_groups; i++) {
		struct group *group = calloc(1, sizeof(*group));

		if (!group)
			return daemon_error("out of memory");
		group->d = d;
		group->config = &config->groups[i];
		group->link = link_of(d, group->config->link);
		group->announce_at = MSEC_NEVER;
		group->filter_until = MSEC_NEVER;
		group->watch_slot = i;
		elect_init(&group->e, &group->config->elect);
		d->groups[d->n_groups++] = group;
	}
	return NULL;
}

void groups_close(struct standbyd *d, const char *reason)
{
	for (size_t i = 0; i < d->n_groups; i++)
		stop(d->groups[i], reason);
	/* All have resigned: what takes long is done behind that. */
	if (d->rtnl)
		kernel_forget_all(d);
	for (size_t i = 0; i < d->n_groups; i++) {
		struct group *group = d->groups[i];

		deadline_clear(&d->deadlines, &group->deadline);
		free(group->kernel_error);
		free(group);
	}
	for (size_t i = 0; i < d->n_links; i++) {
		kernel_untune(d->links[i]);
		net_close(d->links[i]);
		free(d->links[i]);
	}
	free(d->groups);
	free(d->links);
	d->groups = NULL;
	d->links = NULL;
	d->n_groups = 0;
	d->n_links = 0;
	deadlines_fini(&d->deadlines);
	memset(&d->deadlines, 0, sizeof(d->deadlines));
	d->generation++;
	d->armed = 0;
}
