/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * child: the tables of steps and the walk over them. Called right after the clone by guest.c, never
 * returns.
 *
 * Stage one is a process of the host's in the slot's cgroup: it sees the host's files, builds the
 * root in the slot's mount namespace, and clones stage two into the container's own namespaces as
 * the supervisor's child. Stage two is the container's PID 1 from its first instruction; it would
 * ignore its own SIGKILL, so a step that fails ends by _exit.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "box/child.h"
#include "box/sys.h"

#define NEW_NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

struct child child_blank(void)
{
	return (struct child){
		.tables = &child_tables,
		.sock = -1,
		.supervisor = -1,
		.proc = -1,
		.netns = -1,
		.mntns = -1,
		.userns = -1,
		.helper = -1,
		.volumes = -1,
		.helper_pidfd = -1,
		.join = -1,
		.term = -1,
		.in = -1,
		.out = -1,
		.err_out = -1,
		.init = -1,
		.root = -1,
		.joins = { -1, -1, -1, -1 },
		.system_tree = { -1, -1 },
		.dev_tree = { -1, -1, -1, -1, -1, -1 },
		.shm = -1,
		.groups = -1,
	};
}

static int send_msg(struct child *c, enum child_msg_type type, pid_t pid)
{
	struct child_msg m = { .type = type, .pid = pid, .err = c->err };

	return sys_send(c->sock, &m, sizeof(m), NULL, 0);
}

_Noreturn void child_run(struct child *c, const struct child_step *steps)
{
	uint16_t n = 0;

	for (; steps[n].name; n++) {
		if (!steps[n].run(c))
			continue;
		if (c->err.kind == ERR_RUN)
			c->err.kind = ERR_CREATE;
		c->err.step = (uint16_t)(n + 1);
		err_wrap(&c->err, "%s", steps[n].name);
		send_msg(c, CHILD_FAIL, 0);
		_exit(125);
	}
	_exit(0);
}

/* ---- from stage to stage --------------------------------------------------------------------- */

static int begin_second(struct child *c, uint64_t namespaces, const struct child_step *steps)
{
	pid_t pid = sys_clone(namespaces | CLONE_PARENT, -1, NULL);

	if (pid < 0 && errno == EAGAIN)
		return err_set(&c->err, "no further process is allowed here: raise pids_limit");
	/* A namespace of processes whose PID 1 has ended takes no further one (pid_namespaces(7)). */
	if (pid < 0 && errno == ENOMEM && (c->shared & CLONE_NEWPID))
		return err_set(&c->err, "the container whose processes it joins has just ended");
	if (pid < 0)
		return err_sys(&c->err, errno, "clone");
	if (!pid)
		child_run(c, steps);
	return send_msg(c, CHILD_PID, pid) < 0 ? err_sys(&c->err, errno, "report the pid") : 0;
}

static int begin_stage_two(struct child *c)
{
	return begin_second(c, NEW_NAMESPACES & ~c->shared, c->tables->stage_two);
}

static int begin_exec_two(struct child *c)
{
	return begin_second(c, 0, c->tables->exec_two);
}

static int join_network(struct child *c)
{
	return setns(c->netns, CLONE_NEWNET) < 0 ? err_sys(&c->err, errno, "join") : 0;
}

/*
 * One level below the host, what a container shares with the host cannot be joined, and need not be: it is ours already. All else
 * belongs to our user namespace, or to one below it.
 */
static int join_of_host(struct child *c, int *namespaces)
{
	static const int shared[] = { CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP };

	for (size_t i = 0; c->level.nested && i < ARRAY_LEN(shared); i++) {
		if (setns(c->join, shared[i]) < 0 && errno != EPERM)
			return -1;
		*namespaces &= ~shared[i];
	}
	return 0;
}

static int join_container(struct child *c)
{
	int namespaces = (int)NEW_NAMESPACES | CLONE_NEWNET | (c->ids.own ? CLONE_NEWUSER : 0);

	if (join_of_host(c, &namespaces) < 0 || setns(c->join, namespaces) < 0)
		return err_sys(&c->err, errno, "join");
	/* Nothing of the host's is to be found in a process that the container can see. */
	cleanup_fd(&c->proc);
	cleanup_fd(&c->join);
	cleanup_fd(&c->userns);
	return child_join_userns(c);
}

/* ---- the end of stage two -------------------------------------------------------------------- */

static int report_ready(struct child *c)
{
	return send_msg(c, CHILD_READY, 0) < 0 ? err_sys(&c->err, errno, "report") : 0;
}

static int wait_for_go(struct child *c)
{
	struct child_msg m;
	ssize_t n;

	if (!c->wait_go)
		return 0;
	do
		n = recv(c->sock, &m, sizeof(m), 0);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(m) && m.type == CHILD_GO)
		return 0;
	return err_sys(&c->err, n < 0 ? errno : EPIPE, "the supervisor went away");
}

/* ENOENT speaks of the file, or of the interpreter or loader that it names. */
static int explain(struct child *c, const char *path, int why)
{
	const struct launch_command *cmd = c->command;

	if (why == EACCES || why == ENOEXEC || why == EISDIR || why == ENOTDIR || why == ELIBBAD)
		err_sys(&c->err, why, "'%s' cannot be executed", path);
	else if (why == E2BIG)
		return err_set(&c->err,
			       "its arguments and environment are more than the kernel takes (a "
			       "quarter of the stack's limit): put what is large into files");
	else if (why != ENOENT)
		return err_sys(&c->err, why, "'%s'", path);
	else if (!faccessat(AT_FDCWD, path, F_OK, 0))
		err_sys(&c->err, why, "'%s' is there, but not its interpreter or loader", path);
	else if (cmd->searched)
		err_sys(&c->err, 0, "'%s': not found in the image's PATH (%s)", cmd->argv[0],
			cmd->searched);
	else
		err_sys(&c->err, 0, "'%s': not found in the image", cmd->argv[0]);
	c->err.kind = why == ENOENT ? ERR_NOTFOUND : ERR_NOEXEC;
	return -1;
}

