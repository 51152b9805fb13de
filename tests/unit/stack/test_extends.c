/* SPDX-License-Identifier: GPL-2.0-or-later */
/* extends: services based on others, in one file and over several; circles, what is missing, paths. */
#include <stdio.h>

#include "unit/stack/tree_case.h"

static void test_same_file(void **state)
{
	static const struct {
		const char *services, *path, *json;
	} cases[] = {
		{ "base: {image: a, hostname: h}, web: {extends: base}", "web/hostname", "\"h\"" },
		{ "web: {extends: base}, base: {image: a, hostname: h}", "web/hostname", "\"h\"" },
		{ "base: {image: a, hostname: h}, web: {extends: {service: base}, hostname: own}",
		  "web/hostname", "\"own\"" },
		{ "base: {image: a}, web: {extends: base}", "web/extends", "" },
		{ "base: {image: a, hostname: h}, web: {extends: base, hostname: own}",
		  "base/hostname", "\"h\"" },
		{ "base: {image: a}, web: {image: b, extends: }", "web/image", "\"b\"" },
		{ "base: {image: a}, web: {image: b, extends: !reset base}", "web/image", "\"b\"" },
		/* The rules of merging. */
		{ "base: {image: a, labels: [a=1, b=1]}, web: {extends: base, labels: {b: 2}}",
		  "web/labels", "{\"a\":\"1\",\"b\":\"2\"}" },
		{ "base: {image: a, command: [a, b]}, web: {extends: base, command: c}",
		  "web/command", "[\"c\"]" },
		{ "base: {image: a, cap_add: [KILL]}, web: {extends: base, cap_add: [KILL, CHOWN]}",
		  "web/cap_add", "[\"KILL\",\"CHOWN\"]" },
		/* Networks and dependencies come along. */
		{ "db: {image: d}, base: {image: a, depends_on: [db]}, web: {extends: base}",
		  "web/depends_on",
		  "{\"db\":{\"condition\":\"service_started\",\"required\":true}}" },
		{ "base: {image: a, networks: [n]}, web: {extends: base, networks: [m]}",
		  "web/networks", "{\"n\":null,\"m\":null}" },
		/* A chain, in both orders. */
		{ "a: {image: x, hostname: h, user: a}, b: {extends: a, user: b}, c: {extends: b}",
		  "c/user", "\"b\"" },
		{ "c: {extends: b}, b: {extends: a, user: b}, a: {image: x, hostname: h, user: a}",
		  "c/hostname", "\"h\"" },
		/* Tags, of the service itself and of those between. */
		{ "base: {image: a, cap_add: [KILL]}, web: {extends: base, cap_add: !reset []}",
		  "web/cap_add", "" },
		{ "base: {image: a, cap_add: [KILL]}, web: {extends: base, cap_add: !override [CHOWN]}",
		  "web/cap_add", "[\"CHOWN\"]" },
		{ "base: {image: a, environment: {A: 1, B: 1}}, "
		  "web: {extends: base, environment: {A: !reset null}}",
		  "web/environment", "{\"B\":\"1\"}" },
		{ "a: {image: x, user: u}, b: {extends: a, user: !reset null}, c: {extends: b}",
		  "c/user", "" },
		{ "base: {image: a, user: u}, web: !override {extends: base}", "web/user",
		  "\"u\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *path = xasprintf("services/%s", cases[i].path);
		_cleanup_free_ char *files = xasprintf(
			"== a.yaml\nservices: {%s}\nnetworks: {n: , m: }\n", cases[i].services);

		expect_tree("a.yaml", files, path, cases[i].json);
	}
}

static void test_other_file(void **state)
{
	(void)state;
	/* Only the service is taken, nothing else of that file. */
	expect_tree(
		"a.yaml",
		"== a.yaml\nservices: {web: {extends: {file: b.yaml, service: base}, user: u}}\n"
		"== b.yaml\nname: other\nservices:\n  base: {image: b, hostname: h}\n"
		"  more: {image: c}\nvolumes: {v: }\n",
		"services/more", "");
	expect_tree(
		"a.yaml",
		"== a.yaml\nservices: {web: {extends: {file: b.yaml, service: base}, user: u}}\n"
		"== b.yaml\nservices: {base: {image: b, hostname: h}}\n",
		"services/web/hostname", "\"h\"");
	/* What the other service needs must be here. */
	expect_told(
		"a.yaml",
		"== a.yaml\nservices: {web: {extends: {file: b.yaml, service: base}}}\n"
		"== b.yaml\nservices: {base: {image: b, networks: [n]}}\nnetworks: {n: }\n",
		"b.yaml:1:40: error: service 'web': networks: network 'n' is not declared under "
		"the top-level 'networks'\n");
	/* The variables are those of the project, also for a file with an .env beside it. */
	expect_tree(
		"a.yaml",
		"== a.yaml\nservices: {web: {extends: {file: sub/b.yaml, service: base}}}\n"
		"== sub/b.yaml\nservices: {base: {image: \"b:${V}\"}}\n== .env\nV=1\n== sub/.env\nV=2\n",
		"services/web/image", "\"b:1\"");
	/* Documents of the other file are one. */
	expect_tree("a.yaml",
		    "== a.yaml\nservices: {web: {extends: {file: b.yaml, service: base}}}\n"
		    "== b.yaml\nservices: {base: {image: b, cap_add: [KILL]}}\n---\n"
		    "services: {base: {cap_add: [CHOWN]}}\n",
		    "services/web/cap_add", "[\"KILL\",\"CHOWN\"]");
	expect_tree("a.yaml",
		    "== a.yaml\nservices: {web: {extends: {file: b.yaml, service: base}}}\n"
		    "== b.yaml\nservices:\n  root: {image: b, user: u, hostname: h}\n"
		    "  base: {extends: root, user: !reset null}\n",
		    "services/web/user", "");
	/* Two that extend the same one do not see each other. */
	expect_tree("a.yaml",
		    "== a.yaml\nservices:\n"
		    "  web: {extends: {file: b.yaml, service: base}, cap_add: [CHOWN]}\n"
		    "  db: {extends: {file: b.yaml, service: base}}\n"
		    "== b.yaml\nservices: {base: {image: b, cap_add: [KILL]}}\n",
		    "services/db/cap_add", "[\"KILL\"]");
}

/* Each path belongs to the folder of the file that it stands in. */
static void test_paths(void **state)
{
	static const char files[] =
		"== a.yaml\nservices:\n  web:\n    extends: {file: one/b.yaml, service: base}\n"
		"    volumes: [\"./a:/a\"]\n"
		"== one/b.yaml\nservices:\n  base:\n    extends: {file: two/c.yaml, service: root}\n"
		"    volumes: [\"./b:/b\"]\n    env_file: [b.env]\n"
		"== one/b.env\nB=1\n"
		"== one/two/c.yaml\nservices:\n  root:\n    image: x\n    build: ./src\n"
		"    volumes: [\"./c:/c\", \"../d:/d\"]\n    env_file: c.env\n"
		"== one/two/c.env\nC=1\n";

	(void)state;
	expect_tree_told("a.yaml", files, "services/web/volumes",
			 "[{\"source\":\"./one/two/c\",\"target\":\"/c\",\"type\":\"bind\"},"
			 "{\"source\":\"./one/d\",\"target\":\"/d\",\"type\":\"bind\"},"
			 "{\"source\":\"./one/b\",\"target\":\"/b\",\"type\":\"bind\"},"
			 "{\"source\":\"./a\",\"target\":\"/a\",\"type\":\"bind\"}]");
	expect_tree_told("a.yaml", files, "services/web/environment", "{\"C\":\"1\",\"B\":\"1\"}");
	expect_tree_told("a.yaml", files, "services/web/build/context", "\"./one/two/src\"");
	expect_tree_told(
		"a.yaml",
		"== a.yaml\nservices: {web: {extends: {file: one/b.yaml, service: base}}}\n"
		"== one/b.yaml\nservices: {base: {image: x, build: }}\n",
		"services/web/image", "\"x\"");
}

static void test_several_files(void **state)
{
	(void)state;
	expect_tree("a.yaml b.yaml",
		    "== a.yaml\nservices: {base: {image: a, hostname: h}, web: {image: w}}\n"
		    "== b.yaml\nservices: {base: {image: a, hostname: i}, web: {extends: base}}\n",
		    "services/web/hostname", "\"i\"");
	/* A base is complete before a later file changes it. */
	expect_tree("a.yaml b.yaml",
		    "== a.yaml\nservices: {base: {image: a, hostname: h}, web: {extends: base}}\n"
		    "== b.yaml\nservices: {base: {hostname: i}}\n",
		    "services/web/hostname", "\"h\"");
	expect_told(
		"a.yaml b.yaml",
		"== a.yaml\nservices: {base: {image: a}}\n"
		"== b.yaml\nservices: {web: {extends: base}}\n",
		"b.yaml:1:27: error: service 'web': extends: no such service: 'base' in this "
		"file (there is one at a.yaml:1: give its file with 'file')\n");
	expect_tree("a.yaml b.yaml",
		    "== a.yaml\nservices: {base: {image: a, user: u}}\n"
		    "== b.yaml\nservices: {web: {extends: {file: a.yaml, service: base}}}\n",
		    "services/web/user", "\"u\"");
	/* Tags of a later file take away first, then its own base comes. */
	expect_tree("a.yaml b.yaml",
		    "== a.yaml\nservices: {web: {image: a, cap_add: [KILL]}}\n"
		    "== b.yaml\nservices:\n  base: {image: b, cap_add: [CHOWN]}\n"
		    "  web: {extends: base, cap_add: !override [SYS_TIME]}\n",
		    "services/web/cap_add", "[\"SYS_TIME\"]");
	expect_tree("a.yaml b.yaml",
		    "== a.yaml\nservices: {web: {image: a, user: u, cap_add: [KILL]}}\n"
		    "== b.yaml\nservices:\n  base: {image: b, hostname: h}\n"
		    "  web: !override {extends: base}\n",
		    "services/web/cap_add", "");
}

static void test_wrong(void **state)
{
	static const struct {
		const char *services, *told;
	} cases[] = {
		{ "web: {extends: base}",
		  "a.yaml:2:18: error: service 'web': extends: no such service: 'base' in this "
		  "file\n" },
		{ "web: {extends: bsae}\n  base: {image: x}",
		  "a.yaml:2:18: error: service 'web': extends: no such service: 'bsae' in this "
		  "file (did you mean 'base'?)\n" },
		{ "web: {extends: [base]}",
		  "a.yaml:2:18: error: service 'web': extends: must be a string or a map, not a "
		  "list\n" },
		{ "web: {extends: \"\"}",
		  "a.yaml:2:18: error: service 'web': extends: must not be empty\n" },
		{ "web: {extends: {file: b.yaml}}",
		  "a.yaml:2:18: error: service 'web': extends: 'service' is missing\n" },
		{ "web: {extends: {service: 5}}",
		  "a.yaml:2:28: error: service 'web': extends.service: must be a string, not a "
		  "number (put it in quotes)\n" },
		{ "web: {extends: {servce: x}}",
		  "a.yaml:2:18: error: service 'web': extends: 'service' is missing\n"
		  "a.yaml:2:19: error: service 'web': extends: unknown key 'servce' (did you mean "
		  "'service'?)\n" },
		{ "web: {extends: {service: x, file: gone.yaml}}",
		  "a.yaml:2:37: error: service 'web': extends: stack file './gone.yaml': no such "
		  "file or directory\n" },
		{ "web: {extends: {service: x, file: b.yaml}}",
		  "a.yaml:2:28: error: service 'web': extends: no such service: 'x' in b.yaml\n" },
		{ "web: {extends: {service: x, file: empty.yaml}}",
		  "a.yaml:2:28: error: service 'web': extends: no such service: 'x' in "
		  "empty.yaml\n" },
		/* Told once, in the file that is wrong, whoever extends it. */
		{ "web: {extends: {service: x, file: broken.yaml}}\n"
		  "  db: {extends: {service: y, file: broken.yaml}}",
		  "broken.yaml:1:14: error: key 'services' stands twice in this map, first in line 1\n" },
		{ "web: {extends: db}\n  db: {extends: gone}",
		  "a.yaml:3:17: error: service 'db': extends: no such service: 'gone' in this "
		  "file\n" },
		/* Circles. */
		{ "web: {extends: web}",
		  "a.yaml:2:18: error: service 'web': extends: a cycle: 'web' would extend itself in "
		  "the end\n" },
		{ "a: {extends: b}\n  b: {extends: c}\n  c: {extends: a}",
		  "a.yaml:4:16: error: service 'c': extends: a cycle: 'a' would extend itself in the "
		  "end\n" },
		{ "web: {extends: {file: loop.yaml, service: x}}",
		  "a.yaml:2:45: error: service 'web': extends: a cycle: 'x' would extend itself in the "
		  "end\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *files = xasprintf(
			"== a.yaml\nservices:\n  %s\n== b.yaml\nservices: {y: {image: x}}\n"
			"== empty.yaml\nvolumes: {}\n== broken.yaml\n{services: , services: }\n"
			"== loop.yaml\nservices: {x: {extends: {file: a.yaml, service: web}}}\n",
			cases[i].services);

		expect_told("a.yaml", files, cases[i].told);
	}
}

/* Each service is resolved once, so a long chain and many branches cost no more than they are. */
static void test_long_chains(void **state)
{
	_cleanup_(buf_fini) struct buf b = { 0 }, back = { 0 }, other = { 0 };

	(void)state;
	buf_puts(&b, "== a.yaml\nservices:\n  s0: {image: x, hostname: h}\n");
	buf_puts(&back, "== a.yaml\nservices:\n");
	buf_puts(&other, "== a.yaml\nservices: {web: {extends: {file: b.yaml, service: s1100}}}\n"
			 "== b.yaml\nservices:\n");
	for (size_t i = 1; i < 900; i++)
		buf_printf(&b, "  s%zu: {extends: s%zu}\n", i, i - 1);
	for (size_t i = 899; i > 0; i--)
		buf_printf(&back, "  s%zu: {extends: s%zu}\n", i, i - 1);
	buf_puts(&back, "  s0: {image: x, hostname: h}\n");
	for (size_t i = 1; i <= 1100; i++)
		buf_printf(&other, "  s%zu: {extends: s%zu}\n", i, i - 1);
	expect_tree("a.yaml", buf_str(&b), "services/s899/hostname", "\"h\"");
	expect_tree("a.yaml", buf_str(&back), "services/s899/hostname", "\"h\"");
	expect_one("a.yaml", buf_str(&other), false, "error", "a chain of more than 1000 services");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_file), cmocka_unit_test(test_other_file),
		cmocka_unit_test(test_paths),	  cmocka_unit_test(test_several_files),
		cmocka_unit_test(test_wrong),	  cmocka_unit_test(test_long_chains),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
