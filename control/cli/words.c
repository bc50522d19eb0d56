#include "cli/words.h"

#include <stdlib.h>

enum arg { ARG_NONE, ARG_NUMBER, ARG_ADDRESS, ARG_NAME, ARG_FAMILY, ARG_NODE, ARG_KEY_TYPE };

struct option {
	const char *word; /* NULL: the value stands alone */
	enum arg arg;
	enum slot slot;
	uint64_t lo, hi;
	bool needed;
	const char *help;
};

struct row {
	const char *path;
	enum action action;
	const struct option *options;
	size_t n_options;
	const char *help;
};

#define INDEX_OPTION                                                                               \
	{                                                                                          \
		"index", ARG_NUMBER, SLOT_INDEX, 1, UINT32_MAX, false, "number of the SA"          \
	}

// clang-format off
static const struct option ike_options[] = {
	{"brief", ARG_NONE, SLOT_BRIEF, 0, 0, false, "one line for each (default)"},
	{"detail", ARG_NONE, SLOT_DETAIL, 0, 0, false, "all that is known"},
	INDEX_OPTION,
	{NULL, ARG_ADDRESS, SLOT_PEER, 0, 0, false, "address of the peer"},
	{"family", ARG_FAMILY, SLOT_FAMILY, 0, 0, false, "inet or inet6"},
	{"gateway", ARG_NAME, SLOT_GATEWAY, 0, 0, false, "name of the gateway"},
	{"fpc", ARG_NUMBER, SLOT_FPC, 0, 255, false, "worker group"},
	{"pic", ARG_NUMBER, SLOT_PIC, 0, 255, false, "worker"},
	{"node", ARG_NODE, SLOT_NODE, 0, 254, false, "number, local, primary or all"},
};

static const struct option ipsec_options[] = {
	{"brief", ARG_NONE, SLOT_BRIEF, 0, 0, false, "one line for each (default)"},
	{"detail", ARG_NONE, SLOT_DETAIL, 0, 0, false, "all that is known"},
	{"extensive", ARG_NONE, SLOT_DETAIL, 0, 0, false, "the same"},
	INDEX_OPTION,
	{"vpn-name", ARG_NAME, SLOT_VPN, 0, 0, false, "name of the VPN"},
	{"traffic-selector", ARG_NAME, SLOT_SELECTOR, 0, 0, false, "one of its selectors"},
	{"family", ARG_FAMILY, SLOT_FAMILY, 0, 0, false, "inet or inet6"},
	{"fpc", ARG_NUMBER, SLOT_FPC, 0, 255, false, "worker group"},
	{"pic", ARG_NUMBER, SLOT_PIC, 0, 255, false, "worker"},
	{"node", ARG_NODE, SLOT_NODE, 0, 254, false, "number, local, primary or all"},
};

static const struct option index_options[] = {INDEX_OPTION};

static const struct option active_options[] = {
	{"detail", ARG_NONE, SLOT_DETAIL, 0, 0, false, "all that is known"},
	{NULL, ARG_ADDRESS, SLOT_PEER, 0, 0, false, "address of the peer"},
	{"gateway", ARG_NAME, SLOT_GATEWAY, 0, 0, false, "name of the gateway"},
};

static const struct option clear_ike_options[] = {
	{NULL, ARG_ADDRESS, SLOT_PEER, 0, 0, false, "address of the peer"},
	INDEX_OPTION,
	{"port", ARG_NUMBER, SLOT_PORT, 1, 65535, false, "its port"},
	{"gateway", ARG_NAME, SLOT_GATEWAY, 0, 0, false, "name of the gateway"},
};

static const struct option clear_ipsec_options[] = {
	INDEX_OPTION,
	{"vpn-name", ARG_NAME, SLOT_VPN, 0, 0, false, "name of the VPN"},
	{"traffic-selector", ARG_NAME, SLOT_SELECTOR, 0, 0, false, "one of its selectors"},
};

