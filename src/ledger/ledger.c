/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ledger: the file and its image in memory. Called by every room that makes something, by the
 * supervisor and by the guard. A change is written before it is believed. Must never open its
 * file a second time in the process that holds the lock: closing any descriptor of a file drops
 * all POSIX locks that the process has on it.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/entry.h"
#include "ledger/record.h"

/* More than this to replay is no ledger: a thousand services need a hundredth of it. */
#define REPLAY_MAX (64u << 20)
/* Superseded records are dropped when they take this much and four times what is left. */
#define COMPACT_SLACK (64u << 10)

/* ---- items in memory ------------------------------------------------------------------------- */

static const struct ledger_kind *kind_find(const struct ledger *l, const char *name)
{
	for (const struct ledger_kind *const *const *list = l->kinds; *list; list++)
		for (const struct ledger_kind *const *k = *list; *k; k++)
			if (!strcmp((*k)->name, name))
				return *k;
	return NULL;
}

static struct ledger_entry *entry_find(const struct ledger *l, uint32_t id)
{
	struct ledger_entry *e;

	HASH_FIND(by_id, l->by_id, &id, sizeof(id), e);
	return e;
}

static void entry_record(const struct ledger_entry *e, struct ledger_record *ret)
{
	*ret = (struct ledger_record){
		.id = e->item.id,
		.parent = e->item.parent,
		.ident = { e->item.ident[0], e->item.ident[1] },
		.state = (uint16_t)e->item.state,
		.flags = e->flags,
		.kind = e->item.kind,
		.key = e->item.key,
	};
}

static uint64_t entry_size(const struct ledger_entry *e)
{
	struct ledger_record r;
	uint8_t bytes[LEDGER_RECORD_MAX];

	entry_record(e, &r);
	return ledger_record_encode(&r, bytes);
}

static void entry_add(struct ledger *l, const struct ledger_record *r)
{
	size_t kind_len = strlen(r->kind) + 1, key_len = strlen(r->key) + 1;
	struct ledger_entry *e = xcalloc(1, sizeof(*e) + kind_len + key_len);

	memcpy(e->name, r->kind, kind_len);
	memcpy(e->name + kind_len, r->key, key_len);
	e->name_len = kind_len + key_len;
	e->item = (struct ledger_item){
		.id = r->id,
		.parent = r->parent,
		.state = (enum ledger_state)r->state,
		.ident = { r->ident[0], r->ident[1] },
		.kind = e->name,
		.key = e->name + kind_len,
	};
	e->kind = kind_find(l, r->kind);
	e->flags = r->flags;
	HASH_ADD(by_id, l->by_id, item.id, sizeof(e->item.id), e);
	HASH_ADD_KEYPTR(by_name, l->by_name, e->name, e->name_len, e);
	l->live_bytes += entry_size(e);
}

static void entry_gone(struct ledger *l, struct ledger_entry *e)
{
	e->item.state = LEDGER_GONE;
	HASH_DELETE(by_name, l->by_name, e);
	l->live_bytes -= entry_size(e);
}

/* Frees the entries that are GONE, or all. */
static void entries_sweep(struct ledger *l, bool all)
{
	struct ledger_entry *e, *next;

	HASH_ITER(by_id, l->by_id, e, next) {
		if (!all && e->item.state != LEDGER_GONE)
			continue;
		if (e->item.state != LEDGER_GONE)
			entry_gone(l, e);
		HASH_DELETE(by_id, l->by_id, e);
		free(e);
	}
}

static void apply(struct ledger *l, const struct ledger_record *r)
{
	struct ledger_entry *e = entry_find(l, r->id);

	if (r->id > l->last_id)
		l->last_id = r->id;
	if (!e) {
		if (r->kind && r->state != LEDGER_GONE)
			entry_add(l, r);
		return;
	}
	if (e->item.state == LEDGER_GONE)
		return;
	if (r->state == LEDGER_GONE) {
		entry_gone(l, e);
		return;
	}
	e->item.state = (enum ledger_state)r->state;
	memcpy(e->item.ident, r->ident, sizeof(e->item.ident));
}

/* ---- reading --------------------------------------------------------------------------------- */

/* EBADMSG, in words of our own. */
static int not_ours(const struct ledger *l, struct err *err)
{
	err_set(err,
		"ledger: '%s' was not written by this version of mstack: "
		"run `mstack down` of the version that wrote it, or remove the file",
		l->path);
	if (err)
		err->sys = EBADMSG;
	return -1;
}

