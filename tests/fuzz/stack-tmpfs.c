/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any text as an entry of `tmpfs`. What is fine has a clean absolute target and numbers
 * within their limits, and reads as the same when it is written out again; what is not says where.
 */
#include <stdio.h>

#include "mstack/base.h"
#include "stack/form_mount.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

static bool is_within(const char *text, const char *at)
{
	return at >= text && at <= text + strlen(text);
}

/* No `.`, no `..`, no empty step, no slash at the end but the root's own. */
static void check_target(const char *target)
{
	CHECK(*target == '/');
	for (const char *s = target; *s && target[1]; s += strcspn(s, "/")) {
		size_t len = strcspn(++s, "/");

		CHECK(len && !(len == 1 && *s == '.') && !(len == 2 && !strncmp(s, "..", 2)));
	}
}

static void check_again(const struct tmpfs_wish *wish)
{
	static struct tmpfs_wish again;
	char text[PATH_MAX + 64];

	snprintf(text, sizeof(text), "%s:size=%jd,mode=%o,%s", wish->target, (intmax_t)wish->size,
		 wish->mode, wish->read_only ? "ro" : "rw");
	CHECK(tmpfs_parse(text, &again) && !again.unbuilt);
	CHECK(!strcmp(again.target, wish->target) && again.size == wish->size);
	CHECK(again.mode == wish->mode && again.read_only == wish->read_only);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tmpfs_wish wish;
	char *text = xcalloc(size + 1, 1);

	memcpy(text, data, size);
	if (tmpfs_parse(text, &wish)) {
		CHECK(wish.size >= 0 && wish.mode <= 07777 && !wish.bad);
		check_target(wish.target);
		check_again(&wish);
	} else {
		CHECK(wish.bad && is_within(text, wish.bad));
	}
	CHECK(!wish.unbuilt || is_within(text, wish.unbuilt));
	free(text);
	return 0;
}
