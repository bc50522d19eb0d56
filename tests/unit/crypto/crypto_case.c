#include "crypto_case.h"

#include "crypto/crypto.h"

int crypto_setup(void **state)
{
	struct crypto *c = NULL;

	if (crypto_new(&c) < 0)
		return -1;
	*state = c;
	return 0;
}

int crypto_teardown(void **state)
{
	crypto_free(*state);
	return 0;
}
