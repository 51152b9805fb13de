/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of sup share: the supervisor, its slots, its queue of facts.
 *
 * Flow of one turn: watchers append facts (queue.c) -> all facts settle into the machines of svc (settle.c) -> gates are
 * looked at (gate.c) -> what the states ask for is executed (execute.c).
 */
#ifndef SUP_STATE_H
#define SUP_STATE_H

#include <ev.h>
#include <limits.h>
#include <jansson.h>

#include "mstack/box.h"
#include "mstack/ctl.h"
#include "mstack/ledger.h"
#include "mstack/logs.h"
#include "mstack/logs_journal.h"
#include "mstack/net_hosts.h"
#include "mstack/net_names.h"
#include "mstack/net_porch.h"
#include "mstack/plan.h"
#include "mstack/store.h"
#include "mstack/sup.h"
#include "mstack/svc.h"
#include "sup/cause.h"
#include "sup/inside.h"

enum {
	SUP_PEERS_MAX = 64,
	SUP_ONEOFFS_MAX = 64,
	SUP_PLACES_MORE = 1024, /* beside those of the first plan, for what comes later */
	SUP_PROBE_OUTPUT = 4096,
	SUP_GUARD_MS = 5000, /* how long a guard at work is waited for */
};

#define SUP_GUARD_NAME "mstack-guard" /* in /proc/PID/comm */
#define SUP_PROCESS_NAME "mstack" /* of a supervisor (box_seal_self), by which box finds it as well */
#define SUP_STANDBY_NAME "mstack-standby"

/* ---- facts ----------------------------------------------------------------------------------- */

enum sup_fact_kind {
	FACT_BOX,	   /* box: a slot is ready, a process started, ended, ... */
	FACT_NET,	   /* net: the links of a slot carry traffic */
	FACT_WIRE,	   /* net: a wire does; `slot` is its number */
	FACT_TIMER,	   /* the timer of a slot's state */
	FACT_HEALTH_TIMER, /* the wait between two probes is over */
	FACT_PROBE_TIMEOUT,
	FACT_EXEC_TIMEOUT,
	FACT_PROBED, /* a probe of ours has ended; box.status */
	FACT_SIGNAL,  /* somebody sent us a signal */
	FACT_GIVE_UP, /* something killed does not end */
	FACT_GUARD_DIED,
	FACT_STANDBY_DIED,
};

struct sup_fact {
	enum sup_fact_kind kind;
	size_t slot;
	int signo;
	pid_t sender; /* FACT_SIGNAL; 0: the kernel */
	uid_t sender_uid;
	struct box_event
		box; /* FACT_BOX; output is not kept but for a failed probe (see sup_slot) */
};

/* ---- slots ----------------------------------------------------------------------------------- */

enum sup_phase { PHASE_NONE, PHASE_OPENING, PHASE_READY };

struct sup_attach;
struct sup_change;   /* change.h */
struct sup_document; /* document.h */
struct sup_oneoff; /* oneoff.h */
struct sup_verb;   /* verbs.c */

struct sup_slot {
	struct sup *sup;
	size_t nr; /* of its place, which is its number in the plan that it is of */
	bool reserved;	  /* nobody is here yet, but somebody will be */
	uint64_t left_ms; /* when the one before left this place; 0: nobody was here */
	const struct plan_slot *plan; /* NULL: the place is free */
	struct sup_model *model; /* NULL: likewise; that of the stack when it came */
	const struct stack *stack;    /* of the plan's service */
	const struct sup_prepared *prepared;
	struct sup_oneoff *oneoff; /* NULL: it belongs to a service */
	struct svc svc;
	struct svc_health health;
	struct logs_stream *log;
	bool log_full; /* said already */
	struct box_slot *box;
	enum sup_phase phase;
	bool attached;	 /* its links exist and its ports are published, or it has another's network */
	bool network_up; /* and carry traffic */
	struct impair_ways *impaired; /* what its links do to packets now, one for each port; NULL: not made yet */
	bool open_failed; /* its namespaces, which somebody else needed for a wire; err says why */
	bool told_down;	 /* in the present ending */
	bool removed;	 /* by `rm`, until it is started or created again: see sup_is_removed */
	bool between;	 /* taken up with what its supervisor had begun in it and nobody goes on with, until that is ended */
	struct sup_cause cause; /* of the last wish */
	unsigned todo;	 /* of svc, collected while facts settle */
	unsigned health_todo;
	uint64_t timer_ms, health_ms;
	ev_timer timer, health_timer, probe_timer, exec_timer;
	bool probe_late;
	struct sup_inside inside;
	struct sup_hooking hooking;
	struct sup_execing execing;
	struct sup_stepping stepping;
	bool stepped; /* all of `pre_start` has ended well; for as long as the container is there */
	struct sup_knock knock;
	bool oom;	/* the last exit */
	struct err err; /* of the last failed start */
	struct err
		net_err; /* why its links or ports could not be made: the start was killed for it */
	uint64_t created_wall, started_wall, ended_wall;
	char *upper, *work;
	ev_io terminal; /* of its process, read into the log */
	ev_timer terminal_again;
	bool terminal_open;
	bool held; /* not read for a moment: a client has no room */
	int input; /* the other end of its standard input, for clients; -1: none */
	struct sup_attach *clients; /* at its streams */
	char probe_output[SUP_PROBE_OUTPUT + 1];
};

