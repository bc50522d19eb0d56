#pragma once
/*
 * What stands behind a bar: | match RE, | except RE, | count, | last N, | no-more, | display json,
 * | display set. Text filters work on the whole output, line by line, in the order given.
 */
#include <stdio.h>

#include "cli/words.h"

#define PIPES_MAX 8

enum pipe_kind { PIPE_MATCH, PIPE_EXCEPT, PIPE_COUNT, PIPE_LAST };

struct pipes {
	struct {
		enum pipe_kind kind;
		const char *text;
		uint64_t number;
	} p[PIPES_MAX];

	size_t n;
	bool json, set;
};

/* The words from the first bar on. */
int pipes_parse(const struct words *w, struct pipes *out, struct words_error *error) MUST_CHECK;
/* Writes what is left of text (n octets) to `to`. -ERR_VALUE for a bad expression, -ERR_NOMEM. */
int pipes_run(const struct pipes *p, const char *text, size_t n, FILE *to) MUST_CHECK;
