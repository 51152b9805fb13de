/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nthcall: runs a command and does something at the N-th system call of one of its processes: kills that process just before the
 * call, or makes the call fail without being carried out. Written for `mstack up`, whose processes it knows by their parts: sup (the
 * command itself), guard, standby and porch (children that call themselves so; the porch's spare is one, too), net and store (programs that
 * it starts; mstack-fetch is a store), child (all others, until they execute a program of a container, which is let go). Of an ordinary
 * user's command there are two more: mapper (a child from before it has a user namespace, and newuidmap and newgidmap, which that
 * starts) and pasta (what the porch starts). With -d the supervisor goes into the background: until then it and those who wait for
 * it are clients. Built and called by tests/torture; not part of mstack.
 *
 *	nthcall -r ROLE [-n N] [-b] [-u] [-e ERRNO] [-c CALL] [-o REPORT] -- COMMAND...
 *	nthcall -r ROLE ... -d -- COMMAND...		ends with the command
 *	nthcall -r ROLE ... -p SUPERVISOR -g GUARD	both run already; ends with the supervisor, for -r guard with the guard
 *							(-k: not, for that one keeps the stack)
 *
 * N is 0 when it only counts: the report then has a line "ROLE CALL COUNT" for each kind of call, and "total COUNT". Else its one line is
 * "reached CALL" or "total COUNT". -b kills the guard at the same time. -u: the command is an ordinary user's. What comes before mstack (a script
 * that executes it, setpriv) is not counted. Exit code: the command's; 128+N ended by a signal.
 */
#include <elf.h>
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum role { NOBODY, CLIENT, SUP, GUARD, NET, STORE, CHILD, STANDBY, PORCH, PASTA, MAPPER, ROLES };

static const char *const role_names[ROLES] = { "?",	"client", "sup",   "guard",
					       "net",	"store",  "child", "standby",
					       "porch", "pasta",  "mapper" };

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
	bool both, begun, done, attached, kept;
	bool descends; /* is an ordinary user's: goes into a user namespace before it does anything */
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

/* A child that does not execute anything says by its name what it is. */
static void named(struct tracer *t, struct proc *p, uint64_t address)
{
	char name[16] = "";
	const struct iovec ours = { name, sizeof(name) - 1 };
	const struct iovec theirs = { (void *)(uintptr_t)address, sizeof(name) - 1 };

	if (process_vm_readv(p->pid, &ours, 1, &theirs, 1, 0) <= 0)
		return;
	if (!strcmp(name, "mstack-guard")) {
		p->role = GUARD;
		t->guard = p->pid;
	} else if (!strcmp(name, "mstack-standby")) {
		p->role = STANDBY;
	} else if (!strcmp(name, "mstack-porch") || !strcmp(name, "mstack-spare")) {
		p->role = PORCH;
	}
}

static void entered(struct tracer *t, struct proc *p, const struct __ptrace_syscall_info *info)
{
	long call = (long)info->entry.nr;

	/* A supervisor in the background has a session of its own. */
	if (p->role == CLIENT && call == SYS_setsid)
		p->role = SUP;
	if ((p->role == CHILD || p->role == PASTA) && call == SYS_prctl &&
	    info->entry.args[0] == PR_SET_NAME)
		named(t, p, info->entry.args[1]);
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
			entered(t, p, &info);
		} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && p->failing) {
			set_register(p->pid, true, -t->errnr);
			p->failing = false;
		}
	}
	ptrace(t->done && !p->failing ? PTRACE_CONT : PTRACE_SYSCALL, p->pid, NULL, 0L);
}

/* ---- who is who ------------------------------------------------------------------------------ */

/* In the user namespace that we are in. */
static bool is_outside(pid_t pid)
{
	struct stat ours, its;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	return stat("/proc/self/ns/user", &ours) == 0 && stat(path, &its) == 0 &&
	       ours.st_ino == its.st_ino;
}

static void born(struct tracer *t, const struct proc *parent)
{
	unsigned long pid = 0;
	enum role role = parent->role;
	struct proc *p;

	ptrace(PTRACE_GETEVENTMSG, parent->pid, NULL, &pid);
	if (t->descends && t->begun && is_outside(parent->pid))
		role = MAPPER;
	else if (role == SUP)
		role = CHILD;
	else if (role == PORCH)
		role = PASTA;
	p = add(t, (pid_t)pid, role);
	if (p->early) {
		p->early = false;
		resume(t, p->pid, 0);
	}
}

/* By its file: a script of that name has the name, too. */
static bool is_mstack(pid_t pid)
{
	char path[64], exe[4096] = "";
	const char *base;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	if (readlink(path, exe, sizeof(exe) - 1) < 0)
		return false;
	base = strrchr(exe, '/');
	return base && !strcmp(base, "/mstack");
}

/* The supervisor goes on as a copy of itself; what belongs to a container is none of ours. */
static void executed(struct tracer *t, struct proc *p)
{
	char path[64], comm[32] = "";
	FILE *f;

	if (!t->begun)
		t->begun = is_mstack(p->pid);
	if (p->role == SUP || p->role == CLIENT || p->role == MAPPER || p->role == PASTA)
		return resume(t, p->pid, 0);
	snprintf(path, sizeof(path), "/proc/%d/comm", p->pid);
	f = fopen(path, "re");
	if (f && fgets(comm, sizeof(comm), f))
		comm[strcspn(comm, "\n")] = '\0';
	if (f)
		fclose(f);
	/* The last one: who reads the stack file again, a copy of the supervisor as well. */
	if (!strncmp(comm, "mstack", 6) || !strcmp(comm, "exe")) {
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

/* The guard of a supervisor that runs already has its work behind the supervisor's end. */
static bool is_over(struct tracer *t, bool root_ended)
{
	bool has_work = t->attached && !t->kept && t->role == GUARD && find(t, t->guard);

	return root_ended && !has_work;
}

/* Until the supervisor has ended; whoever is left then is let go by our own end. Returns its wait status. */
static int follow(struct tracer *t)
{
	int status, of_root = 0;
	bool root_ended = false;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (pid < 0)
			continue;
		if (WIFSTOPPED(status)) {
			stopped(t, pid, status);
			continue;
		}
		forget(t, pid);
		if (pid == t->root) {
			of_root = status;
			root_ended = true;
		}
		if (is_over(t, root_ended))
			break;
	}
	return of_root;
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
static void start(struct tracer *t, char **command, enum role role)
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
	add(t, t->root, role);
	close(pipes[1]);
}

/* Stdout tells when calls are counted, so that who started us may begin. */
static void attach(struct tracer *t)
{
	t->begun = t->attached = true;
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
	for (int i = CLIENT; i < ROLES; i++)
		if (!strcmp(role_names[i], name))
			return (enum role)i;
	fprintf(stderr, "nthcall: no such role: %s\n", name);
	exit(2);
}

static void tell(const struct tracer *t)
{
	if (!t->nth)
		for (int r = CLIENT; r < ROLES; r++)
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
	enum role role = SUP;
	int c, status;

	while ((c = getopt(argc, argv, "r:n:bduke:c:o:p:g:")) != -1) {
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
		case 'd':
			role = CLIENT;
			break;
		case 'u':
			t.descends = true;
			break;
		case 'k':
			t.kept = true;
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
		start(&t, argv + optind, role);
	else
		return 2;
	status = follow(&t);
	tell(&t);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
