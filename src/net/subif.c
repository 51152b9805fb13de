/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * subif: makes and removes VLAN devices for macvlan networks. Who needs one is counted by lease.c, because several stacks may
 * be on one VLAN. What is there already is used as it is, and stays.
 */
#include <errno.h>

#include "net/link.h"
#include "net/subif.h"

enum { VID_MAX = 4094 };

bool subif_parse(const char *ifname, struct subif *ret)
{
	const char *dot = strrchr(ifname, '.');
	size_t len = dot ? (size_t)(dot - ifname) : 0;
	uint64_t vid = 0;

	if (!len || len >= sizeof(ret->base) || dot[1] == '0' || strlen(dot + 1) > 4)
		return false;
	for (const char *c = dot + 1; *c; c++) {
		if (*c < '0' || *c > '9')
			return false;
		vid = vid * 10 + (uint64_t)(*c - '0');
	}
	if (!vid || vid > VID_MAX)
		return false;
	*ret = (struct subif){ .vid = (uint16_t)vid };
	memcpy(ret->base, ifname, len);
	return true;
}

int subif_read(const char *ifname)
{
	struct subif sub;

	if (if_nametoindex(ifname))
		return '1';
	if (subif_parse(ifname, &sub) && if_nametoindex(sub.base))
		return '0';
	errno = ENOENT;
	return -1;
}

static int make(int fd, const char *ifname, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct subif sub;

	if (!subif_parse(ifname, &sub))
		return err_sys(err, ENODEV, "link '%s'", ifname);
	nl_batch_init(&b);
	link_put_vlan(&b, ifname, (int)if_nametoindex(sub.base), sub.vid);
	nl_tolerate(&b, EEXIST); /* of another stack, whose book we stand in now */
	return nl_transact(fd, &b, NULL, err) ? err_wrap(err, "link '%s'", ifname) : 0;
}

static int take_away(int fd, const char *ifname, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct link_info l;
	int rc = link_find(fd, ifname, &l, err);

	if (rc || strcmp(l.kind, "vlan") != 0 || l.group != LINK_GROUPS)
		return rc < 0 ? -1 : 0;
	nl_batch_init(&b);
	link_put_delete(&b, l.index);
	nl_tolerate(&b, ENODEV);
	return nl_transact(fd, &b, NULL, err) ? err_wrap(err, "link '%s'", ifname) : 0;
}

int subif_write(const char *ifname, char value, struct err *err)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, err);

	if (fd < 0)
		return -1;
	return value == '1' ? make(fd, ifname, err) : take_away(fd, ifname, err);
}
