// SPDX-License-Identifier: GPL-2.0-only
#include <linux/slab.h>

#include "shape.h"

struct mmp_shape *mmp_shape_copy(struct mmp_net *mn)
{
	const struct mmp_shape *old =
		rcu_dereference_protected(mn->shape,
					  lockdep_is_held(&mn->mutex));

	if (!old)
		return kzalloc(sizeof(*old), GFP_KERNEL);
	return kmemdup(old, sizeof(*old), GFP_KERNEL);
}

/* The references to uplinks are those of whichever shape is in force. */
void mmp_shape_replace(struct mmp_net *mn, struct mmp_shape *shape)
{
	struct mmp_shape *old =
		rcu_replace_pointer(mn->shape, shape,
				    lockdep_is_held(&mn->mutex));

	if (old)
		kfree_rcu(old, rcu);
}
