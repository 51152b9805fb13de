/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memo: see memo.h. Written by start.c, read by running.c. The layout is that of this machine and
 * this version: a head, arrays in the order of their alignment, then texts, each with its NUL.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/memo.h"
#include "mstack/base_view.h"

#define SEALS	    (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define SIZE_LIMIT  (64U << 20)
#define COUNT_LIMIT (1U << 20)
#define STAT_MAX    4096

struct head {
	char version[16];
	uint32_t head_size;
	int32_t pid;
	uint64_t started, caps;
	char oom_score_adj[16];
	uint32_t uid, gid, new_privileges;
	uint32_t n_rlimits, n_filter, n_groups, n_env;
};

/* ---- writing --------------------------------------------------------------------------------- */

static void put_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text) + 1);
}

/*
 * All of them: a limit that no service speaks of is the supervisor's for PID 1, and must not be the
 * client's for a command.
 */
static uint32_t put_limits(struct buf *b, const struct launch *l)
{
	uint32_t n = 0;

	for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
		struct box_rlimit r = { .resource = resource };
		struct rlimit own;

		if (getrlimit((__rlimit_resource_t)resource, &own) < 0)
			continue;
		r.soft = own.rlim_cur;
		r.hard = own.rlim_max;
		for (size_t i = 0; i < l->n_rlimits; i++)
			if (l->rlimits[i].resource == resource)
				r = l->rlimits[i];
		buf_add(b, &r, sizeof(r));
		n++;
	}
	return n;
}

static void put_all(struct buf *b, const char *slot, const char *cgroup, const struct launch *l)
{
	struct head h = {
		.version = MSTACK_VERSION,
		.head_size = sizeof(h),
		.caps = l->caps,
		.uid = l->uid,
		.gid = l->gid,
		.new_privileges = l->new_privileges,
		.n_filter = l->filter ? l->filter->len : 0,
		.n_groups = (uint32_t)l->n_groups,
	};

	memcpy(h.oom_score_adj, l->oom_score_adj, sizeof(h.oom_score_adj));
	while (l->envp[h.n_env])
		h.n_env++;
	buf_add(b, &h, sizeof(h));
	h.n_rlimits = put_limits(b, l);
	memcpy(b->data, &h, sizeof(h));
	if (h.n_filter)
		buf_add(b, l->filter->filter, sizeof(*l->filter->filter) * h.n_filter);
	buf_add(b, l->groups, sizeof(*l->groups) * h.n_groups);
	put_text(b, slot);
	put_text(b, cgroup ? cgroup : "");
	put_text(b, l->cwd);
	put_text(b, l->apparmor ? l->apparmor : "");
	for (uint32_t i = 0; i < h.n_env; i++)
		put_text(b, l->envp[i]);
}

int memo_new(const char *slot, const char *cgroup, const struct launch *l, struct err *err)
{
	_cleanup_free_ char *name = xasprintf(MEMO_NAME "%s", slot);
	_cleanup_(buf_fini) struct buf b = { 0 };
	_cleanup_fd_ int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	put_all(&b, slot, cgroup, l);
	if (fd < 0 || fd_write_all(fd, b.data, b.len) < 0)
		return err_sys(err, errno, "slot '%s': write down for clients", slot);
	return take_fd(&fd);
}

int memo_finish(int fd, pid_t pid)
{
	int32_t number = (int32_t)pid;
	uint64_t started = memo_start_time(pid);

	if (pwrite(fd, &number, sizeof(number), offsetof(struct head, pid)) < 0 ||
	    pwrite(fd, &started, sizeof(started), offsetof(struct head, started)) < 0)
		return -1;
	return fcntl(fd, F_ADD_SEALS, SEALS);
}

