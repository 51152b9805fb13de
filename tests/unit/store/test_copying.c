/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * copying: two processes with a tar between them: what they are given, what of their words goes on, and whose failure counts. In
 * place of mstack-store this program itself is started; what it does then stands in a file `script` of its folder. The real one
 * is tried in tests/unit/store/program and tests/e2e/cp.bats.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/close_range.h>

#include <cmocka.h>

#include "unit/store/scratch.h"

/* ---- in place of mstack-store ---------------------------------------------------------------- */

static unsigned open_descriptors(void)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (dir && readdir(dir))
		n++;
	return n - 4; /* itself, two with dots, and the script */
}

/* The words, the environment and the descriptors that it was given. */
static void tell(int fd, char **argv)
{
	for (; *argv; argv++)
		dprintf(fd, "%s ", *argv);
	for (char **e = environ; *e; e++)
		dprintf(fd, "%s ", *e);
	dprintf(fd, "%u\n", open_descriptors());
}

static void take_input(char **argv)
{
	_cleanup_fd_ int to = open("came", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	char block[4096];
	ssize_t n;

	while ((n = read(0, block, sizeof(block))) > 0)
		if (write(to, block, (size_t)n) != n)
			_exit(8);
	tell(to, argv);
}

static int act(char **argv)
{
	FILE *script = fopen("script", "re");
	char line[200];

	while (script && fgets(line, sizeof(line), script)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "say ", 4))
			dprintf(2, "%s\n", line + 4);
		else if (!strcmp(line, "tell"))
			tell(1, argv);
		else if (!strcmp(line, "in"))
			take_input(argv);
		else if (!strcmp(line, "kill"))
			raise(SIGKILL);
		else if (!strncmp(line, "exit ", 5))
			_exit(atoi(line + 5));
	}
	return 0;
}

/* ---- a copy ---------------------------------------------------------------------------------- */

struct copied {
	struct buf said;
	uint64_t bytes;
	unsigned reports;
	struct err err;
	int rc;
};

static void hear_note(void *arg, const char *line)
{
	struct copied *c = arg;

	buf_printf(&c->said, "[%s]", line);
}

static void hear_bytes(void *arg, uint64_t done, uint64_t total)
{
	struct copied *c = arg;

	assert_int_equal(total, 0);
	c->bytes = done;
	c->reports++;
}

