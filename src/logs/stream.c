/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream: the log of one slot while it is written. Called by the supervisor's loop and by sup. A
 * container waits for its log only as long as one turn of the loop takes: its pipes are emptied
 * whatever the disk says, and one callback takes one block, so that a noisy service does not keep
 * the others waiting.
 *
 * Between blocks a stream owns no buffer but the beginning of a line: the supervisor has many of
 * them, and every page that it touches makes clone slower.
 */
#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "logs/backlog.h"
#include "logs/cutter.h"
#include "logs/delivery.h"
#include "logs/fifo.h"
#include "logs/jsonline.h"
#include "logs/segment.h"

#define BLOCK	      65536
#define SAY_MAX	      1024
#define DEFAULT_SIZE  (10ULL << 20)
#define DEFAULT_FILES 3

/* One pipe: descriptor 1 or 2 of the container. */
struct channel {
	ev_io io;
	struct logs_stream *stream;
	enum logs_fd fd;
	struct fifo fifo;
	struct cutter cutter;
	struct backlog backlog; /* of a stream that is kept */
	bool behind;		/* there is something in it that the cutter has not seen */
};

struct logs_stream {
	struct ev_loop *loop;
	struct channel channels[2];
	struct segments segments;
	logs_line_fn *fn;
	void *arg;
	logs_bytes_fn *tap;
	void *tap_arg;
	enum logs_driver driver;
	bool no_cache;
	struct delivery *remote; /* NULL: nothing is sent */
};

/* ---- from lines to records ------------------------------------------------------------------- */

/* What all lines of one block have in common. One look at the clock serves them all. */
struct sink {
	struct logs_stream *stream;
	struct logs_line line;
	char head[RECORD_HEAD];
	struct batch batch;
};

static void sink_init(struct sink *k, struct logs_stream *s, enum logs_fd fd)
{
	k->stream = s;
	k->line = (struct logs_line){ .wall_ns = time_wall_ns(), .fd = fd };
	record_head(k->head, k->line.wall_ns, fd);
	/* Not the whole of it: 128 KiB of zeros for every block would be most of the work. */
	k->batch.s = &s->segments;
	k->batch.len = k->batch.lines = 0;
}

static void keep(struct sink *k, const struct logs_line *line)
{
	struct buf record = { 0 };

	if (k->stream->driver == LOGS_JSON_FILE) {
		jsonline_put(&record, line->wall_ns, line->fd, line->text, line->len,
			     line->partial);
		batch_put(&k->batch, record.data, record.len, "", 0);
		buf_fini(&record);
		return;
	}
	record_set_partial(k->head, line->partial);
	batch_add(&k->batch, k->head, line->text, line->len);
}

/* What is our own word about the slot is kept here always, and only here. */
static void store_line(void *arg, const char *text, size_t len, bool partial)
{
	struct sink *k = arg;
	struct logs_stream *s = k->stream;

	k->line.text = text;
	k->line.len = len;
	k->line.partial = partial;
	if (k->line.fd == LOGS_MSTACK || (s->driver != LOGS_NONE && !s->no_cache))
		keep(k, &k->line);
	if (s->remote && k->line.fd != LOGS_MSTACK)
		delivery_send(s->remote, &k->line);
	if (s->fn)
		s->fn(s->arg, &k->line);
}

static void take(struct channel *c, const char *data, size_t len)
{
	struct sink sink;

	if (c->stream->tap)
		c->stream->tap(c->stream->tap_arg, c->fd, data, len);
	sink_init(&sink, c->stream, c->fd);
	cutter_feed(&c->cutter, data, len, store_line, &sink);
	batch_flush(&sink.batch);
	backlog_stored(&c->backlog, c->cutter.held.len);
}

/* What somebody before us has taken and, as far as we know, not stored. False: it cannot be read now. */
static bool catch_up(struct channel *c)
{
	char block[BACKLOG_MAX];
	size_t n = 0;

	if (c->behind) {
		backlog_own(&c->backlog);
		n = backlog_read(&c->backlog, block);
	}
	if (n > 0)
		take(c, block, n);
	c->behind = c->behind && n == 0 && c->backlog.len > 0;
	return !c->behind;
}

/* As read(2). */
static ssize_t take_block(struct channel *c, int from)
{
	bool kept = c->backlog.pipe >= 0;
	char block[BACKLOG_MAX];
	size_t held;
	ssize_t n;

	if (!catch_up(c)) {
		errno = EAGAIN;
		return -1;
	}
	held = kept ? c->cutter.held.len : 0;
	n = kept ? backlog_take(&c->backlog, from, &c->cutter.held, block, BLOCK)
		 : read(from, block, BLOCK);
	if (n > 0)
		take(c, block + held, (size_t)n);
	return n;
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct channel *c = io->data;

	(void)loop;
	(void)events;
	take_block(c, c->fifo.rd);
}

/*
 * What is in the pipe now and not a byte that comes later: a writer may outlive the process whose
 * end this is.
 */
