/*
 * show security ipsec security-associations [detail], show security ipsec statistics
 */
#include <inttypes.h>

#include "cli/names.h"
#include "cli/show.h"

static void life(struct show *s, const Ctl__Sa *sa)
{
	if (sa->no_lifetime)
		(void)fputs("-/ ", s->f);
	else
		(void)fprintf(s->f, "%u/ ", sa->hard_s);
	if (sa->kilobytes_limited)
		(void)fprintf(s->f, "%" PRIu64, sa->kilobytes_left);
	else
		(void)fputs("unlim", s->f);
}

static void brief(struct show *s, const Ctl__Tunnel *t)
{
	char encr[NAME_MAX_LEN], remote[ADDR_TEXT_MAX];

	for (size_t i = 0; i < t->n_sas; i++) {
		const Ctl__Sa *sa = t->sas[i];

		(void)fprintf(s->f, "  %c%u ", sa->outbound ? '>' : '<', t->index);
		if (sa->ah)
			(void)fprintf(s->f, "AH:%s", name_integ_short(sa->integ));
		else
			(void)fprintf(s->f, "ESP:%s/%s",
				name_esp_short(sa->encr, sa->key_bits, encr),
				name_integ_short(sa->integ));
		(void)fprintf(s->f, " %08x ", sa->spi);
		life(s, sa);
		(void)fprintf(s->f, " %c root %u %s\n", name_monitoring(sa->monitoring),
			t->remote ? t->remote->port : 0,
			t->remote ? name_address(t->remote->address, remote) : "0.0.0.0");
	}
}

/* UDP-006. Junos' output for route-based VPNs has no such line: it is there only when it says
 * something. */
static void udp_encapsulate(struct show *s, const Ctl__Tunnel *t)
{
	if (t->udp_port)
		(void)fprintf(s->f, "  UDP encapsulate: Enabled, UDP Destination port: %u\n",
			t->udp_port);
}

static void head(struct show *s, const Ctl__Tunnel *t)
{
	char text[512], local[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];
	bool named = t->selector && *t->selector;

	(void)fprintf(s->f, "ID: %u Virtual-system: root, VPN Name: %s\n", t->index,
		show_safe(t->vpn, text));
	(void)fprintf(s->f, "  Local Gateway: %s, Remote Gateway: %s\n",
		t->local ? name_address(t->local->address, local) : "0.0.0.0",
		t->remote ? name_address(t->remote->address, remote) : "0.0.0.0");
	if (named)
		(void)fprintf(s->f, "  Traffic Selector Name: %s\n", show_safe(t->selector, text));
	(void)fputs("  Local Identity: ", s->f);
	name_ranges(s->f, t->local_ts, t->n_local_ts, named);
	(void)fputs("\n  Remote Identity: ", s->f);
	name_ranges(s->f, t->remote_ts, t->n_remote_ts, named);
	(void)fputc('\n', s->f);
	if (t->ike_version > 0)
		(void)fprintf(s->f, "  Version: IKEv%u\n", t->ike_version);
	(void)fprintf(s->f, "  DF-bit: %s, Copy-Outer-DSCP %s", name_df(t->df),
		t->copy_dscp ? "Enabled" : "Disabled");
	if (t->bind_interface && *t->bind_interface)
		(void)fprintf(s->f, ", Bind-interface: %s", show_safe(t->bind_interface, text));
	(void)fprintf(s->f, "\n  Port: %u, Nego#: %u, Fail#: %u, Def-Del#: %u Flag: 0x%x\n",
		t->remote ? t->remote->port : 0, t->negotiations, t->failures, t->deferred_deletes,
		t->flags);
	udp_encapsulate(s, t);
	if (t->own_worker)
		(void)fprintf(s->f, "  Multi-sa, Own SA of worker %u, Bucket 0x%03x\n",
			t->own_worker - 1, t->bucket);
	(void)fprintf(s->f, "  Multi-sa, Configured SAs# %u, Negotiated SAs#: %u\n",
		t->configured_sas, t->negotiated_sas);
}

