#include "cli/json.h"

#include <inttypes.h>

static void put_string(FILE *f, const char *s)
{
	(void)fputc('"', f);
	for (; s && *s != '\0'; s++) {
		uint8_t c = (uint8_t)*s;

		if (c == '"' || c == '\\')
			(void)fprintf(f, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			(void)fprintf(f, "\\u%04x", c);
		else
			(void)fputc(c, f);
	}
	(void)fputc('"', f);
}

static void indent(struct json *j)
{
	(void)fputc('\n', j->f);
	for (unsigned i = 0; i < j->depth; i++)
		(void)fputs("  ", j->f);
}

static void begin(struct json *j, const char *name)
{
	if (!j->first)
		(void)fputc(',', j->f);
	j->first = false;
	if (j->depth > 0)
		indent(j);
	if (name) {
		put_string(j->f, name);
		(void)fputs(": ", j->f);
	}
}

void json_open(struct json *j, const char *name, char bracket)
{
	begin(j, name);
	(void)fputc(bracket, j->f);
	j->depth++;
	j->first = true;
}

void json_close(struct json *j, char bracket)
{
	bool empty = j->first;

	j->depth--;
	j->first = false;
	if (!empty)
		indent(j);
	(void)fputc(bracket, j->f);
	if (j->depth == 0)
		(void)fputc('\n', j->f);
}

void json_text(struct json *j, const char *name, const char *value)
{
	begin(j, name);
	put_string(j->f, value);
}

void json_uint(struct json *j, const char *name, uint64_t value)
{
	begin(j, name);
	(void)fprintf(j->f, "%" PRIu64, value);
}

void json_int(struct json *j, const char *name, int64_t value)
{
	begin(j, name);
	(void)fprintf(j->f, "%" PRId64, value);
}

void json_bool(struct json *j, const char *name, bool value)
{
	begin(j, name);
	(void)fputs(value ? "true" : "false", j->f);
}

void json_hex(struct json *j, const char *name, uint64_t value, int digits)
{
	begin(j, name);
	(void)fprintf(j->f, "\"%0*" PRIx64 "\"", digits, value);
}
