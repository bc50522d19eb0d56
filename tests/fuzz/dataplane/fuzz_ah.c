/*
 * AH's view of a packet: any octets as an IPv4 or IPv6 packet, as sender and as receiver.
 *
 * Input: ICV length(1) packet. Properties: nothing outside the packet is touched; what was muted is
 * restored to the last bit; muting again what was muted changes nothing (the zeroes are stable).
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/ah.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct view packet, uint32_t icv, bool sending)
{
	uint8_t *p = malloc(packet.n), *once = malloc(packet.n);
	struct ah_muted m, again;
	struct ah_place a;

	assert(p && once);
	memcpy(p, packet.p, packet.n);
	if (ah_find(view_of(p, packet.n), icv, &a) != AH_OK)
		goto out;
	assert((size_t)a.at + a.len <= packet.n);
	assert(p[a.next_at] == 51);
	if (ah_mute(p, &a, sending, &m) == AH_OK) {
		memcpy(once, p, packet.n);
		/* a route that was followed to its end is what a receiver may see */
		if (ah_mute(p, &a, false, &again) == AH_OK)
			assert(memcmp(p, once, packet.n) == 0);
		memcpy(p, once, packet.n);
		ah_unmute(p, &m);
	}
	assert(memcmp(p, packet.p, packet.n) == 0);
out:
	free(p);
	free(once);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t icvs[] = {12, 16, 24, 32};

	if (size < 2 || size > 4096)
		return 0;
	check(view_of(data + 1, size - 1), icvs[data[0] & 3], true);
	check(view_of(data + 1, size - 1), icvs[data[0] & 3], false);
	return 0;
}
