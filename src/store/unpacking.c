/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unpacking: runs mstack-store, the process without rights that understands archives, and hears what it says; several at
 * the same time for the layers of an image. It gets the archive and the empty folder as descriptors. Called by
 * rootfs.c, layers.c and archive.c. Waits for them.
 *
 * The one thing that is done here for the archive is to mark opaque folders, because the attribute needs rights that the
 * process has not: beneath the folder only, without following what lies in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "mstack/base_level.h"
#include "mstack/base_program.h"
#include "store/store.h"
#include "store/voice.h"

/* More at the same time than disks and decompression gain by. */
#define PARALLEL_MAX 4

struct worker {
	struct store_job *job;
	pid_t pid; /* 0: none */
	int marks;
	struct store_voice voice;
	const struct store_teller *teller;
};

struct crew {
	const char *program;
	const struct store_teller *teller;
	struct worker workers[PARALLEL_MAX];
	struct store_job *jobs;
	size_t n, next, parallel;
	uint64_t done_before; /* bytes of the jobs that have ended */
};

/* ---- the program ----------------------------------------------------------------------------- */

/* Returns 0 or an errno. */
static int spawn(const char *program, const struct worker *w, int out, pid_t *ret_pid)
{
	const struct store_job *j = w->job;
	bool layer = !strcmp(j->mode, UNPACKER_MODE_LAYER);
	char *const argv[] = { (char *)UNPACKER_NAME, (char *)j->mode,
			       layer ? (char *)(*j->blob ? j->blob : "-") : NULL,
			       (char *)(*j->content ? j->content : "-"), NULL };
	/* The names in archives are UTF-8, whatever the caller's terminal is. */
	char *const env[] = { (char *)"LC_ALL=C.UTF-8", NULL };
	posix_spawn_file_actions_t files;
	int rc;

	posix_spawn_file_actions_init(&files);
	if (posix_spawn_file_actions_addfchdir_np(&files, j->folder) ||
	    posix_spawn_file_actions_adddup2(&files, j->archive, 0) ||
	    posix_spawn_file_actions_adddup2(&files, out, 1) ||
	    posix_spawn_file_actions_adddup2(&files, out, 2) ||
	    (layer && posix_spawn_file_actions_adddup2(&files, w->marks, UNPACKER_MARKS)))
		rc = ENOMEM;
	else
		rc = program_spawn(program, &files, argv, env, ret_pid);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

/* Of a fixed size, so that a process gone wild cannot fill the memory with it. */
static int make_marks(void)
{
	_cleanup_fd_ int fd = memfd_create("mstack-marks", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, UNPACKER_MARKS_SIZE) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return -1;
	/* posix_spawn would keep the close-on-exec flag if it were the number already. */
	if (fd == UNPACKER_MARKS)
		return fcntl(fd, F_DUPFD_CLOEXEC, UNPACKER_MARKS + 1);
	return take_fd(&fd);
}

static int start(const struct crew *crew, struct worker *w, struct store_job *job, struct err *err)
{
	_cleanup_fd_ int out = -1;
	int ends[2], rc;

	*w = (struct worker){ .job = job, .voice.in = -1, .marks = -1, .teller = crew->teller };
	if (!strcmp(job->mode, UNPACKER_MODE_LAYER)) {
		w->marks = make_marks();
		if (w->marks < 0)
			return err_sys(err, errno, "memfd_create");
	}
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "pipe");
	w->voice.in = ends[0];
	out = ends[1];
	rc = spawn(crew->program, w, out, &w->pid);
	if (rc) {
		w->pid = 0;
		return err_sys(err, rc, "start '%s'", crew->program);
	}
	return 0;
}

/* ---- what it says ---------------------------------------------------------------------------- */

static void take_layer(struct store_job *j, const char *text)
{
	unsigned long long bytes;
	char digest[STORE_DIGEST_SIZE];

	if (sscanf(text, "%64[0-9a-f] %llu", digest, &bytes) != 2 ||
	    strlen(digest) != STORE_DIGEST_SIZE - 1)
		return;
	memcpy(j->content, digest, sizeof(digest));
	j->bytes = bytes;
}

static void take_line(void *arg, const char *line)
{
	struct worker *w = arg;
	const char *text = store_behind(line, UNPACKER_AT);

	if (text) {
		w->job->read = strtoull(text, NULL, 10);
		return;
	}
	text = store_behind(line, UNPACKER_LAYER);
	if (text)
		take_layer(w->job, text);
	else if (*line && !store_behind(line, UNPACKER_ERROR) &&
		 (!w->job->what || !store_behind(line, UNPACKER_OK)))
		store_tell(w->teller, "%s%s%s", w->job->what ? w->job->what : "",
			   w->job->what ? ": " : "", line);
}

/* ---- opaque folders -------------------------------------------------------------------------- */

const char *store_opaque(void)
{
	return level_get().nested ? "user.overlay.opaque" : "trusted.overlay.opaque";
}

