#pragma once
/*
 * Commit before output: what a step changes is gathered in a transaction, leaves as one REPLICATE,
 * and what depends on it is held until COMMITTED (architecture I1, rules 10 and 11).
 *
 *   txn_sa(), txn_child(): the object is to be written again (or for the first time)
 *   txn_gone_sa(), txn_gone_child(): its record is to be removed
 *   txn_*() of the second group: what to do once that is committed
 *   txn_flush(): at the end of a step, or when another group begins
 *
 * One that is too large for a REPLICATE is cut between lineages (cut.h), and each part is held, and
 * if it must be proposed again, by itself. A single lineage that is too large leaves as several
 * REPLICATEs and is committed when all of them are.
 *
 * On COMMITTED the children of a hold are installed; when the dataplane has acknowledged the last
 * of them (or there was none) the rest follows in the order it was asked for.
 *
 * Life: struct txn and struct holds are embedded in the engine. Objects are named by SPI, so a hold
 * may outlive them. Thread: the engine's.
 */
#include "base/list.h"
#include "base/map.h"
#include "base/timer.h"
#include "base/view.h"

struct ike;
struct ike_sa;
struct child;

enum hold_kind {
	HOLD_INSTALL,
	HOLD_ANSWER,
	HOLD_REQUEST,
	HOLD_DELETE,
	HOLD_LINGER,
	HOLD_OUTBOUND,
	HOLD_MOVED
};

struct hold_act {
	enum hold_kind kind;
	uint32_t mid;
	uint64_t spi; /* of the IKE SA, or of the child (inbound) */
	uint64_t lineage;
};

struct hold {
	UT_hash_handle hh; /* by ticket */
	uint64_t ticket;   /* of its last REPLICATE; of several, */
	uint64_t first;	   /* with the tickets from this one on */
	uint32_t pieces;   /* that are not committed yet */
	uint32_t rg;
	bool committed, rejected; /* rejected: to be proposed again */
	bool partly;		  /* of several REPLICATEs one is committed */
	uint32_t installing;	  /* acknowledgements missing */
	struct hold_act *acts;
	uint32_t n, cap;
	/* What it wrote, to write it again after a rejection: for each record the length of its
	 * key, the lineage, the key. */
	struct blob keys;
	struct timer timer;
};

struct holds {
	struct hold *by_ticket;
	uint32_t rejected;	  /* how many */
	struct install *installs; /* by install ticket */
};

struct txn {
	bool open;
	uint32_t rg;
	struct list sas, children; /* changed ones */
	struct blob gone;	   /* record keys, as in hold.keys */
	struct hold *hold;
};

void txn_init(struct txn *t);
void txn_sa(struct ike *ike, struct ike_sa *sa);
void txn_child(struct ike *ike, struct child *c);
void txn_gone_sa(struct ike *ike, const struct ike_sa *sa);
void txn_gone_child(struct ike *ike, const struct child *c);

void txn_install(struct ike *ike, struct child *c);
void txn_answer(struct ike *ike, struct ike_sa *sa);
void txn_request(struct ike *ike, struct ike_sa *sa);
void txn_delete(struct ike *ike, struct child *c);
/* ... a little later: linger.h. */
void txn_linger(struct ike *ike, struct child *c);
void txn_outbound(struct ike *ike, struct child *c);
void txn_moved(struct ike *ike, struct child *c);
void txn_flush(struct ike *ike);

void hold_committed(struct ike *ike, uint64_t ticket);
void hold_rejected(struct ike *ike, uint64_t ticket, bool retry);
void hold_installed(struct ike *ike, uint64_t ticket, int rc);
/* Its timer is due: proposes again. */
void hold_retry(struct ike *ike, struct hold *h);
/* Everything held for a group is forgotten; the dataplane still gets what is committed. */
void holds_forget(struct ike *ike, uint32_t rg);
void holds_fini(struct ike *ike);
/* DELETE, now. */
void hold_emit_delete(struct ike *ike, uint32_t rg, uint32_t spi_in);
