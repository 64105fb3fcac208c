// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whatever reaches roam-sipd by SIP: its user agent and its calls on libre, whose sockets
 * and timers are replaced by ours, so that nothing leaves and time goes by at once.
 *
 * An input is a list of steps, each ended by 0xff. Its first byte says what it is: 's' is a
 * datagram from the server, 'p' one from a peer, 'l' one from a phone of this host; 'm' a
 * move, 't' time, 'c' a call of an application, 'a' its answer, 'e' its end, 'r'
 * registrations. In datagrams the bytes 1 to 6 stand for what we said last: our contact's
 * user, branch, Call-ID, From tag, To tag, CSeq; else nothing would ever fit to anything.
 *
 * Whatever comes: what we send is SIP, goes to no address that is not the wire's, and the calls
 * are gone when they are ended.
 */
#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* libre has words of jansson's for itself. */
#define JSON_STRING RE_JSON_STRING
#define JSON_NULL RE_JSON_NULL
#include "sipd/ua_private.h"
#undef JSON_STRING
#undef JSON_NULL
#include "io/daemon.h"
#include "io/log.h"
#include "sipd/loop.h"
#include "sipd/sipd.h"

#define STEPS_MAX 40
#define DATAGRAM_MAX 8192
#define STRING_MAX 128
#define PEER "198.51.100.3"

/* ---- instead of libre's sockets ---- */

/**
 * struct fake - a socket
 * @local: its address
 * @rh: who gets what comes
 * @arg: for it
 */
struct fake {
	struct sa local;
	udp_recv_h *rh;
	void *arg;
};

/**
 * struct said - parts of the last message of ours on a side
 * @part: by the byte that stands for it
 */
struct said {
	char part[8][STRING_MAX];
};

static struct fake *sockets[2];
static struct said said[2];
static struct sipd sipd;

static bool is_local(const struct sa *sa)
{
	struct roam_addr addr = ua_from_sa(sa);

	return !roam_addr_is_none(&addr) && !roam_addr_is_usable(&addr);
}

static void fake_gone(void *arg)
{
	for (int i = 0; i < 2; i++)
		if (sockets[i] == arg)
			sockets[i] = NULL;
}

int udp_listen(struct udp_sock **usp, const struct sa *local, udp_recv_h *rh,
	       void *arg)
{
	struct fake *fake = mem_zalloc(sizeof(*fake), fake_gone);

	if (local)
		fake->local = *local;
	fake->rh = rh;
	fake->arg = arg;
	if (local && sa_port(local) == 5060)
		sockets[is_local(local)] = fake;
	*usp = (struct udp_sock *)fake;
	return 0;
}

void udp_handler_set(struct udp_sock *us, udp_recv_h *rh, void *arg)
{
	struct fake *fake = (struct fake *)us;

	fake->rh = rh;
	fake->arg = arg;
}

int udp_local_get(const struct udp_sock *us, struct sa *local)
{
	*local = ((const struct fake *)us)->local;
	return 0;
}

int udp_thread_attach(struct udp_sock *us)
{
	(void)us;
	return 0;
}

int udp_connect(struct udp_sock *us, const struct sa *peer)
{
	(void)us;
	(void)peer;
	return 0;
}

static void keep(char *to, const struct pl *pl)
{
	if (pl->l < STRING_MAX)
		(void)pl_strcpy(pl, to, STRING_MAX);
}

/* What we say is SIP, and on the wide side for the wire. */
int udp_send(struct udp_sock *us, const struct sa *dst, struct mbuf *mb)
{
	const struct fake *fake = (struct fake *)us;
	struct mbuf *copy = mbuf_alloc(mbuf_get_left(mb) + 1);
	bool local = is_local(&fake->local);
	struct said *s = &said[local];
	struct sip_msg *msg = NULL;

	check(local || !is_local(dst));
	mbuf_write_mem(copy, mbuf_buf(mb), mbuf_get_left(mb));
	copy->pos = 0;
	/* libre's own ACK of a refusal repeats what that said, or did not say. */
	if (sip_msg_decode(&msg, copy)) {
		check(copy->end > 4 && !memcmp(copy->buf, "ACK ", 4));
		mem_deref(copy);
		return 0;
	}
	keep(s->part[2], &msg->via.branch);
	keep(s->part[3], &msg->callid);
	keep(s->part[4], &msg->from.tag);
	keep(s->part[5], &msg->to.tag);
	snprintf(s->part[6], STRING_MAX, "%u", msg->cseq.num);
	mem_deref(msg);
	mem_deref(copy);
	return 0;
}

int tcp_listen(struct tcp_sock **tsp, const struct sa *local, tcp_conn_h *ch,
	       void *arg)
{
	struct fake *fake = mem_zalloc(sizeof(*fake), NULL);

	(void)ch;
	(void)arg;
	fake->local = *local;
	*tsp = (struct tcp_sock *)fake;
	return 0;
}

int tcp_sock_local_get(const struct tcp_sock *ts, struct sa *local)
{
	*local = ((const struct fake *)ts)->local;
	return 0;
}

