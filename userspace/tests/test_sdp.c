// SPDX-License-Identifier: GPL-2.0-or-later
/* Session descriptions, and what is said about received media. */
#include "core_test.h"

#include <stdio.h>

#include "core/rtp.h"
#include "wire/sdp.h"

static const char phone[] =
	"v=0\r\n"
	"o=- 3848 7 IN IP4 127.0.0.1\r\n"
	"s=-\r\n"
	"c=IN IP4 127.0.0.1\r\n"
	"t=0 0\r\n"
	"a=ice-ufrag:x\r\n"
	"m=audio 10008 RTP/AVP 0 101\r\n"
	"a=rtpmap:0 PCMU/8000\r\n"
	"a=rtcp:10010\r\n"
	"a=candidate:1 1 UDP 2130706431 10.0.0.1 10008 typ host\r\n"
	"a=sendonly\r\n"
	"m=video 0 RTP/AVP 96\r\n"
	"m=video 10012 RTP/SAVP 96\r\n"
	"c=IN IP6 2001:db8::9\r\n";

static const char *read(const char *text, struct roam_sdp *sdp)
{
	return roam_sdp_read(text, strlen(text), sdp);
}

static void description_is_understood(void **state)
{
	struct roam_sdp sdp;

	(void)state;
	assert_null(read(phone, &sdp));
	assert_int_equal(sdp.n_media, 3);
	assert_addr(sdp.media[0].addr, "127.0.0.1");
	assert_int_equal(sdp.media[0].port, 10008);
	assert_int_equal(sdp.media[0].rtcp_port, 10010);
	assert_int_equal(sdp.media[0].direction, ROAM_SDP_SENDONLY);
	assert_true(sdp.media[0].rtp);
	assert_int_equal(sdp.media[1].port, 0);
	assert_addr(sdp.media[2].addr, "2001:db8::9");
	assert_int_equal(sdp.media[2].rtcp_port, 10013);
	assert_int_equal(sdp.media[2].direction, ROAM_SDP_SENDRECV);
}

static void only_the_place_changes(void **state)
{
	struct roam_sdp_place place = {
		.session = 77, .version = 8, .addr = addr("192.0.2.66"),
		.ports = { 30000, 30002, 30004 },
	};
	static const char expected[] =
		"v=0\r\n"
		"o=- 77 8 IN IP4 192.0.2.66\r\n"
		"s=-\r\n"
		"c=IN IP4 192.0.2.66\r\n"
		"t=0 0\r\n"
		"m=audio 30000 RTP/AVP 0 101\r\n"
		"a=rtpmap:0 PCMU/8000\r\n"
		"a=sendonly\r\n"
		"m=video 0 RTP/AVP 96\r\n"
		"m=video 30004 RTP/SAVP 96\r\n"
		"c=IN IP4 192.0.2.66\r\n";
	char out[2048];
	size_t len;

	(void)state;
	len = roam_sdp_move(phone, strlen(phone), &place, out, sizeof(out));
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(out, expected, len);
	/* Too little room is no half description. */
	for (size_t room = 0; room < len; room++)
		assert_int_equal(roam_sdp_move(phone, strlen(phone), &place,
					       out, room), 0);
}

static void hold_stays_hold(void **state)
{
	static const char hold[] =
		"v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nc=IN IP4 0.0.0.0\nt=0 0\n"
		"m=audio 4000 RTP/AVP 0\n";
	struct roam_sdp_place place = {
		.addr = addr("2001:db8::1"), .ports = { 5000 },
	};
	struct roam_sdp sdp;
	char out[512];
	size_t len;

	(void)state;
	assert_null(read(hold, &sdp));
	assert_true(roam_addr_is_none(&sdp.media[0].addr));
	len = roam_sdp_move(hold, strlen(hold), &place, out, sizeof(out));
	assert_null(roam_sdp_read(out, len, &sdp));
	assert_true(roam_addr_is_none(&sdp.media[0].addr));
	assert_int_equal(sdp.media[0].port, 5000);
}

