/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base: the words that every room uses. Errors, ownership, bytes, memory, paths, files, time, sizes.
 *
 * Nothing here knows what a container is. No function waits for anything but a local system call.
 */
#ifndef MSTACK_BASE_H
#define MSTACK_BASE_H

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "mstack/base_impair.h"
#include "mstack/base_ip.h"

#define MSTACK_VERSION "0.1.0"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MSTACK_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* ---- errors ---------------------------------------------------------------------------------- */

/* What sort of failure it is; decides the exit code (see err_exit_code). */
enum err_kind {
	ERR_RUN = 0,	/* something failed at run time: exit 1 */
	ERR_USAGE,	/* wrong words on the command line: exit 2 */
	ERR_STACK,	/* the stack file is wrong: exit 3 */
	ERR_SERVICE,	/* a service failed or is unhealthy: exit 4 */
	ERR_TIMEOUT,	/* time-out: exit 5 */
	ERR_LEFTOVER,	/* things of ours were left behind: exit 6 */
	ERR_CREATE,	/* a container could not be created: exit 125 */
	ERR_NOEXEC,	/* its command cannot be executed: exit 126 */
	ERR_NOTFOUND,	/* its command was not found: exit 127 */
};

/*
 * One flat type, so that it can be sent through a socket as it is. `text` is one line: `what: where: why`, lower case,
 * no full stop. `line` and `col` are a place in the stack file (0: none); `step` is the failed step of a container's child.
 */
struct err {
	int32_t sys;	/* errno, 0 when no system call is to blame */
	uint16_t kind;	/* enum err_kind */
	uint16_t step;
	uint32_t line, col;
	char text[496];
};

/* Each returns -1, so that a function can end with `return err_set(...)`. */
int err_set(struct err *err, const char *fmt, ...) MSTACK_PRINTF(2, 3);
/* The same with `: strerror(sys)` behind; keeps sys in err->sys. */
int err_sys(struct err *err, int sys, const char *fmt, ...) MSTACK_PRINTF(3, 4);
/* The same with a kind. */
int err_kind(struct err *err, enum err_kind kind, const char *fmt, ...) MSTACK_PRINTF(3, 4);
/* Puts `prefix: ` before the text that err holds already. */
int err_wrap(struct err *err, const char *fmt, ...) MSTACK_PRINTF(2, 3);
/* The exit code of the command line contract for this error. */
int err_exit_code(const struct err *err);

/* clang --analyze reads one file at a time: told that these return -1, it follows no paths that do not exist. */
#ifdef __clang_analyzer__
#define err_set(...) (err_set(__VA_ARGS__), -1)
#define err_sys(...) (err_sys(__VA_ARGS__), -1)
#define err_kind(...) (err_kind(__VA_ARGS__), -1)
#define err_wrap(...) (err_wrap(__VA_ARGS__), -1)
#endif

/* ---- ownership ------------------------------------------------------------------------------- */

void cleanup_fd(int *fd);
void cleanup_free(void *pp);
void cleanup_closedir(void *pp);
/* _cleanup_(x_fini): for a struct with a fini function that takes its address. What is only held counts as used. */
#define _cleanup_(f) __attribute__((cleanup(f), unused))
#define _cleanup_fd_ _cleanup_(cleanup_fd)
#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_closedir_ _cleanup_(cleanup_closedir)

static inline int take_fd(int *fd)
{
	int r = *fd;

	*fd = -1;
	return r;
}

#define take_ptr(pp) ({ __typeof__(*(pp)) taken_ = *(pp); *(pp) = NULL; taken_; })

/* Allocation that cannot fail: mstack ends with a message when memory is gone (never on a container's event path). */
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) MSTACK_PRINTF(1, 2);

/* ---- vectors --------------------------------------------------------------------------------- */

/* struct VEC(int) v = {0}; vec_push(&v, 3); v.v[0]; v.n; vec_fini(&v); */
#define VEC(type) { type *v; size_t n, cap; }
#define vec_push(vec, item) \
	(*(__typeof__((vec)->v))vec_slot_((void **)&(vec)->v, &(vec)->n, &(vec)->cap, sizeof(*(vec)->v)) = (item))
#define vec_fini(vec) (free((vec)->v), (vec)->v = NULL, (vec)->n = (vec)->cap = 0)
void *vec_slot_(void **v, size_t *n, size_t *cap, size_t size);

/* ---- bytes ----------------------------------------------------------------------------------- */

/* Growing bytes; `data` is always followed by a NUL once anything was added (NULL before). Zero it to begin. */
struct buf {
	char *data;
	size_t len, cap;
};

void buf_add(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) MSTACK_PRINTF(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap);
void buf_cut(struct buf *b, size_t len);	/* the first `len` bytes stay, never more than there are; keeps the memory */
const char *buf_str(const struct buf *b);	/* "" when nothing was added or all was cut, never NULL */
char *buf_take(struct buf *b);			/* the bytes, caller frees; b is empty afterwards */
void buf_fini(struct buf *b);

/* ---- arena ----------------------------------------------------------------------------------- */

/* Memory that is given back as a whole. Everything returned is zeroed and aligned for any type. */
struct arena;
struct arena *arena_new(void);
void arena_free(struct arena *a);
void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) MSTACK_PRINTF(2, 3);
#define arena_array(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (n)))