static int folder_of(const struct scratch *s, const char *name, const char *script)
{
	_cleanup_free_ char *path = scratch_path(s, name), *file = xasprintf("%s/script", name);
	int fd;

	scratch_text(s, file, script);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static struct copied copy_by(struct store_copy c)
{
	struct copied done = { 0 };
	const struct store_hooks hooks = { hear_note, hear_bytes, &done };

	done.rc = store_copy(&c, &hooks, &done.err);
	return done;
}

/* From a folder whose script is `packer` to one whose script is `filler`. */
static struct copied copy(const struct scratch *s, const char *packer, const char *filler)
{
	_cleanup_fd_ int from = folder_of(s, "from", packer), to = folder_of(s, "to", filler);

	return copy_by((struct store_copy){ .from = { .folder = from, .tar = -1 },
					    .to = { .folder = to, .tar = -1 },
					    .name = "what",
					    .as = "else" });
}

static char *text_of(const struct scratch *s, const char *name)
{
	_cleanup_free_ char *path = scratch_path(s, name);
	struct buf b = { 0 };

	assert_int_equal(file_read(AT_FDCWD, path, 65536, &b), 0);
	return buf_take(&b);
}

/* ---- tests ----------------------------------------------------------------------------------- */

#define ENV "LC_ALL=C.UTF-8"

/* Nothing of ours goes along: no variable, no descriptor but the three. */
static void test_given(void **state)
{
	_cleanup_free_ char *came = NULL;
	struct copied c;

	setenv("SECRET", "x", 1);
	c = copy(*state, "tell\nsay ok: packed\n", "in\nsay ok: filled\n");
	unsetenv("SECRET");
	if (c.rc)
		fail_msg("%s", c.err.text);
	came = text_of(*state, "to/came");
	assert_string_equal(came, "mstack-store pack what else " ENV " 3\n"
				  /* And the file that it writes. */
				  "mstack-store copy else - " ENV " 4\n");
	buf_fini(&c.said);
}

static void test_keep(void **state)
{
	static const char *const words[2][2] = { { "-", "s" }, { "o", "os" } };

	for (int owners = 0; owners < 2; owners++)
		for (int set_id = 0; set_id < 2; set_id++) {
			_cleanup_fd_ int to = folder_of(*state, "to", "in\nsay ok: \n");
			_cleanup_fd_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
			_cleanup_free_ char *came = NULL, *want = NULL;
			struct copied c =
				copy_by((struct store_copy){ .from = { .folder = -1, .tar = null },
							     .to = { .folder = to, .tar = -1 },
							     .as = ".",
							     .owners = owners,
							     .set_id = set_id });

			assert_int_equal(c.rc, 0);
			came = text_of(*state, "to/came");
			want = xasprintf("mstack-store copy . %s " ENV " 4\n",
					 words[owners][set_id]);
			assert_string_equal(came, want);
		}
}

/* Of a tar at one end there is one process, and its bytes are those that count. */
static void test_to_a_tar(void **state)
{
	_cleanup_fd_ int from = folder_of(*state, "from", "tell\nsay at: 77\nsay ok: \n");
	_cleanup_free_ char *path = scratch_path(*state, "out.tar"), *out = NULL;
	_cleanup_fd_ int tar = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	struct copied c = copy_by((struct store_copy){ .from = { .folder = from, .tar = -1 },
						       .to = { .folder = -1, .tar = tar },
						       .name = ".",
						       .as = "." });

	assert_int_equal(c.rc, 0);
	assert_int_equal(c.bytes, 77);
	out = text_of(*state, "out.tar");
	assert_string_equal(out, "mstack-store pack . . " ENV " 3\n");
}

static void test_told(void **state)
{
	struct copied c =
		copy(*state, "say at: 5\nsay note: of the first\nsay ok: \n",
		     "in\nsay at: 1\nsay at: 2\nsay nonsense\nsay note: of the other\nsay ok: \n");

	assert_int_equal(c.rc, 0);
	/* What has arrived counts, not what has left. */
	assert_int_equal(c.bytes, 2);
	assert_int_equal(c.reports, 2);
	assert_non_null(strstr(buf_str(&c.said), "[of the first]"));
	assert_non_null(strstr(buf_str(&c.said), "[of the other]"));
	assert_null(strstr(buf_str(&c.said), "nonsense"));
	buf_fini(&c.said);
}

static void test_failures(void **state)
{
	static const struct {
		const char *packer, *filler, *text;
	} t[] = {
		/* The tar of the first breaks off: that is no news. */
		{ "say error: 'a': permission denied\nexit 1\n",
		  "in\nsay error: the tar ends too early\nexit 1\n", "'a': permission denied" },
		/* Nobody listens to the first any more: the other knows why. */
		{ "say error: nobody takes the copy any more\nexit 1\n",
		  "say error: no space left on device\nexit 1\n", "no space left on device" },
		{ "say error: nobody takes the copy any more\nexit 1\n", "say ok: \n",
		  "nobody takes the copy any more" },
		{ "say ok: \n", "in\nsay error: disk\nexit 1\n", "disk" },
		{ "kill\n", "in\nsay ok: \n", "mstack-store was ended by SIGKILL" },
		{ "say ok: \n", "in\nkill\n", "mstack-store was ended by SIGKILL" },
		{ "say ok: \n", "in\nsay odd\nexit 3\n", "mstack-store ended with status 3: odd" },
		/* Only who says that it is done is done. */
		{ "say ok: \n", "in\n", "mstack-store ended with status 0: " },
		{ "", "in\nsay ok: \n", "mstack-store ended with status 0: " },
		{ "say ok: \nexit 1\n", "in\nsay ok: \n",
		  "mstack-store ended with status 1: ok: " },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct copied c = copy(*state, t[i].packer, t[i].filler);

		assert_int_equal(c.rc, -1);
		assert_string_equal(c.err.text, t[i].text);
		buf_fini(&c.said);
	}
}

static int refuse(const void *arg)
{
	errno = *(const int *)arg;
	return -1;
}

static int leave_mark(const void *arg)
{
	return mkdir(arg, 0755);
}

/* Each end has its own rights, taken on in its folder and nowhere else. */
static void test_enter(void **state)
{
	const struct scratch *s = *state;
	_cleanup_fd_ int from = folder_of(s, "from", "say ok: \n");
	_cleanup_fd_ int to = folder_of(s, "to", "in\nsay ok: \n");
	_cleanup_free_ char *there = scratch_path(s, "from/of-packer"),
			    *other = scratch_path(s, "to/of-filler");
	const int why = EPERM;
	struct store_copy c = {
		.from = { .folder = from, .tar = -1, .enter = leave_mark, .arg = "of-packer" },
		.to = { .folder = to, .tar = -1, .enter = leave_mark, .arg = "of-filler" },
		.name = "what",
		.as = "else",
	};
	struct copied done = copy_by(c);

	if (done.rc)
		fail_msg("%s", done.err.text);
	assert_true(is_there(there) && is_there(other));
	c.from.enter = c.to.enter = NULL;
	c.to.enter = refuse;
	c.to.arg = &why;
	done = copy_by(c);
	assert_int_equal(done.rc, -1);
	assert_string_equal(done.err.text,
			    "take on the container's rights: Operation not permitted");
	c.to = (struct store_end){ .folder = open("/dev/null", O_RDONLY | O_CLOEXEC), .tar = -1 };
	done = copy_by(c);
	close(c.to.folder);
	assert_int_equal(done.rc, -1);
	assert_string_equal(done.err.text, "open the folder: Not a directory");
}

static void test_no_program(void **state)
{
	char *program = xstrdup(getenv("MSTACK_STORE_BIN"));
	struct copied c;

	setenv("MSTACK_STORE_BIN", "/nonexistent/mstack-store", 1);
	c = copy(*state, "", "");
	setenv("MSTACK_STORE_BIN", program, 1);
	free(program);
	assert_int_equal(c.rc, -1);
	assert_int_equal(c.err.sys, ENOENT);
	assert_non_null(strstr(c.err.text, "is not beside the mstack program"));
}

#define test_in_scratch(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		test_in_scratch(test_given),	  test_in_scratch(test_keep),
		test_in_scratch(test_to_a_tar),	  test_in_scratch(test_told),
		test_in_scratch(test_failures),	  test_in_scratch(test_enter),
		test_in_scratch(test_no_program),
	};
	_cleanup_free_ char *self = path_self();

	if (argc > 0 && !strcmp(argv[0], "mstack-store"))
		return act(argv);
	/* What this test was started with is not ours to hand on. */
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	setenv("MSTACK_STORE_BIN", self, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
