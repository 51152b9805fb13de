/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blast ADDRESS PORT COUNT BYTES: sends COUNT datagrams of BYTES each as fast as they go. Prints how many a second that were.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, BYTES_MAX = 65000 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static char data[BYTES_MAX];
	struct iovec part = { data, argc > 4 ? strtoul(argv[4], NULL, 10) : 0 };
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct mmsghdr m[BATCH] = { 0 };
	long count = argc > 3 ? atol(argv[3]) : 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	double began = now();

	if (count <= 0 || !part.iov_len || part.iov_len > BYTES_MAX ||
	    inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fputs("usage: blast ADDRESS PORT COUNT BYTES\n", stderr);
		return 2;
	}
	to.sin_port = htons((unsigned short)atoi(argv[2]));
	for (int i = 0; i < BATCH; i++)
		m[i].msg_hdr = (struct msghdr){ .msg_name = &to,
						.msg_namelen = sizeof(to),
						.msg_iov = &part,
						.msg_iovlen = 1 };
	for (long left = count; left > 0;) {
		int n = sendmmsg(fd, m, left < BATCH ? (unsigned)left : BATCH, 0);

		/* That nobody listens is told in between. */
		if (n < 0 && errno != ECONNREFUSED && errno != EINTR && errno != ENOBUFS) {
			perror("blast: sendmmsg");
			return 1;
		}
		left -= n > 0 ? n : 0;
	}
	printf("%.0f\n", (double)count / (now() - began));
	return 0;
}
