/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of this agent at other agents: the sync engine (core/sync.h) with bindings,
 * visitors, pending requests and leases as its entries, its messages, and the role that
 * roam-standbyd says (io/role.h). What is changed here is told to the others by
 * agent_sync_note(); what they change is put into the cores, made durable and
 * told to the kernel by this file alone.
 */
#ifndef ROAM_AGENTD_SYNC_H
#define ROAM_AGENTD_SYNC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/agent_entries.h"

struct agentd;
struct agent_sync;

/* Before the store is opened: when it was written last. */
void agent_sync_prepare(struct agentd *a);
/* NULL or a sentence. Without "sync" in the configuration it does nothing. */
char *agent_sync_start(struct agentd *a, const char *socket_path);
/* Another configuration is in force. */
void agent_sync_configure(struct agentd *a);
/* What is held leaves, as the configuration that it points to will go. */
void agent_sync_release(struct agentd *a);
void agent_sync_stop(struct agentd *a);

/* False while another agent serves: then nothing is answered or advertised here. */
bool agent_sync_serves(const struct agentd *a);
/* Does it serve with the whole table of another agent, which served before? */
bool agent_sync_succeeds(const struct agentd *a);

/* Durable and in the kernel; @ended: their time was over, as it is everywhere. */
void agent_sync_note(struct agentd *a, const struct ha_changes *nodes,
		     const struct fa_changes *visitors, bool ended);
void agent_sync_note_pending(struct agentd *a, const struct roam_addr *home,
			     uint64_t id, bool gone);
/* Nobody answered it, so it ends everywhere: others are not told. */
void agent_sync_forget_pending(struct agentd *a, const struct roam_addr *home,
			       uint64_t id);

typedef void (*agent_sync_fn)(struct agentd *a, void *data);

/**
 * agent_sync_hold() - what waits for others
 * @a: the daemon
 * @type: of the entry that changed since agent_sync_flush()
 * @home: its key
 * @fn: called once it is acknowledged by as many as the configuration wants, or
 *	the time for that is up (OPEN-57)
 * @data: its argument, copied
 * @len: bytes of it
 * @all: by all that are there, whatever the configuration says
 *
 * Return: false if there is nothing to wait for.
 */
bool agent_sync_hold(struct agentd *a, enum agent_entry type,
		     const struct roam_addr *home, agent_sync_fn fn,
		     const void *data, size_t len, bool all);
/* Tells what was noted. */
void agent_sync_flush(struct agentd *a);

/* The engine, NULL while there is none; whether this agent is the active one. */
struct sync *agent_sync_engine(const struct agentd *a);
bool agent_sync_is_active(const struct agentd *a);
/* This member's address; none while there is no engine. */
struct roam_addr agent_sync_own(const struct agentd *a);

/* What came from others and is not durable yet is written; false: the disk refuses. */
bool agent_sync_store(void);
/* What came from others is made durable and told to the kernel, and what was passed runs. */
void agent_sync_settle(struct agentd *a);

/*
 * Asks for the table of others once more, or for the entries of one home agent; false:
 * nobody to ask, or busy with it.
 */
bool agent_sync_fetch(struct agentd *a, const struct roam_addr *agent);

/* For the control socket. */
json_t *agent_sync_show(struct agentd *a);
json_t *agent_sync_status(struct agentd *a);
void agent_sync_counters(const struct agentd *a, json_t *object);

#endif
