#include "cli/request.h"

#include <strings.h>

static uint32_t number(const struct command *c, enum slot slot)
{
	return c->slot[slot].given ? (uint32_t)c->slot[slot].number : 0;
}

/* protobuf-c's fields are not const, but packing only reads them. */
static void *lent(const void *p)
{
	void *q;

	memcpy(&q, &p, sizeof q);
	return q;
}

static char *text(const struct command *c, enum slot slot)
{
	return lent(c->slot[slot].given ? c->slot[slot].text : "");
}

static Ctl__Family family(const struct command *c)
{
	return (Ctl__Family)number(c, SLOT_FAMILY);
}

static void fill_filters(struct request *r, const struct command *c)
{
	ctl__ike_filter__init(&r->ike);
	r->ike.index = number(c, SLOT_INDEX);
	r->ike.port = number(c, SLOT_PORT);
	r->ike.family = family(c);
	r->ike.gateway = text(c, SLOT_GATEWAY);
	if (c->slot[SLOT_PEER].given)
		r->ike.peer = (ProtobufCBinaryData){addr_len(&c->peer), lent(c->peer.b)};
	ctl__ipsec_filter__init(&r->ipsec);
	r->ipsec.index = number(c, SLOT_INDEX);
	r->ipsec.vpn = text(c, SLOT_VPN);
	r->ipsec.selector = text(c, SLOT_SELECTOR);
	r->ipsec.family = family(c);
}

/* One member of the union, initialised and named in the oneof. */
#define SET(member, kind, init)                                                                    \
	do {                                                                                       \
		init(&r->u.member);                                                                \
		r->request.member = &r->u.member;                                                  \
		r->request.command_case = CTL__REQUEST__COMMAND_##kind;                            \
	} while (0)

static void fill_show_pki(struct request *r, const struct command *c)
{
	SET(show_pki, SHOW_PKI, ctl__show_pki__init);
	r->u.show_pki.object = (Ctl__PkiObject)(c->action - ACTION_SHOW_PKI_CA);
	r->u.show_pki.name = text(c, SLOT_PKI_NAME);
	r->u.show_pki.detail = c->slot[SLOT_DETAIL].given;
	if (c->slot[SLOT_SYSTEM].given)
		r->u.show_pki.name = lent("system-generated"); /* there is none of that name */
}

static void fill_show(struct request *r, const struct command *c, bool set_form)
{
	switch ((unsigned)c->action) {
	case ACTION_SHOW_IKE:
	case ACTION_SHOW_ACTIVE_PEER:
		SET(show_ike, SHOW_IKE, ctl__show_ike__init);
		r->u.show_ike.filter = &r->ike;
		r->u.show_ike.detail =
			c->slot[SLOT_DETAIL].given || c->action == ACTION_SHOW_ACTIVE_PEER;
		break;
	case ACTION_SHOW_IPSEC:
		SET(show_ipsec, SHOW_IPSEC, ctl__show_ipsec__init);
		r->u.show_ipsec.filter = &r->ipsec;
		r->u.show_ipsec.detail = c->slot[SLOT_DETAIL].given;
		break;
	case ACTION_SHOW_IPSEC_STATISTICS:
		SET(show_ipsec_statistics, SHOW_IPSEC_STATISTICS, ctl__show_ipsec_statistics__init);
		r->u.show_ipsec_statistics.index = number(c, SLOT_INDEX);
		break;
	case ACTION_SHOW_IKE_STATISTICS:
		SET(show_ike_statistics, SHOW_IKE_STATISTICS, ctl__show_ike_statistics__init);
		break;
	case ACTION_SHOW_IKE_REDIRECT:
		SET(show_ike_redirect, SHOW_IKE_REDIRECT, ctl__show_ike_redirect__init);
		break;
	case ACTION_SHOW_CLUSTER:
		SET(show_cluster, SHOW_CLUSTER, ctl__show_cluster__init);
		r->u.show_cluster.one_group = c->slot[SLOT_GROUP].given;
		r->u.show_cluster.group = number(c, SLOT_GROUP);
		break;
	case ACTION_SHOW_REPLICATION:
		SET(show_replication, SHOW_REPLICATION, ctl__show_replication__init);
		break;
	case ACTION_SHOW_DISTRIBUTION:
		SET(show_ipsec, SHOW_IPSEC, ctl__show_ipsec__init);
		r->u.show_ipsec.filter = &r->ipsec;
		break;
	case ACTION_SHOW_PICS:
	case ACTION_SHOW_MONITORING:
		SET(show_workers, SHOW_WORKERS, ctl__show_workers__init);
		break;
	case ACTION_SHOW_VERSION:
		SET(show_version, SHOW_VERSION, ctl__show_version__init);
		break;
	case ACTION_SHOW_INTERFACES:
		SET(show_interfaces, SHOW_INTERFACES, ctl__show_interfaces__init);
		break;
	case ACTION_SHOW_ROUTE:
		SET(show_route, SHOW_ROUTE, ctl__show_route__init);
		r->u.show_route.table = text(c, SLOT_TABLE);
		r->u.show_route.to = r->ike.peer;
		break;
	case ACTION_SHOW_NEXT_HOP_TUNNELS:
		SET(show_next_hop_tunnels, SHOW_NEXT_HOP_TUNNELS, ctl__show_next_hop_tunnels__init);
		r->u.show_next_hop_tunnels.interface = text(c, SLOT_INTERFACE);
		break;
	case ACTION_SHOW_INACTIVE:
		SET(show_inactive_tunnels, SHOW_INACTIVE_TUNNELS, ctl__show_inactive_tunnels__init);
		break;
	case ACTION_SHOW_PKI_CA:
	case ACTION_SHOW_PKI_LOCAL:
	case ACTION_SHOW_PKI_CRL:
	case ACTION_SHOW_PKI_REQUEST:
		fill_show_pki(r, c);
		break;
	default:
		SET(show_configuration, SHOW_CONFIGURATION, ctl__show_configuration__init);
		r->u.show_configuration.set_form = set_form;
		break;
	}
}

