#include "ike/flight.h"

#include <stdlib.h>

struct flight *flight_of(const struct view *v, size_t n)
{
	size_t octets = 0;
	struct flight *f;
	uint8_t *p;

	if (n == 0 || n > UINT16_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (v[i].n > UINT16_MAX)
			return NULL;
		octets += v[i].n;
	}
	f = malloc(sizeof *f + n * sizeof f->len[0] + octets);
	if (!f)
		return NULL;
	f->n = (uint16_t)n;
	p = (uint8_t *)&f->len[n];
	for (size_t i = 0; i < n; i++) {
		f->len[i] = (uint16_t)v[i].n;
		memcpy(p, v[i].p, v[i].n);
		p += v[i].n;
	}
	return f;
}

struct view flight_at(const struct flight *f, size_t i)
{
	const uint8_t *p = (const uint8_t *)&f->len[f->n];

	for (size_t k = 0; k < i; k++)
		p += f->len[k];
	return view_of(p, f->len[i]);
}

size_t flight_octets(const struct flight *f)
{
	size_t octets = 0;

	for (size_t i = 0; i < f->n; i++)
		octets += f->len[i];
	return octets;
}

void flight_free(struct flight *f)
{
	free(f);
}
