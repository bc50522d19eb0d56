/*
 * show route [table ..] [address], show security ipsec next-hop-tunnels
 */
#include <inttypes.h>

#include "cli/names.h"
#include "cli/show.h"

enum { DAY = 24 * 3600, WEEK = 7 * DAY, AGE_MAX = 48, PREFIX_WIDTH = 19 };

static const char *age_text(uint64_t s, char out[AGE_MAX])
{
	unsigned weeks = (unsigned)(s / WEEK), days = (unsigned)(s % WEEK / DAY);
	unsigned h = (unsigned)(s % DAY / 3600), m = (unsigned)(s % 3600 / 60);
	unsigned sec = (unsigned)(s % 60);

	if (weeks != 0)
		(void)snprintf(out, AGE_MAX, "%uw%ud %02u:%02u:%02u", weeks, days, h, m, sec);
	else if (days != 0)
		(void)snprintf(out, AGE_MAX, "%ud %02u:%02u:%02u", days, h, m, sec);
	else
		(void)snprintf(out, AGE_MAX, "%02u:%02u:%02u", h, m, sec);
	return out;
}

static void prefix_text(const Ctl__Route *r, char out[64])
{
	char address[ADDR_TEXT_MAX];

	(void)snprintf(out, 64, "%s/%u", name_address(r->destination, address), r->length);
}

static void route_json(struct show *s, const Ctl__RouteList *list, const Ctl__Route *r)
{
	struct json *j = &s->json;
	char prefix[64], hop[ADDR_TEXT_MAX];

	prefix_text(r, prefix);
	show_row_open(s);
	json_text(j, "table", list->table);
	json_text(j, "destination", prefix);
	json_text(j, "protocol", r->protocol);
	json_text(j, "source", r->source);
	json_uint(j, "preference", r->preference);
	json_uint(j, "metric", r->metric);
	json_uint(j, "age", r->age_s);
	json_bool(j, "active", r->active);
	json_text(j, "next-hop", r->next_hop.len ? name_address(r->next_hop, hop) : "");
	json_text(j, "interface", r->interface);
	json_close(j, '}');
}

/* A prefix is named once, above its ways; a long one has a line of its own. */
static void route_head(struct show *s, const char *prefix)
{
	bool again = strcmp(prefix, s->prefix) == 0;

	(void)snprintf(s->prefix, sizeof s->prefix, "%s", prefix);
	if (again)
		prefix = "";
	else if (strlen(prefix) >= PREFIX_WIDTH)
		(void)fprintf(s->f, "%s\n", prefix);
	(void)fprintf(s->f, "%-*s", PREFIX_WIDTH, strlen(prefix) < PREFIX_WIDTH ? prefix : "");
}

static void route_text(struct show *s, const Ctl__Route *r)
{
	char prefix[64], age[AGE_MAX], unit[512], hop[ADDR_TEXT_MAX], protocol[512];

	prefix_text(r, prefix);
	route_head(s, prefix);
	(void)fprintf(s->f, "%c[%s/%u] %s", r->active ? '*' : ' ', show_safe(r->protocol, protocol),
		r->preference, age_text(r->age_s, age));
	if (r->metric != 0)
		(void)fprintf(s->f, ", metric %u", r->metric);
	(void)fputc('\n', s->f);
	(void)show_safe(r->interface, unit);
	if (strcmp(r->protocol, "Local") == 0)
		(void)fprintf(s->f, "%*sLocal via %s\n", PREFIX_WIDTH + 4, "", unit);
	else if (r->next_hop.len)
		(void)fprintf(s->f, "%*s%c  to %s via %s\n", PREFIX_WIDTH + 1, "",
			r->active ? '>' : ' ', name_address(r->next_hop, hop), unit);
	else
		(void)fprintf(
			s->f, "%*s%c  via %s\n", PREFIX_WIDTH + 1, "", r->active ? '>' : ' ', unit);
}

static void table_head(struct show *s, const Ctl__RouteList *l)
{
	char text[512];

	if (s->any)
		(void)fputc('\n', s->f);
	(void)fprintf(s->f,
		"%s: %u destinations, %u routes (%u active, 0 holddown, 0 hidden)\n"
		"+ = Active Route, - = Last Active, * = Both\n\n",
		show_safe(l->table, text), l->destinations, l->total, l->active);
	s->prefix[0] = '\0';
}

void show_routes(struct show *s, const Ctl__RouteList *list, bool fresh)
{
	if (list->n_routes == 0)
		return;
	if (!s->as_json && (fresh || strcmp(list->table, s->table) != 0))
		table_head(s, list);
	(void)snprintf(s->table, sizeof s->table, "%s", list->table);
	for (size_t i = 0; i < list->n_routes; i++) {
		if (s->as_json)
			route_json(s, list, list->routes[i]);
		else
			route_text(s, list->routes[i]);
		s->any = true;
	}
}

void show_next_hop_tunnels(struct show *s, const Ctl__NextHopTunnelList *list, bool fresh)
{
	static const char row[] = "%-18s%-12s%-34s%-9s%-40s%s\n";

	if (fresh && !s->as_json)
		(void)fprintf(s->f, row, "Next-hop gateway", "interface", "IPSec VPN name", "Flag",
			"IKE-ID", "XAUTH username");
	for (size_t i = 0; i < list->n_tunnels; i++) {
		const Ctl__NextHopTunnel *t = list->tunnels[i];
		const char *flag = t->learned ? "Auto" : "Static";
		const char *id = t->ike_id && *t->ike_id ? t->ike_id : "Not-Available";
		const char *user = t->user && *t->user ? t->user : "Not-Available";
		char hop[ADDR_TEXT_MAX], unit[512], vpn[512], ids[512], users[512];

		if (!s->as_json) {
			(void)fprintf(s->f, row, name_address(t->next_hop, hop),
				show_safe(t->interface, unit), show_safe(t->vpn, vpn), flag,
				show_safe(id, ids), show_safe(user, users));
			continue;
		}
		json_open(&s->json, NULL, '{');
		json_int(&s->json, "node", s->node);
		json_text(&s->json, "next-hop", name_address(t->next_hop, hop));
		json_text(&s->json, "interface", t->interface);
		json_text(&s->json, "vpn", t->vpn);
		json_text(&s->json, "flag", flag);
		json_text(&s->json, "ike-id", id);
		json_close(&s->json, '}');
	}
}
