#include "ike/negotiate.h"

#include "base/err.h"
#include "wire/iana.h"

/* One transform we want: absent when id is 0 (INTEG beside AEAD, D-H of a first child, no ESN). */
struct want {
	uint8_t type;
	uint16_t id, key_bits;
};

#define WANTS_MAX (5 + MODEL_ADDITIONAL_MAX)

struct wants {
	struct want v[WANTS_MAX];
	size_t n;
};

static void wants_add(struct wants *w, uint8_t type, uint16_t id, uint16_t key_bits)
{
	w->v[w->n++] = (struct want){type, id, key_bits};
}

static bool cipher_find(uint16_t encr, uint16_t key_bits, uint16_t integ, const struct alg **e,
	const struct alg **i)
{
	*e = alg_find(ALG_ENCR, encr, key_bits);
	*i = integ ? alg_find(ALG_INTEG, integ, 0) : NULL;
	if (!*e || (integ && !*i))
		return false;
	/* AEAD brings its integrity, anything else needs one. */
	return alg_is_aead(*e) == (*i == NULL);
}

bool ike_suite_find(const struct model_ike_proposal *p, struct ike_suite *out)
{
	struct ike_suite s;

	if (!cipher_find(p->encr, p->key_bits, p->integ, &s.encr, &s.integ))
		return false;
	s.prf = alg_find(ALG_PRF, p->prf, 0);
	s.dh = alg_find(ALG_KE, p->dh, 0);
	if (!s.prf || !s.dh || s.encr->esp_only || (s.integ && s.integ->esp_only))
		return false;
	s.n_additional = 0;
	for (uint32_t i = 0; i < p->n_additional; i++) {
		s.additional[i] = p->additional[i];
		if (!alg_find(ALG_KE, p->additional[i], 0))
			return false;
		s.n_additional++;
	}
	*out = s;
	return true;
}

/* Nothing of it asks for more than one key exchange. */
static void suite_strip(struct ike_suite *s)
{
	s->n_additional = 0;
}

bool policy_has_additional(const struct model_ike_policy *policy)
{
	struct ike_suite s;

	for (uint32_t i = 0; i < policy->n_proposals; i++)
		if (ike_suite_find(&policy->proposals[i], &s) && s.n_additional != 0)
			return true;
	return false;
}

static bool same_additional(const struct ike_suite *a, const struct ike_suite *b)
{
	if (a->n_additional != b->n_additional)
		return false;
	for (uint8_t i = 0; i < a->n_additional; i++)
		if (a->additional[i] != b->additional[i])
			return false;
	return true;
}

bool ike_suite_allowed(const struct model_ike_policy *policy, const struct ike_suite *s)
{
	for (uint32_t i = 0; i < policy->n_proposals; i++) {
		struct ike_suite own;

		if (ike_suite_find(&policy->proposals[i], &own) && own.encr == s->encr &&
			own.integ == s->integ && own.prf == s->prf && own.dh == s->dh &&
			same_additional(&own, s))
			return true;
	}
	return false;
}

static bool esp_algs_find(const struct model_ipsec_proposal *p, struct esp_suite *s)
{
	if (!p->ah)
		return p->encr != ALG_NO_ENCR &&
		       cipher_find(p->encr, p->key_bits, p->integ, &s->encr, &s->integ);
	s->encr = alg_find(ALG_ENCR, ALG_NO_ENCR, 0);
	s->integ = alg_find(ALG_INTEG, p->integ, 0);
	return s->encr && s->integ;
}

/* What becomes of a proposal of ours: passed over when false. */
static bool esp_suite_find(const struct model_ipsec_policy *policy, uint32_t i,
	struct esp_terms terms, struct esp_suite *out)
{
	const struct model_ipsec_proposal *p = &policy->proposals[i];
	uint16_t pfs = terms.with_dh ? policy->pfs : 0;
	struct esp_suite s = {
		.esn = p->esn, .lifetime_s = p->lifetime_s, .lifetime_kb = p->lifetime_kb};

	if ((p->ah && terms.no_ah) || !esp_algs_find(p, &s))
		return false;
	s.dh = pfs ? alg_find(ALG_KE, pfs, 0) : NULL;
	if (pfs && !s.dh)
		return false;
	*out = s;
	return true;
}

