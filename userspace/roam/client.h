/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks a daemon by its control socket. */
#ifndef ROAM_CLIENT_H
#define ROAM_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct client;

/* The connection, or NULL with errno set. */
struct client *client_open(const char *daemon);
void client_close(struct client *client);
int client_fd(const struct client *client);
/* The daemon's process. */
pid_t client_pid(const struct client *client);
bool client_send(struct client *client, const char *command, json_t *args);
/* The next line as JSON; NULL at the end, or when nothing came for long. */
json_t *client_read(struct client *client);
/* A complete line is here already: client_read() will not wait. */
bool client_has_line(const struct client *client);

/*
 * Asks one command and returns the answer. A failure is not printed: NULL with errno
 * set means that the daemon is not there, NULL with errno 0 any other failure.
 */
json_t *client_ask(const char *daemon, const char *command, json_t *args);

/**
 * client_call() - one command, one answer
 * @daemon: "hlrd"
 * @command: the word
 * @args: its arguments or NULL; the reference is taken
 * @status: set to what the tool returns if this fails
 *
 * Return: the result, or NULL after the failure was reported.
 */
json_t *client_call(const char *daemon, const char *command, json_t *args,
		    int *status);

#endif
