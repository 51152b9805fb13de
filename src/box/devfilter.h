/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * devfilter: which devices the processes of a cgroup may open and make, as a program that the kernel asks each time
 * (BPF_PROG_TYPE_CGROUP_DEVICE). It belongs to the cgroup and ends with it.
 */
#ifndef BOX_DEVFILTER_H
#define BOX_DEVFILTER_H

#include <linux/bpf.h>

#include "box/launch.h"
#include "mstack/box.h"

struct devfilter VEC(struct bpf_insn);

/* What is usual in a container, then what this launch asks for. Free it with vec_fini. */
struct devfilter devfilter_make(const struct launch *l);
/* Lets the kernel have it. A descriptor of the program, or -1. */
int devfilter_load(const struct devfilter *f, struct err *err);
/*
 * For this cgroup, in place of `*prog` if that is one that was attached before (else -1). `*prog` is then the new one, for
 * the caller to close.
 */
int devfilter_attach(int cgroup, const struct launch *l, int *prog, struct err *err);
/* Takes it away again, if there is one. */
int devfilter_detach(int cgroup, int *prog, struct err *err);

#endif
