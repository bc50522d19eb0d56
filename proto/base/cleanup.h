#pragma once
/*
 * Ownership that ends with the scope, and results that may not be ignored.
 */
#include <stddef.h>

#define MUST_CHECK	__attribute__((warn_unused_result))
#define PRINTF(fmt, at) __attribute__((format(printf, fmt, at)))
#define CLEANUP(fn)	__attribute__((cleanup(fn)))
#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)	((a) < (b) ? (a) : (b))
#define MAX(a, b)	((a) > (b) ? (a) : (b))

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