/* ---- the supervisor -------------------------------------------------------------------------- */

struct sup_peer {
	struct sup *sup;
	int fd; /* -1: free */
	ev_io io;
	bool waits_for_down;
	uint32_t down_id;
	struct sup_attach *attach; /* to a container's streams, or NULL */
	struct sup_slot *oneoff; /* that it asked for and that has not ended; or NULL */
	uint32_t run_id;
	json_t *last;	     /* its last answer about that, until the end of the turn; owned */
	enum ctl_type last_type;
	bool done; /* it has that answer, and nothing more to ask */
	struct sup_verb *verb; /* that it waits for, or NULL */
	struct sup_abort *abort; /* what ends the stack for it, or NULL; owned */
	uint32_t abort_id;
	json_t *rest; /* what it asks for that waits for the end of services, or NULL; owned */
	uint32_t rest_id;
};

/* Which end of a service is that of the stack, and with which exit code. */
struct sup_abort {
	bool on_exit, on_failure;
	const char *from; /* the service whose exit code it is; NULL: none */
	int code;	  /* -1: not known */
};

enum sup_ending { ENDING_NO, ENDING_STOP, ENDING_KILL };

/* What must be known of the host before the plan can be made. */
struct sup_prepared {
	struct store *store;
	struct net_facts facts;
	const struct carry *then; /* not NULL: of a stack that runs, what it was prepared from; its own networks are not in its way */
	struct impair_facts impair;
	bool impair_known; /* it was asked for: something is impaired */
	struct store_image *images;
	bool *shared; /* by service: the image belongs to an earlier one */
	struct store_user *users;
	size_t n;	 /* of images and users that are filled in */
	struct plan_image *mounted; /* images that mounts show */
	size_t n_mounted;
	char **profiles; /* by service: text of the seccomp profile that it names; ends with */
	size_t n_profiles;
	char *resolv_conf;
	char *own_hosts, *own_resolv_conf; /* of the host */
	char hostname[HOST_NAME_MAX + 1];
	char *run_dir; /* of the project */
	const struct plan *running; /* while the plan is made: over what runs; NULL: nothing does */
	const struct ip *taken;
	size_t n_taken;
	struct plan *plan;
};

/*
 * What the stack was read as, and what was made of it. The first one is there from the start on; a later one takes its place, and
 * an older one is kept while a slot is of it.
 */
struct sup_model {
	struct sup_model *older;
	const struct stack *stack;
	struct sup_document *document; /* that holds the stack; NULL: the caller does */
	struct sup_prepared prepared;
	int volumes; /* mount namespace of those with file systems of their own; -1 none */
	int text; /* what sup_document made of it; -1: not needed yet */
};

struct sup_wire {
	bool made, ready; /* ready: it carries frames */
	struct err err;	  /* why it could not be made the last time */
	struct impair_ways impaired; /* what it does to packets now, seen from its first end */
};

/* What its guard is to keep, on the way there (keeping.h). */
struct sup_handing {
	int sock; /* -1: the guard keeps nothing */
	ev_io io;
	bool changed, told, failed;
	bool lost;     /* descriptors of what was sent last */
	bool deaf;     /* another guard did not answer either: it is not waited for */
	bool released; /* a port of the host, which the guard has still */
	uint32_t number, acked; /* of what was sent last, and of what has come */
	uint64_t sent_ms;
	char *group; /* where the guard belongs; NULL: it is there */
	pid_t names; /* who answered last time */
	pid_t porch[NET_PORTERS]; /* who stood there last time */
};

/* Who undoes the stack when supervisor and guard die at once (standby.c). */
struct sup_standby {
	pid_t pid; /* 0: none */
	int fd;
	int own, guards; /* ends of one socket: its own, and the one that guards have */
	ev_io io;
};

