#pragma once
/*
 * request security pki, clear security pki: what operators bring, want made, or take away. Files
 * are written first, then everybody who reads them is told. Texts are those of the operator's
 * command. Thread: the loop; a call that needs a private key is answered when tandem-keys has
 * answered.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/view.h"
#include "control.pb-c.h"

struct daemon;
struct ctl_call;

/* Any of the requests about certificates and keys; false: it is none. */
bool pki_ctl(struct daemon *d, const Ctl__Request *q, struct ctl_call *call);

/* ---- for the files behind it */

void pki_load(struct daemon *d, const Ctl__PkiLoad *q, struct ctl_call *call);
void pki_generate(struct daemon *d, const Ctl__PkiGenerate *q, struct ctl_call *call);
void pki_clear(struct daemon *d, const Ctl__PkiClear *q, struct ctl_call *call);
/* pki_make.c */
void pki_make_request(struct daemon *d, const Ctl__PkiMake *q, struct ctl_call *call);
/* pki_verify.c */
void pki_verify(struct daemon *d, const Ctl__PkiVerify *q, struct ctl_call *call);

/* Files have changed. */
void pki_changed(struct daemon *d);
/* Fails the call when the name is no file's. */
bool pki_name_is_good(struct ctl_call *call, const char *name);
/* "Fingerprint:" and the two lines below. NUL-terminated, appended. */
int pki_fingerprint_text(struct blob *out, const uint8_t sha1[20], const uint8_t md5[16],
	const char *indent) MUST_CHECK;
