/* SPDX-License-Identifier: GPL-2.0-or-later */
/* logfile: what a test finds in the file that a stream has written. */
#ifndef TESTS_LOGS_LOGFILE_H
#define TESTS_LOGS_LOGFILE_H

#include "mstack/logs.h"

/* Each line of the current file in this folder, whose stamp is none of the future. One that is none fails the test. */
void logfile_read(const char *log_dir, logs_line_fn *fn, void *arg);

#endif
