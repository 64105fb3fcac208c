// SPDX-License-Identifier: GPL-2.0-or-later
#include "conf/conf.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 64

/**
 * struct kept - sections of one kind that are read, in order
 * @values: what libconfuse made of them
 * @n: their number
 * @room: for so many
 */
struct kept {
	cfg_value_t **values;
	unsigned int n;
	unsigned int room;
};

/* What conf_load() is about; libconfuse has no pointer for us. */
static char **first_error;
static const char *parsed_path;
static cfg_t *parsed;
static struct kept *kept;	/* one for each option of @parsed */

static char *format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static char *format(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	return text;
}

static size_t min3(size_t a, size_t b, size_t c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

/* Edit distance in which two exchanged neighbours count once. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];
	size_t la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= lb; j++)
		above[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			row[j] = min3(above[j] + 1, row[j - 1] + 1,
				      above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		before = above;
		above = row;
		row = spare;
	}
	return above[lb];
}

const char *conf_nearest(const char *word, const char *const *names)
{
	/* A third of the letters wrong is still a typing error, more is not. */
	size_t best = strlen(word) / 3 + 2;
	const char *nearest = NULL;

	for (; *names; names++) {
		size_t d = distance(word, *names);

		if (d < best) {
			best = d;
			nearest = *names;
		}
	}
	return nearest;
}

static char *unknown_option(cfg_t *cfg, const char *name)
{
	const char **names;
	const char *nearest;
	char *error;
	size_t n = 0;

	while (cfg->opts[n].name)
		n++;
	names = calloc(n + 1, sizeof(*names));
	if (!names)
		abort();
	for (size_t i = 0; i < n; i++)
		names[i] = cfg->opts[i].name;
	nearest = conf_nearest(name, names);
	if (nearest) {
		error = format("%s:%d: no option '%s'; did you mean '%s'?",
			       parsed_path, cfg->line, name, nearest);
	} else {
		char *list = format("%s", n ? names[0] : "none");

		for (size_t i = 1; i < n; i++) {
			char *longer = format("%s, %s", list, names[i]);

			free(list);
			list = longer;
		}
		error = format("%s:%d: no option '%s'; options here: %s",
			       parsed_path, cfg->line, name, list);
		free(list);
	}
	free(names);
	return error;
}

/*
 * What libconfuse says up to a word in quotes, and what we say instead: the cause
 * and the next thing to try.
 */
static const struct saying {
	const char *theirs;
	const char *ours;
} sayings[] = {
	{ "invalid integer value for option '",
	  "option '%s': is a whole number; write it without quotes and without a unit, such as 1" },
	{ "invalid boolean value for option '",
	  "option '%s': is true or false" },
	{ "missing title for section '",
	  "section '%s': has no title; write: %s \"TITLE\" { ... }" },
	{ "missing equal sign after option '",
	  "option '%s': has no value; write: %s = VALUE" },
	{ "missing opening brace for section '",
	  "section '%s': has no '{' behind its name or title" },
	{ "premature end of file",
	  "the file ends within quotes; close them" },
	{ "unexpected closing brace",
	  "there is no '{' for this '}'; remove it, or add the '{'" },
};

/* Makes the sentence of @ours, in which @name stands twice at most. */
static char *say(const char *ours, const char *name)
{
	const char *first = strstr(ours, "%s");
	const char *second = first ? strstr(first + 2, "%s") : NULL;

	if (!first)
		return format("%s", ours);
	if (!second)
		return format("%.*s%s%s", (int)(first - ours), ours, name,
			      first + 2);
	return format("%.*s%s%.*s%s%s", (int)(first - ours), ours, name,
		      (int)(second - first - 2), first + 2, name, second + 2);
}

