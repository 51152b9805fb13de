/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * applets: which commands a busybox is. Nothing of it is executed to find out: a busybox holds
 * the sorted names of its applets one behind the other, each with its NUL, beginning with "[" and
 * mostly "[[". Called by busybox.c.
 */
#include "store/store.h"

#define APPLETS_MAX	1000
#define APPLET_NAME_MAX 32
/* Fewer than this is a chance hit and no table. */
#define APPLETS_MIN 20

/* For a busybox that keeps its names in another way: what nearly every one can do. */
static const char *const usual[] = {
	"[",	    "ash",     "awk",	   "basename", "cat",	 "chmod",     "chown",
	"cp",	    "cut",     "date",	   "dd",       "df",	 "dirname",   "du",
	"echo",	    "env",     "expr",	   "false",    "find",	 "grep",      "gunzip",
	"gzip",	    "head",    "hostname", "httpd",    "id",	 "ifconfig",  "ip",
	"kill",	    "killall", "ln",	   "ls",       "md5sum", "mkdir",     "mkfifo",
	"mknod",    "mktemp",  "more",	   "mount",    "mv",	 "nc",	      "netstat",
	"nslookup", "ping",    "printf",   "ps",       "pwd",	 "readlink",  "rm",
	"rmdir",    "route",   "sed",	   "seq",      "sh",	 "sha256sum", "sleep",
	"sort",	    "stat",    "sync",	   "tail",     "tar",	 "tee",	      "telnet",
	"test",	    "time",    "timeout",  "top",      "touch",	 "tr",	      "traceroute",
	"true",	    "umount",  "uname",	   "uniq",     "vi",	 "wc",	      "wget",
	"which",    "whoami",  "xargs",	   "yes",
};

/* The length of the applet name at `s`, 0 when there is none. */
static size_t name_length(const char *s, size_t len)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz0123456789_-+.[";
	size_t n = strnlen(s, len);

	if (!n || n == len || n > APPLET_NAME_MAX || strspn(s, good) != n || s[0] == '.')
		return 0;
	return n;
}

/* Reads names as long as each is greater than the one before. */
static size_t read_table(const char *s, size_t len, const char *ret[APPLETS_MAX])
{
	const char *last = "";
	size_t n = 0, step;

	while (n < APPLETS_MAX && (step = name_length(s, len)) && strcmp(s, last) > 0) {
		ret[n++] = last = s;
		s += step + 1;
		len -= step + 1;
	}
	return n;
}

static bool has_shell(const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], "sh"))
			return true;
	return false;
}

const char **store_applets(const char *bytes, size_t len, size_t *ret_n)
{
	static const char begin[] = "\0[\0";
	const char **names = xcalloc(APPLETS_MAX, sizeof(*names));
	const char *end = bytes + len;

	for (const char *at = bytes; (at = memmem(at, (size_t)(end - at), begin, 3)); at++) {
		size_t n = read_table(at + 1, (size_t)(end - at) - 1, names);

		if (n >= APPLETS_MIN && has_shell(names, n)) {
			*ret_n = n;
			return names;
		}
	}
	memcpy(names, usual, sizeof(usual));
	*ret_n = ARRAY_LEN(usual);
	return names;
}
