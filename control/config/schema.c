#include "config/schema.h"

#include <stdlib.h>

#include "base/addr.h"
#include "config/value.h"

static struct schema *node_add(
	struct arena *arena, struct schema *parent, const char *word, uint32_t order)
{
	struct schema *s = arena_alloc(arena, sizeof *s);

	if (!s)
		return NULL;
	s->word = word;
	s->parent = parent;
	s->order = order;
	if (parent->last)
		parent->last->next = s;
	else
		parent->first = s;
	parent->last = s;
	return s;
}

static struct schema *child(const struct schema *s, struct view word)
{
	for (struct schema *c = s->first; c; c = c->next)
		if (view_equal(view_of_text(c->word), word))
			return c;
	return NULL;
}

/* The next keyword of a path; skips "*". */
static struct view path_word(const char **at)
{
	struct view v;

	do {
		while (**at == ' ')
			(*at)++;
		v = view_of(*at, strcspn(*at, " "));
		*at += v.n;
	} while (v.n == 1 && *v.p == '*');
	return v;
}

static bool row_add(
	struct arena *arena, struct schema *root, const struct schema_row *row, uint32_t order)
{
	const char *at = row->path;
	struct schema *s = root, *next;

	for (struct view w = path_word(&at); w.n > 0; w = path_word(&at), s = next) {
		next = child(s, w);
		if (next)
			continue;
		char *word = arena_text(arena, w);
		next = word ? node_add(arena, s, word, order) : NULL;
		if (!next)
			return false;
	}
	s->row = row;
	return true;
}

static const struct schema_row groups_row = {"groups", SCHEMA_NAME, 1, 63, NULL, NULL, SCHEMA_LIST,
	RELOAD_TEXT, "statements that apply-groups merges in"};
static const struct schema_row apply_row = {"apply-groups", SCHEMA_TEXT, 1, 63, NULL, NULL,
	SCHEMA_MULTI | SCHEMA_ORDERED, RELOAD_TEXT, "groups to inherit from, the first one wins"};
static const struct schema_row except_row = {"apply-groups-except", SCHEMA_TEXT, 1, 63, NULL, NULL,
	SCHEMA_MULTI, RELOAD_TEXT, "groups not to inherit from here and below"};

struct schema *schema_new(struct arena *arena)
{
	struct schema *root = arena_alloc(arena, sizeof *root), *groups, *apply, *except;

	if (!root)
		return NULL;
	root->word = "";
	groups = node_add(arena, root, groups_row.path, 0);
	apply = node_add(arena, root, apply_row.path, 0);
	except = node_add(arena, root, except_row.path, 0);
	if (!groups || !apply || !except)
		return NULL;
	groups->row = &groups_row;
	apply->row = &apply_row;
	except->row = &except_row;
	for (size_t i = 0; i < schema_rows_n; i++)
		if (!row_add(arena, root, &schema_rows[i], (uint32_t)i + 1))
			return NULL;
	/* The first statements of a group are those of the root, without groups. */
	groups->first = except->next;
	groups->last = root->last;
	return root;
}

const struct schema *schema_child(const struct schema *s, const char *word)
{
	const struct schema *found = child(s, view_of_text(word));

	/* apply-groups and apply-groups-except may stand at every level. */
	if (!found && strncmp(word, "apply-groups", 12) == 0) {
		while (s->parent)
			s = s->parent;
		found = child(s, view_of_text(word));
	}
	return found;
}

const struct schema *schema_find(const struct schema *root, const char *path)
{
	const struct schema *s = root;

	for (struct view w = path_word(&path); s && w.n > 0; w = path_word(&path))
		s = child(s, w);
	return s;
}

bool schema_is_joined(const struct schema *s)
{
	static const char *const words[] = {
		"family", "pre-shared-key", "seeded-pre-shared-key", "key"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(s->word, words[i]) == 0)
			return !s->row && s->first;
	return false;
}

static const char *enum_value(const struct schema_row *row, const char *value, struct arena *arena,
	const char **canonical)
{
	const char *at = row->words;

	for (struct view w = path_word(&at); w.n > 0; w = path_word(&at)) {
		const uint8_t *eq = memchr(w.p, '=', w.n);
		size_t n = eq ? (size_t)(eq - w.p) : w.n;

		if (!view_equal(view_of(w.p, n), view_of_text(value)))
			continue;
		if (eq)
			*canonical = arena_text(arena, view_of(eq + 1, w.n - n - 1));
		return NULL;
	}
	return arena_format(arena, "'%s' is not one of: %s", value, row->words);
}

