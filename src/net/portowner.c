/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * portowner: finds the process behind a port, by the inode of its socket. Called by hold.c
 * for its error message only: it reads all of /proc, which takes milliseconds.
 */
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#include "mstack/base.h"
#include "net/portowner.h"

#define TABLE_MAX    (8u << 20)
#define STATE_LISTEN 0x0a

/*
 * The inode of the socket on this port in one of the tables of /proc/net; 0 if there is
 * none.
 */
static unsigned long find_inode(const char *table, bool tcp, uint16_t port)
{
	struct buf text = { 0 };
	unsigned long found = 0;
	char *save = NULL;

	if (file_read(AT_FDCWD, table, TABLE_MAX, &text) || !text.data)
		return 0;
	for (char *line = strtok_r(text.data, "\n", &save); line && !found;
	     line = strtok_r(NULL, "\n", &save)) {
		unsigned local, state;
		unsigned long inode;

		if (sscanf(line, " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*u %*u %lu",
			   &local, &state, &inode) == 3 &&
		    local == port && (!tcp || state == STATE_LISTEN))
			found = inode;
	}
	buf_fini(&text);
	return found;
}

static bool has_socket(const char *pid, unsigned long inode)
{
	_cleanup_free_ char *path = xasprintf("/proc/%s/fd", pid);
	_cleanup_closedir_ DIR *d = opendir(path);
	char want[64], target[64];
	const struct dirent *e;

	snprintf(want, sizeof(want), "socket:[%lu]", inode);
	while (d && (e = readdir(d))) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);

		if (n > 0 && (target[n] = '\0', !strcmp(target, want)))
			return true;
	}
	return false;
}

static int tell(const char *pid, char *ret, size_t size)
{
	_cleanup_free_ char *path = xasprintf("/proc/%s/comm", pid);
	struct buf comm = { 0 };

	if (file_read(AT_FDCWD, path, 64, &comm))
		return -1;
	snprintf(ret, size, "'%.*s' (pid %s)", (int)strcspn(buf_str(&comm), "\n"), buf_str(&comm),
		 pid);
	buf_fini(&comm);
	return 0;
}

int port_owner(uint8_t protocol, uint16_t port, char *ret, size_t size)
{
	bool tcp = protocol == IPPROTO_TCP;
	unsigned long inode = find_inode(tcp ? "/proc/net/tcp" : "/proc/net/udp", tcp, port);
	_cleanup_closedir_ DIR *proc = opendir("/proc");
	const struct dirent *e;

	if (!inode)
		inode = find_inode(tcp ? "/proc/net/tcp6" : "/proc/net/udp6", tcp, port);
	while (inode && proc && (e = readdir(proc)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && has_socket(e->d_name, inode))
			return tell(e->d_name, ret, size);
	return -1;
}
