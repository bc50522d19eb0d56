#include "host/pki_show.h"

#include <stdlib.h>

#include "crypto/cert_text.h"
#include "host/daemon.h"
#include "host/pki_files.h"

enum { REVOKED_PART = 1000, SERIAL_MAX = 32 };

struct showing {
	struct daemon *d;
	struct ctl_call *call;
	const Ctl__ShowPki *q;
	const char *dir;
};

static void *lent(const void *p)
{
	return (void *)(uintptr_t)p;
}

static ProtobufCBinaryData octets_of(struct view v)
{
	return (ProtobufCBinaryData){.len = v.n, .data = lent(v.p)};
}

static void send_list(struct showing *s, Ctl__PkiList *list)
{
	Ctl__Response r = CTL__RESPONSE__INIT;

	r.node = daemon_node(s->d);
	r.body_case = CTL__RESPONSE__BODY_PKI;
	r.pki = list;
	ctl_part(s->call, &r);
}

static void send_certificate(struct showing *s, Ctl__PkiCertificate *c)
{
	Ctl__PkiList list = CTL__PKI_LIST__INIT;

	list.n_certificates = 1;
	list.certificates = &c;
	send_list(s, &list);
}

/* A file that cannot be read is named in the log: an operator put it there. */
static int skip(struct showing *s, const char *what, const char *name, int rc)
{
	log_warn(&s->d->log, "pki.file.unreadable", "kind=%s name=%s reason=\"%s\"", what, name,
		err_text(rc));
	return 0;
}

/* ---------------------------------------------------------------- certificates */

static const char *location_of(const struct showing *s, const char *name)
{
	if (pki_file_is_there(s->dir, PKI_KEY_URI, name))
		return "token";
	return pki_file_is_there(s->dir, PKI_KEY, name) ? "file" : "";
}

static void put_text(Ctl__PkiCertificate *o, struct cert_text *t)
{
	o->serial_hex = t->serial_hex;
	o->serial_decimal = t->serial_decimal;
	o->common_name = t->subject.common;
	o->subject = t->subject.plain;
	o->subject_labels = t->subject.labels;
	o->issuer = t->issuer.spaced;
	o->issuer_labels = t->issuer.labels;
	o->public_key = octets_of(t->public_key);
	o->usages = t->usages;
	o->alternates = t->alternates;
	o->sha1 = octets_of(view_of_array(t->sha1));
	o->md5 = octets_of(view_of_array(t->md5));
}

static int show_cert(struct showing *s, const char *name, const struct cert *c)
{
	Ctl__PkiCertificate o = CTL__PKI_CERTIFICATE__INIT;
	struct cert_text *t = malloc(sizeof *t);
	char *urls[CERT_URL_MAX];

	if (!t)
		return -ERR_NOMEM;
	if (cert_text_make(c, t) == 0) {
		put_text(&o, t);
		o.name = lent(name);
		o.object = s->q->object;
		o.version = c->version;
		o.not_before = c->not_before_s;
		o.not_after = c->not_after_s;
		o.key_algorithm = lent(cert_key_name(c));
		o.key_bits = c->key_bits;
		o.signature_algorithm = lent(cert_signature_name(c));
		for (size_t i = 0; i < c->crl_urls.n; i++)
			urls[i] = lent(c->crl_urls.v[i]);
		o.n_crl_urls = c->crl_urls.n;
		o.crl_urls = urls;
		if (s->q->object == CTL__PKI_OBJECT__PKI_LOCAL)
			o.key_location = lent(location_of(s, name));
		send_certificate(s, &o);
	}
	free(t);
	return 0;
}

static int each_ca(void *ctx, const char *name)
{
	struct showing *s = ctx;
	auto_cert c = NULL;
	int rc = pki_file_cert(s->dir, PKI_CA, name, &c);

	return rc < 0 ? skip(s, "ca-certificate", name, rc) : show_cert(s, name, c);
}

static int each_local(void *ctx, const char *name)
{
	struct showing *s = ctx;
	auto_cert c = NULL;
	int rc = pki_file_cert(s->dir, PKI_LOCAL, name, &c);

	return rc < 0 ? skip(s, "local-certificate", name, rc) : show_cert(s, name, c);
}

