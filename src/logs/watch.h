/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch: waiting until something changes in folders, of which some may not exist yet. Used by
 * reading.
 */
#ifndef LOGS_WATCH_H
#define LOGS_WATCH_H

#include "mstack/base.h"

/* An inotify instance. -1 on error. */
int watch_open(struct err *err);
/*
 * Watches the folder, or the nearest one above it that exists. To be repeated until it returns
 * true: the folder itself.
 */
bool watch_folder(int watch, const char *path);
/* Until something changed, `ms` passed, or a signal came. */
void watch_wait(int watch, int ms);

#endif
