// SPDX-License-Identifier: GPL-2.0-or-later
#include "sipd/ua_private.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/daemon.h"
#include "io/log.h"
#include "io/version.h"

#define HASH_SIZE 4096
#define NAMESERVERS_MAX 4
#define DNS_PORT 53
#define OLD_CONTACTS 4		/* of moves that no server answered */
/* Times server_wait: a name has to be resolved first, and nobody waits for it but us. */
#define REGISTER_WAITS 3
#define CALLS_PER_SECOND 50	/* of one source that is no server */

/* ---- small things ---- */

struct sa ua_to_sa(const struct roam_addr *addr, uint16_t port)
{
	struct sa sa;

	if (roam_addr_is_v4(addr))
		sa_set_in(&sa, ntohl(roam_addr_to_in(addr).s_addr), port);
	else
		sa_set_in6(&sa, addr->b, port);
	return sa;
}

struct roam_addr ua_from_sa(const struct sa *sa)
{
	return roam_addr_from_sockaddr(&sa->u.sa);
}

bool ua_copy(char *to, size_t room, const struct pl *pl)
{
	if (!pl->p || !pl->l || pl->l >= room)
		return false;
	for (size_t i = 0; i < pl->l; i++)
		if (pl->p[i] <= ' ' || pl->p[i] > '~' || strchr("<>\"", pl->p[i]))
			return false;
	memcpy(to, pl->p, pl->l);
	to[pl->l] = 0;
	return true;
}

/* Of a datagram, what stands behind Content-Length is not meant. */
const char *ua_body(const struct sip_msg *msg, size_t *len)
{
	*len = mbuf_get_left(msg->mb);
	if (msg->clen.p && pl_u32(&msg->clen) < *len)
		*len = pl_u32(&msg->clen);
	if (!*len || !msg_ctype_cmp(&msg->ctyp, "application", "sdp"))
		*len = 0;
	return *len ? (const char *)mbuf_buf(msg->mb) : NULL;
}

const char *ua_token(const struct ua *ua, const struct config_account *account)
{
	return ua->tokens[account - ua->config->accounts];
}

/* An answer to any realm would let anybody try passwords on it. */
int ua_credentials(char **user, char **password, const char *realm, void *arg)
{
	const struct config_account *account = arg;
	int err;

	if (!account->secret)
		return EAUTH;
	if (strcmp(realm, account->realm)) {
		log_warning("a server asks %s for the password of realm '%s', which is not '%s'; set realm in sipd.conf if it is right to",
			    account->uri, realm, account->realm);
		return EAUTH;
	}
	err = str_dup(user, account->auth_user);
	return err ? err : str_dup(password, account->secret);
}

struct sip_auth *ua_auth(struct ua *ua, const struct config_account *account,
			 const char *route)
{
	const struct config *config = ua->config;
	size_t i, server = 0;

	for (i = 0; route && i < config->n_servers; i++)
		if (!strcmp(config->servers[i].uri, route))
			server = i;
	return ua->auths[(account - config->accounts) * config->n_servers +
			 server];
}

int ua_retry_after(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER);
	uint32_t seconds = hdr ? pl_u32(&hdr->val) : 0;

	return !hdr ? -1 : seconds > 3600 ? 3600 : (int)seconds;
}

/* ---- what arrives ---- */

static const struct config_account *account_of_token(const struct ua *ua,
						     const struct pl *user)
{
	for (size_t i = 0; i < ua->config->n_accounts; i++)
		if (!pl_strcmp(user, ua->tokens[i]))
			return &ua->config->accounts[i];
	return NULL;
}

static const struct config_account *account_of_uri(const struct ua *ua,
						   const struct uri *uri)
{
	for (size_t i = 0; i < ua->config->n_accounts; i++) {
		const struct config_account *a = &ua->config->accounts[i];

		if (!pl_strcmp(&uri->user, a->user) &&
		    !pl_strcasecmp(&uri->host, a->domain))
			return a;
	}
	return NULL;
}

