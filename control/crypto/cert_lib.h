#pragma once
/*
 * For this folder only: the library's context in which certificates are read, and keys of theirs
 * checked with.
 *
 * To read a public key, OpenSSL 3.0 walks through all decoders and all key managements that it has,
 * each time: three quarters of what reading a certificate costs. This context has only those for
 * public keys of certificates; all the rest is the default provider's, as everywhere.
 *
 * Life: made once, when first asked for, and there to the end of the process, as the library's
 * default context is. Thread: any.
 */
struct ossl_lib_ctx_st;

/* NULL, which is the default context: this one cannot be had. Certificates are then read slower. */
struct ossl_lib_ctx_st *cert_lib(void);
