#pragma once
/*
 * JSON to a stream, as it comes: nothing is kept but the depth, so lists may be of any length.
 * A name is NULL inside an array.
 */
#include <stdio.h>

#include "base/addr.h"

struct json {
	FILE *f;
	unsigned depth;
	bool first; /* nothing was written yet at this depth */
};

static inline struct json json_to(FILE *f)
{
	return (struct json){.f = f, .first = true};
}

void json_open(struct json *j, const char *name, char bracket); /* '{' or '[' */
void json_close(struct json *j, char bracket);			/* '}' or ']' */
void json_text(struct json *j, const char *name, const char *value);
void json_uint(struct json *j, const char *name, uint64_t value);
void json_int(struct json *j, const char *name, int64_t value);
void json_bool(struct json *j, const char *name, bool value);
/* Zero-padded hex as a string. */
void json_hex(struct json *j, const char *name, uint64_t value, int digits);
