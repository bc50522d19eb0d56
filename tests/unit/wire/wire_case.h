#pragma once
/*
 * Table tests of payload parsers: octets in, verdict out.
 *
 * The octets are copied to an allocation of exactly their size, so that reading one too many is
 * seen by the address sanitizer. Octets of a valid case must also survive being emitted again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/emit.h"
#include "base/err.h"
#include "base/view.h"

struct wire_case {
	const char *name, *bytes;
	size_t n;
	int rc;
};

#define BYTES(literal) (literal), sizeof(literal) - 1

/* Ends the test, naming the case, when parse() says something else than the table. */
void wire_table(const struct wire_case *cases, size_t n, int (*parse)(struct view body));
/* What was written, or the end of the test. */
struct view emitted(const struct emit *e);
