/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cursor: see cursor.h. Called by reading alone, in a process that has nothing to do with the
 * writer: what it knows of it is only what the files show. It takes no lock and changes nothing.
 *
 * Two things move under it. Rotation renames files, so a segment is told by its inode. And a writer
 * on a full disk cuts off the beginning of a record again, so bytes without a newline are never
 * kept, but read anew each time.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "logs/cursor.h"
#include "logs/rotated.h"

#define BLOCK 65536
/* One number may be missing for the moment in which the writer rotates. */
#define MISSING_MAX 2

void cursor_init(struct cursor *c, const char *path)
{
	*c = (struct cursor){ .path = path, .dir = -1, .fd = -1, .next = -1, .left = UINT64_MAX };
	c->in_tail = UINT64_MAX;
}

void cursor_fini(struct cursor *c)
{
	cleanup_fd(&c->dir);
	cleanup_fd(&c->fd);
	cleanup_fd(&c->next);
	buf_fini(&c->text);
	free(c->block);
	c->block = NULL;
}

/* ---- finding segments ------------------------------------------------------------------------ */

/* 1 when it is there, 0 when it does not exist yet, -1. */
static int open_folder(struct cursor *c, struct err *err)
{
	if (c->dir >= 0)
		return 1;
	c->dir = open(c->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->dir >= 0)
		return 1;
	return errno == ENOENT ? 0 : err_sys(err, errno, "logs: open folder '%s'", c->path);
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Segment `index`: 1, 0 when there is none, -1. */
static int open_segment(const struct cursor *c, unsigned index, int *ret, struct stat *ret_st,
			struct err *err)
{
	_cleanup_fd_ int fd = -1;
	char name[SEGMENT_NAME_SIZE];

	segment_name(index, name);
	fd = openat(c->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, ret_st) < 0)
		return err_sys(err, errno, "logs: open '%s/%s'", c->path, name);
	*ret = take_fd(&fd);
	return 1;
}