static void drain_channel(struct channel *c)
{
	int left = 0;
	struct sink sink;

	if (!catch_up(c))
		return;
	ioctl(c->fifo.rd, FIONREAD, &left);
	while (left > 0) {
		ssize_t n = take_block(c, c->fifo.rd);

		if (n <= 0)
			break;
		left -= (int)n;
	}
	sink_init(&sink, c->stream, c->fd);
	cutter_end(&c->cutter, store_line, &sink);
	batch_finish(&sink.batch);
	backlog_stored(&c->backlog, 0);
}

/* ---- the room's door ------------------------------------------------------------------------- */

static const char *channel_name(enum logs_fd fd)
{
	return fd == LOGS_STDOUT ? "stdout" : "stderr";
}

/* Nothing is stored before the loop runs: who only tries it out has not taken it. */
static int resume_backlog(struct channel *c, struct carry *own, struct err *err)
{
	int rc = backlog_resume(&c->backlog, own, err);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return backlog_fill(&c->backlog, &c->cutter.held) < 0
			       ? err_sys(err, errno, "logs: pipe")
			       : 0;
	buf_fini(&c->cutter.held);
	c->behind = true;
	return 0;
}

/* The FIFO of the program before us: what is in it stays, and nobody who writes meets a pipe without a reader. */
static int resume_fifo(struct channel *c, bool keep, struct carry *from, struct err *err)
{
	struct carry *own = carry_next(from, channel_name(c->fd), NULL);
	const char *held;
	size_t len;

	if (own) {
		c->fifo = (struct fifo){ .rd = carry_take_fd(own, "read"),
					 .wr = carry_take_fd(own, "write") };
		held = carry_bytes(own, "held", &len);
		buf_add(&c->cutter.held, held ? held : "", len);
	}
	if (c->fifo.rd < 0 || c->fifo.wr < 0)
		return err_set(err, "logs: the fifo '%s' was not carried over",
			       channel_name(c->fd));
	return keep ? resume_backlog(c, own, err) : 0;
}

static int make_fifo(struct channel *c, const struct logs_spec *spec, struct err *err)
{
	if (fifo_open(&c->fifo, spec->fifo_dir, channel_name(c->fd), spec->uid, spec->gid,
		      spec->keep, err) < 0)
		return -1;
	return spec->keep ? backlog_open(&c->backlog, err) : 0;
}

static int open_channel(struct logs_stream *s, enum logs_fd fd, const struct logs_spec *spec,
			struct carry *from, struct err *err)
{
	struct channel *c = &s->channels[fd - LOGS_STDOUT];

	c->stream = s;
	c->fd = fd;
	c->cutter.max = s->driver == LOGS_JSON_FILE ? JSON_TEXT_MAX : RECORD_TEXT_MAX;
	if (from ? resume_fifo(c, spec->keep, from, err) < 0 : make_fifo(c, spec, err) < 0)
		return -1;
	ev_io_init(&c->io, on_readable, c->fifo.rd, EV_READ);
	c->io.data = c;
	ev_io_start(s->loop, &c->io);
	if (c->behind)
		ev_feed_event(s->loop, &c->io, EV_READ);
	return 0;
}

static void stream_free(struct logs_stream *s)
{
	for (size_t i = 0; i < ARRAY_LEN(s->channels); i++) {
		ev_io_stop(s->loop, &s->channels[i].io);
		fifo_close(&s->channels[i].fifo);
		backlog_close(&s->channels[i].backlog);
		cutter_fini(&s->channels[i].cutter);
	}
	delivery_close(s->remote);
	segments_close(&s->segments);
	free(s);
}

/* What a full disk has cost, as a line of the same form as the others. */
static size_t json_notice(void *arg, const struct segments *s, char *ret, size_t size)
{
	struct buf record = { 0 };
	struct err err;
	size_t n;

	(void)arg;
	err_sys(&err, s->why, "%" PRIu64 " lines dropped", s->lost);
	jsonline_put(&record, time_wall_ns(), LOGS_MSTACK, err.text, strlen(err.text), false);
	buf_putc(&record, '\n');
	n = record.len < size ? record.len : 0;
	memcpy(ret, record.data, n);
	buf_fini(&record);
	return n;
}

static void say_about_remote(void *arg, const char *text)
{
	logs_say(arg, "%s", text);
}

static uint64_t size_of(uint64_t max_size)
{
	return max_size ? max_size : DEFAULT_SIZE;
}

static unsigned files_of(unsigned max_files)
{
	return max_files ? max_files : DEFAULT_FILES;
}

void logs_limit(struct logs_stream *s, uint64_t max_size, unsigned max_files)
{
	segments_limit(&s->segments, size_of(max_size), files_of(max_files));
}

static struct logs_stream *stream_open(struct ev_loop *loop, const struct logs_spec *spec,
				       logs_line_fn *fn, void *arg, struct carry *from,
				       struct err *err)
{
	struct logs_stream *s = xcalloc(1, sizeof(*s));

