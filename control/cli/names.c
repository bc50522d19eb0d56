#include "cli/names.h"

#include <time.h>

enum {
	ENCR_DES = 2,
	ENCR_3DES = 3,
	ENCR_NULL = 11,
	ENCR_AES_CBC = 12,
	ENCR_AES_GCM = 20,
	ENCR_CHACHA = 28
};

static const char *aes_mode(uint32_t encr)
{
	return encr == ENCR_AES_CBC ? "cbc" : "gcm";
}

const char *name_ike_encr(uint32_t encr, uint32_t bits, char out[NAME_MAX_LEN])
{
	switch (encr) {
	case ENCR_DES:
		return "des-cbc";
	case ENCR_3DES:
		return "3des-cbc";
	case ENCR_AES_CBC:
	case ENCR_AES_GCM:
		(void)snprintf(out, NAME_MAX_LEN, "aes%u-%s", bits, aes_mode(encr));
		return out;
	default:
		return "unknown";
	}
}

const char *name_integ(uint32_t integ)
{
	switch (integ) {
	case 0:
		return "None";
	case 1:
		return "hmac-md5-96";
	case 2:
		return "hmac-sha1-96";
	case 12:
		return "hmac-sha256-128";
	case 13:
		return "hmac-sha384-192";
	case 14:
		return "hmac-sha512-256";
	case 65280: /* of manual SAs alone */
		return "hmac-sha256-96";
	default:
		return "unknown";
	}
}

const char *name_integ_short(uint32_t integ)
{
	switch (integ) {
	case 0:
		return "None";
	case 1:
		return "md5";
	case 2:
		return "sha1";
	case 12:
	case 65280:
		return "sha256";
	case 13:
		return "sha384";
	case 14:
		return "sha512";
	default:
		return "unknown";
	}
}

const char *name_prf(uint32_t prf)
{
	static const char *const names[] = {NULL, "hmac-md5", "hmac-sha1", NULL, NULL,
		"hmac-sha256", "hmac-sha384", "hmac-sha512"};

	return prf < ARRAY_LEN(names) && names[prf] ? names[prf] : "unknown";
}

const char *name_dh(uint32_t dh, char out[NAME_MAX_LEN])
{
	(void)snprintf(out, NAME_MAX_LEN, "DH-group-%u", dh);
	return out;
}

const char *name_esp_short(uint32_t encr, uint32_t bits, char out[NAME_MAX_LEN])
{
	switch (encr) {
	case ENCR_DES:
		return "des";
	case ENCR_3DES:
		return "3des";
	case ENCR_NULL:
		return "null";
	case ENCR_AES_CBC:
	case ENCR_AES_GCM:
		(void)snprintf(out, NAME_MAX_LEN, "aes-%s-%u", aes_mode(encr), bits);
		return out;
	case ENCR_CHACHA:
		return "chacha20-poly1305";
	default:
		return "unknown";
	}
}

const char *name_esp_long(uint32_t encr, uint32_t bits, char out[NAME_MAX_LEN])
{
	switch (encr) {
	case ENCR_DES:
		return "des-cbc";
	case ENCR_3DES:
		return "3des-cbc";
	case ENCR_NULL:
		return "None";
	case ENCR_AES_CBC:
	case ENCR_AES_GCM:
		(void)snprintf(out, NAME_MAX_LEN, "aes-%s (%u bits)", aes_mode(encr), bits);
		return out;
	case ENCR_CHACHA:
		return "chacha20-poly1305";
	default:
		return "unknown";
	}
}

#define LOOKUP(names, i) ((size_t)(i) < ARRAY_LEN(names) && (names)[i] ? (names)[i] : "unknown")

const char *name_auth(Ctl__AuthMethod auth)
{
	static const char *const names[] = {"Pre-shared-keys", "RSA-signatures", "DSA-signatures",
		"ECDSA-256-signatures", "ECDSA-384-signatures", "ECDSA-521-signatures",
		"Digital-signature"};

	return LOOKUP(names, auth);
}

const char *name_exchange(Ctl__Exchange exchange)
{
	static const char *const names[] = {"IKEv2", "Main", "Aggressive"};

	return LOOKUP(names, exchange);
}

const char *name_role(Ctl__Role role)
{
	static const char *const names[] = {"Initiator", "Responder"};

	return LOOKUP(names, role);
}

