#include "crypto/cert_text.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/addr.h"

/* ---------------------------------------------------------------- names */

static void drain(BIO *bio, char *out, size_t cap)
{
	char *p = NULL;
	long n = BIO_get_mem_data(bio, &p);
	size_t len = n > 0 ? MIN((size_t)n, cap - 1) : 0;

	memcpy(out, len ? p : "", len);
	out[len] = '\0';
}

static void print_name(const X509_NAME *name, unsigned long flags, char *out, size_t cap)
{
	BIO *bio = BIO_new(BIO_s_mem());

	out[0] = '\0';
	if (!bio)
		return;
	if (X509_NAME_print_ex(bio, name, 0, flags) >= 0)
		drain(bio, out, cap);
	BIO_free(bio);
}

struct text {
	char *at;
	size_t cap, n;
};

static void put(struct text *t, const char *separator, const char *label, const char *value)
{
	int n = snprintf(
		t->at + t->n, t->cap - t->n, "%s%s%s", t->n ? separator : "", label, value);

	if (n > 0)
		t->n += MIN((size_t)n, t->cap - t->n - 1);
}

/* One value as UTF-8. */
static bool entry_text(const X509_NAME *name, int at, char *out, size_t cap)
{
	const X509_NAME_ENTRY *e = X509_NAME_get_entry(name, at);
	unsigned char *utf8 = NULL;
	int n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(e));

	if (n < 0)
		return false;
	(void)snprintf(out, cap, "%.*s", n, (const char *)utf8);
	OPENSSL_free(utf8);
	return true;
}

static void put_labels(const X509_NAME *name, char *out, size_t cap)
{
	static const struct {
		int nid;
		const char *label;
	} rows[] = {{NID_organizationName, "Organization: "},
		{NID_organizationalUnitName, "Organizational unit: "},
		{NID_countryName, "Country: "}, {NID_stateOrProvinceName, "State: "},
		{NID_localityName, "Locality: "}, {NID_commonName, "Common name: "},
		{NID_domainComponent, "Domain component: "}, {NID_serialNumber, "Serial number: "},
		{NID_pkcs9_emailAddress, "Email: "}};
	struct text t = {out, cap, 0};
	char value[256];

	out[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int at = -1; (at = X509_NAME_get_index_by_NID(name, rows[i].nid, at)) >= 0;)
			if (entry_text(name, at, value, sizeof value))
				put(&t, ", ", rows[i].label, value);
}

static void name_text_make(const X509_NAME *name, struct name_text *out)
{
	const unsigned long escapes = ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_UTF8_CONVERT |
				      ASN1_STRFLGS_DUMP_UNKNOWN | ASN1_STRFLGS_DUMP_DER;
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);

	print_name(name, XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN | escapes, out->plain,
		sizeof out->plain);
	print_name(name, XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN | XN_FLAG_SPC_EQ | escapes,
		out->spaced, sizeof out->spaced);
	put_labels(name, out->labels, sizeof out->labels);
	if (at < 0 || !entry_text(name, at, out->common, sizeof out->common))
		(void)snprintf(out->common, sizeof out->common, "%.255s", out->plain);
}

/* ---------------------------------------------------------------- certificates */

static int put_serial(const struct cert *c, struct cert_text *out)
{
	BIGNUM *n = BN_bin2bn(c->serial.p, (int)c->serial.n, NULL);
	bool sign = c->serial.n > 0 && c->serial.p[0] >= 0x80; /* as DER has it */
	char hex[2 * CERT_SERIAL_MAX + 1], *decimal = n ? BN_bn2dec(n) : NULL;

	BN_free(n);
	if (!decimal)
		return -ERR_NOMEM;
	(void)snprintf(out->serial_hex, sizeof out->serial_hex, "0x%s%s", sign ? "00" : "",
		view_hex(c->serial, hex, sizeof hex));
	(void)snprintf(out->serial_decimal, sizeof out->serial_decimal, "%s", decimal);
	OPENSSL_free(decimal);
	return 0;
}

/* From the last bit to the first, as Junos does. */
static void put_usages(const struct cert *c, struct cert_text *out)
{
	static const char *const words[] = {"Digital signature", "Non repudiation",
		"Key encipherment", "Data encipherment", "Key agreement", "Certificate signing",
		"CRL signing", "Encipher only", "Decipher only"};
	struct text t = {out->usages, sizeof out->usages, 0};

	for (size_t i = ARRAY_LEN(words); c->has_key_usage && i-- > 0;)
		if (c->key_usage & (1u << i))
			put(&t, ", ", words[i], "");
}

/* All of one kind; what there is none of is said. */
static void put_kind(
	const struct cert *c, enum cert_san_kind kind, const char *none, struct text *t)
{
	char value[256], address[ADDR_TEXT_MAX];
	bool any = false;

	for (size_t i = 0; i < c->n_sans; i++) {
		const struct cert_san *s = &c->sans[i];
		struct addr a;

		if (s->kind != kind)
			continue;
		any = true;
		if (kind == CERT_SAN_IP)
			(void)snprintf(value, sizeof value, "%s",
				addr_from_view(s->value, &a) == 0 ? addr_text(&a, address) : "?");
		else
			(void)snprintf(value, sizeof value, "%s%.*s%s",
				kind == CERT_SAN_EMAIL ? "\"" : "", (int)MIN(s->value.n, 250u),
				(const char *)s->value.p, kind == CERT_SAN_EMAIL ? "\"" : "");
		put(t, ", ", value, "");
	}
	if (!any)
		put(t, ", ", none, "");
}

