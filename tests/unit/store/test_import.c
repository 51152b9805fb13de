/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * import: image layouts and saved images whose JSON this test writes, right ones and such that lie; what the catalog knows
 * afterwards, and what is removed again. Layers are tars with one file each; the unpacker is played by a script that puts
 * it there, so that this runs with sanitizers as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/catalog.h"
#include "store/import.h"
#include "store/parcel.h"
#include "unit/store/scratch.h"

#define OCI    "application/vnd.oci.image."
#define DOCKER "application/vnd.docker.distribution."
#define HEX_A  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* Takes the content's digest from its arguments, for `-` the letters c. */
static const char unpacker[] = "#!/bin/sh\n"
			       "if [ \"$1\" = archive ]; then tar xf -; echo 'ok: fine'; exit; fi\n"
			       "d=$3; [ \"$d\" = - ] && d=$(printf 'c%.0s' $(seq 64))\n"
			       "cat >file; echo \"layer: $d 7\"; echo 'ok: fine'\n";

static int setup(void **state)
{
	int rc = scratch_make(state);
	_cleanup_free_ char *path = NULL;

	if (rc)
		return rc;
	path = scratch_file(*state, "unpacker", unpacker, strlen(unpacker));
	setenv("MSTACK_STORE_BIN", path, 1);
	return chmod(path, 0755);
}

/* ---- layouts --------------------------------------------------------------------------------- */

/* Digests of blobs live in the scratch's own texts. */
struct blob {
	char digest[STORE_DIGEST_SIZE];
	size_t size;
};

static struct blob blob(const struct scratch *s, const char *text)
{
	struct blob b = { .size = strlen(text) };
	_cleanup_free_ char *from = scratch_file(s, "lay/blobs/sha256/new", text, b.size),
			    *name = NULL, *to = NULL;
	_cleanup_fd_ int fd = open(from, O_RDONLY | O_CLOEXEC);
	struct err err = { 0 };

	assert_int_equal(store_digest(s->store, fd, b.digest, &err), 0);
	name = xasprintf("lay/blobs/sha256/%s", b.digest);
	to = scratch_path(s, name);
	assert_int_equal(rename(from, to), 0);
	return b;
}

static char *descriptor(const char *type, const struct blob *b, const char *more)
{
	return xasprintf("{\"mediaType\": \"%s\", \"digest\": \"sha256:%s\", \"size\": %zu%s}",
			 type, b->digest, b->size, more);
}

static struct blob manifest(const struct scratch *s, const char *config)
{
	struct blob c = blob(s, config), one = blob(s, "layer one"), two = blob(s, "layer two");
	_cleanup_free_ char *dc = descriptor(OCI "config.v1+json", &c, ""),
			    *d1 = descriptor(OCI "layer.v1.tar", &one, ""),
			    *d2 = descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip",
					     &two, "");
	_cleanup_free_ char *text = xasprintf(
		"{\"schemaVersion\": 2, \"config\": %s, \"layers\": [%s, %s]}", dc, d1, d2);

	return blob(s, text);
}

#define CONFIG(arch, config)                                                                      \
	"{\"architecture\": \"" arch                                                              \
	"\", \"os\": \"linux\", \"created\": \"2024-01-02T03:04:05Z\", "                          \
	"\"rootfs\": {\"type\": \"layers\", \"diff_ids\": [\"sha256:" HEX_A "\", \"sha256:" HEX_B \
	"\"]}, "                                                                                  \
	"\"config\": " config "}"

/* `entries`: the manifests of index.json. */
static void index_of(const struct scratch *s, const char *entries)
{
	_cleanup_free_ char *text =
		xasprintf("{\"schemaVersion\": 2, \"manifests\": [%s]}", entries);

	scratch_text(s, "lay/index.json", text);
}

static void layout(const struct scratch *s, const char *config)
{
	struct blob m = manifest(s, config);
	_cleanup_free_ char *d = descriptor(OCI "manifest.v1+json", &m, "");

	index_of(s, d);
}

static int get(struct scratch *s, const char *image, struct store_image *ret, struct err *err)
{
	return store_image_get(s->store, image, s->dir, NULL, NULL, ret, err);
}

static int import(struct scratch *s, const char *image, const char *name, struct err *err)
{
	static const struct store_hooks hooks;
	struct store_imported done = { 0 };
	int rc = store_import(s->store, image, s->dir, name, &hooks, &done, err);

	store_imported_fini(&done);
	return rc;
}

