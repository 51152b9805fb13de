/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * layers: with the program that was built beside this test, from tars that tar(1) makes. What overlayfs makes of
 * the result is tested with real stacks.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/store/scratch.h"

static const struct store_teller silent;

static void need_program(void)
{
	char self[PATH_MAX], program[PATH_MAX + 32];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(n > 0);
	self[n] = '\0';
	snprintf(program, sizeof(program), "%s/../../mstack-store", dirname(self));
	if (access(program, X_OK) < 0) {
		print_message("skipped: mstack-store is not built\n");
		skip();
	}
	setenv("MSTACK_STORE_BIN", program, 1);
}

static void run(const struct scratch *s, const char *command)
{
	_cleanup_free_ char *whole = xasprintf("cd %s && { %s; }", s->dir, command);

	assert_int_equal(system(whole), 0);
}

static void sum(const struct scratch *s, const char *name, char ret[STORE_DIGEST_SIZE])
{
	_cleanup_free_ char *path = scratch_path(s, name);
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct err err = { 0 };

	assert_int_equal(store_digest(s->store, fd, ret, &err), 0);
}

/* A blob of the name, whose tar is NAME without its last ending when that is a file too. */
static struct store_layer layer(const struct scratch *s, const char *name)
{
	_cleanup_free_ char *path = scratch_path(s, name);
	struct store_layer l = { .fd = open(path, O_RDONLY | O_CLOEXEC) };

	assert_true(l.fd >= 0);
	sum(s, name, l.blob);
	return l;
}

static int get(const struct scratch *s, struct store_layer *l, size_t n, struct err *err)
{
	int rc = store_layers_get(s->store, l, n, &silent, err);

	for (size_t i = 0; i < n; i++)
		cleanup_fd(&l[i].fd);
	return rc;
}

static int get_one(const struct scratch *s, const char *name, struct store_layer *l,
		   struct err *err)
{
	*l = layer(s, name);
	return get(s, l, 1, err);
}

static bool look(const struct scratch *s, const struct store_layer *l, const char *name,
		 struct stat *st)
{
	_cleanup_free_ char *tree = store_layer_path(s->store, l->content),
			    *path = xasprintf("%s/%s", tree, name);

	return !lstat(path, st);
}

static bool is_opaque(const struct scratch *s, const struct store_layer *l, const char *name)
{
	_cleanup_free_ char *tree = store_layer_path(s->store, l->content),
			    *path = xasprintf("%s/%s", tree, name);
	char value[4];

	return lgetxattr(path, "trusted.overlay.opaque", value, sizeof(value)) == 1 &&
	       *value == 'y';
}

static size_t count(const struct scratch *s, const char *what)
{
	_cleanup_free_ char *command = xasprintf("ls -A %s/layers | grep -c '%s'", s->data, what);
	FILE *p = popen(command, "re");
	size_t n = 0;

	assert_int_equal(fscanf(p, "%zu", &n), 1);
	pclose(p);
	return n;
}

/* However it is compressed it is the same layer. */
static void test_compressed(void **state)
{
	static const char *const names[] = { "l.tar", "l.tar.gz", "l.tar.xz", "l.tar.zst" };
	struct scratch *s = *state;
	char content[STORE_DIGEST_SIZE];
	struct store_layer l;
	struct err err = { 0 };
	struct stat st;

	need_program();
	run(s,
	    "mkdir -p t/etc && echo one >t/etc/a && ln t/etc/a t/etc/b && chmod 4750 t/etc/a && "
	    "truncate -s 1G t/sparse && tar -C t --sparse --owner=:12 --group=:34 -cf l.tar . && gzip -k l.tar && xz -k l.tar && "
	    "zstd -q l.tar");
	sum(s, "l.tar", content);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (get_one(s, names[i], &l, &err) < 0)
			fail_msg("%s: %s", names[i], err.text);
		assert_string_equal(l.content, content);
		assert_false(l.hides_below);
		assert_true(look(s, &l, "etc/a", &st));
		assert_int_equal(st.st_mode & 07777, 04750);
		assert_int_equal(st.st_uid, 12);
		assert_int_equal(st.st_gid, 34);
		assert_int_equal(st.st_nlink, 2);
		assert_true(look(s, &l, "sparse", &st));
		assert_int_equal(st.st_size, 1 << 30);
		assert_true(st.st_blocks < 1000);
		assert_int_equal(count(s, "."), 1);
	}
}