static const struct option rekey_ike_options[] = {
	INDEX_OPTION,
	{NULL, ARG_ADDRESS, SLOT_PEER, 0, 0, false, "address of the peer"},
	{"gateway", ARG_NAME, SLOT_GATEWAY, 0, 0, false, "name of the gateway"},
	{"reauthenticate", ARG_NONE, SLOT_REAUTHENTICATE, 0, 0, false, "authenticate again, too"},
};

static const struct option redirect_options[] = {
	{"gateway", ARG_NAME, SLOT_GATEWAY, 0, 0, false, "only its peers"},
	{"to", ARG_NAME, SLOT_TO, 0, 0, false, "address or name; else as said before"},
	{"active", ARG_NONE, SLOT_ACTIVE, 0, 0, false, "established ones, too"},
};

static const struct option seeded_options[] = {
	{"gateway", ARG_NAME, SLOT_GATEWAY, 0, 0, true, "whose policy has a seed"},
	{"peer-ike-id", ARG_NAME, SLOT_PEER_ID, 0, 0, true, "host name, user@host or address"},
};

static const struct option clear_redirect_options[] = {
	{"gateway", ARG_NAME, SLOT_GATEWAY, 0, 0, false, "only its peers"},
};

static const struct option group_options[] = {
	{"redundancy-group", ARG_NUMBER, SLOT_GROUP, 0, 128, false, "only this group"},
};

static const struct option failover_options[] = {
	{"redundancy-group", ARG_NUMBER, SLOT_GROUP, 0, 128, true, "group to move"},
	{"node", ARG_NUMBER, SLOT_NODE, 0, 254, true, "its new primary"},
};

static const struct option reset_options[] = {
	{"redundancy-group", ARG_NUMBER, SLOT_GROUP, 0, 128, true, "group to release"},
};

static const struct option interfaces_options[] = {
	{"terse", ARG_NONE, SLOT_BRIEF, 0, 0, false, "one line for each"},
};

static const struct option route_options[] = {
	{"table", ARG_NAME, SLOT_TABLE, 0, 0, false, "inet.0, inet6.0, or that of an instance"},
	{NULL, ARG_ADDRESS, SLOT_PEER, 0, 0, false, "where packets to this address go"},
};

static const struct option tunnels_options[] = {
	{"interface-name", ARG_NAME, SLOT_INTERFACE, 0, 0, false, "one unit of st0"},
};

static const struct option inactive_options[] = {
	{"detail", ARG_NONE, SLOT_DETAIL, 0, 0, false, "all that is known"},
};

static const struct option distribution_options[] = {
	{"brief", ARG_NONE, SLOT_BRIEF, 0, 0, false, "one line for each (default)"},
	{"summary", ARG_NONE, SLOT_SUMMARY, 0, 0, false, "only how many each worker has"},
};

static const struct option pics_options[] = {
	{NULL, ARG_NUMBER, SLOT_FPC, 0, 255, false, "only this group"},
};

static const struct option fpc_options[] = {
	{"slot", ARG_NUMBER, SLOT_FPC, 0, 255, true, "group of workers"},
	{"offline", ARG_NONE, SLOT_OFFLINE, 0, 0, false, "others take over, then it ends"},
	{"online", ARG_NONE, SLOT_ONLINE, 0, 0, false, "it takes its share"},
	{"restart", ARG_NONE, SLOT_RESTART, 0, 0, false, "one after the other"},
};

static const struct option pic_options[] = {
	{"fpc-slot", ARG_NUMBER, SLOT_FPC, 0, 255, true, "group of workers"},
	{"pic-slot", ARG_NUMBER, SLOT_PIC, 0, 255, true, "worker"},
	{"offline", ARG_NONE, SLOT_OFFLINE, 0, 0, false, "others take over, then it ends"},
	{"online", ARG_NONE, SLOT_ONLINE, 0, 0, false, "it takes its share"},
};

