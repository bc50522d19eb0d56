#include "host/statistics.h"

#include <stdlib.h>

#include "base/err.h"
#include "host/daemon.h"
#include "host/show.h"

enum { SPIS_MAX = 128 }; /* SAs of one tunnel: of workers, and those that replace them */

/* Which line of the operator's table each counter of the dataplane belongs to. */
static const struct {
	const char *counter;
	size_t offset;
} lines[] = {

#define LINE(name, field)                                                                          \
	{                                                                                          \
		name, offsetof(Ctl__IpsecStatistics, field)                                        \
	}
	LINE("esp.out.bytes", esp_encrypted_bytes),
	LINE("esp.in.bytes", esp_decrypted_bytes),
	LINE("esp.out", esp_encrypted_packets),
	LINE("esp.in", esp_decrypted_packets),
	LINE("ah.out.bytes", ah_output_bytes),
	LINE("ah.in.bytes", ah_input_bytes),
	LINE("ah.out", ah_output_packets),
	LINE("ah.in", ah_input_packets),
	LINE("drop.ah.auth", ah_auth_failures),
	LINE("drop.ah.replay", replay_errors),
	LINE("drop.ah.below-window", replay_errors),
	LINE("drop.ah.number-zero", replay_errors),
	LINE("drop.ah.horizon", replay_errors),
	LINE("drop.ah.short", bad_headers),
	LINE("drop.ah.length", bad_headers),
	LINE("drop.ah.headers", bad_headers),
	LINE("drop.ah.spi-unknown", invalid_spi),
	LINE("drop.ah.spi-reserved", invalid_spi),
	LINE("drop.esp.replay", replay_errors),
	LINE("drop.esp.below-window", replay_errors),
	LINE("drop.esp.number-zero", replay_errors),
	LINE("drop.esp.horizon", replay_errors),
	LINE("drop.esp.auth", esp_auth_failures),
	LINE("drop.ah.next-header", bad_headers),
	LINE("drop.ah.bundle", bad_headers),
	LINE("drop.esp.inner-short", esp_decrypt_failures),
	LINE("drop.esp.inner-length", esp_decrypt_failures),
	LINE("drop.esp.inner-version", esp_decrypt_failures),
	LINE("drop.esp.inner-header", esp_decrypt_failures),
	LINE("drop.esp.inner-checksum", esp_decrypt_failures),
	LINE("drop.esp.inner-ip6", esp_decrypt_failures),
	LINE("drop.esp.short", bad_headers),
	LINE("drop.esp.length", bad_headers),
	LINE("drop.esp.alignment", bad_headers),
	LINE("drop.natt.short", bad_headers),
	LINE("drop.esp.padding", bad_trailers),
	LINE("drop.esp.pad-length", bad_trailers),
	LINE("drop.esp.next-header", bad_trailers),
	LINE("drop.esp.spi-unknown", invalid_spi),
	LINE("drop.esp.spi-reserved", invalid_spi),
	LINE("drop.esp.selector", ts_check_fail),
	LINE("drop.ip.too-big", exceeds_mtu),
	LINE("drop.tunnel.mtu", exceeds_mtu),
	LINE("drop.ip.needs-fragment", exceeds_mtu),
#undef LINE
};

struct statistics_ask {
	struct daemon *d;
	struct ctl_call *call;
	uint32_t index;
	bool clear;
};

static void add_child(Ctl__IpsecStatistics *s, const Dp__ChildStats *c)
{
	s->esp_encrypted_bytes += c->bytes_out;
	s->esp_encrypted_packets += c->packets_out;
	s->esp_decrypted_bytes += c->bytes_in;
	s->esp_decrypted_packets += c->packets_in;
	s->replay_errors += c->replay_errors;
	s->esp_auth_failures += c->auth_errors;
	s->esp_decrypt_failures += c->decrypt_errors;
	s->ts_check_fail += c->selector_errors;
	s->discarded += c->replay_errors + c->auth_errors + c->decrypt_errors + c->selector_errors;
}

