/*
 * What the operator asks for: each request of control.proto, answered from the cores and the
 * dataplane. Lists of SAs are in show.c, the cluster in show_cluster.c, counters in statistics.c.
 */
#include "base/err.h"
#include "config/print.h"
#include "host/daemon.h"
#include "host/redirects.h"
#include "host/seeded.h"
#include "host/ike_statistics.h"
#include "host/pki_operator.h"
#include "host/show.h"
#include "host/show_cluster.h"
#include "host/show_interfaces.h"
#include "host/show_routes.h"
#include "host/statistics.h"
#include "host/workers.h"

/* ---------------------------------------------------------------- filters */

static struct addr addr_or_none(const ProtobufCBinaryData *b)
{
	struct addr a = {0};

	if (b->len != 0 && addr_from_view(view_of(b->data, b->len), &a) < 0)
		a.family = 0;
	return a;
}

static uint8_t family_of(Ctl__Family f)
{
	return f == CTL__FAMILY__FAMILY_INET ? 4 : f == CTL__FAMILY__FAMILY_INET6 ? 6 : 0;
}

static struct ike_filter ike_filter_of(const Ctl__IkeFilter *f)
{
	struct ike_filter out = {0};

	if (!f)
		return out;
	out.index = f->index;
	out.peer = addr_or_none(&f->peer);
	out.port = (uint16_t)f->port;
	out.family = family_of(f->family);
	out.gateway = f->gateway;
	return out;
}

static struct ike_filter ipsec_filter_of(const Ctl__IpsecFilter *f)
{
	struct ike_filter out = {0};

	if (!f)
		return out;
	out.index = f->index;
	out.family = family_of(f->family);
	out.vpn = f->vpn;
	out.selector = f->selector;
	return out;
}

static void engine(
	struct daemon *d, struct ctl_call *call, enum ike_operation op, struct ike_filter filter)
{
	struct ike_ev_operator o = {.op = op, .filter = filter};

	runner_operator(&d->runner, &o, call);
}

static void rekey_ike(struct daemon *d, struct ctl_call *call, const Ctl__RekeyIke *q)
{
	engine(d, call, q->reauthenticate ? IKE_OP_REAUTH_IKE : IKE_OP_REKEY_IKE,
		ike_filter_of(q->filter));
}

/* ---------------------------------------------------------------- cluster */

static void failover(struct daemon *d, const Ctl__Failover *f, struct ctl_call *call)
{
	if (d->clustered && !ha_bridge_owns(&d->ha, f->group))
		ctl_fail(call, "redundancy group %u does not exist", f->group);
	else
		ha_bridge_failover(&d->ha, f->group, f->node, call);
}

/* ---------------------------------------------------------------- the rest */

static void show_version(struct daemon *d, struct ctl_call *call)
{
	Ctl__Response r = CTL__RESPONSE__INIT;
	Ctl__Version v = CTL__VERSION__INIT;

	v.program = (char *)(uintptr_t)TANDEM_VERSION;
	v.host_name = (char *)(uintptr_t)d->model->host_name;
	v.started_unix = (uint64_t)d->started_wall_s;
	v.dataplane_connected = d->dp_ready;
	r.node = daemon_node(d);
	r.body_case = CTL__RESPONSE__BODY_VERSION;
	r.version = &v;
	ctl_end(call, &r);
}

/* What is in effect, groups applied; secrets as $9$, which whoever may read this may read anyway.
 */
static void show_configuration(struct daemon *d, bool set_form, struct ctl_call *call)
{
	Ctl__Response r = CTL__RESPONSE__INIT;
	Ctl__Configuration c = CTL__CONFIGURATION__INIT;
	auto_blob text = {0};
	int rc = print_tree(
		d->model->tree, set_form ? CONFIG_SET : CONFIG_CURLY, CONFIG_SECRETS_9, &text);

	if (rc == 0)
		rc = blob_append(&text, view_of("", 1));
	if (rc < 0) {
		ctl_fail(call, "%s", err_text(rc));
		return;
	}
	c.text = (char *)text.p;
	r.node = daemon_node(d);
	r.body_case = CTL__RESPONSE__BODY_CONFIGURATION;
	r.configuration = &c;
	ctl_end(call, &r);
}

