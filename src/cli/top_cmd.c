/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top: `mstack top`, the processes of running containers, in the columns of `docker compose top`. What a process calls itself is
 * a stranger's text. A container that ends meanwhile is no error.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "cli/command.h"
#include "cli/container.h"
#include "cli/rows.h"

#define DAY_NS 86400000000000ull

static const struct cli_column columns[] = {
	{ "SERVICE", "Service" }, { "#", "Index" }, { "UID", "UID" },	  { "PID", "PID" },
	{ "PPID", "PPID" },	  { "C", "C" },	    { "STIME", "STIME" }, { "TTY", "TTY" },
	{ "TIME", "TIME" },	  { "CMD", "CMD" }, { NULL, NULL },
};

/* The time of a day, or the day when that is longer ago; as ps(1). */
static json_t *start_text(uint64_t started_ns)
{
	time_t at = (time_t)(started_ns / 1000000000);
	bool today = time_wall_ns() < started_ns + DAY_NS;
	char text[32] = "";
	struct tm tm;

	if (localtime_r(&at, &tm))
		strftime(text, sizeof(text), today ? "%H:%M" : "%b%d", &tm);
	return json_string(text);
}

/* Numbers of devices as in Documentation/admin-guide/devices.txt: 136 to 143 are pseudo terminals. */
static json_t *tty_text(uint32_t tty)
{
	unsigned line = minor(tty), class = major(tty);

	if (class >= 136 && class <= 143)
		return json_sprintf("pts/%u", (class - 136) * 256 + line);
	return tty ? json_sprintf("%u:%u", class, line) : json_string("?");
}

static json_t *time_text(uint64_t ms)
{
	unsigned long long s = ms / 1000;

	return json_sprintf("%02llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
}

/* Processor time as a share of its life, in whole percent. */
static json_int_t share(const struct box_process *p)
{
	uint64_t now = time_wall_ns();
	uint64_t life_ms = now > p->started_wall_ns ? (now - p->started_wall_ns) / 1000000 : 0;

	return life_ms ? (json_int_t)(p->cpu_ms * 100 / life_ms) : 0;
}

/* By name, out of the container's own passwd as it is now; a number when it does not say. */
static json_t *user_text(const struct box_running *r, uint32_t uid)
{
	_cleanup_(store_user_fini) struct store_user user = { 0 };
	char id[16];

	snprintf(id, sizeof(id), "%u", uid);
	if (cli_container_user(r, id, &user, &(struct err){ 0 }) < 0)
		return json_string(id);
	return cli_harmless_string(user.name);
}

static json_t *row_of(const struct box_running *r, const struct box_process *p)
{
	_cleanup_free_ char *service = cli_slot_service(r->slot);

	return json_pack("{s:s, s:i, s:o, s:i, s:i, s:i, s:I, s:o, s:o, s:o, s:o}", "Service",
			 service, "Index", (int)cli_slot_index(r->slot, NULL), "UID",
			 user_text(r, p->uid), "UIDNumber", (int)p->uid, "PID", (int)p->pid, "PPID",
			 (int)p->ppid, "C", share(p), "STIME", start_text(p->started_wall_ns),
			 "TTY", tty_text(p->tty), "TIME", time_text(p->cpu_ms), "CMD",
			 cli_harmless_string(p->command));
}

static int add_container(struct cli_containers *c, const char *slot, json_t *rows,
			 struct err *err)
{
	struct box_processes list = { 0 };
	struct err why = { 0 };
	struct box_running *r = cli_containers_slot(c, slot, &why);
	int rc = r ? box_running_processes(r, &list, &why) : -1;

	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(rows, row_of(r, &list.v[i]));
	box_processes_fini(&list);
	box_running_free(r);
	/* It has just ended, or is just starting. */
	if (rc < 0 && why.sys != ENOENT && why.sys != EAGAIN) {
		*err = why;
		return err_wrap(err, "top: %s", slot);
	}
	return 0;
}

int cli_top(const struct cli_options *o, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project p = { 0 };
	_cleanup_(cli_containers_fini) struct cli_containers c = { 0 };
	json_t *rows;
	int rc = 0;

	if (cli_project_find(o, &p, err) < 0 || cli_containers_open(&c, "top", &p, err) < 0 ||
	    cli_containers_check(&c, o, err) < 0)
		return -1;
	rows = json_array();
	for (char **slot = c.slots; *slot && !rc; slot++)
		if (cli_containers_wanted(o, *slot))
			rc = add_container(&c, *slot, rows, err);
	if (!rc)
		rc = cli_rows_print(o, rows, columns, err);
	json_decref(rows);
	return rc;
}
