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
