/* SPDX-License-Identifier: GPL-2.0-only */
<<<<<<< HEAD
#ifndef ROAM_COMPAT_GSO_H
#define ROAM_COMPAT_GSO_H

/* Newer kernels have a header for segmentation. */
#ifdef ROAM_HAS_GSO_H
#include <net/gso.h>
#else
#include <linux/netdevice.h>
=======
/* What segmentation offers: part of <linux/skbuff.h>, or a header of its own. */
#ifndef ROAM_COMPAT_GSO_H
#define ROAM_COMPAT_GSO_H

#include <linux/skbuff.h>

#if __has_include(<net/gso.h>)
#include <net/gso.h>
>>>>>>> mmp
#endif

#endif
