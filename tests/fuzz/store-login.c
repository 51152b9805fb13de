/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any bytes as the file of `docker login`, and any word as the registry that is asked for. The input has two parts
 * with a NUL between them: the registry, the file. What comes out of it goes into headers of requests: nothing in it may end one.
 * Build with clang -fsanitize=fuzzer,address,undefined and the rooms store, ledger and base.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "store/remote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/dev/shm/mstack-fuzz-XXXXXX";

static void remove_folder(void)
{
	path_remove_tree(AT_FDCWD, folder);
}

/* The folder that DOCKER_CONFIG names, made with the first input. */
static int open_folder(void)
{
	static int dir = -1;

	if (dir >= 0)
		return dir;
	assert(mkdtemp(folder));
	atexit(remove_folder);
	assert(!setenv("DOCKER_CONFIG", folder, 1));
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(dir >= 0);
	return dir;
}

static void put(const char *data, size_t len)
{
	_cleanup_fd_ int fd = openat(open_folder(), "config.json",
				     O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert(fd >= 0 && !fd_write_all(fd, data, len));
}

static void check_text(const char *text, size_t size)
{
	assert(strnlen(text, size) < size);
	for (; *text; text++)
		assert((unsigned char)*text >= ' ' && *text != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = xcalloc(1, size + 2);
	const char *registry = memcpy(text, data, size), *end = text + size, *file;
	struct fetch_open o = { 0 };
	struct err err = { 0 };

	file = registry + strlen(registry) < end ? registry + strlen(registry) + 1 : end;
	put(file, (size_t)(end - file));
	if (store_credentials(registry, &o, &err) < 0) {
		assert(*err.text);
		return 0;
	}
	check_text(o.user, sizeof(o.user));
	check_text(o.secret, sizeof(o.secret));
	assert(o.login <= FETCH_TOKEN);
	assert(o.login != FETCH_ANONYMOUS || (!*o.user && !*o.secret));
	assert(o.login == FETCH_PASSWORD || !*o.user);
	/* The rest is the caller's. */
	assert(!*o.registry && !*o.repository && !o.silence_s && !*o.ca_file);
	return 0;
}
