/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_limits: what a container may use and do: CPUs, processes, capabilities, rlimits, sysctls,
 * disks. Called through the table of service keys; caps_name and ulimit_resource also by model.c.
 */
#include <ctype.h>
#include <sys/resource.h>

#include "stack/attributes.h"
#include "stack/form_limits.h"
#include "stack/keys.h"

#define CPUS_MAX	 100000 /* nobody has more; keeps thousandths far from overflow */
#define CPU_NUMBER_MAX	 65535
#define OOM_SCORE_MAX	 1000
#define BLKIO_WEIGHT_MIN 10
#define BLKIO_WEIGHT_MAX 1000

/* ---- numbers --------------------------------------------------------------------------------- */

/* strtod(3) alone would also take `inf`, `nan` and hexadecimal floats with a sign. */
FORM(form_cpus)
{
	char *end;
	double cpus = strtod(n->text, &end);

	if (!isdigit((unsigned char)n->text[0]) && n->text[0] != '.')
		cpus = -1;
	if (*end || end == n->text || !(cpus >= 0 && cpus <= CPUS_MAX))
		reader_error(r, w, n->pos, NULL,
			     "'%.40s' is not a number of CPUs; write like 0.5 or 2", n->text);
	else if (cpus > 0 && cpus < 0.001)
		reader_error(r, w, n->pos, NULL, "%.40s CPUs: 0.001 is the least", n->text);
	else
		return form_number(r, w, n);
	return NULL;
}

/* 0 and -1 are no limit; which of them it was is kept for whoever prints it. */
FORM(form_pids)
{
	struct node *out = form_int(r, w, n);

	if (!out || out->number >= -1)
		return out;
	reader_error(r, w, n->pos, NULL, "%jd processes: write -1 for no limit",
		     (intmax_t)out->number);
	return NULL;
}

/* The range of /proc/PID/oom_score_adj. */
FORM(form_oom_score)
{
	struct node *out = form_int(r, w, n);

	if (!out || (out->number >= -OOM_SCORE_MAX && out->number <= OOM_SCORE_MAX))
		return out;
	reader_error(r, w, n->pos, NULL, "%s: from -%d to %d is possible", out->text, OOM_SCORE_MAX,
		     OOM_SCORE_MAX);
	return NULL;
}

/* A number of a CPU; NULL: it is none. */
static const char *read_cpu_number(const char *s, unsigned *ret)
{
	unsigned value = 0;

	if (!isdigit((unsigned char)*s))
		return NULL;
	for (; isdigit((unsigned char)*s); s++) {
		value = value * 10 + (unsigned)(*s - '0');
		if (value > CPU_NUMBER_MAX)
			return NULL;
	}
	*ret = value;
	return s;
}

/* 0-3,5: what cpuset.cpus takes and compose passes on, without the kernel's strides. */
static bool is_cpu_list(const char *s)
{
	for (;;) {
		unsigned first, last;

		s = read_cpu_number(s, &first);
		if (s && *s == '-') {
			s = read_cpu_number(s + 1, &last);
			if (s && last < first)
				return false;
		}
		if (!s || !*s)
			return s != NULL;
		if (*s++ != ',')
			return false;
	}
}

FORM(form_cpuset)
{
	if (!*n->text)
		return NULL;
	if (is_cpu_list(n->text))
		return form_text(r, w, n);
	reader_error(r, w, n->pos, NULL, "'%.60s' is not a list of CPUs; write like 0-3,5",
		     n->text);
	return NULL;
}

/* ---- capabilities ---------------------------------------------------------------------------- */

/* By name and not by number: which ones a kernel has is found out when the container starts. */
/* clang-format off */
static const char *const capabilities[] = {
	"ALL", "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF",
	"CHECKPOINT_RESTORE", "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID",
	"IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE",
	"MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "PERFMON", "SETFCAP",
	"SETGID", "SETPCAP", "SETUID", "SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT",
	"SYS_MODULE", "SYS_NICE", "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE",
	"SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM",
};
/* clang-format on */

