#pragma once
/*
 * Single values of the configuration text: numbers, interface names, ports, MAC addresses.
 * Pure functions over NUL-terminated words; results are written on success only.
 */
#include "base/view.h"

/* Decimal digits only, no sign, fits 64 bits. */
bool value_uint(const char *s, uint64_t *out);
bool value_is_hex(const char *s);
/* Letters, digits and ._:/@- ; a policy may be named by an address. */
bool value_is_name(const char *s);
/* Can be the name of a file: a name without '/', not starting with a dot. */
bool value_is_file(const char *s);
/* Dotted object identifier: "1.3.6.1.4.1.99999.1" (X.660: first arc 0..2). */
bool value_is_oid(const char *s);
/* RFC 1123 host name. */
bool value_is_host(const char *s);
bool value_mac(const char *s, uint8_t out[6]);
/* "443" or "1024-2047". */
bool value_ports(const char *s, uint16_t *lo, uint16_t *hi);
bool value_protocol(const char *s, uint8_t *out);

/* ge-f/p/n, xe-f/p/n, et-f/p/n, reth<n>, st0, fab<n>. */
bool value_is_interface(const char *s);
/* The same with ".unit". */
bool value_is_unit(const char *s);
/* Number behind "reth" or "fab"; false for another prefix. */
bool value_interface_index(const char *s, const char *prefix, uint32_t *out);
/* Shell-like match with * and ?, for <...> names in groups. */
bool value_matches(const char *pattern, const char *text);