static void refuse(struct ua_stack *stack, const struct sip_msg *msg,
		   unsigned int code, const char *reason)
{
	(void)sip_replyf(stack->sip, msg, code, reason,
			 UA_ALLOW "Content-Length: 0\r\n\r\n");
}

static bool print_required(const struct sip_hdr *hdr, const struct sip_msg *msg,
			   void *arg)
{
	(void)msg;
	return mbuf_printf(arg, "Unsupported: %r\r\n", &hdr->val) != 0;
}

/* RFC 3261 8.2.2.3: what is required and not known is named. */
static bool refuse_required(struct ua_stack *stack, const struct sip_msg *msg)
{
	struct mbuf *mb;

	if (!sip_msg_hdr(msg, SIP_HDR_REQUIRE))
		return false;
	mb = mbuf_alloc(256);
	if (!mb)
		return true;
	sip_msg_hdr_apply(msg, true, SIP_HDR_REQUIRE, print_required, mb);
	(void)sip_replyf(stack->sip, msg, 420, "Bad Extension",
			 "%b" "Content-Length: 0\r\n\r\n", mb->buf, mb->end);
	mem_deref(mb);
	return true;
}

bool ua_is_server(const struct ua *ua, const struct roam_addr *source)
{
	/* A server that is named has none. */
	if (roam_addr_is_none(source))
		return false;
	for (size_t i = 0; i < ua->config->n_servers; i++)
		if (roam_addr_eq(&ua->config->servers[i].addr, source))
			return true;
	return false;
}

static bool allowed(struct ua_stack *stack, const struct sip_msg *msg)
{
	struct roam_addr source = ua_from_sa(&msg->src);
	struct ua *ua = stack->ua;

	if (stack->side == UA_LOCAL || ua_is_server(ua, &source) ||
	    rate_limit_allow(&ua->limit, daemon_now(), CALLS_PER_SECOND,
			     &source))
		return true;
	ua->counters.limited++;
	return false;
}

static void on_invite(struct ua_stack *stack, const struct sip_msg *msg)
{
	struct ua_invite invite = { .side = stack->side };
	struct ua *ua = stack->ua;
	struct pl all;

	if (stack->side == UA_WIDE) {
		/* A redirected call may still name the account itself. */
		invite.account = account_of_token(ua, &msg->uri.user);
		if (!invite.account)
			invite.account = account_of_uri(ua, &msg->uri);
	} else {
		invite.account = account_of_uri(ua, &msg->from.uri);
	}
	if (!invite.account) {
		ua->counters.strangers++;
		if (stack->side == UA_WIDE)
			refuse(stack, msg, 404, "Not Found");
		else
			refuse(stack, msg, 403, "No Such Account Here");
		return;
	}
	if (refuse_required(stack, msg))
		return;
	all = msg->ruri;
	if (!ua_copy(invite.from, sizeof(invite.from), &msg->from.auri) ||
	    !ua_copy(invite.to, sizeof(invite.to), &all)) {
		refuse(stack, msg, 400, "Bad URI");
		return;
	}
	if (stack->side == UA_WIDE)
		snprintf(invite.to, sizeof(invite.to), "%s",
			 invite.account->uri);
	if (mbuf_get_left(msg->mb) && msg->ctyp.type.p &&
	    !msg_ctype_cmp(&msg->ctyp, "application", "sdp")) {
		(void)sip_replyf(stack->sip, msg, 415, "Unsupported Media Type",
				 "Accept: application/sdp\r\nContent-Length: 0\r\n\r\n");
		return;
	}
	invite.sdp = ua_body(msg, &invite.len);
	leg_invited(stack, msg, &invite);
}