static void digests(struct view der, uint8_t sha1[20], uint8_t md5[16])
{
	if (EVP_Digest(der.p, der.n, sha1, NULL, EVP_sha1(), NULL) != 1)
		memset(sha1, 0, 20);
	if (EVP_Digest(der.p, der.n, md5, NULL, EVP_md5(), NULL) != 1)
		memset(md5, 0, 16); /* a library without MD5 */
	ERR_clear_error();
}

int cert_text_make(const struct cert *c, struct cert_text *out)
{
	const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(c->x509);
	struct text t = {out->alternates, sizeof out->alternates, 0};
	int rc;

	*out = (struct cert_text){0};
	name_text_make(X509_get_subject_name(c->x509), &out->subject);
	name_text_make(X509_get_issuer_name(c->x509), &out->issuer);
	rc = put_serial(c, out);
	put_usages(c, out);
	put_kind(c, CERT_SAN_EMAIL, "email empty", &t);
	put_kind(c, CERT_SAN_DNS, "fqdn empty", &t);
	put_kind(c, CERT_SAN_IP, "ip empty", &t);
	if (bits)
		out->public_key =
			view_of(ASN1_STRING_get0_data(bits), (size_t)ASN1_STRING_length(bits));
	digests(c->der, out->sha1, out->md5);
	return rc;
}

/* ---------------------------------------------------------------- PEM */

/* A file that is no PEM is taken for DER, once. */
int pem_next(struct view text, size_t *at, const char *kind, struct blob *der)
{
	char *name = NULL, *header = NULL;
	unsigned char *octets = NULL;
	long n = 0;
	BIO *bio;
	int rc = -ERR_NOT_FOUND;

	if (*at >= text.n)
		return -ERR_NOT_FOUND;
	if (*at == 0 && text.p[0] == 0x30) {
		*at = text.n;
		return blob_copy(text, der);
	}
	bio = BIO_new_mem_buf(text.p + *at, (int)(text.n - *at));
	while (bio && rc == -ERR_NOT_FOUND && PEM_read_bio(bio, &name, &header, &octets, &n) == 1) {
		if (strcmp(name, kind) == 0)
			rc = blob_copy(view_of(octets, (size_t)n), der);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(octets);
	}
	*at = bio ? text.n - (size_t)BIO_ctrl_pending(bio) : text.n;
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}

int pem_append(struct blob *out, const char *kind, struct view der)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;
	int rc = -ERR_NOMEM;

	if (!bio)
		return rc;
	if (PEM_write_bio(bio, kind, "", der.p, (long)der.n) > 0 &&
		(n = BIO_get_mem_data(bio, &p)) > 0)
		rc = blob_append(out, view_of(p, (size_t)n));
	if (rc == 0)
		rc = blob_append(out, view_of("", 1));
	if (rc == 0)
		out->n--;
	BIO_free(bio);
	return rc;
}

/* ---------------------------------------------------------------- requests, lists */

int request_text_make(struct view pem, struct request_text *out)
{
	auto_blob der = {0};
	const unsigned char *p;
	const EVP_PKEY *key;
	X509_REQ *r;
	size_t at = 0;
	int rc = pem_next(pem, &at, "CERTIFICATE REQUEST", &der);

	if (rc < 0)
		return -ERR_SYNTAX;
	p = der.p;
	r = d2i_X509_REQ(NULL, &p, (long)der.n);
	key = r ? X509_REQ_get0_pubkey(r) : NULL;
	if (key) {
		int id = EVP_PKEY_get_base_id(key);

		*out = (struct request_text){.key_bits = (uint32_t)EVP_PKEY_get_bits(key)};
		out->key_name = id == EVP_PKEY_RSA  ? "rsaEncryption"
				: id == EVP_PKEY_EC ? "id-ecPublicKey"
						    : OBJ_nid2ln(id);
		name_text_make(X509_REQ_get_subject_name(r), &out->subject);
		digests(blob_view(&der), out->sha1, out->md5);
	}
	X509_REQ_free(r);
	ERR_clear_error();
	return key ? 0 : -ERR_SYNTAX;
}

static int64_t seconds_of(const ASN1_TIME *t)
{
	struct tm tm;

	return t && ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

int crl_text_make(struct view file, struct crl_text *out, crl_text_fn *each, void *ctx)
{
	auto_blob der = {0};
	const unsigned char *p;
	STACK_OF(X509_REVOKED) * entries;
	X509_CRL *crl;
	size_t at = 0;

	if (pem_next(file, &at, "X509 CRL", &der) < 0)
		return -ERR_SYNTAX;
	p = der.p;
	crl = d2i_X509_CRL(NULL, &p, (long)der.n);
	ERR_clear_error();
	if (!crl)
		return -ERR_SYNTAX;
	*out = (struct crl_text){.version = (uint32_t)X509_CRL_get_version(crl),
		.this_update_s = seconds_of(X509_CRL_get0_lastUpdate(crl)),
		.next_update_s = seconds_of(X509_CRL_get0_nextUpdate(crl))};
	name_text_make(X509_CRL_get_issuer(crl), &out->issuer);
	entries = X509_CRL_get_REVOKED(crl);
	for (int i = 0; each && i < sk_X509_REVOKED_num(entries); i++) {
		const X509_REVOKED *e = sk_X509_REVOKED_value(entries, i);
		const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(e);

		each(ctx,
			view_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)),
			seconds_of(X509_REVOKED_get0_revocationDate(e)));
	}
	X509_CRL_free(crl);
	return 0;
}
