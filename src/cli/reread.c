/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reread: see reread.h. Called by descend and by exec, for ordinary users.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/reread.h"

#define INPUT_MAX (64U << 20)

static bool is_input(const struct cli_options *o)
{
	for (size_t i = 0; i < o->files.n; i++)
		if (!strcmp(o->files.v[i], "-"))
			return true;
	return false;
}

static int copy(int to, struct err *err)
{
	size_t total = 0;
	char chunk[8192];
	ssize_t n;

	while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || fd_write_all(to, chunk, (size_t)n) < 0)
			return err_sys(err, errno, "standard input");
		total += (size_t)n;
		if (total > INPUT_MAX)
			return err_sys(err, EFBIG, "standard input");
	}
	return 0;
}

int cli_reread_keep(const struct cli_options *o, struct err *err)
{
	_cleanup_fd_ int file = -1;

	if (!is_input(o))
		return 0;
	file = memfd_create("stack", MFD_CLOEXEC);
	if (file < 0)
		return err_sys(err, errno, "standard input: memory file");
	if (copy(file, err) < 0)
		return -1;
	if (dup2(file, STDIN_FILENO) < 0)
		return err_sys(err, errno, "standard input");
	return cli_reread_again(o, err);
}

int cli_reread_again(const struct cli_options *o, struct err *err)
{
	if (is_input(o) && lseek(STDIN_FILENO, 0, SEEK_SET) < 0)
		return err_sys(err, errno, "standard input: read it again");
	return 0;
}
