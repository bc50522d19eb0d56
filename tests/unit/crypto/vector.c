#include "vector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

void vector_open(struct vector *v, const char *name)
{
	char path[4096];

	*v = (struct vector){0};
	(void)snprintf(path, sizeof path, "%s/%s", VECTOR_DIR, name);
	v->f = fopen(path, "r");
	if (!v->f)
		fail_msg("cannot open %s", path);
}

static void record_drop(struct vector *v)
{
	for (size_t i = 0; i < v->n; i++) {
		free(v->field[i].name);
		blob_fini(&v->field[i].hex);
	}
	v->n = 0;
}

/* Takes the line over: "name = value" becomes two strings in it. */
static void field_add(struct vector *v, char *line)
{
	char *sep = strstr(line, " = ");

	if (!sep || v->n == VECTOR_FIELDS_MAX) {
		fail_msg("bad vector line: %s", line);
		return;
	}
	*sep = '\0';
	v->field[v->n].name = line;
	v->field[v->n].text = sep + 3;
	v->field[v->n].hex = (struct blob){0};
	if (blob_from_hex(sep + 3, &v->field[v->n].hex) < 0)
		v->field[v->n].hex = (struct blob){0};
	v->n++;
}

bool vector_next(struct vector *v)
{
	record_drop(v);
	for (;;) {
		char *line = NULL;
		size_t cap = 0;
		ssize_t n = getline(&line, &cap, v->f);

		if (n < 0) {
			free(line);
			return v->n != 0;
		}
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0' && line[0] != '#') {
			field_add(v, line);
			continue;
		}
		n = line[0] == '\0' && v->n != 0;
		free(line);
		if (n)
			return true;
	}
}

static size_t field_find(const struct vector *v, const char *name)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->field[i].name, name) == 0)
			return i;
	fail_msg("no field %s", name);
	return 0;
}

struct view vector_hex(const struct vector *v, const char *name)
{
	return blob_view(&v->field[field_find(v, name)].hex);
}

const char *vector_text(const struct vector *v, const char *name)
{
	return v->field[field_find(v, name)].text;
}

void vector_close(struct vector *v)
{
	record_drop(v);
	if (v->f)
		(void)fclose(v->f);
	v->f = NULL;
}

struct blob unhex(const char *text)
{
	struct blob b = {0};

	if (blob_from_hex(text, &b) < 0)
		fail_msg("not hex: %s", text);
	return b;
}
