#pragma once
/*
 * What a worker tells the API thread: a fixed-size record, copied through a ring.
 */
#include <stdint.h>

#include "core/ipaddr.h"
#include "core/seqno.h"

enum note_kind {
	NOTE_ACQUIRE,
	NOTE_LEASE_WANT,
	NOTE_INBOUND_FIRST,
	NOTE_ENDPOINT_MOVED,
	NOTE_LIFETIME,
	NOTE_BAD_SPI,
	NOTE_ARP_ANSWER,
	NOTE_PATH_MTU,
};

struct note {
	enum note_kind kind;
	uint32_t spi;

	union {
		struct {
			struct ipaddr src, dst;
			uint32_t policy_id;
			uint16_t sport, dport;
			uint8_t protocol;
			uint8_t worker_hint; /* as in dp.Acquire */
		} acquire;

		struct {
			uint8_t rg;
			struct lease want;
		} lease;

		struct {
			struct ipaddr from, to;
			uint16_t from_port, to_port;
		} endpoint;

		struct {
			uint8_t kind;
		} lifetime;

		struct {
			struct ipaddr addr;
			uint16_t iface;
			uint8_t mac[6];
		} arp;

		struct { /* spi: outbound */
			struct ipaddr remote;
			uint32_t number;
			uint16_t mtu;
		} path_mtu;
	};
};
