/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * subids: see subids.h. Called by threshold.c before it makes a map, and by here.c for what has to be said where there is none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "rootless/passwd.h"
#include "rootless/subids.h"

#define FILE_MAX (4U << 20)
/* What the systems' own tools give, and from where on they do. */
#define FREE_FIRST 100000
#define FREE_COUNT 65536

static bool overlaps(const struct subids *s, uint64_t first, uint64_t count)
{
	for (size_t i = 0; i < s->n; i++)
		if (first < (uint64_t)s->v[i].first + s->v[i].count &&
		    s->v[i].first < first + count)
			return true;
	return false;
}

/* The whole of the text, digits only. */
static bool number(const char *s, size_t len, uint64_t *ret)
{
	uint64_t n = 0;

	if (!len || len > 10)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(s[i] - '0');
	}
	*ret = n;
	return true;
}

static bool is_whose(const char *who, size_t len, const char *name, uid_t uid)
{
	uint64_t n;

	return (name && strlen(name) == len && !strncmp(who, name, len)) ||
	       (number(who, len, &n) && n == uid);
}

/* NAME:FIRST:COUNT; the name has this length. */
static bool split(const char *line, size_t len, size_t *ret_name, uint64_t *ret_first,
		  uint64_t *ret_count)
{
	const char *one = memchr(line, ':', len), *end = line + len;
	const char *two = one ? memchr(one + 1, ':', (size_t)(end - one - 1)) : NULL;

	if (!two)
		return false;
	*ret_name = (size_t)(one - line);
	return number(one + 1, (size_t)(two - one - 1), ret_first) &&
	       number(two + 1, (size_t)(end - two - 1), ret_count);
}

static void parse_line(const char *line, size_t len, const char *name, uid_t uid,
		       struct subids *ret)
{
	uint64_t first, count;
	size_t of_name;

	if (!split(line, len, &of_name, &first, &count) || !is_whose(line, of_name, name, uid))
		return;
	/* The highest number is no id: chown(2) and its kin take it for "leave it". */
	if (!count || first + count > UINT32_MAX || overlaps(ret, first, count) ||
	    (uint64_t)subids_total(ret) + count >= UINT32_MAX || ret->n == SUBIDS_MAX)
		return;
	ret->v[ret->n].first = (uint32_t)first;
	ret->v[ret->n++].count = (uint32_t)count;
}

void subids_parse(const char *text, const char *name, uid_t uid, struct subids *ret)
{
	*ret = (struct subids){ 0 };
	while (*text) {
		size_t len = strcspn(text, "\n");

		parse_line(text, len, name, uid, ret);
		text += len + (text[len] == '\n');
	}
}

/* Where the ranges end that these ids would take something of; the same number: there are none. */
static uint64_t behind(const char *text, uint64_t from)
{
	uint64_t first, count;
	size_t of_name;

	while (*text) {
		size_t len = strcspn(text, "\n");

		if (split(text, len, &of_name, &first, &count) && first < from + FREE_COUNT &&
		    first + count > from)
			from = first + count;
		text += len + (text[len] == '\n');
	}
	return from;
}

uint32_t subids_free(const char *one, const char *other)
{
	uint64_t from = FREE_FIRST, before;

	/* What comes behind one range may take something of one that stands further up. */
	do {
		before = from;
		from = behind(other, behind(one, from));
	} while (from != before);
	return from + FREE_COUNT > UINT32_MAX ? 0 : (uint32_t)from;
}

/* What is left of range `i` on both sides of an id in it. */
static void cut(struct subids *s, size_t i, uint32_t own)
{
	uint32_t before = own - s->v[i].first, behind = s->v[i].count - before - 1;
	struct subids parts = { 0 };

	if (before) {
		parts.v[parts.n].first = s->v[i].first;
		parts.v[parts.n++].count = before;
	}
	if (behind) {
		parts.v[parts.n].first = own + 1;
		parts.v[parts.n++].count = behind;
	}
	for (size_t k = i + 1; k < s->n && parts.n < SUBIDS_MAX; k++)
		parts.v[parts.n++] = s->v[k];
	for (size_t k = 0; k < parts.n && i + k < SUBIDS_MAX; k++)
		s->v[i + k] = parts.v[k];
	s->n = i + parts.n < SUBIDS_MAX ? i + parts.n : SUBIDS_MAX;
}

