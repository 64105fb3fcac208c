// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE_MAX 1024
#define LOG_QUEUE 128		/* lines */

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

/* A line with what stands in front of it. */
static void format(enum log_level level, const char *line, char *out, size_t room)
{
	static int journal = -1;
	struct timespec ts;
	struct tm tm;
	char when[32];

	if (journal < 0)
		journal = stderr_is_journal();
	if (journal) {
		snprintf(out, room, "<%d>%s\n", level, line);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	strftime(when, sizeof(when), "%F %T", &tm);
	snprintf(out, room, "%s.%03ld %s%s\n", when, ts.tv_nsec / 1000000,
		 level == LOG_LEVEL_ERROR ? "error: " :
		 level == LOG_LEVEL_WARNING ? "warning: " : "", line);
}

/* ---- the second thread ---- */

#define LOG_TEXT_MAX (LOG_LINE_MAX + 64)

/**
 * struct writer - lines on their way
 * @lock: protects all of it; its holder inherits the priority of who waits
 * @filled: there is a line, or the end
 * @thread: writes
 * @owner: process that it belongs to, 0 while there is none
 * @first: oldest line
 * @n: lines
 * @lost: lines that found no room since the last one that did
 * @ends: no more will come
 * @text: lines, a ring
 */
static struct writer {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	pthread_t thread;
	pid_t owner;
	size_t first;
	size_t n;
	unsigned long lost;
	bool ends;
	char text[LOG_QUEUE][LOG_TEXT_MAX];
} writer = { .filled = PTHREAD_COND_INITIALIZER };

static void *write_lines(void *arg)
{
	static char text[LOG_TEXT_MAX];
	unsigned long lost;

	(void)arg;
	pthread_mutex_lock(&writer.lock);
	for (;;) {
		while (!writer.n && !writer.ends)
			pthread_cond_wait(&writer.filled, &writer.lock);
		if (!writer.n)
			break;
		strcpy(text, writer.text[writer.first]);
		writer.first = (writer.first + 1) % LOG_QUEUE;
		writer.n--;
		lost = writer.lost;
		writer.lost = 0;
		pthread_mutex_unlock(&writer.lock);
		fputs(text, stderr);
		if (lost)
			fprintf(stderr, "%lu log lines were lost: they came faster than they could be written\n",
				lost);
		pthread_mutex_lock(&writer.lock);
	}
	pthread_mutex_unlock(&writer.lock);
	return NULL;
}

/* False: it is the caller's to write. */
static bool enqueue(const char *text)
{
	if (!writer.owner || writer.owner != getpid())
		return false;
	pthread_mutex_lock(&writer.lock);
	if (writer.n == LOG_QUEUE) {
		writer.lost++;
	} else {
		strcpy(writer.text[(writer.first + writer.n++) % LOG_QUEUE], text);
		pthread_cond_signal(&writer.filled);
	}
	pthread_mutex_unlock(&writer.lock);
	return true;
}

bool log_detach(void)
{
	pthread_mutexattr_t attr;

	if (writer.owner)
		return true;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&writer.lock, &attr);
	pthread_mutexattr_destroy(&attr);
	writer.ends = false;
	if (pthread_create(&writer.thread, NULL, write_lines, NULL))
		return false;
	writer.owner = getpid();
	return true;
}

void log_attach(void)
{
	if (!writer.owner || writer.owner != getpid())
		return;
	pthread_mutex_lock(&writer.lock);
	writer.ends = true;
	pthread_cond_signal(&writer.filled);
	pthread_mutex_unlock(&writer.lock);
	pthread_join(writer.thread, NULL);
	pthread_mutex_destroy(&writer.lock);
	writer.owner = 0;
}

void log_msg(enum log_level level, const char *fmt, ...)
{
	char line[LOG_LINE_MAX], text[LOG_TEXT_MAX];
	va_list ap;

	if (level > max_level)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* One event is one line, whatever a peer managed to get into it. */
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	format(level, line, text, sizeof(text));
	if (!enqueue(text))
		fputs(text, stderr);
}
