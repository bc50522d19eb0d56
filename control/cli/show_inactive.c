/*
 * show security ipsec inactive-tunnels [detail]
 */
#include "cli/names.h"
#include "cli/show.h"

static void head(struct show *s, const Ctl__InactiveTunnelList *list)
{
	(void)fprintf(s->f,
		"  Total inactive tunnels: %u\n"
		"  Total inactive tunnels with establish immediately: %u\n",
		list->total, list->immediately);
	if (!s->detail)
		(void)fputs("  ID     Port  Nego#  Fail#  Flag       Gateway          Tunnel Down "
			    "Reason\n",
			s->f);
}

/* None: from anywhere, or of a name that means nothing yet. */
static const char *address(ProtobufCBinaryData a, char out[ADDR_TEXT_MAX])
{
	return a.len ? name_address(a, out) : "-";
}

static void brief(struct show *s, const Ctl__InactiveTunnel *t)
{
	char remote[ADDR_TEXT_MAX], flags[16], reason[512];

	(void)snprintf(flags, sizeof flags, "0x%x", t->flags);
	(void)fprintf(s->f, "  %-7u%-6u%-7u%-7u%-11s%-16s %s\n", t->index, t->port, t->negotiations,
		t->failures, flags, address(t->remote, remote), show_safe(t->reason, reason));
}

static void event(struct show *s, uint64_t unix_s, const char *what, uint32_t count)
{
	char when[NAME_MAX_LEN];

	if (unix_s)
		(void)fprintf(s->f, "    %s: IPSec SA negotiation %s (%u times)\n",
			name_time(unix_s, when), what, count);
}

static void detail(struct show *s, const Ctl__InactiveTunnel *t)
{
	char local[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX], text[512];

	(void)fprintf(s->f, "ID: %u Virtual-system: root, VPN Name: %s\n", t->index,
		show_safe(t->vpn, text));
	(void)fprintf(s->f, "  Local Gateway: %s, Remote Gateway: %s\n", address(t->local, local),
		address(t->remote, remote));
	(void)fprintf(s->f, "  Gateway Name: %s\n", show_safe(t->gateway, text));
	if (t->selector && *t->selector)
		(void)fprintf(s->f, "  Traffic Selector Name: %s\n", show_safe(t->selector, text));
	(void)fprintf(s->f, "  Port: %u, Nego#: %u, Fail#: %u, Flag: 0x%x\n", t->port,
		t->negotiations, t->failures, t->flags);
	(void)fputs("  Tunnel events:\n", s->f);
	event(s, t->last_up_unix, "successfully completed", t->negotiations);
	event(s, t->last_fail_unix, "failed", t->failures);
	(void)fprintf(s->f, "  Tunnel Down Reason: %s\n", show_safe(t->reason, text));
}

static void as_json(struct show *s, const Ctl__InactiveTunnel *t)
{
	struct json *j = &s->json;
	char text[ADDR_TEXT_MAX];

	show_row_open(s);
	json_uint(j, "index", t->index);
	json_text(j, "vpn", t->vpn);
	json_text(j, "traffic-selector", t->selector);
	json_text(j, "gateway", t->gateway);
	json_text(j, "local-gateway", t->local.len ? name_address(t->local, text) : "");
	json_text(j, "remote-gateway", t->remote.len ? name_address(t->remote, text) : "");
	json_uint(j, "negotiations", t->negotiations);
	json_uint(j, "failures", t->failures);
	json_uint(j, "last-up", t->last_up_unix);
	json_uint(j, "last-failure", t->last_fail_unix);
	json_text(j, "reason", t->reason);
	json_close(j, '}');
}

void show_inactive(struct show *s, const Ctl__InactiveTunnelList *list, bool fresh)
{
	if (fresh && !s->as_json)
		head(s, list);
	for (size_t i = 0; i < list->n_tunnels; i++) {
		if (s->as_json)
			as_json(s, list->tunnels[i]);
		else if (s->detail)
			detail(s, list->tunnels[i]);
		else
			brief(s, list->tunnels[i]);
		s->any = true;
	}
}
