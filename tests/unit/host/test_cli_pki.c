/* The operator's PKI commands: what is sent, and what is shown, octet by octet (CLI-006, CLI-009).
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/err.h"
#include "cli/passphrase.h"
#include "cli/pki.h"
#include "cli/show.h"

static char *lent(const char *s)
{
	return (char *)(uintptr_t)s;
}

static ProtobufCBinaryData octets(const char *s, size_t n)
{
	return (ProtobufCBinaryData){n, (uint8_t *)(uintptr_t)s};
}

static void parse(const char *line, struct words *w, struct command *c)
{
	struct words_error error = {0};

	assert_int_equal(words_split(line, w), 0);
	if (words_parse(w, c, &error) < 0)
		fail_msg("%s: %s", line, error.text);
}

/* What the line shows of the list. */
static void shows(const char *line, Ctl__PkiList *list, const char *want)
{
	Ctl__Response r = CTL__RESPONSE__INIT;
	struct words w;
	struct command c;
	struct show s;
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	parse(line, &w, &c);
	show_init(&s, f, &c, false);
	r.node = -1;
	r.body_case = CTL__RESPONSE__BODY_PKI;
	r.pki = list;
	assert_int_equal(show_part(&s, &r, stderr), 0);
	show_end(&s);
	assert_int_equal(fclose(f), 0);
	assert_string_equal(text, want);
	free(text);
}

#define SHA1 "\xaa\xbb\xcc\xdd\xee\xff\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd"
#define MD5  "\xaa\xbb\xcc\xdd\xee\xff\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99"

/* The sample of the reference. */
static Ctl__PkiCertificate sample(Ctl__PkiObject object)
{
	static const char *const url = "ldap://ldap.example.net/cn=CA-Root,o=example";
	Ctl__PkiCertificate c = CTL__PKI_CERTIFICATE__INIT;
	char **urls;

	memcpy(&urls, &(const char *const *){&url}, sizeof urls);
	c.object = object;
	c.name = lent("Root-CA");
	c.version = 3;
	c.serial_hex = lent("0x00a1b2c3d4");
	c.serial_decimal = lent("2712847316");
	c.common_name = lent("CA-Root");
	c.subject = lent("C=US, O=example, CN=CA-Root");
	c.subject_labels = lent("Organization: example, Country: US, Common name: CA-Root");
	c.issuer = lent("C = US, O = example, CN = CA-Root");
	c.issuer_labels = c.subject_labels;
	c.not_before = 1767600000; /* 2026-01-05 08:00 UTC */
	c.not_after = 1925107200;  /* 2031-01-02 08:00 UTC */
	c.key_algorithm = lent("rsaEncryption");
	c.key_bits = 2048;
	c.public_key = octets("\x30\x82\x01\x0a\x02\x82\x01\x01\x00", 9);
	c.signature_algorithm = lent("sha256WithRSAEncryption");
	c.n_crl_urls = 1;
	c.crl_urls = urls;
	c.usages = lent("CRL signing, Certificate signing");
	c.alternates = lent("\"host-a@example.net\", host-a.example.net, 192.0.2.9");
	c.sha1 = octets(SHA1, 20);
	c.md5 = octets(MD5, 16);
	return c;
}

static void one(const char *line, Ctl__PkiObject object, const char *want)
{
	Ctl__PkiCertificate c = sample(object), *list[] = {&c};
	Ctl__PkiList l = CTL__PKI_LIST__INIT;

	l.n_certificates = 1;
	l.certificates = list;
	shows(line, &l, want);
}

#define VALIDITY                                                                                   \
	"  Validity:\n"                                                                            \
	"    Not before: 01-05-2026 08:00 UTC\n"                                                   \
	"    Not after: 01-02-2031 08:00 UTC\n"
#define HEAD                                                                                       \
	"Certificate identifier: Root-CA\n"                                                        \
	"  Issued to: CA-Root, Issued by: C = US, O = example, CN = CA-Root\n" VALIDITY            \
	"  Public key algorithm: rsaEncryption(2048 bits)\n"
#define PRINTS                                                                                     \
	"  Fingerprint:\n"                                                                         \
	"    aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd (sha1)\n"                 \
	"    aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99 (md5)\n"