/* ---- paths and files ------------------------------------------------------------------------- */

/*
 * Opens `path` as if `dirfd` were the root: absolute links and `..` stay inside, magic links are refused (openat2(2),
 * RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS). Returns a close-on-exec descriptor, or -1 with errno.
 */
int path_open_in(int dirfd, const char *path, int flags, mode_t mode);
/*
 * Where `path` leads within dirfd when its links are followed, also those that lead to nothing: an absolute path without links, `.`
 * and `..`. What is not there counts by its name. Only words: use it through path_open_in. 0, or -1 with errno (ELOOP).
 */
int path_resolve_in(int dirfd, const char *path, char ret[PATH_MAX]);
/* Is `path` this folder or below it? By the texts alone: both absolute, `folder` without a slash at its end. */
bool path_is_within(const char *path, const char *folder);
/* Where we are. 0, or -1: that it was removed is told with what to do. */
int path_current(char ret[PATH_MAX], struct err *err);
/* mkdir -p below dirfd (AT_FDCWD allowed) with `mode` for the folders that it makes. 0, or -1 with errno. */
int path_mkdirs(int dirfd, const char *path, mode_t mode);
/* Removes a file or a whole tree; follows no link, crosses no mount. ENOENT is success. 0, or -1 with errno. */
int path_remove_tree(int dirfd, const char *name);
/* Reads a regular file (or one of /proc, /sys) of at most `max` bytes. 0, or -1 with errno (EFBIG when longer). */
int file_read(int dirfd, const char *path, size_t max, struct buf *ret);
/* Writes `text` into an existing file with one write (for /proc, /sys, cgroup files). 0, or -1 with errno. */
int file_put(int dirfd, const char *path, const char *text);
/* Makes or replaces a file in one step (temporary name, rename). 0, or -1 with errno. */
int file_replace(int dirfd, const char *path, const void *data, size_t len, mode_t mode);
/* All of it, over interruptions and short writes; for blocking descriptors. 0, or -1 with errno. */
int fd_write_all(int fd, const void *data, size_t len);
int fd_nonblock(int fd, bool on);
/* One message over a socket that keeps their limits, with a descriptor (-1: without). 0, or -1 with errno. */
int fd_send(int sock, const void *data, size_t len, int fd);
/* As recvmsg(2). *ret_fd: a descriptor that came with it, close-on-exec, or -1. */
ssize_t fd_receive(int sock, void *data, size_t len, int flags, int *ret_fd);
/* Folders of the command line contract: MSTACK_RUN_DIR (default /run/mstack), MSTACK_DATA_DIR (/var/lib/mstack). */
const char *path_run_dir(void);
const char *path_data_dir(void);
/*
 * The file that this program was started from, caller frees; NULL: unknown. A program that goes on as a sealed copy of itself
 * (box_seal_self) writes it down in this variable before: /proc/self/exe then tells of the copy.
 */
#define PATH_SELF_VARIABLE "MSTACK_PROGRAM"
char *path_self(void);

/* ---- time ------------------------------------------------------------------------------------ */

uint64_t time_mono_ms(void);	/* CLOCK_MONOTONIC */
uint64_t time_mono_ns(void);
uint64_t time_wall_ns(void);	/* CLOCK_REALTIME, since 1970 */
#define TIME_STAMP_SIZE 40
/* RFC 3339 with nanoseconds, UTC: 2026-01-31T10:00:00.123456789Z. Returns its length. */
size_t time_stamp(uint64_t wall_ns, char ret[TIME_STAMP_SIZE]);
/* Reads such a stamp (any number of fraction digits, Z or an offset). 0 or -1. */
int time_parse_stamp(const char *s, uint64_t *ret_wall_ns);

/* ---- sizes and durations of compose files ------------------------------------------------------ */

/* `64m`, `1.5gb`, `1024`: powers of 1024, any case; -1 only as the plain integer. 0 or -1. */
int size_parse(const char *s, int64_t *ret);
/* (number unit)+ with ns us ms s m h d w; "0" alone is fine. 0 or -1. */
int duration_parse(const char *s, int64_t *ret_ns);
/* As Go prints it: 1m30s, 500ms, 1h0m0s, 0s. */
void duration_format(int64_t ns, char *ret, size_t size);
/* 12.3 MiB, for people. */
void size_format(uint64_t bytes, char *ret, size_t size);

/* ---- names ----------------------------------------------------------------------------------- */

uint64_t hash64(const void *data, size_t len);		/* FNV-1a; stable for ever, names depend on it */
uint64_t hash64_str(const char *s);
/* The entry of `names` nearest to `s` (edit distance at most a third of its length), or NULL: "did you mean". */
const char *nearest_name(const char *s, const char *const *names, size_t n);
/* Signal by name ("SIGTERM", "term") or number; -1 when unknown. sig_name returns "SIGTERM", or "signal N". */
int sig_parse(const char *s);
const char *sig_name(int sig);
/* "nofile" -> RLIMIT_NOFILE; -1 unknown. And back; "?". */
int rlimit_parse(const char *name);
const char *rlimit_name(int resource);

#endif
