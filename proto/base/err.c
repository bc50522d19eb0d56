#include "base/err.h"

#include <stdlib.h>

static const struct {
	const char *name, *text;
} rows[] = {{"OK", "success"},

#define X(name, text) {#name, text},
	ERR_LIST(X)
#undef X
};

static size_t index_of(int code)
{
	size_t i = (size_t)(code < 0 ? -(long)code : (long)code);

	return i < ARRAY_LEN(rows) ? i : 0;
}

const char *err_name(int code)
{
	return code != 0 && index_of(code) == 0 ? "ERR_UNKNOWN" : rows[index_of(code)].name;
}

const char *err_text(int code)
{
	return code != 0 && index_of(code) == 0 ? "unknown error" : rows[index_of(code)].text;
}

void cleanup_free(void *pp)
{
	free(*(void **)pp);
}
