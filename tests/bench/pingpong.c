/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pingpong: both ends of a measured TCP connection. Called by tests/bench/traffic, within containers and namespaces, hence
 * linked statically.
 *
 *	pingpong serve PORT			answers one client after the other
 *	pingpong bulk ADDRESS PORT SECONDS	sends as fast as it can: prints Gbit/s as the server has counted
 *	pingpong turns ADDRESS PORT COUNT	a byte there and one back: prints the median in microseconds
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 128 << 10, TURNS_MAX = 1 << 20 };

static char chunk[CHUNK];

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void write_all(int fd, const void *data, size_t len)
{
	for (const char *p = data; len;) {
		ssize_t n = write(fd, p, len);

		if (n <= 0)
			fail("write");
		p += n;
		len -= (size_t)n;
	}
}

static void read_all(int fd, void *data, size_t len)
{
	for (char *p = data; len;) {
		ssize_t n = read(fd, p, len);

		if (n <= 0)
			fail("read");
		p += n;
		len -= (size_t)n;
	}
}

static void at_once(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* Counts until the client has shut its side down, and says how much it was and how long it took. */
static void serve_bulk(int fd)
{
	double begin = now(), result[2] = { 0 };
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		result[0] += (double)n;
	result[1] = now() - begin;
	write_all(fd, result, sizeof(result));
}

static void serve_turns(int fd)
{
	char byte;

	while (read(fd, &byte, 1) == 1)
		write_all(fd, &byte, 1);
}

static int serve(uint16_t port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int on = 1, listener = socket(AF_INET6, SOCK_STREAM, 0);

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (listener < 0 || bind(listener, (struct sockaddr *)&any, sizeof(any)) ||
	    listen(listener, 16))
		fail("listen");
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		char what;

		if (fd < 0 || read(fd, &what, 1) != 1)
			continue;
		at_once(fd);
		if (what == 'b')
			serve_bulk(fd);
		else
			serve_turns(fd);
		close(fd);
	}
}

static int reach(const char *address, uint16_t port, char what)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
	bool is_six = inet_pton(AF_INET6, address, &six.sin6_addr) == 1;
	const struct sockaddr *to = is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four;
	int fd = socket(to->sa_family, SOCK_STREAM, 0);

	if ((!is_six && inet_pton(AF_INET, address, &four.sin_addr) != 1) || fd < 0 ||
	    connect(fd, to, is_six ? sizeof(six) : sizeof(four)))
		fail("connect");
	at_once(fd);
	write_all(fd, &what, 1);
	return fd;
}

static int bulk(const char *address, uint16_t port, double seconds)
{
	int fd = reach(address, port, 'b');
	double end = now() + seconds, result[2];

	while (now() < end)
		write_all(fd, chunk, sizeof(chunk));
	shutdown(fd, SHUT_WR);
	read_all(fd, result, sizeof(result));
	printf("%.2f\n", result[0] * 8 / result[1] / 1e9);
	return 0;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int turns(const char *address, uint16_t port, size_t count)
{
	int fd = reach(address, port, 't');
	double *took = calloc(count, sizeof(*took));
	char byte = 'x';

	if (!count || count > TURNS_MAX || !took)
		fail("count");
	for (size_t i = 0; i < count; i++) {
		double begin = now();

		write_all(fd, &byte, 1);
		read_all(fd, &byte, 1);
		took[i] = (now() - begin) * 1e6;
	}
	qsort(took, count, sizeof(*took), compare);
	printf("%.1f\n", took[count / 2]);
	free(took);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve((uint16_t)atoi(argv[2]));
	if (argc == 5 && !strcmp(argv[1], "bulk"))
		return bulk(argv[2], (uint16_t)atoi(argv[3]), atof(argv[4]));
	if (argc == 5 && !strcmp(argv[1], "turns"))
		return turns(argv[2], (uint16_t)atoi(argv[3]), (size_t)atol(argv[4]));
	fprintf(stderr, "usage: see the head of pingpong.c\n");
	return 2;
}