struct sup {
	const struct sup_opts *opts;
	struct sup_model *model;  /* the one that counts now; NULL: before there is any */
	const struct plan *plan; /* of that */
	struct ev_loop *loop;
	struct ledger *ledger;
	struct net *net;
	struct net *uplink;	 /* of an isolated stack, in the host's namespace; else NULL */
	int host_ns, stack_ns; /* network namespaces of an isolated stack; -1 of others */
	struct net_porch *porch; /* of an ordinary user's stack, in the host's network; else NULL */
	struct net_names *names; /* NULL: nobody asks */
	struct box_runtime *runtime;
	struct sup_slot *slots; /* places, where slots come and go: of services, and one-offs */
	size_t n_slots;		/* of these have been used; some may be free */
	size_t n_places;
	struct sup_wire *wires; /* those of the plan */
	unsigned oneoffs; /* so many there have been */
	const struct carry *oneoffs_left; /* a tree with those of the supervisor that was taken up, until they are ended */
	bool transient;	  /* only one-offs run here: ends with the last of them */
	struct VEC(struct sup_fact) facts;
	ev_prepare pump;
	ev_io signals, listener, guard_io;
	int signal_fd, listen_fd, guard_fd, self_fd;
	struct sup_change *change; /* that is being carried out; NULL: none */
	pid_t guard;
	struct sup_standby standby;
	struct sup_handing handing;
	ev_timer give_up;
	ev_timer guard_again; /* when none could be started */
	ev_timer look_again;  /* sup_look_again */
	bool unguarded;	      /* and that was said */
	struct sup_peer peers[SUP_PEERS_MAX];
	struct sup_notify *notify; /* who started us wants to hear of us; or NULL */
	struct sup_verb *verbs; /* requests that are on their way */
	struct sup_reload *reload; /* the file is to be read again, or is (reload.h); NULL: no */
	bool had_terminal; /* with whose end it ends */
	struct sup_reexec *reexec; /* another program is to go on for us (reexec.h); NULL: none */
	bool asked;   /* by a client, in this turn */
	bool up_told; /* the `up` hook was called */
	enum sup_ending ending;
	struct sup_cause end_cause;   /* of the first who said so */
	struct logs_journal *journal; /* NULL: nothing is noted */
	bool gave_up;
	int exit_code;
	struct VEC(int) root_locks;
	struct buf left;   /* what the end could not remove, in words */
	struct err up_err; /* why `up` failed */
};

/* places.c */
char *sup_project_dir(const char *project);
char *sup_ledger_path(const char *project);

/* ownlevel.c */
/*
 * Root's is the host's, and stays. Says what a user with a single id has to do without; hooks may be NULL: that is known. ret_porch: who stays
 * in the host's network for us; NULL: nobody is needed.
 */
int sup_own_level(const struct sup_hooks *hooks, struct net_porch **ret_porch, struct err *err);
/* Waits until it is known whether there is a way out, and says it if there is none. */
void sup_await_way_out(const struct sup *s);

/* cleanup.c */
extern const struct ledger_kind *const *const sup_ledger_kinds[];
/* Undoes what the ledger holds; its lock is ours. As ledger_undo; what is left is told as an error. */
int sup_undo_items(struct ledger *l, const struct sup_hooks *hooks, struct err *err);
/* Undoes what the ledger holds (its lock is ours) and removes it with the project's folder. As sup_cleanup. */
int sup_undo(struct ledger *l, const char *project, const struct sup_hooks *hooks, struct err *err);
/* Opens and locks the project's ledger; a living owner is err->sys EBUSY; NULL with ENOENT when there is none. */
struct ledger *sup_ledger_open(const char *project, bool create, unsigned wait_ms, struct err *err);
/* Takes back the making of one in which nothing is entered; its lock is ours. What else is in the folder stays. */
void sup_ledger_drop(const char *project);
/* Of a process that has a ledger: is it a guard at work? */
bool sup_is_guard(pid_t pid);

/* guard.c */
int sup_guard_start(struct sup *s, struct err *err);
void sup_guard_died(struct sup *s);
void sup_guard_stop(struct sup *s);

/* standby.c */
/* Behind sup_guard_start, when it is known what is to be kept: if all of it, there is none, and that is no error. */
int sup_standby_start(struct sup *s, struct err *err);
/* As soon as the loop hears of its end. */
void sup_standby_watch(struct sup *s);
/* It has died. */
void sup_standby_renew(struct sup *s);
/* From now on the stack is to outlive its supervisor, or not any more. */
void sup_standby_follow(struct sup *s);
void sup_standby_stop(struct sup *s);

