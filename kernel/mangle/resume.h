/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP after a move (OPEN-41): what was on its way was lost, and TCP would wait
 * for a timer that the outage has made long. So the connections that a move
 * concerns send their oldest unacknowledged segment again at once, or ask whether
 * the closed window has opened: at the correspondent when the mapping moved, at
 * the mobile host when the correspondent knows. What they knew of the size of
 * packets on the old path is forgotten.
 *
 * Contract: one pass over the socket table serves all moves up to its start:
 * who moved is told by numbers of mangle_table.epoch (mangle_mapping.epoch,
 * mangle_peer.moved), so a burst of moves costs one pass.
 */
#ifndef ROAM_MANGLE_RESUME_H
#define ROAM_MANGLE_RESUME_H

struct mangle_net;

/* Somebody moved and has got a number of mangle_table.epoch; mangle_table.lock held. */
void mangle_resume(struct mangle_net *mn);

void mangle_resume_init(struct mangle_net *mn);
/* Nothing calls mangle_resume() any more. */
void mangle_resume_exit(struct mangle_net *mn);

#endif
