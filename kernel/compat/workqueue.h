/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ROAM_COMPAT_WORKQUEUE_H
#define ROAM_COMPAT_WORKQUEUE_H

#include <linux/workqueue.h>

/* For work that may take long. Newer kernels warn about the old name. */
#ifdef ROAM_HAS_DFL_WQ
#define roam_unbound_wq system_dfl_wq
#else
#define roam_unbound_wq system_unbound_wq
#endif

#endif
