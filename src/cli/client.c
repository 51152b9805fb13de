/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client: the first words of a talk with a supervisor, shared by ps, ls, down and logs.
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "cli/client.h"
#include "mstack/ctl.h"
#include "mstack/sup.h"
#include "mstack/sup_keep.h"

/* The supervisor is one of ours, but what comes over a socket comes from outside. */
#define SLOTS_MAX 10000
/* One that takes a stack up, or ends it, is without a socket for a moment. */
#define MOMENT_MS 1000

/* 1: its socket is there, so it answers in a while, or never did. */
static int unheard(const char *project, pid_t pid, struct err *err)
{
	_cleanup_free_ char *path = sup_socket_path(project), *cure = NULL;

	if (access(path, F_OK) == 0 || errno != ENOENT)
		return 1;
	if (sup_keeper(project) > 0)
		cure = xasprintf("`kill -9 %d`, and `mstack up -d` takes up what goes on; or ",
				 (int)pid);
	err_set(err,
		"supervisor of '%s' (process %d) runs, but its control socket '%s' was removed: "
		"nobody can reach it (%s`mstack down -p %s` ends the stack)",
		project, (int)pid, path, cure ? cure : "", project);
	err->sys = ENOENT;
	return -1;
}

int cli_connect(const char *project, unsigned ms, int *ret_fd, struct err *err)
{
	const uint64_t until = time_mono_ms() + MOMENT_MS;
	pid_t pid = 0;
	int rc;

	while ((rc = cli_knock(project, ms, ret_fd, err)) == 1 &&
	       (pid = sup_unheard(project)) > 0 && time_mono_ms() < until)
		usleep(10000);
	if (rc != 1)
		return rc;
	if (pid > 0)
		return unheard(project, pid, err);
	return sup_living_elsewhere(project, err) < 0 ? -1 : 1;
}

int cli_knock(const char *project, unsigned ms, int *ret_fd, struct err *err)
{
	_cleanup_free_ char *path = sup_socket_path(project);
	int fd = ctl_connect(path, ms, err);

	if (fd < 0)
		return err->sys == ENOENT || err->sys == ECONNREFUSED ? 1 : -1;
	*ret_fd = fd;
	return 0;
}

bool cli_has_gone(int connection)
{
	struct pollfd gone = { .fd = connection, .events = POLLRDHUP };

	return poll(&gone, 1, 0) != 0;
}

static int take_slot(void *arg, const struct ctl_msg *m)
{
	json_t *rows = arg;

	/* The last answer may carry nothing. */
	if (json_object_get(m->body, "Name") && json_array_size(rows) < SLOTS_MAX)
		json_array_append(rows, m->body);
	return 0;
}

int cli_slots(const char *project, json_t **ret_rows, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	json_t *rows = json_array();
	int r = cli_connect(project, CLI_ANSWER_MS, &fd, err);

	if (!r)
		r = ctl_call(fd, CTL_PS, NULL, take_slot, rows, err);
	/* It went away while we asked: there is none, and half a list would be a lie. */
	if (r < 0 && err->sys == ECONNRESET) {
		json_array_clear(rows);
		r = 1;
	}
	if (r == 1) {
		json_t *kept = NULL;

		r = sup_kept_rows(project, &kept, err);
		if (r == 0) {
			json_decref(rows);
			rows = kept;
		}
	}
	if (r < 0) {
		json_decref(rows);
		return -1;
	}
	*ret_rows = rows;
	return r;
}

const char *cli_string(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

void cli_add_published(struct buf *out, const json_t *publisher)
{
	const char *host = cli_string(publisher, "URL");
	bool six = strchr(host, ':') != NULL;

	buf_printf(out, "%s%s%s:%d", six ? "[" : "", host, six ? "]" : "",
		   (int)json_integer_value(json_object_get(publisher, "PublishedPort")));
}
