/*
 * [edit security ike]: proposals, policies, limits. Gateways are in build_gateway.c.
 */
#include <stdlib.h>

#include "base/secret.h"
#include "config/algorithm.h"
#include "config/build.h"

#define KEY_ADVISED  12
#define ALL_BUT_SHA1 (MODEL_HASH_SHA256 | MODEL_HASH_SHA384 | MODEL_HASH_SHA512)

static const char *const auth_words[] = {"pre-shared-keys", "rsa-signatures", "dsa-signatures",
	"ecdsa-signatures-256", "ecdsa-signatures-384", "ecdsa-signatures-521", "certificates",
	"digital-signature", NULL};

static void set_algorithms(struct model_ike_proposal *p, const struct algorithm_cipher *cipher,
	const struct algorithm_hash *hash, uint16_t dh)
{
	p->encr = cipher->encr;
	p->key_bits = cipher->key_bits;
	p->prf = hash->prf;
	p->integ = cipher->aead ? 0 : hash->integ;
	p->dh = dh;
}

/* What engineers regret later. */
static void warn_ike(struct build *b, const struct node *n, const struct model_ike_proposal *p)
{
	const struct node *cipher = stmt(b, n, "encryption-algorithm");
	const struct node *hash = stmt(b, n, "authentication-algorithm");
	const struct node *dh = stmt(b, n, "dh-group");

	if (algorithm_encr_is_weak(p->encr))
		warn_at(b, cipher ? cipher : n, "this cipher is weak");
	if (algorithm_integ_is_weak(p->integ))
		warn_at(b, hash ? hash : n, "this hash is weak");
	if (algorithm_dh_is_weak(p->dh))
		warn_at(b, dh ? dh : n, "this group is too weak");
	for (uint32_t i = 0; i < p->n_additional; i++)
		if (!algorithm_dh_is_supported(p->additional[i]))
			warn_at(b, stmt(b, n, "additional-key-exchange"),
				"the crypto library here has no ML-KEM: this proposal is never "
				"offered");
}

static uint32_t signature_hashes(struct build *b, const struct node *n)
{
	static const char *const words[] = {"sha1", "sha256", "sha384", "sha512", NULL};
	const struct node *s = stmt(b, n, "signature-hash-algorithm");
	uint32_t mask = 0;

	for (const struct node *v = s ? s->first : NULL; v; v = v->next)
		mask |= 1u << word_index(words, v->word);
	return mask ? mask : ALL_BUT_SHA1;
}

/* RFC 9370 2.2.1: no method twice. */
static bool is_there(const struct model_ike_proposal *p, uint16_t group)
{
	for (uint32_t i = 0; i < p->n_additional; i++)
		if (p->additional[i] == group)
			return true;
	return p->dh == group;
}

static void fill_additional(struct build *b, const struct node *n, struct model_ike_proposal *p)
{
	const struct node *s = stmt(b, n, "additional-key-exchange");

	p->n_additional = 0;
	for (const struct node *v = s ? s->first : NULL; v; v = v->next) {
		uint16_t group = algorithm_dh(v->word);

		if (p->n_additional == MODEL_ADDITIONAL_MAX)
			refuse_at(b, v, "at most %d key exchanges can follow the first",
				MODEL_ADDITIONAL_MAX);
		else if (is_there(p, group))
			refuse_at(b, v, "'%s' is there already: each must be another", v->word);
		else
			p->additional[p->n_additional++] = group;
	}
}

static void fill_proposal(struct build *b, const struct node *n, struct model_ike_proposal *p)
{
	const struct algorithm_cipher *cipher =
		algorithm_cipher(stmt_word(b, n, "encryption-algorithm"));
	const char *word = stmt_text(b, n, "authentication-algorithm");

	if (!cipher)
		return;
	/* With an AEAD the statement chooses the PRF only; by default the one its suite has. */
	if (!word)
		word = !cipher->aead ? "sha1" : cipher->key_bits == 256 ? "sha-384" : "sha-256";
	p->name = n->word;
	p->auth = (enum model_auth)word_index(auth_words, stmt_word(b, n, "authentication-method"));
	set_algorithms(
		p, cipher, algorithm_ike_hash(word), algorithm_dh(stmt_word(b, n, "dh-group")));
	fill_additional(b, n, p);
	p->lifetime_s = stmt_u32(b, n, "lifetime-seconds");
	p->signature_hashes = signature_hashes(b, n);
}

