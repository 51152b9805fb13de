/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reading: several logs as one, by time. Called by cli, in any process that may read the files; a
 * slow reader costs the writer nothing. Lines of one source stay in the order of the file, whatever
 * their stamps say: a clock may have been set back.
 */
#include <unistd.h>

#include "logs/cursor.h"
#include "logs/watch.h"

/* How long a folder that appeared, or the wish to stop, may go unnoticed. */
#define LOOK_AGAIN_MS 200

/* A source, and the line of it that comes next. */
struct lane {
	struct cursor cursor;
	struct logs_line line;
	bool has_line, watched;
};

struct reading {
	const struct logs_query *q;
	struct lane *lanes;
	size_t n;
	int watch; /* -1 without `follow` */
	logs_read_fn *fn;
	void *arg;
};

static bool is_wanted(const struct reading *r, const struct logs_line *line)
{
	const struct logs_query *q = r->q;

	if (q->match && !q->match(r->arg, line))
		return false;
	return line->wall_ns >= q->since_ns && (!q->until_ns || line->wall_ns <= q->until_ns);
}

/* 0, or -1; the lane may have no line afterwards. */
static int advance(const struct reading *r, struct lane *l, struct err *err)
{
	int rc;

	do
		rc = cursor_next(&l->cursor, &l->line, err);
	while (rc == 1 && !is_wanted(r, &l->line));
	l->has_line = rc > 0;
	return rc < 0 ? -1 : 0;
}

static struct lane *oldest_line(const struct reading *r)
{
	struct lane *oldest = NULL;

	for (struct lane *l = r->lanes; l < r->lanes + r->n; l++)
		if (l->has_line && (!oldest || l->line.wall_ns < oldest->line.wall_ns))
			oldest = l;
	return oldest;
}

/* All that is stored now. 0, 1 when `fn` wants no more, -1. */
static int show_stored(struct reading *r, struct err *err)
{
	for (size_t i = 0; i < r->n; i++) {
		struct lane *l = &r->lanes[i];

		/* Watch first, read then: what comes between the two is noticed. */
		if (r->watch >= 0 && !l->watched)
			l->watched = watch_folder(r->watch, l->cursor.path);
		if (advance(r, l, err) < 0)
			return -1;
	}
	for (struct lane *l; (l = oldest_line(r)) != NULL;) {
		if (r->fn(r->arg, (size_t)(l - r->lanes), &l->line) != 0)
			return 1;
		if (advance(r, l, err) < 0)
			return -1;
	}
	return 0;
}

static bool is_over(const struct reading *r)
{
	const struct logs_query *q = r->q;

	return !q->follow || (q->stop && q->stop(r->arg)) ||
	       (q->until_ns && time_wall_ns() > q->until_ns);
}

/*
 * What ends the reading is asked before the last look, so that nothing stored by then is left out.
 */
static int show_all(struct reading *r, struct err *err)
{
	for (;;) {
		bool over = is_over(r);
		int rc = show_stored(r, err);

		if (rc != 0 || over)
			return rc < 0 ? -1 : 0;
		watch_wait(r->watch, LOOK_AGAIN_MS);
	}
}

int logs_read(const struct logs_source *sources, size_t n, const struct logs_query *q,
	      logs_read_fn *fn, void *arg, struct err *err)
{
	_cleanup_fd_ int watch = q->follow ? watch_open(err) : -1;
	_cleanup_free_ struct lane *lanes = xcalloc(n, sizeof(*lanes));
	struct reading r = { .q = q, .lanes = lanes, .n = n, .watch = watch, .fn = fn, .arg = arg };
	const struct cursor_tail tail = {
		.lines = q->tail, .until_ns = q->until_ns, .match = q->match, .arg = arg
	};
	int rc = q->follow && watch < 0 ? -1 : 0;

	for (size_t i = 0; i < n; i++) {
		struct cursor *c = &lanes[i].cursor;

		cursor_init(c, sources[i].dir);
		if (rc == 0 && q->tail >= 0)
			rc = cursor_seek_tail(c, &tail, err);
		if (rc == 0 && !q->follow)
			rc = cursor_limit(c, err);
	}
	if (rc == 0 && q->begin)
		rc = q->begin(arg, err);
	if (rc == 0)
		rc = show_all(&r, err);
	for (size_t i = 0; i < n; i++)
		cursor_fini(&lanes[i].cursor);
	return rc < 0 ? -1 : 0;
}