static int each_request(void *ctx, const char *name)
{
	Ctl__PkiCertificate o = CTL__PKI_CERTIFICATE__INIT;
	struct showing *s = ctx;
	struct request_text *t = malloc(sizeof *t);
	auto_blob pem = {0};
	int rc = t ? pki_file_read(s->dir, PKI_REQUEST, name, &pem) : -ERR_NOMEM;

	if (rc == 0)
		rc = request_text_make(blob_view(&pem), t);
	if (rc == 0) {
		o.name = lent(name);
		o.object = CTL__PKI_OBJECT__PKI_REQUEST;
		o.common_name = t->subject.common;
		o.subject = t->subject.plain;
		o.subject_labels = t->subject.labels;
		o.key_algorithm = lent(t->key_name);
		o.key_bits = t->key_bits;
		o.sha1 = octets_of(view_of_array(t->sha1));
		o.md5 = octets_of(view_of_array(t->md5));
		send_certificate(s, &o);
	}
	free(t);
	return rc < 0 ? skip(s, "certificate-request", name, rc) : 0;
}

/* ---------------------------------------------------------------- lists */

struct crl_part {
	struct showing *s;
	Ctl__PkiCrl head;
	Ctl__PkiRevoked rows[REVOKED_PART], *list[REVOKED_PART];
	uint8_t serials[REVOKED_PART][SERIAL_MAX];
	size_t n;
};

static void send_crl(struct crl_part *p, bool goes_on)
{
	Ctl__PkiList list = CTL__PKI_LIST__INIT;
	Ctl__PkiCrl *one = &p->head;

	one->n_revoked = p->n;
	one->revoked = p->list;
	one->goes_on = goes_on;
	list.n_crls = 1;
	list.crls = &one;
	send_list(p->s, &list);
	p->n = 0;
}

static void each_revoked(void *ctx, struct view serial, int64_t date_s)
{
	struct crl_part *p = ctx;
	size_t n = MIN(serial.n, (size_t)SERIAL_MAX);

	if (p->n == REVOKED_PART)
		send_crl(p, true);
	ctl__pki_revoked__init(&p->rows[p->n]);
	memcpy(p->serials[p->n], serial.p, n);
	p->rows[p->n].serial = (ProtobufCBinaryData){n, p->serials[p->n]};
	p->rows[p->n].date = date_s;
	p->list[p->n] = &p->rows[p->n];
	p->n++;
}

static int each_crl(void *ctx, const char *name)
{
	struct showing *s = ctx;
	struct crl_part *p = calloc(1, sizeof *p);
	struct crl_text *t = malloc(sizeof *t);
	auto_blob file = {0};
	int rc = p && t ? pki_file_read(s->dir, PKI_CRL, name, &file) : -ERR_NOMEM;

	if (rc == 0)
		rc = crl_text_make(blob_view(&file), t, NULL, NULL);
	if (rc == 0) {
		p->s = s;
		ctl__pki_crl__init(&p->head);
		p->head.profile = lent(name);
		p->head.version = t->version;
		p->head.issuer = t->issuer.spaced;
		p->head.this_update = t->this_update_s;
		p->head.next_update = t->next_update_s;
		if (s->q->detail)
			rc = crl_text_make(blob_view(&file), t, each_revoked, p);
		send_crl(p, false);
	}
	free(p);
	free(t);
	return rc < 0 ? skip(s, "crl", name, rc) : 0;
}

/* ---------------------------------------------------------------- door */

void pki_show(struct daemon *d, const Ctl__ShowPki *q, struct ctl_call *call)
{
	static const struct {
		enum pki_kind kind;
		int (*each)(void *ctx, const char *name);
	} rows[] = {[CTL__PKI_OBJECT__PKI_CA] = {PKI_CA, each_ca},
		[CTL__PKI_OBJECT__PKI_LOCAL] = {PKI_LOCAL, each_local},
		[CTL__PKI_OBJECT__PKI_CRL] = {PKI_CRL, each_crl},
		[CTL__PKI_OBJECT__PKI_REQUEST] = {PKI_REQUEST, each_request}};
	struct showing s = {d, call, q, d->args.pki_dir};
	Ctl__Response end = CTL__RESPONSE__INIT;
	Ctl__PkiList empty = CTL__PKI_LIST__INIT;
	size_t object = (size_t)q->object;
	int rc = 0;

	if (object >= ARRAY_LEN(rows)) {
		ctl_fail(call, "there is nothing to show of this kind");
		return;
	}
	if (*q->name == '\0')
		rc = pki_file_each(s.dir, rows[object].kind, rows[object].each, &s);
	else if (pki_file_is_there(s.dir, rows[object].kind, q->name))
		rc = rows[object].each(&s, q->name);
	if (rc < 0)
		log_err(&d->log, "pki.show.failed", "reason=\"%s\"", err_text(rc));
	end.node = daemon_node(d);
	end.body_case = CTL__RESPONSE__BODY_PKI;
	end.pki = &empty;
	ctl_end(call, &end);
}