/* RFC 7427: only this method lets the peers choose the hash. */
static void warn_hashes(struct build *b, const struct node *n, const struct model_ike_proposal *p)
{
	const struct node *s = stmt(b, n, "signature-hash-algorithm");

	if (s && p->auth != MODEL_AUTH_DIGITAL)
		warn_at(b, s, "counts with 'authentication-method digital-signature' only");
}

static uint32_t add_listed(
	struct build *b, const struct node *listed, struct model_ike_proposal *to)
{
	uint32_t n = 0;

	for (const struct node *v = listed->first; v; v = v->next) {
		const struct node *all = stmt(b, NULL, "security ike proposal");
		const struct node *p = all ? tree_find(b->t, all, v->word) : NULL;

		if (!p)
			refuse_at(b, v, "IKE proposal '%s' is not defined", v->word);
		else if (n == MODEL_PROPOSALS_MAX)
			refuse_at(b, v, "a policy has at most %d proposals", MODEL_PROPOSALS_MAX);
		else
			fill_proposal(b, p, &to[n++]);
	}
	return n;
}

static uint32_t add_set(struct build *b, const char *set, struct model_ike_proposal *to)
{
	uint32_t n = 0;

	for (size_t i = 0; i < algorithm_sets_n && n < MODEL_PROPOSALS_MAX; i++) {
		const struct algorithm_set_row *row = &algorithm_sets[i];

		if (strcmp(row->set, set) != 0 || !row->ike_cipher)
			continue;
		to[n] = (struct model_ike_proposal){
			.name = arena_format(b->arena, "%s/%u", set, n + 1),
			.auth = row->auth,
			.lifetime_s = 28800,
			.signature_hashes = ALL_BUT_SHA1};
		set_algorithms(&to[n++], algorithm_cipher(row->ike_cipher),
			algorithm_ike_hash(row->ike_hash), algorithm_dh(row->dh));
	}
	return n;
}

static void fill_proposals(struct build *b, const struct node *n, struct model_ike_policy *pol)
{
	struct model_ike_proposal *all =
		arena_array(b->arena, struct model_ike_proposal, MODEL_PROPOSALS_MAX);
	const struct node *listed = stmt(b, n, "proposals"), *set = stmt(b, n, "proposal-set");

	if (!all)
		return;
	pol->proposals = all;
	if (listed && set)
		refuse_at(b, set, "'proposals' and 'proposal-set' exclude each other");
	else if (listed)
		pol->n_proposals = add_listed(b, listed, all);
	else if (set && set->first)
		pol->n_proposals = add_set(b, set->first->word, all);
	else
		refuse_at(b, n, "needs 'proposals' or 'proposal-set'");
	for (uint32_t i = 1; i < pol->n_proposals; i++)
		if (all[i].auth != all[0].auth)
			refuse_at(b, listed ? listed : n,
				"all proposals of a policy need the same authentication-method");
}

/* One of ascii-text and hexadecimal below `keyword`. */
static struct view fill_key(struct build *b, const struct node *n, const char *keyword)
{
	const struct node *key = stmt(b, n, keyword);
	const char *text = key ? stmt_text(b, key, "ascii-text") : NULL;
	const char *hex = key ? stmt_text(b, key, "hexadecimal") : NULL;
	auto_blob octets = {0};
	struct view v = {0};

	if (!key)
		return v;
	if (text && hex)
		refuse_at(b, key, "'ascii-text' and 'hexadecimal' exclude each other");
	if (text) {
		size_t len = strlen(text);

		if (len < 8 && !stmt_flag(b, n, "allow-short-key"))
			refuse_at(b, stmt(b, key, "ascii-text"),
				"must be 8 to 255 characters long, is %zu", len);
		else if (len < KEY_ADVISED)
			warn_at(b, stmt(b, key, "ascii-text"),
				"a key of less than %d characters is easily guessed", KEY_ADVISED);
		return view_of_text(text);
	}
	if (hex && blob_from_hex(hex, &octets) == 0) {
		v = view_of(arena_text(b->arena, blob_view(&octets)), octets.n);
		secret_wipe(octets.p, octets.n);
	}
	return v;
}

