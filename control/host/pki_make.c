/*
 * Certificate requests and self-signed certificates: put together here, signed by tandem-keys.
 */
#include <stdio.h>
#include <stdlib.h>

#include "crypto/cert_text.h"
#include "crypto/request.h"
#include "host/clock.h"
#include "host/daemon.h"
#include "host/pki_files.h"
#include "host/pki_operator.h"

enum { SELF_SIGNED_DAYS = 1826, NAME_ROOM = 320 };

struct making {
	struct daemon *d;
	struct ctl_call *call;
	char name[64], subject[1024];
	char names[REQUEST_NAMES_MAX][NAME_ROOM];
	size_t n_names;
	enum sign_hash hash;
	bool self_signed;
	struct request *request;
};

static void making_free(struct making *m)
{
	request_free(m->request);
	free(m);
}

static void refuse(struct making *m, const char *reason)
{
	ctl_fail(m->call, "%s", reason);
	making_free(m);
}

/* ---------------------------------------------------------------- third: the signature is there */

static int keep_request(struct making *m, struct view der, struct blob *pem, struct blob *text)
{
	struct request_text *t = malloc(sizeof *t);
	int rc = t ? pem_append(pem, "CERTIFICATE REQUEST", der) : -ERR_NOMEM;

	if (rc == 0)
		rc = request_text_make(blob_view(pem), t);
	if (rc == 0)
		rc = pki_file_write(m->d->args.pki_dir, PKI_REQUEST, m->name, blob_view(pem));
	if (rc == 0)
		rc = blob_append(text, view_of_literal("Generated certificate request\n"));
	if (rc == 0)
		rc = blob_append(text, blob_view(pem));
	if (rc == 0)
		rc = pki_fingerprint_text(text, t->sha1, t->md5, "");
	free(t);
	return rc;
}

static int keep_certificate(struct making *m, struct view der, struct blob *pem, struct blob *text)
{
	static const char said[] = "Self-signed certificate generated and loaded successfully\n";
	int rc = pem_append(pem, "CERTIFICATE", der);

	if (rc == 0)
		rc = pki_file_write(m->d->args.pki_dir, PKI_LOCAL, m->name, blob_view(pem));
	if (rc == 0)
		pki_changed(m->d);
	return rc < 0 ? rc : blob_append(text, view_of_array(said));
}

static void on_signed(void *ctx, int rc, const Keys__Response *r)
{
	struct making *m = ctx;
	auto_blob der = {0}, pem = {0}, text = {0};
	Ctl__Response answer = CTL__RESPONSE__INIT;
	Ctl__PkiMade made = CTL__PKI_MADE__INIT;

	if (rc == 0)
		rc = request_finish(m->request, view_of(r->signature.data, r->signature.len), &der);
	if (rc == 0)
		rc = m->self_signed ? keep_certificate(m, blob_view(&der), &pem, &text)
				    : keep_request(m, blob_view(&der), &pem, &text);
	if (rc < 0) {
		refuse(m, err_text(rc));
		return;
	}
	made.text = (char *)text.p;
	made.file = (ProtobufCBinaryData){pem.n, pem.p};
	answer.node = daemon_node(m->d);
	answer.body_case = CTL__RESPONSE__BODY_PKI_MADE;
	answer.pki_made = &made;
	ctl_end(m->call, &answer);
	making_free(m);
}

/* ---------------------------------------------------------------- second: the key is known */

static void on_loaded(void *ctx, int rc, const Keys__Response *r)
{
	struct making *m = ctx;
	struct request_terms t = {.subject = m->subject,
		.n_names = m->n_names,
		.hash = m->hash,
		.self_signed = m->self_signed,
		.now_s = clock_wall_s(),
		.days = SELF_SIGNED_DAYS};

	if (rc < 0) {
		if (rc == -ERR_NOT_FOUND)
			ctl_fail(m->call, "key pair %s does not exist", m->name);
		else
			ctl_fail(m->call, "key pair %s: %s", m->name, err_text(rc));
		making_free(m);
		return;
	}
	t.public_key = view_of(r->public_key.data, r->public_key.len);
	for (size_t i = 0; i < m->n_names; i++)
		t.names[i] = m->names[i];
	env_random(&m->d->env, t.serial, sizeof t.serial);
	t.serial[0] = (uint8_t)((t.serial[0] & 0x7f) | 0x40); /* positive, always as long */
	rc = request_new(&t, &m->request);
	if (rc == -ERR_SYNTAX)
		refuse(m, "the subject cannot be read: write it like \"CN=gw,O=example,C=US\"");
	else if (rc == -ERR_VALUE)
		refuse(m, "one of the names cannot be used");
	else if (rc == -ERR_UNSUPPORTED)
		refuse(m, "the key does not sign with this digest");
	else if (rc < 0)
		refuse(m, err_text(rc));
	else if (keys_client_sign(&m->d->keys, m->name, request_scheme(m->request),
			 request_octets(m->request), on_signed, m) < 0)
		refuse(m, err_text(-ERR_NOMEM));
}

/* ---------------------------------------------------------------- first: what is wanted */

static bool add_name(struct making *m, const char *kind, const char *value)
{
	if (m->n_names == REQUEST_NAMES_MAX || *value == '\0')
		return false;
	return snprintf(m->names[m->n_names++], NAME_ROOM, "%s:%s", kind, value) < NAME_ROOM;
}

static bool take_names(struct making *m, const Ctl__PkiMake *q)
{
	char text[ADDR_TEXT_MAX];
	struct addr a;
	bool good = true;

	for (size_t i = 0; good && i < q->n_email; i++)
		good = add_name(m, "email", q->email[i]);
	for (size_t i = 0; good && i < q->n_domain_name; i++)
		good = add_name(m, "DNS", q->domain_name[i]);
	for (size_t i = 0; good && i < q->n_address; i++)
		good = addr_from_view(view_of(q->address[i].data, q->address[i].len), &a) == 0 &&
		       add_name(m, "IP", addr_text(&a, text));
	return good;
}

static enum sign_hash hash_of(const char *word)
{
	static const struct {
		const char *word;
		enum sign_hash hash;
	} rows[] = {{"", SIGN_HASH_SHA256}, {"sha1", SIGN_HASH_SHA1}, {"sha256", SIGN_HASH_SHA256},
		{"sha384", SIGN_HASH_SHA384}, {"sha512", SIGN_HASH_SHA512}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].word, word) == 0)
			return rows[i].hash;
	return SIGN_HASH_IDENTITY;
}

void pki_make_request(struct daemon *d, const Ctl__PkiMake *q, struct ctl_call *call)
{
	struct making *m;

	if (!pki_name_is_good(call, q->name))
		return;
	m = calloc(1, sizeof *m);
	if (!m) {
		ctl_fail(call, "%s", err_text(-ERR_NOMEM));
		return;
	}
	m->d = d;
	m->call = call;
	m->self_signed = q->self_signed;
	m->hash = hash_of(q->digest);
	(void)snprintf(m->name, sizeof m->name, "%s", q->name);
	if (snprintf(m->subject, sizeof m->subject, "%s", q->subject) >= (int)sizeof m->subject)
		refuse(m, "the subject is too long");
	else if (m->hash == SIGN_HASH_IDENTITY)
		refuse(m, "the digest is sha1, sha256, sha384 or sha512");
	else if (!take_names(m, q))
		refuse(m, "one of the names cannot be used");
	else
		keys_client_load(&d->keys, q->name, on_loaded, m);
}