static struct wants wants_of_ike(const struct ike_suite *s)
{
	struct wants w = {.n = 0};

	wants_add(&w, TRANSFORM_ENCR, s->encr->id, s->encr->key_bits);
	wants_add(&w, TRANSFORM_PRF, s->prf->id, 0);
	if (s->integ)
		wants_add(&w, TRANSFORM_INTEG, s->integ->id, 0);
	wants_add(&w, TRANSFORM_KE, s->dh->id, 0);
	for (uint8_t i = 0; i < s->n_additional; i++)
		wants_add(&w, (uint8_t)(TRANSFORM_ADDKE1 + i), s->additional[i], 0);
	return w;
}

static struct wants wants_of_esp(const struct esp_suite *s)
{
	struct wants w = {.n = 0};

	if (!esp_suite_is_ah(s)) /* 3.3.3: AH has INTEG and ESN only */
		wants_add(&w, TRANSFORM_ENCR, s->encr->id, s->encr->key_bits);
	if (s->integ)
		wants_add(&w, TRANSFORM_INTEG, s->integ->id, 0);
	if (s->dh)
		wants_add(&w, TRANSFORM_KE, s->dh->id, 0);
	wants_add(&w, TRANSFORM_ESN, s->esn ? ESN_YES : ESN_NO, 0);
	return w;
}

/*
 * Does the proposal contain all of w, and nothing of a type we would leave out? A type in which it
 * also offers "none" may be left out (3.3.3), and so may ESN, whose absence means 32 bits.
 */
static bool proposal_contains(const struct proposal *p, const struct wants *w, uint32_t ignored)
{
	struct transform_iter it = transform_iter_of(p);
	uint32_t seen = 0, none = 0, found = 0, wanted = 0;
	struct transform t;

	while (transform_next(&it, &t)) {
		if (t.type >= 32)
			return false;
		seen |= UINT32_C(1) << t.type;
		if (t.id == 0 && t.type >= TRANSFORM_INTEG && t.type != TRANSFORM_ESN)
			none |= UINT32_C(1) << t.type;
		for (size_t i = 0; i < w->n && !t.foreign; i++)
			if (w->v[i].type == t.type && w->v[i].id == t.id &&
				w->v[i].key_bits == t.key_bits)
				found |= UINT32_C(1) << t.type;
	}
	for (size_t i = 0; i < w->n; i++) {
		wanted |= UINT32_C(1) << w->v[i].type;
		if (w->v[i].type == TRANSFORM_ESN && w->v[i].id == ESN_NO &&
			!(seen & UINT32_C(1) << TRANSFORM_ESN))
			found |= UINT32_C(1) << TRANSFORM_ESN;
	}
	return (found & wanted) == wanted && (seen & ~wanted & ~none & ~ignored) == 0;
}

static bool offer_find(const struct pld_sa *offer, uint8_t protocol, const struct wants *w,
	uint32_t ignored, struct choice *out)
{
	struct proposal_iter it = proposal_iter_of(offer);
	struct proposal p;

	while (proposal_next(&it, &p)) {
		if (p.protocol != protocol || !proposal_contains(&p, w, ignored))
			continue;
		*out = (struct choice){.num = p.num, .protocol = p.protocol, .spi = p.spi};
		return true;
	}
	return false;
}

int negotiate_ike(const struct model_ike_policy *policy, enum ike_further further,
	const struct pld_sa *offer, struct ike_suite *suite, struct choice *choice)
{
	for (uint32_t i = 0; i < policy->n_proposals; i++) {
		struct ike_suite s;
		struct wants w;

		if (!ike_suite_find(&policy->proposals[i], &s))
			continue;
		if (further == FURTHER_NEVER && s.n_additional != 0)
			continue;
		if (further == FURTHER_NONE)
			suite_strip(&s);
		w = wants_of_ike(&s);
		if (!offer_find(offer, PROTO_IKE, &w, 0, choice))
			continue;
		*suite = s;
		return 0;
	}
	return -ERR_NO_PROPOSAL;
}

static uint32_t offered(const struct pld_sa *offer)
{
	struct proposal_iter it = proposal_iter_of(offer);
	struct proposal p;
	uint32_t n = 0;

	while (proposal_next(&it, &p))
		n++;
	return n;
}

