#include "pair_story.h"

struct story story_of(
	const struct pair_ca *ca, enum pair_key key, const char *extra_a, const char *extra_b)
{
	struct story s = {.p = pair_new(),
		.a = pair_cert_new(ca, key, "O=test, CN=a", "DNS:a.example, IP:192.0.2.1"),
		.b = pair_cert_new(ca, key, "O=test, CN=b", "DNS:b.example, IP:192.0.2.2"),
		.side_a = side_a,
		.side_b = side_b};

	s.side_a.extra = extra_a;
	s.side_b.extra = extra_b;
	return s;
}

void story_start(struct story *s)
{
	s->p->node[0].cert = s->a;
	s->p->node[1].cert = s->b;
	pair_start(s->p, 0, &s->side_a);
	pair_start(s->p, 1, &s->side_b);
}

void story_end(struct story *s)
{
	pair_free(s->p);
	pair_cert_free(s->a);
	pair_cert_free(s->b);
}
