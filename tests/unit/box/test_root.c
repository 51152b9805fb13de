/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of a container's root: layers, upper layers, volumes, covers, hostile images.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/box/rig.h"

/* argv of every spec here; `run` and the tests put the script in. */
static const char *script[] = { "sh", "-c", "true", NULL };

static const char *run(struct rig *r, struct box_slot *s, const struct box_spec *spec,
		       const char *text)
{
	const char *out;
	int status;

	script[2] = text;
	out = rig_run(r, s, spec, &status);
	if (status)
		fail_msg("'%s': status %x: %s", text, status, out);
	return out;
}

static void put(const char *name, const char *text)
{
	assert_int_equal(file_replace(AT_FDCWD, rig_path(name), text, strlen(text), 0644), 0);
}

static void link_in_image(const char *name, const char *target)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", rig_path(RIG_IMAGE), name);
	(void)!unlink(path);
	assert_int_equal(symlink(target, path), 0);
}

static struct box_slot *slot_with_size(struct rig *r, bool tmp_upper, int64_t size)
{
	struct box_slot_spec slot = { .name = "web-1",
				      .tmp_upper = tmp_upper,
				      .tmp_upper_size = size };
	struct box_slot *s = box_slot_open(r->rt, &slot, NULL);

	rig_wait(r, BOX_SLOT_READY);
	return s;
}

/* ---- layers ---------------------------------------------------------------------------------- */

static void test_tmpfs_upper(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = slot_with_size(r, true, 1 << 20);
	struct box_spec spec = rig_spec(script, rig_pipe());

	run(r, s, &spec, "echo one >/data; rm /bin/yes");
	assert_string_equal(run(r, s, &spec, "cat /data; ls /bin/yes 2>/dev/null || echo none"),
			    "one\nnone\n");
	/* It is full at its size, and a start still works then. */
	run(r, s, &spec, "! dd if=/dev/zero of=/big bs=64k count=64 2>/dev/null");
	assert_string_equal(run(r, s, &spec, "echo still here"), "still here\n");
	assert_int_equal(access(rig_path(RIG_IMAGE "/data"), F_OK), -1);
}

static void test_disk_upper(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = slot_with_size(r, false, 0);
	struct box_spec spec = rig_spec(script, rig_pipe());
	_cleanup_free_ char *upper = xstrdup(rig_path("disk/up,per:1"));
	_cleanup_free_ char *work = xstrdup(rig_path("disk/work"));

	mkdir(rig_path("disk"), 0755);
	mkdir(upper, 0755);
	mkdir(work, 0755);
	spec.upper = upper;
	spec.work = work;
	run(r, s, &spec, "echo one >/data");
	assert_string_equal(run(r, s, &spec, "cat /data; grep -c volatile /proc/mounts"),
			    "one\n1\n");
	assert_int_equal(access(rig_path("disk/up,per:1/data"), F_OK), 0);
}

static void test_many_layers(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	struct box_spec spec = rig_spec(script, rig_pipe());
	char paths[40][64], name[64];
	const char *lower[41];

	for (size_t i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "layer-%zu", i);
		snprintf(paths[i], sizeof(paths[i]), "%s", rig_path(name));
		mkdir(paths[i], 0755);
		lower[i] = paths[i];
		snprintf(name, sizeof(name), "layer-%zu/top", i);
		put(name, i ? "lower" : "upper");
	}
	lower[40] = spec.lower[0];
	spec.lower = lower;
	spec.n_lower = ARRAY_LEN(lower);
	assert_string_equal(run(r, s, &spec, "cat /top"), "upper");
}

static void test_bad_layers(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	struct box_spec spec = rig_spec(script, rig_pipe());
	const char *const lower[] = { "/no/such/layer" };

	spec.lower = lower;
	assert_string_equal(rig_fail(r, s, &spec)->text,
			    "open layers and volumes: '/no/such/layer': no such file or directory");
	spec.n_lower = 0;
	assert_string_equal(rig_fail(r, s, &spec)->text, "0 layers: an image has 1 to 500");
	spec.n_lower = 1;
	spec.upper = "/x/upper";
	assert_string_equal(rig_fail(r, s, &spec)->text,
			    "upper layer '/x/upper': no work folder beside it");
}