static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[512];
	char name[WORD_MAX];

	if (!first_error || *first_error)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	if (sscanf(text, "no such option '%63[^']'", name) == 1) {
		*first_error = unknown_option(cfg, name);
		return;
	}
	for (size_t i = 0; i < sizeof(sayings) / sizeof(sayings[0]); i++) {
		size_t len = strlen(sayings[i].theirs);

		if (!strncmp(text, sayings[i].theirs, len)) {
			char *said;

			*name = 0;
			sscanf(text + len, "%63[^']", name);
			said = say(sayings[i].ours, name);

			*first_error = format("%s:%d: %s", parsed_path,
					      cfg->line, said);
			free(said);
			return;
		}
	}
	*first_error = format("%s:%d: %s", parsed_path, cfg->line, text);
}

static bool has_titles(const cfg_opt_t *opt)
{
	return opt->type == CFGT_SEC && opt->flags & CFGF_TITLE &&
	       opt->flags & CFGF_NO_TITLE_DUPES;
}

/*
 * libconfuse compares each title with all before it, which takes ten seconds for
 * 20,000 sections. It is left with none to compare: sections are kept here until all
 * of them are read, and give_back() looks for titles that are there twice.
 */
static void keep_sections(cfg_opt_t *opt)
{
	struct kept *k = &kept[opt - parsed->opts];

	for (unsigned int i = 0; i < opt->nvalues; i++) {
		if (k->n == k->room) {
			k->room = k->room ? 2 * k->room : 8;
			k->values = reallocarray(k->values, k->room,
						 sizeof(cfg_value_t *));
			if (!k->values)
				abort();
		}
		k->values[k->n++] = opt->values[i];
	}
	opt->nvalues = 0;
}

/* libconfuse forgets where an option stood: keep file and line as its comment. */
static int record_line(cfg_t *cfg, cfg_opt_t *opt)
{
	char *place = format("%s:%d", parsed_path, cfg->line);
	int ret = cfg_opt_setcomment(opt, place) == CFG_SUCCESS ? 0 : -1;

	free(place);
	if (cfg == parsed && has_titles(opt))
		keep_sections(opt);
	return ret;
}

static int by_title(const void *a, const void *b)
{
	const cfg_t *one = (*(const cfg_value_t *const *)a)->section;
	const cfg_t *other = (*(const cfg_value_t *const *)b)->section;
	int order = strcmp(one->title, other->title);

	return order ? order : one->line - other->line;
}

/* NULL, or the sentence about a title that is there twice. */
static char *find_duplicate(const struct kept *k)
{
	cfg_value_t **sorted = calloc(k->n + 1, sizeof(cfg_value_t *));
	char *error = NULL;

	if (!sorted)
		abort();
	if (k->n)
		memcpy(sorted, k->values, k->n * sizeof(cfg_value_t *));
	qsort(sorted, k->n, sizeof(cfg_value_t *), by_title);
	for (unsigned int i = 1; i < k->n && !error; i++) {
		const cfg_t *one = sorted[i - 1]->section;
		const cfg_t *other = sorted[i]->section;

		if (!strcmp(one->title, other->title))
			error = format("%s:%d: the section that ends here and the one that ends at %s:%d have the same title '%s'; write all its options into one section",
				       other->filename, other->line,
				       one->filename, one->line, one->title);
	}
	free(sorted);
	return error;
}

/* The tree is whole again; the first title that is there twice is an error. */
static void give_back(char **error)
{
	for (size_t i = 0; parsed->opts[i].name; i++) {
		cfg_opt_t *opt = &parsed->opts[i];
		struct kept *k = &kept[i];

		if (!has_titles(opt))
			continue;
		/* what a mistake has left open */
		keep_sections(opt);
		if (!*error)
			*error = find_duplicate(k);
		free(opt->values);
		opt->values = k->values;
		opt->nvalues = k->n;
	}
	free(kept);
}

static void record_lines(cfg_opt_t *opts)
{
	for (; opts->name; opts++) {
		opts->validcb = record_line;
		if (opts->type == CFGT_SEC && opts->subopts)
			record_lines(opts->subopts);
	}
}

/*
 * Overwrites comments with blanks: libconfuse 3.3 counts the line of a comment
 * three times, and every error behind it would name a wrong line.
 */
