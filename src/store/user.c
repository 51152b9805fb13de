/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * user: whose ids a container's command runs with, read from the image's own passwd and group by
 * a reader of our own (no NSS: it would load the image's libraries into the supervisor). Called
 * by the supervisor before a box is started. The image is a stranger's: links stay inside its
 * layer, what is no regular file of sensible size is refused, and an unknown name is an error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "mstack/base_level.h"
#include "store/store.h"

#define FILE_SIZE_MAX (1u << 20)
#define FIELDS	      7

/* ---- files ----------------------------------------------------------------------------------- */

/*
 * Opening a device or a FIFO may have effects: what it is is seen first. -1 with errno; ENOENT
 * may mean a next layer.
 */
static int open_regular(int layer, const char *path)
{
	_cleanup_fd_ int seen = path_open_in(layer, path, O_PATH, 0);
	struct stat st;
	char again[32];

	if (seen < 0 || fstat(seen, &st) < 0)
		return -1;
	/* A whiteout: a layer above took the file away. */
	if (S_ISCHR(st.st_mode) && !st.st_rdev) {
		errno = ENODATA;
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	/* The same one: a container that runs could put another in its place. */
	snprintf(again, sizeof(again), "/proc/self/fd/%d", seen);
	return open(again, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static int read_bounded(int fd, struct buf *ret)
{
	char block[16384];
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0) {
		if (ret->len + (size_t)n > FILE_SIZE_MAX) {
			errno = EFBIG;
			return -1;
		}
		buf_add(ret, block, (size_t)n);
	}
	return n < 0 ? -1 : 0;
}

/*
 * Does what a layer has of /etc hide that of the layers below it? Then 1: it took the folder away, or put another one in its
 * place.
 */
static bool hides_below(int layer)
{
	_cleanup_fd_ int etc = path_open_in(layer, "etc", O_PATH | O_NOFOLLOW, 0), dir = -1;
	struct stat st;
	char value;

	if (etc < 0 || fstat(etc, &st) < 0)
		return false;
	if (S_ISCHR(st.st_mode) && !st.st_rdev)
		return true;
	dir = path_open_in(layer, "etc", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	return dir >= 0 && fgetxattr(dir, store_opaque(), &value, 1) == 1 && value == 'y';
}

/* The file of the topmost layer that has it; stays empty when none has. */
static int read_file(const struct store_image *img, const char *path, struct buf *ret,
		     struct err *err)
{
	for (size_t i = 0; i < img->n_layers; i++) {
		_cleanup_fd_ int layer = open(img->layers[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		_cleanup_fd_ int fd = layer < 0 ? -1 : open_regular(layer, path);

		if (layer >= 0 && fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
			int why = errno;

			if (hides_below(layer))
				return 0;
			errno = why;
			if (why == ENOENT)
				continue;
		}
		if (layer >= 0 && fd < 0 && errno == ENODATA)
			return 0;
		if (fd < 0 || read_bounded(fd, ret) < 0)
			return err_sys(err, errno, "image's /%s in '%s'", path, img->layers[i]);
		return 0;
	}
	return 0;
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* Digits only, below 2^32-1, which the kernel takes for "leave it". */
static int parse_id(const char *s, uint32_t *ret)
{
	uint64_t v = 0;

	if (!*s || strlen(s) > 10)
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		v = v * 10 + (uint64_t)(*s - '0');
	}
	if (v >= UINT32_MAX)
		return -1;
	*ret = (uint32_t)v;
	return 0;
}

/*
 * Cuts the next line out of *text and into fields. Returns how many there are, 0 at the end of
 * the text.
 */
static size_t next_line(char **text, char *ret[FIELDS])
{
	char *line = strsep(text, "\n");
	size_t n = 0;

	while (line && n < FIELDS)
		ret[n++] = strsep(&line, ":");
	return n;
}

/*
 * Looks for a user by name, or by id when `name` is NULL. True when found: user and home are set
 * then.
 */
static bool find_user(char *text, const char *name, uint32_t uid, struct store_user *u)
{
	char *f[FIELDS];
	size_t n;
	uint32_t found, gid;

	while ((n = next_line(&text, f))) {
		if (n < 6 || !*f[0] || parse_id(f[2], &found) < 0 || parse_id(f[3], &gid) < 0)
			continue;
		if (name ? strcmp(f[0], name) != 0 : found != uid)
			continue;
		u->uid = found;
		u->gid = gid;
		u->name = xstrdup(f[0]);
		u->home = xstrdup(f[5][0] == '/' ? f[5] : "/");
		return true;
	}
	return false;
}

static bool find_group(char *text, const char *name, gid_t *ret)
{
	char *f[FIELDS];
	size_t n;

	while ((n = next_line(&text, f)))
		if (n >= 3 && !strcmp(f[0], name) && !parse_id(f[2], ret))
			return true;
	return false;
}

static bool is_member(char *list, const char *name)
{
	for (char *m; (m = strsep(&list, ","));)
		if (!strcmp(m, name))
			return true;
	return false;
}

static int add_group(struct store_user *u, gid_t gid, struct err *err)
{
	for (size_t i = 0; i < u->n_groups; i++)
		if (u->groups[i] == gid)
			return 0;
	if (u->n_groups == ARRAY_LEN(u->groups))
		return err_set(err, "user '%s': in more than %zu groups", u->name,
			       ARRAY_LEN(u->groups));
	u->groups[u->n_groups++] = gid;
	return 0;
}

/* Those that there are: with a single id root of an image is in no group but its own, however many list it. */
static int add_member_groups(char *text, struct store_user *u, struct err *err)
{
	uint32_t ids = level_get().ids;
	char *f[FIELDS];
	size_t n;
	gid_t gid;

	while ((n = next_line(&text, f))) {
		if (n < 4 || parse_id(f[2], &gid) < 0 || !is_member(f[3], u->name) || gid >= ids)
			continue;
		if (add_group(u, gid, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the answer ------------------------------------------------------------------------------ */

static int resolve_user(const struct store_image *img, const char *user, struct store_user *u,
			bool *ret_listed, struct err *err)
{
	struct buf text = { 0 };
	uint32_t uid = 0;
	bool by_id = !parse_id(user, &uid);
	int rc = read_file(img, "etc/passwd", &text, err);

	*ret_listed = !rc && text.data && find_user(text.data, by_id ? NULL : user, uid, u);
	buf_fini(&text);
	if (rc < 0 || *ret_listed)
		return rc;
	if (!by_id && strcmp(user, "root"))
		return err_kind(err, ERR_CREATE, "user '%.64s': not in the image's /etc/passwd",
				user);
	u->uid = uid;
	u->home = xstrdup("/");
	u->name = xstrdup(user);
	return 0;
}

/* By name; a file without it, or no file, is an error. */
static int lookup_group(const struct store_image *img, const char *group, gid_t *ret,
			struct err *err)
{
	_cleanup_(buf_fini) struct buf text = { 0 };

	if (read_file(img, "etc/group", &text, err) < 0)
		return -1;
	if (text.data && find_group(text.data, group, ret))
		return 0;
	return err_kind(err, ERR_CREATE, "group '%.64s': not in the image's /etc/group", group);
}

static int resolve_groups(const struct store_image *img, const char *group, bool listed,
			  struct store_user *u, struct err *err)
{
	_cleanup_(buf_fini) struct buf text = { 0 };

	if (group)
		return parse_id(group, &u->gid) ? lookup_group(img, group, &u->gid, err) : 0;
	if (!listed)
		return 0;
	if (read_file(img, "etc/group", &text, err) < 0)
		return -1;
	return text.data ? add_member_groups(text.data, u, err) : 0;
}

int store_user(const struct store_image *img, const char *spec, struct store_user *ret,
	       struct err *err)
{
	_cleanup_(store_user_fini) struct store_user u = { 0 };
	_cleanup_free_ char *user = xstrdup(spec && *spec ? spec : "0");
	char *group = strchr(user, ':');
	bool listed;

	if (group)
		*group++ = '\0';
	if (!*user || (group && !*group))
		return err_kind(err, ERR_CREATE, "user '%.64s': must be NAME or ID, or NAME:GROUP",
				spec);
	if (resolve_user(img, user, &u, &listed, err) < 0 ||
	    resolve_groups(img, group, listed, &u, err) < 0)
		return -1;
	*ret = u;
	memset(&u, 0, sizeof(u));
	return 0;
}

int store_user_add_group(const struct store_image *img, const char *group, struct store_user *u,
			 struct err *err)
{
	gid_t gid = 0;

	if (parse_id(group, &gid) && lookup_group(img, group, &gid, err) < 0)
		return -1;
	return add_group(u, gid, err);
}

void store_user_fini(struct store_user *u)
{
	free(u->home);
	free(u->name);
	memset(u, 0, sizeof(*u));
}
