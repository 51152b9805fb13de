/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * read_limits: what a container may use and do: CPUs, processes, capabilities, rlimits, sysctls.
 * Called through the table of service keys.
 */
#include <ctype.h>
#include <sys/resource.h>

#include "stack/keys.h"
#include "stack/read_service.h"

#define CPUS_MAX 100000 /* nobody has more; keeps thousandths far from overflow */

/* strtod(3) alone would also take `inf`, `nan` and hexadecimal floats with a sign. */
VALUE_READER(read_cpus)
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
		*(struct stack_num *)field =
			(struct stack_num){ (int64_t)(cpus * 1000 + 0.5), true, n->pos };
}

/* 0 has always meant "no limit" in moby, where a pids.max of 0 would let nothing run at all. */
VALUE_READER(read_pids)
{
	struct stack_num pids = { 0 };

	value_int(r, w, n, &pids);
	if (pids.value < -1)
		reader_error(r, w, n->pos, NULL, "%jd processes: write -1 for no limit",
			     (intmax_t)pids.value);
	else if (pids.given)
		*(struct stack_num *)field =
			(struct stack_num){ pids.value ? pids.value : -1, true, n->pos };
}

/* ---- capabilities ---------------------------------------------------------------------------- */

/* clang-format off */

/* Those of capability.h up to Linux 5.9, the last one that got any. */
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

/* Any case, with or without CAP_: brought to one spelling here, so that no one else has to. */
VALUE_READER(read_caps)
{
	struct stack_strs strs;
	struct stack_str *caps;

	value_strings(r, w, n, &strs);
	caps = arena_array(r->arena, struct stack_str, strs.n);
	for (size_t i = 0; i < strs.n; i++) {
		struct where here = { w, NULL, i };
		char *name = arena_strdup(r->arena, strs.v[i].text);

		for (char *c = name; *c; c++)
			*c = (char)toupper((unsigned char)*c);
		name += strncmp(name, "CAP_", 4) ? 0 : 4;
		if (!value_is_one_of(name, capabilities, ARRAY_LEN(capabilities)))
			reader_error(r, &here, strs.v[i].pos,
				     reader_suggest(r, name, capabilities, ARRAY_LEN(capabilities)),
				     "'%.40s' is not a capability", strs.v[i].text);
		caps[i] = (struct stack_str){ name, strs.v[i].pos };
	}
	*(struct stack_strs *)field = (struct stack_strs){ caps, strs.n, true };
}

/* ---- ulimits --------------------------------------------------------------------------------- */

/* clang-format off */
static const struct { const char *name; int resource; } resources[] = {
	{ "as", RLIMIT_AS }, { "core", RLIMIT_CORE }, { "cpu", RLIMIT_CPU },
	{ "data", RLIMIT_DATA },
	{ "fsize", RLIMIT_FSIZE }, { "locks", RLIMIT_LOCKS }, { "memlock", RLIMIT_MEMLOCK },
	{ "msgqueue", RLIMIT_MSGQUEUE }, { "nice", RLIMIT_NICE }, { "nofile", RLIMIT_NOFILE },
	{ "nproc", RLIMIT_NPROC }, { "rss", RLIMIT_RSS }, { "rtprio", RLIMIT_RTPRIO },
	{ "rttime", RLIMIT_RTTIME }, { "sigpending", RLIMIT_SIGPENDING }, { "stack", RLIMIT_STACK },
};
/* clang-format on */

static int find_resource(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(resources); i++)
		if (!strcmp(resources[i].name, name))
			return resources[i].resource;
	return -1;
}

struct ulimit_draft {
	struct stack_num soft, hard;
};

/* clang-format off */
static const struct key ulimit_rows[] = {
	DONE("hard", NUM | STR, value_int, ulimit_draft, hard),
	DONE("soft", NUM | STR, value_int, ulimit_draft, soft),
};
static const struct key_table ulimit_keys = TABLE(ulimit_rows);
/* clang-format on */

/* Plain integers: `64m` is a size, and a limit of 64 of something else would be a surprise. */
static bool read_ulimit(struct reader *r, const struct where *w, const struct node *n,
			struct stack_ulimit *u)
{
	struct ulimit_draft d = { 0 };

	if (!reader_check_kind(r, w, n, NODE_NUMBER | NODE_STRING | NODE_MAP))
		return false;
	if (n->kind == NODE_MAP) {
		reader_map(r, w, n, &ulimit_keys, &d);
	} else {
		value_int(r, w, n, &d.soft);
		d.hard = d.soft;
	}
	u->soft = d.soft.value;
	u->hard = d.hard.value;
	if (!d.soft.given || !d.hard.given) {
		if (n->kind == NODE_MAP)
			reader_error(r, w, n->pos, NULL, "both 'soft' and 'hard' must be given");
		return false;
	}
	if (u->soft >= -1 && u->hard >= -1 &&
	    (u->hard == -1 || (u->soft != -1 && u->soft <= u->hard)))
		return true;
	reader_error(
		r, w, n->pos, NULL,
		"soft %jd, hard %jd: the soft one must not be above the hard one; -1 is no limit",
		(intmax_t)u->soft, (intmax_t)u->hard);
	return false;
}

VALUE_READER(read_ulimits)
{
	struct stack_service *s = field;
	struct stack_ulimit *list = arena_array(r->arena, struct stack_ulimit, n->n);

	for (size_t i = 0; i < n->n; i++) {
		const struct node_pair *pair = &n->pairs[i];
		struct where here = { w, pair->key, 0 };
		struct stack_ulimit u = { .name = pair->key,
					  .resource = find_resource(pair->key),
					  .pos = pair->pos };

		if (u.resource < 0)
			reader_error(r, &here, pair->pos, NULL,
				     "there is no such limit; known are nofile, nproc, core, "
				     "memlock and the others of setrlimit(2)");
		else if (read_ulimit(r, &here, pair->value, &u))
			list[s->n_ulimits++] = u;
	}
	s->ulimits = list;
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
	       value_is_one_of(name, single, ARRAY_LEN(single));
}

VALUE_READER(read_sysctls)
{
	struct stack_kvs *kvs = field;

	value_pairs(r, w, n, kvs);
	for (size_t i = 0; i < kvs->n; i++) {
		struct where here = { w, kvs->v[i].key, 0 };

		if (!is_namespaced(kvs->v[i].key) || strstr(kvs->v[i].key, "..") ||
		    strchr(kvs->v[i].key, '/'))
			reader_error(r, &here, kvs->v[i].pos, NULL,
				     "belongs to the whole host: only net.*, fs.mqueue.* and "
				     "the IPC ones of kernel.* can be set in a container");
	}
}
