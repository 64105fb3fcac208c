// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Routes and rules of a mobile host, in a network namespace of this test: which
 * source the kernel gives to which connection is asked of the kernel itself.
 */
#include "core_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rtnl/addr.h"
#include "rtnl/link.h"
#include "rtnl/mirror.h"
#include "rtnl/route.h"
#include "rtnl/rule.h"
#include "rtnl/tcp.h"

#define TABLE 7700
#define PRIORITY 7700
#define PERM4 "203.0.113.5"
#define PERM6 "2001:db8:77::5"
#define COA4 "192.0.2.2"
#define COA6 "2001:db8:1::2"
#define PEER4 "198.51.100.2"
#define PEER6 "2001:db8:2::2"
#define MARK 0x70

static struct rtnl *rtnl;
static int refused;
static unsigned int dummy;

/* A link stands for the dummy one, which not every kernel has. */
static const char script[] =
	"ip link set lo up && "
	"ip link add net type veth peer name far && "
	"ip link add roam0 type veth peer name roam1 && "
	"ip link set net up && ip link set far up && "
	"ip link set roam0 up && ip link set roam1 up && "
	"ip address add " COA4 "/24 dev net && "
	"ip address add " COA6 "/64 dev net nodad && "
	"ip route add default via 192.0.2.1 && "
	"ip -6 route add default via 2001:db8:1::1 dev net metric 50";

static int group_setup(void **state)
{
	char *error = NULL;
	struct roam_addr own4 = addr(PERM4), own6 = addr(PERM6);

	(void)state;
	if (unshare(CLONE_NEWNET) || system(script))
		return 0;
	rtnl = rtnl_open(&error);
	dummy = rtnl_link_index("roam0");
	assert_non_null(rtnl);
	assert_int_equal(rtnl_addr_add(rtnl, dummy, &own4), 0);
	assert_int_equal(rtnl_addr_add(rtnl, dummy, &own6), 0);
	/* again is fine */
	assert_int_equal(rtnl_addr_add(rtnl, dummy, &own6), 0);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	rtnl_close(rtnl);
	return 0;
}

static void need_namespace(void)
{
	if (!rtnl)
		skip();
}

static struct rtnl_rule rule(uint8_t family, uint32_t priority, uint32_t table)
{
	struct rtnl_rule r;

	memset(&r, 0, sizeof(r));
	r.family = family;
	r.ipproto = IPPROTO_TCP;
	r.priority = priority;
	r.table = table;
	return r;
}

/* What the kernel gives to a socket that connects, as text in @buf. */
static const char *source(int type, const char *to, uint16_t port,
			  uint32_t mark, char *buf)
{
	struct sockaddr_storage ss;
	struct roam_addr a = addr(to);
	socklen_t len = roam_addr_to_sockaddr(&a, port, &ss);
	int fd = socket(ss.ss_family, type | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	if (mark)
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark,
					    sizeof(mark)), 0);
	if (connect(fd, (struct sockaddr *)&ss, len))
		assert_int_equal(errno, EINPROGRESS);
	len = sizeof(ss);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
	close(fd);
	a = roam_addr_from_sockaddr((struct sockaddr *)&ss);
	return roam_addr_format(&a, buf);
}

#define assert_source(type, to, port, mark, wanted)			\
	do {								\
		char text_[ROAM_ADDR_STRLEN];				\
									\
		assert_string_equal(source(type, to, port, mark, text_), \
				    wanted);				\
	} while (0)

static void keep(uint8_t family, const struct rtnl_rule *rules, size_t n,
		 int changes)
{
	assert_int_equal(rtnl_rules_keep(rtnl, family, rules, n), changes);
	/* and that is how it stays */
	assert_int_equal(rtnl_rules_keep(rtnl, family, rules, n), 0);
}

/* So many changes bring the mirror up to date, and no more. */
static void mirror_takes(const char *own, int changes)
{
	struct roam_addr a = addr(own);

	assert_int_equal(rtnl_table_mirror(rtnl, TABLE, &a, 0, &refused), changes);
	assert_int_equal(rtnl_table_mirror(rtnl, TABLE, &a, 0, &refused), 0);
}

