// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * roam-rtp: a real-time application as small as it can be. It calls by roam-sipd's
 * control socket, or waits to be called, sends speech from a file or a tone, and says
 * how what it received came: what was lost, how evenly, and the longest time in which
 * nothing came. It has its media itself, so it shows what such an application has to
 * do about moves: of its own host's nothing, of its peer's one line (SIP-15).
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/addr.h"
#include "conf/conf.h"
#include "core/rtp.h"
#include "io/control.h"
#include "io/version.h"
#include "wire/sdp.h"

#define RATE 8000
#define PACKET_MS 20
#define SAMPLES (RATE / 1000 * PACKET_MS)
#define LINE_MAX_LEN 65536
#define PCMU 0

/**
 * struct app - the application
 * @socket_path: control socket of roam-sipd, NULL: no SIP, @to is an address
 * @account: which account of it calls, NULL: the first
 * @callee: whom to call, NULL: wait to be called
 * @json: statistics as JSON
 * @seconds: end after that, 0: when the peer does
 * @record: where received speech goes
 * @speech: what is sent, u-law; NULL: a tone
 * @speech_len: its length
 * @requests: connection for requests
 * @events: connection for events
 * @line: what came of the next event
 * @line_len: its length
 * @rtp: socket for media
 * @port: its port
 * @to: where media go, all zero: nowhere yet
 * @to_port: port there
 * @session: number of the session, 0: none
 * @sent: packets sent
 * @send_errors: packets that there was no way for
 * @moves: times that the peer moved
 * @stats: what was received
 * @ssrc: ours
 * @started: when the first packet left, us
 * @ended: the session is over
 */
struct app {
	const char *socket_path;
	const char *account;
	const char *callee;
	bool json;
	unsigned int seconds;
	FILE *record;
	uint8_t *speech;
	size_t speech_len;
	int requests;
	int events;
	char line[LINE_MAX_LEN];
	size_t line_len;
	int rtp;
	uint16_t port;
	struct roam_addr to;
	uint16_t to_port;
	json_int_t session;
	uint64_t sent;
	uint64_t send_errors;
	uint64_t moves;
	struct rtp_stats stats;
	uint32_t ssrc;
	int64_t started;
	bool ended;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signum)
{
	(void)signum;
	interrupted = 1;
}

static void die(const char *fmt, ...) __attribute__((noreturn,
						     format(printf, 1, 2)));

