#include "host/credentials.h"

#include <stdlib.h>

#include "base/err.h"
#include "config/pki_dir.h"
#include "crypto/cert.h"
#include "host/daemon.h"
#include "host/store_file.h"

#define FILE_MAX    262144
#define CACHE_SIZE  4096 /* certificates, and paths: peers that come again */
#define PEM_BEGIN   "-----BEGIN CERTIFICATE-----"
#define NO_KEY_FILE "its private key"

struct own_cert {
	char *id;
	struct cert *certs[IKE_CERTS_MAX]; /* our own first, without the anchor */
	struct view chain[IKE_CERTS_MAX];
	uint8_t issuers[IKE_CERTS_MAX][20];
	struct ike_local_cert lent;
	bool key_wrong; /* tandem-keys said so: not used */
};

/* ---------------------------------------------------------------- files */

static int file_read(const struct daemon *d, enum pki_kind kind, const char *name, struct blob *out)
{
	char path[PKI_PATH_MAX];
	int rc = pki_path(d->args.pki_dir, kind, name, path);

	return rc < 0 ? rc : store_file_read(path, FILE_MAX, out);
}

static void tell(const struct daemon *d, const char *name, const char *what, int rc)
{
	log_warn(&d->log, "pki.file.refused", "name=%s file=\"%s\" reason=\"%s\"", name, what,
		err_text(rc));
}

/* For pki_store_new(): a profile without a file is not loaded yet, which is no fault. */
static int source_ca(void *ctx, const char *profile, struct cert **out)
{
	const struct daemon *d = (const struct daemon *)ctx;
	auto_blob text = {0};
	int rc = file_read(d, PKI_CA, profile, &text);

	*out = NULL;
	if (rc == -ERR_NOT_FOUND)
		return 0;
	if (rc == 0)
		rc = cert_parse_file(blob_view(&text), out);
	secret_wipe_blob(&text);
	if (rc < 0)
		tell(d, profile, "certificate of the CA", rc);
	return rc;
}

/* ---------------------------------------------------------------- our own */

static void own_fini(struct own_cert *o)
{
	free(o->id);
	for (size_t i = 0; i < o->lent.n_chain; i++)
		cert_unref(o->certs[i]);
	*o = (struct own_cert){0};
}

/* The text after the first certificate's first octet: where to look for the next. */
static struct view next_pem(struct view text)
{
	const uint8_t *at =
		text.n ? memmem(text.p + 1, text.n - 1, PEM_BEGIN, sizeof PEM_BEGIN - 1) : NULL;

	return at ? view_of(at, (size_t)(text.p + text.n - at)) : (struct view){0};
}

static int chain_read(struct own_cert *o, struct view text)
{
	int rc = 0;

	while (rc == 0 && text.n != 0 && o->lent.n_chain < IKE_CERTS_MAX) {
		rc = cert_parse_file(text, &o->certs[o->lent.n_chain]);
		o->lent.n_chain += rc == 0;
		text = next_pem(text);
	}
	return rc;
}

/* What is not below the one before has no place in a chain. */
static void chain_prune(struct own_cert *o)
{
	size_t n = 1;

	while (n < o->lent.n_chain && !o->certs[n]->self_issued &&
		cert_signed_by(o->certs[n - 1], o->certs[n]))
		n++;
	while (o->lent.n_chain > n)
		cert_unref(o->certs[--o->lent.n_chain]);
}

static const struct cert *issuer_of(const struct pki_store *s, const struct cert *c)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->cas[i].cert && cert_signed_by(c, s->cas[i].cert))
			return s->cas[i].cert;
	return NULL;
}

/* Goes on with the CA profiles up to below the root. */
static void chain_complete(struct own_cert *o, const struct pki_store *s)
{
	struct ike_local_cert *l = &o->lent;

	for (size_t i = 0; i < l->n_chain; i++) {
		const struct cert *up =
			i + 1 < l->n_chain ? o->certs[i + 1] : issuer_of(s, o->certs[i]);

		if (up)
			memcpy(o->issuers[i], up->public_key_hash, sizeof o->issuers[i]);
		if (up && i + 1 == l->n_chain && !up->self_issued && l->n_chain < IKE_CERTS_MAX)
			o->certs[l->n_chain++] = cert_ref(up);
	}
	for (size_t i = 0; i < l->n_chain; i++)
		o->chain[i] = o->certs[i]->der;
	l->chain = o->chain;
	l->issuers = (const uint8_t(*)[20])o->issuers;
}

static struct own_cert *own_find(const struct credentials *c, const char *id)
{
	for (size_t i = 0; i < c->n_own; i++)
		if (strcmp(c->own[i].id, id) == 0)
			return &c->own[i];
	return NULL;
}

/* ---------------------------------------------------------------- keys, which are elsewhere */

struct key_check {
	struct credentials *c;
	uint64_t generation;
	char *id;
};

static void on_key(void *ctx, int rc, const Keys__Response *r)
{
	struct key_check *k = (struct key_check *)ctx;
	struct own_cert *o =
		k->generation == k->c->generation && k->c->d ? own_find(k->c, k->id) : NULL;

	if (o && rc == 0 &&
		!view_equal(view_of(r->public_key.data, r->public_key.len),
			o->certs[0]->public_key_info))
		rc = -ERR_VALUE;
	if (o && rc < 0) {
		o->key_wrong = true;
		tell(k->c->d, k->id, NO_KEY_FILE, rc);
	}
	free(k->id);
	free(k);
}