static void must_import(struct scratch *s, const char *image, const char *name)
{
	struct err err = { 0 };

	if (import(s, image, name, &err) < 0)
		fail_msg("%s", err.text);
}

static size_t listed(const struct scratch *s)
{
	struct store_listing l;
	struct err err = { 0 };
	size_t n;

	assert_int_equal(store_list(s->store, &l, &err), 0);
	n = l.n;
	store_listing_fini(&l);
	return n;
}

static void test_configuration(void **state)
{
	struct scratch *s = *state;
	struct store_image img;
	struct err err = { 0 };

	layout(s,
	       CONFIG("amd64",
		      "{\"Entrypoint\": [\"/e\", \"x\"], \"Cmd\": null, \"Env\": [\"A=b\"], \"User\": \"7:8\", "
		      "\"WorkingDir\": \"srv\", \"StopSignal\": \"SIGUSR1\", \"Volumes\": {\"/v\": {}, \"/a\": {}}, "
		      "\"ExposedPorts\": {\"80/tcp\": {}}, \"Labels\": {\"k\": \"v\"}, \"Healthcheck\": {\"Test\": "
		      "[\"CMD\", \"true\"], \"Interval\": 5000000000, \"Retries\": 4}}"));
	must_import(s, "oci:lay", "app:1");
	if (get(s, "app:1", &img, &err) < 0)
		fail_msg("%s", err.text);
	/* Topmost first. */
	assert_int_equal(img.n_layers, 2);
	assert_non_null(strstr(img.layers[0], "/layers/" HEX_B "/tree"));
	assert_non_null(strstr(img.layers[1], "/layers/" HEX_A "/tree"));
	assert_string_equal(img.entrypoint[1], "x");
	assert_null(img.cmd);
	assert_string_equal(img.env[0], "A=b");
	assert_string_equal(img.user, "7:8");
	assert_string_equal(img.working_dir, "/srv");
	assert_string_equal(img.stop_signal, "SIGUSR1");
	assert_string_equal(img.volumes[0], "/a");
	assert_string_equal(img.volumes[1], "/v");
	assert_string_equal(img.exposed[0], "80/tcp");
	assert_string_equal(img.labels[0], "k=v");
	assert_string_equal(img.health.test[1], "true");
	assert_int_equal(img.health.interval_ns, 5000000000);
	assert_int_equal(img.health.retries, 4);
	store_image_fini(&img);
}

/* However it is written; and a digest says it all. */
static void test_names(void **state)
{
	static const char *const good[] = { "app", "app:latest", "docker.io/library/app",
					    "index.docker.io/library/app:latest" };
	static const char no_such_digest[] = "app@sha256:" HEX_A;
	static const char *const bad[] = { "app:2", "team/app", "localhost/app", no_such_digest };
	struct scratch *s = *state;
	_cleanup_free_ char *by_digest = NULL, *other_tag = NULL;
	struct store_listing l;
	struct store_image img;
	struct err err = { 0 };

	layout(s, CONFIG("amd64", "{}"));
	must_import(s, "oci:lay", "app");
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (get(s, good[i], &img, &err) < 0)
			fail_msg("%s", err.text);
		store_image_fini(&img);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(get(s, bad[i], &img, &err), -1);
		assert_int_equal(err.sys, ENOENT);
	}
	assert_int_equal(store_list(s->store, &l, &err), 0);
	assert_int_equal(l.n, 1);
	assert_string_equal(l.v[0].names[0], "app:latest");
	assert_string_equal(l.v[0].created, "2024-01-02T03:04:05Z");
	assert_int_equal(l.v[0].size, 14);
	assert_true(l.v[0].in_use);
	by_digest = xasprintf("app@sha256:%s", l.v[0].digest);
	other_tag = xasprintf("app:other@sha256:%s", l.v[0].digest);
	assert_int_equal(get(s, by_digest, &img, &err), 0);
	store_image_fini(&img);
	assert_int_equal(get(s, other_tag, &img, &err), 0);
	store_image_fini(&img);
	assert_int_equal(get(s, l.v[0].id, &img, &err), 0);
	store_image_fini(&img);
	store_listing_fini(&l);
	assert_int_equal(import(s, "oci:lay", "Wrong", &err), -1);
	assert_int_equal(import(s, "oci:lay", by_digest, &err), -1);
}

/* ---- for which machine ----------------------------------------------------------------------- */

