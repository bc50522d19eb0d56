#pragma once
/*
 * Frames between the dataplanes of a cluster, over the fabric link (EtherType 0x88b5).
 *
 *	version(1) kind(1) from(1) to(1) | cluster(4) | rg(1) flags(1) length(2) | interface(4)
 *	epoch(8) | body(length)
 *
 * Flags of FORWARD: 1 = was decapsulated by the sender, 2 = made by the sender, and in the upper
 * half how often it has crossed the link.
 *
 * Pure codec, big endian. The link is a private one between the nodes: frames are checked for
 * form, cluster and addressee, not for origin.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"
#include "core/rg.h"

enum { FABRIC_VERSION = 1, FABRIC_HDR = 24, FABRIC_ALL = 255, FABRIC_DATA_MAX = 1400 };

enum fabric_kind {
	FABRIC_HEARTBEAT = 1, /* state of the sender, to all */
	FABRIC_FORWARD,	      /* an IP packet for the owner of an RG; never forwarded again */
	FABRIC_RENEW,	      /* the receiver may act longer */
	FABRIC_FENCE,	      /* the receiver must stop acting */
	FABRIC_FENCED,	      /* it has */
	FABRIC_DATA,	      /* between the control daemons */
	FABRIC_KINDS,
};

enum { FABRIC_INNER = 1, FABRIC_OURS = 2, FABRIC_HOPS_SHIFT = 4 };

struct fabric_hdr {
	uint8_t kind, from, to, rg, flags;
	uint16_t len;
	uint32_t cluster;
	uint32_t iface; /* FORWARD: id of the interface it came by */
	uint64_t epoch;
};

void fabric_put(uint8_t *p, const struct fabric_hdr *h);
/* -ERR_TRUNCATED, -ERR_VERSION or -ERR_VALUE; *body is what the length covers. */
int fabric_get(struct view frame, struct fabric_hdr *h, struct view *body) MUST_CHECK;

/* stamp(8) control(1) n(1) { rg(1) role(1) owner(1) 0(1) epoch(8) deadline(8) }* */
struct fabric_rg {
	uint8_t rg, owner;
	enum rg_role role;
	uint64_t epoch, deadline_ns;
};

enum { FABRIC_RGS_MAX = 64, FABRIC_BEAT_MAX = 10 + 20 * FABRIC_RGS_MAX };

struct fabric_beat {
	uint64_t stamp_ns; /* the sender's clock */
	bool control;	   /* its tandemd is connected */
	uint32_t n;
	struct fabric_rg rgs[FABRIC_RGS_MAX];
};

/* At most FABRIC_BEAT_MAX octets; how many. */
uint32_t fabric_beat_put(uint8_t *p, const struct fabric_beat *b);
int fabric_beat_get(struct view body, struct fabric_beat *b) MUST_CHECK;

/* stamp(8) duration in ms(4): the receiver's own stamp, back from a node that heard it. */
enum { FABRIC_RENEW_LEN = 12 };

struct fabric_renew {
	uint64_t stamp_ns;
	uint32_t duration_ms;
};

void fabric_renew_put(uint8_t *p, const struct fabric_renew *r);
int fabric_renew_get(struct view body, struct fabric_renew *r) MUST_CHECK;
