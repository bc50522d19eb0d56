#pragma once
/*
 * Fragments that wait at a worker.
 */
#include "worker.h"

struct reasm *gather_new(const struct env *env);
void gather_free(struct worker *w);
