/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rootfs: images from root file systems in tar files, each unpacked once and named by its
 * content. Called by image.c. The bytes of the archive are read here for their digest only: what
 * understands them is mstack-store. Waits for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "store/store.h"
#include "store/unpacker.h"

static int make(const struct store *s, const char *name, int archive, const char *digest,
		const struct store_teller *t, struct err *err)
{
	_cleanup_(store_making_fini) struct store_making m = { .fd = -1 };
	struct store_job job = { .mode = UNPACKER_MODE_ROOTFS, .archive = archive };
	char again[STORE_DIGEST_SIZE];

	if (store_making_begin(s, s->images, &m, err) < 0)
		return -1;
	job.folder = m.fd;
	if (store_unpack_all(&job, 1, t, err) < 0)
		return -1;
	/* What was unpacked must be what has the digest; mostly a look at the index alone. */
	if (store_digest(s, archive, again, err) < 0)
		return -1;
	if (strcmp(digest, again))
		return err_sys(err, EBUSY, "the file was changed while it was unpacked");
	return store_making_commit(&m, name, err);
}

int store_rootfs_get(const struct store *s, const char *path, const struct store_teller *t,
		     char **ret, struct err *err)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char digest[STORE_DIGEST_SIZE];
	_cleanup_free_ char *name = NULL;
	int rc;

	if (fd < 0)
		return err_sys(err, errno, "image '%s'", path);
	if (store_digest(s, fd, digest, err) < 0)
		return err_wrap(err, "image '%s'", path);
	name = xasprintf("tar-%.32s", digest);
	rc = store_making_there(s, s->images, name, err);
	if (!rc) {
		store_tell(t, "unpacking '%s'", path);
		rc = make(s, name, fd, digest, t, err);
	}
	if (rc < 0)
		return err_wrap(err, "image '%s'", path);
	*ret = xasprintf("%s/images/%s", s->dir, name);
	return 0;
}
