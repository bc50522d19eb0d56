#include "pbconv.h"

#include "base/err.h"
#include "core/ip4.h"

int ipaddr_of_pb(const ProtobufCBinaryData *b, struct ipaddr *out)
{
	struct ipaddr a;

	if (b->len == 4) {
		*out = ipaddr_v4(load_be32(b->data));
		return 0;
	}
	if (b->len != 16)
		return -ERR_VALUE;
	a = ipaddr_load(b->data);
	if (ipaddr_is_v4(a))
		return -ERR_VALUE;
	*out = a;
	return 0;
}

ProtobufCBinaryData pb_of_ipaddr(struct ipaddr a, uint8_t room[16])
{
	if (!ipaddr_is_v4(a)) {
		ipaddr_store(room, a);
		return (ProtobufCBinaryData){16, room};
	}
	store_be32(room, ipaddr_to_v4(a));
	return (ProtobufCBinaryData){4, room};
}

/* A range of IPv6 may begin or end anywhere: no packet has the addresses that look like IPv4. */
static int range_end(const ProtobufCBinaryData *b, struct ipaddr *out)
{
	if (b->len != 16)
		return ipaddr_of_pb(b, out);
	*out = ipaddr_load(b->data);
	return 0;
}

int selector_of_pb(const Dp__Selector *s, struct selector *out)
{
	struct ipaddr low, high;
	int rc = range_end(&s->low, &low);

	if (rc == 0)
		rc = range_end(&s->high, &high);
	if (rc < 0)
		return rc;
	if (s->low.len != s->high.len || s->protocol > UINT8_MAX || s->port_low > UINT16_MAX ||
		s->port_high > UINT16_MAX || ipaddr_below(high, low) || s->port_low > s->port_high)
		return -ERR_VALUE;
	out->low = low;
	out->high = high;
	out->protocol = (uint8_t)s->protocol;
	out->port_low = (uint16_t)s->port_low;
	out->port_high = (uint16_t)s->port_high;
	return 0;
}