/* A phone of this host; what it registers is believed only on the local side. */
static void on_register(struct ua_stack *stack, const struct sip_msg *msg)
{
	const struct config_account *account =
		account_of_uri(stack->ua, &msg->to.uri);
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	struct ua *ua = stack->ua;
	uint32_t expires = 3600;
	char uri[UA_URI_MAX];
	struct sip_addr addr;
	struct pl param;

	if (!account) {
		refuse(stack, msg, 404, "No Such Account Here");
		return;
	}
	if (msg->expires.p)
		expires = pl_u32(&msg->expires);
	if (hdr && !pl_strcmp(&hdr->val, "*")) {
		ua->ops->phone(ua->ctx, account, NULL, 0);
		sip_treply(NULL, stack->sip, msg, 200, "OK");
		return;
	}
	if (!hdr || sip_addr_decode(&addr, &hdr->val) ||
	    !ua_copy(uri, sizeof(uri), &addr.auri)) {
		refuse(stack, msg, 400, "Bad Contact");
		return;
	}
	if (!msg_param_decode(&addr.params, "expires", &param))
		expires = pl_u32(&param);
	if (expires > 3600)
		expires = 3600;
	if (!ua->ops->phone(ua->ctx, account, uri, expires)) {
		refuse(stack, msg, 403, "Forbidden");
		return;
	}
	(void)sip_treplyf(NULL, NULL, stack->sip, msg, false, 200, "OK",
			  expires ? "Contact: <%s>;expires=%u\r\n"
				    "Content-Length: 0\r\n\r\n" :
				    "Content-Length: 0\r\n\r\n", uri, expires);
}

static void on_options(struct ua_stack *stack, const struct sip_msg *msg)
{
	const struct config_account *account = NULL;
	struct ua *ua = stack->ua;

	if (stack->side == UA_WIDE) {
		account = account_of_token(ua, &msg->uri.user);
		if (!account)
			account = account_of_uri(ua, &msg->uri);
		if (!account && msg->uri.user.l) {
			refuse(stack, msg, 404, "Not Found");
			return;
		}
	}
	/* Where we are: whoever lost us asks our server, which passes it on. */
	if (account)
		(void)sip_treplyf(NULL, NULL, stack->sip, msg, false, 200, "OK",
				  "Contact: <sip:%s@%J%s>\r\n" UA_ALLOW
				  "Accept: application/sdp\r\n"
				  "Content-Length: 0\r\n\r\n",
				  ua_token(ua, account), &msg->dst,
				  sip_transp_param(msg->tp));
	else
		(void)sip_treplyf(NULL, NULL, stack->sip, msg, false, 200, "OK",
				  UA_ALLOW "Accept: application/sdp\r\n"
				  "Content-Length: 0\r\n\r\n");
}

/*
 * A transaction holds its message for half a minute, and with it the socket that it came
 * by. So a host that comes back to an address could not listen there, and an answer
 * after a move would leave with an address that is not ours any more. Without the
 * socket libre takes that of now.
 */
static void forget_socket(struct sip_msg *msg)
{
	if (msg->tp == SIP_TRANSP_UDP)
		msg->sock = mem_deref(msg->sock);
}

/* Quotes that are closed: what is behind an open one means something else to each reader. */
static bool is_closed(const struct pl *value)
{
	bool quoted = false;

	for (size_t i = 0; i < value->l; i++) {
		if (quoted && value->p[i] == '\\')
			i++;
		else if (value->p[i] == '"')
			quoted = !quoted;
	}
	return !quoted;
}

/* The body is as long as Content-Length says; of a stream libre has seen to that. */
static bool has_its_length(const struct sip_msg *msg)
{
	uint64_t len = 0;

	for (size_t i = 0; i < msg->clen.l; i++) {
		char c = msg->clen.p[i];

		if (c < '0' || c > '9' || len > UINT32_MAX)
			return false;
		len = 10 * len + (c - '0');
	}
	return len <= mbuf_get_left(msg->mb);
}

