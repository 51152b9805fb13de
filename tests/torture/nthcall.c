/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nthcall: runs a command and does something at the N-th system call of one of its processes: kills that process just before the
 * call, or makes the call fail without being carried out. Written for `mstack up`, whose processes it knows by their parts:
 * sup (the command itself), guard (its first child), net and store (programs that it starts), child (all others, until they
 * execute a program of a container, which is let go). Built and called by tests/torture; not part of mstack.
 *
 *	nthcall -r ROLE [-n N] [-b] [-e ERRNO] [-c CALL] [-o REPORT] -- COMMAND...
 *	nthcall -r ROLE ... -p SUPERVISOR -g GUARD	both run already; ends with the supervisor
 *
 * N is 0 when it only counts: the report then has a line "ROLE CALL COUNT" for each kind of call, and "total COUNT". Else its one line is
 * "reached CALL" or "total COUNT". -b kills the guard at the same time. Exit code: the command's; 128+N ended by a signal.
 */
#include <elf.h>
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum role { NOBODY, SUP, GUARD, NET, STORE, CHILD, ROLES };

static const char *const role_names[ROLES] = { "?", "sup", "guard", "net", "store", "child" };

enum { PROCS_MAX = 4096, CALLS_MAX = 512 };

struct proc {
	pid_t pid;
	enum role role;
	bool early;   /* stopped before its parent said who it is */
	bool failing; /* is in the call that shall fail */
};

struct tracer {
	struct proc procs[PROCS_MAX];
	size_t n;
	pid_t root, guard;
	enum role role;
	unsigned long nth, count;
	bool both, begun, done;
	int errnr, call; /* 0: kill; -1: any */
	unsigned long calls[ROLES][CALLS_MAX];
	FILE *report;
};

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(200);
}

static struct proc *find(struct tracer *t, pid_t pid)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->procs[i].pid == pid)
			return &t->procs[i];
	return NULL;
}

static struct proc *add(struct tracer *t, pid_t pid, enum role role)
{
	struct proc *p = find(t, pid);

	if (!p) {
		if (t->n == PROCS_MAX)
			die("too many processes");
		p = &t->procs[t->n++];
		*p = (struct proc){ .pid = pid };
	}
	if (role != NOBODY)
		p->role = role;
	return p;
}

static void forget(struct tracer *t, pid_t pid)
{
	struct proc *p = find(t, pid);

	if (p)
		*p = t->procs[--t->n];
}

/* ESRCH: it was killed meanwhile, and its end will be reported. */
static void resume(const struct tracer *t, pid_t pid, int sig)
{
	ptrace(t->done ? PTRACE_CONT : PTRACE_SYSCALL, pid, NULL, (long)sig);
}

static const char *name_of(long call)
{
	static char number[16];
	/* Leaks a few bytes per name: we end soon. */
	const char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)call);

	snprintf(number, sizeof(number), "%ld", call);
	return name ? name : number;
}

/* ---- at the N-th call ------------------------------------------------------------------------ */

#ifdef __x86_64__
/* Which system call is made (-1: none), or what it returned. */
static void set_register(pid_t pid, bool result, long value)
{
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof(regs) };

	if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &iov) < 0)
		return;
	if (result)
		regs.rax = (unsigned long)value;
	else
		regs.orig_rax = (unsigned long)value;
	ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &iov);
}
#else
static void set_register(pid_t pid, bool result, long value)
{
	(void)pid, (void)result, (void)value;
	fputs("nthcall: calls can be made to fail on x86-64 only\n", stderr);
	exit(201);
}
#endif

static void act(struct tracer *t, struct proc *p, long call)
{
	t->done = true;
	fprintf(t->report, "reached %s\n", name_of(call));
	fflush(t->report);
	if (t->errnr) {
		set_register(p->pid, false, -1);
		p->failing = true;
		return;
	}
	kill(p->pid, SIGKILL);
	if (t->both && t->guard)
		kill(t->guard, SIGKILL);
}

static void entered(struct tracer *t, struct proc *p, long call)
{
	if (!t->begun || t->done)
		return;
	if (call >= 0 && call < CALLS_MAX)
		t->calls[p->role][call]++;
	if (p->role != t->role || (t->call >= 0 && call != t->call))
		return;
	if (++t->count == t->nth)
		act(t, p, call);
}

/* The tracee that is made to fail needs its exit seen, though we are done. */
static void at_call(struct tracer *t, struct proc *p)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, (void *)sizeof(info), &info) > 0) {
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
			entered(t, p, (long)info.entry.nr);
		} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && p->failing) {
			set_register(p->pid, true, -t->errnr);
			p->failing = false;
		}
	}
	ptrace(t->done && !p->failing ? PTRACE_CONT : PTRACE_SYSCALL, p->pid, NULL, 0L);
}

/* ---- who is who ------------------------------------------------------------------------------ */

static void born(struct tracer *t, const struct proc *parent)
{
	unsigned long pid = 0;
	enum role role = parent->role;
	struct proc *p;

	ptrace(PTRACE_GETEVENTMSG, parent->pid, NULL, &pid);
	if (role == SUP) {
		role = t->guard ? CHILD : GUARD;
		if (!t->guard)
			t->guard = (pid_t)pid;
	}
	p = add(t, (pid_t)pid, role);
	if (p->early) {
		p->early = false;
		resume(t, p->pid, 0);
	}
}

