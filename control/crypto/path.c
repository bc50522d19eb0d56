#include "crypto/path.h"

#include <openssl/x509v3.h>

#include "crypto/der.h"

#define SECURITY_LEVEL 2 /* 112 bits: no SHA-1, RSA and DSA from 2048, curves from 224 bits */

struct sets {
	const struct cert *end;
	struct path_set others, anchors;
	int64_t at_s;
};

/* ---------------------------------------------------------------- reasons */

static const struct {
	int code;
	const char *text;
} reasons[] = {
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "no trusted CA is above it"},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "no trusted CA is above it"},
	{X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "no trusted CA is above it"},
	{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "it is self-signed and not trusted"},
	{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "its root is not trusted"},
	{X509_V_ERR_CERT_CHAIN_TOO_LONG, "the chain is longer than 10 certificates"},
	{X509_V_ERR_CERT_SIGNATURE_FAILURE, "a signature in the chain is wrong"},
	{X509_V_ERR_CERT_NOT_YET_VALID, "a certificate of the chain is not valid yet"},
	{X509_V_ERR_CERT_HAS_EXPIRED, "a certificate of the chain has expired"},
	{X509_V_ERR_INVALID_CA,
		"a certificate of the chain signs others but is no CA, or not for certificates"},
	{X509_V_ERR_INVALID_NON_CA, "a certificate of the chain is a CA where none may be"},
	{X509_V_ERR_PATH_LENGTH_EXCEEDED, "more CAs are below a CA than it allows"},
	{X509_V_ERR_KEYUSAGE_NO_CERTSIGN, "a CA of the chain may not sign certificates"},
	{X509_V_ERR_PERMITTED_VIOLATION, "a name is outside what a CA above may certify"},
	{X509_V_ERR_EXCLUDED_VIOLATION, "a name is of those that a CA above may not certify"},
	{X509_V_ERR_SUBTREE_MINMAX, "name constraints cannot be read"},
	{X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, "name constraints of an unknown kind"},
	{X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, "name constraints cannot be read"},
	{X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, "a constrained name cannot be read"},
	{X509_V_ERR_NO_EXPLICIT_POLICY, "none of the policies asked for holds for it"},
	{X509_V_ERR_INVALID_POLICY_EXTENSION, "certificate policies cannot be read"},
	{X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, "a critical extension is not known"},
	{X509_V_ERR_INVALID_EXTENSION, "an extension cannot be read"},
	{X509_V_ERR_EE_KEY_TOO_SMALL, "its key is too small"},
	{X509_V_ERR_CA_KEY_TOO_SMALL, "the key of a CA of the chain is too small"},
	{X509_V_ERR_CA_MD_TOO_WEAK, "a signature of the chain is of a weak kind (SHA-1 or older)"},
	{X509_V_ERR_EC_KEY_EXPLICIT_PARAMS, "a key of the chain is on a curve without a name"},
};

static const char *reason_of(int code)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].code == code)
			return reasons[i].text;
	return X509_verify_cert_error_string(code);
}

/* ---------------------------------------------------------------- what the library is given */

static STACK_OF(X509) * stack_of(struct path_set set)
{
	STACK_OF(X509) *s = sk_X509_new_null();

	for (size_t i = 0; s && i < set.n; i++)
		if (sk_X509_push(s, set.v[i]->x509) <= 0) {
			sk_X509_free(s);
			return NULL;
		}
	return s;
}

static int terms_set(X509_VERIFY_PARAM *p, const struct path_terms *t)
{
	ASN1_OBJECT *oid;

	X509_VERIFY_PARAM_set_time(p, (time_t)t->at_s);
	X509_VERIFY_PARAM_set_depth(p, CERT_CHAIN_MAX - 2); /* what is between the two ends */
	X509_VERIFY_PARAM_set_auth_level(p, SECURITY_LEVEL);
	/* An anchor need not be a root (PKI-002). */
	if (X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_PARTIAL_CHAIN) != 1)
		return -ERR_NOMEM;
	if (t->n_policies == 0)
		return 0;
	for (size_t i = 0; i < t->n_policies; i++) {
		oid = OBJ_txt2obj(t->policies[i], 1);
		if (!oid || X509_VERIFY_PARAM_add0_policy(p, oid) != 1) {
			ASN1_OBJECT_free(oid);
			return -ERR_VALUE;
		}
	}
	return X509_VERIFY_PARAM_set_flags(
		       p, X509_V_FLAG_EXPLICIT_POLICY | X509_V_FLAG_POLICY_CHECK) == 1
		       ? 0
		       : -ERR_NOMEM;
}

