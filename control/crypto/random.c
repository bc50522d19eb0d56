#include "crypto/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

static void kernel_random(void *ctx, void *out, size_t n)
{
	uint8_t *p = out;

	(void)ctx;
	while (n != 0) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		/* Without randomness every key is a lie: there is nothing to go on with. */
		if (got <= 0)
			abort();
		p += got;
		n -= (size_t)got;
	}
}

struct env random_env(void)
{
	return (struct env){.random = kernel_random};
}
