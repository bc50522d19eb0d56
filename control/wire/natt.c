#include "wire/natt.h"

#define KEEPALIVE 0xff
#define ESP_LEAST 8 /* SPI and sequence number */

enum natt_kind natt_classify(struct view datagram, struct view *payload)
{
	static const uint8_t marker[NON_ESP_MARKER_LEN];

	*payload = datagram;
	if (datagram.n == 1 && datagram.p[0] == KEEPALIVE)
		return NATT_KEEPALIVE;
	if (datagram.n <= NON_ESP_MARKER_LEN)
		return NATT_RUNT;
	if (memcmp(datagram.p, marker, sizeof marker) == 0) {
		payload->p += NON_ESP_MARKER_LEN;
		payload->n -= NON_ESP_MARKER_LEN;
		return NATT_IKE;
	}
	return datagram.n < ESP_LEAST ? NATT_RUNT : NATT_ESP;
}

void natt_mark(uint8_t room[NON_ESP_MARKER_LEN])
{
	memset(room, 0, NON_ESP_MARKER_LEN);
}
