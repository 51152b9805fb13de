/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree with its descriptors on its way to another process: whole or not at all, in order, and nothing stays open behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mstack/base_bundle.h"
#include "unit/openfds.h"
#include <cmocka.h>

/* More than fit into one message of the kernel's. */
enum { MANY = 450 };

struct pair {
	int here, there;
};

static struct pair connect_pair(void)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
			 0);
	return (struct pair){ fds[0], fds[1] };
}

static void close_pair(struct pair *p)
{
	cleanup_fd(&p->here);
	cleanup_fd(&p->there);
}

/* Pipes in the order of their numbers: which one it is, is told by its inode. */
static struct carry *make_tree(size_t n, ino_t *ret_inodes)
{
	struct carry *root = carry_new();

	for (size_t i = 0; i < n; i++) {
		struct stat st;
		int fds[2];

		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		assert_int_equal(fstat(fds[0], &st), 0);
		ret_inodes[i] = st.st_ino;
		carry_put_fd(carry_add(root, "item"), "fd", fds[0]);
		close(fds[1]);
	}
	return root;
}

static int send_tree(int sock, uint32_t number, const struct carry *tree)
{
	_cleanup_fd_ int text = carry_write(tree, &(struct err){ 0 });
	_cleanup_free_ int *fds = NULL;
	size_t n;

	assert_true(text >= 0);
	fds = carry_fds(tree, &n);
	return bundle_send(sock, number, text, fds, n, &(struct err){ 0 });
}

static void check_tree(struct carry *tree, const ino_t *inodes, size_t n)
{
	size_t i = 0;

	for (struct carry *c = NULL; (c = carry_next(tree, "item", c)); i++) {
		_cleanup_fd_ int fd = carry_take_fd(c, "fd");
		struct stat st;

		assert_true(fd >= 0);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_ino, inodes[i]);
	}
	assert_int_equal(i, n);
}

static void take_whole(int sock, struct bundle *b)
{
	enum bundle_got got = BUNDLE_PART;

	while (got == BUNDLE_PART)
		got = bundle_recv(sock, b);
	assert_int_equal(got, BUNDLE_WHOLE);
}

static void test_many(void **state)
{
	static const size_t counts[] = { 0, 1, 200, 201, MANY };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		int before = open_fds();
		struct pair p = connect_pair();
		ino_t inodes[MANY];
		struct carry *tree = make_tree(counts[i], inodes), *got;
		struct bundle b = { 0 };

		assert_int_equal(send_tree(p.here, 7, tree), 0);
		carry_close_rest(tree);
		carry_free(tree);
		take_whole(p.there, &b);
		assert_int_equal(b.number, 7);
		assert_int_equal(bundle_recv(p.there, &b), BUNDLE_EMPTY);
		got = bundle_open(&b, &(struct err){ 0 });
		assert_non_null(got);
		check_tree(got, inodes, counts[i]);
		carry_free(got);
		bundle_fini(&b);
		close_pair(&p);
		assert_int_equal(open_fds(), before);
	}
}

/* The sender died in the middle: what came whole before it still counts. */
static void test_torn(void **state)
{
	int before = open_fds();
	struct pair p = connect_pair();
	ino_t inodes[MANY], others[3];
	struct carry *small = make_tree(3, others), *big = make_tree(MANY, inodes), *got;
	struct bundle b = { 0 };

	(void)state;
	assert_int_equal(send_tree(p.here, 1, small), 0);
	take_whole(p.there, &b);
	assert_int_equal(send_tree(p.here, 2, big), 0);
	cleanup_fd(&p.here);
	/* Two of its three packets. */
	assert_int_equal(bundle_recv(p.there, &b), BUNDLE_PART);
	assert_int_equal(bundle_recv(p.there, &b), BUNDLE_PART);
	got = bundle_open(&b, &(struct err){ 0 });
	assert_non_null(got);
	check_tree(got, others, 3);
	carry_free(got);
	bundle_fini(&b);
	for (size_t i = 0; i < 2; i++) {
		struct carry *tree = i ? small : big;

		carry_close_rest(tree);
		carry_free(tree);
	}
	close_pair(&p);
	assert_int_equal(open_fds(), before);
}

