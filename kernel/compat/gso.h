/* SPDX-License-Identifier: GPL-2.0-only */
/* What segmentation offers: part of <linux/skbuff.h>, or a header of its own. */
#ifndef ROAM_COMPAT_GSO_H
#define ROAM_COMPAT_GSO_H

#include <linux/skbuff.h>

#ifdef ROAM_HAS_GSO_HEADER
#include <net/gso.h>
#endif

#endif