static void mirror(const char *own)
{
	struct roam_addr a = addr(own);

	assert_true(rtnl_table_mirror(rtnl, TABLE, &a, 0, &refused) > 0);
	assert_int_equal(rtnl_table_mirror(rtnl, TABLE, &a, 0, &refused), 0);
}

static void the_kernel_does_not_choose_the_permanent_address(void **state)
{
	struct roam_addr to = addr(PEER6), own = addr(PERM6), src;
	unsigned int oif;

	(void)state;
	need_namespace();
	assert_int_equal(rtnl_route_get(rtnl, &to, &src, &oif), 0);
	assert_addr(src, COA6);
	assert_int_equal(oif, rtnl_link_index("net"));
	assert_int_equal(rtnl_addr_elsewhere(rtnl, dummy, &own), 0);
	assert_int_equal(rtnl_addr_elsewhere(rtnl, dummy, &src), 1);
	to = addr(PEER4);
	assert_int_equal(rtnl_route_get(rtnl, &to, &src, NULL), 0);
	assert_addr(src, COA4);
	assert_int_equal(rtnl_addr_elsewhere(rtnl, dummy, &src), 1);
}

static void tcp_gets_it_and_nothing_else(void **state)
{
	struct rtnl_rule v4 = rule(AF_INET, PRIORITY, TABLE);
	struct rtnl_rule v6 = rule(AF_INET6, PRIORITY, TABLE);

	(void)state;
	need_namespace();
	mirror(PERM4);
	mirror(PERM6);
	keep(AF_INET, &v4, 1, 1);
	keep(AF_INET6, &v6, 1, 1);
	assert_source(SOCK_STREAM, PEER4, 80, 0, PERM4);
	assert_source(SOCK_STREAM, PEER6, 80, 0, PERM6);
	assert_source(SOCK_DGRAM, PEER4, 80, 0, COA4);
	assert_source(SOCK_DGRAM, PEER6, 80, 0, COA6);
	assert_int_equal(system("ip -6 route show table 7700 | grep -q fe80"),
			 256);
}

static void the_mirror_follows(void **state)
{
	(void)state;
	need_namespace();
	assert_int_equal(system("ip route add 198.51.100.0/25 via 192.0.2.7; "
				"ip -6 route add 2001:db8:3::/64 via 2001:db8:1::7"),
			 0);
	mirror_takes(PERM4, 1);
	mirror_takes(PERM6, 1);
	assert_int_equal(system("ip route del 198.51.100.0/25; "
				"ip -6 route del 2001:db8:3::/64"), 0);
	mirror_takes(PERM4, 1);
	mirror_takes(PERM6, 1);
	assert_source(SOCK_STREAM, PEER6, 80, 0, PERM6);
}

/* Of what has changed in place nothing gets lost. */
static void changed_routes_stay(void **state)
{
	(void)state;
	need_namespace();
	assert_int_equal(system("ip route change 192.0.2.0/24 dev net mtu 1300;"
				"ip -6 route change 2001:db8:1::/64 dev net proto kernel metric 256 mtu 1300"), 0);
	mirror_takes(PERM4, 1);
	mirror_takes(PERM6, 1);
	assert_int_equal(system("ip route show table 7700 192.0.2.0/24 | grep -q 'mtu 1300'"), 0);
	assert_int_equal(system("ip -6 route show table 7700 2001:db8:1::/64 | grep -q 'mtu 1300'"), 0);
}

