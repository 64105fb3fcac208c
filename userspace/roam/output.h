/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only way to standard output. Commands build JSON; text is made from it,
 * so the two can never say different things.
 *
 * Text shows null as "-", a boolean as yes or no, and seconds in the members
 * expires_in, idle, uptime, lifetime, grace and *_time as a duration.
 */
#ifndef ROAM_OUTPUT_H
#define ROAM_OUTPUT_H

#include <jansson.h>
#include <stddef.h>

/* A table of objects, one row each. @columns (ends with NULL) are shown in
 * text; NULL: all members. Takes the reference. */
void output_table(json_t *array, const char *const *columns);
/* An array with few objects: one member per line. Takes the reference. */
void output_record(json_t *array);
/* One event, at once. Takes the reference. */
void output_event(json_t *event);
/* Answers that changed something: text is silent, JSON tells @applied. */
void output_applied(size_t applied);
/* Ends the output: with -j whatever happened one document was printed. */
void output_end(void);
/* Between these two, JSON is gathered by line into one document. */
void output_batch(void);

#endif
