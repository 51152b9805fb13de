/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * busybox: the image that is always there, made from the host's static busybox: the binary, one
 * link per applet and the folders and files that programs expect. Named by the binary's content,
 * so that an upgrade of the host's busybox gives a new image. Called by image.c. Executes
 * nothing.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

#define HEAD_SIZE   4096 /* with the table of segments, in any program that linkers make */
#define BUSYBOX_MAX (32u << 20)

static const char *const usual_hosts[] = { "/bin/busybox", "/usr/bin/busybox", "/usr/lib/busybox",
					   "/usr/local/bin/busybox", NULL };

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "daemon:x:1:1:daemon:/usr/sbin:/bin/false\n"
			     "bin:x:2:2:bin:/bin:/bin/false\n"
			     "www-data:x:33:33:www-data:/var/www:/bin/false\n"
			     "nobody:x:65534:65534:nobody:/home:/bin/false\n";
static const char group[] = "root:x:0:\n"
			    "daemon:x:1:\n"
			    "bin:x:2:\n"
			    "sys:x:3:\n"
			    "tty:x:5:\n"
			    "disk:x:6:\n"
			    "mail:x:8:\n"
			    "wheel:x:10:root\n"
			    "www-data:x:33:\n"
			    "users:x:100:\n"
			    "nogroup:x:65534:\n";

/* What is in the image beside the binary and its links, parents first. */
static const struct node {
	const char *path;
	mode_t mode;	     /* type and permissions */
	const char *content; /* of a file; target of a link */
} nodes[] = {
	/* clang-format off */
	{ "bin",		S_IFDIR | 0755,	 NULL },
	{ "dev",		S_IFDIR | 0755,	 NULL },
	{ "etc",		S_IFDIR | 0755,	 NULL },
	{ "etc/passwd",		S_IFREG | 0644,	 passwd },
	{ "etc/group",		S_IFREG | 0644,	 group },
	{ "home",		S_IFDIR | 0755,	 NULL },
	{ "mnt",		S_IFDIR | 0755,	 NULL },
	{ "opt",		S_IFDIR | 0755,	 NULL },
	{ "proc",		S_IFDIR | 0755,	 NULL },
	{ "root",		S_IFDIR | 0700,	 NULL },
	{ "run",		S_IFDIR | 0755,	 NULL },
	{ "sbin",		S_IFLNK,	 "bin" },
	{ "srv",		S_IFDIR | 0755,	 NULL },
	{ "sys",		S_IFDIR | 0755,	 NULL },
	{ "tmp",		S_IFDIR | 01777, NULL },
	{ "usr",		S_IFDIR | 0755,	 NULL },
	{ "usr/bin",		S_IFLNK,	 "../bin" },
	{ "usr/sbin",		S_IFLNK,	 "../bin" },
	{ "usr/local",		S_IFDIR | 0755,	 NULL },
	{ "usr/local/bin",	S_IFDIR | 0755,	 NULL },
	{ "var",		S_IFDIR | 0755,	 NULL },
	{ "var/cache",		S_IFDIR | 0755,	 NULL },
	{ "var/lib",		S_IFDIR | 0755,	 NULL },
	{ "var/log",		S_IFDIR | 0755,	 NULL },
	{ "var/run",		S_IFLNK,	 "../run" },
	{ "var/spool",		S_IFDIR | 0755,	 NULL },
	{ "var/tmp",		S_IFDIR | 01777, NULL },
	{ "var/www",		S_IFDIR | 0755,	 NULL },
	/* clang-format on */
};

/* ---- the host's binary ----------------------------------------------------------------------- */

/*
 * Does this program header table of an ELF file ask for an interpreter (the dynamic linker)? -1:
 * not sound.
 */
static int asks_interp(const char *bytes, size_t len, uint64_t at, size_t size, size_t n)
{
	uint32_t type;

	if (size < sizeof(type) || n > 128 || at > len || len - at < n * size)
		return -1;
	for (size_t i = 0; i < n; i++) {
		memcpy(&type, bytes + at + i * size, sizeof(type));
		if (type == PT_INTERP)
			return 1;
	}
	return n ? 0 : -1;
}

