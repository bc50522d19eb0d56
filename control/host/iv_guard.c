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
	rc = incarnation_read(path_of(g, true, path), &g->esp_least);
	if (rc == -ERR_NOT_FOUND)
		rc = 0;
	if (rc == 0)
		rc = incarnation_raise(
			path_of(g, false, path), &d->env, &g->in_use.ike, &g->ike_drawn);
	return rc;
}

/* A dataplane that acts already was admitted when it began to. */
static bool is_acting(const Dp__HelloReply *h)
{
	for (size_t i = 0; i < h->n_rgs; i++)
		if (h->rgs[i]->role == DP__RG_ROLE__RG_ACTIVE && h->rgs[i]->epoch != 0)
			return true;
	return false;
}

void iv_guard_hello(struct iv_guard *g, const Dp__HelloReply *h)
{
	uint16_t says = (uint16_t)h->incarnation;

	g->in_use.esp = MAX(says, g->esp_least);
	/* What it is told by us is no drawn number any more. */
	g->esp_drawn = h->fresh_state && says >= g->esp_least && !is_acting(h);
}

/* The next start raises what is in the file by one. */
static int leave(const struct iv_guard *g, bool esp, uint16_t least)
{
	char path[PATH_BUF];

	return incarnation_write(path_of(g, esp, path), esp ? least : (uint16_t)(least - 1));
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
