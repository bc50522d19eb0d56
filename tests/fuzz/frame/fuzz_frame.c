/*
 * The stream reader: the first octet says how to cut the rest into reads. What comes out must be
 * the same however it was cut.
 */
#include <stdint.h>
#include <stdlib.h>

#include "frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t run(struct view in, size_t step, uint64_t *sum)
{
	struct frame_in f;
	struct view m;
	size_t count = 0;

	frame_in_init(&f, 4096);
	for (size_t at = 0; at < in.n; at += step) {
		if (frame_in_push(&f, view_of(in.p + at, MIN(step, in.n - at))) < 0)
			break;
		while (frame_in_next(&f, &m) > 0) {
			count++;
			for (size_t i = 0; i < m.n; i++)
				*sum = *sum * 31 + m.p[i];
		}
	}
	frame_in_fini(&f);
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t a = 0, b = 0;

	if (size < 2)
		return 0;
	if (run(view_of(data + 1, size - 1), (size_t)data[0] + 1, &a) !=
			run(view_of(data + 1, size - 1), 1, &b) ||
		a != b)
		abort();
	return 0;
}