static void blank_comments(char *text)
{
	enum { CODE, LINE, BLOCK, QUOTE } in = CODE;
	char quote = 0;

	for (char *p = text; *p; p++) {
		switch (in) {
		case CODE:
			if (*p == '"' || *p == '\'') {
				in = QUOTE;
				quote = *p;
			} else if (*p == '#' || (*p == '/' && p[1] == '/')) {
				in = LINE;
				*p = ' ';
			} else if (*p == '/' && p[1] == '*') {
				in = BLOCK;
				*p++ = ' ';
				*p = ' ';
			}
			break;
		case QUOTE:
			if (*p == '\\' && p[1])
				p++;
			else if (*p == quote)
				in = CODE;
			break;
		case LINE:
			if (*p == '\n')
				in = CODE;
			else
				*p = ' ';
			break;
		case BLOCK:
			if (*p == '*' && p[1] == '/') {
				in = CODE;
				*p++ = ' ';
				*p = ' ';
			} else if (*p != '\n') {
				*p = ' ';
			}
			break;
		}
	}
}

/*
 * Line of the first brace that is never closed, 0 if there is none: libconfuse
 * takes the end of the file for the end of every section. Text without comments.
 */
static int open_brace(const char *text)
{
	int line = 1, depth = 0, opened = 0;
	char quote = 0;

	for (const char *p = text; *p; p++) {
		if (*p == '\n')
			line++;
		if (quote && *p == '\\' && p[1])
			p++;
		else if (quote)
			quote = *p == quote ? 0 : quote;
		else if (*p == '"' || *p == '\'')
			quote = *p;
		else if (*p == '{' && !depth++)
			opened = line;
		else if (*p == '}')
			depth--;
	}
	return depth > 0 ? opened : 0;
}

/* The file as a string without comments, or NULL with errno set. */
static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;

	if (!file)
		return NULL;
	errno = 0;
	if (getdelim(&text, &room, 0, file) < 0) {
		free(text);
		/* fmemopen() makes no stream of no bytes. */
		text = errno ? NULL : strdup("\n");
	}
	fclose(file);
	if (text)
		blank_comments(text);
	return text;
}

static int parse(cfg_t *cfg, char *text)
{
	FILE *stream = fmemopen(text, strlen(text), "r");
	int ret;

	if (!stream)
		abort();
	ret = cfg_parse_fp(cfg, stream);
	fclose(stream);
	return ret;
}

/* A section that may stand once is made before the file is known to it. */
static void name_sections(cfg_t *cfg)
{
	for (size_t i = 0; cfg->opts[i].name; i++) {
		cfg_opt_t *opt = &cfg->opts[i];

		for (unsigned int n = 0; opt->type == CFGT_SEC &&
		     n < cfg_opt_size(opt); n++) {
			cfg_t *section = cfg_opt_getnsec(opt, n);

			if (!section->filename)
				section->filename = strdup(cfg->filename);
			name_sections(section);
		}
	}
}

static void set_filename(cfg_t *cfg, const char *path)
{
	free(cfg->filename);
	cfg->filename = strdup(path);
}

/* Reads one more file into the tree; NULL, or the first mistake. */
static char *load_file(cfg_t *cfg, const char *path)
{
	char *text = read_file(path);
	char *error = NULL;
	int ret;

	if (!text)
		return format("cannot read %s: %s%s", path, strerror(errno),
			      errno == ENOENT ?
			      "; write it, the daemon's manual page has an example" :
			      "");
	set_filename(cfg, path);
	first_error = &error;
	parsed_path = path;
	ret = parse(cfg, text);
	first_error = NULL;
	if (!error && open_brace(text))
		error = format("%s:%d: the '{' of this line is not closed; add '}'",
			       path, open_brace(text));
	free(text);
	if (!error && ret != CFG_SUCCESS)
		error = format("%s:%d: syntax error", path, cfg->line);
	return error;
}

