/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any bytes as the passwd and the group of an image, and any word as the user of a service. The input has three
 * parts with a NUL between them: the word, passwd, group. Who is found is who was asked for. Build with clang
 * -fsanitize=fuzzer,address,undefined and the rooms store, ledger and base.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "mstack/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/dev/shm/mstack-fuzz-XXXXXX";

static void remove_folder(void)
{
	path_remove_tree(AT_FDCWD, folder);
}

/* /etc of the image that all inputs are put into, made with the first. */
static int open_etc(void)
{
	static int dir = -1;

	if (dir >= 0)
		return dir;
	assert(mkdtemp(folder));
	atexit(remove_folder);
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(dir >= 0 && !path_mkdirs(dir, "etc", 0700));
	dir = openat(dir, "etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(dir >= 0);
	return dir;
}

static void put(const char *name, const char *data, size_t len)
{
	_cleanup_fd_ int fd =
		openat(open_etc(), name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert(fd >= 0 && !fd_write_all(fd, data, len));
}

/* Is there a line whose first word is this one, of so many bytes? */
static bool is_listed(const char *text, const char *name, size_t len)
{
	while (text) {
		if (!strncmp(text, name, len) && text[len] == ':')
			return true;
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return false;
}

static void check(const struct store_user *u, const char *spec, const char *passwd,
		  const char *group)
{
	size_t len = strcspn(spec, ":");
	const char *own = spec[len] ? spec + len + 1 : NULL;
	bool by_id = strspn(spec, "0123456789") == len;

	assert(u->name && u->home && *u->home == '/' && u->n_groups <= ARRAY_LEN(u->groups));
	assert(u->uid != UINT32_MAX && u->gid != UINT32_MAX);
	for (size_t i = 0; i < u->n_groups; i++)
		assert(u->groups[i] != UINT32_MAX);
	if (by_id)
		assert(u->uid == (len ? strtoull(spec, NULL, 10) : 0));
	else
		assert(is_listed(passwd, spec, len) || (!u->uid && !strncmp(spec, "root", len)));
	if (own && strspn(own, "0123456789") == strlen(own))
		assert(u->gid == strtoull(own, NULL, 10));
	else if (own)
		assert(is_listed(group, own, strlen(own)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = xcalloc(1, size + 3), *path = NULL;
	const char *spec = memcpy(text, data, size), *end = text + size, *passwd, *group;
	struct store_image img = { .n_layers = 1 };
	struct store_user u = { 0 };
	struct err err = { 0 };

	passwd = spec + strlen(spec) < end ? spec + strlen(spec) + 1 : end;
	group = passwd + strlen(passwd) < end ? passwd + strlen(passwd) + 1 : end;
	put("passwd", passwd, strlen(passwd));
	put("group", group, (size_t)(end - group));
	path = xstrdup(folder);
	img.layers = &path;
	if (!store_user(&img, spec, &u, &err)) {
		check(&u, spec, passwd, group);
		(void)store_user_add_group(&img, spec, &u, &err);
	} else {
		assert(*err.text);
	}
	store_user_fini(&u);
	return 0;
}
