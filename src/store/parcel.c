/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parcel: what the two kinds of image have in common. Called by layout.c, savedimage.c and import.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/catalog.h"
#include "store/parcel.h"

void store_parcel_fini(struct store_parcel *p)
{
	json_decref(p->config);
	for (size_t i = 0; i < p->n_layers; i++) {
		if (p->layers)
			cleanup_fd(&p->layers[i].fd);
		if (p->paths)
			free(p->paths[i]);
	}
	for (char **n = p->names; n && *n; n++)
		free(*n);
	free(p->layers);
	free(p->paths);
	free(p->names);
	free(p->note);
	memset(p, 0, sizeof(*p));
}

const char *store_digest_text(const char *text, struct err *err)
{
	if (text && !strncmp(text, "sha256:", 7) && store_is_digest(text + 7))
		return text + 7;
	if (text && !strncmp(text, "sha512:", 7))
		err_set(err, "digests of sha512 are not supported (use sha256)");
	else
		err_set(err, "'%.80s' is not a digest", text ? text : "");
	return NULL;
}

static int read_all(int fd, size_t size, struct buf *ret)
{
	char block[16384];
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0) {
		if (ret->len + (size_t)n > size) {
			errno = EFBIG;
			return -1;
		}
		buf_add(ret, block, (size_t)n);
	}
	return n < 0 ? -1 : 0;
}

static int read_file(int dir, const char *path, size_t max, struct buf *ret, struct err *err)
{
	_cleanup_fd_ int fd = path_open_in(dir, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "'%.200s'", path);
	if (!S_ISREG(st.st_mode))
		return err_sys(err, EINVAL, "'%.200s': not a file", path);
	return read_all(fd, max, ret) < 0 ? err_sys(err, errno, "'%.200s'", path) : 0;
}

static void digest_of(const struct buf *b, char ret[STORE_DIGEST_SIZE])
{
	uint8_t sum[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, b->len, (const uint8_t *)buf_str(b));
	sha256_digest(&ctx, sizeof(sum), sum);
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(ret + 2 * i, 3, "%02x", sum[i]);
}

json_t *store_parcel_json(int dir, const char *path, size_t max, const char *digest,
			  char ret_digest[STORE_DIGEST_SIZE], struct err *err)
{
	char found[STORE_DIGEST_SIZE];
	struct buf text = { 0 };
	json_error_t why;
	json_t *o = NULL;

	if (read_file(dir, path, max, &text, err) < 0)
		goto out;
	digest_of(&text, found);
	if (digest && strcmp(digest, found)) {
		err_set(err, "'%.200s' has the digest sha256:%s: it is damaged or was changed",
			path, found);
		goto out;
	}
	o = json_loadb(buf_str(&text), text.len, JSON_REJECT_DUPLICATES, &why);
	if (!o)
		err_set(err, "'%.200s': line %d: %.160s", path, why.line, why.text);
	if (ret_digest)
		memcpy(ret_digest, found, sizeof(found));
out:
	buf_fini(&text);
	return o;
}

int store_parcel_check(struct store_parcel *p, const struct store_platform *host, struct err *err)
{
	const json_t *ids = json_object_get(json_object_get(p->config, "rootfs"), "diff_ids");
	const char *arch = store_json_text(p->config, "architecture"),
		   *os = store_json_text(p->config, "os");

	if (os && strcmp(os, "linux"))
		return err_set(err, "the image is for '%.32s', not for linux", os);
	if (!json_is_array(ids) || json_array_size(ids) != p->n_layers)
		return err_set(err, "the configuration names %zu layers, the image has %zu",
			       json_array_size(ids), p->n_layers);
	for (size_t i = 0; i < p->n_layers; i++) {
		const char *hex = store_digest_text(json_string_value(json_array_get(ids, i)), err);

		if (!hex)
			return err_wrap(err, "the configuration: layer %zu", i + 1);
		memcpy(p->layers[i].content, hex, STORE_DIGEST_SIZE);
	}
	if (arch && !store_platform_rank(p->config, host))
		p->note = xasprintf(
			"the image is for %.32s, this machine is %s%s%s: its programs may not run",
			arch, host->arch, *host->variant ? "/" : "", host->variant);
	return 0;
}
