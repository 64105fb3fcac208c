/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ROAM_COMPAT_GSO_H
#define ROAM_COMPAT_GSO_H

/* Newer kernels have a header for segmentation. */
#ifdef ROAM_HAS_GSO_H
#include <net/gso.h>
#else
#include <linux/netdevice.h>
#endif

#endif
