#include "host/pki_job.h"

#include <stdlib.h>

#include "crypto/der.h"
#include "host/store_file.h"

#define PEM_CRL	 "X509 CRL"
#define FILE_MAX (CRL_DER_MAX / 2 * 3) /* as text */

struct pki_job *pki_job_new(struct pki_service *p, enum pki_job_kind kind)
{
	struct pki_job *j = calloc(1, sizeof *j);

	if (j) {
		list_init(&j->link);
		j->p = p;
		j->kind = kind;
	}
	return j;
}

static void answer_read(struct pki_job *j)
{
	const struct ocsp_question q = {
		&j->cert, j->issuer, view_of(j->nonce, j->nonce_n), j->now_s};

	j->rc = ocsp_answer_read(blob_view(&j->body), &q, &j->answer, &j->why);
}

static void file_read(struct pki_job *j)
{
	j->rc = store_file_read(j->path, FILE_MAX, &j->body);
	j->why = err_text(j->rc);
	if (j->rc == 0)
		j->rc = crl_parse_file(blob_view(&j->body), j->issuer, &j->list, &j->why);
}

static void file_write(struct pki_job *j)
{
	auto_blob pem = {0};
	bool is_der = j->body.n != 0 && j->body.p[0] == 0x30;

	if (is_der)
		j->rc = der_to_pem(blob_view(&j->body), PEM_CRL, &pem);
	if (j->rc == 0)
		j->rc = store_file_write(j->path, blob_view(is_der ? &pem : &j->body));
	j->why = err_text(j->rc);
}

void pki_job_run(struct pki_job *j)
{
	switch (j->kind) {
	case PKI_JOB_LIST:
		j->rc = crl_parse_file(blob_view(&j->body), j->issuer, &j->list, &j->why);
		break;
	case PKI_JOB_ANSWER:
		answer_read(j);
		break;
	case PKI_JOB_READ_FILE:
		file_read(j);
		break;
	case PKI_JOB_WRITE_FILE:
	default:
		file_write(j);
		break;
	}
}

void pki_job_free(struct pki_job *j)
{
	list_del(&j->link);
	cert_unref(j->issuer);
	crl_unref(j->list);
	cert_unref(j->answer.responder);
	blob_fini(&j->body);
	free(j);
}