static void fill_change(struct request *r, const struct command *c)
{
	switch ((unsigned)c->action) {
	case ACTION_CLEAR_IKE:
		SET(clear_ike, CLEAR_IKE, ctl__clear_ike__init);
		r->u.clear_ike.filter = &r->ike;
		break;
	case ACTION_CLEAR_REDIRECT:
		SET(clear_ike_redirect, CLEAR_IKE_REDIRECT, ctl__clear_ike_redirect__init);
		r->u.clear_ike_redirect.gateway = text(c, SLOT_GATEWAY);
		break;
	case ACTION_REDIRECT:
		SET(redirect_ike, REDIRECT_IKE, ctl__redirect_ike__init);
		r->u.redirect_ike.gateway = text(c, SLOT_GATEWAY);
		r->u.redirect_ike.to = text(c, SLOT_TO);
		r->u.redirect_ike.active = c->slot[SLOT_ACTIVE].given;
		break;
	case ACTION_SEEDED_KEY:
		SET(seeded_key, SEEDED_KEY, ctl__seeded_key__init);
		r->u.seeded_key.gateway = text(c, SLOT_GATEWAY);
		r->u.seeded_key.peer_id = text(c, SLOT_PEER_ID);
		break;
	case ACTION_CLEAR_IPSEC:
		SET(clear_ipsec, CLEAR_IPSEC, ctl__clear_ipsec__init);
		r->u.clear_ipsec.filter = &r->ipsec;
		break;
	case ACTION_CLEAR_IPSEC_STATISTICS:
		SET(clear_ipsec_statistics, CLEAR_IPSEC_STATISTICS,
			ctl__clear_ipsec_statistics__init);
		r->u.clear_ipsec_statistics.index = number(c, SLOT_INDEX);
		break;
	case ACTION_FAILOVER:
		SET(failover, FAILOVER, ctl__failover__init);
		r->u.failover.group = number(c, SLOT_GROUP);
		r->u.failover.node = number(c, SLOT_NODE);
		break;
	case ACTION_FAILOVER_RESET:
		SET(failover_reset, FAILOVER_RESET, ctl__failover_reset__init);
		r->u.failover_reset.group = number(c, SLOT_GROUP);
		break;
	case ACTION_FORCE_RESTORE:
		SET(force_restore, FORCE_RESTORE, ctl__force_restore__init);
		break;
	case ACTION_REKEY_IKE:
		SET(rekey_ike, REKEY_IKE, ctl__rekey_ike__init);
		r->u.rekey_ike.filter = &r->ike;
		r->u.rekey_ike.reauthenticate = c->slot[SLOT_REAUTHENTICATE].given;
		break;
	case ACTION_REKEY_IPSEC:
		SET(rekey_ipsec, REKEY_IPSEC, ctl__rekey_ipsec__init);
		r->u.rekey_ipsec.filter = &r->ipsec;
		break;
	case ACTION_FPC:
		SET(worker_set, WORKER_SET, ctl__worker_set__init);
		r->u.worker_set.fpc = number(c, SLOT_FPC);
		r->u.worker_set.one_pic = c->slot[SLOT_PIC].given;
		r->u.worker_set.pic = number(c, SLOT_PIC);
		r->u.worker_set.action =
			c->slot[SLOT_ONLINE].given    ? CTL__WORKER_ACTION__WORKER_ONLINE
			: c->slot[SLOT_RESTART].given ? CTL__WORKER_ACTION__WORKER_RESTART
						      : CTL__WORKER_ACTION__WORKER_OFFLINE;
		break;
	case ACTION_REBALANCE:
		SET(rebalance, REBALANCE, ctl__rebalance__init);
		break;
	default:
		SET(reload, RELOAD, ctl__reload__init);
		r->u.reload.check_only = c->slot[SLOT_CHECK].given;
		break;
	}
}

