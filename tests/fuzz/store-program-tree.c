/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any bytes as an archive that is really unpacked: links, hard links, whiteouts, folders in the place of files.
 * Nothing may change beside the folder that it is unpacked into. That is /in of a small root in memory, and the target has
 * changed its root to that, so that what gets out of /in is seen and does no harm. Build with clang
 * -fsanitize=fuzzer,address,undefined and the rooms store/program and base. Needs root, or user namespaces.
 */
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/program/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MARKS_SIZE 65536
/* Of a tar. */
#define BLOCK	512
#define SIZE_AT 124
#define SUM_AT	148

static const struct store_limits limits = {
	.bytes = 1 << 20, .entries = 200, .ratio = 100, .ratio_from = 1 << 20
};

static char folder[] = "/dev/shm/mstack-fuzz-XXXXXX";
static int host = -1, root = -1; /* roots: the machine's, ours */
static int home = -1; /* where the fuzzer keeps what it found, by relative paths */

static void remove_folder(void)
{
	path_remove_tree(AT_FDCWD, folder);
}

/* With the first input. */
static void begin(void)
{
	_cleanup_fd_ int fd = -1;

	if (host >= 0)
		return;
	assert(!geteuid() || !unshare(CLONE_NEWUSER));
	host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	home = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert(host >= 0 && home >= 0 && mkdtemp(folder));
	atexit(remove_folder);
	root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(root >= 0 && !mkdirat(root, "out", 0700));
	fd = openat(root, "out/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert(fd >= 0 && write(fd, "untouched", 9) == 9);
}

static size_t count(int dir, const char *path)
{
	int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = fdopendir(fd);
	size_t n = 0;

	assert(d);
	while (readdir(d))
		n++;
	return n - 2;
}

/* Beside /in there is /out with its one file, as it was, which is nowhere else. */
static void check(void)
{
	_cleanup_fd_ int fd = openat(root, "out/file", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char text[16];
	struct stat st;

	assert(count(root, ".") == 2 && count(root, "out") == 1);
	assert(fd >= 0 && !fstat(fd, &st) && st.st_nlink == 1 && (st.st_mode & 07777) == 0600);
	assert(read(fd, text, sizeof(text)) == 9 && !memcmp(text, "untouched", 9));
}

static void unpack(const struct store_task *task)
{
	_cleanup_(buf_fini) struct buf said = { 0 };
	struct err err = { 0 };

	assert(!mkdirat(root, "in", 0755) && !fchdir(root) && !chroot(".") && !chdir("in"));
	if (store_unpack(task, &said, &err) < 0)
		assert(*err.text);
	assert(!fchdir(host) && !chroot(".") && !fchdir(home));
	check();
	assert(!path_remove_tree(root, "in"));
}

/* The sum of a header's bytes, with blanks in its own place (tar(5)): without it a change of any byte is the end. */
static void mend_header(uint8_t *header)
{
	unsigned sum = 0;
	char text[9];

	memset(header + SUM_AT, ' ', 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += header[i];
	snprintf(text, sizeof(text), "%06o", sum);
	memcpy(header + SUM_AT, text, 7);
}

/* All headers of what may be a tar. */
static void mend(uint8_t *tar, size_t len)
{
	for (size_t at = 0; at + BLOCK <= len && !memcmp(tar + at + 257, "ustar", 5);) {
		char text[13] = "";
		uint64_t content;

		memcpy(text, tar + at + SIZE_AT, 12);
		content = strtoull(text, NULL, 8);
		mend_header(tar + at);
		if (content > len)
			return;
		at += BLOCK + (content + BLOCK - 1) / BLOCK * BLOCK;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ uint8_t *tar = size ? xcalloc(1, size) : NULL;
	_cleanup_fd_ int archive = memfd_create("archive", MFD_CLOEXEC), out = -1;
	_cleanup_fd_ int marks = memfd_create("marks", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct store_task task = { .limits = &limits };

	if (!size)
		return 0;
	begin();
	out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	assert(archive >= 0 && marks >= 0 && out >= 0 && !ftruncate(marks, MARKS_SIZE) &&
	       !fcntl(marks, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK));
	memcpy(tar, data + 1, size - 1);
	mend(tar, size - 1);
	assert(!fd_write_all(archive, tar, size - 1) && !lseek(archive, 0, SEEK_SET));
	/* As in store-program: the first byte tells the sort. */
	task.sort = data[0] % 3;
	task.archive = archive;
	task.out = out;
	task.marks = marks;
	unpack(&task);
	return 0;
}
