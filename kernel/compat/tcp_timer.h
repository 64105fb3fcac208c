/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ROAM_COMPAT_TCP_TIMER_H
#define ROAM_COMPAT_TCP_TIMER_H

#include <net/inet_connection_sock.h>
#include <net/sock.h>

/* The timer of retransmissions. Newer kernels keep it in struct sock. */
static inline struct timer_list *roam_tcp_timer(struct sock *sk)
{
#ifdef ROAM_SOCK_HAS_TCP_TIMER
	return &sk->tcp_retransmit_timer;
#else
	return &inet_csk(sk)->icsk_retransmit_timer;
#endif
}

#endif