/* NULL, or why a request is refused (RFC 3261 8.2, RFC 4475); the code in *code, 0: silently. */
static const char *wrong_with(const struct sip_msg *msg, unsigned int *code)
{
	/* An answer repeats these: without them there can be none. */
	*code = 0;
	if (!msg->to.val.l || !msg->from.val.l || !msg->callid.l ||
	    !msg->cseq.met.l)
		return "No Request";
	*code = 400;
	if (pl_cmp(&msg->met, &msg->cseq.met))
		return "Method Differs From CSeq";
	if (!has_its_length(msg))
		return "Bad Content-Length";
	if (!is_closed(&msg->to.val) || !is_closed(&msg->from.val))
		return "Missing Quote";
	if (!pl_isset(&msg->from.tag) || msg->callid.l > UA_URI_MAX)
		return "Bad Request";
	*code = 416;
	if (pl_strcasecmp(&msg->uri.scheme, "sip"))
		return "Unsupported URI Scheme";
	return NULL;
}

static bool on_request(const struct sip_msg *msg, void *arg)
{
	struct ua_stack *stack = arg;
	unsigned int code;
	const char *wrong;

	stack->ua->counters.received++;
	forget_socket((struct sip_msg *)msg);
	wrong = wrong_with(msg, &code);
	if (wrong) {
		stack->ua->counters.malformed++;
		if (code && pl_strcmp(&msg->met, "ACK"))
			refuse(stack, msg, code, wrong);
		return true;
	}
	if (pl_isset(&msg->to.tag) || !pl_strcmp(&msg->met, "ACK"))
		return leg_request(stack, msg);
	if (!pl_strcmp(&msg->met, "CANCEL")) {
		refuse(stack, msg, 481, "Transaction Does Not Exist");
	} else if (!allowed(stack, msg)) {
		/* Silence costs a flood nothing, an answer would cost us. */
	} else if (!pl_strcmp(&msg->met, "INVITE")) {
		on_invite(stack, msg);
	} else if (!pl_strcmp(&msg->met, "OPTIONS")) {
		on_options(stack, msg);
	} else if (!pl_strcmp(&msg->met, "REGISTER") &&
		   stack->side == UA_LOCAL) {
		on_register(stack, msg);
	} else {
		refuse(stack, msg, 405, "Method Not Allowed");
	}
	return true;
}

static bool on_response(const struct sip_msg *msg, void *arg)
{
	struct ua_stack *stack = arg;

	stack->ua->counters.received++;
	return leg_response(stack, msg);
}

static void on_trace(bool tx, enum sip_transp tp, const struct sa *src,
		     const struct sa *dst, const uint8_t *pkt, size_t len,
		     void *arg)
{
	struct ua_stack *stack = arg;

	(void)tp;
	(void)src;
	(void)dst;
	(void)pkt;
	(void)len;
	if (tx)
		stack->ua->counters.sent++;
}

/* ---- sockets ---- */

static int listen_at(struct ua *ua, struct ua_stack *stack,
		     const struct roam_addr *addr, uint16_t port)
{
	struct sa sa;
	int err;

	if (roam_addr_is_none(addr))
		return 0;
	sa = ua_to_sa(addr, port);
	err = sip_transp_add(stack->sip, SIP_TRANSP_UDP, &sa);
	if (!err)
		err = sip_transp_add(stack->sip, SIP_TRANSP_TCP, &sa);
	if (!err && ua->tls && stack->side == UA_WIDE) {
		sa_set_port(&sa, port + 1);
		err = sip_transp_add(stack->sip, SIP_TRANSP_TLS, &sa, ua->tls);
	}
	return err;
}

char *ua_set_place(struct ua *ua, const struct roam_place *place)
{
	struct ua_stack *stack = &ua->stacks[UA_WIDE];
	char v4[ROAM_ADDR_STRLEN], v6[ROAM_ADDR_STRLEN];
	int err;

	sip_transp_flush(stack->sip);
	ua->place = *place;
	err = listen_at(ua, stack, &place->v4, ua->config->port);
	if (!err)
		err = listen_at(ua, stack, &place->v6, ua->config->port);
	if (!err)
		return NULL;
	return daemon_error("cannot listen at %s and %s, port %u: %s",
			    roam_addr_format(&place->v4, v4),
			    roam_addr_format(&place->v6, v6),
			    ua->config->port, strerror(err));
}