/* ---------------------------------------------------------------- signatures and times */

static const struct cert *cert_of(const struct sets *s, const X509 *x);

static int fail_at(X509_STORE_CTX *ctx, int depth, int code)
{
	X509_STORE_CTX_set_current_cert(ctx, sk_X509_value(X509_STORE_CTX_get0_chain(ctx), depth));
	X509_STORE_CTX_set_error_depth(ctx, depth);
	X509_STORE_CTX_set_error(ctx, code);
	return 0;
}

static int time_error(const struct cert *c, int64_t at_s)
{
	if (at_s < c->not_before_s)
		return X509_V_ERR_CERT_NOT_YET_VALID;
	return at_s > c->not_after_s ? X509_V_ERR_CERT_HAS_EXPIRED : X509_V_OK;
}

static int issue_error(const struct cert *c, const struct cert *issuer)
{
	if (issuer->has_key_usage && !(issuer->key_usage & CERT_KU_CERT_SIGN))
		return X509_V_ERR_KEYUSAGE_NO_CERTSIGN;
	return cert_signature_holds(c, issuer) ? X509_V_OK : X509_V_ERR_CERT_SIGNATURE_FAILURE;
}

/* In place of the library's last step, which would check the signature of a CA on another one anew
 * for each end entity (RFC 5280 6.1.3 (a) (1), (2)). From the anchor down; the anchor's own
 * signature says nothing. */
static int signatures_verify(X509_STORE_CTX *ctx)
{
	const struct sets *s = X509_STORE_CTX_get_app_data(ctx);
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
	const struct cert *issuer = NULL;

	for (int i = sk_X509_num(chain) - 1; i >= 0; i--) {
		const struct cert *c = cert_of(s, sk_X509_value(chain, i));
		int code = c ? X509_V_OK : X509_V_ERR_UNSPECIFIED;

		if (c && issuer)
			code = issue_error(c, issuer);
		if (code != X509_V_OK)
			return fail_at(
				ctx, code == X509_V_ERR_KEYUSAGE_NO_CERTSIGN ? i + 1 : i, code);
		code = time_error(c, s->at_s);
		if (code != X509_V_OK)
			return fail_at(ctx, i, code);
		issuer = c;
	}
	return issuer != NULL;
}

/* ---------------------------------------------------------------- what comes back */

static const struct cert *found_in(struct path_set set, const X509 *x)
{
	for (size_t i = 0; i < set.n; i++)
		if (set.v[i]->x509 == x)
			return set.v[i];
	return NULL;
}

/* The library hands back the very objects it was given. */
static const struct cert *cert_of(const struct sets *s, const X509 *x)
{
	const struct cert *c = s->end->x509 == x ? s->end : NULL;

	if (!c)
		c = found_in(s->anchors, x);
	return c ? c : found_in(s->others, x);
}

static int path_take(const struct sets *s, STACK_OF(X509) * chain, struct path *out)
{
	struct path p = {.not_before_s = INT64_MIN, .not_after_s = INT64_MAX};

	if (sk_X509_num(chain) > CERT_CHAIN_MAX)
		return -ERR_LIMIT;
	for (int i = 0; i < sk_X509_num(chain); i++) {
		const struct cert *c = cert_of(s, sk_X509_value(chain, i));

		if (!c) {
			path_fini(&p);
			return -ERR_CRYPTO;
		}
		p.certs[p.n++] = cert_ref(c);
		p.not_before_s = MAX(p.not_before_s, c->not_before_s);
		p.not_after_s = MIN(p.not_after_s, c->not_after_s);
	}
	*out = p;
	return 0;
}

