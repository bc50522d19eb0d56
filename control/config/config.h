#pragma once
/*
 * The door: configuration text in, model or complaints out.
 *
 * Bad input is normal input: any octets give either a model or at least one error complaint, within
 * bounds of size, depth and count. Nothing is logged; the caller decides what to do. No state
 * outlives a call except what is returned. Thread: any, one at a time per argument.
 */
#include "base/err.h"
#include "base/view.h"
#include "config/model.h"

#define CONFIG_TEXT_MAX	  (64u << 20)
#define CONFIG_STANDALONE (-1)
#define COMPLAINTS_MAX	  64

enum complaint_level { COMPLAINT_WARNING, COMPLAINT_ERROR };

struct complaint {
	enum complaint_level level;
	uint32_t line, column; /* 1-based; 0 = not known */
	char *path;	       /* "security ike gateway GW", "" at the top */
	char *statement;       /* "ike-policy NOPE"; secrets are masked */
	char *reason;
};

/* Life: zeroed .. complaints_fini(). Errors beyond COMPLAINTS_MAX are counted, not kept. */
struct complaints {
	struct complaint *v;
	uint32_t n, n_errors, n_dropped;
};

/* One of Junos' three-line messages for each complaint, in order, then, if any is an error,
 * "error: configuration check-out failed". Owned by the caller. */
int complaints_text(const struct complaints *c, struct blob *out) MUST_CHECK;
void complaints_fini(struct complaints *c);
#define auto_complaints struct complaints CLEANUP(complaints_fini)

/*
 * Parses curly or `set` text, applies groups as node `node` sees them ("${node}" is node<n>;
 * CONFIG_STANDALONE leaves it without effect), checks, and builds the model.
 * 0 with *out owned by the caller (warnings may have been added), or -ERR_SYNTAX (errors were
 * added), -ERR_NOMEM, -ERR_LIMIT. *out is written on success only.
 */
int config_load(struct view text, int node, struct model **out, struct complaints *c) MUST_CHECK;
/* Reads the file first; -ERR_IO with a complaint when that fails. */
int config_load_file(
	const char *path, int node, struct model **out, struct complaints *c) MUST_CHECK;

/* "0".."254", as the command line gives the number of a node. */
bool config_node(const char *text, int *out);
/* Owned by the caller, who wipes it: it may hold keys. */
int config_read_file(const char *path, struct blob *out, struct complaints *c) MUST_CHECK;

/* Canonical form of the text itself: groups and inactive parts kept, secrets as $9$. */
enum config_form { CONFIG_CURLY, CONFIG_SET };

enum config_secrets { CONFIG_SECRETS_9, CONFIG_SECRETS_MASKED };

int config_format(struct view text, enum config_form form, enum config_secrets secrets,
	struct blob *out, struct complaints *c) MUST_CHECK;

/* The whole of `tandem check`: 0 and "configuration check succeeds", or 1 and the complaints. */
int config_check_main(int argc, char **argv);
