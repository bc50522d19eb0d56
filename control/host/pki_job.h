#pragma once
/*
 * Reading what was fetched, or is on disk, in the thread pool: lists may be 8 MB. Of pki_service.c
 * only. Life: pki_job_new() .. pki_job_free(); the loop's but while it is worked on.
 */
#include <uv.h>

#include "base/list.h"

#include "pki/revocation.h"

struct pki_service;

enum pki_job_kind { PKI_JOB_LIST, PKI_JOB_ANSWER, PKI_JOB_READ_FILE, PKI_JOB_WRITE_FILE };

struct pki_job {
	struct list link; /* while its fetch is out */
	uv_work_t work;
	struct pki_service *p;
	enum pki_job_kind kind;
	uint64_t id; /* of the fetch */
	struct cert *issuer;
	struct cert_ref cert; /* of an answer */
	uint8_t nonce[OCSP_NONCE_LEN];
	size_t nonce_n;
	struct blob body;
	char profile[REVOCATION_NAME_MAX], path[512];
	int64_t now_s;

	int rc; /* out */
	const char *why;
	struct crl *list;
	struct ocsp_answer answer;
};

struct pki_job *pki_job_new(struct pki_service *p, enum pki_job_kind kind);
void pki_job_run(struct pki_job *j);
void pki_job_free(struct pki_job *j);
