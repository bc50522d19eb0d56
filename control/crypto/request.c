#include "crypto/request.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/der_write.h"
#include "crypto/key_file.h"

enum { DAY_S = 24 * 3600, PART_MAX = 256 };

struct request {
	struct blob octets;
	enum sign_scheme scheme;
};

void request_free(struct request *r)
{
	if (!r)
		return;
	blob_fini(&r->octets);
	free(r);
}

struct view request_octets(const struct request *r)
{
	return blob_view(&r->octets);
}

enum sign_scheme request_scheme(const struct request *r)
{
	return r->scheme;
}

/* What X.509 and RFC 7427 sign alike. */
static enum sign_scheme scheme_of(const EVP_PKEY *key, enum sign_hash hash)
{
	static const enum sign_scheme rsa[] = {[SIGN_HASH_SHA1] = SIGN_RSA_SHA1,
		[SIGN_HASH_SHA256] = SIGN_RSA_SHA256,
		[SIGN_HASH_SHA384] = SIGN_RSA_SHA384,
		[SIGN_HASH_SHA512] = SIGN_RSA_SHA512};

	static const enum sign_scheme ecdsa[] = {[SIGN_HASH_SHA1] = SIGN_NONE,
		[SIGN_HASH_SHA256] = SIGN_ECDSA_SHA256,
		[SIGN_HASH_SHA384] = SIGN_ECDSA_SHA384,
		[SIGN_HASH_SHA512] = SIGN_ECDSA_SHA512};

	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		return (size_t)hash < ARRAY_LEN(rsa) ? rsa[hash] : SIGN_NONE;
	case EVP_PKEY_EC:
		return (size_t)hash < ARRAY_LEN(ecdsa) ? ecdsa[hash] : SIGN_NONE;
	case EVP_PKEY_ED25519:
		return SIGN_ED25519;
	case EVP_PKEY_ED448:
		return SIGN_ED448;
	default:
		return SIGN_NONE;
	}
}

/* ---------------------------------------------------------------- names */

/* Attribute names of Junos that the library calls otherwise. */
static const char *field_of(const char *word)
{
	if (strcmp(word, "SN") == 0)
		return "serialNumber";
	return strcmp(word, "E") == 0 ? "emailAddress" : word;
}

/* Up to a comma that is not escaped; *at moves behind it. */
static bool part_of(const char **at, char out[PART_MAX])
{
	size_t n = 0;

	*at += strspn(*at, " ");
	for (; **at != '\0' && **at != ','; (*at)++) {
		if (**at == '\\' && (*at)[1] != '\0')
			(*at)++;
		if (n + 1 >= PART_MAX)
			return false;
		out[n++] = **at;
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	if (**at == ',')
		(*at)++;
	return true;
}

static X509_NAME *name_of(const char *text)
{
	X509_NAME *name = X509_NAME_new();
	char part[PART_MAX];
	bool good = name && *text != '\0';

	while (good && *text != '\0') {
		char *eq;

		good = part_of(&text, part);
		eq = good ? strchr(part, '=') : NULL;
		if (!eq || eq[1] == '\0') {
			good = false;
			break;
		}
		*eq = '\0';
		good = X509_NAME_add_entry_by_txt(name, field_of(part), MBSTRING_UTF8,
			       (const unsigned char *)eq + 1, -1, -1, 0) == 1;
	}
	if (!good) {
		X509_NAME_free(name);
		return NULL;
	}
	return name;
}

static bool add_extension(
	STACK_OF(X509_EXTENSION) * all, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, ctx, nid, value);

	if (!e || sk_X509_EXTENSION_push(all, e) <= 0) {
		X509_EXTENSION_free(e);
		return false;
	}
	return true;
}

/* The library reads lists of names from text: a comma in a name would be two. */
static bool names_text(const struct request_terms *t, char *out, size_t cap)
{
	size_t at = 0;

	for (size_t i = 0; i < t->n_names; i++) {
		int n = snprintf(out + at, cap - at, "%s%s", i ? "," : "", t->names[i]);

		if (n < 0 || (size_t)n >= cap - at ||
			strpbrk(t->names[i], ",;\n\\\"@") !=
				(strncmp(t->names[i], "email:", 6) == 0 ? strchr(t->names[i], '@')
									: NULL))
			return false;
		at += (size_t)n;
	}
	return true;
}

/* NULL: a name cannot be used. Possibly empty. */
static STACK_OF(X509_EXTENSION) * extensions_of(const struct request_terms *t, X509V3_CTX *ctx)
{
	STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();
	char names[2048];
	bool good = all && names_text(t, names, sizeof names);

	if (good && t->self_signed)
		good = add_extension(all, ctx, NID_basic_constraints, "critical,CA:FALSE");
	if (good)
		good = add_extension(all, ctx, NID_key_usage, "critical,digitalSignature");
	if (good && t->n_names > 0)
		good = add_extension(all, ctx, NID_subject_alt_name, names);
	if (!good) {
		sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
		return NULL;
	}
	return all;
}

