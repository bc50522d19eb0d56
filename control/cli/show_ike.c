/*
 * show security ike security-associations [detail], show security ike active-peer [detail]
 */
#include <inttypes.h>

#include "cli/names.h"
#include "cli/show.h"

static void brief(struct show *s, const Ctl__IkeSa *sa)
{
	char remote[ADDR_TEXT_MAX];

	(void)fprintf(s->f, "%-7u %-6s %016" PRIx64 "  %016" PRIx64 "  %-14s %s\n", sa->index,
		sa->up ? "UP" : "DOWN", sa->initiator_spi, sa->responder_spi,
		name_exchange(sa->exchange),
		sa->remote ? name_address(sa->remote->address, remote) : "0.0.0.0");
}

static void head(struct show *s, const Ctl__IkeSa *sa)
{
	char local[NAME_MAX_LEN], remote[NAME_MAX_LEN], peer[ADDR_TEXT_MAX], text[512];

	(void)fprintf(s->f, "IKE peer %s, Index %u, Gateway Name: %s\n",
		sa->remote ? name_address(sa->remote->address, peer) : "0.0.0.0", sa->index,
		show_safe(sa->gateway, text));
	(void)fprintf(s->f, "  Role: %s, State: %s\n", name_role(sa->role), sa->up ? "UP" : "DOWN");
	(void)fprintf(s->f,
		"  Initiator cookie: %016" PRIx64 ", Responder cookie: %016" PRIx64 "\n",
		sa->initiator_spi, sa->responder_spi);
	(void)fprintf(s->f, "  Exchange type: %s, Authentication method: %s\n",
		name_exchange(sa->exchange), name_auth(sa->auth));
	(void)fprintf(s->f, "  Local: %s, Remote: %s\n", name_endpoint(sa->local, local),
		name_endpoint(sa->remote, remote));
	(void)fprintf(s->f, "  Lifetime: Expires in %u seconds\n", sa->expires_s);
	if (sa->reauth)
		(void)fprintf(
			s->f, "  Reauth Lifetime: Expires in %u seconds\n", sa->reauth_expires_s);
	else
		(void)fputs("  Reauth Lifetime: Disabled\n", s->f);
	(void)fprintf(s->f, "  IKE Fragmentation: %s, Size: %u\n",
		sa->fragmentation ? "Enabled" : "Disabled",
		sa->fragmentation ? sa->fragment_size : 0);
}

static void peer(struct show *s, const Ctl__IkeSa *sa)
{
	char text[512], address[ADDR_TEXT_MAX];
	const Ctl__Ha *ha = sa->ha;

	(void)fprintf(s->f, "  Remote Access Client Info: %s\n",
		sa->client_info && *sa->client_info ? show_safe(sa->client_info, text)
						    : "Unknown Client");
	(void)fprintf(s->f, "  Peer ike-id: %s\n", show_safe(sa->peer_id, text));
	if (sa->peer_certificate && *sa->peer_certificate)
		(void)fprintf(
			s->f, "  Peer certificate: %s\n", show_safe(sa->peer_certificate, text));
	(void)fprintf(s->f, "  AAA assigned IP: %s\n", name_address(sa->assigned, address));
	if (!ha)
		return;
	(void)fprintf(s->f, "  HA: Redundancy group %u, Owner ", ha->group);
	if (ha->no_owner)
		(void)fputs("none", s->f);
	else
		(void)fprintf(s->f, "node%u", ha->owner);
	(void)fprintf(s->f, ", Rekeys since authentication: %u", sa->rekeys_since_auth);
	if (sa->reauth_frequency > 0)
		(void)fprintf(s->f, " of %u", sa->reauth_frequency);
	(void)fprintf(s->f, ", Message ID send/receive: %u/%u\n", sa->next_send_mid,
		sa->next_receive_mid);
}

static void algorithms(struct show *s, const Ctl__IkeSa *sa)
{
	char text[NAME_MAX_LEN];

	(void)fputs("  Algorithms:\n", s->f);
	(void)fprintf(s->f, "   Authentication        : %s\n", name_integ(sa->integ));
	(void)fprintf(s->f, "   Encryption            : %s\n",
		name_ike_encr(sa->encr, sa->key_bits, text));
	(void)fprintf(s->f, "   Pseudo random function: %s\n", name_prf(sa->prf));
	(void)fprintf(s->f, "   Diffie-Hellman group  : %s\n", name_dh(sa->dh, text));
}

static void traffic(struct show *s, const Ctl__IkeSa *sa)
{
	(void)fputs("  Traffic statistics:\n", s->f);
	(void)fprintf(s->f, "   Input  bytes  :%21" PRIu64 "\n", sa->in_bytes);
	(void)fprintf(s->f, "   Output bytes  :%21" PRIu64 "\n", sa->out_bytes);
	(void)fprintf(s->f, "   Input  packets:%21" PRIu64 "\n", sa->in_packets);
	(void)fprintf(s->f, "   Output packets:%21" PRIu64 "\n", sa->out_packets);
	(void)fprintf(s->f, "   Input  fragmentated packets:%8" PRIu64 "\n", sa->in_fragments);
	(void)fprintf(s->f, "   Output fragmentated packets:%8" PRIu64 "\n", sa->out_fragments);
	(void)fprintf(s->f, "  IPSec security associations: %u created, %u deleted\n",
		sa->children_created, sa->children_deleted);
	(void)fprintf(s->f, "  Phase 2 negotiations in progress: %zu\n", sa->n_negotiations);
}

