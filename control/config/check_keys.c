/*
 * Pre-shared keys that are words (PSK-002): a file of words, one a line, is held against those of
 * the configuration. The one place that reads a file for a check; without it nothing is said but
 * that.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/secret.h"
#include "config/build.h"

#define WORD_MAX 256 /* a key has at most 255 characters */

static int by_text(const void *a, const void *b)
{
	const struct node *const *x = (const struct node *const *)a,
				 *const *y = (const struct node *const *)b;

	return strcasecmp((*x)->word, (*y)->word);
}

static int against(const void *word, const void *entry)
{
	return strcasecmp((const char *)word, (*(const struct node *const *)entry)->word);
}

/* Values of the keys in text form, in the order of their letters. */
static const struct node **keys_of(struct build *b, uint32_t *n)
{
	const struct node *list = stmt(b, NULL, "security ike policy");
	const struct node **all = arena_array(b->arena, const struct node *, stmt_count(list));

	*n = 0;
	for (const struct node *e = list ? list->first : NULL; all && e; e = e->next) {
		const struct node *s = e->is_name ? stmt(b, e, "pre-shared-key ascii-text") : NULL;

		if (s && s->first)
			all[(*n)++] = s->first;
	}
	if (all)
		qsort((void *)all, *n, sizeof *all, by_text);
	return all;
}

static void hold(struct build *b, const char *word, const struct node **keys, uint32_t n)
{
	const struct node **hit = (const struct node **)bsearch(
		word, (const void *)keys, n, sizeof(struct node *), against);

	if (!hit)
		return;
	/* Several policies may have one key. */
	while (hit > keys && strcasecmp(hit[-1]->word, word) == 0)
		hit--;
	for (; hit < keys + n && strcasecmp((*hit)->word, word) == 0; hit++)
		warn_at(b, *hit, "is a word of the dictionary");
}

void check_keys(struct build *b)
{
	const struct node *s = stmt(b, NULL, "security ike key-dictionary");
	char word[WORD_MAX + 2];
	const struct node **keys;
	uint32_t n;
	FILE *f;

	if (!s || !s->first)
		return;
	f = fopen(s->first->word, "re");
	if (!f) {
		warn_at(b, s, "cannot be read: keys are not held against it");
		return;
	}
	keys = keys_of(b, &n);
	while (keys && n != 0 && fgets(word, sizeof word, f)) {
		word[strcspn(word, "\r\n")] = '\0';
		if (word[0] != '\0')
			hold(b, word, keys, n);
	}
	(void)fclose(f);
	secret_wipe(word, sizeof word);
}
