/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * document: see document.h. Written by clients through sup.h, read for one-offs. The text, the project folder and the variables, with
 * a byte of zero behind each: secrets that come from the environment are read there once more.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mstack/sup.h"
#include "sup/document.h"

#define DOCUMENT_MAX (64 << 20)

static int in_memory(const struct buf *text, struct err *err)
{
	_cleanup_fd_ int fd = memfd_create("mstack-document", MFD_CLOEXEC);

	if (fd < 0 || fd_write_all(fd, text->data, text->len) < 0)
		return err_sys(err, errno, "memory for the document");
	return take_fd(&fd);
}

int sup_document(const struct stack *stack, struct err *err)
{
	_cleanup_(buf_fini) struct buf text = { 0 };

	stack_config(stack, STACK_JSON, &text);
	buf_putc(&text, '\0');
	buf_add(&text, stack->dir, strlen(stack->dir) + 1);
	for (char **v = environ; *v; v++)
		buf_add(&text, *v, strlen(*v) + 1);
	return in_memory(&text, err);
}

static int read_all(int fd, struct buf *ret, struct err *err)
{
	struct stat st;
	size_t at = 0;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    st.st_size > DOCUMENT_MAX)
		return err_set(err, "document: not one");
	ret->data = xcalloc((size_t)st.st_size + 1, 1);
	ret->len = (size_t)st.st_size;
	while (at < ret->len) {
		ssize_t n = pread(fd, ret->data + at, ret->len - at, (off_t)at);

		if (n <= 0)
			return err_sys(err, n < 0 ? errno : EIO, "document");
		at += (size_t)n;
	}
	return 0;
}

struct sup_document *sup_document_read(int fd, struct err *err)
{
	_cleanup_(buf_fini) struct buf b = { 0 };
	struct VEC(const char *) words = { 0 };
	struct sup_document *d = xcalloc(1, sizeof(*d));
	struct stack_text text = { 0 };
	/* Who stands in it was active where it was written. */
	static const char *const all[] = { "*" };
	struct stack_opts opts = {
		.text = &text, .for_run = true, .profiles = all, .n_profiles = ARRAY_LEN(all)
	};
	int rc = read_all(fd, &b, err);

	d->copy = rc == 0 ? in_memory(&b, err) : -1;
	rc = d->copy < 0 ? -1 : 0;
	/* A byte of zero stands behind all of it, so that even half a document ends. */
	for (size_t at = 0; at < b.len; at += strlen(b.data + at) + 1)
		vec_push(&words, b.data + at);
	if (rc == 0 && words.n < 2)
		rc = err_set(err, "document: not one");
	vec_push(&words, NULL);
	if (rc == 0) {
		text.text = words.v[0];
		opts.project_dir = words.v[1];
		opts.env = words.v + 2;
	}
	d->diags = stack_diags_new();
	if (rc == 0)
		rc = stack_load(&opts, &d->stack, d->diags, err);
	if (rc > 0)
		err_set(err, "document: %s", stack_diags_get(d->diags, 0)->text);
	vec_fini(&words);
	if (rc == 0)
		return d;
	sup_document_free(d);
	return NULL;
}

void sup_document_free(struct sup_document *d)
{
	if (!d)
		return;
	stack_free(d->stack);
	stack_diags_free(d->diags);
	cleanup_fd(&d->copy);
	free(d);
}
