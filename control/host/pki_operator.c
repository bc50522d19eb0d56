#include "host/pki_operator.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "config/value.h"
#include "crypto/cert_text.h"
#include "crypto/crl.h"
#include "crypto/key_file.h"
#include "host/daemon.h"
#include "host/pki_files.h"
#include "host/pki_show.h"

#define PEM_CERT "CERTIFICATE"
#define PEM_CRL	 "X509 CRL"

enum { TEXT_MAX = 512 };

void pki_changed(struct daemon *d)
{
	int rc = credentials_load(&d->credentials, d->model);

	if (rc < 0)
		log_err(&d->log, "pki.load.failed", "reason=\"%s\"", err_text(rc));
	else
		pki_service_reload(&d->pki);
}

bool pki_name_is_good(struct ctl_call *call, const char *name)
{
	if (value_is_file(name) && strlen(name) <= 63)
		return true;
	ctl_fail(
		call, "'%.63s' cannot be a name here: letters, digits and ._:@-, at most 63", name);
	return false;
}

/* "aa:bb:cc" */
static int put_colons(struct blob *out, const char *before, struct view v, const char *after)
{
	int rc = blob_append(out, view_of_text(before));
	char two[4];

	for (size_t i = 0; rc == 0 && i < v.n; i++) {
		(void)snprintf(two, sizeof two, "%s%02x", i ? ":" : "", v.p[i]);
		rc = blob_append(out, view_of_text(two));
	}
	return rc < 0 ? rc : blob_append(out, view_of_text(after));
}

int pki_fingerprint_text(
	struct blob *out, const uint8_t sha1[20], const uint8_t md5[16], const char *indent)
{
	int rc = blob_append(out, view_of_text("Fingerprint:\n"));

	if (rc == 0)
		rc = put_colons(out, indent, view_of(sha1, 20), " (sha1)\n");
	if (rc == 0)
		rc = put_colons(out, indent, view_of(md5, 16), " (md5)\n");
	return rc < 0 ? rc : blob_append(out, view_of("", 1));
}

/* ---------------------------------------------------------------- certificate of a CA */

/* The operator compares the fingerprint with what the CA's people say. */
static void ask_ca(struct daemon *d, const struct cert *c, struct ctl_call *call)
{
	Ctl__Response r = CTL__RESPONSE__INIT;
	Ctl__PkiQuestion q = CTL__PKI_QUESTION__INIT;
	struct cert_text *t = malloc(sizeof *t);
	auto_blob text = {0};
	int rc = t ? cert_text_make(c, t) : -ERR_NOMEM;

	if (rc == 0)
		rc = pki_fingerprint_text(&text, t->sha1, t->md5, "  ");
	free(t);
	if (rc < 0) {
		ctl_fail(call, "%s", err_text(rc));
		return;
	}
	q.text = (char *)text.p;
	q.token =
		(ProtobufCBinaryData){sizeof c->fingerprint, (uint8_t *)(uintptr_t)c->fingerprint};
	r.node = daemon_node(d);
	r.body_case = CTL__RESPONSE__BODY_PKI_QUESTION;
	r.pki_question = &q;
	ctl_end(call, &r);
}

static void load_ca(struct daemon *d, const Ctl__PkiLoad *q, struct ctl_call *call)
{
	struct view file = view_of(q->file.data, q->file.len);
	struct view yes = view_of(q->confirmed.data, q->confirmed.len);
	auto_cert c = NULL;
	auto_blob pem = {0};
	char said[TEXT_MAX];
	int rc;

	if (!model_ca_profile(d->model, q->name)) {
		ctl_fail(call, "CA profile %s is not configured", q->name);
		return;
	}
	if (cert_parse_file(file, &c) < 0) {
		ctl_fail(call, "Failed to read the certificate file");
		return;
	}
	if (c->has_basic_constraints ? !c->is_ca : !c->self_issued) {
		ctl_fail(call, "the certificate is not that of a CA");
		return;
	}
	if (!view_equal(yes, view_of_array(c->fingerprint))) {
		ask_ca(d, c, call);
		return;
	}
	rc = pem_append(&pem, PEM_CERT, c->der);
	if (rc == 0)
		rc = pki_file_write(d->args.pki_dir, PKI_CA, q->name, blob_view(&pem));
	if (rc < 0) {
		ctl_fail(call, "CA certificate for profile %s: %s", q->name, err_text(rc));
		return;
	}
	log_notice(&d->log, "pki.loaded", "kind=ca-certificate name=%s", q->name);
	pki_changed(d);
	(void)snprintf(
		said, sizeof said, "CA certificate for profile %s loaded successfully\n", q->name);
	ctl_done(call, daemon_node(d), said, 1);
}

