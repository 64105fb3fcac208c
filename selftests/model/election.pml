/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The election of one group of three routers, with faults: a message is lost or
 * comes late, a router crashes, starts, resigns. Time goes in hellotimes; a
 * holdtime is HOLD of them. There are at most FAULTS faults, in any order and
 * place; then messages flow, and soon there is exactly one active router.
 *
 * Written from the table of requirements section 3.4, not from the C core. What
 * happens is printed in the words of userspace/tests/test_election_trace.c, which
 * lets the C core do the same.
 */
#ifndef FAULTS
#define FAULTS 2
#endif
#ifndef PREEMPT
#define PREEMPT 0
#endif
#define N 3
#define HOLD 3
#define OFF 7		/* a timer that does not run */
#define NOBODY 3

#define VIRGIN 0
#define LISTEN 2
#define SPEAK 3
#define STANDBY 4
#define ACTIVE 5

#define HELLO 0
#define COUP 1
#define RESIGN 2

#define ROOM 8

/* Router i has priority i: the last one is the best. */
byte st[N];
byte at[N];
byte sb[N];
byte known[N];		/* the active router, as heard */
bool said[N];		/* it sent a hello in this hellotime */
bool calm[N];		/* it resigned, and takes nothing back by a coup */
bool held[9];		/* what waits there comes later */
byte faults = FAULTS;
byte quiet;		/* hellotimes without a fault */
byte i, j, k, op, state, actives, up;
bool again;

/* From i to j: 3 * i + j. */
chan wire[9] = [ROOM] of { byte, byte };

inline put(from, to, what) {
	if
	:: from != to && st[to] != VIRGIN -> wire[from * N + to] ! what, st[from]
	:: else -> skip
	fi
}

inline say(from, what) {
	put(from, 0, what);
	put(from, 1, what);
	put(from, 2, what)
}

inline become(r, s) {
	st[r] = s;
	if
	:: s == ACTIVE -> known[r] = NOBODY
	:: else -> skip
	fi;
	if
	:: s >= SPEAK -> say(r, HELLO); said[r] = true
	:: else -> skip
	fi
}

/* STBY-N01: on the way to Standby an active timer that does not run has expired. */
inline become_standby(r) {
	become(r, STANDBY);
	if
	:: at[r] == OFF -> become(r, ACTIVE)
	:: else -> skip
	fi
}

inline active_expires(r) {
	at[r] = OFF;
	if
	:: st[r] == LISTEN -> at[r] = HOLD; sb[r] = HOLD; become(r, SPEAK)
	:: st[r] == STANDBY -> become(r, ACTIVE)
	:: else -> skip
	fi;
	known[r] = NOBODY
}

inline standby_expires(r) {
	sb[r] = OFF;
	if
	:: st[r] == LISTEN -> sb[r] = HOLD; become(r, SPEAK)
	:: st[r] == SPEAK -> become_standby(r)
	:: else -> skip
	fi
}

inline hear_active(r, from) {
	if
	:: st[r] == ACTIVE && from > r ->
		at[r] = HOLD; sb[r] = HOLD; become(r, SPEAK); known[r] = from
	:: st[r] == ACTIVE && from < r -> say(r, COUP)
	:: st[r] != ACTIVE && st[r] != VIRGIN ->
		at[r] = HOLD;
		known[r] = from;
		if
		:: PREEMPT && !calm[r] && from < r ->
			say(r, COUP);
			at[r] = OFF;
			if
			:: st[r] != STANDBY -> sb[r] = HOLD
			:: else -> skip
			fi;
			become(r, ACTIVE)
		:: else -> skip
		fi
	:: else -> skip
	fi
}

inline hear_standby(r, from) {
	if
	:: known[r] == from -> known[r] = NOBODY
	:: else -> skip
	fi;
	if
	:: (st[r] == LISTEN && from > r) || st[r] == ACTIVE -> sb[r] = HOLD
	:: (st[r] == SPEAK || st[r] == STANDBY) && from > r ->
		sb[r] = HOLD; become(r, LISTEN)
	:: st[r] == LISTEN && from < r -> sb[r] = HOLD; become(r, SPEAK)
	:: st[r] == SPEAK && from < r -> sb[r] = OFF; become_standby(r)
	:: else -> skip
	fi
}

inline hear_resign(r, from) {
	if
	:: known[r] == NOBODY || known[r] == from ->
		if
		:: st[r] == LISTEN -> at[r] = HOLD; sb[r] = HOLD; become(r, SPEAK)
		:: st[r] == SPEAK -> at[r] = HOLD
		:: st[r] == STANDBY -> at[r] = OFF; become(r, ACTIVE)
		:: else -> skip
		fi;
		known[r] = NOBODY
	:: else -> skip
	fi
}