#define SUBJECT                                                                                    \
	"  Subject:\n"                                                                             \
	"    Organization: example, Country: US, Common name: CA-Root\n"                           \
	"  Subject string:\n"                                                                      \
	"    C=US, O=example, CN=CA-Root\n"
#define DETAIL_1                                                                                   \
	"Certificate identifier: Root-CA\n"                                                        \
	"  Certificate version: 3\n"                                                               \
	"  Serial number:\n"                                                                       \
	"    hexadecimal: 0x00a1b2c3d4\n"                                                          \
	"    decimal: 2712847316\n"                                                                \
	"  Issuer:\n"                                                                              \
	"    Organization: example, Country: US, Common name: CA-Root\n" SUBJECT
#define DETAIL_2                                                                                   \
	VALIDITY                                                                                   \
	"  Public key algorithm: rsaEncryption(2048 bits)\n"                                       \
	"    30:82:01:0a:02:82:01:01:00\n"                                                         \
	"  Signature algorithm: sha256WithRSAEncryption\n"                                         \
	"  Distribution CRL:\n"                                                                    \
	"    ldap://ldap.example.net/cn=CA-Root,o=example\n"                                       \
	"  Use for key: CRL signing, Certificate signing\n" PRINTS

static void cli_shows_certificates(void **state)
{
	(void)state;
	one("show security pki ca-certificate", CTL__PKI_OBJECT__PKI_CA,
		HEAD "  Keypair Location: Keypair generated locally\n");
	one("show security pki ca-certificate detail", CTL__PKI_OBJECT__PKI_CA, DETAIL_1 DETAIL_2);
	one("show security pki local-certificate brief", CTL__PKI_OBJECT__PKI_LOCAL, HEAD);
	one("show security pki local-certificate detail certificate-id x",
		CTL__PKI_OBJECT__PKI_LOCAL,
		DETAIL_1 "  Alternate subject: \"host-a@example.net\", host-a.example.net, "
			 "192.0.2.9\n" DETAIL_2 "  Auto-re-enrollment:\n"
			 "    Status: Disabled\n"
			 "    Next trigger time: Timer not started\n");
	one("show security pki certificate-request", CTL__PKI_OBJECT__PKI_REQUEST,
		"Certificate identifier: Root-CA\n"
		"  Issued to: CA-Root\n"
		"  Public key algorithm: rsaEncryption(2048 bits)\n");
	one("show security pki certificate-request detail", CTL__PKI_OBJECT__PKI_REQUEST,
		"Certificate identifier: Root-CA\n" SUBJECT
		"  Public key algorithm: rsaEncryption(2048 bits)\n" PRINTS);
}

/* Names of a certificate that somebody else wrote do not reach the terminal as they are. */
static void cli_escapes(void **state)
{
	Ctl__PkiCertificate c = sample(CTL__PKI_OBJECT__PKI_REQUEST), *list[] = {&c};
	Ctl__PkiList l = CTL__PKI_LIST__INIT;

	(void)state;
	c.common_name = lent("a\x1b[2J\nb");
	l.n_certificates = 1;
	l.certificates = list;
	shows("show security pki certificate-request", &l,
		"Certificate identifier: Root-CA\n"
		"  Issued to: a\\x1b[2J\\x0ab\n"
		"  Public key algorithm: rsaEncryption(2048 bits)\n");
}

#define CRL_1                                                                                      \
	"CA profile: Eng-CA\n"                                                                     \
	"CRL version: V00000001\n"                                                                 \
	"CRL issuer: C = US, O = example, CN = Eng-CA\n"                                           \
	"Effective date: 11-20-2026 17:46\n"                                                       \
	"Next update: 11-27-2026 17:46\n"

