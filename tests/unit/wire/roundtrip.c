#include "roundtrip.h"

#include <stdlib.h>

#include "base/err.h"
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

#define ROOM (128 * 1024)

const struct sk_shape shape_gcm = {.iv_len = 8, .icv_len = 16, .block = 1};
const struct sk_shape shape_cbc = {.iv_len = 16, .icv_len = 16, .block = 16};

static void must(bool ok)
{
	if (!ok)
		abort();
}

static int sa_roundtrip(struct view body, struct emit *e)
{
	struct sa_emit out = sa_emit_begin(e);
	struct pld_sa sa, answer;
	struct proposal_iter pi;
	struct proposal p;
	unsigned proposals = 0;
	int rc = pld_sa_parse(body, SA_OFFER, &sa);

	/* Whatever passes as an answer has one proposal. */
	if (pld_sa_parse(body, SA_ANSWER, &answer) == 0)
		must(answer.count == 1);
	if (rc < 0)
		return rc;
	for (pi = proposal_iter_of(&sa); proposal_next(&pi, &p); proposals++) {
		struct transform_iter ti = transform_iter_of(&p);
		struct transform t;
		unsigned transforms = 0;

		must(p.num == proposals + 1);
		sa_emit_proposal(&out, p.num, p.protocol, p.spi);
		for (; transform_next(&ti, &t); transforms++)
			sa_emit_transform(&out, &t);
		must(transforms == p.transform_count);
	}
	must(proposals == sa.count);
	sa_emit_end(&out);
	return 0;
}

static int ke_roundtrip(struct view body, struct emit *e)
{
	struct pld_ke ke;
	int rc = pld_ke_parse(body, &ke);

	if (rc == 0)
		pld_ke_emit(e, &ke);
	return rc;
}

static int id_roundtrip(struct view body, struct emit *e)
{
	struct pld_id id;
	int rc = pld_id_parse(body, &id);

	if (rc == 0)
		pld_id_emit(e, &id);
	return rc;
}

static int cert_roundtrip(struct view body, struct emit *e)
{
	struct pld_cert cert;
	int rc = pld_cert_parse(body, &cert);

	if (rc == 0)
		pld_cert_emit(e, &cert);
	return rc;
}

static int certreq_roundtrip(struct view body, struct emit *e)
{
	struct pld_certreq req;
	struct view digest;
	size_t n = 0;
	int rc = pld_certreq_parse(body, &req);

	if (rc < 0)
		return rc;
	while (pld_certreq_digest(&req, n, &digest))
		n++;
	must(n == req.authorities.n / CERTREQ_DIGEST_LEN);
	pld_certreq_emit(e, &req);
	return 0;
}

static int auth_roundtrip(struct view body, struct emit *e)
{
	struct pld_auth auth;
	int rc = pld_auth_parse(body, &auth);

	if (rc == 0)
		pld_auth_emit(e, &auth);
	return rc;
}

static int nonce_roundtrip(struct view body, struct emit *e)
{
	struct view nonce;
	int rc = pld_nonce_parse(body, &nonce);

	if (rc == 0)
		pld_nonce_emit(e, nonce);
	return rc;
}

static int notify_roundtrip(struct view body, struct emit *e)
{
	struct pld_notify n;
	int rc = pld_notify_parse(body, &n);

	if (rc == 0)
		pld_notify_emit(e, &n);
	return rc;
}

static int delete_roundtrip(struct view body, struct emit *e)
{
	static uint32_t spis[UINT16_MAX];
	struct pld_delete d;
	int rc = pld_delete_parse(body, &d);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < d.count; i++)
		spis[i] = pld_delete_spi(&d, i);
	must(pld_delete_spi(&d, d.count) == 0);
	if (d.protocol == PROTO_IKE)
		pld_delete_emit_ike(e);
	else
		pld_delete_emit(e, d.protocol, spis, d.count);
	return 0;
}

static int vendor_roundtrip(struct view body, struct emit *e)
{
	struct view id;
	int rc = pld_vendor_parse(body, &id);

	if (rc == 0)
		pld_vendor_emit(e, id);
	return rc;
}

static int ts_roundtrip(struct view body, struct emit *e)
{
	struct pld_ts ts;
	int rc = pld_ts_parse(body, &ts);

	if (rc < 0)
		return rc;
	if (ts.count == 0)
		return -ERR_NOT_FOUND; /* unknown types only: nothing to say again */
	pld_ts_emit(e, ts.at, ts.count);
	return 0;
}

