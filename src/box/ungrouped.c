/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ungrouped: see ungrouped.h. Called by start.c and, through kinds.c, by the ledger. A group tells what runs in it, and can be killed. An ordinary user may
 * have none: there the first process of a container is entered before it may begin, and ends all others with it. Without that nobody but
 * the supervisor would know of one that has given up its death signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "box/sys.h"
#include "box/ungrouped.h"

#define STAT_MAX 4096
/* One that was killed ends when its memory is given back. */
#define END_MS 1000

/* proc_pid_stat(5): in ticks since boot. 0: there is none, or it has ended and only waits to be reaped. */
static uint64_t began(pid_t pid)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/stat", (int)pid);
	_cleanup_(buf_fini) struct buf text = { 0 };
	unsigned long long ticks;
	const char *name_end;
	char state;

	if (file_read(AT_FDCWD, path, STAT_MAX, &text) < 0)
		return 0;
	/* The name may hold anything, brackets too. Between them are the fields 4 to 21. */
	name_end = strrchr(buf_str(&text), ')');
	if (!name_end ||
	    sscanf(name_end,
		   ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
		   &state, &ticks) != 2)
		return 0;
	return state == 'Z' || state == 'X' ? 0 : ticks;
}

static pid_t pid_of(const struct ledger_item *item)
{
	return (pid_t)strtol(item->key, NULL, 10);
}

/* One that was only intended has not been told to begin, and ends by itself. */
static int same(const struct ledger_item *item)
{
	return item->ident[0] && began(pid_of(item)) == item->ident[0] ? 1 : -1;
}

/* Opened first and looked at then: it cannot have become another one in between. A descriptor, or -1 when it is not there any more. */
static int kill_one(const struct ledger_item *item, struct err *err)
{
	_cleanup_fd_ int fd = sys_pidfd_open(pid_of(item));

	if (fd < 0 || same(item) != 1)
		return -1;
	if (sys_pidfd_kill(fd, SIGKILL) < 0 && errno != ESRCH)
		err_sys(err, errno, "end process %s", item->key);
	return take_fd(&fd);
}

static int destroy(const struct ledger_item *item, struct err *err)
{
	struct err why = { 0 };
	_cleanup_fd_ int fd = kill_one(item, &why);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (fd < 0)
		return 1;
	if (why.text[0]) {
		*err = why;
		return -1;
	}
	return poll(&p, 1, END_MS) > 0 ? 0 : err_sys(err, EBUSY, "end process %s", item->key);
}

/* All are killed before the first one is waited for. */
static int destroy_all(const struct ledger_item *const *items, size_t n, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		int fd = kill_one(items[i], &(struct err){ 0 });

		cleanup_fd(&fd);
	}
	for (size_t i = 0; i < n; i++)
		if (destroy(items[i], err) < 0)
			rc = -1;
	return rc;
}

const struct ledger_kind ungrouped_kind = {
	.name = UNGROUPED_KIND,
	.same = same,
	.destroy = destroy,
	.destroy_all = destroy_all,
	.flags = LEDGER_HOST_WIDE,
};

uint32_t ungrouped_enter(struct ledger *l, pid_t pid, struct err *err)
{
	char key[16];
	uint32_t item;

	snprintf(key, sizeof(key), "%d", (int)pid);
	item = ledger_intend(l, UNGROUPED_KIND, 0, key, err);
	return item && ledger_done(l, item, began(pid), 0, err) == 0 ? item : 0;
}
