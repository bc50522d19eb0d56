#pragma once
/*
 * What the engine counts. Names are stable: they are metrics.
 */
#include <stdint.h>

// clang-format off
#define IKE_STATS_LIST(X) \
	X(rx_datagrams, "datagrams received") \
	X(rx_malformed, "dropped: not an IKE message") \
	X(rx_version, "dropped: other major version") \
	X(rx_unknown_spi, "dropped: no such IKE SA") \
	X(rx_not_ours, "dropped: group is not active here") \
	X(rx_no_gateway, "dropped: no gateway for that peer") \
	X(rx_limit, "dropped: too many half-open negotiations") \
	X(rx_source_limit, "dropped: too many half-open negotiations of that source") \
	X(rx_source_rate, "dropped: too many new negotiations of that source") \
	X(rx_source_failed, "dropped: too many refused peers of that source") \
	X(rx_second, "dropped: that peer negotiates already") \
	X(rx_jobs, "dropped: too many key exchanges for strangers") \
	X(rx_spoiled, "dropped unread: too many bad messages of a negotiation") \
	X(half_swept, "half-open negotiations ended early") \
	X(unsaid, "log lines about strangers left out") \
	X(rx_window, "dropped: message ID outside the window") \
	X(rx_unexpected, "dropped: not possible in this state") \
	X(rx_integrity, "dropped: integrity check failed") \
	X(rx_keepalive_rate, "dropped: too many liveness checks of one peer") \
	X(rx_backoff, "dropped: a peer whose negotiation has just failed") \
	X(rekeys_refused, "rekeys refused: too many of one peer") \
	X(rx_duplicate, "duplicate requests answered again") \
	X(rx_bad_ke, "dropped: a public value that is none") \
	X(rx_busy, "dropped: its exchange is being worked on") \
	X(rx_fragments, "fragments collected") \
	X(rx_fragment_unasked, "dropped: fragment without agreement on fragmentation") \
	X(rx_fragment_limit, "dropped: too many fragments, or no room for them") \
	X(rx_fragment_again, "dropped: fragment that is there already") \
	X(rx_fragment_smaller, "dropped: fragment of a set that a finer one replaced") \
	X(rx_fragment_answered, "dropped: fragment of an answered request, but the first") \
	X(rx_fragment_timeouts, "messages given up, fragments of which did not come") \
	X(tx_messages, "messages sent the first time") \
	X(tx_retransmits, "requests sent again") \
	X(ppk_refused, "peers not authenticated: post-quantum key") \
	X(tx_fragmented, "messages sent in fragments") \
	X(tx_too_large, "messages not sent: they need more than 32 fragments") \
	X(tx_keepalives, "NAT keepalives sent") \
	X(cookies_sent, "cookies demanded") \
	X(cookies_bad, "wrong cookies") \
	X(init_refusals, "unauthenticated refusals of first messages of ours") \
	X(auth_failed, "peers not authenticated") \
	X(peers_over_limit, "peers refused: connections-limit") \
	X(peers_duplicate, "peers refused: their identity is connected from elsewhere") \
	X(peers_replaced, "peers replaced: their identity came again from elsewhere") \
	X(sign_failed, "signatures of ours that could not be made") \
	X(ike_initiated, "IKE SAs begun by us") \
	X(ike_responded, "IKE SAs begun by peers") \
	X(ike_revoked, "IKE SAs closed because a certificate was revoked") \
	X(ike_up, "IKE SAs established") \
	X(ike_rekeyed, "IKE SAs rekeyed") \
	X(ike_reauthenticated, "IKE SAs authenticated anew by us") \
	X(ike_down, "IKE SAs closed") \
	X(ike_dead, "peers declared dead") \
	X(child_up, "child SAs established") \
	X(child_rekeyed, "child SAs rekeyed") \
	X(child_own, "child SAs established for a worker of ours") \
	X(child_own_refused, "child SAs for a worker of ours that the peer refused") \
	X(child_max_queue, "child SAs refused: as many for the same traffic as there may be") \
	X(child_down, "child SAs closed") \
	X(child_failed, "child SAs refused") \
	X(bad_spis, "packets for SAs that are not there, as far as told") \
	X(tickets_given, "tickets given to peers") \
	X(tickets_refused, "tickets refused") \
	X(resumed, "peers that went on from a ticket") \
	X(redirects_sent, "peers redirected") \
	X(redirects_followed, "redirects followed") \
	X(redirects_refused, "redirects not followed") \
	X(mobike_moves, "moves of peers (MOBIKE)") \
	X(mobike_refused, "moves of peers refused") \
	X(mobike_unverified, "peers that were not where they said") \
	X(hints, "SPIs said to be unknown, looked into") \
	X(hints_ignored, "SPIs said to be unknown, not believed") \
	X(collisions, "crossing rekeys") \
	X(restored_sas, "IKE SAs restored from records") \
	X(restored_children, "child SAs restored from records") \
	X(restore_failed, "records that could not be restored") \
	X(rejected, "transactions that were not committed")
// clang-format on

#define IKE_STATS_FIELD(name, text) uint64_t name;

struct ike_stats {
	IKE_STATS_LIST(IKE_STATS_FIELD)
};