static void die(const char *fmt, ...)
{
	va_list ap;

	fputs("roam-rtp: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* ---- speech ---- */

/* G.711: sign, exponent and mantissa of the sample plus a bias, inverted. */
static uint8_t to_ulaw(int sample)
{
	int sign = sample < 0 ? 0x80 : 0, exponent = 7;

	if (sample < 0)
		sample = -sample;
	if (sample > 32635)
		sample = 32635;
	sample += 132;
	while (exponent && !(sample & (0x80 << exponent)))
		exponent--;
	return ~(sign | exponent << 4 | (sample >> (exponent + 3) & 0x0f));
}

static uint32_t le(const uint8_t *p, int bytes)
{
	uint32_t n = 0;

	while (bytes--)
		n = n << 8 | p[bytes];
	return n;
}

/* The samples of a WAV file; anything else is u-law already. */
static void decode_speech(struct app *app, const char *path)
{
	uint8_t *file = app->speech, *data = NULL;
	size_t len = app->speech_len, at = 12, data_len = 0;
	int format = 0, bits = 0;

	if (len < 12 || memcmp(file, "RIFF", 4) || memcmp(file + 8, "WAVE", 4))
		return;
	while (at + 8 <= len) {
		size_t size = le(file + at + 4, 4), room = len - at - 8;

		if (size > room)
			size = room;
		if (!memcmp(file + at, "fmt ", 4) && size >= 16) {
			format = le(file + at + 8, 2);
			bits = le(file + at + 22, 2);
			if (le(file + at + 10, 2) != 1 ||
			    le(file + at + 12, 4) != RATE)
				die("%s is not mono at %d Hz; sox IN -r %d -c 1 OUT makes it so",
				    path, RATE, RATE);
		} else if (!memcmp(file + at, "data", 4)) {
			data = file + at + 8;
			data_len = size;
		}
		at += 8 + size + (size & 1);
	}
	if (!data || !((format == 1 && bits == 16) || (format == 7 && bits == 8)))
		die("%s is neither 16 bit PCM nor u-law", path);
	for (size_t i = 0; format == 1 && i < data_len / 2; i++)
		file[i] = to_ulaw((int16_t)le(data + 2 * i, 2));
	if (format == 1)
		data_len /= 2;
	else
		memmove(file, data, data_len);
	app->speech_len = data_len;
}

static void read_speech(struct app *app, const char *path)
{
	FILE *file = fopen(path, "re");
	long len;

	if (!file)
		die("cannot open %s: %s", path, strerror(errno));
	fseek(file, 0, SEEK_END);
	len = ftell(file);
	rewind(file);
	app->speech = len > 0 ? malloc(len) : NULL;
	if (!app->speech || fread(app->speech, 1, len, file) != (size_t)len)
		die("cannot read %s", path);
	app->speech_len = len;
	fclose(file);
	decode_speech(app, path);
	if (!app->speech_len)
		die("there is nothing to hear in %s", path);
}

static void take_samples(const struct app *app, uint64_t number,
			 uint8_t *samples)
{
	uint64_t first = number * SAMPLES;

	for (int i = 0; i < SAMPLES; i++)
		samples[i] = app->speech ?
			app->speech[(first + i) % app->speech_len] :
			to_ulaw(8000 * sin((first + i) % RATE * 2 * M_PI *
					   440 / RATE));
}

/* ---- media ---- */

static void open_rtp(struct app *app)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };
	socklen_t len = sizeof(sa);
	int off = 0;

	app->rtp = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(app->rtp, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	sa.sin6_port = htons(app->port);
	/* To no address: what is sent leaves with that of the moment. */
	if (app->rtp < 0 || bind(app->rtp, (struct sockaddr *)&sa, len) ||
	    getsockname(app->rtp, (struct sockaddr *)&sa, &len))
		die("cannot open a socket for media: %s", strerror(errno));
	app->port = ntohs(sa.sin6_port);
	if (getrandom(&app->ssrc, sizeof(app->ssrc), 0) < 0)
		die("no random numbers: %s", strerror(errno));
}

static void put_u32(uint8_t *p, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		p[i] = n >> (24 - 8 * i);
}

/* The packet with that number, counted from 0. */
static void send_number(struct app *app, uint64_t number)
{
	uint8_t packet[RTP_HEADER_LEN + SAMPLES] = { 0x80, PCMU };
	struct sockaddr_in6 to = {
		.sin6_family = AF_INET6, .sin6_port = htons(app->to_port),
	};

	packet[1] |= number ? 0 : 0x80;
	packet[2] = number >> 8;
	packet[3] = number;
	put_u32(packet + 4, number * SAMPLES);
	put_u32(packet + 8, app->ssrc);
	take_samples(app, number, packet + RTP_HEADER_LEN);
	memcpy(&to.sin6_addr, app->to.b, 16);
	if (sendto(app->rtp, packet, sizeof(packet), 0, (struct sockaddr *)&to,
		   sizeof(to)) < 0)
		app->send_errors++;
}

static void send_packet(struct app *app)
{
	if (!app->to_port)
		return;
	if (!app->started)
		app->started = now_us();
	send_number(app, app->sent++);
}

/*
 * What left for the place that the peer was in is lost: the last of it is sent again, and
 * the peer need not wait for the next one.
 */
static void send_again(struct app *app)
{
	if (app->sent && app->to_port)
		send_number(app, app->sent - 1);
}

static void receive_packet(struct app *app)
{
	uint8_t packet[2048];
	ssize_t len = recv(app->rtp, packet, sizeof(packet), MSG_DONTWAIT);
	uint64_t before = app->stats.packets;

	if (len < 0)
		return;
	rtp_stats_input(&app->stats, now_us(), packet, len);
	if (app->record && app->stats.packets > before && len > RTP_HEADER_LEN)
		fwrite(packet + RTP_HEADER_LEN, 1, len - RTP_HEADER_LEN,
		       app->record);
}

/* ---- roam-sipd ---- */

static int connect_sipd(const struct app *app)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(app->socket_path) >= sizeof(sa.sun_path))
		die("%s is too long", app->socket_path);
	strcpy(sa.sun_path, app->socket_path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		die("cannot connect to %s: %s; is roam-sipd running?",
		    app->socket_path, strerror(errno));
	return fd;
}

static void say(int fd, json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);

	if (!text || dprintf(fd, "%s\n", text) < 0)
		die("cannot talk to roam-sipd: %s", strerror(errno));
	free(text);
	json_decref(request);
}

