// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/share.h"

#include <math.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "wire/bytes.h"

#define PATIENCE 1000		/* ms without an answer, then a member is left out */
#define LEFT_OUT 5000		/* ms until it is tried again */
#define RECENT 4096		/* nodes whose member is remembered */
#define RECENT_FOR 10000	/* ms */
/* A node stays with its member until that has so many rounds more than its part. */
#define SLACK 64

/**
 * struct recent - where a node's last request went, as its table entry may be on its way
 * @home: the node
 * @at: when
 * @member: place in the list
 */
struct recent {
	struct roam_addr home;
	msec_t at;
	uint32_t member;
};

/**
 * struct share - see share_new()
 * @credit: requests that each member is behind its part, times all weights
 * @asked: since when something is unanswered, 0: nothing
 * @until: it is left out until then
 * @recent: by a hash of the home address; the newer one of two stays
 */
struct share {
	int64_t credit[SHARE_MAX];
	msec_t asked[SHARE_MAX];
	msec_t until[SHARE_MAX];
	struct recent recent[RECENT];
};

struct share *share_new(void)
{
	return calloc(1, sizeof(struct share));
}

void share_free(struct share *s)
{
	free(s);
}

static double score(const struct share_member *m, const struct roam_addr *home)
{
	uint8_t out[8];
	struct sha256_ctx ctx;

	if (!m->weight)
		return 0;
	sha256_init(&ctx);
	sha256_update(&ctx, sizeof(home->b), home->b);
	sha256_update(&ctx, sizeof(m->addr.b), m->addr.b);
	sha256_digest(&ctx, sizeof(out), out);
	return m->weight /
	       -log(((double)(bytes_get(out, 8) >> 11) + 0.5) / 0x1p53);
}

void share_order(const struct share_member *members, size_t n,
		 const struct roam_addr *home, size_t order[SHARE_MAX])
{
	double scores[SHARE_MAX];

	for (size_t i = 0; i < n; i++) {
		size_t at = i;

		scores[i] = score(&members[i], home);
		while (at && scores[order[at - 1]] < scores[i]) {
			order[at] = order[at - 1];
			at--;
		}
		order[at] = i;
	}
}

static bool is_usable(const struct share *s, msec_t now,
		      const struct share_member *members, size_t i)
{
	return members[i].usable && members[i].weight && now >= s->until[i];
}

static struct recent *recent_of(struct share *s, const struct roam_addr *home)
{
	return &s->recent[table_hash(home->b, sizeof(home->b)) % RECENT];
}

static size_t find_origin(const struct share_member *members, size_t n,
			  uint32_t origin)
{
	for (size_t i = 0; origin && i < n; i++)
		if (bytes_get(members[i].addr.b + 12, 4) == origin)
			return i;
	return n;
}

static size_t best(const struct share *s, msec_t now,
		   const struct share_member *members, size_t n,
		   const struct roam_addr *home)
{
	double highest = 0;
	size_t chosen = 0;

	for (size_t i = 0; i < n; i++) {
		double value;

		if (!is_usable(s, now, members, i))
			continue;
		value = score(&members[i], home);
		if (value > highest) {
			highest = value;
			chosen = i;
		}
	}
	return chosen;
}

/* Who is furthest behind its part; all parts are counted with each turn. */
static size_t turn(struct share *s, msec_t now,
		   const struct share_member *members, size_t n,
		   const struct roam_addr *home, size_t with)
{
	int64_t total = 0;
	size_t chosen = n;

	for (size_t i = 0; i < n; i++) {
		if (!is_usable(s, now, members, i))
			continue;
		total += members[i].weight;
		s->credit[i] += members[i].weight;
		if (chosen == n || s->credit[i] > s->credit[chosen])
			chosen = i;
	}
	if (chosen == n)
		return 0;
	if (with < n && !is_usable(s, now, members, with))
		chosen = best(s, now, members, n, home);
	else if (with < n && s->credit[with] > -SLACK * total)
		chosen = with;
	s->credit[chosen] -= total;
	return chosen;
}

size_t share_choose(struct share *s, msec_t now, enum share_policy policy,
		    const struct share_member *members, size_t n,
		    const struct roam_addr *home, uint32_t origin)
{
	struct recent *recent = recent_of(s, home);
	bool known = recent->at && now - recent->at < RECENT_FOR &&
		     recent->member < n && roam_addr_eq(&recent->home, home);
	size_t with = known ? recent->member : find_origin(members, n, origin);
	size_t chosen;

	if (policy == SHARE_ROUND_ROBIN)
		chosen = turn(s, now, members, n, home, with);
	else if (known && is_usable(s, now, members, with))
		chosen = with;
	else
		chosen = best(s, now, members, n, home);
	if (!known || chosen != with)
		*recent = (struct recent){ *home, now, (uint32_t)chosen };
	return chosen;
}

void share_asked(struct share *s, msec_t now, size_t member)
{
	if (!s->asked[member])
		s->asked[member] = now;
	if (now - s->asked[member] <= PATIENCE)
		return;
	s->until[member] = now + LEFT_OUT;
	s->asked[member] = 0;
}

void share_answered(struct share *s, msec_t now, size_t member, bool willing)
{
	s->asked[member] = 0;
	s->until[member] = willing ? 0 : now + LEFT_OUT;
}