static void bad_descriptions_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "\r\n", "v=1\r\n", "hello", "v=0\r\n", "o=- 1 1 IN IP4 1.2.3.4\r\n",
		"v=0\r\no=-\r\nm=audio 1 RTP/AVP 0\r\n",
		"v=0\r\no=-\r\nc=IN IP4 host.example\r\n",
		"v=0\r\no=-\r\nc=IN IP4 1.2.3.4 5\r\nc=IN IP6 1.2.3.4\r\n",
		"v=0\r\no=-\r\nc=IN IP4 1.2.3.4\r\nm=audio 65536 RTP/AVP 0\r\n",
		"v=0\r\no=-\r\nc=IN IP4 1.2.3.4\r\nm=audio x RTP/AVP 0\r\n",
		"v=0\r\no=-\r\nc=IN IP4 1.2.3.4\r\nm=audio 5/2 RTP/AVP 0\r\n",
		"v=0\r\no=-\r\nc=IN IP4 1.2.3.4\r\nm=audio 5\r\n",
		"v=0\r\no=-\r\no=-\r\n", "v=0\r\nv=0\r\no=-\r\n",
		"v=0\r\no=-\r\nc=IN IP4 1.2.3.4\r\nm=audio 5 RTP/AVP 0\r\na=rtcp:x\r\n",
		"v=0\r\no=-\r\n\r\ns=-\r\n",
	};
	char many[1024] = "v=0\r\no=-\r\nc=IN IP4 1.2.3.4\r\n";
	struct roam_sdp sdp;
	char *huge;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (!read(bad[i], &sdp))
			fail_msg("taken: %s", bad[i]);
	for (int i = 0; i <= ROAM_SDP_MEDIA_MAX; i++)
		strcat(many, "m=audio 4000 RTP/AVP 0\r\n");
	assert_non_null(read(many, &sdp));
	assert_non_null(roam_sdp_read("v=0\r\no=\0-\r\n", 11, &sdp));
	huge = calloc(1, ROAM_SDP_MAX + 1);
	memset(huge, 'a', ROAM_SDP_MAX + 1);
	assert_non_null(roam_sdp_read(huge, ROAM_SDP_MAX + 1, &sdp));
	free(huge);
}

/* ---- received media ---- */

static void packet(struct rtp_stats *s, int64_t ms, uint16_t seq, uint32_t ssrc)
{
	uint8_t p[172] = { 0x80, 0, seq >> 8, seq };
	uint32_t timestamp = seq * 160;

	for (int i = 0; i < 4; i++) {
		p[4 + i] = timestamp >> (24 - 8 * i);
		p[8 + i] = ssrc >> (24 - 8 * i);
	}
	rtp_stats_input(s, ms * 1000, p, sizeof(p));
}

static void gap_and_loss_of_a_move(void **state)
{
	struct rtp_stats s = { 0 };
	int64_t now = 1000;
	int i;

	(void)state;
	for (i = 0; i < 100; i++, now += 20)
		packet(&s, now, 65500 + i, 7);
	assert_int_equal(s.packets, 100);
	assert_int_equal(s.expected, 100);
	assert_int_equal(s.gap, 20000);
	rtp_stats_mark(&s, now * 1000);
	assert_int_equal(s.resumed, 0);
	/* Five packets are lost; the sixth ends the gap. */
	for (i += 5, now += 100; i < 200; i++, now += 20)
		packet(&s, now, 65500 + i, 7);
	assert_int_equal(rtp_stats_lost(&s), 5);
	assert_int_equal(s.gap, 120000);
	assert_int_equal(s.resumed - s.marked, 100000);
	assert_int_equal(rtp_stats_jitter(&s), 0);
	/* A second sender's numbers are no loss. */
	packet(&s, now, 3, 8);
	assert_int_equal(rtp_stats_lost(&s), 5);
	assert_int_equal(s.restarts, 1);
}

static void what_is_no_media_is_counted(void **state)
{
	struct rtp_stats s = { 0 };
	uint8_t p[12] = { 0 };

	(void)state;
	rtp_stats_input(&s, 1, p, 0);
	rtp_stats_input(&s, 1, p, 12);
	p[0] = 0x80;
	rtp_stats_input(&s, 1, p, 11);
	assert_int_equal(s.other, 3);
	assert_int_equal(s.packets, 0);
	rtp_stats_input(&s, 1, p, 12);
	rtp_stats_input(&s, 1, p, 12);
	assert_int_equal(s.packets, 2);
	assert_int_equal(s.late, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "SIP-14 SIP-17: a description says where media go",
		  description_is_understood, NULL, NULL, NULL },
		{ "SIP-14: a moved description differs in its place alone",
		  only_the_place_changes, NULL, NULL, NULL },
		{ "SIP-14: a call on hold moves on hold",
		  hold_stays_hold, NULL, NULL, NULL },
		{ "OPEN-36: bad descriptions are refused",
		  bad_descriptions_are_refused, NULL, NULL, NULL },
		{ "SIP-15: gap and loss of a move are measured",
		  gap_and_loss_of_a_move, NULL, NULL, NULL },
		{ "SIP-15: what is no media is counted apart",
		  what_is_no_media_is_counted, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("sdp", tests, NULL, NULL);
}
