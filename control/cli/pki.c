#include "cli/pki.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "base/secret.h"
#include "cli/passphrase.h"

static int tell(FILE *err, const char *text)
{
	(void)fprintf(err, "error: %s\n", text);
	return -ERR_WRONG_STATE;
}

static int read_file(const char *path, struct blob *out)
{
	FILE *f = fopen(path, "re");
	int rc = 0;

	if (!f)
		return -ERR_IO;
	out->p = malloc(PKI_SEND_MAX + 1);
	if (!out->p)
		rc = -ERR_NOMEM;
	else
		out->n = fread(out->p, 1, PKI_SEND_MAX + 1, f);
	if (rc == 0 && ferror(f))
		rc = -ERR_IO;
	if (rc == 0 && out->n > PKI_SEND_MAX)
		rc = -ERR_LIMIT;
	(void)fclose(f);
	return rc;
}

static bool is_load(enum action a)
{
	return a == ACTION_PKI_LOAD_CA || a == ACTION_PKI_LOAD_LOCAL || a == ACTION_PKI_LOAD_CRL;
}

/* From where the operator says; else it is asked for when the file of the key needs one. */
static int passphrase_get(
	struct request *r, const struct command *c, struct pki_files *f, FILE *err)
{
	int rc;

	if (c->slot[SLOT_PASSPHRASE].given && c->slot[SLOT_PASSPHRASE_FD].given)
		return tell(err, "only one of passphrase, passphrase-fd");
	if (c->slot[SLOT_PASSPHRASE_FD].given)
		rc = passphrase_read((int)c->slot[SLOT_PASSPHRASE_FD].number, &f->passphrase);
	else if (!c->slot[SLOT_PASSPHRASE].given && passphrase_is_needed(blob_view(&f->key)))
		rc = passphrase_ask("Passphrase of the key: ", &f->passphrase);
	else
		return 0;
	if (rc == -ERR_NOT_FOUND)
		return tell(err, "the key is encrypted and there is no terminal to ask at: "
				 "passphrase-fd");
	if (rc < 0)
		return tell(err, "the passphrase cannot be read");
	r->u.pki_load.passphrase = (char *)f->passphrase.p;
	return 0;
}

int pki_files_read(struct request *r, const struct command *c, struct pki_files *f, FILE *err)
{
	const char *key = c->slot[SLOT_KEY].given ? c->slot[SLOT_KEY].text : NULL;

	if (!is_load(c->action))
		return 0;
	if (read_file(c->slot[SLOT_FILENAME].text, &f->file) < 0)
		return tell(err, c->action == ACTION_PKI_LOAD_CRL
					 ? "Failed to read the CRL file"
					 : "Failed to read the certificate file");
	r->u.pki_load.file = (ProtobufCBinaryData){f->file.n, f->file.p};
	if (!key || strncasecmp(key, "pkcs11:", 7) == 0)
		return 0; /* where a token has it: said as it is */
	if (read_file(key, &f->key) < 0)
		return tell(err, "Failed to read the key file");
	r->u.pki_load.key = (ProtobufCBinaryData){f->key.n, f->key.p};
	return passphrase_get(r, c, f, err);
}

bool pki_confirm(
	struct request *r, const Ctl__PkiQuestion *q, struct pki_files *f, FILE *to, FILE *in)
{
	char line[16] = "";

	(void)fprintf(
		to, "%sDo you want to load the above CA certificate ? [yes,no] (no) ", q->text);
	(void)fflush(to);
	if (!fgets(line, sizeof line, in))
		(void)fputc('\n', to);
	line[strcspn(line, "\n")] = '\0';
	if (strcmp(line, "yes") != 0 || q->token.len > sizeof f->token)
		return false;
	memcpy(f->token, q->token.data, q->token.len);
	f->n_token = q->token.len;
	r->u.pki_load.confirmed = (ProtobufCBinaryData){f->n_token, f->token};
	return true;
}

int pki_write(const struct command *c, const Ctl__PkiMade *made, FILE *err)
{
	FILE *f;
	bool good;

	if (!c->slot[SLOT_FILENAME].given)
		return 0;
	f = fopen(c->slot[SLOT_FILENAME].text, "we");
	if (!f) {
		(void)fprintf(err, "error: %s: %s\n", c->slot[SLOT_FILENAME].text, strerror(errno));
		return -ERR_WRONG_STATE;
	}
	good = fwrite(made->file.data, 1, made->file.len, f) == made->file.len;
	good = fclose(f) == 0 && good;
	return good ? 0 : tell(err, "the file cannot be written");
}

void pki_files_fini(struct pki_files *f)
{
	secret_wipe_blob(&f->file);
	secret_wipe_blob(&f->key);
	secret_wipe_blob(&f->passphrase);
	*f = (struct pki_files){0};
}
