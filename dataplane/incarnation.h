#pragma once
/*
 * The incarnation of AEAD IVs on disk (architecture rule 6): raised and synced before it is used.
 * One file, one decimal number: everything up to and including it may have been used.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/env.h"

struct incarnation {
	char path[512];
	uint16_t now;  /* first one this process may use */
	bool is_fresh; /* there was no file: the node id must be a never-used one */
};

/* dir may be NULL: nothing is remembered, and every start is fresh. */
int incarnation_begin(struct incarnation *i, const char *dir, const struct env *env) MUST_CHECK;
/* Reserves one more on disk; *out is it. */
int incarnation_reserve(struct incarnation *i, uint16_t last, uint16_t *out) MUST_CHECK;