static void cli_shows_lists(void **state)
{
	Ctl__PkiCrl a = CTL__PKI_CRL__INIT, b, *list[] = {&a, &b};
	Ctl__PkiRevoked gone = CTL__PKI_REVOKED__INIT, *revoked[] = {&gone};
	Ctl__PkiList l = CTL__PKI_LIST__INIT;

	(void)state;
	a.profile = lent("Eng-CA");
	a.version = 1;
	a.issuer = lent("C = US, O = example, CN = Eng-CA");
	a.this_update = 1795196760;
	a.next_update = a.this_update + 7 * 86400;
	b = a;
	b.profile = lent("dynamic-001");
	b.next_update = 0;
	l.n_crls = 2;
	l.crls = list;
	shows("show security pki crl", &l,
		CRL_1 "\nCA profile: dynamic-001\nCRL version: V00000001\n"
		      "CRL issuer: C = US, O = example, CN = Eng-CA\n"
		      "Effective date: 11-20-2026 17:46\nNext update: none\n");
	gone.serial = octets("\x0a\x1b\x2c\x3d", 4);
	gone.date = a.this_update + 120;
	a.n_revoked = 1;
	a.revoked = revoked;
	l.n_crls = 1;
	shows("show security pki crl detail", &l,
		CRL_1 "Revocation List:\n"
		      "Serial number    Revocation date\n"
		      "0A1B2C3D         11-20-2026 17:48 UTC\n");
}

/* ---------------------------------------------------------------- what is sent */

static void cli_asks(void **state)
{
	struct words w;
	struct command c;
	struct request r;

	(void)state;
	parse("request security pki generate-key-pair certificate-id x size 384 type ecdsa", &w,
		&c);
	request_fill(&r, &c, false);
	assert_string_equal(r.request.pki_generate->name, "x");
	assert_true(r.request.pki_generate->ecdsa);
	assert_int_equal(r.request.pki_generate->bits, 384);
	parse("request security pki generate-certificate-request certificate-id x subject "
	      "\"CN=a b,O=c\" ip-address 192.0.2.1 ipv6-address 2001:db8::1 email a@b "
	      "domain-name d.example",
		&w, &c);
	request_fill(&r, &c, false);
	assert_string_equal(r.request.pki_make->subject, "CN=a b,O=c");
	assert_int_equal(r.request.pki_make->n_address, 2);
	assert_int_equal(r.request.pki_make->address[0].len, 4);
	assert_int_equal(r.request.pki_make->address[1].len, 16);
	assert_string_equal(r.request.pki_make->email[0], "a@b");
	assert_false(r.request.pki_make->self_signed);
	parse("request security pki local-certificate load certificate-id x filename "
	      "/nonexistent/f key \"pkcs11:object=a\"",
		&w, &c);
	request_fill(&r, &c, false);
	assert_string_equal(r.request.pki_load->key_uri, "pkcs11:object=a");
	assert_int_equal(r.request.pki_load->object, CTL__PKI_OBJECT__PKI_LOCAL);
	parse("clear security pki key-pair all", &w, &c);
	request_fill(&r, &c, false);
	assert_int_equal(r.request.pki_clear->object, CTL__PKI_OBJECT__PKI_KEY_PAIR);
	assert_string_equal(r.request.pki_clear->name, "");
}

static void cli_refuses(void **state)
{
	static const char *const lines[] = {"request security pki ca-certificate load ca-profile x",
		"request security pki generate-key-pair certificate-id x type elgamal",
		"request security pki generate-key-pair certificate-id x size 8192",
		"request security pki generate-certificate-request certificate-id x",
		"clear security pki crl", "clear security pki crl all ca-profile x",
		"show security pki ca-certificate certificate-id x"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct words_error error = {0};
		struct words w;
		struct command c;

		assert_int_equal(words_split(lines[i], &w), 0);
		if (words_parse(&w, &c, &error) != -ERR_SYNTAX)
			fail_msg("%s", lines[i]);
	}
}

static bool confirm(const char *typed, struct request *r, struct pki_files *files, char **said)
{
	Ctl__PkiQuestion q = CTL__PKI_QUESTION__INIT;
	FILE *in = fmemopen(lent(typed), strlen(typed), "r");
	size_t n = 0;
	FILE *to = open_memstream(said, &n);
	bool yes;

	assert_true(in && to);
	q.text = lent("Fingerprint:\n  aa (sha1)\n");
	q.token = octets(MD5, 16);
	yes = pki_confirm(r, &q, files, to, in);
	(void)fclose(in);
	(void)fclose(to);
	return yes;
}

