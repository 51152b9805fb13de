/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * passwd: see passwd.h. Called by subids.c and folders.c. getpwuid(3) would load libraries, which nothing of us does that also enters
 * containers; so users whom only a directory service knows stand nowhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "rootless/passwd.h"

#define FILE_MAX (4U << 20)
/* NAME:PASSWORD:UID:GID:COMMENT:HOME:SHELL */
enum { NAME, UID = 2, GID, HOME = 5, FIELDS = 7 };

static bool id(const char *field, unsigned long *ret)
{
	char *end;

	if (*field < '0' || *field > '9')
		return false;
	errno = 0;
	*ret = strtoul(field, &end, 10);
	return !errno && *end == ':' && *ret < UINT32_MAX;
}

static bool split(const char *line, const char *fields[FIELDS])
{
	const char *end = line + strcspn(line, "\n");

	for (size_t i = 0; i < FIELDS; i++) {
		fields[i] = line;
		line += strcspn(line, ":\n");
		if (line == end)
			return i == FIELDS - 1;
		line++;
	}
	return false;
}

static char *text_of(const char *field)
{
	return xasprintf("%.*s", (int)strcspn(field, ":"), field);
}

bool passwd_parse(const char *text, uid_t uid, struct passwd_entry *ret)
{
	const char *fields[FIELDS];
	unsigned long own, group;

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (!split(line, fields) || !id(fields[UID], &own) || own != uid ||
		    !id(fields[GID], &group))
			continue;
		*ret = (struct passwd_entry){ .name = text_of(fields[NAME]),
					      .home = text_of(fields[HOME]),
					      .gid = (gid_t)group };
		return true;
	}
	return false;
}

bool passwd_of(uid_t uid, struct passwd_entry *ret)
{
	_cleanup_(buf_fini) struct buf text = { 0 };

	return file_read(AT_FDCWD, "/etc/passwd", FILE_MAX, &text) == 0 && text.len &&
	       passwd_parse(buf_str(&text), uid, ret);
}

void passwd_entry_fini(struct passwd_entry *e)
{
	free(e->name);
	free(e->home);
	*e = (struct passwd_entry){ 0 };
}
