// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/user.h"

#include <grp.h>
#include <pwd.h>
#include <stddef.h>

gid_t user_group(uid_t uid)
{
	const struct passwd *user = uid ? getpwuid(uid) : NULL;
	const struct group *group = user ? getgrnam(user->pw_name) : NULL;

	return group && group->gr_gid ? group->gr_gid : (gid_t)-1;
}