/* The answer to a request; a refusal is told in the daemon's words. */
static json_t *ask(struct app *app, json_t *request)
{
	char line[LINE_MAX_LEN];
	json_t *answer, *error;
	size_t len = 0;

	say(app->requests, request);
	while (len < sizeof(line) - 1 && (!len || line[len - 1] != '\n')) {
		ssize_t n = read(app->requests, line + len, 1);

		if (n <= 0)
			die("roam-sipd ended");
		len += n;
	}
	answer = json_loadb(line, len, 0, NULL);
	error = json_object_get(answer, "error");
	if (error)
		die("%s", json_string_value(json_object_get(error, "message")));
	return answer;
}

static json_t *describe(const struct app *app)
{
	/* The address is roam-sipd's to know. */
	return json_sprintf("v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=roam-rtp\r\n"
			    "c=IN IP4 127.0.0.1\r\nt=0 0\r\n"
			    "m=audio %u RTP/AVP %d\r\na=rtpmap:%d PCMU/%d\r\n"
			    "a=ptime:%d\r\na=sendrecv\r\n",
			    app->port, PCMU, PCMU, RATE, PACKET_MS);
}

static void accept_session(struct app *app)
{
	json_decref(ask(app, json_pack("{ss s{sI so}}", "command", "accept",
				       "args", "session", app->session, "sdp",
				       describe(app))));
}

static void set_peer(struct app *app, const json_t *event)
{
	const char *addr = json_string_value(json_object_get(event,
							     "peer_media"));

	if (addr && roam_addr_parse(addr, &app->to))
		app->to_port = json_integer_value(json_object_get(event,
								  "peer_port"));
}

static void on_event(struct app *app, const char *line, size_t len)
{
	json_t *event = json_loadb(line, len, 0, NULL);
	const char *what = json_string_value(json_object_get(event, "event"));
	json_int_t session =
		json_integer_value(json_object_get(event, "session"));

	if (!what) {
		/* the answer to "monitor" */
	} else if (!app->session && !app->callee && !strcmp(what, "incoming")) {
		app->session = session;
		accept_session(app);
	} else if (session != app->session) {
		/* somebody else's */
	} else if (!strcmp(what, "up")) {
		set_peer(app, event);
	} else if (!strcmp(what, "peer-moved")) {
		set_peer(app, event);
		send_again(app);
		app->moves++;
	} else if (!strcmp(what, "ended")) {
		app->ended = true;
	}
	json_decref(event);
}

static void read_events(struct app *app)
{
	ssize_t n = read(app->events, app->line + app->line_len,
			 sizeof(app->line) - app->line_len);
	char *end;

	if (n <= 0 || app->line_len + n == sizeof(app->line)) {
		app->ended = true;
		return;
	}
	app->line_len += n;
	while ((end = memchr(app->line, '\n', app->line_len))) {
		on_event(app, app->line, end - app->line);
		app->line_len -= end + 1 - app->line;
		memmove(app->line, end + 1, app->line_len);
	}
}

static void begin_session(struct app *app)
{
	json_t *args, *answer;

	if (!app->socket_path)
		return;
	app->events = connect_sipd(app);
	app->requests = connect_sipd(app);
	say(app->events, json_pack("{ss}", "command", "monitor"));
	if (!app->callee)
		return;
	args = json_pack("{ss so}", "to", app->callee, "sdp", describe(app));
	if (app->account)
		json_object_set_new(args, "account",
				    json_string(app->account));
	answer = ask(app, json_pack("{ss so}", "command", "start", "args",
				    args));
	app->session = json_integer_value(json_object_get(
		json_object_get(answer, "result"), "session"));
	json_decref(answer);
}

static void end_session(struct app *app)
{
	if (app->session && !app->ended)
		json_decref(ask(app, json_pack("{ss s{sI}}", "command", "end",
					       "args", "session",
					       app->session)));
}

/* ---- results ---- */

static void print_results(const struct app *app)
{
	const struct rtp_stats *s = &app->stats;
	uint64_t lost = s->expected > s->packets ? s->expected - s->packets : 0;

	if (!app->json) {
		printf("sent %llu, received %llu, lost %llu, late %llu, jitter %.1f ms, longest gap %.1f ms, moves of the peer %llu\n",
		       (unsigned long long)app->sent,
		       (unsigned long long)s->packets,
		       (unsigned long long)lost, (unsigned long long)s->late,
		       rtp_stats_jitter(s) / 1000.0, s->gap / 1000.0,
		       (unsigned long long)app->moves);
		return;
	}
	printf("{\"sent\": %llu, \"send_errors\": %llu, \"received\": %llu, \"lost\": %llu, \"late\": %llu, \"jitter_ms\": %.3f, \"gap_ms\": %.3f, \"peer_moves\": %llu}\n",
	       (unsigned long long)app->sent,
	       (unsigned long long)app->send_errors,
	       (unsigned long long)s->packets, (unsigned long long)lost,
	       (unsigned long long)s->late, rtp_stats_jitter(s) / 1000.0,
	       s->gap / 1000.0, (unsigned long long)app->moves);
}

