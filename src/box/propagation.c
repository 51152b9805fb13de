/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * propagation: see propagation.h. Called by launch.c before a start. What the kernel knows of a mount's peers stands in
 * mountinfo only (proc_pid_mountinfo(5)), by the number that statx tells of a path.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "box/propagation.h"

#define MOUNTINFO_MAX (16u << 20)

/* The line of the mount with this number, cut out of the text; NULL when there is none. */
static char *find_line(char *text, uint64_t id)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		uint64_t found;

		if (sscanf(line, "%" SCNu64, &found) == 1 && found == id)
			return line;
	}
	return NULL;
}

/* Of the optional fields, which end with a dash on its own. Cuts the line; *ret_point is where the mount is. */
static bool is_peer(char *line, bool slave_too, const char **ret_point)
{
	char *word;

	for (int i = 0; (word = strsep(&line, " ")); i++) {
		if (i == 4)
			*ret_point = word;
		if (i > 5 && !strcmp(word, "-"))
			return false;
		if (i > 5 &&
		    (!strncmp(word, "shared:", 7) || (slave_too && !strncmp(word, "master:", 7))))
			return true;
	}
	return false;
}

int propagation_check(const char *path, enum box_propagation want, struct err *err)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	const char *point = "?";
	struct statx st;
	char *line;

	/* That it is not there is said where it is opened. */
	if (want == BOX_PRIVATE || statx(AT_FDCWD, path, 0, STATX_MNT_ID, &st) < 0)
		return 0;
	if (file_read(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text) < 0)
		return 0;
	line = find_line(text.data, st.stx_mnt_id);
	if (!line || is_peer(line, want == BOX_SLAVE, &point))
		return 0;
	return err_kind(err, ERR_CREATE,
			"bind of '%s' with propagation '%s': the mount '%s' that it is on is not "
			"shared, so nothing would be passed on: share it with `mount --make-shared "
			"%s`, or leave the propagation out",
			path, want == BOX_SLAVE ? "slave" : "shared", point, point);
}
