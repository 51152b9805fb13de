/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any text as a profile of seccomp. It becomes a filter of a length that the kernel takes, or an error with words.
 */
#include <stdlib.h>

#include "box/seccomp.h"
#include "mstack/box.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seccomp_filter *list = NULL;
	char *text = xcalloc(size + 1, 1);
	struct err err = { 0 };
	const struct sock_fprog *prog;

	memcpy(text, data, size);
	prog = seccomp_get(&list, box_caps_default(), false, text, &err);
	if (prog ? !prog->len || prog->len > BPF_MAXINSNS : !*err.text)
		abort();
	seccomp_free(&list);
	free(text);
	return 0;
}
