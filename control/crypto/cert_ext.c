#include "crypto/cert_ext.h"

#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/* One extension, decoded; NULL with 0: not there. There twice, or unreadable: -ERR_VALUE. */
static int ext_get(const struct cert *c, int nid, void **out)
{
	int critical;

	*out = X509_get_ext_d2i(c->x509, nid, &critical, NULL);
	return *out || critical == -1 ? 0 : -ERR_VALUE;
}

static bool is_text(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= 0x20 || v.p[i] >= 0x7f)
			return false;
	return v.n != 0;
}

static struct view string_view(const ASN1_STRING *s)
{
	return view_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static int text_keep(struct cert *c, struct view v, const char **out)
{
	char *text = malloc(v.n + 1);

	if (!text)
		return -ERR_NOMEM;
	memcpy(text, v.p, v.n);
	text[v.n] = '\0';
	c->own->texts[c->own->n_texts++] = text;
	*out = text;
	return 0;
}

/* ---------------------------------------------------------------- key purposes */

static int read_basic(struct cert *c)
{
	BASIC_CONSTRAINTS *bc;
	int rc = ext_get(c, NID_basic_constraints, (void **)&bc);
	long len;

	c->path_len = -1;
	if (rc < 0 || !bc)
		return rc;
	c->has_basic_constraints = true;
	c->is_ca = bc->ca != 0;
	if (bc->pathlen) {
		len = ASN1_INTEGER_get(bc->pathlen);
		if (len < 0 || ASN1_STRING_type(bc->pathlen) == V_ASN1_NEG_INTEGER)
			rc = -ERR_VALUE;
		c->path_len = len > 255 ? 255 : (int)len;
	}
	BASIC_CONSTRAINTS_free(bc);
	return rc;
}

static int read_key_usage(struct cert *c)
{
	ASN1_BIT_STRING *bits;
	int rc = ext_get(c, NID_key_usage, (void **)&bits);

	if (rc < 0 || !bits)
		return rc;
	c->has_key_usage = true;
	for (int i = 0; i < 9; i++)
		if (ASN1_BIT_STRING_get_bit(bits, i))
			c->key_usage = (uint16_t)(c->key_usage | (1u << i));
	ASN1_BIT_STRING_free(bits);
	return 0;
}

static uint16_t eku_of(const ASN1_OBJECT *o)
{
	static const struct {
		int nid;
		uint16_t bit;
	} known[] = {
		{NID_anyExtendedKeyUsage, CERT_EKU_ANY},
		{NID_ipsec_IKE, CERT_EKU_IPSEC_IKE},
		{NID_OCSP_sign, CERT_EKU_OCSP_SIGNING},
		{NID_server_auth, CERT_EKU_SERVER_AUTH},
		{NID_client_auth, CERT_EKU_CLIENT_AUTH},
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (OBJ_obj2nid(o) == known[i].nid)
			return known[i].bit;
	return CERT_EKU_OTHER;
}

static int read_eku(struct cert *c)
{
	EXTENDED_KEY_USAGE *eku;
	int rc = ext_get(c, NID_ext_key_usage, (void **)&eku);

	if (rc < 0 || !eku)
		return rc;
	c->has_eku = true;
	for (int i = 0; i < sk_ASN1_OBJECT_num(eku); i++)
		c->eku = (uint16_t)(c->eku | eku_of(sk_ASN1_OBJECT_value(eku, i)));
	EXTENDED_KEY_USAGE_free(eku);
	return 0;
}

/* ---------------------------------------------------------------- names and keys */

/* 1: taken. 0: of a kind that no identity of IKE compares with. */
static int san_of(struct cert *c, const GENERAL_NAME *g, struct cert_san *out)
{
	unsigned char *der = NULL;
	int n;

	switch (g->type) {
	case GEN_DNS:
		*out = (struct cert_san){CERT_SAN_DNS, string_view(g->d.dNSName)};
		return 1;
	case GEN_EMAIL:
		*out = (struct cert_san){CERT_SAN_EMAIL, string_view(g->d.rfc822Name)};
		return 1;
	case GEN_IPADD:
		*out = (struct cert_san){CERT_SAN_IP, string_view(g->d.iPAddress)};
		return out->value.n == 4 || out->value.n == 16 ? 1 : -ERR_VALUE;
	case GEN_DIRNAME:
		n = i2d_X509_NAME(g->d.directoryName, &der);
		if (n <= 0)
			return -ERR_VALUE;
		c->own->dns[c->own->n_dns++] = der;
		*out = (struct cert_san){CERT_SAN_DN, view_of(der, (size_t)n)};
		return 1;
	default:
		return 0;
	}
}

static int read_sans(struct cert *c)
{
	int rc = ext_get(c, NID_subject_alt_name, (void **)&c->own->names);

	if (rc < 0 || !c->own->names)
		return rc;
	if (sk_GENERAL_NAME_num(c->own->names) > CERT_SAN_MAX)
		return -ERR_VALUE;
	for (int i = 0; i < sk_GENERAL_NAME_num(c->own->names); i++) {
		rc = san_of(c, sk_GENERAL_NAME_value(c->own->names, i), &c->own->sans[c->n_sans]);
		if (rc < 0)
			return rc;
		c->n_sans += (size_t)rc;
	}
	c->sans = c->own->sans;
	return 0;
}

static int read_key_ids(struct cert *c)
{
	AUTHORITY_KEYID *akid;
	ASN1_OCTET_STRING *skid;
	int rc = ext_get(c, NID_authority_key_identifier, (void **)&akid);
	size_t n = 0;

	if (rc == 0 && akid && akid->keyid) {
		n = string_view(akid->keyid).n;
		rc = blob_append(&c->own->key_id, string_view(akid->keyid));
	}
	AUTHORITY_KEYID_free(akid);
	if (rc < 0)
		return rc;
	rc = ext_get(c, NID_subject_key_identifier, (void **)&skid);
	if (rc == 0 && skid)
		rc = blob_append(&c->own->key_id, string_view(skid));
	ASN1_OCTET_STRING_free(skid);
	if (rc < 0)
		return rc;
	if (c->own->key_id.n == 0)
		return 0;
	c->authority_key_id = view_of(c->own->key_id.p, n);
	if (c->own->key_id.n > n) /* else there may be no octets at all to point behind */
		c->subject_key_id = view_of(c->own->key_id.p + n, c->own->key_id.n - n);
	return 0;
}

/* ---------------------------------------------------------------- where to ask */

static int url_add(struct cert *c, const GENERAL_NAME *g, struct cert_urls *urls)
{
	struct view v;
	int rc;

	if (g->type != GEN_URI || urls->n == CERT_URL_MAX)
		return 0;
	v = string_view(g->d.uniformResourceIdentifier);
	if (!is_text(v))
		return 0;
	rc = text_keep(c, v, &urls->v[urls->n]);
	urls->n += rc == 0;
	return rc;
}

/* A point for some reasons only, or signed by another than the issuer, is not asked: what it says
 * would not be the whole answer (RFC 5280 6.3.3). */
static int point_add(struct cert *c, const DIST_POINT *p, struct cert_urls *urls)
{
	const GENERAL_NAMES *names;
	int rc = 0;

	if (p->reasons || p->CRLissuer || !p->distpoint || p->distpoint->type != 0)
		return 0;
	names = p->distpoint->name.fullname;
	for (int i = 0; rc == 0 && i < sk_GENERAL_NAME_num(names); i++)
		rc = url_add(c, sk_GENERAL_NAME_value(names, i), urls);
	return rc;
}

static int read_points(struct cert *c, int nid, struct cert_urls *urls)
{
	CRL_DIST_POINTS *points;
	int rc = ext_get(c, nid, (void **)&points);

	if (rc < 0 || !points)
		return rc;
	for (int i = 0; rc == 0 && i < sk_DIST_POINT_num(points); i++)
		rc = point_add(c, sk_DIST_POINT_value(points, i), urls);
	CRL_DIST_POINTS_free(points);
	return rc;
}

static int read_access(struct cert *c)
{
	AUTHORITY_INFO_ACCESS *aia;
	int rc = ext_get(c, NID_info_access, (void **)&aia);

	if (rc < 0 || !aia)
		return rc;
	for (int i = 0; rc == 0 && i < sk_ACCESS_DESCRIPTION_num(aia); i++) {
		const ACCESS_DESCRIPTION *a = sk_ACCESS_DESCRIPTION_value(aia, i);

		if (OBJ_obj2nid(a->method) == NID_ad_OCSP)
			rc = url_add(c, a->location, &c->ocsp_urls);
	}
	AUTHORITY_INFO_ACCESS_free(aia);
	return rc;
}

/* ---------------------------------------------------------------- policies */

static int policy_add(struct cert *c, const POLICYINFO *p)
{
	char text[128];
	int n = OBJ_obj2txt(text, sizeof text, p->policyid, 1), rc;

	if (n <= 0 || (size_t)n >= sizeof text || c->n_policies == CERT_POLICY_MAX)
		return -ERR_VALUE;
	rc = text_keep(c, view_of(text, (size_t)n), &c->policies[c->n_policies]);
	c->n_policies += rc == 0;
	return rc;
}

static int read_policies(struct cert *c)
{
	CERTIFICATEPOLICIES *policies;
	int rc = ext_get(c, NID_certificate_policies, (void **)&policies);

	if (rc < 0 || !policies)
		return rc;
	for (int i = 0; rc == 0 && i < sk_POLICYINFO_num(policies); i++)
		rc = policy_add(c, sk_POLICYINFO_value(policies, i));
	CERTIFICATEPOLICIES_free(policies);
	return rc;
}

int cert_read_extensions(struct cert *c)
{
	int rc = read_basic(c);

	if (rc == 0)
		rc = read_key_usage(c);
	if (rc == 0)
		rc = read_eku(c);
	if (rc == 0)
		rc = read_sans(c);
	if (rc == 0)
		rc = read_key_ids(c);
	if (rc == 0)
		rc = read_points(c, NID_crl_distribution_points, &c->crl_urls);
	if (rc == 0)
		rc = read_points(c, NID_freshest_crl, &c->delta_urls);
	if (rc == 0)
		rc = read_access(c);
	if (rc == 0)
		rc = read_policies(c);
	c->has_name_constraints = X509_get_ext_by_NID(c->x509, NID_name_constraints, -1) >= 0;
	c->no_revocation = X509_get_ext_by_NID(c->x509, NID_id_pkix_OCSP_noCheck, -1) >= 0;
	return rc;
}

void cert_own_free(struct cert_own *own)
{
	blob_fini(&own->der);
	blob_fini(&own->key_id);
	OPENSSL_free(own->spki);
	GENERAL_NAMES_free(own->names);
	for (size_t i = 0; i < own->n_dns; i++)
		OPENSSL_free(own->dns[i]);
	for (size_t i = 0; i < own->n_texts; i++)
		free(own->texts[i]);
	free(own);
}
