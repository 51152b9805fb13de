/* SPDX-License-Identifier: GPL-2.0-or-later */
/* outfile: see outfile.h. Called by config and graph. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "cli/outfile.h"

static bool is_of_stack(const struct stack *s, const struct stat *st)
{
	struct stat other;

	for (size_t i = 0; i < s->n_files; i++)
		if (!stat(s->files[i].path, &other) && st->st_dev == other.st_dev &&
		    st->st_ino == other.st_ino)
			return true;
	return false;
}

int cli_write_file(const char *command, const struct stack *s, const char *path,
		   const struct buf *text, struct err *err)
{
	_cleanup_free_ char *real = NULL;
	_cleanup_fd_ int fd = -1;
	struct stat st;
	int r;

	if (stat(path, &st)) {
		r = file_replace(AT_FDCWD, path, buf_str(text), text->len, 0644);
	} else if (is_of_stack(s, &st)) {
		return err_kind(err, ERR_USAGE,
				"%s: --output %s: this is a file of the stack: name another one",
				command, path);
	} else if (S_ISREG(st.st_mode)) {
		real = realpath(path, NULL);
		r = file_replace(AT_FDCWD, real ? real : path, buf_str(text), text->len,
				 st.st_mode & 0777);
	} else {
		fd = open(path, O_WRONLY | O_CLOEXEC);
		r = fd < 0 ? -1 : fd_write_all(fd, buf_str(text), text->len);
	}
	return r < 0 ? err_sys(err, errno, "%s: write '%s'", command, path) : 0;
}
