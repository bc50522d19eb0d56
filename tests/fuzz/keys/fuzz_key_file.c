/* Keys as an operator may bring them: PEM or DER of any kind; what is read is written and read
 * again. */
#include <stdlib.h>

#include "base/secret.h"
#include "crypto/key_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	auto_key_file key = NULL;
	auto_key_file again = NULL;
	struct blob pem = {0};
	auto_blob a = {0}, b = {0};

	if (n > 8192 || key_file_read(view_of(data, n), "x", &key) < 0)
		return 0;
	if (key_file_write(key, &pem) == 0 && key_file_public(key, &a) == 0) {
		if (key_file_read(blob_view(&pem), NULL, &again) < 0 ||
			key_file_public(again, &b) < 0 || !view_equal(blob_view(&a), blob_view(&b)))
			abort();
	}
	secret_wipe_blob(&pem);
	return 0;
}
