#pragma once
/*
 * What goes over the group: a header in clear and a sealed protobuf message (rule 14).
 *
 *   magic(1)=0x54 format(1)=1 cluster(1) schema(1) sender(1) kind(1) rg(2)
 *   salt(16) counter(8) view(8) epoch(8) index(8) | sealed message, tag(16)
 *
 * The header is the seal's additional data. The key belongs to (cluster key, "message", sender,
 * salt); the salt is drawn at each start of the sender, the counter is the nonce and only grows, so
 * no (key, nonce) pair repeats. rg, epoch and index are those of a Log or Claim inside, else zero.
 *
 * Replays: a counter at or below the last one accepted is refused. A salt becomes known only by a
 * Hello that echoes the challenge this node drew for its present view, so what was recorded in an
 * earlier life of either node opens nothing. Messages of another view are refused too, except that
 * a Hello under a known salt must be of this view.
 */
#include "base/view.h"

enum { HA_ENVELOPE_HEAD = 56, HA_ENVELOPE_TAG = 16, HA_ENVELOPE_MAGIC = 0x54 };

enum ha_kind { HA_KIND_HELLO = 1, HA_KIND_MESSAGE = 2 };

struct ha_envelope {
	uint32_t cluster, schema, sender, rg;
	enum ha_kind kind;
	uint8_t salt[16];
	uint64_t counter, view, epoch, index;
	struct view aad, sealed; /* of the octets parsed */
};

/* -ERR_TRUNCATED, -ERR_VALUE, -ERR_VERSION. */
int ha_envelope_parse(struct view octets, struct ha_envelope *out) MUST_CHECK;
/* Writes HA_ENVELOPE_HEAD octets. */
void ha_envelope_head(const struct ha_envelope *e, uint8_t out[HA_ENVELOPE_HEAD]);
