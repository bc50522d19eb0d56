#pragma once
/*
 * tandemd as a whole: who owns what, and the few doors between its parts.
 *
 * Everything runs on one libuv loop. A uv callback turns what happened into an event for a core
 * (runner: IKE; ha_bridge: replication), executes the effects, and drains the work queue that
 * carries what one core means for the other.
 */
#include "base/log.h"
#include "config/model.h"
#include "crypto/crypto.h"
#include "host/args.h"
#include "host/baseline.h"
#include "host/credentials.h"
#include "host/pki_service.h"
#include "host/ctl_server.h"
#include "host/dp_client.h"
#include "host/ha_bridge.h"
#include "host/iv_guard.h"
#include "host/keys_client.h"
#include "host/local.h"
#include "host/logger.h"
#include "host/punt.h"
#include "host/reload.h"
#include "host/resolver.h"
#include "host/routes.h"
#include "host/runner.h"
#include "host/watchdog.h"
#include "host/work.h"

struct port_state;

/* The dataplane's workers, as it told last; nothing is known of one that went. */
struct crew_seen {
	bool known, hung;
	uint32_t online;
};

struct daemon {
	uv_loop_t loop;
	struct args args;
	struct logger logger;
	struct log_ctx log;
	struct env env;
	struct crypto *crypto;
	struct model *model;
	struct credentials credentials;
	struct pki_service pki;
	struct resolver resolver;
	struct reloads reloads;
	struct work_queue work;
	struct dp_client dp;
	struct punt punt;
	struct keys_client keys; /* tandem-keys */
	struct ctl_server ctl;
	struct watchdog dog;
	struct runner runner;
	struct ha_bridge ha;
	struct local local;
	struct routes routes;
	struct baseline baseline; /* of this dataplane's counters */
	uv_signal_t term, intr, hup;
	uv_prepare_t turn;   /* its end: log lines */
	uv_timer_t dp_again; /* a configuration that the dataplane could not follow */
	int64_t started_wall_s;
	struct iv_guard iv;
	uint32_t node; /* 0 stand-alone */
	uint32_t dp_incarnation;
	struct port_state *ports;
	struct crew_seen crew;
	bool clustered;	 /* ha runs */
	bool dp_greeted; /* connected, and it has said who it is */
	bool dp_ready;	 /* ... and is configured */
	bool leaving, stopping;
};

/* What to print as `node` in an operator's answer: -1 stand-alone. */
static inline int32_t daemon_node(const struct daemon *d)
{
	return d->clustered ? (int32_t)d->node : -1;
}

/* Ends the loop; main() cleans up. */
void daemon_stop(struct daemon *d, const char *reason);

/* dataplane.c: the connection's handlers, and what to tell a dataplane that came (back). */
int daemon_dp_init(struct daemon *d) MUST_CHECK;
void daemon_dp_up(void *ctx);
void daemon_dp_down(void *ctx);
void daemon_dp_event(void *ctx, const Dp__Event *event);
void daemon_dp_configure(struct daemon *d);
/* Removes from the dataplane what it holds of a group but the synced log does not. */
void daemon_dp_reconcile(struct daemon *d, uint32_t rg);

/* monitor.c */
void daemon_port_state(struct daemon *d, const char *name, bool up);
void daemon_worker_state(struct daemon *d, uint32_t online, bool hung);
void daemon_ports_free(struct daemon *d);

/* operator.c */
void daemon_ctl(void *ctx, const Ctl__Request *request, struct ctl_call *call);