const char *caps_name(struct arena *arena, const char *text)
{
	char *name = arena_strdup(arena, text);

	for (char *c = name; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return name + (strncmp(name, "CAP_", 4) ? 0 : 4);
}

/* The text stays as compose prints it: caps_name tells the rest what it means. */
FORM(form_caps)
{
	for (size_t i = 0; i < n->n; i++) {
		const struct node *one = n->items[i];
		struct where here = where_item(w, i);
		const char *name = caps_name(r->arena, one->text);

		if (one->kind == NODE_STRING &&
		    !text_is_one_of(name, capabilities, ARRAY_LEN(capabilities)))
			reader_error(r, &here, one->pos,
				     reader_suggest(r, name, capabilities, ARRAY_LEN(capabilities)),
				     "'%.40s' is not a capability", one->text);
	}
	return form_set(r, w, n);
}

/* ---- ulimits --------------------------------------------------------------------------------- */

/* Plain integers: `64m` is a size, and a limit of 64 of something else would be a surprise. */
/* clang-format off */
static const struct key ulimit_rows[] = {
	DONE("hard", NUM | STR, AS(form_int)),
	DONE("soft", NUM | STR, AS(form_int)),
};
static const struct key_table ulimit_keys = TABLE(ulimit_rows);
/* clang-format on */

/* -1 is above all numbers; an integer alone is both of them. */
static bool check_ulimit(struct reader *r, const struct where *w, const struct node *n)
{
	const struct node *map = n->kind == NODE_MAP ? n : NULL;
	const struct node *soft = map ? node_get(map, "soft") : n;
	const struct node *hard = map ? node_get(map, "hard") : n;

	if (soft->number >= -1 && hard->number >= -1 &&
	    (hard->number == -1 || (soft->number != -1 && soft->number <= hard->number)))
		return true;
	reader_error(
		r, w, n->pos, NULL,
		"soft %s, hard %s: the soft one must not be above the hard one; -1 is no limit",
		soft->text, hard->text);
	return false;
}

/* The schema takes any name of small letters; one that no kernel knows fails at the start there. */
static FORM(form_ulimit)
{
	struct node *out;

	if (rlimit_parse(w->key) < 0) {
		reader_error(r, w, w->at, NULL,
			     "there is no such limit; known are nofile, nproc, core, memlock and "
			     "the others of setrlimit(2)");
		return NULL;
	}
	out = n->kind == NODE_MAP ? form_map(r, w, n, &ulimit_keys) : form_int(r, w, n);
	if (!out || n->kind != NODE_MAP)
		return out && check_ulimit(r, w, out) ? out : NULL;
	if (!node_find(n, "soft") || !node_find(n, "hard"))
		reader_error(r, w, n->pos, NULL, "both 'soft' and 'hard' must be given");
	else if (node_get(out, "soft") && node_get(out, "hard") && check_ulimit(r, w, out))
		return out;
	return NULL;
}

/* clang-format off */
static const struct key any_ulimit = DONE("NAME", NUM | STR | MAP, AS(form_ulimit), BELOW(ulimit_keys));
const struct key_table ulimits_keys = CHOSEN(any_ulimit);
/* clang-format on */

FORM(form_ulimits)
{
	return form_map(r, w, n, &ulimits_keys);
}

/* ---- sysctls --------------------------------------------------------------------------------- */

/* Only those which each namespace has for itself: the others would change the host. */
static bool is_namespaced(const char *name)
{
	static const char *const single[] = {
		"kernel.msgmax", "kernel.msgmnb",	   "kernel.msgmni",
		"kernel.sem",	 "kernel.shmall",	   "kernel.shmmax",
		"kernel.shmmni", "kernel.shm_rmid_forced", "kernel.domainname",
	};

	return !strncmp(name, "net.", 4) || !strncmp(name, "fs.mqueue.", 10) ||
	       text_is_one_of(name, single, ARRAY_LEN(single));
}

/* A name becomes a path below /proc/sys, dots for slashes: nothing in it may lead anywhere else. */
FORM(form_sysctls)
{
	struct node *out = form_pairs(r, w, n);

	for (size_t i = 0; i < out->n; i++) {
		const struct node_pair *pair = &out->pairs[i];
		struct where here = { w, pair->key, 0, pair->pos };

		if (!is_namespaced(pair->key) || strstr(pair->key, "..") || strchr(pair->key, '/'))
			reader_error(r, &here, pair->pos, NULL,
				     "belongs to the whole host: only net.*, fs.mqueue.* and "
				     "the IPC ones of kernel.* can be set in a container");
	}
	return out;
}

/* ---- disks ----------------------------------------------------------------------------------- */

/* 0 leaves it to the kernel. */
static FORM(form_weight)
{
	struct node *out = form_int(r, w, n);

	if (!out || !out->number ||
	    (out->number >= BLKIO_WEIGHT_MIN && out->number <= BLKIO_WEIGHT_MAX))
		return out;
	reader_error(r, w, n->pos, NULL, "%s: from %d to %d is possible", out->text,
		     BLKIO_WEIGHT_MIN, BLKIO_WEIGHT_MAX);
	return NULL;
}

/* Of bytes or of operations in a second: compose writes both as sizes. */
/* clang-format off */
static const struct key rate_rows[] = {
	DONE("path", STR, AS(form_string)),
	DONE("rate", NUM | STR, AS(form_bytes)),
};
static const struct key_table rate_keys = TABLE(rate_rows);

static const struct key weight_rows[] = {
	DONE("path", STR, AS(form_string)),
	DONE("weight", NUM | STR, AS(form_weight)),
};
static const struct key_table weight_keys = TABLE(weight_rows);

static const struct key blkio_rows[] = {
	DONE("device_read_bps", LST, BELOW(rate_keys)),
	DONE("device_read_iops", LST, BELOW(rate_keys)),
	DONE("device_write_bps", LST, BELOW(rate_keys)),
	DONE("device_write_iops", LST, BELOW(rate_keys)),
	DONE("weight", NUM | STR, AS(form_weight)),
	DONE("weight_device", LST, BELOW(weight_keys)),
};
const struct key_table blkio_keys = TABLE(blkio_rows);
/* clang-format on */