uint64_t memo_start_time(pid_t pid)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	unsigned long long at;
	char path[48];
	const char *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (file_read(AT_FDCWD, path, STAT_MAX, &text) < 0)
		return 0;
	/* proc_pid_stat(5): field 22; the name in field 2 may hold anything, brackets too. */
	end = strrchr(buf_str(&text), ')');
	if (!end || sscanf(end + 1,
			   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			   "%*d %*d %llu",
			   &at) != 1)
		return 0;
	return at;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void *copy(struct arena *a, struct view *v, size_t size, uint32_t n)
{
	const void *from = n > COUNT_LIMIT ? (v->bad = true, NULL) : view_take(v, size * n);

	return v->bad ? NULL
	       : n    ? memcpy(arena_alloc(a, size * n), from, size * n)
		      : arena_alloc(a, 1);
}

static const char *const *copy_env(struct arena *a, struct view *v, uint32_t n)
{
	const char **list;

	if (n > COUNT_LIMIT) {
		v->bad = true;
		return NULL;
	}
	list = arena_array(a, const char *, n + 1);
	for (uint32_t i = 0; i < n && !v->bad; i++)
		list[i] = view_text(v, a);
	return list;
}

static const struct sock_fprog *copy_filter(struct arena *a, struct view *v, uint32_t n)
{
	struct sock_fprog *prog = arena_alloc(a, sizeof(*prog));

	if (n > BPF_MAXINSNS)
		v->bad = true;
	prog->len = (unsigned short)n;
	prog->filter = copy(a, v, sizeof(*prog->filter), n);
	return n ? prog : NULL;
}

static int fill(struct memo *m, struct view *v, struct err *err)
{
	const struct head *h = view_take(v, sizeof(*h));
	struct launch *l = &m->launch;
	struct arena *a = m->arena;

	if (!h || h->head_size != sizeof(*h) ||
	    strncmp(h->version, MSTACK_VERSION, sizeof(h->version)) != 0)
		return err_set(err, "was started by another version of mstack: use that one");
	m->pid = h->pid;
	m->started = h->started;
	*l = (struct launch){
		.caps = h->caps, .uid = h->uid, .gid = h->gid, .new_privileges = h->new_privileges
	};
	memcpy(l->oom_score_adj, h->oom_score_adj, sizeof(l->oom_score_adj) - 1);
	l->n_rlimits = h->n_rlimits;
	l->rlimits = copy(a, v, sizeof(*l->rlimits), h->n_rlimits);
	l->filter = copy_filter(a, v, h->n_filter);
	l->n_groups = h->n_groups;
	l->groups = copy(a, v, sizeof(*l->groups), h->n_groups);
	m->slot = view_text(v, a);
	m->cgroup = view_text(v, a);
	l->cwd = view_text(v, a);
	l->apparmor = view_text(v, a);
	if (l->apparmor && !*l->apparmor)
		l->apparmor = NULL;
	l->envp = copy_env(a, v, h->n_env);
	if (v->bad || m->pid <= 0)
		return err_set(err, "what its supervisor wrote down is damaged");
	return 0;
}

struct memo *memo_read(int fd, struct err *err)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct memo *m;
	struct view v;
	struct stat st;
	void *data;
	int rc;

	if (seals < 0 || (seals & SEALS) != SEALS) {
		err_sys(err, EAGAIN, "is starting");
		return NULL;
	}
	if (fstat(fd, &st) < 0 || st.st_size > SIZE_LIMIT || st.st_size <= 0) {
		err_set(err, "what its supervisor wrote down is damaged");
		return NULL;
	}
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED) {
		err_sys(err, errno, "read what its supervisor wrote down");
		return NULL;
	}
	v = (struct view){ data, (size_t)st.st_size, false };
	m = xcalloc(1, sizeof(*m));
	m->arena = arena_new();
	rc = fill(m, &v, err);
	munmap(data, (size_t)st.st_size);
	if (!rc)
		return m;
	memo_free(m);
	return NULL;
}

void memo_free(struct memo *m)
{
	if (!m)
		return;
	arena_free(m->arena);
	free(m);
}