#define CA_PROFILE(needed) {"ca-profile", ARG_NAME, SLOT_PKI_NAME, 0, 0, needed, "name of the CA profile"}
#define CERT_ID(needed) {"certificate-id", ARG_NAME, SLOT_PKI_NAME, 0, 0, needed, "name of the certificate"}
#define FILENAME(needed, help) {"filename", ARG_NAME, SLOT_FILENAME, 0, 0, needed, help}
#define BRIEF_DETAIL                                                                               \
	{"brief", ARG_NONE, SLOT_BRIEF, 0, 0, false, "a few lines for each (default)"},            \
		{"detail", ARG_NONE, SLOT_DETAIL, 0, 0, false, "all that is known"}
#define SUBJECT                                                                                    \
	{"subject", ARG_NAME, SLOT_SUBJECT, 0, 0, true, "\"CN=gw,O=example,C=US\""},               \
		{"domain-name", ARG_NAME, SLOT_DOMAIN, 0, 0, false, "FQDN"},                       \
		{"ip-address", ARG_NAME, SLOT_ADDRESS, 0, 0, false, "IPv4 address"},               \
		{"ipv6-address", ARG_NAME, SLOT_ADDRESS6, 0, 0, false, "IPv6 address"},            \
		{"email", ARG_NAME, SLOT_EMAIL, 0, 0, false, "mail address"},                      \
		{"digest", ARG_NAME, SLOT_DIGEST, 0, 0, false, "sha1, sha256 (default), sha384, sha512"}

static const struct option show_ca_options[] = {BRIEF_DETAIL, CA_PROFILE(false)};

static const struct option show_local_options[] = {
	BRIEF_DETAIL, CERT_ID(false),
	{"system-generated", ARG_NONE, SLOT_SYSTEM, 0, 0, false, "those nobody asked for: none here"},
};

static const struct option show_request_options[] = {BRIEF_DETAIL, CERT_ID(false)};
static const struct option load_ca_options[] = {
	CA_PROFILE(true), FILENAME(true, "file of the certificate, PEM or DER")};
static const struct option load_crl_options[] = {
	CA_PROFILE(true), FILENAME(true, "file of the list, PEM or DER")};

static const struct option load_local_options[] = {
	CERT_ID(true), FILENAME(true, "file of the certificate and those above it, PEM or DER"),
	{"key", ARG_NAME, SLOT_KEY, 0, 0, false, "file of the key, or pkcs11:... for one in a token"},
	{"passphrase", ARG_NAME, SLOT_PASSPHRASE, 0, 0, false,
		"of the key; others see it: leave it out and it is asked for"},
	{"passphrase-fd", ARG_NUMBER, SLOT_PASSPHRASE_FD, 0, 1023, false,
		"descriptor to read the passphrase of the key from"},
};

static const struct option verify_ca_options[] = {CA_PROFILE(true)};
static const struct option verify_local_options[] = {CERT_ID(true)};

static const struct option generate_options[] = {
	CERT_ID(true),
	{"size", ARG_NUMBER, SLOT_SIZE, 256, 4096, false, "bits, default 2048, ecdsa 256"},
	{"type", ARG_KEY_TYPE, SLOT_TYPE, 0, 0, false, "rsa (default) or ecdsa"},
	{"token", ARG_NAME, SLOT_TOKEN, 0, 0, false, "pkcs11:... to make it in a token"},
};

static const struct option pki_request_options[] = {
	CERT_ID(true), SUBJECT, FILENAME(false, "file to write it to")};
static const struct option self_signed_options[] = {CERT_ID(true), SUBJECT};
static const struct option clear_ca_options[] = {
	CA_PROFILE(false), {"all", ARG_NONE, SLOT_ALL, 0, 0, false, "of all profiles"}};
static const struct option clear_id_options[] = {
	CERT_ID(false), {"all", ARG_NONE, SLOT_ALL, 0, 0, false, "all of them"}};

