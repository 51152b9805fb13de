/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * user: the ids behind a text, from the files of images of all sorts, hostile ones included.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/store/scratch.h"

#define PASSWD                                                    \
	"# no user\n"                                             \
	"root:x:0:0:root:/root:/bin/sh\n"                         \
	"\n"                                                      \
	"broken:x:12\n"                                           \
	"evil:x:4294967295:0::/:/bin/sh\n"                        \
	"minus:x:-1:0::/:/bin/sh\n"                               \
	"web:x:33:34:with:/srv/web:/bin/false:more:fields:here\n" \
	"homeless:x:40:41:::\n"                                   \
	"1000:x:77:77::/home/digits:/bin/sh\n"                    \
	"last:x:1001:1002::/home/last:/bin/sh"
#define GROUP \
	"root:x:0:\nweb:x:34:\nlogs:x:50:nobody,web\nssl:x:51:web\nweblike:x:52:webb\nbad:x:zz:web\n"

struct image_of {
	struct scratch *s;
	struct store_image img;
	char *layers[3];
};

/* An image of the folders l0 (topmost), l1, ... */
static void image_make(struct image_of *i, struct scratch *s, size_t n)
{
	static const char *const names[] = { "l0", "l1", "l2" };

	*i = (struct image_of){ .s = s, .img = { .n_layers = n } };
	i->img.layers = i->layers;
	for (size_t k = 0; k < n; k++) {
		i->layers[k] = scratch_path(s, names[k]);
		assert_int_equal(path_mkdirs(AT_FDCWD, i->layers[k], 0755), 0);
	}
}

static void image_fini(struct image_of *i)
{
	for (size_t k = 0; k < i->img.n_layers; k++)
		free(i->layers[k]);
}

static void test_cases(void **state)
{
	static const struct {
		const char *spec;
		uid_t uid;
		gid_t gid;
		const char *name, *home;
		size_t n_groups;
	} cases[] = {
		{ NULL, 0, 0, "root", "/root", 0 },
		{ "", 0, 0, "root", "/root", 0 },
		{ "root", 0, 0, "root", "/root", 0 },
		{ "web", 33, 34, "web", "/srv/web", 2 },
		{ "33", 33, 34, "web", "/srv/web", 2 },
		{ "web:ssl", 33, 51, "web", "/srv/web", 0 },
		{ "web:77", 33, 77, "web", "/srv/web", 0 },
		{ "homeless", 40, 41, "homeless", "/", 0 },
		{ "1000", 1000, 0, "1000", "/", 0 },
		{ "1000:1000", 1000, 1000, "1000", "/", 0 },
		{ "1001", 1001, 1002, "last", "/home/last", 0 },
		{ "4294967294", 4294967294, 0, "4294967294", "/", 0 },
	};
	struct image_of i;
	struct err err = { 0 };

	image_make(&i, *state, 1);
	scratch_text(*state, "l0/etc/passwd", PASSWD);
	scratch_text(*state, "l0/etc/group", GROUP);
	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		struct store_user u;

		if (store_user(&i.img, cases[k].spec, &u, &err) < 0)
			fail_msg("'%s': %s", cases[k].spec, err.text);
		assert_int_equal(u.uid, cases[k].uid);
		assert_int_equal(u.gid, cases[k].gid);
		assert_string_equal(u.name, cases[k].name);
		assert_string_equal(u.home, cases[k].home);
		assert_int_equal(u.n_groups, cases[k].n_groups);
		if (u.n_groups) {
			assert_int_equal(u.groups[0], 50);
			assert_int_equal(u.groups[1], 51);
		}
		store_user_fini(&u);
	}
	image_fini(&i);
}

static void test_refused(void **state)
{
	static const char *const bad[] = { "nobody",   "web:nogroup", ":",	    ":web",
					   "web:",     "4294967295",  "4294967296", "99999999999",
					   "-1",       "+1",	      "0x10",	    "evil",
					   "minus",    "broken",      "web:ssl:x",  " 1",
					   "bad name", "web:bad" };
	struct image_of i;
	struct store_user u;
	struct err err = { 0 };

	image_make(&i, *state, 1);
	scratch_text(*state, "l0/etc/passwd", PASSWD);
	scratch_text(*state, "l0/etc/group", GROUP);
	for (size_t k = 0; k < ARRAY_LEN(bad); k++)
		if (store_user(&i.img, bad[k], &u, &err) >= 0)
			fail_msg("'%s' was taken", bad[k]);
	image_fini(&i);
}

/* An image without any files: ids and root work, names do not. */
static void test_bare(void **state)
{
	struct image_of i;
	struct store_user u;
	struct err err = { 0 };

	image_make(&i, *state, 1);
	assert_int_equal(store_user(&i.img, NULL, &u, &err), 0);
	assert_int_equal(u.uid, 0);
	assert_string_equal(u.home, "/");
	store_user_fini(&u);
	assert_int_equal(store_user(&i.img, "root", &u, &err), 0);
	assert_string_equal(u.name, "root");
	store_user_fini(&u);
	assert_int_equal(store_user(&i.img, "web", &u, &err), -1);
	assert_int_equal(err.kind, ERR_CREATE);
	assert_int_equal(store_user(&i.img, "1:web", &u, &err), -1);
	image_fini(&i);
}

