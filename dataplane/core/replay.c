#include "core/replay.h"

#include <string.h>

#include "base/err.h"

uint32_t replay_window_round(uint32_t window)
{
	if (window == 0)
		return 0;
	if (window < REPLAY_WINDOW_MIN)
		return REPLAY_WINDOW_MIN;
	if (window > REPLAY_WINDOW_MAX)
		return REPLAY_WINDOW_MAX;
	return (window + 63) & ~63u;
}

uint32_t replay_words(uint32_t window)
{
	uint32_t need = replay_window_round(window) / 64 + 1, n = 2;

	if (window == 0)
		return 0;
	while (n < need)
		n *= 2;
	return n;
}

void replay_init(struct replay *r, uint32_t window, uint64_t *words)
{
	uint32_t n = replay_words(window);

	*r = (struct replay){
		.words = words,
		.window = replay_window_round(window),
		.mask = n ? n - 1 : 0,
	};
}

/* Without a window the high half is still needed for the ICV: take the nearer candidate. */
static uint64_t infer_width(const struct replay *r)
{
	return r->window ? r->window : UINT64_C(1) << 31;
}

uint64_t replay_infer(const struct replay *r, uint32_t low, bool esn)
{
	uint64_t width = infer_width(r);
	uint32_t top_low = (uint32_t)r->top, top_high = (uint32_t)(r->top >> 32);
	uint32_t bottom = (uint32_t)(top_low - width + 1);

	if (!esn)
		return low;
	if (top_low >= width - 1) /* case A: the window lies within one subspace */
		return (uint64_t)(low >= bottom ? top_high : top_high + 1) << 32 | low;
	if (low < bottom) /* case B: it straddles two */
		return (uint64_t)top_high << 32 | low;
	return top_high == 0 ? 0 : (uint64_t)(top_high - 1) << 32 | low;
}

static void top_set(struct replay *r, uint64_t top)
{
	__atomic_store_n(&r->top, top, __ATOMIC_RELAXED);
}

/* Opens the words after the top's up to the one of `seq`. */
static void replay_advance(struct replay *r, uint64_t seq)
{
	uint64_t steps = seq / 64 - r->top / 64;

	if (steps > r->mask)
		memset(r->words, 0, (r->mask + 1) * sizeof r->words[0]);
	else
		for (uint64_t i = 1; i <= steps; i++)
			r->words[(r->top / 64 + i) & r->mask] = 0;
	top_set(r, seq);
}

int replay_mark(struct replay *r, uint64_t seq)
{
	int rc = replay_check(r, seq);

	if (rc < 0)
		return rc;
	if (r->window == 0) {
		top_set(r, seq > r->top ? seq : r->top);
		return 0;
	}
	if (seq > r->top)
		replay_advance(r, seq);
	r->words[seq / 64 & r->mask] |= UINT64_C(1) << (seq % 64);
	return 0;
}

void replay_raise(struct replay *r, uint64_t top)
{
	if (top <= r->top)
		return;
	top_set(r, top);
	if (r->window)
		memset(r->words, 0xff, (r->mask + 1) * sizeof r->words[0]);
	/* Bits above the top belong to numbers not seen yet. */
	if (r->window && top % 64 != 63)
		r->words[top / 64 & r->mask] = (UINT64_C(1) << (top % 64 + 1)) - 1;
}

/* The window covers `window/64` words and a bit: the newest word's low part and the oldest word's
 * high part share one exported word, split exactly behind the top's bit. */
void replay_export(const struct replay *r, uint64_t *words)
{
	uint32_t n = r->window / 64;
	uint64_t word = r->top / 64;
	uint64_t newest = r->top % 64 == 63 ? UINT64_MAX : (UINT64_C(1) << (r->top % 64 + 1)) - 1;

	if (n == 0)
		return;
	for (uint32_t i = 1; i < n; i++) /* the words wholly inside */
		words[(word + i) % n] = word + i >= n ? r->words[(word - n + i) & r->mask] : 0;
	words[word % n] = (r->words[word & r->mask] & newest) |
			  (word >= n ? r->words[(word - n) & r->mask] & ~newest : 0);
}

void replay_import(struct replay *r, uint64_t top, const uint64_t *words)
{
	uint32_t n = r->window / 64;
	uint64_t word = top / 64;
	uint64_t newest = top % 64 == 63 ? UINT64_MAX : (UINT64_C(1) << (top % 64 + 1)) - 1;

	if (top < r->top)
		return;
	top_set(r, top);
	if (n == 0)
		return;
	memset(r->words, 0xff, (r->mask + 1) * sizeof r->words[0]);
	for (uint32_t i = 1; i < n; i++)
		r->words[(word - n + i) & r->mask] = words[(word + i) % n];
	r->words[(word - n) & r->mask] = words[word % n] | newest;
	r->words[word & r->mask] = words[word % n] & newest;
}