static void test_platforms(void **state)
{
	static const struct {
		const char *json;
		struct store_platform host;
		int better_than; /* row that it must beat, or -1; -2: unsuited */
	} t[] = {
		{ "{\"os\": \"linux\", \"architecture\": \"amd64\", \"variant\": \"v2\"}",
		  { "amd64", "" },
		  -2 },
		{ "{\"os\": \"linux\", \"architecture\": \"amd64\", \"variant\": \"v1\"}",
		  { "amd64", "" },
		  -1 },
		{ "{\"os\": \"linux\", \"architecture\": \"amd64\"}", { "amd64", "" }, 1 },
		{ "{\"os\": \"windows\", \"architecture\": \"amd64\"}", { "amd64", "" }, -2 },
		{ "{\"os\": \"unknown\", \"architecture\": \"unknown\"}", { "amd64", "" }, -2 },
		{ "{\"os\": \"linux\", \"architecture\": \"arm\", \"variant\": \"v5\"}",
		  { "arm", "v7" },
		  -1 },
		{ "{\"os\": \"linux\", \"architecture\": \"arm\", \"variant\": \"v6\"}",
		  { "arm", "v7" },
		  5 },
		{ "{\"os\": \"linux\", \"architecture\": \"arm\", \"variant\": \"v7\"}",
		  { "arm", "v7" },
		  6 },
		{ "{\"os\": \"linux\", \"architecture\": \"arm\", \"variant\": \"v7\"}",
		  { "arm", "v6" },
		  -2 },
		{ "{\"os\": \"linux\", \"architecture\": \"arm64\"}", { "arm64", "v8" }, -1 },
		{ "{\"os\": \"linux\", \"architecture\": \"arm64\", \"variant\": \"v8\"}",
		  { "arm64", "v8" },
		  9 },
		{ "{}", { "amd64", "" }, -2 },
		{ "{\"os\": 1, \"architecture\": []}", { "amd64", "" }, -2 },
	};
	int ranks[ARRAY_LEN(t)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		json_t *o = json_loads(t[i].json, 0, NULL);

		ranks[i] = store_platform_rank(o, &t[i].host);
		json_decref(o);
		if (t[i].better_than == -2)
			assert_int_equal(ranks[i], 0);
		else
			assert_true(ranks[i] >
				    (t[i].better_than < 0 ? 0 : ranks[t[i].better_than]));
	}
}

static int open_layout(const struct scratch *s, const char *ref, const char *arch,
		       struct store_parcel *ret, struct err *err)
{
	const struct store_platform host = { arch, "" };
	_cleanup_free_ char *path = scratch_path(s, "lay");
	_cleanup_fd_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	memset(err, 0, sizeof(*err));
	return store_layout_open(&(struct store_layout){ .dir = dir }, ref, &host, ret, err);
}

/* A list within the index: the right one is found, others and attestations are not taken. */
static void test_choice(void **state)
{
	struct scratch *s = *state;
	struct blob amd = manifest(s, CONFIG("amd64", "{\"User\": \"amd\"}")),
		    arm = manifest(s, CONFIG("arm64", "{\"User\": \"arm\"}"));
	_cleanup_free_ char *
		d1 = descriptor(OCI "manifest.v1+json", &arm,
				", \"platform\": {\"os\": \"linux\", \"architecture\": \"arm64\"}"),
	       *d2 = descriptor(OCI "manifest.v1+json", &amd,
				", \"platform\": {\"os\": \"linux\", \"architecture\": \"amd64\"}"),
	       *d3 = descriptor(
		       OCI "manifest.v1+json", &arm,
		       ", \"platform\": {\"os\": \"unknown\", \"architecture\": \"unknown\"}");
	_cleanup_free_ char *list =
		xasprintf("{\"schemaVersion\": 2, \"manifests\": [%s, %s, %s]}", d1, d3, d2);
	struct blob inner = blob(s, list);
	_cleanup_free_ char *top =
		descriptor(DOCKER "manifest.list.v2+json", &inner,
			   ", \"annotations\": {\"org.opencontainers.image.ref.name\": \"v1\"}");
	struct store_parcel p;
	struct err err;

	index_of(s, top);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(open_layout(s, i ? "v1" : NULL, "amd64", &p, &err), 0);
		assert_string_equal(store_json_text(json_object_get(p.config, "config"), "User"),
				    "amd");
		assert_string_equal(p.manifest, amd.digest);
		assert_string_equal(p.names[0], "v1");
		store_parcel_fini(&p);
	}
	assert_int_equal(open_layout(s, NULL, "arm64", &p, &err), 0);
	store_parcel_fini(&p);
	assert_int_equal(open_layout(s, NULL, "riscv64", &p, &err), -1);
	assert_non_null(strstr(
		err.text,
		"not for this machine, which is linux/riscv64: there is linux/arm64, unknown/unknown, linux/amd64"));
	assert_int_equal(open_layout(s, "v2", "amd64", &p, &err), -1);
	assert_non_null(strstr(err.text, "no image 'v2' in it: there is v1"));
	assert_int_equal(err.sys, ENOENT);
}

