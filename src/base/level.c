/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * level: see mstack/base_level.h. Called wherever root of a user namespace can do less than root: by box, store and what sheds rights.
 * Asks /proc anew each time, as a process may change its level while it runs; nothing is remembered here.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "mstack/base.h"
#include "mstack/base_level.h"

/* PROC_USER_INIT_INO of the kernel: the number of the first user namespace on every machine since Linux 3.8. */
#define HOST_NAMESPACE 0xEFFFFFFDu
#define MAP_MAX	       65536

uint32_t level_count_ids(const char *map)
{
	uint64_t end = 0, before;

	/* Each round takes at least one line; 340 lines is the most that the kernel takes. */
	do {
		unsigned inside, outside, count;
		const char *at = map;
		int used;

		before = end;
		while (sscanf(at, " %u %u %u%n", &inside, &outside, &count, &used) == 3) {
			if (inside <= end && (uint64_t)inside + count > end)
				end = (uint64_t)inside + count;
			at += used;
		}
	} while (end != before);
	return end > UINT32_MAX ? UINT32_MAX : (uint32_t)end;
}

void level_same_ids(const char *map, uint32_t ids, struct buf *ret)
{
	unsigned inside, outside, count;
	int used;

	while (sscanf(map, " %u %u %u%n", &inside, &outside, &count, &used) == 3) {
		map += used;
		if (inside >= ids)
			continue;
		if (count > ids - inside)
			count = ids - inside;
		buf_printf(ret, "%u %u %u\n", inside, inside, count);
	}
}

static uint32_t count_of(const char *path)
{
	_cleanup_(buf_fini) struct buf map = { 0 };

	return file_read(AT_FDCWD, path, MAP_MAX, &map) < 0 ? UINT32_MAX
							    : level_count_ids(buf_str(&map));
}

struct level level_get(void)
{
	_cleanup_(buf_fini) struct buf groups = { 0 };
	uint32_t users = count_of("/proc/self/uid_map"), of_groups = count_of("/proc/self/gid_map");
	struct level l = { .ids = users < of_groups ? users : of_groups };
	struct stat st;

	l.nested = stat("/proc/self/ns/user", &st) == 0 && st.st_ino != HOST_NAMESPACE;
	l.groups = file_read(AT_FDCWD, "/proc/self/setgroups", 64, &groups) < 0 ||
		   strncmp(buf_str(&groups), "deny", 4) != 0;
	return l;
}