/* Only "yes" is yes; then what was asked about goes along. */
static void cli_confirms(void **state)
{
	static const char *const noes[] = {"no\n", "y\n", "\n", "yes please\n", "YES\n"};
	struct pki_files files = {0};
	struct request r = {0};
	char *said = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(noes); i++) {
		assert_false(confirm(noes[i], &r, &files, &said));
		assert_int_equal(r.u.pki_load.confirmed.len, 0);
		free(said);
	}
	assert_true(confirm("yes\n", &r, &files, &said));
	assert_string_equal(said, "Fingerprint:\n  aa (sha1)\nDo you want to load the above CA "
				  "certificate ? [yes,no] (no) ");
	free(said);
	assert_int_equal(r.u.pki_load.confirmed.len, 16);
	assert_memory_equal(r.u.pki_load.confirmed.data, MD5, 16);
	pki_files_fini(&files);
}

/* PSK-004's rule for passphrases: from a descriptor, as a line of its own. */
static void cli_reads_passphrases(void **state)
{
	static const struct {
		const char *sent, *read;
	} rows[] = {{"secret\nrest", "secret"}, {"secret", "secret"}, {"", ""}, {"\n", ""},
		{"with blank \r\n", "with blank "}};
	struct pki_files files = {0};
	struct words w;
	struct command c;
	struct request r;
	char line[160];
	int ends[2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(pipe(ends), 0);
		assert_int_equal(write(ends[1], rows[i].sent, strlen(rows[i].sent)),
			(ssize_t)strlen(rows[i].sent));
		(void)close(ends[1]);
		(void)snprintf(line, sizeof line,
			"request security pki local-certificate load certificate-id x filename "
			"/dev/null key /dev/null passphrase-fd %d",
			ends[0]);
		parse(line, &w, &c);
		request_fill(&r, &c, false);
		assert_int_equal(pki_files_read(&r, &c, &files, stderr), 0);
		assert_string_equal(r.request.pki_load->passphrase, rows[i].read);
		pki_files_fini(&files);
		(void)close(ends[0]);
	}
	assert_true(passphrase_is_needed(
		view_of_literal("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII")));
	assert_true(passphrase_is_needed(view_of_literal("-----BEGIN RSA PRIVATE KEY-----\n"
							 "Proc-Type: 4,ENCRYPTED\n")));
	assert_false(passphrase_is_needed(view_of_literal("-----BEGIN PRIVATE KEY-----\n")));
	assert_int_equal(passphrase_read(-1, &files.passphrase), -ERR_IO);
}

/* A file that is not there, or that never ends. */
static void cli_reads_files(void **state)
{
	static const struct {
		const char *line, *said;
	} rows[] = {
		{"request security pki ca-certificate load ca-profile x filename /nonexistent/f",
			"error: Failed to read the certificate file\n"},
		{"request security pki ca-certificate load ca-profile x filename /dev/zero",
			"error: Failed to read the certificate file\n"},
		{"request security pki crl load ca-profile x filename /nonexistent/f",
			"error: Failed to read the CRL file\n"},
		{"request security pki local-certificate load certificate-id x filename /dev/null "
		 "key /dev/null passphrase a passphrase-fd 3",
			"error: only one of passphrase, passphrase-fd\n"},
		{"request security pki local-certificate load certificate-id x filename /dev/null "
		 "key /nonexistent/f",
			"error: Failed to read the key file\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pki_files files = {0};
		struct words w;
		struct command c;
		struct request r;
		char *said = NULL;
		size_t n = 0;
		FILE *err = open_memstream(&said, &n);

		assert_non_null(err);
		parse(rows[i].line, &w, &c);
		request_fill(&r, &c, false);
		assert_int_equal(pki_files_read(&r, &c, &files, err), -ERR_WRONG_STATE);
		(void)fclose(err);
		assert_string_equal(said, rows[i].said);
		free(said);
		pki_files_fini(&files);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cli_shows_certificates),
		cmocka_unit_test(cli_escapes),
		cmocka_unit_test(cli_shows_lists),
		cmocka_unit_test(cli_asks),
		cmocka_unit_test(cli_refuses),
		cmocka_unit_test(cli_confirms),
		cmocka_unit_test(cli_reads_files),
		cmocka_unit_test(cli_reads_passphrases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
