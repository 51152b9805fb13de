/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The profiles of seccomp that services name: read once, before anything is made, and judged by box. plan hands their texts
 * on. Called by prepare.c.
 */
#include <errno.h>
#include <fcntl.h>

#include "sup/state.h"

#define PROFILE_MAX (1 << 20)

static char *read_text(const char *path, struct err *err)
{
	struct buf text = { 0 };
	int rc = file_read(AT_FDCWD, path, PROFILE_MAX, &text);

	if (rc < 0 && errno == EINVAL)
		err_set(err, "profile of seccomp '%s': not a regular file", path);
	else if (rc < 0)
		err_sys(err, errno, "profile of seccomp '%s'", path);
	else if (strlen(buf_str(&text)) != text.len)
		err_set(err, "profile of seccomp '%s': it holds a byte of zero", path);
	else if (!box_seccomp_check(buf_str(&text), box_caps_default(), err))
		return buf_take(&text);
	else
		err_wrap(err, "'%s'", path);
	buf_fini(&text);
	return NULL;
}

int sup_read_profile(const struct stack_service *s, char **ret, struct err *err)
{
	if (!s->seccomp.text || !strcmp(s->seccomp.text, "unconfined"))
		return 0;
	*ret = read_text(s->seccomp.text, err);
	return *ret ? 0 : -1;
}