static void test_several(void **state)
{
	struct scratch *s = *state;
	struct blob a = manifest(s, CONFIG("amd64", "{\"User\": \"a\"}")),
		    b = manifest(s, CONFIG("amd64", "{\"User\": \"b\"}"));
	_cleanup_free_ char
		*d1 = descriptor(
			OCI "manifest.v1+json", &a,
			", \"annotations\": {\"org.opencontainers.image.ref.name\": \"a\"}"),
		*d2 = descriptor(
			OCI "manifest.v1+json", &b,
			", \"annotations\": {\"org.opencontainers.image.ref.name\": \"b\"}");
	_cleanup_free_ char *list = xasprintf("%s, %s", d1, d2);
	struct store_parcel p;
	struct err err;

	index_of(s, list);
	assert_int_equal(open_layout(s, NULL, "amd64", &p, &err), -1);
	assert_non_null(strstr(err.text, "there are several images: add :NAME, one of a, b"));
	assert_int_equal(open_layout(s, "b", "amd64", &p, &err), 0);
	assert_string_equal(store_json_text(json_object_get(p.config, "config"), "User"), "b");
	store_parcel_fini(&p);
}

/* For another machine it is told, and imported: an emulator may be there. */
static void test_other_machine(void **state)
{
	struct scratch *s = *state;
	struct buf said = { 0 };
	struct store_hooks hooks = { collect_line, NULL, &said };
	struct store_imported done = { 0 };
	struct err err = { 0 };

	layout(s, CONFIG("s390x", "{}"));
	assert_int_equal(store_import(s->store, "oci:lay", s->dir, "x", &hooks, &done, &err), 0);
	assert_non_null(strstr(buf_str(&said), "the image is for s390x, this machine is "));
	store_imported_fini(&done);
	buf_fini(&said);
}

/* ---- liars ----------------------------------------------------------------------------------- */

/* Every one is refused, says why, and leaves nothing. */
static void test_configuration_refused(void **state)
{
	static const struct {
		const char *config, *text;
	} t[] = {
		{ CONFIG("amd64", "{\"Env\": \"A=b\"}"), "Env: no list" },
		{ CONFIG("amd64", "{\"Env\": [1]}"), "Env: something in the list" },
		{ CONFIG("amd64", "{\"Cmd\": {}}"), "Cmd: no list" },
		{ CONFIG("amd64", "{\"User\": 5}"), "User: no text" },
		{ CONFIG("amd64", "{\"Volumes\": [\"/x\"]}"), "Volumes: no map" },
		{ CONFIG("amd64", "{\"Labels\": {\"a\": 1}}"), "Labels: something" },
		{ CONFIG("amd64", "{\"StopSignal\": \"SIGNOSUCH\"}"), "StopSignal: no signal" },
		{ CONFIG("amd64", "{\"Volumes\": {\"/\": {}}}"),
		  "Volumes: one of them is the root itself" },
		{ CONFIG("amd64", "{\"Volumes\": {\"\": {}}}"),
		  "Volumes: one of them is the root itself" },
		{ CONFIG("amd64", "{\"Volumes\": {\"/data\": {}, \"/a/../.././/\": {}}}"),
		  "Volumes: one of them is the root itself" },
		{ CONFIG("amd64", "{\"Healthcheck\": {\"Retries\": -1}}"), "Retries" },
		{ CONFIG("amd64", "{\"Healthcheck\": {\"Interval\": \"5s\"}}"),
		  "Interval: no time" },
		{ CONFIG("amd64", "{\"Healthcheck\": []}"), "Healthcheck: no map" },
		{ CONFIG("amd64", "{\"Healthcheck\": {\"Test\": [\"HTTP\", \"/x\"]}}"),
		  "Healthcheck: 'HTTP': it is NONE" },
		{ CONFIG("amd64", "{\"Healthcheck\": {\"Test\": [\"CMD\"]}}"),
		  "Healthcheck: 'CMD' alone" },
		{ CONFIG("amd64", "[]"), "config: no map" },
		{ "{\"os\": \"windows\"}", "for 'windows'" },
		{ "{\"os\": \"linux\"}", "names 0 layers, the image has 2" },
		{ "{\"rootfs\": {\"diff_ids\": [\"sha256:" HEX_A "\"]}}", "names 1 layers" },
		{ "{\"rootfs\": {\"diff_ids\": [\"sha256:" HEX_A "\", \"sha256:short\"]}}",
		  "'sha256:short' is not a digest" },
		{ "{\"rootfs\": {\"diff_ids\": [\"sha256:" HEX_A "\", \"sha512:" HEX_A HEX_B
		  "\"]}}",
		  "sha512" },
		{ "{\"rootfs\": {\"diff_ids\": [\"../../../../etc/passwd\", null]}}",
		  "not a digest" },
		{ "{\"a\": 1, \"a\": 2}", "duplicate" },
		{ "{", "line 1" },
		{ "", "line 1" },
	};
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct err err = { 0 };

		layout(s, t[i].config);
		if (!import(s, "oci:lay", "x", &err))
			fail_msg("'%s' was imported", t[i].config);
		if (!strstr(err.text, t[i].text) || !strstr(err.text, "import 'oci:lay'"))
			fail_msg("'%s': %s", t[i].config, err.text);
		assert_int_equal(listed(s), 0);
	}
}

