#pragma once
/*
 * Junos' "$9$" obfuscation of secrets, reading and writing. It hides a key from a glance over the
 * shoulder and nothing else: anyone can undo it.
 *
 * A string is: magic, one salt character, 0..3 filler characters (how many follows from the salt's
 * family), then for each octet a few characters. The distance of each character to the one before
 * it, along the 65-character alphabet, is a digit; the weights of the digits follow from the
 * octet's position.
 */
#include "base/err.h"
#include "base/view.h"

#define SECRET9_MAGIC "$9$"

bool secret9_is(const char *text);
/* The octets, owned by the caller; -ERR_SYNTAX when text was not made by this method. */
int secret9_read(const char *text, struct blob *out) MUST_CHECK;
/* NUL-terminated text of out->n octets (the NUL is not counted). The same octets and seed give the
 * same text. */
int secret9_write(struct view octets, uint32_t seed, struct blob *out) MUST_CHECK;