/* ---------------------------------------------------------------- octets to sign */

static int take_der(unsigned char *der, int n, struct blob *out)
{
	int rc = n <= 0 ? -ERR_CRYPTO : blob_copy(view_of(der, (size_t)n), out);

	OPENSSL_free(der);
	return rc;
}

static int request_body(
	EVP_PKEY *key, X509_NAME *name, STACK_OF(X509_EXTENSION) * extensions, struct blob *out)
{
	X509_REQ *r = X509_REQ_new();
	unsigned char *der = NULL;
	int rc = -ERR_CRYPTO;

	if (r && X509_REQ_set_version(r, X509_REQ_VERSION_1) == 1 &&
		X509_REQ_set_subject_name(r, name) == 1 && X509_REQ_set_pubkey(r, key) == 1 &&
		X509_REQ_add_extensions(r, extensions) == 1) {
		int n = i2d_re_X509_REQ_tbs(r, &der);

		rc = take_der(der, n, out);
	}
	X509_REQ_free(r);
	return rc;
}

/* The algorithm is inside of what is signed, too (RFC 5280 4.1.2.3); the library sets it only when
 * it signs itself. */
static bool set_algorithm(X509 *x, enum sign_scheme scheme)
{
	struct view id = sign_alg_id(scheme);
	const unsigned char *p = id.p;
	const X509_ALGOR *inner = X509_get0_tbs_sigalg(x);
	X509_ALGOR *given = d2i_X509_ALGOR(NULL, &p, (long)id.n), *to;
	bool good;

	memcpy(&to, &inner, sizeof to); /* lent as const, but x is ours */
	good = given && X509_ALGOR_copy(to, given) == 1;
	X509_ALGOR_free(given);
	return good;
}

static int certificate_body(const struct request_terms *t, enum sign_scheme scheme, EVP_PKEY *key,
	X509_NAME *name, STACK_OF(X509_EXTENSION) * extensions, struct blob *out)
{
	X509 *x = X509_new();
	BIGNUM *serial = BN_bin2bn(t->serial, sizeof t->serial, NULL);
	unsigned char *der = NULL;
	int rc = -ERR_CRYPTO;
	bool good = x && serial && BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x)) &&
		    X509_set_version(x, X509_VERSION_3) == 1 &&
		    X509_set_subject_name(x, name) == 1 && X509_set_issuer_name(x, name) == 1 &&
		    X509_set_pubkey(x, key) == 1 &&
		    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)t->now_s) &&
		    ASN1_TIME_set(
			    X509_getm_notAfter(x), (time_t)(t->now_s + (int64_t)t->days * DAY_S)) &&
		    set_algorithm(x, scheme);

	for (int i = 0; good && i < sk_X509_EXTENSION_num(extensions); i++)
		good = X509_add_ext(x, sk_X509_EXTENSION_value(extensions, i), -1) == 1;
	if (good) {
		int n = i2d_re_X509_tbs(x, &der);

		rc = take_der(der, n, out);
	}
	BN_free(serial);
	X509_free(x);
	return rc;
}

static int make_body(
	const struct request_terms *t, EVP_PKEY *key, enum sign_scheme scheme, struct blob *out)
{
	X509_NAME *name = name_of(t->subject);
	STACK_OF(X509_EXTENSION) *extensions = NULL;
	X509V3_CTX ctx;
	int rc = name ? -ERR_VALUE : -ERR_SYNTAX;

	X509V3_set_ctx_test(&ctx);
	if (name)
		extensions = extensions_of(t, &ctx);
	if (extensions)
		rc = t->self_signed ? certificate_body(t, scheme, key, name, extensions, out)
				    : request_body(key, name, extensions, out);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	X509_NAME_free(name);
	ERR_clear_error();
	return rc;
}

int request_new(const struct request_terms *t, struct request **out)
{
	auto_key_file key = NULL;
	auto_blob octets = {0};
	enum sign_scheme scheme;
	struct request *r;
	int rc = key_file_of_public(t->public_key, &key);

	if (rc < 0)
		return rc;
	scheme = scheme_of(key, t->hash);
	if (scheme == SIGN_NONE)
		return -ERR_UNSUPPORTED;
	rc = make_body(t, key, scheme, &octets);
	if (rc < 0)
		return rc;
	r = calloc(1, sizeof *r);
	if (!r)
		return -ERR_NOMEM;
	*r = (struct request){blob_take(&octets), scheme};
	*out = r;
	return 0;
}

int request_finish(const struct request *r, struct view signature, struct blob *der)
{
	return der_signed(blob_view(&r->octets), sign_alg_id(r->scheme), signature, der);
}
