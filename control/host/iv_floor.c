#include "host/iv_floor.h"

#include "base/cursor.h"
#include "base/emit.h"

void iv_floor_key(uint32_t node, uint8_t out[IV_FLOOR_KEY_LEN])
{
	out[0] = 'V';
	out[1] = (uint8_t)node;
}

void iv_floor_body(const struct iv_floor *f, uint8_t out[IV_FLOOR_BODY_LEN])
{
	struct emit e = emit_to(out, IV_FLOOR_BODY_LEN);

	emit_be16(&e, f->ike);
	emit_be16(&e, f->esp);
}

struct iv_floor iv_floor_read(struct view body)
{
	struct cur c = cur_of(body);
	struct iv_floor f = {.ike = cur_be16(&c)};

	f.esp = cur_be16(&c);
	return cur_ok(&c) ? f : (struct iv_floor){0};
}

static uint16_t plus(uint16_t n, uint16_t more)
{
	return n > UINT16_MAX - more ? UINT16_MAX : (uint16_t)(n + more);
}

static bool is_near(uint16_t in_use, uint16_t kept)
{
	return in_use != 0 && plus(in_use, IV_AHEAD / 2) > kept && kept != UINT16_MAX;
}

bool iv_floor_ahead(
	const struct iv_floor *kept, const struct iv_floor *in_use, struct iv_floor *out)
{
	bool ike = is_near(in_use->ike, kept->ike), esp = is_near(in_use->esp, kept->esp);

	if (!ike && !esp)
		return false;
	*out = *kept;
	if (ike)
		out->ike = plus(in_use->ike, IV_AHEAD);
	if (esp)
		out->esp = plus(in_use->esp, IV_AHEAD);
	return true;
}

struct iv_verdict iv_floor_arrival(const struct iv_arrival *a)
{
	bool is_back = a->seen != 0 && a->says < a->seen;

	/* Without its file it may have drawn what one before it has used, or is just about to. */
	if (a->seen != 0 && a->is_drawn && !a->is_configured && a->says <= plus(a->seen, IV_AHEAD))
		is_back = true;
	if (is_back) {
		uint16_t least = plus(a->seen, IV_AHEAD + 1);

		return (struct iv_verdict){.in_use = least, .least = least};
	}
	return (struct iv_verdict){.in_use = a->says,
		.is_unknown = a->is_drawn && !(a->is_configured && a->seen != 0)};
}

struct iv_floor iv_floor_above(const struct iv_floor *kept)
{
	return (struct iv_floor){plus(kept->ike, 1), plus(kept->esp, 1)};
}
