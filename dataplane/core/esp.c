#include "core/esp.h"

#include "base/err.h"

uint32_t esp_payload_max(const struct esp_shape *s, uint32_t room)
{
	uint32_t fixed = ESP_HDR + (uint32_t)s->iv + s->icv, cipher;

	if (room < fixed)
		return 0;
	cipher = (room - fixed) & ~(s->align - 1u);
	return cipher > ESP_TRAILER ? cipher - ESP_TRAILER : 0;
}

uint32_t esp_cipher_len(const struct esp_shape *s, uint32_t n)
{
	uint32_t fixed = ESP_HDR + (uint32_t)s->iv + s->icv;

	if (n < fixed + ESP_TRAILER || ((n - fixed) & (s->align - 1u)) != 0)
		return 0;
	return n - fixed;
}

void esp_trailer_put(uint8_t *end, uint32_t pad, uint8_t next)
{
	for (uint32_t i = 0; i < pad; i++)
		end[i] = (uint8_t)(i + 1);
	end[pad] = (uint8_t)pad;
	end[pad + 1] = next;
}

int esp_trailer_get(struct view plain, uint32_t *payload, uint8_t *next)
{
	uint32_t pad;
	const uint8_t *p;

	if (plain.n < ESP_TRAILER)
		return -ERR_VALUE;
	pad = plain.p[plain.n - 2];
	if (pad > plain.n - ESP_TRAILER)
		return -ERR_TRUNCATED;
	p = plain.p + plain.n - ESP_TRAILER - pad;
	for (uint32_t i = 0; i < pad; i++)
		if (p[i] != i + 1)
			return -ERR_VALUE;
	*payload = (uint32_t)plain.n - ESP_TRAILER - pad;
	*next = plain.p[plain.n - 1];
	return 0;
}