	s->loop = loop;
	s->fn = fn;
	s->arg = arg;
	s->driver = spec->driver;
	s->no_cache = spec->driver == LOGS_REMOTE && spec->no_cache;
	s->segments = (struct segments){ .dir = -1, .fd = -1 };
	for (size_t i = 0; i < ARRAY_LEN(s->channels); i++) {
		s->channels[i].fifo = (struct fifo){ .rd = -1, .wr = -1 };
		s->channels[i].backlog = (struct backlog){ .pipe = -1, .spare = -1 };
	}
	if (segments_open(&s->segments, spec->log_dir, size_of(spec->max_size),
			  files_of(spec->max_files), err) < 0 ||
	    open_channel(s, LOGS_STDOUT, spec, from, err) < 0 ||
	    open_channel(s, LOGS_STDERR, spec, from, err) < 0) {
		err_wrap(err, "slot '%s'", spec->name);
		stream_free(s);
		return NULL;
	}
	if (spec->driver == LOGS_JSON_FILE)
		s->segments.notice = json_notice;
	if (spec->remote)
		s->remote = delivery_open(loop, spec->remote, say_about_remote, s);
	return s;
}

struct logs_stream *logs_open(struct ev_loop *loop, const struct logs_spec *spec, logs_line_fn *fn,
			      void *arg, struct err *err)
{
	return stream_open(loop, spec, fn, arg, NULL, err);
}

void logs_carry(const struct logs_stream *s, struct carry *to)
{
	for (size_t i = 0; i < ARRAY_LEN(s->channels); i++) {
		const struct channel *c = &s->channels[i];
		struct carry *own = carry_add(to, channel_name(c->fd));

		carry_put_fd(own, "read", c->fifo.rd);
		carry_put_fd(own, "write", c->fifo.wr);
		carry_put_bytes(own, "held", c->cutter.held.data, c->cutter.held.len);
		backlog_carry(&c->backlog, own);
	}
	if (s->remote)
		delivery_carry(s->remote, carry_add(to, "remote"));
	carry_put_num(to, "dropped", (int64_t)s->segments.dropped);
	carry_put_num(to, "lost", (int64_t)s->segments.lost);
}

struct logs_stream *logs_resume(struct ev_loop *loop, const struct logs_spec *spec,
				struct carry *from, logs_line_fn *fn, void *arg, struct err *err)
{
	struct logs_stream *s = stream_open(loop, spec, fn, arg, from, err);
	struct carry *remote = carry_next(from, "remote", NULL);

	if (!s)
		return NULL;
	if (s->remote && remote)
		delivery_resume(s->remote, remote);
	s->segments.dropped = (uint64_t)carry_num(from, "dropped", 0);
	s->segments.lost = (uint64_t)carry_num(from, "lost", 0);
	return s;
}

int logs_write_fd(const struct logs_stream *s, enum logs_fd fd)
{
	int wr;

	assert(fd == LOGS_STDOUT || fd == LOGS_STDERR);
	wr = s->channels[fd - LOGS_STDOUT].fifo.wr;
	/*
	 * The process before may have made its standard output non-blocking, and with it ours: it
	 * is one description.
	 */
	fcntl(wr, F_SETFL, 0);
	return wr;
}

ssize_t logs_feed(struct logs_stream *s, enum logs_fd fd, int from)
{
	assert(fd == LOGS_STDOUT || fd == LOGS_STDERR);
	return take_block(&s->channels[fd - LOGS_STDOUT], from);
}

void logs_tap(struct logs_stream *s, logs_bytes_fn *fn, void *arg)
{
	s->tap = fn;
	s->tap_arg = arg;
}

void logs_hold(struct logs_stream *s, bool on)
{
	for (size_t i = 0; i < ARRAY_LEN(s->channels); i++) {
		if (on)
			ev_io_stop(s->loop, &s->channels[i].io);
		else
			ev_io_start(s->loop, &s->channels[i].io);
	}
}

void logs_drain(struct logs_stream *s)
{
	for (size_t i = 0; i < ARRAY_LEN(s->channels); i++)
		drain_channel(&s->channels[i]);
}

void logs_say(struct logs_stream *s, const char *fmt, ...)
{
	struct cutter cutter = { 0 };
	char text[SAY_MAX];
	struct sink sink;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sink_init(&sink, s, LOGS_MSTACK);
	cutter_feed(&cutter, text, strlen(text), store_line, &sink);
	cutter_end(&cutter, store_line, &sink);
	batch_flush(&sink.batch);
}

uint64_t logs_dropped(const struct logs_stream *s)
{
	return s->segments.dropped;
}

uint64_t logs_undelivered(const struct logs_stream *s)
{
	return s->remote ? delivery_dropped(s->remote) : 0;
}

void logs_close(struct logs_stream *s)
{
	if (!s)
		return;
	logs_drain(s);
	stream_free(s);
}