int negotiate_esp(const struct model_ipsec_policy *policy, struct esp_terms terms,
	const struct pld_sa *offer, struct esp_suite *suite, struct choice *choice)
{
	/* RFC 7296 1.2: a first child has no key exchange; peers that name a group are humoured. */
	uint32_t ignored = terms.with_dh ? 0 : UINT32_C(1) << TRANSFORM_KE;

	if (terms.asked && policy->strict_count && offered(offer) != policy->n_proposals)
		return -ERR_NO_PROPOSAL; /* PRP-012 */
	for (uint32_t i = 0; i < policy->n_proposals; i++) {
		struct esp_suite s;
		struct wants w;

		if (!esp_suite_find(policy, i, terms, &s))
			continue;
		w = wants_of_esp(&s);
		if (!offer_find(offer, esp_suite_protocol(&s), &w, ignored, choice) ||
			choice->spi.n != 4)
			continue;
		*suite = s;
		return 0;
	}
	return -ERR_NO_PROPOSAL;
}

uint16_t negotiate_ike_group(const struct model_ike_policy *policy, uint16_t wanted)
{
	uint16_t first = 0;

	for (uint32_t i = 0; i < policy->n_proposals; i++) {
		struct ike_suite s;

		if (!ike_suite_find(&policy->proposals[i], &s))
			continue;
		if (s.dh->id == wanted)
			return wanted;
		if (first == 0)
			first = s.dh->id;
	}
	return first;
}

static void emit_wants(struct sa_emit *e, const struct wants *w)
{
	for (size_t i = 0; i < w->n; i++) {
		struct transform t = {
			.type = w->v[i].type, .id = w->v[i].id, .key_bits = w->v[i].key_bits};

		sa_emit_transform(e, &t);
	}
}

static void proposal_emit_ike(
	struct sa_emit *e, const struct ike_suite *s, uint8_t num, struct view spi)
{
	struct wants w = wants_of_ike(s);

	sa_emit_proposal(e, num, PROTO_IKE, spi);
	emit_wants(e, &w);
}

static void proposal_emit_esp(
	struct sa_emit *e, const struct esp_suite *s, uint8_t num, uint32_t spi)
{
	struct wants w = wants_of_esp(s);
	uint8_t spi_be[4] = {
		(uint8_t)(spi >> 24), (uint8_t)(spi >> 16), (uint8_t)(spi >> 8), (uint8_t)spi};

	sa_emit_proposal(e, num, esp_suite_protocol(s), view_of_array(spi_be));
	emit_wants(e, &w);
}

int offer_ike(struct emit *e, const struct model_ike_policy *policy, struct view spi, bool further)
{
	struct sa_emit s = sa_emit_begin(e);
	uint8_t num = 0;

	for (uint32_t i = 0; i < policy->n_proposals; i++) {
		struct ike_suite suite;

		if (!ike_suite_find(&policy->proposals[i], &suite))
			continue;
		if (!further)
			suite_strip(&suite);
		proposal_emit_ike(&s, &suite, ++num, spi);
	}
	sa_emit_end(&s);
	return num ? 0 : -ERR_UNSUPPORTED;
}

int offer_esp(struct emit *e, const struct model_ipsec_policy *policy, struct esp_terms terms,
	uint32_t spi)
{
	struct sa_emit s = sa_emit_begin(e);
	uint8_t num = 0;

	for (uint32_t i = 0; i < policy->n_proposals; i++) {
		struct esp_suite suite;

		if (esp_suite_find(policy, i, terms, &suite))
			proposal_emit_esp(&s, &suite, ++num, spi);
	}
	sa_emit_end(&s);
	return num ? 0 : -ERR_UNSUPPORTED;
}

void answer_ike(struct emit *e, const struct ike_suite *s, uint8_t num, struct view spi)
{
	struct sa_emit out = sa_emit_begin(e);

	proposal_emit_ike(&out, s, num, spi);
	sa_emit_end(&out);
}

void answer_esp(struct emit *e, const struct esp_suite *s, uint8_t num, uint32_t spi)
{
	struct sa_emit out = sa_emit_begin(e);

	proposal_emit_esp(&out, s, num, spi);
	sa_emit_end(&out);
}
