/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration files on libconfuse, with our errors: every mistake is one
 * sentence with file, line, cause and, for an unknown name, the nearest known
 * one ("lrd.conf:7: no option 'lifetme'; did you mean 'lifetime'?").
 */
#ifndef ROAM_CONF_CONF_H
#define ROAM_CONF_CONF_H

#include <confuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "base/addr.h"
#include "base/time.h"

/**
 * conf_load() - parse a file and its drop-ins
 * @path: the file; what ends with .conf in the folder "PATH.d" is read after it, in
 *	the order of the names: an option there stands for the one before, a
 *	section without title is completed, one with title added or replaced
 * @opts: the top-level options. Their validcb is taken, in subsections too: it
 *	records the line of each option for conf_error()
 * @error: on failure the first mistake as a sentence, caller frees
 *
 * Return: the tree, freed by cfg_free(), or NULL.
 */
cfg_t *conf_load(const char *path, cfg_opt_t *opts, char **error);

/**
 * conf_read() - a daemon's configuration from a file and its drop-ins
 * @path: as for conf_load()
 * @opts: likewise
 * @size: of the configuration in bytes; it begins as zeros
 * @read: fills it from the tree, which is gone afterwards. Returns the first mistake as
 *	a sentence on the heap, NULL if there is none
 * @error: the first mistake as a sentence, caller frees; NULL if there is none
 *
 * Return: the configuration, which the caller frees. With *@error set it is filled in
 * part, or NULL.
 */
void *conf_read(const char *path, cfg_opt_t *opts, size_t size,
		char *(*read)(cfg_t *cfg, void *to), char **error);

/* "192.0.2.1", "192.0.2.1:17434", "[2001:db8::1]:17434"; port stays if absent. */
bool conf_parse_endpoint(const char *s, struct roam_addr *addr, uint16_t *port);
/* "500ms", "30s", "5m", "1h", "1d"; a bare number is refused. */
bool conf_parse_duration(const char *s, msec_t *ms);
/* Shortest edit distance, NULL if nothing is near. @names ends with NULL. */
const char *conf_nearest(const char *word, const char *const *names);

/**
 * conf_error() - a sentence about one option
 * @cfg: the section that holds it
 * @option: its name
 * @fmt: cause and mend
 *
 * The line is that of the option, or the last one of the section where the
 * option does not stand in the file.
 *
 * Return: "file:line: option 'x': ..." on the heap.
 */
char *conf_error(cfg_t *cfg, const char *option, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Reads a CFG_STR option as the type; NULL on success, else conf_error(). */
char *conf_get_addr(cfg_t *cfg, const char *option, struct roam_addr *addr);
char *conf_get_duration(cfg_t *cfg, const char *option, msec_t *ms);
/* Where a configuration may listen or send to: an address and a port, host order. */
struct conf_endpoint {
	struct roam_addr addr;
	uint16_t port;
};

/**
 * enum conf_type - what an option is in the file, and what it becomes
 * @CONF_DURATION: CFG_STR "500ms"; msec_t
 * @CONF_SECONDS: CFG_STR "30s", whole seconds; any integer
 * @CONF_NUMBER: CFG_INT; any integer
 * @CONF_BOOL: CFG_BOOL; bool
 * @CONF_ADDR: CFG_STR; struct roam_addr
 * @CONF_TEXT: CFG_STR; char * on the heap, the owner of the struct frees it
 * @CONF_WORD: CFG_STR, one of @words; any integer, the number of the word
 */
enum conf_type {
	CONF_DURATION,
	CONF_SECONDS,
	CONF_NUMBER,
	CONF_BOOL,
	CONF_ADDR,
	CONF_TEXT,
	CONF_WORD,
};

/**
 * struct conf_field - an option, and the member that holds it; see CONF_FIELD()
 * @option: its name in the file
 * @type: enum conf_type
 * @offset: of the member
 * @size: of the member in bytes
 * @min: least value; ms, seconds or a number
 * @max: greatest value; 0: any that the member can hold
 * @words: of CONF_WORD, ends with NULL; words[i] becomes i
 */
struct conf_field {
	const char *option;
	enum conf_type type;
	size_t offset;
	size_t size;
	int64_t min;
	int64_t max;
	const char *const *words;
};

/*
 * Rows of a table of fields, which ends with CONF_FIELDS_END:
 *
 *	static const struct conf_field fields[] = {
 *		CONF_FIELD("retry", CONF_DURATION, struct config, retry, 1, 60000),
 *		CONF_FIELD("device", CONF_TEXT, struct config, device, 0, 0),
 *		CONF_FIELD_WORD("mode", struct config, mode, mode_names),
 *		CONF_FIELDS_END
 *	};
 */
#define CONF_FIELD(option_, type_, struct_, member_, min_, max_)	\
	{ .option = option_, .type = type_,				\
	  .offset = offsetof(struct_, member_),				\
	  .size = sizeof(((struct_ *)NULL)->member_),			\
	  .min = min_, .max = max_ }
#define CONF_FIELD_WORD(option_, struct_, member_, words_)		\
	{ .option = option_, .type = CONF_WORD,				\
	  .offset = offsetof(struct_, member_),				\
	  .size = sizeof(((struct_ *)NULL)->member_), .words = words_ }
#define CONF_FIELDS_END { .option = NULL }

/* Reads all fields of a section into the struct at @to; NULL, or the first mistake. */
char *conf_get_fields(cfg_t *cfg, const struct conf_field *fields, void *to);

/*
 * Reads a CFG_STR list of addresses with or without a port; *endpoints is
 * malloc'd. Those without one get @port, which is for the sentence as well.
 */
char *conf_get_endpoints(cfg_t *cfg, const char *option, uint16_t port,
			 struct conf_endpoint **endpoints, size_t *n);
/* Loads the key files that the CFG_STR option "keys" of the top level names. */
char *conf_get_keys(cfg_t *cfg, struct auth_keys **keys);
/*
 * Reads a CFG_INT option as the id of a key among @keys, which were read from
 * @path; @shared with which other host, for the sentence.
 */
char *conf_get_key(cfg_t *cfg, const char *option, const struct auth_keys *keys,
		   const char *path, const char *shared, uint32_t *key_id);
/* Reads a CFG_INT option within bounds. */
char *conf_get_int(cfg_t *cfg, const char *option, long min, long max,
		   long *value);
/* Reads a CFG_STR list of prefixes; *prefixes is malloc'd. */
char *conf_get_prefixes(cfg_t *cfg, const char *option,
			struct roam_prefix **prefixes, size_t *n);

#endif
