#include "cli/show.h"

#include <inttypes.h>

#include "cli/names.h"

static const char hyphens[] =
	"--------------------------------------------------------------------------";

void show_row_open(struct show *s)
{
	json_open(&s->json, NULL, '{');
	json_int(&s->json, "node", s->node);
}

/* What the items of an answer are called in JSON. */
static const char *list_name(enum action action)
{
	switch (action) {
	case ACTION_SHOW_IKE:
		return "ike-security-associations";
	case ACTION_SHOW_ACTIVE_PEER:
		return "active-peers";
	case ACTION_SHOW_IPSEC:
		return "ipsec-security-associations";
	case ACTION_SHOW_IPSEC_STATISTICS:
		return "ipsec-statistics";
	case ACTION_SHOW_IKE_STATISTICS:
		return "ike-statistics";
	case ACTION_SHOW_IKE_REDIRECT:
		return "ike-redirects";
	case ACTION_SHOW_REPLICATION:
		return "replication";
	case ACTION_SHOW_INTERFACES:
		return "interfaces";
	case ACTION_SHOW_ROUTE:
		return "routes";
	case ACTION_SHOW_NEXT_HOP_TUNNELS:
		return "next-hop-tunnels";
	case ACTION_SHOW_INACTIVE:
		return "inactive-tunnels";
	case ACTION_SHOW_DISTRIBUTION:
		return "tunnel-distribution";
	case ACTION_SHOW_PICS:
	case ACTION_SHOW_MONITORING:
		return "workers";
	case ACTION_SHOW_VERSION:
		return "version";
	case ACTION_SHOW_CONFIGURATION:
		return "configuration";
	case ACTION_SHOW_CLUSTER:
		return "chassis-cluster";
	case ACTION_SHOW_PKI_CA:
		return "ca-certificates";
	case ACTION_SHOW_PKI_LOCAL:
		return "local-certificates";
	case ACTION_SHOW_PKI_CRL:
		return "crls";
	case ACTION_SHOW_PKI_REQUEST:
		return "certificate-requests";
	case ACTION_PKI_LOAD_CA:
	case ACTION_PKI_LOAD_LOCAL:
	case ACTION_PKI_LOAD_CRL:
	case ACTION_PKI_VERIFY_CA:
	case ACTION_PKI_VERIFY_LOCAL:
	case ACTION_PKI_GENERATE:
	case ACTION_PKI_REQUEST:
	case ACTION_PKI_SELF_SIGNED:
	case ACTION_PKI_CLEAR_CA:
	case ACTION_PKI_CLEAR_LOCAL:
	case ACTION_PKI_CLEAR_CRL:
	case ACTION_PKI_CLEAR_REQUEST:
	case ACTION_PKI_CLEAR_KEY:
	case ACTION_CLEAR_IKE:
	case ACTION_CLEAR_IPSEC:
	case ACTION_CLEAR_REDIRECT:
	case ACTION_REDIRECT:
	case ACTION_SEEDED_KEY:
	case ACTION_CLEAR_IPSEC_STATISTICS:
	case ACTION_FAILOVER:
	case ACTION_FAILOVER_RESET:
	case ACTION_FORCE_RESTORE:
	case ACTION_REKEY_IKE:
	case ACTION_REKEY_IPSEC:
	case ACTION_RELOAD:
	case ACTION_FPC:
	case ACTION_REBALANCE:
		break;
	}
	return "result";
}

void show_init(struct show *s, FILE *f, const struct command *c, bool as_json)
{
	*s = (struct show){.f = f,
		.detail = c->slot[SLOT_DETAIL].given,
		.terse = c->slot[SLOT_BRIEF].given,
		.summary = c->slot[SLOT_SUMMARY].given,
		.fpc = c->slot[SLOT_FPC].given ? (int64_t)c->slot[SLOT_FPC].number : -1,
		.as_json = as_json,
		.action = c->action,
		.json = json_to(f),
		.node = NODE_UNKNOWN};
	if (!as_json)
		return;
	json_open(&s->json, NULL, '{');
	json_open(&s->json, list_name(c->action), '[');
}

void show_end(struct show *s)
{
	if (!s->as_json)
		return;
	json_close(&s->json, ']');
	json_close(&s->json, '}');
}

bool show_header(struct show *s, int32_t node)
{
	bool fresh = s->node != node;

	if (fresh) {
		if (!s->as_json && s->node != NODE_UNKNOWN)
			(void)fputc('\n', s->f);
		s->any = false;
		if (!s->as_json && node >= 0)
			(void)fprintf(s->f, "node%d:\n%s\n", node, hyphens);
	}
	s->node = node;
	return fresh;
}

const char *show_safe(const char *text, char out[512])
{
	size_t at = 0;

	for (; text && *text != '\0' && at + 5 < 512; text++) {
		uint8_t c = (uint8_t)*text;

		if (c >= 0x20 && c < 0x7f)
			out[at++] = (char)c;
		else
			at += (size_t)snprintf(out + at, 5, "\\x%02x", c);
	}
	out[at] = '\0';
	return out;
}

void show_ha_json(struct json *j, const Ctl__Ha *ha)
{
	if (!ha)
		return;
	json_uint(j, "redundancy-group", ha->group);
	if (ha->no_owner)
		json_text(j, "owner", "none");
	else
		json_uint(j, "owner", ha->owner);
}

