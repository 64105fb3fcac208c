// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * roam top: mappings, correspondents and rates, live.
 *
 * Each round reads a sample and makes one JSON object of it and the sample
 * before. What is shown is text made from that object, on a screen cut to its
 * size, else as it is.
 */
#include <ctype.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf/conf.h"
#include "genl/mangle.h"
#include "io/json.h"
#include "roam/client.h"
#include "roam/cmd/mangle.h"
#include "roam/list.h"
#include "roam/output.h"
#include "roam/registry.h"
#include "roam/roam.h"
#include "roam/screen.h"

#define INTERVAL 2000		/* ms */
#define ONCE_INTERVAL 1000	/* ms between the two samples of --once */
#define ROWS_SCREEN 200		/* no screen is higher */
#define ROWS_ONCE 20
#define COUNTERS_SCREEN 8

enum sort { SORT_ADDRESS, SORT_IDLE, SORT_EXPIRES, SORT_GAP, SORTS };

static const char *const sort_names[] = { "address", "idle", "expires", "gap" };

/**
 * struct settings - what the user chose
 * @once: print one sample and end
 * @interval: ms between samples
 * @sort: enum sort
 * @reverse: the other way round
 * @rows: most rows of a table
 */
static struct settings {
	bool once;
	msec_t interval;
	enum sort sort;
	bool reverse;
	size_t rows;
} settings;

/**
 * struct correspondent - a row of the second table
 * @peer: from the module
 * @gap: ms its last confirm took, -1 if unknown
 */
struct correspondent {
	struct mangle_peer peer;
	json_int_t gap;
};

/**
 * struct sample - what was read in one round
 * @when: ms of the monotonic clock
 * @module: the module answers
 * @mappings: struct mangle_mapping
 * @peers: struct correspondent
 * @counters: "source counter" -> value
 * @daemons: object -> status, of the daemons that answer
 */
struct sample {
	long long when;
	bool module;
	struct list mappings;
	struct list peers;
	json_t *counters;
	json_t *daemons;
};

/* ---- reading ---- */

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void note_counters(struct sample *s, const char *source,
			  json_t *counters)
{
	const char *key;
	json_t *value;

	json_object_foreach(counters, key, value) {
		char name[128];

		snprintf(name, sizeof(name), "%s %s", source, key);
		json_object_set(s->counters, name, value);
	}
}

/* "own peer" -> ms, of the correspondents that roam-lrd knows. */
static json_t *read_gaps(void)
{
	json_t *rows = client_ask("lrd", "peers", NULL);
	json_t *gaps = json_object(), *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		const char *own, *peer;
		char key[2 * ROAM_ADDR_STRLEN + 2];

		own = json_string_value(json_object_get(row, "permanent"));
		peer = json_string_value(json_object_get(row, "correspondent"));
		if (!own || !peer)
			continue;
		snprintf(key, sizeof(key), "%s %s", own, peer);
		json_object_set(gaps, key, json_object_get(row, "confirm_ms"));
	}
	json_decref(rows);
	return gaps;
}

static void read_peers(struct sample *s, struct genl *genl)
{
	json_t *gaps = read_gaps();
	struct list list;

	if (!mangle_read_peers(genl, &list, NULL)) {
		for (size_t i = 0; i < list.n; i++) {
			struct correspondent c = { .gap = -1 };
			char own[ROAM_ADDR_STRLEN], peer[ROAM_ADDR_STRLEN];
			char key[2 * ROAM_ADDR_STRLEN + 2];
			const json_t *gap;

			c.peer = *(struct mangle_peer *)list_at(&list, i);
			snprintf(key, sizeof(key), "%s %s",
				 roam_addr_format(&c.peer.own, own),
				 roam_addr_format(&c.peer.addr, peer));
			gap = json_object_get(gaps, key);
			if (json_is_integer(gap))
				c.gap = json_integer_value(gap);
			list_append(&s->peers, &c);
		}
		list_free(&list);
	}
	json_decref(gaps);
}

