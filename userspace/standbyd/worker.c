// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The second thread, which waits for the kernel while the first one says hello. It is
 * not the event loop's pool: there the loop waits for a thread that is about to tell it
 * something by spinning, and a loop that runs in front of all others would spin for as
 * long as that thread does not get the processor it spins on. Here each waits asleep,
 * and whoever holds the lock has the priority of who waits for it.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "io/daemon.h"
#include "standbyd/standby.h"

/**
 * struct worker - there is one
 * @lock: protects @waiting, @finished and @ends
 * @filled: there is a job, or the end
 * @thread: the thread
 * @runs: it does
 * @fd: eventfd: jobs have finished
 * @poll: its readiness
 * @waiting: jobs, in order
 * @finished: likewise
 * @pending: jobs whose done() was not called yet; the first thread's
 * @ends: no more will come
 */
static struct worker {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	pthread_t thread;
	bool runs;
	int fd;
	uv_poll_t poll;
	struct job *waiting;
	struct job *finished;
	size_t pending;
	bool ends;
} worker = { .filled = PTHREAD_COND_INITIALIZER, .fd = -1 };

static void append(struct job **list, struct job *job)
{
	while (*list)
		list = &(*list)->next;
	job->next = NULL;
	*list = job;
}

static void *work(void *arg)
{
	static const uint64_t one = 1;

	(void)arg;
	pthread_mutex_lock(&worker.lock);
	while (!worker.ends) {
		struct job *job = worker.waiting;

		if (!job) {
			pthread_cond_wait(&worker.filled, &worker.lock);
			continue;
		}
		worker.waiting = job->next;
		pthread_mutex_unlock(&worker.lock);
		job->run(job);
		pthread_mutex_lock(&worker.lock);
		append(&worker.finished, job);
		if (write(worker.fd, &one, sizeof(one)) < 0)
			continue; /* it counts up to 2^64 */
	}
	pthread_mutex_unlock(&worker.lock);
	return NULL;
}

static struct job *take_finished(void)
{
	struct job *jobs;

	pthread_mutex_lock(&worker.lock);
	jobs = worker.finished;
	worker.finished = NULL;
	pthread_mutex_unlock(&worker.lock);
	return jobs;
}

static void finish(struct job *jobs)
{
	while (jobs) {
		struct job *job = jobs;

		jobs = job->next;
		worker.pending--;
		job->done(job);
	}
}

static void on_finished(uv_poll_t *poll, int status, int events)
{
	uint64_t n;

	(void)poll;
	(void)status;
	(void)events;
	if (read(worker.fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		return;
	finish(take_finished());
}

char *worker_start(uv_loop_t *loop)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&worker.lock, &attr);
	pthread_mutexattr_destroy(&attr);
	worker.ends = false;
	worker.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker.fd < 0)
		return daemon_error("no event descriptor: %s", strerror(errno));
	if (pthread_create(&worker.thread, NULL, work, NULL))
		return daemon_error("no second thread: %s", strerror(errno));
	worker.runs = true;
	uv_poll_init(loop, &worker.poll, worker.fd);
	uv_poll_start(&worker.poll, UV_READABLE, on_finished);
	return NULL;
}

void worker_submit(struct job *job)
{
	pthread_mutex_lock(&worker.lock);
	append(&worker.waiting, job);
	pthread_cond_signal(&worker.filled);
	pthread_mutex_unlock(&worker.lock);
	worker.pending++;
}

/* What has not begun is not done any more, but whoever asked for it is told. */
void worker_stop(void)
{
	struct job *jobs;

	if (worker.runs) {
		pthread_mutex_lock(&worker.lock);
		worker.ends = true;
		pthread_cond_signal(&worker.filled);
		pthread_mutex_unlock(&worker.lock);
		pthread_join(worker.thread, NULL);
		worker.runs = false;
		uv_close((uv_handle_t *)&worker.poll, NULL);
		finish(take_finished());
		jobs = worker.waiting;
		worker.waiting = NULL;
		finish(jobs);
	}
	if (worker.fd >= 0)
		close(worker.fd);
	worker.fd = -1;
}