/* What an administrator forbids is not open to TCP. */
static void routes_that_refuse_are_mirrored(void **state)
{
	static const char *const types[] = {
		"blackhole", "unreachable", "prohibit", "throw"
	};
	char cmd[256];

	(void)state;
	need_namespace();
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		snprintf(cmd, sizeof(cmd), "ip route add %s 198.51.100.0/25 &&"
			 "ip -6 route add %s 2001:db8:3::/64",
			 types[i], types[i]);
		assert_int_equal(system(cmd), 0);
		mirror_takes(PERM4, 1);
		mirror_takes(PERM6, 1);
		snprintf(cmd, sizeof(cmd), "ip route show table 7700 | grep -q '^%s 198.51.100.0/25' &&"
			 "ip -6 route show table 7700 | grep -q '^%s 2001:db8:3::/64'",
			 types[i], types[i]);
		assert_int_equal(system(cmd), 0);
		assert_int_equal(system("ip route del 198.51.100.0/25;"
					"ip -6 route del 2001:db8:3::/64"), 0);
		mirror_takes(PERM4, 1);
		mirror_takes(PERM6, 1);
	}
}

/* Cable and radio in one network, say. */
static void routes_in_one_place_are_mirrored(void **state)
{
	static const char first[] =
		"ip route show table 7700 192.0.2.0/24 | head -n 1 | grep -q 'dev net ' &&"
		"ip -6 route show table 7700 2001:db8:1::/64 | grep -q 'dev net '";
	struct roam_addr own6 = addr(PERM6);

	(void)state;
	need_namespace();
	assert_int_equal(system("ip -6 route append 2001:db8:1::/64 dev far proto kernel metric 256 &&"
				"ip route append 192.0.2.0/24 dev far"), 0);
	mirror_takes(PERM4, 1);
	mirror_takes(PERM6, 1);
	/* The first counts, whether they come one by one or together. */
	assert_int_equal(system(first), 0);
	assert_int_equal(rtnl_table_flush(rtnl, AF_INET, TABLE), 0);
	assert_int_equal(rtnl_table_flush(rtnl, AF_INET6, TABLE), 0);
	mirror(PERM4);
	mirror(PERM6);
	assert_int_equal(system(first), 0);
	/* One that differs in little is not taken for another: the kernel wants the
	 * old one to go first, which takes a second look. */
	assert_int_equal(system("ip -6 route del 2001:db8:1::/64 dev far &&"
				"ip -6 route append 2001:db8:1::/64 dev far proto kernel metric 256 mtu 1300"), 0);
	assert_true(rtnl_table_mirror(rtnl, TABLE, &own6, 0, &refused) > 0);
	mirror_takes(PERM6, 1);
	assert_int_equal(system("ip -6 route show table 7700 2001:db8:1::/64 | grep 'dev far ' | grep -q 'mtu 1300' &&"
				"ip -6 route show table 7700 2001:db8:1::/64 | grep -q 'dev net '"), 0);
	assert_int_equal(system("ip -6 route del 2001:db8:1::/64 dev far;"
				"ip route del 192.0.2.0/24 dev far"), 0);
	mirror(PERM4);
	mirror(PERM6);
	assert_source(SOCK_STREAM, PEER4, 80, 0, PERM4);
	assert_source(SOCK_STREAM, PEER6, 80, 0, PERM6);
}

/* As routing daemons make them. */
static void nexthop_objects_are_mirrored(void **state)
{
	(void)state;
	need_namespace();
	if (system("ip nexthop add id 7 via 192.0.2.7 dev net 2>/dev/null"))
		skip();
	assert_int_equal(system("ip nexthop add id 8 via 2001:db8:1::7 dev net;"
				"ip nexthop add id 9 via 192.0.2.8 dev net;"
				"ip nexthop add id 10 group 7/9;"
				"ip route add 198.51.100.0/25 nhid 7;"
				"ip route add 198.51.100.128/25 nhid 10;"
				"ip -6 route add 2001:db8:3::/64 nhid 8"), 0);
	mirror_takes(PERM4, 2);
	mirror_takes(PERM6, 1);
	assert_int_equal(system("ip route show table 7700 198.51.100.0/25 | grep -q 'via 192.0.2.7 '"), 0);
	assert_int_equal(system("ip -6 route show table 7700 2001:db8:3::/64 | grep -q 'via 2001:db8:1::7 '"), 0);
	assert_int_equal(system("ip nexthop flush"), 0);
	mirror(PERM4);
	mirror(PERM6);
}

