#pragma once
/*
 * Tree to text, both forms. Keywords come in the order of the schema, entries and values as they
 * were written; reading the text again gives an equal tree.
 */
#include "config/config.h"
#include "config/tree.h"

/* Owned by the caller, not terminated. */
int print_tree(const struct tree *t, enum config_form form, enum config_secrets secrets,
	struct blob *out) MUST_CHECK;
