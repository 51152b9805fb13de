/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rig: see rig.h. One per test program, whose files are in a tmpfs that only its own mount
 * namespace sees.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/sys.h"
#include "unit/box/rig.h"

static struct {
	char dir[32];
	char path[256];
	int pipe[2];
	char output[65536];
} rig = { .pipe = { -1, -1 } };

const char *rig_path(const char *name)
{
	snprintf(rig.path, sizeof(rig.path), "%s/%s", rig.dir, name);
	return rig.path;
}

/* ---- surroundings ---------------------------------------------------------------------------- */

static void need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "rig: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void copy_file(const char *from, const char *to)
{
	char block[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC), out;
	ssize_t n;

	need(in >= 0, from);
	out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	need(out >= 0, to);
	while ((n = read(in, block, sizeof(block))) > 0)
		need(write(out, block, (size_t)n) == n, to);
	close(in);
	close(out);
}

static void make_image(void)
{
	static const char *const applets[] = {
		"sh",	 "cat",	   "echo", "sleep", "id",  "ls",       "grep",	   "mount", "touch",
		"pwd",	 "ulimit", "true", "false", "dd",  "readlink", "hostname", "wc",    "head",
		"mkdir", "stat",   "kill", "ping",  "yes", "rm",       "env",	   "df",    "chmod"
	};
	char to[300];

	need(!mkdir(rig_path(RIG_IMAGE), 0755), "image");
	need(!mkdir(rig_path(RIG_IMAGE "/bin"), 0755), "bin");
	need(!mkdir(rig_path(RIG_IMAGE "/tmp"), 01777) && !chmod(rig_path(RIG_IMAGE "/tmp"), 01777),
	     "tmp");
	copy_file("/bin/busybox", rig_path(RIG_IMAGE "/bin/busybox"));
	for (size_t i = 0; i < ARRAY_LEN(applets); i++) {
		snprintf(to, sizeof(to), "%s/" RIG_IMAGE "/bin/%s", rig.dir, applets[i]);
		need(!symlink("busybox", to), to);
	}
}

static void inside(void)
{
	/* With the parent killed, its pid namespace goes as well. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	need(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
	need(!mount("proc", "/proc", "proc", 0, NULL), "proc");
	need(!mount("tmpfs", "/dev/shm", "tmpfs", 0, NULL), "shm");
	need(!mount("tmpfs", rig.dir, "tmpfs", 0, NULL), "tmpfs");
	need(!setenv("MSTACK_RUN_DIR", rig_path("run"), 1), "setenv");
	umask(022);
	make_image();
	need(!pipe2(rig.pipe, O_CLOEXEC) && !fd_nonblock(rig.pipe[0], true), "pipe");
}

void rig_isolate(void)
{
	int status = 0;
	pid_t pid;

	snprintf(rig.dir, sizeof(rig.dir), "/tmp/mstack-box-XXXXXX");
	need(mkdtemp(rig.dir), "mkdtemp");
	fflush(NULL);
	need(!unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC), "unshare");
	pid = fork();
	need(pid >= 0, "fork");
	if (!pid) {
		inside();
		return;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	/* The child shares this mount namespace. */
	umount2(rig.dir, MNT_DETACH);
	rmdir(rig.dir);
	/*
	 * Nothing at exit: a leak checker cannot start its thread here, where new processes are of
	 * the other namespace.
	 */
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* ---- runtime --------------------------------------------------------------------------------- */

static void note(void *arg, const struct box_event *ev)
{
	struct rig *r = arg;
	struct box_event *to;

	assert_true(r->n_events < RIG_EVENTS);
	to = &r->events[r->n_events++];
	*to = *ev;
	if (ev->kind != BOX_EXEC_DONE)
		return;
	assert_true(ev->output_len <= BOX_OUTPUT_MAX);
	memcpy(r->exec_output, ev->output, ev->output_len);
	r->exec_output[ev->output_len] = '\0';
}

int rig_up(void **state)
{
	static const struct ledger_kind *const *const kinds[] = { box_ledger_kinds, ledger_kinds,
								  NULL };
	static unsigned count;
	struct rig *r = xcalloc(1, sizeof(*r));
	char name[64];
	struct err err = { 0 };

	/*
	 * /proc/self is the namespace's, the number must be the machine's: the folder's letters
	 * are.
	 */
	snprintf(r->project, sizeof(r->project), "test-%s-%u", rig.dir + strlen(rig.dir) - 6,
		 count);
	snprintf(name, sizeof(name), "ledger-%u", count++);
	r->loop = ev_loop_new(0);
	r->ledger = ledger_open(rig_path(name), true, kinds, &err);
	if (!r->ledger || ledger_lock(r->ledger, 0, NULL, &err))
		fail_msg("%s", err.text);
	r->rt = box_open(r->loop, r->project, r->ledger, note, r, &err);
	if (!r->rt)
		fail_msg("%s", err.text);
	/* A container opens it again, by /dev/stderr. */
	assert_int_equal(fchown(rig.pipe[1], box_ids(r->rt), box_ids(r->rt)), 0);
	*state = r;
	return 0;
}

static void tell(void *arg, const char *line)
{
	(void)arg;
	print_error("left: %s\n", line);
}

int rig_down(void **state)
{
	struct rig *r = *state;
	struct err err = { 0 };
	int rc;

	box_close(r->rt);
	rc = ledger_undo(r->ledger, 5000, tell, NULL, &err);
	ledger_close(r->ledger);
	ev_loop_destroy(r->loop);
	free(r);
	if (rc)
		print_error("undo: %d %s\n", rc, err.text);
	while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
		;
	rig_output();
	return rc;
}

/* ---- events ---------------------------------------------------------------------------------- */

static void on_time(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)revents;
	*(bool *)w->data = true;
	ev_break(loop, EVBREAK_ONE);
}