/* The same for both families: ports, a mark, a destination, then none of it. */
static void exempt(uint8_t family, const char *peer, const char *other,
		   const char *perm, const char *coa, const char *range)
{
	struct rtnl_rule rules[4] = {
		rule(family, PRIORITY - 1, 254), rule(family, PRIORITY - 1, 254),
		rule(family, PRIORITY - 1, 254), rule(family, PRIORITY, TABLE),
	};

	rules[0].dport = 5060;
	rules[1].mark = MARK;
	rules[1].mask = 0xf0;
	rules[2].dst = prefix(range);
	keep(family, rules, 4, 3);
	assert_source(SOCK_STREAM, peer, 80, 0, perm);
	assert_source(SOCK_STREAM, peer, 5060, 0, coa);
	assert_source(SOCK_STREAM, peer, 80, MARK | 3, coa);
	assert_source(SOCK_STREAM, peer, 80, 0x10, perm);
	assert_source(SOCK_STREAM, other, 80, 0, coa);
	keep(family, &rules[3], 1, 3);
	assert_source(SOCK_STREAM, peer, 5060, 0, perm);
	keep(family, NULL, 0, 1);
	assert_source(SOCK_STREAM, peer, 80, 0, coa);
}

static void what_is_exempt_keeps_the_care_of_address(void **state)
{
	(void)state;
	need_namespace();
	/* somebody else's rule is none of our business */
	assert_int_equal(system("ip rule add priority 99 ipproto tcp table 99"),
			 0);
	exempt(AF_INET, PEER4, "198.18.0.1", PERM4, COA4, "198.18.0.0/15");
	exempt(AF_INET6, PEER6, "2001:db8:8::1", PERM6, COA6,
	       "2001:db8:8::/48");
	assert_int_equal(system("ip rule show priority 99 | grep -q 99"), 0);
}

/* The mirror is empty, the main table is not: as right after a move. */
static void tcp_without_a_way_of_its_own_is_refused(void **state)
{
	struct rtnl_rule v4[] = { rule(AF_INET, PRIORITY, TABLE),
				  rule(AF_INET, PRIORITY + 1, 0) };
	struct rtnl_rule v6[] = { rule(AF_INET6, PRIORITY, TABLE),
				  rule(AF_INET6, PRIORITY + 1, 0) };

	(void)state;
	need_namespace();
	assert_int_equal(rtnl_table_flush(rtnl, AF_INET, TABLE), 0);
	assert_int_equal(rtnl_table_flush(rtnl, AF_INET6, TABLE), 0);
	keep(AF_INET, v4, 2, 2);
	keep(AF_INET6, v6, 2, 2);
	assert_int_equal(system("ip route get " PEER4 " ipproto tcp 2>&1 | grep -q unreachable"), 0);
	assert_int_equal(system("ip route get " PEER6 " ipproto tcp 2>&1 | grep -q unreachable"), 0);
	assert_source(SOCK_DGRAM, PEER4, 80, 0, COA4);
	assert_source(SOCK_DGRAM, PEER6, 80, 0, COA6);
	mirror(PERM4);
	mirror(PERM6);
	assert_source(SOCK_STREAM, PEER4, 80, 0, PERM4);
	assert_source(SOCK_STREAM, PEER6, 80, 0, PERM6);
	keep(AF_INET, NULL, 0, 2);
	keep(AF_INET6, NULL, 0, 2);
}

static unsigned int link_of(const char *name)
{
	return rtnl_link_index(name);
}

