#include "config/pki_dir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "config/value.h"

static const struct {
	const char *folder, *suffix;
} kinds[] = {
	[PKI_CA] = {"ca", ".pem"},
	[PKI_LOCAL] = {"local", ".pem"},
	[PKI_KEY] = {"key", ".pem"},
	[PKI_KEY_URI] = {"key", ".uri"},
	[PKI_CRL] = {"crl", ".pem"},
	[PKI_REQUEST] = {"request", ".pem"},
};

static int fits(int n)
{
	return n < 0 || n >= PKI_PATH_MAX ? -ERR_LIMIT : 0;
}

int pki_path(const char *dir, enum pki_kind kind, const char *name, char out[PKI_PATH_MAX])
{
	if (!value_is_file(name))
		return -ERR_VALUE;
	return fits(snprintf(out, PKI_PATH_MAX, "%s/%s/%s%s", dir, kinds[kind].folder, name,
		kinds[kind].suffix));
}

int pki_folder(const char *dir, enum pki_kind kind, char out[PKI_PATH_MAX])
{
	return fits(snprintf(out, PKI_PATH_MAX, "%s/%s", dir, kinds[kind].folder));
}

bool pki_name_of(enum pki_kind kind, const char *file, char out[PKI_PATH_MAX])
{
	size_t n = strlen(file), end = strlen(kinds[kind].suffix);

	if (n <= end || n - end >= PKI_PATH_MAX || strcmp(file + n - end, kinds[kind].suffix) != 0)
		return false;
	memcpy(out, file, n - end);
	out[n - end] = '\0';
	return value_is_file(out);
}

int pki_make(const char *dir)
{
	char path[PKI_PATH_MAX];

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return -ERR_IO;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		int rc = pki_folder(dir, (enum pki_kind)i, path);

		if (rc < 0)
			return rc;
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return -ERR_IO;
	}
	return 0;
}
