#include "ike/ident.h"

#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "policy/dn.h"

int ident_copy(uint8_t type, struct view data, struct ident *out)
{
	struct blob b = {0};
	int rc = blob_copy(data, &b);

	if (rc < 0)
		return rc;
	ident_fini(out);
	*out = (struct ident){type, b};
	return 0;
}

static uint8_t wire_type(enum model_id_type type)
{
	switch (type) {
	case MODEL_ID_INET:
		return ID_IPV4_ADDR;
	case MODEL_ID_INET6:
		return ID_IPV6_ADDR;
	case MODEL_ID_HOSTNAME:
		return ID_FQDN;
	case MODEL_ID_USER_AT_HOSTNAME:
		return ID_RFC822_ADDR;
	case MODEL_ID_DN:
		return ID_DER_ASN1_DN;
	case MODEL_ID_KEY_ID:
		return ID_KEY_ID;
	case MODEL_ID_NONE:
	default:
		return 0;
	}
}

static struct view value_of(const struct model_identity *m)
{
	if (m->type == MODEL_ID_INET || m->type == MODEL_ID_INET6)
		return addr_view(&m->addr);
	return m->value;
}

int ident_of_model(const struct model_identity *m, struct ident *out)
{
	/* A distinguished name is that of our certificate. */
	if (m->type == MODEL_ID_NONE || m->type == MODEL_ID_DN)
		return -ERR_UNSUPPORTED;
	return ident_copy(wire_type(m->type), value_of(m), out);
}

bool ident_equal(const struct ident *a, const struct ident *b)
{
	return a->type == b->type && view_equal(blob_view(&a->data), blob_view(&b->data));
}

void ident_fini(struct ident *id)
{
	blob_fini(&id->data);
	id->type = 0;
}

char *ident_text(const struct ident *id, char out[IDENT_TEXT_MAX])
{
	struct view v = blob_view(&id->data);
	char hex[129], text[ADDR_TEXT_MAX];
	struct addr a;

	switch (id->type) {
	case 0:
		out[0] = '\0';
		return out;
	case ID_IPV4_ADDR:
	case ID_IPV6_ADDR:
		if (addr_from_view(v, &a) < 0)
			break;
		(void)snprintf(out, IDENT_TEXT_MAX, "%s", addr_text(&a, text));
		return out;
	case ID_FQDN:
	case ID_RFC822_ADDR:
		return log_escape(v, out, IDENT_TEXT_MAX);
	case ID_DER_ASN1_DN:
		if (dn_text(v, out, IDENT_TEXT_MAX)[0] == '\0')
			break;
		/* In a log it stands between quotes. */
		for (char *p = out; *p; p++)
			*p = *p == '"' ? '\'' : *p;
		return out;
	default:
		break;
	}
	v.n = MIN(v.n, (size_t)64);
	(void)snprintf(out, IDENT_TEXT_MAX, "%s(%s)", id_type_text(id->type),
		view_hex(v, hex, sizeof hex));
	return out;
}

static bool domain_equal(struct view a, struct view b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		uint8_t x = a.p[i], y = b.p[i];

		x = x >= 'A' && x <= 'Z' ? (uint8_t)(x + 32) : x;
		y = y >= 'A' && y <= 'Z' ? (uint8_t)(y + 32) : y;
		if (x != y)
			return false;
	}
	return true;
}

bool ident_is(const struct model_identity *m, const struct pld_id *id)
{
	if (wire_type(m->type) != id->type || m->type == MODEL_ID_NONE || m->type == MODEL_ID_DN)
		return false;
	if (m->type == MODEL_ID_HOSTNAME)
		return domain_equal(m->value, id->data);
	return view_equal(value_of(m), id->data);
}

/* The end of a name, at a border between labels. */
static bool domain_ends(struct view name, struct view end)
{
	size_t before = name.n - end.n;

	if (end.n == 0 || name.n <= end.n)
		return false;
	return (end.p[0] == '.' || name.p[before - 1] == '.') &&
	       domain_equal(view_of(name.p + before, end.n), end);
}

static struct view after_at(struct view v)
{
	const uint8_t *at = v.n ? memchr(v.p, '@', v.n) : NULL;

	return at ? view_of(at + 1, v.n - (size_t)(at + 1 - v.p)) : (struct view){0};
}

bool ident_in_group(const struct model_identity *m, const struct pld_id *id)
{
	struct view domain;

	if (ident_is(m, id))
		return true;
	if (wire_type(m->type) != id->type)
		return false;
	if (m->type == MODEL_ID_HOSTNAME)
		return domain_ends(id->data, m->value);
	if (m->type != MODEL_ID_USER_AT_HOSTNAME || m->value.n == 0)
		return false;
	domain = after_at(id->data);
	if (m->value.p[0] == '@')
		return domain_equal(domain, after_at(m->value));
	if (after_at(m->value).n != 0) /* somebody in particular */
		return false;
	return domain_equal(domain, m->value) || domain_ends(domain, m->value);
}
