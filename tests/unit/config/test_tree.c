#include "config_test.h"

/* The tree against a plain array of names: few children and many, in and out of the table. */
#define NAMES_MAX 64

struct plain {
	char name[NAMES_MAX][8];
	size_t n;
};

struct world {
	struct arena *arena;
	struct tree t;
	struct node *list;
	struct plain plain;
	uint32_t seed;
};

static uint32_t draw(struct world *w, uint32_t below)
{
	w->seed = w->seed * 1664525u + 1013904223u;
	return (w->seed >> 8) % below;
}

static void compare(struct world *w)
{
	size_t i = 0;

	assert_int_equal(w->list->n_children, w->plain.n);
	for (const struct node *c = w->list->first; c; c = c->next, i++) {
		assert_true(i < w->plain.n);
		assert_string_equal(c->word, w->plain.name[i]);
		assert_ptr_equal(c->next ? c->next->prev : w->list->last, c);
		assert_ptr_equal(tree_find(&w->t, w->list, w->plain.name[i]), c);
	}
	assert_int_equal(i, w->plain.n);
	assert_null(tree_find(&w->t, w->list, "none"));
}

static const char *word(struct world *w, uint32_t number)
{
	return arena_format(w->arena, "n%u", number);
}

static bool plain_has(const struct plain *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->name[i], name) == 0)
			return true;
	return false;
}

static void do_add(struct world *w)
{
	const char *name = word(w, draw(w, NAMES_MAX));

	assert_non_null(tree_add(&w->t, w->list, w->list->schema, name, true));
	if (!plain_has(&w->plain, name))
		(void)snprintf(w->plain.name[w->plain.n++], 8, "%s", name);
}

static void plain_take(struct plain *p, size_t i, char out[8])
{
	memcpy(out, p->name[i], 8);
	memmove(p->name[i], p->name[i + 1], (p->n - i - 1) * sizeof p->name[0]);
	p->n--;
}

static void do_remove(struct world *w, size_t i)
{
	char name[8];

	plain_take(&w->plain, i, name);
	tree_remove(&w->t, tree_find(&w->t, w->list, name));
}

static void do_rename(struct world *w, size_t i)
{
	const char *name = word(w, draw(w, NAMES_MAX));
	int rc = tree_rename(&w->t, tree_find(&w->t, w->list, w->plain.name[i]), name);

	assert_int_equal(rc, plain_has(&w->plain, name) ? -ERR_EXISTS : 0);
	if (rc == 0)
		(void)snprintf(w->plain.name[i], 8, "%s", name);
}

static void do_move(struct world *w, size_t from, size_t to, bool behind)
{
	char name[8];

	tree_move(tree_find(&w->t, w->list, w->plain.name[from]),
		tree_find(&w->t, w->list, w->plain.name[to]), behind);
	if (from == to)
		return;
	plain_take(&w->plain, from, name);
	to -= to > from;
	to += behind;
	memmove(w->plain.name[to + 1], w->plain.name[to],
		(w->plain.n - to) * sizeof w->plain.name[0]);
	memcpy(w->plain.name[to], name, 8);
	w->plain.n++;
}

static void step(struct world *w)
{
	uint32_t kind = draw(w, 10);
	size_t n = w->plain.n;

	if (kind < 5 || n == 0)
		do_add(w);
	else if (kind < 7)
		do_remove(w, draw(w, (uint32_t)n));
	else if (kind < 8)
		do_rename(w, draw(w, (uint32_t)n));
	else
		do_move(w, draw(w, (uint32_t)n), draw(w, (uint32_t)n), kind == 9);
	compare(w);
}

static void tree_matches_an_array(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 20; seed++) {
		struct world w = {.arena = arena_new(1 << 24), .seed = seed};
		const struct schema *root = schema_new(w.arena);

		assert_int_equal(tree_init(&w.t, w.arena, root), 0);
		w.list = tree_add(
			&w.t, w.t.root, schema_find(root, "interfaces"), "interfaces", false);
		for (int i = 0; i < 500; i++)
			step(&w);
		arena_free(w.arena);
	}
}

/* Many parents and children: the table grows several times. */
static void tree_finds_among_many(void **state)
{
	auto_arena arena = arena_new((size_t)1 << 26);
	const struct schema *root = schema_new(arena);
	struct tree t;

	(void)state;
	assert_int_equal(tree_init(&t, arena, root), 0);
	for (unsigned i = 0; i < 20000; i++)
		assert_non_null(
			tree_add(&t, t.root, root->first, arena_format(arena, "x%u", i), false));
	for (unsigned i = 0; i < 20000; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "x%u", i);
		assert_string_equal(tree_find(&t, t.root, name)->word, name);
	}
	assert_null(tree_find(&t, t.root, "x20000"));
}

/* An arena that ends in the middle is an answer, not a fault. */
static void tree_survives_exhaustion(void **state)
{
	(void)state;
	for (size_t limit = 1; limit < 300000; limit += 4999) {
		auto_arena arena = arena_new(limit);
		const struct schema *root = schema_new(arena);
		auto_complaints c = {0};
		auto_blob text = test_file("cluster.conf");
		struct tree t;

		if (root && tree_init(&t, arena, root) == 0)
			assert_in_range(-parse_text(&t, blob_view(&text), &c), 0, ERR_COUNT_);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree_matches_an_array),
		cmocka_unit_test(tree_finds_among_many),
		cmocka_unit_test(tree_survives_exhaustion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
