/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any JSON as that of an image. The input has three parts with a NUL between them: an index or the
 * manifest.json of a saved image; the list of layers of a manifest; a configuration. What the digests would keep out is
 * brought in under the right ones. Build with clang -fsanitize=fuzzer,address,undefined and the rooms store, ledger
 * and base.
 */
#include <assert.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "store/catalog.h"
#include "store/parcel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/dev/shm/mstack-fuzz-XXXXXX";

static void remove_folder(void)
{
	path_remove_tree(AT_FDCWD, folder);
}

/* The folder that all inputs are put into, made with the first. */
static int open_folder(void)
{
	static int dir = -1;

	if (dir >= 0)
		return dir;
	assert(mkdtemp(folder));
	atexit(remove_folder);
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(dir >= 0 && !path_mkdirs(dir, "blobs/sha256", 0700));
	return dir;
}

static void put(int dir, const char *path, const void *data, size_t len)
{
	_cleanup_fd_ int fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert(fd >= 0 && !fd_write_all(fd, data, len));
}

/* Makes the blob, and returns its path; the caller frees. */
static char *put_blob(int dir, const char *text, size_t len, char ret_digest[STORE_DIGEST_SIZE])
{
	uint8_t sum[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;
	char *path;

	sha256_init(&ctx);
	sha256_update(&ctx, len, (const uint8_t *)text);
	sha256_digest(&ctx, sizeof(sum), sum);
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(ret_digest + 2 * i, 3, "%02x", sum[i]);
	path = xasprintf("blobs/sha256/%s", ret_digest);
	put(dir, path, text, len);
	return path;
}

static void check_record(struct store_parcel *p)
{
	json_t *record = json_pack("{s:O}", "image", p->config);
	struct store_image img = { 0 };
	struct err err = { 0 };

	assert(p->n_layers <= PARCEL_LAYERS_MAX && store_is_digest(p->id));
	for (size_t i = 0; i < p->n_layers; i++)
		assert(store_is_digest(p->layers[i].content) && p->paths[i]);
	if (!store_config_read(record, &img, &err))
		assert(!img.working_dir || *img.working_dir == '/');
	store_image_fini(&img);
	json_decref(record);
	store_parcel_fini(p);
}

static void open_all(int dir)
{
	static const struct store_platform host = { "amd64", "" };
	const struct store_layout layout = { .dir = dir };
	struct store_parcel p = { 0 };
	struct err err = { 0 };
	size_t n;

	if (!store_layout_open(&layout, NULL, &host, &p, &err))
		check_record(&p);
	if (!store_layout_open(&layout, "v1", &host, &p, &err))
		check_record(&p);
	if (!store_saved_open(dir, NULL, &host, &p, &n, &err))
		check_record(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = xcalloc(1, size + 3), *manifest = NULL, *index = NULL,
			    *one = NULL, *two = NULL;
	const char *first = memcpy(text, data, size), *layers = first + strlen(first) + 1;
	const char *config = layers < text + size ? layers + strlen(layers) + 1 : text + size;
	char digest[STORE_DIGEST_SIZE];
	int dir = open_folder();

	layers = layers < text + size ? layers : "[]";
	put(dir, "index.json", first, strlen(first));
	put(dir, "manifest.json", first, strlen(first));
	put(dir, "c", config, strlen(config));
	open_all(dir);
	one = put_blob(dir, config, strlen(config), digest);
	manifest = xasprintf(
		"{\"config\": {\"digest\": \"sha256:%s\", \"size\": %zu}, \"layers\": %s}", digest,
		strlen(config), layers);
	two = put_blob(dir, manifest, strlen(manifest), digest);
	index = xasprintf("{\"manifests\": [{\"digest\": \"sha256:%s\", \"size\": %zu}]}", digest,
			  strlen(manifest));
	put(dir, "index.json", index, strlen(index));
	open_all(dir);
	unlinkat(dir, one, 0);
	unlinkat(dir, two, 0);
	return 0;
}
