#pragma once
/*
 * Where the files of [edit security pki] are: one directory of tandemd (--pki DIR, default
 * <state>/pki) with a folder for each kind, one PEM file for each name.
 *
 *     ca/<ca-profile>.pem         certificate of the CA
 *     local/<certificate-id>.pem  our own, then the certificates above it that came with it
 *     key/<certificate-id>.pem    its private key (PKCS#8), or .uri: where a token has it (RFC
 * 7512) crl/<ca-profile>.pem        the last list of what that CA revoked
 *     request/<certificate-id>.pem
 *
 * Folders are 0700, files 0600; who writes one writes beside it and renames. key/ is opened by
 * tandemd and read by the keys process only. Names come from the configuration or the operator:
 * value_is_file() must hold for them.
 */
#include <stdbool.h>

#include "base/err.h"

#define PKI_PATH_MAX 512

enum pki_kind { PKI_CA, PKI_LOCAL, PKI_KEY, PKI_KEY_URI, PKI_CRL, PKI_REQUEST };

/* "<dir>/ca/<name>.pem". -ERR_VALUE: no name of a file. -ERR_LIMIT: too long. */
int pki_path(
	const char *dir, enum pki_kind kind, const char *name, char out[PKI_PATH_MAX]) MUST_CHECK;
/* "<dir>/ca". */
int pki_folder(const char *dir, enum pki_kind kind, char out[PKI_PATH_MAX]) MUST_CHECK;
/* The name of a file of this kind: "Root-CA" of "Root-CA.pem"; false when it is none. */
bool pki_name_of(enum pki_kind kind, const char *file, char out[PKI_PATH_MAX]);
/* Makes the directory and its folders. -ERR_IO. */
int pki_make(const char *dir) MUST_CHECK;
