// SPDX-License-Identifier: GPL-2.0-or-later
#include "roam/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "roam/roam.h"

bool word_number(const char *word, uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(word, &end, 10);
	return word[0] >= '0' && word[0] <= '9' && !*end && !errno &&
	       *value <= max;
}

bool word_index(const char *word, const char *const *names, size_t n,
		uint8_t *value)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(word, names[i]))
			continue;
		*value = i;
		return true;
	}
	return false;
}

bool word_setting(const char *word, bool is_duration, uint32_t *value)
{
	uint64_t number;
	msec_t ms;

	if (is_duration) {
		if (!conf_parse_duration(word, &ms) || ms < 0 ||
		    ms > UINT32_MAX)
			return false;
		number = ms;
	} else if (!word_number(word, UINT32_MAX, &number)) {
		return false;
	}
	*value = number;
	return true;
}

int word_addr(const char *word, struct roam_addr *addr)
{
	if (roam_addr_parse(word, addr))
		return ROAM_OK;
	return fail(ROAM_USAGE, "give an address such as 10.77.0.5",
		    "'%s' is no IP address", word);
}

int word_addr4(const char *word, struct roam_addr *addr)
{
	if (roam_addr_parse(word, addr) && roam_addr_is_v4(addr))
		return ROAM_OK;
	return fail(ROAM_USAGE, "give an address such as 10.77.0.5",
		    "'%s' is no IPv4 address", word);
}

int word_lifetime(const char *word, uint32_t *ms)
{
	if (word_setting(word, true, ms) && *ms)
		return ROAM_OK;
	return fail(ROAM_USAGE, "write it as 500ms, 30s, 5m or 1h",
		    "'%s' is no lifetime", word);
}