static void history(struct show *s, const Ctl__Tunnel *t)
{
	char text[512], when[NAME_MAX_LEN];

	if (t->ha) {
		(void)fprintf(s->f, "  HA: Redundancy group %u, Owner ", t->ha->group);
		if (t->ha->no_owner)
			(void)fputs("none", s->f);
		else
			(void)fprintf(s->f, "node%u", t->ha->owner);
		(void)fprintf(s->f, ", Worker %u, Bucket 0x%03x\n", t->worker, t->bucket);
	}
	(void)fputs("  Tunnel events:\n", s->f);
	for (size_t i = 0; i < t->n_events; i++)
		(void)fprintf(s->f, "    %s: %s (%u times)\n",
			name_time(t->events[i]->unix_s, when), show_safe(t->events[i]->text, text),
			t->events[i]->count);
}

static void lifetimes(struct show *s, const Ctl__Sa *sa)
{
	if (sa->no_lifetime) {
		(void)fputs("    Hard lifetime: no lifetime\n", s->f);
		return;
	}
	(void)fprintf(s->f, "    Hard lifetime: Expires in %u seconds\n", sa->hard_s);
	if (sa->kilobytes_limited)
		(void)fprintf(s->f, "    Lifesize Remaining:  %" PRIu64 " kilobytes\n",
			sa->kilobytes_left);
	else
		(void)fputs("    Lifesize Remaining:  Unlimited\n", s->f);
	if (sa->soft_s > 0)
		(void)fprintf(s->f, "    Soft lifetime: Expires in %u seconds\n", sa->soft_s);
	else
		(void)fputs("    Soft lifetime: Expired\n", s->f);
}

static void direction(struct show *s, const Ctl__Sa *sa)
{
	char encr[NAME_MAX_LEN];

	(void)fprintf(s->f, "  Direction: %s, SPI: %08x, AUX-SPI: %x\n",
		sa->outbound ? "outbound" : "inbound", sa->spi, sa->aux_spi);
	(void)fprintf(s->f, "                              , VPN Monitoring: %c\n",
		name_monitoring(sa->monitoring));
	lifetimes(s, sa);
	(void)fprintf(s->f, "    Mode: %s(0 0), Type: %s, State: %s\n",
		sa->transport ? "Transport" : "Tunnel", sa->manual ? "manual" : "dynamic",
		sa->not_installed ? "not installed" : "installed");
	(void)fprintf(s->f, "    Protocol: %s, Authentication: %s, Encryption: %s\n",
		sa->ah ? "AH" : "ESP", name_integ(sa->integ),
		sa->ah ? "None" : name_esp_long(sa->encr, sa->key_bits, encr));
	if (sa->anti_replay_off)
		(void)fputs("    Anti-replay service: disabled\n", s->f);
	else
		(void)fprintf(s->f,
			"    Anti-replay service: counter-based enabled, Replay window size: %u\n",
			sa->replay_window);
}

static void detail(struct show *s, const Ctl__Tunnel *t)
{
	if (s->any)
		(void)fputc('\n', s->f);
	head(s, t);
	history(s, t);
	for (size_t i = 0; i < t->n_sas; i++)
		direction(s, t->sas[i]);
}

static void sa_json(struct json *j, const Ctl__Sa *sa)
{
	char encr[NAME_MAX_LEN];

	json_open(j, NULL, '{');
	json_text(j, "direction", sa->outbound ? "outbound" : "inbound");
	json_hex(j, "spi", sa->spi, 8);
	json_text(j, "protocol", sa->ah ? "AH" : "ESP");
	json_text(j, "encryption", sa->ah ? "none" : name_esp_short(sa->encr, sa->key_bits, encr));
	json_text(j, "authentication", name_integ(sa->integ));
	json_text(j, "mode", sa->transport ? "transport" : "tunnel");
	json_text(j, "type", sa->manual ? "manual" : "dynamic");
	json_text(j, "state", sa->not_installed ? "not installed" : "installed");
	if (!sa->no_lifetime) {
		json_uint(j, "hard-lifetime", sa->hard_s);
		json_uint(j, "soft-lifetime", sa->soft_s);
	}
	if (sa->kilobytes_limited)
		json_uint(j, "kilobytes-left", sa->kilobytes_left);
	json_uint(j, "replay-window", sa->anti_replay_off ? 0 : sa->replay_window);
	json_bool(j, "extended-sequence-number", sa->esn);
	json_close(j, '}');
}