/* The tables that are shown row by row. */
static void read_mangle(struct sample *s)
{
	struct genl *genl = mangle_open(NULL);

	if (!genl)
		return;
	if (mangle_read_mappings(genl, &s->mappings, NULL))
		s->mappings = LIST_OF(struct mangle_mapping);
	else
		s->module = true;
	read_peers(s, genl);
	genl_close(genl);
}

static void read_module(struct sample *s, const struct module_entry *entry)
{
	struct genl *genl = entry->open(NULL);
	json_t *stats;

	if (!genl)
		return;
	if (!entry->stats(genl, &stats)) {
		note_counters(s, entry->object, stats);
		json_decref(stats);
	}
	genl_close(genl);
}

static void read_daemon(struct sample *s, const struct daemon_entry *entry)
{
	json_t *status = client_ask(entry->daemon, "status", NULL);
	json_t *counters;

	if (!status)
		return;
	json_object_set_new(s->daemons, entry->object, status);
	counters = client_ask(entry->daemon, "counters", NULL);
	note_counters(s, entry->object, counters);
	json_decref(counters);
}

static struct sample read_sample(void)
{
	struct sample s = {
		.mappings = LIST_OF(struct mangle_mapping),
		.peers = LIST_OF(struct correspondent),
		.counters = json_object(),
		.daemons = json_object(),
	};
	const struct module_entry *module;
	const struct daemon_entry *daemon;

	for (size_t i = 0; (daemon = daemon_at(i)); i++)
		read_daemon(&s, daemon);
	for (size_t i = 0; (module = module_at(i)); i++)
		read_module(&s, module);
	read_mangle(&s);
	s.when = now_ms();
	return s;
}

static void free_sample(struct sample *s)
{
	list_free(&s->mappings);
	list_free(&s->peers);
	json_decref(s->counters);
	json_decref(s->daemons);
}

/* ---- sorting ---- */

static int order(long long a, long long b)
{
	int result = a < b ? -1 : a > b;

	return settings.reverse ? -result : result;
}

static int compare_mappings(const void *a, const void *b)
{
	const struct mangle_mapping *ma = a, *mb = b;
	int result = 0;

	if (settings.sort == SORT_IDLE)
		result = order(ma->idle, mb->idle);
	else if (settings.sort == SORT_EXPIRES)
		/* 0 is for ever, so it is last. */
		result = order(ma->lifetime - 1u, mb->lifetime - 1u);
	return result ? result : order(roam_addr_cmp(&ma->perm, &mb->perm), 0);
}

static int compare_correspondents(const void *a, const void *b)
{
	const struct correspondent *ca = a, *cb = b;
	int result = 0;

	if (settings.sort == SORT_IDLE)
		result = order(ca->peer.idle, cb->peer.idle);
	else if (settings.sort == SORT_GAP)
		result = order(cb->gap, ca->gap);
	if (!result)
		result = order(roam_addr_cmp(&ca->peer.own, &cb->peer.own), 0);
	return result ? result :
	       order(roam_addr_cmp(&ca->peer.addr, &cb->peer.addr), 0);
}

/* struct rate - a counter for the table of counters */
struct rate {
	const char *name;
	json_int_t total;
	double per_second;
};

/* The busiest first, then the highest. */
static int compare_rates(const void *a, const void *b)
{
	const struct rate *ra = a, *rb = b;

	if (ra->per_second != rb->per_second)
		return ra->per_second < rb->per_second ? 1 : -1;
	if (ra->total != rb->total)
		return ra->total < rb->total ? 1 : -1;
	return strcmp(ra->name, rb->name);
}

/* ---- the object ---- */

/* Members of a module's counters that are no counters but states. */
static bool is_state(const char *name)
{
	const char *counter = strchr(name, ' ') + 1;
	const struct module_entry *module;
	char object[64];

	snprintf(object, sizeof(object), "%.*s", (int)(counter - name - 1),
		 name);
	module = module_find(object);
	for (size_t i = 0; module && module->states && module->states[i]; i++)
		if (!strcmp(module->states[i], counter))
			return true;
	return false;
}

