#pragma once
/*
 * What a UDP 4500 datagram carries (RFC 3948 2): four zero octets before IKE, one 0xff octet to
 * keep a NAT mapping alive, an SPI otherwise. Pure functions; any thread.
 */
#include "base/view.h"

#define NON_ESP_MARKER_LEN 4

enum natt_kind { NATT_IKE, NATT_ESP, NATT_KEEPALIVE, NATT_RUNT };

/* For NATT_IKE, *payload is the datagram without the marker; for NATT_ESP all of it. */
enum natt_kind natt_classify(struct view datagram, struct view *payload);
/* Writes the marker to the first NON_ESP_MARKER_LEN octets of room. */
void natt_mark(uint8_t room[NON_ESP_MARKER_LEN]);