/*
 * libre does not look at the certificate of who it connects to. OpenSSL does when it
 * is told whom to expect: one of our servers, by a certificate of the configured
 * authority.
 */
static char *expect_servers(struct ua *ua)
{
	struct ssl_ctx_st *ctx = tls_openssl_context(ua->tls);
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);

	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	for (size_t i = 0; i < ua->config->n_servers; i++) {
		const struct config_server *server = &ua->config->servers[i];
		char host[UA_URI_MAX], *end;

		if (server->transport != SIPD_TLS)
			continue;
		snprintf(host, sizeof(host), "%s", server->uri + strlen("sip:"));
		end = *host == '[' ? strchr(host, ']') : NULL;
		if (end)
			*end = 0;
		else
			host[strcspn(host, ":;")] = 0;
		/* OpenSSL knows one address, and any number of names. */
		if (roam_addr_is_none(&server->addr) ?
		    !X509_VERIFY_PARAM_add1_host(param, host, 0) :
		    !X509_VERIFY_PARAM_set1_ip_asc(param,
						   host + (*host == '[')))
			return daemon_error("cannot expect a certificate for %s",
					    server->uri);
	}
	return NULL;
}

static char *start_tls(struct ua *ua)
{
	int err;

	if (!ua->config->tls)
		return NULL;
	err = tls_alloc(&ua->tls, TLS_METHOD_SSLV23,
			ua->config->tls_certificate, NULL);
	if (err)
		return daemon_error("cannot use %s for TLS: %s; it must hold a certificate and its key in PEM",
				    ua->config->tls_certificate,
				    strerror(err));
	err = tls_add_ca(ua->tls, ua->config->tls_ca);
	if (err)
		return daemon_error("cannot read the authorities of TLS from %s: %s",
				    ua->config->tls_ca, strerror(err));
	return expect_servers(ua);
}

static char *start_stack(struct ua *ua, enum ua_side side)
{
	struct ua_stack *stack = &ua->stacks[side];
	int err;

	stack->ua = ua;
	stack->side = side;
	err = sip_alloc(&stack->sip, ua->dnsc, HASH_SIZE, HASH_SIZE, 256,
			"roam-sipd/" ROAM_VERSION, NULL, stack);
	if (!err)
		err = sip_listen(&stack->requests, stack->sip, true,
				 on_request, stack);
	if (!err)
		err = sip_listen(&stack->responses, stack->sip, false,
				 on_response, stack);
	if (err)
		return daemon_error("cannot make a SIP stack: %s",
				    strerror(err));
	sip_set_trace_handler(stack->sip, on_trace);
	return NULL;
}

static char *start_local(struct ua *ua)
{
	const struct config *config = ua->config;
	char addr[ROAM_ADDR_STRLEN], *error;
	int err;

	if (roam_addr_is_none(&config->local))
		return NULL;
	error = start_stack(ua, UA_LOCAL);
	if (error)
		return error;
	err = listen_at(ua, &ua->stacks[UA_LOCAL], &config->local,
			config->local_port);
	return !err ? NULL :
	       daemon_error("cannot listen for phones of this host at %s, port %u: %s; choose another in local { }",
			    roam_addr_format(&config->local, addr),
			    config->local_port, strerror(err));
}

/*
 * libre writes a line to stderr for every bad message, which would let anybody fill
 * the log. Its lines become a number, ours go where they went.
 */
static ssize_t on_stderr(void *cookie, const char *text, size_t len)
{
	struct ua *ua = cookie;

	if (len > 4 && !memcmp(text, "sip:", 4))
		ua->counters.malformed++;
	else if (len < 7 || memcmp(text, "unhande", 7))
		return write(STDERR_FILENO, text, len);
	return len;
}

static void take_stderr(struct ua *ua)
{
	FILE *file = fopencookie(ua, "w", (cookie_io_functions_t){
		.write = on_stderr,
	});

	if (!file)
		return;
	setvbuf(file, NULL, _IOLBF, BUFSIZ);
	ua->real_stderr = stderr;
	stderr = file;
}

