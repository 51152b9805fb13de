/* SPDX-License-Identifier: GPL-2.0-or-later */
/* include (in assemble.c): other projects with folders and variables of their own, and what becomes of names that both have. */
#include <stdio.h>

#include "unit/stack/tree_case.h"

#define WEB "services: {web: {image: a}}\n"

static void test_forms(void **state)
{
	static const char *const includes[] = {
		"[sub/inc.yaml]",
		"[./sub/../sub/inc.yaml]",
		"[{path: sub/inc.yaml}]",
		"[{path: [sub/inc.yaml]}]",
		"[\"sub/${NAME}.yaml\"]",
		"[{path: sub/inc.yaml, project_directory: sub, env_file: sub/.env}]",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(includes); i++) {
		_cleanup_free_ char *files = xasprintf(
			"== a.yaml\ninclude: %s\n" WEB "== .env\nNAME=inc\n== sub/.env\nTHEIRS=1\n"
			"== sub/inc.yaml\nservices: {db: {image: \"d:${THEIRS}\"}}\n",
			includes[i]);

		expect_tree("a.yaml", files, "services/db/image", "\"d:1\"");
		expect_tree("a.yaml", files, "include", "");
	}
	expect_tree("a.yaml", "== a.yaml\ninclude:\n" WEB, "services/web/image", "\"a\"");
	expect_tree("a.yaml", "== a.yaml\ninclude: []\n" WEB, "services/web/image", "\"a\"");
	/* Several files of one project are merged, and their paths begin at the first one. */
	expect_tree("a.yaml",
		    "== a.yaml\ninclude: [{path: [one/b.yaml, two/c.yaml]}]\n" WEB
		    "== one/b.yaml\nservices: {db: {image: d, hostname: h1}}\n"
		    "== two/c.yaml\nservices: {db: {hostname: h2, build: ./src}}\n",
		    "services/db/hostname", "\"h2\"");
	expect_tree("a.yaml",
		    "== a.yaml\ninclude: [{path: [one/b.yaml, two/c.yaml]}]\n" WEB
		    "== one/b.yaml\nservices: {db: {image: d, hostname: h1}}\n"
		    "== two/c.yaml\nservices: {db: {hostname: h2, build: ./src}}\n",
		    "services/db/build/context", "\"./one/src\"");
}

/* All sections but nothing else come in. */
static void test_sections(void **state)
{
	static const char files[] =
		"== a.yaml\ninclude: [inc.yaml]\n"
		"services: {web: {image: a, depends_on: [db], networks: [n], volumes: [\"vol:/v\"]}}\n"
		"== inc.yaml\nname: theirs\nversion: \"3\"\nx-note: 1\n"
		"services: {db: {image: d}}\nnetworks: {n: }\nvolumes: {vol: }\n"
		"secrets: {s: {file: ./s}}\nconfigs: {c: {file: ./c}}\n";

	(void)state;
	expect_tree("a.yaml", files, "name", "\"t\"");
	expect_tree("a.yaml", files, "x-note", "");
	expect_tree("a.yaml", files, "networks",
		    "{\"n\":{\"name\":\"t_n\"},\"default\":{\"name\":\"t_default\"}}");
	expect_tree("a.yaml", files, "volumes", "{\"vol\":{\"name\":\"t_vol\"}}");
	expect_tree("a.yaml", files, "services/db/networks", "{\"default\":null}");
	/* A service may extend one that is included. */
	expect_tree("a.yaml",
		    "== a.yaml\ninclude: [inc.yaml]\nservices: {web: {extends: db, user: u}}\n"
		    "== inc.yaml\nservices: {db: {image: d}}\n",
		    "services/web/image", "\"d\"");
}

