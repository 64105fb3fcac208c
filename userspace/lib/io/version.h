/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ROAM_IO_VERSION_H
#define ROAM_IO_VERSION_H

/* What -V prints, in every program. */
#define ROAM_VERSION "0.1"

#endif