/* "007" is kept as "7": names of entries are compared as text. */
static const char *uint_value(const struct schema_row *row, const char *value, struct arena *arena,
	const char **canonical)
{
	uint64_t v;

	if (!value_uint(value, &v))
		return arena_format(arena, "'%s' is not a number", value);
	if (v < row->lo || v > row->hi)
		return arena_format(arena, "value %s is not within range (%llu..%llu)", value,
			(unsigned long long)row->lo, (unsigned long long)row->hi);
	while (value[0] == '0' && value[1] != '\0')
		value++;
	*canonical = value;
	return NULL;
}

static const char *text_value(const struct schema_row *row, const char *value, struct arena *arena)
{
	size_t n = strlen(value);

	if (n < row->lo || n > row->hi)
		return arena_format(arena, "must be %llu to %llu characters long, is %zu",
			(unsigned long long)row->lo, (unsigned long long)row->hi, n);
	if (row->type == SCHEMA_HEX && !value_is_hex(value))
		return "must be an even number of hexadecimal digits";
	if (row->type == SCHEMA_NAME && !value_is_name(value))
		return arena_format(
			arena, "'%s' is not a name: letters, digits and ._:/@- are allowed", value);
	return NULL;
}

/* What to say when a value is not of its kind. */
static const char *kind_of(enum schema_type type)
{
	static const char *const kinds[] = {
		[SCHEMA_IP] = "an IP address",
		[SCHEMA_IPV4] = "an IPv4 address",
		[SCHEMA_IPV6] = "an IPv6 address",
		[SCHEMA_HOST] = "an IP address or host name",
		[SCHEMA_PREFIX] = "a prefix (address/length) of this family",
		[SCHEMA_PORTNAME] = "an interface (ge-0/0/0, reth0, st0, fab0)",
		[SCHEMA_UNIT] = "an interface unit (ge-0/0/0.0, reth0.0, st0.1)",
		[SCHEMA_HOP] = "an IP address or interface unit",
		[SCHEMA_MAC] = "a unicast MAC address (02:00:00:00:00:01)",
		[SCHEMA_PORTS] = "a port or range of ports (443, 1024-2047)",
		[SCHEMA_PROTOCOL] = "a protocol number or name",
	};

	return type < ARRAY_LEN(kinds) && kinds[type] ? kinds[type] : "a value";
}

static bool is_prefix(const struct schema_row *row, const char *value)
{
	struct prefix p;

	return prefix_parse(value, &p) == 0 &&
	       ((row->lo != 4 && row->lo != 6) || row->lo == p.addr.family);
}

static bool is_of_kind(const struct schema_row *row, const char *value)
{
	struct addr a;
	uint8_t mac[6], protocol;
	uint16_t lo, hi;
	bool is_addr = addr_parse(value, &a) == 0;

	switch ((unsigned)row->type) {
	case SCHEMA_IP:
		return is_addr;
	case SCHEMA_IPV4:
		return is_addr && a.family == 4;
	case SCHEMA_IPV6:
		return is_addr && a.family == 6;
	case SCHEMA_HOST:
		return is_addr || value_is_host(value);
	case SCHEMA_PREFIX:
		return is_prefix(row, value);
	case SCHEMA_PORTNAME:
		return value_is_interface(value);
	case SCHEMA_UNIT:
		return value_is_unit(value);
	case SCHEMA_HOP:
		return is_addr || value_is_unit(value);
	case SCHEMA_MAC:
		return value_mac(value, mac);
	case SCHEMA_PORTS:
		return value_ports(value, &lo, &hi);
	case SCHEMA_PROTOCOL:
		return value_protocol(value, &protocol);
	default:
		return true;
	}
}

const char *schema_value(const struct schema_row *row, const char *value, struct arena *arena,
	const char **canonical)
{
	*canonical = value;
	switch ((unsigned)row->type) {
	case SCHEMA_ENUM:
		return enum_value(row, value, arena, canonical);
	case SCHEMA_UINT:
		return uint_value(row, value, arena, canonical);
	case SCHEMA_TEXT:
	case SCHEMA_NAME:
	case SCHEMA_HEX:
		return text_value(row, value, arena);
	default:
		if (is_of_kind(row, value))
			return NULL;
		return arena_format(arena, "'%s' is not %s", value, kind_of(row->type));
	}
}