static bool run_until_event(struct rig *r, double seconds)
{
	struct ev_timer timer;
	bool over = false;

	ev_timer_init(&timer, on_time, seconds, 0.);
	timer.data = &over;
	ev_timer_start(r->loop, &timer);
	while (!over && r->n_seen == r->n_events)
		ev_run(r->loop, EVRUN_ONCE);
	ev_timer_stop(r->loop, &timer);
	return r->n_seen < r->n_events;
}

const struct box_event *rig_any(struct rig *r)
{
	const struct box_event *ev;

	if (!run_until_event(r, 60.)) {
		fail_msg("no event in 60 s");
		return NULL;
	}
	ev = &r->events[r->n_seen++];
	if (r->n_seen == r->n_events)
		r->n_seen = r->n_events = 0;
	return ev;
}

const struct box_event *rig_wait(struct rig *r, enum box_event_kind kind)
{
	const struct box_event *ev = rig_any(r);

	if (ev->kind != kind)
		fail_msg("event %d in place of %d: %s (status %x)", ev->kind, kind, ev->err.text,
			 ev->status);
	return ev;
}

void rig_idle(struct rig *r, double seconds)
{
	if (run_until_event(r, seconds))
		fail_msg("unexpected event %d", r->events[r->n_seen].kind);
}

/* ---- runs ------------------------------------------------------------------------------------ */

struct box_slot *rig_slot(struct rig *r, const char *name)
{
	struct box_slot_spec spec = { .token = 7, .name = name, .tmp_upper = true };
	struct err err = { 0 };
	struct box_slot *s = box_slot_open(r->rt, &spec, &err);

	if (!s)
		fail_msg("%s", err.text);
	assert_int_equal(rig_wait(r, BOX_SLOT_READY)->token, 7);
	return s;
}

struct box_spec rig_spec(const char *const *argv, int out)
{
	static const char *const envp[] = { "PATH=/nowhere:/bin", "COLOUR=green", NULL };
	static char image[256];
	static const char *const lower[] = { image };

	snprintf(image, sizeof(image), "%s", rig_path(RIG_IMAGE));
	return (struct box_spec){
		.lower = lower,
		.n_lower = 1,
		.argv = argv,
		.envp = envp,
		.hostname = "web-1",
		.caps = box_caps_default(),
		.stdin_fd = -1,
		.stdout_fd = out,
		.stderr_fd = out,
	};
}

const char *rig_run(struct rig *r, struct box_slot *s, const struct box_spec *spec, int *ret_status)
{
	struct err err = { 0 };

	rig_output();
	if (box_start(s, spec, true, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(rig_wait(r, BOX_STARTED)->pid > 0);
	*ret_status = rig_wait(r, BOX_EXITED)->status;
	return rig_output();
}

const char *rig_script(struct rig *r, struct box_slot *s, const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	int status;
	const char *out = rig_run(r, s, &spec, &status);

	if (status)
		fail_msg("'%s' ended with status %x: %s", script, status, out);
	return out;
}

const struct err *rig_fail(struct rig *r, struct box_slot *s, const struct box_spec *spec)
{
	static struct err err;

	memset(&err, 0, sizeof(err));
	if (box_start(s, spec, true, &err) < 0)
		return &err;
	err = rig_wait(r, BOX_START_FAILED)->err;
	assert_int_equal(box_pid(s), 0);
	assert_false(cgroup_populated(s->cgroup.fd));
	return &err;
}

int rig_pipe(void)
{
	return rig.pipe[1];
}

const char *rig_output(void)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(rig.pipe[0], rig.output + len, sizeof(rig.output) - 1 - len)) > 0)
		len += (size_t)n;
	rig.output[len] = '\0';
	return rig.output;
}

pid_t rig_resident(const char *path)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pid_t pid = sys_clone(0, fd, NULL);

	if (!pid)
		for (;;)
			pause();
	assert_true(pid > 0);
	return pid;
}
