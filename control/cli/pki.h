#pragma once
/*
 * What request security pki takes beside words: files, which are read here with the operator's own
 * rights, a yes or no, and a file to write.
 *
 * Life: pki_files zeroed .. pki_files_fini(), which wipes them: one may be a key.
 */
#include "cli/request.h"

#define PKI_SEND_MAX (512u << 10) /* octets of a file that is sent */

struct pki_files {
	struct blob file, key, passphrase;
	uint8_t token[64];
	size_t n_token;
};

/* Reads what the command names into the request. -ERR_WRONG_STATE after telling on `err`. */
int pki_files_read(
	struct request *r, const struct command *c, struct pki_files *f, FILE *err) MUST_CHECK;
/* Prints the question and reads the answer; true for yes. Then the request says so. */
bool pki_confirm(
	struct request *r, const Ctl__PkiQuestion *q, struct pki_files *f, FILE *to, FILE *in);
/* Where the operator wanted it; nothing when he did not. -ERR_WRONG_STATE after telling. */
int pki_write(const struct command *c, const Ctl__PkiMade *made, FILE *err) MUST_CHECK;
void pki_files_fini(struct pki_files *f);
