/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * world: a made-up host for the tests of net: its own network and mount namespaces, an
 * up-link to an "outside", a run folder, a ledger. Nothing of the machine is touched.
 */
#ifndef TEST_NET_WORLD_H
#define TEST_NET_WORLD_H

#include "mstack/net.h"

/* A namespace beside the host's: a slot, or the outside. */
struct world_ns {
	int netns;
	int rtnl; /* born inside */
};

struct world {
	struct ev_loop *loop;
	struct ledger *ledger;
	struct world_ns outside; /* 192.0.2.2 and 2001:db8::2, on the other end of up0 (.1, ::1) */
	char dir[64];
	struct net_event events[16];
	size_t n_events;
	struct net *nets[2]; /* open ones, which a failed test leaves behind */
};

/*
 * Group set-up and tear-down of cmocka: enters the namespaces once and for all; *state is
 * the struct world.
 */
int world_setup(void **state);
int world_teardown(void **state);
/* For each test: undoes what the ledger holds and starts it anew. */
int world_reset(void **state);

void world_ns_make(struct world_ns *ret);
void world_ns_free(struct world_ns *ns);
/* Raises a link and gives it an address; gateway may be NULL. */
void world_set_address(int rtnl, const char *ifname, const char *ip, unsigned prefix,
		       const char *gateway);
/* A socket born in that namespace (-1: the host's). */
int world_socket(int netns, int type);
/* Listens or binds there, on any address and this port. */
int world_server(int netns, int type, uint16_t port);
/* Connects, however busy the machine is. 0, or -1 with errno. */
int world_connect(int netns, const char *ip, uint16_t port, int *ret_fd);
/* The same for what is not to be reached: gives up after 300 ms. */
int world_no_connect(int netns, const char *ip, uint16_t port);
/* Waits until there is something to read. */
void world_readable(int fd);
/* Collects events; for net_open's fn with the world as arg. */
void world_event(void *world, const struct net_event *ev);
/* Runs the loop until so many events came or the time is over. */
void world_run(struct world *w, size_t events, unsigned ms);
/* A value of the host's or of a device's switch; -1 when it is not there. */
int world_forwarding(const char *ifname);
void world_set_forwarding(const char *ifname, const char *value);
struct ip world_ip(const char *text);
struct ip_net world_net(const char *text, unsigned prefix);
/* mstack-net as it was built beside the tests is what is started from here on. False: it was not built. */
bool world_find_helper(void);
/* Removes everything of the ledger; what is left over fails the test. */
void world_undo(struct world *w);

/*
 * A stack "demo" with a network that has a way out and an internal one, and slots for it.
 */
struct world_stack {
	struct net_spec spec;
	struct net_bridge_spec bridges[2];
	struct net *net;
	struct world_ns ns[3];
	struct net_port_spec ports[4];
	struct net_attach slots
		[3]; /* 0: 10.77.0.2; 1: 10.77.0.3 and 10.88.0.3; 2: 10.88.0.4 alone (internal) */
};

void world_stack_open(struct world *w, struct world_stack *s, const char *project,
		      unsigned net_number);
void world_stack_attach(struct world *w, struct world_stack *s);
void world_stack_close(struct world *w, struct world_stack *s);

#endif
