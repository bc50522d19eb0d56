/*
 * IKEv2 as a table: what may happen in which state of an IKE SA. tests/unit/ike walks all pairs.
 */
#include "base/cleanup.h"
#include "ike/v2/exchange.h"

#define P(x)   PLD_BIT(PLD_##x)
#define ACT(f) f, #f

// clang-format off
static const struct ike_rule rules[] = {
	/* initiator */
	{"make a key pair", SA_IDLE, ON_START, 0, ACT(on_init_start), SA_KEYING},
	{"ask to go on from a ticket", SA_IDLE, ON_RESUME, 0, ACT(on_resume_start), SA_INIT_SENT},
	{"ask with it", SA_KEYING, ON_KEX_DONE, 0, ACT(on_init_key_pair), SA_INIT_SENT},
	{"ask again with the cookie", SA_INIT_SENT, RX_INIT_COOKIE, 0, ACT(on_init_cookie), SA_SAME},
	{"ask again with another group", SA_INIT_SENT, RX_INIT_BAD_KE, 0, ACT(on_init_other_group), SA_KEYING},
	{"they want none of it", SA_INIT_SENT, RX_INIT_ERROR, 0, ACT(on_init_refused), SA_SAME},
	{"nobody said anything better", SA_INIT_SENT, ON_LINGER, 0, ACT(on_init_given_up), SA_GONE},
	{"compute the shared secret", SA_INIT_SENT, RX_INIT_RESP, P(SA) | P(KE) | P(NONCE), ACT(on_init_answered), SA_DERIVING},
	{"prove who we are, after all key exchanges", SA_DERIVING, ON_KEX_DONE, 0, ACT(on_init_secret), SA_AUTH_SENT},
	{"compute one more shared secret", SA_DERIVING, RX_INTER_RESP, P(KE), ACT(on_inter_answered), SA_SAME},
	{"prove who we are, signed", SA_DERIVING, ON_SIGNED, 0, ACT(on_auth_signed), SA_AUTH_SENT},
	{"go on, prove who we are", SA_INIT_SENT, RX_RESUME_RESP, P(NONCE), ACT(on_resume_answered), SA_AUTH_SENT},
	{"check who they are", SA_AUTH_SENT, RX_AUTH_RESP, P(IDR) | P(AUTH), ACT(on_auth_answered), SA_UP},
	{"tell them that we do not trust them", SA_AUTH_SENT, ON_CLOSE, 0, ACT(on_distrust), SA_CLOSING},
	{"they do not accept us", SA_AUTH_SENT, RX_AUTH_ERROR, 0, ACT(on_auth_refused), SA_SAME},
	/* responder */
	{"make a key pair and the secret", SA_IDLE, RX_INIT_REQ, P(SA) | P(KE) | P(NONCE), ACT(on_init_asked), SA_RESPONDING},
	{"answer", SA_RESPONDING, ON_KEX_DONE, 0, ACT(on_init_respond), SA_HALF_OPEN},
	{"one more key exchange", SA_HALF_OPEN, RX_INTER_REQ, P(KE), ACT(on_inter_asked), SA_SAME},
	{"go on from their ticket", SA_IDLE, RX_RESUME_REQ, P(NONCE), ACT(on_resume_asked), SA_HALF_OPEN},
	{"check who they are, prove who we are", SA_HALF_OPEN, RX_AUTH_REQ, P(IDI) | P(AUTH), ACT(on_auth_asked), SA_UP},
	{"refuse, keep the answer a little", SA_HALF_OPEN, ON_ERROR, 0, ACT(on_auth_refuse), SA_REFUSED},
	/* established */
	{"make a child that they ask for", SA_UP, RX_CHILD_REQ, P(SA) | P(NONCE) | P(TSI) | P(TSR), ACT(on_child_asked), SA_SAME},
	{"rekey a child that they ask for", SA_UP, RX_CHILD_REKEY_REQ, P(SA) | P(NONCE) | P(TSI) | P(TSR), ACT(on_child_asked), SA_SAME},
	{"hand over to a successor they ask for", SA_UP, RX_IKE_REKEY_REQ, P(SA) | P(NONCE) | P(KE), ACT(on_rekey_asked), SA_REKEYED},
	{"one more key exchange of that", SA_UP, RX_FOLLOW_REQ, 0, ACT(on_follow_asked), SA_REKEYED},
	{"make the child that we asked for", SA_UP, RX_CHILD_RESP, 0, ACT(on_child_answered), SA_SAME},
	{"hand over to the successor", SA_UP, RX_IKE_REKEY_RESP, 0, ACT(on_rekey_answered), SA_REKEYED},
	{"answer, delete children", SA_UP, RX_INFO_REQ, 0, ACT(on_info_asked), SA_SAME},
	{"they close it", SA_UP, RX_DELETE_IKE_REQ, 0, ACT(on_delete_asked), SA_CLOSED},
	{"our deletes and probes are answered", SA_UP, RX_INFO_RESP, 0, ACT(on_info_answered), SA_SAME},
	{"close it", SA_UP, ON_CLOSE, 0, ACT(on_close), SA_CLOSING},
	{"its life is over: close it", SA_UP, ON_EXPIRED, 0, ACT(on_expired), SA_CLOSING},
	{"say what was wrong", SA_UP, ON_ERROR, 0, ACT(on_bad_message), SA_CLOSED},
	/* replaced */
	{"still answer", SA_REKEYED, RX_INFO_REQ, 0, ACT(on_info_asked), SA_SAME},
	{"they close the old one", SA_REKEYED, RX_DELETE_IKE_REQ, 0, ACT(on_delete_asked), SA_CLOSED},
	{"not here any more", SA_REKEYED, RX_CHILD_REQ, 0, ACT(on_busy_asked), SA_SAME},
	{"not here any more", SA_REKEYED, RX_CHILD_REKEY_REQ, 0, ACT(on_busy_asked), SA_SAME},
	{"not here any more", SA_REKEYED, RX_IKE_REKEY_REQ, 0, ACT(on_busy_asked), SA_SAME},
	{"nothing is known of that", SA_REKEYED, RX_FOLLOW_REQ, 0, ACT(on_follow_unknown), SA_SAME},
	{"a late answer", SA_REKEYED, RX_INFO_RESP, 0, ACT(on_info_answered), SA_SAME},
	{"close the old one", SA_REKEYED, ON_CLOSE, 0, ACT(on_close), SA_CLOSING},
	{"they never closed the old one", SA_REKEYED, ON_EXPIRED, 0, ACT(on_expired), SA_CLOSING},
	{"say what was wrong", SA_REKEYED, ON_ERROR, 0, ACT(on_bad_message), SA_CLOSED},
	/* closing */
	{"both close it", SA_CLOSING, RX_DELETE_IKE_REQ, 0, ACT(on_delete_asked), SA_CLOSED},
	{"still answer", SA_CLOSING, RX_INFO_REQ, 0, ACT(on_info_asked), SA_SAME},
	{"not any more", SA_CLOSING, RX_CHILD_REQ, 0, ACT(on_busy_asked), SA_SAME},
	{"not any more", SA_CLOSING, RX_CHILD_REKEY_REQ, 0, ACT(on_busy_asked), SA_SAME},
	{"not any more", SA_CLOSING, RX_IKE_REKEY_REQ, 0, ACT(on_busy_asked), SA_SAME},
	{"nothing is known of that", SA_CLOSING, RX_FOLLOW_REQ, 0, ACT(on_follow_unknown), SA_SAME},
	{"closed", SA_CLOSING, RX_INFO_RESP, 0, ACT(on_close_answered), SA_GONE},
	{"nobody answers the delete", SA_CLOSING, ON_TIMEOUT, 0, ACT(on_close_answered), SA_GONE},
	{"closing took too long", SA_CLOSING, ON_EXPIRED, 0, ACT(on_close_answered), SA_GONE},
	{"nothing more to say", SA_CLOSING, ON_ERROR, 0, NULL, "", SA_SAME},
	{"forget the closed one", SA_CLOSED, ON_LINGER, 0, ACT(on_forget), SA_GONE},
	/* before authentication everything else ends it */
	{"could not begin", SA_IDLE, ON_ERROR, 0, ACT(on_auth_broken), SA_GONE},
	{"no key pair", SA_KEYING, ON_ERROR, 0, ACT(on_auth_broken), SA_GONE},
	{"refused", SA_INIT_SENT, ON_ERROR, 0, ACT(on_auth_broken), SA_GONE},
	{"no shared secret", SA_DERIVING, ON_ERROR, 0, ACT(on_auth_broken), SA_GONE},
	{"not authenticated", SA_AUTH_SENT, ON_ERROR, 0, ACT(on_auth_broken), SA_GONE},
	{"no key pair for them", SA_RESPONDING, ON_ERROR, 0, ACT(on_auth_broken), SA_GONE},
	{"asked in vain", SA_INIT_SENT, ON_TIMEOUT, 0, ACT(on_auth_broken), SA_GONE},
	{"asked for one more key exchange in vain", SA_DERIVING, ON_TIMEOUT, 0, ACT(on_auth_broken), SA_GONE},
	{"authenticated in vain", SA_AUTH_SENT, ON_TIMEOUT, 0, ACT(on_auth_broken), SA_GONE},
	{"they never came back", SA_RESPONDING, ON_LINGER, 0, ACT(on_auth_broken), SA_GONE},
	{"they never authenticated", SA_HALF_OPEN, ON_LINGER, 0, ACT(on_auth_broken), SA_GONE},
	{"forget the refused one", SA_REFUSED, ON_LINGER, 0, ACT(on_auth_broken), SA_GONE},
	{"the configuration lost it", SA_IDLE, ON_EXPIRED, 0, ACT(on_auth_broken), SA_GONE},
	{"the configuration lost it", SA_KEYING, ON_EXPIRED, 0, ACT(on_auth_broken), SA_GONE},
	{"the configuration lost it", SA_INIT_SENT, ON_EXPIRED, 0, ACT(on_auth_broken), SA_GONE},
	{"the configuration lost it", SA_DERIVING, ON_EXPIRED, 0, ACT(on_auth_broken), SA_GONE},
	{"the configuration lost it", SA_AUTH_SENT, ON_EXPIRED, 0, ACT(on_auth_broken), SA_GONE},
	{"the configuration lost it", SA_RESPONDING, ON_EXPIRED, 0, ACT(on_auth_broken), SA_GONE},
	{"the configuration lost it", SA_HALF_OPEN, ON_EXPIRED, 0, ACT(on_auth_broken), SA_GONE},
	/* anything, at the end of the table: the first that fits wins */
	{"the peer is dead", SA_ANY, ON_TIMEOUT, 0, ACT(on_dead), SA_GONE},
	{"the peer began anew", SA_ANY, ON_LINGER, 0, ACT(on_forget), SA_GONE},
};

// clang-format on

struct ike_rules v2_rules(void)
{
	return (struct ike_rules){rules, ARRAY_LEN(rules)};
}
