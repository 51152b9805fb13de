/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * image: which form a text has, and what comes of those that need no unpacking.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/store/scratch.h"

static void test_forms(void **state)
{
	static const struct {
		const char *text;
		enum store_form form;
	} cases[] = {
		{ "busybox", STORE_NAME },
		{ "nginx:1.25", STORE_NAME },
		{ "ghcr.io/a/b:c@sha256:00", STORE_NAME },
		{ "", STORE_NAME },
		{ ".hidden", STORE_NAME },
		{ "a/b", STORE_NAME },
		{ "tar", STORE_NAME },
		{ ".tar", STORE_NAME },
		{ "/", STORE_FOLDER },
		{ "/srv/root", STORE_FOLDER },
		{ "./root", STORE_FOLDER },
		{ "../root", STORE_FOLDER },
		{ ".", STORE_FOLDER },
		{ "..", STORE_FOLDER },
		{ "./a.tar", STORE_TAR },
		{ "/x/a.tar.gz", STORE_TAR },
		{ "rootfs.tgz", STORE_TAR },
		{ "rootfs.tar.zst", STORE_TAR },
		{ "rootfs.tar.xz", STORE_TAR },
		{ "oci:dir", STORE_OCI },
		{ "oci:dir.tar", STORE_OCI },
		{ "oci-archive:a.tar", STORE_ARCHIVE },
		{ "docker-archive:a.tar:x", STORE_ARCHIVE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (store_image_form(cases[i].text) != cases[i].form)
			fail_msg("'%s' is taken for form %d", cases[i].text,
				 store_image_form(cases[i].text));
}

static int get(struct scratch *s, const char *image, struct store_image *img, struct err *err)
{
	return store_image_get(s->store, image, s->dir, NULL, NULL, img, err);
}

static void test_folders(void **state)
{
	static const char *const texts[] = { "./root", "root/../root/", "./link", "./link/." };
	struct scratch *s = *state;
	_cleanup_free_ char *root = scratch_path(s, "root"), *link = scratch_path(s, "link");
	struct store_image img;
	struct err err = { 0 };

	assert_int_equal(mkdir(root, 0755), 0);
	assert_int_equal(symlink("root", link), 0);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		_cleanup_free_ char *whole = scratch_path(s, texts[i]);
		const char *both[] = { whole, i == 1 ? whole : texts[i] };

		for (int relative = 0; relative < 2; relative++) {
			assert_int_equal(get(s, both[relative], &img, &err), 0);
			assert_int_equal(img.n_layers, 1);
			assert_string_equal(img.layers[0], root);
			assert_false(img.host_root);
			assert_null(img.cmd);
			store_image_fini(&img);
		}
	}
}

static void test_host_root(void **state)
{
	static const char *const texts[] = { "/", "//", "/./", "/tmp/.." };
	struct store_image img;
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(get(*state, texts[i], &img, &err), 0);
		assert_true(img.host_root);
		assert_string_equal(img.layers[0], "/");
		store_image_fini(&img);
	}
}

static void test_missing(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *want = scratch_path(s, "./nowhere"),
			    *tar = scratch_path(s, "no.tar.gz");
	struct store_image img;
	struct err err = { 0 };

	assert_int_equal(get(s, "./nowhere", &img, &err), -1);
	assert_int_equal(err.sys, ENOENT);
	assert_non_null(strstr(err.text, want));
	assert_int_equal(get(s, "no.tar.gz", &img, &err), -1);
	assert_int_equal(err.sys, ENOENT);
	assert_non_null(strstr(err.text, tar));
	assert_int_equal(get(s, "nginx:1.25", &img, &err), -1);
	assert_int_equal(err.sys, ENOENT);
	assert_string_equal(
		err.text,
		"image 'nginx:1.25': not here: pull it with `mstack image pull`, import it with `mstack image import`, "
		"or use busybox, a folder like ./rootfs, / or a tar like ./rootfs.tar.gz");
}

static void test_refused(void **state)
{
	static const char *const places[] = { "oci:dir", "oci-archive:a.tar",
					      "docker-archive:a.tar" };
	struct scratch *s = *state;
	struct store_image img;
	struct err err = { 0 };

	scratch_text(s, "file", "no folder");
	assert_int_equal(get(s, "./file", &img, &err), -1);
	assert_int_equal(err.sys, ENOTDIR);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		assert_int_equal(get(s, places[i], &img, &err), -1);
		assert_int_equal(err.sys, ENOENT);
	}
}

static void test_folder_named_like_a_tar(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *path = scratch_path(s, "root.tar");
	struct store_image img;
	struct err err = { 0 };

	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(get(s, "./root.tar", &img, &err), 0);
	assert_string_equal(img.layers[0], path);
	store_image_fini(&img);
}

static void test_busybox(void **state)
{
	struct scratch *s = *state;
	struct store_image img;
	struct err err = { 0 };
	int rc = get(s, "busybox", &img, &err);

	if (rc && err.sys == ENOENT) {
		print_message("skipped: %s\n", err.text);
		skip();
	}
	assert_int_equal(rc, 0);
	assert_string_equal(img.cmd[0], "sh");
	assert_null(img.cmd[1]);
	assert_ptr_equal(strstr(img.layers[0], s->data), img.layers[0]);
	store_image_fini(&img);
	store_image_fini(&img);
}

/* Of the host's own root, of a folder and of busybox; those with a record are tried from above (keep.bats). */
static void test_resumed(void **state)
{
	static const char *const names[] = { "/", "./root", "busybox" };
	struct scratch *s = *state;
	_cleanup_free_ char *root = scratch_path(s, "root");
	struct err err = { 0 };

	assert_int_equal(mkdir(root, 0755), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct carry *c = carry_new();
		struct store_image was, is;

		if (get(s, names[i], &was, &err) == 0) {
			store_image_carry(&was, c);
			/* Its name means nothing any more. */
			assert_int_equal(store_image_resume(s->store, "absent", c, &is, &err), 0);
			assert_int_equal(is.n_layers, 1);
			assert_string_equal(is.layers[0], was.layers[0]);
			assert_string_equal(is.id, "");
			assert_int_equal(is.host_root, was.host_root);
			assert_int_equal(is.folder, was.folder);
			assert_int_equal(!is.cmd, !was.cmd);
			if (is.cmd)
				assert_string_equal(is.cmd[0], was.cmd[0]);
			store_image_fini(&was);
			store_image_fini(&is);
		}
		carry_free(c);
	}
}

static void test_resumed_of_nothing(void **state)
{
	struct scratch *s = *state;
	struct carry *c = carry_new();
	struct store_image img;
	struct err err = { 0 };

	carry_put(c, "id", "../../etc");
	assert_int_equal(store_image_resume(s->store, "app", c, &img, &err), -1);
	assert_string_equal(err.text, "image 'app': it was not carried over");
	carry_free(c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_forms),   TEST(test_folders), TEST(test_host_root),
		TEST(test_missing), TEST(test_refused), TEST(test_folder_named_like_a_tar),
		TEST(test_busybox), TEST(test_resumed), TEST(test_resumed_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