/* isolated.c: are its networks to be in a namespace beside the host's? Those of an ordinary user's stack are, whatever is asked for. */
bool sup_is_isolated(bool asked);
/* Before ports are reserved, and when that has worked. */
int sup_uplink_open(struct sup *s, struct err *err);
int sup_uplink_resume(struct sup *s, struct carry *from, struct err *err);
int sup_isolate(struct sup *s, struct err *err);
/* Into the namespace of an isolated stack, and back; of others nothing. What is opened there stays there. Leaving never fails. */
int sup_enter(struct sup *s, struct err *err);
void sup_leave(const struct sup *s);
/* portholder.c: a net_holder_fn; arg is struct sup */
int sup_port_holder(void *arg, const struct net_publish_spec *pub, char *ret, size_t size);

/* As net_reserve, net_release and net_publish, for isolated stacks as well. */
int sup_reserve(struct sup *s, struct net_publish_spec *pubs, size_t n, struct err *err);
void sup_release(struct sup *s, const char *owner);
void sup_release_ports(struct sup *s, const struct net_publish_spec *pubs, size_t n);
/* What of them is handed on by mstack-net; sup_publish does so by itself. */
void sup_proxy(struct sup *s, const struct net_publish_spec *pubs, size_t n, bool add);
int sup_publish(struct sup *s, const struct net_publish_spec *pubs, size_t n, bool add, struct err *err);
/* Without what mstack-net hands on. */
int sup_publish_rules(struct sup *s, const struct net_publish_spec *pubs, size_t n, bool add,
		      struct err *err);

/* prepare.c */
int sup_prepare(const struct sup_opts *opts, struct sup_prepared *p, struct err *err);
/* All but the plan for one service of opts->stack. */
int sup_prepare_one(const struct sup_opts *opts, const struct stack_service *service, struct sup_prepared *p,
		    struct err *err);
struct plan_host sup_plan_host(const struct sup_prepared *p);
void sup_prepared_fini(struct sup_prepared *p);

/* seccomp_file.c: the text of the profile that a service names, to be freed; *ret stays without one. */
int sup_read_profile(const struct stack_service *s, char **ret, struct err *err);

/* prepare.c: a container that cannot be made for what the file says at this line. Returns -1. */
int sup_cannot_create(const struct sup_opts *opts, const struct stack_service *s, uint32_t line,
		      struct err *err);

/* prepare.c: the slots' run-time folders. */
int sup_make_folders(struct sup *s, struct err *err);
/* provide.c: are the folders of the host there, or may they be made? */
int sup_check_binds(const struct sup_opts *opts, const struct plan *plan, struct err *err);
/*
 * provide.c: volumes with what they are filled with, folders of the host. *ret_volumes, -1 before, becomes box_spec.volumes for the
 * slots of the plan when one of them needs it. May wait long.
 */
int sup_provide(const struct sup_opts *opts, struct store *store, const struct plan *plan, int *ret_volumes,
		struct err *err);
/* One volume of its plan, with what it is filled with. */
int sup_provide_volume(const struct sup_opts *opts, const struct sup_model *m, const struct plan_volume *v, struct err *err);

/* anonymous.c: those that the slot has, and that nobody else uses who is there. It is removed; it is created again. */
int sup_anonymous_remove(const struct sup_slot *slot, struct err *err);
int sup_anonymous_provide(const struct sup_slot *slot, struct err *err);
/* All of the stack that nobody uses now begin anew. */
int sup_anonymous_renew(const struct sup *s, struct err *err);
bool sup_has_anonymous(const struct sup_slot *slot);

/* impair_live.c: after its links were made; CTL_IMPAIR. */
int sup_impair_slot(struct sup_slot *slot, struct err *err);
int sup_impair_port(struct sup_slot *slot, size_t port, const struct impair_ways *want, struct err *err);
int sup_impair_wire(struct sup *s, size_t wire, struct err *err);
void sup_impair_request(struct sup_peer *p, const struct ctl_msg *m);
/* Once: what the kernel can do. */
int sup_impair_look(struct sup_prepared *p, struct err *err);

/* queue.c */
void sup_queue(struct sup *s, const struct sup_fact *fact);
/* There is a turn in so many milliseconds at the latest, whatever happens. */
void sup_look_again(struct sup *s, uint64_t after_ms);
void sup_box_event(void *arg, const struct box_event *ev);
void sup_net_event(void *arg, const struct net_event *ev);
void sup_watchers_start(struct sup *s);
void sup_slot_watchers_init(struct sup_slot *slot);
void sup_watchers_stop(struct sup *s);

