#pragma once
/*
 * Inside of token*.c: PKCS#11's own types.
 */
#define CRYPTOKI_GNU 1
#include <p11-kit/pkcs11.h>

#include "keys/token.h"

struct token_key {
	struct ck_function_list *f;
	ck_session_handle_t session;
	ck_object_handle_t object;
	bool ecdsa;
	uint32_t bits;
};

/* A session of the token a URI names, logged in if there is a PIN. */
int token_session(const struct token_modules *m, const struct key_uri *u, struct view pin,
	struct ck_function_list **f, ck_session_handle_t *out) MUST_CHECK;
/* The object of that class with the URI's label and id. -ERR_NOT_FOUND, -ERR_VALUE: several. */
int token_find(struct ck_function_list *f, ck_session_handle_t session, const struct key_uri *u,
	ck_object_class_t class, ck_object_handle_t *out) MUST_CHECK;
int token_err(ck_rv_t rv);
