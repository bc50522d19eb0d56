/*
 * show chassis fpc pic-status, show security monitoring, show security ipsec tunnel-distribution
 */
#include <inttypes.h>

#include "cli/show.h"

static void worker_json(struct show *s, const Ctl__Worker *w)
{
	struct json *j = &s->json;

	show_row_open(s);
	json_uint(j, "fpc", w->fpc);
	json_uint(j, "pic", w->pic);
	json_uint(j, "worker", w->worker);
	json_text(j, "state", w->state);
	json_uint(j, "busy-percent", w->busy_percent);
	json_uint(j, "packets", w->packets);
	json_uint(j, "busy-ns", w->busy_ns);
	json_uint(j, "idle-ns", w->idle_ns);
	json_uint(j, "buckets", w->buckets);
	json_uint(j, "ipsec-sas", w->ipsec_sas);
	json_bool(j, "lead", w->lead);
	json_uint(j, "handoffs", w->handoffs);
	json_close(j, '}');
}

static bool is_online(const Ctl__WorkerList *list, uint32_t fpc)
{
	for (size_t i = 0; i < list->n_workers; i++)
		if (list->workers[i]->fpc == fpc && strcmp(list->workers[i]->state, "Online") == 0)
			return true;
	return false;
}

static void pics(struct show *s, const Ctl__WorkerList *list)
{
	uint32_t fpc = UINT32_MAX;
	char text[512];

	for (size_t i = 0; i < list->n_workers; i++) {
		const Ctl__Worker *w = list->workers[i];

		if (s->fpc >= 0 && s->fpc != w->fpc)
			continue;
		if (w->fpc != fpc)
			(void)fprintf(s->f, "Slot %u   %-12s worker group\n", w->fpc,
				is_online(list, w->fpc) ? "Online" : "Offline");
		fpc = w->fpc;
		(void)fprintf(s->f, "  PIC %u  %-12s worker %u%s\n", w->pic,
			show_safe(w->state, text), w->worker, w->lead ? ", lead" : "");
	}
}

static void monitoring(struct show *s, const Ctl__WorkerList *list)
{
	char text[512];

	(void)fputs("FPC PIC State     CPU  Packets              Handoffs             IPsec SAs "
		    "Buckets\n",
		s->f);
	for (size_t i = 0; i < list->n_workers; i++) {
		const Ctl__Worker *w = list->workers[i];

		(void)fprintf(s->f, "%3u %3u %-8s %3u%%  %-20" PRIu64 " %-20" PRIu64 " %-9u %u\n",
			w->fpc, w->pic, show_safe(w->state, text), w->busy_percent, w->packets,
			w->handoffs, w->ipsec_sas, w->buckets);
	}
}

void show_workers(struct show *s, const Ctl__WorkerList *list, bool fresh)
{
	(void)fresh;
	if (s->as_json)
		for (size_t i = 0; i < list->n_workers; i++)
			worker_json(s, list->workers[i]);
	else if (s->action == ACTION_SHOW_PICS)
		pics(s, list);
	else
		monitoring(s, list);
	s->any = true;
}

/* ---- tunnels */

static void tunnel_json(struct show *s, const Ctl__Tunnel *t)
{
	struct json *j = &s->json;

	show_row_open(s);
	json_uint(j, "tunnel-id", t->index);
	json_text(j, "vpn-name", t->vpn);
	json_uint(j, "fpc", t->worker / SHOW_PICS);
	json_uint(j, "pic", t->worker % SHOW_PICS);
	json_uint(j, "bucket", t->bucket);
	json_close(j, '}');
}

static void tunnel_row(struct show *s, const Ctl__Tunnel *t)
{
	char worker[32], text[512];

	(void)snprintf(
		worker, sizeof worker, "fpc%u pic%u", t->worker / SHOW_PICS, t->worker % SHOW_PICS);
	(void)fprintf(s->f, "  %-13u %-23s %-11s 0x%03x\n", t->index,
		show_safe(t->vpn ? t->vpn : "", text), worker, t->bucket);
}

static void summary(struct show *s)
{
	(void)fputs("Summary:\n", s->f);
	for (uint32_t i = 0; i < SHOW_WORKERS; i++)
		if (s->tunnels[i])
			(void)fprintf(s->f, "  fpc%u pic%u : %u tunnels\n", i / SHOW_PICS,
				i % SHOW_PICS, s->tunnels[i]);
}

/* An empty list ends the node's part. */
void show_distribution(struct show *s, const Ctl__IpsecList *list, bool fresh)
{
	if (fresh)
		memset(s->tunnels, 0, sizeof s->tunnels);
	if (fresh && !s->as_json && !s->summary)
		(void)fputs("Tunnel Distribution Table :\n"
			    "  Tunnel-ID     VPN-Name                Worker      Bucket\n",
			s->f);
	for (size_t i = 0; i < list->n_tunnels; i++) {
		const Ctl__Tunnel *t = list->tunnels[i];

		if (t->worker < SHOW_WORKERS)
			s->tunnels[t->worker]++;
		if (s->as_json)
			tunnel_json(s, t);
		else if (!s->summary)
			tunnel_row(s, t);
	}
	if (list->n_tunnels == 0 && !s->as_json && !s->terse)
		summary(s);
	s->any = true;
}