/* RFC 8784: a name and a key, and whether it can be done without. */
static void fill_ppk(struct build *b, const struct node *n, struct model_ike_policy *p)
{
	const struct node *ppk = stmt(b, n, "ppk");
	const char *id = ppk ? stmt_text(b, ppk, "id") : NULL;

	if (!ppk)
		return;
	p->ppk = fill_key(b, n, "ppk");
	p->ppk_required = stmt_flag(b, ppk, "required");
	if (!id)
		refuse_missing(b, ppk, "id");
	else
		p->ppk_id = view_of_text(id);
	if (p->ppk.n == 0)
		refuse_at(b, ppk, "needs 'ascii-text' or 'hexadecimal'");
}

static void fill_policy(struct build *b, const struct node *n, struct model_ike_policy *p)
{
	p->name = n->word;
	p->mode = strcmp(stmt_word(b, n, "mode"), "aggressive") == 0 ? MODEL_MODE_AGGRESSIVE
								     : MODEL_MODE_MAIN;
	p->reauth_frequency = stmt_u32(b, n, "reauth-frequency");
	fill_proposals(b, n, p);
	p->psk = fill_key(b, n, "pre-shared-key");
	p->seeded_psk = fill_key(b, n, "seeded-pre-shared-key");
	if (p->psk.n != 0 && p->seeded_psk.n != 0)
		refuse_at(b, stmt(b, n, "seeded-pre-shared-key"),
			"'pre-shared-key' and 'seeded-pre-shared-key' exclude each other");
	fill_ppk(b, n, p);
	build_certificate(b, n, p);
	if (p->n_proposals > 0 && p->proposals[0].auth == MODEL_AUTH_PSK && p->psk.n == 0 &&
		p->seeded_psk.n == 0)
		refuse_at(b, n,
			"its proposals authenticate with pre-shared keys: 'pre-shared-key' is "
			"missing");
}

static void build_policies(struct build *b)
{
	const struct node *list = stmt(b, NULL, "security ike policy");
	const struct node *proposals = stmt(b, NULL, "security ike proposal");
	struct model_ike_policy *all =
		arena_array(b->arena, struct model_ike_policy, stmt_count(list));
	struct model_ike_proposal p = {0};

	/* Each proposal once, used or not: policies repeat them without repeating the warnings. */
	for (const struct node *n = proposals ? proposals->first : NULL; n; n = n->next)
		if (n->is_name) {
			fill_proposal(b, n, &p);
			warn_ike(b, n, &p);
			warn_hashes(b, n, &p);
		}
	if (!all)
		return;
	b->m->ike_policies = all;
	for (const struct node *n = list ? list->first : NULL; n; n = n->next)
		if (n->is_name)
			fill_policy(b, n, &all[b->m->n_ike_policies++]);
	qsort(all, b->m->n_ike_policies, sizeof *all, model_by_name);
}

#define SOURCE "security ike session source-limits"

#define FULL "security ike session full-open incoming-exchange-max-rates"

static void build_limits(struct build *b)
{
	const struct node *half = stmt(b, NULL, "security ike session half-open");
	struct model_ike_limits *l = &b->m->limits;

	l->respond_bad_spi = stmt_u32(b, NULL, "security ike respond-bad-spi");
	l->half_open_per_source = stmt_u32(b, NULL, SOURCE " half-open-count");
	l->source_init_rate = stmt_u32(b, NULL, SOURCE " init-rate");
	l->source_failures = stmt_u32(b, NULL, SOURCE " authentication-failures");
	l->ike_rekey_rate = stmt_u32(b, NULL, FULL " ike-rekey");
	l->child_rekey_rate = stmt_u32(b, NULL, FULL " ipsec-rekey");
	l->keepalive_rate = stmt_u32(b, NULL, FULL " keepalive");
	if (!half)
		return;
	l->backoff_init_s = stmt_u32(b, half, "backoff-timeouts init-phase-failure timeout");
	l->backoff_auth_s = stmt_u32(b, half, "backoff-timeouts auth-phase-failure timeout");
	l->half_open_timeout_s = stmt_u32(b, half, "timeout");
	l->half_open_max = stmt_u32(b, half, "max-count");
	l->half_open_discard_duplicate = stmt_flag(b, half, "discard-duplicate");
	l->cookie_threshold = stmt_u32(b, half, "thresholds send-cookie session-count");
	l->reduce_threshold = stmt_u32(b, half, "thresholds reduce-timeout session-count");
	l->reduce_timeout_s = stmt_u32(b, half, "thresholds reduce-timeout timeout");
}

void build_ike(struct build *b)
{
	build_limits(b);
	build_policies(b);
}
