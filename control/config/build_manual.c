/*
 * [edit security ipsec vpn <name> manual] (MAN-001..005).
 */
#include <stdlib.h>

#include "base/des.h"
#include "base/secret.h"
#include "config/algorithm.h"
#include "config/build.h"

enum { ENCR_DES_NUMBER = 2, ENCR_3DES_NUMBER = 3 };

/* ALG-009, ALG-010 */
static void check_des(struct build *b, const struct node *at, uint16_t encr, struct view key)
{
	for (size_t i = 0; i + DES_KEY_LEN <= key.n; i += DES_KEY_LEN)
		if (des_key_is_weak(key.p + i)) {
			refuse_at(b, at, "this is a weak key of DES");
			return;
		}
	if (encr != ENCR_3DES_NUMBER)
		return;
	if (des_keys_equal(key.p, key.p + DES_KEY_LEN))
		refuse_at(b, at, "with equal first and second parts this is single DES");
	else if (des_keys_equal(key.p + DES_KEY_LEN, key.p + 2 * (size_t)DES_KEY_LEN))
		warn_at(b, at, "with equal second and third parts this is single DES");
}

/* MAN-004: just as long as the algorithm needs. */
static struct view fill_key(
	struct build *b, const struct node *owner, const char *algorithm, size_t need)
{
	const struct node *key = stmt(b, owner, "key");
	const char *text = key ? stmt_text(b, key, "ascii-text") : NULL;
	const char *hex = key ? stmt_text(b, key, "hexadecimal") : NULL;
	auto_blob octets = {0};
	struct view v = {0};

	if (!text && !hex) {
		refuse_missing(b, owner, "key");
		return v;
	}
	if (text && hex) {
		refuse_at(b, key, "'ascii-text' and 'hexadecimal' exclude each other");
		return v;
	}
	if (text)
		v = view_of_text(text);
	else if (blob_from_hex(hex, &octets) == 0)
		v = view_of(arena_text(b->arena, blob_view(&octets)), octets.n);
	if (octets.p)
		secret_wipe(octets.p, octets.n);
	if (v.n == need)
		return v;
	refuse_at(b, stmt(b, key, text ? "ascii-text" : "hexadecimal"),
		"%s needs a key of %zu %s, this has %zu", algorithm, text ? need : 2 * need,
		text ? "characters" : "hexadecimal digits", text ? v.n : 2 * v.n);
	return (struct view){0};
}

static void fill_authentication(
	struct build *b, const struct node *n, const struct node *of, struct model_manual *m)
{
	const struct algorithm_hash *hash =
		algorithm_esp_hash(of ? stmt_text(b, of, "algorithm") : NULL);

	if (of && !hash) {
		refuse_missing(b, of, "algorithm");
	} else if (hash) {
		m->integ = hash->integ;
		m->integ_key = fill_key(b, of, hash->word, algorithm_hash_key_len(hash->integ));
		if (hash->weak)
			warn_at(b, of, "this hash is weak");
	} else if (m->ah) {
		refuse_at(b, n, "protocol ah needs 'authentication'");
	} else if (stmt(b, n, "encryption")) {
		warn_at(b, n, "without 'authentication' nobody notices what is changed on the way");
	}
}

static void fill_encryption(
	struct build *b, const struct node *n, const struct node *of, struct model_manual *m)
{
	const struct algorithm_cipher *cipher =
		algorithm_cipher(of ? stmt_text(b, of, "algorithm") : NULL);

	if (!m->ah)
		m->encr = ALGORITHM_ENCR_NULL;
	if (of && m->ah) {
		refuse_at(b, of, "protocol ah does not encrypt");
	} else if (of && !cipher) {
		refuse_missing(b, of, "algorithm");
	} else if (cipher && cipher->aead) { /* I3: their nonces may never repeat */
		refuse_at(b, stmt(b, of, "algorithm"),
			"'%s' is not for static keys: after a restart its counter would repeat",
			cipher->word);
	} else if (cipher) {
		m->encr = cipher->encr;
		m->key_bits = cipher->key_bits;
		m->encr_key = fill_key(b, of, cipher->word, algorithm_cipher_key_len(cipher));
		if (cipher->weak)
			warn_at(b, of, "this cipher is weak");
		if (m->encr_key.n && (m->encr == ENCR_DES_NUMBER || m->encr == ENCR_3DES_NUMBER))
			check_des(b, stmt(b, of, "key"), m->encr, m->encr_key);
	} else if (!m->ah && !stmt(b, n, "authentication")) {
		refuse_at(b, n, "needs 'authentication', 'encryption' or both");
	}
}

