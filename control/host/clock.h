#pragma once
/*
 * The two clocks of the daemon. CLOCK_BOOTTIME for everything that decides (it counts through a
 * suspend, so a node that slept knows); the wall clock only for people.
 */
#include <stdint.h>

uint64_t clock_boot_ns(void);

static inline uint64_t clock_boot_ms(void)
{
	return clock_boot_ns() / 1000000;
}

/* Since 1970. */
uint64_t clock_wall_ms(void);

static inline int64_t clock_wall_s(void)
{
	return (int64_t)(clock_wall_ms() / 1000);
}
