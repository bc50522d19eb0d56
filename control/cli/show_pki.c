/*
 * show security pki ...; what request security pki answers.
 */
#include <inttypes.h>
#include <time.h>

#include "cli/names.h"
#include "cli/show.h"

enum { TIME_MAX = 40, HEX_LINE = 20, SERIAL_WIDTH = 16 };

/* "01-05-2026 08:00" */
static const char *time_text(int64_t unix_s, char out[TIME_MAX])
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(out, TIME_MAX, "%m-%d-%Y %H:%M", &tm) == 0)
		out[0] = '\0';
	return out;
}

static void put_octets(FILE *f, ProtobufCBinaryData b, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		(void)fprintf(f, "%s%02x", i > from ? ":" : "", b.data[i]);
}

/* Lines of 20 octets. */
static void put_hex(FILE *f, ProtobufCBinaryData b)
{
	for (size_t at = 0; at < b.len; at += HEX_LINE) {
		size_t end = MIN(at + HEX_LINE, b.len);

		(void)fputs("    ", f);
		put_octets(f, b, at, end);
		(void)fputs(end < b.len ? ":\n" : "\n", f);
	}
}

static void put_fingerprint(FILE *f, ProtobufCBinaryData b, const char *kind)
{
	(void)fputs("    ", f);
	put_octets(f, b, 0, b.len);
	(void)fprintf(f, " (%s)\n", kind);
}

static void put_line(struct show *s, const char *before, const char *text)
{
	/* Names of a certificate are as long as they are: cut where a terminal line is not read any
	 * more. */
	char safe[512];

	(void)fprintf(s->f, "%s%s\n", before, show_safe(text, safe));
}

static void put_validity(struct show *s, const Ctl__PkiCertificate *c)
{
	char from[TIME_MAX], to[TIME_MAX];

	(void)fprintf(s->f, "  Validity:\n    Not before: %s UTC\n    Not after: %s UTC\n",
		time_text(c->not_before, from), time_text(c->not_after, to));
}

static void put_key(struct show *s, const Ctl__PkiCertificate *c)
{
	char name[512];

	(void)fprintf(s->f, "  Public key algorithm: %s(%u bits)\n",
		show_safe(c->key_algorithm, name), c->key_bits);
}

static void certificate_brief(struct show *s, const Ctl__PkiCertificate *c)
{
	char to[512], by[512];

	if (c->object == CTL__PKI_OBJECT__PKI_REQUEST) {
		put_line(s, "  Issued to: ", c->common_name);
		put_key(s, c);
		return;
	}
	(void)fprintf(s->f, "  Issued to: %s, Issued by: %s\n", show_safe(c->common_name, to),
		show_safe(c->issuer, by));
	put_validity(s, c);
	put_key(s, c);
	if (c->object == CTL__PKI_OBJECT__PKI_CA)
		(void)fputs("  Keypair Location: Keypair generated locally\n", s->f);
}

static void put_fingerprints(struct show *s, const Ctl__PkiCertificate *c)
{
	(void)fputs("  Fingerprint:\n", s->f);
	put_fingerprint(s->f, c->sha1, "sha1");
	put_fingerprint(s->f, c->md5, "md5");
}

static void put_subject(struct show *s, const Ctl__PkiCertificate *c)
{
	(void)fputs("  Subject:\n", s->f);
	put_line(s, "    ", c->subject_labels);
	(void)fputs("  Subject string:\n", s->f);
	put_line(s, "    ", c->subject);
}

static void certificate_detail(struct show *s, const Ctl__PkiCertificate *c)
{
	bool own = c->object == CTL__PKI_OBJECT__PKI_LOCAL;

	if (c->object == CTL__PKI_OBJECT__PKI_REQUEST) {
		put_subject(s, c);
		put_key(s, c);
		put_fingerprints(s, c);
		return;
	}
	(void)fprintf(s->f, "  Certificate version: %u\n  Serial number:\n", c->version);
	put_line(s, "    hexadecimal: ", c->serial_hex);
	put_line(s, "    decimal: ", c->serial_decimal);
	(void)fputs("  Issuer:\n", s->f);
	put_line(s, "    ", c->issuer_labels);
	put_subject(s, c);
	if (own)
		put_line(s, "  Alternate subject: ", c->alternates);
	put_validity(s, c);
	put_key(s, c);
	put_hex(s->f, c->public_key);
	put_line(s, "  Signature algorithm: ", c->signature_algorithm);
	if (c->n_crl_urls > 0)
		(void)fputs("  Distribution CRL:\n", s->f);
	for (size_t i = 0; i < c->n_crl_urls; i++)
		put_line(s, "    ", c->crl_urls[i]);
	if (c->usages && *c->usages)
		put_line(s, "  Use for key: ", c->usages);
	put_fingerprints(s, c);
	if (own)
		(void)fputs("  Auto-re-enrollment:\n    Status: Disabled\n"
			    "    Next trigger time: Timer not started\n",
			s->f);
}

