// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any text: either half a sentence about what is wrong, or a description that can be
 * moved, and is understood by the same code afterwards, with the streams it had.
 */
#include "fuzz.h"

#include <string.h>

#include "wire/sdp.h"

static void check_moved(const struct roam_sdp *before, const char *text,
			size_t len, const struct roam_sdp_place *place)
{
	struct roam_sdp after;

	check(!roam_sdp_read(text, len, &after));
	check(after.n_media == before->n_media);
	for (size_t i = 0; i < after.n_media; i++) {
		const struct roam_sdp_media *was = &before->media[i];
		const struct roam_sdp_media *is = &after.media[i];

		check(!is->port == !was->port);
		check(!is->port || is->port == place->ports[i]);
		check(is->direction == was->direction);
		check(is->rtp == was->rtp);
		check(roam_addr_is_none(&is->addr) ||
		      roam_addr_eq(&is->addr, &place->addr));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char out[2 * ROAM_SDP_MAX + 4096], again[sizeof(out)];
	struct input in = { data, size };
	struct roam_sdp_place place = {
		.session = 1, .version = 2,
		.addr = { .b = { 0x20, 1, 0xd, 0xb8, [15] = 9 } },
	};
	struct roam_sdp sdp;
	size_t len, room;

	room = take(&in) * 64;
	for (int i = 0; i < ROAM_SDP_MEDIA_MAX; i++)
		place.ports[i] = 30000 + 2 * i;
	if (roam_sdp_read((const char *)in.p, in.left, &sdp))
		return 0;
	len = roam_sdp_move((const char *)in.p, in.left, &place, out,
			    sizeof(out));
	/* Lines grow by less than an address, and each has two bytes at least. */
	if (!len || len > ROAM_SDP_MAX)
		return 0;
	check_moved(&sdp, out, len, &place);
	check(roam_sdp_move(out, len, &place, again, sizeof(again)) == len);
	check(!memcmp(out, again, len));
	check(roam_sdp_move((const char *)in.p, in.left, &place, again, room) ==
	      (room >= len ? len : 0));
	return 0;
}
