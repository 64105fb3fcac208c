/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words of a command line as values. Those that return a status have told by fail()
 * what is wrong with the word; the others leave the sentence to their caller.
 */
#ifndef ROAM_WORDS_H
#define ROAM_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* A whole number from 0 to @max, digits alone. */
bool word_number(const char *word, uint64_t max, uint64_t *value);
/* Index of a word in a list of names. */
bool word_index(const char *word, const char *const *names, size_t n,
		uint8_t *value);
#define WORD_INDEX(word, names, value) \
	word_index(word, names, sizeof(names) / sizeof((names)[0]), value)
/* A number, or a duration in ms ("500ms", "30s"), as settings of a module are. */
bool word_setting(const char *word, bool is_duration, uint32_t *value);

int word_addr(const char *word, struct roam_addr *addr);
int word_addr4(const char *word, struct roam_addr *addr);
/* Time for which an entry lives, at least 1 ms. */
int word_lifetime(const char *word, uint32_t *ms);

#endif
