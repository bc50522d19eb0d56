#pragma once
/*
 * Corosync's quorum service: whether the ring that this node is in has quorum.
 *
 * Life: quorum_watch_open() .. quorum_watch_close(). After an error the connection is of no use.
 * Thread: the loop; nothing calls back by itself.
 */
#include "ha/step.h"

struct quorum_watch;

/* -ERR_IO: Corosync is not there, or not ready yet. */
int quorum_watch_open(struct quorum_watch **out) MUST_CHECK;
int quorum_watch_fd(const struct quorum_watch *w);
/* When the fd is readable. Then the newest word, if there is one, by quorum_watch_next(). */
int quorum_watch_read(struct quorum_watch *w) MUST_CHECK;
bool quorum_watch_next(struct quorum_watch *w, struct ha_event *ev);
void quorum_watch_close(struct quorum_watch *w);
