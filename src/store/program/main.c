/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mstack-store: the process that touches archives of strangers, so that nobody else has to.
 * Started by the room store, see store/unpacker.h for what they say to each other. Confines
 * itself before it reads the first byte.
 */
#include <locale.h>
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
};

static int unpack(void)
{
	struct buf done = { 0 };
	struct err err = { 0 };
	int rc = store_confine(&limits, &err);

	if (!rc)
		rc = store_unpack(STDIN_FILENO, STDOUT_FILENO, &limits, &done, &err);
	if (rc < 0)
		store_say(STDOUT_FILENO, UNPACKER_ERROR "%s", err.text);
	else
		store_say(STDOUT_FILENO, UNPACKER_OK "%s", buf_str(&done));
	buf_fini(&done);
	return rc < 0;
}

int main(int argc, char **argv)
{
	/* Decides how libarchive reads names; this locale is in the C library itself. */
	setlocale(LC_CTYPE, "C.UTF-8");
	if (argc == 2 && !strcmp(argv[1], "unpack"))
		return unpack();
	store_say(STDERR_FILENO, UNPACKER_NAME ": this program is started by mstack");
	return 2;
}
