#pragma once
/*
 * Which SAs an operator means: every field of the filter that is set must match. Pure functions.
 */
#include "ike/event.h"

struct ike_sa;
struct child;
struct tunnel;

bool filter_fits_sa(const struct ike_filter *f, const struct ike_sa *sa);
bool filter_fits_tunnel(const struct ike_filter *f, const struct tunnel *t);
bool filter_fits_child(const struct ike_filter *f, const struct child *c);
