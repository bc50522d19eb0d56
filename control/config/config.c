#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "config/build.h"
#include "config/inherit.h"
#include "config/parse.h"
#include "config/print.h"
#include "config/value.h"

#define ARENA_LIMIT ((size_t)1 << 30)

/* A tree of the text as written, in an arena of its own. */
static int read_tree(struct view text, struct arena *arena, const struct schema **schema,
	struct tree *t, struct complaints *c)
{
	int rc;

	*schema = schema_new(arena);
	if (!*schema)
		return -ERR_NOMEM;
	rc = tree_init(t, arena, *schema);
	return rc < 0 ? rc : parse_text(t, text, c);
}

static int build(struct build *b, int node)
{
	uint32_t errors = b->c->n_errors;

	b->m->refs = 1;
	b->m->node = node;
	b->m->arena = b->arena;
	b->m->tree = b->t;
	build_interfaces(b);
	build_cluster(b);
	build_routing(b);
	build_pki(b);
	build_ike(b);
	build_gateways(b);
	build_ipsec(b);
	if (arena_is_exhausted(b->arena))
		return -ERR_NOMEM;
	check_model(b);
	if (arena_is_exhausted(b->arena))
		return -ERR_NOMEM;
	return b->c->n_errors > errors ? -ERR_SYNTAX : 0;
}

/* The effective tree shares the words, and therefore the arena, of the written one. */
int config_load(struct view text, int node, struct model **out, struct complaints *c)
{
	auto_arena arena = arena_new(ARENA_LIMIT);
	struct build b = {.arena = arena, .c = c};
	struct tree written, *effective;
	int rc;

	if (!arena)
		return -ERR_NOMEM;
	rc = read_tree(text, arena, &b.schema, &written, c);
	if (rc < 0)
		return rc;
	b.m = arena_alloc(arena, sizeof *b.m);
	effective = arena_alloc(arena, sizeof *effective);
	if (!b.m || !effective)
		return -ERR_NOMEM;
	rc = tree_init(effective, arena, b.schema);
	if (rc < 0)
		return rc;
	rc = inherit(&written, effective, node, c);
	if (rc < 0)
		return rc;
	b.t = effective;
	rc = build(&b, node);
	if (rc < 0)
		return rc;
	arena = NULL;
	*out = b.m;
	return 0;
}

static int complain_file(const char *path, struct complaints *c, const char *reason)
{
	complain(c, COMPLAINT_ERROR, (struct complaint_place){.statement = path}, "%s", reason);
	return -ERR_IO;
}

int config_read_file(const char *path, struct blob *out, struct complaints *c)
{
	FILE *f = fopen(path, "re");
	uint8_t chunk[65536];
	auto_blob all = {0};
	size_t n;
	int rc = 0;

	if (!f)
		return complain_file(path, c, strerror(errno));
	while (rc == 0 && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
		rc = all.n + n > CONFIG_TEXT_MAX ? -ERR_LIMIT
						 : blob_append(&all, view_of(chunk, n));
	if (rc == 0 && ferror(f))
		rc = complain_file(path, c, "cannot be read");
	if (rc == -ERR_LIMIT)
		(void)complain_file(path, c, "is larger than 64 MiB");
	(void)fclose(f);
	secret_wipe(chunk, sizeof chunk);
	if (rc < 0) {
		secret_wipe(all.p, all.n);
		return rc;
	}
	*out = blob_take(&all);
	return 0;
}

int config_load_file(const char *path, int node, struct model **out, struct complaints *c)
{
	auto_blob text = {0};
	int rc = config_read_file(path, &text, c);

	if (rc < 0)
		return rc;
	rc = config_load(blob_view(&text), node, out, c);
	secret_wipe(text.p, text.n);
	return rc;
}

int config_format(struct view text, enum config_form form, enum config_secrets secrets,
	struct blob *out, struct complaints *c)
{
	auto_arena arena = arena_new(ARENA_LIMIT);
	const struct schema *schema;
	struct tree t;
	int rc;

	if (!arena)
		return -ERR_NOMEM;
	rc = read_tree(text, arena, &schema, &t, c);
	if (rc < 0)
		return rc;
	return print_tree(&t, form, secrets, out);
}

static void print_complaints(const struct complaints *c)
{
	auto_blob text = {0};

	if (complaints_text(c, &text) == 0)
		(void)fwrite(text.p, 1, text.n, stderr);
}

bool config_node(const char *text, int *out)
{
	uint64_t v;

	if (!value_uint(text, &v) || v > 254)
		return false;
	*out = (int)v;
	return true;
}

static int usage(void)
{
	(void)fputs("usage: check FILE [--node N]\n", stderr);
	return 2;
}

int config_check_main(int argc, char **argv)
{
	auto_complaints c = {0};
	auto_model model = NULL;
	int node = CONFIG_STANDALONE, rc;
	const char *file = NULL;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--node") == 0 && i + 1 < argc) {
			if (!config_node(argv[++i], &node))
				return usage();
		} else if (!file && argv[i][0] != '-') {
			file = argv[i];
		} else {
			return usage();
		}
	}
	if (!file)
		return usage();
	rc = config_load_file(file, node, &model, &c);
	print_complaints(&c);
	if (rc < 0) {
		if (c.n_errors == 0)
			(void)fprintf(stderr, "error: %s\n", err_text(rc));
		return 1;
	}
	puts("configuration check succeeds");
	return 0;
}
