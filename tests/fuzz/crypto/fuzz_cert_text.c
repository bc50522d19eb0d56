/* What an operator may bring as a certificate, a request or a list: shown or refused, never
 * believed. */
#include <stdlib.h>

#include "crypto/cert_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void each(void *ctx, struct view serial, int64_t date_s)
{
	(void)date_s;
	*(size_t *)ctx += serial.n;
}

/* A text in its room has its end there. */
static void check(const char *text, size_t cap)
{
	if (!memchr(text, 0, cap))
		abort();
}

static void show_certificates(struct view in, struct cert_text *t)
{
	size_t at = 0;

	for (int i = 0; i < 4; i++) {
		auto_blob der = {0};
		auto_cert c = NULL;

		if (pem_next(in, &at, "CERTIFICATE", &der) < 0 || at > in.n)
			return;
		if (cert_parse(blob_view(&der), &c) == 0 && cert_text_make(c, t) == 0) {
			check(t->subject.labels, sizeof t->subject.labels);
			check(t->alternates, sizeof t->alternates);
			check(t->serial_hex, sizeof t->serial_hex);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct cert_text *t = malloc(sizeof *t);
	struct request_text *r = malloc(sizeof *r);
	struct crl_text *l = malloc(sizeof *l);
	struct view in = view_of(data, n);
	size_t octets = 0;

	if (t && r && l) {
		show_certificates(in, t);
		if (request_text_make(in, r) == 0)
			check(r->subject.spaced, sizeof r->subject.spaced);
		if (crl_text_make(in, l, each, &octets) == 0)
			check(l->issuer.plain, sizeof l->issuer.plain);
	}
	free(t);
	free(r);
	free(l);
	return 0;
}
