/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zone: who is found by whom under which name, turns, who runs, ways back, and that what goes is gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/names/zone.h"

enum { FRONT = 3, BACK = 7 };

static struct ip ip(const char *text)
{
	struct ip ret = { 0 };

	assert_true(!*text || ip_parse(text, &ret));
	return ret;
}

static void add(struct zone *z, uint32_t slot, uint32_t network, const char *name, const char *v4,
		const char *v6)
{
	const struct ip ips[2] = { ip(v4), ip(v6) };

	zone_add(z, slot, network, name, ips, !strncmp(name, "t-", 2));
}

/* web on both networks, db on the back one, two workers there who are both "work". */
static struct zone *world(void)
{
	struct zone *z = zone_new();
	struct ip_net subnet;

	zone_network(z, FRONT, "t_front");
	zone_network(z, BACK, "t_back");
	assert_true(ip_net_parse("10.1.0.0/24", &subnet));
	zone_subnet(z, FRONT, &subnet);
	assert_true(ip_net_parse("10.2.0.0/24", &subnet));
	zone_subnet(z, BACK, &subnet);
	assert_true(ip_net_parse("fd00:2::/64", &subnet));
	zone_subnet(z, BACK, &subnet);
	add(z, 0, FRONT, "t-web-1", "10.1.0.2", "");
	add(z, 0, FRONT, "web", "10.1.0.2", "");
	add(z, 0, BACK, "t-web-1", "10.2.0.2", "fd00:2::2");
	add(z, 0, BACK, "web", "10.2.0.2", "fd00:2::2");
	add(z, 1, BACK, "t-db-1", "10.2.0.3", "");
	add(z, 1, BACK, "db", "10.2.0.3", "");
	add(z, 1, BACK, "Data.Base", "10.2.0.3", "");
	add(z, 2, BACK, "work", "10.2.0.4", "");
	add(z, 3, BACK, "work", "10.2.0.5", "fd00:2::5");
	return z;
}

/* "10.1.0.2 10.1.0.3", "" none of this family, "-" not known. */
static void expect(struct zone *z, const uint32_t *networks, size_t n, const char *name,
		   uint8_t family, const char *want)
{
	const struct zone_view v = { networks, n };
	struct ip ips[ZONE_ADDRESSES];
	int found = zone_find(z, &v, name, family, ips);
	char got[512] = "";
	size_t at = 0;

	if (found < 0)
		strcpy(got, "-");
	for (int i = 0; i < found; i++)
		at += (size_t)snprintf(got + at, sizeof(got) - at, "%s%s", i ? " " : "",
				       ip_text(&ips[i]).text);
	if (strcmp(got, want) != 0)
		fail_msg("%s: '%s', not '%s'", name, got, want);
}

static const uint32_t front[] = { FRONT }, back[] = { BACK }, both[] = { FRONT, BACK },
		      turned[] = { BACK, FRONT };

static void test_views(void **state)
{
	struct zone *z = world();

	(void)state;
	expect(z, front, 1, "web", AF_INET, "10.1.0.2");
	expect(z, front, 1, "db", AF_INET, "-");
	expect(z, back, 1, "db", AF_INET, "10.2.0.3");
	expect(z, both, 2, "db", AF_INET, "10.2.0.3");
	/* The first network that has one decides. */
	expect(z, both, 2, "web", AF_INET, "10.1.0.2");
	expect(z, turned, 2, "web", AF_INET, "10.2.0.2");
	expect(z, both, 2, "web", AF_INET6, "fd00:2::2");
	/* Known, but not so. */
	expect(z, back, 1, "db", AF_INET6, "");
	expect(z, back, 1, "db", 0, "");
	expect(z, NULL, 0, "db", AF_INET, "-");
	zone_free(z);
}

