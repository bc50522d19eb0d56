#pragma once
/*
 * Two models compared: which objects a reload has to touch, and how hard.
 *
 * An object is changed when its own statements or those it stands on differ (a gateway: its policy
 * and proposals, its local address; a VPN: its IPsec policy and proposals). How hard is the reload
 * class of the statements that differ, or-ed together (schema.h). Rows borrow from both models.
 */
#include "config/model.h"
#include "config/schema.h"

enum diff_kind {
	DIFF_GATEWAY,
	DIFF_VPN,
	DIFF_INTERFACE,
	DIFF_ROUTES, /* routing-options as a whole */
	DIFF_ZONES,
	DIFF_CLUSTER,	/* [edit chassis cluster] */
	DIFF_DATAPLANE, /* [edit chassis dataplane] */
	DIFF_GLOBAL	/* the rest of [edit security] and [edit system] */
};

enum diff_change { DIFF_ADDED, DIFF_CHANGED, DIFF_REMOVED };

struct diff_row {
	enum diff_kind kind;
	enum diff_change change;
	unsigned reload;  /* enum schema_reload, or-ed */
	const char *name; /* of a gateway, VPN or interface, else "" */
};

struct diff {
	struct diff_row *v;
	uint32_t n;
	unsigned reload; /* of all rows */
};

/* Rows come removed first, then changed, then added, by kind and name within each. */
int diff_models(const struct model *old, const struct model *fresh, struct diff *out) MUST_CHECK;
void diff_fini(struct diff *d);
