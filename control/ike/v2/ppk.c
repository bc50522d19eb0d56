#include "ike/v2/ppk.h"

#include "base/emit.h"
#include "base/err.h"
#include "crypto/prf.h"
#include "ike/engine.h"
#include "ike/tx.h"
#include "ike/v2/auth.h"
#include "ike/v2/auth_method.h"
#include "ike/v2/auth_sig.h"

#define PPK_ID_FIXED 2 /* RFC 8784 5.1 */
#define ID_MAX	     256

/* ---------------------------------------------------------------- keys */

static size_t key_at(const struct ike_sa *sa, enum sk_key which)
{
	return (size_t)(sa_key(sa, which).p - sa->keys->p);
}

/* RFC 8784 3: SK = prf+(PPK, SK'), for the three that outlive the exchange or vouch for it. */
static int mix(struct ike *ike, const struct ike_sa *sa, struct view ppk, struct secret **out)
{
	static const enum sk_key mixed[] = {SK_D, SK_PI, SK_PR};

	auto_secret keys = secret_copy(secret_view(sa->keys));

	if (!keys)
		return -ERR_NOMEM;
	for (size_t i = 0; i < ARRAY_LEN(mixed); i++) {
		struct view was = sa_key(sa, mixed[i]);
		int rc = prf_plus(ike->cfg.crypto, sa->suite.prf->id, ppk, VIEWS(was),
			(struct prf_out){keys->p + key_at(sa, mixed[i]), was.n});

		if (rc < 0)
			return rc;
	}
	*out = take_ptr(keys);
	return 0;
}

static int mix_in(struct ike *ike, struct ike_sa *sa, struct view ppk)
{
	struct secret *keys;
	int rc = mix(ike, sa, ppk, &keys);

	if (rc < 0)
		return rc;
	secret_free(sa->half->ppk.without);
	sa->half->ppk.without = sa->keys;
	sa->keys = keys;
	sa->half->ppk.mixed = true;
	return 0;
}

static void mix_out(struct ike_sa *sa)
{
	struct ppk *x = &sa->half->ppk;

	secret_free(sa->keys);
	sa->keys = take_ptr(x->without);
	x->mixed = false;
}

static const struct model_ike_policy *policy_of(const struct ike_sa *sa)
{
	return sa->gw->model->policy;
}

/* ---------------------------------------------------------------- IKE_SA_INIT */

void ppk_init_write(struct ike_sa *sa, struct writer *w)
{
	if (policy_of(sa)->ppk.n != 0 && (sa->initiator || sa->half->ppk.agreed))
		tx_notify(w, N_USE_PPK, (struct view){0});
}

void ppk_init_read(struct ike_sa *sa, const struct rx *rx)
{
	sa->half->ppk.agreed = policy_of(sa)->ppk.n != 0 && rx->notes.use_ppk;
}

/* ---------------------------------------------------------------- initiator */

static int refuse(struct ike *ike, const struct ike_sa *sa, const char *why)
{
	ike->stats.ppk_refused++;
	sa_warn(ike, sa, "ike.ppk.refused", "reason=\"%s\"", why);
	return -ERR_AUTH;
}

int ppk_begin(struct ike *ike, struct ike_sa *sa)
{
	const struct model_ike_policy *p = policy_of(sa);

	if (sa->half->ppk.agreed && p->ppk.n != 0)
		return mix_in(ike, sa, p->ppk);
	return p->ppk_required ? refuse(ike, sa, "the peer has no post-quantum key") : 0;
}

/* Our AUTH as it would be without, for a peer that lacks this one. */
static int no_ppk_write(struct ike *ike, struct ike_sa *sa, struct writer *w)
{
	struct secret *with = sa->keys;
	uint8_t mac[ALG_DIGEST_MAX];
	int rc;

	sa->keys = sa->half->ppk.without;
	rc = auth_psk_own(ike, sa, mac);
	sa->keys = with;
	if (rc == 0)
		tx_notify(w, N_NO_PPK_AUTH, view_of(mac, prf_len(sa->suite.prf->id)));
	secret_wipe(mac, sizeof mac);
	return rc;
}

bool ppk_is_optional(const struct ike_sa *sa)
{
	return sa->initiator && sa->half->ppk.mixed && !policy_of(sa)->ppk_required;
}

int ppk_request_write(struct ike *ike, struct ike_sa *sa, struct writer *w)
{
	const struct model_ike_policy *p = policy_of(sa);
	uint8_t room[1 + ID_MAX];
	struct emit e = emit_to(room, sizeof room);
	struct view id;
	int rc;

	if (!sa->half->ppk.mixed)
		return 0;
	emit_u8(&e, PPK_ID_FIXED);
	emit_view(&e, p->ppk_id);
	rc = emit_done(&e, &id);
	if (rc < 0)
		return rc;
	tx_notify(w, N_PPK_IDENTITY, id);
	if (!ppk_is_optional(sa))
		return 0;
	return auth_is_signature(p) ? auth_sig_plain_write(ike, sa, w) : no_ppk_write(ike, sa, w);
}

int ppk_answered(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	if (!sa->half->ppk.mixed || rx->notes.ppk_identity)
		return 0;
	if (policy_of(sa)->ppk_required)
		return refuse(ike, sa, "the peer did not use the post-quantum key");
	if (!sa->half->ppk.without)
		return -ERR_WRONG_STATE;
	mix_out(sa);
	return 0;
}

/* ---------------------------------------------------------------- responder */

static const struct model_ike_policy *policy_with(const struct ike *ike, struct view id)
{
	for (uint32_t i = 0; i < ike->model->n_ike_policies; i++) {
		const struct model_ike_policy *p = &ike->model->ike_policies[i];

		if (p->ppk.n != 0 && view_equal(p->ppk_id, id))
			return p;
	}
	return NULL;
}

int ppk_asked(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	struct ppk *x = &sa->half->ppk;
	const struct model_ike_policy *p = NULL;
	struct view id = rx->notes.ppk_id;

	if (!x->agreed || !rx->notes.ppk_identity || x->mixed)
		return 0;
	if (id.n > 1 && id.p[0] == PPK_ID_FIXED)
		p = policy_with(ike, view_of(id.p + 1, id.n - 1));
	if (p) {
		blob_fini(&x->id);
		if (blob_copy(p->ppk_id, &x->id) < 0)
			return -ERR_NOMEM;
		return mix_in(ike, sa, p->ppk);
	}
	x->unknown = true;
	return rx->notes.no_ppk_auth.n != 0
		       ? 0
		       : refuse(ike, sa, "nobody here has the peer's post-quantum key");
}

struct view ppk_auth_value(const struct ike_sa *sa, const struct rx *rx, struct view in_payload)
{
	return sa->half->ppk.unknown ? rx->notes.no_ppk_auth : in_payload;
}

bool ppk_allows(struct ike *ike, struct ike_sa *sa)
{
	const struct model_ike_policy *p = policy_of(sa);
	const struct ppk *x = &sa->half->ppk;

	if (x->mixed && !view_equal(p->ppk_id, blob_view(&x->id)))
		return refuse(ike, sa, "the post-quantum key is another gateway's") == 0;
	if (!x->mixed && p->ppk_required)
		return refuse(ike, sa, "the peer did not use a post-quantum key") == 0;
	return true;
}

void ppk_answer_write(const struct ike_sa *sa, struct writer *w)
{
	if (sa->half->ppk.mixed)
		tx_notify(w, N_PPK_IDENTITY, (struct view){0});
}
