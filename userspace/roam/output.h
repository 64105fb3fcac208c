/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only way to standard output. Commands build JSON; text is made from it,
 * so the two can never say different things.
 *
 * Text shows null as "-", a boolean as yes or no, and seconds in the members
 * expires_in, idle, uptime, lifetime, grace, moved and *_time as a duration.
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
/* An array of strings, one per line. Takes the reference. */
void output_words(json_t *array);
/*
 * An array of objects that @print makes text of, with output_line() and
 * output_sections(). Takes the reference.
 */
void output_text(json_t *array, void (*print)(json_t *object));
/* Text in lines of 80 columns that begin with @indent blanks. */
void output_line(int indent, const char *text);
/* Each member under a heading: an array as table or lines, an object as record. */
void output_sections(json_t *object);
/* One event, at once. Takes the reference. */
void output_event(json_t *event);
/* Answers that changed something: text is silent, JSON tells @applied. */
void output_applied(size_t applied);
/*
 * Until output_close(), all goes into a new file, readable by its owner alone.
 * Both return 0 or negative errno; the second when not all could be written.
 */
int output_open(const char *path);
int output_close(void);
/* What @print prints as text, on the heap. */
char *output_capture(void (*print)(json_t *object), json_t *object);
/* "4m12s": two units are enough for a person. */
#define OUTPUT_DURATION_LEN 32
void output_duration(double seconds, char *buf, size_t len);
/* The time as in events, "2026-11-21T00:49:02.648927Z". */
#define OUTPUT_TIME_LEN 40
void output_now(char *buf, size_t len);
/* Ends the output: with -j whatever happened one document was printed. */
void output_end(void);
/* Between these two, JSON is gathered by line into one document. */
void output_batch(void);

#endif