static int is_dropin(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 &&
	       !strcmp(entry->d_name + len - 5, ".conf");
}

/*
 * Names are in order of their bytes, not in that of the language that is set.
 */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Reads "PATH.d" in the order of the names; without that folder there is nothing. */
static char *load_dropins(cfg_t *cfg, const char *path)
{
	char *folder = format("%s.d", path);
	struct dirent **entries = NULL;
	char *error = NULL;
	int n = scandir(folder, &entries, is_dropin, by_bytes);

	if (n < 0 && errno != ENOENT)
		error = format("cannot read %s: %s", folder, strerror(errno));
	for (int i = 0; i < n; i++) {
		char *file = format("%s/%s", folder, entries[i]->d_name);

		if (!error)
			error = load_file(cfg, file);
		free(file);
		free(entries[i]);
	}
	free(entries);
	free(folder);
	return error;
}

cfg_t *conf_load(const char *path, cfg_opt_t *opts, char **error)
{
	cfg_t *cfg;

	record_lines(opts);
	cfg = cfg_init(opts, CFGF_NONE);
	if (!cfg)
		abort();
	cfg_set_error_function(cfg, on_error);
	parsed = cfg;
	kept = calloc(cfg_num(cfg) + 1, sizeof(*kept));
	if (!kept)
		abort();
	*error = load_file(cfg, path);
	if (!*error)
		*error = load_dropins(cfg, path);
	give_back(error);
	parsed_path = NULL;
	if (!*error) {
		set_filename(cfg, path);
		name_sections(cfg);
		return cfg;
	}
	cfg_free(cfg);
	return NULL;
}

void *conf_read(const char *path, cfg_opt_t *opts, size_t size,
		char *(*read)(cfg_t *cfg, void *to), char **error)
{
	cfg_t *cfg = conf_load(path, opts, error);
	void *to;

	if (!cfg)
		return NULL;
	to = calloc(1, size);
	*error = to ? read(cfg, to) : format("out of memory");
	cfg_free(cfg);
	malloc_trim(0);
	return to;
}

char *conf_error(cfg_t *cfg, const char *option, const char *fmt, ...)
{
	cfg_opt_t *opt = cfg_getopt(cfg, option);
	const char *place = opt ? opt->comment : NULL;
	char *cause = NULL;
	char *error;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&cause, fmt, ap) < 0)
		abort();
	va_end(ap);
	if (place)
		error = format("%s: option '%s': %s", place, option, cause);
	else
		error = format("%s:%d: option '%s': %s", cfg->filename,
			       cfg->line, option, cause);
	free(cause);
	return error;
}

static bool parse_port(const char *s, uint16_t *port)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	value = strtoul(s, &end, 10);
	if (*end || !value || value > 65535)
		return false;
	*port = value;
	return true;
}

bool conf_parse_endpoint(const char *s, struct roam_addr *addr, uint16_t *port)
{
	char host[ROAM_ADDR_STRLEN];
	const char *end, *colon = NULL;
	struct roam_addr parsed;
	uint16_t parsed_port = *port;
	size_t len;

	if (*s == '[') {
		s++;
		end = strchr(s, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		if (end[1])
			colon = end + 1;
	} else {
		/* One colon splits off a port, more are an IPv6 address. */
		colon = strchr(s, ':');
		if (colon && strchr(colon + 1, ':'))
			colon = NULL;
		end = colon ? colon : s + strlen(s);
	}
	len = end - s;
	if (len >= sizeof(host))
		return false;
	memcpy(host, s, len);
	host[len] = 0;
	if (!roam_addr_parse(host, &parsed) ||
	    (colon && !parse_port(colon + 1, &parsed_port)))
		return false;
	*addr = parsed;
	*port = parsed_port;
	return true;
}

bool conf_parse_duration(const char *s, msec_t *ms)
{
	static const struct {
		const char *name;
		msec_t ms;
	} units[] = {
		{ "ms", 1 },
		{ "s", 1000 },
		{ "m", 60 * 1000 },
		{ "h", 3600 * 1000 },
		{ "d", 24 * 3600 * 1000 },
	};
	unsigned long long value;
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	value = strtoull(s, &end, 10);
	if (errno)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].name))
			continue;
		if (value > (unsigned long long)(MSEC_NEVER / units[i].ms))
			return false;
		*ms = (msec_t)value * units[i].ms;
		return true;
	}
	return false;
}

