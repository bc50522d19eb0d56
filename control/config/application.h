#pragma once
/*
 * Applications that Junos defines by itself, as far as one protocol and one port say what they are
 * (TS-001). Const rows; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

struct application {
	const char *name;
	uint8_t protocol;
	uint16_t port_lo, port_hi; /* of the server; 0..65535: it has none */
};

/* NULL: it is not known. */
const struct application *application_find(const char *name);
