/*
 * show interfaces [terse]
 */
#include <inttypes.h>

#include "cli/show.h"

static const char *mac_text(const Ctl__Interface *i, char *out, size_t cap)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t k = 0; k < i->mac.len && at + 4 < cap; k++)
		at += (size_t)snprintf(out + at, cap - at, "%s%02x", k ? ":" : "", i->mac.data[k]);
	return out;
}

static void interface_json(struct show *s, const Ctl__Interface *i)
{
	struct json *j = &s->json;
	char mac[32];

	show_row_open(s);
	json_text(j, "name", i->name);
	json_bool(j, "admin-up", i->admin_up);
	json_bool(j, "link-up", i->link_up);
	json_text(j, "parent", i->parent);
	json_text(j, "mac", mac_text(i, mac, sizeof mac));
	json_open(j, "addresses", '[');
	for (size_t k = 0; k < i->n_addresses; k++)
		json_text(j, NULL, i->addresses[k]);
	json_close(j, ']');
	json_uint(j, "input-packets", i->in_packets);
	json_uint(j, "output-packets", i->out_packets);
	json_uint(j, "input-bytes", i->in_bytes);
	json_uint(j, "output-bytes", i->out_bytes);
	json_uint(j, "drops", i->drops);
	json_close(j, '}');
}

static const char *family(const char *address)
{
	return strchr(address, ':') ? "inet6" : "inet";
}

/* Further addresses stand below the first. */
static void interface_row(struct show *s, const Ctl__Interface *i)
{
	bool alone = i->n_addresses == 0 && !(i->parent && *i->parent);
	char text[512];

	(void)fprintf(s->f, "%-23s %-5s ", show_safe(i->name, text), i->admin_up ? "up" : "down");
	(void)fprintf(s->f, alone ? "%s" : "%-4s", i->link_up ? "up" : "down");
	for (size_t k = 0; k < i->n_addresses; k++)
		(void)fprintf(s->f, "%s %-8s %s", k ? "\n                                  " : "",
			family(i->addresses[k]), show_safe(i->addresses[k], text));
	if (i->parent && *i->parent)
		(void)fprintf(s->f, " %-8s --> %s", "aenet", show_safe(i->parent, text));
	(void)fputc('\n', s->f);
}

static void port(struct show *s, const Ctl__Interface *i)
{
	const struct {
		const char *label;
		uint64_t value;
	} counters[] = {
		{"Input  bytes  :", i->in_bytes},
		{"Output bytes  :", i->out_bytes},
		{"Input  packets:", i->in_packets},
		{"Output packets:", i->out_packets},
		{"Drops         :", i->drops},
	};

	char text[512], mac[32];

	if (s->any)
		(void)fputc('\n', s->f);
	(void)fprintf(s->f, "Physical interface: %s, %s, Physical link is %s\n",
		show_safe(i->name, text), i->admin_up ? "Enabled" : "Administratively down",
		i->link_up ? "Up" : "Down");
	if (i->mac.len != 0)
		(void)fprintf(s->f, "  Current address: %s\n", mac_text(i, mac, sizeof mac));
	(void)fputs("  Traffic statistics:\n", s->f);
	for (size_t k = 0; k < ARRAY_LEN(counters); k++)
		(void)fprintf(s->f, "   %s %20" PRIu64 "\n", counters[k].label, counters[k].value);
}

static void unit(struct show *s, const Ctl__Interface *i)
{
	char text[512];

	(void)fprintf(s->f, "  Logical interface %s\n", show_safe(i->name, text));
	if (i->parent && *i->parent)
		(void)fprintf(
			s->f, "    Protocol aenet, AE bundle: %s\n", show_safe(i->parent, text));
	for (size_t k = 0; k < i->n_addresses; k++)
		(void)fprintf(s->f, "    Protocol %s, Local: %s\n", family(i->addresses[k]),
			show_safe(i->addresses[k], text));
}

void show_interfaces(struct show *s, const Ctl__InterfaceList *list, bool fresh)
{
	if (fresh && !s->as_json && s->terse)
		(void)fputs("Interface               Admin Link Proto    Local                 "
			    "Remote\n",
			s->f);
	for (size_t i = 0; i < list->n_interfaces; i++) {
		const Ctl__Interface *one = list->interfaces[i];

		if (s->as_json)
			interface_json(s, one);
		else if (s->terse)
			interface_row(s, one);
		else if (strchr(one->name, '.'))
			unit(s, one);
		else
			port(s, one);
		s->any = true;
	}
}
