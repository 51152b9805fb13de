/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rootfs: images from root file systems in tar files, each unpacked once and named by its
 * content. Called by image.c. The bytes of the archive are read here for their digest only: what
 * understands them is mstack-store, a process without rights that gets the archive and the empty
 * folder as descriptors. Waits for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/store.h"
#include "store/unpacker.h"

/* ---- the program ----------------------------------------------------------------------------- */

/* Beside our own program, or where `make install` puts it. NULL when there is none. */
static char *find_program(void)
{
	static const char *const places[] = { "", "/../libexec/mstack", "/../lib/mstack" };
	const char *set = getenv("MSTACK_STORE_BIN");
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (set && *set)
		return xstrdup(set);
	if (n <= 0)
		return NULL;
	self[n] = '\0';
	dirname(self);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		char *path = xasprintf("%s%s/%s", self, places[i], UNPACKER_NAME);

		if (!access(path, X_OK))
			return path;
		free(path);
	}
	return NULL;
}

/* Default signals, none blocked: whatever the supervisor does with its own. */
static int set_signals(posix_spawnattr_t *attr)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	return posix_spawnattr_setsigmask(attr, &none) ||
	       posix_spawnattr_setsigdefault(attr, &all) ||
	       posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* Returns 0 or an errno. */
static int spawn(const char *program, int archive, int folder, int out, pid_t *ret_pid)
{
	char *const argv[] = { (char *)UNPACKER_NAME, (char *)"unpack", NULL };
	/* The names in archives are UTF-8, whatever the caller's terminal is. */
	char *const env[] = { (char *)"LC_ALL=C.UTF-8", NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int rc;

	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	if (posix_spawn_file_actions_addfchdir_np(&files, folder) ||
	    posix_spawn_file_actions_adddup2(&files, archive, 0) ||
	    posix_spawn_file_actions_adddup2(&files, out, 1) ||
	    posix_spawn_file_actions_adddup2(&files, out, 2) || set_signals(&attr))
		rc = ENOMEM;
	else
		rc = posix_spawn(ret_pid, program, &files, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

/* ---- what it says ---------------------------------------------------------------------------- */

struct talk {
	const struct store_teller *teller;
	char line[UNPACKER_LINE_MAX + 1];
	size_t len;
	char last[UNPACKER_LINE_MAX + 1]; /* the outcome, if it is one */
};

/* Names of files come out of the archive: they must not speak to a terminal. */
static void end_line(struct talk *t)
{
	for (size_t i = 0; i < t->len; i++)
		if ((unsigned char)t->line[i] < ' ' || t->line[i] == 0x7f)
			t->line[i] = '?';
	t->line[t->len] = '\0';
	if (t->len && strncmp(t->line, UNPACKER_ERROR, strlen(UNPACKER_ERROR)))
		store_tell(t->teller, "%s", t->line);
	memcpy(t->last, t->line, t->len + 1);
	t->len = 0;
}

static void listen_to(struct talk *t, int fd)
{
	char block[4096];
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0 || (n < 0 && errno == EINTR)) {
		for (ssize_t i = 0; i < n; i++) {
			if (block[i] == '\n')
				end_line(t);
			else if (t->len < UNPACKER_LINE_MAX)
				t->line[t->len++] = block[i];
		}
	}
	if (t->len)
		end_line(t);
}

static int judge(const struct talk *t, int status, struct err *err)
{
	bool error = !strncmp(t->last, UNPACKER_ERROR, strlen(UNPACKER_ERROR));

	if (WIFEXITED(status) && !WEXITSTATUS(status) &&
	    !strncmp(t->last, UNPACKER_OK, strlen(UNPACKER_OK)))
		return 0;
	if (WIFEXITED(status) && error)
		return err_set(err, "%s", t->last + strlen(UNPACKER_ERROR));
	if (WIFSIGNALED(status))
		return err_set(err, UNPACKER_NAME " was ended by %s", sig_name(WTERMSIG(status)));
	return err_set(err, UNPACKER_NAME " ended with status %d: %.200s", WEXITSTATUS(status),
		       t->last);
}

static int unpack(int archive, int folder, const struct store_teller *teller, struct err *err)
{
	_cleanup_free_ char *program = find_program();
	_cleanup_fd_ int out = -1, in = -1;
	struct talk talk = { .teller = teller };
	int ends[2], status, rc;
	pid_t pid;

	if (!program)
		return err_sys(err, ENOENT,
			       UNPACKER_NAME " is not beside the mstack program "
					     "(set MSTACK_STORE_BIN, or install mstack anew)");
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "pipe");
	in = ends[0];
	out = ends[1];
	rc = spawn(program, archive, folder, out, &pid);
	if (rc)
		return err_sys(err, rc, "start '%s'", program);
	cleanup_fd(&out);
	listen_to(&talk, in);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, errno, "wait for " UNPACKER_NAME);
	return judge(&talk, status, err);
}

/* ---- the image ------------------------------------------------------------------------------- */

static int make(const struct store *s, const char *name, int archive, const char *digest,
		const struct store_teller *t, struct err *err)
{
	_cleanup_(store_making_fini) struct store_making m = { .fd = -1 };
	char again[STORE_DIGEST_SIZE];

	if (store_making_begin(s, &m, err) < 0 || unpack(archive, m.fd, t, err) < 0)
		return -1;
	/* What was unpacked must be what has the digest; mostly a look at the index alone. */
	if (store_digest(s, archive, again, err) < 0)
		return -1;
	if (strcmp(digest, again))
		return err_sys(err, EBUSY, "the file was changed while it was unpacked");
	return store_making_commit(&m, name, err);
}

int store_rootfs_get(const struct store *s, const char *path, const struct store_teller *t,
		     char **ret, struct err *err)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char digest[STORE_DIGEST_SIZE];
	_cleanup_free_ char *name = NULL;
	int rc;

	if (fd < 0)
		return err_sys(err, errno, "image '%s'", path);
	if (store_digest(s, fd, digest, err) < 0)
		return err_wrap(err, "image '%s'", path);
	name = xasprintf("tar-%.32s", digest);
	rc = store_image_there(s, name, err);
	if (!rc) {
		store_tell(t, "unpacking '%s'", path);
		rc = make(s, name, fd, digest, t, err);
	}
	if (rc < 0)
		return err_wrap(err, "image '%s'", path);
	*ret = xasprintf("%s/images/%s", s->dir, name);
	return 0;
}
