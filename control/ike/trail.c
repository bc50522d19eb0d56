#include "ike/trail.h"

#include "base/cursor.h"
#include "base/err.h"

static struct view text_of(const char *text)
{
	return strlen(text) <= TRAIL_URL_MAX ? view_of(text, strlen(text) + 1) : view_of("", 1);
}

static struct trail_step step_read(struct cur *c)
{
	struct trail_step s = {.crl_url = "", .ocsp_url = ""};
	struct view crl = cur_take(c, cur_be16(c)), ocsp = cur_take(c, cur_be16(c));

	s.issuer = cur_take(c, cur_be16(c));
	if (crl.n != 0)
		s.crl_url = (const char *)crl.p;
	if (ocsp.n != 0)
		s.ocsp_url = (const char *)ocsp.p;
	return s;
}

static size_t issuers_size(const struct blob *trail)
{
	struct cur c = cur_of(blob_view(trail));
	size_t n = 0;

	while (cur_ok(&c) && cur_left(&c) != 0)
		n += step_read(&c).issuer.n;
	return n;
}

static int part_add(struct blob *trail, struct view part)
{
	const uint8_t len[2] = {(uint8_t)(part.n >> 8), (uint8_t)part.n};
	int rc = blob_append(trail, view_of_array(len));

	return rc < 0 ? rc : blob_append(trail, part);
}

int trail_add(struct blob *trail, const struct trail_step *s)
{
	bool fits = issuers_size(trail) + s->issuer.n <= TRAIL_ISSUERS_MAX;
	int rc = part_add(trail, text_of(s->crl_url));

	if (rc == 0)
		rc = part_add(trail, text_of(s->ocsp_url));
	return rc < 0 ? rc : part_add(trail, fits ? s->issuer : (struct view){0});
}

struct trail_step trail_at(const struct blob *trail, size_t i)
{
	struct cur c = cur_of(blob_view(trail));

	for (; i != 0; i--)
		(void)step_read(&c);
	return step_read(&c);
}
