// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * roam mn session add NAME -- COMMAND: a program with a session of its own (SES-01).
 * It runs in a network namespace that holds nothing but the session's address, behind
 * a pair of links, as a device behind the node does.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "roam/client.h"
#include "roam/cmd/mn_session.h"
#include "roam/roam.h"
#include "rtnl/link.h"
#include "rtnl/addr.h"

#define INNER "eth0"
#define ROUTER "169.254.77.1"	/* in the namespace alone: the node's end of the pair */
#define ASK_EVERY 50		/* ms */
#define PATIENCE 60000		/* ms until an address has to be there */

/**
 * struct birth - what the program's side is told when it may begin
 * @home: the session's address
 * @mac: link-layer address of the node's end
 */
struct birth {
	struct roam_addr home;
	uint8_t mac[6];
};

static pid_t program;

/* ---- the program's side ---- */

static int set_up(struct rtnl *rtnl, const char *name)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(nlh, sizeof(*link));

	link->ifi_index = (int)rtnl_link_index(name);
	link->ifi_flags = IFF_UP;
	link->ifi_change = IFF_UP;
	return rtnl_talk(rtnl, nlh, NULL, NULL);
}

static int furnish(const struct birth *birth)
{
	struct roam_addr router = { 0 };
	char *error = NULL;
	struct rtnl *rtnl = rtnl_open(&error);
	unsigned int index = rtnl_link_index(INNER);
	int err;

	free(error);
	if (!rtnl)
		return -errno;
	roam_addr_parse(ROUTER, &router);
	err = set_up(rtnl, "lo");
	if (!err)
		err = set_up(rtnl, INNER);
	if (!err)
		err = rtnl_addr_add(rtnl, index, &birth->home);
	if (!err)
		err = rtnl_default_set(rtnl, AF_INET, index, &router,
				       birth->mac, &birth->home);
	rtnl_close(rtnl);
	return err;
}

static void __attribute__((noreturn)) become(int from, int to, char **argv)
{
	struct birth birth;
	char ready = 0;
	int err;

	if (unshare(CLONE_NEWNET) || write(to, &ready, 1) != 1 ||
	    read(from, &birth, sizeof(birth)) != sizeof(birth))
		_exit(127);
	err = furnish(&birth);
	if (err) {
		fprintf(stderr, "roam: the program's network cannot be made: %s\n",
			strerror(-err));
		_exit(127);
	}
	close(from);
	close(to);
	execvp(argv[0], argv);
	fprintf(stderr, "roam: '%s' cannot be run: %s\n", argv[0],
		strerror(errno));
	_exit(127);
}

/* ---- the node's side ---- */

static int make_pair(struct rtnl *rtnl, const char *name, pid_t pid)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_NEWLINK,
				NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info, *data, *peer;
	struct ifinfomsg *link;

	link = mnl_nlmsg_put_extra_header(nlh, sizeof(*link));
	link->ifi_flags = IFF_UP;
	link->ifi_change = IFF_UP;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(nlh, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(nlh, sizeof(*link));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, INNER);
	mnl_attr_put_u32(nlh, IFLA_NET_NS_PID, (uint32_t)pid);
	mnl_attr_nest_end(nlh, peer);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return rtnl_talk(rtnl, nlh, NULL, NULL);
}

struct mac_search {
	const char *name;
	uint8_t mac[6];
};

static void on_link(void *ctx, const struct rtnl_link *link)
{
	struct mac_search *s = ctx;

	if (!strcmp(link->name, s->name))
		memcpy(s->mac, link->mac, sizeof(s->mac));
}

/* True: the session has its address. */
static bool is_given(const char *name, struct roam_addr *home)
{
	json_t *rows = client_ask("mnd", "sessions", NULL), *row;
	bool given = false;
	size_t i;

	json_array_foreach(rows, i, row) {
		const char *word = json_string_value(json_object_get(row,
								     "home"));
		const char *session =
			json_string_value(json_object_get(row, "session"));
		const char *state = json_string_value(json_object_get(row,
								      "state"));

		if (session && state && word && !strcmp(session, name))
			given = !strcmp(state, "active") &&
				roam_addr_parse(word, home);
	}
	json_decref(rows);
	return given;
}

static void pass_on(int sig)
{
	if (program > 0)
		kill(program, sig);
}

static int wait_for_program(void)
{
	int status;

	while (waitpid(program, &status, 0) < 0)
		if (errno != EINTR)
			return ROAM_REFUSED;
	return WIFEXITED(status) ? WEXITSTATUS(status) :
				   128 + WTERMSIG(status);
}

/* *added: there is a session that this call made. */
static int begin(const char *name, const char *link, int to, bool *added)
{
	struct mac_search search = { .name = link };
	char *error = NULL;
	struct rtnl *rtnl = rtnl_open(&error);
	struct birth birth = { .home = { { 0 } } };
	json_t *answer;
	int status, err;

	free(error);
	if (!rtnl)
		return fail(ROAM_REFUSED, "run it as root",
			    "the kernel's routes cannot be reached");
	err = make_pair(rtnl, link, program);
	if (!err)
		err = rtnl_link_dump(rtnl, on_link, &search);
	rtnl_close(rtnl);
	if (err)
		return fail(ROAM_REFUSED, "run it as root",
			    "the link to the program cannot be made: %s",
			    strerror(-err));
	memcpy(birth.mac, search.mac, sizeof(birth.mac));
	answer = client_call("mnd", "session-add",
			     json_pack("{ss ss}", "session", name, "link",
				       link), &status);
	if (!answer)
		return status;
	*added = true;
	json_decref(answer);
	for (int waited = 0; !is_given(name, &birth.home); waited += ASK_EVERY) {
		if (waited >= PATIENCE || waitpid(program, NULL, WNOHANG))
			return fail(ROAM_REFUSED, "roam mn sessions",
				    "the session got no address");
		poll(NULL, 0, ASK_EVERY);
	}
	if (write(to, &birth, sizeof(birth)) != sizeof(birth))
		return fail(ROAM_REFUSED, "again", "the program is gone");
	return ROAM_OK;
}

int mn_session_run(const char *name, char **argv)
{
	int down[2], up[2], status;
	char link[IF_NAMESIZE], ready;
	bool added = false;

	if (pipe(down) || pipe(up))
		return fail(ROAM_REFUSED, "again", "no pipe: %s",
			    strerror(errno));
	fflush(NULL);
	program = fork();
	if (program < 0)
		return fail(ROAM_REFUSED, "again", "no process: %s",
			    strerror(errno));
	if (!program) {
		close(down[1]);
		close(up[0]);
		become(down[0], up[1], argv);
	}
	close(down[0]);
	close(up[1]);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, pass_on);
	signal(SIGINT, pass_on);
	signal(SIGHUP, pass_on);
	snprintf(link, sizeof(link), "ses%d", (int)program);
	if (read(up[0], &ready, 1) != 1) {
		wait_for_program();
		return fail(ROAM_REFUSED, "run it as root",
			    "no network namespace can be made for the program");
	}
	status = begin(name, link, down[1], &added);
	close(down[1]);
	if (status) {
		kill(program, SIGKILL);
		wait_for_program();
	} else {
		status = wait_for_program();
	}
	/* One that was there before is somebody else's. */
	if (added)
		json_decref(client_ask("mnd", "session-end",
				       json_pack("{ss}", "session", name)));
	return status;
}