static json_t *json_counters(const struct sample *s, const struct sample *last)
{
	double seconds = last ? (s->when - last->when) / 1000.0 : 0;
	struct list rates = LIST_OF(struct rate);
	json_t *array = json_array(), *value;
	const char *key;

	json_object_foreach(s->counters, key, value) {
		struct rate rate = { key, json_integer_value(value), -1 };
		const json_t *before;

		if (!rate.total || is_state(key))
			continue;
		before = last ? json_object_get(last->counters, key) : NULL;
		/* Fewer than before: whoever counts began anew. */
		if (before && seconds > 0 &&
		    json_integer_value(before) <= rate.total)
			rate.per_second = (rate.total -
					   json_integer_value(before)) / seconds;
		list_append(&rates, &rate);
	}
	list_sort(&rates, compare_rates);
	for (size_t i = 0; i < rates.n; i++) {
		const struct rate *rate = list_at(&rates, i);
		const char *name = strchr(rate->name, ' ') + 1;

		json_array_append_new(array, json_pack("{ss# ss sI so}",
			"source", rate->name, (int)(name - rate->name - 1),
			"counter", name,
			"total", rate->total,
			"per_second", rate->per_second < 0 ? json_null() :
			json_real((long long)(rate->per_second * 10 + 0.5) /
				  10.0)));
	}
	list_free(&rates);
	return array;
}

static json_t *json_correspondents(const struct list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n && i < settings.rows; i++) {
		const struct correspondent *c = list_at(list, i);
		json_t *row = mangle_json_peer(&c->peer);

		json_object_set_new(row, "gap_ms", c->gap < 0 ? json_null() :
				    json_integer(c->gap));
		json_array_append_new(array, row);
	}
	return array;
}

static json_t *longest_gap(const struct list *list)
{
	json_int_t gap = -1;

	for (size_t i = 0; i < list->n; i++) {
		const struct correspondent *c = list_at(list, i);

		if (c->gap > gap)
			gap = c->gap;
	}
	return gap < 0 ? json_null() : json_integer(gap);
}

/* A member of an object, null where there is none. */
static json_t *member(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return value ? json_incref(value) : json_null();
}

/* Each daemon that answers, with what roam status says of it. */
static json_t *json_daemons(const struct sample *s)
{
	json_t *array = json_array(), *status;
	char name[DAEMON_NAME_LEN], text[512];
	const char *object;

	json_object_foreach(s->daemons, object, status) {
		const struct daemon_entry *entry = daemon_find(object);

		daemon_glance(entry, status, text, sizeof(text));
		json_array_append_new(array,
			json_pack("{ss ss ss}", "object", object, "daemon",
				  daemon_name(entry, name), "state", text));
	}
	return array;
}

static json_t *json_summary(const struct sample *s, const struct sample *last)
{
	const json_t *lrd = json_object_get(s->daemons, "lr");
	const json_t *hlrd = json_object_get(s->daemons, "hlr");
	char version[64], when[OUTPUT_TIME_LEN];

	module_version(module_find("mangle"), version, sizeof(version));
	output_now(when, sizeof(when));
	return json_pack("{ss sf so so so so so so so so so so so so}",
			 "time", when,
			 "interval", last ? (s->when - last->when) / 1000.0 : 0,
			 "module", s->module ? json_string(version) :
					       json_null(),
			 "mappings", member(s->counters, "mangle mappings"),
			 "correspondents", member(s->counters, "mangle peers"),
			 "holding", member(s->counters, "mangle holding"),
			 "role", member(lrd, "role"),
			 "care_of", member(lrd, "care_of"),
			 "moved", member(lrd, "moved"),
			 "moves", member(s->counters, "lr moves"),
			 "gap_ms", longest_gap(&s->peers),
			 "registrations", member(lrd, "registrations"),
			 "registered", member(lrd, "registered"),
			 "register_mappings", member(hlrd, "mappings"));
}

static json_t *json_view(struct sample *s, const struct sample *last)
{
	list_sort(&s->mappings, compare_mappings);
	list_sort(&s->peers, compare_correspondents);
	return json_pack("{so so ss so so so}",
			 "summary", json_summary(s, last),
			 "daemons", json_daemons(s),
			 "sort", sort_names[settings.sort],
			 "counters", json_counters(s, last),
			 "mappings", mangle_json_mappings(&s->mappings,
							  settings.rows),
			 "correspondents", json_correspondents(&s->peers));
}

