/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init_image: see init_image.h. Called by start.c. The Makefile makes the program first and says by INIT_IMAGE where it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/init_image.h"

#ifdef __clang_analyzer__
#define INIT_IMAGE ""
#endif
/* Linux 6.3; the headers of Debian 12 are older than some kernels that ask for it. */
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

/* clang-format off */
__asm__(".pushsection .rodata\n"
	"	.balign 16\n"
	"init_image_begin:\n"
	"	.incbin \"" INIT_IMAGE "\"\n"
	"init_image_end:\n"
	"	.popsection\n");
/* clang-format on */

extern const char init_image_begin[], init_image_end[];

size_t init_image_size(void)
{
	return (size_t)((uintptr_t)init_image_end - (uintptr_t)init_image_begin);
}

static int make_file(void)
{
	int fd = memfd_create("init", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

	return fd < 0 && errno == EINVAL ? memfd_create("init", MFD_CLOEXEC | MFD_ALLOW_SEALING)
					 : fd;
}

int init_image_open(struct err *err)
{
	_cleanup_fd_ int fd = make_file();
	size_t size = init_image_size();

	if (fd < 0 || write(fd, init_image_begin, size) != (ssize_t)size || fchmod(fd, 0555) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return err_sys(err, errno, "copy init into memory");
	return take_fd(&fd);
}