/* The care-of address is that of one link: only its routes get the permanent one. */
static void other_links_keep_their_source(void **state)
{
	struct roam_addr own = addr(PERM4);

	(void)state;
	need_namespace();
	assert_int_equal(system("ip link add lan type veth peer name lan1 && ip link set lan up && "
				"ip link set lan1 up && ip address add 10.9.0.2/24 dev lan && "
				"ip route add 10.5.0.0/16 nexthop via 192.0.2.1 dev net "
				"nexthop via 10.9.0.1 dev lan"), 0);
	assert_true(rtnl_table_mirror(rtnl, TABLE, &own, link_of("net"), &refused) > 0);
	assert_int_equal(rtnl_table_mirror(rtnl, TABLE, &own, link_of("net"), &refused), 0);
	assert_int_equal(system("ip route show table 7700 10.9.0.0/24 | grep -q 'src 10.9.0.2' && "
				"ip route show table 7700 default | grep -q 'src " PERM4 "' && "
				"ip route show table 7700 10.5.0.0/16 | grep -q 'src " PERM4 "'"), 0);
}

/* What the kernel reports of a way without carrier it does not take itself. */
static void ways_without_carrier_are_mirrored(void **state)
{
	struct roam_addr own = addr(PERM4);

	(void)state;
	need_namespace();
	/* The kernel notices it a little later. */
	assert_int_equal(system("ip link set lan1 down; n=0; "
				"until ip route show 10.5.0.0/16 | grep -q linkdown; do "
				"n=$((n + 1)); test $n -lt 400 || exit 1; sleep 0.05; done; "
				"ip route add 10.6.0.0/16 nexthop via 192.0.2.1 dev net "
				"nexthop via 10.9.0.1 dev lan"), 0);
	assert_true(rtnl_table_mirror(rtnl, TABLE, &own, 0, &refused) > 0);
	assert_int_equal(refused, 0);
	assert_int_equal(rtnl_table_mirror(rtnl, TABLE, &own, 0, &refused), 0);
	assert_int_equal(system("ip route show table 7700 10.6.0.0/16 | grep -q 'dev lan'"), 0);
	assert_int_equal(system("ip link delete lan"), 0);
	assert_true(rtnl_table_mirror(rtnl, TABLE, &own, 0, &refused) >= 0);
}

/* Two default routes of one metric: whichever the kernel takes, the other is as good. */
static void ways_that_are_as_good(void **state)
{
	struct roam_addr to = addr(PEER4), a = addr(COA4), b = addr("10.9.0.2");

	(void)state;
	need_namespace();
	assert_int_equal(system("ip link add lan type veth peer name lan1 && ip link set lan up && "
				"ip link set lan1 up && ip address add 10.9.0.2/24 dev lan && "
				"ip route prepend default via 10.9.0.1 dev lan && "
				"ip neigh replace 192.0.2.1 dev net lladdr 2:0:0:0:0:1 nud permanent"), 0);
	assert_true(rtnl_route_is_as_good(rtnl, &to, &a, link_of("net")));
	assert_true(rtnl_route_is_as_good(rtnl, &to, &b, link_of("lan")));
	/* not on that link; no carrier; a silent gateway; a worse metric */
	assert_false(rtnl_route_is_as_good(rtnl, &to, &a, link_of("lan")));
	assert_int_equal(system("ip link set lan1 down"), 0);
	assert_false(rtnl_route_is_as_good(rtnl, &to, &b, link_of("lan")));
	assert_int_equal(system("ip link set lan1 up && "
				"ip neigh replace 10.9.0.1 dev lan nud failed"), 0);
	assert_false(rtnl_route_is_as_good(rtnl, &to, &b, link_of("lan")));
	assert_int_equal(system("ip neigh replace 10.9.0.1 dev lan lladdr 2:0:0:0:0:9 nud permanent"), 0);
	assert_true(rtnl_route_is_as_good(rtnl, &to, &b, link_of("lan")));
	assert_int_equal(system("ip route delete default via 10.9.0.1 dev lan && "
				"ip route add default via 10.9.0.1 dev lan metric 50"), 0);
	assert_false(rtnl_route_is_as_good(rtnl, &to, &b, link_of("lan")));
	assert_int_equal(system("ip link delete lan"), 0);
}