void daemon_ctl(void *ctx, const Ctl__Request *q, struct ctl_call *call)
{
	struct daemon *d = (struct daemon *)ctx;

	switch ((unsigned)q->command_case) {
	case CTL__REQUEST__COMMAND_SHOW_IKE:
		show_ike(d, ike_filter_of(q->show_ike->filter), call);
		break;
	case CTL__REQUEST__COMMAND_SHOW_IPSEC:
		show_ipsec(d, ipsec_filter_of(q->show_ipsec->filter), call);
		break;
	case CTL__REQUEST__COMMAND_SHOW_IPSEC_STATISTICS:
		statistics_show(d, q->show_ipsec_statistics->index, call);
		break;
	case CTL__REQUEST__COMMAND_SHOW_IKE_STATISTICS:
		ike_statistics_show(d, call);
		break;
	case CTL__REQUEST__COMMAND_SHOW_CLUSTER:
		show_cluster(d, q->show_cluster, call);
		break;
	case CTL__REQUEST__COMMAND_SHOW_VERSION:
		show_version(d, call);
		break;
	case CTL__REQUEST__COMMAND_CLEAR_IKE:
		engine(d, call, IKE_OP_CLEAR_IKE, ike_filter_of(q->clear_ike->filter));
		break;
	case CTL__REQUEST__COMMAND_CLEAR_IPSEC:
		engine(d, call, IKE_OP_CLEAR_CHILD, ipsec_filter_of(q->clear_ipsec->filter));
		break;
	case CTL__REQUEST__COMMAND_REKEY_IKE:
		rekey_ike(d, call, q->rekey_ike);
		break;
	case CTL__REQUEST__COMMAND_REKEY_IPSEC:
		engine(d, call, IKE_OP_REKEY_CHILD, ipsec_filter_of(q->rekey_ipsec->filter));
		break;
	case CTL__REQUEST__COMMAND_FAILOVER:
		failover(d, q->failover, call);
		break;
	case CTL__REQUEST__COMMAND_FAILOVER_RESET:
		ha_bridge_failover_reset(&d->ha, q->failover_reset->group, call);
		break;
	case CTL__REQUEST__COMMAND_RELOAD:
		reload_begin(d, q->reload->check_only, call);
		break;
	case CTL__REQUEST__COMMAND_SHOW_REPLICATION:
		show_replication(d, call);
		break;
	case CTL__REQUEST__COMMAND_SHOW_INTERFACES:
		show_interfaces(d, call);
		break;
	case CTL__REQUEST__COMMAND_SHOW_ROUTE:
		show_routes(d, q->show_route, call);
		break;
	case CTL__REQUEST__COMMAND_SHOW_NEXT_HOP_TUNNELS:
		show_next_hop_tunnels(d, q->show_next_hop_tunnels->interface, call);
		break;
	case CTL__REQUEST__COMMAND_SHOW_INACTIVE_TUNNELS:
		show_inactive(d, call);
		break;
	case CTL__REQUEST__COMMAND_SHOW_CONFIGURATION:
		show_configuration(d, q->show_configuration->set_form, call);
		break;
	case CTL__REQUEST__COMMAND_CLEAR_IPSEC_STATISTICS:
		statistics_clear(d, q->clear_ipsec_statistics->index, call);
		break;
	case CTL__REQUEST__COMMAND_WORKER_SET:
		workers_set(d, q->worker_set, call);
		break;
	case CTL__REQUEST__COMMAND_REBALANCE:
		workers_rebalance(d, call);
		break;
	case CTL__REQUEST__COMMAND_SHOW_WORKERS:
		workers_show(d, call);
		break;
	default:
		if (!pki_ctl(d, q, call) && !redirects_command(d, q, call) &&
			!seeded_command(d, q, call))
			ctl_fail(call, "this command is not supported by this version of tandemd");
		break;
	}
	work_drain(&d->work, d);
}
