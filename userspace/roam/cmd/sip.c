// SPDX-License-Identifier: GPL-2.0-or-later
/* roam sip: calls of this host, roam-sipd, and the servers they need. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "conf/conf.h"
#include "roam/client.h"
#include "roam/cmd/doctor.h"
#include "roam/cmd/explain.h"
#include "roam/output.h"
#include "roam/registry.h"
#include "roam/roam.h"

#define SIP_PORT 5060
#define ANSWER_MAX 4096
#define TRIES 3
#define WAIT_MS 700		/* for each try; T1 and some */

/* ---- server check ---- */

/**
 * struct server_check - a conversation with a server
 * @addr: its address
 * @port: its port
 * @fd: socket, connected to it
 * @local: own address and port, "192.0.2.1:40000"
 * @domain: domain that it serves
 * @rows: what was found
 * @failed: something is wrong
 * @answer: the last answer, terminated
 * @took: ms until it came
 */
struct server_check {
	struct roam_addr addr;
	uint16_t port;
	int fd;
	char local[ROAM_ADDR_STRLEN + 10];
	const char *domain;
	json_t *rows;
	bool failed;
	char answer[ANSWER_MAX];
	long took;
};

static void found(struct server_check *c, const char *check, bool ok,
		  const char *fix, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

static void found(struct server_check *c, const char *check, bool ok,
		  const char *fix, const char *fmt, ...)
{
	char detail[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	c->failed |= !ok;
	json_array_append_new(c->rows, json_pack("{ss ss ss so}",
		"check", check, "result", ok ? "ok" : "fail", "detail", detail,
		"fix", fix ? json_string(fix) : json_null()));
}

static bool open_socket(struct server_check *c)
{
	struct sockaddr_storage ss;
	socklen_t len = roam_addr_to_sockaddr(&c->addr, c->port, &ss);
	char text[ROAM_ADDR_STRLEN];
	struct roam_addr own;

	c->fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&ss, len))
		return false;
	len = sizeof(ss);
	getsockname(c->fd, (struct sockaddr *)&ss, &len);
	own = roam_addr_from_sockaddr((struct sockaddr *)&ss);
	roam_addr_format(&own, text);
	snprintf(c->local, sizeof(c->local),
		 roam_addr_is_v4(&own) ? "%s:%u" : "[%s]:%u", text,
		 ntohs(((struct sockaddr_in *)&ss)->sin_port));
	return true;
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A final answer to our branch, into c->answer. */
static bool wait_answer(struct server_check *c, const char *branch)
{
	long end = now_ms() + WAIT_MS;
	struct pollfd pfd = { .fd = c->fd, .events = POLLIN };
	ssize_t len;
	long left;

	while ((left = end - now_ms()) > 0 && poll(&pfd, 1, left) > 0) {
		len = recv(c->fd, c->answer, sizeof(c->answer) - 1, 0);
		if (len < 0)
			return false;
		c->answer[len] = 0;
		if (!strncmp(c->answer, "SIP/2.0 ", 8) &&
		    c->answer[8] != '1' && strstr(c->answer, branch))
			return true;
	}
	return false;
}

/* One request outside of any dialog; its status code, or 0 without an answer. */
static int ask(struct server_check *c, const char *method, const char *user,
	       const char *more)
{
	char request[1024], branch[32];
	uint64_t number;
	long begin = now_ms();

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return 0;
	snprintf(branch, sizeof(branch), "z9hG4bK%016llx",
		 (unsigned long long)number);
	snprintf(request, sizeof(request),
		 "%s sip:%s SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP %s;branch=%s;rport\r\n"
		 "Max-Forwards: 70\r\n"
		 "To: <sip:%s%s>\r\n"
		 "From: <sip:%s%s>;tag=%llx\r\n"
		 "Call-ID: %llx\r\nCSeq: 1 %s\r\n%s"
		 "Content-Length: 0\r\n\r\n",
		 method, c->domain, c->local, branch, user, c->domain, user,
		 c->domain, (unsigned long long)number,
		 (unsigned long long)number, method, more);
	for (int i = 0; i < TRIES; i++) {
		if (send(c->fd, request, strlen(request), 0) < 0)
			continue;
		if (!wait_answer(c, branch))
			continue;
		c->took = now_ms() - begin;
		return atoi(c->answer + 8);
	}
	return 0;
}

static bool check_answers(struct server_check *c)
{
	int code = ask(c, "OPTIONS", "", "");

	if (!code)
		found(c, "answer", false, "systemctl status kamailio",
		      "nothing answers at port %u", c->port);
	else
		found(c, "answer", true, NULL, "answers %d after %ld ms", code,
		      c->took);
	return code;
}

/* Who registers without a password can take calls that are not his. */
static void check_registrar(struct server_check *c)
{
	int code = ask(c, "REGISTER", "roam-check@", "");

	if (code == 401 || code == 407)
		found(c, "password", true, NULL,
		      "registrations of %s need a password", c->domain);
	else if (code >= 200 && code < 300)
		found(c, "password", false,
		      "configure digest authentication, see packaging/kamailio/kamailio.cfg",
		      "whoever asks is registered in %s without a password",
		      c->domain);
	else
		found(c, "registrar", false,
		      "give the domain that it serves: domain NAME",
		      "does not register accounts of %s (%d)", c->domain, code);
	if ((code == 401 || code == 407) && !strcasestr(c->answer, "realm=\""))
		found(c, "realm", false, "name a realm",
		      "asks for a password and names no realm");
	if (strcasestr(c->answer, "algorithm=SHA") &&
	    !strcasestr(c->answer, "algorithm=MD5"))
		found(c, "digest", false, "offer MD5 as well",
		      "offers no digest that roam-sipd knows");
}

static int server_check(int argc, char **argv)
{
	struct server_check c = { .port = SIP_PORT };
	char host[ROAM_ADDR_STRLEN];

	if ((argc != 1 && argc != 3) ||
	    (argc == 3 && strcmp(argv[1], "domain")) ||
	    !conf_parse_endpoint(argv[0], &c.addr, &c.port))
		return fail(ROAM_USAGE,
			    "roam sip server check 192.0.2.10 domain example.net",
			    "give the address of a server, and the domain that it serves");
	roam_addr_format(&c.addr, host);
	c.domain = argc == 3 ? argv[2] : host;
	if (strlen(c.domain) > 200 || strpbrk(c.domain, " <>\"\r\n;@"))
		return fail(ROAM_USAGE, "domain example.net",
			    "'%s' is no domain", c.domain);
	if (!open_socket(&c))
		return fail(ROAM_REFUSED, "ip route get ADDRESS",
			    "no way to %s: %s", host, strerror(errno));
	c.rows = json_array();
	if (check_answers(&c))
		check_registrar(&c);
	close(c.fd);
	output_table(c.rows, NULL);
	return c.failed ? ROAM_REFUSED : ROAM_OK;
}

/* ---- the daemon ---- */

static const struct param session_params[] = {
	{ .member = "session", .type = PARAM_NUMBER, .required = true },
	{ .member = NULL },
};
static const char *const show_columns[] = {
	"session", "account", "peer", "state", "peer_media", "moves", "lost",
	NULL
};
static const char *const server_words[] = { "domain", NULL };

static const struct command server_commands[] = {
	{ .name = "check", .args = "ADDRESS [domain DOMAIN]",
	  .help = "ask a SIP server whether it serves hosts that move",
	  .words = server_words, .run = server_check },
	{ .name = NULL },
};

static const struct command commands[] = {
	{ .name = "show", .help = "calls, and whether their peers know where we are",
	  .daemon = "sipd", .columns = show_columns },
	{ .name = "registrations", .help = "accounts of this host at each server",
	  .daemon = "sipd" },
	{ .name = "quality", .help = "what each move did to the media of a call",
	  .daemon = "sipd" },
	{ .name = "phones", .help = "phones of this host that ring for an account",
	  .daemon = "sipd" },
	{ .name = "end", .args = "SESSION", .help = "end or refuse a call",
	  .daemon = "sipd", .params = session_params },
	{ .name = "update", .args = "SESSION",
	  .help = "tell the peer of a call again where we are",
	  .daemon = "sipd", .params = session_params },
	{ .name = "leave", .help = "end all registrations",
	  .daemon = "sipd" },
	{ .name = "join", .help = "register again after leave",
	  .daemon = "sipd" },
	DAEMON_COMMANDS("sipd"),
	{ .name = "server", .help = "SIP servers",
	  .commands = server_commands },
	{ .name = NULL },
};

static void check(struct findings *f, const json_t *status)
{
	json_int_t n = json_integer_value(json_object_get(status,
							  "registrations"));
	json_int_t up = json_integer_value(json_object_get(status,
							   "registered"));
	bool nowhere = json_is_null(json_object_get(status, "address")) &&
		       json_is_null(json_object_get(status, "address6"));

	if (nowhere)
		finding_add(f, "sip", FINDING_WARN, "ip route",
			    "roam-sipd has no address towards its servers");
	else if (up < n)
		finding_add(f, "sip", up ? FINDING_WARN : FINDING_FAIL,
			    "roam sip registrations",
			    "%lld of %lld registrations stand",
			    (long long)up, (long long)n);
	else
		finding_add(f, "sip", FINDING_OK, NULL,
			    "all %lld registrations stand", (long long)n);
}

static void explain_call(struct explanation *e, const json_t *call)
{
	const char *state = json_string_value(json_object_get(call, "state"));

	if (!explain_is(e, json_object_get(call, "peer_media")))
		return;
	explain_claim(e, "sip");
	explain_say(e, "%s is where the media of call %lld with %s go; the call is %s.",
		    e->text,
		    (long long)json_integer_value(json_object_get(call,
								  "session")),
		    json_string_value(json_object_get(call, "peer")), state);
	if (state && !strcmp(state, "stuck"))
		explain_advise(e, "roam sip update SESSION",
			       "The peer agreed to our new address and sends nothing to it.");
}

static void explain(struct explanation *e)
{
	json_t *status = client_ask("sipd", "status", NULL);
	json_t *calls = status ? client_ask("sipd", "show", NULL) : NULL;
	json_t *call;
	size_t i;

	if (explain_is(e, json_object_get(status, "address")) ||
	    explain_is(e, json_object_get(status, "address6"))) {
		explain_claim(e, "sip");
		explain_say(e, "%s is the address that roam-sipd registers and names in calls: %lld of %lld registrations, %lld sessions.",
			    e->text,
			    (long long)json_integer_value(json_object_get(
				    status, "registered")),
			    (long long)json_integer_value(json_object_get(
				    status, "registrations")),
			    (long long)json_integer_value(json_object_get(
				    status, "sessions")));
	}
	json_array_foreach(calls, i, call)
		explain_call(e, call);
	json_decref(calls);
	json_decref(status);
}

static const struct report_table tables[] = {
	{ "registrations", NULL },
	{ "show", "sessions" },
	{ "quality", "sessions" },
	{ NULL, NULL },
};
static const char *const glance[] = {
	"address", "address6", "registrations", "registered", "sessions",
	"untold", NULL
};

static const struct daemon_entry sip = {
	.object = "sip",
	.daemon = "sipd",
	.help = "calls that survive moves (roam-sipd)",
	.commands = commands,
	.glance = glance,
	.tables = tables,
	.doctor = check,
	.explain = explain,
};
ROAM_DAEMON(sip)
