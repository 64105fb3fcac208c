// SPDX-License-Identifier: GPL-2.0-only
#include <linux/delay.h>
#include <linux/tcp.h>
#include <linux/workqueue.h>
#include <net/inet_connection_sock.h>
#include <net/inet_hashtables.h>
#include <net/ip6_fib.h>
#include <net/route.h>
#include <net/tcp.h>

#include "mangle.h"
#include "resume.h"
#include "socket.h"
#include "tcp_timer.h"
#include "workqueue.h"

/* Sockets taken out of one chain at a time. */
#define MANGLE_RESUME_BATCH 32
/*
 * Who has got no word for so long after a move, though something was sent again, sends
 * packets that are too large for the new path, perhaps, and those that could say so are
 * not let through (RFC 2923, 2.1; RFC 4821).
 */
#define MANGLE_HOLE_TIME HZ
#define MANGLE_HOLE_SILENCE (MANGLE_HOLE_TIME * 7 / 10)
/* Segments of this size pass nearly everywhere, as tcp_base_mss. */
#define MANGLE_HOLE_MSS 1024
/* How often a pass waits for who works on a socket, some 0.1 ms each. */
#define MANGLE_RESUME_WAITS 100

/**
 * struct mangle_moves - what a pass is about
 * @after: numbers of mangle_table.epoch behind this one
 * @last: up to this one
 * @waits: how often it may still wait
 * @hole: it is for those that got no word since
 */
struct mangle_moves {
	u32 after;
	u32 last;
	unsigned int waits;
	bool hole;
};

static bool mangle_moves_contain(const struct mangle_moves *moves, u32 epoch)
{
	return (s32)(epoch - moves->after) > 0 &&
	       (s32)(epoch - moves->last) <= 0;
}

/* Did one of the ends move? Under rcu_read_lock(). */
static bool mangle_socket_moved(struct mangle_net *mn, const struct sock *sk,
				const struct mangle_moves *moves)
{
	const struct mangle_peer_key key = mangle_peer_key_of(sk);
	const struct mangle_mapping *mapping;
	const struct mangle_peer *peer;

	mapping = mangle_mapping_find(&mn->table, &key.addr);
	if (mapping && mapping->role == ROAM_MANGLE_ROLE_REMOTE &&
	    mangle_moves_contain(moves, READ_ONCE(mapping->epoch)))
		return true;
	peer = mangle_peer_find(&mn->peers, &key);
	return peer && mangle_moves_contain(moves, READ_ONCE(peer->moved));
}

/*
 * Forgets the packet size that was learned on the old path. The kernel keeps it with the
 * permanent address, so no other host's is forgotten with it.
 */
static void mangle_path_forget(struct sock *sk)
{
	struct dst_entry *dst = __sk_dst_get(sk);
	bool learned;

	if (!dst)
		return;
	if (dst->ops->family == AF_INET6)
		learned = ((struct rt6_info *)dst)->rt6i_flags & RTF_CACHE;
	else
		learned = ((struct rtable *)dst)->rt_pmtu;
	/* A time in the past: at the present jiffy the size would still be valid. */
	if (learned)
		WRITE_ONCE(dst->expires, (jiffies - 1) ?: 1);
	sk_dst_reset(sk);
}

/*
 * A time-out sends one segment and waits. The oldest one may well have arrived,
 * and only the word of that be lost: the other end would hear nothing new for a round
 * trip. The new path has seen no congestion, so it gets what a new
 * connection may send (RFC 6928).
 */
static void mangle_window_open(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	bh_lock_sock(sk);
	if (!sock_owned_by_user(sk) && inet_csk(sk)->icsk_ca_state == TCP_CA_Loss &&
	    sk->sk_prot->release_cb) {
		tcp_snd_cwnd_set(tp, max_t(u32, tcp_snd_cwnd(tp),
					   min_t(u32, tp->snd_cwnd_clamp,
						 TCP_INIT_CWND)));
		/* Sends what is lost, and then what is new. */
		if (!test_and_set_bit(TCP_TSQ_DEFERRED, &sk->sk_tsq_flags))
			sock_hold(sk);
		sk->sk_prot->release_cb(sk);
	}
	bh_unlock_sock(sk);
}

