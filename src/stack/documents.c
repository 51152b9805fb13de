/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * documents: reads a file for a context and hands its text to the YAML reader. Called by load for the files of the command
 * line, by assemble for included ones and by extends.
 */
#include "stack/documents.h"
#include "stack/yaml.h"

int documents_read(struct reader *r, const struct context *c, const char *path,
		   struct node_items *docs, struct err *err)
{
	int file = reader_file(r, c, path, YAML_FILE_MAX);

	if (file < 0)
		return reader_file_error(err, "stack file", path, YAML_FILE_MAX);
	yaml_parse(r->arena, r->diags, (uint32_t)file, r->files.v[file].text, r->files.v[file].len,
		   docs);
	return 0;
}
