/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * port: `mstack port`, where on the host a port of a service is published.
 */
#include <stdio.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/container.h"

/* PORT or PORT/PROTOCOL, as docker reads it; the option says what the word does not. */
static int parse(const struct cli_options *o, unsigned *ret_port, const char **ret_protocol,
		 struct err *err)
{
	const char *word = o->args.v[1], *slash = strchr(word, '/');
	char *end;
	unsigned long port = strtoul(word, &end, 10);

	if (*word < '0' || *word > '9' || (*end && end != slash) || port < 1 || port > 65535)
		return err_kind(err, ERR_USAGE, "port: '%s' is not a port from 1 to 65535", word);
	*ret_port = (unsigned)port;
	*ret_protocol = slash ? slash + 1 : o->protocol ? o->protocol : "tcp";
	if (strcmp(*ret_protocol, "tcp") && strcmp(*ret_protocol, "udp"))
		return err_kind(err, ERR_USAGE, "port: '%s' is no protocol: tcp or udp",
				*ret_protocol);
	return 0;
}

static int integer(const json_t *object, const char *key)
{
	return (int)json_integer_value(json_object_get(object, key));
}

/* What is published at all, for who asked for another one. */
static int not_published(const json_t *row, unsigned port, const char *protocol, struct err *err)
{
	_cleanup_(buf_fini) struct buf list = { 0 };
	const json_t *p;
	size_t i;

	json_array_foreach(json_object_get(row, "Publishers"), i, p)
		buf_printf(&list, "%s%d/%s", i ? ", " : "", integer(p, "TargetPort"),
			   cli_string(p, "Protocol"));
	return err_set(err, "port: '%s' does not publish %u/%s; published: %s",
		       cli_string(row, "Name"), port, protocol, list.len ? buf_str(&list) : "none");
}

static int print(const json_t *row, unsigned port, const char *protocol, struct err *err)
{
	const json_t *p;
	bool any = false;
	size_t i;

	json_array_foreach(json_object_get(row, "Publishers"), i, p) {
		struct buf where = { 0 };

		if (integer(p, "TargetPort") != (int)port || !integer(p, "PublishedPort") ||
		    strcmp(cli_string(p, "Protocol"), protocol) != 0)
			continue;
		any = true;
		cli_add_published(&where, p);
		puts(buf_str(&where));
		buf_fini(&where);
	}
	return any ? 0 : not_published(row, port, protocol, err);
}

/* Of the service, with that index or else the first. */
static const json_t *find(const json_t *rows, const char *service, const char *index)
{
	const json_t *row;
	char text[16];
	size_t i;

	json_array_foreach(rows, i, row) {
		snprintf(text, sizeof(text), "%d", integer(row, "Index"));
		if (!strcmp(cli_string(row, "Service"), service) &&
		    (!index || !strcmp(index, text)))
			return row;
	}
	return NULL;
}

static int run(const struct cli_options *o, const struct cli_containers *c, struct err *err)
{
	const char *service = o->args.v[0], *protocol = "";
	const json_t *row;
	json_t *rows;
	unsigned port = 0;
	int rc;

	if (parse(o, &port, &protocol, err) < 0 || cli_containers_known(c, service, err) < 0 ||
	    cli_slots(c->project->name, &rows, err) < 0)
		return -1;
	row = find(rows, service, o->index);
	if (row)
		rc = print(row, port, protocol, err);
	else
		rc = err_set(err, "port: service '%s' has no container%s%s", service,
			     o->index ? " number " : "", o->index ? o->index : "");
	json_decref(rows);
	return rc;
}

int cli_port(const struct cli_options *o, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project p = { 0 };
	_cleanup_(cli_containers_fini) struct cli_containers c = { 0 };

	if (o->args.n < 2)
		return err_kind(err, ERR_USAGE,
				"port: SERVICE and PORT are needed (see 'mstack help port')");
	if (cli_project_find(o, &p, err) < 0 || cli_containers_open(&c, "port", &p, err) < 0)
		return -1;
	return run(o, &c, err);
}