static void ranges_json(struct json *j, const char *name, Ctl__Range *const *ranges, size_t n)
{
	char low[ADDR_TEXT_MAX], high[ADDR_TEXT_MAX];

	json_open(j, name, '[');
	for (size_t i = 0; i < n; i++) {
		json_open(j, NULL, '{');
		json_text(j, "low", name_address(ranges[i]->low, low));
		json_text(j, "high", name_address(ranges[i]->high, high));
		json_uint(j, "protocol", ranges[i]->protocol);
		json_uint(j, "port-low", ranges[i]->port_low);
		json_uint(j, "port-high", ranges[i]->port_high);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void detail_json(struct json *j, const Ctl__Tunnel *t)
{
	json_text(j, "gateway", t->gateway);
	json_uint(j, "ike-version", t->ike_version);
	json_uint(j, "ike-index", t->ike_index);
	json_text(j, "role", t->role == CTL__ROLE__ROLE_RESPONDER ? "responder" : "initiator");
	json_text(j, "df-bit", name_df(t->df));
	json_text(j, "bind-interface", t->bind_interface);
	json_uint(j, "udp-encapsulate-port", t->udp_port);
	json_uint(j, "negotiations", t->negotiations);
	json_uint(j, "failures", t->failures);
	ranges_json(j, "local", t->local_ts, t->n_local_ts);
	ranges_json(j, "remote", t->remote_ts, t->n_remote_ts);
	json_open(j, "events", '[');
	for (size_t i = 0; i < t->n_events; i++) {
		json_open(j, NULL, '{');
		json_uint(j, "time", t->events[i]->unix_s);
		json_text(j, "text", t->events[i]->text);
		json_uint(j, "count", t->events[i]->count);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void as_json(struct show *s, const Ctl__Tunnel *t)
{
	struct json *j = &s->json;

	show_row_open(s);
	json_uint(j, "index", t->index);
	json_text(j, "vpn", t->vpn);
	json_text(j, "traffic-selector", t->selector);
	show_endpoint_json(j, "local-gateway", t->local);
	show_endpoint_json(j, "remote-gateway", t->remote);
	show_ha_json(j, t->ha);
	json_uint(j, "worker", t->worker);
	if (t->own_worker)
		json_uint(j, "own-sa-of-worker", t->own_worker - 1);
	json_uint(j, "bucket", t->bucket);
	json_uint(j, "input-bytes", t->in_bytes);
	json_uint(j, "input-packets", t->in_packets);
	json_uint(j, "output-bytes", t->out_bytes);
	json_uint(j, "output-packets", t->out_packets);
	json_uint(j, "replay-errors", t->replay_errors);
	json_uint(j, "authentication-errors", t->auth_errors);
	json_uint(j, "replay-exposure", t->replay_exposure);
	if (s->detail)
		detail_json(j, t);
	json_open(j, "sas", '[');
	for (size_t i = 0; i < t->n_sas; i++)
		sa_json(j, t->sas[i]);
	json_close(j, ']');
	json_close(j, '}');
}

void show_ipsec(struct show *s, const Ctl__IpsecList *list, bool fresh)
{
	if (fresh && !s->as_json && !s->detail)
		(void)fprintf(s->f,
			"  Total active tunnels: %u     Total Ipsec sas: %u\n"
			"  ID      Algorithm       SPI      Life:sec/kb  Mon lsys Port  Gateway\n",
			list->total_tunnels, list->total_sas);
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

/* ---- statistics */

struct counter {
	const char *label, *key;
	uint64_t value;
};

static void counters(struct show *s, const char *title, const struct counter *c, size_t n)
{
	if (!s->as_json)
		(void)fprintf(s->f, "%s:\n", title);
	for (size_t i = 0; i < n; i++) {
		int width = 35 - 2 - (int)strlen(c[i].label);

		if (s->as_json)
			json_uint(&s->json, c[i].key, c[i].value);
		else
			(void)fprintf(s->f, "  %s%*" PRIu64 "\n", c[i].label, width, c[i].value);
	}
}

static void errors_text(struct show *s, const Ctl__IpsecStatistics *t)
{
	(void)fprintf(s->f,
		"Errors:\n"
		"  AH authentication failures: %" PRIu64 ", Replay errors: %" PRIu64 "\n"
		"  ESP authentication failures: %" PRIu64 ", ESP decryption failures: %" PRIu64 "\n"
		"  Bad headers: %" PRIu64 ", Bad trailers: %" PRIu64 "\n"
		"  Invalid SPI: %" PRIu64 ", TS check fail: %" PRIu64 "\n"
		"  Exceeds tunnel MTU: %" PRIu64 "\n"
		"  Discarded: %" PRIu64 "\n",
		t->ah_auth_failures, t->replay_errors, t->esp_auth_failures,
		t->esp_decrypt_failures, t->bad_headers, t->bad_trailers, t->invalid_spi,
		t->ts_check_fail, t->exceeds_mtu, t->discarded);
}

static void errors_json(struct json *j, const Ctl__IpsecStatistics *t)
{
	json_uint(j, "ah-authentication-failures", t->ah_auth_failures);
	json_uint(j, "replay-errors", t->replay_errors);
	json_uint(j, "esp-authentication-failures", t->esp_auth_failures);
	json_uint(j, "esp-decryption-failures", t->esp_decrypt_failures);
	json_uint(j, "bad-headers", t->bad_headers);
	json_uint(j, "bad-trailers", t->bad_trailers);
	json_uint(j, "invalid-spi", t->invalid_spi);
	json_uint(j, "ts-check-fail", t->ts_check_fail);
	json_uint(j, "exceeds-tunnel-mtu", t->exceeds_mtu);
	json_uint(j, "discarded", t->discarded);
	json_open(j, "counters", '{');
	for (size_t i = 0; i < t->n_counters; i++)
		json_uint(j, t->counters[i]->name, t->counters[i]->value);
	json_close(j, '}');
}

void show_ipsec_statistics(struct show *s, const Ctl__IpsecStatistics *t)
{
	const struct counter esp[] = {
		{"Encrypted bytes:", "esp-encrypted-bytes", t->esp_encrypted_bytes},
		{"Decrypted bytes:", "esp-decrypted-bytes", t->esp_decrypted_bytes},
		{"Encrypted packets:", "esp-encrypted-packets", t->esp_encrypted_packets},
		{"Decrypted packets:", "esp-decrypted-packets", t->esp_decrypted_packets},
	};
	const struct counter ah[] = {
		{"Input bytes:", "ah-input-bytes", t->ah_input_bytes},
		{"Output bytes:", "ah-output-bytes", t->ah_output_bytes},
		{"Input packets:", "ah-input-packets", t->ah_input_packets},
		{"Output packets:", "ah-output-packets", t->ah_output_packets},
	};

	if (s->as_json) {
		json_open(&s->json, NULL, '{');
		json_int(&s->json, "node", s->node);
	}
	counters(s, "ESP Statistics", esp, ARRAY_LEN(esp));
	counters(s, "AH Statistics", ah, ARRAY_LEN(ah));
	if (s->as_json) {
		errors_json(&s->json, t);
		json_close(&s->json, '}');
	} else {
		errors_text(s, t);
	}
}
