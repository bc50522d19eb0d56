#include "ike/v2/auth_sig.h"

#include <stdlib.h>

#include "base/emit.h"
#include "base/err.h"
#include "crypto/prf.h"
#include "ike/engine.h"
#include "ike/tx.h"
#include "ike/v2/auth.h"
#include "ike/v2/auth_method.h"
#include "ike/v2/ppk.h"
#include "wire/pld_auth.h"
#include "wire/pld_cert.h"
#include "wire/pld_certreq.h"

#define SIGNATURE_MAX 1200 /* of RSA keys of 8192 bits, and the name of what it is */
#define ANCHORS_MAX   20   /* digests in one CERTREQ of ours: IKE_SA_INIT goes in one packet */

static const struct ike_local_cert *local_cert(struct ike *ike, const struct model_ike_policy *p)
{
	const struct ike_credentials *c = ike->cfg.credentials;

	return c && p->local_certificate ? c->local(c->ctx, p->local_certificate) : NULL;
}

/* ---------------------------------------------------------------- IKE_SA_INIT */

/* Gateways that may be meant: all by address for a responder, the one that is for an initiator. */
static const struct model_ike_policy *policy_next(
	struct ike *ike, const struct ike_sa *sa, struct peer_walk *walk)
{
	struct gateway *gw;

	if (sa->initiator) {
		if (walk->begun)
			return NULL;
		walk->begun = true;
		return auth_is_signature(sa->gw->model->policy) ? sa->gw->model->policy : NULL;
	}
	while ((gw = peer_next(ike, walk)) != NULL)
		if (auth_is_signature(gw->model->policy))
			return gw->model->policy;
	return NULL;
}

void auth_sig_hashes_write(struct ike *ike, const struct ike_sa *sa, struct writer *w)
{
	struct peer_walk walk = {sa->local.addr, sa->remote.addr};
	const struct model_ike_policy *p;
	uint8_t room[2 * SIGN_HASH_IDENTITY], set = 0;
	struct emit e = emit_to(room, sizeof room);

	while ((p = policy_next(ike, sa, &walk)) != NULL)
		set |= auth_own_hashes(p);
	for (uint16_t hash = SIGN_HASH_SHA1; hash <= SIGN_HASH_IDENTITY; hash++)
		if ((set & SIGN_HASH_BIT(hash)) != 0)
			emit_be16(&e, hash);
	if (set != 0)
		tx_notify(w, N_SIGNATURE_HASH_ALGORITHMS, view_of(room, e.n));
}

struct anchors {
	uint8_t digest[ANCHORS_MAX][CERTREQ_DIGEST_LEN];
	size_t n;
	bool many; /* more than that: none is named, which means any */
};

static void anchors_add(struct anchors *a, struct view digests)
{
	for (size_t at = 0; at + CERTREQ_DIGEST_LEN <= digests.n; at += CERTREQ_DIGEST_LEN) {
		size_t i = 0;

		while (i < a->n && memcmp(a->digest[i], digests.p + at, CERTREQ_DIGEST_LEN) != 0)
			i++;
		if (i < a->n)
			continue;
		a->many |= a->n == ANCHORS_MAX;
		if (!a->many)
			memcpy(a->digest[a->n++], digests.p + at, CERTREQ_DIGEST_LEN);
	}
}

void auth_sig_request_write(struct ike *ike, const struct ike_sa *sa, struct writer *w)
{
	const struct ike_credentials *c = ike->cfg.credentials;
	struct peer_walk walk = {sa->local.addr, sa->remote.addr};
	struct pld_certreq req = {.encoding = CERT_X509_SIGNATURE};
	const struct model_ike_policy *p;
	struct anchors a = {.n = 0};
	bool any = false;

	while ((p = policy_next(ike, sa, &walk)) != NULL) {
		any = true;
		if (p->peer_cert_pkcs7)
			req.encoding = CERT_PKCS7;
		if (c)
			anchors_add(&a, c->anchors(c->ctx, p));
	}
	if (!any)
		return;
	req.authorities = view_of(a.digest, a.many ? 0 : a.n * CERTREQ_DIGEST_LEN);
	writer_open(w, PLD_CERTREQ);
	pld_certreq_emit(&w->e, &req);
	writer_close(w);
}