static void give_back_stderr(struct ua *ua)
{
	FILE *file = stderr;

	if (!ua->real_stderr)
		return;
	stderr = ua->real_stderr;
	fclose(file);
}

static void start_resolver(struct ua *ua)
{
	struct sa servers[NAMESERVERS_MAX];
	uint32_t n = NAMESERVERS_MAX;
	char domain[UA_URI_MAX];

	if (!roam_addr_is_none(&ua->config->nameserver)) {
		servers[0] = ua_to_sa(&ua->config->nameserver, DNS_PORT);
		n = 1;
	} else if (dns_srv_get(domain, sizeof(domain), servers, &n)) {
		n = 0;
	}
	if (dnsc_alloc(&ua->dnsc, NULL, servers, n))
		ua->dnsc = NULL;
}

static char *start_auths(struct ua *ua)
{
	size_t n = ua->config->n_servers;

	ua->auths = calloc(ua->config->n_accounts * n, sizeof(*ua->auths));
	if (!ua->auths)
		return daemon_error("out of memory");
	for (size_t i = 0; i < ua->config->n_accounts * n; i++)
		if (sip_auth_alloc(&ua->auths[i], ua_credentials,
				   &ua->config->accounts[i / n], false))
			return daemon_error("out of memory");
	return NULL;
}

static void free_auths(struct ua *ua)
{
	size_t n = ua->config->n_accounts * ua->config->n_servers;

	for (size_t i = 0; ua->auths && i < n; i++)
		mem_deref(ua->auths[i]);
	free(ua->auths);
}

struct ua *ua_open(const struct config *config, const struct ua_ops *ops,
		   void *ctx, char **error)
{
	struct ua *ua = calloc(1, sizeof(*ua));

	if (ua)
		ua->tokens = calloc(config->n_accounts, sizeof(*ua->tokens));
	if (!ua || !ua->tokens) {
		free(ua);
		*error = daemon_error("out of memory");
		return NULL;
	}
	ua->config = config;
	ua->ops = ops;
	ua->ctx = ctx;
	for (size_t i = 0; i < config->n_accounts; i++)
		snprintf(ua->tokens[i], UA_TOKEN_LEN, "%016llx",
			 (unsigned long long)daemon_random());
	leg_init(ua);
	start_resolver(ua);
	*error = start_auths(ua);
	if (!*error)
		*error = start_tls(ua);
	if (!*error)
		*error = start_stack(ua, UA_WIDE);
	if (!*error)
		*error = start_local(ua);
	if (!*error) {
		take_stderr(ua);
		return ua;
	}
	ua_close(ua);
	return NULL;
}

void ua_close(struct ua *ua)
{
	if (!ua)
		return;
	give_back_stderr(ua);
	leg_close_all(ua);
	for (int i = 0; i < 2; i++) {
		struct ua_stack *stack = &ua->stacks[i];

		if (!stack->sip)
			continue;
		mem_deref(stack->requests);
		mem_deref(stack->responses);
		sip_close(stack->sip, true);
		mem_deref(stack->sip);
	}
	mem_deref(ua->tls);
	mem_deref(ua->dnsc);
	free_auths(ua);
	table_fini(&ua->legs);
	free(ua->tokens);
	free(ua);
}

void ua_set_config(struct ua *ua, const struct config *config)
{
	ua->config = config;
	for (size_t i = 0; i < config->n_accounts * config->n_servers; i++)
		sip_auth_reset(ua->auths[i]);
}

const struct ua_counters *ua_counters(const struct ua *ua)
{
	return &ua->counters;
}

/* ---- registrations ---- */

/**
 * struct ua_registration - one account at one server
 * @ua: the user agent
 * @user: who is told
 * @account: the account
 * @dlg: Call-ID and sequence: the registrar goes by their order
 * @route: where it goes
 * @auth: what the server asked for last
 * @req: request on its way
 * @silence: nothing came yet
 * @challenged: it was answered by a challenge, and sent again
 * @expires: seconds asked for
 * @contact: contact of the last request
 * @old: contacts that the server may still have
 * @n_old: their number
 * @peer: where the last answer came from
 */