static const struct option reload_options[] = {
	{"check", ARG_NONE, SLOT_CHECK, 0, 0, false, "do not apply it"},
};

#define OPTIONS(a) (a), ARRAY_LEN(a)

/* The longer of two paths that begin alike comes first. */
static const struct row rows[] = {
	{"show security ike security-associations", ACTION_SHOW_IKE, OPTIONS(ike_options),
		"IKE SAs"},
	{"show security ipsec security-associations", ACTION_SHOW_IPSEC, OPTIONS(ipsec_options),
		"IPsec SAs"},
	{"show security ipsec statistics", ACTION_SHOW_IPSEC_STATISTICS, OPTIONS(index_options),
		"packets, octets and errors"},
	{"show security ike active-peer", ACTION_SHOW_ACTIVE_PEER, OPTIONS(active_options),
		"peers that are authenticated"},
	{"show security ike redirect", ACTION_SHOW_IKE_REDIRECT, NULL, 0, "where peers are sent"},
	{"show security ike statistics", ACTION_SHOW_IKE_STATISTICS, NULL, 0,
		"negotiations, drops and what is held"},
	{"show security ipsec next-hop-tunnels", ACTION_SHOW_NEXT_HOP_TUNNELS,
		OPTIONS(tunnels_options), "which VPN leads to which next hop"},
	{"show security ipsec inactive-tunnels", ACTION_SHOW_INACTIVE, OPTIONS(inactive_options),
		"tunnels that are not up, and why"},
	{"show security ha replication", ACTION_SHOW_REPLICATION, NULL, 0, "state of the replicas"},
	{"show chassis cluster status", ACTION_SHOW_CLUSTER, OPTIONS(group_options),
		"redundancy groups and their nodes"},
	{"show interfaces", ACTION_SHOW_INTERFACES, OPTIONS(interfaces_options),
		"ports, units and addresses"},
	{"show route", ACTION_SHOW_ROUTE, OPTIONS(route_options), "tables of routes"},
	{"show security ipsec tunnel-distribution", ACTION_SHOW_DISTRIBUTION,
		OPTIONS(distribution_options), "which worker has which tunnel"},
	{"show security monitoring", ACTION_SHOW_MONITORING, NULL, 0, "load of the workers"},
	{"show chassis fpc pic-status", ACTION_SHOW_PICS, OPTIONS(pics_options),
		"workers and their states"},
	{"show chassis fpc", ACTION_SHOW_PICS, OPTIONS(pics_options), "the same"},
	{"show security pki ca-certificate", ACTION_SHOW_PKI_CA, OPTIONS(show_ca_options),
		"certificates of CAs"},
	{"show security pki local-certificate", ACTION_SHOW_PKI_LOCAL, OPTIONS(show_local_options),
		"our own certificates"},
	{"show security pki crl", ACTION_SHOW_PKI_CRL, OPTIONS(show_ca_options),
		"lists of revoked certificates"},
	{"show security pki certificate-request", ACTION_SHOW_PKI_REQUEST,
		OPTIONS(show_request_options), "requests that were made"},
	{"show configuration", ACTION_SHOW_CONFIGURATION, NULL, 0, "what is in effect"},
	{"show version", ACTION_SHOW_VERSION, NULL, 0, "of the daemon"},
	{"clear security ike redirect", ACTION_CLEAR_REDIRECT, OPTIONS(clear_redirect_options),
		"peers stay again"},
	{"clear security ike security-associations", ACTION_CLEAR_IKE, OPTIONS(clear_ike_options),
		"delete IKE SAs and their children"},
	{"clear security ipsec security-associations", ACTION_CLEAR_IPSEC,
		OPTIONS(clear_ipsec_options), "delete IPsec SAs"},
	{"clear security ipsec statistics", ACTION_CLEAR_IPSEC_STATISTICS, OPTIONS(index_options),
		"zero the counters"},
	{"request chassis cluster failover reset", ACTION_FAILOVER_RESET, OPTIONS(reset_options),
		"let priorities decide again"},
	{"request chassis cluster failover", ACTION_FAILOVER, OPTIONS(failover_options),
		"move a redundancy group"},
	{"request chassis cluster force-restore", ACTION_FORCE_RESTORE, NULL, 0,
		"restore SAs although members are missing"},
	{"request security ike redirect", ACTION_REDIRECT, OPTIONS(redirect_options),
		"send peers to another gateway"},
	{"request security ike pre-shared-key", ACTION_SEEDED_KEY, OPTIONS(seeded_options),
		"what a peer of a seeded gateway is to be given"},
	{"request security ike rekey", ACTION_REKEY_IKE, OPTIONS(rekey_ike_options),
		"rekey IKE SAs now"},
	{"request security ipsec rekey", ACTION_REKEY_IPSEC, OPTIONS(clear_ipsec_options),
		"rekey IPsec SAs now"},
	{"request chassis fpc", ACTION_FPC, OPTIONS(fpc_options), "a group of workers comes or goes"},
	{"request chassis pic", ACTION_FPC, OPTIONS(pic_options), "a worker comes or goes"},
	{"request vpn workers rebalance", ACTION_REBALANCE, NULL, 0, "share the load evenly"},
	{"request security pki ca-certificate load", ACTION_PKI_LOAD_CA, OPTIONS(load_ca_options),
		"trust a CA by the file of its certificate"},
	{"request security pki ca-certificate verify", ACTION_PKI_VERIFY_CA,
		OPTIONS(verify_ca_options), "check it"},
	{"request security pki local-certificate load", ACTION_PKI_LOAD_LOCAL,
		OPTIONS(load_local_options), "a certificate of ours, with its key"},
	{"request security pki local-certificate verify", ACTION_PKI_VERIFY_LOCAL,
		OPTIONS(verify_local_options), "check it"},
	{"request security pki local-certificate generate-self-signed", ACTION_PKI_SELF_SIGNED,
		OPTIONS(self_signed_options), "a certificate that nobody else signs"},
	{"request security pki generate-key-pair", ACTION_PKI_GENERATE, OPTIONS(generate_options),
		"a new private key"},
	{"request security pki generate-certificate-request", ACTION_PKI_REQUEST,
		OPTIONS(pki_request_options), "what a CA signs (PKCS#10)"},
	{"request security pki crl load", ACTION_PKI_LOAD_CRL, OPTIONS(load_crl_options),
		"a list of revoked certificates"},
	{"clear security pki ca-certificate", ACTION_PKI_CLEAR_CA, OPTIONS(clear_ca_options),
		"forget certificates of CAs"},
	{"clear security pki local-certificate", ACTION_PKI_CLEAR_LOCAL, OPTIONS(clear_id_options),
		"forget our own certificates"},
	{"clear security pki crl", ACTION_PKI_CLEAR_CRL, OPTIONS(clear_ca_options), "forget lists"},
	{"clear security pki certificate-request", ACTION_PKI_CLEAR_REQUEST,
		OPTIONS(clear_id_options), "forget requests"},
	{"clear security pki key-pair", ACTION_PKI_CLEAR_KEY, OPTIONS(clear_id_options),
		"destroy private keys"},
	{"request system configuration reload", ACTION_RELOAD, OPTIONS(reload_options),
		"read the configuration file again"},
};

