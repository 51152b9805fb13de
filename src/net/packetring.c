/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packetring: the packets of one interface through memory that the kernel fills (packet(7), TPACKET_V3; the layout in the kernel's
 * networking/packet_mmap). Called by clients through net_capture.h. A block belongs to us from the moment the kernel has closed
 * it until its last packet was taken: nothing is copied here, and who reads late costs the interface nothing but lost packets.
 * Blocks are closed by time too, however little is in them, so many small ones last longer than a few large ones.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/mman.h>
#include <unistd.h>

#include "net/window.h"

/* Only rounded with: frames of this version have the length of their packets. */
#define FRAME	   2048
#define BLOCK	   (128u << 10)
#define BLOCK_MAX  (512u << 10) /* for packets that do not fit into one */
#define BLOCKS_MIN 8
/* The kernel looks so often, and closes a block at the second look. */
#define BLOCK_MS   (NET_CAPTURE_LATE_MS / 2)
#define NS_PER_S   UINT64_C(1000000000)
#define FILTER_MAX 4096 /* instructions (BPF_MAXINSNS) */

struct net_capture {
	int fd;
	uint8_t *ring;
	unsigned block_size, n_blocks;
	unsigned at; /* block that is read, or that will be next */
	struct VEC(const struct tpacket3_hdr *)
		order; /* its packets that are left, the oldest last; none: it is not open */
	struct net_packet packet;
	uint64_t packets, lost;
};

/* ---- opening --------------------------------------------------------------------------------- */

static int fail(const char *what, struct err *err)
{
	return err_sys(err, errno, "packet socket: %s", what);
}

static int option(int fd, int name, const void *value, socklen_t size, const char *what,
		  struct err *err)
{
	return setsockopt(fd, SOL_PACKET, name, value, size) < 0 ? fail(what, err) : 0;
}

/* Also where all packets are wanted: what is not asked for is not even copied. */
static int set_filter(int fd, const struct net_capture_spec *spec, struct err *err)
{
	struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K, spec->snaplen) };
	struct sock_fprog program = { .len = 1, .filter = all };

	if (spec->n_filter > FILTER_MAX)
		return err_set(err, "packet filter: %zu instructions, the kernel takes %d",
			       spec->n_filter, FILTER_MAX);
	if (spec->filter) {
		program.len = (unsigned short)spec->n_filter;
		program.filter = (struct sock_filter *)spec->filter;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
		return fail("set the filter", err);
	return 0;
}

static int make_ring(struct net_capture *c, const struct net_capture_spec *spec, struct err *err)
{
	unsigned size = spec->snaplen > NET_CAPTURE_SNAP_ALL ? BLOCK_MAX : BLOCK;
	size_t blocks = (spec->memory + size - 1) / size;
	struct tpacket_req3 req = { .tp_block_size = size,
				    .tp_frame_size = FRAME,
				    .tp_retire_blk_tov = BLOCK_MS };

	req.tp_block_nr = (unsigned)(blocks < BLOCKS_MIN ? BLOCKS_MIN : blocks);
	req.tp_frame_nr = req.tp_block_nr * (size / FRAME);
	if (option(c->fd, PACKET_VERSION, &(int){ TPACKET_V3 }, sizeof(int), "TPACKET_V3", err) ||
	    option(c->fd, PACKET_RX_RING, &req, sizeof(req), "memory for packets", err))
		return -1;
	c->ring = mmap(NULL, (size_t)req.tp_block_nr * size, PROT_READ | PROT_WRITE, MAP_SHARED,
		       c->fd, 0);
	if (c->ring == MAP_FAILED) {
		c->ring = NULL;
		return fail("map memory", err);
	}
	c->block_size = size;
	c->n_blocks = req.tp_block_nr;
	return 0;
}

