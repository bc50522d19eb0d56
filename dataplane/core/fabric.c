#include "core/fabric.h"

#include "base/cursor.h"
#include "base/emit.h"
#include "base/err.h"

void fabric_put(uint8_t *p, const struct fabric_hdr *h)
{
	struct emit e = emit_to(p, FABRIC_HDR);

	emit_u8(&e, FABRIC_VERSION);
	emit_u8(&e, h->kind);
	emit_u8(&e, h->from);
	emit_u8(&e, h->to);
	emit_be32(&e, h->cluster);
	emit_u8(&e, h->rg);
	emit_u8(&e, h->flags);
	emit_be16(&e, h->len);
	emit_be32(&e, h->iface);
	emit_be64(&e, h->epoch);
}

int fabric_get(struct view frame, struct fabric_hdr *h, struct view *body)
{
	struct cur c = cur_of(frame);
	uint8_t version = cur_u8(&c);

	h->kind = cur_u8(&c);
	h->from = cur_u8(&c);
	h->to = cur_u8(&c);
	h->cluster = cur_be32(&c);
	h->rg = cur_u8(&c);
	h->flags = cur_u8(&c);
	h->len = cur_be16(&c);
	h->iface = cur_be32(&c);
	h->epoch = cur_be64(&c);
	*body = cur_take(&c, h->len);
	if (!cur_ok(&c))
		return -ERR_TRUNCATED;
	if (version != FABRIC_VERSION)
		return -ERR_VERSION;
	return h->kind == 0 || h->kind >= FABRIC_KINDS ? -ERR_VALUE : 0;
}

uint32_t fabric_beat_put(uint8_t *p, const struct fabric_beat *b)
{
	struct emit e = emit_to(p, FABRIC_BEAT_MAX);

	emit_be64(&e, b->stamp_ns);
	emit_u8(&e, b->control);
	emit_u8(&e, (uint8_t)b->n);
	for (uint32_t i = 0; i < b->n; i++) {
		emit_u8(&e, b->rgs[i].rg);
		emit_u8(&e, b->rgs[i].role == RG_ROLE_ACTIVE);
		emit_u8(&e, b->rgs[i].owner);
		emit_u8(&e, 0);
		emit_be64(&e, b->rgs[i].epoch);
		emit_be64(&e, b->rgs[i].deadline_ns);
	}
	return (uint32_t)e.n;
}

int fabric_beat_get(struct view body, struct fabric_beat *b)
{
	struct cur c = cur_of(body);

	b->stamp_ns = cur_be64(&c);
	b->control = cur_u8(&c) != 0;
	b->n = cur_u8(&c);
	if (b->n > FABRIC_RGS_MAX)
		return -ERR_VALUE;
	for (uint32_t i = 0; i < b->n; i++) {
		b->rgs[i].rg = cur_u8(&c);
		b->rgs[i].role = cur_u8(&c) ? RG_ROLE_ACTIVE : RG_ROLE_STANDBY;
		b->rgs[i].owner = cur_u8(&c);
		(void)cur_u8(&c);
		b->rgs[i].epoch = cur_be64(&c);
		b->rgs[i].deadline_ns = cur_be64(&c);
	}
	return cur_done(&c) ? 0 : -ERR_TRUNCATED;
}

void fabric_renew_put(uint8_t *p, const struct fabric_renew *r)
{
	struct emit e = emit_to(p, FABRIC_RENEW_LEN);

	emit_be64(&e, r->stamp_ns);
	emit_be32(&e, r->duration_ms);
}

int fabric_renew_get(struct view body, struct fabric_renew *r)
{
	struct cur c = cur_of(body);

	r->stamp_ns = cur_be64(&c);
	r->duration_ms = cur_be32(&c);
	return cur_done(&c) ? 0 : -ERR_TRUNCATED;
}