// clang-format on

static int take_char(struct words *out, size_t *at, char c)
{
	if (*at + 1 >= sizeof out->text)
		return -ERR_LIMIT;
	out->text[(*at)++] = c;
	return 0;
}

/* One word from line[*i] on; quotes may open and close inside of it. */
static int take_word(const char *line, size_t *i, struct words *out, size_t *at)
{
	bool quoted = false;
	int rc = 0;

	for (; rc == 0 && line[*i] != '\0'; (*i)++) {
		char c = line[*i];

		if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == ' ' || c == '\t' || c == '|'))
			break;
		else
			rc = take_char(out, at, c);
	}
	return rc < 0 ? rc : take_char(out, at, '\0');
}

int words_split(const char *line, struct words *out)
{
	size_t i = 0, at = 0;
	int rc = 0;

	out->n = 0;
	for (;;) {
		i += strspn(line + i, " \t");
		if (line[i] == '\0')
			break;
		if (out->n == WORDS_MAX)
			return -ERR_LIMIT;
		out->w[out->n].s = out->text + at;
		out->w[out->n].at = i;
		out->w[out->n].pipe = line[i] == '|';
		if (line[i] == '|') {
			i++;
			rc = take_char(out, &at, '|');
			if (rc == 0)
				rc = take_char(out, &at, '\0');
		} else {
			rc = take_word(line, &i, out, &at);
		}
		if (rc < 0)
			return rc;
		out->n++;
	}
	out->end = out->n == 0 ? 0 : i;
	return 0;
}

