/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spool: see spool.h. Called by delivery. A ring in shared memory. Whoever is killed is killed between two of our stores, so a message is there before `put`
 * tells of it, and `done` is told when it is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logs/spool.h"

#define PAGE 4096u

/* Bytes that were ever put, and those of messages that are gone. Both begin anew when nothing waits. */
struct spool_file {
	_Atomic uint64_t put, done;
	char pad[PAGE - 2 * sizeof(uint64_t)];
	char ring[SPOOL_MAX]; /* for each message its length, and the message */
};

static int map(struct spool *ret, int fd)
{
	void *file =
		mmap(NULL, sizeof(struct spool_file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (file == MAP_FAILED)
		return -1;
	*ret = (struct spool){ .fd = fd, .file = file };
	return 0;
}

int spool_open(struct spool *ret)
{
	_cleanup_fd_ int fd = memfd_create("mstack-spool", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, sizeof(struct spool_file)) < 0 || map(ret, fd) < 0)
		return -1;
	take_fd(&fd);
	return 0;
}

void spool_close(struct spool *s)
{
	if (s->file)
		munmap(s->file, sizeof(*s->file));
	s->file = NULL;
	cleanup_fd(&s->fd);
}

bool spool_is_empty(const struct spool *s)
{
	return !s->file || s->file->put == s->file->done;
}

/* ---- in and out ------------------------------------------------------------------------------ */

static size_t in_a_row(uint64_t at, size_t len)
{
	size_t n = SPOOL_MAX - at % SPOOL_MAX;

	return n < len ? n : len;
}

static void copy_in(struct spool_file *f, uint64_t at, const void *from, size_t len)
{
	size_t n = in_a_row(at, len);

	memcpy(f->ring + at % SPOOL_MAX, from, n);
	memcpy(f->ring, (const char *)from + n, len - n);
}

bool spool_put(struct spool *s, const struct buf *message)
{
	struct spool_file *f = s->file;
	uint32_t len = (uint32_t)message->len;

	if (message->len > SPOOL_MAX || f->put - f->done + sizeof(len) + len > SPOOL_MAX)
		return false;
	copy_in(f, f->put, &len, sizeof(len));
	copy_in(f, f->put + sizeof(len), message->data, len);
	f->put += sizeof(len) + len;
	return true;
}

static uint32_t first_length(const struct spool_file *f)
{
	size_t n = in_a_row(f->done, sizeof(uint32_t));
	uint32_t len;

	memcpy(&len, f->ring + f->done % SPOOL_MAX, n);
	memcpy((char *)&len + n, f->ring, sizeof(len) - n);
	return len;
}

bool spool_first(const struct spool *s, struct buf *ret)
{
	const struct spool_file *f = s->file;
	uint64_t at;
	size_t len, n;

	if (spool_is_empty(s))
		return false;
	len = first_length(f);
	at = f->done + sizeof(uint32_t);
	n = in_a_row(at, len);
	buf_cut(ret, 0);
	buf_add(ret, f->ring + at % SPOOL_MAX, n);
	buf_add(ret, f->ring, len - n);
	return true;
}

/* Whoever dies between the first two leaves less put than done, which is nothing. The memory goes back when it was more than a little. */
static void begin_anew(struct spool *s)
{
	bool large = s->file->put > 16 * PAGE;

	s->file->put = 0;
	s->file->done = 0;
	if (large)
		fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, SPOOL_MAX);
}

void spool_drop(struct spool *s)
{
	s->file->done += sizeof(uint32_t) + first_length(s->file);
	if (s->file->done == s->file->put)
		begin_anew(s);
}

/* ---- over an execve, and a death ------------------------------------------------------------- */

void spool_carry(const struct spool *s, struct carry *to)
{
	carry_put_fd(to, "spool", s->fd);
}

int spool_resume(struct spool *ret, struct carry *from)
{
	_cleanup_fd_ int fd = carry_take_fd(from, "spool");
	struct stat st;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0 || st.st_size != sizeof(struct spool_file)) {
		errno = EINVAL;
		return -1;
	}
	if (map(ret, fd) < 0)
		return -1;
	take_fd(&fd);
	if (ret->file->put - ret->file->done > SPOOL_MAX)
		begin_anew(ret);
	return 1;
}
