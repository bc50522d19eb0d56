#pragma once
/*
 * How often this daemon has started on this node: part of every IV it makes (architecture rule 6),
 * so the number on disk is raised and synced before the first use.
 */
#include "base/view.h"

/* Raises the number kept in `path`; *fresh tells that there was no file. -ERR_IO: do not start. */
int incarnation_raise(const char *path, uint16_t *out, bool *fresh) MUST_CHECK;