int words_match(const char *const *all, size_t n, const char *word)
{
	int found = -1;

	for (size_t i = 0; i < n; i++) {
		if (!all[i] || strncmp(all[i], word, strlen(word)) != 0)
			continue;
		if (strcmp(all[i], word) == 0)
			return (int)i;
		if (found >= 0 && strcmp(all[found], all[i]) != 0)
			found = -2;
		else if (found == -1)
			found = (int)i;
	}
	return found;
}

static int refuse(struct words_error *error, size_t at, const char *text)
{
	error->at = at;
	(void)snprintf(error->text, sizeof error->text, "%s", text);
	return -ERR_SYNTAX;
}

static int ambiguous(struct words_error *error, size_t at, const char *word)
{
	error->at = at;
	(void)snprintf(error->text, sizeof error->text, "'%.100s' is ambiguous.", word);
	return -ERR_SYNTAX;
}

/* The k-th word of a path, in buf; false when it has none. */
static bool path_word(const char *path, size_t k, char *buf, size_t cap)
{
	for (; k > 0; k--) {
		path += strcspn(path, " ");
		path += strspn(path, " ");
	}
	if (*path == '\0')
		return false;
	(void)snprintf(buf, cap, "%.*s", (int)strcspn(path, " "), path);
	return true;
}

/* Rows whose path goes on with the word, narrowed from those still possible. A word may be a
 * beginning of one keyword only, whatever the rows. */
static int narrow(bool possible[ARRAY_LEN(rows)], size_t k, const char *word, bool *matched)
{
	char words[ARRAY_LEN(rows)][32];
	const char *list[ARRAY_LEN(rows)];
	int hit;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool has = possible[i] && path_word(rows[i].path, k, words[i], sizeof words[i]);

		list[i] = has ? words[i] : NULL;
	}
	hit = words_match(list, ARRAY_LEN(rows), word);
	*matched = hit >= 0;
	if (hit < 0)
		return hit;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		possible[i] = list[i] && strcmp(list[i], list[hit]) == 0;
	return 0;
}

/* The row whose whole path is the first k words, if it is among the possible. */
static const struct row *complete(const bool possible[ARRAY_LEN(rows)], size_t k)
{
	char word[32];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (possible[i] && !path_word(rows[i].path, k, word, sizeof word))
			return &rows[i];
	return NULL;
}

struct path {
	bool possible[ARRAY_LEN(rows)];
	const struct row *row; /* NULL: more words are needed */
	size_t k;	       /* words that belong to the path */
};

/* An option by its word, or the one that stands alone; *hit as from words_match(). */
static const struct option *option_of(const struct row *row, const char *word, int *hit)
{
	const char *list[16] = {NULL};
	struct addr a;

	for (size_t i = 0; i < row->n_options; i++)
		list[i] = row->options[i].word;
	*hit = words_match(list, row->n_options, word);
	if (*hit >= 0)
		return &row->options[*hit];
	for (size_t i = 0; i < row->n_options; i++)
		if (!row->options[i].word &&
			(row->options[i].arg == ARG_NUMBER ? word[0] >= '0' && word[0] <= '9'
							   : addr_parse(word, &a) == 0))
			return &row->options[i];
	return NULL;
}

