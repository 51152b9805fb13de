/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rotated: see rotated.h. One row for each full segment in the log's folder, `inode lines`, in the order in which they were filled; of
 * many the older half goes. Names do not tell segments, because they move.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "logs/rotated.h"

#define FILE_MAX  4096
#define ROW_MAX	  48
#define FILE_MODE 0640

void rotated_add(int dir, ino_t segment, uint64_t lines)
{
	_cleanup_(buf_fini) struct buf rows = { 0 };
	const char *keep;

	if (file_read(dir, ROTATED_NAME, FILE_MAX, &rows) < 0)
		buf_fini(&rows);
	buf_printf(&rows, "%ju %" PRIu64 "\n", (uintmax_t)segment, lines);
	keep = rows.data;
	if (rows.len > FILE_MAX - ROW_MAX)
		keep = strchr(rows.data + rows.len / 2, '\n') + 1;
	file_replace(dir, ROTATED_NAME, keep, rows.len - (size_t)(keep - rows.data), FILE_MODE);
}

/* Numbers of inodes are used again: of two rows with the same one the later is meant. */
bool rotated_between(int dir, ino_t ours, ino_t next, uint64_t *ret)
{
	_cleanup_(buf_fini) struct buf rows = { 0 };
	uint64_t sum = 0, before_next = UINT64_MAX;
	bool known = false;
	char *save = NULL;

	if (file_read(dir, ROTATED_NAME, FILE_MAX, &rows) < 0 || !rows.len)
		return false;
	for (char *row = strtok_r(rows.data, "\n", &save); row; row = strtok_r(NULL, "\n", &save)) {
		uintmax_t inode;
		uint64_t lines;

		if (sscanf(row, "%20ju %20" SCNu64, &inode, &lines) != 2)
			return false;
		if (next && inode == next)
			before_next = sum;
		sum += lines;
		if (inode == ours) {
			known = true;
			sum = 0;
			before_next = UINT64_MAX;
		}
	}
	*ret = before_next == UINT64_MAX ? sum : before_next;
	return known;
}
