#pragma once
/*
 * How often this daemon has started on this node: part of every IV it makes (architecture rule 6),
 * so the number on disk is raised and synced before the first use.
 */
#include "base/env.h"
#include "base/view.h"

/*
 * Raises the number kept in `path`; *fresh tells that there was no file. It is drawn then, from the
 * lower half: a node that lost its file does not begin with numbers that it has certainly used, and
 * has as many starts ahead of it. -ERR_IO: do not start.
 */
int incarnation_raise(
	const char *path, const struct env *env, uint16_t *out, bool *fresh) MUST_CHECK;

/* -ERR_NOT_FOUND: no file; -ERR_LIMIT: damaged, or used up. */
int incarnation_read(const char *path, uint16_t *out) MUST_CHECK;
int incarnation_write(const char *path, uint16_t n) MUST_CHECK;
