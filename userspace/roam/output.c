// SPDX-License-Identifier: GPL-2.0-or-later
#include "roam/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "roam/roam.h"

#define REAL_DIGITS 12		/* 11.8, not 11.800000000000001 */
#define LINE_COLUMNS 80

/* Results of a batch so far; NULL outside of one. */
static json_t *batch;

/* Where all goes; NULL: the standard output. */
static FILE *stream;

static FILE *out(void)
{
	return stream ? stream : stdout;
}

static size_t json_flags(void)
{
	return (options.pretty ? JSON_INDENT(2) : JSON_COMPACT) |
	       JSON_REAL_PRECISION(REAL_DIGITS);
}

void output_duration(double seconds, char *buf, size_t len)
{
	long long s = seconds;

	if (seconds < 10)
		snprintf(buf, len, "%.3gs", seconds < 0 ? 0 : seconds);
	else if (s < 60)
		snprintf(buf, len, "%llds", s);
	else if (s < 3600)
		snprintf(buf, len, s % 60 ? "%lldm%llds" : "%lldm", s / 60,
			 s % 60);
	else if (s < 86400)
		snprintf(buf, len, s / 60 % 60 ? "%lldh%lldm" : "%lldh",
			 s / 3600, s / 60 % 60);
	else
		snprintf(buf, len, s / 3600 % 24 ? "%lldd%lldh" : "%lldd",
			 s / 86400, s / 3600 % 24);
}

static bool is_duration(const char *key)
{
	static const char *const keys[] = {
		"expires_in", "idle", "uptime", "lifetime", "grace", "moved",
	};
	size_t len = strlen(key);

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return len > 5 && !strcmp(key + len - 5, "_time");
}

/* Control characters of a string are not given to the terminal. */
static void append(char **text, const char *s)
{
	size_t have = *text ? strlen(*text) : 0;
	size_t len = strlen(s);

	*text = realloc(*text, have + len + 1);
	memcpy(*text + have, s, len + 1);
	for (char *p = *text + have; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
}

static void append_value(char **text, const char *key, const json_t *value)
{
	char number[64];

	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		append(text, json_string_value(value));
		break;
	case JSON_INTEGER:
	case JSON_REAL:
		if (is_duration(key))
			output_duration(json_number_value(value), number,
					sizeof(number));
		else if (json_is_integer(value))
			snprintf(number, sizeof(number),
				 "%" JSON_INTEGER_FORMAT,
				 json_integer_value(value));
		else
			snprintf(number, sizeof(number), "%g",
				 json_real_value(value));
		append(text, number);
		break;
	case JSON_TRUE:
		append(text, "yes");
		break;
	case JSON_FALSE:
		append(text, "no");
		break;
	case JSON_ARRAY:
		for (size_t i = 0; i < json_array_size(value); i++) {
			if (i)
				append(text, ",");
			append_value(text, key, json_array_get(value, i));
		}
		if (!json_array_size(value))
			append(text, "-");
		break;
	default:
		append(text, "-");
	}
}

static char *format_value(const char *key, const json_t *value)
{
	char *text = NULL;

	append_value(&text, key, value);
	return text;
}

/* True if JSON was asked for and is done. */
static bool put_json(json_t *value)
{
	if (!options.json)
		return false;
	if (batch) {
		json_array_append_new(batch,
			json_pack("{sI sO}", "line", (json_int_t)batch_line(),
				  "result", value));
		return true;
	}
	json_dumpf(value, out(), json_flags());
	putc('\n', out());
	return true;
}

static size_t count_columns(const char *const *columns)
{
	size_t n = 0;

	while (columns[n])
		n++;
	return n;
}

static void print_table(const json_t *array, const char *const *columns)
{
	size_t n = count_columns(columns), rows = json_array_size(array);
	char **cells = calloc(n * (rows + 1), sizeof(*cells));
	int *width = calloc(n, sizeof(*width));

	for (size_t row = 0; row <= rows; row++) {
		for (size_t c = 0; c < n; c++) {
			char **cell = &cells[row * n + c];

			if (row)
				*cell = format_value(columns[c],
					json_object_get(json_array_get(array, row - 1),
							columns[c]));
			else
				append(cell, columns[c]);
			if ((int)strlen(*cell) > width[c])
				width[c] = strlen(*cell);
		}
	}
	for (size_t row = 0; row <= rows; row++) {
		for (size_t c = 0; c < n; c++) {
			char *cell = cells[row * n + c];

			if (!row)
				for (char *p = cell; *p; p++)
					*p = *p == '_' ? '-' :
					     *p >= 'a' && *p <= 'z' ? *p - 32 : *p;
			if (c + 1 < n)
				fprintf(out(), "%-*s  ", width[c], cell);
			else
				fprintf(out(), "%s\n", cell);
			free(cell);
		}
	}
	free(width);
	free(cells);
}

/* A daemon may answer with one object: to the reader it is a list of one. */
static json_t *as_array(json_t *value)
{
	json_t *array;

	if (json_is_array(value))
		return value;
	array = json_array();
	json_array_append_new(array, value);
	return array;
}

/* Its members, ends with NULL; the caller frees the list. */
static const char **all_columns(json_t *object)
{
	const char **all = calloc(json_object_size(object) + 1, sizeof(*all));
	const char *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach(object, key, value)
		all[n++] = key;
	return all;
}

void output_table(json_t *array, const char *const *columns)
{
	const char **all = NULL;

	array = as_array(array);
	if (!put_json(array) && json_array_size(array)) {
		if (!columns)
			columns = all = all_columns(json_array_get(array, 0));
		if (columns[0])
			print_table(array, columns);
		free(all);
	}
	json_decref(array);
}