/* Has it sent again without an answer, packets larger than those that always pass? */
static bool mangle_path_is_hole(const struct sock *sk)
{
	const struct inet_connection_sock *icsk = inet_csk(sk);
	const struct tcp_sock *tp = tcp_sk(sk);

	return tp->packets_out && icsk->icsk_retransmits &&
	       tp->mss_cache > MANGLE_HOLE_MSS &&
	       tcp_jiffies32 - tp->rcv_tstamp >= MANGLE_HOLE_SILENCE;
}

/*
 * Smaller segments, from which TCP itself probes upwards (RFC 4821), as it does by the
 * setting tcp_mtu_probing.
 */
static void mangle_path_shrink(struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	int headers = icsk->icsk_af_ops->net_header_len + icsk->icsk_ext_hdr_len +
		      tp->tcp_header_len;

	icsk->icsk_mtup.enabled = 1;
	icsk->icsk_mtup.search_high = tp->rx_opt.mss_clamp + sizeof(struct tcphdr) +
				      icsk->icsk_af_ops->net_header_len;
	icsk->icsk_mtup.search_low = MANGLE_HOLE_MSS + headers;
	icsk->icsk_mtup.probe_size = 0;
	icsk->icsk_mtup.probe_timestamp = tcp_jiffies32;
	/* What tcp_sync_mss() comes to, which not every kernel exports. */
	tp->mss_cache = MANGLE_HOLE_MSS;
}

/*
 * Returns false if the owner works on the socket just now.
 *
 * What the timer would do is done at once: the next tick would be milliseconds
 * away, and data that a program sends before it would put a loss probe, later
 * still, in the timer's place.
 */
static bool mangle_socket_resume(struct mangle_net *mn, struct sock *sk, bool hole)
{
	struct timer_list *timer = roam_tcp_timer(sk);
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	int what = ICSK_TIME_RETRANS;
	bool due = false, owned;

	local_bh_disable();
	bh_lock_sock(sk);
	owned = sock_owned_by_user(sk);
	if (owned || ((1 << sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN)))
		goto out;
	if (hole) {
		if (!mangle_path_is_hole(sk))
			goto out;
		mangle_path_shrink(sk);
	} else {
		mangle_path_forget(sk);
	}
	if (!tp->packets_out) {
		/* The window may have opened, and the word of it was lost. */
		if (icsk->icsk_pending != ICSK_TIME_PROBE0)
			goto out;
		what = ICSK_TIME_PROBE0;
	}
	/* The outage says nothing about the new path. */
	icsk->icsk_backoff = 0;
	icsk->icsk_rto = tp->srtt_us ?
			 min_t(u32, __tcp_set_rto(tp), TCP_RTO_MAX) :
			 TCP_TIMEOUT_INIT;
	/* Nor was it the other end's fault that no answer came. */
	if (sk->sk_state == TCP_SYN_SENT && icsk->icsk_retransmits)
		icsk->icsk_retransmits--;
	inet_csk_reset_xmit_timer(sk, what, 0, TCP_RTO_MAX);
	due = true;
	mangle_count(mn, resumed);
out:
	bh_unlock_sock(sk);
	if (due) {
		/* The function gives back the reference that an armed timer has. */
		sock_hold(sk);
		timer->function(timer);
		mangle_window_open(sk);
	}
	local_bh_enable();
	return !owned;
}

/*
 * The owner of a socket is mostly done with it in a moment. But the owner may as well
 * wait for a page, without end: then the socket is left to its timer.
 */
static void mangle_socket_resume_soon(struct mangle_net *mn, struct sock *sk,
				      struct mangle_moves *moves)
{
	while (!mangle_socket_resume(mn, sk, moves->hole) && moves->waits) {
		moves->waits--;
		usleep_range(50, 150);
	}
}

