#include "crypto/ocsp.h"

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "crypto/der.h"

/* Without the certificate itself: who took its SA over has not seen it. */
static OCSP_CERTID *id_of(const struct cert_ref *cert, const struct cert *issuer)
{
	BIGNUM *n = BN_bin2bn(cert->serial, cert->serial_len, NULL);
	ASN1_INTEGER *serial = n ? BN_to_ASN1_INTEGER(n, NULL) : NULL;
	OCSP_CERTID *id = NULL;

	if (serial)
		id = OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(issuer->x509),
			X509_get0_pubkey_bitstr(issuer->x509), serial);
	ASN1_INTEGER_free(serial);
	BN_free(n);
	return id;
}

int ocsp_request(
	const struct cert_ref *cert, const struct cert *issuer, struct view nonce, struct blob *out)
{
	OCSP_REQUEST *req = OCSP_REQUEST_new();
	OCSP_CERTID *id = id_of(cert, issuer);
	unsigned char *der = NULL;
	int n = -1, rc = -ERR_CRYPTO;

	if (req && id && OCSP_request_add0_id(req, id)) {
		id = NULL;
		if (nonce.n == 0 || OCSP_request_add1_nonce(req,
					    (unsigned char *)(uintptr_t)nonce.p, (int)nonce.n) == 1)
			n = i2d_OCSP_REQUEST(req, &der);
	}
	if (n > 0)
		rc = blob_copy(view_of(der, (size_t)n), out);
	OPENSSL_free(der);
	OCSP_CERTID_free(id);
	OCSP_REQUEST_free(req);
	der_forget_errors();
	return rc;
}

/* ---------------------------------------------------------------- who signed it */

/* RFC 6960 4.2.2.2: signed by the issuer directly, for this purpose, and valid. */
static bool is_delegate(X509 *x, const struct ocsp_question *q)
{
	int64_t from, to;

	/* Asked first: it makes the library read the extensions. */
	if ((X509_get_extended_key_usage(x) & XKU_OCSP_SIGN) == 0 ||
		X509_get_extended_key_usage(x) == UINT32_MAX ||
		(X509_get_extension_flags(x) & (EXFLAG_INVALID | EXFLAG_CRITICAL)) != 0)
		return false;
	if ((X509_get_key_usage(x) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) == 0)
		return false;
	if (!der_unix_time(X509_get0_notBefore(x), &from) ||
		!der_unix_time(X509_get0_notAfter(x), &to) || q->at_s < from || q->at_s > to)
		return false;
	return X509_NAME_cmp(X509_get_issuer_name(x), X509_get_subject_name(q->issuer->x509)) ==
		       0 &&
	       X509_verify(x, q->issuer->key) == 1;
}

static bool is_weak(const OCSP_BASICRESP *basic)
{
	int digest;
	const X509_ALGOR *alg = OCSP_resp_get0_tbs_sigalg(basic);

	if (OBJ_find_sigid_algs(OBJ_obj2nid(alg->algorithm), &digest, NULL) != 1)
		return true;
	return digest == NID_sha1 || digest == NID_md5;
}

static bool signed_by(OCSP_BASICRESP *basic, X509 *signer)
{
	STACK_OF(X509) *one = sk_X509_new_null();
	bool ok = one && sk_X509_push(one, signer) > 0 &&
		  /* Trust in the signer was established by ourselves: the signature is all. */
		  OCSP_basic_verify(basic, one, NULL, OCSP_NOINTERN | OCSP_NOVERIFY) == 1;

	sk_X509_free(one);
	return ok;
}

#define SIGNERS_MAX 4 /* certificates of one answer that are tried */

static int signer_check(OCSP_BASICRESP *basic, const struct ocsp_question *q,
	struct ocsp_answer *out, const char **why)
{
	const STACK_OF(X509) *certs = OCSP_resp_get0_certs(basic);

	*why = "the answer is signed with SHA-1 or older";
	if (is_weak(basic))
		return -ERR_AUTH;
	if (signed_by(basic, q->issuer->x509))
		return 0;
	for (int i = 0; i < MIN(sk_X509_num(certs), SIGNERS_MAX); i++) {
		X509 *x = sk_X509_value(certs, i);

		if (is_delegate(x, q) && signed_by(basic, x))
			return cert_of_x509(x, &out->responder);
	}
	*why = "the answer is not signed by the issuer, or for it";
	return -ERR_AUTH;
}

