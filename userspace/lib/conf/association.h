/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mobility security associations in configuration files. */
#ifndef ROAM_CONF_ASSOCIATION_H
#define ROAM_CONF_ASSOCIATION_H

#include "conf/conf.h"
#include "core/association.h"

/* Options of a section that describes a peer. */
#define CONF_ASSOCIATION						\
	CFG_INT_LIST("spi", "{}", CFGF_NONE),				\
	CFG_INT_LIST("key", "{}", CFGF_NONE),				\
	CFG_STR_LIST("algorithm", "{}", CFGF_NONE),			\
	CFG_STR("replay", "timestamps", CFGF_NONE),			\
	CFG_STR("window", "7s", CFGF_NONE)

/**
 * conf_get_associations() - read these options
 * @cfg: the section
 * @keys: what the key ids name, read from @path
 * @path: for the sentence
 * @set: gets them; what is sent is signed with the first
 *
 * The n-th of each list make the n-th association; the algorithm is that of the
 * one before where it is not given, at first hmac-sha256.
 */
char *conf_get_associations(cfg_t *cfg, const struct auth_keys *keys,
			    const char *path, struct sa_set *set);

#endif