/* ---------------------------------------------------------------- list of a CA */

static int take_crl(struct daemon *d, const Ctl__PkiLoad *q, struct blob *pem, const char **why)
{
	struct view file = view_of(q->file.data, q->file.len);
	auto_cert issuer = NULL;
	auto_blob der = {0};
	struct crl *crl = NULL;
	size_t at = 0;
	int rc = pki_file_cert(d->args.pki_dir, PKI_CA, q->name, &issuer);

	*why = "the CA certificate of the profile is not loaded";
	if (rc < 0)
		return rc;
	*why = "Failed to read the CRL file";
	rc = pem_next(file, &at, PEM_CRL, &der);
	if (rc == 0)
		rc = crl_parse(blob_view(&der), issuer, &crl, why);
	if (rc < 0)
		return rc;
	crl_unref(crl);
	*why = NULL;
	return pem_append(pem, PEM_CRL, blob_view(&der));
}

static void load_crl(struct daemon *d, const Ctl__PkiLoad *q, struct ctl_call *call)
{
	auto_blob pem = {0};
	const char *why = NULL;
	int rc = take_crl(d, q, &pem, &why);

	if (rc == 0)
		rc = pki_file_write(d->args.pki_dir, PKI_CRL, q->name, blob_view(&pem));
	if (rc < 0) {
		ctl_fail(call, "%s", why ? why : err_text(rc));
		return;
	}
	log_notice(&d->log, "pki.loaded", "kind=crl name=%s", q->name);
	pki_changed(d);
	/* A list may be 8 MB: too large for the log of the cluster. */
	ctl_done(call, daemon_node(d),
		d->clustered ? "CRL loaded successfully\n"
			       "Only this node has it: load it on the others as well\n"
			     : "CRL loaded successfully\n",
		1);
}

/* ---------------------------------------------------------------- our own */

/* A certificate waits for its key. */
struct loading {
	struct daemon *d;
	struct ctl_call *call;
	char *name;
	struct blob public_key, pem;
	bool brought; /* the key came with it: goes again if it does not fit */
};

static void loading_free(struct loading *l)
{
	free(l->name);
	blob_fini(&l->public_key);
	blob_fini(&l->pem);
	free(l);
}

static void on_key(void *ctx, int rc, const Keys__Response *r)
{
	struct loading *l = ctx;
	struct daemon *d = l->d;
	struct view key = r ? view_of(r->public_key.data, r->public_key.len) : (struct view){0};
	bool fits = view_equal(key, blob_view(&l->public_key));

	if (rc == 0 && fits)
		rc = pki_file_write(d->args.pki_dir, PKI_LOCAL, l->name, blob_view(&l->pem));
	else if (rc == 0 && l->brought)
		keys_client_remove(&d->keys, l->name);
	if (rc == -ERR_NOT_FOUND && !l->brought) {
		ctl_fail(l->call, "key pair %s does not exist", l->name);
	} else if (rc == -ERR_AUTH) {
		ctl_fail(l->call, "the passphrase or the PIN of the key is wrong");
	} else if (rc < 0) {
		ctl_fail(l->call, "the key cannot be used: %s",
			r && *r->reason ? r->reason : err_text(rc));
	} else if (!fits) {
		ctl_fail(l->call, "the key does not belong to the certificate");
	} else {
		log_notice(&d->log, "pki.loaded", "kind=local-certificate name=%s", l->name);
		pki_changed(d);
		ctl_done(l->call, daemon_node(d), "Local certificate loaded successfully\n", 1);
	}
	loading_free(l);
}

/* All certificates of the file, the first one ours. */
static int take_chain(const Ctl__PkiLoad *q, struct loading *l)
{
	struct view file = view_of(q->file.data, q->file.len);
	size_t at = 0, n = 0;
	int rc = 0;

	while (rc == 0 && n < CERT_CHAIN_MAX) {
		auto_blob der = {0};
		auto_cert c = NULL;

		if (pem_next(file, &at, PEM_CERT, &der) < 0)
			break;
		rc = cert_parse(blob_view(&der), &c);
		if (rc == 0 && n++ == 0)
			rc = blob_copy(c->public_key_info, &l->public_key);
		if (rc == 0)
			rc = pem_append(&l->pem, PEM_CERT, blob_view(&der));
	}
	return rc < 0 ? rc : n == 0 ? -ERR_SYNTAX : 0;
}