static void test_names(void **state)
{
	struct zone *z = world();
	char longest[300];

	(void)state;
	expect(z, back, 1, "data.base", AF_INET, "10.2.0.3");
	expect(z, back, 1, "db.t_back", AF_INET, "10.2.0.3");
	expect(z, both, 2, "web.t_back", AF_INET, "10.2.0.2");
	expect(z, front, 1, "web.t_back", AF_INET, "-");
	expect(z, back, 1, "data.base.t_back", AF_INET, "10.2.0.3");
	expect(z, back, 1, "t_back", AF_INET, "-");
	expect(z, back, 1, ".t_back", AF_INET, "-");
	expect(z, back, 1, "db.other", AF_INET, "-");
	expect(z, back, 1, "", AF_INET, "-");
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	expect(z, back, 1, longest, AF_INET, "-");
	add(z, 5, BACK, longest, "10.2.0.9", "");
	expect(z, back, 1, longest, AF_INET, "-");
	zone_free(z);
}

static void test_turns(void **state)
{
	struct zone *z = world();

	(void)state;
	expect(z, back, 1, "work", AF_INET, "10.2.0.4 10.2.0.5");
	expect(z, back, 1, "work", AF_INET, "10.2.0.5 10.2.0.4");
	expect(z, back, 1, "work", AF_INET, "10.2.0.4 10.2.0.5");
	/* Who runs. */
	zone_up(z, 3, true);
	expect(z, back, 1, "work", AF_INET, "10.2.0.5");
	expect(z, back, 1, "work", AF_INET6, "fd00:2::5");
	zone_up(z, 2, true);
	expect(z, back, 1, "work", AF_INET, "10.2.0.5 10.2.0.4");
	zone_up(z, 3, false);
	expect(z, back, 1, "work", AF_INET, "10.2.0.4");
	expect(z, back, 1, "work", AF_INET6, "");
	/* Nobody: then all. */
	zone_up(z, 2, false);
	expect(z, back, 1, "work", AF_INET6, "fd00:2::5");
	zone_free(z);
}

static void test_many(void **state)
{
	struct zone *z = zone_new();
	struct ip ips[ZONE_ADDRESSES];
	const struct zone_view v = { back, 1 };

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.9.%u.%u", i / 250, i % 250 + 1);
		add(z, i, BACK, "all", text, "");
	}
	assert_int_equal(zone_find(z, &v, "all", AF_INET, ips), ZONE_ADDRESSES);
	zone_free(z);
}

static void test_drop(void **state)
{
	struct zone *z = world();
	const struct zone_view v = { both, 2 };
	struct ip a = ip("10.2.0.2");
	char name[256];

	(void)state;
	zone_up(z, 0, true);
	zone_drop(z, 0);
	expect(z, both, 2, "web", AF_INET, "-");
	expect(z, both, 2, "db", AF_INET, "10.2.0.3");
	assert_int_equal(zone_reverse(z, &v, &a, name, sizeof(name)), 0);
	zone_drop(z, 2);
	expect(z, back, 1, "work", AF_INET, "10.2.0.5");
	zone_drop(z, 99);
	/* It comes back. */
	add(z, 0, BACK, "web", "10.2.0.77", "");
	expect(z, back, 1, "web", AF_INET, "10.2.0.77");
	zone_free(z);
}

static void test_reverse(void **state)
{
	static const struct {
		const char *ip;
		int want;
		const char *name;
	} rows[] = {
		{ "10.2.0.3", 1, "t-db-1.t_back" },
		{ "10.2.0.2", 1, "t-web-1.t_back" },
		{ "fd00:2::2", 1, "t-web-1.t_back" },
		{ "10.2.0.200", 0, NULL },
		{ "fd00:2::99", 0, NULL },
		{ "10.1.0.2", -1, NULL },
		{ "8.8.8.8", -1, NULL },
	};
	const struct zone_view v = { back, 1 };
	struct zone *z = world();
	char name[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip a = ip(rows[i].ip);

		assert_int_equal(zone_reverse(z, &v, &a, name, sizeof(name)), rows[i].want);
		if (rows[i].name)
			assert_string_equal(name, rows[i].name);
	}
	zone_free(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_views), cmocka_unit_test(test_names),
		cmocka_unit_test(test_turns), cmocka_unit_test(test_many),
		cmocka_unit_test(test_drop),  cmocka_unit_test(test_reverse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