static void test_whiteouts(void **state)
{
	struct scratch *s = *state;
	struct store_layer l;
	struct err err = { 0 };
	struct stat st;

	need_program();
	/* In the order given: a whiteout before, and one behind what is in the same layer. */
	run(s,
	    "mkdir -p t/d/sub t/e t/late t/deep && cd t && touch .wh.gone d/.wh..wh..opq d/new e/.wh.x e/x f .wh.f .wh.late "
	    "late/in .wh..wh.plnk .wh.early deep/.wh.y && mkdir early && touch early/in && "
	    "tar --no-recursion -cf ../l.tar .wh.gone d d/.wh..wh..opq d/new d/sub e e/.wh.x e/x f .wh.f late late/in "
	    ".wh.late .wh..wh.plnk .wh.early early/in deep/.wh.y");
	if (get_one(s, "l.tar", &l, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(look(s, &l, "gone", &st));
	assert_true(S_ISCHR(st.st_mode) && !st.st_rdev);
	assert_true(look(s, &l, "deep/y", &st) && S_ISCHR(st.st_mode));
	assert_true(is_opaque(s, &l, "d"));
	assert_true(look(s, &l, "d/new", &st) && S_ISREG(st.st_mode));
	assert_false(is_opaque(s, &l, "d/sub"));
	assert_false(is_opaque(s, &l, "e"));
	assert_true(look(s, &l, "e/x", &st) && S_ISREG(st.st_mode));
	assert_true(look(s, &l, "f", &st) && S_ISREG(st.st_mode));
	assert_true(is_opaque(s, &l, "late"));
	assert_true(is_opaque(s, &l, "early"));
	assert_true(look(s, &l, "early/in", &st));
	assert_false(look(s, &l, ".wh.gone", &st) || look(s, &l, "d/.wh..wh..opq", &st) ||
		     look(s, &l, ".wh..wh.plnk", &st));
	assert_false(l.hides_below);
	run(s, "touch t/.wh..wh..opq && tar -C t -cf r.tar .wh..wh..opq f");
	assert_int_equal(get_one(s, "r.tar", &l, &err), 0);
	assert_true(l.hides_below);
	/* Remembered beside the layer. */
	l.hides_below = false;
	assert_int_equal(store_layer_look(s->store, &l, &err), 1);
	assert_true(l.hides_below);
}

/* Attributes: of users, and capabilities of files; nothing that overlayfs would listen to. */
static void test_attributes(void **state)
{
	static const unsigned char cap[20] = { 1, 0, 0, 2, 0, 0x20 };
	struct scratch *s = *state;
	char file[80], value[64];
	_cleanup_free_ char *tree = NULL, *path = NULL;
	struct store_layer l;
	struct err err = { 0 };

	need_program();
	scratch_text(s, "t/ping", "x");
	snprintf(file, sizeof(file), "%s/t/ping", s->dir);
	if (setxattr(file, "security.capability", cap, sizeof(cap), 0) < 0 ||
	    setxattr(file, "trusted.overlay.opaque", "y", 1, 0) < 0 ||
	    setxattr(file, "user.a", "b", 1, 0) < 0) {
		print_message("skipped: setxattr in /tmp: %s\n", strerror(errno));
		skip();
	}
	run(s, "tar -C t --xattrs --xattrs-include='*' -cf l.tar ping");
	assert_int_equal(get_one(s, "l.tar", &l, &err), 0);
	tree = store_layer_path(s->store, l.content);
	path = xasprintf("%s/ping", tree);
	assert_int_equal(getxattr(path, "security.capability", value, sizeof(value)), 20);
	assert_int_equal(getxattr(path, "user.a", value, sizeof(value)), 1);
	assert_int_equal(getxattr(path, "trusted.overlay.opaque", value, sizeof(value)), -1);
}

/* Owners that no container has become nobody. */
static void test_owners(void **state)
{
	struct scratch *s = *state;
	struct store_layer l;
	struct err err = { 0 };
	struct stat st;

	need_program();
	run(s, "mkdir t && touch t/f t/g && tar -C t --owner=:65536 --group=:65535 -cf l.tar f");
	assert_int_equal(get_one(s, "l.tar", &l, &err), 0);
	assert_true(look(s, &l, "f", &st));
	assert_int_equal(st.st_uid, 65534);
	assert_int_equal(st.st_gid, 65535);
}

/* Each is refused, says why, and nothing is left of it. */
static void test_refused(void **state)
{
	static const struct {
		const char *make, *text;
	} cases[] = {
		{ "touch t/f; tar -C t -cf l.tar f", "" },
		{ "echo rubbish >l.tar", "nrecognized archive" },
		{ "touch t/f; tar -C t -czf l.tar f; truncate -s -9 l.tar", "truncated" },
		{ "touch t/f; tar -P -C t --transform='s,f,/tmp/mstack-escaped,' -cf l.tar f",
		  "absolute" },
		{ "touch t/f; tar -P -C t --transform='s,f,a/../../mstack-escaped,' -cf l.tar f",
		  "'..'" },
		{ "touch t/f; tar -P -C t --transform='s,f,a/.wh...,' -cf l.tar f",
		  "whiteout of no name" },
		{ "touch t/f; tar -P -C t --transform='s,f,.wh.,' -cf l.tar f",
		  "whiteout of no name" },
		{ "ln -s /tmp t/o; mkdir t/p; touch t/p/.wh.x; tar -C t --transform='s,p/,o/,' -cf l.tar o p/.wh.x",
		  "symlink" },
		{ "ln -s /tmp t/o; mkdir t/p; touch t/p/.wh..wh..opq; tar -C t --transform='s,p/,o/,' -cf l.tar o "
		  "p/.wh..wh..opq",
		  "symlink" },
		{ "touch t/f; mkdir -p t/g; touch t/g/x; tar -C t --transform='s,g/,f/,' -cf l.tar f g/x",
		  "no folder" },
	};
	struct scratch *s = *state;

	need_program();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct store_layer l;
		struct err err = { 0 };

		run(s, "rm -rf t l.tar; mkdir t");
		run(s, cases[i].make);
		l = layer(s, "l.tar");
		/* The first one is sound, and not what the image says. */
		if (!*cases[i].text)
			memset(l.content, 'a', STORE_DIGEST_SIZE - 1);
		if (!get(s, &l, 1, &err))
			fail_msg("'%s' was unpacked", cases[i].make);
		if (!strstr(err.text, "layer 1 of 1: ") || !strstr(err.text, cases[i].text))
			fail_msg("'%s': %s", cases[i].make, err.text);
		assert_int_equal(count(s, "."), 0);
		assert_int_not_equal(access("/tmp/mstack-escaped", F_OK), 0);
	}
}

static void test_digests(void **state)
{
	struct scratch *s = *state;
	struct store_layer l;
	struct err err = { 0 };

	need_program();
	run(s, "mkdir t && touch t/f && tar -C t -czf l.tar.gz f");
	l = layer(s, "l.tar.gz");
	l.blob[5] = l.blob[5] == 'a' ? 'b' : 'a';
	assert_int_equal(get(s, &l, 1, &err), -1);
	assert_non_null(strstr(err.text, "the blob has the digest"));
	l = layer(s, "l.tar.gz");
	memset(l.content, 'c', STORE_DIGEST_SIZE - 1);
	assert_int_equal(get(s, &l, 1, &err), -1);
	assert_non_null(strstr(err.text, "the tar in the blob has the digest"));
	assert_int_equal(count(s, "."), 0);
}

/* One that is bad takes all along; good ones are made once, also when they are in the image twice. */
static void test_several(void **state)
{
	struct scratch *s = *state;
	struct store_layer l[4];
	struct err err = { 0 };

	need_program();
	run(s,
	    "for i in 1 2 3; do mkdir t$i; echo $i >t$i/f; tar -C t$i -cf $i.tar f; done; echo bad >bad.tar");
	l[0] = layer(s, "1.tar");
	l[1] = layer(s, "bad.tar");
	l[2] = layer(s, "3.tar");
	assert_int_equal(get(s, l, 3, &err), -1);
	assert_non_null(strstr(err.text, "layer 2 of 3: "));
	assert_int_equal(count(s, "."), 0);
	l[0] = layer(s, "1.tar");
	l[1] = layer(s, "2.tar");
	l[2] = layer(s, "3.tar");
	l[3] = layer(s, "1.tar");
	sum(s, "1.tar", l[0].content);
	sum(s, "1.tar", l[3].content);
	if (get(s, l, 4, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(count(s, "."), 3);
	assert_int_equal(l[3].bytes, 2);
}

/* Killed in the middle: no half layer, and the next one clears up. */
static void test_killed(void **state)
{
	struct scratch *s = *state;
	struct store_layer l;
	struct err err = { 0 };
	int status;
	pid_t pid;

	need_program();
	run(s, "mkdir t && echo x >t/f && tar -C t -cf l.tar f && mkfifo slow");
	pid = fork();
	if (!pid) {
		_cleanup_free_ char *slow = scratch_path(s, "slow");

		l = (struct store_layer){ .fd = open(slow, O_RDWR) };
		get(s, &l, 1, &err);
		_exit(0);
	}
	for (int i = 0; i < 1000 && count(s, "making"); i++)
		usleep(1000);
	for (int i = 0; i < 2000 && !count(s, "making"); i++)
		usleep(1000);
	assert_int_equal(count(s, "making"), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(count(s, "."), 1);
	assert_int_equal(get_one(s, "l.tar", &l, &err), 0);
	assert_int_equal(count(s, "making"), 0);
	assert_int_equal(count(s, "."), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_compressed), TEST(test_whiteouts), TEST(test_attributes),
		TEST(test_owners),     TEST(test_refused),   TEST(test_digests),
		TEST(test_several),    TEST(test_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