int tcp_connect(struct tcp_conn **tcp, const struct sa *peer, tcp_estab_h *eh,
		tcp_recv_h *rh, tcp_close_h *ch, void *arg)
{
	(void)tcp;
	(void)peer;
	(void)eh;
	(void)rh;
	(void)ch;
	(void)arg;
	return ECONNREFUSED;
}

int dnsc_query(struct dns_query **qp, struct dnsc *dnsc, const char *name,
	       uint16_t type, uint16_t dnsclass, bool rd, dns_query_h *qh,
	       void *arg)
{
	(void)qp;
	(void)dnsc;
	(void)name;
	(void)type;
	(void)dnsclass;
	(void)rd;
	(void)qh;
	(void)arg;
	return ENOENT;
}

/* ---- instead of its timers ---- */

static struct list timers;
static uint64_t skew;

void tmr_start(struct tmr *tmr, uint64_t delay, tmr_h *th, void *arg)
{
	list_unlink(&tmr->le);
	tmr->th = th;
	tmr->arg = arg;
	tmr->jfs = skew + delay;
	if (th)
		list_append(&timers, &tmr->le, tmr);
}

void tmr_cancel(struct tmr *tmr)
{
	tmr_start(tmr, 0, NULL, NULL);
}

static struct tmr *first_due(uint64_t until)
{
	struct tmr *first = NULL;

	for (struct le *le = timers.head; le; le = le->next) {
		struct tmr *tmr = le->data;

		if (tmr->jfs <= until && (!first || tmr->jfs < first->jfs))
			first = tmr;
	}
	return first;
}

static void cores_tick(void)
{
	msec_t now = daemon_now() + (msec_t)skew;

	sip_sessions_tick(sipd.sessions, now);
	sip_registrations_tick(sipd.registrations, now);
	call_tick(&sipd, now);
}

static void time_passes(uint64_t ms)
{
	uint64_t until = skew + ms;
	struct tmr *tmr;

	/* A timer that starts itself again is asked a bounded number of times. */
	for (int n = 0; n < 200 && (tmr = first_due(until)); n++) {
		tmr_h *th = tmr->th;
		void *arg = tmr->arg;

		skew = tmr->jfs > skew ? tmr->jfs : skew;
		tmr_cancel(tmr);
		th(arg);
	}
	skew = until;
	cores_tick();
}

/* ---- instead of what is around calls ---- */

bool loop_listen(int fd, loop_fn fn, void *arg)
{
	(void)fd;
	(void)fn;
	(void)arg;
	return true;
}

void loop_unlisten(int fd)
{
	(void)fd;
}

void sipd_kick(struct sipd *s)
{
	(void)s;
}

bool control_is_monitored(const struct control *control)
{
	(void)control;
	return true;
}

static struct call *last_call;

void report_call(struct call *call, const char *what, const char *why)
{
	(void)why;
	last_call = strcmp(what, "ended") ? call :
		    last_call == call ? NULL : last_call;
}

void report_session(struct call *call, const struct sip_session_event *event)
{
	(void)call;
	(void)event;
}

static bool send_registration(void *ctx, void *user, unsigned int expires)
{
	struct sipd_registration *reg = user;

	(void)ctx;
	return ua_registration_send(reg->ua, server_route(reg->target),
				    expires);
}

static void on_registration(void *ctx, void *user, unsigned int code,
			    msec_t took)
{
	(void)ctx;
	(void)user;
	(void)code;
	(void)took;
}

static const struct sip_registration_ops registration_ops = {
	.send = send_registration,
	.event = on_registration,
};

void server_changed(struct sipd_server *server)
{
	(void)server;
}

/* ---- one host ---- */

static struct config_account account = {
	.uri = "sip:alice@example.net", .user = "alice",
	.domain = "example.net", .name = "Alice", .auth_user = "alice",
	.realm = "example.net", .secret = "wonder",
};

static struct config_server servers[] = {
	{ .uri = "sip:192.0.2.10;transport=udp" },
	{ .uri = "sip:192.0.2.11;transport=udp" },
};

static struct config config = {
	.accounts = &account, .n_accounts = 1,
	.servers = servers, .n_servers = 2,
	.port = 5060, .local_port = 5060,
	.media_port_min = 30000, .media_port_max = 39999,
	.sessions_max = 20, .server_wait = 1000, .ring_wait = 180000,
};

static void move_host(unsigned int n)
{
	struct roam_place place = {
		.v4 = { .b = { [10] = 0xff, [11] = 0xff, 192, 0, 2,
			       100 + n % 4 } },
	};

	if (n % 5 == 4)
		memset(&place, 0, sizeof(place));
	check(!ua_set_place(sipd.ua, &place));
	sipd.place = place;
	call_moved(&sipd, true, true);
	sip_sessions_move(sipd.sessions, daemon_now() + (msec_t)skew,
			  n % 5 != 4);
	sip_registrations_move(sipd.registrations, daemon_now() + (msec_t)skew,
			       n % 5 != 4);
}

