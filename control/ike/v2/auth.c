#include "ike/v2/auth.h"

#include "base/emit.h"
#include "base/err.h"
#include "crypto/prf.h"
#include "ike/engine.h"
#include "ike/seed.h"
#include "ike/tx.h"
#include "ike/v2/ppk.h"
#include "wire/pld_auth.h"

int auth_id_body(const struct ident *id, uint8_t room[AUTH_ID_BODY_MAX], struct view *out)
{
	struct emit e = emit_to(room, AUTH_ID_BODY_MAX);
	const struct pld_id pld = {.type = id->type, .data = blob_view(&id->data)};

	pld_id_emit(&e, &pld);
	return emit_done(&e, out);
}

struct auth_octets auth_covered(const struct ike_sa *sa, bool own, struct view id_body)
{
	const struct half *h = sa->half;

	return (struct auth_octets){.message = blob_view(own ? &h->own_init : &h->peer_init),
		.nonce = own ? blob_view(&h->peer_nonce) : view_of_array(h->nonce),
		.sk_p = sa_key(sa, own == sa->initiator ? SK_PI : SK_PR),
		.id_body = id_body,
		.extra = blob_view(&h->int_auth)};
}

/* The policy's key, or the one that its seed makes for that peer (PSK-005). Wipe room. */
static int shared_key(struct ike *ike, const struct model_ike_policy *p, const struct pld_id *peer,
	uint8_t room[SEED_KEY_LEN], struct view *out)
{
	*out = p->psk;
	if (p->psk.n != 0 || p->seeded_psk.n == 0)
		return 0;
	*out = view_of(room, SEED_KEY_LEN);
	return seed_key(ike->cfg.crypto, p->seeded_psk, peer->type, peer->data, room);
}

/* Whom we prove ourselves to. Who authenticates anew has not heard yet who answers. */
static struct pld_id peer_of(struct ike *ike, const struct ike_sa *sa)
{
	const struct ike_sa *was = sa->predecessor ? sa_find(ike, sa->predecessor) : NULL;
	const struct ident *id = sa->remote_id.type == 0 && was ? &was->remote_id : &sa->remote_id;

	return (struct pld_id){.type = id->type, .data = blob_view(&id->data)};
}

int auth_psk_own(struct ike *ike, struct ike_sa *sa, uint8_t mac[ALG_DIGEST_MAX])
{
	uint8_t room[AUTH_ID_BODY_MAX], seeded[SEED_KEY_LEN];
	const struct pld_id peer = peer_of(ike, sa);
	struct auth_octets octets;
	struct view body, key;
	int rc = auth_id_body(&sa->local_id, room, &body);

	if (rc == 0)
		rc = shared_key(ike, sa->gw->model->policy, &peer, seeded, &key);
	if (rc < 0)
		return rc;
	octets = auth_covered(sa, true, body);
	rc = auth_psk(ike->cfg.crypto, sa->suite.prf->id, key, &octets, mac);
	secret_wipe(seeded, sizeof seeded);
	return rc;
}

void auth_mic_write(const struct ike_sa *sa, struct view id, const uint8_t mac[ALG_DIGEST_MAX],
	struct writer *w)
{
	struct pld_auth auth = {.method = AUTH_SHARED_KEY_MIC};

	writer_add(w, sa->initiator ? PLD_IDI : PLD_IDR, id);
	auth.data = view_of(mac, prf_len(sa->suite.prf->id));
	writer_open(w, PLD_AUTH);
	pld_auth_emit(&w->e, &auth);
	writer_close(w);
}

int auth_psk_write(struct ike *ike, struct ike_sa *sa, struct writer *w)
{
	uint8_t room[AUTH_ID_BODY_MAX], mac[ALG_DIGEST_MAX];
	struct view body;
	int rc = auth_id_body(&sa->local_id, room, &body);

	if (rc == 0)
		rc = auth_psk_own(ike, sa, mac);
	if (rc < 0)
		return rc;
	auth_mic_write(sa, body, mac, w);
	secret_wipe(mac, sizeof mac);
	return 0;
}

bool auth_psk_is_good(struct ike *ike, const struct ike_sa *sa, const struct rx *rx,
	const struct pld_id *id, const struct model_ike_policy *policy)
{
	const struct payload *p = chain_find(rx->chain, PLD_AUTH);
	const struct auth_octets octets = auth_covered(sa, false, id->body);
	uint8_t mac[ALG_DIGEST_MAX], seeded[SEED_KEY_LEN];
	struct pld_auth auth;
	struct view key;
	bool good;

	if (!p || pld_auth_parse(p->body, &auth) < 0 || auth.method != AUTH_SHARED_KEY_MIC)
		return false;
	if (shared_key(ike, policy, id, seeded, &key) < 0)
		return false;
	good = auth_psk(ike->cfg.crypto, sa->suite.prf->id, key, &octets, mac) == 0;
	secret_wipe(seeded, sizeof seeded);
	if (!good)
		return false;
	good = view_equal_ct(
		ppk_auth_value(sa, rx, auth.data), view_of(mac, prf_len(sa->suite.prf->id)));
	secret_wipe(mac, sizeof mac);
	return good;
}
