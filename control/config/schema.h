#pragma once
/*
 * Which statements exist: one table, a row for each, and the tree of keywords made from it.
 *
 * Life: the rows are constant (schema_rows.c); schema_new() builds the tree in an arena, for one
 * load. A later feature adds rows; parsing, range checks, printing, help and reload classes follow
 * from them.
 *
 * A row's path is its keywords from the top; `*` stands for the name of a list entry:
 *     "security ike proposal"                   a list
 *     "security ike proposal * dh-group"        a leaf of each entry
 * Containers without a row are implied by the paths that pass through them.
 */
#include "config/arena.h"

enum schema_type {
	SCHEMA_NONE, /* container, or flag with SCHEMA_IS_FLAG */
	SCHEMA_ENUM, /* one of `words`; "alias=word" reads as word */
	SCHEMA_UINT, /* lo..hi */
	SCHEMA_TEXT, /* lo..hi octets */
	SCHEMA_NAME, /* lo..hi octets of [A-Za-z0-9_.:-] (and * for wildcards of lists) */
	SCHEMA_HEX,  /* even number of lo..hi hex digits */
	SCHEMA_IP,   /* IPv4 or IPv6 address */
	SCHEMA_IPV4,
	SCHEMA_IPV6,
	SCHEMA_HOST,	 /* address or host name */
	SCHEMA_PREFIX,	 /* address/length; lo 4 or 6 asks for that family */
	SCHEMA_PORTNAME, /* interface: ge-0/0/0, reth0, st0, fab0 */
	SCHEMA_UNIT,	 /* interface unit: ge-0/0/0.0, st0.10 */
	SCHEMA_HOP,	 /* address or interface unit */
	SCHEMA_MAC,
	SCHEMA_PORTS,	/* "443" or "1024-2047" */
	SCHEMA_PROTOCOL /* number or tcp, udp, icmp, ... */
};

enum schema_flag {
	SCHEMA_IS_FLAG = 1 << 0, /* present or absent, no value */
	SCHEMA_LIST = 1 << 1,	 /* named entries; the type is that of the name */
	SCHEMA_MULTI = 1 << 2,	 /* leaf with several values: [ a b ] */
	SCHEMA_ORDERED = 1 << 3, /* the order of entries or values has a meaning */
	SCHEMA_SECRET = 1 << 4,	 /* shown as $9$, read clear or as $9$ */
	SCHEMA_BLOCK = 1 << 5,	 /* list printed as `keyword { name ...; }` */
	SCHEMA_ONELINE = 1 << 6, /* entry printed on one line: `node 0 priority 200;` */
	SCHEMA_OWN = 1 << 7,	 /* not in Junos */
	SCHEMA_LATER = 1 << 8	 /* read and checked, without effect in this release: a warning */
};

/* What a changed statement does to what runs; or-ed over everything that differs (diff.h). */
enum schema_reload {
	RELOAD_TEXT = 0,	   /* nothing: descriptions and the like */
	RELOAD_NEW = 1 << 0,	   /* counts for what is negotiated from now on */
	RELOAD_RESET = 1 << 1,	   /* what hangs on the object is torn down and made again */
	RELOAD_DATAPLANE = 1 << 2, /* the dataplane is configured again */
	RELOAD_CLUSTER = 1 << 3,   /* redundancy groups, monitors, Corosync */
	RELOAD_RESTART = 1 << 4	   /* takes effect when the process starts again */
};

struct schema_row {
	const char *path;
	enum schema_type type;
	uint64_t lo, hi;
	const char *words;   /* ENUM: separated by blanks */
	const char *initial; /* default, NULL when there is none */
	unsigned flags, reload;
	const char *help;
};

extern const struct schema_row schema_rows[];
extern const size_t schema_rows_n;

struct schema {
	const char *word;
	const struct schema_row *row; /* NULL for an implied container */
	struct schema *parent, *first, *last, *next;
	uint32_t order; /* place in the table: the printing order */
};

/* The root, with "groups" whose entries hold the root's own statements. NULL on exhaustion. */
struct schema *schema_new(struct arena *arena);
/* Child statement of a container or list (for lists: of its entries); NULL when unknown. */
const struct schema *schema_child(const struct schema *s, const char *word);
/* "security ike proposal * dh-group" from the root; NULL when unknown. */
const struct schema *schema_find(const struct schema *root, const char *path);

static inline bool schema_has(const struct schema *s, unsigned flag)
{
	return s->row && (s->row->flags & flag) != 0;
}

static inline bool schema_is_list(const struct schema *s)
{
	return schema_has(s, SCHEMA_LIST);
}

/* Takes values: neither container, list nor flag. */
static inline bool schema_is_leaf(const struct schema *s)
{
	return s->row && s->row->type != SCHEMA_NONE && !schema_is_list(s);
}

/* A container that is written on the line of what it holds: `family inet {`. */
bool schema_is_joined(const struct schema *s);

/* NULL when the value (or list name) is acceptable, else why not, in the arena. *canonical is the
 * word to keep: an alias replaced. */
const char *schema_value(const struct schema_row *row, const char *value, struct arena *arena,
	const char **canonical);
