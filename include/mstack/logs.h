/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * logs: from a container's pipe to stamped, rotated files; reading them back.
 *
 * A stream is the log of one slot. Its two pipes are FIFOs in the slot's run-time folder (stdout, stderr). Bytes become
 * lines with a stamp in the CRI log format:
 *	2026-01-31T10:00:00.123456789Z stdout F text
 * (P instead of F: the line goes on in the next record; lines are cut at 64 KiB.) One writev per block into the current segment
 * `NAME/current.log`; at max_size it becomes `NAME/1.log`, older ones move up, max_files in all. A full disk costs
 * lines (counted, and said in the log once it goes on), never the service. History is kept over restarts.
 * The supervisor writes; anybody with the right may read the files, without a supervisor.
 */
#ifndef MSTACK_LOGS_H
#define MSTACK_LOGS_H

#include "mstack/base.h"
#include "mstack/base_carry.h"
#include "mstack/logs_remote.h"

struct ev_loop;

enum logs_fd { LOGS_STDOUT = 1, LOGS_STDERR = 2, LOGS_MSTACK = 3 /* a line of the supervisor's own about this slot */ };

struct logs_line {
	uint64_t wall_ns;
	enum logs_fd fd;
	bool partial;		/* goes on in the next one */
	const char *text;	/* without newline; bytes as they came (may hold NUL), not NUL-terminated */
	size_t len;
};

/*
 * What becomes of lines. LOCAL: files in the CRI log format. JSON_FILE: files with the lines of docker's driver of this name, cut
 * at 16 KiB. NONE: nothing is kept. REMOTE: they are sent (logs_remote.h), and kept as with LOCAL unless no_cache. What
 * the supervisor says about a slot is kept in files in any case.
 */
enum logs_driver { LOGS_LOCAL, LOGS_JSON_FILE, LOGS_NONE, LOGS_REMOTE };

struct logs_spec {
	const char *name;	/* slot, "web-1" */
	const char *fifo_dir;	/* run-time folder of the slot: the FIFOs `stdout` and `stderr` are made in it */
	const char *log_dir;	/* folder of the slot's segments; made when missing (mode 0750) */
	uid_t uid;		/* owner of the FIFOs: the host id of the service's user */
	gid_t gid;
	uint64_t max_size;	/* bytes of a segment; 0: 10 MiB */
	unsigned max_files;	/* segments in all; 0: 3 */
	enum logs_driver driver;
	bool no_cache;
	const struct logs_remote *remote;	/* of LOGS_REMOTE; copied */
	/*
	 * Who writes outlives us: no byte is lost when we die and somebody has what logs_carry names, and who writes waits
	 * when nobody has. What was stored last may be stored again.
	 */
	bool keep;
};

/* ---- writing (supervisor) ---- */

struct logs_stream;
/* Called for every line as it is stored, in order: the foreground supervisor prints it. `line` is valid during the call. */
typedef void logs_line_fn(void *arg, const struct logs_line *line);

/* Makes and opens the FIFOs and starts to watch them. The spec is copied. NULL on error. */
struct logs_stream *logs_open(struct ev_loop *loop, const struct logs_spec *spec, logs_line_fn *fn, void *arg,
			      struct err *err);
/*
 * The write end for a container's descriptor 1 or 2; owned by the stream, close-on-exec. Blocking: ask anew for every
 * start, as a process may have made it non-blocking for the next one.
 */
int logs_write_fd(const struct logs_stream *s, enum logs_fd fd);
/* Bytes of descriptor 1 or 2 that come on another way (`from`, a terminal), as if out of its pipe: a block at most. As read(2). */
ssize_t logs_feed(struct logs_stream *s, enum logs_fd fd, int from);
/* Called for all bytes of 1 and 2 as they come, before they are lines: for who is attached. They are valid during the call. */
typedef void logs_bytes_fn(void *arg, enum logs_fd fd, const char *data, size_t len);
void logs_tap(struct logs_stream *s, logs_bytes_fn *fn, void *arg);
/* Leaves the pipes unread until it is taken back, so that writers wait. logs_drain reads them in any case. */
void logs_hold(struct logs_stream *s, bool on);
/* Reads all that is in the pipes now (until EAGAIN) and ends partial lines: called before an exit is announced. */
void logs_drain(struct logs_stream *s);
/* A line of our own ("restarting in 400 ms"), stored and shown like the others with stream name `mstack`. */
void logs_say(struct logs_stream *s, const char *fmt, ...) MSTACK_PRINTF(2, 3);
uint64_t logs_dropped(const struct logs_stream *s);	/* lines lost to a full disk so far */
uint64_t logs_undelivered(const struct logs_stream *s);	/* lines that a receiver elsewhere did not take */
/* Other sizes from now on, as in the spec; files beyond the number go at once. */
void logs_limit(struct logs_stream *s, uint64_t max_size, unsigned max_files);
/* Drains, closes; the FIFOs and files stay (the ledger removes the folder of the first, nobody that of the second). */
void logs_close(struct logs_stream *s);

/*
 * For the program that takes our place by execve: no byte is lost, not even the beginning of a line. Of the spec counts what logs_open
 * looks at, but for the FIFOs, which are those that were carried over. With `keep` what is carried may be older than what was done.
 */
void logs_carry(const struct logs_stream *s, struct carry *to);
struct logs_stream *logs_resume(struct ev_loop *loop, const struct logs_spec *spec, struct carry *from, logs_line_fn *fn,
				void *arg, struct err *err);

/* ---- reading (client) ---- */

struct logs_source {
	const char *name;	/* as passed to `fn` */
	const char *dir;	/* a log_dir */
};

struct logs_query {
	int64_t tail;		/* last N lines of each source; -1: all */
	uint64_t since_ns, until_ns;	/* wall clock; 0: no limit */
	bool follow;		/* go on with what comes, until `stop` or until_ns */
	bool (*match)(void *arg, const struct logs_line *line);	/* only these, also in the tail; NULL: all */
	/*
	 * asked with the `arg` of logs_read between waits while following (may be NULL): true ends it after all
	 * that is stored was shown
	 */
	bool (*stop)(void *arg);
	/* called likewise before anything is read (may be NULL): `tail` is counted, and what is written from now on will be shown. 0; 1 ends it; -1 */
	int (*begin)(void *arg, struct err *err);
};

/* `source` is the index into the sources. Returns non-zero to end the reading. */
typedef int logs_read_fn(void *arg, size_t source, const struct logs_line *line);

/*
 * Reads all sources merged by time and calls `fn` for each line; with `follow` waits for more (inotify, new segments are
 * picked up, also sources whose folder does not exist yet). Who is overtaken by the writer, so that rotation has removed what
 * was not read yet, gets a line of LOGS_MSTACK that says how much. May wait. 0, or -1.
 */
int logs_read(const struct logs_source *sources, size_t n, const struct logs_query *q, logs_read_fn *fn, void *arg,
	      struct err *err);

/* Adds text of a service as the inside of a string of JSON, as docker does it: what is no UTF-8 becomes U+FFFD. */
void logs_json_text(struct buf *out, const char *text, size_t len);

#endif
