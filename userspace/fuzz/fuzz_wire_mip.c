// SPDX-License-Identifier: GPL-2.0-or-later
/* Any datagram and any ICMP message: what is accepted lies within its own bytes. */
#include "fuzz.h"

#include <string.h>

#include "wire/mip.h"

/* Names that were read are valid ones, and are read again as they were written. */
static void look_at_names(const struct mip_msg *msg)
{
	static const struct mip_naming naming;
	struct mip_writer w = { .len = 0 };
	struct mip_names names, back;
	struct mip_msg again;

	if (!mip_get_names(msg, &naming, &names))
		return;
	mip_put_message(&w, msg);
	mip_put_names(&w, &naming, &names);
	if (w.full || mip_decode(w.buf, w.len, &again) != MIP_OK)
		return;
	check(mip_get_names(&again, &naming, &back));
	check(back.nai_len == names.nai_len && back.sub_len == names.sub_len);
}

static void look_at(const struct mip_msg *msg, const struct mip_extension *e)
{
	struct mip_udp_request request;
	struct mip_udp_reply reply;
	size_t mac_len, covered;
	struct mip_vendor vendor;
	const uint8_t *mac;
	uint32_t spi;

	check(e->data + e->len <= msg->buf + msg->len);
	if (mip_get_auth(e, &spi, &mac, &mac_len, &covered)) {
		check(mac_len && mac + mac_len <= msg->buf + msg->len);
		check(msg->buf + covered == mac);
	}
	if (mip_get_vendor(e, &vendor))
		check(vendor.data + vendor.len == e->data + e->len);
	mip_get_udp_request(e, &request);
	mip_get_udp_reply(e, &reply);
}

static void message(const uint8_t *data, size_t size)
{
	struct mip_writer w = { .len = 0 };
	struct mip_msg msg;
	enum mip_error error = mip_decode(data, size, &msg);
	unsigned int i;

	if (error == MIP_SHORT || error == MIP_LONG || error == MIP_TYPE)
		return;
	for (i = 0; i < msg.n; i++)
		look_at(&msg, &msg.extensions[i]);
	if (error == MIP_OK)
		look_at_names(&msg);
	mip_put_message(&w, &msg);
	check(!memcmp(w.buf, data, w.len));
}

static void icmp(const uint8_t *data, size_t size)
{
	uint8_t again[MIP_ADVERT_MAX];
	struct mip_advert advert, back;
	size_t len;

	mip_solicitation_is_valid(data, size);
	if (mip_advert_decode(data, size, &advert) != MIP_OK)
		return;
	check(advert.n_routers <= MIP_ADVERT_ADDRS);
	check(advert.n_coas <= MIP_ADVERT_ADDRS);
	len = mip_advert_encode(&advert, again);
	check(len <= sizeof(again));
	check(mip_advert_decode(again, len, &back) == MIP_OK);
	check(!memcmp(&advert, &back, sizeof(back)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	message(data, size);
	icmp(data, size);
	return 0;
}
