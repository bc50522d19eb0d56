/*
 * [edit system fips]: what may not be configured then (ALG-012). It is a rule for the
 * configuration; the crypto library is the one that is installed.
 */
#include "config/build.h"

#define GROUPS	"group1 group2 group31 group32"
#define CIPHERS "des-cbc chacha20-poly1305"

/* Words of a statement in each entry of a list; "*": any. */
static const struct forbidden {
	const char *list, *leaf, *words;
} forbidden[] = {
	{"security ike proposal", "dh-group", GROUPS},
	{"security ike proposal", "additional-key-exchange", GROUPS},
	{"security ike proposal", "authentication-algorithm", "md5"},
	{"security ike proposal", "encryption-algorithm", CIPHERS},
	{"security ike policy", "proposal-set", "*"},
	{"security ipsec proposal", "protocol", "ah"},
	{"security ipsec proposal", "authentication-algorithm", "hmac-md5-96"},
	{"security ipsec proposal", "encryption-algorithm", CIPHERS},
	{"security ipsec policy", "perfect-forward-secrecy keys", GROUPS},
	{"security ipsec policy", "proposal-set", "*"},
	{"security ipsec vpn", "manual protocol", "ah"},
	{"security ipsec vpn", "manual authentication algorithm", "hmac-md5-96"},
	{"security ipsec vpn", "manual encryption algorithm", CIPHERS},
};

static bool is_one_of(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = words; (at = strstr(at, word)) != NULL; at += n)
		if ((at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			return true;
	return words[0] == '*';
}

static void check_entry(struct build *b, const struct node *entry, const struct forbidden *f)
{
	const struct node *s = stmt(b, entry, f->leaf);
	const char *initial = s ? NULL : stmt_word(b, entry, f->leaf);

	for (const struct node *v = s ? s->first : NULL; v; v = v->next)
		if (is_one_of(f->words, v->word))
			refuse_at(b, s, "'%s' is not allowed with 'system fips'", v->word);
	if (initial && is_one_of(f->words, initial))
		refuse_at(b, entry,
			"without '%s' it is '%s', which is not allowed with 'system fips'", f->leaf,
			initial);
}

void check_fips(struct build *b)
{
	if (stmt_u32(b, NULL, "system fips level") == 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(forbidden); i++) {
		const struct node *list = stmt(b, NULL, forbidden[i].list);

		for (const struct node *e = list ? list->first : NULL; e; e = e->next)
			if (e->is_name)
				check_entry(b, e, &forbidden[i]);
	}
}
