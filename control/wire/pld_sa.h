#pragma once
/*
 * Security Association payload (RFC 7296 3.3): proposals, transforms, the key length attribute.
 *
 *   proposal:  last(0|2) 0 length(2) number protocol spi_size transforms  SPI  transform...
 *   transform: last(0|3) 0 length(2) type 0 id(2)  attribute...
 *   attribute: AF=1 type(15 bits) value(2)   or   AF=0 type length(2) value
 *
 * pld_sa_parse() checks the whole structure once; the iterators afterwards cannot fail.
 * Life: values; views borrow from the message. No heap; any thread.
 */
#include "base/emit.h"
#include "base/view.h"
#include "wire/iana.h"

#define PROPOSAL_MAX  32
#define TRANSFORM_MAX 64 /* in one proposal */

#define ATTR_KEY_LENGTH 14 /* 3.3.5 */

struct transform {
	uint8_t type; /* enum transform_type, or anything */
	bool foreign; /* has an attribute we do not know: never acceptable (3.3.6) */
	uint16_t id;
	uint16_t key_bits; /* key length attribute; 0: absent */
};

struct proposal {
	uint8_t num, protocol;
	uint8_t transform_count;
	struct view spi;
	struct view transforms; /* for transform_iter_of() */
};

struct pld_sa {
	uint8_t count;
	struct view body; /* for proposal_iter_of() */
};

/* An offer: numbers run from 1 (3.3.1). An answer: one proposal, each transform type once (2.7). */
enum sa_kind { SA_OFFER, SA_ANSWER };

/*
 * -ERR_TRUNCATED: a length or count lies. -ERR_VALUE: numbering, last-marks, or SPI size wrong for
 * IKE (0 or 8), ESP or AH (4); an SPI of zero. -ERR_LIMIT: above PROPOSAL_MAX, TRANSFORM_MAX.
 * Unknown protocols, transform types, ids and attributes parse; it is for negotiation to pass over.
 */
int pld_sa_parse(struct view body, enum sa_kind kind, struct pld_sa *out) MUST_CHECK;

struct proposal_iter {
	struct view rest;
};

struct transform_iter {
	struct view rest;
};

struct proposal_iter proposal_iter_of(const struct pld_sa *sa);
bool proposal_next(struct proposal_iter *it, struct proposal *out);
struct transform_iter transform_iter_of(const struct proposal *p);
bool transform_next(struct transform_iter *it, struct transform *out);

/* Emission: begin, then for each proposal its transforms, then end. Errors stick in the emitter. */
struct sa_emit {
	struct emit *e;
	size_t proposal_at, transform_at; /* SIZE_MAX: none yet */
	size_t transform_count;
};

struct sa_emit sa_emit_begin(struct emit *e);
void sa_emit_proposal(struct sa_emit *s, uint8_t num, uint8_t protocol, struct view spi);
void sa_emit_transform(struct sa_emit *s, const struct transform *t);
void sa_emit_end(struct sa_emit *s);