void show_endpoint_json(struct json *j, const char *name, const Ctl__Endpoint *e)
{
	char text[ADDR_TEXT_MAX];

	json_open(j, name, '{');
	json_text(j, "address", e ? name_address(e->address, text) : "");
	json_uint(j, "port", e ? e->port : 0);
	json_close(j, '}');
}

static void show_done(struct show *s, const Ctl__Response *r)
{
	const Ctl__Done *d = r->done;

	if (s->as_json) {
		json_open(&s->json, NULL, '{');
		json_int(&s->json, "node", r->node);
		json_text(&s->json, "text", d->text);
		json_uint(&s->json, "count", d->count);
		json_close(&s->json, '}');
		return;
	}
	if (!d->text || *d->text == '\0')
		return;
	(void)show_header(s, r->node);
	(void)fputs(d->text, s->f);
	if (d->text[strlen(d->text) - 1] != '\n')
		(void)fputc('\n', s->f);
}

static void show_version(struct show *s, const Ctl__Response *r)
{
	const Ctl__Version *v = r->version;
	char host[512], text[512], started[NAME_MAX_LEN];

	if (s->as_json) {
		json_open(&s->json, NULL, '{');
		json_int(&s->json, "node", r->node);
		json_text(&s->json, "host-name", v->host_name);
		json_text(&s->json, "tandem", v->program);
		json_uint(&s->json, "started", v->started_unix);
		json_bool(&s->json, "dataplane-connected", v->dataplane_connected);
		json_close(&s->json, '}');
		return;
	}
	(void)show_header(s, r->node);
	(void)fprintf(s->f, "Hostname: %s\nTandem: %s\nStarted: %s\nDataplane: %s\n",
		show_safe(v->host_name, host), show_safe(v->program, text),
		name_time(v->started_unix, started),
		v->dataplane_connected ? "connected" : "not connected");
}

/* Configuration text is the operator's own and printed as it is. */
static void show_configuration(struct show *s, const Ctl__Response *r)
{
	if (s->as_json)
		json_text(&s->json, NULL, r->configuration->text);
	else
		(void)fputs(r->configuration->text, s->f);
}

static int show_error(struct show *s, const Ctl__Error *e, FILE *err)
{
	s->failed = true;
	(void)fprintf(err, "error: %s\n", e->text ? e->text : "");
	return -ERR_WRONG_STATE;
}

int show_part(struct show *s, const Ctl__Response *r, FILE *err)
{
	s->parts++;
	switch ((unsigned)r->body_case) {
	case CTL__RESPONSE__BODY_ERROR:
		return show_error(s, r->error, err);
	case CTL__RESPONSE__BODY_DONE:
		show_done(s, r);
		return 0;
	case CTL__RESPONSE__BODY_IKE:
		if (s->action == ACTION_SHOW_ACTIVE_PEER)
			show_active_peers(s, r->ike, show_header(s, r->node));
		else
			show_ike(s, r->ike, show_header(s, r->node));
		return 0;
	case CTL__RESPONSE__BODY_IPSEC:
		if (s->action == ACTION_SHOW_DISTRIBUTION) {
			show_distribution(s, r->ipsec, show_header(s, r->node));
			return 0;
		}
		show_ipsec(s, r->ipsec, show_header(s, r->node));
		return 0;
	case CTL__RESPONSE__BODY_IPSEC_STATISTICS:
		(void)show_header(s, r->node);
		show_ipsec_statistics(s, r->ipsec_statistics);
		return 0;
	case CTL__RESPONSE__BODY_IKE_STATISTICS:
		(void)show_header(s, r->node);
		show_ike_statistics(s, r->ike_statistics);
		return 0;
	case CTL__RESPONSE__BODY_IKE_REDIRECTS:
		show_ike_redirects(s, r->ike_redirects, show_header(s, r->node));
		return 0;
	case CTL__RESPONSE__BODY_CLUSTER:
		show_cluster(s, r->cluster);
		return 0;
	case CTL__RESPONSE__BODY_REPLICATION:
		(void)show_header(s, r->node);
		show_replication(s, r->replication);
		return 0;
	case CTL__RESPONSE__BODY_INTERFACES:
		show_interfaces(s, r->interfaces, show_header(s, r->node));
		return 0;
	case CTL__RESPONSE__BODY_WORKERS:
		show_workers(s, r->workers, show_header(s, r->node));
		return 0;
	case CTL__RESPONSE__BODY_ROUTES:
		show_routes(s, r->routes, show_header(s, r->node));
		return 0;
	case CTL__RESPONSE__BODY_NEXT_HOP_TUNNELS:
		show_next_hop_tunnels(s, r->next_hop_tunnels, show_header(s, r->node));
		return 0;
	case CTL__RESPONSE__BODY_INACTIVE_TUNNELS:
		show_inactive(s, r->inactive_tunnels, show_header(s, r->node));
		return 0;
	case CTL__RESPONSE__BODY_PKI:
		(void)show_header(s, r->node);
		show_pki(s, r->pki);
		return 0;
	case CTL__RESPONSE__BODY_PKI_MADE:
		(void)show_header(s, r->node);
		show_pki_made(s, r->pki_made);
		return 0;
	case CTL__RESPONSE__BODY_VERSION:
		show_version(s, r);
		return 0;
	case CTL__RESPONSE__BODY_CONFIGURATION:
		show_configuration(s, r);
		return 0;
	default:
		return 0; /* from a newer daemon: nothing that we know how to show */
	}
}
