#include "policy/dn.h"

#include <stdio.h>

#include "policy/dn_name.h"

/* ---------------------------------------------------------------- comparing */

static bool same_type(const struct part *a, const struct part *b)
{
	return view_equal(part_oid(a), part_oid(b));
}

static bool part_equal(
	const struct name *a, const struct part *pa, const struct name *b, const struct part *pb)
{
	return same_type(pa, pb) && view_equal(part_value(a, pa), part_value(b, pb));
}

static bool has_type(const struct name *n, const struct part *p)
{
	for (size_t i = 0; i < n->n; i++)
		if (same_type(&n->parts[i], p))
			return true;
	return false;
}

static bool has_value(const struct name *n, const struct name *of, const struct part *p)
{
	for (size_t i = 0; i < n->n; i++)
		if (part_equal(n, &n->parts[i], of, p))
			return true;
	return false;
}

/* End of the RDN that starts at `from`. */
static size_t rdn_end(const struct name *n, size_t from)
{
	size_t i = from;

	while (i < n->n && n->parts[i].rdn == n->parts[from].rdn)
		i++;
	return i;
}

/* The RDNs that start at a[from] and b[bfrom] hold the same values, in whatever order: a set. */
static bool rdn_equal(const struct name *a, size_t from, const struct name *b, size_t bfrom)
{
	size_t to = rdn_end(a, from), bto = rdn_end(b, bfrom);
	bool found;

	if (to - from != bto - bfrom)
		return false;
	for (size_t i = from; i < to; i++) {
		found = false;
		for (size_t j = bfrom; !found && j < bto; j++)
			found = part_equal(a, &a->parts[i], b, &b->parts[j]);
		if (!found)
			return false;
	}
	return true;
}

static bool name_equal(const struct name *a, const struct name *b)
{
	size_t i = 0, j = 0;

	while (i < a->n && j < b->n) {
		if (!rdn_equal(a, i, b, j))
			return false;
		i = rdn_end(a, i);
		j = rdn_end(b, j);
	}
	return i == a->n && j == b->n;
}

/* Leaves of n only the attribute types that `of` names. */
static void name_keep_types(struct name *n, const struct name *of)
{
	size_t kept = 0;

	for (size_t i = 0; i < n->n; i++)
		if (has_type(of, &n->parts[i]))
			n->parts[kept++] = n->parts[i];
	n->n = kept;
}

bool dn_matches(struct view der, enum dn_match how, struct view text)
{
	struct name theirs, ours;

	if (name_of_text(text, &ours) < 0 || name_of_der(der, &theirs) < 0)
		return false;
	switch (how) {
	case DN_CONTAINER:
		name_keep_types(&theirs, &ours);
		return name_equal(&ours, &theirs);
	case DN_WILDCARD:
		for (size_t i = 0; i < ours.n; i++)
			if (!has_value(&theirs, &ours, &ours.parts[i]))
				return false;
		return true;
	case DN_EXACT:
		return name_equal(&ours, &theirs);
	default:
		return false;
	}
}

bool dn_equal(struct view a, struct view b)
{
	struct name na, nb;

	/* An empty name names nobody. */
	return name_of_der(a, &na) == 0 && name_of_der(b, &nb) == 0 && na.n != 0 &&
	       name_equal(&na, &nb);
}

int dn_text_check(struct view text)
{
	struct name n;

	return name_of_text(text, &n);
}

/* ---------------------------------------------------------------- for people */

struct ava {
	struct view oid, value;
};

/* The next attribute value of a name as it stands; keeps its place in *rdns and *set. */
static bool ava_next(struct cur *rdns, struct cur *set, struct ava *out, bool *new_rdn)
{
	struct cur seq, oid, value;
	uint8_t tag;

	*new_rdn = cur_left(set) == 0;
	if (*new_rdn)
		*set = der_element(rdns, &tag);
	seq = der_element(set, &tag);
	oid = der_element(&seq, &tag);
	value = der_element(&seq, &tag);
	*out = (struct ava){oid.in, value.in};
	return cur_ok(rdns) && cur_ok(set) && cur_done(&seq) && oid.in.n != 0;
}

struct view dn_value(struct view der, const char *attribute)
{
	struct cur c = cur_of(der), rdns, set = {0};
	uint8_t tag, room[DN_OID_MAX];
	struct view want = attribute_of_text(view_of_text(attribute), room);
	struct ava ava;
	bool new_rdn;

	rdns = der_element(&c, &tag);
	while (cur_left(&rdns) + cur_left(&set) != 0 && ava_next(&rdns, &set, &ava, &new_rdn))
		if (view_equal(ava.oid, want))
			return ava.value;
	return (struct view){0};
}

struct out {
	char *p;
	size_t cap, n;
	bool full; /* something was left out: nothing more follows */
};

/* All of it, or nothing. */
static void out_text(struct out *o, const char *s)
{
	size_t n = strlen(s);

	o->full = o->full || o->n + n + 1 > o->cap;
	if (o->full)
		return;
	memcpy(o->p + o->n, s, n);
	o->n += n;
}

static void out_type(struct out *o, struct view oid)
{
	const char *name = attribute_name(oid);
	char hex[2 * DN_OID_MAX + 1];

	out_text(o, name ? name : view_hex(oid, hex, sizeof hex));
	out_text(o, "=");
}

static void out_value(struct out *o, struct view v)
{
	char text[4];

	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];

		if (c < 0x20 || c >= 0x7f)
			(void)snprintf(text, sizeof text, "\\%02x", c);
		else if (strchr(",+\"\\;<>=", c))
			(void)snprintf(text, sizeof text, "\\%c", c);
		else
			(void)snprintf(text, sizeof text, "%c", c);
		out_text(o, text);
	}
}

char *dn_text(struct view der, char *out, size_t cap)
{
	struct cur c = cur_of(der), rdns, set = {0};
	struct out o = {.p = out, .cap = cap};
	struct ava ava;
	bool new_rdn;
	uint8_t tag;

	rdns = der_element(&c, &tag);
	while (cur_left(&rdns) + cur_left(&set) != 0 && ava_next(&rdns, &set, &ava, &new_rdn)) {
		if (o.n != 0)
			out_text(&o, new_rdn ? ", " : "+");
		out_type(&o, ava.oid);
		out_value(&o, ava.value);
	}
	out[o.n] = '\0';
	return out;
}