static void test_layers(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *whiteout = scratch_path(s, "l0/etc/passwd"),
			    *etc = scratch_path(s, "l0/etc");
	struct image_of i;
	struct store_user u;
	struct err err = { 0 };

	image_make(&i, s, 3);
	scratch_text(s, "l2/etc/passwd", "web:x:1:1::/lowest:/bin/sh\n");
	scratch_text(s, "l1/etc/passwd", "web:x:2:2::/middle:/bin/sh\n");
	assert_int_equal(store_user(&i.img, "web", &u, &err), 0);
	assert_int_equal(u.uid, 2);
	store_user_fini(&u);
	/* Taken away by the topmost layer. */
	assert_int_equal(mkdir(etc, 0755), 0);
	if (mknod(whiteout, S_IFCHR, 0) < 0) {
		print_message("no whiteout can be made here: %m\n");
	} else {
		assert_int_equal(store_user(&i.img, "web", &u, &err), -1);
	}
	image_fini(&i);
}

/* A link may lead anywhere inside the layer and never out of it. */
static void test_links(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *etc = scratch_path(s, "l0/etc"),
			    *passwd = scratch_path(s, "l0/etc/passwd");
	struct image_of i;
	struct store_user u;
	struct err err = { 0 };

	image_make(&i, s, 1);
	assert_int_equal(mkdir(etc, 0755), 0);
	scratch_text(s, "outside", "web:x:666:666::/:/bin/sh\n");
	scratch_text(s, "l0/share/passwd", "web:x:5:5::/:/bin/sh\n");
	assert_int_equal(symlink("../../outside", passwd), 0);
	assert_int_equal(store_user(&i.img, "web", &u, &err), -1);
	assert_int_equal(unlink(passwd), 0);
	assert_int_equal(symlink("/share/passwd", passwd), 0);
	assert_int_equal(store_user(&i.img, "web", &u, &err), 0);
	assert_int_equal(u.uid, 5);
	store_user_fini(&u);
	assert_int_equal(unlink(passwd), 0);
	assert_int_equal(symlink("passwd", passwd), 0);
	assert_int_equal(store_user(&i.img, "web", &u, &err), -1);
	assert_int_equal(err.sys, ELOOP);
	image_fini(&i);
}

/* Neither blocked nor filled. */
static void test_hostile_files(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *passwd = scratch_file(s, "l0/etc/passwd", "", 0);
	struct image_of i;
	struct store_user u;
	struct err err = { 0 };

	image_make(&i, s, 1);
	assert_int_equal(truncate(passwd, 1ll << 40), 0);
	assert_int_equal(store_user(&i.img, "web", &u, &err), -1);
	assert_int_equal(err.sys, EFBIG);
	assert_int_equal(unlink(passwd) | mkfifo(passwd, 0644), 0);
	assert_int_equal(store_user(&i.img, "web", &u, &err), -1);
	assert_int_equal(err.sys, EINVAL);
	assert_int_equal(unlink(passwd) | mkdir(passwd, 0755), 0);
	assert_int_equal(store_user(&i.img, "web", &u, &err), -1);
	image_fini(&i);
}

static void test_too_many_groups(void **state)
{
	struct image_of i;
	struct store_user u;
	struct buf text = { 0 };
	struct err err = { 0 };

	image_make(&i, *state, 1);
	scratch_text(*state, "l0/etc/passwd", PASSWD);
	for (int g = 0; g < 65; g++)
		buf_printf(&text, "g%d:x:%d:web\n", g, 100 + g);
	scratch_text(*state, "l0/etc/group", buf_str(&text));
	assert_int_equal(store_user(&i.img, "web", &u, &err), -1);
	assert_non_null(strstr(err.text, "more than 64 groups"));
	buf_fini(&text);
	image_fini(&i);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

/* After the groups that the user has anyway; one that it has is not added again. */
static void test_more_groups(void **state)
{
	static const char *const bad[] = { "nobody", "-1", "4294967295", "", "1x" };
	struct image_of i;
	struct store_user u;
	struct err err;

	image_make(&i, *state, 1);
	scratch_text(*state, "l0/etc/passwd", PASSWD);
	scratch_text(*state, "l0/etc/group", GROUP);
	assert_int_equal(store_user(&i.img, "web", &u, &err), 0);
	assert_int_equal(store_user_add_group(&i.img, "weblike", &u, &err), 0);
	assert_int_equal(store_user_add_group(&i.img, "4000", &u, &err), 0);
	assert_int_equal(store_user_add_group(&i.img, "ssl", &u, &err), 0);
	assert_int_equal(u.n_groups, 4);
	assert_int_equal(u.groups[2], 52);
	assert_int_equal(u.groups[3], 4000);
	for (size_t k = 0; k < ARRAY_LEN(bad); k++) {
		assert_int_equal(store_user_add_group(&i.img, bad[k], &u, &err), -1);
		assert_non_null(strstr(err.text, "not in the image's /etc/group"));
	}
	for (unsigned k = 5000; k < 5060; k++) {
		_cleanup_free_ char *gid = xasprintf("%u", k);

		assert_int_equal(store_user_add_group(&i.img, gid, &u, &err), 0);
	}
	assert_int_equal(store_user_add_group(&i.img, "6000", &u, &err), -1);
	assert_non_null(strstr(err.text, "in more than 64 groups"));
	store_user_fini(&u);
	image_fini(&i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_cases),	  TEST(test_more_groups),     TEST(test_refused),
		TEST(test_bare),	  TEST(test_layers),	      TEST(test_links),
		TEST(test_hostile_files), TEST(test_too_many_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