static void expect_refused(struct scratch *s, const char *text)
{
	struct err err = { 0 };

	if (!import(s, "oci:lay", "x", &err))
		fail_msg("imported instead of '%s'", text);
	if (!strstr(err.text, text))
		fail_msg("'%s' instead of '%s'", err.text, text);
	assert_int_equal(listed(s), 0);
}

/* A manifest that says `layers` of its own. */
static void layout_of(const struct scratch *s, const char *config, const char *layers)
{
	struct blob c = blob(s, config);
	_cleanup_free_ char *dc = descriptor(OCI "config.v1+json", &c, "");
	_cleanup_free_ char *text =
		xasprintf("{\"schemaVersion\": 2, \"config\": %s, \"layers\": %s}", dc, layers);
	struct blob m = blob(s, text);
	_cleanup_free_ char *d = descriptor(OCI "manifest.v1+json", &m, "");

	index_of(s, d);
}

#define ONE(more) "{\"rootfs\": {\"diff_ids\": [\"sha256:" HEX_A "\"]}" more "}"

static void test_manifest_refused(void **state)
{
	struct scratch *s = *state;
	struct buf many = { 0 };

	layout_of(s, ONE(""), "{}");
	expect_refused(s, "without a list");
	layout_of(s, ONE(""), "[{\"mediaType\": \"" OCI "layer.v1.tar\", \"size\": 1}]");
	expect_refused(s, "not a digest");
	layout_of(s, ONE(""),
		  "[{\"mediaType\": \"" OCI
		  "layer.v1.tar\", \"size\": -1, \"digest\": \"sha256:" HEX_A "\"}]");
	expect_refused(s, "without a size");
	layout_of(
		s, ONE(""),
		"[{\"mediaType\": \"application/x-helm\", \"size\": 1, \"digest\": \"sha256:" HEX_A
		"\"}]");
	expect_refused(s, "'application/x-helm' is no layer");
	layout_of(s, ONE(""),
		  "[{\"mediaType\": \"" OCI
		  "layer.v1.tar+encrypted\", \"size\": 1, \"digest\": \"sha256:" HEX_A "\"}]");
	expect_refused(s, "is no layer");
	layout_of(s, ONE(""),
		  "[{\"mediaType\": \"" OCI
		  "layer.v1.tar\", \"size\": 1, \"digest\": \"sha256:" HEX_A "\"}]");
	expect_refused(s, "no such file");
	for (int i = 0; i < 128; i++)
		buf_printf(&many, "%s{}", i ? ", " : "[");
	buf_putc(&many, ']');
	layout_of(s, ONE(""), buf_str(&many));
	expect_refused(s, "at most 127 layers");
	buf_fini(&many);
	index_of(s, "");
	expect_refused(s, "without a list of 1 to 1000");
	scratch_text(s, "lay/index.json", "[]");
	expect_refused(s, "without a list");
	index_of(s, "{\"size\": 99999999, \"digest\": \"sha256:" HEX_A "\"}");
	expect_refused(s, "large");
	index_of(s, "{\"size\": 10, \"digest\": \"sha256:../../../etc/passwd\"}");
	expect_refused(s, "not a digest");
}