/* ---- the loop ---- */

static int start_timer(void)
{
	struct itimerspec every = {
		.it_interval.tv_nsec = PACKET_MS * 1000000,
		.it_value.tv_nsec = PACKET_MS * 1000000,
	};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0 || timerfd_settime(fd, 0, &every, NULL))
		die("no timer: %s", strerror(errno));
	return fd;
}

static bool is_over(const struct app *app)
{
	return app->ended || interrupted ||
	       (app->seconds && app->started &&
		now_us() - app->started >= (int64_t)app->seconds * 1000000);
}

static void run(struct app *app)
{
	struct pollfd fds[] = {
		{ .fd = start_timer(), .events = POLLIN },
		{ .fd = app->rtp, .events = POLLIN },
		{ .fd = app->events, .events = POLLIN },
	};
	uint64_t ticks;

	while (!is_over(app)) {
		if (poll(fds, 3, 1000) < 0)
			continue;
		if (fds[1].revents)
			receive_packet(app);
		if (fds[2].revents)
			read_events(app);
		if (fds[0].revents &&
		    read(fds[0].fd, &ticks, sizeof(ticks)) == sizeof(ticks))
			while (ticks--)
				send_packet(app);
	}
	close(fds[0].fd);
}

static void usage(FILE *to)
{
	fputs("Usage: roam-rtp [OPTIONS] [sip:NAME@DOMAIN | ADDRESS:PORT]\n"
	      "Sends and receives speech (PCMU over RTP) and says how it came.\n\n"
	      "With a SIP URL it calls by roam-sipd, with an address it only sends there;\n"
	      "without either it waits to be called.\n\n"
	      "  -s, --socket SOCKET   control socket of roam-sipd (" CONTROL_USUAL("sipd") ")\n"
	      "  -a, --account URL     which account calls\n"
	      "  -l, --port PORT       own port for media\n"
	      "  -p, --play FILE       send this: WAV, 8000 Hz mono, or u-law as it is\n"
	      "  -r, --record FILE     write what is received, u-law\n"
	      "  -t, --time SECONDS    end after that; else with the peer, or by Ctrl-C\n"
	      "  -j, --json            results as JSON\n"
	      "  -h, --help            this text\n"
	      "  -V, --version         version\n", to);
}

static void parse(struct app *app, int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "account", required_argument, NULL, 'a' },
		{ "port", required_argument, NULL, 'l' },
		{ "play", required_argument, NULL, 'p' },
		{ "record", required_argument, NULL, 'r' },
		{ "time", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "s:a:l:p:r:t:jhV", options,
				  NULL)) >= 0) {
		switch (opt) {
		case 's':
			app->socket_path = optarg;
			break;
		case 'a':
			app->account = optarg;
			break;
		case 'l':
			app->port = atoi(optarg);
			break;
		case 'p':
			read_speech(app, optarg);
			break;
		case 'r':
			app->record = fopen(optarg, "we");
			if (!app->record)
				die("cannot write %s: %s", optarg,
				    strerror(errno));
			break;
		case 't':
			app->seconds = atoi(optarg);
			break;
		case 'j':
			app->json = true;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		case 'V':
			printf("roam-rtp %s\n", ROAM_VERSION);
			exit(0);
		default:
			usage(stderr);
			exit(1);
		}
	}
	if (argc - optind > 1) {
		usage(stderr);
		exit(1);
	}
	if (optind == argc)
		return;
	if (!strncmp(argv[optind], "sip:", 4)) {
		app->callee = argv[optind];
		return;
	}
	app->socket_path = NULL;
	if (!conf_parse_endpoint(argv[optind], &app->to, &app->to_port) ||
	    !app->to_port)
		die("'%s' is neither a SIP URL nor ADDRESS:PORT", argv[optind]);
}

int main(int argc, char **argv)
{
	static struct app app = {
		.socket_path = CONTROL_USUAL("sipd"), .events = -1,
	};

	parse(&app, argc, argv);
	/* No SA_RESTART: the loop shall end. */
	sigaction(SIGINT, &(struct sigaction){ .sa_handler = on_signal }, NULL);
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_signal }, NULL);
	open_rtp(&app);
	begin_session(&app);
	run(&app);
	end_session(&app);
	print_results(&app);
	if (app.record)
		fclose(app.record);
	free(app.speech);
	return 0;
}