static int cp_roundtrip(struct view body, struct emit *e)
{
	struct pld_cp cp;
	struct cp_iter it;
	struct cp_attr attr;
	unsigned n = 0;
	int rc = pld_cp_parse(body, &cp);

	if (rc < 0)
		return rc;
	pld_cp_emit(e, cp.type);
	for (it = cp_iter_of(&cp); cp_attr_next(&it, &attr); n++)
		cp_attr_emit(e, &attr);
	must(n == cp.count);
	return 0;
}

static int eap_roundtrip(struct view body, struct emit *e)
{
	struct pld_eap eap;
	int rc = pld_eap_parse(body, &eap);

	if (rc == 0)
		pld_eap_emit(e, &eap);
	return rc;
}

int payload_roundtrip(uint8_t type, struct view body, struct emit *e)
{
	static const struct {
		uint8_t type;
		int (*run)(struct view body, struct emit *e);
	} rows[] = {
		{PLD_SA, sa_roundtrip},
		{PLD_KE, ke_roundtrip},
		{PLD_IDI, id_roundtrip},
		{PLD_IDR, id_roundtrip},
		{PLD_CERT, cert_roundtrip},
		{PLD_CERTREQ, certreq_roundtrip},
		{PLD_AUTH, auth_roundtrip},
		{PLD_NONCE, nonce_roundtrip},
		{PLD_NOTIFY, notify_roundtrip},
		{PLD_DELETE, delete_roundtrip},
		{PLD_VENDOR, vendor_roundtrip},
		{PLD_TSI, ts_roundtrip},
		{PLD_TSR, ts_roundtrip},
		{PLD_CP, cp_roundtrip},
		{PLD_EAP, eap_roundtrip},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].type == type)
			return rows[i].run(body, e);
	return -ERR_UNSUPPORTED;
}

void payload_roundtrip_check(uint8_t type, struct view body)
{
	static uint8_t first_room[ROOM], second_room[ROOM];
	struct emit first = emit_to(first_room, ROOM), second = emit_to(second_room, ROOM);
	struct view a, b;

	if (body.n > UINT16_MAX || payload_roundtrip(type, body, &first) < 0)
		return;
	must(emit_done(&first, &a) == 0);
	must(payload_roundtrip(type, a, &second) == 0);
	must(emit_done(&second, &b) == 0);
	must(view_equal(a, b));
}

/* Everything an envelope claims lies inside the datagram, in order and without gaps. */
static void envelope_check(const struct message *m, struct sk_shape shape)
{
	static struct chain inner;
	struct sk_in in;
	struct view plain;

	if (sk_parse(m, shape, &in) < 0)
		return;
	must(in.aad.p == m->raw.p && in.iv.p == in.aad.p + in.aad.n);
	must(in.text.p == in.iv.p + in.iv.n && in.icv.p == in.text.p + in.text.n);
	must(in.icv.p + in.icv.n == m->raw.p + m->raw.n);
	must(in.iv.n == shape.iv_len && in.icv.n == shape.icv_len);
	must(in.text.n != 0 && in.text.n % shape.block == 0);
	must(in.frag <= in.frag_of && (in.frag == 0) == (in.frag_of == 0));
	/* As if the text had been decrypted to itself. */
	if (sk_unpad(in.text, &plain) == 0 && chain_parse_inner(in.inner_first, plain, &inner) == 0)
		for (size_t i = 0; i < inner.n; i++)
			payload_roundtrip_check(inner.at[i].type, inner.at[i].body);
}

static void rebuild_check(const struct message *m)
{
	static uint8_t room[ROOM];
	static struct message again;
	struct writer w;
	struct view out;

	writer_begin(&w, room, sizeof room, &m->hdr);
	for (size_t i = 0; i < m->chain.n; i++)
		writer_add(&w, m->chain.at[i].type, m->chain.at[i].body);
	must(writer_end(&w, &out) == 0);
	must(message_parse(out, &again) == 0);
	must(again.hdr.mid == m->hdr.mid && again.hdr.spi_i == m->hdr.spi_i);
	must(again.hdr.spi_r == m->hdr.spi_r && again.hdr.exchange == m->hdr.exchange);
	must(again.chain.n == m->chain.n && again.chain.seen == m->chain.seen);
	for (size_t i = 0; i < again.chain.n; i++)
		must(view_equal(again.chain.at[i].body, m->chain.at[i].body));
}

void message_roundtrip_check(struct view datagram)
{
	static struct message m;

	if (datagram.n > UINT16_MAX || message_parse(datagram, &m) < 0)
		return;
	for (size_t i = 0; i < m.chain.n; i++)
		payload_roundtrip_check(m.chain.at[i].type, m.chain.at[i].body);
	envelope_check(&m, shape_gcm);
	envelope_check(&m, shape_cbc);
	if (!chain_has(&m.chain, PLD_SK) && !chain_has(&m.chain, PLD_SKF))
		rebuild_check(&m);
}
