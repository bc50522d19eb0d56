#pragma once
/*
 * Numbers of control.proto as the operator reads them. Constant texts; "unknown" for the rest.
 */
#include <stdio.h>

#include "base/addr.h"
#include "control.pb-c.h"

#define NAME_MAX_LEN 64

/* IKE detail: "aes256-cbc", "hmac-sha256-128", "hmac-sha256", "DH-group-14". */
const char *name_ike_encr(uint32_t encr, uint32_t bits, char out[NAME_MAX_LEN]);
const char *name_integ(uint32_t integ);
const char *name_prf(uint32_t prf);
const char *name_dh(uint32_t dh, char out[NAME_MAX_LEN]);
/* IPsec brief: "aes-gcm-256", "sha256"; detail: "aes-gcm (256 bits)". */
const char *name_esp_short(uint32_t encr, uint32_t bits, char out[NAME_MAX_LEN]);
const char *name_esp_long(uint32_t encr, uint32_t bits, char out[NAME_MAX_LEN]);
const char *name_integ_short(uint32_t integ);
const char *name_auth(Ctl__AuthMethod auth);
const char *name_exchange(Ctl__Exchange exchange);
const char *name_role(Ctl__Role role);
const char *name_status(Ctl__NodeStatus status);
const char *name_df(Ctl__DfBit df);
char name_monitoring(Ctl__Monitoring monitoring);

/* "192.0.2.1", or "0.0.0.0" when it is missing or odd. */
const char *name_address(ProtobufCBinaryData octets, char out[ADDR_TEXT_MAX]);
/* "192.0.2.1:500" */
const char *name_endpoint(const Ctl__Endpoint *e, char out[NAME_MAX_LEN]);
/* Traffic selectors: "ipv4(a-b)" of a named selector, else "ipv4_subnet(any:0,[0..7]=p)". */
void name_ranges(FILE *f, Ctl__Range *const *ranges, size_t n, bool named);
/* "Sat Nov 21 2026 09:15:02 +0000" */
const char *name_time(uint64_t unix_s, char out[NAME_MAX_LEN]);
