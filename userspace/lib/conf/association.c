// SPDX-License-Identifier: GPL-2.0-or-later
#include "conf/association.h"

#include <string.h>

static char *read_replay(cfg_t *cfg, enum sa_replay *replay, msec_t *window)
{
	const char *word = cfg_getstr(cfg, "replay");
	char *error = conf_get_duration(cfg, "window", window);

	if (error)
		return error;
	if (*window < 1000 || *window > 3600000)
		return conf_error(cfg, "window",
				  "'%s' is not from 1s to 1h", cfg_getstr(cfg, "window"));
	if (!strcmp(word, "timestamps"))
		*replay = SA_TIMESTAMPS;
	else if (!strcmp(word, "nonces"))
		*replay = SA_NONCES;
	else
		return conf_error(cfg, "replay",
				  "'%s' is neither \"timestamps\" nor \"nonces\"",
				  word);
	return NULL;
}

static char *read_one(cfg_t *cfg, unsigned int i, const struct auth_keys *keys,
		      const char *path, struct sa_set *set)
{
	long spi = cfg_getnint(cfg, "spi", i), key = cfg_getnint(cfg, "key", i);
	struct sa *sa = &set->items[i];
	const char *word;

	if (spi < MIP_SPI_MIN || spi > UINT32_MAX)
		return conf_error(cfg, "spi", "%ld is no SPI from %d to %u",
				  spi, MIP_SPI_MIN, UINT32_MAX);
	if (sa_find(set, (uint32_t)spi))
		return conf_error(cfg, "spi", "%ld is given twice", spi);
	sa->key = key < 1 || key > AUTH_ID_MAX ? NULL :
		auth_keys_find(keys, (uint32_t)key);
	if (!sa->key)
		return conf_error(cfg, "key",
				  "there is no key %ld in %s; make one and copy its line to the peer: roam hlr keygen %ld",
				  key, path, key);
	sa->spi = (uint32_t)spi;
	sa->algorithm = i ? set->items[i - 1].algorithm : AUTH_HMAC_SHA256;
	if (i < cfg_size(cfg, "algorithm")) {
		word = cfg_getnstr(cfg, "algorithm", i);
		if (!auth_algorithm_parse(word, &sa->algorithm))
			return conf_error(cfg, "algorithm",
					  "'%s' is none of hmac-sha256, hmac-md5, keyed-md5",
					  word);
	}
	return NULL;
}

char *conf_get_associations(cfg_t *cfg, const struct auth_keys *keys,
			    const char *path, struct sa_set *set)
{
	unsigned int n = cfg_size(cfg, "spi");
	enum sa_replay replay = SA_TIMESTAMPS;
	msec_t window = SA_WINDOW;
	char *error = read_replay(cfg, &replay, &window);

	memset(set, 0, sizeof(*set));
	if (error)
		return error;
	if (!n || n > SA_PER_PEER)
		return conf_error(cfg, "spi",
				  "%s \"%s\" needs one to %d SPIs, as agreed on with it",
				  cfg->name, cfg_title(cfg) ? cfg_title(cfg) : "",
				  SA_PER_PEER);
	if (cfg_size(cfg, "key") != n)
		return conf_error(cfg, "key",
				  "there are %u SPIs and %u keys; give one key id for each SPI",
				  n, cfg_size(cfg, "key"));
	for (unsigned int i = 0; i < n; i++) {
		error = read_one(cfg, i, keys, path, set);
		if (error)
			return error;
		set->items[i].replay = replay;
		set->items[i].window = (uint32_t)window;
		set->n++;
	}
	return NULL;
}
