#pragma once
/*
 * From protobuf to our own types. Pure.
 */
#include "base/addr.h"
#include "core/ipaddr.h"
#include "core/spd.h"
#include "dataplane.pb-c.h"

int selector_of_pb(const Dp__Selector *s, struct selector *out) MUST_CHECK;

static inline struct view view_of_pb(const ProtobufCBinaryData *b)
{
	return view_of(b->data, b->len);
}

/* Of either family; -ERR_VALUE for other lengths, and for IPv4 in the clothes of IPv6. */
int ipaddr_of_pb(const ProtobufCBinaryData *b, struct ipaddr *out) MUST_CHECK;
/* 4 or 16 octets of a message that outlives the call of the packer. */
ProtobufCBinaryData pb_of_ipaddr(struct ipaddr a, uint8_t room[16]);
