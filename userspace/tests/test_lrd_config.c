// SPDX-License-Identifier: GPL-2.0-or-later
/* roam-lrd's configuration; its source belongs to the daemon, not to the library. */
#include "core_test.h"

#include "lrd/config.c"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[256], conf_path[300], keys_path[300];

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, 0600), 0);
}

static int make_folder(void **state)
{
	const char *where = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/roam-test-lrd.XXXXXX",
		 where ? where : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	snprintf(conf_path, sizeof(conf_path), "%s/lrd.conf", folder);
	snprintf(keys_path, sizeof(keys_path), "%s/keys.key", folder);
	write_file(keys_path,
		   "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n");
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(conf_path);
	unlink(keys_path);
	return rmdir(folder);
}

/* What a file says that has all that is needed, and @text. */
static struct config *load(const char *text, char **error)
{
	char whole[4096];

	snprintf(whole, sizeof(whole),
		 "keys = \"%s\"\npermanent = {\"203.0.113.0/24\"}\n%s",
		 keys_path, text);
	write_file(conf_path, whole);
	return config_load(conf_path, error);
}

static struct config *load_good(const char *text)
{
	char *error;
	struct config *config = load(text, &error);

	if (!config)
		fail_msg("%s", error);
	return config;
}

/* A sentence with @cause. */
static void expect_error(const char *text, const char *cause)
{
	char *error;

	assert_null(load(text, &error));
	if (!strstr(error, cause))
		fail_msg("'%s' does not say '%s'", error, cause);
	free(error);
}

/* The ports that are exempt, and those for UDP alone, as "1 2 3". */
static void expect_ports(const char *text, const char *wanted)
{
	struct config *config = load_good(text);
	char seen[512] = "";
	size_t len = 0;

	for (size_t i = 0; i < config->exempt.n_ports; i++)
		len += snprintf(seen + len, sizeof(seen) - len, "%s%u",
				len ? " " : "", config->exempt.ports[i]);
	for (size_t i = 0; i < config->exempt.n_udp_ports; i++)
		len += snprintf(seen + len, sizeof(seen) - len, "%s%u",
				len ? " " : "", config->exempt.udp_ports[i]);
	assert_string_equal(seen, wanted);
	config_free(config);
}

#define REGISTER "register \"198.51.100.66\" { key = 1 }\n"

static void own_messages_are_exempt(void **state)
{
	(void)state;
	expect_ports(REGISTER, "5060 5061 17434");
	expect_ports("port = 4000\n" REGISTER, "5060 5061 4000");
	expect_ports("port = 4000\nregister \"198.51.100.66:4001\" { key = 1 }\n"
		     "register \"[2001:db8::1]:4002\" { key = 1 }\n"
		     "register \"198.51.100.67:4001\" { key = 1 }\n",
		     "5060 5061 4000 4001 4002");
	/* What DNS says is not known yet, but that it is asked. */
	expect_ports("register \"example.org\" { key = 1 }\n",
		     "5060 5061 17434 53");
	expect_ports("nameserver = \"192.0.2.53:5353\"\n"
		     "register \"example.org\" { key = 1 }\n",
		     "5060 5061 17434 5353");
	expect_ports("exempt { ports = {} }\n" REGISTER, "17434");
	expect_ports("exempt { ports = {17434, 22, 22} }\n" REGISTER,
		     "17434 22 17434");
}

/* "exempt { ports = {1001, 1002, ...} }" with @n of them, and a register. */
static const char *many_ports(int n)
{
	static char text[1024];
	int len = snprintf(text, sizeof(text), REGISTER "exempt { ports = {");

	for (int i = 1; i <= n; i++)
		len += snprintf(text + len, sizeof(text) - len, "%s%d",
				i > 1 ? ", " : "", 1000 + i);
	snprintf(text + len, sizeof(text) - len, "} }\n");
	return text;
}

