/*
 * show security ipsec inactive-tunnels: what the engine has no SA for.
 */
#include "base/err.h"
#include "host/daemon.h"
#include "host/show.h"
#include "ike/show.h"
#include "wire/iana.h"

struct inactive {
	struct daemon *d;
	struct ctl_call *call;
	uint32_t total, immediately;
	bool counting;
};

static char *lent(const char *s)
{
	return (char *)(uintptr_t)s;
}

static ProtobufCBinaryData octets_of(const struct addr *a)
{
	return (ProtobufCBinaryData){addr_len(a), (uint8_t *)(uintptr_t)a->b};
}

static void put(struct inactive *p, Ctl__InactiveTunnel **list, size_t n, bool ends)
{
	Ctl__Response r = CTL__RESPONSE__INIT;
	Ctl__InactiveTunnelList l = CTL__INACTIVE_TUNNEL_LIST__INIT;

	l.total = p->total;
	l.immediately = p->immediately;
	l.n_tunnels = n;
	l.tunnels = list;
	r.node = daemon_node(p->d);
	r.body_case = CTL__RESPONSE__BODY_INACTIVE_TUNNELS;
	r.inactive_tunnels = &l;
	if (ends)
		ctl_end(p->call, &r);
	else
		ctl_part(p->call, &r);
}

static void each(void *ctx, const struct ike_inactive_row *row)
{
	struct inactive *p = (struct inactive *)ctx;
	Ctl__InactiveTunnel t = CTL__INACTIVE_TUNNEL__INIT, *list[] = {&t};

	if (p->counting) {
		p->total++;
		p->immediately += row->immediately;
		return;
	}
	t.index = row->index;
	t.vpn = lent(row->selector->vpn->name);
	t.selector = lent(row->selector->name);
	t.gateway = lent(row->gateway);
	t.local = octets_of(&row->local);
	t.remote = octets_of(&row->remote);
	t.port = IKE_PORT;
	t.negotiations = row->negotiations;
	t.failures = row->failures;
	t.reason = lent(row->reason);
	t.last_up_unix = row->last_up_unix_s;
	t.last_fail_unix = row->last_fail_unix_s;
	put(p, list, 1, false);
}

void show_inactive(struct daemon *d, struct ctl_call *call)
{
	struct inactive p = {.d = d, .call = call, .counting = true};
	int rc = ike_show_inactive(d->runner.ike, each, &p);

	p.counting = false;
	if (rc == 0)
		rc = ike_show_inactive(d->runner.ike, each, &p);
	if (rc < 0)
		ctl_fail(call, "%s", err_text(rc));
	else
		put(&p, NULL, 0, true);
}
