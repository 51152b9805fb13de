/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch: see watch.h. It only makes readers quick: they look again after a while in any case, so an
 * event that gets lost between two folders being made costs some milliseconds and nothing else.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "logs/watch.h"

#define FOLDER_EVENTS (IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR)
#define ABOVE_EVENTS  (IN_CREATE | IN_MOVED_TO | IN_ONLYDIR)

int watch_open(struct err *err)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	return fd < 0 ? err_sys(err, errno, "logs: watch for changes") : fd;
}

bool watch_folder(int watch, const char *path)
{
	char above[PATH_MAX];

	if (inotify_add_watch(watch, path, FOLDER_EVENTS) >= 0)
		return true;
	if (errno != ENOENT || strlen(path) >= sizeof(above))
		return false;
	strcpy(above, path);
	for (char *p = dirname(above); strcmp(p, "/") != 0 && strcmp(p, ".") != 0; p = dirname(p))
		if (inotify_add_watch(watch, p, ABOVE_EVENTS | IN_MASK_ADD) >= 0 || errno != ENOENT)
			break;
	return false;
}

void watch_wait(int watch, int ms)
{
	struct pollfd p = { .fd = watch, .events = POLLIN };
	char events[4096];

	if (poll(&p, 1, ms) > 0)
		while (read(watch, events, sizeof(events)) > 0)
			;
}
