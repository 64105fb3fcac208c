// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The watcher: a child that outlives the daemon. It holds the read end of a pipe
 * that ends with the daemon, and looks at a page where the daemon says that it
 * runs. When the daemon has crashed, or did not run for so long that another
 * router may take over, the watcher takes the addresses away and sends the
 * Resign that the daemon had signed for this case.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/daemon.h"
#include "io/log.h"
#include "standbyd/kernel.h"
#include "standbyd/standby.h"

#define LOOK_MIN 2		/* ms between two looks at the page */
#define LOOK_MAX 1000

/**
 * struct slot - a group that serves
 * @serving: written last by the daemon, first cleared by whoever withdraws
 * @place: where its addresses are
 * @fd: socket to send from
 * @from: primary address
 * @to: receivers of the Resign
 * @port: likewise
 * @limit: ms without a sign of life after which others take over
 * @resign: the signed message
 * @len: its length in bytes
 */
struct slot {
	atomic_bool serving;
	struct placement place;
	int fd;
	struct roam_addr from;
	struct roam_addr to;
	uint16_t port;
	msec_t limit;
	uint8_t resign[HSRP_MAX_LEN];
	size_t len;
};

/**
 * struct page - shared by both
 * @beat: when the daemon ran last
 * @acted: the watcher withdrew something since the daemon looked
 * @n: slots that were ever used
 * @slots: groups
 */
struct page {
	_Atomic msec_t beat;
	atomic_bool acted;
	atomic_size_t n;
	struct slot slots[GROUPS_MAX];
};

static struct page *page;
static pid_t watcher;
static int pipe_end = -1;

static void send_resign(const struct slot *slot)
{
	struct sockaddr_in dst = {
		.sin_family = AF_INET, .sin_port = htons(slot->port),
		.sin_addr = roam_addr_to_in(&slot->to),
	};
	union {
		char b[CMSG_SPACE(sizeof(struct in_pktinfo))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { (void *)slot->resign, slot->len };
	struct msghdr msg = {
		.msg_name = &dst, .msg_namelen = sizeof(dst), .msg_iov = &iov,
		.msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct in_pktinfo info = {
		.ipi_ifindex = (int)slot->place.link,
		.ipi_spec_dst = roam_addr_to_in(&slot->from),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	sendmsg(slot->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/*
 * Each group that serves and whose daemon was silent for its limit. The address
 * goes before the word does; what takes long comes last.
 */
static void withdraw(struct rtnl *rtnl, msec_t silent)
{
	bool done[GROUPS_MAX] = { false };
	size_t n = page->n;

	for (size_t i = 0; i < n; i++) {
		struct slot *slot = &page->slots[i];

		if (silent < slot->limit || !atomic_exchange(&slot->serving,
							     false))
			continue;
		page->acted = true;
		done[i] = true;
		kernel_withdraw(rtnl, &slot->place);
		send_resign(slot);
	}
	for (size_t i = 0; i < n; i++)
		if (done[i] && !page->slots[i].serving)
			kernel_withdraw_mac(rtnl, &page->slots[i].place);
}

/* How long the watcher may sleep: the shortest limit of a group that serves. */
static msec_t patience(void)
{
	msec_t shortest = LOOK_MAX;
	size_t n = page->n;

	for (size_t i = 0; i < n; i++)
		if (page->slots[i].serving)
			shortest = min_time(shortest, page->slots[i].limit / 8);
	return max_time(shortest, LOOK_MIN);
}

static void close_others(const struct standbyd *d, int keep)
{
	long max = sysconf(_SC_OPEN_MAX);

	for (int fd = 3; fd < (max < 4096 ? max : 4096); fd++) {
		bool ours = fd == keep;

		for (size_t i = 0; i < d->n_links; i++)
			for (int form = 0; form < FORMS; form++)
				ours |= d->links[i]->sockets[form] &&
					d->links[i]->sockets[form]->fd == fd;
		if (!ours)
			close(fd);
	}
}

static void watch(struct standbyd *d, int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	msec_t looked = daemon_now();
	struct rtnl *rtnl;
	char *error;

	/* It ends with the daemon, and not by what a service manager sends. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	prctl(PR_SET_NAME, "standby-watch");
	if (d->config->realtime)
		realtime_begin(d->config);
	close_others(d, fd);
	rtnl = rtnl_open(&error);
	if (!rtnl)
		_exit(1);
	for (;;) {
		int n = poll(&pfd, 1, (int)patience());
		msec_t now = daemon_now();
		char byte;

		if (n > 0) {
			/* A byte is the daemon's farewell, the end its crash. */
			if (read(fd, &byte, 1) == 0) {
				withdraw(rtnl, MSEC_NEVER);
				for (size_t i = 0; i < d->n_links; i++)
					kernel_untune(d->links[i]);
			}
			break;
		}
		/* If the host did not run, the daemon could not either. */
		if (now - looked < 2 * LOOK_MAX)
			withdraw(rtnl, now - page->beat);
		looked = now;
	}
	rtnl_close(rtnl);
	_exit(0);
}

char *watch_start(struct standbyd *d)
{
	int ends[2];
	sigset_t all, old;

	if (!d->config->watch)
		return NULL;
	if (!page) {
		page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (page == MAP_FAILED) {
			page = NULL;
			return daemon_error("no memory for the watcher: %s",
					    strerror(errno));
		}
	}
	page->beat = daemon_now();
	if (pipe2(ends, O_CLOEXEC))
		return daemon_error("cannot start the watcher: %s",
				    strerror(errno));
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	watcher = fork();
	if (!watcher) {
		for (int i = 1; i < NSIG; i++)
			signal(i, SIG_DFL);
		sigprocmask(SIG_SETMASK, &old, NULL);
		close(ends[1]);
		watch(d, ends[0]);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(ends[0]);
	if (watcher < 0) {
		close(ends[1]);
		return daemon_error("cannot start the watcher: %s",
				    strerror(errno));
	}
	pipe_end = ends[1];
	return NULL;
}

void watch_stop(struct standbyd *d)
{
	(void)d;
	if (pipe_end < 0)
		return;
	if (write(pipe_end, "x", 1) != 1)
		log_warning("the watcher does not listen");
	close(pipe_end);
	pipe_end = -1;
	waitpid(watcher, NULL, 0);
	watcher = 0;
	if (page)
		page->n = 0;
}

pid_t watch_pid(void)
{
	return watcher;
}

void watch_serving(struct group *group, const struct roam_addr *to,
		   const uint8_t *resign, size_t len)
{
	struct net_socket *s = group->link->sockets[group->config->form];
	struct slot *slot;

	if (!page || !s)
		return;
	slot = &page->slots[group->watch_slot];
	slot->serving = false;
	slot->place = kernel_place(group);
	slot->fd = s->fd;
	slot->from = group->e.config.addr;
	slot->to = *to;
	slot->port = net_port(group->config->form);
	slot->limit = group->e.hold - group->e.hello / 2;
	memcpy(slot->resign, resign, len);
	slot->len = len;
	if (page->n <= group->watch_slot)
		page->n = group->watch_slot + 1;
	page->beat = daemon_now();
	slot->serving = true;
}

void watch_released(struct group *group)
{
	if (page)
		page->slots[group->watch_slot].serving = false;
}

bool watch_withdrew(const struct group *group)
{
	return page && !page->slots[group->watch_slot].serving;
}

bool watch_beat(struct standbyd *d, msec_t now)
{
	(void)d;
	if (!page)
		return false;
	page->beat = now;
	return atomic_exchange(&page->acted, false);
}