/* ---- text ---- */

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool has(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return value && !json_is_null(value);
}

static const char *string(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

static void print_head(const json_t *summary)
{
	char line[256], ago[OUTPUT_DURATION_LEN], gap[64] = "";

	snprintf(line, sizeof(line), "roam top  %.19s  sort %s%s",
		 string(summary, "time"), sort_names[settings.sort],
		 settings.reverse ? ", reversed" : "");
	output_line(0, line);
	if (has(summary, "module"))
		snprintf(line, sizeof(line),
			 "module %s: %lld mappings, %lld correspondents, %lld packets on hold",
			 string(summary, "module"),
			 (long long)number(summary, "mappings"),
			 (long long)number(summary, "correspondents"),
			 (long long)number(summary, "holding"));
	else
		snprintf(line, sizeof(line),
			 "module: not there, or only root may ask it");
	output_line(0, line);
	if (has(summary, "gap_ms"))
		snprintf(gap, sizeof(gap), ", longest gap %lldms",
			 (long long)number(summary, "gap_ms"));
	output_duration(json_number_value(json_object_get(summary, "moved")),
			ago, sizeof(ago));
	if (!has(summary, "role"))
		snprintf(line, sizeof(line), "roam-lrd: not running");
	else if (!has(summary, "care_of"))
		snprintf(line, sizeof(line), "roam-lrd: %s",
			 string(summary, "role"));
	else
		snprintf(line, sizeof(line),
			 "roam-lrd: %s at %s%s%s, %lld moves%s, %lld of %lld registrations",
			 string(summary, "role"), string(summary, "care_of"),
			 has(summary, "moved") ? " for " : "",
			 has(summary, "moved") ? ago : "",
			 (long long)number(summary, "moves"), gap,
			 (long long)number(summary, "registered"),
			 (long long)number(summary, "registrations"));
	output_line(0, line);
}

/* roam-lrd has its line in the head, which says more. */
static void print_daemons(const json_t *daemons)
{
	char line[640];
	json_t *row;
	size_t i;

	json_array_foreach(daemons, i, row) {
		if (!strcmp(string(row, "object"), "lr"))
			continue;
		snprintf(line, sizeof(line), "%s: %s", string(row, "daemon"),
			 string(row, "state"));
		output_line(0, line);
	}
}

static void print_view(json_t *view)
{
	static const char *const tables[] = { "counters", "mappings",
					      "correspondents" };
	json_t *sections = json_object();

	print_head(json_object_get(view, "summary"));
	print_daemons(json_object_get(view, "daemons"));
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		json_t *rows = json_object_get(view, tables[i]);

		if (json_array_size(rows))
			json_object_set(sections, tables[i], rows);
	}
	if (json_object_size(sections))
		output_line(0, "");
	output_sections(sections);
	json_decref(sections);
}

/* ---- the screen ---- */

/* On a screen the tables must share it. */
static void fit_counters(json_t *view)
{
	json_t *counters = json_object_get(view, "counters");

	while (json_array_size(counters) > COUNTERS_SCREEN)
		json_array_remove(counters, json_array_size(counters) - 1);
}

static void draw(json_t *view)
{
	char *text;

	fit_counters(view);
	text = output_capture(print_view, view);
	screen_draw(text, "q quit  s sort  r reverse  space now");
	free(text);
}

/* Waits for the rest of the interval. False: the user wants to end. */
static bool keys(long long until, bool *again)
{
	long long left;

	*again = false;
	while ((left = until - now_ms()) > 0) {
		switch (screen_key(left)) {
		case 'q':
		case 'Q':
		case SCREEN_GONE:
			return false;
		case 's':
			settings.sort = (settings.sort + 1) % SORTS;
			*again = true;
			return true;
		case 'r':
			settings.reverse = !settings.reverse;
			*again = true;
			return true;
		case SCREEN_RESIZED:
			*again = true;
			return true;
		case ' ':
			return true;
		}
	}
	return true;
}

