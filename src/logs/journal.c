/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * journal: see mstack/logs_journal.h. Called by the supervisor alone, for every change of a state. Entries are records of the same files
 * as a log's lines, so rotation, the full disk and reading are those of segment and cursor. It knows nothing of what entries say.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "logs/segment.h"
#include "mstack/logs_journal.h"

/* Some ten thousand entries. */
#define MAX_SIZE  (4u << 20)
#define MAX_FILES 3

struct logs_journal {
	struct segments segments;
	uint64_t seq; /* of the last entry */
	struct buf last;
};

/* Its number is that of the last entry that was lost: so numbers go up, and none is there twice. */
static size_t make_lost(void *arg, const struct segments *s, char *ret, size_t size)
{
	const struct logs_journal *j = arg;
	size_t n = record_entry_head(ret, j->seq - 1, time_wall_ns());

	return n + (size_t)snprintf(ret + n, size - n,
				    "\"type\":\"journal\",\"action\":\"lost\",\"attributes\":"
				    "{\"entries\":\"%" PRIu64 "\",\"reason\":\"%s\"}}\n",
				    s->lost, strerror(s->why));
}

/* The last entry that was written into segment `index`. False: there is none in it. */
static bool take_last(struct logs_journal *j, unsigned index)
{
	char name[SEGMENT_NAME_SIZE], tail[RECORD_MAX];
	_cleanup_fd_ int fd = -1;
	uint64_t wall;
	ssize_t n;
	off_t size;

	segment_name(index, name);
	fd = openat(j->segments.dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	n = size <= 0 ? 0
		      : pread(fd, tail, sizeof(tail), size < RECORD_MAX ? 0 : size - RECORD_MAX);
	for (const char *end = n > 0 ? memrchr(tail, '\n', (size_t)n) : NULL, *begin; end;
	     end = begin) {
		const char *record;

		begin = memrchr(tail, '\n', (size_t)(end - tail));
		record = begin ? begin + 1 : tail;
		if (record_entry_parse(record, (size_t)(end - record), &j->seq, &wall) == 0) {
			buf_add(&j->last, record, (size_t)(end - record));
			return true;
		}
	}
	return false;
}

struct logs_journal *logs_journal_open(const char *dir, struct err *err)
{
	struct logs_journal *j = xcalloc(1, sizeof(*j));

	if (segments_open(&j->segments, dir, MAX_SIZE, MAX_FILES, err) < 0) {
		free(j);
		return NULL;
	}
	j->segments.notice = make_lost;
	j->segments.notice_arg = j;
	for (unsigned i = 0; i < MAX_FILES && !take_last(j, i); i++)
		;
	return j;
}

uint64_t logs_journal_add(struct logs_journal *j, uint64_t wall_ns, const char *members)
{
	char head[ENTRY_HEAD_MAX];
	size_t n = record_entry_head(head, ++j->seq, wall_ns), len = strlen(members);
	struct batch batch;

	/* Not the whole of it: it is large. */
	batch.s = &j->segments;
	batch.len = batch.lines = 0;
	if (n + len < RECORD_MAX)
		batch_put(&batch, head, n, members, len);
	batch_flush(&batch);
	return j->seq;
}

const char *logs_journal_last(const struct logs_journal *j)
{
	return buf_str(&j->last);
}

uint64_t logs_journal_lost(const struct logs_journal *j)
{
	return j->segments.dropped;
}

void logs_journal_close(struct logs_journal *j)
{
	if (!j)
		return;
	segments_close(&j->segments);
	buf_fini(&j->last);
	free(j);
}
