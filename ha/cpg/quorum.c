#include "ha/cpg/quorum.h"

#include <corosync/quorum.h>
#include <stdlib.h>

#include "base/err.h"

struct quorum_watch {
	quorum_handle_t handle;
	int fd;
	struct ha_ev_quorum last;
	bool is_news;
};

static void on_quorum(quorum_handle_t handle, uint32_t quorate, struct quorum_ring_id ring,
	uint32_t n_members, const uint32_t *members)
{
	const void *ctx = NULL;
	struct quorum_watch *w = NULL;

	(void)n_members;
	(void)members;
	if (quorum_context_get(handle, &ctx) != CS_OK || !ctx)
		return;
	memcpy(&w, &ctx, sizeof ctx); /* it was handed over without const */
	/* Only the newest: an earlier ring is gone already. */
	w->last = (struct ha_ev_quorum){
		.ring_seq = ring.seq, .ring_node = ring.nodeid - 1, .quorate = quorate != 0};
	w->is_news = ring.nodeid >= 1 && ring.nodeid <= HA_NODES_MAX;
}

/* NOLINTNEXTLINE(readability-function-size): the library's signature */
static void on_nodes(quorum_handle_t handle, struct quorum_ring_id ring, uint32_t n_members,
	const uint32_t *members, uint32_t n_joined, const uint32_t *joined, uint32_t n_left,
	const uint32_t *left)
{
	(void)handle;
	(void)ring;
	(void)n_members;
	(void)members;
	(void)n_joined;
	(void)joined;
	(void)n_left;
	(void)left;
}

int quorum_watch_open(struct quorum_watch **out)
{
	quorum_model_v1_data_t model = {.model = QUORUM_MODEL_V1,
		.quorum_notify_fn = on_quorum,
		.nodelist_notify_fn = on_nodes};
	struct quorum_watch *w = calloc(1, sizeof *w);
	uint32_t type = QUORUM_FREE;

	if (!w)
		return -ERR_NOMEM;
	if (quorum_model_initialize(&w->handle, QUORUM_MODEL_V1, (quorum_model_data_t *)&model,
		    &type, w) != CS_OK) {
		free(w);
		return -ERR_IO;
	}
	if (quorum_fd_get(w->handle, &w->fd) != CS_OK ||
		quorum_trackstart(w->handle, CS_TRACK_CURRENT | CS_TRACK_CHANGES) != CS_OK) {
		quorum_watch_close(w);
		return -ERR_IO;
	}
	*out = w;
	return 0;
}

int quorum_watch_fd(const struct quorum_watch *w)
{
	return w->fd;
}

int quorum_watch_read(struct quorum_watch *w)
{
	return quorum_dispatch(w->handle, CS_DISPATCH_ALL) == CS_OK ? 0 : -ERR_IO;
}

bool quorum_watch_next(struct quorum_watch *w, struct ha_event *ev)
{
	if (!w->is_news)
		return false;
	w->is_news = false;
	*ev = (struct ha_event){.type = HA_EV_QUORUM, .quorum = w->last};
	return true;
}

void quorum_watch_close(struct quorum_watch *w)
{
	if (!w)
		return;
	(void)quorum_finalize(w->handle);
	free(w);
}
