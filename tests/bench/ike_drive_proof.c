#include "ike_drive_proof.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "ike/judge.h"

enum { FILE_PATH_MAX = 512 };

char *drive_text(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t n = 0;

	if (!f)
		return NULL;
	if (getdelim(&text, &n, '\0', f) < 0) {
		free(text);
		text = NULL;
	}
	(void)fclose(f);
	return text;
}

static char *text_of(const struct drive_proof *p, const char *name, const char *kind)
{
	char path[FILE_PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/%s.%s", p->folder, name, kind);
	return drive_text(path);
}

static int cert_read(const struct drive_proof *p, const char *name, struct cert **out)
{
	char *text = text_of(p, name, "pem");
	int rc = text ? cert_parse_file(view_of(text, strlen(text)), out) : -ERR_NOT_FOUND;

	free(text);
	return rc;
}

static const struct ike_local_cert *face_local(void *ctx, const char *certificate_id)
{
	struct drive_proof *p = (struct drive_proof *)ctx;

	cert_unref(take_ptr(p->own));
	if (cert_read(p, certificate_id, &p->own) < 0)
		return NULL;
	p->chain[0] = p->own->der;
	p->lent.subject = p->own->subject;
	p->lent.schemes = sign_schemes(p->own->key);
	return &p->lent;
}

static struct view face_anchors(void *ctx, const struct model_ike_policy *policy)
{
	const struct drive_proof *p = (const struct drive_proof *)ctx;

	(void)policy;
	return view_of_array(p->root->public_key_hash);
}

int drive_proof_init(struct drive_proof *p, const char *folder)
{
	char *text;
	int rc;

	*p = (struct drive_proof){.folder = folder};
	if (!folder)
		return 0;
	text = text_of(p, "peers", "key");
	rc = text ? sign_key_read(view_of(text, strlen(text)), &p->key) : -ERR_NOT_FOUND;
	free(text);
	if (rc == 0)
		rc = cert_read(p, "sub", &p->sub);
	if (rc == 0)
		rc = cert_read(p, "root", &p->root);
	if (rc < 0)
		return rc;
	p->chain[1] = p->sub->der;
	memcpy(p->issuers[0], p->sub->public_key_hash, CERT_HASH);
	memcpy(p->issuers[1], p->root->public_key_hash, CERT_HASH);
	p->lent = (struct ike_local_cert){.chain = p->chain,
		.n_chain = ARRAY_LEN(p->chain),
		.issuers = (const uint8_t(*)[20])p->issuers};
	p->face = (struct ike_credentials){p, face_local, face_anchors};
	return 0;
}

void drive_proof_fini(struct drive_proof *p)
{
	sign_key_free(p->key);
	cert_unref(p->own);
	cert_unref(p->sub);
	cert_unref(p->root);
}

void drive_proof_sign(const struct drive_proof *p, const struct crypto *c, struct ike_sign_job *job)
{
	ike_sign_run(c, p->key, job);
}

void drive_proof_trust(struct ike_trust_job *job)
{
	job->rc = 0;
}
