// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * GTP contexts (PDP contexts) of the kernel's gtp devices: which tunnel a mobile
 * station's packets take, as a gateway's daemon told the kernel. Devices are those of
 * the configuration, by name, and each router has its own.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/gtp.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rows.h"
#include "genl/attr.h"
#include "io/daemon.h"
#include "io/json.h"
#include "io/log.h"
#include "syncd/syncd.h"

/**
 * struct device - one of the configuration
 * @id: see struct gtp_row
 * @name: its name
 * @index: of the kernel, 0 while there is none
 */
struct device {
	uint8_t id[SET_ID_LEN];
	char name[IF_NAMESIZE];
	unsigned int index;
};

static struct {
	struct genl *requests;
	struct genl *events;
	uv_poll_t poll;
	struct device *devices;
	size_t n;
} gtp;

/* A device may be made, or made anew, at any time. */
static void find_devices(void)
{
	for (size_t i = 0; i < gtp.n; i++)
		gtp.devices[i].index = if_nametoindex(gtp.devices[i].name);
}

static const struct device *device_of(const uint8_t id[SET_ID_LEN])
{
	for (size_t i = 0; i < gtp.n; i++)
		if (!memcmp(gtp.devices[i].id, id, SET_ID_LEN))
			return &gtp.devices[i];
	return NULL;
}

static const struct device *device_at(unsigned int index)
{
	for (size_t i = 0; index && i < gtp.n; i++)
		if (gtp.devices[i].index == index)
			return &gtp.devices[i];
	return NULL;
}

/* ---- what the kernel has ---- */

/* False: another device's, or one of IPv6. */
static bool read_context(const struct nlmsghdr *nlh, struct gtp_row *row)
{
	const struct device *device;
	struct attrs a;

	attrs_read_message(&a, nlh);
	device = device_at(attrs_u32(&a, GTPA_LINK));
	if (!device)
		return false;
	*row = (struct gtp_row){
		.version = (uint8_t)attrs_u32(&a, GTPA_VERSION),
		.station = attrs_addr4(&a, GTPA_MS_ADDRESS),
		.peer = attrs_addr4(&a, GTPA_PEER_ADDRESS),
	};
	memcpy(row->device, device->id, SET_ID_LEN);
	if (row->version == GTP_V0) {
		row->tunnel = attrs_u64(&a, GTPA_TID);
		row->out = attrs_u16(&a, GTPA_FLOW);
	} else {
		row->tunnel = attrs_u32(&a, GTPA_I_TEI);
		row->out = attrs_u32(&a, GTPA_O_TEI);
	}
	return gtp_row_is_valid(row);
}

static int on_context(const struct nlmsghdr *nlh, void *ctx)
{
	uint8_t key[GTP_KEY_LEN], value[GTP_VALUE_LEN];
	struct gtp_row row;

	if (!read_context(nlh, &row))
		return 0;
	gtp_row_encode(&row, key, value);
	tables_seen(ctx, &gtp_contexts, key, sizeof(key), value, sizeof(value));
	return 0;
}

static void on_event(const struct nlmsghdr *nlh, void *ctx)
{
	const struct genlmsghdr *header = mnl_nlmsg_get_payload(nlh);
	uint8_t key[GTP_KEY_LEN], value[GTP_VALUE_LEN];
	struct gtp_row row;

	if (header->cmd == GTP_CMD_NEWPDP) {
		on_context(nlh, ctx);
	} else if (header->cmd == GTP_CMD_DELPDP && read_context(nlh, &row)) {
		gtp_row_encode(&row, key, value);
		tables_gone(ctx, &gtp_contexts, key, sizeof(key));
	}
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct syncd *d = poll->data;

	(void)events;
	if (status < 0)
		return;
	find_devices();
	if (genl_events(gtp.events, on_event, d) == -ENOBUFS) {
		d->counters.overruns++;
		d->next_look = daemon_now();
	}
	net_flush(d);
}

static bool look(struct syncd *d)
{
	int error;

	find_devices();
	error = genl_send(gtp.requests,
			  genl_request(gtp.requests, GTP_CMD_GETPDP, NLM_F_DUMP),
			  on_context, d, NULL);
	if (error)
		log_error("the kernel does not tell its GTP contexts: %s",
			  genl_error(gtp.requests));
	return !error;
}

/* ---- changes ---- */

static struct nlmsghdr *begin(const struct gtp_row *row, uint8_t cmd,
			      uint16_t flags)
{
	struct nlmsghdr *nlh = genl_request(gtp.requests, cmd, flags);

	mnl_attr_put_u32(nlh, GTPA_VERSION, row->version);
	mnl_attr_put_u32(nlh, GTPA_LINK, device_of(row->device)->index);
	return nlh;
}

static void put_tunnel(struct nlmsghdr *nlh, const struct gtp_row *row)
{
	if (row->version == GTP_V0)
		mnl_attr_put_u64(nlh, GTPA_TID, row->tunnel);
	else
		mnl_attr_put_u32(nlh, GTPA_I_TEI, (uint32_t)row->tunnel);
}

static int add(const struct gtp_row *row)
{
	struct nlmsghdr *nlh = begin(row, GTP_CMD_NEWPDP, NLM_F_EXCL);

	put_tunnel(nlh, row);
	if (row->version == GTP_V0)
		mnl_attr_put_u16(nlh, GTPA_FLOW, (uint16_t)row->out);
	else
		mnl_attr_put_u32(nlh, GTPA_O_TEI, row->out);
	attr_put_addr4(nlh, GTPA_MS_ADDRESS, &row->station);
	attr_put_addr4(nlh, GTPA_PEER_ADDRESS, &row->peer);
	return genl_send(gtp.requests, nlh, NULL, NULL, NULL);
}

