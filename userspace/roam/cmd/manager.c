// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NetworkManager and systemd-networkd say in files of /run which interfaces are theirs; clients
 * of DHCP are processes in this network namespace, which name the interface on their
 * command line or take all of them.
 */
#include "roam/cmd/manager.h"

#include <ctype.h>
#include <dirent.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CMDLINE_MAX 4096

static bool file_has(const char *path, const char *line)
{
	FILE *file = fopen(path, "r");
	char buf[256];
	bool found = false;

	while (file && !found && fgets(buf, sizeof(buf), file)) {
		buf[strcspn(buf, "\n")] = '\0';
		found = !strcmp(buf, line);
	}
	if (file)
		fclose(file);
	return found;
}

static bool network_manager_has(unsigned int index)
{
	char path[64];

	snprintf(path, sizeof(path), "/run/NetworkManager/devices/%u", index);
	return file_has(path, "managed=true");
}

static bool networkd_has(unsigned int index)
{
	static const char *const states[] = { "configured", "configuring",
					      "pending", "failed" };
	char path[64], line[64];

	snprintf(path, sizeof(path), "/run/systemd/netif/links/%u", index);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		snprintf(line, sizeof(line), "ADMIN_STATE=%s", states[i]);
		if (file_has(path, line))
			return true;
	}
	return false;
}

static bool same_namespace(const char *pid)
{
	struct stat own, other;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%.16s/ns/net", pid);
	return !stat("/proc/self/ns/net", &own) && !stat(path, &other) &&
	       own.st_ino == other.st_ino && own.st_dev == other.st_dev;
}

/* Words are divided by zeros; *any: some word names an interface of this host. */
static bool names_link(const char *pid, const char *link, bool *any)
{
	char path[64], words[CMDLINE_MAX];
	bool named = false;
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%.16s/cmdline", pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	len = fread(words, 1, sizeof(words) - 1, file);
	fclose(file);
	words[len] = '\0';
	*any = false;
	for (size_t at = 0; at < len; at += strlen(words + at) + 1) {
		const char *word = words + at;

		/* "-ieth0" is as good as "-i eth0". */
		if (!strncmp(word, "-i", 2) && word[2])
			word += 2;
		named |= !strcmp(word, link);
		*any |= at && if_nametoindex(word);
	}
	return named;
}

static bool program_has(const char *program, const char *link)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	bool found = false, any;

	while (proc && !found && (entry = readdir(proc))) {
		char path[64];

		if (!isdigit((unsigned char)*entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%.16s/comm", entry->d_name);
		if (!file_has(path, program) || !same_namespace(entry->d_name))
			continue;
		found = names_link(entry->d_name, link, &any) || !any;
	}
	if (proc)
		closedir(proc);
	return found;
}

static void add(struct manager *m, const char *name, const char *before,
		const char *link, const char *behind)
{
	m->name = name;
	snprintf(m->fix, sizeof(m->fix), "%s%s%s", before, link, behind);
}

size_t managers_find(const char *link, struct manager *managers, size_t max)
{
	static const struct {
		const char *program;
		const char *before;
		const char *behind;
	} clients[] = {
		{ "dhclient", "dhclient -r ", "" },
		{ "dhcpcd", "denyinterfaces ", " in /etc/dhcpcd.conf, and restart dhcpcd" },
		{ "udhcpc", "take ", " out of what starts udhcpc, and end it" },
	};
	unsigned int index = if_nametoindex(link);
	size_t n = 0;

	if (n < max && network_manager_has(index))
		add(&managers[n++], "NetworkManager", "nmcli device set ", link,
		    " managed no");
	if (n < max && networkd_has(index))
		add(&managers[n++], "systemd-networkd",
		    "Unmanaged=yes in the [Link] section of the .network file of ",
		    link, ", and networkctl reload");
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++)
		if (n < max && program_has(clients[i].program, link))
			add(&managers[n++], clients[i].program,
			    clients[i].before, link, clients[i].behind);
	return n;
}