static void octets_json(struct json *j, const char *name, ProtobufCBinaryData b)
{
	char hex[2 * 64 + 1];

	json_text(j, name, view_hex(view_of(b.data, MIN(b.len, (size_t)64)), hex, sizeof hex));
}

static void certificate_json(struct show *s, const Ctl__PkiCertificate *c)
{
	struct json *j = &s->json;

	show_row_open(s);
	json_text(j, "identifier", c->name);
	json_text(j, "subject", c->subject);
	json_text(j, "common-name", c->common_name);
	if (c->object != CTL__PKI_OBJECT__PKI_REQUEST) {
		json_text(j, "issuer", c->issuer);
		json_text(j, "serial", c->serial_hex);
		json_int(j, "not-before", c->not_before);
		json_int(j, "not-after", c->not_after);
		json_text(j, "signature-algorithm", c->signature_algorithm);
		json_text(j, "alternate-subject", c->alternates);
		json_text(j, "use-for-key", c->usages);
		json_open(j, "crl-urls", '[');
		for (size_t i = 0; i < c->n_crl_urls; i++)
			json_text(j, NULL, c->crl_urls[i]);
		json_close(j, ']');
	}
	if (c->object == CTL__PKI_OBJECT__PKI_LOCAL)
		json_text(j, "key-location", c->key_location);
	json_text(j, "public-key-algorithm", c->key_algorithm);
	json_uint(j, "public-key-bits", c->key_bits);
	octets_json(j, "sha1", c->sha1);
	octets_json(j, "md5", c->md5);
	json_close(j, '}');
}

static void show_certificate(struct show *s, const Ctl__PkiCertificate *c)
{
	if (s->as_json) {
		certificate_json(s, c);
		return;
	}
	if (s->any)
		(void)fputc('\n', s->f);
	put_line(s, "Certificate identifier: ", c->name);
	if (s->detail)
		certificate_detail(s, c);
	else
		certificate_brief(s, c);
}

/* ---------------------------------------------------------------- lists */

static void crl_head(struct show *s, const Ctl__PkiCrl *c)
{
	char when[TIME_MAX], until[TIME_MAX];

	if (s->any)
		(void)fputc('\n', s->f);
	put_line(s, "CA profile: ", c->profile);
	(void)fprintf(s->f, "CRL version: V%08u\n", c->version);
	put_line(s, "CRL issuer: ", c->issuer);
	(void)fprintf(s->f, "Effective date: %s\nNext update: %s\n",
		time_text(c->this_update, when),
		c->next_update ? time_text(c->next_update, until) : "none");
	if (s->detail)
		(void)fprintf(s->f, "Revocation List:\n%-*s %s\n", SERIAL_WIDTH, "Serial number",
			"Revocation date");
}

static void revoked_text(ProtobufCBinaryData serial, char out[80])
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < serial.len && i < 32; i++)
		at += (size_t)snprintf(out + at, 80 - at, "%02X", serial.data[i]);
}

static void crl_json(struct show *s, const Ctl__PkiCrl *c)
{
	struct json *j = &s->json;
	char serial[80];

	show_row_open(s);
	json_text(j, "ca-profile", c->profile);
	json_uint(j, "version", c->version);
	json_text(j, "issuer", c->issuer);
	json_int(j, "effective", c->this_update);
	json_int(j, "next-update", c->next_update);
	json_open(j, "revoked", '[');
	for (size_t i = 0; i < c->n_revoked; i++) {
		json_open(j, NULL, '{');
		revoked_text(c->revoked[i]->serial, serial);
		json_text(j, "serial", serial);
		json_int(j, "date", c->revoked[i]->date);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

static void show_crl(struct show *s, const Ctl__PkiCrl *c)
{
	char serial[80], when[TIME_MAX];

	if (s->as_json) {
		crl_json(s, c);
		return;
	}
	if (!s->goes_on)
		crl_head(s, c);
	s->goes_on = c->goes_on;
	for (size_t i = 0; i < c->n_revoked; i++) {
		revoked_text(c->revoked[i]->serial, serial);
		(void)fprintf(s->f, "%-*s %s UTC\n", SERIAL_WIDTH, serial,
			time_text(c->revoked[i]->date, when));
	}
}

void show_pki(struct show *s, const Ctl__PkiList *list)
{
	for (size_t i = 0; i < list->n_certificates; i++) {
		show_certificate(s, list->certificates[i]);
		s->any = true;
	}
	for (size_t i = 0; i < list->n_crls; i++) {
		show_crl(s, list->crls[i]);
		s->any = true;
	}
}

void show_pki_made(struct show *s, const Ctl__PkiMade *made)
{
	if (s->as_json) {
		json_open(&s->json, NULL, '{');
		json_int(&s->json, "node", s->node);
		json_text(&s->json, "text", made->text);
		json_close(&s->json, '}');
		return;
	}
	(void)fputs(made->text, s->f);
}