static void test_host_root(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	struct box_spec spec = rig_spec(script, rig_pipe());
	const char *const lower[] = { "/" };
	const char *const covers[] = { "/var/lib", "/etc/hostname", "/no/such", NULL };
	char text[400];

	spec.lower = lower;
	spec.host_root = true;
	spec.covers = covers;
	/* A mount of the host's is not to be seen: the files of this test are in one. */
	snprintf(
		text, sizeof(text),
		"ls -A /root /home /var/lib; wc -c </etc/hostname; touch /root/x 2>/dev/null || echo ro; "
		"ls %s; echo >/made; ls /bin/busybox",
		rig_path(""));
	assert_string_equal(run(r, s, &spec, text),
			    "/home:\n\n/root:\n\n/var/lib:\n0\nro\n/bin/busybox\n");
	assert_int_equal(access("/made", F_OK), -1);
}

static void test_nothing_on_the_host(void **state)
{
	struct rig *r = *state;
	_cleanup_(buf_fini) struct buf before = { 0 }, during = { 0 };
	struct box_slot *s = rig_slot(r, "web-1");
	struct box_spec spec = rig_spec(script, rig_pipe());

	script[2] = "sleep 60";
	file_read(AT_FDCWD, "/proc/self/mounts", 1 << 20, &before);
	box_start(s, &spec, true, NULL);
	rig_wait(r, BOX_STARTED);
	file_read(AT_FDCWD, "/proc/self/mounts", 1 << 20, &during);
	assert_string_equal(buf_str(&before), buf_str(&during));
}

/* ---- volumes --------------------------------------------------------------------------------- */

static void test_read_only(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	struct box_mount tmp = {
		.type = BOX_TMPFS, .target = "/scratch", .size = 1 << 20, .mode = 0750
	};
	struct box_spec spec = rig_spec(script, rig_pipe());

	spec.read_only = true;
	spec.mounts = &tmp;
	spec.n_mounts = 1;
	spec.cwd = "/made/for/this";
	assert_string_equal(run(r, s, &spec,
				"touch /x 2>/dev/null || echo ro; touch /scratch/x && pwd; "
				"stat -c %a /scratch; df -k /scratch | grep -c 1024"),
			    "ro\n/made/for/this\n750\n1\n");
}

static void test_volumes(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	struct box_spec spec = rig_spec(script, rig_pipe());
	_cleanup_free_ char *folder = xstrdup(rig_path("host")),
			    *file = xstrdup(rig_path("host/file"));
	const struct box_mount mounts[] = {
		{ .source = folder, .target = "/data/rw" },
		{ .source = folder, .target = "/data/ro", .read_only = true },
		{ .source = file, .target = "/etc/new/file" },
		{ .source = file, .target = "/plain", .read_only = true },
	};

	mkdir(folder, 0755);
	put("host/file", "content\n");
	put(RIG_IMAGE "/plain", "of the image");
	spec.mounts = mounts;
	spec.n_mounts = ARRAY_LEN(mounts);
	assert_string_equal(run(r, s, &spec,
				"cat /data/ro/file /etc/new/file /plain; echo more >/data/rw/more; "
				"touch /data/ro/x 2>/dev/null || echo ro"),
			    "content\ncontent\ncontent\nro\n");
	assert_int_equal(access(rig_path("host/more"), F_OK), 0);
	/* The image is as it was. */
	assert_int_equal(access(rig_path(RIG_IMAGE "/data"), F_OK), -1);
}

static void test_shared_memory(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	struct box_spec spec = rig_spec(script, rig_pipe());
	struct box_mount mount = { .type = BOX_TMPFS, .target = "/dev/shm", .size = 3 << 20 };

	spec.shm_size = 5 << 20;
	assert_string_equal(run(r, s, &spec, "df -k /dev/shm | grep -c 5120"), "1\n");
	spec.mounts = &mount;
	spec.n_mounts = 1;
	assert_string_equal(run(r, s, &spec, "df -k /dev/shm | grep -c 3072"), "1\n");
}

/* ---- hostile images -------------------------------------------------------------------------- */

#define KERNELS	 ": /proc and /sys are the kernel's"
#define STANDARD ": it would replace a standard device"

static const struct {
	const char *target, *text;
} refused[] = {
	{ "/proc", "refused to mount on '/proc'" KERNELS },
	{ "/proc/sys", "refused to mount on '/proc/sys'" KERNELS },
	{ "/sys/fs", "refused to mount on '/sys/fs'" KERNELS },
	{ "/dev", "refused to mount on '/dev': /dev is made by mstack" },
	{ "/dev/null", "refused to mount on '/dev/null'" STANDARD },
	{ "/dev/pts", "refused to mount on '/dev/pts'" STANDARD },
	{ "/", "refused to mount on '/': it is the root itself" },
	{ "/evil/sys", "refused to mount on '/evil/sys', which is '/proc/sys'" KERNELS },
	{ "/up/../proc", "refused to mount on '/up/../proc', which is '/proc'" KERNELS },
	{ "/lost/x", "refused to mount on '/lost/x', which is '/proc/nowhere/x'" KERNELS },
};