/* The errno of an execution that has not been tried, as far as it can be told. */
static int may_execute(const char *path)
{
	struct stat st;

	if (fstatat(AT_FDCWD, path, &st, 0) < 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

/* Returns with errno when it did not work. Init finds out for itself what can only be found by executing. */
static void execute_one(struct child *c, const char *path)
{
	char *const *envp = (char *const *)(uintptr_t)c->launch->envp;
	const char **init = c->launch->init_argv;
	sigset_t all;

	if (c->init < 0) {
		execve(path, (char *const *)(uintptr_t)c->command->argv, envp);
		return;
	}
	errno = may_execute(path);
	if (errno)
		return;
	init[1] = path;
	/* From its first moment: a signal that came before it blocks them itself would be its end. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	syscall(SYS_execveat, c->init, "", init, envp, AT_EMPTY_PATH);
}

/* As a shell searches: what is not there is passed over, what may not be executed is remembered. */
static int execute(struct child *c)
{
	const struct launch_command *cmd = c->command;
	const char *const *path = cmd->candidates, *refused = NULL;
	int why;

	do {
		execute_one(c, *path);
		why = errno;
		if (why == EACCES)
			refused = *path;
		else if ((why != ENOENT && why != ENOTDIR) || !faccessat(AT_FDCWD, *path, F_OK, 0))
			return explain(c, *path, why);
	} while (*++path);
	return explain(c, refused ? refused : cmd->candidates[0], refused ? EACCES : ENOENT);
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* clang-format off */
static const struct child_step stage_one[] = {
	{ "death signal", child_die_with_supervisor },
	{ "close descriptors", child_close_others },
	{ "oom score", child_set_oom_score },
	{ "open what is shared", child_open_shared },
	{ "open devices", child_open_devices },
	{ "open layers and volumes", child_open_sources },
	{ "enter the slot", child_enter_slot },
	{ "mount the root", child_mount_layers },
	{ "mount images", child_mount_images },
	{ "take the container's ids", child_take_ids },
	{ "make folders of the system", child_make_system_folders },
	{ "make devices", child_make_devices },
	{ "cover folders of the host", child_cover },
	{ "mount volumes", child_mount_volumes },
	{ "make working_dir", child_make_cwd },
	{ "make the root read-only", child_protect_root },
	{ "resource limits", child_raise_limits },
	{ "join the network", join_network },
	{ "join namespaces", child_join_shared },
	{ "helper for sysctls", child_begin_helper },
	{ "AppArmor", child_enter_profile },
	{ "join the user namespace", child_join_userns },
	{ "close what is the host's", child_forget_host },
	{ "clone the container", begin_stage_two },
	{ "end of the helper", child_end_helper },
	{ NULL, NULL },
};

/*
 * What a start and an exec have in common: from a process in the right namespaces to the command.
 */
#define SESSION_STEPS \
	{ "new session", child_new_session }, \
	{ "terminal", child_make_term }
#define PROCESS_STEPS \
	{ "standard streams", child_set_stdio }, \
	{ "working_dir", child_enter_cwd }, \
	{ "resource limits", child_set_limits }, \
	{ "system call filter", child_load_filter_early }, \
	{ "capability bounds", child_bound_caps }, \
	{ "user and groups", child_set_ids }, \
	{ "capabilities", child_set_caps }, \
	{ "death signal", child_die_or_stay }, \
	{ "no new privileges", child_no_new_privs }, \
	{ "signals", child_default_signals }, \
	{ "system call filter", child_load_filter }, \
	{ "report", report_ready }, \
	{ "wait for the network", wait_for_go }, \
	{ "exec", execute }, \
	{ NULL, NULL }

static const struct child_step stage_two[] = {
	{ "death signal", child_die_with_supervisor },
	{ "open the root", child_open_root },
	{ "mount proc and sys", child_mount_system },
	{ "mount terminals", child_mount_terminals },
	{ "sysctls", child_set_sysctls },
	{ "mask paths", child_mask },
	{ "change the root", child_pivot },
	{ "host name", child_set_hostname },
	SESSION_STEPS,
	{ "console", child_bind_console },
	PROCESS_STEPS,
};

static const struct child_step exec_one[] = {
	{ "death signal", child_die_with_supervisor },
	{ "close descriptors", child_close_others },
	{ "oom score", child_set_oom_score },
	{ "resource limits", child_raise_limits },
	{ "AppArmor", child_enter_profile },
	{ "join the container", join_container },
	{ "clone the command", begin_exec_two },
	{ NULL, NULL },
};

static const struct child_step exec_two[] = {
	{ "death signal", child_die_with_supervisor },
	SESSION_STEPS,
	PROCESS_STEPS,
};
/* clang-format on */

const struct child_tables child_tables = {
	.slot = child_slot_steps,
	.stage_one = stage_one,
	.stage_two = stage_two,
	.exec_one = exec_one,
	.exec_two = exec_two,
};
