/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sys: system calls that the C library has no function for, as thin as can be, and descriptors over
 * a socket. Used on both sides of the clone: nothing here allocates, and failure is -1 with errno.
 */
#ifndef BOX_SYS_H
#define BOX_SYS_H

#include "mstack/base.h"

/*
 * A child with fork's copy of our memory, all its signals blocked and none handled. No SIGCHLD
 * tells its end.
 */
pid_t sys_clone(uint64_t flags, int cgroup_fd, int *ret_pidfd);
/* Only what the path says by itself: no link, no `..` out of dirfd. */
int sys_open_plain(int dirfd, const char *path, int flags);
/* Links count, but neither they nor `..` lead out of dirfd: EXDEV. */
int sys_open_beneath(int dirfd, const char *path, int flags);
int sys_pidfd_open(pid_t pid);
int sys_pidfd_kill(int pidfd, int sig);
int sys_close_range(unsigned first, unsigned last);
/* All from 3 on but these; a number below that keeps nothing. */
int sys_close_but(const int *keep, size_t n);
/* Has the process of this pidfd ended? */
bool sys_pidfd_ended(int pidfd);
/* Has it, or is it just ending? It may do so for long while it waits for the others of its pid namespace. */
bool sys_pidfd_ending(int pidfd, pid_t pid);
/* How has it ended, as of wait(2), although it is no child of ours? False: nobody can tell any more. */
bool sys_pidfd_status(int pidfd, pid_t pid, int *ret_status);
/* Has the other end of this socket been closed? What it said before may still be there. */
bool sys_hung_up(int sock);

#define SYS_FDS_MAX 7

/* One message of a SOCK_SEQPACKET pair. Never raises SIGPIPE. */
int sys_send(int sock, const void *data, size_t len, const int *fds, size_t n_fds);
/*
 * Length, 0 at the end, -1 with errno. Descriptors that did not come are -1 in ret_fds; an
 * unexpected one is closed.
 */
ssize_t sys_recv(int sock, void *data, size_t len, int *ret_fds, size_t n_fds);

#endif