inline hear(r, from) {
	if
	:: st[r] == VIRGIN -> skip
	:: st[r] != VIRGIN && op == HELLO && state == ACTIVE -> hear_active(r, from)
	:: st[r] != VIRGIN && op == HELLO && state == STANDBY -> hear_standby(r, from)
	:: st[r] != VIRGIN && op == HELLO && state == SPEAK ->
		if
		:: from > r && (st[r] == SPEAK || st[r] == STANDBY) ->
			sb[r] = HOLD; become(r, LISTEN)
		:: else -> skip
		fi
	:: st[r] != VIRGIN && op == COUP ->
		if
		:: from > r && st[r] == ACTIVE ->
			put(r, from, RESIGN);
			at[r] = HOLD; sb[r] = HOLD;
			become(r, SPEAK)
		:: else -> skip
		fi
	:: st[r] != VIRGIN && op == RESIGN -> hear_resign(r, from)
	fi
}

inline start(r) {
	printf("R %d\n", r);
	at[r] = HOLD; sb[r] = HOLD; known[r] = NOBODY; calm[r] = false;
	st[r] = LISTEN
}

inline fault() {
	faults--;
	quiet = 0
}

/* Timers of one router in a new hellotime, in the order of the C core. */
inline tick(r) {
	said[r] = false;
	if
	:: st[r] != VIRGIN ->
		if
		:: at[r] != OFF -> at[r]--
		:: else -> skip
		fi;
		if
		:: sb[r] != OFF -> sb[r]--
		:: else -> skip
		fi;
		if
		:: at[r] == 0 -> active_expires(r)
		:: else -> skip
		fi;
		if
		:: sb[r] == 0 -> standby_expires(r)
		:: else -> skip
		fi;
		if
		:: st[r] >= SPEAK && !said[r] -> say(r, HELLO)
		:: else -> skip
		fi
	:: else -> skip
	fi
}

inline count() {
	actives = (st[0] == ACTIVE) + (st[1] == ACTIVE) + (st[2] == ACTIVE);
	up = (st[0] != VIRGIN) + (st[1] != VIRGIN) + (st[2] != VIRGIN)
}

init {
	d_step {
		i = 0;
		do
		:: i < N -> start(i); i++
		:: else -> break
		od;
		printf("S %d %d %d\n", st[0], st[1], st[2])
	}
	do
	:: true ->
		/* What may go wrong between two hellotimes. */
		if
		:: true
		:: atomic { faults > 0 ->
			select(i : 0 .. 2);
			if
			:: st[i] != VIRGIN -> d_step {
				fault();
				printf("C %d\n", i);
				st[i] = VIRGIN; known[i] = NOBODY; at[i] = OFF; sb[i] = OFF }
			:: st[i] == ACTIVE -> d_step {
				fault();
				printf("G %d\n", i);
				say(i, RESIGN);
				at[i] = HOLD; sb[i] = HOLD; known[i] = NOBODY; calm[i] = true;
				st[i] = LISTEN }
			:: else -> skip
			fi }
		:: atomic {
			select(i : 0 .. 2);
			if
			:: st[i] == VIRGIN -> d_step { quiet = 0; start(i) }
			:: else -> skip
			fi }
		fi;
		d_step {
			printf("T\n");
			tick(0);
			tick(1);
			tick(2);
			i = 0;
			do
			:: i < N * N -> held[i] = false; i++
			:: else -> break
			od
		}
		/* Everything that is on its way, in any order. */
		again = true;
		do
		:: again ->
			atomic {
				again = false;
				if
				:: len(wire[1]) > 0 && !held[1] -> k = 1; again = true
				:: len(wire[2]) > 0 && !held[2] -> k = 2; again = true
				:: len(wire[3]) > 0 && !held[3] -> k = 3; again = true
				:: len(wire[5]) > 0 && !held[5] -> k = 5; again = true
				:: len(wire[6]) > 0 && !held[6] -> k = 6; again = true
				:: len(wire[7]) > 0 && !held[7] -> k = 7; again = true
				:: else -> skip
				fi;
				if
				:: again && faults > 0 -> d_step {
					fault();
					wire[k] ? op, state;
					printf("X %d %d %d %d\n", k / N, k % N, op, state) }
				:: again && faults > 0 -> d_step {
					fault();
					held[k] = true }
				:: again -> d_step {
					i = k / N; j = k % N;
					wire[k] ? op, state;
					printf("D %d %d %d %d\n", i, j, op, state);
					hear(j, i) }
				:: !again -> skip
				fi
			}
		:: !again -> break
		od;
		skip;
		d_step {
			printf("S %d %d %d\n", st[0], st[1], st[2]);
			count();
			/* Never two for longer than a hellotime once messages flow. */
			assert(quiet < 2 || actives <= 1);
			/* One within two holdtimes. */
			assert(quiet <= 2 * HOLD || up == 0 || actives == 1);
			if
			:: quiet <= 2 * HOLD -> quiet++
			:: else -> skip
			fi
		}
	od
}
