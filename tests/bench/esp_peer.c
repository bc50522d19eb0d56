#define ALLOW_EXPERIMENTAL_API /* the pool of sessions, in this release */
#include "esp_peer.h"

#include <stdlib.h>
#include <x86intrin.h>

#include "pool.h"

#include <rte_cryptodev.h>
#include <rte_dev.h>
#include <rte_ipsec.h>
#include <rte_mbuf.h>

enum { BURST = 32, DESCRIPTORS = 256, IV_AT = 64, KEY_MAX = 64, SPI = 0x10000 };

/* One direction of its SA. */
struct half {
	struct rte_ipsec_session ss;
	struct rte_ipsec_sa *sa;
};

/* A frame as it lies before each burst. */
struct image {
	uint32_t len;
	uint8_t b[FRAME_MAX + 128];
};

struct peer {
	enum dir dir;
	uint8_t dev;
	void *mbufs;
	struct rte_mempool *sessions;
	struct half half[2];
	struct image images[BURST];
};

static const uint8_t key[KEY_MAX] = {1, 2, 3};

/* ---------------------------------------------------------------- the device */

static const char *driver(const struct suite *s)
{
	return s->encr == SUITE_ENCR_AES_GCM16 ? "crypto_aesni_gcm0" : "crypto_aesni_mb0";
}

/* Stays for the whole process; -1 when there is none. */
static int device(const char *name)
{
	struct rte_cryptodev_config conf = {.socket_id = 0, .nb_queue_pairs = 1};
	struct rte_cryptodev_qp_conf qp = {.nb_descriptors = DESCRIPTORS};
	int id = rte_cryptodev_get_dev_id(name);

	if (id >= 0)
		return id;
	if (rte_eal_hotplug_add("vdev", name, "") < 0)
		return -1;
	id = rte_cryptodev_get_dev_id(name);
	if (id < 0 || rte_cryptodev_configure((uint8_t)id, &conf) < 0 ||
		rte_cryptodev_queue_pair_setup((uint8_t)id, 0, &qp, 0) < 0 ||
		rte_cryptodev_start((uint8_t)id) < 0)
		return -1;
	return id;
}

/* ---------------------------------------------------------------- the SA */

static void aead_xform(struct rte_crypto_sym_xform *x, const struct suite *s, bool out)
{
	x->type = RTE_CRYPTO_SYM_XFORM_AEAD;
	x->aead.op = out ? RTE_CRYPTO_AEAD_OP_ENCRYPT : RTE_CRYPTO_AEAD_OP_DECRYPT;
	x->aead.algo = s->encr == SUITE_ENCR_AES_GCM16 ? RTE_CRYPTO_AEAD_AES_GCM
						       : RTE_CRYPTO_AEAD_CHACHA20_POLY1305;
	x->aead.key.data = key;
	x->aead.key.length = (uint16_t)(s->key_len - SUITE_SALT);
	x->aead.iv.offset = IV_AT;
	x->aead.iv.length = SUITE_NONCE;
	x->aead.digest_length = s->shape.icv;
	x->aead.aad_length = ESP_HDR;
}

/* RFC 4303 3.3.2: the cipher first on the way out, the ICV first on the way in. */
static void chain_xforms(struct rte_crypto_sym_xform x[2], const struct suite *s, bool out)
{
	struct rte_crypto_sym_xform *cipher = &x[out ? 0 : 1], *auth = &x[out ? 1 : 0];

	cipher->type = RTE_CRYPTO_SYM_XFORM_CIPHER;
	cipher->cipher.op = out ? RTE_CRYPTO_CIPHER_OP_ENCRYPT : RTE_CRYPTO_CIPHER_OP_DECRYPT;
	cipher->cipher.algo = RTE_CRYPTO_CIPHER_AES_CBC;
	cipher->cipher.key.data = key;
	cipher->cipher.key.length = s->key_len;
	cipher->cipher.iv.offset = IV_AT;
	cipher->cipher.iv.length = s->shape.iv;
	auth->type = RTE_CRYPTO_SYM_XFORM_AUTH;
	auth->auth.op = out ? RTE_CRYPTO_AUTH_OP_GENERATE : RTE_CRYPTO_AUTH_OP_VERIFY;
	auth->auth.algo = RTE_CRYPTO_AUTH_SHA256_HMAC;
	auth->auth.key.data = key;
	auth->auth.key.length = s->integ_len;
	auth->auth.digest_length = s->shape.icv;
	x[0].next = &x[1];
}

static int sa_make(struct half *h, struct rte_ipsec_sa_prm *prm)
{
	int size = rte_ipsec_sa_size(prm);

	if (size < 0)
		return size;
	h->sa = aligned_alloc(64, ((size_t)size + 63) & ~(size_t)63);
	must(h->sa != NULL, "memory");
	memset(h->sa, 0, (size_t)size);
	return rte_ipsec_sa_init(h->sa, prm, (uint32_t)size);
}