/* settle.c */
void sup_settle(struct sup *s, const struct sup_fact *fact);
void sup_feed_health(struct sup_slot *slot, enum svc_health_event_kind kind);
/* A fact, which is its own cause. */
void sup_feed(struct sup_slot *slot, enum svc_event_kind kind, int status);
/* It is asked for its health in another way from now on, as if it had just started. */
void sup_health_renew(struct sup_slot *slot, const struct svc_health_policy *policy);
/* A wish (up, down, kill, pause, unpause), or what a gate says, and why. */
void sup_wish(struct sup_slot *slot, enum svc_event_kind kind, const struct sup_cause *cause);
void sup_end(struct sup *s, enum sup_ending how, int exit_code, const struct sup_cause *cause);

/* noting.c: entries of the journal */
void sup_note_begin(struct sup *s);
/* Another program has taken the supervisor's place. */
void sup_note_resumed(struct sup *s);
void sup_note_reload(struct sup *s, const struct sup_cause *cause);
/* What went on without one has a supervisor again. */
void sup_note_adopted(struct sup *s, int64_t pid);
/* It could not, when it was too late to go back. */
void sup_note_not_resumed(struct sup *s, const struct err *why);
void sup_note_end(struct sup *s);
void sup_note_step(const struct sup_slot *slot, const struct svc *before,
		   const struct svc_event *ev, unsigned todo, const struct sup_cause *cause);
void sup_note_health(const struct sup_slot *slot, enum svc_health_state before);
/* A signal was sent to it that the machine knows nothing of. */
void sup_note_signal(const struct sup_slot *slot, int sig, const struct sup_cause *c);
/* It is taken out of the stack. */
void sup_note_slot_gone(const struct sup_slot *slot);
/* A link was cut or mended; `row` is what CTL_LINK answers about it. */
void sup_note_link(struct sup *s, const json_t *row, bool up, const struct sup_cause *cause);

/* gate.c: pure */
enum sup_gate { GATE_WAIT, GATE_OPEN, GATE_FAILED };
enum sup_gate sup_gate_edge(const struct plan_edge *e, const struct svc *on,
			    enum svc_health_state health);
/* The same for a service that comes back by itself: what has failed meanwhile is waited for. Never GATE_FAILED for what is required. */
enum sup_gate sup_gate_again(const struct plan_edge *e, const struct svc *on,
			     enum svc_health_state health);
/* "waits for 'db' to be healthy (now running, starting)"; "for ..." behind other words. */
void sup_gate_words(const struct plan_edge *e, const struct sup_slot *on, struct buf *out);
/* Of a gate that has failed: "'db', which it depends on, became unhealthy"; as whywords.c of cli says it of the journal. */
void sup_gate_failure(const struct sup_slot *on, struct buf *out);
bool sup_at_rest(const struct svc *s);
int sup_exit_code(int status); /* of a wait(2) status, as a shell tells it */

/* run.c: what is not kept of limits here; with the plan before, only if more is asked for. */
void sup_say_left_out(const struct sup *s, const struct plan *was);

/* abort.c: a service has ended that nobody stopped, or the stack ends; status as of wait(2). CTL_ABORT. */
void sup_abort_after(const struct sup_slot *slot, int status);
void sup_abort_request(struct sup_peer *p, const struct ctl_msg *m);
void sup_abort_peer_gone(struct sup_peer *p);

/* request.c: is it one of these names? NULL: all are. */
bool sup_is_meant(const json_t *services, const char *name);

/* resting.c: CTL_REST */
void sup_rest_request(struct sup_peer *p, const struct ctl_msg *m);
void sup_look_at_rest(struct sup *s);
void sup_rest_peer_gone(struct sup_peer *p);

/* order.c: gates and the order of the end, over all slots */
void sup_look_at_gates(struct sup *s);
/* What a slot that waits is waiting for, in words; nothing when nothing holds it up. */
void sup_waits_for(const struct sup_slot *slot, struct buf *out);
void sup_look_at_end(struct sup *s);
void sup_look_at_up(struct sup *s);

/* All that `up --wait` waits for holds. */
bool sup_is_well(struct sup *s);

/* notify.c: a service manager that started us; after each turn. */
void sup_notify_open(struct sup *s);
void sup_notify_look(struct sup *s);
void sup_notify_close(struct sup *s);

/* policy.c: the stack's words in those of svc, which does not know the stack; -t of the command line beats the file. */
struct svc_policy sup_policy(const struct sup *s, const struct plan_slot *p);
struct svc_health_policy sup_health_policy(const struct plan_slot *p);

