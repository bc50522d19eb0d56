#include "pair_story.h"

struct pair_ca story_ca;

int story_ca_setup(void **state)
{
	(void)state;
	pair_ca_init(&story_ca);
	return 0;
}

int story_ca_teardown(void **state)
{
	(void)state;
	pair_ca_fini(&story_ca);
	return 0;
}

struct story story_of(enum pair_key key, const char *extra_a, const char *extra_b)
{
	struct story s = {.p = pair_new(),
		.a = pair_cert_new(&story_ca, key, "O=test, CN=a", "DNS:a.example, IP:192.0.2.1"),
		.b = pair_cert_new(&story_ca, key, "O=test, CN=b", "DNS:b.example, IP:192.0.2.2"),
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
