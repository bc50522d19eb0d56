#include "host/pki_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/store_file.h"

int pki_file_read(const char *dir, enum pki_kind kind, const char *name, struct blob *out)
{
	char path[PKI_PATH_MAX];
	int rc = pki_path(dir, kind, name, path);

	return rc < 0 ? rc : store_file_read(path, PKI_FILE_MAX, out);
}

int pki_file_write(const char *dir, enum pki_kind kind, const char *name, struct view text)
{
	char path[PKI_PATH_MAX];
	int rc = pki_path(dir, kind, name, path);

	return rc < 0 ? rc : store_file_write(path, text);
}

int pki_file_remove(const char *dir, enum pki_kind kind, const char *name)
{
	char path[PKI_PATH_MAX];
	int rc = pki_path(dir, kind, name, path);

	if (rc < 0)
		return rc;
	return unlink(path) == 0 || errno == ENOENT ? 0 : -ERR_IO;
}

bool pki_file_is_there(const char *dir, enum pki_kind kind, const char *name)
{
	char path[PKI_PATH_MAX];

	return pki_path(dir, kind, name, path) == 0 && access(path, F_OK) == 0;
}

int pki_file_each(
	const char *dir, enum pki_kind kind, int (*each)(void *ctx, const char *name), void *ctx)
{
	char folder[PKI_PATH_MAX], name[PKI_PATH_MAX];
	struct dirent **all = NULL;
	int n, rc = pki_folder(dir, kind, folder);

	if (rc < 0)
		return rc;
	n = scandir(folder, &all, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		if (rc == 0 && pki_name_of(kind, all[i]->d_name, name))
			rc = each(ctx, name);
		free(all[i]);
	}
	free(all);
	return rc;
}

int pki_file_cert(const char *dir, enum pki_kind kind, const char *name, struct cert **out)
{
	auto_blob text = {0};
	int rc = pki_file_read(dir, kind, name, &text);

	return rc < 0 ? rc : cert_parse_file(blob_view(&text), out);
}
