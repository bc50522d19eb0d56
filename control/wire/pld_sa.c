#include "wire/pld_sa.h"

#include "base/cursor.h"
#include "base/err.h"

#define NONE		   SIZE_MAX
#define LAST		   0
#define MORE_PROPOSALS	   2
#define MORE_TRANSFORMS	   3
#define SUBSTRUCT_HEADER   4
#define TRANSFORM_COUNT_AT 7	  /* in a proposal */
#define ATTR_SHORT_FORM	   0x8000 /* AF bit: the value is the two octets that follow */
#define SPI_LEN_IKE	   8
#define SPI_LEN_ESP	   4

/* last(1) reserved(1) length(2), and a reader over the rest of that substructure. */
static struct cur substruct_read(struct cur *c, uint8_t *last)
{
	uint16_t length;

	*last = cur_u8(c);
	(void)cur_u8(c);
	length = cur_be16(c);
	if (length < SUBSTRUCT_HEADER)
		c->bad = true;
	return cur_sub(c, c->bad ? 0 : (size_t)length - SUBSTRUCT_HEADER);
}

/* 3.3.5. What we cannot read makes the transform foreign, not the message malformed. */
static void attribute_read(struct cur *c, struct transform *t)
{
	uint16_t type = cur_be16(c), value = cur_be16(c);

	if (type == (ATTR_SHORT_FORM | ATTR_KEY_LENGTH) && value != 0 && t->key_bits == 0) {
		t->key_bits = value;
		return;
	}
	t->foreign = true;
	if ((type & ATTR_SHORT_FORM) == 0)
		(void)cur_take(c, value);
}

static int transform_read(struct cur *c, struct transform *t, uint8_t *last)
{
	struct cur sub = substruct_read(c, last);

	*t = (struct transform){0};
	t->type = cur_u8(&sub);
	(void)cur_u8(&sub);
	t->id = cur_be16(&sub);
	while (cur_left(&sub) != 0)
		attribute_read(&sub, t);
	return cur_ok(&sub) ? 0 : -ERR_TRUNCATED;
}

static int proposal_read(struct cur *c, struct proposal *p, uint8_t *last)
{
	struct cur sub = substruct_read(c, last);
	uint8_t spi_size;

	*p = (struct proposal){0};
	p->num = cur_u8(&sub);
	p->protocol = cur_u8(&sub);
	spi_size = cur_u8(&sub);
	p->transform_count = cur_u8(&sub);
	p->spi = cur_take(&sub, spi_size);
	p->transforms = cur_rest(&sub);
	return cur_ok(&sub) ? 0 : -ERR_TRUNCATED;
}

static bool is_zero(struct view v)
{
	uint8_t any = 0;

	for (size_t i = 0; i < v.n; i++)
		any |= v.p[i];
	return any == 0;
}

/* 3.3.1: SPI sizes by protocol; a protocol we do not know is passed over later. */
static int spi_check(const struct proposal *p)
{
	size_t want;

	switch (p->protocol) {
	case PROTO_IKE:
		want = p->spi.n == 0 ? 0 : SPI_LEN_IKE;
		break;
	case PROTO_AH:
	case PROTO_ESP:
		want = SPI_LEN_ESP;
		break;
	default:
		return 0;
	}
	if (p->spi.n != want)
		return -ERR_VALUE;
	return want != 0 && is_zero(p->spi) ? -ERR_VALUE : 0;
}

static int transforms_check(const struct proposal *p, enum sa_kind kind)
{
	struct cur c = cur_of(p->transforms);
	uint32_t seen = 0;

	if (p->transform_count > TRANSFORM_MAX)
		return -ERR_LIMIT;
	for (unsigned i = 1; i <= p->transform_count; i++) {
		struct transform t;
		uint8_t last;
		int rc = transform_read(&c, &t, &last);

		if (rc < 0)
			return rc;
		if (last != (i == p->transform_count ? LAST : MORE_TRANSFORMS))
			return -ERR_VALUE;
		if (kind == SA_OFFER || t.type >= 32)
			continue;
		/* 2.7: an answer chooses exactly one transform of a type. */
		if ((seen & UINT32_C(1) << t.type) != 0)
			return -ERR_VALUE;
		seen |= UINT32_C(1) << t.type;
	}
	return cur_done(&c) ? 0 : -ERR_TRUNCATED;
}

