#include "ike/notes.h"

#include "base/cursor.h"
#include "base/err.h"
#include "crypto/sign.h"

static uint32_t spi_of(struct view spi)
{
	struct cur c = cur_of(spi);

	return spi.n == 4 ? cur_be32(&c) : 0;
}

/* RFC 7427 4: two octets each. */
static uint8_t hashes_of(struct view data)
{
	struct cur c = cur_of(data);
	uint8_t set = 0;

	while (cur_left(&c) >= 2) {
		uint16_t number = cur_be16(&c);

		if (number >= SIGN_HASH_SHA1 && number <= SIGN_HASH_IDENTITY)
			set |= (uint8_t)SIGN_HASH_BIT(number);
	}
	return set;
}

static void note_error(const struct pld_notify *n, struct notes *o)
{
	struct cur c = cur_of(n->data);

	if (o->error == 0)
		o->error = n->type;
	if (n->type == N_INVALID_KE_PAYLOAD)
		o->ke_group = cur_be16(&c);
	if (n->type == N_INVALID_SPI)
		o->invalid_spi = cur_be32(&c);
}

/* RFC 4555, 5685, 5723, 9370, 9611. */
static void note_extension(const struct pld_notify *n, struct notes *o)
{
	switch (n->type) {
	case N_TICKET_REQUEST:
		o->ticket_request = true;
		break;
	case N_TICKET_NACK:
		o->ticket_nack = true;
		break;
	case N_TICKET_OPAQUE:
		o->ticket = n->data;
		break;
	case N_TICKET_LT_OPAQUE:
		o->ticket_lt = n->data;
		break;
	case N_REDIRECT_SUPPORTED:
		o->redirect_supported = true;
		break;
	case N_REDIRECT:
		o->redirect = n->data;
		break;
	case N_REDIRECTED_FROM:
		o->redirected_from = n->data;
		break;
	case N_MOBIKE_SUPPORTED:
		o->mobike = true;
		break;
	case N_UPDATE_SA_ADDRESSES:
		o->update_addresses = true;
		break;
	case N_COOKIE2:
		o->cookie2 = n->data;
		break;
	case N_NO_NATS_ALLOWED:
		o->no_nats = n->data;
		break;
	case N_ADDITIONAL_KEY_EXCHANGE:
		o->link = n->data;
		break;
	case N_SA_RESOURCE_INFO:
		o->resource = true;
		break;
	default:
		break;
	}
}

static void note_status(const struct pld_notify *n, struct notes *o)
{
	switch (n->type) {
	case N_INITIAL_CONTACT:
		o->initial_contact = true;
		break;
	case N_ADDITIONAL_TS_POSSIBLE:
		o->additional_ts = true;
		break;
	case N_USE_TRANSPORT_MODE:
		o->use_transport = true;
		break;
	case N_IPCOMP_SUPPORTED:
		o->ipcomp = true;
		break;
	case N_ESP_TFC_PADDING_NOT_SUPPORTED:
		o->tfc_off = true;
		break;
	case N_CHILDLESS_IKEV2_SUPPORTED:
		o->childless = true;
		break;
	case N_IKEV2_FRAGMENTATION_SUPPORTED:
		o->fragmentation = true;
		break;
	case N_USE_PPK:
		o->use_ppk = true;
		break;
	case N_PPK_IDENTITY:
		o->ppk_identity = true;
		o->ppk_id = n->data;
		break;
	case N_NO_PPK_AUTH:
		o->no_ppk_auth = n->data;
		break;
	case N_INTERMEDIATE_EXCHANGE_SUPPORTED:
		o->intermediate = true;
		break;
	case N_IKEV2_MESSAGE_ID_SYNC_SUPPORTED:
		o->mid_sync = true;
		break;
	case N_IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED:
		o->replay_sync = true;
		break;
	case N_SIGNATURE_HASH_ALGORITHMS:
		o->signature_hashes = hashes_of(n->data);
		break;
	case N_COOKIE:
		o->cookie = n->data;
		break;
	case N_REKEY_SA:
		o->rekey = true;
		o->rekey_protocol = n->protocol;
		o->rekey_spi = spi_of(n->spi);
		break;
	case N_NAT_DETECTION_SOURCE_IP:
		if (o->n_natd_source < NOTES_NATD_MAX)
			o->natd_source[o->n_natd_source++] = n->data;
		break;
	case N_NAT_DETECTION_DESTINATION_IP:
		o->natd_destination = n->data;
		break;
	default:
		note_extension(n, o);
		break;
	}
}

int notes_read(const struct chain *c, struct notes *out)
{
	const struct payload *p = NULL;
	struct notes o = {0};
	struct pld_notify n;
	int rc;

	while ((p = chain_next(c, PLD_NOTIFY, p)) != NULL) {
		rc = pld_notify_parse(p->body, &n);
		if (rc < 0)
			return rc;
		if (notify_is_error(n.type))
			note_error(&n, &o);
		else
			note_status(&n, &o);
	}
	*out = o;
	return 0;
}