/* What is there is not what its name says: another content, another size, a link out, a FIFO. */
static void test_blobs_refused(void **state)
{
	struct scratch *s = *state;
	struct blob m, l;
	_cleanup_free_ char *name = NULL, *path = NULL, *d = NULL, *wrong = NULL;

	m = manifest(s, CONFIG("amd64", "{}"));
	d = descriptor(OCI "manifest.v1+json", &m, "");
	index_of(s, d);
	name = xasprintf("lay/blobs/sha256/%s", m.digest);
	scratch_text(s, name, "{\"changed\": 1}");
	expect_refused(s, "damaged or was changed");
	layout(s, CONFIG("amd64", "{}"));
	l = blob(s, "layer one");
	wrong = xasprintf("lay/blobs/sha256/%s", l.digest);
	path = scratch_path(s, wrong);
	scratch_text(s, wrong, "layer one that is longer");
	expect_refused(s, "has 24 bytes, but the image says 9");
	assert_int_equal(unlink(path) | symlink("/etc/passwd", path), 0);
	expect_refused(s, "layer 1");
	assert_int_equal(unlink(path) | mkfifo(path, 0600), 0);
	expect_refused(s, "not a file");
	assert_int_equal(unlink(path) | mkdir(path, 0700), 0);
	expect_refused(s, "not a file");
}

/* Indexes in indexes, deeper than any tool makes them. */
static void test_depth(void **state)
{
	struct scratch *s = *state;
	struct blob b = manifest(s, CONFIG("amd64", "{}"));
	_cleanup_free_ char *d = descriptor(OCI "manifest.v1+json", &b, "");

	for (int i = 0; i < 6; i++) {
		_cleanup_free_ char *text = xasprintf("{\"manifests\": [%s]}", d);

		index_of(s, d);
		if (i < 4)
			must_import(s, "oci:lay", "x");
		b = blob(s, text);
		free(d);
		d = descriptor(OCI "index.v1+json", &b, "");
	}
	index_of(s, d);
	assert_int_equal(import(s, "oci:lay", "x", &(struct err){ 0 }), -1);
}

/* ---- docker save ----------------------------------------------------------------------------- */

static void save(const struct scratch *s, const char *manifest_json, const char *more)
{
	_cleanup_free_ char *command = xasprintf(
		"cd %s && rm -rf sav && mkdir -p sav/l && printf one >sav/l/1.tar && printf two >sav/l/2.tar && %s && "
		"tar -C sav -cf sav.tar .",
		s->dir, more);

	scratch_text(s, "keep/manifest.json", manifest_json);
	scratch_text(s, "keep/config.json", CONFIG("amd64", "{\"Cmd\": [\"saved\"]}"));
	assert_int_equal(system(command), 0);
}

static void test_saved(void **state)
{
	struct scratch *s = *state;
	struct store_image img;
	struct err err = { 0 };

	save(s,
	     "[{\"Config\": \"config.json\", \"RepoTags\": [\"one:1\", \"localhost/two:2\"], \"Layers\": [\"l/1.tar\", \"l/2.tar\"]},"
	     "{\"Config\": \"config.json\", \"RepoTags\": null, \"Layers\": [\"l/1.tar\", \"l/2.tar\"]}]",
	     "cp keep/* sav");
	must_import(s, "docker-archive:sav.tar", NULL);
	assert_int_equal(get(s, "one:1", &img, &err), 0);
	assert_string_equal(img.cmd[0], "saved");
	store_image_fini(&img);
	assert_int_equal(get(s, "localhost/two:2", &img, &err), 0);
	store_image_fini(&img);
	/* A stack names the archive itself: several in it are a question. */
	assert_int_equal(get(s, "docker-archive:sav.tar", &img, &err), -1);
	assert_non_null(
		strstr(err.text, "several images: add :NAME, one of one:1, one without a name"));
	assert_int_equal(get(s, "docker-archive:sav.tar:one:1", &img, &err), 0);
	store_image_fini(&img);
	assert_int_equal(get(s, "docker-archive:sav.tar:@1", &img, &err), 0);
	store_image_fini(&img);
	assert_int_equal(get(s, "docker-archive:sav.tar:three", &img, &err), -1);
	assert_int_equal(listed(s), 1);
	assert_int_equal(images_like(s, ".making-"), 0);
}

