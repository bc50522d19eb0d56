#pragma once
/*
 * Every way a call of ours can fail. Functions return 0 or a negative `enum err`;
 * the sentence is for people, the name is stable and may be matched by tests.
 */
#include "base/cleanup.h"

/* row: name, sentence */
#define ERR_LIST(X)                                                                                \
	X(ERR_NOMEM, "out of memory")                                                              \
	X(ERR_TRUNCATED, "input ends too early or is longer than it says")                         \
	X(ERR_VALUE, "a value is outside its range")                                               \
	X(ERR_SPACE, "the output buffer is full")                                                  \
	X(ERR_LIMIT, "a configured or fixed limit is reached")                                     \
	X(ERR_SYNTAX, "syntax error")                                                              \
	X(ERR_CRITICAL, "an unknown payload is marked critical")                                   \
	X(ERR_VERSION, "version not supported")                                                    \
	X(ERR_AUTH, "authentication failed")                                                       \
	X(ERR_NO_PROPOSAL, "no proposal chosen")                                                   \
	X(ERR_INVALID_KE, "key exchange group differs")                                            \
	X(ERR_TS, "traffic selectors unacceptable")                                                \
	X(ERR_WRONG_STATE, "not possible in this state")                                           \
	X(ERR_NOT_FOUND, "no such object")                                                         \
	X(ERR_EXISTS, "object exists already")                                                     \
	X(ERR_CRYPTO, "the crypto library refused")                                                \
	X(ERR_IO, "input or output failed")                                                        \
	X(ERR_AGAIN, "try again later")                                                            \
	X(ERR_REPLAY, "seen before, or older than the window")                                     \
	X(ERR_EPOCH, "from a superseded owner")                                                    \
	X(ERR_UNSUPPORTED, "not supported")

enum err {
	ERR_NONE_ = 0,

#define X(name, text) name,
	ERR_LIST(X)
#undef X
		ERR_COUNT_
};

/* Both take the positive or the negative code and never return NULL. */
const char *err_name(int code);
const char *err_text(int code);
