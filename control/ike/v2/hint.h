#pragma once
/*
 * One end knows of an SA that the other has not (RFC 7296 1.5, 2.21.4; SPI-001, SPI-002).
 *
 *   a packet came for a child SA that is not here     told inside an IKE SA with that peer; without
 *                                                     one we set one up if we may, which ends what
 *                                                     the peer remembers, else tell it in clear
 *   the peer says so of a child, inside an IKE SA     the child is rekeyed: if the peer has really
 *                                                     lost it, that makes another
 *   somebody says so in clear, of a child or of IKE   the peer is probed if it was silent, no more
 *
 * What comes in clear is never believed: it costs at most one probe each HINT_EACH_MS of an SA, and
 * only when it names an SPI that the peer gave us. What we say ourselves is limited by
 * `respond-bad-spi`. We never say INVALID_IKE_SPI: a node that has not got the SA yet, or any more,
 * would make the peer doubt the one that has.
 */
#include "ike/event.h"
#include "ike/rx.h"

struct ike;
struct ike_sa;
struct ike_header;

#define HINT_EACH_MS 10000
#define HINT_SCAN_MS 100

void hint_bad_spi(struct ike *ike, const struct ike_ev_bad_spi *b);
/* What a protected INFORMATIONAL request says. */
void hint_inside(struct ike *ike, struct ike_sa *sa, const struct rx *rx);
/* True: it was a message in clear, and is dealt with. */
bool hint_outside(struct ike *ike, const struct ike_ev_datagram *dg, const struct ike_header *h);
