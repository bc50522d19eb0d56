#pragma once
/*
 * A small world for tests: IKE engines in one process, a wire between them, a virtual clock, and
 * what a host does for them (asymmetric work, a log that commits, a dataplane that installs).
 *
 * Everything that is under way is a task in one queue; pair_step() runs the oldest, pair_settle()
 * all of them, pair_pass() lets time go by with its timers. A hook sees each datagram before it is
 * delivered and may drop, change or repeat it.
 *
 * pair_walk.h runs what is under way in every order. With pair_path_on() the ends also send data,
 * on whatever child SA their dataplane would, and none of it may be lost.
 *
 * An observer checks each datagram as it leaves: one message ID has one content, on whichever node
 * (I2); no IV is used twice under one key (I3); what is replicated was committed before (I1). A
 * violation fails the test there and then.
 *
 * Life: pair_new() .. pair_free(). Nodes are 0 (initiator by habit), 1, and a successor for each;
 * or as many peers of one as there are.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "ike/engine.h"
#include "ike/show.h"
#include "wire/message.h"

#define PAIR_NODES 6

enum task_kind {
	TASK_PACKET,
	TASK_KEX,
	TASK_SIGN,
	TASK_TRUST,
	TASK_COMMITTED,
	TASK_INSTALLED,
	TASK_DATA
};

struct packet {
	struct endpoint from, to;
	int node;     /* that sent it, */
	unsigned nth; /* as its n-th */
	bool natt, keepalive;
	uint8_t octets[4096];
	size_t n;
};

struct task {
	struct task *next;
	enum task_kind kind;
	int node;		    /* whose; of data: who receives it */
	uint32_t id;		    /* the same in every run that came to it in the same way */
	unsigned clock[PAIR_NODES]; /* what its creator knew of each node */
	uint32_t spi;		    /* INSTALLED, DATA: inbound */
	uint64_t life;		    /* of that node when the task began */
	uint64_t ticket;
	struct ike_kex_job *job;
	struct ike_sign_job *sign;
	struct ike_trust_job *trust;
	struct packet packet;
};

struct pair_record {
	struct pair_record *next;
	uint8_t key[IKE_RECORD_KEY_MAX];
	size_t key_n;
	struct blob body;
};

/* One REPLICATE, until it is committed. */
struct pair_batch {
	struct pair_batch *next;
	uint64_t ticket;
	struct ike_fx_item *items; /* with copies of what they point to */
	size_t n;
};

/* One child as the dataplane of a node has it. */
struct pair_child {
	struct pair_child *next;
	uint32_t spi_in, spi_out, policy_id, selector_id, peer;
	uint8_t worker_hint; /* whose own it is; 0: everybody's */
	bool own_wanted;
	struct endpoint local, remote;
	bool udp_encap, outbound, esn;
	uint16_t udp_port;
	uint8_t udp_key[IKE_UDP_KEY];
	bool live;	/* the dataplane has done it */
	bool seen;	/* a packet came in */
	unsigned stamp; /* the node's own clock when it became live */
	uint64_t order;
	uint8_t key_in[96], key_out[96];
	size_t key_n;
	struct tsel local_ts[8], remote_ts[8];
	uint32_t n_local_ts, n_remote_ts;
};

#define PAIR_WORKERS 3

/* What pair_path.c knows of one worker of a sending end. */
struct pair_path {
	uint32_t sending; /* spi_out, 0 = none */

	struct {
		uint32_t spi;
		uint64_t until_ms;
	} late[8]; /* no longer; but packets of it may be under way until then */

	unsigned n_late;
};

struct pair_node {
	const char *name;
	bool up;
	uint64_t life;
	struct addr addr;
	struct model *model;
	struct ike *ike;
	struct pair_cert *cert; /* pair_cert.h; NULL: none. Lent */
	struct ike_effects fx;
	uint64_t random;
	struct pair_record *log; /* committed */
	struct pair_batch *batches;
	struct pair_child *sad;
	char said[65536]; /* log lines */
	size_t said_n;
	unsigned sent, asked, operated, resolves, installs, deletes, keepalives;
	uint32_t expected;	    /* the dataplane was told last that the peer may send with it */
	unsigned clock[PAIR_NODES]; /* steps of each node that this one may know of */
	uint32_t born;		    /* tasks made */
	struct pair_path path[PAIR_WORKERS];
	bool hold_commits;  /* REPLICATE is not answered */
	uint64_t held[256]; /* tickets not answered */
	unsigned n_held;
	int install_rc;
	uint64_t idle_in_ms,
		idle_out_ms; /* answered to ASK_ACTIVITY; UINT64_MAX - 1: not answered */
};

struct seen;

struct pair {
	struct pair_node node[PAIR_NODES];
	uint64_t now_ms, lives;
	struct task *first, **last;
	struct crypto *crypto;
	struct seen *messages, *ivs;
	/* True: deliver it (perhaps changed). */
	bool (*wire)(struct pair *p, struct packet *k);
	void *wire_ctx;
	unsigned steps, packets;
	const struct task *running;
	bool path;	/* data flows: see pair_path_on() */
	int workers;	/* that send: one, or as many as pair_workers() says */
	bool unchecked; /* hostile tests: the observer is off */
};