/**
 * struct mangle_batch - connections of one chain that a move concerns
 * @mn: the namespace
 * @moves: what it is about
 * @skip: how many were in batches before this one
 * @n: how many this one has; a full one means there may be more
 * @found: these, with a reference
 */
struct mangle_batch {
	struct mangle_net *mn;
	const struct mangle_moves *moves;
	unsigned int skip;
	unsigned int n;
	struct sock *found[MANGLE_RESUME_BATCH];
};

static bool mangle_batch_add(struct sock *sk, void *ctx)
{
	struct mangle_batch *batch = ctx;

	if (!mangle_socket_moved(batch->mn, sk, batch->moves))
		return true;
	if (batch->skip) {
		batch->skip--;
		return true;
	}
	if (refcount_inc_not_zero(&sk->sk_refcnt))
		batch->found[batch->n++] = sk;
	return batch->n < MANGLE_RESUME_BATCH;
}

static void mangle_chain_resume(struct mangle_net *mn, unsigned int chain,
				struct mangle_moves *moves)
{
	struct mangle_batch batch;
	unsigned int i, done = 0;

	batch.mn = mn;
	batch.moves = moves;
	do {
		batch.skip = done;
		batch.n = 0;
		mangle_chain_walk(mn->net, chain, mangle_batch_add, &batch);
		for (i = 0; i < batch.n; i++) {
			mangle_socket_resume_soon(mn, batch.found[i], moves);
			sock_put(batch.found[i]);
		}
		done += batch.n;
	} while (batch.n == MANGLE_RESUME_BATCH);
}

/* False if it is not its turn: then it comes again. */
static bool mangle_resume_pass(struct mangle_net *mn, struct delayed_work *work,
			       struct mangle_moves *moves)
{
	unsigned long pause = mangle_walk_pause(mn->net);
	unsigned int chain;
	u64 begin;

	if (pause) {
		queue_delayed_work(roam_unbound_wq, work, pause);
		return false;
	}
	begin = ktime_get_ns();
	for (chain = 0; mangle_chain_next(mn->net, &chain); chain++) {
		mangle_chain_resume(mn, chain, moves);
		cond_resched();
	}
	mangle_walk_done(mn->net, begin);
	return true;
}

static void mangle_resume_run(struct work_struct *work)
{
	struct mangle_net *mn = container_of(to_delayed_work(work), struct mangle_net,
					     resume);
	struct mangle_moves moves = {
		.after = mn->resumed,
		.waits = MANGLE_RESUME_WAITS,
	};

	/* Each number that was given out has then been written where it belongs. */
	mutex_lock(&mn->table.lock);
	moves.last = atomic_read(&mn->table.epoch);
	mutex_unlock(&mn->table.lock);
	if (!mangle_resume_pass(mn, &mn->resume, &moves))
		return;
	WRITE_ONCE(mn->resumed, moves.last);
	queue_delayed_work(roam_unbound_wq, &mn->hole, MANGLE_HOLE_TIME);
}

static void mangle_hole_run(struct work_struct *work)
{
	struct mangle_net *mn = container_of(to_delayed_work(work), struct mangle_net,
					     hole);
	struct mangle_moves moves = {
		.after = mn->checked,
		.last = READ_ONCE(mn->resumed),
		.waits = MANGLE_RESUME_WAITS,
		.hole = true,
	};

	if (mangle_resume_pass(mn, &mn->hole, &moves))
		mn->checked = moves.last;
}

void mangle_resume(struct mangle_net *mn)
{
	queue_delayed_work(roam_unbound_wq, &mn->resume, 0);
}

void mangle_resume_init(struct mangle_net *mn)
{
	INIT_DELAYED_WORK(&mn->resume, mangle_resume_run);
	INIT_DELAYED_WORK(&mn->hole, mangle_hole_run);
}

void mangle_resume_exit(struct mangle_net *mn)
{
	cancel_delayed_work_sync(&mn->resume);
	cancel_delayed_work_sync(&mn->hole);
}
