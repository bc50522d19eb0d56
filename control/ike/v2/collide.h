#pragma once
/*
 * When the two ends act at the same time (RFC 7296 2.8.1, 2.8.2, 2.25).
 *
 * Simultaneous rekeys both succeed; of the four nonces the lowest one's exchange loses: whoever
 * began it deletes what it made, the other end deletes the SA that was replaced.
 */
#include "base/view.h"

struct ike;
struct ike_sa;
struct child;
struct exch;

/* TEMPORARY_FAILURE is the answer: the IKE SA is being rekeyed, or we are deleting that child. */
bool collide_refuses_child(const struct ike_sa *sa, const struct child *old);
/* Our request for a child that is under way, or NULL: the peer may have made that child already,
 * and its answer be on the way. */
struct exch *collide_makes_child(const struct ike_sa *sa);
/* ... we are busy with children, closing, or authenticating anew. */
bool collide_refuses_rekey(struct ike *ike, const struct ike_sa *sa);

/* The peer rekeyed `old` into `made`: remembered if we are rekeying it too. */
void collide_child_asked(struct ike_sa *sa, const struct child *old, const struct child *made,
	struct view ni, struct view nr);
/* The same for two that make the first child of one tunnel at once, both for all of it: the RFC
 * leaves both, we keep one. */
void collide_first_asked(
	struct ike_sa *sa, const struct child *made, struct view ni, struct view nr);
void collide_first_agreed(struct ike *ike, struct ike_sa *sa, struct child *made, struct view nr);
/* Our rekey of `old` (NULL: gone meanwhile) came through as `made`. */
void collide_child_agreed(
	struct ike *ike, struct ike_sa *sa, struct child *old, struct child *made, struct view nr);

/* Who inherits the children of an IKE SA that ends while our rekey of it is under way: what the
 * peer's crossing rekey made. NULL: nobody. */
struct ike_sa *collide_heir(struct ike *ike, const struct ike_sa *sa);

/* The same for IKE SAs. True: we are rekeying `sa` too, its children wait for the outcome. */
bool collide_rekey_asked(struct ike *ike, struct ike_sa *sa, const struct ike_sa *made,
	struct view ni, struct view nr);
/* Which one is kept: ours, or the rival; NULL when that has been closed since, children and all. */
struct ike_sa *collide_rekey_winner(
	struct ike *ike, struct ike_sa *sa, struct ike_sa *ours, struct view nr);