static void rules_of_others_come_first(void **state)
{
	struct rtnl_rule rules[] = { rule(AF_INET, RTNL_TCP_LAST, 254),
				     rule(AF_INET, RTNL_TCP_LAST, TABLE),
				     rule(AF_INET, RTNL_TCP_LAST, 0) };
	uint32_t last;

	(void)state;
	assert_int_equal(rtnl_tcp_before(7700, 0), 7699);
	assert_int_equal(rtnl_tcp_before(7700, 5270), 7699);
	assert_int_equal(rtnl_tcp_before(7700, 7698), 7699);
	assert_int_equal(rtnl_tcp_before(7700, 7699), 7700);
	assert_int_equal(rtnl_tcp_before(7700, 32763), 32764);
	assert_int_equal(rtnl_tcp_before(7700, 32764), 32765);
	assert_int_equal(rtnl_tcp_before(7700, 32765), 32765);
	need_namespace();
	rules[0].dport = 5060;
	/* as wg-quick sets them, one at the very last place */
	assert_int_equal(system("ip rule add not fwmark 0xca6c table 51820 priority 32765 && "
				"ip rule add table main suppress_prefixlength 0 priority 32764"), 0);
	assert_int_equal(rtnl_rules_last(rtnl, AF_INET, &last), 0);
	assert_int_equal(last, 32765);
	keep(AF_INET, rules, 3, 3);
	assert_int_equal(system("test \"$(ip rule show priority 32765 | sed 's/.*lookup //;s/ proto.*//;s/.*unreachable.*/none/' | xargs)\" = '51820 main 7700 none'"), 0);
	/* it goes and comes, now behind ours */
	assert_int_equal(system("ip rule delete priority 32765 table 51820 && "
				"ip rule add not fwmark 0xca6c table 51820 priority 32765"), 0);
	assert_true(rtnl_rules_keep(rtnl, AF_INET, rules, 3) > 0);
	assert_int_equal(rtnl_rules_keep(rtnl, AF_INET, rules, 3), 0);
	assert_int_equal(system("test \"$(ip rule show priority 32765 | sed 's/.*lookup //;s/ proto.*//;s/.*unreachable.*/none/' | xargs)\" = '51820 main 7700 none'"), 0);
	/* somebody removes the first of ours, and it comes again where it was */
	assert_int_equal(system("ip rule delete priority 32765 table main"), 0);
	assert_true(rtnl_rules_keep(rtnl, AF_INET, rules, 3) > 0);
	assert_int_equal(system("test \"$(ip rule show priority 32765 | sed 's/.*lookup //;s/ proto.*//;s/.*unreachable.*/none/' | xargs)\" = '51820 main 7700 none'"), 0);
	assert_int_equal(system("ip rule delete priority 32765 table 51820; ip rule delete priority 32764"), 0);
	keep(AF_INET, NULL, 0, 3);
	assert_int_equal(rtnl_rules_last(rtnl, AF_INET, &last), 0);
	assert_int_equal(last, 99);
}

static void all_is_taken_back(void **state)
{
	struct rtnl_rule v4 = rule(AF_INET, PRIORITY, TABLE);
	struct rtnl_rule v6 = rule(AF_INET6, PRIORITY, TABLE);
	struct roam_addr own4 = addr(PERM4), own6 = addr(PERM6);

	(void)state;
	need_namespace();
	keep(AF_INET, &v4, 1, 1);
	keep(AF_INET6, &v6, 1, 1);
	assert_true(rtnl_table_mirror(rtnl, TABLE, &own4, 0, &refused) >= 0);
	assert_true(rtnl_table_mirror(rtnl, TABLE, &own6, 0, &refused) >= 0);
	assert_true(rtnl_tcp_withdraw(rtnl) >= 2);
	assert_int_equal(rtnl_tcp_withdraw(rtnl), 0);
	assert_source(SOCK_STREAM, PEER4, 80, 0, COA4);
	assert_source(SOCK_STREAM, PEER6, 80, 0, COA6);
	/* a link that somebody else made stays */
	assert_true(rtnl_link_index("roam0"));
}