char *conf_get_addr(cfg_t *cfg, const char *option, struct roam_addr *addr)
{
	const char *s = cfg_getstr(cfg, option);

	if (!s)
		return conf_error(cfg, option, "is missing; give an address");
	if (!roam_addr_parse(s, addr))
		return conf_error(cfg, option, "'%s' is no IP address", s);
	return NULL;
}

char *conf_get_duration(cfg_t *cfg, const char *option, msec_t *ms)
{
	const char *s = cfg_getstr(cfg, option);

	if (!s)
		return conf_error(cfg, option,
				  "is missing; give a duration such as 30s");
	if (!conf_parse_duration(s, ms))
		return conf_error(cfg, option,
				  "'%s' is no duration; write a number and ms, s, m, h or d, such as 30s",
				  s);
	return NULL;
}

char *conf_get_int(cfg_t *cfg, const char *option, long min, long max,
		   long *value)
{
	*value = cfg_getint(cfg, option);
	if (*value < min || *value > max)
		return conf_error(cfg, option, "%ld is not from %ld to %ld",
				  *value, min, max);
	return NULL;
}

char *conf_get_key(cfg_t *cfg, const char *option, const struct auth_keys *keys,
		   const char *path, const char *shared, uint32_t *key_id)
{
	long id = cfg_getint(cfg, option);

	if (id < 1 || id > AUTH_ID_MAX)
		return conf_error(cfg, option,
				  "%s \"%s\" needs a key id from 1 to %d",
				  cfg->name, cfg_title(cfg), AUTH_ID_MAX);
	if (!auth_keys_find(keys, id))
		return conf_error(cfg, option,
				  "there is no key %ld in %s; make one and copy its line to %s: roam hlr keygen %ld",
				  id, path, shared, id);
	*key_id = id;
	return NULL;
}

char *conf_get_prefixes(cfg_t *cfg, const char *option,
			struct roam_prefix **prefixes, size_t *n)
{
	unsigned int count = cfg_size(cfg, option);
	struct roam_prefix *list = calloc(count ? count : 1, sizeof(*list));

	if (!list)
		abort();
	for (unsigned int i = 0; i < count; i++) {
		const char *s = cfg_getnstr(cfg, option, i);

		if (!roam_prefix_parse(s, &list[i])) {
			free(list);
			return conf_error(cfg, option,
					  "'%s' is no prefix such as 10.77.0.0/24 or 10.77.0.5; bits beyond the length must be zero",
					  s);
		}
	}
	*prefixes = list;
	*n = count;
	return NULL;
}

static char *get_words(cfg_t *cfg, const struct conf_field *field,
		       int64_t *value)
{
	const char *s = cfg_getstr(cfg, field->option);
	char *list = NULL, *error;

	for (*value = 0; field->words[*value]; ++*value)
		if (s && !strcmp(s, field->words[*value]))
			return NULL;
	for (size_t i = 0; field->words[i]; i++) {
		char *longer = format("%s%s%s", list ? list : "",
				      !i ? "" : field->words[i + 1] ? ", " :
								      " or ",
				      field->words[i]);

		free(list);
		list = longer;
	}
	error = conf_error(cfg, field->option, "'%s' is not %s", s ? s : "",
			   list);
	free(list);
	return error;
}

/* The greatest value that fits the field and its member. */
static int64_t greatest(const struct conf_field *field)
{
	int64_t room = field->type == CONF_DURATION || field->size > 4 ?
		       INT64_MAX :
		       field->size == 4 && field->type == CONF_WORD ?
		       INT32_MAX :
		       (INT64_C(1) << (8 * field->size)) - 1;

	return field->max && field->max < room ? field->max : room;
}