static int run_screen(void)
{
	struct sample last, s = read_sample();
	bool go_on = true, have_last = false;

	if (!screen_open()) {
		free_sample(&s);
		return fail(ROAM_REFUSED, "roam top --once",
			    "this terminal cannot show a screen");
	}
	settings.rows = ROWS_SCREEN;
	while (go_on) {
		long long until = now_ms() + settings.interval;
		bool again;

		do {
			json_t *view = json_view(&s, have_last ? &last : NULL);

			draw(view);
			json_decref(view);
			go_on = keys(until, &again);
		} while (go_on && again);
		if (have_last)
			free_sample(&last);
		last = s;
		have_last = true;
		s = read_sample();
	}
	screen_close();
	free_sample(&last);
	free_sample(&s);
	return ROAM_OK;
}

/* ---- without one ---- */

static void print_sample(struct sample *s, const struct sample *last)
{
	output_text(json_view(s, last), print_view);
}

static int run_plain(void)
{
	struct sample last = read_sample();

	for (;;) {
		struct sample s;

		poll(NULL, 0, settings.interval);
		s = read_sample();
		print_sample(&s, &last);
		free_sample(&last);
		last = s;
		if (settings.once || fflush(stdout))
			break;
		output_line(0, "");
	}
	free_sample(&last);
	return ROAM_OK;
}

static int parse_word(const char *word, const char *value, bool *eaten)
{
	msec_t ms;
	char *end;

	*eaten = true;
	if (!strcmp(word, "interval")) {
		if (!conf_parse_duration(value, &ms) || ms < 100 ||
		    ms > 3600 * 1000)
			return fail(ROAM_USAGE, "write it as 500ms or 2s",
				    "'%s' is no interval from 100ms to 1h",
				    value);
		settings.interval = ms;
	} else if (!strcmp(word, "sort")) {
		size_t i = 0;

		while (i < SORTS && strcmp(value, sort_names[i]))
			i++;
		if (i == SORTS)
			return fail(ROAM_USAGE, "roam top help",
				    "cannot sort by '%s'", value);
		settings.sort = i;
	} else if (!strcmp(word, "rows")) {
		settings.rows = strtoul(value, &end, 10);
		if (!isdigit((unsigned char)*value) || *end ||
		    settings.rows > 1000000)
			return fail(ROAM_USAGE, "give a whole number",
				    "'%s' is no number of rows", value);
	} else {
		*eaten = false;
		if (strcmp(word, "-1") && strcmp(word, "--once") &&
		    strcmp(word, "reverse"))
			return fail(ROAM_USAGE, "roam top help",
				    "unknown word '%s'", word);
		if (!strcmp(word, "reverse"))
			settings.reverse = true;
		else
			settings.once = true;
	}
	return ROAM_OK;
}

static int parse(int argc, char **argv)
{
	settings = (struct settings){ .once = options.json,
				      .rows = ROWS_ONCE };
	for (int i = 0; i < argc; i++) {
		bool eaten;
		int status = parse_word(argv[i], i + 1 < argc ? argv[i + 1] : "",
					&eaten);

		if (status)
			return status;
		i += eaten;
	}
	if (!settings.interval)
		settings.interval = settings.once ? ONCE_INTERVAL : INTERVAL;
	return ROAM_OK;
}

static int top_run(int argc, char **argv)
{
	struct sample probe;
	int status = parse(argc, argv);
	bool empty;

	if (status)
		return status;
	probe = read_sample();
	empty = !json_object_size(probe.counters) &&
		!json_object_size(probe.daemons);
	free_sample(&probe);
	if (empty)
		return fail(ROAM_NOT_RUNNING, "roam status",
			    "nothing to watch: neither module nor daemon is there");
	return !settings.once && screen_usable() ? run_screen() : run_plain();
}

static const char *const words[] = { "-1", "--once", "interval", "sort",
				     "reverse", "rows", NULL };

static const struct command top = {
	.name = "top",
	.args = "[-1 | --once] [interval DURATION] [sort address|idle|expires|gap] [reverse] [rows N]",
	.help = "mappings, correspondents and rates, live",
	.words = words,
	.run = top_run,
};
ROAM_OBJECT(top)
