#pragma once
/*
 * Words for the hot path.
 */

/* Arrays of the hot path are written before they are read; gcc would zero them in each call. */
#if defined(__GNUC__) && !defined(__clang__)
#define UNINITIALIZED __attribute__((uninitialized))
#else
#define UNINITIALIZED
#endif