/* Its window is off: the packets come again and again. */
static int half_init(struct peer *p, struct half *h, const struct suite *s, bool out)
{
	struct rte_crypto_sym_xform x[2] = {0};
	uint8_t outer[IP4_HDR];
	struct rte_ipsec_sa_prm prm = {
		.crypto_xform = x,
		.tun = {.hdr_len = IP4_HDR, .next_proto = IP_IPIP, .hdr = outer},
	};
	int rc;

	ip4_put(outer,
		&(struct ip4_make){(uint32_t)GW_OUT, (uint32_t)PEER, 0, 1, 0, IP_ESP, 64, 0});
	prm.ipsec_xform.spi = SPI;
	prm.ipsec_xform.proto = RTE_SECURITY_IPSEC_SA_PROTO_ESP;
	prm.ipsec_xform.mode = RTE_SECURITY_IPSEC_SA_MODE_TUNNEL;
	prm.ipsec_xform.tunnel.type = RTE_SECURITY_IPSEC_TUNNEL_IPV4;
	prm.ipsec_xform.direction =
		out ? RTE_SECURITY_IPSEC_SA_DIR_EGRESS : RTE_SECURITY_IPSEC_SA_DIR_INGRESS;
	if (suite_is_aead(s))
		aead_xform(x, s, out);
	else
		chain_xforms(x, s, out);
	rc = sa_make(h, &prm);
	if (rc < 0)
		return rc;
	h->ss.sa = h->sa;
	h->ss.type = RTE_SECURITY_ACTION_TYPE_CPU_CRYPTO;
	h->ss.crypto.dev_id = p->dev;
	h->ss.crypto.ses = rte_cryptodev_sym_session_create(p->dev, x, p->sessions);
	return h->ss.crypto.ses ? rte_ipsec_session_prepare(&h->ss) : -1;
}

/* ---------------------------------------------------------------- packets */

static void fill(struct rte_mbuf *m, const struct image *i)
{
	rte_pktmbuf_reset(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)i->len), i->b, i->len);
	m->l3_len = IP4_HDR;
}

/* Cycles of a burst, from mbufs at the IP header to mbufs at the IP header. */
static uint64_t burst(const struct half *h, struct rte_mbuf **m)
{
	uint64_t t = __rdtsc();
	uint16_t n = rte_ipsec_pkt_cpu_prepare(&h->ss, m, BURST);

	must(n == BURST && rte_ipsec_pkt_process(&h->ss, m, n) == BURST, "rte_ipsec");
	return __rdtsc() - t;
}

static void take(struct peer *p, struct rte_mbuf **m)
{
	must(rte_pktmbuf_alloc_bulk(pool_mempool(p->mbufs), m, BURST) == 0, "mbufs");
	for (uint32_t i = 0; i < BURST; i++)
		fill(m[i], &p->images[i]);
}

/* Clear packets; for the way in, sealed by its own other half. */
static void make_images(struct peer *p, uint32_t bytes)
{
	struct rte_mbuf *m[BURST];

	for (uint32_t i = 0; i < BURST; i++) {
		p->images[i].len = size_of(bytes, i) - 14;
		ip4_put(p->images[i].b, &(struct ip4_make){HOST, FAR_NET,
						(uint16_t)p->images[i].len, 1, 0, IP_UDP, 64, 0});
	}
	if (p->dir == OUT)
		return;
	take(p, m);
	(void)burst(&p->half[OUT], m);
	for (uint32_t i = 0; i < BURST; i++) {
		p->images[i].len = rte_pktmbuf_pkt_len(m[i]);
		memcpy(p->images[i].b, rte_pktmbuf_mtod(m[i], uint8_t *), p->images[i].len);
	}
	rte_pktmbuf_free_bulk(m, BURST);
}

struct peer *peer_new(const struct suite *s, enum dir dir, uint32_t bytes, void *pool)
{
	int dev = device(driver(s));
	struct peer *p = aligned_alloc(64, (sizeof *p + 63) & ~(size_t)63);

	must(p != NULL, "memory");
	memset(p, 0, sizeof *p);
	p->dir = dir;
	p->dev = (uint8_t)dev;
	p->mbufs = pool;
	if (dev >= 0)
		p->sessions = rte_cryptodev_sym_session_pool_create("peer", 4,
			rte_cryptodev_sym_get_private_session_size((uint8_t)dev), 0, 0, 0);
	if (!p->sessions || half_init(p, &p->half[OUT], s, true) < 0 ||
		half_init(p, &p->half[IN], s, false) < 0) {
		peer_free(p);
		return NULL;
	}
	make_images(p, bytes);
	return p;
}

void peer_free(struct peer *p)
{
	if (!p)
		return;
	for (int i = 0; i < 2; i++) {
		if (p->half[i].ss.crypto.ses)
			(void)rte_cryptodev_sym_session_free(p->dev, p->half[i].ss.crypto.ses);
		free(p->half[i].sa);
	}
	rte_mempool_free(p->sessions);
	free(p);
}

double slice_peer(struct peer *p)
{
	struct rte_mbuf *m[BURST];
	uint64_t cycles = 0;

	for (uint32_t k = 0; k < SLICE / BURST; k++) {
		take(p, m);
		cycles += burst(&p->half[p->dir], m);
		rte_pktmbuf_free_bulk(m, BURST);
	}
	return (double)cycles / SLICE;
}

void peer_end(void)
{
	for (uint8_t i = 0; i < rte_cryptodev_count(); i++)
		rte_cryptodev_stop(i);
}