struct ua_registration {
	struct ua *ua;
	void *user;
	const struct config_account *account;
	struct sip_dialog *dlg;
	char route[UA_URI_MAX];
	struct sip_auth *auth;
	struct sip_request *req;
	struct tmr silence;
	unsigned int challenged;
	unsigned int expires;
	char contact[UA_CONTACT_MAX];
	char old[OLD_CONTACTS][UA_CONTACT_MAX];
	size_t n_old;
	struct roam_addr peer;
};

static void forget_old(struct ua_registration *reg, const char *contact)
{
	for (size_t i = 0; i < reg->n_old; i++) {
		if (strcmp(reg->old[i], contact))
			continue;
		reg->n_old--;
		memmove(reg->old[i], reg->old[i + 1],
			(reg->n_old - i) * sizeof(*reg->old));
		i--;
	}
}

static void remember_old(struct ua_registration *reg)
{
	if (!*reg->contact)
		return;
	forget_old(reg, reg->contact);
	/* The oldest ends by itself. */
	if (reg->n_old == OLD_CONTACTS)
		memmove(reg->old[0], reg->old[1],
			--reg->n_old * sizeof(*reg->old));
	memcpy(reg->old[reg->n_old++], reg->contact, UA_CONTACT_MAX);
}

/* The old contact goes in the request that brings the new one (SIP-06). */
static int print_contacts(enum sip_transp tp, const struct sa *src,
			  const struct sa *dst, struct mbuf *mb, void *arg)
{
	struct ua_registration *reg = arg;
	char contact[UA_CONTACT_MAX];
	int err;

	(void)dst;
	if (re_snprintf(contact, sizeof(contact), "<sip:%s@%J%s>",
			ua_token(reg->ua, reg->account), src,
			sip_transp_param(tp)) < 0)
		return ENOMEM;
	if (strcmp(contact, reg->contact)) {
		remember_old(reg);
		memcpy(reg->contact, contact, sizeof(contact));
	}
	forget_old(reg, contact);
	err = mbuf_printf(mb, "Contact: %s;expires=%u\r\n", contact,
			  reg->expires);
	for (size_t i = 0; i < reg->n_old && !err; i++)
		err = mbuf_printf(mb, "Contact: %s;expires=0\r\n", reg->old[i]);
	return err;
}

/**
 * struct granted - looks for our contact in an answer
 * @contact: ours
 * @expires: what was granted for it
 */
struct granted {
	const char *contact;
	unsigned int expires;
};

static bool find_granted(const struct sip_hdr *hdr, const struct sip_msg *msg,
			 void *arg)
{
	struct granted *granted = arg;
	struct sip_addr addr;
	struct pl param;

	(void)msg;
	/* Between < and >. */
	if (sip_addr_decode(&addr, &hdr->val) ||
	    addr.auri.l + 2 != strlen(granted->contact) ||
	    memcmp(addr.auri.p, granted->contact + 1, addr.auri.l) ||
	    msg_param_decode(&addr.params, "expires", &param))
		return false;
	granted->expires = pl_u32(&param);
	return true;
}

static unsigned int granted_expires(struct ua_registration *reg,
				    const struct sip_msg *msg)
{
	struct granted granted = { reg->contact, reg->expires };
	const struct sip_hdr *hdr;

	if (msg->scode == 423) {
		hdr = sip_msg_hdr(msg, SIP_HDR_MIN_EXPIRES);
		return hdr ? pl_u32(&hdr->val) : 0;
	}
	if (msg->expires.p)
		granted.expires = pl_u32(&msg->expires);
	sip_msg_hdr_apply(msg, true, SIP_HDR_CONTACT, find_granted, &granted);
	return granted.expires;
}

static bool send_register(struct ua_registration *reg);

