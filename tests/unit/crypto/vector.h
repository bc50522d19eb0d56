#pragma once
/*
 * Reader of tests/vectors/ files: records of "name = value" lines, one empty line after each,
 * comments with '#'. Values are hex unless the test knows better.
 *
 * Life: vector_open() .. vector_close(); fields are valid until the next vector_next().
 */
#include <stdbool.h>
#include <stdio.h>

#include "base/view.h"

#define VECTOR_FIELDS_MAX 24

struct vector {
	FILE *f;
	size_t n;

	struct {
		char *name, *text;
		struct blob hex; /* empty when the text is not hex */
	} field[VECTOR_FIELDS_MAX];
};

/* Ends the test when the file cannot be read. */
void vector_open(struct vector *v, const char *name);
/* The next record; false at the end. */
bool vector_next(struct vector *v);
/* Ends the test when the record has no such field. */
struct view vector_hex(const struct vector *v, const char *name);
const char *vector_text(const struct vector *v, const char *name);
void vector_close(struct vector *v);

/* Hex text of a test as octets; the blob is the caller's. Ends the test on a typing error. */
struct blob unhex(const char *text);
