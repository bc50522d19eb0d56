#pragma once
/*
 * Certificates and lists in the files of the store (config/pki_dir.h). Thread: the loop; files are
 * small and local.
 */
#include "config/pki_dir.h"
#include "crypto/cert.h"

#define PKI_FILE_MAX (12u << 20) /* a CRL of 8 MB as PEM */

/* The octets; -ERR_NOT_FOUND. */
int pki_file_read(
	const char *dir, enum pki_kind kind, const char *name, struct blob *out) MUST_CHECK;
int pki_file_write(
	const char *dir, enum pki_kind kind, const char *name, struct view text) MUST_CHECK;
/* 0 also when it was not there. */
int pki_file_remove(const char *dir, enum pki_kind kind, const char *name) MUST_CHECK;
bool pki_file_is_there(const char *dir, enum pki_kind kind, const char *name);
/* Calls for each file of that kind in the order of names, until a call returns other than 0, which
 * is returned. */
int pki_file_each(const char *dir, enum pki_kind kind, int (*each)(void *ctx, const char *name),
	void *ctx) MUST_CHECK;
/* The first certificate of a file. */
int pki_file_cert(
	const char *dir, enum pki_kind kind, const char *name, struct cert **out) MUST_CHECK;
