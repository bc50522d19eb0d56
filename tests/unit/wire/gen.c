#include "gen.h"

#include <stdlib.h>

#include "wire/pld_auth.h"
#include "wire/pld_cert.h"
#include "wire/pld_certreq.h"
#include "wire/pld_cp.h"
#include "wire/pld_delete.h"
#include "wire/pld_eap.h"
#include "wire/pld_id.h"
#include "wire/pld_ke.h"
#include "wire/pld_nonce.h"
#include "wire/pld_notify.h"
#include "wire/pld_sa.h"
#include "wire/pld_ts.h"
#include "wire/pld_vendor.h"

#define PICK(g, list) ((list)[gen_below((g), ARRAY_LEN(list))])

const uint8_t gen_types[] = {PLD_SA, PLD_KE, PLD_IDI, PLD_IDR, PLD_CERT, PLD_CERTREQ, PLD_AUTH,
	PLD_NONCE, PLD_NOTIFY, PLD_DELETE, PLD_VENDOR, PLD_TSI, PLD_TSR, PLD_CP, PLD_EAP};
const unsigned gen_types_n = ARRAY_LEN(gen_types);

/* splitmix64: every seed is as good as any other. */
uint64_t gen_u64(struct gen *g)
{
	uint64_t z = g->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint32_t gen_below(struct gen *g, uint32_t limit)
{
	return (uint32_t)(gen_u64(g) % limit);
}

void gen_octets(struct gen *g, struct emit *e, size_t n)
{
	while (n-- != 0)
		emit_u8(e, (uint8_t)gen_u64(g));
}

/* Random octets that live as long as the room. */
static struct view octets(struct gen *g, uint8_t *room, size_t n)
{
	for (size_t i = 0; i < n; i++)
		room[i] = (uint8_t)gen_u64(g);
	return view_of(room, n);
}

static void gen_sa(struct gen *g, struct emit *e)
{
	static const uint16_t bits[] = {0, 128, 192, 256};
	struct sa_emit s = sa_emit_begin(e);
	unsigned proposals = 1 + gen_below(g, 4);
	uint8_t room[8];

	for (unsigned i = 1; i <= proposals; i++) {
		uint8_t protocol = (uint8_t)(1 + gen_below(g, 4));
		size_t spi_n = protocol == PROTO_IKE ? gen_below(g, 2) * 8 : 4;
		unsigned transforms = gen_below(g, 8);
		struct view spi = octets(g, room, spi_n);

		room[0] |= 1; /* an SPI is not zero */
		sa_emit_proposal(&s, (uint8_t)i, protocol, spi);
		for (unsigned k = 0; k < transforms; k++) {
			struct transform t = {
				.type = (uint8_t)(1 + gen_below(g, 6)),
				.id = (uint16_t)gen_below(g, 40),
				.key_bits = PICK(g, bits),
			};

			sa_emit_transform(&s, &t);
		}
	}
	sa_emit_end(&s);
}

static void gen_id(struct gen *g, struct emit *e)
{
	static const char *const names[] = {"gw.example.net", "x", "user@example.net"};
	static const uint8_t types[] = {ID_IPV4_ADDR, ID_IPV6_ADDR, ID_FQDN, ID_RFC822_ADDR,
		ID_KEY_ID, ID_DER_ASN1_DN, 201};
	struct pld_id id = {.type = PICK(g, types)};
	uint8_t room[64];

	if (id.type == ID_IPV4_ADDR)
		id.data = octets(g, room, 4);
	else if (id.type == ID_IPV6_ADDR)
		id.data = octets(g, room, 16);
	else if (id.type == ID_FQDN || id.type == ID_RFC822_ADDR)
		id.data = view_of_text(PICK(g, names));
	else
		id.data = octets(g, room, 1 + gen_below(g, 40));
	pld_id_emit(e, &id);
}

static void gen_notify(struct gen *g, struct emit *e)
{
	static const struct {
		uint16_t type;
		uint8_t data_n;
		bool spi;
	} kinds[] = {
		{N_INVALID_KE_PAYLOAD, 2, false},
		{N_COOKIE, 32, false},
		{N_SET_WINDOW_SIZE, 4, false},
		{N_REKEY_SA, 0, true},
		{N_NAT_DETECTION_SOURCE_IP, 20, false},
		{N_INITIAL_CONTACT, 0, false},
		{N_AUTHENTICATION_FAILED, 0, false},
		{40000, 9, true},
	};

	unsigned k = gen_below(g, ARRAY_LEN(kinds));
	uint8_t room[64];
	struct pld_notify n = {
		.protocol = kinds[k].spi ? PROTO_ESP : PROTO_NONE,
		.type = kinds[k].type,
		.spi = octets(g, room, kinds[k].spi ? 4 : 0),
		.data = octets(g, room + 8, kinds[k].data_n),
	};

	pld_notify_emit(e, &n);
}

static void gen_delete(struct gen *g, struct emit *e)
{
	uint32_t spis[20];
	size_t n = gen_below(g, 20);

	if (gen_below(g, 4) == 0) {
		pld_delete_emit_ike(e);
		return;
	}
	for (size_t i = 0; i < n; i++)
		spis[i] = (uint32_t)gen_u64(g);
	pld_delete_emit(e, PROTO_ESP, spis, n);
}

static void gen_ts(struct gen *g, struct emit *e)
{
	struct ts ts[8];
	size_t n = 1 + gen_below(g, 8);

	for (size_t i = 0; i < n; i++) {
		uint8_t family = gen_below(g, 2) ? 4 : 6;
		uint16_t port = (uint16_t)gen_u64(g);

		ts[i] = (struct ts){.protocol = (uint8_t)gen_below(g, 20)};
		ts[i].first.family = ts[i].last.family = family;
		(void)octets(g, ts[i].first.b, family == 4 ? 4 : 16);
		memcpy(ts[i].last.b, ts[i].first.b, 16);
		ts[i].last.b[family == 4 ? 3 : 15] |= 0x3f;
		ts[i].port_first = port;
		ts[i].port_last = gen_below(g, 2) ? port : UINT16_MAX;
		if (gen_below(g, 8) == 0) { /* OPAQUE */
			ts[i].port_first = UINT16_MAX;
			ts[i].port_last = 0;
		}
	}
	pld_ts_emit(e, ts, n);
}

static void gen_cp(struct gen *g, struct emit *e)
{
	uint8_t room[32];

	pld_cp_emit(e, (uint8_t)(1 + gen_below(g, 4)));
	for (unsigned n = gen_below(g, 8); n != 0; n--) {
		struct cp_attr attr = {
			.type = (uint16_t)(1 + gen_below(g, 30)),
			.value = octets(g, room, gen_below(g, 20)),
		};

		cp_attr_emit(e, &attr);
	}
}

static void gen_eap(struct gen *g, struct emit *e)
{
	uint8_t room[64];
	struct pld_eap eap = {
		.code = (uint8_t)(1 + gen_below(g, 4)),
		.identifier = (uint8_t)gen_u64(g),
		.type = (uint8_t)(1 + gen_below(g, 60)),
		.data = octets(g, room, gen_below(g, 60)),
	};

	pld_eap_emit(e, &eap);
}

static void gen_certreq(struct gen *g, struct emit *e)
{
	uint8_t room[CERTREQ_DIGEST_LEN * 4];
	struct pld_certreq req = {
		.encoding = CERT_X509_SIGNATURE,
		.authorities = octets(g, room, (size_t)CERTREQ_DIGEST_LEN * gen_below(g, 5)),
	};

	pld_certreq_emit(e, &req);
}

/* KE, AUTH, CERT, nonce, vendor: a few numbers and opaque octets. */
static void gen_opaque(struct gen *g, uint8_t type, struct emit *e)
{
	uint8_t room[NONCE_MAX];
	struct view data = octets(g, room, NONCE_MIN + gen_below(g, NONCE_MAX - NONCE_MIN + 1));
	struct pld_ke ke = {.group = (uint16_t)(1 + gen_below(g, 31)), .data = data};
	struct pld_auth auth = {.method = (uint8_t)(1 + gen_below(g, 14)), .data = data};
	struct pld_cert cert = {.encoding = CERT_X509_SIGNATURE, .data = data};

	if (type == PLD_KE)
		pld_ke_emit(e, &ke);
	else if (type == PLD_AUTH)
		pld_auth_emit(e, &auth);
	else if (type == PLD_CERT)
		pld_cert_emit(e, &cert);
	else if (type == PLD_NONCE)
		pld_nonce_emit(e, data);
	else
		pld_vendor_emit(e, data);
}

void gen_payload(struct gen *g, uint8_t type, struct emit *e)
{
	switch (type) {
	case PLD_SA:
		gen_sa(g, e);
		break;
	case PLD_IDI:
	case PLD_IDR:
		gen_id(g, e);
		break;
	case PLD_CERTREQ:
		gen_certreq(g, e);
		break;
	case PLD_NOTIFY:
		gen_notify(g, e);
		break;
	case PLD_DELETE:
		gen_delete(g, e);
		break;
	case PLD_TSI:
	case PLD_TSR:
		gen_ts(g, e);
		break;
	case PLD_CP:
		gen_cp(g, e);
		break;
	case PLD_EAP:
		gen_eap(g, e);
		break;
	default:
		gen_opaque(g, type, e);
	}
}

void gen_header(struct gen *g, struct ike_header *h)
{
	*h = (struct ike_header){
		.spi_i = gen_u64(g) | 1,
		.spi_r = gen_below(g, 3) ? gen_u64(g) : 0,
		.exchange = (uint8_t)(EXCHANGE_IKE_SA_INIT + gen_below(g, 4)),
		.flags = (uint8_t)((gen_below(g, 2) ? IKE_FLAG_INITIATOR : 0) |
				   (gen_below(g, 2) ? IKE_FLAG_RESPONSE : 0)),
		.mid = gen_below(g, 100),
	};
}

static void gen_chain(struct gen *g, struct writer *w)
{
	for (unsigned n = gen_below(g, 9); n != 0; n--) {
		uint8_t type = gen_types[gen_below(g, gen_types_n)];

		writer_open(w, type);
		gen_payload(g, type, &w->e);
		writer_close(w);
	}
}

int gen_message(struct gen *g, void *room, size_t cap, struct view *out)
{
	struct ike_header h;
	struct writer w;

	gen_header(g, &h);
	writer_begin(&w, room, cap, &h);
	gen_chain(g, &w);
	return writer_end(&w, out);
}

int gen_sk_message(struct gen *g, void *room, size_t cap, struct sk_shape shape, struct sk_out *out)
{
	struct ike_header h;
	struct writer w;

	gen_header(g, &h);
	writer_begin(&w, room, cap, &h);
	if (gen_below(g, 4) == 0)
		writer_add(&w, PLD_VENDOR, view_of_literal("outside"));
	sk_open(&w, shape);
	gen_chain(g, &w);
	return sk_close(&w, out);
}
