/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * imagewords: names and ages of images in docker's words.
 */
#ifndef CLI_IMAGEWORDS_H
#define CLI_IMAGEWORDS_H

#include "mstack/store.h"

#define IMAGE_ID_SHOWN 12
#define IMAGE_NONE     "<none>"

/* A name in two, the caller frees both; NULL: it has none. Where an image came from is no repository with a tag. */
void cli_image_split(const char *name, char **ret_repo, char **ret_tag);
/* "3 weeks ago", or "N/A" when its date is not known. */
void cli_image_since(const char *stamp, char *ret, size_t size);

#endif