static void test_refused_targets(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	struct box_spec spec = rig_spec(script, rig_pipe());
	struct box_mount mount = { .source = "/tmp", .line = 17 };
	char text[300];

	script[2] = "true";
	link_in_image("evil", "/proc");
	link_in_image("up", "/tmp");
	/* A link that leads to nothing gives no way around the rules. */
	link_in_image("lost", "/proc/nowhere");
	spec.mounts = &mount;
	spec.n_mounts = 1;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		const struct err *err;

		mount.target = refused[i].target;
		err = rig_fail(r, s, &spec);
		snprintf(text, sizeof(text), "mount volumes: %s", refused[i].text);
		assert_string_equal(err->text, text);
		assert_int_equal(err->line, 17);
	}
	mount.source = "/no/such/folder";
	mount.target = "/data";
	assert_string_equal(rig_fail(r, s, &spec)->text,
			    "open layers and volumes: '/no/such/folder' for "
			    "'/data': no such file or directory");
}

/* As docker: what they lead to is made, in the root. */
static void test_dangling_targets(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	struct box_spec spec = rig_spec(script, rig_pipe());
	_cleanup_free_ char *folder = xstrdup(rig_path("host3")),
			    *file = xstrdup(rig_path("host3/file"));
	struct box_mount mounts[] = { { .source = folder, .target = "/hanging" },
				      { .source = file, .target = "/hangs/file" } };

	mkdir(folder, 0755);
	put("host3/file", "here\n");
	link_in_image("hanging", "/var/first/../lib/x");
	link_in_image("hangs", "nothing");
	spec.mounts = mounts;
	spec.n_mounts = 2;
	spec.cwd = "/hangs/below";
	assert_string_equal(run(r, s, &spec, "cat /var/lib/x/file /nothing/file; pwd -P"),
			    "here\nhere\n/nothing/below\n");
}

/* Links of the image mean places in the image, wherever they point. */
static void test_hostile_links(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	struct box_spec spec = rig_spec(script, rig_pipe());
	_cleanup_free_ char *source = xstrdup(rig_path("host2"));
	struct box_mount mount = { .source = source, .target = "/etc/sub/dir" };
	char outside[300];

	mkdir(rig_path("victim"), 0755);
	mkdir(source, 0755);
	put("host2/file", "mine\n");
	mkdir(rig_path(RIG_IMAGE "/elsewhere"), 0755);
	spec.mounts = &mount;
	spec.n_mounts = 1;
	link_in_image("etc", "/elsewhere/../../elsewhere");
	assert_string_equal(run(r, s, &spec, "cat /elsewhere/sub/dir/file"), "mine\n");
	snprintf(outside, sizeof(outside), "../../../../../..%s", rig_path("victim"));
	link_in_image("etc", outside);
	assert_string_equal(run(r, s, &spec, "cat /etc/sub/dir/file"), "mine\n");
	assert_int_equal(rmdir(rig_path("victim")), 0);
	unlink(rig_path(RIG_IMAGE "/etc"));
}

static void test_system_folder_is_a_link(void **state)
{
	static const struct {
		const char *name, *text;
	} cases[] = {
		{ "dev", "make devices: '/dev' of the image is not a folder" },
		{ "proc", "mount proc and sys: '/proc' of the image is not a folder" },
		{ "sys", "mount proc and sys: '/sys' of the image is not a folder" },
	};
	struct rig *r = *state;
	struct box_spec spec = rig_spec(script, rig_pipe());
	char name[64];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		/* A slot each: the upper layer of the last one has the folder by now. */
		struct box_slot *s = rig_slot(r, cases[i].name);

		link_in_image(cases[i].name, "/tmp");
		assert_string_equal(rig_fail(r, s, &spec)->text, cases[i].text);
		snprintf(name, sizeof(name), RIG_IMAGE "/%s", cases[i].name);
		unlink(rig_path(name));
	}
}

/* A process that makes `a` and `b`, both below the rig's folder, change places all the time. */
static pid_t swap(const char *a, const char *b)
{
	_cleanup_free_ char *one = xstrdup(rig_path(a)), *two = xstrdup(rig_path(b));
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!renameat2(AT_FDCWD, one, AT_FDCWD, two, RENAME_EXCHANGE))
		;
	_exit(1);
}

static void end_swap(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* It had not given up. */
	assert_true(WIFSIGNALED(status));
}

