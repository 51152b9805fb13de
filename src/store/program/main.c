/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mstack-store: the process that touches archives of strangers, so that nobody else has to.
 * Started by the room store, see store/unpacker.h for what they say to each other. Confines
 * itself before it reads the first byte.
 */
#include <iconv.h>
#include <locale.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mstack/base_level.h"
#include "store/program/pack.h"
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

/* Whoever copies has asked for it; the disk is the limit. */
static const struct store_limits no_limits = {
	.bytes = UINT64_MAX,
	.entries = UINT64_MAX,
	.memory = 2ull << 30,
};

/*
 * The C library reads what it knows of character sets when it is first asked, and that must not be from the folder of a
 * stranger.
 */
static void know_charsets(void)
{
	iconv_t same = iconv_open("UTF-8", "UTF-8");

	if (same != (iconv_t)-1)
		iconv_close(same);
}

static int pack(struct store_task task)
{
	struct buf done = { 0 };
	struct err err = { 0 };
	int rc;

	task.archive = STDOUT_FILENO;
	task.out = STDERR_FILENO;
	/* An error of a write tells more than a signal. */
	signal(SIGPIPE, SIG_IGN);
	rc = store_confine(task.sort, &no_limits, &err);
	if (!rc)
		rc = store_pack(&task, &done, &err);
	store_say(task.out, "%s%s", rc < 0 ? UNPACKER_ERROR : UNPACKER_OK,
		  rc < 0 ? err.text : buf_str(&done));
	buf_fini(&done);
	return rc < 0;
}

/* For store_task.ids; asked while /proc is still to be seen. */
static uint32_t few_ids(void)
{
	uint32_t ids = level_get().ids;

	return ids <= UNPACKER_ID_MAX ? ids : 0;
}

static int unpack(struct store_task task)
{
	const struct store_limits *l = task.sort == STORE_SORT_COPY ? &no_limits : &limits;
	struct buf done = { 0 };
	struct err err = { 0 };
	int rc;

	task.archive = STDIN_FILENO;
	task.out = STDOUT_FILENO;
	task.marks = task.sort == STORE_SORT_LAYER ? UNPACKER_MARKS : -1;
	task.limits = l;
	task.ids = few_ids();
	/* What the image says of folders that it does not name itself. */
	umask(task.sort == STORE_SORT_ARCHIVE ? 0077 : 0022);
	rc = store_confine(task.sort, l, &err);
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
	know_charsets();
	if (argc == 2 && !strcmp(argv[1], UNPACKER_MODE_ROOTFS))
		return unpack((struct store_task){ .sort = STORE_SORT_ROOTFS });
	if (argc == 2 && !strcmp(argv[1], UNPACKER_MODE_ARCHIVE))
		return unpack((struct store_task){ .sort = STORE_SORT_ARCHIVE });
	if (argc == 4 && !strcmp(argv[1], UNPACKER_MODE_COPY))
		return unpack((struct store_task){ .sort = STORE_SORT_COPY,
						   .as = argv[2],
						   .owners = strchr(argv[3], 'o'),
						   .set_id = strchr(argv[3], 's') });
	if (argc == 4 && !strcmp(argv[1], UNPACKER_MODE_PACK))
		return pack((struct store_task){
			.sort = STORE_SORT_PACK, .name = argv[2], .as = argv[3] });
	if (argc == 4 && !strcmp(argv[1], UNPACKER_MODE_LAYER))
		return unpack((struct store_task){ .sort = STORE_SORT_LAYER,
						   .blob = digest(argv[2]),
						   .content = digest(argv[3]) });
	store_say(STDERR_FILENO, UNPACKER_NAME ": this program is started by mstack");
	return 2;
}