static void negotiation(struct show *s, const Ctl__Negotiation *n)
{
	char local[NAME_MAX_LEN], remote[NAME_MAX_LEN], text[512];

	(void)fprintf(s->f, "\n    Negotiation type: %s, Role: %s, Message ID: %u\n",
		show_safe(n->type, text), name_role(n->role), n->message_id);
	(void)fprintf(s->f, "    Local: %s, Remote: %s\n", name_endpoint(n->local, local),
		name_endpoint(n->remote, remote));
	(void)fprintf(s->f, "    Local identity: %s\n", show_safe(n->local_id, text));
	(void)fprintf(s->f, "    Remote identity: %s\n", show_safe(n->remote_id, text));
	(void)fprintf(s->f, "    Flags: %s\n",
		n->flags && *n->flags ? show_safe(n->flags, text) : "IKE SA is created");
}

static void detail(struct show *s, const Ctl__IkeSa *sa)
{
	if (s->any)
		(void)fputc('\n', s->f);
	head(s, sa);
	peer(s, sa);
	algorithms(s, sa);
	traffic(s, sa);
	for (size_t i = 0; i < sa->n_negotiations; i++)
		negotiation(s, sa->negotiations[i]);
}

static void as_json_identity(struct json *j, const Ctl__IkeSa *sa)
{
	json_text(j, "gateway", sa->gateway);
	json_text(j, "vpns", sa->vpns);
	json_text(j, "role", sa->role == CTL__ROLE__ROLE_RESPONDER ? "responder" : "initiator");
	json_text(j, "local-id", sa->local_id);
	json_text(j, "peer-id", sa->peer_id);
	json_text(j, "authentication-method", name_auth(sa->auth));
	if (sa->peer_certificate[0])
		json_text(j, "peer-certificate", sa->peer_certificate);
	json_uint(j, "established", sa->established_unix);
	json_uint(j, "expires", sa->expires_s);
	if (sa->reauth)
		json_uint(j, "reauthentication-expires", sa->reauth_expires_s);
	json_bool(j, "nat-local", sa->nat_local);
	json_bool(j, "nat-remote", sa->nat_remote);
	json_bool(j, "fragmentation", sa->fragmentation);
	json_uint(j, "fragment-size", sa->fragment_size);
	show_ha_json(j, sa->ha);
	json_uint(j, "rekeys-since-authentication", sa->rekeys_since_auth);
	json_uint(j, "reauth-frequency", sa->reauth_frequency);
	json_uint(j, "message-id-send", sa->next_send_mid);
	json_uint(j, "message-id-receive", sa->next_receive_mid);
}

static void as_json_counters(struct json *j, const Ctl__IkeSa *sa)
{
	char text[NAME_MAX_LEN];

	json_text(j, "encryption", name_ike_encr(sa->encr, sa->key_bits, text));
	json_text(j, "authentication", name_integ(sa->integ));
	json_text(j, "prf", name_prf(sa->prf));
	json_uint(j, "dh-group", sa->dh);
	json_uint(j, "input-bytes", sa->in_bytes);
	json_uint(j, "output-bytes", sa->out_bytes);
	json_uint(j, "input-packets", sa->in_packets);
	json_uint(j, "output-packets", sa->out_packets);
	json_uint(j, "input-fragments", sa->in_fragments);
	json_uint(j, "output-fragments", sa->out_fragments);
	json_uint(j, "children-created", sa->children_created);
	json_uint(j, "children-deleted", sa->children_deleted);
	json_uint(j, "negotiations", sa->n_negotiations);
}

static void as_json(struct show *s, const Ctl__IkeSa *sa)
{
	struct json *j = &s->json;

	show_row_open(s);
	json_uint(j, "index", sa->index);
	json_text(j, "state", sa->up ? "UP" : "DOWN");
	json_hex(j, "initiator-spi", sa->initiator_spi, 16);
	json_hex(j, "responder-spi", sa->responder_spi, 16);
	json_text(j, "exchange", name_exchange(sa->exchange));
	show_endpoint_json(j, "local", sa->local);
	show_endpoint_json(j, "remote", sa->remote);
	if (s->detail) {
		as_json_identity(j, sa);
		as_json_counters(j, sa);
	}
	json_close(j, '}');
}

void show_ike(struct show *s, const Ctl__IkeList *list, bool fresh)
{
	if (fresh && !s->as_json && !s->detail)
		(void)fputs("Index   State  Initiator cookie  Responder cookie  Mode           "
			    "Remote Address\n",
			s->f);
	for (size_t i = 0; i < list->n_sas; i++) {
		if (s->as_json)
			as_json(s, list->sas[i]);
		else if (s->detail)
			detail(s, list->sas[i]);
		else
			brief(s, list->sas[i]);
		s->any = true;
	}
}

