/* SPDX-License-Identifier: GPL-2.0-or-later */
/* logfile: see logfile.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>

#include "logfile.h"
#include "logs/logrecord.h"

#define FILE_MAX (64 << 20)

void logfile_read(const char *log_dir, logs_line_fn *fn, void *arg)
{
	_cleanup_free_ char *path = xasprintf("%s/current.log", log_dir);
	_cleanup_(buf_fini) struct buf file = { 0 }, text = { 0 };

	assert_int_equal(file_read(AT_FDCWD, path, FILE_MAX, &file), 0);
	for (const char *p = buf_str(&file), *end = p + file.len; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		struct logs_line line;

		assert_non_null(nl);
		assert_int_equal(record_read(p, (size_t)(nl - p), &text, &line), 0);
		assert_true(line.wall_ns <= time_wall_ns());
		fn(arg, &line);
		p = nl + 1;
	}
}
