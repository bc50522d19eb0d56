#pragma once
/*
 * Ownership that ends with the scope, and results that may not be ignored.
 */
#include <stddef.h>
#include <sys/param.h> /* brings its own MIN and MAX: replaced below, whoever includes it later */

#define MUST_CHECK	__attribute__((warn_unused_result))
#define PRINTF(fmt, at) __attribute__((format(printf, fmt, at)))
#define CLEANUP(fn)	__attribute__((cleanup(fn)))
#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

/* Each argument is evaluated once; both must have the same type. */
#undef MIN
#undef MAX
#define MIN(a, b)                                                                                  \
	({                                                                                         \
		typeof(a) min_a_ = (a), min_b_ = (b);                                              \
		(typeof(a))(min_a_ < min_b_ ? min_a_ : min_b_);                                    \
	})
#define MAX(a, b)                                                                                  \
	({                                                                                         \
		typeof(a) max_a_ = (a), max_b_ = (b);                                              \
		(typeof(a))(max_a_ > max_b_ ? max_a_ : max_b_);                                    \
	})

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Hands the pointer on and leaves NULL behind, so that an auto_* variable no longer frees it. */
#define take_ptr(p)                                                                                \
	({                                                                                         \
		typeof(p) took_ = (p);                                                             \
		(p) = NULL;                                                                        \
		took_;                                                                             \
	})

void cleanup_free(void *pp);
#define auto_free CLEANUP(cleanup_free)
