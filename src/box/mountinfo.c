/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mountinfo: see mountinfo.h. Called before a clone by who has to know what is mounted where: the cgroup tree, the parts of a root.
 */
#include <errno.h>
#include <fcntl.h>

#include "box/mountinfo.h"

#define TABLE_MAX (4U << 20)

int mountinfo_read(struct buf *ret, struct err *err)
{
	if (file_read(AT_FDCWD, "/proc/self/mountinfo", TABLE_MAX, ret) < 0)
		return err_sys(err, errno, "read /proc/self/mountinfo");
	return 0;
}

/* Field 5, with its \040 and the like undone. */
char *mountinfo_point(char *line)
{
	char *p = line, *in, *out;

	for (int i = 0; p && i < 4; i++)
		p = strchr(p, ' ') ? strchr(p, ' ') + 1 : NULL;
	if (!p)
		return NULL;
	p[strcspn(p, " ")] = '\0';
	for (in = out = p; *in; out++) {
		if (in[0] == '\\' && in[1] && in[2] && in[3]) {
			*out = (char)((in[1] - '0') * 64 + (in[2] - '0') * 8 + (in[3] - '0'));
			in += 4;
		} else {
			*out = *in++;
		}
	}
	*out = '\0';
	return p;
}
