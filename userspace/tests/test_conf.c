// SPDX-License-Identifier: GPL-2.0-or-later
#include "core_test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "conf/conf.h"

#define FILE_NAME "roam-test-conf"

static char path[256];

static int make_file(void **state)
{
	const char *folder = getenv("TMPDIR");
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/%s.XXXXXX", folder ? folder : "/tmp",
		 FILE_NAME);
	fd = mkstemp(path);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

/* The tree of @text, or NULL with *error. */
static cfg_t *load(const char *text, char **error)
{
	static cfg_opt_t host[] = {
		CFG_STR("address", NULL, CFGF_NONE),
		CFG_INT("key", 0, CFGF_NONE),
		CFG_END()
	};
	static cfg_opt_t limits[] = {
		CFG_INT("rate", 1, CFGF_NONE),
		CFG_INT("burst", 1, CFGF_NONE),
		CFG_END()
	};
	static cfg_opt_t opts[] = {
		CFG_STR("lifetime", "300s", CFGF_NONE),
		CFG_STR_LIST("permanent", "{}", CFGF_NONE),
		CFG_STR("register", NULL, CFGF_NONE),
		CFG_SEC("host", host, CFGF_MULTI | CFGF_TITLE),
		CFG_SEC("limits", limits, CFGF_NONE),
		CFG_SEC("peer", host, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_END()
	};
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return conf_load(path, opts, error);
}

static void expect_error(const char *text, const char *wanted)
{
	char whole[512];
	char *error;

	assert_null(load(text, &error));
	snprintf(whole, sizeof(whole), "%s:%s", path, wanted);
	assert_string_equal(error, whole);
	free(error);
}

static void unknown_option_names_the_nearest(void **state)
{
	(void)state;
	expect_error("register = a\nlifetme = 3s\n",
		     "2: no option 'lifetme'; did you mean 'lifetime'?");
	expect_error("host \"a\" {\n  adress = x\n}\n",
		     "2: no option 'adress'; did you mean 'address'?");
	expect_error("xyzzy = 1\n",
		     "1: no option 'xyzzy'; options here: lifetime, permanent, register, host, limits, peer");
}

static void comments_do_not_move_lines(void **state)
{
	(void)state;
	expect_error("# one\n// two\n/* three\nfour # */\n\"\"\n",
		     "5: syntax error");
	expect_error("# one\nlifetime = \"# no comment\" # two\n# three\nlifetme = 3s\n",
		     "4: no option 'lifetme'; did you mean 'lifetime'?");
}

static void first_error_is_told(void **state)
{
	(void)state;
	expect_error("host \"a\" {\n key = x\n}\nlifetme = 1\n",
		     "2: option 'key': is a whole number; write it without quotes and without a unit, such as 1");
}

static void errors_of_the_parser_say_what_to_try(void **state)
{
	(void)state;
	expect_error("host {\n key = 1\n}\n",
		     "1: section 'host': has no title; write: host \"TITLE\" { ... }");
	expect_error("lifetime 3s\n",
		     "1: option 'lifetime': has no value; write: lifetime = VALUE");
	expect_error("lifetime = \"3s\n", "2: the file ends within quotes; close them");
	expect_error("lifetime = 3s }\n",
		     "1: there is no '{' for this '}'; remove it, or add the '{'");
}

static void open_section_is_told(void **state)
{
	(void)state;
	expect_error("lifetime = 3s\nhost \"{\" {\n key = 1 # }\n",
		     "2: the '{' of this line is not closed; add '}'");
}

/* Writes a file into the folder beside @path; NULL removes it. */
static void dropin(const char *name, const char *text)
{
	char file[512];
	FILE *out;

	snprintf(file, sizeof(file), "%s.d", path);
	mkdir(file, 0700);
	snprintf(file, sizeof(file), "%s.d/%s", path, name);
	unlink(file);
	if (!text)
		return;
	out = fopen(file, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static int remove_dropins(void **state)
{
	static const char *const names[] = { "10-a.conf", "9-b.conf", "c",
					     ".d.conf" };
	char folder[512];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		dropin(names[i], NULL);
	snprintf(folder, sizeof(folder), "%s.d", path);
	return rmdir(folder);
}

static void dropins_come_after_the_file(void **state)
{
	char *error;
	cfg_t *cfg;

	(void)state;
	dropin("10-a.conf", "lifetime = 10s\npermanent = {\"198.51.100.0/24\"}\n"
	       "host \"two\" { key = 2 }\nlimits { rate = 5 }\n");
	dropin("9-b.conf", "lifetime = 9s\nhost \"three\" { key = 4 }\n");
	dropin("c", "lifetme = 1s\n");
	dropin(".d.conf", "lifetme = 1s\n");
	cfg = load("lifetime = 1s\npermanent = {\"192.0.2.0/24\"}\n"
		   "host \"one\" { key = 1 }\n"
		   "host \"three\" { key = 3 address = \"192.0.2.3\" }\n"
		   "limits { burst = 7 }\n", &error);
	assert_null(error);
	/* as bytes "10" is before "9" */
	assert_string_equal(cfg_getstr(cfg, "lifetime"), "9s");
	assert_int_equal(cfg_size(cfg, "permanent"), 1);
	assert_string_equal(cfg_getnstr(cfg, "permanent", 0),
			    "198.51.100.0/24");
	assert_int_equal(cfg_size(cfg, "host"), 3);
	assert_int_equal(cfg_getint(cfg_gettsec(cfg, "host", "one"), "key"), 1);
	assert_int_equal(cfg_getint(cfg_gettsec(cfg, "host", "two"), "key"), 2);
	assert_int_equal(cfg_getint(cfg_gettsec(cfg, "host", "three"), "key"),
			 4);
	assert_null(cfg_getstr(cfg_gettsec(cfg, "host", "three"), "address"));
	assert_int_equal(cfg_getint(cfg, "limits|burst"), 7);
	assert_int_equal(cfg_getint(cfg, "limits|rate"), 5);
	assert_string_equal(cfg->filename, path);
	cfg_free(cfg);
}

/* Mistakes are where they stand, whoever finds them. */
static void mistakes_name_the_dropin(void **state)
{
	char wanted[512];
	char *error;
	cfg_t *cfg;

	(void)state;
	dropin("10-a.conf", "\nlifetime = 300\nhost \"two\" {\n key = 2 }\n");
	cfg = load("lifetime = 1s\nregister = \"x\"\n", &error);
	assert_null(error);
	error = conf_error(cfg, "lifetime", "no unit");
	snprintf(wanted, sizeof(wanted), "%s.d/10-a.conf:2: option 'lifetime': no unit", path);
	assert_string_equal(error, wanted);
	free(error);
	error = conf_error(cfg_gettsec(cfg, "host", "two"), "key", "no");
	snprintf(wanted, sizeof(wanted), "%s.d/10-a.conf:4: option 'key': no", path);
	assert_string_equal(error, wanted);
	free(error);
	error = conf_error(cfg, "register", "no");
	snprintf(wanted, sizeof(wanted), "%s:2: option 'register': no", path);
	assert_string_equal(error, wanted);
	free(error);
	cfg_free(cfg);

	dropin("10-a.conf", "# comment\nlifetme = 1s\n");
	snprintf(wanted, sizeof(wanted),
		 "%s.d/10-a.conf:2: no option 'lifetme'; did you mean 'lifetime'?", path);
	assert_null(load("lifetime = 1s\n", &error));
	assert_string_equal(error, wanted);
	free(error);
	dropin("10-a.conf", "host \"two\" {\n");
	snprintf(wanted, sizeof(wanted), "%s.d/10-a.conf:1: the '{' of", path);
	assert_null(load("", &error));
	assert_memory_equal(error, wanted, strlen(wanted));
	free(error);
}

/* Which of the two is meant is not ours to say. */
static void a_title_stands_once(void **state)
{
	char wanted[1024];
	char *error;

	(void)state;
	assert_null(load("peer \"b\" { }\npeer \"a\" {\n key = 1\n}\npeer \"c\" { }\npeer \"a\" {\n}\n",
			 &error));
	snprintf(wanted, sizeof(wanted), "%s:7: the section that ends here and the one that ends at %s:4 have the same title 'a'; write all its options into one section",
		 path, path);
	assert_string_equal(error, wanted);
	free(error);
	/* of a section that is left open, the place */
	expect_error("peer \"a\" {\n}\npeer \"a\" {\n",
		     "3: the '{' of this line is not closed; add '}'");
	dropin("10-a.conf", "\npeer \"a\" { key = 2 }\n");
	assert_null(load("peer \"a\" { key = 1 }\n", &error));
	snprintf(wanted, sizeof(wanted), "%s.d/10-a.conf:2: ", path);
	assert_memory_equal(error, wanted, strlen(wanted));
	snprintf(wanted, sizeof(wanted), "ends at %s:1 have the same title 'a'", path);
	assert_non_null(strstr(error, wanted));
	free(error);
}

static void many_sections_are_read(void **state)
{
	const unsigned int n = 20000;
	struct timespec began, end;
	size_t room = n * 48, at = 0;
	char *text = malloc(room), *error;
	cfg_t *cfg;

	(void)state;
	for (unsigned int i = 0; i < n; i++)
		at += snprintf(text + at, room - at, "peer \"%u\" { key = %u }\n",
			       i * 7919 % n, i);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
	cfg = load(text, &error);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	assert_null(error);
	assert_int_equal(cfg_size(cfg, "peer"), n);
	for (unsigned int i = 0; i < n; i += 777) {
		char title[16];
		cfg_t *peer = cfg_getnsec(cfg, "peer", i);

		snprintf(title, sizeof(title), "%u", i * 7919 % n);
		assert_string_equal(cfg_title(peer), title);
		assert_int_equal(cfg_getint(peer, "key"), i);
		assert_int_equal(peer->line, i + 1);
	}
	cfg_free(cfg);
	free(text);
	/* 170 ms; 10 s where each title is compared with all before it */
	assert_in_range((end.tv_sec - began.tv_sec) * 1000 +
			(end.tv_nsec - began.tv_nsec) / 1000000, 0, 3000);
}

static void missing_file_is_told(void **state)
{
	char *error;

	(void)state;
	assert_null(conf_load("/nonexistent/x.conf", (cfg_opt_t[]){ CFG_END() },
			      &error));
	assert_string_equal(error, "cannot read /nonexistent/x.conf: No such file or directory; write it, the daemon's manual page has an example");
	free(error);
}

static void empty_file_gives_defaults(void **state)
{
	msec_t ms = 0;
	char *error;
	cfg_t *cfg = load("", &error);

	(void)state;
	assert_non_null(cfg);
	assert_null(conf_get_duration(cfg, "lifetime", &ms));
	assert_int_equal(ms, 300000);
	cfg_free(cfg);
}

static void values_are_read(void **state)
{
	struct roam_prefix *prefixes;
	struct roam_addr a;
	char *error;
	size_t n;
	cfg_t *cfg = load("register = 192.0.2.1\npermanent = {\"10.77.0.0/24\", \"2001:db8::1\"}\n",
			  &error);

	(void)state;
	assert_non_null(cfg);
	assert_null(conf_get_addr(cfg, "register", &a));
	assert_addr(a, "192.0.2.1");
	assert_null(conf_get_prefixes(cfg, "permanent", &prefixes, &n));
	assert_int_equal(n, 2);
	assert_int_equal(prefixes[0].len, 120);
	assert_int_equal(prefixes[1].len, 128);
	free(prefixes);
	cfg_free(cfg);
}

static void bad_values_name_their_line(void **state)
{
	struct roam_prefix *prefixes;
	struct roam_addr a;
	char whole[512];
	char *error;
	size_t n;
	msec_t ms;
	cfg_t *cfg = load("# comment\nlifetime = 30\n\nregister = example.org\n"
			  "permanent = {\"10.77.0.1/24\"}\n"
			  "host \"a\" {\n  key = 3\n}\n", &error);

	(void)state;
	assert_non_null(cfg);
	error = conf_get_duration(cfg, "lifetime", &ms);
	snprintf(whole, sizeof(whole), "%s:2: option 'lifetime': '30' is no duration; write a number and ms, s, m, h or d, such as 30s",
		 path);
	assert_string_equal(error, whole);
	free(error);
	error = conf_get_addr(cfg, "register", &a);
	snprintf(whole, sizeof(whole), "%s:4: option 'register': 'example.org' is no IP address",
		 path);
	assert_string_equal(error, whole);
	free(error);
	error = conf_get_prefixes(cfg, "permanent", &prefixes, &n);
	assert_non_null(strstr(error, ":5: option 'permanent': '10.77.0.1/24'"));
	free(error);
	error = conf_get_addr(cfg_getnsec(cfg, "host", 0), "address", &a);
	assert_non_null(strstr(error, ":8: option 'address': is missing"));
	free(error);
	cfg_free(cfg);
}

static void durations_need_a_unit(void **state)
{
	static const struct {
		const char *text;
		msec_t ms;
	} good[] = {
		{ "0s", 0 }, { "500ms", 500 }, { "30s", 30000 },
		{ "5m", 300000 }, { "1h", 3600000 }, { "2d", 172800000 },
	};
	static const char *const bad[] = {
		"", "30", "s", "-1s", " 1s", "1 s", "1.5s", "1w", "1sec",
		"99999999999999999999s", "9223372036854775807s",
	};
	msec_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(conf_parse_duration(good[i].text, &ms));
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(conf_parse_duration(bad[i], &ms));
}

static void endpoints_keep_the_default_port(void **state)
{
	static const struct {
		const char *text;
		const char *addr;
		uint16_t port;
	} good[] = {
		{ "192.0.2.1", "192.0.2.1", 17434 },
		{ "192.0.2.1:5", "192.0.2.1", 5 },
		{ "2001:db8::1", "2001:db8::1", 17434 },
		{ "[2001:db8::1]", "2001:db8::1", 17434 },
		{ "[2001:db8::1]:65535", "2001:db8::1", 65535 },
		{ "[::]:17434", "::", 17434 },
	};
	static const char *const bad[] = {
		"", ":5", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536",
		"192.0.2.1:5x", "[2001:db8::1", "[2001:db8::1]5", "[]:5",
		"example.org", "[192.0.2.1]]:5",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct roam_addr a;
		uint16_t port = 17434;

		assert_true(conf_parse_endpoint(good[i].text, &a, &port));
		assert_addr(a, good[i].addr);
		assert_int_equal(port, good[i].port);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct roam_addr a = addr("192.0.2.7");
		uint16_t port = 3;

		assert_false(conf_parse_endpoint(bad[i], &a, &port));
		assert_addr(a, "192.0.2.7");
		assert_int_equal(port, 3);
	}
}

static void nearest_is_near(void **state)
{
	static const char *const names[] = { "show", "status", "counters",
					     NULL };

	(void)state;
	assert_string_equal(conf_nearest("shwo", names), "show");
	assert_string_equal(conf_nearest("stats", names), "status");
	assert_null(conf_nearest("zzzzzz", names));
	assert_null(conf_nearest("", (const char *const[]){ NULL }));
}

/* struct fields - one member of every kind and size */
struct fields {
	msec_t retry;
	uint32_t lifetime;
	uint16_t port;
	size_t peers;
	uint8_t hops;
	bool others;
	struct roam_addr addr;
	char *device;
	enum { FIRST, SECOND } mode;
	struct conf_endpoint *listen;
	size_t n_listen;
};

/* The first mistake of @text, or NULL; caller frees. */
static char *read_fields(const char *text, struct fields *f)
{
	static const char *const modes[] = { "first", "second", NULL };
	static const struct conf_field fields[] = {
		CONF_FIELD("retry", CONF_DURATION, struct fields, retry, 10,
			   60000),
		CONF_FIELD("lifetime", CONF_SECONDS, struct fields, lifetime, 1,
			   0),
		CONF_FIELD("port", CONF_NUMBER, struct fields, port, 1, 65535),
		CONF_FIELD("peers", CONF_NUMBER, struct fields, peers, 0, 0),
		CONF_FIELD("hops", CONF_NUMBER, struct fields, hops, 0, 0),
		CONF_FIELD("others", CONF_BOOL, struct fields, others, 0, 0),
		CONF_FIELD("addr", CONF_ADDR, struct fields, addr, 0, 0),
		CONF_FIELD("device", CONF_TEXT, struct fields, device, 0, 0),
		CONF_FIELD_WORD("mode", struct fields, mode, modes),
		CONF_FIELDS_END
	};
	static cfg_opt_t opts[] = {
		CFG_STR("retry", "500ms", CFGF_NONE),
		CFG_STR("lifetime", "300s", CFGF_NONE),
		CFG_INT("port", 7, CFGF_NONE),
		CFG_INT("peers", 65536, CFGF_NONE),
		CFG_INT("hops", 64, CFGF_NONE),
		CFG_BOOL("others", cfg_true, CFGF_NONE),
		CFG_STR("addr", "192.0.2.1", CFGF_NONE),
		CFG_STR("device", "roam0", CFGF_NONE),
		CFG_STR("mode", "second", CFGF_NONE),
		CFG_STR_LIST("listen", "{\"[::]\", \"192.0.2.1:9\"}", CFGF_NONE),
		CFG_END()
	};
	FILE *file = fopen(path, "w");
	char *error;
	cfg_t *cfg;

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	memset(f, 0xaa, sizeof(*f));
	f->device = NULL;
	f->listen = NULL;
	cfg = conf_load(path, opts, &error);
	assert_non_null(cfg);
	error = conf_get_fields(cfg, fields, f);
	if (!error)
		error = conf_get_endpoints(cfg, "listen", 434, &f->listen,
					   &f->n_listen);
	cfg_free(cfg);
	return error;
}

static void fields_fill_their_members(void **state)
{
	struct fields f;

	(void)state;
	assert_null(read_fields("lifetime = 2m\nhops = 255\n", &f));
	assert_int_equal(f.retry, 500);
	assert_int_equal(f.lifetime, 120);
	assert_int_equal(f.port, 7);
	assert_int_equal(f.peers, 65536);
	assert_int_equal(f.hops, 255);
	assert_true(f.others);
	assert_addr(f.addr, "192.0.2.1");
	assert_string_equal(f.device, "roam0");
	assert_int_equal(f.mode, SECOND);
	assert_int_equal(f.n_listen, 2);
	assert_int_equal(f.listen[0].port, 434);
	assert_addr(f.listen[1].addr, "192.0.2.1");
	assert_int_equal(f.listen[1].port, 9);
	free(f.device);
	free(f.listen);
}

static void fields_keep_their_bounds(void **state)
{
	static const struct {
		const char *text;
		const char *wanted;
	} bad[] = {
		{ "retry = 9ms\n", "option 'retry': '9ms' is not from 10ms to 60000ms" },
		{ "retry = 61s\n", "option 'retry': '61s' is not from 10ms to 60000ms" },
		{ "retry = soon\n", "option 'retry': 'soon' is no duration; write a number and ms, s, m, h or d, such as 30s" },
		{ "lifetime = 1500ms\n", "option 'lifetime': '1500ms' is not a whole number of seconds" },
		{ "lifetime = 0s\n", "option 'lifetime': '0s' is less than 1s" },
		{ "lifetime = 50000d\n", "option 'lifetime': '50000d' is not from 1s to 4294967295s" },
		{ "port = 65536\n", "option 'port': 65536 is not from 1 to 65535" },
		{ "peers = -1\n", "option 'peers': -1 is not from 0 to 9223372036854775807" },
		{ "hops = 256\n", "option 'hops': 256 is not from 0 to 255" },
		{ "addr = here\n", "option 'addr': 'here' is no IP address" },
		{ "mode = third\n", "option 'mode': 'third' is not first or second" },
		{ "listen = {\"x\"}\n", "option 'listen': 'x' is no address such as \"192.0.2.1\" or \"[::]:434\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char whole[512];
		struct fields f;
		char *error = read_fields(bad[i].text, &f);

		snprintf(whole, sizeof(whole), "%s:1: %s", path, bad[i].wanted);
		assert_non_null(error);
		assert_string_equal(error, whole);
		free(error);
		free(f.device);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_option_names_the_nearest),
		cmocka_unit_test(comments_do_not_move_lines),
		cmocka_unit_test(first_error_is_told),
		cmocka_unit_test(errors_of_the_parser_say_what_to_try),
		cmocka_unit_test(open_section_is_told),
		cmocka_unit_test_teardown(dropins_come_after_the_file,
					  remove_dropins),
		cmocka_unit_test_teardown(mistakes_name_the_dropin,
					  remove_dropins),
		{ .name = "GEN-07: a title stands once, in all files together",
		  .test_func = a_title_stands_once,
		  .teardown_func = remove_dropins },
		{ .name = "SES-34: twenty thousand sections are read in a moment",
		  .test_func = many_sections_are_read },
		cmocka_unit_test(missing_file_is_told),
		cmocka_unit_test(empty_file_gives_defaults),
		cmocka_unit_test(values_are_read),
		cmocka_unit_test(bad_values_name_their_line),
		cmocka_unit_test(durations_need_a_unit),
		cmocka_unit_test(endpoints_keep_the_default_port),
		cmocka_unit_test(nearest_is_near),
		{ .name = "GEN-07: a table of fields fills members of every size",
		  .test_func = fields_fill_their_members },
		{ .name = "GEN-07: a field keeps its bounds and says so",
		  .test_func = fields_keep_their_bounds },
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
