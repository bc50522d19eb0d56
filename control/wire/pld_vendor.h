#pragma once
/*
 * Vendor ID payload (RFC 7296 3.12): opaque octets, never an error, never required.
 */
#include "base/emit.h"
#include "base/view.h"

int pld_vendor_parse(struct view body, struct view *out) MUST_CHECK;
void pld_vendor_emit(struct emit *e, struct view id);
