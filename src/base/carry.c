/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * carry: see base_carry.h. Written by the rooms of a supervisor that is about to be replaced, read by those of the next one. The bytes
 * come from a memory file that only we could write, and are still read as if a stranger had.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mstack/base_carry.h"
#include "mstack/base_view.h"

#define SEALS	  (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define CARRY_MAX (256 << 20)
#define DEPTH_MAX 16

/* Its last letter is the version of how trees are written, which is not that of what is in them. */
static const char magic[8] = "mstcary1";

/* Tags of records: a node begins, ends; a value follows its name. */
enum tag { TAG_NODE = 'N', TAG_END = 'E', TAG_BYTES = 'B', TAG_NUMBER = 'I', TAG_FD = 'F' };

struct value {
	struct value *next;
	const char *name;
	enum tag tag;
	const char *data; /* of BYTES; a NUL stands behind them */
	size_t len;
	int64_t number; /* of FD: -1 once it was taken */
};

struct carry {
	struct arena *arena; /* of the whole tree */
	const char *name;
	struct carry *next;
	struct carry *nodes, **last_node;
	struct value *values, **last_value;
};

static struct carry *node_new(struct arena *arena, const char *name)
{
	struct carry *c = arena_alloc(arena, sizeof(*c));

	c->arena = arena;
	c->name = name;
	c->last_node = &c->nodes;
	c->last_value = &c->values;
	return c;
}

struct carry *carry_new(void)
{
	return node_new(arena_new(), "");
}

void carry_free(struct carry *root)
{
	if (root)
		arena_free(root->arena);
}

/* ---- writing --------------------------------------------------------------------------------- */

struct carry *carry_add(struct carry *c, const char *name)
{
	struct carry *node = node_new(c->arena, name);

	*c->last_node = node;
	c->last_node = &node->next;
	return node;
}

static struct value *add_value(struct carry *c, const char *name, enum tag tag)
{
	struct value *v = arena_alloc(c->arena, sizeof(*v));

	v->name = name;
	v->tag = tag;
	*c->last_value = v;
	c->last_value = &v->next;
	return v;
}

void carry_put_bytes(struct carry *c, const char *name, const void *data, size_t len)
{
	struct value *v = add_value(c, name, TAG_BYTES);
	char *copy = arena_alloc(c->arena, len + 1);

	if (len)
		memcpy(copy, data, len);
	v->data = copy;
	v->len = len;
}

void carry_put(struct carry *c, const char *name, const char *text)
{
	if (text)
		carry_put_bytes(c, name, text, strlen(text));
}

void carry_put_num(struct carry *c, const char *name, int64_t number)
{
	add_value(c, name, TAG_NUMBER)->number = number;
}

void carry_put_fd(struct carry *c, const char *name, int fd)
{
	if (fd >= 0)
		add_value(c, name, TAG_FD)->number = fd;
}

void carry_add_copy(struct carry *c, const struct carry *node)
{
	struct carry *copy = carry_add(c, arena_strdup(c->arena, node->name));

	for (const struct value *v = node->values; v; v = v->next) {
		const char *name = arena_strdup(c->arena, v->name);

		if (v->tag == TAG_BYTES)
			carry_put_bytes(copy, name, v->data, v->len);
		else
			add_value(copy, name, v->tag)->number = v->number;
	}
	for (const struct carry *n = node->nodes; n; n = n->next)
		carry_add_copy(copy, n);
}

/* ---- reading --------------------------------------------------------------------------------- */

struct carry *carry_next(const struct carry *c, const char *name, const struct carry *after)
{
	struct carry *n = after ? after->next : c->nodes;

	while (n && name && strcmp(n->name, name) != 0)
		n = n->next;
	return n;
}

static struct value *find(const struct carry *c, const char *name, enum tag tag)
{
	for (struct value *v = c->values; v; v = v->next)
		if (v->tag == tag && !strcmp(v->name, name))
			return v;
	return NULL;
}

const char *carry_text(const struct carry *c, const char *name)
{
	const struct value *v = find(c, name, TAG_BYTES);

	return v ? v->data : NULL;
}

const char *carry_bytes(const struct carry *c, const char *name, size_t *ret_len)
{
	const struct value *v = find(c, name, TAG_BYTES);

	*ret_len = v ? v->len : 0;
	return v ? v->data : NULL;
}

int64_t carry_num(const struct carry *c, const char *name, int64_t otherwise)
{
	const struct value *v = find(c, name, TAG_NUMBER);

	return v ? v->number : otherwise;
}

