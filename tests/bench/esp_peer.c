#include "esp_peer.h"

struct peer *peer_new(const struct suite *s, enum dir dir, uint32_t bytes, void *pool)
{
	(void)s;
	(void)dir;
	(void)bytes;
	(void)pool;
	return NULL;
}

void peer_free(struct peer *p)
{
	(void)p;
}

double slice_peer(struct peer *p)
{
	(void)p;
	return 0;
}