/* Members of members appear as "outer_inner". */
static int record_width(json_t *object, int outer)
{
	const char *key;
	json_t *value;
	int width = 0;

	json_object_foreach(object, key, value) {
		int len = outer + strlen(key);

		if (json_is_object(value))
			len = record_width(value, len + 1);
		if (len > width)
			width = len;
	}
	return width;
}

static void print_record(json_t *object, const char *outer, int width)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value) {
		char *text, name[256];

		snprintf(name, sizeof(name), "%s%s%s", outer,
			 *outer ? "_" : "", key);
		if (json_is_object(value)) {
			print_record(value, name, width);
			continue;
		}
		text = format_value(key, value);
		fprintf(out(), "%-*s  %s\n", width, name, text);
		free(text);
	}
}

void output_record(json_t *array)
{
	array = as_array(array);
	if (!put_json(array)) {
		json_t *object;
		size_t i;

		json_array_foreach(array, i, object) {
			if (i)
				putc('\n', out());
			print_record(object, "", record_width(object, 0));
		}
	}
	json_decref(array);
}

void output_line(int indent, const char *text)
{
	int column = 0;

	while (*text) {
		int len = strcspn(text, " ");

		if (column && column + 1 + len > LINE_COLUMNS) {
			putc('\n', out());
			column = 0;
		}
		if (column) {
			putc(' ', out());
			column++;
		} else {
			fprintf(out(), "%*s", indent, "");
			column = indent;
		}
		fprintf(out(), "%.*s", len, text);
		column += len;
		text += len;
		text += strspn(text, " ");
	}
	putc('\n', out());
}

void output_words(json_t *array)
{
	json_t *word;
	size_t i;

	if (!put_json(array))
		json_array_foreach(array, i, word)
			fprintf(out(), "%s\n", json_string_value(word));
	json_decref(array);
}

void output_text(json_t *array, void (*print)(json_t *object))
{
	array = as_array(array);
	if (!put_json(array)) {
		json_t *object;
		size_t i;

		json_array_foreach(array, i, object)
			print(object);
	}
	json_decref(array);
}

/* Text of a value that is neither table nor record. */
static void print_value(const char *key, const json_t *value)
{
	char *text = format_value(key, value);

	fprintf(out(), "%s\n", text);
	free(text);
}

static bool holds_objects(const json_t *value)
{
	return json_is_object(json_array_get(value, 0));
}

static void print_section(const char *key, json_t *value)
{
	json_t *item;
	size_t i;

	if (json_is_object(value)) {
		print_record(value, "", record_width(value, 0));
	} else if (holds_objects(value)) {
		const char **columns = all_columns(json_array_get(value, 0));

		print_table(value, columns);
		free(columns);
	} else if (json_is_array(value)) {
		json_array_foreach(value, i, item)
			print_value(key, item);
		if (!i)
			fprintf(out(), "none\n");
	} else {
		print_value(key, value);
	}
}

void output_sections(json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value) {
		char *title = strdup(key);

		for (char *p = title; *p; p++)
			*p = *p == '_' ? ' ' : *p;
		fprintf(out(), "%s== %s\n", json_object_iter_at(object, key) ==
		       json_object_iter(object) ? "" : "\n", title);
		free(title);
		print_section(key, value);
	}
}

void output_now(char *buf, size_t len)
{
	struct timespec ts;
	struct tm tm;
	size_t used;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	used = strftime(buf, len, "%FT%T", &tm);
	snprintf(buf + used, len - used, ".%06ldZ", ts.tv_nsec / 1000);
}

void output_event(json_t *event)
{
	char when[OUTPUT_TIME_LEN];
	json_t *value;
	const char *key;

	/* An event that has a time of its own keeps it. */
	if (options.timestamps && !json_object_get(event, "time")) {
		output_now(when, sizeof(when));
		json_object_set_new(event, "time", json_string(when));
	} else if (!options.timestamps) {
		json_object_del(event, "time");
	}
	if (options.json) {
		json_dumpf(event, out(),
			   JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));
	} else {
		if (options.timestamps)
			fprintf(out(), "%s ", json_string_value(json_object_get(event,
									"time")));
		json_object_foreach(event, key, value) {
			char *text = format_value(key, value);

			if (!strcmp(key, "time")) {
				free(text);
				continue;
			}
			if (!strcmp(key, "object"))
				fprintf(out(), "%s", text);
			else if (!strcmp(key, "event"))
				fprintf(out(), " %s", text);
			else if (!json_is_null(value))
				fprintf(out(), " %s %s", key, text);
			free(text);
		}
	}
	putc('\n', out());
	fflush(out());
	json_decref(event);
}

void output_applied(size_t applied)
{
	json_t *array;

	if (!options.json)
		return;
	array = json_pack("[{sI}]", "applied", (json_int_t)applied);
	put_json(array);
	json_decref(array);
}

int output_open(const char *path)
{
	/* Never over what is there: a report may be the only one of a fault. */
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	stream = fdopen(fd, "w");
	return 0;
}

int output_close(void)
{
	/* A failure to write shows here at the latest. */
	bool failed = ferror(stream);
	int err = fclose(stream) ? errno : failed ? EIO : 0;

	stream = NULL;
	return -err;
}

char *output_capture(void (*print)(json_t *object), json_t *object)
{
	FILE *before = stream;
	char *text = NULL;
	size_t len;

	stream = open_memstream(&text, &len);
	print(object);
	fclose(stream);
	stream = before;
	return text;
}

void output_batch(void)
{
	batch = json_array();
}

void output_end(void)
{
	if (batch && options.json) {
		json_dumpf(batch, out(), json_flags());
		putc('\n', out());
	}
	json_decref(batch);
	batch = NULL;
}
