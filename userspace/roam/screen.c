// SPDX-License-Identifier: GPL-2.0-or-later
#include "roam/screen.h"

#include <curses.h>
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

static SCREEN *screen;

bool screen_usable(void)
{
	const char *term = getenv("TERM");
	bool moves;
	char *move;
	int err;

	if (!term || !*term || !strcmp(term, "dumb") ||
	    !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    setupterm(term, STDOUT_FILENO, &err) != OK)
		return false;
	move = tigetstr("cup");
	moves = move && move != (char *)-1;
	del_curterm(cur_term);
	return moves;
}

bool screen_open(void)
{
	setlocale(LC_ALL, "");
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return false;
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	return true;
}

void screen_close(void)
{
	endwin();
	delscreen(screen);
}

void screen_draw(const char *text, const char *footer)
{
	bool head = false;

	erase();
	for (int row = 0; *text && row < LINES - 1; row++) {
		bool title = !strncmp(text, "== ", 3);
		int len = strcspn(text, "\n");

		attrset(title || !row ? A_BOLD : head ? A_REVERSE : A_NORMAL);
		if (title)
			mvaddnstr(row, 0, text + 3, len - 3 < COLS ? len - 3 :
								     COLS);
		else
			mvaddnstr(row, 0, text, len < COLS ? len : COLS);
		head = title;
		text += len;
		text += *text == '\n';
	}
	attrset(A_DIM);
	mvaddnstr(LINES - 1, 0, footer, COLS);
	attrset(A_NORMAL);
	refresh();
}

int screen_key(int ms)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	int key;

	/* A terminal that went away is always readable, and holds nothing. */
	if (poll(&in, 1, ms) > 0 && in.revents & (POLLHUP | POLLERR | POLLNVAL))
		return SCREEN_GONE;
	timeout(0);
	key = getch();
	if (key == KEY_RESIZE)
		return SCREEN_RESIZED;
	return key == ERR ? SCREEN_TIMEOUT : key;
}