/* restarting.c: "restarting in 4 s (3/10)", and why no more. */
void sup_restart_words(const struct svc *v, uint64_t ms, struct buf *ret);
void sup_dead_words(const struct svc *v, struct buf *ret);
/* How long it still waits. */
uint64_t sup_restart_ms(const struct sup_slot *slot);
bool sup_is_stopped(const struct sup_slot *slot);
/* What `up` waits for; `wait`: until it is healthy, or has run for a while. A job that has run and ended has arrived: it will never be healthy, and need not be. */
bool sup_has_arrived(struct sup_slot *slot, bool wait);
/* What nobody goes on waiting for with `wait`: it is unhealthy, or was stopped for that, or ended badly. What somebody stopped has not failed. */
bool sup_has_failed(const struct sup_slot *slot);
/* That, in words. */
void sup_failure(const struct sup_slot *slot, struct err *err);

/* verbs.c: CTL_START and its kin. A wish goes on without its client; a later one for the same slot takes it over. */
void sup_verb_request(struct sup_peer *p, const struct ctl_msg *m);
void sup_verb_peer_gone(struct sup_peer *p);
/* When all facts have settled: what comes next of each, and what has arrived is told. */
void sup_look_at_verbs(struct sup *s);
/* Something is being done for a client; who only waits is none. */
bool sup_verbs_busy(const struct sup *s);
/* Somebody restarts it, and without this one: whatever that one came to does not keep it down. */
bool sup_verb_overlooks(const struct sup *s, size_t slot, size_t on);
void sup_verbs_free(struct sup *s);

/* rootlock.c: who writes into the folder of an image is alone with it. */
int sup_lock_roots(struct sup *s, const struct sup_model *m, struct err *err);
/* Held together with these by an ordinary user's stack, so that it is known to live when its run-time folder is gone. */
int sup_lock_project(struct sup *s, struct err *err);
bool sup_project_is_locked(const char *project);
/* By the guard, when it is the one that keeps the stack: the same, in its name. A descriptor, -1: it need not. */
int sup_relock_project(const char *project);
/* The same by who has taken it up from a guard, in place of what came with it. */
void sup_locks_adopted(struct sup *s);
/* Which process called so (SUP_PROCESS_NAME, SUP_GUARD_NAME) has that lock; 0: none, or the kernel does not tell. */
pid_t sup_project_locker(const char *project, const char *name);
void sup_unlock_roots(struct sup *s);

/* joining.c: may it start with the namespaces of others now? FAILED: never, err says why. */
enum sup_gate sup_joining_gate(const struct sup_slot *slot, struct err *err);
void sup_joining_open(const struct sup_slot *slot, struct box_slot_spec *spec);
void sup_joining_fill(const struct sup_slot *slot, struct box_spec *spec);

/* execute.c */
int sup_stop_signal(const struct sup_slot *slot);
void sup_arm(struct sup *s, ev_timer *t, uint64_t ms);
void sup_execute(struct sup *s);
/* Its namespaces: FACT_BOX follows. */
void sup_open_slot(struct sup_slot *slot);

/* probing.c: a health check that is due */
void sup_probe_begin(struct sup_slot *slot);
int sup_probe_run(struct sup_slot *slot, struct err *err); /* when its turn has come, by inside.c */
void sup_probe_cancel(struct sup_slot *slot);
void sup_probe_timeout(struct sup_slot *slot);
void sup_probe_done(struct sup_slot *slot, int status);

/* knock.c: one without a process. FACT_PROBED follows, unless it is ended. */
void sup_knock_init(struct sup_slot *slot);
void sup_knock_begin(struct sup_slot *slot);
void sup_knock_end(struct sup_slot *slot);
void sup_knock_line(struct sup_slot *slot, const struct logs_line *line);

/* hooks.c */
void sup_hooks_begin(struct sup_slot *slot, const struct plan_hooks *list);
void sup_hooks_end(struct sup_slot *slot);
int sup_hook_begin(struct sup_slot *slot, struct err *err); /* when its turn has come, by inside.c */
int sup_hook_run(struct sup_slot *slot, const struct plan_hook *h, struct err *err);
void sup_hook_done(struct sup_slot *slot, const struct box_event *ev);

/* For a command of another user than the container's: HOME that nobody has set is that of `user`. */
const char *const *sup_home_of(const struct sup_slot *slot, const struct store_user *user,
			       const char *const *envp, struct arena *a);
/* "exited with code 3", "ended by SIGKILL" */
void sup_end_words(int status, char *ret, size_t size);