static int head_read(const struct ledger *l, struct ledger_head *ret,
		     enum ledger_head_check *ret_check, struct err *err)
{
	ssize_t n = pread(l->fd, ret, sizeof(*ret), 0);

	if (n < 0)
		return err_sys(err, errno, "ledger: read '%s'", l->path);
	*ret_check = ledger_head_check(ret, (size_t)n);
	return *ret_check == LEDGER_HEAD_FOREIGN ? not_ours(l, err) : 0;
}

/* The bytes from `start` to the end of the file. */
static int tail_read(const struct ledger *l, uint64_t start, struct buf *ret, struct err *err)
{
	char block[16384];
	ssize_t n;

	while ((n = pread(l->fd, block, sizeof(block), (off_t)(start + ret->len))) > 0) {
		if (ret->len + (size_t)n > REPLAY_MAX)
			return err_sys(err, EFBIG, "ledger: read '%s'", l->path);
		buf_add(ret, block, (size_t)n);
	}
	return n < 0 ? err_sys(err, errno, "ledger: read '%s'", l->path) : 0;
}

/*
 * What is of another boot went with it, apart from files and folders; numbers that the old boot
 * gave out mean nothing.
 */
static void settle_boot(struct ledger *l)
{
	for (struct ledger_entry *e = l->by_id; e; e = e->by_id.next) {
		if (e->item.state == LEDGER_GONE)
			continue;
		if (e->flags & LEDGER_SURVIVES_BOOT)
			e->item.ident[0] = 0;
		else
			entry_gone(l, e);
	}
}

static void replay(struct ledger *l, const struct ledger_head *head, const struct buf *tail)
{
	const uint8_t *bytes = (const uint8_t *)buf_str(tail);
	struct ledger_record r;
	size_t at = 0, n;

	entries_sweep(l, true);
	l->last_id = 0;
	while ((n = ledger_record_decode(bytes + at, tail->len - at, &r))) {
		apply(l, &r);
		at += n;
	}
	l->start = head->start;
	l->end = head->start + at;
	l->other_boot = memcmp(head->boot, l->boot, sizeof(l->boot)) != 0;
	if (l->other_boot)
		settle_boot(l);
}

/*
 * Memory becomes what the file says. A reader without the lock may meet a compaction: the head
 * tells it, by a start that moved while the records were read.
 */
static int reload(struct ledger *l, struct err *err)
{
	struct ledger_head head, again;
	enum ledger_head_check check;
	struct buf tail = { 0 };
	int rc = -1;

	do {
		buf_fini(&tail);
		if (head_read(l, &head, &check, err) < 0)
			goto out;
		if (check == LEDGER_HEAD_TORN) {
			ledger_head_make(&head, sizeof(head), l->boot);
			break;
		}
		if (tail_read(l, head.start, &tail, err) < 0 ||
		    head_read(l, &again, &check, err) < 0)
			goto out;
	} while (check == LEDGER_HEAD_GOOD && again.start != head.start);
	replay(l, &head, &tail);
	/* No sound head: nothing was entered yet, the next holder of the lock begins anew. */
	if (check == LEDGER_HEAD_TORN)
		l->start = l->end = 0;
	rc = 0;
out:
	buf_fini(&tail);
	return rc;
}

/* ---- writing --------------------------------------------------------------------------------- */

/*
 * What was written in part is taken back, so that the next record does not end up behind rubbish.
 */
static int append(struct ledger *l, const void *data, size_t len, struct err *err)
{
	ssize_t n = pwrite(l->fd, data, len, (off_t)l->end);
	int sys = n < 0 ? errno : ENOSPC;

	if (n == (ssize_t)len) {
		l->end += len;
		return 0;
	}
	if (ftruncate(l->fd, (off_t)l->end) < 0)
		sys = errno;
	return err_sys(err, sys, "ledger: write '%s'", l->path);
}

/* All that is left, as one run of records; a GONE one in front keeps ids from being used again. */
static void snapshot(const struct ledger *l, struct buf *ret)
{
	struct ledger_record r = { .id = l->last_id, .state = LEDGER_GONE };
	uint8_t bytes[LEDGER_RECORD_MAX];

	if (l->last_id && !entry_find(l, l->last_id))
		buf_add(ret, bytes, ledger_record_encode(&r, bytes));
	for (const struct ledger_entry *e = l->by_id; e; e = e->by_id.next) {
		entry_record(e, &r);
		buf_add(ret, bytes, ledger_record_encode(&r, bytes));
	}
}

