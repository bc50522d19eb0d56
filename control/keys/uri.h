#pragma once
/*
 * Where a token has a key: a PKCS#11 URI (RFC 7512).
 *
 *     pkcs11:token=gw;object=Host-A;id=%01?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=/etc/pin
 *
 * Read are token, serial, manufacturer, model, object, id, type and of the query module-path and
 * pin-source. `module-path` and one of object and id must be there; a PIN in clear (pin-value) is
 * refused; what we do not know is refused, because it would choose another key than it says (2.3).
 * Pure, no heap.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/view.h"

#define KEY_URI_MAX 512

struct key_uri {
	char token[33], serial[17], manufacturer[33], model[17]; /* "" = any */
	char object[128];					 /* CKA_LABEL; "" = any */
	uint8_t id[64];						 /* CKA_ID */
	size_t id_n;
	char module[256];     /* absolute path of the library */
	char pin_source[256]; /* absolute path of a file; "" = no login */
};

/* Begins like one. */
bool key_uri_is(const char *text);
/* -ERR_SYNTAX; -ERR_LIMIT: a value is too long; -ERR_UNSUPPORTED: an attribute we do not know;
 * -ERR_VALUE: pin-value, a path that is not absolute, or no module or object. *why: a sentence. */
int key_uri_parse(const char *text, struct key_uri *out, const char **why) MUST_CHECK;