static int begin(struct net_capture *c, const struct net_capture_spec *spec, struct err *err)
{
	struct packet_mreq promiscuous = { .mr_ifindex = spec->index,
					   .mr_type = PACKET_MR_PROMISC };
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = spec->index };

	if (spec->once && option(c->fd, PACKET_IGNORE_OUTGOING, &(int){ 1 }, sizeof(int),
				 "leave out what is sent", err))
		return -1;
	if (spec->promiscuous && option(c->fd, PACKET_ADD_MEMBERSHIP, &promiscuous,
					sizeof(promiscuous), "be promiscuous", err))
		return -1;
	if (bind(c->fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return fail("bind to the interface", err);
	return 0;
}

struct net_capture *net_capture_open(struct net_window *w, const struct net_capture_spec *spec,
				     struct err *err)
{
	struct net_capture *c = xcalloc(1, sizeof(*c));

	/* Without a protocol it hears nothing before it is bound: no packet of another interface, none past the filter. */
	c->fd = window_socket(w, AF_PACKET, SOCK_RAW, 0, err);
	if (c->fd >= 0 && set_filter(c->fd, spec, err) == 0 && make_ring(c, spec, err) == 0 &&
	    begin(c, spec, err) == 0)
		return c;
	net_capture_close(c);
	return NULL;
}

void net_capture_close(struct net_capture *c)
{
	if (!c)
		return;
	if (c->ring)
		munmap(c->ring, (size_t)c->n_blocks * c->block_size);
	cleanup_fd(&c->fd);
	vec_fini(&c->order);
	free(c);
}

int net_capture_fd(const struct net_capture *c)
{
	return c->fd;
}

/* ---- reading --------------------------------------------------------------------------------- */

static struct tpacket_block_desc *block(const struct net_capture *c)
{
	return (void *)(c->ring + (size_t)c->at * c->block_size);
}

static void read_head(struct net_capture *c)
{
	const struct tpacket3_hdr *h = c->order.v[c->order.n - 1];
	const struct sockaddr_ll *from =
		(const void *)((const char *)h + TPACKET_ALIGN(sizeof(*h)));
	struct net_packet *p = &c->packet;
	uint16_t tpid =
		h->tp_status & TP_STATUS_VLAN_TPID_VALID ? h->hv1.tp_vlan_tpid : ETH_P_8021Q;

	*p = (struct net_packet){ .at_ns = h->tp_sec * NS_PER_S + h->tp_nsec,
				  .data = (const uint8_t *)h + h->tp_mac,
				  .len = h->tp_snaplen,
				  .wire_len = h->tp_len,
				  .kind = from->sll_pkttype,
				  .tagged = h->tp_status & TP_STATUS_VLAN_VALID };
	if (!p->tagged)
		return;
	p->tag[0] = (uint8_t)(tpid >> 8);
	p->tag[1] = (uint8_t)tpid;
	p->tag[2] = (uint8_t)(h->hv1.tp_vlan_tci >> 8);
	p->tag[3] = (uint8_t)h->hv1.tp_vlan_tci;
}

static void give_back(struct net_capture *c)
{
	__atomic_store_n(&block(c)->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	c->at = (c->at + 1) % c->n_blocks;
}

static bool is_older(const struct tpacket3_hdr *a, const struct tpacket3_hdr *b)
{
	return a->tp_sec < b->tp_sec || (a->tp_sec == b->tp_sec && a->tp_nsec < b->tp_nsec);
}

/* Two processors that have a packet at the same time take its stamp before they take its place: they are some ns out of order. */
static void put_in_order(struct net_capture *c)
{
	const struct tpacket3_hdr **v = c->order.v;
	size_t n = c->order.n;

	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k && is_older(v[k], v[k - 1]); k--) {
			const struct tpacket3_hdr *later = v[k - 1];

			v[k - 1] = v[k];
			v[k] = later;
		}
	for (size_t i = 0; i < n / 2; i++) {
		const struct tpacket3_hdr *first = v[i];

		v[i] = v[n - 1 - i];
		v[n - 1 - i] = first;
	}
}

static void open_block(struct net_capture *c)
{
	const struct tpacket_block_desc *b = block(c);
	const char *at = (const char *)b + b->hdr.bh1.offset_to_first_pkt;

	for (uint32_t i = 0; i < b->hdr.bh1.num_pkts; i++) {
		const struct tpacket3_hdr *h = (const void *)at;

		vec_push(&c->order, h);
		at += h->tp_next_offset;
	}
	put_in_order(c);
}

const struct net_packet *net_capture_peek(struct net_capture *c)
{
	while (!c->order.n) {
		if (!(__atomic_load_n(&block(c)->hdr.bh1.block_status, __ATOMIC_ACQUIRE) &
		      TP_STATUS_USER))
			return NULL;
		open_block(c);
		if (c->order.n)
			read_head(c);
		else
			give_back(c);
	}
	return &c->packet;
}

void net_capture_pop(struct net_capture *c)
{
	if (--c->order.n)
		read_head(c);
	else
		give_back(c);
}

void net_capture_stop(struct net_capture *c)
{
	struct sock_filter none[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_fprog program = { .len = 1, .filter = none };

	setsockopt(c->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* The kernel counts from the last question on, and the lost ones among all. */
void net_capture_count(struct net_capture *c, uint64_t *ret_packets, uint64_t *ret_lost)
{
	struct tpacket_stats_v3 s = { 0 };
	socklen_t size = sizeof(s);

	if (!getsockopt(c->fd, SOL_PACKET, PACKET_STATISTICS, &s, &size)) {
		c->packets += s.tp_packets;
		c->lost += s.tp_drops;
	}
	*ret_packets = c->packets;
	*ret_lost = c->lost;
}

void net_capture_clear(struct net_capture *c)
{
	int sys;
	socklen_t size = sizeof(sys);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &sys, &size);
}