/* steps.c: `pre_start`. The machine of the slot knows of none: while they run it is STARTING. */
/* May it start, as far as steps of the service's first container are concerned? FAILED: err says why. */
enum sup_gate sup_steps_gate(const struct sup_slot *slot, struct err *err);
/* Is one to run before the slot's own process? */
const struct plan_step *sup_step_next(const struct sup_slot *slot);
int sup_step_start(struct sup_slot *slot, bool go, struct err *err);
/* Nobody wants the service any more: what runs is told to end, and after the grace period it is killed. */
void sup_step_stop(struct sup_slot *slot);
void sup_step_late(struct sup_slot *slot);
/* What box tells of one. True: that was it, and the slot's machine has to hear nothing. */
bool sup_step_heard(struct sup_slot *slot, const struct box_event *ev);

/* nodeexec.c: `x-exec` */
void sup_exec_begin(struct sup_slot *slot);
void sup_exec_end(struct sup_slot *slot);
int sup_exec_run(struct sup_slot *slot, struct err *err); /* when its turn has come, by inside.c */
void sup_exec_late(struct sup_slot *slot);
void sup_exec_done(struct sup_slot *slot, int status);

/* wiring.c: the wires of a slot, which are made before its first start, when the namespaces of all their ends are there. */
/* May it start? While it waits the other slots are opened, whether they may start or not: so no order among them can be a circle. */
enum sup_gate sup_wiring_gate(struct sup_slot *slot, struct err *err);
/* Those of these slots that are not there yet. */
void sup_wiring_make(struct sup *s, struct sup_slot *const *slots, size_t n);
/* Those between slots that are there, in a stack that runs. */
int sup_wiring_add(struct sup *s, struct err *err);
/* Are all of its wires there? If not, err says why. Do they all carry frames? */
bool sup_wiring_made(const struct sup_slot *slot, struct err *err);
bool sup_wiring_ready(const struct sup_slot *slot);
void sup_wiring_settle(struct sup *s, size_t wire);
/* Is this slot at an end of the wire, which is there? */
bool sup_wire_has(const struct net_wire_spec *w, size_t slot);

/* linkctl.c: CTL_LINK */
void sup_link_request(struct sup_peer *p, const struct ctl_msg *m);

/* streams.c */
void sup_streams_init(struct sup_slot *slot);
/* Fills in what a process whose log we keep has for 0, 1 and 2. When the start has begun sup_streams_given takes back what was for it alone. */
int sup_streams_give(struct sup_slot *slot, struct box_spec *spec, struct err *err);
void sup_streams_given(struct sup_slot *slot, struct box_spec *spec);
void sup_streams_started(struct sup_slot *slot);
/* Stores its last words. */
void sup_streams_ended(struct sup_slot *slot);
/* Leaves its output unread for a moment. */
void sup_streams_hold(struct sup_slot *slot, bool on);
void sup_streams_stop(struct sup_slot *slot);

/* attach.c */
void sup_attach_request(struct sup_peer *p, const struct ctl_msg *m);
void sup_attach_peer_gone(struct sup_peer *p);
void sup_attach_deliver(void *slot, enum logs_fd fd, const char *data, size_t len); /* a logs_bytes_fn */
/* The run has ended, and all of its output was delivered. */
void sup_attach_ended(struct sup_slot *slot, int status);
/* Is there a client that has not got all of a run that has ended? Not for long. */
bool sup_attach_busy(const struct sup *s);
void sup_attach_forget(struct sup *s);

/* slots.c: places, each with a number that is the token of all that box and net tell about the slot there. */
/* Room for so many, and for what comes later. */
void sup_slots_open(struct sup *s, size_t n);
/* A place that nobody is in; one that was just left is not given away while word of the last one may still be on its way. */
struct sup_slot *sup_slot_take(struct sup *s, struct err *err);
/* "SERVICE-N" of a service; one-offs have names like these. NULL: there is none. */
struct sup_slot *sup_slot_find(struct sup *s, const char *name);
/* It leaves at rest: what the slot has is removed, and its place is free. */
void sup_slot_drop(struct sup_slot *slot);
/* At rest: its container is gone, and what that wrote; the slot keeps its addresses and links for the next one. */
int sup_slot_clear(struct sup_slot *slot, struct err *err);
bool sup_is_removed(const struct sup_slot *slot);
/* What would keep hardware addresses busy, when all are at rest. */
void sup_slots_detach(struct sup *s);
void sup_slots_free(struct sup *s);
/* A service's, not a one-off and not a free place. */
bool sup_is_service(const struct sup_slot *slot);