static void del_tunnel(const struct gtp_row *row)
{
	struct nlmsghdr *nlh = begin(row, GTP_CMD_DELPDP, 0);

	put_tunnel(nlh, row);
	genl_send(gtp.requests, nlh, NULL, NULL, NULL);
}

static void del_station(const struct gtp_row *row)
{
	struct nlmsghdr *nlh = begin(row, GTP_CMD_DELPDP, 0);

	attr_put_addr4(nlh, GTPA_MS_ADDRESS, &row->station);
	genl_send(gtp.requests, nlh, NULL, NULL, NULL);
}

struct question {
	const struct gtp_row *row;
	bool same;
};

static int compare(const struct nlmsghdr *nlh, void *ctx)
{
	struct question *q = ctx;
	struct gtp_row row;

	q->same = read_context(nlh, &row) && row.tunnel == q->row->tunnel &&
		  row.version == q->row->version && row.out == q->row->out &&
		  roam_addr_eq(&row.station, &q->row->station) &&
		  roam_addr_eq(&row.peer, &q->row->peer);
	return 0;
}

static bool has(const struct gtp_row *row)
{
	struct nlmsghdr *nlh = begin(row, GTP_CMD_GETPDP, 0);
	struct question q = { .row = row };

	put_tunnel(nlh, row);
	return !genl_send(gtp.requests, nlh, compare, &q, NULL) && q.same;
}

/* ---- entries ---- */

static bool check(struct syncd *d, const uint8_t *key, size_t key_len,
		  const uint8_t *value, size_t len)
{
	struct gtp_row row;

	(void)d;
	return gtp_row_decode(key, key_len, value, len, &row) &&
	       device_of(row.device);
}

static bool get_row(const struct item *item, struct gtp_row *row)
{
	return gtp_row_decode(item->key.bytes, item->key.len, item->value,
			      item->len, row);
}

/*
 * The kernel changes a context in part where tunnel or station is known, and refuses
 * where both are. So one that is another one goes first.
 */
static bool install(struct syncd *d, const struct item *item)
{
	struct gtp_row row;
	int error;

	(void)d;
	if (!get_row(item, &row))
		return false;
	find_devices();
	error = add(&row);
	if (error == -EEXIST) {
		if (has(&row))
			return true;
		del_tunnel(&row);
		del_station(&row);
		error = add(&row);
	}
	if (error)
		log_debug("a GTP context was not taken by the kernel: %s",
			  genl_error(gtp.requests));
	return !error;
}

static void remove_context(struct syncd *d, const struct item *item)
{
	struct gtp_row row;

	(void)d;
	if (!get_row(item, &row))
		return;
	find_devices();
	del_tunnel(&row);
}

static json_t *show(const struct item *item)
{
	const struct device *device;
	struct gtp_row row;

	if (!get_row(item, &row))
		return NULL;
	device = device_of(row.device);
	return json_pack("{ss ss sI so sI so so sb}",
			 "table", item->kind->name,
			 "device", device ? device->name : "",
			 "version", (json_int_t)row.version,
			 "tunnel", json_sprintf("%llx",
						(unsigned long long)row.tunnel),
			 "peer_tunnel", (json_int_t)row.out,
			 "address", json_addr(&row.station),
			 "peer", json_addr(&row.peer),
			 "installed", item->installed);
}

const struct kind gtp_contexts = {
	.type = GTP_ENTRY, .name = "gtp", .exclusive = true,
	.value_max = GTP_VALUE_LEN, .check = check, .install = install,
	.remove = remove_context, .look = look, .show = show,
};

/* ---- start ---- */

char *gtp_start(struct syncd *d)
{
	char *error = NULL;
	int err;

	if (!d->config->n_gtp)
		return NULL;
	gtp.devices = calloc(d->config->n_gtp, sizeof(*gtp.devices));
	if (!gtp.devices)
		return daemon_error("out of memory");
	for (size_t i = 0; i < d->config->n_gtp; i++) {
		snprintf(gtp.devices[i].name, sizeof(gtp.devices[i].name), "%s",
			 d->config->gtp[i]);
		set_row_id(d->config->gtp[i], gtp.devices[i].id);
		gtp.n++;
	}
	gtp.requests = genl_open("gtp", 0, &error);
	if (gtp.requests)
		gtp.events = genl_open("gtp", 0, &error);
	if (!gtp.events) {
		free(error);
		return daemon_error("the kernel does not know GTP: %s; modprobe gtp",
				    strerror(errno));
	}
	err = genl_subscribe(gtp.events, GTP_GENL_MCGRP_NAME);
	if (err)
		return daemon_error("the kernel does not tell of GTP contexts: %s",
				    strerror(-err));
	uv_poll_init(d->loop, &gtp.poll, genl_fd(gtp.events));
	gtp.poll.data = d;
	uv_poll_start(&gtp.poll, UV_READABLE, on_readable);
	return NULL;
}

void gtp_stop(void)
{
	if (gtp.poll.data)
		uv_close((uv_handle_t *)&gtp.poll, NULL);
	if (gtp.events)
		genl_close(gtp.events);
	if (gtp.requests)
		genl_close(gtp.requests);
	free(gtp.devices);
	gtp.devices = NULL;
	gtp.events = gtp.requests = NULL;
	gtp.n = 0;
}