/*
 * Writes what is left behind the end, points the head to it and gives back the room before it.
 * Being killed in between does no harm: until the head moves, the new records only repeat the old
 * ones.
 */
static int compact(struct ledger *l, struct err *err)
{
	struct ledger_head head;
	struct buf all = { 0 };
	uint64_t end = l->end, start = end < sizeof(head) ? sizeof(head) : end;
	ssize_t n;
	int rc;

	entries_sweep(l, false);
	snapshot(l, &all);
	l->end = start;
	rc = append(l, buf_str(&all), all.len, err);
	buf_fini(&all);
	if (rc < 0) {
		/* Without the room for a head that is not coming. */
		l->end = end;
		(void)!ftruncate(l->fd, (off_t)end);
		return -1;
	}
	ledger_head_make(&head, start, l->boot);
	n = pwrite(l->fd, &head, sizeof(head), 0);
	if (n != sizeof(head)) {
		if (!end)
			l->end = 0;
		return err_sys(err, n < 0 ? errno : ENOSPC, "ledger: write '%s'", l->path);
	}
	l->start = start;
	/* Where no holes can be punched, the file is longer than it need be, and that is all. */
	if (start > sizeof(head))
		(void)!fallocate(l->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, sizeof(head),
				 (off_t)(start - sizeof(head)));
	return 0;
}

/* Where there was no room for a head, there may be now. */
static int append_record(struct ledger *l, const struct ledger_record *r, struct err *err)
{
	uint8_t bytes[LEDGER_RECORD_MAX];

	if (!l->end && compact(l, err) < 0)
		return -1;
	return append(l, bytes, ledger_record_encode(r, bytes), err);
}

/* ---- a file that was removed ----------------------------------------------------------------- */

int ledger_fd(const struct ledger *l)
{
	return l->fd;
}

int ledger_put_back(struct ledger *l, struct err *err)
{
	struct ledger_head head;
	struct buf all = { 0 };
	int rc;

	if (access(l->path, F_OK) == 0)
		return 0;
	if (reload(l, err) < 0)
		return -1;
	entries_sweep(l, false);
	ledger_head_make(&head, sizeof(head), l->boot);
	buf_add(&all, &head, sizeof(head));
	snapshot(l, &all);
	rc = file_replace(AT_FDCWD, l->path, all.data, all.len, 0600);
	if (rc < 0)
		err_sys(err, errno, "ledger: put back '%s'", l->path);
	buf_fini(&all);
	return rc;
}

/* ---- opening and the lock -------------------------------------------------------------------- */

static int file_open(struct ledger *l, bool create)
{
	int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (create ? O_CREAT : 0);
	int fd = open(l->path, O_RDWR | flags, 0600);

	l->writable = fd >= 0;
	if (fd < 0 && !create && (errno == EACCES || errno == EROFS))
		fd = open(l->path, O_RDONLY | flags);
	return fd;
}

static int file_check(const struct ledger *l, struct err *err)
{
	struct stat st;

	if (fstat(l->fd, &st) < 0)
		return err_sys(err, errno, "ledger: '%s'", l->path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, "ledger: '%s': not a regular file", l->path);
	return 0;
}

struct ledger *ledger_open(const char *path, bool create,
			   const struct ledger_kind *const *const *kinds, struct err *err)
{
	struct ledger *l = xcalloc(1, sizeof(*l));

	l->path = xstrdup(path);
	l->kinds = kinds;
	ledger_boot_id(l->boot);
	l->fd = file_open(l, create);
	if (l->fd < 0)
		err_sys(err, errno, "ledger: open '%s'", path);
	else if (!file_check(l, err) && !reload(l, err))
		return l;
	ledger_close(l);
	return NULL;
}

bool ledger_lost(const struct ledger *l)
{
	struct stat st;

	return fstat(l->fd, &st) == 0 && st.st_nlink == 0;
}

struct ledger *ledger_scratch(const struct ledger_kind *const *const *kinds, struct err *err)
{
	struct ledger *l = xcalloc(1, sizeof(*l));