static void add_counter(Ctl__IpsecStatistics *s, const Dp__Counter *c)
{
	if (strncmp(c->name, "drop.", 5) == 0)
		s->discarded += c->value;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		if (strcmp(c->name, lines[i].counter) == 0)
			*(uint64_t *)(void *)((char *)s + lines[i].offset) += c->value;
}

static void answer(const struct statistics_ask *a, const Dp__Reply *reply)
{
	Ctl__Response r = CTL__RESPONSE__INIT;
	Ctl__IpsecStatistics s = CTL__IPSEC_STATISTICS__INIT;
	Ctl__NamedCounter *named = calloc(reply->n_counters + 1, sizeof(*named));
	Ctl__NamedCounter **list = calloc(reply->n_counters + 1, sizeof(*list));

	baseline_apply(&a->d->baseline, reply);
	for (size_t i = 0; a->index != 0 && i < reply->n_children; i++)
		add_child(&s, reply->children[i]);
	for (size_t i = 0; named && list && a->index == 0 && i < reply->n_counters; i++) {
		add_counter(&s, reply->counters[i]);
		named[i] = (Ctl__NamedCounter)CTL__NAMED_COUNTER__INIT;
		named[i].name = reply->counters[i]->name;
		named[i].value = reply->counters[i]->value;
		list[s.n_counters++] = &named[i];
	}
	s.counters = list;
	r.node = daemon_node(a->d);
	r.body_case = CTL__RESPONSE__BODY_IPSEC_STATISTICS;
	r.ipsec_statistics = &s;
	ctl_end(a->call, &r);
	free(list);
	free(named);
}

static void clear(const struct statistics_ask *a, const Dp__Reply *reply)
{
	int rc = 0;

	if (a->index == 0)
		rc = baseline_set(&a->d->baseline, reply);
	for (size_t i = 0; a->index != 0 && rc == 0 && i < reply->n_children; i++)
		rc = baseline_set_child(&a->d->baseline, reply->children[i]);
	if (rc < 0)
		ctl_fail(a->call, "%s", err_text(rc));
	else
		ctl_done(a->call, daemon_node(a->d), "", (uint32_t)reply->n_children);
}

static void on_statistics(void *ctx, int rc, const Dp__Reply *reply)
{
	struct statistics_ask *a = (struct statistics_ask *)ctx;

	if (rc < 0)
		ctl_fail(a->call, "the dataplane does not answer: %s", err_text(rc));
	else if (a->clear)
		clear(a, reply);
	else
		answer(a, reply);
	free(a);
}

static int ask(struct statistics_ask *a)
{
	Dp__Request r = DP__REQUEST__INIT;
	Dp__Query query = DP__QUERY__INIT;
	uint32_t spis[SPIS_MAX];

	if (a->index != 0) {
		query.n_spi_in = show_spis_of_index(a->d, a->index, spis, SPIS_MAX);
		if (query.n_spi_in == 0)
			return -ERR_NOT_FOUND;
	}
	query.spi_in = spis;
	query.children = true;
	query.counters = a->index == 0;
	r.body_case = DP__REQUEST__BODY_QUERY;
	r.query = &query;
	return dp_client_send(&a->d->dp, &r, on_statistics, a);
}

static void begin(struct statistics_ask asked)
{
	struct statistics_ask *a = malloc(sizeof *a);
	int rc = -ERR_NOMEM;

	if (a) {
		*a = asked;
		rc = ask(a);
	}
	if (rc == 0)
		return;
	free(a);
	if (rc == -ERR_NOT_FOUND)
		ctl_fail(asked.call, "tunnel %u does not exist", asked.index);
	else
		ctl_fail(asked.call, "%s",
			rc == -ERR_AGAIN ? "the dataplane is not connected" : err_text(rc));
}

void statistics_show(struct daemon *d, uint32_t index, struct ctl_call *call)
{
	begin((struct statistics_ask){.d = d, .call = call, .index = index});
}

void statistics_clear(struct daemon *d, uint32_t index, struct ctl_call *call)
{
	begin((struct statistics_ask){.d = d, .call = call, .index = index, .clear = true});
}
