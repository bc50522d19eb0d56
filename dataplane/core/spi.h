#pragma once
/*
 * The layout of inbound SPIs (architecture rule 13): rg(8) | bucket(bits) | random(24 - bits).
 * Two owners can never pick the same one, and the bucket tells the worker without a lookup.
 * Host order throughout. Manual SAs are the exception: see spi_bucket().
 */
#include <stdbool.h>
#include <stdint.h>

enum {
	SPI_BUCKET_BITS_MIN = 6,
	SPI_BUCKET_BITS_MAX = 16,
	/* RFC 4303 2.1 reserves 0..255; manual SAs may have what lies above, up to here. */
	SPI_RESERVED_LAST = 255,
	SPI_MANUAL_LAST = 16639,
};

static inline uint32_t spi_rg(uint32_t spi)
{
	return spi >> 24;
}

/* One that an operator chose has neither group nor bucket in it: its value is spread. */
static inline bool spi_is_manual(uint32_t spi)
{
	return spi <= SPI_MANUAL_LAST;
}

static inline uint32_t spi_bucket(uint32_t spi, uint32_t bits)
{
	if (__builtin_expect(spi_is_manual(spi), 0))
		return spi * 0x9e3779b1u >> (32 - bits);
	return (spi & 0xffffff) >> (24 - bits);
}

static inline uint32_t spi_make(uint32_t rg, uint32_t bucket, uint32_t bits, uint32_t random)
{
	uint32_t low = 24 - bits;

	return rg << 24 | (bucket & ((1u << bits) - 1)) << low | (random & ((1u << low) - 1));
}

/* May IKE give it to a new SA? */
static inline bool spi_is_dynamic(uint32_t spi)
{
	return spi > SPI_MANUAL_LAST;
}
