// SPDX-License-Identifier: GPL-2.0-only
#include <linux/export.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "lookup.h"

/* Entries that a walk visits without a pause. */
#define ROAM_WALK_BATCH 1024

/* How often an entry waits for a table that is rebuilt. */
#define ROAM_INSERT_TRIES 4

struct rhash_head *__roam_table_find(struct rhashtable *ht,
				     const struct in6_addr *key)
{
	void *entry = rhashtable_lookup(ht, key, ht->p);

	return entry ? entry + ht->p.head_offset : NULL;
}
EXPORT_SYMBOL_GPL(__roam_table_find);

int __roam_table_insert(struct rhashtable *ht, struct rhash_head *node)
{
	unsigned int tries = ROAM_INSERT_TRIES;
	int err;

	do {
		/* The next table has another seed, and so other chains. */
		flush_work(&ht->run_work);
		err = rhashtable_insert_fast(ht, node, ht->p);
	} while (err == -EBUSY && --tries);
	return err;
}
EXPORT_SYMBOL_GPL(__roam_table_insert);

void roam_table_walk(struct rhashtable *ht, bool (*fn)(void *entry, void *ctx),
		     void *ctx)
{
	struct rhashtable_iter iter;
	unsigned int n = 0;
	void *entry;

	rhashtable_walk_enter(ht, &iter);
	rhashtable_walk_start(&iter);
	for (entry = rhashtable_walk_peek(&iter); entry;
	     entry = rhashtable_walk_next(&iter)) {
		/*
		 * Let others run, and RCU free what was removed. Before @fn: the
		 * walk goes on behind the entry it stands at, and where that one
		 * is gone it would miss another.
		 */
		if (!(++n % ROAM_WALK_BATCH)) {
			rhashtable_walk_stop(&iter);
			cond_resched();
			rhashtable_walk_start(&iter);
			entry = rhashtable_walk_peek(&iter);
			if (!entry)
				break;
		}
		if (!IS_ERR(entry) && !fn(entry, ctx))
			break;
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
}
EXPORT_SYMBOL_GPL(roam_table_walk);
