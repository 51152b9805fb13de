/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * relocate: relative paths of files in other folders, where nothing is interpolated and no form has been at work. Called by load.
 */
#ifndef STACK_RELOCATE_H
#define STACK_RELOCATE_H

#include "stack/reader.h"

/*
 * Makes those absolute that stand in files whose folder is not the project's, so that they mean the same in one file. One that
 * begins with a variable may be either and stays, with a warning. The texts in `tree` are changed in place.
 */
void relocate(struct reader *r, struct node *tree);

#endif
