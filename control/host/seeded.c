#include "host/seeded.h"

#include <stdio.h>

#include "base/err.h"
#include "base/secret.h"
#include "host/daemon.h"
#include "ike/seed.h"

static int key_of(struct daemon *d, const struct model_gateway *gw, const char *peer,
	uint8_t key[SEED_KEY_LEN])
{
	struct addr a;
	uint8_t type = seed_id_type(peer, &a);
	bool is_addr = type == ID_IPV4_ADDR || type == ID_IPV6_ADDR;

	return seed_key(d->crypto, gw->policy->seeded_psk, type,
		is_addr ? addr_view(&a) : view_of_text(peer), key);
}

static void answer(struct daemon *d, const Ctl__SeededKey *q, struct ctl_call *call)
{
	const struct model_gateway *gw = model_gateway(d->model, q->gateway);
	uint8_t key[SEED_KEY_LEN];
	char text[SEED_KEY_LEN + 32];
	int rc;

	if (!gw) {
		ctl_fail(call, "IKE gateway '%s' is not configured", q->gateway);
		return;
	}
	if (!gw->policy || gw->policy->seeded_psk.n == 0) {
		ctl_fail(call, "the policy of gateway '%s' has no seeded-pre-shared-key",
			q->gateway);
		return;
	}
	rc = key_of(d, gw, q->peer_id, key);
	if (rc < 0) {
		ctl_fail(call, "%s", err_text(rc));
		return;
	}
	(void)snprintf(text, sizeof text, "Pre-shared key: %.*s\n", SEED_KEY_LEN, (char *)key);
	ctl_done(call, daemon_node(d), text, 1);
	secret_wipe(key, sizeof key);
	secret_wipe(text, sizeof text);
}

bool seeded_command(struct daemon *d, const Ctl__Request *q, struct ctl_call *call)
{
	if (q->command_case != CTL__REQUEST__COMMAND_SEEDED_KEY)
		return false;
	answer(d, q->seeded_key, call);
	return true;
}
