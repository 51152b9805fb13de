/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * folders: where an ordinary user's stacks and images are, by the XDG base directory specification. Called by cli at the very beginning.
 * Where nothing can be said, nothing is: who needs the folder then says that it cannot have it.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mstack/rootless.h"
#include "rootless/passwd.h"

#define LAST_RESORT "/tmp/mstack-%u"

static bool is_set(const char *name)
{
	const char *s = getenv(name);

	return s && *s;
}

/* The specification: what is not absolute is invalid and counts as not there. */
static const char *absolute(const char *name)
{
	const char *s = getenv(name);

	return s && *s == '/' ? s : NULL;
}

/* The sockets of stacks are in it: it has to be the user's, and nobody else's. */
static bool is_private(const char *dir)
{
	struct stat st;

	return lstat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & 077);
}

/*
 * XDG_RUNTIME_DIR may be that of who we were before (su(1) keeps it), and without a session there is none: then a folder in /tmp, which
 * is made here, because what somebody else had made under its name meanwhile would be theirs.
 */
static char *run_folder(void)
{
	_cleanup_free_ char *usual = xasprintf("/run/user/%u", geteuid());
	const char *places[] = { absolute("XDG_RUNTIME_DIR"), usual };
	char *last;

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (places[i] && is_private(places[i]))
			return xasprintf("%s/mstack", places[i]);
	last = xasprintf(LAST_RESORT, geteuid());
	mkdir(last, 0700);
	if (is_private(last))
		return last;
	free(last);
	return NULL;
}

static char *data_folder(void)
{
	const char *data = absolute("XDG_DATA_HOME"), *home = absolute("HOME");
	_cleanup_(passwd_entry_fini) struct passwd_entry user = { 0 };

	if (!data && !home && passwd_of(geteuid(), &user) && *user.home == '/')
		home = user.home;
	return data   ? xasprintf("%s/mstack", data)
	       : home ? xasprintf("%s/.local/share/mstack", home)
		      : NULL;
}

void rootless_folders(void)
{
	_cleanup_free_ char *run = is_set("MSTACK_RUN_DIR") ? NULL : run_folder();
	_cleanup_free_ char *data = is_set("MSTACK_DATA_DIR") ? NULL : data_folder();

	if (run)
		setenv("MSTACK_RUN_DIR", run, 1);
	if (data)
		setenv("MSTACK_DATA_DIR", data, 1);
}

/* Inside the user is 0, and who is not of the own ids is nobody. */
char *rootless_lacks_run_dir(void)
{
	bool outside = rootless_outside();
	_cleanup_free_ char *last = xasprintf(LAST_RESORT, rootless_host_uid(geteuid()));
	struct stat st;
	const char *why;

	if (is_set("MSTACK_RUN_DIR") || (!outside && !rootless_is_user()))
		return NULL;
	why = lstat(last, &st) < 0     ? "cannot be made"
	      : st.st_uid != geteuid() ? "is somebody else's"
	      : !S_ISDIR(st.st_mode)   ? "is no folder"
				       : "is open to others";
	return xasprintf(
		"run-time folder: '%s' %s: set XDG_RUNTIME_DIR to a folder that is yours alone",
		last, why);
}