static void fill_ends(struct build *b, const struct node *n, struct model_manual *m)
{
	const struct node *peer = stmt(b, n, "gateway"), *way = stmt(b, n, "external-interface");

	if (!peer)
		refuse_missing(b, n, "gateway");
	else if (!stmt_addr(b, n, "gateway", &m->remote))
		refuse_at(b, peer, "a manual SA needs the address of its peer");
	if (!way || !way->first) {
		refuse_missing(b, n, "external-interface");
		return;
	}
	m->external = model_unit(b->m, way->first->word);
	if (!m->external || m->external->interface->kind == MODEL_IF_TUNNEL) {
		refuse_at(b, way, "'%s' is no configured interface unit towards a peer",
			way->first->word);
		return;
	}
	m->rg = m->external->interface->rg;
	for (uint32_t i = 0; i < m->external->n_addresses && m->local.family == 0; i++)
		if (m->external->addresses[i].addr.family == m->remote.family)
			m->local = m->external->addresses[i].addr;
	if (m->local.family == 0 && m->remote.family != 0)
		refuse_at(b, way, "'%s' has no address of the peer's family", m->external->name);
}

void build_manual(struct build *b, const struct node *vpn, struct model_vpn *v)
{
	const struct node *n = stmt(b, vpn, "manual");
	const char *protocol = stmt_text(b, n, "protocol");
	struct model_manual *m = arena_array(b->arena, struct model_manual, 1);

	if (!m)
		return;
	v->manual = m;
	m->ah = protocol && strcmp(protocol, "ah") == 0;
	m->spi = stmt_u32(b, n, "spi");
	if (!protocol)
		refuse_missing(b, n, "protocol");
	if (m->spi == 0)
		refuse_missing(b, n, "spi");
	if (stmt(b, vpn, "ike"))
		refuse_at(b, n, "'manual' and 'ike' exclude each other");
	if (stmt(b, vpn, "udp-encapsulate"))
		refuse_at(b, stmt(b, vpn, "udp-encapsulate"), "manual SAs are not put into UDP");
	fill_ends(b, n, m);
	fill_authentication(b, n, stmt(b, n, "authentication"), m);
	fill_encryption(b, n, stmt(b, n, "encryption"), m);
	if (!v->bind && !v->transport)
		refuse_at(b, n, "a tunnel needs 'bind-interface'");
	if (v->n_selectors > 1)
		refuse_at(b, stmt(b, vpn, "traffic-selector"),
			"a manual SA has one traffic selector: its SPI is one");
}

/* One key for both ways and any number of receivers, without ends: OSPFv3 and the like (RFC 4552),
 * which this node does not speak itself. */
static void refuse_routing_sas(struct build *b)
{
	const struct node *list = stmt(b, NULL, "security ipsec security-association");

	for (const struct node *n = list ? list->first : NULL; n; n = n->next)
		if (n->is_name)
			refuse_at(b, n,
				"an SA for routing protocols of the node itself is not supported: "
				"use "
				"'security ipsec vpn' with 'manual' and 'mode transport'");
}

void check_manual(struct build *b)
{
	const struct node *list = stmt(b, NULL, "security ipsec vpn");

	refuse_routing_sas(b);
	for (uint32_t i = 0; i < b->m->n_vpns; i++) {
		const struct model_manual *a = b->m->vpns[i].manual;

		/* they are few, the others may be tens of thousands */
		for (uint32_t k = 0; a && a->spi != 0 && k < i; k++) {
			const struct model_manual *c = b->m->vpns[k].manual;

			if (c && a->spi == c->spi)
				refuse_at(b,
					stmt(b, tree_find(b->t, list, b->m->vpns[i].name),
						"manual spi"),
					"vpn '%s' has the same", b->m->vpns[k].name);
		}
	}
}
