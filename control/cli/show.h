#pragma once
/*
 * Responses as Junos-shaped text or JSON.
 *
 * Life: show_init(), show_part() for each response in the order they come, show_end(). Nothing of a
 * response is kept, so lists of any length are rendered as they stream in. Text that a peer or the
 * configuration chose is escaped.
 */
#include <stdio.h>

#include "control.pb-c.h"
#include "cli/json.h"
#include "cli/words.h"

#define NODE_UNKNOWN INT32_MIN

enum { SHOW_WORKERS = 64, SHOW_PICS = 2 }; /* workers of an FPC, as the dataplane has them */

struct show {
	FILE *f;
	bool detail, terse, summary, as_json, set_form;
	enum action action;
	struct json json;
	int32_t node;	/* whose part is being printed */
	bool any;	/* an item of this node was printed */
	bool failed;	/* an error response came */
	uint32_t parts; /* responses so far */
	int64_t fpc;	/* only this group of workers; -1: all */
	/* What the last line belongs to, of lists that come in parts. */
	char table[160], prefix[64];
	bool goes_on;			/* the next part has more of the same CRL */
	uint32_t tunnels[SHOW_WORKERS]; /* of each worker of this node */
};

void show_init(struct show *s, FILE *f, const struct command *c, bool as_json);
/* -ERR_WRONG_STATE when the response is an error; its text went to `err`. */
int show_part(struct show *s, const Ctl__Response *r, FILE *err) MUST_CHECK;
void show_end(struct show *s);

/* ---- private to show*.c */

/* "node0:" and its line, when the node changes; true then. */
bool show_header(struct show *s, int32_t node);
/* Escaped for a terminal; truncated. */
const char *show_safe(const char *text, char out[512]);
void show_active_peers(struct show *s, const Ctl__IkeList *list, bool fresh);
void show_ike(struct show *s, const Ctl__IkeList *list, bool fresh);
void show_ipsec(struct show *s, const Ctl__IpsecList *list, bool fresh);
void show_ike_redirects(struct show *s, const Ctl__IkeRedirectList *list, bool fresh);
void show_ike_statistics(struct show *s, const Ctl__IkeStatistics *t);
void show_ipsec_statistics(struct show *s, const Ctl__IpsecStatistics *t);
void show_cluster(struct show *s, const Ctl__ClusterStatus *c);
void show_replication(struct show *s, const Ctl__Replication *r);
void show_interfaces(struct show *s, const Ctl__InterfaceList *list, bool fresh);
void show_distribution(struct show *s, const Ctl__IpsecList *list, bool fresh);
void show_workers(struct show *s, const Ctl__WorkerList *list, bool fresh);
void show_routes(struct show *s, const Ctl__RouteList *list, bool fresh);
void show_inactive(struct show *s, const Ctl__InactiveTunnelList *list, bool fresh);
void show_next_hop_tunnels(struct show *s, const Ctl__NextHopTunnelList *list, bool fresh);
void show_pki(struct show *s, const Ctl__PkiList *list);
void show_pki_made(struct show *s, const Ctl__PkiMade *made);
void show_ha_json(struct json *j, const Ctl__Ha *ha);
void show_endpoint_json(struct json *j, const char *name, const Ctl__Endpoint *e);
/* A JSON object of a list begins: with the node that tells of it. */
void show_row_open(struct show *s);
