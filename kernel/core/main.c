// SPDX-License-Identifier: GPL-2.0-only
/*
 * roam_core: what the modules of roam share. It does nothing by itself: they
 * call it, and their headers bring the lines that every packet passes.
 */
#include <linux/module.h>
#include <linux/random.h>

#include "addr.h"

static int __init roam_core_init(void)
{
	get_random_bytes(&roam_hash_key, sizeof(roam_hash_key));
	/* An even multiplier would lose bits. */
	roam_hash_key.out[1] |= 1;
	return 0;
}

/* There is nothing to undo: a module that uses the core keeps it loaded. */
static void __exit roam_core_exit(void)
{
}

module_init(roam_core_init);
module_exit(roam_core_exit);

MODULE_DESCRIPTION("roam: what its modules share");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
