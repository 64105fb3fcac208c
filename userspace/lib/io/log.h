/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines: one sentence each, with the reason. Under systemd a level prefix
 * "<N>" makes the journal sort them; on a terminal the time stands in front.
 */
#ifndef ROAM_IO_LOG_H
#define ROAM_IO_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4,
		 LOG_LEVEL_NOTICE = 5, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/* Lines above @level are not written. Default: LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);
void log_msg(enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * From now on a second thread writes: whoever logs never waits for a disk or a full
 * pipe. Call it before the process gets a realtime priority, which that thread shall
 * not have. Lines that find no room are counted and reported. A child that is forked
 * writes its own. False: no such thread, all is as before.
 */
bool log_detach(void);
/* What waits is written, and later lines are written by who logs. */
void log_attach(void);

#define log_error(...) log_msg(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_msg(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) log_msg(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_msg(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_msg(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
