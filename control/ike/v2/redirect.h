#pragma once
/*
 * Redirect (RFC 5685): peers are sent to another gateway, to empty this one.
 *
 * As responder: where a gateway's peers go is said by its statement `redirect target`, or by the
 * operator until it is cleared or tandemd ends (struct redirects; not replicated, so that a group
 * that moves asks its own node's operator). New peers learn it in IKE_SA_INIT when all gateways
 * that could be meant say the same, else in IKE_AUTH; established ones when the operator says
 * `active`. Only peers that announced that they understand it.
 *
 * As initiator: only gateways with `redirect follow` do, to addresses (names are not looked up), at
 * most REDIRECTS_MAX times in REDIRECTS_MS (RFC 5685 5). Identity and key have to be the
 * configured ones there as well. When the other gateway fails, the configured one is asked again.
 *
 * Life: struct redirects is embedded in the engine, struct redirected in the gateway. Thread: the
 * engine's.
 */
#include "ike/fsm.h"
#include "ike/rx.h"
#include "ike/sa.h"
#include "wire/redirect.h"

struct ike;
struct writer;
struct model_gateway;

#define REDIRECT_RULES_MAX 16
#define REDIRECT_NAME_MAX  64
#define REDIRECTS_MAX	   5
#define REDIRECTS_MS	   300000
#define REDIRECT_TEXT_MAX  256

/* What the operator said. */
struct redirect_rule {
	char gateway[REDIRECT_NAME_MAX]; /* "": all */
	uint8_t type, n, id[255];
};

struct redirects {
	struct redirect_rule v[REDIRECT_RULES_MAX];
	uint32_t n;
};

/* Of a gateway whose initiator we are. */
struct redirected {
	struct addr to, from; /* family 0: nowhere */
	uint32_t times;
	uint64_t since_ms;
};

/* An address or a name; -ERR_VALUE. The view borrows from `room` or from the text. */
int redirect_of_text(const char *text, uint8_t room[16], struct redirect *out) MUST_CHECK;

/* ---- the operator. How many SAs are told; 0 for none. */
int redirect_order(struct ike *ike, const char *gateway, const char *to, bool active,
	uint32_t *told) MUST_CHECK;
/* gateway NULL or "": all that the operator said. How many. */
uint32_t redirect_clear(struct ike *ike, const char *gateway);
/* Is there room for what the operator says of that gateway? */
bool redirect_fits(const struct ike *ike, const char *gateway);
/* Where the peers of that gateway go now, and whether that is configured; false: they stay. */
bool redirect_target(const struct ike *ike, const struct model_gateway *gw, struct redirect *out,
	bool *configured);
/* How many established peers of it could be told. */
uint32_t redirect_able(const struct ike *ike, const struct model_gateway *gw);
/* Returns out. */
char *redirect_text(const struct redirect *r, char out[REDIRECT_TEXT_MAX]);

/* ---- as responder */
/* The data of REDIRECT for an IKE_SA_INIT request; n = 0: the peer may come in. */
struct view redirect_init(struct ike *ike, const struct rx *rx, uint8_t room[REDIRECT_DATA_MAX]);
void redirect_read(const struct ike *ike, struct ike_sa *sa, const struct rx *rx);
/* In IKE_AUTH: true when it says so and there is no child to make. */
bool redirect_auth(struct ike *ike, struct ike_sa *sa, const struct rx *rx, struct writer *w);
/* ... it is up then, for no longer than the peer needs to leave. */
void redirect_part(struct ike *ike, struct ike_sa *sa);
int redirect_begin(struct ike *ike, struct ike_sa *sa) MUST_CHECK;

/* ---- as initiator */
void redirect_request_note(const struct ike_sa *sa, struct writer *w);
/* Where to begin: `usual`, or where that one sent us. */
struct addr redirect_address(const struct gateway *gw, const struct addr *usual);
/* The answer to IKE_SA_INIT: true when it was a redirect, good or bad. */
bool redirect_told_init(struct ike *ike, struct ike_sa *sa, const struct rx *rx);
/* The answer to IKE_AUTH: true when the IKE SA is to be closed again. */
bool redirect_told_auth(struct ike *ike, struct ike_sa *sa, const struct rx *rx);
/* An INFORMATIONAL request. */
void redirect_asked(struct ike *ike, struct ike_sa *sa, const struct rx *rx);
/* No IKE SA came of it. */
void redirect_forget(struct gateway *gw);
