#pragma once
/*
 * Builds an IKE message: header, payload chain, lengths (RFC 7296 3.1, 3.2).
 *
 * Life: a value on the caller's stack, writing into memory the caller lends; no heap.
 * Errors stick, as in base/emit.h: build everything, then ask once at the end.
 *
 *   writer_begin(&w, room, sizeof room, &hdr);
 *   pld_sa..., or by hand: writer_open(&w, PLD_KE); pld_ke_emit(&w.e, &ke); writer_close(&w);
 *   rc = writer_end(&w, &message);               for a plain message
 *   sk_open(&w, shape); ...; rc = sk_close(&w, &envelope);   for a protected one, see sk.h
 */
#include "base/emit.h"
#include "wire/message.h"

struct writer {
	struct emit e;	  /* payload bodies are written here, between open and close */
	size_t next_at;	  /* where the type of the next payload goes; WRITER_FIRST: into first */
	size_t length_at; /* length field of the open payload; 0: none open */
	size_t sk_at;	  /* start of the SK payload; 0: none */
	bool headless;	  /* begun by writer_begin_inner() */
	uint8_t first;	  /* headless: type of the first payload (for SKF) */
	uint8_t sk_iv_len, sk_icv_len, sk_block;
};

#define WRITER_FIRST SIZE_MAX

/* h->next and h->length are computed; h->version 0 means 2.0. */
void writer_begin(struct writer *w, void *room, size_t cap, const struct ike_header *h);
/* A chain without a header: what goes inside SK when it has to be fragmented (RFC 7383). */
void writer_begin_inner(struct writer *w, void *room, size_t cap);
void writer_open(struct writer *w, uint8_t type);
void writer_close(struct writer *w);
/* A payload whose body is already there. */
void writer_add(struct writer *w, uint8_t type, struct view body);
/* Patches the message length; -ERR_SPACE when anything did not fit or was out of turn. */
int writer_end(struct writer *w, struct view *out) MUST_CHECK;
