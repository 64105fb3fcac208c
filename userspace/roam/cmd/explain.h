/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a module or a daemon says its part about an address: its entry in the
 * registry has a function explain(), which looks the address up, and where it
 * is known calls explain_claim() and then explain_say() for each sentence.
 */
#ifndef ROAM_CMD_EXPLAIN_H
#define ROAM_CMD_EXPLAIN_H

#include <jansson.h>
#include <stdbool.h>

#include "base/addr.h"

/**
 * struct explanation - an address and what is said about it
 * @addr: the address
 * @text: it, printed
 * @objects: names of the objects that know it
 * @sentences: what is said
 * @next: what to do
 */
struct explanation {
	struct roam_addr addr;
	char text[ROAM_ADDR_STRLEN];
	json_t *objects;
	json_t *sentences;
	json_t *next;
};

/* The object ("tunnel") has something to do with the address. */
void explain_claim(struct explanation *e, const char *object);
/* Is this member of an answer the address? */
bool explain_is(const struct explanation *e, const json_t *value);
/* One sentence. */
void explain_say(struct explanation *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* What is wrong, and the command that mends it. */
void explain_advise(struct explanation *e, const char *fix, const char *fmt,
		    ...)
	__attribute__((format(printf, 3, 4)));

#endif
