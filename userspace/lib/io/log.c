// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define LOG_LINE_MAX 1024

static enum log_level max_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	max_level = level;
}

/*
 * JOURNAL_STREAM names device and inode of the journal's stream. Comparing
 * them keeps the prefix out of a file that a wrapper redirected stderr to.
 */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	       !fstat(fileno(stderr), &st) && st.st_dev == dev &&
	       st.st_ino == ino;
}

void log_msg(enum log_level level, const char *fmt, ...)
{
	static int journal = -1;
	char line[LOG_LINE_MAX];
	va_list ap;

	if (level > max_level)
		return;
	if (journal < 0)
		journal = stderr_is_journal();

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* One event is one line, whatever a peer managed to get into it. */
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';

	if (journal) {
		fprintf(stderr, "<%d>%s\n", level, line);
	} else {
		struct timespec ts;
		struct tm tm;
		char when[32];

		clock_gettime(CLOCK_REALTIME, &ts);
		localtime_r(&ts.tv_sec, &tm);
		strftime(when, sizeof(when), "%F %T", &tm);
		fprintf(stderr, "%s.%03ld %s%s\n", when, ts.tv_nsec / 1000000,
			level == LOG_LEVEL_ERROR ? "error: " :
			level == LOG_LEVEL_WARNING ? "warning: " : "", line);
	}
}