static void on_registered(int err, const struct sip_msg *msg, void *arg)
{
	struct ua_registration *reg = arg;
	struct ua *ua = reg->ua;

	tmr_cancel(&reg->silence);
	if (err || !msg) {
		ua->ops->registered(ua->ctx, reg->user, 0, 0);
		return;
	}
	if (msg->scode < 200)
		return;
	reg->peer = ua_from_sa(&msg->src);
	if ((msg->scode == 401 || msg->scode == 407) && !reg->challenged++) {
		/* A nonce that ended says so; else it is the first time. */
		if (sip_auth_authenticate(reg->auth, msg)) {
			sip_auth_reset(reg->auth);
			if (sip_auth_authenticate(reg->auth, msg)) {
				ua->ops->registered(ua->ctx, reg->user,
						    msg->scode, 0);
				return;
			}
		}
		if (send_register(reg))
			return;
	} else if (msg->scode >= 200 && msg->scode < 300) {
		reg->n_old = 0;
		if (!reg->expires)
			*reg->contact = 0;
	} else if (msg->scode == 401 || msg->scode == 403 ||
		   msg->scode == 407) {
		sip_auth_reset(reg->auth);
	}
	ua->ops->registered(ua->ctx, reg->user, msg->scode,
			    granted_expires(reg, msg));
}

static bool send_register(struct ua_registration *reg)
{
	return !sip_drequestf(&reg->req, reg->ua->stacks[UA_WIDE].sip, true,
			      "REGISTER", reg->dlg, 0, reg->auth,
			      print_contacts, on_registered, reg,
			      UA_ALLOW "Content-Length: 0\r\n\r\n");
}

static bool set_route(struct ua_registration *reg, const char *route)
{
	const char *uri = reg->account->uri;
	char registrar[UA_URI_MAX];

	reg->dlg = mem_deref(reg->dlg);
	*reg->route = 0;
	snprintf(registrar, sizeof(registrar), "sip:%s", reg->account->domain);
	if (sip_dialog_alloc(&reg->dlg, registrar, uri, NULL, uri,
			     (const char *[]){ route }, 1))
		return false;
	snprintf(reg->route, sizeof(reg->route), "%s", route);
	return true;
}

static void on_register_silence(void *arg)
{
	struct ua_registration *reg = arg;
	struct ua *ua = reg->ua;

	ua->ops->unanswered(ua->ctx, reg->user);
}

struct ua_registration *ua_registration_new(struct ua *ua,
					    const struct config_account *account,
					    const struct config_server *server,
					    void *user)
{
	struct ua_registration *reg = calloc(1, sizeof(*reg));

	if (!reg)
		return NULL;
	tmr_init(&reg->silence);
	reg->ua = ua;
	reg->user = user;
	reg->account = account;
	if (set_route(reg, server->uri) &&
	    !sip_auth_alloc(&reg->auth, ua_credentials, (void *)account, false))
		return reg;
	ua_registration_free(reg);
	return NULL;
}

bool ua_registration_send(struct ua_registration *reg, const char *route,
			  unsigned int expires)
{
	/* The answer to the one before would not be about the present place. */
	reg->req = mem_deref(reg->req);
	reg->challenged = 0;
	reg->expires = expires;
	tmr_start(&reg->silence, REGISTER_WAITS * reg->ua->config->server_wait,
		  on_register_silence, reg);
	if (strcmp(reg->route, route)) {
		/* Who is asked now has another memory of what was asked. */
		sip_auth_reset(reg->auth);
		if (!set_route(reg, route))
			return false;
	}
	return send_register(reg);
}

void ua_registration_forget(struct ua_registration *reg)
{
	sip_auth_reset(reg->auth);
}

bool ua_registration_reroute(struct ua_registration *reg, const char *route)
{
	return ua_registration_send(reg, route, reg->expires);
}

struct roam_addr ua_registration_peer(const struct ua_registration *reg)
{
	return reg->peer;
}

void ua_registration_free(struct ua_registration *reg)
{
	if (!reg)
		return;
	tmr_cancel(&reg->silence);
	mem_deref(reg->req);
	mem_deref(reg->auth);
	mem_deref(reg->dlg);
	free(reg);
}
