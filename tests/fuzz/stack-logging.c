/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any text as the value of an option of a logging driver; its first byte chooses which. What is right has a meaning that
 * fits into what it is used for, and nothing is read behind the text.
 */
#include "mstack/base.h"
#include "stack/log_options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

static const char *const names[] = {
	"max-size",	  "max-file",	     "mode",	     "tag", "cache-disabled",
	"syslog-address", "syslog-facility", "syslog-format"
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct stack_logging l = { 0 };
	char *text;

	if (!size) {
		arena_free(arena);
		return 0;
	}
	text = xcalloc(size, 1);
	memcpy(text, data + 1, size - 1);
	if (!log_option(arena, names[data[0] % ARRAY_LEN(names)], text, &l)) {
		CHECK(l.max_size >= -1 && l.max_files <= 1000 && l.facility <= 23);
		CHECK(!l.path || (*l.path == '/' && strlen(l.path) <= 107));
		CHECK(!l.ip.family || l.port);
		CHECK(!l.tag || !strpbrk(l.tag, " \n\t"));
	}
	free(text);
	arena_free(arena);
	return 0;
}
