#pragma once
/*
 * Configuration text to tree, both forms: curly blocks and `set` lines with delete, activate,
 * deactivate, rename, insert. The two may be mixed at the top level.
 *
 * Keywords, names and values are checked against the schema while reading; secrets are kept clear.
 * A statement that cannot be read becomes a complaint and is left out, and reading goes on behind
 * it. Recursion is as deep as the schema.
 */
#include "config/complain.h"
#include "config/tree.h"

/* The tree was initialised with the schema's root. -ERR_SYNTAX when an error was added,
 * -ERR_NOMEM, -ERR_LIMIT for a text that is too large. */
int parse_text(struct tree *t, struct view text, struct complaints *c) MUST_CHECK;