/* logspec.c: what a log is opened with, by `logging` of the service; the names and folders are the caller's. */
struct sup_logspec {
	struct logs_spec spec;
	struct logs_remote remote;
	char id[20];
	char *tag;
};
void sup_logspec(const struct sup_slot *slot, struct sup_logspec *ret);
void sup_logspec_fini(struct sup_logspec *l);
/* What is not kept here is told of in the log. */
void sup_logspec_say(const struct sup_slot *slot);

/* run.c */
/* As many open files as are allowed at all: a wish. May a supervisor have so many as this plan needs? */
void sup_raise_files(void);
int sup_check_files(const struct sup *s, const struct plan *plan, struct err *err);
/* A slot before its first start. */
void sup_slot_init(struct sup_slot *slot, const struct plan_slot *plan, const struct stack *stack,
		   const struct sup_prepared *prepared);
/* It goes on as this one of a later plan. */
void sup_slot_follow(struct sup_slot *slot, struct sup_model *model, const struct plan_slot *plan);
int sup_slot_open_log(struct sup_slot *slot, struct err *err);
/* The same for one that is written to. */
int sup_slot_resume_log(struct sup_slot *slot, struct carry *from, struct err *err);
int sup_take_signals(struct sup *s, struct err *err);
/* Who can connect finds a whole stack: this comes last. */
int sup_listen(struct sup *s, struct err *err);

/* models.c */
struct sup_model *sup_model_new(void);
/* From a document, whose descriptor stays the caller's. */
int sup_model_read(struct sup_model *m, int fd, struct err *err);
/* The document that it was read from, or would be; the model's own. -1: no memory. */
int sup_model_text(struct sup_model *m, struct err *err);
void sup_model_free(struct sup_model *m);
void sup_models_free(struct sup *s);
/* Older ones of which no slot is any more. */
void sup_models_forget(struct sup *s);

/* resolving.c: names of slots */
int sup_names_open(struct sup *s, struct err *err);
/* Those of a stack that runs: net_names_resumed follows. */
void sup_names_resume(struct sup *s);
/* Of a slot that was not in the plan; of bridges from this one on. */
int sup_names_add(struct sup_slot *slot, struct err *err);
void sup_names_networks(struct sup *s, size_t first);
/* The stack is another one: who answers lives as long as that one wants. */
void sup_names_outlive(struct sup *s);
/* A slot that is ready, if it asks. */
int sup_names_listen(const struct sup_slot *slot, struct err *err);
void sup_names_up(const struct sup_slot *slot, bool up);
void sup_names_drop(const struct sup_slot *slot);

/* hostnames.c: `x-hosts`; does nothing without. As often as slots come or go. */
int sup_hostnames_write(struct sup *s, struct err *err);

/* netnslink.c: the slot's network namespace for `ip netns` */
void sup_netns_link(struct sup_slot *slot);
void sup_netns_link_stack(struct sup *s);
void sup_netns_unlink(struct sup *s, const char *slot);
/* They led to another process, which is no more. */
void sup_netns_link_again(struct sup *s);
void sup_netns_folder_leave(void);
int sup_netns_find(const char *project, struct ledger *l, struct err *err); /* as net_find */

/* lost.c */
/*
 * What is there of a stack although no ledger says so: in the kernel, in our folders. As net_find; a supervisor that lives
 * is EBUSY. May wait for one that is just dying.
 */
int sup_find(const char *project, struct ledger *l, struct err *err);

/* request.c */
void sup_listen_cb(struct ev_loop *loop, ev_io *w, int revents);
/* The connection that is there before anybody can connect, and what was asked for on it. */
void sup_hear_client(struct sup *s, int fd);
void sup_answer_down(struct sup *s, int rc, const struct err *err);
void sup_peers_close(struct sup *s);

/* request.c: where the stack stands; "-": in no file */
const char *sup_file(const struct sup *s);

/* status.c */
json_t *sup_slot_json(const struct sup_slot *slot);
json_t *sup_status_words(const struct sup_slot *slot); /* "Up 3 seconds (healthy)" */
/* The exit code of a start that failed: 125 it could not be made, 126 not executed, 127 not found. */
int sup_start_code(const struct sup_slot *slot);

/* tell.c */
void sup_say(const struct sup_hooks *h, enum sup_say kind, const char *slot, const char *fmt, ...)
	MSTACK_PRINTF(4, 5);
/* err->sys EBUSY, without the kernel's words for it behind the text. Returns -1. */
int sup_busy(struct err *err, const char *fmt, ...) MSTACK_PRINTF(2, 3);
/* "file:line: service 'x': " before the text of an error that carries a line of the file. */
void sup_err_at(const struct stack *stack, const struct stack_service *service, struct err *err);

#endif