/* Follows command words as far as they go. */
static int follow(const struct words *w, size_t n, struct path *p, struct words_error *error)
{
	bool matched = true;

	*p = (struct path){0};
	memset(p->possible, 1, sizeof p->possible);
	while (p->k < n && matched) {
		bool before[ARRAY_LEN(rows)];
		int rc;

		memcpy(before, p->possible, sizeof before);
		rc = narrow(p->possible, p->k, w->w[p->k].s, &matched);
		if (rc == -2 && !complete(before, p->k))
			return ambiguous(error, w->w[p->k].at, w->w[p->k].s);
		const struct row *done = complete(before, p->k);
		int option = -1;
		if (matched && done)
			(void)option_of(done, w->w[p->k].s, &option);
		if (option != -1)
			return ambiguous(error, w->w[p->k].at, w->w[p->k].s);
		if (matched)
			p->k++;
		else if (!complete(before, p->k))
			return refuse(error, w->w[p->k].at, "syntax error.");
	}
	p->row = complete(p->possible, p->k);
	return 0;
}

static bool number(const char *s, uint64_t *out)
{
	char *end;
	unsigned long long v;

	if (*s < '0' || *s > '9')
		return false;
	v = strtoull(s, &end, 10);
	*out = v;
	return *end == '\0';
}

static int take_number(const struct option *o, const char *value, size_t at, struct command *c,
	struct words_error *error)
{
	uint64_t v;

	if (!number(value, &v))
		return refuse(error, at, "syntax error.");
	if (v < o->lo || v > o->hi) {
		error->at = at;
		(void)snprintf(error->text, sizeof error->text,
			"value %.40s is not within range (%llu..%llu)", value,
			(unsigned long long)o->lo, (unsigned long long)o->hi);
		return -ERR_SYNTAX;
	}
	c->slot[o->slot].number = v;
	return 0;
}

static int take_value(const struct option *o, const char *value, size_t at, struct command *c,
	struct words_error *error)
{
	static const char *const families[] = {"inet", "inet6"};
	static const char *const nodes[] = {"local", "primary", "all"};
	static const char *const types[] = {"rsa", "ecdsa", "dsa"};
	int hit;

	c->slot[o->slot].text = value;
	switch (o->arg) {
	case ARG_NUMBER:
		return take_number(o, value, at, c, error);
	case ARG_NODE:
		hit = words_match(nodes, ARRAY_LEN(nodes), value);
		if (hit < 0)
			return take_number(o, value, at, c, error);
		c->slot[o->slot].text = nodes[hit];
		return 0;
	case ARG_FAMILY:
		hit = words_match(families, ARRAY_LEN(families), value);
		c->slot[o->slot].number = hit < 0 ? 0 : (uint64_t)hit + 1;
		return hit < 0 ? refuse(error, at, "syntax error.") : 0;
	case ARG_KEY_TYPE:
		hit = words_match(types, ARRAY_LEN(types), value);
		c->slot[o->slot].number = hit < 0 ? 0 : (uint64_t)hit;
		return hit < 0 ? refuse(error, at, "syntax error.") : 0;
	case ARG_ADDRESS:
		return addr_parse(value, &c->peer) < 0 ? refuse(error, at, "syntax error.") : 0;
	case ARG_NAME:
	case ARG_NONE:
		break;
	}
	return 0;
}

