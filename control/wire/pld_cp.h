#pragma once
/*
 * Configuration payload (RFC 7296 3.15): type(1) reserved(3), then R|type(2) length(2) value.
 * Life: values; views are borrowed. The structure is checked once; the iterator cannot fail.
 */
#include "base/emit.h"
#include "base/view.h"
#include "wire/iana.h"

#define CP_ATTR_MAX 256

struct pld_cp {
	uint8_t type;
	uint16_t count;
	struct view attrs; /* for cp_iter_of() */
};

struct cp_attr {
	uint16_t type; /* 15 bits; enum cp_attr_type, or anything */
	struct view value;
};

struct cp_iter {
	struct view rest;
};

int pld_cp_parse(struct view body, struct pld_cp *out) MUST_CHECK;
struct cp_iter cp_iter_of(const struct pld_cp *cp);
bool cp_attr_next(struct cp_iter *it, struct cp_attr *out);

/* Emission: the type once, then attributes one by one. */
void pld_cp_emit(struct emit *e, uint8_t type);
void cp_attr_emit(struct emit *e, const struct cp_attr *attr);
