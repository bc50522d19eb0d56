/*
 * NAT detection (RFC 7296 2.23): digests of addresses and ports, as sent and as they arrive.
 */
#include "base/emit.h"
#include "crypto/hash.h"
#include "ike/engine.h"
#include "ike/tx.h"
#include "ike/v2/exchange.h"
#include "wire/writer.h"

static int natd_hash(
	struct ike *ike, const uint64_t spi[2], const struct endpoint *at, uint8_t out[HASH_MAX])
{
	uint8_t room[18];
	struct emit e = emit_to(room, sizeof room);
	struct view ports;

	emit_be64(&e, spi[0]);
	emit_be64(&e, spi[1]);
	emit_be16(&e, at->port);
	ports = view_of(room + 16, 2);
	return hash(ike->cfg.crypto, HASH_SHA1,
		VIEWS(view_of(room, 16), addr_view(&at->addr), ports), out);
}

void natd_write(struct ike *ike, const struct ike_sa *sa, struct writer *w)
{
	const uint64_t spi[2] = {sa_spi_i(sa), sa_spi_r(sa)};
	uint8_t digest[HASH_MAX];

	if (!sa->gw->model->nat_traversal)
		return;
	if (natd_hash(ike, spi, &sa->local, digest) == 0)
		tx_notify(w, N_NAT_DETECTION_SOURCE_IP, view_of(digest, HASH_SHA1_LEN));
	if (natd_hash(ike, spi, &sa->remote, digest) == 0)
		tx_notify(w, N_NAT_DETECTION_DESTINATION_IP, view_of(digest, HASH_SHA1_LEN));
}

void natd_read(struct ike *ike, struct ike_sa *sa, const struct rx *rx, uint64_t spi_r)
{
	const uint64_t spi[2] = {sa_spi_i(sa), spi_r};
	const struct notes *n = &rx->notes;
	uint8_t digest[HASH_MAX];

	if (!sa->gw->model->nat_traversal || n->n_natd_source == 0 || n->natd_destination.n == 0)
		return;
	if (natd_hash(ike, spi, &rx->dg->local, digest) == 0)
		sa->nat_local = !view_equal(n->natd_destination, view_of(digest, HASH_SHA1_LEN));
	if (natd_hash(ike, spi, &rx->dg->remote, digest) < 0)
		return;
	sa->nat_remote = true;
	for (uint32_t i = 0; i < n->n_natd_source; i++)
		if (view_equal(n->natd_source[i], view_of(digest, HASH_SHA1_LEN)))
			sa->nat_remote = false;
}
