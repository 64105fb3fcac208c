// SPDX-License-Identifier: GPL-2.0-or-later
/* Which key signs what, and keys of MMP for the addresses that are given. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/user.h"
#include "drcpd/drcpd.h"
#include "io/log.h"
#include "wire/bytes.h"

#define MMP_ADDRESS_KEY 1000	/* id of the address's key in the file for roam-mmpd */

struct key keys_of(const struct drcpd *d, const struct drcp_msg *msg)
{
	const struct auth_key *domain;
	struct key key = { 0 };

	if (!d->config->is_server && !d->config->is_relay) {
		key.key = auth_keys_find(d->config->keys,
					 msg->type == DRCP_ADVERTISEMENT ?
					 msg->key_id : d->config->host_key);
		if (msg->key_id != d->config->key_id)
			key.key = NULL;
		return key;
	}
	domain = auth_keys_find(d->config->keys, msg->key_id);
	if (!domain)
		return key;
	if (msg->type == DRCP_ADVERTISEMENT)
		key.own = auth_derive(domain, msg->key_id, "roam drcp air",
				      NULL, 0);
	else
		key.own = auth_derive(domain, msg->key_id, "roam drcp host",
				      msg->client, 6);
	key.key = key.own;
	return key;
}

static void make_nonce(const struct drcp_msg *msg, uint8_t nonce[16])
{
	bytes_put(nonce, msg->stamp, 8);
	memcpy(nonce + 8, msg->addr.b + 8, 8);
}

void keys_seal(const struct drcpd *d, struct drcp_msg *assignment)
{
	const struct config *config = d->config;
	struct key key = { 0 };
	uint8_t nonce[16];

	if (!config->mmp_keys || assignment->status != DRCP_OK)
		return;
	assignment->key_id = config->key_id;
	key = keys_of(d, assignment);
	if (!key.key)
		return;
	make_nonce(assignment, nonce);
	assignment->mmp_key = config->mmp_key;
	auth_derive_seal(auth_keys_find(config->mmp_keys, config->mmp_key),
			 "roam mmp host", assignment->addr.b,
			 sizeof(assignment->addr.b), key.key, nonce,
			 assignment->sealed);
	auth_key_free(key.own);
}

/* Who may have this daemon change something (io/control.h) may read it. */
static bool set_mode(int fd)
{
	gid_t group = user_group(geteuid());

	return group == (gid_t)-1 ||
	       (!fchown(fd, (uid_t)-1, group) && !fchmod(fd, 0640));
}

/* Another file in its place, so that nobody reads half of one. */
bool keys_leave(const struct drcpd *d, const struct drcp_msg *assignment)
{
	const char *path = d->config->mmp_path;
	char line[AUTH_LINE_LEN], other[4096];
	uint8_t nonce[16];
	bool ok = false;
	int fd;

	make_nonce(assignment, nonce);
	auth_derive_open_line(auth_keys_find(d->config->keys,
					     d->config->host_key),
			      MMP_ADDRESS_KEY, nonce, assignment->sealed, line);
	if (snprintf(other, sizeof(other), "%s.new", path) >=
	    (int)sizeof(other))
		return false;
	fd = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0) {
		ok = set_mode(fd) && write(fd, line, strlen(line)) ==
				     (ssize_t)strlen(line);
		close(fd);
	}
	ok = ok && !rename(other, path);
	if (!ok)
		log_error("the key of the address cannot be left in %s: %s",
			  path, strerror(errno));
	explicit_bzero(line, sizeof(line));
	return ok;
}