int auth_sig_read(struct ike_sa *sa, const struct rx *rx)
{
	const struct payload *p = NULL;
	struct pld_certreq req;

	if (rx->notes.signature_hashes != 0)
		sa->half->peer_hashes = rx->notes.signature_hashes;
	while ((p = chain_next(rx->chain, PLD_CERTREQ, p)) != NULL) {
		if (pld_certreq_parse(p->body, &req) < 0 || req.encoding != CERT_X509_SIGNATURE ||
			sa->half->peer_cas.n > IKE_CERT_OCTETS_MAX)
			continue;
		if (blob_append(&sa->half->peer_cas, req.authorities) < 0)
			return -ERR_NOMEM;
	}
	return 0;
}

/* ---------------------------------------------------------------- ours */

int auth_own_id(struct ike *ike, const struct gateway *gw, struct ident *out)
{
	const struct ike_local_cert *cert;

	if (gw->model->local_id.type != MODEL_ID_DN)
		return ident_of_model(&gw->model->local_id, out);
	cert = local_cert(ike, gw->model->policy);
	return cert ? ident_copy(ID_DER_ASN1_DN, cert->subject, out) : -ERR_NOT_FOUND;
}

static int no_signature(struct ike *ike, struct ike_sa *sa, const char *why)
{
	const char *name = sa->gw->model->policy->local_certificate;

	ike->stats.sign_failed++;
	sa_warn(ike, sa, "ike.sign.failed", "reason=\"%s\" certificate=%s", why, name ? name : "-");
	return -ERR_AUTH;
}

static int octets_of(
	struct ike *ike, const struct ike_sa *sa, bool own, struct view id_body, struct blob *out)
{
	const struct auth_octets octets = auth_covered(sa, own, id_body);

	return auth_octets_join(ike->cfg.crypto, sa->suite.prf->id, &octets, out);
}

/* What our AUTH covers; plain: with the keys as they were before. */
static int own_octets(struct ike *ike, struct ike_sa *sa, bool plain, struct blob *out)
{
	struct secret *now = sa->keys;
	uint8_t room[AUTH_ID_BODY_MAX];
	struct view body;
	int rc = auth_id_body(&sa->local_id, room, &body);

	if (rc < 0)
		return rc;
	if (plain)
		sa->keys = sa->half->ppk.without;
	rc = octets_of(ike, sa, true, body, out);
	sa->keys = now;
	return rc;
}

static struct ike_sign_job *sign_job(const char *key_id, enum sign_scheme scheme)
{
	struct ike_sign_job *job = calloc(1, sizeof *job);

	if (!job)
		return NULL;
	job->scheme = scheme;
	job->key_id = strdup(key_id);
	if (job->key_id)
		return job;
	free(job);
	return NULL;
}

int auth_sig_make(struct ike *ike, struct ike_sa *sa, bool plain)
{
	const struct model_ike_policy *p = sa->gw->model->policy;
	const struct ike_local_cert *cert = local_cert(ike, p);
	struct auth_choice choice;
	struct ike_sign_job *job;
	const char *why;
	int rc;

	if (!cert)
		return no_signature(ike, sa, "there is no such local certificate");
	if (auth_choose(p, cert->schemes, sa->half->peer_hashes, &choice, &why) < 0)
		return no_signature(ike, sa, why);
	job = sign_job(p->local_certificate, choice.scheme);
	if (!job)
		return -ERR_NOMEM;
	job->plain = plain;
	rc = own_octets(ike, sa, plain, &job->octets);
	if (rc < 0) {
		ike_sign_job_free(job);
		return rc;
	}
	sa->half->proof.method = choice.method;
	return proof_sign(ike, sa, job);
}

static bool asked_for(const struct half *h, const uint8_t digest[20])
{
	for (size_t at = 0; at + CERTREQ_DIGEST_LEN <= h->peer_cas.n; at += CERTREQ_DIGEST_LEN)
		if (memcmp(h->peer_cas.p + at, digest, CERTREQ_DIGEST_LEN) == 0)
			return true;
	return false;
}

bool auth_sig_is_asked(
	struct ike *ike, const struct ike_sa *sa, const struct model_ike_policy *policy)
{
	const struct ike_local_cert *c = local_cert(ike, policy);

	for (size_t i = 0; c && i < c->n_chain; i++)
		if (asked_for(sa->half, c->issuers[i]))
			return true;
	return false;
}