static void key_check(struct credentials *c, const struct own_cert *o)
{
	struct key_check *k = calloc(1, sizeof *k);

	if (k)
		k->id = strdup(o->id);
	if (!k || !k->id) { /* then it shows when it signs */
		free(k);
		return;
	}
	k->c = c;
	k->generation = c->generation;
	keys_client_load(&c->d->keys, o->id, on_key, k);
}

static int own_read(struct credentials *c, const char *id, struct own_cert *o)
{
	auto_blob text = {0};
	const char *what = "certificate";
	int rc;

	o->id = strdup(id);
	if (!o->id)
		return -ERR_NOMEM;
	rc = file_read(c->d, PKI_LOCAL, id, &text);
	if (rc == 0)
		rc = chain_read(o, blob_view(&text));
	if (rc == 0 && o->lent.n_chain == 0)
		rc = -ERR_SYNTAX;
	if (rc == 0) {
		what = NO_KEY_FILE;
		chain_prune(o);
		chain_complete(o, c->store);
		o->lent.subject = o->certs[0]->subject;
		if (!keys_client_has(&c->d->keys, id))
			rc = -ERR_NOT_FOUND;
	}
	if (rc < 0) {
		tell(c->d, id, what, rc);
		return rc;
	}
	o->lent.schemes = sign_schemes(o->certs[0]->key);
	return 0;
}

static void own_forget(struct credentials *c)
{
	while (c->n_own != 0)
		own_fini(&c->own[--c->n_own]);
	free(c->own);
	c->own = NULL;
}

static void own_load(struct credentials *c, const struct model *m)
{
	for (uint32_t i = 0; i < m->n_ike_policies; i++) {
		const char *id = m->ike_policies[i].local_certificate;
		struct own_cert *o = &c->own[c->n_own];

		if (!id || own_find(c, id))
			continue;
		if (own_read(c, id, o) == 0)
			c->n_own++;
		else
			own_fini(o);
	}
}

/* AUT-003: a method that its certificate cannot do. */
static void check_methods(const struct credentials *c, const struct model *m)
{
	static const uint32_t needs[] = {[MODEL_AUTH_RSA] = SIGN_OF_RSA,
		[MODEL_AUTH_ECDSA_256] = SIGN_BIT(SIGN_ECDSA_P256),
		[MODEL_AUTH_ECDSA_384] = SIGN_BIT(SIGN_ECDSA_P384),
		[MODEL_AUTH_ECDSA_521] = SIGN_BIT(SIGN_ECDSA_P521),
		[MODEL_AUTH_DIGITAL] = 0};

	for (uint32_t i = 0; i < m->n_ike_policies; i++) {
		const struct model_ike_policy *p = &m->ike_policies[i];
		const struct own_cert *o =
			p->local_certificate ? own_find(c, p->local_certificate) : NULL;
		size_t auth = p->n_proposals > 0 ? (size_t)p->proposals[0].auth : 0;

		if (o && auth < ARRAY_LEN(needs) && needs[auth] != 0 &&
			(o->lent.schemes & needs[auth]) == 0)
			log_warn(&c->d->log, "pki.method.unfit",
				"policy=%s certificate=%s reason=\"its key is not of the "
				"authentication-method\"",
				p->name, o->id);
	}
}

/* ---------------------------------------------------------------- what the engine sees */

static const struct ike_local_cert *face_local(void *ctx, const char *certificate_id)
{
	const struct own_cert *o = own_find((const struct credentials *)ctx, certificate_id);

	return o && !o->key_wrong ? &o->lent : NULL;
}

static struct view face_anchors(void *ctx, const struct model_ike_policy *policy)
{
	struct credentials *c = (struct credentials *)ctx;

	blob_fini(&c->anchors);
	for (uint32_t i = 0; i < policy->n_trusted_cas; i++) {
		const struct pki_ca *ca = pki_store_find(c->store, policy->trusted_cas[i]->name);

		if (ca && ca->cert &&
			blob_append(&c->anchors, view_of_array(ca->cert->public_key_hash)) < 0)
			break; /* a hint less */
	}
	return blob_view(&c->anchors);
}

/* ---------------------------------------------------------------- life */

int credentials_init(struct credentials *c, struct daemon *d)
{
	*c = (struct credentials){
		.d = d, .face = {.ctx = c, .local = face_local, .anchors = face_anchors}};
	return pki_cache_new(CACHE_SIZE, &c->cache);
}

int credentials_load(struct credentials *c, struct model *m)
{
	const struct pki_source source = {source_ca, c->d};
	struct own_cert *own = calloc((size_t)m->n_ike_policies + 1, sizeof *own);
	struct pki_store *store = NULL;
	int rc = own ? pki_store_new(m, &source, ++c->generation, &store) : -ERR_NOMEM;

	if (rc < 0) {
		free(own);
		return rc;
	}
	if (c->store)
		pki_store_unref(c->store);
	c->store = store;
	own_forget(c);
	c->own = own;
	own_load(c, m);
	check_methods(c, m);
	keys_client_refresh(&c->d->keys);
	for (size_t i = 0; i < c->n_own; i++)
		key_check(c, &c->own[i]);
	return 0;
}

void credentials_fini(struct credentials *c)
{
	if (!c->d)
		return;
	own_forget(c);
	blob_fini(&c->anchors);
	if (c->store)
		pki_store_unref(c->store);
	pki_cache_free(c->cache);
	*c = (struct credentials){0};
}
