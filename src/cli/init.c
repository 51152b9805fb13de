/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init: `mstack init`, a stack file to begin with. Writes one file and nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/command.h"

static const char content[] =
	"# A stack: the services below run as containers on this host, next to each other on a network of their own.\n"
	"#\n"
	"#     mstack up               start it and show its logs; Ctrl-C stops it and removes every trace\n"
	"#     mstack config           check this file and show what it means in full\n"
	"#     mstack help keys        the keys that can stand in it\n"
	"#\n"
	"# It is a compose file: what is written here means what it means to docker compose.\n"
	"\n"
	"services:\n"
	"  web:\n"
	"    image: busybox # built in; or a folder, a rootfs.tar, or / for the files of this host\n"
	"    command:\n"
	"      - sh\n"
	"      - -c\n"
	"      # $NAME is a variable of this file; a $ that is meant for the shell is doubled.\n"
	"      - |\n"
	"        mkdir -p /srv\n"
	"        echo \"Hello from $$(hostname)\" >/srv/index.html\n"
	"        exec httpd -f -p 80 -h /srv\n"
	"    ports:\n"
	"      # On this host only; without 127.0.0.1 from everywhere. PORT is from the environment or a file .env.\n"
	"      - \"127.0.0.1:${PORT:-8080}:80\"\n"
	"    healthcheck:\n"
	"      test: [\"CMD\", \"wget\", \"-q\", \"-O\", \"/dev/null\", \"http://127.0.0.1/\"]\n"
	"      interval: 10s\n"
	"      start_period: 5s # failures do not count yet ...\n"
	"      start_interval: 250ms # ... and it is asked more often\n"
	"    restart: on-failure\n"
	"    stop_grace_period: 1s # this web server does not end when it is asked to\n"
	"\n"
	"  client:\n"
	"    image: busybox\n"
	"    command:\n"
	"      - sh\n"
	"      - -c\n"
	"      # Services find each other by name.\n"
	"      - |\n"
	"        trap 'exit 0' TERM\n"
	"        while :; do wget -q -O - http://web/; sleep 5 & wait; done\n"
	"    depends_on:\n"
	"      web:\n"
	"        condition: service_healthy # not only started: its health check has succeeded\n";

static int write_new(const char *path, bool force, struct err *err)
{
	const int how = O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL);
	_cleanup_fd_ int fd = open(path, how, 0666);

	if (fd < 0 && errno == EEXIST)
		return err_kind(
			err, ERR_USAGE,
			"init: '%s' is there already: name another file, or --force to write over it",
			path);
	if (fd < 0 || fd_write_all(fd, content, sizeof(content) - 1) < 0)
		return err_sys(err, errno, "init: write '%s'", path);
	return 0;
}

int cli_init(const struct cli_options *o, struct err *err)
{
	const char *path = o->files.n ? o->files.v[0] : "stack.yaml";
	bool found = !strcmp(path, "stack.yaml");
	char cwd[PATH_MAX];

	if (o->files.n > 1)
		return err_kind(err, ERR_USAGE, "init: one file at a time, not '%s' and '%s'",
				o->files.v[0], o->files.v[1]);
	if (!strcmp(path, "-")) {
		fputs(content, stdout);
		return 0;
	}
	if (*path != '/' && path_current(cwd, err) < 0)
		return err_wrap(err, "init");
	if (write_new(path, o->force, err) < 0)
		return -1;
	fprintf(stderr,
		"%s written. Next:\n"
		"  mstack up%s%s\n"
		"  wget -q -O - http://127.0.0.1:8080/      from another terminal\n",
		path, found ? "" : " ", found ? "" : path);
	return 0;
}