/* RFC 7296 3.6: end entity first; up to below a CA that the peer said it has, or no more (SS-007).
 */
static void certs_write(struct writer *w, const struct ike_sa *sa, const struct ike_local_cert *c)
{
	for (size_t i = 0; i < c->n_chain && i < IKE_CERTS_MAX; i++) {
		const struct pld_cert pld = {CERT_X509_SIGNATURE, c->chain[i]};

		writer_open(w, PLD_CERT);
		pld_cert_emit(&w->e, &pld);
		writer_close(w);
		if (sa->gw->model->policy->end_entity_only || asked_for(sa->half, c->issuers[i]))
			return;
	}
}

/* The finished job, or the reason why there is none in the log. */
static const struct ike_sign_job *made(struct ike *ike, struct ike_sa *sa, bool plain)
{
	const struct proof *p = &sa->half->proof;
	const struct ike_sign_job *job = plain ? p->plain : p->own;

	if (job && job->rc == 0)
		return job;
	(void)no_signature(ike, sa, job ? err_text(job->rc) : "it was not asked for");
	return NULL;
}

/* The field that RFC 7296 3.8 calls Authentication Data. */
static void data_emit(struct emit *e, const struct ike_sa *sa, const struct ike_sign_job *job)
{
	const struct view id = sign_alg_id(job->scheme);

	if (sa->half->proof.method == AUTH_DIGITAL_SIGNATURE) {
		emit_u8(e, (uint8_t)id.n);
		emit_view(e, id);
	}
	emit_view(e, blob_view(&job->signature));
}

int auth_sig_write(struct ike *ike, struct ike_sa *sa, struct writer *w)
{
	const struct ike_local_cert *cert = local_cert(ike, sa->gw->model->policy);
	const struct ike_sign_job *job = made(ike, sa, false);
	uint8_t room[AUTH_ID_BODY_MAX];
	struct view body;
	int rc = auth_id_body(&sa->local_id, room, &body);

	if (!job)
		return -ERR_AUTH;
	if (!cert)
		return no_signature(ike, sa, "there is no such local certificate any more");
	if (rc < 0)
		return rc;
	writer_add(w, sa->initiator ? PLD_IDI : PLD_IDR, body);
	certs_write(w, sa, cert);
	writer_open(w, PLD_AUTH);
	emit_u8(&w->e, sa->half->proof.method);
	emit_zero(&w->e, 3);
	data_emit(&w->e, sa, job);
	writer_close(w);
	return 0;
}

int auth_sig_plain_write(struct ike *ike, struct ike_sa *sa, struct writer *w)
{
	const struct ike_sign_job *job = made(ike, sa, true);
	uint8_t room[SIGNATURE_MAX];
	struct emit e = emit_to(room, sizeof room);
	struct view data;
	int rc;

	if (!job)
		return -ERR_AUTH;
	data_emit(&e, sa, job);
	rc = emit_done(&e, &data);
	if (rc == 0)
		tx_notify(w, N_NO_PPK_AUTH, data);
	return rc;
}

/* ---------------------------------------------------------------- the peer's */

static bool takes_pkcs7(const struct ike_trust_job *job)
{
	for (size_t i = 0; i < job->n_terms; i++)
		if (job->terms[i].policy->peer_cert_pkcs7)
			return true;
	return false;
}

/* Bounded: -ERR_LIMIT, -ERR_UNSUPPORTED with *why. Others than we asked for are passed over. */
static int certs_read(const struct rx *rx, struct ike_trust_job *job, const char **why)
{
	const struct payload *p = NULL;
	struct pld_cert pld;
	size_t octets = 0, seen = 0;

	while ((p = chain_next(rx->chain, PLD_CERT, p)) != NULL) {
		*why = "it sent too many certificates";
		if (++seen > IKE_CERTS_MAX)
			return -ERR_LIMIT;
		*why = "it sent a malformed certificate payload";
		if (pld_cert_parse(p->body, &pld) < 0)
			return -ERR_AUTH;
		octets += pld.data.n;
		*why = "its certificates are too large";
		if (octets > IKE_CERT_OCTETS_MAX)
			return -ERR_LIMIT;
		*why = "it sent a certificate as hash and URL, which is not configured";
		if (pld.encoding == CERT_HASH_URL || pld.encoding == CERT_BUNDLE_URL)
			return -ERR_UNSUPPORTED;
		if (pld.encoding != CERT_X509_SIGNATURE &&
			!(pld.encoding == CERT_PKCS7 && takes_pkcs7(job)))
			continue;
		*why = "out of memory";
		if (blob_copy(pld.data, &job->certs[job->n_certs].data) < 0)
			return -ERR_NOMEM;
		job->certs[job->n_certs++].encoding = pld.encoding;
	}
	return 0;
}