/* What a sender gave up in the middle, because there was no room, is forgotten when the next one begins. */
static void test_begun_anew(void **state)
{
	struct pair p = connect_pair(), other = connect_pair();
	ino_t inodes[MANY], others[3];
	struct carry *small = make_tree(3, others), *big = make_tree(MANY, inodes), *got;
	struct bundle b = { 0 };

	(void)state;
	assert_int_equal(send_tree(other.here, 1, big), 0);
	assert_int_equal(bundle_recv(other.there, &b), BUNDLE_PART);
	assert_int_equal(send_tree(p.here, 2, small), 0);
	take_whole(p.there, &b);
	got = bundle_open(&b, &(struct err){ 0 });
	assert_non_null(got);
	check_tree(got, others, 3);
	carry_free(got);
	bundle_fini(&b);
	carry_close_rest(small);
	carry_close_rest(big);
	carry_free(small);
	carry_free(big);
	close_pair(&p);
	close_pair(&other);
}

static void test_none_and_closed(void **state)
{
	struct pair p = connect_pair();
	ino_t inodes[3];
	struct carry *tree = make_tree(3, inodes);
	struct bundle b = { 0 };
	int before;

	(void)state;
	assert_int_equal(send_tree(p.here, 1, tree), 0);
	before = open_fds();
	take_whole(p.there, &b);
	assert_int_equal(bundle_send_none(p.here, 2, &(struct err){ 0 }), 0);
	assert_int_equal(bundle_recv(p.there, &b), BUNDLE_NONE);
	assert_false(b.whole);
	assert_int_equal(open_fds(), before);
	assert_int_equal(send(p.here, "what?", 5, 0), 5);
	assert_int_equal(bundle_recv(p.there, &b), BUNDLE_CLOSED);
	cleanup_fd(&p.here);
	assert_int_equal(bundle_recv(p.there, &b), BUNDLE_CLOSED);
	assert_null(bundle_open(&b, &(struct err){ 0 }));
	carry_close_rest(tree);
	carry_free(tree);
	close_pair(&p);
}

/* A tree whose descriptors are not those that came is none. */
static void test_wrong_number(void **state)
{
	ino_t inodes[3];
	struct carry *tree = make_tree(3, inodes);
	const int two[] = { 0, 1 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(carry_set_fds(tree, two, 2, &err), -1);
	assert_string_equal(err.text, "what is carried over: 3 descriptors, and 2 came");
	carry_close_rest(tree);
	carry_free(tree);
}

/* As many as the padding has room for, by hand: one more than a packet may have. */
static void test_one_too_many(void **state)
{
	enum { SENT = 202 };
	const struct {
		char magic[8];
		uint32_t number, total, at, none;
	} head = { "mstbndl1", 1, SENT - 1, 0, 0 };
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(SENT * sizeof(int))];
	} control = { .align = { CMSG_LEN(SENT * sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec part = { (void *)(uintptr_t)&head, sizeof(head) };
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	int before = open_fds(), fds[SENT];
	struct pair p = connect_pair();
	struct bundle b = { 0 };

	(void)state;
	for (size_t i = 0; i < SENT; i++)
		fds[i] = p.here;
	memcpy(CMSG_DATA(&control.align), fds, sizeof(fds));
	assert_int_equal(sendmsg(p.here, &m, MSG_NOSIGNAL), sizeof(head));
	assert_int_equal(bundle_recv(p.there, &b), BUNDLE_PART);
	bundle_fini(&b);
	close_pair(&p);
	assert_int_equal(open_fds(), before);
}

/* Who may have no more open files hears that, and keeps none of it. */
static void test_cut(void **state)
{
	int before = open_fds();
	struct pair p = connect_pair();
	ino_t inodes[10];
	struct carry *tree = make_tree(ARRAY_LEN(inodes), inodes);
	struct bundle b = { 0 };
	struct rlimit had, few;

	(void)state;
	assert_int_equal(send_tree(p.here, 1, tree), 0);
	carry_close_rest(tree);
	carry_free(tree);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &had), 0);
	few = had;
	few.rlim_cur = (rlim_t)p.there + 6;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(bundle_recv(p.there, &b), BUNDLE_CUT);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &had), 0);
	assert_false(b.whole);
	bundle_fini(&b);
	close_pair(&p);
	assert_int_equal(open_fds(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),	     cmocka_unit_test(test_torn),
		cmocka_unit_test(test_begun_anew),   cmocka_unit_test(test_none_and_closed),
		cmocka_unit_test(test_wrong_number), cmocka_unit_test(test_one_too_many),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