static void ports_have_a_limit(void **state)
{
	struct config *config;

	(void)state;
	config = load_good(many_ports(MANGLE_EXEMPT_PORTS));
	assert_int_equal(config->exempt.n_ports, MANGLE_EXEMPT_PORTS);
	assert_false(mangle_exempt_has_port(&config->exempt, 17434));
	assert_true(mangle_exempt_has_udp_port(&config->exempt, 17434));
	config_free(config);
	expect_error(many_ports(MANGLE_EXEMPT_PORTS + 1),
		     "the module takes 32");
	expect_error(REGISTER "exempt { ports = {0} }\n",
		     "0 is not from 1 to 65535");
}

static void key_ids_have_a_limit(void **state)
{
	static const char *const ids[] = { "0", "2147483648", "4294967297" };
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		snprintf(text, sizeof(text),
			 "register \"198.51.100.66\" { key = %s }\n", ids[i]);
		expect_error(text, "needs a key id from 1 to 2147483647");
	}
	expect_error("register \"198.51.100.66\" { key = 2147483647 }\n",
		     "there is no key 2147483647");
}

/* Where control groups of version 2 are here; false: nowhere. */
static bool find_cgroups(char mount[256])
{
	FILE *file = fopen("/proc/self/mounts", "r");
	char line[1024];
	bool found = false;

	assert_non_null(file);
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%*s %255s cgroup2 ", mount) == 1 &&
			strstr(line, " cgroup2 ");
	fclose(file);
	return found;
}

static void proof_is_a_word(void **state)
{
	struct config *config;

	(void)state;
	config = load_good(REGISTER);
	assert_int_equal(config->corr.proof, CORR_PROOF_SOURCE);
	config_free(config);
	config = load_good(REGISTER "correspondent { proof = register }\n");
	assert_int_equal(config->corr.proof, CORR_PROOF_REGISTER);
	config_free(config);
	expect_error(REGISTER "correspondent { proof = cookie }\n", "'cookie'");
}

static void control_groups_are_paths(void **state)
{
	char mount[256], text[512];
	struct config *config;
	struct stat st;
	uint64_t id;

	(void)state;
	config = load_good(REGISTER);
	assert_int_equal(config->n_cgroups, 0);
	config_free(config);
	/* What is not there yet is looked for when the module is told. */
	config = load_good(REGISTER "exempt { cgroups = {\"no-such.slice\", \"/no/such\"} }\n");
	assert_int_equal(config->n_cgroups, 2);
	assert_string_equal(config->cgroups[0], "no-such.slice");
	assert_string_equal(config->cgroups[1], "/no/such");
	assert_int_equal(config->exempt.n_cgroups, 0);
	assert_false(mangle_cgroup_id(config->cgroups[0], &id));
	config_free(config);

	expect_error(REGISTER "exempt { cgroups = {\"/proc\"} }\n",
		     ":4: option 'cgroups': '/proc' is no control group of version 2");
	expect_error(REGISTER "exempt { cgroups = {\"/dev/null\"} }\n",
		     "'/dev/null' is no control group");
	expect_error(REGISTER "exempt { cgroups = {\"/dev/null/x\"} }\n",
		     "'/dev/null/x' is no control group");
	expect_error(REGISTER "exempt { cgroups = {\"\"} }\n",
		     "'' is no control group");
	expect_error(REGISTER "exempt { cgroups = {a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q} }\n",
		     "has 17 control groups; the module takes 16");

	if (!find_cgroups(mount))
		return;
	snprintf(text, sizeof(text), REGISTER "exempt { cgroups = {\"%s\"} }\n",
		 mount);
	config = load_good(text);
	assert_int_equal(config->n_cgroups, 1);
	assert_true(mangle_cgroup_id(config->cgroups[0], &id));
	assert_int_equal(stat(mount, &st), 0);
	assert_true(id == st.st_ino);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ .name = "TEN-11: the daemon's own messages are exempt, whatever is configured",
		  .test_func = own_messages_are_exempt },
		cmocka_unit_test(ports_have_a_limit),
		{ .name = "OPEN-27: key ids are from 1 to 2147483647",
		  .test_func = key_ids_have_a_limit },
		{ .name = "SEC-01: a correspondent takes the source or its register as proof",
		  .test_func = proof_is_a_word },
		{ .name = "OPEN-39: control groups are exempt by their path",
		  .test_func = control_groups_are_paths },
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
