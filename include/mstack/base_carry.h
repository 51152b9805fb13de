/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base_carry: what a process writes down for the program that takes its place by execve: named texts, numbers and descriptors, in
 * a tree. A part of the door of base. Each room writes down what it holds and takes it up by names, so that a newer program
 * finds in an older one's tree what it knows, and does without what is not there. Descriptors stay open over the execve and
 * keep their numbers.
 */
#ifndef MSTACK_BASE_CARRY_H
#define MSTACK_BASE_CARRY_H

#include "mstack/base.h"

struct carry;	/* a node of the tree; all go with the first one */

struct carry *carry_new(void);
void carry_free(struct carry *root);

/* Writing. Names are literals: they are kept as they are. What is added twice is read as it was first. */
struct carry *carry_add(struct carry *c, const char *name);	/* a node below; several may have one name */
void carry_put(struct carry *c, const char *name, const char *text);	/* NULL: nothing is put */
void carry_put_bytes(struct carry *c, const char *name, const void *data, size_t len);
void carry_put_num(struct carry *c, const char *name, int64_t value);
/* Stays the caller's, and must be open at the execve. -1: nothing is put. */
void carry_put_fd(struct carry *c, const char *name, int fd);

/* A node like that one of another tree, with all below it. Its descriptors are the same numbers. */
void carry_add_copy(struct carry *c, const struct carry *node);

/* Reading. The first node below of that name behind `after` (NULL: of all). NULL: no more. */
struct carry *carry_next(const struct carry *c, const char *name, const struct carry *after);
const char *carry_text(const struct carry *c, const char *name);	/* NULL: not there; lives as long as the tree */
const char *carry_bytes(const struct carry *c, const char *name, size_t *ret_len);
int64_t carry_num(const struct carry *c, const char *name, int64_t otherwise);
/* The caller's from now on, and close-on-exec again. -1: not there, not open, or taken before. */
int carry_take_fd(struct carry *c, const char *name);

/* All of it in a sealed memory file, which an execve does not close; -1. Read again: NULL with err when it is none of ours. */
int carry_write(const struct carry *root, struct err *err);
struct carry *carry_read(int fd, struct err *err);
/* Its descriptors outlast an execve, or do not any more. */
int carry_inherit(const struct carry *root, bool on, struct err *err);
/* Its descriptors, in the order in which the tree is read; the list is the caller's, they are not. */
int *carry_fds(const struct carry *root, size_t *ret_n);
/* A tree that another process has written: these are its descriptors here, in that order. Taken over, unless there are not as many: -1. */
int carry_set_fds(struct carry *root, const int *fds, size_t n, struct err *err);
/* It has none: of one that is only looked at. */
void carry_forget_fds(struct carry *root);
/* Those that nobody has taken are closed. */
void carry_close_rest(struct carry *root);

#endif
