/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mstack-store: the process that touches archives of strangers, so that nobody else has to.
 * Started by the room store, see store/unpacker.h for what they say to each other. Confines
 * itself before it reads the first byte.
 */
#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/program/unpack.h"
#include "store/unpacker.h"

/*
 * More than any sensible root file system; the memory is for xz and zstd with their largest
 * windows.
 */
static const struct store_limits limits = {
	.bytes = 64ull << 30,
	.entries = 4000000,
	.memory = 2ull << 30,
	/* Deflate makes at most 1032 of 1; what comes near to that is nothing but zeros. */
	.ratio = 1000,
	.ratio_from = 1ull << 30,
};

static int unpack(struct store_task task)
{
	struct buf done = { 0 };
	struct err err = { 0 };
	int rc;

	task.archive = STDIN_FILENO;
	task.out = STDOUT_FILENO;
	task.marks = task.sort == STORE_SORT_LAYER ? UNPACKER_MARKS : -1;
	task.limits = &limits;
	/* What the image says of folders that it does not name itself. */
	umask(task.sort == STORE_SORT_ARCHIVE ? 0077 : 0022);
	rc = store_confine(task.sort, &limits, &err);
	if (!rc)
		rc = store_unpack(&task, &done, &err);
	if (rc < 0)
		store_say(STDOUT_FILENO, UNPACKER_ERROR "%s", err.text);
	else
		store_say(STDOUT_FILENO, UNPACKER_OK "%s", buf_str(&done));
	buf_fini(&done);
	return rc < 0;
}

static const char *digest(const char *word)
{
	return strcmp(word, "-") ? word : NULL;
}

int main(int argc, char **argv)
{
	/* Decides how libarchive reads names; this locale is in the C library itself. */
	setlocale(LC_CTYPE, "C.UTF-8");
	if (argc == 2 && !strcmp(argv[1], UNPACKER_MODE_ROOTFS))
		return unpack((struct store_task){ .sort = STORE_SORT_ROOTFS });
	if (argc == 2 && !strcmp(argv[1], UNPACKER_MODE_ARCHIVE))
		return unpack((struct store_task){ .sort = STORE_SORT_ARCHIVE });
	if (argc == 4 && !strcmp(argv[1], UNPACKER_MODE_LAYER))
		return unpack((struct store_task){ .sort = STORE_SORT_LAYER,
						   .blob = digest(argv[2]),
						   .content = digest(argv[3]) });
	store_say(STDERR_FILENO, UNPACKER_NAME ": this program is started by mstack");
	return 2;
}
