/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sealed: a copy of our own program that nobody can write to. Who enters a container can be made to
 * execute itself there (`#!/proc/self/exe`), and the container then has a descriptor of the program
 * (CVE-2019-5736): it must not be that of the file which the host will run next. Its memory holds
 * environments and secrets of containers, so it is never dumped. Called by cli, before anything else
 * of a command that enters.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mstack/base_program.h"
#include "mstack/box.h"

#define SEALS	     (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define SEGMENTS_MAX 64
#ifndef MFD_EXEC /* Linux 6.3 */
#define MFD_EXEC 0x10U
#endif

static bool is_sealed(int exe)
{
	int seals = fcntl(exe, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}

static int new_memfd(void)
{
	int fd = memfd_create("mstack", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

	return fd < 0 && errno == EINVAL ? memfd_create("mstack", MFD_CLOEXEC | MFD_ALLOW_SEALING)
					 : fd;
}

/*
 * Up to the end of the last segment that is mapped: what debuggers read stands behind it, and is the
 * greater part of a program that was not stripped.
 */
static off_t needed_size(int exe, off_t whole)
{
	Elf64_Phdr segments[SEGMENTS_MAX];
	Elf64_Ehdr head;
	off_t end = 0;
	size_t size;

	if (pread(exe, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 ||
	    head.e_phentsize != sizeof(*segments) || head.e_phnum > SEGMENTS_MAX)
		return whole;
	size = sizeof(*segments) * head.e_phnum;
	if (pread(exe, segments, size, (off_t)head.e_phoff) != (ssize_t)size)
		return whole;
	for (size_t i = 0; i < head.e_phnum; i++)
		if (end < (off_t)(segments[i].p_offset + segments[i].p_filesz))
			end = (off_t)(segments[i].p_offset + segments[i].p_filesz);
	return end && end < whole ? end : whole;
}

static int copy_sealed(int exe, struct err *err)
{
	_cleanup_fd_ int fd = new_memfd();
	struct stat st;
	off_t at = 0, size;

	if (fd < 0 && errno == EACCES)
		return err_sys(err, errno,
			       "sealed copy of mstack: set the sysctl vm.memfd_noexec to 0");
	if (fd < 0 || fstat(exe, &st) < 0)
		return err_sys(err, errno, "sealed copy of mstack");
	size = needed_size(exe, st.st_size);
	while (at < size)
		if (sendfile(fd, exe, &at, (size_t)(size - at)) <= 0)
			return err_sys(err, errno, "sealed copy of mstack");
	if (fchmod(fd, 0500) < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return err_sys(err, errno, "seal the copy of mstack");
	return take_fd(&fd);
}

/*
 * Not even into a program that takes dumps, which asks for no limit. The hard limit stays: a service may want dumps of its own
 * processes. Children inherit both; what a child executes begins anew.
 */
static int hide(const char *name, struct err *err)
{
	struct rlimit core;

	if (getrlimit(RLIMIT_CORE, &core) < 0)
		return err_sys(err, errno, "limit of core dumps");
	core.rlim_cur = 0;
	/* The copy would be called by the number of a descriptor. */
	if (setrlimit(RLIMIT_CORE, &core) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
	    prctl(PR_SET_NAME, name) < 0)
		return err_sys(err, errno, "keep the memory of mstack to itself");
	return 0;
}

int box_seal_self(const char *name, struct err *err)
{
	_cleanup_fd_ int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	_cleanup_fd_ int copy = -1;
	_cleanup_(buf_fini) struct buf text = { 0 };
	_cleanup_free_ char **words = NULL, *self = NULL;

	if (exe < 0)
		return err_sys(err, errno, "open /proc/self/exe");
	if (is_sealed(exe))
		return hide(name, err);
	copy = copy_sealed(exe, err);
	if (copy < 0)
		return -1;
	words = program_words(&text);
	self = path_self();
	if (words && self && !setenv(PATH_SELF_VARIABLE, self, 1))
		fexecve(copy, words, environ);
	return err_sys(err, errno, "execute the sealed copy of mstack");
}
