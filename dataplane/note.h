#pragma once
/*
 * What a worker tells the API thread: a fixed-size record, copied through a ring.
 */
#include <stdint.h>

#include "core/seqno.h"

enum note_kind {
	NOTE_ACQUIRE,
	NOTE_LEASE_WANT,
	NOTE_INBOUND_FIRST,
	NOTE_ENDPOINT_MOVED,
	NOTE_LIFETIME,
	NOTE_BAD_SPI,
	NOTE_ARP_ANSWER,
};

struct note {
	enum note_kind kind;
	uint32_t spi;

	union {
		struct {
			uint32_t policy_id, src, dst;
			uint16_t sport, dport;
			uint8_t protocol;
		} acquire;

		struct {
			uint8_t rg;
			struct lease want;
		} lease;

		struct {
			uint32_t from, to;
			uint16_t from_port, to_port;
		} endpoint;

		struct {
			uint8_t kind;
		} lifetime;

		struct {
			uint32_t addr;
			uint16_t iface;
			uint8_t mac[6];
		} arp;
	};
};
