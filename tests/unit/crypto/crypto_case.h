#pragma once
/*
 * Group fixture of the crypto tests: *state is a struct crypto for all tests of the program.
 */
int crypto_setup(void **state);
int crypto_teardown(void **state);