static void load_local(struct daemon *d, const Ctl__PkiLoad *q, struct ctl_call *call)
{
	bool brought = q->key.len > 0 || *q->key_uri != '\0';
	struct loading *l = calloc(1, sizeof *l);
	struct key_uri u;
	const char *why;

	if (l)
		l->name = strdup(q->name);
	if (!l || !l->name || take_chain(q, l) < 0) {
		ctl_fail(call, "Failed to read the certificate file");
	} else if (brought && keys_client_has(&d->keys, q->name)) {
		ctl_fail(call, "key pair %s already exists", q->name);
	} else if (*q->key_uri != '\0' && key_uri_parse(q->key_uri, &u, &why) < 0) {
		ctl_fail(call, "%s", why);
	} else {
		l->d = d;
		l->call = call;
		l->brought = brought;
		if (*q->key_uri != '\0')
			keys_client_adopt(&d->keys, q->name, q->key_uri, on_key, l);
		else if (brought)
			keys_client_import(&d->keys, q->name, view_of(q->key.data, q->key.len),
				q->passphrase, on_key, l);
		else
			keys_client_load(&d->keys, q->name, on_key, l);
		return;
	}
	if (l)
		loading_free(l);
}

void pki_load(struct daemon *d, const Ctl__PkiLoad *q, struct ctl_call *call)
{
	if (!pki_name_is_good(call, q->name))
		return;
	if (q->object == CTL__PKI_OBJECT__PKI_CA)
		load_ca(d, q, call);
	else if (q->object == CTL__PKI_OBJECT__PKI_CRL)
		load_crl(d, q, call);
	else if (q->object == CTL__PKI_OBJECT__PKI_LOCAL)
		load_local(d, q, call);
	else
		ctl_fail(call, "this cannot be loaded");
	/* It was copied where it is needed. */
	secret_wipe(q->key.data, q->key.len);
	secret_wipe(q->passphrase, strlen(q->passphrase));
}

/* ---------------------------------------------------------------- key pairs */

struct generating {
	struct daemon *d;
	struct ctl_call *call;
	uint32_t bits;
	char name[64];
};

static void on_generated(void *ctx, int rc, const Keys__Response *r)
{
	struct generating *g = ctx;
	char text[TEXT_MAX];

	if (rc == -ERR_EXISTS) {
		ctl_fail(g->call, "key pair %s already exists", g->name);
	} else if (rc < 0) {
		ctl_fail(g->call, "key pair %s: %s", g->name,
			r && *r->reason ? r->reason : err_text(rc));
	} else {
		log_notice(&g->d->log, "pki.key.generated", "name=%s bits=%u", g->name, g->bits);
		(void)snprintf(text, sizeof text, "Generated key pair %s, key size %u bits\n",
			g->name, g->bits);
		ctl_done(g->call, daemon_node(g->d), text, 1);
	}
	free(g);
}

void pki_generate(struct daemon *d, const Ctl__PkiGenerate *q, struct ctl_call *call)
{
	uint32_t bits = q->bits ? q->bits : q->ecdsa ? 256 : 2048;
	struct generating *g;
	struct key_uri u;
	const char *why;

	if (!pki_name_is_good(call, q->name))
		return;
	if (keys_client_has(&d->keys, q->name)) {
		ctl_fail(call, "key pair %s already exists", q->name);
		return;
	}
	if (q->dsa) {
		ctl_fail(call, "DSA is not supported: no peer should accept it (RFC 8247)");
		return;
	}
	if (!key_file_size_ok(q->ecdsa ? KEY_TYPE_ECDSA : KEY_TYPE_RSA, bits)) {
		ctl_fail(call, q->ecdsa ? "ECDSA keys have 256, 384 or 521 bits"
					: "RSA keys have 1024 to 4096 bits; shorter ones protect "
					  "nothing");
		return;
	}
	if (*q->uri != '\0' && key_uri_parse(q->uri, &u, &why) < 0) {
		ctl_fail(call, "%s", why);
		return;
	}
	g = calloc(1, sizeof *g);
	if (!g) {
		ctl_fail(call, "%s", err_text(-ERR_NOMEM));
		return;
	}
	*g = (struct generating){.d = d, .call = call, .bits = bits};
	(void)snprintf(g->name, sizeof g->name, "%s", q->name);
	keys_client_generate(&d->keys, q->name, q->ecdsa, bits, q->uri, on_generated, g);
}

/* ---------------------------------------------------------------- clear */

static const char *const object_names[] = {
	"ca-certificate", "local-certificate", "crl", "certificate-request", "key-pair"};