/*
 * Addresses come and go while all of them are asked for, which takes the kernel many
 * datagrams: one that stays is found each time, and no request gets another's answer.
 */
static void changes_interrupt_no_dump(void **state)
{
	static const char churn[] =
		"while :; do for i in $(seq 200); do "
		"echo address add 10.9.$((i % 20)).$i/32 dev far; "
		"echo address del 10.9.$((i % 20)).$i/32 dev far; "
		"done | ip -force -batch - >/dev/null 2>&1; done";
	struct roam_addr there = addr("10.8.7.99"), nowhere = addr("10.7.0.1");
	pid_t pid;

	(void)state;
	need_namespace();
	assert_int_equal(system("for i in $(seq 1600); do "
				"echo address add 10.8.$((i / 200)).$((i % 200))/32 dev far; "
				"done | ip -batch -"), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);
		execl("/bin/sh", "sh", "-c", churn, NULL);
		_exit(127);
	}
	setpgid(pid, pid);
	for (int i = 0; i < 300; i++) {
		assert_int_equal(rtnl_addr_link(rtnl, &there),
				 rtnl_link_index("far"));
		assert_int_equal(rtnl_addr_link(rtnl, &nowhere), 0);
		assert_int_equal(rtnl_addr_add(rtnl, dummy, &nowhere), 0);
		assert_int_equal(rtnl_addr_del(rtnl, dummy, &nowhere), 0);
	}
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(system("ip address flush dev far"), 0);
}

static void all_goes_again(void **state)
{
	(void)state;
	need_namespace();
	assert_int_equal(rtnl_table_flush(rtnl, AF_INET, TABLE), 0);
	assert_int_equal(rtnl_table_flush(rtnl, AF_INET6, TABLE), 0);
	assert_int_equal(system("test -z \"$(ip route show table 7700 2>/dev/null)"
				"$(ip -6 route show table 7700 2>/dev/null)\""),
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ .name = "OPEN-01: the kernel does not choose a permanent address by itself",
		  .test_func = the_kernel_does_not_choose_the_permanent_address },
		{ .name = "OPEN-01 MLR-28 TEN-13: TCP starts from the permanent address, nothing else does",
		  .test_func = tcp_gets_it_and_nothing_else },
		{ .name = "rtnl: the table follows the main one",
		  .test_func = the_mirror_follows },
		{ .name = "rtnl: routes that change in place are mirrored",
		  .test_func = changed_routes_stay },
		{ .name = "rtnl: routes that refuse are mirrored",
		  .test_func = routes_that_refuse_are_mirrored },
		{ .name = "rtnl: several routes in one place are mirrored",
		  .test_func = routes_in_one_place_are_mirrored },
		{ .name = "rtnl: routes to nexthop objects are mirrored",
		  .test_func = nexthop_objects_are_mirrored },
		{ .name = "TEN-11 OPEN-39 OPEN-40: what is exempt starts from the care-of address",
		  .test_func = what_is_exempt_keeps_the_care_of_address },
		{ .name = "MLR-32: TCP without a way of its own is refused",
		  .test_func = tcp_without_a_way_of_its_own_is_refused },
		{ .name = "HOST-04: what leaves by other links keeps their source",
		  .test_func = other_links_keep_their_source },
		{ .name = "HOST-06: ways without carrier are mirrored",
		  .test_func = ways_without_carrier_are_mirrored },
		{ .name = "HOST-07: which ways are as good as the one that the kernel takes",
		  .test_func = ways_that_are_as_good },
		{ .name = "HOST-08: rules of others come first",
		  .test_func = rules_of_others_come_first },
		{ .name = "HOST-09: all is taken back",
		  .test_func = all_is_taken_back },
		{ .name = "OPEN-45: what changes while the kernel is asked confuses no answer",
		  .test_func = changes_interrupt_no_dump },
		{ .name = "rtnl: nothing is left behind",
		  .test_func = all_goes_again },
	};

	return cmocka_run_group_tests_name("rtnl", tests, group_setup,
					   group_teardown);
}