/* A configuration in `set` form, from the usual one with changes. NULL: the usual. */
struct pair_side {
	const char *own, *peer;	     /* "192.0.2.1" */
	const char *psk;	     /* "correct horse battery" */
	const char *ike_encr, *auth; /* "aes-256-gcm", NULL: none; prf by `auth` */
	const char *dh;		     /* "group31" */
	const char *esp, *pfs;	     /* "aes-256-gcm"; NULL: no PFS */
	const char *establish;	     /* "on-traffic" */
	const char *local_net, *remote_net;
	const char *extra; /* more set lines */
};

extern const struct pair_side side_a, side_b;

/* The caller owns it. */
struct model *pair_model(const struct pair_side *s);
struct pair *pair_new(void);
void pair_free(struct pair *p);
/* Starts an engine; its group 0 becomes active. */
void pair_start(struct pair *p, int node, const struct pair_side *side);
/* Two ordinary ends. */
struct pair *pair_ordinary(void);
struct pair *pair_of(const struct pair_side *a, const struct pair_side *b);
/* ... with one child up. */
struct pair *pair_up_of(const struct pair_side *a, const struct pair_side *b);
/* Ordinary ones, with that PFS group or none. */
struct pair *pair_up(const char *pfs);
void pair_reconfigure(struct pair *p, int node, const struct pair_side *side);
/* Stops it without a word; its address answers no more. */
void pair_kill(struct pair *p, int node);

/* Node `to` takes over from the dead `from`: same configuration, same address, its log. What was
 * not committed may be kept (others had it) or not. */
enum pair_fate { PAIR_LOSE_UNCOMMITTED, PAIR_KEEP_UNCOMMITTED };

void pair_takeover(
	struct pair *p, int from, int to, const struct pair_side *side, enum pair_fate fate);

int pair_feed(struct pair *p, int node, struct ike_event *ev);
/* False: nothing was under way. */
bool pair_step(struct pair *p);
/* How many tasks are under way, and the i-th of them instead of the oldest. */
unsigned pair_waiting(const struct pair *p);
void pair_step_at(struct pair *p, unsigned i);
/* At which node that task runs; -1: it goes to nobody. */
int pair_task_at(struct pair *p, const struct task *t);
struct task *pair_task_add(struct pair *p, enum task_kind kind, int node);
void pair_settle(struct pair *p);
/* Lets time go by, with everything that falls due. */
void pair_pass(struct pair *p, uint64_t ms);
void pair_release(struct pair *p, int node); /* answers held commits */

void pair_acquire(struct pair *p, int node);
/* ... for a packet of that tunnel: "10.1.0.1 6:1234", "10.2.0.1 6:80", protocol and port. */
void pair_acquire_packet(
	struct pair *p, int node, uint32_t policy_id, const char *from, const char *to);
unsigned pair_operate(
	struct pair *p, int node, enum ike_operation op, const struct ike_filter *filter);

/* ---- the observer (pair_watch.c) */
void pair_watch(struct pair *p, int node, struct view octets);
void pair_watch_end(struct pair *p);

/* ---- the dataplane of a node (pair_sad.c) */
void pair_sad_install(struct pair *p, int n, const struct ike_fx_install *i);
void pair_sad_update(struct pair_node *node, const struct ike_fx_update *u);
void pair_sad_delete(struct pair_node *node, uint32_t spi_in);
/* That of a successor holds what the log says, as a standby's does. */
void pair_sad_restore(struct pair_node *to, const struct pair_record *r);

/* ---- data (pair_path.c) */
/* From here on both ends always have something to send: one packet each time they change to another
 * child SA, and what an SA was used for may be on the way for a while after. Fails the test when an
 * end has nothing to send with, when what it sends with is not installed at the other end, and when
 * it could not have known that it is. */
void pair_path_on(struct pair *p);
/* Both ends have that many workers, and each of them sends. The last one never asks for an SA of
 * its own. */
void pair_workers(struct pair *p, int n);
/* Worker `worker` of that end has traffic and no SA of its own. */
void pair_own(struct pair *p, int node, uint8_t worker);
void pair_path_look(struct pair *p);
void pair_path_data(struct pair *p, const struct task *t);

/* ---- looking (pair_look.c) */
struct ike_sa *pair_sa(struct pair *p, int node); /* the one that is UP; NULL */
unsigned pair_sas(struct pair *p, int node, enum sa_state state);
/* Of all states except closed ones. */
unsigned pair_open_sas(struct pair *p, int node);
struct child *pair_child(struct pair *p, int node); /* the newest that is UP; NULL */
unsigned pair_children(struct pair *p, int node);
bool pair_said(struct pair *p, int node, const char *text);
uint32_t pair_policy(struct pair *p, int node); /* of the first tunnel */
/* Both dataplanes hold exactly the same child SAs, mirrored, with equal keys; so do the engines. */
void pair_check_mirrored(struct pair *p, int a, int b);
/* Whatever there is at one end is at the other too. */
void pair_check_agreed(struct pair *p, int a, int b);
/* One IKE SA, one child on both ends, and it is mirrored. */
void pair_check_up(struct pair *p, int a, int b);
/* One end rekeys the IKE SA, the other one the child, and both are up. */
void pair_check_rekeys(struct pair *p);
/* An IKE_SA_INIT request to node 1 as from node 0, of somebody who keeps no state of it; the cookie
 * may be empty. */
void pair_stranger(struct pair *p, uint64_t spi, struct view cookie, struct packet *k);
/* Header fields of a datagram. */
struct ike_header packet_header(const struct packet *k);
/* Sends octets as if the node had. */
void pair_inject(struct pair *p, const struct packet *k);