int pld_sa_parse(struct view body, enum sa_kind kind, struct pld_sa *out)
{
	struct cur c = cur_of(body);
	uint8_t last = MORE_PROPOSALS, count = 0;

	while (last != LAST) {
		struct proposal p;
		int rc = proposal_read(&c, &p, &last);

		if (rc < 0)
			return rc;
		if (count == PROPOSAL_MAX)
			return -ERR_LIMIT;
		count++;
		if (last != LAST && last != MORE_PROPOSALS)
			return -ERR_VALUE;
		/* 3.3.1: an offer counts from 1 up; an answer repeats the number it chose. */
		if (kind == SA_OFFER ? p.num != count : count > 1 || p.num == 0)
			return -ERR_VALUE;
		rc = spi_check(&p);
		if (rc == 0)
			rc = transforms_check(&p, kind);
		if (rc < 0)
			return rc;
	}
	if (!cur_done(&c))
		return -ERR_TRUNCATED;
	*out = (struct pld_sa){.count = count, .body = body};
	return 0;
}

struct proposal_iter proposal_iter_of(const struct pld_sa *sa)
{
	return (struct proposal_iter){sa->body};
}

bool proposal_next(struct proposal_iter *it, struct proposal *out)
{
	struct cur c = cur_of(it->rest);
	uint8_t last;

	if (it->rest.n == 0 || proposal_read(&c, out, &last) < 0)
		return false;
	it->rest = cur_rest(&c);
	return true;
}

struct transform_iter transform_iter_of(const struct proposal *p)
{
	return (struct transform_iter){p->transforms};
}

bool transform_next(struct transform_iter *it, struct transform *out)
{
	struct cur c = cur_of(it->rest);
	uint8_t last;

	if (it->rest.n == 0 || transform_read(&c, out, &last) < 0)
		return false;
	it->rest = cur_rest(&c);
	return true;
}

struct sa_emit sa_emit_begin(struct emit *e)
{
	return (struct sa_emit){.e = e, .proposal_at = NONE, .transform_at = NONE};
}

static void length_patch(struct emit *e, size_t at)
{
	emit_patch16(e, at + 2, e->n - at);
}

static void proposal_end(struct sa_emit *s)
{
	if (s->proposal_at == NONE)
		return;
	if (s->transform_count > UINT8_MAX)
		s->e->bad = true;
	emit_patch8(s->e, s->proposal_at + TRANSFORM_COUNT_AT, (uint8_t)s->transform_count);
	length_patch(s->e, s->proposal_at);
}

void sa_emit_proposal(struct sa_emit *s, uint8_t num, uint8_t protocol, struct view spi)
{
	proposal_end(s);
	if (s->proposal_at != NONE)
		emit_patch8(s->e, s->proposal_at, MORE_PROPOSALS);
	if (spi.n > UINT8_MAX)
		s->e->bad = true;
	s->proposal_at = s->e->n;
	s->transform_at = NONE;
	s->transform_count = 0;
	emit_u8(s->e, LAST);
	emit_u8(s->e, 0);
	emit_be16(s->e, 0);
	emit_u8(s->e, num);
	emit_u8(s->e, protocol);
	emit_u8(s->e, (uint8_t)spi.n);
	emit_u8(s->e, 0);
	emit_view(s->e, spi);
}

void sa_emit_transform(struct sa_emit *s, const struct transform *t)
{
	if (s->transform_at != NONE)
		emit_patch8(s->e, s->transform_at, MORE_TRANSFORMS);
	s->transform_at = s->e->n;
	s->transform_count++;
	emit_u8(s->e, LAST);
	emit_u8(s->e, 0);
	emit_be16(s->e, 0);
	emit_u8(s->e, t->type);
	emit_u8(s->e, 0);
	emit_be16(s->e, t->id);
	if (t->key_bits != 0) {
		emit_be16(s->e, ATTR_SHORT_FORM | ATTR_KEY_LENGTH);
		emit_be16(s->e, t->key_bits);
	}
	length_patch(s->e, s->transform_at);
}

void sa_emit_end(struct sa_emit *s)
{
	proposal_end(s);
	s->proposal_at = NONE;
}