static int mark(struct store_job *j, const char *path, struct err *err)
{
	_cleanup_fd_ int fd = -1;

	if (!strcmp(path, ".")) {
		j->hides_below = true;
		return 0;
	}
	fd = path_open_in(j->folder, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	/* What came later in the archive may have put something else there, which hides as well. */
	if (fd < 0)
		return errno == ENOTDIR || errno == ENOENT || errno == ELOOP
			       ? 0
			       : err_sys(err, errno, "'%s'", path);
	if (fsetxattr(fd, store_opaque(), "y", 1, 0) < 0)
		return err_sys(
			err, errno,
			"mark '%s' for overlayfs (the data folder must be on a file system that "
			"keeps attributes, see MSTACK_DATA_DIR)",
			path);
	return 0;
}

static int apply_marks(const struct worker *w, struct err *err)
{
	_cleanup_free_ char *marks = NULL;
	int rc = 0;

	if (w->marks < 0)
		return 0;
	marks = xcalloc(1, UNPACKER_MARKS_SIZE + 1);
	if (pread(w->marks, marks, UNPACKER_MARKS_SIZE, 0) != UNPACKER_MARKS_SIZE)
		return err_sys(err, errno, "read the opaque folders");
	for (const char *path = marks; !rc && *path; path += strlen(path) + 1)
		rc = mark(w->job, path, err);
	return rc;
}

/* ---- several --------------------------------------------------------------------------------- */

static int end(struct worker *w, bool kill_it, struct err *err)
{
	int status = 0, rc;

	if (w->pid && kill_it)
		kill(w->pid, SIGKILL);
	rc = w->pid ? waitpid(w->pid, &status, 0) : 0;
	while (rc < 0 && errno == EINTR)
		rc = waitpid(w->pid, &status, 0);
	w->pid = 0;
	cleanup_fd(&w->voice.in);
	rc = kill_it  ? 0
	     : rc < 0 ? err_sys(err, errno, "wait for " UNPACKER_NAME)
		      : store_voice_judge(&w->voice, status, err);
	if (!rc && !kill_it)
		rc = apply_marks(w, err);
	cleanup_fd(&w->marks);
	if (rc < 0 && w->job->what)
		err_wrap(err, "%s", w->job->what);
	w->job = NULL;
	return rc;
}

static void tell_progress(const struct crew *crew)
{
	uint64_t done = crew->done_before;

	if (!crew->teller->progress)
		return;
	for (size_t i = 0; i < crew->parallel; i++)
		if (crew->workers[i].job)
			done += crew->workers[i].job->read;
	crew->teller->progress(crew->teller->arg, done, crew->teller->total);
}

/* Fills free places. Returns how many are at work, or -1. */
static int start_more(struct crew *crew, struct err *err)
{
	int busy = 0;

	for (size_t i = 0; i < crew->parallel; i++) {
		struct worker *w = &crew->workers[i];

		if (!w->job && crew->next < crew->n &&
		    start(crew, w, &crew->jobs[crew->next++], err) < 0)
			return -1;
		busy += w->job != NULL;
	}
	return busy;
}

static int hear(struct crew *crew, struct err *err)
{
	struct pollfd p[PARALLEL_MAX];

	for (size_t i = 0; i < crew->parallel; i++)
		p[i] = (struct pollfd){ crew->workers[i].job ? crew->workers[i].voice.in : -1,
					POLLIN, 0 };
	if (poll(p, crew->parallel, -1) < 0)
		return errno == EINTR ? 0 : err_sys(err, errno, "poll");
	for (size_t i = 0; i < crew->parallel; i++) {
		struct worker *w = &crew->workers[i];
		uint64_t size;

		if (!w->job || !p[i].revents || store_voice_read(&w->voice, take_line, w))
			continue;
		size = w->job->size;
		if (end(w, false, err) < 0)
			return -1;
		crew->done_before += size;
	}
	tell_progress(crew);
	return 0;
}

int store_unpack_all(struct store_job *jobs, size_t n, const struct store_teller *teller,
		     struct err *err)
{
	_cleanup_free_ char *program = program_find(UNPACKER_NAME, UNPACKER_VARIABLE);
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct crew crew = { .program = program, .teller = teller, .jobs = jobs, .n = n };
	struct err ignored = { 0 };
	int rc;

	if (!program)
		return err_sys(err, ENOENT,
			       UNPACKER_NAME " is not beside the mstack program "
					     "(set MSTACK_STORE_BIN, or install mstack anew)");
	crew.parallel = cpus < 1 ? 1 : cpus > PARALLEL_MAX ? PARALLEL_MAX : (size_t)cpus;
	while ((rc = start_more(&crew, err)) > 0)
		if (hear(&crew, err) < 0) {
			rc = -1;
			break;
		}
	for (size_t i = 0; i < crew.parallel; i++)
		if (crew.workers[i].job)
			end(&crew.workers[i], true, &ignored);
	return rc;
}