/* Ours is gone, and with it maybe others that were younger: what was in them? */
static void look_at_gap(struct cursor *c, ino_t ours, ino_t next)
{
	_cleanup_fd_ int dir = openat(c->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[SEGMENT_NAME_SIZE];
	struct stat st;

	/* The one that is being written has no row yet. */
	segment_name(0, name);
	if (fstatat(c->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == next)
		next = 0;
	if (!rotated_between(dir, ours, next, &c->missed))
		c->missed = UINT64_MAX;
	c->overtaken = c->missed > 0;
}

/*
 * The oldest segment that is younger than ours; the oldest of all when ours is gone. 1; 0 when
 * there is none; -1.
 *
 * Goes from the youngest up, the way in which files move: so one that moves meanwhile may be met
 * twice, but is never missed, and the last one met before ours is the one to go on with.
 */
static int open_younger(struct cursor *c, int *ret, struct err *err)
{
	_cleanup_fd_ int found = -1;
	struct stat ours = { 0 }, st, first = { 0 };
	bool met = false;

	if (c->fd >= 0 && fstat(c->fd, &ours) < 0)
		return err_sys(err, errno, "logs: '%s'", c->path);
	for (unsigned i = 0, missing = 0; missing < MISSING_MAX; i++) {
		_cleanup_fd_ int fd = -1;
		int rc = open_segment(c, i, &fd, &st, err);

		if (rc < 0)
			return -1;
		missing = rc == 0 ? missing + 1 : 0;
		if (rc == 0)
			continue;
		met = c->fd >= 0 && is_same_file(&st, &ours);
		if (met)
			break;
		first = st;
		cleanup_fd(&found);
		found = take_fd(&fd);
	}
	if (found < 0)
		return 0;
	if (c->fd >= 0 && !met)
		look_at_gap(c, ours.st_ino, first.st_ino);
	*ret = take_fd(&found);
	return 1;
}

static void enter(struct cursor *c, int fd, off_t at)
{
	cleanup_fd(&c->fd);
	c->fd = fd;
	c->at = at;
	c->begin = c->end = 0;
	c->skipping = false;
}

/*
 * At the end of a file: 1 when reading may go on, 0 when there is nothing more for now, -1. A
 * younger file is entered only after this one was read to its end once more, as the writer may have
 * added to it before it rotated.
 */
static int turn_over(struct cursor *c, struct err *err)
{
	if (c->next >= 0) {
		enter(c, take_fd(&c->next), 0);
		return 1;
	}
	return open_younger(c, &c->next, err);
}

/* ---- going forwards -------------------------------------------------------------------------- */

/*
 * Forgets bytes that are no whole record; what is given out of the file next begins at the same
 * place.
 */
static void forget_rest(struct cursor *c)
{
	c->at += (off_t)c->begin;
	c->begin = c->end = 0;
}

/*
 * The file became shorter: emptied by hand, or the writer took back what the disk did not take as a
 * whole. What was given out stays given out; what comes next comes at the end.
 */
static void follow_cut(struct cursor *c)
{
	struct stat st;

	if (c->fd >= 0 && fstat(c->fd, &st) == 0 && st.st_size < c->at)
		c->at = st.st_size;
}

/* More bytes behind those in the block: 1, 0 at the end of the file, -1. */
static int fill(struct cursor *c, struct err *err)
{
	ssize_t n;

	if (c->fd < 0)
		return 0;
	if (!c->block)
		c->block = xcalloc(1, RECORD_MAX + BLOCK);
	if (c->end - c->begin >= RECORD_MAX) {
		/* No record of ours is that long. */
		c->skipping = true;
		c->begin = c->end;
	}
	memmove(c->block, c->block + c->begin, c->end - c->begin);
	c->at += (off_t)c->begin;
	c->end -= c->begin;
	c->begin = 0;
	do
		n = pread(c->fd, c->block + c->end, RECORD_MAX + BLOCK - c->end,
			  c->at + (off_t)c->end);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(err, errno, "logs: read '%s'", c->path);
	c->end += (size_t)n;
	return n > 0;
}

/* 2: a line of our own in the place of those that nobody can read any more. */
static int tell_gap(struct cursor *c, struct logs_line *ret)
{
	c->overtaken = false;
	buf_cut(&c->text, 0);
	if (c->missed == UINT64_MAX)
		buf_puts(&c->text, "lines were lost");
	else
		buf_printf(&c->text, "%" PRIu64 " line%s lost", c->missed,
			   c->missed == 1 ? " was" : "s were");
	buf_puts(&c->text, ": the log was rotated away before it was read");
	*ret = (struct logs_line){
		.wall_ns = c->wall_ns, .fd = LOGS_MSTACK, .text = c->text.data, .len = c->text.len
	};
	return 2;
}

/* The next piece up to a newline that is in the block, and a record. */
static bool next_in_block(struct cursor *c, struct logs_line *ret)
{
	const char *nl;

	while (c->begin < c->end && c->left > 0 &&
	       (nl = memchr(c->block + c->begin, '\n', c->end - c->begin)) != NULL) {
		const char *record = c->block + c->begin;
		size_t len = (size_t)(nl - record);
		bool skipped = c->skipping;

		c->left = len < c->left ? c->left - len - 1 : 0;
		c->begin = (size_t)(nl + 1 - c->block);
		c->skipping = false;
		if (!skipped && record_read(record, len, &c->text, ret) == 0) {
			c->wall_ns = ret->wall_ns;
			return true;
		}
	}
	return false;
}

int cursor_next(struct cursor *c, struct logs_line *ret, struct err *err)
{
	int rc = open_folder(c, err);
	bool entering;

	while (rc > 0) {
		if (next_in_block(c, ret))
			return 1;
		if (c->left == 0)
			return 0;
		rc = fill(c, err);
		if (rc != 0)
			continue;
		forget_rest(c);
		follow_cut(c);
		entering = c->next >= 0;
		rc = turn_over(c, err);
		if (rc > 0 && entering && c->overtaken)
			return tell_gap(c, ret);
	}
	return rc;
}

/* ---- going backwards ------------------------------------------------------------------------- */

struct tail {
	const struct cursor_tail *wanted;
	int64_t found;
	bool any;	 /* a record was seen */
	uint64_t stored; /* bytes of whole records in the files that were looked at, as of then */
	struct buf text;
	char *block;
};

/* Counts a record, newline and what follows included. True when it is one line too many. */
static bool is_too_many(struct tail *t, const char *record, size_t len)
{
	const struct cursor_tail *w = t->wanted;
	const char *nl = memchr(record, '\n', len);
	struct logs_line line;

	if (record_read(record, nl ? (size_t)(nl - record) : len, &t->text, &line) < 0 ||
	    (w->until_ns && line.wall_ns > w->until_ns) || (w->match && !w->match(w->arg, &line)))
		return false;
	/* A part belongs to the line that ends below it, unless there is none yet. */
	if (!line.partial || !t->any)
		t->found++;
	t->any = true;
	return t->found > w->lines;
}

/* 1 with the place where the tail begins, 0 when all of the file belongs to it, -1 with errno. */
static int tail_in_file(int fd, struct tail *t, off_t *ret)
{
	off_t end = -1, from = lseek(fd, 0, SEEK_END);
	char *block = t->block;
	ssize_t n = 0;

	while (from > 0) {
		size_t len = from < BLOCK ? (size_t)from : BLOCK;

		/* More bytes than needed: the whole of the record that begins last. */
		from -= (off_t)len;
		n = pread(fd, block, BLOCK + RECORD_MAX, from);
		if (n < 0)
			return -1;
		if ((size_t)n < len)
			len = (size_t)n;
		for (const char *nl; (nl = memrchr(block, '\n', len)) != NULL;) {
			len = (size_t)(nl - block);
			if (end >= 0 && is_too_many(t, nl + 1, (size_t)n - len - 1)) {
				*ret = end;
				return 1;
			}
			if (end < 0)
				t->stored += (uint64_t)from + len + 1;
			end = from + (off_t)len + 1;
		}
	}
	if (end >= 0 && is_too_many(t, block, (size_t)n)) {
		*ret = end;
		return 1;
	}
	return 0;
}

static int seek_tail(struct cursor *c, struct tail *t, struct err *err)
{
	struct stat last = { 0 }, st;
	int rc = open_folder(c, err);

	if (rc <= 0)
		return rc;
	for (unsigned i = 0, missing = 0; missing < MISSING_MAX; i++) {
		_cleanup_fd_ int fd = -1;
		off_t at = 0;

		rc = open_segment(c, i, &fd, &st, err);
		if (rc < 0)
			return -1;
		missing = rc == 0 ? missing + 1 : 0;
		/* The one that was just seen may have moved up. */
		if (rc == 0 || is_same_file(&st, &last))
			continue;
		last = st;
		rc = tail_in_file(fd, t, &at);
		if (rc < 0)
			return err_sys(err, errno, "logs: read '%s' backwards", c->path);
		enter(c, take_fd(&fd), at);
		if (rc > 0) {
			t->stored -= (uint64_t)at;
			break;
		}
	}
	return 0;
}

int cursor_seek_tail(struct cursor *c, const struct cursor_tail *tail, struct err *err)
{
	struct tail t = { .wanted = tail, .block = xcalloc(1, BLOCK + RECORD_MAX) };
	int rc = seek_tail(c, &t, err);

	c->in_tail = t.stored;
	buf_fini(&t.text);
	free(t.block);
	return rc;
}

int cursor_limit(struct cursor *c, struct err *err)
{
	int rc = open_folder(c, err);

	/* What was written since the tail was counted would be more lines than were asked for. */
	if (c->in_tail != UINT64_MAX) {
		c->left = c->in_tail;
		return 0;
	}
	if (rc <= 0)
		return rc;
	c->left = 0;
	for (unsigned i = 0, missing = 0; missing < MISSING_MAX; i++) {
		_cleanup_fd_ int fd = -1;
		struct stat st;

		rc = open_segment(c, i, &fd, &st, err);
		if (rc < 0)
			return -1;
		missing = rc == 0 ? missing + 1 : 0;
		c->left += rc > 0 ? (uint64_t)st.st_size : 0;
	}
	return 0;
}