static char *get_duration(cfg_t *cfg, const struct conf_field *field,
			  int64_t *value)
{
	bool seconds = field->type == CONF_SECONDS;
	const char *s = cfg_getstr(cfg, field->option);
	int64_t max = greatest(field), unit = seconds ? 1000 : 1;
	char *error;
	msec_t ms;

	error = conf_get_duration(cfg, field->option, &ms);
	if (error)
		return error;
	*value = ms / unit;
	if (seconds && ms % 1000)
		return conf_error(cfg, field->option,
				  "'%s' is not a whole number of seconds", s);
	if (*value >= field->min && *value <= max)
		return NULL;
	if (*value < field->min && max >= UINT32_MAX)
		return conf_error(cfg, field->option,
				  "'%s' is less than %lld%s", s,
				  (long long)field->min, seconds ? "s" : "ms");
	return conf_error(cfg, field->option, "'%s' is not from %lld%s to %lld%s",
			  s, (long long)field->min, seconds ? "s" : "ms",
			  (long long)max, seconds ? "s" : "ms");
}

static char *get_integer(cfg_t *cfg, const struct conf_field *field,
			 int64_t *value)
{
	char *error;
	long number;

	switch (field->type) {
	case CONF_DURATION:
	case CONF_SECONDS:
		return get_duration(cfg, field, value);
	case CONF_BOOL:
		*value = cfg_getbool(cfg, field->option);
		return NULL;
	case CONF_WORD:
		return get_words(cfg, field, value);
	default:
		error = conf_get_int(cfg, field->option, field->min,
				     greatest(field), &number);
		*value = number;
		return error;
	}
}

static void store_integer(void *to, size_t size, int64_t value)
{
	switch (size) {
	case 1:
		*(uint8_t *)to = value;
		break;
	case 2:
		*(uint16_t *)to = value;
		break;
	case 4:
		*(uint32_t *)to = value;
		break;
	case 8:
		*(int64_t *)to = value;
		break;
	default:
		abort();
	}
}

static char *get_field(cfg_t *cfg, const struct conf_field *field, void *to)
{
	const char *text;
	int64_t value;
	char *error;

	switch (field->type) {
	case CONF_ADDR:
		return conf_get_addr(cfg, field->option, to);
	case CONF_TEXT:
		text = cfg_getstr(cfg, field->option);
		*(char **)to = strdup(text ? text : "");
		return NULL;
	default:
		error = get_integer(cfg, field, &value);
		if (!error)
			store_integer(to, field->size, value);
		return error;
	}
}

char *conf_get_fields(cfg_t *cfg, const struct conf_field *fields, void *to)
{
	char *error = NULL;

	for (; fields->option && !error; fields++)
		error = get_field(cfg, fields, (char *)to + fields->offset);
	return error;
}

char *conf_get_endpoints(cfg_t *cfg, const char *option, uint16_t port,
			 struct conf_endpoint **endpoints, size_t *n)
{
	unsigned int count = cfg_size(cfg, option);
	struct conf_endpoint *list = calloc(count ? count : 1, sizeof(*list));

	if (!list)
		abort();
	for (unsigned int i = 0; i < count; i++) {
		const char *s = cfg_getnstr(cfg, option, i);

		list[i].port = port;
		if (!conf_parse_endpoint(s, &list[i].addr, &list[i].port)) {
			free(list);
			return conf_error(cfg, option,
					  "'%s' is no address such as \"192.0.2.1\" or \"[::]:%u\"",
					  s, port);
		}
	}
	*endpoints = list;
	*n = count;
	return NULL;
}

char *conf_get_keys(cfg_t *cfg, struct auth_keys **keys)
{
	char *error = NULL;

	*keys = auth_keys_load(cfg_getstr(cfg, "keys"), &error);
	return *keys ? NULL : error;
}
