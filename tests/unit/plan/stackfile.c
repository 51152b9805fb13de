/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stackfile: see stackfile.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit/plan/stackfile.h"

struct stack *stackfile_load(const char *yaml, struct stack_diags **ret_diags)
{
	char path[] = "/tmp/mstack-plan-XXXXXX.yaml";
	const char *paths[] = { path }, *env[] = { NULL };
	struct stack_opts opts = {
		.paths = paths, .n_paths = 1, .project_name = "demo", .env = env
	};
	struct stack *stack = NULL;
	struct buf text = { 0 };
	struct err err = { 0 };

	*ret_diags = stack_diags_new();
	close(mkstemps(path, strlen(".yaml")));
	assert_int_equal(file_replace(AT_FDCWD, path, yaml, strlen(yaml), 0600), 0);
	if (stack_load(&opts, &stack, *ret_diags, &err) != 0) {
		stack_diags_print(*ret_diags, false, &text);
		fail_msg("%s%s", err.text, buf_str(&text));
	}
	unlink(path);
	return stack;
}