/* ---------------------------------------------------------------- what it says */

/* RFC 6960 4.4.1. An answer without nonce is of a responder that prepares its answers: the times
 * limit their reuse then (RFC 5019 4). */
static const char *nonce_refusal(OCSP_BASICRESP *basic, struct view nonce)
{
	int at = OCSP_BASICRESP_get_ext_by_NID(basic, NID_id_pkix_OCSP_Nonce, -1);
	const unsigned char *p;
	ASN1_OCTET_STRING *raw, *inner;
	bool same;

	if (at < 0)
		return NULL;
	raw = X509_EXTENSION_get_data(OCSP_BASICRESP_get_ext(basic, at));
	p = ASN1_STRING_get0_data(raw);
	inner = d2i_ASN1_OCTET_STRING(NULL, &p, ASN1_STRING_length(raw));
	same = inner && view_equal(nonce, view_of(ASN1_STRING_get0_data(inner),
						  (size_t)ASN1_STRING_length(inner)));
	ASN1_OCTET_STRING_free(inner);
	return same ? NULL : "the nonce of the answer is not the one that was sent";
}

static const char *time_refusal(const struct ocsp_answer *a, int64_t at_s)
{
	if (a->this_update_s > at_s + OCSP_SKEW_S)
		return "the answer is not valid yet";
	if (a->next_update_s != INT64_MAX && a->next_update_s < at_s - OCSP_SKEW_S)
		return "the answer has expired";
	return NULL;
}

static const char *status_take(
	OCSP_BASICRESP *basic, const struct ocsp_question *q, struct ocsp_answer *out)
{
	OCSP_CERTID *id = id_of(q->cert, q->issuer);
	ASN1_GENERALIZEDTIME *revoked = NULL, *from = NULL, *to = NULL;
	int status, reason = -1, found;

	found = id ? OCSP_resp_find_status(basic, id, &status, &reason, &revoked, &from, &to) : 0;
	OCSP_CERTID_free(id);
	if (found != 1)
		return "the answer is about another certificate";
	if (!der_unix_time(from, &out->this_update_s))
		return "the answer does not say when it was made";
	out->next_update_s = INT64_MAX;
	if (to && !der_unix_time(to, &out->next_update_s))
		return "the answer cannot be read";
	out->status = status == V_OCSP_CERTSTATUS_GOOD	    ? OCSP_GOOD
		      : status == V_OCSP_CERTSTATUS_REVOKED ? OCSP_REVOKED
							    : OCSP_UNKNOWN;
	if (revoked)
		(void)der_unix_time(revoked, &out->revoked_s);
	out->reason = reason >= 0 && reason <= 10 ? (uint8_t)reason : 0;
	return time_refusal(out, q->at_s);
}

static int basic_read(OCSP_BASICRESP *basic, const struct ocsp_question *q, struct ocsp_answer *out,
	const char **why)
{
	int rc = signer_check(basic, q, out, why);

	if (rc < 0)
		return rc;
	*why = nonce_refusal(basic, q->nonce);
	if (!*why)
		*why = status_take(basic, q, out);
	return *why ? -ERR_AUTH : 0;
}

int ocsp_answer_read(
	struct view der, const struct ocsp_question *q, struct ocsp_answer *out, const char **why)
{
	const unsigned char *p = der.p;
	struct ocsp_answer a = {0};
	OCSP_RESPONSE *resp = NULL;
	OCSP_BASICRESP *basic = NULL;
	int rc = -ERR_SYNTAX;

	*why = "the answer is larger than 64 KB";
	if (der.n > OCSP_DER_MAX)
		return -ERR_LIMIT;
	*why = "it is no answer of a responder";
	if (der.n != 0 && q->issuer->key)
		resp = d2i_OCSP_RESPONSE(NULL, &p, (long)der.n);
	if (resp && p == der.p + der.n) {
		if (OCSP_response_status(resp) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
			basic = OCSP_response_get1_basic(resp);
		else {
			rc = -ERR_AGAIN;
			*why = "the responder refuses to answer";
		}
	}
	if (basic)
		rc = basic_read(basic, q, &a, why);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(resp);
	der_forget_errors();
	if (rc < 0) {
		cert_unref(a.responder);
		return rc;
	}
	*out = a;
	return 0;
}