const char *name_status(Ctl__NodeStatus status)
{
	static const char *const names[] = {
		"hold", "primary", "secondary", "secondary-hold", "ineligible", "disabled", "lost"};

	return LOOKUP(names, status);
}

const char *name_df(Ctl__DfBit df)
{
	static const char *const names[] = {"clear", "set", "copy"};

	return LOOKUP(names, df);
}

char name_monitoring(Ctl__Monitoring monitoring)
{
	static const char letters[] = "-UDV";

	if ((size_t)monitoring >= sizeof letters - 1)
		return '-';
	return letters[monitoring];
}

static bool address(ProtobufCBinaryData octets, struct addr *out)
{
	return addr_from_view(view_of(octets.data, octets.len), out) == 0;
}

const char *name_address(ProtobufCBinaryData octets, char out[ADDR_TEXT_MAX])
{
	struct addr a;

	return address(octets, &a) ? addr_text(&a, out) : "0.0.0.0";
}

const char *name_endpoint(const Ctl__Endpoint *e, char out[NAME_MAX_LEN])
{
	char text[ADDR_TEXT_MAX];

	(void)snprintf(out, NAME_MAX_LEN, "%s:%u", e ? name_address(e->address, text) : "0.0.0.0",
		e ? e->port : 0);
	return out;
}

/* Length of the prefix that is exactly low..high, or -1. */
static int prefix_length(const struct addr *low, const struct addr *high)
{
	int bits = (int)addr_len(low) * 8;

	for (int len = 0; len <= bits; len++) {
		struct prefix p = {.addr = *low, .len = (uint8_t)len};
		struct addr first, last;

		prefix_range(&p, &first, &last);
		if (addr_equal(&first, low) && addr_equal(&last, high))
			return len;
	}
	return -1;
}

static void service(FILE *f, const Ctl__Range *r)
{
	static const struct {
		uint32_t number;
		const char *name;
	} protocols[] = {{1, "icmp"}, {6, "tcp"}, {17, "udp"}, {58, "icmp6"}, {132, "sctp"}};

	uint32_t port = r->port_low == 0 && r->port_high == UINT16_MAX ? 0 : r->port_low;

	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		if (r->protocol == protocols[i].number) {
			(void)fprintf(f, "%s:%u", protocols[i].name, port);
			return;
		}
	if (r->protocol == 0)
		(void)fprintf(f, "any:%u", port);
	else
		(void)fprintf(f, "%u:%u", r->protocol, port);
}

static bool has_service(const Ctl__Range *r)
{
	return r->protocol != 0 || r->port_low != 0 ||
	       (r->port_high != 0 && r->port_high != UINT16_MAX);
}

static void range(FILE *f, const Ctl__Range *r, bool named)
{
	char low_text[ADDR_TEXT_MAX], high_text[ADDR_TEXT_MAX];
	struct addr low, high;
	unsigned octets;
	int len;

	if (!address(r->low, &low) || !address(r->high, &high) || low.family != high.family) {
		(void)fputs("unknown", f);
		return;
	}
	octets = (unsigned)addr_len(&low);
	(void)addr_text(&low, low_text);
	(void)addr_text(&high, high_text);
	if (named) {
		(void)fprintf(f, "ipv%u(", low.family);
		if (has_service(r)) {
			service(f, r);
			(void)fputc(',', f);
		}
		(void)fprintf(f, "%s-%s)", low_text, high_text);
		return;
	}
	len = prefix_length(&low, &high);
	(void)fprintf(f, "ipv%u%s(", low.family,
		len == (int)octets * 8 ? ""
		: len >= 0	       ? "_subnet"
				       : "_range");
	service(f, r);
	if (len == (int)octets * 8)
		(void)fprintf(f, ",[0..%u]=%s)", octets - 1, low_text);
	else if (len >= 0)
		(void)fprintf(f, ",[0..%u]=%s/%d)", 2 * octets - 1, low_text, len);
	else
		(void)fprintf(f, ",[0..%u]=%s-%s)", 2 * octets - 1, low_text, high_text);
}

void name_ranges(FILE *f, Ctl__Range *const *ranges, size_t n, bool named)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			(void)fputs(", ", f);
		range(f, ranges[i], named);
	}
}

const char *name_time(uint64_t unix_s, char out[NAME_MAX_LEN])
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	if (!gmtime_r(&t, &tm) ||
		strftime(out, NAME_MAX_LEN, "%a %b %d %Y %H:%M:%S +0000", &tm) == 0)
		out[0] = '\0';
	return out;
}