/* ---- statistics */

static void named(
	struct show *s, const char *title, const char *key, Ctl__NamedCounter **c, size_t n)
{
	if (s->as_json)
		json_open(&s->json, key, '{');
	else
		(void)fprintf(s->f, "%s:\n", title);
	for (size_t i = 0; i < n; i++) {
		if (s->as_json)
			json_uint(&s->json, c[i]->name, c[i]->value);
		else
			(void)fprintf(s->f, "  %-20s %12" PRIu64 "\n", c[i]->name, c[i]->value);
	}
	if (s->as_json)
		json_close(&s->json, '}');
}

void show_ike_statistics(struct show *s, const Ctl__IkeStatistics *t)
{
	if (s->as_json) {
		json_open(&s->json, NULL, '{');
		json_int(&s->json, "node", s->node);
	}
	named(s, "Held", "held", t->held, t->n_held);
	named(s, "Counted", "counters", t->counters, t->n_counters);
	if (s->as_json)
		json_close(&s->json, '}');
}

/* ---- redirects */

static void redirect_json(struct show *s, const Ctl__IkeRedirect *r)
{
	json_open(&s->json, NULL, '{');
	json_int(&s->json, "node", s->node);
	json_text(&s->json, "gateway", r->gateway);
	json_text(&s->json, "to", r->to);
	json_text(&s->json, "by", r->configured ? "configuration" : "operator");
	json_uint(&s->json, "peers", r->able);
	json_close(&s->json, '}');
}

void show_ike_redirects(struct show *s, const Ctl__IkeRedirectList *list, bool fresh)
{
	char gateway[512], to[512];

	(void)fresh;
	if (!s->as_json && list->n_redirects != 0)
		(void)fputs("Gateway          By             Peers  To\n", s->f);
	for (size_t i = 0; i < list->n_redirects; i++) {
		const Ctl__IkeRedirect *r = list->redirects[i];

		if (s->as_json)
			redirect_json(s, r);
		else
			(void)fprintf(s->f, "%-16s %-13s %6u  %s\n", show_safe(r->gateway, gateway),
				r->configured ? "configuration" : "operator", r->able,
				show_safe(r->to, to));
	}
	s->any = true;
}

/* ---------------------------------------------------------------- show security ike active-peer */

static void active_brief(struct show *s, const Ctl__IkeSa *sa)
{
	char address[ADDR_TEXT_MAX], assigned[ADDR_TEXT_MAX], id[512];

	(void)fprintf(s->f, "%-35s %-8u %-35s %-36s %s\n",
		name_address(sa->remote->address, address), sa->remote->port,
		show_safe(sa->peer_id, id), "-", name_address(sa->assigned, assigned));
}

static void active_detail(struct show *s, const Ctl__IkeSa *sa)
{
	char text[512], address[ADDR_TEXT_MAX];

	if (s->any)
		(void)fputc('\n', s->f);
	(void)fprintf(s->f, "Peer address: %s, Port: %u,\n",
		name_address(sa->remote->address, address), sa->remote->port);
	(void)fprintf(s->f, "  Peer IKE-ID: %s,\n", show_safe(sa->peer_id, text));
	(void)fputs("  AAA username: -,\n", s->f);
	(void)fputs("  Assigned network attributes:\n", s->f);
	(void)fprintf(s->f, "   IP Address: %s\n", name_address(sa->assigned, address));
	if (sa->peer_certificate && *sa->peer_certificate)
		(void)fprintf(
			s->f, "  Peer certificate: %s\n", show_safe(sa->peer_certificate, text));
	(void)fprintf(s->f, "  Active IKE SA indexes: %u\n", sa->index);
	(void)fprintf(
		s->f, "  IPSec tunnels active: %u\n", sa->children_created - sa->children_deleted);
}

static void active_json(struct show *s, const Ctl__IkeSa *sa)
{
	struct json *j = &s->json;

	show_row_open(s);
	show_endpoint_json(j, "remote", sa->remote);
	json_text(j, "peer-id", sa->peer_id);
	if (sa->peer_certificate[0])
		json_text(j, "peer-certificate", sa->peer_certificate);
	json_text(j, "gateway", sa->gateway);
	json_uint(j, "index", sa->index);
	json_close(j, '}');
}

void show_active_peers(struct show *s, const Ctl__IkeList *list, bool fresh)
{
	if (fresh && !s->as_json && !s->detail)
		(void)fprintf(s->f, "%-35s %-8s %-35s %-36s %s\n", "Remote Address", "Port",
			"Peer IKE-ID", "AAA username", "Assigned IP");
	for (size_t i = 0; i < list->n_sas; i++) {
		const Ctl__IkeSa *sa = list->sas[i];

		if (!sa->up || !sa->remote)
			continue;
		if (s->as_json)
			active_json(s, sa);
		else if (s->detail)
			active_detail(s, sa);
		else
			active_brief(s, sa);
		s->any = true;
	}
}