/* Starts the spec again and again. It may be refused or not, as the place happens to be, but what runs must write nothing. */
static void start_many(struct rig *r, const struct box_spec *spec, const char *text,
		       const char *refusal, void (*forget)(void))
{
	struct box_slot *s = rig_slot(r, "web-1");
	unsigned refusals = 0, runs = 0;

	script[2] = text;
	while ((refusals + runs < 600 && (refusals < 30 || runs < 30)) ||
	       ((!refusals || !runs) && refusals + runs < 20000)) {
		const struct box_event *ev;

		forget();
		assert_int_equal(box_start(s, spec, true, NULL), 0);
		ev = rig_any(r);
		if (ev->kind == BOX_START_FAILED) {
			if (!strstr(ev->err.text, refusal))
				fail_msg("%s", ev->err.text);
			refusals++;
			continue;
		}
		runs++;
		assert_int_equal(rig_wait(r, BOX_EXITED)->status, 0);
		assert_string_equal(rig_output(), "");
	}
	/* The race has had both outcomes, else it was none. */
	assert_true(refusals && runs);
}

static void forget_nothing(void)
{
}

/*
 * CVE-2021-30465: a target in a volume that somebody else has too, who puts a link in its place between the look at it and
 * the mount. The folder that would be mounted on /dev has all that a /dev needs.
 */
static void test_swapped_target(void **state)
{
	struct rig *r = *state;
	struct box_spec spec = rig_spec(script, rig_pipe());
	_cleanup_free_ char *shared = xstrdup(rig_path("shared")),
			    *dev = xstrdup(rig_path("no-dev"));
	const struct box_mount mounts[] = {
		{ .source = shared, .target = "/shared" },
		{ .source = dev, .target = "/shared/place" },
	};
	static const char *const folders[] = { "shared",     "shared/place", "no-dev",
					       "no-dev/pts", "no-dev/shm",   "no-dev/mqueue" };
	pid_t pid;

	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		assert_int_equal(mkdir(rig_path(folders[i]), 0755), 0);
	assert_int_equal(symlink("/dev", rig_path("shared/link")), 0);
	spec.mounts = mounts;
	spec.n_mounts = ARRAY_LEN(mounts);
	pid = swap("shared/place", "shared/link");
	start_many(r, &spec, "[ -c /dev/zero ] || echo bad", "which is '/dev'", forget_nothing);
	end_swap(pid);
}

/* The folders that were made, wherever they are at the moment. */
static void forget_way(void)
{
	static const char *const made[] = { "way/place/made/here", "way/place/made",
					    "way/link/made/here", "way/link/made" };

	for (int i = 0; i < 100; i++)
		for (size_t j = 0; j < ARRAY_LEN(made); j++)
			rmdir(rig_path(made[j]));
}

/*
 * CVE-2024-45310: the same with a folder on the way to a target that has to be made. What the links mean to who does not
 * stay within the root is the layer of the image, which would be written to.
 */
static void test_swapped_way(void **state)
{
	struct rig *r = *state;
	struct box_spec spec = rig_spec(script, rig_pipe());
	_cleanup_free_ char *shared = xstrdup(rig_path("way")), *empty = xstrdup(rig_path("none"));
	const struct box_mount mounts[] = {
		{ .source = shared, .target = "/shared" },
		{ .source = empty, .target = "/shared/place/made/here" },
	};
	pid_t pid;

	assert_int_equal(mkdir(shared, 0755) | mkdir(empty, 0755), 0);
	assert_int_equal(mkdir(rig_path("way/place"), 0755), 0);
	assert_int_equal(symlink("/0", rig_path("way/link")), 0);
	spec.mounts = mounts;
	spec.n_mounts = ARRAY_LEN(mounts);
	pid = swap("way/place", "way/link");
	start_many(r, &spec, "[ ! -e /made ] || echo bad", "make '/shared/place/made/here'",
		   forget_way);
	end_swap(pid);
	assert_int_equal(access(rig_path(RIG_IMAGE "/made"), F_OK), -1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		T(test_tmpfs_upper),	 T(test_disk_upper),	   T(test_many_layers),
		T(test_bad_layers),	 T(test_host_root),	   T(test_nothing_on_the_host),
		T(test_read_only),	 T(test_volumes),	   T(test_shared_memory),
		T(test_refused_targets), T(test_dangling_targets), T(test_system_folder_is_a_link),
		T(test_refused_targets), T(test_hostile_links),	   T(test_system_folder_is_a_link),
		T(test_swapped_target),	 T(test_swapped_way),
	};

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