static void test_folders(void **state)
{
	static const char files[] =
		"== a.yaml\ninclude:\n  - sub/inc.yaml\n"
		"  - {path: sub/other.yaml, project_directory: lib}\n" WEB
		"== sub/inc.yaml\ninclude: [deep/d.yaml]\n"
		"services: {db: {image: d, volumes: [\"./data:/d\"], env_file: db.env}}\n"
		"== sub/db.env\nE=1\n"
		"== sub/deep/d.yaml\nservices: {deep: {image: d, build: ../src}}\n"
		"== sub/other.yaml\nservices: {other: {image: \"o:${V}\", build: ./src}}\n"
		"== lib/.env\nV=lib\n== sub/.env\nV=sub\n";

	(void)state;
	expect_tree("a.yaml", files, "services/db/volumes",
		    "[{\"source\":\"./sub/data\",\"target\":\"/d\",\"type\":\"bind\"}]");
	expect_tree("a.yaml", files, "services/db/environment", "{\"E\":\"1\"}");
	expect_tree("a.yaml", files, "services/deep/build/context", "\"./sub/src\"");
	expect_tree("a.yaml", files, "services/other/build/context", "\"./lib/src\"");
	expect_tree("a.yaml", files, "services/other/image", "\"o:lib\"");
}

/* Process, then who includes, then the file's own env files. */
static void test_variables(void **state)
{
	static const struct {
		const char *include, *image;
	} cases[] = {
		{ "sub/inc.yaml", "\"1.2 ours theirs -\"" },
		{ "{path: sub/inc.yaml, env_file: x.env}", "\"1.2 ours x x\"" },
		{ "{path: sub/inc.yaml, env_file: [x.env, y.env]}", "\"1.2 ours y x\"" },
		{ "{path: sub/inc.yaml, env_file: /dev/null}", "\"1.2 ours - -\"" },
		{ "{path: sub/inc.yaml, project_directory: .}", "\"1.2 ours - -\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *files =
			xasprintf("== a.yaml\ninclude: [%s]\n" WEB "== .env\nOURS=ours\nTAG=ours\n"
				  "== sub/.env\nTAG=theirs\nOURS=theirs\nOWN=theirs\n"
				  "== x.env\nTAG=x\nOURS=x\nOWN=x\nMORE=x\n== y.env\nOWN=y\n"
				  "== sub/inc.yaml\nservices:\n"
				  "  db: {image: d, labels: {a: \"$TAG "
				  "$OURS ${OWN:--} ${MORE:--}\"}}\n",
				  cases[i].include);

		expect_tree("a.yaml", files, "services/db/labels/a", cases[i].image);
	}
	/* Nothing of theirs is seen outside, or by another one that is included. */
	expect_tree("a.yaml",
		    "== a.yaml\ninclude: [one/b.yaml, two/c.yaml]\n"
		    "services: {web: {image: \"a${V:-}\"}}\n"
		    "== one/b.yaml\nservices: {b: {image: \"b${V:-}\"}}\n== one/.env\nV=1\n"
		    "== two/c.yaml\nservices: {c: {image: \"c${V:-}\"}}\n",
		    "services/c/image", "\"c\"");
	/* The environment of a service too is that of its project. */
	expect_tree(
		"a.yaml",
		"== a.yaml\ninclude: [sub/b.yaml]\n" WEB
		"== sub/b.yaml\nservices: {b: {image: b, environment: [V]}}\n== sub/.env\nV=1\n",
		"services/b/environment", "{\"V\":\"1\"}");
	expect_tree("a.yaml",
		    "== a.yaml\ninclude: [sub/b.yaml]\n" WEB
		    "== sub/b.yaml\ninclude: [deep/c.yaml]\n== sub/.env\nV=mid\n"
		    "== sub/deep/c.yaml\nservices: {c: {image: \"c:$V-$W\"}}\n"
		    "== sub/deep/.env\nV=deep\nW=deep\n",
		    "services/c/image", "\"c:mid-deep\"");
}

static void test_conflicts(void **state)
{
	(void)state;
	/* The same thing twice is no conflict: by two ways, or in two files. */
	expect_tree("a.yaml",
		    "== a.yaml\ninclude: [one.yaml, two.yaml]\n" WEB
		    "== one.yaml\ninclude: [base.yaml]\nservices: {one: {image: o}}\n"
		    "== two.yaml\ninclude: [base.yaml]\nservices: {two: {image: o}}\n"
		    "== base.yaml\nservices: {db: {image: d, environment: {A: 1, B: 2}}}\n",
		    "services/db/image", "\"d\"");
	expect_tree("a.yaml",
		    "== a.yaml\ninclude: [one.yaml, two.yaml, one.yaml]\n" WEB
		    "== one.yaml\nservices: {db: {image: d, environment: {A: 1, B: 2}}}\n"
		    "== two.yaml\nservices: {db: {environment: {B: 2, A: 1}, image: d}}\n",
		    "services/db/image", "\"d\"");
	expect_told(
		"a.yaml",
		"== a.yaml\ninclude: [one.yaml, sub/two.yaml]\n" WEB
		"== one.yaml\nservices:\n  db: {image: d}\nvolumes: {v: {name: a}}\n"
		"== sub/two.yaml\nvolumes: {v: {name: b}}\nservices:\n  db: {image: e}\n",
		"sub/two.yaml:1:11: error: volume 'v': is included twice and differs, first at "
		"one.yaml:3 (rename one of the two)\n"
		"sub/two.yaml:3:3: error: service 'db': is included twice and differs, first at "
		"one.yaml:2 (rename one of the two)\n");
	/* What the file says itself is merged over what it includes, and that is told. */
	expect_told(
		"a.yaml",
		"== a.yaml\ninclude: [inc.yaml]\nservices:\n  web: {image: a}\n  db: {user: u}\n"
		"== inc.yaml\nservices:\n  db: {image: d}\n",
		"a.yaml:4:3: warning: service 'db': is merged over the one that is included from "
		"inc.yaml:2\n");
	expect_tree_told(
		"a.yaml",
		"== a.yaml\ninclude: [inc.yaml]\nservices: {db: {user: u, cap_add: [KILL]}}\n"
		"== inc.yaml\nservices: {db: {image: d, user: v, cap_add: [CHOWN]}}\n",
		"services/db/cap_add", "[\"CHOWN\",\"KILL\"]");
	/* The same or nothing needs no word, and a tag is a word already. */
	expect_tree("a.yaml",
		    "== a.yaml\ninclude: [inc.yaml]\nservices: {web: {image: a, networks: [n]}}\n"
		    "networks: {n: }\n== inc.yaml\nservices: {web: {image: a, networks: [n]}}\n"
		    "networks: {n: {name: theirs}}\n",
		    "networks/n/name", "\"theirs\"");
	expect_tree(
		"a.yaml",
		"== a.yaml\ninclude: [inc.yaml]\nservices: {db: !override {image: e}, web: {image: a}}\n"
		"== inc.yaml\nservices: {db: {image: d, user: u}}\n",
		"services/db/user", "");
	expect_tree("a.yaml",
		    "== a.yaml\ninclude: [inc.yaml]\nservices: {db: !reset null, web: {image: a}}\n"
		    "== inc.yaml\nservices: {db: {image: d}}\n",
		    "services/db", "");
	/* A later -f file is an ordinary override. */
	expect_tree("a.yaml b.yaml",
		    "== a.yaml\ninclude: [inc.yaml]\n" WEB "== b.yaml\nservices: {db: {user: u}}\n"
		    "== inc.yaml\nservices: {db: {image: d, user: v}}\n",
		    "services/db/user", "\"u\"");
}

static void test_wrong(void **state)
{
	static const struct {
		const char *include, *told;
	} cases[] = {
		{ "inc.yaml", "a.yaml:1:10: error: include: must be a list, not a string\n" },
		{ "{path: inc.yaml}", "a.yaml:1:10: error: include: must be a list, not a map\n" },
		{ "[5]", "a.yaml:1:11: error: include[0]: must be a string or a map, not a number "
			 "(put it in quotes)\n" },
		{ "[{}]", "a.yaml:1:11: error: include[0]: 'path' is missing\n" },
		{ "[{path: []}]", "a.yaml:1:11: error: include[0]: 'path' is missing\n" },
		{ "[{paths: inc.yaml}]",
		  "a.yaml:1:11: error: include[0]: 'path' is missing\n"
		  "a.yaml:1:12: error: include[0]: unknown key 'paths' (did you mean 'path'?)\n" },
		{ "[gone.yaml]",
		  "a.yaml:1:11: error: include[0]: stack file './gone.yaml': no such "
		  "file or directory\n" },
		{ "[inc.yaml, {path: [inc.yaml, gone.yaml]}]",
		  "a.yaml:1:39: error: include[1]: stack file './gone.yaml': no such file or "
		  "directory\n" },
		{ "[sub]",
		  "a.yaml:1:11: error: include[0]: stack file './sub': not a regular file\n" },
		{ "[{path: inc.yaml, env_file: gone.env}]",
		  "a.yaml:1:38: error: include[0]: env file './gone.env': no such file or "
		  "directory\n" },
		{ "[a.yaml]", "a.yaml:1:11: error: include[0]: a cycle: 'a.yaml' would include "
			      "itself in the end\n" },
		{ "[sub/loop.yaml]",
		  "sub/loop.yaml:1:11: error: include[0]: a cycle: '../a.yaml' would include itself in "
		  "the end\n" },
		{ "[sub/self.yaml]",
		  "sub/self.yaml:1:11: error: include[0]: a cycle: 'self.yaml' would include "
		  "itself in the end\n" },
		{ "[sub/typo.yaml]",
		  "sub/typo.yaml:1:1: error: unknown key 'servces' (did you mean 'services'?)\n" },
		{ "[sub/list.yaml]",
		  "sub/list.yaml:1:11: error: services: must be a map, not a list\n" },
		{ "[sub/inner.yaml]",
		  "sub/inner.yaml:1:12: error: service 'x': neither 'image' nor 'build' is given\n"
		  "sub/inner.yaml:1:16: error: service 'x': unknown key 'imag' (did you mean "
		  "'image'?)\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *files = xasprintf(
			"== a.yaml\ninclude: %s\n" WEB "== inc.yaml\nservices: {db: {image: d}}\n"
			"== sub/loop.yaml\ninclude: [../a.yaml]\n"
			"== sub/self.yaml\ninclude: [self.yaml]\n"
			"== sub/typo.yaml\nservces: {x: {image: x}}\n"
			"== sub/list.yaml\nservices: [x]\n"
			"== sub/inner.yaml\nservices: {x: {imag: x}}\n",
			cases[i].include);

		expect_told("a.yaml", files, cases[i].told);
	}
}

/* Files that each include the next one several times: the number of ways doubles at each level. */
static void test_too_many(void **state)
{
	_cleanup_(buf_fini) struct buf b = { 0 }, deep = { 0 };

	(void)state;
	buf_puts(&b, "== a.yaml\ninclude: [f0.yaml]\n" WEB);
	for (size_t i = 0; i < 14; i++)
		buf_printf(&b, "== f%zu.yaml\ninclude: [f%zu.yaml, f%zu.yaml, f%zu.yaml]\n", i,
			   i + 1, i + 1, i + 1);
	buf_puts(&b, "== f14.yaml\nservices: {x: {image: x}}\n");
	expect_one("a.yaml", buf_str(&b), false, "error", "more than 1000 includes altogether");

	buf_puts(&deep, "== a.yaml\ninclude: [f0.yaml]\n" WEB);
	for (size_t i = 0; i < 40; i++)
		buf_printf(&deep, "== f%zu.yaml\ninclude: [f%zu.yaml]\n", i, i + 1);
	expect_one("a.yaml", buf_str(&deep), false, "error", "includes more than 16 levels deep");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),	  cmocka_unit_test(test_sections),
		cmocka_unit_test(test_folders),	  cmocka_unit_test(test_variables),
		cmocka_unit_test(test_conflicts), cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