/* Of those gateways whose method allows the peer's; *why is the first refusal when none does. */
static int terms_fill(struct ike_sa *sa, const struct auth_peers *from, struct view data,
	struct ike_trust_job *job, const char **why)
{
	struct proof *proof = &sa->half->proof;
	struct auth_claim claim = {.key_schemes = 0};
	const char *said;

	for (size_t i = 0; i < from->n && job->n_terms < IKE_TERMS_MAX; i++) {
		const struct model_ike_policy *p = from->v[i]->model->policy;

		if (auth_accept(p, proof->peer_method, data, sa->half->peer_hashes, &claim, &said) <
			0) {
			if (i == 0)
				*why = said;
			continue;
		}
		/* The same for all of them. */
		job->alg = claim.alg;
		proof->gateways[job->n_terms] = from->v[i];
		job->terms[job->n_terms++] = (struct ike_trust_terms){p, claim.key_schemes};
	}
	if (job->n_terms == 0)
		return -ERR_AUTH;
	*why = "out of memory";
	return blob_copy(claim.signature, &job->signature);
}

static int job_fill(struct ike *ike, struct ike_sa *sa, const struct rx *rx,
	const struct auth_peers *from, struct ike_trust_job *job, const char **why)
{
	const struct payload *a = chain_find(rx->chain, PLD_AUTH),
			     *i = chain_find(rx->chain, sa->initiator ? PLD_IDR : PLD_IDI);
	struct pld_auth auth;
	int rc;

	*why = "its AUTH payload is malformed";
	if (!a || !i || pld_auth_parse(a->body, &auth) < 0)
		return -ERR_AUTH;
	sa->half->proof.peer_method = auth.method;
	rc = terms_fill(sa, from, ppk_auth_value(sa, rx, auth.data), job, why);
	if (rc == 0)
		rc = certs_read(rx, job, why);
	if (rc < 0)
		return rc;
	job->wall_ms = ike->wall_ms;
	*why = "out of memory";
	rc = octets_of(ike, sa, false, i->body, &job->octets);
	if (rc == 0)
		rc = ident_copy(sa->remote_id.type, blob_view(&sa->remote_id.data), &job->peer_id);
	return rc;
}

int auth_sig_judge(struct ike *ike, struct ike_sa *sa, const struct rx *rx,
	const struct auth_peers *from, const char **why)
{
	struct ike_trust_job *job = calloc(1, sizeof *job);
	int rc;

	*why = "out of memory";
	if (!job)
		return -ERR_NOMEM;
	job->model = model_ref(ike->model);
	rc = job_fill(ike, sa, rx, from, job, why);
	if (rc == 0)
		return proof_trust(ike, sa, job);
	ike_trust_job_free(job);
	return rc == -ERR_NOMEM ? rc : -ERR_AUTH;
}

int auth_sig_verdict(const struct ike_sa *sa, const char **why)
{
	const struct ike_trust_job *job = sa->half->proof.verdict;

	*why = "nobody has judged it";
	if (!job)
		return -ERR_AUTH;
	*why = job->reason[0] ? job->reason : err_text(job->rc);
	if (job->rc < 0)
		return -ERR_AUTH;
	*why = "no gateway has this peer identity";
	return sa->half->proof.decoy ? -ERR_AUTH : 0;
}

int auth_sig_keep(struct ike_sa *sa)
{
	const struct ike_trust_job *job = sa->half->proof.verdict;

	if (!job)
		return 0;
	peer_cert_free(sa->peer_cert);
	sa->peer_cert = peer_cert_new(job->subject, job->refs, job->n_refs, blob_view(&job->trail));
	if (!sa->peer_cert)
		return -ERR_NOMEM;
	sa->peer_cert->not_after_wall_ms = job->not_after_wall_ms;
	return 0;
}
