// SPDX-License-Identifier: GPL-2.0-or-later
/* Any datagram, in each of the three forms: what is accepted fits its bounds. */
#include "fuzz.h"

#include <string.h>

#include "wire/hsrp.h"

static void check_message(enum hsrp_form form, const struct hsrp_msg *msg)
{
	check(msg->op <= HSRP_ANSWER);
	check(msg->state < HSRP_STATES);
	check(!msg->hold || msg->hold > msg->hello);
	check(roam_addr_is_none(&msg->vip) || roam_addr_is_usable(&msg->vip));
	check(roam_addr_is_none(&msg->sender) ||
	      roam_addr_is_usable(&msg->sender));
	check(strlen(msg->name) <= STANDBY_NAME_MAX);
	check(form == HSRP_OWN || msg->op <= HSRP_ADVERTISE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[HSRP_MAX_LEN];
	struct hsrp_msg msg, back;
	enum hsrp_form form;
	size_t covered, len;

	if (!size)
		return 0;
	form = data[0] % 3;
	data++;
	size--;
	if (hsrp_decode(form, data, size, &msg, &covered) != HSRP_DROP_NONE)
		return 0;
	check(covered <= size);
	check_message(form, &msg);
	if (msg.auth == HSRP_AUTH_MD5) {
		uint8_t copy[2048];

		if (size > sizeof(copy))
			return 0;
		memcpy(copy, data, size);
		hsrp_md5_sign(copy, size, (const uint8_t *)"key", 3);
		check(hsrp_md5_verify(copy, size, (const uint8_t *)"key", 3));
	}
	/* What it says it says again when it was written by us. */
	if (msg.op == HSRP_ADVERTISE)
		return 0;
	len = hsrp_encode(form, &msg, again);
	check(len <= HSRP_MAX_LEN);
	if (form == HSRP_OWN && msg.key_id) {
		memset(again + len, 0, STANDBY_AUTH_LEN);
		len += STANDBY_AUTH_LEN;
	}
	check(hsrp_decode(form, again, len, &back, &covered) == HSRP_DROP_NONE);
	/* HSRP's identifier and the sender outside of MD5 are not told. */
	if (form == HSRP_OWN)
		check(!memcmp(&msg, &back, sizeof(msg)));
	check(msg.op == back.op && msg.state == back.state &&
	      msg.priority == back.priority && msg.group == back.group);
	return 0;
}
