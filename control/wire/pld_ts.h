#pragma once
/*
 * Traffic Selector payloads TSi and TSr (RFC 7296 3.13).
 *
 *   count(1) reserved(3), then per selector:
 *   type(1) protocol(1) length(2) first_port(2) last_port(2) first_address last_address
 *
 * Life: values; selectors are copied out, so nothing is borrowed from the message after reading.
 */
#include "base/addr.h"
#include "base/emit.h"
#include "base/view.h"
#include "wire/iana.h"

#define TS_MAX 64

/* Ports FIRST > LAST in just this form mean OPAQUE (3.13.1): first 65535, last 0. */
struct ts {
	uint8_t protocol; /* 0: any */
	uint16_t port_first, port_last;
	struct addr first, last; /* same family; 4: type 7, 6: type 8 */
};

struct pld_ts {
	uint8_t count;	/* selectors of known type */
	uint8_t others; /* of unknown type: they never match anything */
	struct ts at[TS_MAX];
};

static inline bool ts_is_opaque(const struct ts *t)
{
	return t->port_first == UINT16_MAX && t->port_last == 0;
}

/*
 * -ERR_TRUNCATED: count or lengths lie. -ERR_VALUE: no selector, or a range that runs backwards.
 * -ERR_LIMIT: more than TS_MAX.
 */
int pld_ts_parse(struct view body, struct pld_ts *out) MUST_CHECK;
void pld_ts_emit(struct emit *e, const struct ts *ts, size_t n);