/* The options of a row, words k..n-1. */
static int take_options(const struct row *row, const struct words *w, size_t k, size_t n,
	struct command *c, struct words_error *error)
{
	while (k < n) {
		int hit, rc;
		const struct option *o = option_of(row, w->w[k].s, &hit);

		if (!o && hit == -2)
			return ambiguous(error, w->w[k].at, w->w[k].s);
		if (!o || c->slot[o->slot].given)
			return refuse(error, w->w[k].at, "syntax error.");
		c->slot[o->slot].given = true;
		k += o->word != NULL;
		if (o->arg == ARG_NONE)
			continue;
		if (k == n)
			return refuse(error, w->end, "syntax error, expecting a value.");
		rc = take_value(o, w->w[k].s, w->w[k].at, c, error);
		if (rc < 0)
			return rc;
		k++;
	}
	for (size_t i = 0; i < row->n_options; i++)
		if (row->options[i].needed && !c->slot[row->options[i].slot].given) {
			error->at = w->end;
			(void)snprintf(error->text, sizeof error->text,
				"syntax error, '%s' is missing.", row->options[i].word);
			return -ERR_SYNTAX;
		}
	return 0;
}

static size_t command_words(const struct words *w)
{
	size_t n = 0;

	while (n < w->n && !w->w[n].pipe)
		n++;
	return n;
}

int words_parse(const struct words *w, struct command *out, struct words_error *error)
{
	size_t n = command_words(w);
	struct path p;
	int rc = follow(w, n, &p, error);

	if (rc < 0)
		return rc;
	if (!p.row)
		return refuse(error, w->end, "syntax error, expecting <command>.");
	*out = (struct command){.action = p.row->action};
	rc = take_options(p.row, w, p.k, n, out, error);
	if (rc == 0 && out->action >= ACTION_PKI_CLEAR_CA && out->action <= ACTION_PKI_CLEAR_KEY &&
		out->slot[SLOT_ALL].given == out->slot[SLOT_PKI_NAME].given)
		return refuse(error, w->end, "syntax error, expecting a name or 'all'.");
	return rc;
}

static void help_row(FILE *to, const char *word, const char *help)
{
	(void)fprintf(to, "  %-24s %s\n", word, help);
}

static void help_options(FILE *to, const struct row *row, const struct words *w, size_t k, size_t n)
{
	if (k == n)
		help_row(to, "<[Enter]>", "Execute this command");
	for (size_t i = 0; i < row->n_options; i++) {
		const struct option *o = &row->options[i];
		bool given = false;

		for (size_t j = k; o->word && j < n; j++)
			given = given || strcmp(w->w[j].s, o->word) == 0;
		if (!given)
			help_row(to, o->word ? o->word : "<address>", o->help);
	}
	help_row(to, "|", "Pipe through a command");
}

struct completion {
	char word[32];
	const char *help;
};

static int by_word(const void *a, const void *b)
{
	return strcmp(((const struct completion *)a)->word, ((const struct completion *)b)->word);
}

/* What may come next, each word once. */
static void help_words(FILE *to, const struct path *p)
{
	struct completion all[ARRAY_LEN(rows)];
	char after[32];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t same = 0;

		if (!p->possible[i] ||
			!path_word(rows[i].path, p->k, all[n].word, sizeof all[n].word))
			continue;
		while (strcmp(all[same].word, all[n].word) != 0)
			same++;
		if (same == n)
			all[n++].help = "";
		if (!path_word(rows[i].path, p->k + 1, after, sizeof after))
			all[same].help = rows[i].help;
	}
	qsort(all, n, sizeof *all, by_word);
	for (size_t i = 0; i < n; i++)
		help_row(to, all[i].word, all[i].help);
}

bool words_help(const struct words *w, FILE *to, struct words_error *error)
{
	size_t n = w->n - 1; /* without the '?' */
	struct path p;

	if (follow(w, n, &p, error) < 0)
		return false;
	if (!p.row && p.k < n) {
		(void)refuse(error, w->w[p.k].at, "syntax error.");
		return false;
	}
	(void)fputs("Possible completions:\n", to);
	if (p.k == n)
		help_words(to, &p);
	if (p.row)
		help_options(to, p.row, w, p.k, n);
	return true;
}