/* RFC 4945 5.1.3.2 and 5.1.3.12. */
static const char *end_refusal(const struct cert *c)
{
	if (c->key_type == CERT_KEY_OTHER)
		return "its key is of a kind that is not supported";
	if (c->has_key_usage &&
		!(c->key_usage & (CERT_KU_DIGITAL_SIGNATURE | CERT_KU_NON_REPUDIATION)))
		return "its key usage does not include signatures (RFC 4945 5.1.3.2)";
	if (c->has_eku && !(c->eku & (CERT_EKU_IPSEC_IKE | CERT_EKU_ANY)))
		return "its extended key usage includes neither ipsecIKE nor any (RFC 4945 "
		       "5.1.3.12)";
	return NULL;
}

/* Which of ours the library was at. */
static const struct cert *cert_at(const struct sets *s, X509_STORE_CTX *ctx)
{
	const X509 *x = X509_STORE_CTX_get_current_cert(ctx);

	for (size_t i = 0; x && i < s->others.n; i++)
		if (X509_cmp(s->others.v[i]->x509, x) == 0)
			return s->others.v[i];
	for (size_t i = 0; x && i < s->anchors.n; i++)
		if (X509_cmp(s->anchors.v[i]->x509, x) == 0)
			return s->anchors.v[i];
	return s->end;
}

/* The library lets CAs of old pass whom RFC 5280 6.1.4 (k) does not; a version 1 anchor was chosen
 * by the operator. */
static const char *between_refusal(const struct path *p, const struct cert **blame)
{
	for (size_t i = 1; i < p->n; i++) {
		*blame = p->certs[i];
		if (p->certs[i]->key_type == CERT_KEY_OTHER)
			return "the key of a CA of the chain is of a kind that is not supported";
		if (i + 1 < p->n && (p->certs[i]->version != 3 || !p->certs[i]->is_ca))
			return "a certificate of the chain signs others but is no CA";
	}
	return NULL;
}

static int verify(X509_STORE_CTX *ctx, const struct sets *s, struct path *out, const char **why,
	const struct cert **blame)
{
	int rc;

	if (X509_verify_cert(ctx) != 1) {
		int code = X509_STORE_CTX_get_error(ctx);

		*why = reason_of(code);
		*blame = cert_at(s, ctx);
		return code == X509_V_ERR_CERT_CHAIN_TOO_LONG ? -ERR_LIMIT : -ERR_AUTH;
	}
	rc = path_take(s, X509_STORE_CTX_get0_chain(ctx), out);
	if (rc < 0)
		return rc;
	*blame = s->end;
	*why = end_refusal(out->certs[0]);
	if (!*why)
		*why = between_refusal(out, blame);
	if (!*why)
		return 0;
	path_fini(out);
	return -ERR_AUTH;
}

int path_build(const struct cert *end, struct path_set others, struct path_set anchors,
	const struct path_terms *terms, struct path *out, const char **why)
{
	struct sets sets = {end, others, anchors, terms->at_s};
	STACK_OF(X509) *untrusted = stack_of(others), *trusted = stack_of(anchors);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	const struct cert *blame = NULL;
	struct path path = {0};
	int rc = -ERR_NOMEM;

	*why = "out of memory";
	if (store)
		X509_STORE_set_verify(store, signatures_verify);
	if (untrusted && trusted && store && ctx &&
		X509_STORE_CTX_init(ctx, store, end->x509, untrusted) == 1) {
		X509_STORE_CTX_set0_trusted_stack(ctx, trusted);
		X509_STORE_CTX_set_app_data(ctx, &sets);
		rc = terms_set(X509_STORE_CTX_get0_param(ctx), terms);
		*why = "a policy OID cannot be read";
		if (rc == 0)
			rc = verify(ctx, &sets, &path, why, &blame);
	}
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_free(untrusted);
	sk_X509_free(trusted);
	der_forget_errors();
	if (rc == 0)
		*out = path;
	else if (terms->blame)
		*terms->blame = blame;
	return rc;
}

void path_copy(const struct path *from, struct path *out)
{
	*out = *from;
	for (size_t i = 0; i < from->n; i++)
		out->certs[i] = cert_ref(from->certs[i]);
}

void path_fini(struct path *p)
{
	for (size_t i = 0; i < p->n; i++)
		cert_unref(p->certs[i]);
	*p = (struct path){0};
}
