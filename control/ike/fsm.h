#pragma once
/*
 * Runs a rule table (docs/ike-states.md is made from it): the only place where the state of an IKE
 * SA is assigned.
 *
 * A rule says: in state `from`, on trigger `on`, when the message has all of `need`, do `act`; if
 * that returned 0, the state is `to`. An act that returns FSM_STAY waits for something and leaves
 * the state alone; one that fails (negative) fires ON_ERROR, whose rule gives the answer. No rule
 * is an error with a name: the message is dropped and counted.
 */
#include "ike/sa.h"

struct rx;

// clang-format off
#define TRIGGER_LIST(X) \
	X(ON_START,            "start") \
	X(ON_RESUME,           "start from a ticket") \
	X(ON_KEX_DONE,         "kex-done") \
	X(ON_SIGNED,           "signed") \
	X(RX_INIT_REQ,         "IKE_SA_INIT request") \
	X(RX_INIT_COOKIE,      "IKE_SA_INIT answer: cookie") \
	X(RX_INIT_BAD_KE,      "IKE_SA_INIT answer: other group") \
	X(RX_INIT_ERROR,       "IKE_SA_INIT answer: error") \
	X(RX_INIT_RESP,        "IKE_SA_INIT answer") \
	X(RX_INTER_REQ,        "IKE_INTERMEDIATE request") \
	X(RX_INTER_RESP,       "IKE_INTERMEDIATE answer") \
	X(RX_RESUME_REQ,       "IKE_SESSION_RESUME request") \
	X(RX_RESUME_RESP,      "IKE_SESSION_RESUME answer") \
	X(RX_AUTH_REQ,         "IKE_AUTH request") \
	X(RX_AUTH_RESP,        "IKE_AUTH answer") \
	X(RX_AUTH_ERROR,       "IKE_AUTH answer: error") \
	X(RX_CHILD_REQ,        "CREATE_CHILD_SA request: child") \
	X(RX_CHILD_REKEY_REQ,  "CREATE_CHILD_SA request: child rekey") \
	X(RX_IKE_REKEY_REQ,    "CREATE_CHILD_SA request: IKE rekey") \
	X(RX_CHILD_RESP,       "CREATE_CHILD_SA answer: child") \
	X(RX_IKE_REKEY_RESP,   "CREATE_CHILD_SA answer: IKE rekey") \
	X(RX_FOLLOW_REQ,       "IKE_FOLLOWUP_KE request") \
	X(RX_INFO_REQ,         "INFORMATIONAL request") \
	X(RX_DELETE_IKE_REQ,   "INFORMATIONAL request: delete IKE SA") \
	X(RX_INFO_RESP,        "INFORMATIONAL answer") \
	X(ON_CLOSE,            "close") \
	X(ON_TIMEOUT,          "no answer") \
	X(ON_EXPIRED,          "hard lifetime") \
	X(ON_LINGER,           "linger") \
	X(ON_ERROR,            "error")
// clang-format on

#define TRIGGER_ROW(name, text) name,

enum sa_trigger { TRIGGER_LIST(TRIGGER_ROW) TRIGGER_END };

const char *sa_trigger_text(enum sa_trigger on);

#define SA_ANY	 ((enum sa_state)0) /* from: any but gone */
#define SA_SAME	 ((enum sa_state)0) /* to: as it was */
#define FSM_STAY 1

struct cause {
	enum sa_trigger on;
	const struct rx *rx;	 /* of RX_*, and of an ON_ERROR that followed one; else NULL */
	struct ike_kex_job *job; /* ON_KEX_DONE */
	enum sa_trigger failed;	 /* ON_ERROR: on what */
	int rc;			 /* ON_ERROR: negative enum err */
};

struct ike_rule {
	const char *story;
	enum sa_state from;
	enum sa_trigger on;
	uint32_t need; /* PLD_BIT() of every payload that must be there */
	int (*act)(struct ike *, struct ike_sa *, const struct cause *);
	const char *name; /* of act */
	enum sa_state to;
};

struct ike_rules {
	const struct ike_rule *v;
	size_t n;
};

struct ike_rules v2_rules(void);

/* 0, FSM_STAY, or negative: -ERR_WRONG_STATE when there is no rule, else what the act returned. */
int fsm_fire(struct ike *ike, struct ike_sa *sa, const struct cause *cause);

static inline int fsm_on(struct ike *ike, struct ike_sa *sa, enum sa_trigger on)
{
	return fsm_fire(ike, sa, &(struct cause){.on = on});
}