void subids_leave_out(struct subids *s, uint32_t own)
{
	for (size_t i = 0; i < s->n; i++)
		if (own >= s->v[i].first && own - s->v[i].first < s->v[i].count) {
			cut(s, i, own);
			return;
		}
}

uint32_t subids_total(const struct subids *s)
{
	uint32_t total = 0;

	for (size_t i = 0; i < s->n; i++)
		total += s->v[i].count;
	return total;
}

static void read_ranges(const char *path, const struct subids_both *who, struct buf *text,
			struct subids *ret)
{
	if (file_read(AT_FDCWD, path, FILE_MAX, text) < 0)
		buf_cut(text, 0);
	subids_parse(buf_str(text), *who->name ? who->name : NULL, who->uid, ret);
}

bool subids_in_path(const char *program)
{
	const char *path = getenv("PATH");

	for (const char *p = path ? path : "/usr/bin:/bin"; *p;) {
		size_t len = strcspn(p, ":");
		_cleanup_free_ char *full = xasprintf("%.*s/%s", (int)len, p, program);

		if (len && !access(full, X_OK))
			return true;
		p += len + (p[len] == ':');
	}
	return false;
}

/* A line that can be pasted as it is: what is told in it is nobody's so far. */
static void tell_cure(struct subids_both *b, const char *uids, const char *gids)
{
	uint32_t first = subids_free(b->uids.n ? "" : uids, b->gids.n ? "" : gids);
	const char *name = *b->name ? b->name : "USER";
	char range[32];

	snprintf(range, sizeof(range), "%u-%u", first, first + FREE_COUNT - 1);
	if (!first)
		snprintf(b->cure, sizeof(b->cure),
			 "give %s ids in /etc/subuid and /etc/subgid that no other line has", name);
	else
		snprintf(b->cure, sizeof(b->cure), "sudo usermod%s%s%s%s %s",
			 b->uids.n ? "" : " --add-subuids ", b->uids.n ? "" : range,
			 b->gids.n ? "" : " --add-subgids ", b->gids.n ? "" : range, name);
}

static void judge(struct subids_both *b, const char *uids, const char *gids)
{
	const char *empty = !b->uids.n && !b->gids.n ? "/etc/subuid and /etc/subgid"
			    : !b->uids.n	     ? "/etc/subuid"
						     : "/etc/subgid";
	bool ranges = b->uids.n && b->gids.n;

	b->usable = ranges && subids_in_path("newuidmap") && subids_in_path("newgidmap");
	if (b->usable)
		return;
	if (ranges) {
		snprintf(b->why, sizeof(b->why), "newuidmap and newgidmap are not installed");
		snprintf(b->cure, sizeof(b->cure), "sudo apt-get install uidmap");
		return;
	}
	snprintf(b->why, sizeof(b->why), "no line in %s for %s", empty,
		 *b->name ? b->name : "this user");
	tell_cure(b, uids, gids);
}

void subids_of(uid_t uid, struct subids_both *ret)
{
	_cleanup_(passwd_entry_fini) struct passwd_entry user = { .gid = getegid() };
	_cleanup_(buf_fini) struct buf uids = { 0 }, gids = { 0 };
	const char *name = passwd_of(uid, &user) ? user.name : getenv("LOGNAME");

	/* What the environment says is a guess that costs nothing: newuidmap looks for itself who asks. */
	*ret = (struct subids_both){ .uid = uid, .gid = user.gid };
	snprintf(ret->name, sizeof(ret->name), "%s", name ? name : "");
	read_ranges("/etc/subuid", ret, &uids, &ret->uids);
	read_ranges("/etc/subgid", ret, &gids, &ret->gids);
	subids_leave_out(&ret->uids, ret->uid);
	subids_leave_out(&ret->gids, ret->gid);
	judge(ret, buf_str(&uids), buf_str(&gids));
}
