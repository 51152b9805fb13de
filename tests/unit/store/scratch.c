/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scratch: see scratch.h. Used by the tests of this room.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/store/scratch.h"

int scratch_make(void **state)
{
	struct scratch *s = xcalloc(1, sizeof(*s));
	struct err err = { 0 };

	strcpy(s->dir, "/tmp/mstack-store-test-XXXXXX");
	if (!mkdtemp(s->dir))
		return -1;
	snprintf(s->data, sizeof(s->data), "%s/data", s->dir);
	setenv("MSTACK_DATA_DIR", s->data, 1);
	setenv("MSTACK_RUN_DIR", s->dir, 1);
	s->store = store_open(s->data, &err);
	*state = s;
	return s->store ? 0 : -1;
}

int scratch_remove(void **state)
{
	struct scratch *s = *state;
	int rc = path_remove_tree(AT_FDCWD, s->dir);

	store_close(s->store);
	free(s);
	return rc;
}

char *scratch_path(const struct scratch *s, const char *name)
{
	return xasprintf("%s/%s", s->dir, name);
}

char *scratch_file(const struct scratch *s, const char *name, const void *data, size_t len)
{
	char *path = scratch_path(s, name), *slash = strrchr(path, '/');

	*slash = '\0';
	assert_int_equal(path_mkdirs(AT_FDCWD, path, 0755), 0);
	*slash = '/';
	assert_int_equal(file_replace(AT_FDCWD, path, data, len, 0644), 0);
	return path;
}

void scratch_text(const struct scratch *s, const char *name, const char *text)
{
	free(scratch_file(s, name, text, strlen(text)));
}

bool is_there(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

size_t images_like(const struct scratch *s, const char *prefix)
{
	_cleanup_free_ char *path = xasprintf("%s/images", s->data);
	_cleanup_closedir_ DIR *dir = opendir(path);
	struct dirent *e;
	size_t n = 0;

	assert_non_null(dir);
	while ((e = readdir(dir)))
		n += !strncmp(e->d_name, prefix, strlen(prefix));
	return n;
}

void collect_line(void *arg, const char *line)
{
	buf_printf(arg, "%s\n", line);
}