/* The supervisor goes on as a copy of itself; what belongs to a container is none of ours. */
static void executed(struct tracer *t, struct proc *p)
{
	char path[64], comm[32] = "";
	FILE *f;

	t->begun = true;
	if (p->role == SUP)
		return resume(t, p->pid, 0);
	snprintf(path, sizeof(path), "/proc/%d/comm", p->pid);
	f = fopen(path, "re");
	if (f && fgets(comm, sizeof(comm), f))
		comm[strcspn(comm, "\n")] = '\0';
	if (f)
		fclose(f);
	if (!strncmp(comm, "mstack", 6)) {
		p->role = !strcmp(comm, "mstack-net") ? NET : STORE;
		return resume(t, p->pid, 0);
	}
	ptrace(PTRACE_DETACH, p->pid, NULL, 0L);
	forget(t, p->pid);
}

static void stopped(struct tracer *t, pid_t pid, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;
	struct proc *p = find(t, pid);

	if (!p) {
		add(t, pid, NOBODY)->early = true;
		return;
	}
	if (event == PTRACE_EVENT_EXEC)
		return executed(t, p);
	if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
	    event == PTRACE_EVENT_CLONE) {
		born(t, p);
		return resume(t, pid, 0);
	}
	if (event == PTRACE_EVENT_STOP) {
		if (sig == SIGTRAP)
			resume(t, pid, 0);
		else
			ptrace(PTRACE_LISTEN, pid, NULL, 0L);
		return;
	}
	if (sig == (SIGTRAP | 0x80))
		return at_call(t, p);
	resume(t, pid, sig);
}

/* Until the supervisor has ended; whoever is left then is let go by our own end. Returns its wait status. */
static int follow(struct tracer *t)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (pid < 0)
			continue;
		if (WIFSTOPPED(status)) {
			stopped(t, pid, status);
			continue;
		}
		forget(t, pid);
		if (pid == t->root)
			return status;
	}
	return 0;
}

/* ---- begin and end --------------------------------------------------------------------------- */

static void seize(pid_t pid, bool stop)
{
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
		       PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;

	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)options) < 0)
		die("nthcall: PTRACE_SEIZE");
	if (stop && ptrace(PTRACE_INTERRUPT, pid, NULL, 0L) < 0)
		die("nthcall: PTRACE_INTERRUPT");
}

/* It waits until it is traced; what it calls before it executes the command is not counted. */
static void start(struct tracer *t, char **command)
{
	int pipes[2];
	char c;

	if (pipe(pipes) < 0)
		die("nthcall: pipe");
	t->root = fork();
	if (t->root < 0)
		die("nthcall: fork");
	if (t->root == 0) {
		close(pipes[1]);
		if (read(pipes[0], &c, 1) < 0)
			_exit(200);
		close(pipes[0]);
		execvp(command[0], command);
		_exit(127);
	}
	close(pipes[0]);
	seize(t->root, true);
	add(t, t->root, SUP);
	close(pipes[1]);
}

/* Stdout tells when calls are counted, so that who started us may begin. */
static void attach(struct tracer *t)
{
	t->begun = true;
	seize(t->root, true);
	add(t, t->root, SUP);
	if (t->guard) {
		seize(t->guard, true);
		add(t, t->guard, GUARD);
	}
	puts("attached");
	fflush(stdout);
}

static int errno_of(const char *name)
{
	static const struct {
		const char *name;
		int nr;
	} known[] = { { "ENOMEM", ENOMEM }, { "EIO", EIO },	 { "EMFILE", EMFILE },
		      { "ENOSPC", ENOSPC }, { "EINTR", EINTR },	 { "EAGAIN", EAGAIN },
		      { "EPERM", EPERM },   { "ENOSYS", ENOSYS } };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(known[i].name, name))
			return known[i].nr;
	fprintf(stderr, "nthcall: no such error: %s\n", name);
	exit(2);
}

static enum role role_of(const char *name)
{
	for (int i = SUP; i < ROLES; i++)
		if (!strcmp(role_names[i], name))
			return (enum role)i;
	fprintf(stderr, "nthcall: no such role: %s\n", name);
	exit(2);
}

static void tell(const struct tracer *t)
{
	if (!t->nth)
		for (int r = SUP; r < ROLES; r++)
			for (int i = 0; i < CALLS_MAX; i++)
				if (t->calls[r][i])
					fprintf(t->report, "%s %s %lu\n", role_names[r], name_of(i),
						t->calls[r][i]);
	if (!t->done)
		fprintf(t->report, "total %lu\n", t->count);
	fclose(t->report);
}

int main(int argc, char **argv)
{
	static struct tracer t = { .call = -1, .role = SUP };
	const char *report = "/dev/stderr";
	int c, status;

	while ((c = getopt(argc, argv, "r:n:be:c:o:p:g:")) != -1) {
		switch (c) {
		case 'r':
			t.role = role_of(optarg);
			break;
		case 'n':
			t.nth = strtoul(optarg, NULL, 10);
			break;
		case 'b':
			t.both = true;
			break;
		case 'e':
			t.errnr = errno_of(optarg);
			break;
		case 'c':
			t.call = seccomp_syscall_resolve_name(optarg);
			break;
		case 'o':
			report = optarg;
			break;
		case 'p':
			t.root = atoi(optarg);
			break;
		case 'g':
			t.guard = atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	t.report = fopen(report, "we");
	if (!t.report)
		die(report);
	if (t.root)
		attach(&t);
	else if (optind < argc)
		start(&t, argv + optind);
	else
		return 2;
	status = follow(&t);
	tell(&t);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
