// SPDX-License-Identifier: GPL-2.0-or-later
/* roam-hlrd: the location register. */
#include <stdio.h>
#include <stdlib.h>

#include "hlrd/config.h"
#include "hlrd/server.h"
#include "hlrd/show.h"
#include "io/daemon.h"

static struct server server;

static void *load(const char *path, char **error)
{
	return config_load(path, error);
}

static void unload(void *config)
{
	config_free(config);
}

static char *start(uv_loop_t *loop, void *config, const char *socket_path)
{
	char *error = server_start(&server, loop, config);

	if (error)
		return error;
	server.control = control_open(loop, socket_path, show_commands,
				      &server, &error);
	if (!server.control)
		server_stop(&server);
	return error;
}

static char *reload(void *config)
{
	return server_reload(&server, config);
}

static void stop(void)
{
	server_stop(&server);
}

static void status(char *buf, size_t len)
{
	snprintf(buf, len, "%zu mappings of %zu hosts%s%s",
		 hlr_count(server.hlr), server.config->n_hosts,
		 server.loading ? ", not all loaded" : "",
		 server.store_error ? "; the store fails, updates are refused" :
				      "");
}

int main(int argc, char **argv)
{
	static const struct daemon daemon = {
		.name = "roam-hlrd",
		.summary = "Location register of roam: where mobile hosts are.",
		.config_path = "/etc/roam/hlrd.conf",
		.socket_path = CONTROL_USUAL("hlrd"),
		.caps = 0,
		.load = load,
		.unload = unload,
		.start = start,
		.reload = reload,
		.stop = stop,
		.status = status,
	};

	return daemon_main(&daemon, argc, argv);
}
