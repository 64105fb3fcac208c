/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One entry of a table that three members keep in step, with every order of messages,
 * loss, duplicates, and crashes. Written from requirements section 6 and the protocol's
 * page, not from the C core.
 *
 * What was once sent may arrive anywhere, at any time, again, or never. An update, a part
 * of a download and a leaf that is repaired are the same thing here, a version that one
 * member tells others. Version v is newer than all below it.
 *
 * In the end, when messages flow, all live members have the same, and it is
 *   as new as whatever was promised, as long as one that held it lived on,
 *   and no version from before a deletion that was forgotten.
 *
 * FAULTS crashes. With -DNO_TOMBSTONES deletions are forgotten at once, with -DTRUST what
 * was stored is believed however old it is, with -DFEW_ACKS a reply waits for nobody: each
 * of them has to be found out.
 */
#ifndef FAULTS
#define FAULTS 2
#endif
#define N 3
#ifndef VERSIONS
#define VERSIONS 2
#endif
#define ALL 7

bool up[N];
byte have[N];		/* version, 0: none */
byte stored[N];		/* on disk */
bool trusted[N];	/* the disk is younger than a tombstone lives */
byte sent;		/* bit v - 1: version v is on its way */
byte acked[4];		/* bit m: member m told the writer that it has it */
byte held[4];		/* promised; by members that have lived since */
bool promised[4];
bool deletion[4];
byte writer[4];
byte newest;
byte forgotten;		/* newest deletion whose tombstone went */
byte faults = FAULTS;
byte i, j, v, live, final;
bool old;

#define BIT(n) (1 << (n))

inline tell(from) {
	if
	:: have[from] -> sent = sent | BIT(have[from] - 1)
	:: else -> skip
	fi
}

inline take(m, version) {
	if
	:: version > have[m] -> have[m] = version; stored[m] = version; trusted[m] = true
	:: else -> skip
	fi
}

/* A change at a live member. It is on its disk before anybody hears of it. */
inline write(m) {
	newest++;
	if
	:: deletion[newest] = true
	:: true
	fi;
	writer[newest] = m;
	take(m, newest);
#ifdef NO_TOMBSTONES
	if
	:: deletion[newest] -> have[m] = 0; stored[m] = 0; forgotten = newest
	:: else -> skip
	fi;
#endif
	acked[newest] = BIT(m);
	tell(m)
}

/* The node gets its reply: each member that is alive has acknowledged. */
inline promise(version) {
	live = 0;
	for (i : 0 .. N - 1) {
		if
		:: up[i] -> live = live | BIT(i)
		:: else -> skip
		fi
	}
	if
#ifdef FEW_ACKS
	:: up[writer[version]] ->
		promised[version] = true; held[version] = live; acked[version] = 0
#endif
	:: (live & acked[version]) == live && up[writer[version]] ->
		promised[version] = true; held[version] = live; acked[version] = 0
	:: else -> skip
	fi
}

/* An acknowledgement says that it is there, or a newer one. */
inline acknowledge(m, version) {
	if
	:: have[m] >= version -> acked[version] = acked[version] | BIT(m)
	:: else -> skip
	fi
}

inline crash(m) {
	faults--;
	up[m] = false;
	have[m] = 0;
	for (i : 1 .. VERSIONS) {
		held[i] = held[i] & (ALL - BIT(m))
	}
}

/* With what was stored, if that is young, or with nothing; the rest comes by messages. */
inline start(m) {
	up[m] = true;
	if
	:: have[m] = (trusted[m] -> stored[m] : 0)
	:: have[m] = 0
	fi;
	stored[m] = have[m];
	trusted[m] = true;
	/* Somebody else's acknowledgement of an earlier life is none. */
	for (i : 1 .. VERSIONS) {
		acked[i] = (have[m] >= i -> acked[i] : acked[i] & (ALL - BIT(m)))
	}
}

/*
 * The safe period is over: what is older has arrived or never will, and a disk that has not
 * been written since is too old.
 */
inline forget(m) {
	old = false;
	for (i : 0 .. N - 1) {
		if
		:: up[i] && have[i] && have[i] < have[m] -> old = true
		:: else -> skip
		fi
	}
	if
	:: !old ->
		forgotten = (have[m] > forgotten -> have[m] : forgotten);
		sent = sent & (255 - (BIT(have[m] - 1) - 1));
		for (i : 0 .. N - 1) {
			if
#ifndef TRUST
			:: !up[i] && stored[i] <= have[m] -> trusted[i] = false
#endif
			:: else -> skip
			fi
		}
		have[m] = 0;
		stored[m] = 0
	:: else -> skip
	fi
}

/* Each digest that differs is repaired. */
inline equal() {
	final = 0;
	for (i : 0 .. N - 1) {
		if
		:: up[i] && have[i] > final -> final = have[i]
		:: else -> skip
		fi
	}
	for (i : 0 .. N - 1) {
		if
		:: up[i] -> have[i] = final
		:: else -> skip
		fi
	}
}

inline judge() {
	for (v : 1 .. VERSIONS) {
		assert(!promised[v] || !held[v] || final >= v || forgotten >= v)
	}
	/* A deletion that somebody forgot may still be known to others. */
	assert(!final || deletion[final] || final > forgotten)
}

/* What is used once and makes no state. */
inline clear() {
	i = 0;
	j = 0;
	v = 0;
	live = 0;
	old = false
}

init {
	atomic {
		for (i : 0 .. N - 1) {
			up[i] = true
		}
		i = 0
	}
	do
	:: atomic {
		select(j : 0 .. N - 1);
		if
		:: up[j] && newest < VERSIONS -> write(j)
		:: up[j] && have[j] -> tell(j)
		:: up[j] && faults -> crash(j)
		:: up[j] && have[j] && deletion[have[j]] -> forget(j)
		:: !up[j] -> start(j)
		:: else -> skip
		fi;
		clear()
	}
	:: atomic {
		select(j : 0 .. N - 1);
		select(v : 1 .. VERSIONS);
		if
		:: up[j] && (sent & BIT(v - 1)) -> take(j, v)
		:: up[j] && v <= newest && !promised[v] -> acknowledge(j, v)
		:: v <= newest && !promised[v] -> promise(v)
		:: else -> skip
		fi;
		clear()
	}
	:: atomic {
		(up[0] || up[1] || up[2]) -> equal(); judge(); break
	}
	od
}
