/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The screen of a terminal; the only file that knows ncurses. */
#ifndef ROAM_SCREEN_H
#define ROAM_SCREEN_H

#include <stdbool.h>

/* What screen_key() returns besides characters. */
enum screen_key { SCREEN_TIMEOUT = -1, SCREEN_RESIZED = -2, SCREEN_GONE = -3 };

/* Is there a terminal on both sides that can put text anywhere? */
bool screen_usable(void);
bool screen_open(void);
void screen_close(void);
/*
 * Shows text, cut to the size of the screen. Lines that begin with "== " are
 * titles, the line behind such a one is a head; @footer stands in the last line.
 */
void screen_draw(const char *text, const char *footer);
/* The next key within @ms, or an enum screen_key. */
int screen_key(int ms);

#endif
