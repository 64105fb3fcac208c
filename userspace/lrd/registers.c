// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The registers in force: configured addresses, and what DNS says about
 * configured domains (dns/servers.h), handed to the cores and to the module.
 */
#include <string.h>

#include "io/daemon.h"
#include "io/log.h"
#include "lrd/lrd.h"

#define SERVICE "_roam-lr._udp"

static void list_all(struct lrd *lrd)
{
	struct servers_entry list[LRD_REGISTERS_MAX];

	lrd->n_registers = servers_list(lrd->sources, list, LRD_REGISTERS_MAX);
	memset(lrd->registers, 0, sizeof(lrd->registers));
	for (size_t i = 0; i < lrd->n_registers; i++)
		lrd->registers[i] = (struct registrar_server){
			.addr = list[i].addr,
			.port = list[i].port,
			.key_id = lrd->config->keys_of[list[i].source],
		};
}

void registers_apply(struct lrd *lrd)
{
	struct corr_register registers[LRD_REGISTERS_MAX];
	msec_t now = daemon_now();
	bool done = true;

	/* They may be asked and told from here on. */
	kernel_set_exempt(lrd);
	for (size_t i = 0; i < lrd->n_registers; i++)
		registers[i] = (struct corr_register){
			.addr = lrd->registers[i].addr,
			.port = lrd->registers[i].port,
			.key_id = lrd->registers[i].key_id,
		};
	done = corr_set_registers(lrd->corr, now, registers, lrd->n_registers);
	if (done && lrd->mobile)
		done = mobile_set_registers(lrd->mobile, now, lrd->registers,
					    lrd->n_registers);
	if (!done)
		log_error("out of memory for the list of registers; the old one stays in use");
}

static void on_changed(void *ctx)
{
	struct lrd *lrd = ctx;

	list_all(lrd);
	registers_apply(lrd);
	/* Where we are is the way to a register. */
	place_look(lrd);
	lrd_kick(lrd);
}

void registers_look(struct lrd *lrd)
{
	servers_look(lrd->sources);
}

char *registers_start(struct lrd *lrd)
{
	const struct config *config = lrd->config;
	const struct servers_config servers = {
		.what = "register",
		.service = SERVICE,
		.nameserver = config->nameserver,
		.resolve = config->resolve,
		.sources = config->registers,
		.n_sources = config->n_registers,
	};
	char *error;

	lrd->sources = servers_open(lrd->loop, &servers, on_changed, lrd,
				    &error);
	if (!lrd->sources)
		return error;
	list_all(lrd);
	registers_apply(lrd);
	return NULL;
}

void registers_stop(struct lrd *lrd)
{
	servers_close(lrd->sources);
	lrd->sources = NULL;
}