	l->path = xstrdup("(memory)");
	l->kinds = kinds;
	l->writable = l->locked = true;
	ledger_boot_id(l->boot);
	l->fd = memfd_create("mstack-ledger", MFD_CLOEXEC);
	if (l->fd < 0)
		err_sys(err, errno, "ledger: memory for one");
	else if (!reload(l, err) && !compact(l, err))
		return l;
	ledger_close(l);
	return NULL;
}

void ledger_carry(const struct ledger *l, struct carry *to)
{
	carry_put_fd(to, "file", l->fd);
	carry_put(to, "path", l->path);
}

/* The lock is the process's own, so asking for it again changes nothing; closing the file would drop it. */
static int keep_lock(struct ledger *l, struct err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(l->fd, F_SETLK, &lock) < 0)
		return err_sys(err, errno, "ledger: keep the lock of '%s'", l->path);
	l->locked = true;
	return 0;
}

struct ledger *ledger_resume(struct carry *from, bool look_only,
			     const struct ledger_kind *const *const *kinds, struct err *err)
{
	const char *path = carry_text(from, "path");
	struct ledger *l = xcalloc(1, sizeof(*l));

	l->path = xstrdup(path ? path : "");
	l->kinds = kinds;
	l->writable = !look_only;
	ledger_boot_id(l->boot);
	l->fd = carry_take_fd(from, "file");
	if (l->fd < 0)
		err_set(err, "ledger: '%s' was not carried over", l->path);
	else if (!file_check(l, err) && !reload(l, err) && (look_only || !keep_lock(l, err)))
		return l;
	ledger_close(l);
	return NULL;
}

void ledger_close(struct ledger *l)
{
	if (!l)
		return;
	entries_sweep(l, true);
	cleanup_fd(&l->fd);
	free(l->path);
	free(l);
}

static struct flock whole_file(void)
{
	return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
}

/* The last owner may have removed the file while we waited: then our lock is one on nothing. */
static int still_named(const struct ledger *l, struct err *err)
{
	struct stat ours, named;

	if (fstat(l->fd, &ours) < 0)
		return err_sys(err, errno, "ledger: '%s'", l->path);
	if (stat(l->path, &named) < 0 || named.st_ino != ours.st_ino || named.st_dev != ours.st_dev)
		return err_sys(err, ESTALE, "ledger: '%s' was removed by its last owner, try again",
			       l->path);
	return 0;
}

/*
 * With the lock: what others wrote meanwhile is read, a torn tail cut off, another boot's remains
 * are sorted out.
 */
static int settle(struct ledger *l, struct err *err)
{
	if (still_named(l, err) < 0 || reload(l, err) < 0)
		return -1;
	if (ftruncate(l->fd, (off_t)l->end) < 0)
		return err_sys(err, errno, "ledger: cut '%s'", l->path);
	if (l->end && !l->other_boot)
		return 0;
	if (!compact(l, err))
		return 0;
	/* A full disk does not keep anybody from removing what is not there; who enters something is told. */
	if (l->end || (err->sys != ENOSPC && err->sys != EDQUOT))
		return -1;
	*err = (struct err){ 0 };
	return 0;
}

int ledger_lock(struct ledger *l, unsigned wait_ms, pid_t *ret_pid, struct err *err)
{
	uint64_t until = time_mono_ms() + wait_ms;
	struct flock lock = whole_file();

	if (!l->writable)
		return err_sys(err, EACCES, "ledger: write '%s'", l->path);
	while (fcntl(l->fd, F_SETLK, &lock) < 0) {
		if (errno != EACCES && errno != EAGAIN)
			return err_sys(err, errno, "ledger: lock '%s'", l->path);
		if (time_mono_ms() < until) {
			usleep(2000);
			continue;
		}
		if (fcntl(l->fd, F_GETLK, &lock) < 0)
			return err_sys(err, errno, "ledger: lock '%s'", l->path);
		/* Let go in this very moment: ours if we are quick enough. */
		if (lock.l_type == F_UNLCK) {
			lock = whole_file();
			continue;
		}
		if (ret_pid)
			*ret_pid = lock.l_pid;
		return 1;
	}
	l->locked = !settle(l, err);
	lock.l_type = F_UNLCK;
	if (!l->locked)
		(void)fcntl(l->fd, F_SETLK, &lock);
	return l->locked ? 0 : -1;
}