static void host_begins(void)
{
	char *error = NULL;

	memset(&sipd, 0, sizeof(sipd));
	memset(said, 0, sizeof(said));
	skew = 0;
	last_call = NULL;
	roam_addr_parse("192.0.2.10", &servers[0].addr);
	roam_addr_parse("192.0.2.11", &servers[1].addr);
	roam_addr_parse("127.0.0.1", &config.local);
	roam_addr_parse("192.0.2.10", &config.nameserver);
	config.registration = sip_registration_defaults;
	config.session = sip_session_defaults;
	sipd.config = &config;
	/* Never looked into: control_is_monitored() above is all that asks for it. */
	sipd.control = (struct control *)&sipd;
	table_init(&sipd.calls, table_key_offset(struct call, node, id),
		   sizeof(uint64_t));
	sipd.sessions = sip_sessions_new(&config.session, &call_session_ops,
					 &sipd);
	sipd.registrations = sip_registrations_new(&config.registration,
						   &registration_ops, &sipd);
	sipd.ua = ua_open(&config, &call_ua_ops, &sipd, &error);
	check(sipd.ua);
	sipd.regs = calloc(config.n_servers, sizeof(*sipd.regs));
	for (size_t i = 0; i < config.n_servers; i++) {
		struct sipd_registration *reg = &sipd.regs[sipd.n_regs++];

		reg->sipd = &sipd;
		reg->account = &account;
		sipd.servers[i] = (struct sipd_server){ .sipd = &sipd, .config = &servers[i] };
		reg->server = &servers[i];
		reg->target = &sipd.servers[i];
		reg->core = sip_registration_new(sipd.registrations, reg);
		reg->ua = ua_registration_new(sipd.ua, &account, &servers[i],
					      reg);
	}
	move_host(0);
	memcpy(said[0].part[1], sipd.ua->tokens[0], UA_TOKEN_LEN);
	memcpy(said[1].part[1], sipd.ua->tokens[0], UA_TOKEN_LEN);
}

static void host_ends(void)
{
	call_end_all(&sipd);
	check(!sipd.calls.count);
	check(!sip_sessions_count(sipd.sessions));
	check(!sipd.phones[0].ringing);
	for (size_t i = 0; i < sipd.n_regs; i++)
		ua_registration_free(sipd.regs[i].ua);
	sip_registrations_free(sipd.registrations);
	sip_sessions_free(sipd.sessions);
	table_fini(&sipd.calls);
	ua_close(sipd.ua);
	free(sipd.regs);
}

/* ---- steps ---- */

static void datagram(int side, const char *from, uint16_t port,
		     const uint8_t *data, size_t len)
{
	struct mbuf *mb = mbuf_alloc(DATAGRAM_MAX);
	struct fake *fake = sockets[side];
	struct sa src;

	sa_set_str(&src, from, port);
	for (size_t i = 0; i < len && mb->end < DATAGRAM_MAX - STRING_MAX; i++) {
		if (data[i] >= 1 && data[i] <= 6)
			mbuf_write_str(mb, said[side].part[data[i]]);
		else if (data[i] == '\n' && (!i || data[i - 1] != '\r'))
			mbuf_write_str(mb, "\r\n");
		else
			mbuf_write_u8(mb, data[i]);
	}
	mb->pos = 0;
	if (fake && fake->rh)
		fake->rh(&src, mb, fake->arg);
	mem_deref(mb);
}

static const char description[] =
	"v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
	"t=0 0\r\nm=audio 7000 RTP/AVP 0\r\n";

static void application(uint8_t what)
{
	char *error = NULL;

	if (what == 'c')
		(void)call_start(&sipd, &account, "sip:bob@example.net",
				 description, strlen(description), &error);
	else if (what == 'a' && last_call)
		(void)call_accept(last_call, description, strlen(description),
				  &error);
	else if (what == 'e' && last_call)
		call_end(last_call, 603);
	free(error);
}

static void step(const uint8_t *data, size_t len)
{
	switch (data[0]) {
	case 's':
		datagram(0, "192.0.2.10", 5060, data + 1, len - 1);
		break;
	case 'p':
		datagram(0, PEER, 5060, data + 1, len - 1);
		break;
	case 'l':
		datagram(1, "127.0.0.1", 5070, data + 1, len - 1);
		break;
	case 'm':
		move_host(len > 1 ? data[1] : 1);
		break;
	case 't':
		time_passes(len > 1 ? data[1] * 250 : 500);
		break;
	case 'r':
		time_passes(200000);
		break;
	default:
		application(data[0]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;

	if (!ready) {
		ready = true;
		check(!libre_init());
		log_set_level(LOG_LEVEL_ERROR);
	}
	host_begins();
	for (int n = 0; n < STEPS_MAX && size; n++) {
		const uint8_t *end = memchr(data, 0xff, size);
		size_t len = end ? (size_t)(end - data) : size;

		if (len)
			step(data, len);
		if (!end)
			break;
		size -= len + 1;
		data += len + 1;
	}
	host_ends();
	return 0;
}
