#include "config/secret9.h"

#include <stdlib.h>

#include "base/secret.h"

/* The alphabet, in four families; a salt of family f is followed by 3 - f filler characters. */
static const char alphabet[] = "QzF3n6/9CAtpu0O"
			       "B1IREhcSyrleKvMW8LXx"
			       "7N-dVbwsY2g4oaJZGUDj"
			       "iHkq.mPf5T";
#define ALPHABET_N 65u

static const uint8_t family_end[] = {15, 35, 55, 65};

/* Weights of the digits, least first, for the octet at position mod 7. */
static const struct {
	uint8_t n, weight[4];
} weights[7] = {{3, {1, 4, 32}}, {3, {1, 16, 32}}, {3, {1, 8, 32}}, {2, {1, 64}}, {2, {1, 32}},
	{4, {1, 4, 16, 128}}, {3, {1, 32, 64}}};

bool secret9_is(const char *text)
{
	return strncmp(text, SECRET9_MAGIC, strlen(SECRET9_MAGIC)) == 0;
}

static int letter(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

static unsigned filler(int salt)
{
	unsigned family = 0;

	while (salt >= family_end[family])
		family++;
	return 3 - family;
}

/* One octet; *prev moves along. The digits must be those secret9_write() would choose. */
static int read_octet(const char *at, size_t position, int *prev, uint8_t *out)
{
	unsigned value = 0;

	for (unsigned i = 0; i < weights[position % 7].n; i++) {
		int c = letter(at[i]);

		if (c < 0)
			return -ERR_SYNTAX;
		value += ((unsigned)(c - *prev) + ALPHABET_N - 1) % ALPHABET_N *
			 weights[position % 7].weight[i];
		*prev = c;
	}
	*out = (uint8_t)value;
	return 0;
}

int secret9_read(const char *text, struct blob *out)
{
	const char *at = text + strlen(SECRET9_MAGIC);
	auto_blob octets = {0};
	size_t left;
	int prev;

	if (!secret9_is(text))
		return -ERR_SYNTAX;
	prev = letter(*at);
	left = strlen(at);
	if (prev < 0 || left <= filler(prev) + 1)
		return -ERR_SYNTAX;
	at += filler(prev) + 1;
	left -= filler(prev) + 1;
	octets.p = malloc(left);
	if (!octets.p)
		return -ERR_NOMEM;
	while (left > 0) {
		unsigned n = weights[octets.n % 7].n;

		if (n > left || read_octet(at, octets.n, &prev, &octets.p[octets.n]) < 0) {
			secret_wipe(octets.p, octets.n);
			return -ERR_SYNTAX;
		}
		octets.n++;
		at += n;
		left -= n;
	}
	*out = blob_take(&octets);
	return 0;
}

/* A small generator for salt and filler: variety, not secrecy. */
static unsigned draw(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return (*state >> 16) % ALPHABET_N;
}

int secret9_write(struct view octets, uint32_t seed, struct blob *out)
{
	/* magic, salt, filler, at most 4 characters an octet, NUL */
	char *text = malloc(3 + 4 + 4 * octets.n + 1), *at = text;
	unsigned prev;

	if (!text)
		return -ERR_NOMEM;
	for (size_t i = 0; i < octets.n; i++)
		seed = (seed ^ octets.p[i]) * 16777619u;
	memcpy(at, SECRET9_MAGIC, 3);
	at += 3;
	prev = draw(&seed);
	*at++ = alphabet[prev];
	for (unsigned i = filler((int)prev); i > 0; i--)
		*at++ = alphabet[draw(&seed)];
	for (size_t i = 0; i < octets.n; i++) {
		unsigned digits[4], rest = octets.p[i], n = weights[i % 7].n;

		for (unsigned d = n; d-- > 0; rest %= weights[i % 7].weight[d])
			digits[d] = rest / weights[i % 7].weight[d];
		for (unsigned d = 0; d < n; d++) {
			prev = (prev + digits[d] + 1) % ALPHABET_N;
			*at++ = alphabet[prev];
		}
	}
	*at = '\0';
	*out = (struct blob){(uint8_t *)text, (size_t)(at - text)};
	return 0;
}