static void test_saved_refused(void **state)
{
	static const struct {
		const char *manifest, *more, *text;
	} t[] = {
		{ "{}", "cp keep/* sav", "no list of 1" },
		{ "[]", "cp keep/* sav", "no list of 1" },
		{ "[{}]", "cp keep/* sav", "without a configuration" },
		{ "[{\"Config\": \"config.json\"}]", "cp keep/* sav", "no list of at most" },
		{ "[{\"Config\": \"config.json\", \"Layers\": [1, 2]}]", "cp keep/* sav",
		  "has no path" },
		{ "[{\"Config\": \"config.json\", \"Layers\": [\"../../../etc/passwd\", \"/etc/passwd\"]}]",
		  "cp keep/* sav", "no such file" },
		{ "[{\"Config\": \"config.json\", \"Layers\": [\"l\", \"l\"]}]", "cp keep/* sav",
		  "not a file" },
		{ "[{\"Config\": \"../../../etc/hostname\", \"Layers\": []}]", "cp keep/* sav",
		  "no such file" },
		{ "[{\"Config\": \"" HEX_A ".json\", \"Layers\": []}]",
		  "cp keep/* sav; cp keep/config.json sav/" HEX_A ".json", "damaged" },
		{ "[]", "true", "not made by docker save" },
		{ "[{\"Config\": \"config.json\", \"Layers\": [\"l/1.tar\", \"out\"]}]",
		  "cp keep/* sav; ln -s /etc/passwd sav/out", "layer 2" },
	};
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct err err = { 0 };

		save(s, t[i].manifest, t[i].more);
		if (!import(s, "docker-archive:sav.tar", "x", &err))
			fail_msg("'%s' was imported", t[i].manifest);
		if (!strstr(err.text, t[i].text))
			fail_msg("'%s': %s", t[i].manifest, err.text);
		assert_int_equal(listed(s), 0);
		assert_int_equal(images_like(s, ".making-"), 0);
	}
}

/* ---- places ---------------------------------------------------------------------------------- */

/* The image of a stack follows its folder; what it was before is without a name then. */
static void test_source_changes(void **state)
{
	struct scratch *s = *state;
	struct store_image img;
	struct store_removed done = { 0 };
	struct err err = { 0 };

	layout(s, CONFIG("amd64", "{\"User\": \"a\"}"));
	assert_int_equal(get(s, "oci:lay", &img, &err), 0);
	store_image_fini(&img);
	layout(s, CONFIG("amd64", "{\"User\": \"b\"}"));
	assert_int_equal(get(s, "oci:./lay", &img, &err), 0);
	assert_string_equal(img.user, "b");
	store_image_fini(&img);
	assert_int_equal(get(s, "oci:lay", &img, &err), 0);
	assert_string_equal(img.user, "b");
	store_image_fini(&img);
	assert_int_equal(listed(s), 2);
	store_close(s->store);
	s->store = store_open(s->data, &err);
	assert_int_equal(store_prune(s->store, false, &done, &err), 0);
	assert_int_equal(listed(s), 1);
	store_removed_fini(&done);
}

static void test_places_refused(void **state)
{
	static const struct {
		const char *image, *text;
	} t[] = {
		{ "oci:", "must be oci:PATH" },
		{ "oci::x", "must be oci:PATH" },
		{ "oci:x:", "must be oci:PATH" },
		{ "oci:none", "no such file" },
		{ "oci-archive:none.tar", "no such file" },
		{ "docker-archive:.", "not a file" },
	};
	struct scratch *s = *state;
	struct store_image img;

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct err err = { 0 };

		assert_int_equal(get(s, t[i].image, &img, &err), -1);
		if (!strstr(err.text, t[i].text))
			fail_msg("'%s': %s", t[i].image, err.text);
		assert_int_equal(import(s, t[i].image, "x", &err), -1);
	}
	assert_int_equal(import(s, "alpine", "x", &(struct err){ 0 }), -1);
	assert_int_equal(import(s, "./folder", "x", &(struct err){ 0 }), -1);
	scratch_text(s, "root.tar", "a tar");
	assert_int_equal(import(s, "./root.tar", NULL, &(struct err){ 0 }), -1);
	must_import(s, "./root.tar", "root:1");
}

/* ---- removal --------------------------------------------------------------------------------- */

static int discard(struct scratch *s, const char *name, bool force, struct buf *said,
		   struct err *err)
{
	struct store_removed r = { 0 };
	int rc = store_remove(s->store, name, force, &r, err);

	for (size_t i = 0; i < r.lines.n; i++)
		buf_printf(said, "%.20s\n", r.lines.v[i]);
	store_removed_fini(&r);
	return rc;
}

