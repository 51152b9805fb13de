/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * documents: reads a file for a context and hands its text to the YAML reader. Called by load for the files of the command
 * line, by assemble for included ones and by extends.
 */
#include <errno.h>

#include "stack/documents.h"
#include "stack/dotenv.h"
#include "stack/yaml.h"

/* An included file is read for each project that includes it, so many of them need not be many on the disk. */
#define VALUES_MAX 120000

static void check_size(struct reader *r, struct node_items *docs, size_t before)
{
	for (size_t i = before; i < docs->n; i++)
		r->values += docs->v[i]->weight;
	if (r->values <= VALUES_MAX)
		return;
	stack_diag_add(r->diags, STACK_ERROR, docs->v[before]->pos, NULL,
		       "too large: more than %d values in all files", VALUES_MAX);
	docs->n = before;
}

static void parse(struct reader *r, int file, struct node_items *docs)
{
	const struct stack_file *f = &r->files.v[file];
	size_t before = docs->n;

	yaml_parse(r->arena, r->diags, (uint32_t)file, f->text, f->len, docs);
	check_size(r, docs, before);
}

int documents_read(struct reader *r, const struct context *c, const char *path,
		   struct node_items *docs, struct err *err)
{
	int file;

	if (r->values > VALUES_MAX)
		return 0;
	file = reader_file(r, c, path, YAML_FILE_MAX);
	if (file < 0)
		return reader_file_error(err, "stack file", path, YAML_FILE_MAX);
	parse(r, file, docs);
	return 0;
}

void documents_read_text(struct reader *r, const struct context *c, const struct stack_text *text,
			 struct node_items *docs)
{
	struct context *own = arena_alloc(r->arena, sizeof(*own));

	*own = *c;
	if (text->dir)
		own->dir = arena_strdup(r->arena, text->dir);
	parse(r, reader_text(r, own, text), docs);
}

/* EINVAL: something is there, but it is no regular file. */
int documents_read_env(struct reader *r, const struct context *c, const char *path, bool required,
		       struct err *err)
{
	int file = reader_file(r, c, path, DOTENV_FILE_MAX);

	if (file < 0 && !required && (errno == ENOENT || errno == ENOTDIR || errno == EINVAL))
		return 0;
	if (file < 0)
		return reader_file_error(err, "env file", path, DOTENV_FILE_MAX);
	dotenv_parse(c->vars, NULL, (uint32_t)file, r->files.v[file].text, r->files.v[file].len,
		     &c->vars->files);
	return 0;
}
