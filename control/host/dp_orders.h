#pragma once
/*
 * Requests to the dataplane, spelled once. Each fills a dp.Request and sends it; a failure to send
 * is not reported, because a dataplane that is away is refilled as a whole when it comes back.
 * Answers that matter come through the callback given.
 */
#include "ha/step.h"
#include "host/dp_client.h"

struct dp_rg_order {
	uint32_t rg;
	bool active;
	uint64_t epoch, deadline_ns;
	uint32_t owner; /* whom to forward to while standby, HA_NODE_NONE */
};

/* These two answer -ERR_EPOCH when the dataplane was fenced. `done` may be NULL; when sending fails
 * it is not called, and the result says so. */
int dp_order_rg(struct dp_client *c, const struct dp_rg_order *o, dp_reply_fn *done, void *ctx);
int dp_order_deadline(
	struct dp_client *c, const struct ha_do_deadline *d, dp_reply_fn *done, void *ctx);
void dp_order_announce(struct dp_client *c, uint32_t rg, uint32_t count);
/* body: packed dp.Lease */
void dp_order_lease(struct dp_client *c, struct view body);
void dp_order_delete(struct dp_client *c, const uint32_t *spi_in, size_t n);
void dp_order_fabric_renew(struct dp_client *c, const struct ha_do_fabric *f, bool fence);
/* -ERR_AGAIN when the dataplane is away: `done` is then not called. */
int dp_order_freeze(struct dp_client *c, const struct ha_do_handover *h, dp_reply_fn *done,
	void *ctx) MUST_CHECK;
int dp_order_activate(struct dp_client *c, const struct ha_do_handover *h, dp_reply_fn *done,
	void *ctx) MUST_CHECK;
void dp_order_forward(struct dp_client *c, const struct ha_do_handover *h, bool abort);
/* The states of a freeze reply as opaque octets for ha; dp_order_activate() unpacks them. */
int dp_states_pack(const Dp__Reply *r, struct blob *out) MUST_CHECK;
