/*
 * Any octets give a model or an error complaint; what parses prints to something that parses to an
 * equal tree, in both forms.
 */
#include <stdlib.h>

#include "config/config.h"
#include "config/parse.h"
#include "config/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_tree(struct view text, struct tree *t, struct arena *arena)
{
	auto_complaints c = {0};
	const struct schema *root = schema_new(arena);
	int rc;

	if (!root || tree_init(t, arena, root) < 0)
		return false;
	rc = parse_text(t, text, &c);
	if ((rc == -ERR_SYNTAX) != (c.n_errors > 0))
		abort();
	return rc == 0;
}

static void check_form(const struct tree *t, enum config_form form)
{
	auto_arena arena = arena_new((size_t)1 << 27);
	auto_blob text = {0};
	struct tree again;

	if (!arena || print_tree(t, form, CONFIG_SECRETS_9, &text) < 0)
		return;
	if (!read_tree(blob_view(&text), &again, arena) && !arena_is_exhausted(arena))
		abort();
	if (!arena_is_exhausted(arena) && !tree_equal(t, t->root, &again, again.root))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena arena = arena_new((size_t)1 << 26);
	auto_complaints c = {0};
	auto_model m = NULL;
	struct tree t;
	int rc = config_load(view_of(data, size), size % 4 ? (int)(size % 3) : -1, &m, &c);

	if ((rc == 0) != (m != NULL) || (rc == -ERR_SYNTAX) != (c.n_errors > 0))
		abort();
	if (arena && read_tree(view_of(data, size), &t, arena)) {
		check_form(&t, CONFIG_CURLY);
		check_form(&t, CONFIG_SET);
	}
	return 0;
}