/* Trust that a policy was tied to by name; a policy that trusts all lives without one of them. */
static bool is_trusted(const struct model *m, const char *profile)
{
	for (uint32_t i = 0; i < m->n_ike_policies; i++) {
		const struct model_ike_policy *p = &m->ike_policies[i];

		for (uint32_t k = 0; !p->use_all && k < p->n_trusted_cas; k++)
			if (strcmp(p->trusted_cas[k]->name, profile) == 0)
				return true;
	}
	return false;
}

static bool is_own(const struct model *m, const char *id)
{
	for (uint32_t i = 0; i < m->n_ike_policies; i++)
		if (m->ike_policies[i].local_certificate &&
			strcmp(m->ike_policies[i].local_certificate, id) == 0)
			return true;
	return false;
}

struct clearing {
	struct daemon *d;
	Ctl__PkiObject object;
	char referenced[64];
	uint32_t n;
};

static int check_one(void *ctx, const char *name)
{
	struct clearing *c = ctx;
	bool used = false;

	if (c->object == CTL__PKI_OBJECT__PKI_CA)
		used = is_trusted(c->d->model, name);
	else if (c->object == CTL__PKI_OBJECT__PKI_LOCAL ||
		 c->object == CTL__PKI_OBJECT__PKI_KEY_PAIR)
		used = is_own(c->d->model, name);
	if (!used)
		return 0;
	(void)snprintf(c->referenced, sizeof c->referenced, "%s", name);
	return -ERR_WRONG_STATE;
}

static int clear_one(void *ctx, const char *name)
{
	static const enum pki_kind kinds[] = {PKI_CA, PKI_LOCAL, PKI_CRL, PKI_REQUEST, PKI_KEY};
	struct clearing *c = ctx;

	c->n++;
	if (c->object != CTL__PKI_OBJECT__PKI_KEY_PAIR)
		return pki_file_remove(c->d->args.pki_dir, kinds[c->object], name);
	keys_client_remove(&c->d->keys, name);
	return 0;
}

static int each_of(struct clearing *c, int (*each)(void *ctx, const char *name))
{
	static const enum pki_kind kinds[] = {PKI_CA, PKI_LOCAL, PKI_CRL, PKI_REQUEST, PKI_KEY};

	const char *dir = c->d->args.pki_dir;
	int rc = pki_file_each(dir, kinds[c->object], each, c);

	if (rc == 0 && c->object == CTL__PKI_OBJECT__PKI_KEY_PAIR)
		rc = pki_file_each(dir, PKI_KEY_URI, each, c);
	return rc;
}

void pki_clear(struct daemon *d, const Ctl__PkiClear *q, struct ctl_call *call)
{
	struct clearing c = {.d = d, .object = q->object};
	bool all = *q->name == '\0';
	int rc;

	if ((size_t)q->object >= ARRAY_LEN(object_names) ||
		(!all && !pki_name_is_good(call, q->name)))
		return;
	rc = all ? each_of(&c, check_one) : check_one(&c, q->name);
	if (rc == 0)
		rc = all ? each_of(&c, clear_one) : clear_one(&c, q->name);
	if (*c.referenced != '\0') {
		ctl_fail(call, "%s %s is referenced by configuration", object_names[q->object],
			c.referenced);
		return;
	}
	if (rc < 0) {
		ctl_fail(call, "%s", err_text(rc));
		return;
	}
	log_notice(&d->log, "pki.cleared", "kind=%s name=%s", object_names[q->object],
		all ? "all" : q->name);
	if (q->object == CTL__PKI_OBJECT__PKI_CRL)
		pki_service_clear(&d->pki, all ? NULL : q->name);
	pki_changed(d);
	ctl_done(call, daemon_node(d), "", c.n);
}

/* ---------------------------------------------------------------- door */

bool pki_ctl(struct daemon *d, const Ctl__Request *q, struct ctl_call *call)
{
	switch ((unsigned)q->command_case) {
	case CTL__REQUEST__COMMAND_SHOW_PKI:
		pki_show(d, q->show_pki, call);
		break;
	case CTL__REQUEST__COMMAND_PKI_LOAD:
		pki_load(d, q->pki_load, call);
		break;
	case CTL__REQUEST__COMMAND_PKI_VERIFY:
		pki_verify(d, q->pki_verify, call);
		break;
	case CTL__REQUEST__COMMAND_PKI_GENERATE:
		pki_generate(d, q->pki_generate, call);
		break;
	case CTL__REQUEST__COMMAND_PKI_MAKE:
		pki_make_request(d, q->pki_make, call);
		break;
	case CTL__REQUEST__COMMAND_PKI_CLEAR:
		pki_clear(d, q->pki_clear, call);
		break;
	default:
		return false;
	}
	return true;
}
