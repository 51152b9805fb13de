/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostswitch: the host's switches as rows of a table. Called by lease.c, which counts who needs
 * them. Nothing is decided here.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>

#include "mstack/net.h"
#include "net/hostswitch.h"
#include "net/subif.h"

static const struct switch_row {
	const char *name, *folder, *file;
	char off, on;
	int (*read)(const char *ifname);
	int (*write)(const char *ifname, char value, struct err *err);
} rows[] = {
	[HOST_FORWARDING] = { "forwarding", "/proc/sys/net/ipv4/conf", "forwarding", '0', '1', NULL,
			      NULL },
	[HOST_FORCE_FORWARDING] = { "force_forwarding", "/proc/sys/net/ipv6/conf",
				    "force_forwarding", '0', '1', NULL, NULL },
	[HOST_FORWARDING6] = { "forwarding6", "/proc/sys/net/ipv6/conf", "forwarding", '0', '1',
			       NULL, NULL },
	[HOST_ACCEPT_RA] = { "accept_ra", "/proc/sys/net/ipv6/conf", "accept_ra", '1', '2', NULL,
			     NULL },
	[HOST_VLAN] = { "vlan", NULL, NULL, '0', '1', subif_read, subif_write },
};

const char *host_switch_name(enum host_switch s)
{
	return rows[s].name;
}

char host_switch_off(enum host_switch s)
{
	return rows[s].off;
}

char host_switch_on(enum host_switch s)
{
	return rows[s].on;
}

static void switch_path(enum host_switch s, const char *ifname, char *ret, size_t size)
{
	snprintf(ret, size, "%s/%s/%s", rows[s].folder, ifname, rows[s].file);
}

int host_switch_index(enum host_switch s, const char *ifname)
{
	struct subif sub;

	if (s == HOST_VLAN && subif_parse(ifname, &sub))
		ifname = sub.base;
	return (int)if_nametoindex(ifname);
}

int host_switch_read(enum host_switch s, const char *ifname)
{
	struct buf text = { 0 };
	char path[96];
	int rc;

	if (rows[s].read)
		return rows[s].read(ifname);
	switch_path(s, ifname, path, sizeof(path));
	rc = file_read(AT_FDCWD, path, 16, &text);
	if (!rc)
		rc = isdigit((unsigned char)*buf_str(&text)) ? *buf_str(&text) : '0';
	buf_fini(&text);
	return rc;
}

int host_switch_write(enum host_switch s, const char *ifname, char value, struct err *err)
{
	char path[96], text[] = { value, '\0' };

	if (rows[s].write)
		return rows[s].write(ifname, value, err);
	switch_path(s, ifname, path, sizeof(path));
	if (file_put(AT_FDCWD, path, text) && errno != ENOENT)
		return err_sys(err, errno, "%s of '%s': write %s", rows[s].name, ifname, path);
	return 0;
}

/* Before there are links: those that come later take it over from `default`. */
void net_become_router(void)
{
	static const char *const switches[] = {
		"/proc/sys/net/ipv4/ip_forward",
		"/proc/sys/net/ipv6/conf/all/forwarding",
		"/proc/sys/net/ipv6/conf/default/forwarding",
	};

	for (size_t i = 0; i < ARRAY_LEN(switches); i++)
		file_put(AT_FDCWD, switches[i], "1"); /* a kernel without IPv6 has no such file */
}
