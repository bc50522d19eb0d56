#include "host/iv_guard.h"

#include <stdio.h>

#include "base/err.h"
#include "host/daemon.h"
#include "host/incarnation.h"

enum { PATH_BUF = 512 };

static const char *path_of(const struct iv_guard *g, bool esp, char out[PATH_BUF])
{
	(void)snprintf(out, PATH_BUF, "%s/%s", g->d->args.state_dir,
		esp ? "dataplane.incarnation" : "tandemd.incarnation");
	return out;
}

int iv_guard_start(struct iv_guard *g, struct daemon *d)
{
	char path[PATH_BUF];
	int rc;

	*g = (struct iv_guard){.d = d};
	rc = incarnation_read(path_of(g, true, path), &g->esp_seen);
	if (rc == -ERR_NOT_FOUND)
		rc = 0;
	if (rc == 0)
		rc = incarnation_raise(
			path_of(g, false, path), &d->env, &g->in_use.ike, &g->ike_drawn);
	return rc;
}

static void see(struct iv_guard *g, uint16_t esp)
{
	char path[PATH_BUF];

	if (esp <= g->esp_seen)
		return;
	if (incarnation_write(path_of(g, true, path), esp) < 0)
		daemon_stop(g->d, "the state directory cannot be written");
	g->esp_seen = esp;
}

void iv_guard_hello(struct iv_guard *g, const Dp__HelloReply *h)
{
	const struct iv_verdict v =
		iv_floor_arrival(&(struct iv_arrival){.says = (uint16_t)h->incarnation,
			.seen = g->esp_seen,
			.is_drawn = h->fresh_state,
			.is_configured = h->configured});

	g->in_use.esp = v.in_use;
	g->esp_least = v.least;
	g->esp_drawn = v.is_unknown;
	if (!v.is_unknown) {
		see(g, v.in_use);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(g->known); i++)
		g->known[i].esp = 0; /* of another dataplane */
}

/* The next start goes above what is in the file. */
static int leave(const struct iv_guard *g, bool esp, uint16_t least)
{
	char path[PATH_BUF];

	return incarnation_write(path_of(g, esp, path), (uint16_t)(least - 1));
}

static void know(struct iv_guard *g, uint32_t rg, const struct iv_floor *f)
{
	g->known[rg].ike = MAX(g->known[rg].ike, f->ike);
	g->known[rg].esp = MAX(g->known[rg].esp, f->esp);
}

bool iv_guard_admits(struct iv_guard *g, uint32_t rg, struct view kept)
{
	const struct iv_floor floor = iv_floor_read(kept), least = iv_floor_above(&floor);
	bool ike = g->ike_drawn && floor.ike > g->known[rg].ike && g->in_use.ike < least.ike;
	bool esp = g->esp_drawn && floor.esp > g->known[rg].esp && g->in_use.esp < least.esp;
	int rc = 0;

	if (!ike && !esp) {
		know(g, rg, &floor);
		see(g, g->in_use.esp);
		return true;
	}
	log_err(&g->d->log, "iv.used_before",
		"rg=%u ike=%u ike-least=%u esp=%u esp-least=%u reason=\"the state files of this "
		"node were lost\"",
		rg, g->in_use.ike, least.ike, g->in_use.esp, least.esp);
	/* The other one was lost with it, though perhaps not heard of yet; more than needed does no
	 * harm. */
	if (ike)
		rc = leave(g, false, least.ike);
	if (rc == 0 && floor.esp != 0)
		rc = leave(g, true, least.esp);
	daemon_stop(g->d, rc == 0 ? "comes back with IVs that were never used"
				  : "the state directory cannot be written");
	return false;
}

bool iv_guard_note(
	struct iv_guard *g, uint32_t rg, struct view kept, uint8_t out[IV_FLOOR_BODY_LEN])
{
	const struct iv_floor floor = iv_floor_read(kept);
	struct iv_floor next;

	if (!iv_floor_ahead(&floor, &g->in_use, &next))
		return false;
	know(g, rg, &next);
	iv_floor_body(&next, out);
	return true;
}