/* A name that is no address is left to the daemon to refuse, as an empty one. */
static void fill_address(struct request *r, const struct command *c, enum slot slot)
{
	size_t n = r->u.pki_make.n_address;

	if (!c->slot[slot].given)
		return;
	if (addr_parse(c->slot[slot].text, &r->addr[n]) < 0)
		r->addr[n].family = 0;
	r->address[n] =
		(ProtobufCBinaryData){r->addr[n].family ? addr_len(&r->addr[n]) : 0, r->addr[n].b};
	r->u.pki_make.n_address++;
}

static void fill_make(struct request *r, const struct command *c)
{
	SET(pki_make, PKI_MAKE, ctl__pki_make__init);
	r->u.pki_make.name = text(c, SLOT_PKI_NAME);
	r->u.pki_make.subject = text(c, SLOT_SUBJECT);
	r->u.pki_make.digest = text(c, SLOT_DIGEST);
	r->u.pki_make.self_signed = c->action == ACTION_PKI_SELF_SIGNED;
	r->domain = text(c, SLOT_DOMAIN);
	r->email = text(c, SLOT_EMAIL);
	r->u.pki_make.n_domain_name = c->slot[SLOT_DOMAIN].given;
	r->u.pki_make.domain_name = &r->domain;
	r->u.pki_make.n_email = c->slot[SLOT_EMAIL].given;
	r->u.pki_make.email = &r->email;
	r->u.pki_make.address = r->address;
	fill_address(r, c, SLOT_ADDRESS);
	fill_address(r, c, SLOT_ADDRESS6);
}

static void fill_load(struct request *r, const struct command *c)
{
	const char *key = text(c, SLOT_KEY);

	SET(pki_load, PKI_LOAD, ctl__pki_load__init);
	r->u.pki_load.object = c->action == ACTION_PKI_LOAD_CA	  ? CTL__PKI_OBJECT__PKI_CA
			       : c->action == ACTION_PKI_LOAD_CRL ? CTL__PKI_OBJECT__PKI_CRL
								  : CTL__PKI_OBJECT__PKI_LOCAL;
	r->u.pki_load.name = text(c, SLOT_PKI_NAME);
	r->u.pki_load.passphrase = text(c, SLOT_PASSPHRASE);
	if (strncasecmp(key, "pkcs11:", 7) == 0)
		r->u.pki_load.key_uri = lent(key);
}

static void fill_pki(struct request *r, const struct command *c)
{
	switch ((unsigned)c->action) {
	case ACTION_PKI_LOAD_CA:
	case ACTION_PKI_LOAD_LOCAL:
	case ACTION_PKI_LOAD_CRL:
		fill_load(r, c);
		break;
	case ACTION_PKI_VERIFY_CA:
	case ACTION_PKI_VERIFY_LOCAL:
		SET(pki_verify, PKI_VERIFY, ctl__pki_verify__init);
		r->u.pki_verify.object = c->action == ACTION_PKI_VERIFY_CA
						 ? CTL__PKI_OBJECT__PKI_CA
						 : CTL__PKI_OBJECT__PKI_LOCAL;
		r->u.pki_verify.name = text(c, SLOT_PKI_NAME);
		break;
	case ACTION_PKI_GENERATE:
		SET(pki_generate, PKI_GENERATE, ctl__pki_generate__init);
		r->u.pki_generate.name = text(c, SLOT_PKI_NAME);
		r->u.pki_generate.ecdsa = number(c, SLOT_TYPE) == 1;
		r->u.pki_generate.dsa = number(c, SLOT_TYPE) == 2;
		r->u.pki_generate.bits = number(c, SLOT_SIZE);
		r->u.pki_generate.uri = text(c, SLOT_TOKEN);
		break;
	case ACTION_PKI_REQUEST:
	case ACTION_PKI_SELF_SIGNED:
		fill_make(r, c);
		break;
	default:
		SET(pki_clear, PKI_CLEAR, ctl__pki_clear__init);
		r->u.pki_clear.object = (Ctl__PkiObject)(c->action - ACTION_PKI_CLEAR_CA);
		r->u.pki_clear.name = text(c, SLOT_PKI_NAME);
		break;
	}
}

void request_fill(struct request *r, const struct command *c, bool set_form)
{
	memset(r, 0, sizeof *r);
	ctl__request__init(&r->request);
	r->request.schema = CTL_SCHEMA;
	fill_filters(r, c);
	if (c->action <= ACTION_SHOW_CONFIGURATION)
		fill_show(r, c, set_form);
	else if (c->action >= ACTION_PKI_LOAD_CA && c->action <= ACTION_PKI_CLEAR_KEY)
		fill_pki(r, c);
	else
		fill_change(r, c);
}