int carry_take_fd(struct carry *c, const char *name)
{
	struct value *v = find(c, name, TAG_FD);
	int fd = v ? (int)v->number : -1;

	if (fd < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -1;
	v->number = -1;
	return fd;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static void put_head(struct buf *b, enum tag tag, const char *name)
{
	buf_putc(b, (char)tag);
	buf_add(b, name, strlen(name) + 1);
}

static void put_value(struct buf *b, const struct value *v)
{
	uint64_t len = v->len;

	put_head(b, v->tag, v->name);
	if (v->tag != TAG_BYTES) {
		buf_add(b, &v->number, sizeof(v->number));
		return;
	}
	buf_add(b, &len, sizeof(len));
	buf_add(b, v->data, v->len);
}

/* As deep as the rooms go: a room, its slots, what they have. */
static void put_node(struct buf *b, const struct carry *c)
{
	for (const struct value *v = c->values; v; v = v->next)
		put_value(b, v);
	for (const struct carry *n = c->nodes; n; n = n->next) {
		put_head(b, TAG_NODE, n->name);
		put_node(b, n);
	}
	buf_putc(b, (char)TAG_END);
}

static const char *take_name(struct view *v, struct arena *a)
{
	const char *name = view_text(v, a);

	return name ? name : "";
}

static void read_value(struct view *v, struct carry *c, enum tag tag)
{
	const char *name = take_name(v, c->arena);
	const char *p = view_take(v, sizeof(int64_t));
	int64_t number = 0;

	if (p)
		memcpy(&number, p, sizeof(number));
	if (tag != TAG_BYTES) {
		add_value(c, name, tag)->number = number;
		return;
	}
	p = number < 0 ? (v->bad = true, NULL) : view_take(v, (size_t)number);
	if (p)
		carry_put_bytes(c, name, p, (size_t)number);
}

static void read_node(struct view *v, struct carry *c, unsigned depth)
{
	if (depth > DEPTH_MAX)
		v->bad = true;
	while (!v->bad) {
		const char *tag = view_take(v, 1);

		switch (tag ? *tag : 0) {
		case TAG_END:
			return;
		case TAG_NODE:
			read_node(v, carry_add(c, take_name(v, c->arena)), depth + 1);
			break;
		case TAG_BYTES:
		case TAG_NUMBER:
		case TAG_FD:
			read_value(v, c, (enum tag) * tag);
			break;
		default:
			v->bad = true;
		}
	}
}

/* ---- the memory file ------------------------------------------------------------------------- */

int carry_write(const struct carry *root, struct err *err)
{
	_cleanup_(buf_fini) struct buf b = { 0 };
	_cleanup_fd_ int fd = memfd_create("mstack-carry", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	buf_add(&b, magic, sizeof(magic));
	put_node(&b, root);
	if (fd < 0 || fd_write_all(fd, b.data, b.len) < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0 ||
	    fcntl(fd, F_SETFD, 0) < 0)
		return err_sys(err, errno, "memory for what is carried over");
	return take_fd(&fd);
}

struct carry *carry_read(int fd, struct err *err)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct view v = { 0 };
	struct carry *root;
	struct stat st;
	char *data;

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) < 0 || st.st_size <= 0 ||
	    st.st_size > CARRY_MAX) {
		err_set(err, "what is carried over: not a file of ours");
		return NULL;
	}
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED) {
		err_sys(err, errno, "what is carried over");
		return NULL;
	}
	v = (struct view){ .at = data, .left = (size_t)st.st_size };
	root = carry_new();
	if (v.left < sizeof(magic) ||
	    memcmp(view_take(&v, sizeof(magic)), magic, sizeof(magic)) != 0)
		v.bad = true;
	read_node(&v, root, 0);
	munmap(data, (size_t)st.st_size);
	if (!v.bad && !v.left)
		return root;
	err_set(err, "what is carried over: written in a way that this program cannot read");
	carry_free(root);
	return NULL;
}

/* ---- descriptors ----------------------------------------------------------------------------- */

int carry_inherit(const struct carry *root, bool on, struct err *err)
{
	for (const struct value *v = root->values; v; v = v->next)
		if (v->tag == TAG_FD && v->number >= 0 &&
		    fcntl((int)v->number, F_SETFD, on ? 0 : FD_CLOEXEC) < 0)
			return err_sys(err, errno, "descriptor %d ('%s')", (int)v->number, v->name);
	for (const struct carry *n = root->nodes; n; n = n->next)
		if (carry_inherit(n, on, err) < 0)
			return err_wrap(err, "%s", n->name);
	return 0;
}

/* Calls `fn` for every value that is a descriptor, parents before children: the order in which they travel. */
static void each_fd(struct carry *root, void (*fn)(struct value *v, void *arg), void *arg)
{
	for (struct value *v = root->values; v; v = v->next)
		if (v->tag == TAG_FD)
			fn(v, arg);
	for (struct carry *n = root->nodes; n; n = n->next)
		each_fd(n, fn, arg);
}

struct fds VEC(int);

static void collect(struct value *v, void *arg)
{
	struct fds *list = arg;

	vec_push(list, (int)v->number);
}

int *carry_fds(const struct carry *root, size_t *ret_n)
{
	struct fds list = { 0 };

	each_fd((struct carry *)(uintptr_t)root, collect, &list);
	*ret_n = list.n;
	return list.v;
}

static void count(struct value *v, void *arg)
{
	(void)v;
	++*(size_t *)arg;
}

static void replace(struct value *v, void *arg)
{
	const int **next = arg;

	v->number = *(*next)++;
}

int carry_set_fds(struct carry *root, const int *fds, size_t n, struct err *err)
{
	size_t want = 0;

	each_fd(root, count, &want);
	if (want != n)
		return err_set(err, "what is carried over: %zu descriptors, and %zu came", want, n);
	each_fd(root, replace, &fds);
	return 0;
}

static void forget(struct value *v, void *arg)
{
	(void)arg;
	v->number = -1;
}

void carry_forget_fds(struct carry *root)
{
	each_fd(root, forget, NULL);
}

void carry_close_rest(struct carry *root)
{
	for (struct value *v = root->values; v; v = v->next) {
		if (v->tag == TAG_FD && v->number > STDERR_FILENO)
			close((int)v->number);
		if (v->tag == TAG_FD)
			v->number = -1;
	}
	for (struct carry *n = root->nodes; n; n = n->next)
		carry_close_rest(n);
}