static bool is_static_elf(const char *bytes, size_t len)
{
	Elf64_Ehdr e64;
	Elf32_Ehdr e32;

	if (len < sizeof(e64) || memcmp(bytes, ELFMAG, SELFMAG))
		return false;
	memcpy(&e64, bytes, sizeof(e64));
	memcpy(&e32, bytes, sizeof(e32));
	if (bytes[EI_CLASS] == ELFCLASS64)
		return !asks_interp(bytes, len, e64.e_phoff, e64.e_phentsize, e64.e_phnum);
	return !asks_interp(bytes, len, e32.e_phoff, e32.e_phentsize, e32.e_phnum);
}

/* ---- making ---------------------------------------------------------------------------------- */

static int put_file(int root, const char *path, const void *data, size_t len, mode_t mode)
{
	_cleanup_fd_ int fd = openat(root, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0 || fchmod(fd, mode) < 0)
		return -1;
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, (const char *)data + done, len - done);

		if (n < 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

static int put_node(int root, const struct node *n)
{
	mode_t mode = n->mode & 07777;

	if (S_ISLNK(n->mode))
		return symlinkat(n->content, root, n->path);
	if (S_ISREG(n->mode))
		return put_file(root, n->path, n->content, strlen(n->content), mode);
	/* mkdir takes the umask away, and knows no sticky bit everywhere. */
	return mkdirat(root, n->path, mode) < 0 ? -1 : fchmodat(root, n->path, mode, 0);
}

static int put_links(int root, const struct buf *binary)
{
	size_t n;
	_cleanup_free_ const char **names = store_applets(binary->data, binary->len, &n);

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *path = xasprintf("bin/%s", names[i]);

		if (strcmp(names[i], "busybox") && symlinkat("busybox", root, path) < 0)
			return -1;
	}
	return 0;
}

static int fill(int root, const struct buf *binary)
{
	for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
		if (put_node(root, &nodes[i]) < 0)
			return -1;
	if (put_file(root, "bin/busybox", binary->data, binary->len, 0755) < 0)
		return -1;
	return put_links(root, binary);
}

static int make(const struct store *s, const char *name, const struct buf *binary, struct err *err)
{
	_cleanup_(store_making_fini) struct store_making m = { .fd = -1 };

	if (store_making_begin(s, s->images, &m, err) < 0)
		return -1;
	if (fill(m.fd, binary) < 0)
		return err_sys(err, errno, "image 'busybox': make '%s/images/%s'", s->dir, name);
	return store_making_commit(&m, name, err);
}

/* 0 there now, 1 this one is not static, -1 error. */
static int get_from(const struct store *s, const char *host, int fd, char **ret, struct err *err)
{
	char digest[STORE_DIGEST_SIZE];
	_cleanup_free_ char *name = NULL;
	struct buf binary = { 0 };
	int rc;

	if (store_digest(s, fd, digest, err) < 0)
		return err_wrap(err, "image 'busybox': '%s'", host);
	name = xasprintf("busybox-%.16s", digest);
	rc = store_making_there(s, s->images, name, err);
	if (!rc && file_read(AT_FDCWD, host, BUSYBOX_MAX, &binary) < 0)
		rc = err_sys(err, errno, "image 'busybox': read '%s'", host);
	else if (!rc && !is_static_elf(buf_str(&binary), binary.len))
		rc = 2;
	else if (!rc)
		rc = make(s, name, &binary, err);
	buf_fini(&binary);
	if (rc == 0 || rc == 1)
		*ret = xasprintf("%s/images/%s", s->dir, name);
	return rc < 0 ? -1 : rc == 2;
}

int store_busybox_get(const struct store *s, const char *const *hosts, char **ret, struct err *err)
{
	const char *linked = NULL;

	for (const char *const *host = hosts ? hosts : usual_hosts; *host; host++) {
		_cleanup_fd_ int fd = open(*host, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		int rc = fd < 0 ? 1 : get_from(s, *host, fd, ret, err);

		if (rc <= 0)
			return rc;
		if (fd >= 0)
			linked = *host;
	}
	if (linked)
		return err_sys(err, ENOENT,
			       "image 'busybox': '%s' is not static "
			       "(try `apt-get install busybox-static`)",
			       linked);
	return err_sys(err, ENOENT,
		       "image 'busybox': this host has no busybox "
		       "(try `apt-get install busybox-static`)");
}

/* What tells it stands at its beginning; this is asked at every start. */
static bool is_static_file(const char *path)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char head[HEAD_SIZE];
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);

	return n > 0 && is_static_elf(head, (size_t)n);
}

bool store_has_busybox(void)
{
	for (const char *const *host = usual_hosts; *host; host++)
		if (is_static_file(*host))
			return true;
	return false;
}
