/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the control socket of roam-hlrd shows; the context is struct server. */
#ifndef ROAM_HLRD_SHOW_H
#define ROAM_HLRD_SHOW_H

#include "io/control.h"

extern const struct control_command show_commands[];

#endif