pid_t ledger_owner(const char *path)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct flock lock = whole_file();

	if (fd < 0 || fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid;
}

/* ---- entering -------------------------------------------------------------------------------- */

static int intend_check(const struct ledger *l, const struct ledger_kind *k, const char *kind,
			uint32_t parent, const char *key, struct err *err)
{
	const struct ledger_entry *e = parent ? entry_find(l, parent) : NULL;

	if (!k || strlen(kind) >= LEDGER_KIND_MAX)
		return err_set(err, "ledger: kind '%s' is not known", kind);
	if (!*key || strlen(key) >= LEDGER_KEY_MAX)
		return err_sys(err, ENAMETOOLONG, "ledger: %s '%.64s...'", kind, key);
	if (parent && (!e || e->item.state == LEDGER_GONE))
		return err_set(err, "ledger: %s '%s': its parent %u is not entered", kind, key,
			       parent);
	return 0;
}

uint32_t ledger_intend(struct ledger *l, const char *kind, uint32_t parent, const char *key,
		       struct err *err)
{
	const struct ledger_kind *k = kind_find(l, kind);
	struct ledger_record r = {
		.id = l->last_id + 1,
		.parent = parent,
		.state = LEDGER_INTENT,
		.flags = k ? (uint16_t)k->flags : 0,
		.kind = kind,
		.key = key,
	};

	assert(l->locked);
	if (intend_check(l, k, kind, parent, key, err) < 0)
		return 0;
	if (l->end - l->start > COMPACT_SLACK + 4 * l->live_bytes && compact(l, err) < 0)
		return 0;
	if (append_record(l, &r, err) < 0)
		return 0;
	apply(l, &r);
	return r.id;
}

/* Written first: memory never knows more than the file. */
static int change(struct ledger *l, const struct ledger_record *r, struct err *err)
{
	const struct ledger_entry *e = entry_find(l, r->id);

	assert(l->locked);
	if (!e || e->item.state == LEDGER_GONE)
		return err_set(err, "ledger: item %u is not entered", r->id);
	if (append_record(l, r, err) < 0)
		return -1;
	apply(l, r);
	return 0;
}

int ledger_done(struct ledger *l, uint32_t id, uint64_t ident0, uint64_t ident1, struct err *err)
{
	struct ledger_record r = { .id = id, .ident = { ident0, ident1 }, .state = LEDGER_DONE };

	return change(l, &r, err);
}

int ledger_done_path(struct ledger *l, uint32_t id, struct err *err)
{
	const struct ledger_entry *e = entry_find(l, id);
	struct stat st;

	if (!e)
		return err_set(err, "ledger: item %u is not entered", id);
	if (lstat(e->item.key, &st) < 0)
		return err_sys(err, errno, "ledger: %s '%s'", e->item.kind, e->item.key);
	return ledger_done(l, id, st.st_dev, st.st_ino, err);
}

int ledger_gone(struct ledger *l, uint32_t id, struct err *err)
{
	struct ledger_record r = { .id = id, .state = LEDGER_GONE };

	return change(l, &r, err);
}

/* ---- looking --------------------------------------------------------------------------------- */

const struct ledger_item *ledger_next(const struct ledger *l, const char *kind,
				      const struct ledger_item *after)
{
	const struct ledger_entry *e =
		after ? ((const struct ledger_entry *)after)->by_id.next : l->by_id;

	for (; e; e = e->by_id.next)
		if (e->item.state != LEDGER_GONE && (!kind || !strcmp(kind, e->item.kind)))
			return &e->item;
	return NULL;
}

int ledger_there(const struct ledger *l, const struct ledger_item *item)
{
	const struct ledger_kind *k = kind_find(l, item->kind);

	return k ? k->same(item) : 1;
}

const struct ledger_item *ledger_find(const struct ledger *l, const char *kind, const char *key)
{
	char name[LEDGER_KIND_MAX + LEDGER_KEY_MAX];
	size_t kind_len = strlen(kind) + 1, key_len = strlen(key) + 1;
	const struct ledger_entry *e;

	if (kind_len > LEDGER_KIND_MAX || key_len > LEDGER_KEY_MAX)
		return NULL;
	memcpy(name, kind, kind_len);
	memcpy(name + kind_len, key, key_len);
	HASH_FIND(by_name, l->by_name, name, kind_len + key_len, e);
	return e ? &e->item : NULL;
}
