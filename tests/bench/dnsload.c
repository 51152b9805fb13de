/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dnsload ADDRESS NAME SECONDS WINDOW PID: asks ADDRESS:53 for the A record of NAME by UDP and keeps WINDOW questions under way.
 * Prints the answers a second, the answers for each second of processor time of the server PID, and the 50th and 99th percentile
 * of the time between question and answer in microseconds. Every answer must have its question's id, no error and one record.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WINDOW_MAX = 1024, SAMPLES_MAX = 1 << 22, IDS = 65536 };

struct load {
	int fd;
	uint8_t question[512];
	size_t len;
	uint64_t sent[IDS]; /* when, by id; 0: it is not under way */
	uint32_t *samples, n;
	uint16_t next;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* In seconds; user and system. */
static double processor_time(const char *pid)
{
	char path[64], text[1024];
	unsigned long user, system;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	f = fopen(path, "r");
	if (!f || !fgets(text, sizeof(text), f) ||
	    sscanf(strrchr(text, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
		   &user, &system) != 2)
		die(path);
	fclose(f);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static void make_question(struct load *l, const char *name)
{
	static const uint8_t head[] = { 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0 },
			     tail[] = { 0, 0, 1, 0, 1 };

	memcpy(l->question, head, sizeof(head));
	l->len = sizeof(head);
	while (*name) {
		size_t n = strcspn(name, ".");

		l->question[l->len++] = (uint8_t)n;
		memcpy(l->question + l->len, name, n);
		l->len += n;
		name += n + (name[n] == '.');
	}
	memcpy(l->question + l->len, tail, sizeof(tail));
	l->len += sizeof(tail);
}

static void ask(struct load *l)
{
	uint16_t id = l->next++;

	l->question[0] = (uint8_t)(id >> 8);
	l->question[1] = (uint8_t)id;
	l->sent[id] = now_ns();
	if (send(l->fd, l->question, l->len, 0) < 0)
		die("send");
}

static void take(struct load *l)
{
	uint8_t answer[1500];
	ssize_t n = recv(l->fd, answer, sizeof(answer), 0);
	uint16_t id;

	if (n < 12)
		die("recv");
	id = (uint16_t)(answer[0] << 8 | answer[1]);
	if (!l->sent[id] || (answer[3] & 15) || answer[7] != 1) {
		fprintf(stderr, "dnsload: an answer that is none (rcode %d, %d records)\n",
			answer[3] & 15, answer[7]);
		exit(1);
	}
	if (l->n < SAMPLES_MAX)
		l->samples[l->n++] = (uint32_t)((now_ns() - l->sent[id]) / 100);
	l->sent[id] = 0;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(53) };
	struct load *l = calloc(1, sizeof(*l));
	struct timeval patience = { .tv_sec = 5 };
	uint64_t begin, end;
	double cpu;
	int window;

	if (argc != 6 || !l || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fputs("usage: dnsload ADDRESS NAME SECONDS WINDOW PID\n", stderr);
		return 2;
	}
	window = atoi(argv[4]);
	l->samples = calloc(SAMPLES_MAX, sizeof(*l->samples));
	l->fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (window < 1 || window > WINDOW_MAX || !l->samples || l->fd < 0 ||
	    setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    connect(l->fd, (struct sockaddr *)&to, sizeof(to)))
		die("socket");
	make_question(l, argv[2]);
	cpu = processor_time(argv[5]);
	begin = now_ns();
	end = begin + (uint64_t)(atof(argv[3]) * 1e9);
	for (int i = 0; i < window; i++)
		ask(l);
	while (now_ns() < end) {
		take(l);
		ask(l);
	}
	end = now_ns();
	cpu = processor_time(argv[5]) - cpu;
	qsort(l->samples, l->n, sizeof(*l->samples), by_value);
	printf("%.0f %.0f %.1f %.1f\n", l->n / ((double)(end - begin) / 1e9),
	       cpu > 0 ? l->n / cpu : 0., l->samples[l->n / 2] / 10.,
	       l->samples[(uint64_t)l->n * 99 / 100] / 10.);
	return 0;
}
