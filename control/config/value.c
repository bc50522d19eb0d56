#include "config/value.h"

#define UNIT_MAX 16385u

bool value_uint(const char *s, uint64_t *out)
{
	uint64_t v = 0;

	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		uint64_t d = (uint64_t)(*s - '0');

		if (*s < '0' || *s > '9' || v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*out = v;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool value_is_hex(const char *s)
{
	size_t n = strlen(s);

	return n % 2 == 0 && strspn(s, "0123456789abcdefABCDEF") == n;
}

bool value_is_name(const char *s)
{
	for (; *s != '\0'; s++)
		if (!is_alnum(*s) && !strchr("._:/@-", *s))
			return false;
	return true;
}

bool value_is_file(const char *s)
{
	return *s != '\0' && *s != '.' && value_is_name(s) && !strchr(s, '/');
}

bool value_is_oid(const char *s)
{
	size_t arcs = 0;

	for (; is_digit(*s); arcs++) {
		size_t n = strspn(s, "0123456789");

		if (n > 9 || (n > 1 && *s == '0') || (arcs == 0 && (n > 1 || *s > '2')))
			return false;
		s += n;
		if (*s == '\0')
			return arcs > 0;
		s += *s == '.';
	}
	return false;
}

bool value_is_host(const char *s)
{
	size_t label = 0, n = strlen(s);
	bool letters = false;

	if (n == 0 || n > 253)
		return false;
	for (size_t i = 0; i <= n; i++) {
		if (s[i] == '.' || s[i] == '\0') {
			if (label == 0 || s[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!is_alnum(s[i]) && (s[i] != '-' || label == 0))
			return false;
		letters = letters || !is_digit(s[i]);
		if (++label > 63)
			return false;
	}
	return letters; /* digits and dots alone were meant as an address */
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool value_mac(const char *s, uint8_t out[6])
{
	uint8_t mac[6];

	if (strlen(s) != 17)
		return false;
	for (size_t i = 0; i < 6; i++) {
		int hi = hex_digit(s[3 * i]), lo = hex_digit(s[3 * i + 1]);

		if (hi < 0 || lo < 0 || (i < 5 && s[3 * i + 2] != ':'))
			return false;
		mac[i] = (uint8_t)(hi * 16 + lo);
	}
	if (mac[0] & 1)
		return false;
	memcpy(out, mac, 6);
	return true;
}

static bool port(const char *s, size_t n, uint16_t *out)
{
	char word[6] = "";
	uint64_t v;

	if (n == 0 || n >= sizeof word)
		return false;
	memcpy(word, s, n);
	if (!value_uint(word, &v) || v > UINT16_MAX)
		return false;
	*out = (uint16_t)v;
	return true;
}

bool value_ports(const char *s, uint16_t *lo, uint16_t *hi)
{
	size_t n = strcspn(s, "-");
	uint16_t a, b;

	if (!port(s, n, &a))
		return false;
	b = a;
	if (s[n] == '-' && !port(s + n + 1, strlen(s + n + 1), &b))
		return false;
	if (a > b)
		return false;
	*lo = a;
	*hi = b;
	return true;
}

bool value_protocol(const char *s, uint8_t *out)
{
	static const struct {
		const char *name;
		uint8_t number;
	} names[] = {{"icmp", 1}, {"igmp", 2}, {"ipip", 4}, {"tcp", 6}, {"egp", 8}, {"udp", 17},
		{"rsvp", 46}, {"gre", 47}, {"esp", 50}, {"ah", 51}, {"icmp6", 58}, {"ospf", 89},
		{"pim", 103}, {"vrrp", 112}, {"sctp", 132}};

	uint64_t v;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i].name, s) == 0) {
			*out = names[i].number;
			return true;
		}
	if (!value_uint(s, &v) || v > 255)
		return false;
	*out = (uint8_t)v;
	return true;
}

/* A decimal number without leading zeros, at most max; moves *s behind it. */
static bool take_number(const char **s, uint32_t max)
{
	const char *at = *s;
	uint32_t v = 0;

	if (!is_digit(*at) || (*at == '0' && is_digit(at[1])))
		return false;
	for (; is_digit(*at); at++) {
		v = v * 10 + (uint32_t)(*at - '0');
		if (v > max)
			return false;
	}
	*s = at;
	return true;
}

static bool take_port(const char **s)
{
	const char *at = *s;

	if (strncmp(at, "ge-", 3) != 0 && strncmp(at, "xe-", 3) != 0 && strncmp(at, "et-", 3) != 0)
		return false;
	at += 3;
	for (int i = 0; i < 3; i++) {
		if (i > 0 && *at++ != '/')
			return false;
		if (!take_number(&at, 255))
			return false;
	}
	*s = at;
	return true;
}

static bool take_interface(const char **s)
{
	const char *at = *s;

	if (take_port(s))
		return true;
	if (strncmp(at, "reth", 4) == 0) {
		at += 4;
		if (!take_number(&at, 127))
			return false;
	} else if (strncmp(at, "fab", 3) == 0) {
		at += 3;
		if (!take_number(&at, 254))
			return false;
	} else if (strncmp(at, "st0", 3) == 0) {
		at += 3;
	} else {
		return false;
	}
	*s = at;
	return true;
}

bool value_is_interface(const char *s)
{
	return take_interface(&s) && *s == '\0';
}

bool value_is_unit(const char *s)
{
	return take_interface(&s) && *s++ == '.' && take_number(&s, UNIT_MAX) && *s == '\0';
}

bool value_interface_index(const char *s, const char *prefix, uint32_t *out)
{
	size_t n = strlen(prefix);
	uint64_t v;

	if (strncmp(s, prefix, n) != 0 || !value_uint(s + n, &v) || v > UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

/* Greedy with one place to go back to: at most pattern times text steps, whatever is asked. */
bool value_matches(const char *pattern, const char *text)
{
	const char *star = NULL, *resume = NULL;

	while (*text != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			resume = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++resume;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}