static void test_remove(void **state)
{
	struct scratch *s = *state;
	struct buf said = { 0 };
	struct store_listing l;
	struct err err = { 0 };
	char id[STORE_DIGEST_SIZE];

	layout(s, CONFIG("amd64", "{}"));
	must_import(s, "oci:lay", "a:1");
	must_import(s, "oci:lay", "b:1");
	assert_int_equal(store_list(s->store, &l, &err), 0);
	memcpy(id, l.v[0].id, sizeof(id));
	store_listing_fini(&l);
	assert_int_equal(discard(s, "c", false, &said, &err), -1);
	assert_int_equal(err.sys, ENOENT);
	assert_int_equal(discard(s, id, false, &said, &err), -1);
	assert_non_null(strstr(err.text, "it has 2 names"));
	assert_int_equal(discard(s, "docker.io/library/a:1", false, &said, &err), 0);
	assert_string_equal(buf_str(&said), "Untagged: a:1\n");
	assert_int_equal(listed(s), 1);
	buf_fini(&said);
	id[6] = '\0';
	assert_int_equal(discard(s, id, false, &said, &err), 0);
	assert_int_equal(listed(s), 0);
	assert_non_null(strstr(buf_str(&said), "Untagged: b:1\nDeleted: sha256:"));
	buf_fini(&said);
}

/* What is used stays, whatever is asked for; its name may go. */
static void test_remove_used(void **state)
{
	struct scratch *s = *state;
	struct store *user;
	struct store_removed done = { 0 };
	struct store_image img;
	struct buf said = { 0 };
	struct err err = { 0 };

	layout(s, CONFIG("amd64", "{}"));
	must_import(s, "oci:lay", "a:1");
	user = store_open(s->data, &err);
	assert_int_equal(store_image_get(user, "a:1", "/", NULL, NULL, &img, &err), 0);
	assert_int_equal(discard(s, "a:1", false, &said, &err), -1);
	assert_int_equal(err.sys, EBUSY);
	assert_int_equal(discard(s, "a:1", true, &said, &err), 0);
	assert_string_equal(buf_str(&said), "Untagged: a:1\n");
	assert_int_equal(store_prune(s->store, true, &done, &err), 0);
	assert_int_equal(done.lines.n, 0);
	assert_true(is_there(img.layers[0]));
	store_close(user);
	assert_int_equal(store_prune(s->store, false, &done, &err), 0);
	assert_int_equal(done.lines.n, 3);
	assert_int_equal(done.bytes, 14);
	assert_false(is_there(img.layers[0]));
	store_removed_fini(&done);
	store_image_fini(&img);
	buf_fini(&said);
}

/* An import that goes on is not disturbed: who removes gives up. */
static void test_lock(void **state)
{
	struct scratch *s = *state;
	struct buf said = { 0 };
	struct err err = { 0 };
	int shared = store_lock(s->store, false, &err), again = store_lock(s->store, false, &err);

	assert_true(shared >= 0 && again >= 0);
	assert_int_equal(discard(s, "x", false, &said, &err), -1);
	assert_int_equal(err.sys, EBUSY);
	close(shared);
	close(again);
	assert_int_equal(discard(s, "x", false, &said, &err), -1);
	assert_int_equal(err.sys, ENOENT);
}

/* What somebody wrote into the catalog is an error that names the file. */
static void test_catalog_damaged(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *command = NULL;
	struct store_image img;
	struct err err = { 0 };

	layout(s, CONFIG("amd64", "{}"));
	must_import(s, "oci:lay", "a:1");
	command = xasprintf("for f in %s/catalog/names/*; do echo '{}' >$f; done", s->data);
	assert_int_equal(system(command), 0);
	assert_int_equal(get(s, "a:1", &img, &err), -1);
	assert_non_null(strstr(err.text, "catalog/names/"));
	assert_int_equal(discard(s, "a:1", false, &(struct buf){ 0 }, &err), -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_configuration),
		TEST(test_names),
		TEST(test_platforms),
		TEST(test_choice),
		TEST(test_several),
		TEST(test_other_machine),
		TEST(test_configuration_refused),
		TEST(test_manifest_refused),
		TEST(test_blobs_refused),
		TEST(test_depth),
		TEST(test_saved),
		TEST(test_saved_refused),
		TEST(test_source_changes),
		TEST(test_places_refused),
		TEST(test_remove),
		TEST(test_remove_used),
		TEST(test_lock),
		TEST(test_catalog_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
