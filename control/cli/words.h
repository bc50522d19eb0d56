#pragma once
/*
 * The operator's words: command tables, abbreviations, completion, and where an error is.
 *
 * A line is split once; the words point into it and live as long as it. Command words may be cut
 * short as long as they stay unique, as Junos allows; names and values may not. Options come in any
 * order. Everything here is constant or passed in; nothing is printed.
 */
#include <stdio.h>

#include "base/addr.h"
#include "base/err.h"

#define WORDS_MAX 64

struct words {
	char text[4096]; /* the line again, cut into words */

	struct {
		const char *s;
		size_t at; /* column in the line as typed */
		bool pipe; /* an unquoted '|' */
	} w[WORDS_MAX];

	size_t n;
	size_t end; /* column behind the last one */
};

/* Splits at blanks; "..." holds blanks and bars together. -ERR_LIMIT when the line is too long. */
int words_split(const char *line, struct words *out) MUST_CHECK;

enum action {
	ACTION_SHOW_IKE,
	ACTION_SHOW_IPSEC,
	ACTION_SHOW_IPSEC_STATISTICS,
	ACTION_SHOW_IKE_STATISTICS,
	ACTION_SHOW_IKE_REDIRECT,
	ACTION_SHOW_ACTIVE_PEER,
	ACTION_SHOW_CLUSTER,
	ACTION_SHOW_REPLICATION,
	ACTION_SHOW_VERSION,
	ACTION_SHOW_INTERFACES,
	ACTION_SHOW_ROUTE,
	ACTION_SHOW_NEXT_HOP_TUNNELS,
	ACTION_SHOW_INACTIVE,
	ACTION_SHOW_DISTRIBUTION,
	ACTION_SHOW_PICS,
	ACTION_SHOW_MONITORING,
	ACTION_SHOW_PKI_CA,
	ACTION_SHOW_PKI_LOCAL,
	ACTION_SHOW_PKI_CRL,
	ACTION_SHOW_PKI_REQUEST,
	ACTION_SHOW_CONFIGURATION,
	ACTION_CLEAR_IKE,
	ACTION_CLEAR_IPSEC,
	ACTION_CLEAR_REDIRECT,
	ACTION_REDIRECT,
	ACTION_SEEDED_KEY,
	ACTION_CLEAR_IPSEC_STATISTICS,
	ACTION_FAILOVER,
	ACTION_FAILOVER_RESET,
	ACTION_FORCE_RESTORE,
	ACTION_REKEY_IKE,
	ACTION_REKEY_IPSEC,
	ACTION_RELOAD,
	ACTION_FPC,
	ACTION_REBALANCE,
	ACTION_PKI_LOAD_CA,
	ACTION_PKI_LOAD_LOCAL,
	ACTION_PKI_LOAD_CRL,
	ACTION_PKI_VERIFY_CA,
	ACTION_PKI_VERIFY_LOCAL,
	ACTION_PKI_GENERATE,
	ACTION_PKI_REQUEST,
	ACTION_PKI_SELF_SIGNED,
	/* In the order of Ctl__PkiObject. */
	ACTION_PKI_CLEAR_CA,
	ACTION_PKI_CLEAR_LOCAL,
	ACTION_PKI_CLEAR_CRL,
	ACTION_PKI_CLEAR_REQUEST,
	ACTION_PKI_CLEAR_KEY
};

enum slot {
	SLOT_BRIEF,
	SLOT_DETAIL,
	SLOT_INDEX,
	SLOT_PEER,
	SLOT_PORT,
	SLOT_FAMILY, /* number: 1 inet, 2 inet6 */
	SLOT_GATEWAY,
	SLOT_VPN,
	SLOT_SELECTOR,
	SLOT_GROUP,
	SLOT_NODE, /* number, or text: local, primary, all */
	SLOT_FPC,
	SLOT_PIC,
	SLOT_REAUTHENTICATE,
	SLOT_CHECK,
	SLOT_OFFLINE,
	SLOT_ONLINE,
	SLOT_RESTART,
	SLOT_SUMMARY,
	SLOT_TABLE,
	SLOT_INTERFACE,
	SLOT_PKI_NAME, /* CA profile or certificate id */
	SLOT_FILENAME,
	SLOT_KEY,
	SLOT_PASSPHRASE,
	SLOT_PASSPHRASE_FD,
	SLOT_SUBJECT,
	SLOT_DOMAIN,
	SLOT_ADDRESS,
	SLOT_ADDRESS6,
	SLOT_EMAIL,
	SLOT_DIGEST,
	SLOT_SIZE,
	SLOT_TYPE, /* number: 0 rsa, 1 ecdsa, 2 dsa */
	SLOT_TOKEN,
	SLOT_ALL,
	SLOT_SYSTEM,
	SLOT_TO,
	SLOT_ACTIVE,
	SLOT_PEER_ID,
	SLOT_COUNT
};

struct command {
	enum action action;

	struct {
		bool given;
		uint64_t number;
		const char *text;
	} slot[SLOT_COUNT];
	struct addr peer;
};

/* What is wrong, and the column it is wrong at. */
struct words_error {
	size_t at;
	char text[256];
};

/* The words up to the first bar. -ERR_SYNTAX with *error filled. */
int words_parse(const struct words *w, struct command *out, struct words_error *error) MUST_CHECK;

/* What could stand where the last word (a '?') is; false when the words before it are wrong. */
bool words_help(const struct words *w, FILE *to, struct words_error *error);

/* Exact word, or a beginning of exactly one; -1 for none, -2 for several. */
int words_match(const char *const *all, size_t n, const char *word);
