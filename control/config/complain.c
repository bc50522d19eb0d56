#include "config/complain.h"

#include <stdio.h>
#include <stdlib.h>

static void complaint_fini(struct complaint *k)
{
	free(k->path);
	free(k->statement);
	free(k->reason);
}

void complain_v(struct complaints *c, enum complaint_level level, struct complaint_place place,
	const char *fmt, va_list ap)
{
	struct complaint k = {.level = level, .line = place.line, .column = place.column};
	struct complaint *grown;

	if (level == COMPLAINT_ERROR)
		c->n_errors++;
	/* Warnings may not crowd out errors. */
	if (c->n >= (level == COMPLAINT_ERROR ? COMPLAINTS_MAX : COMPLAINTS_MAX / 2)) {
		c->n_dropped++;
		return;
	}
	grown = realloc(c->v, (c->n + 1) * sizeof *grown);
	if (!grown)
		return;
	c->v = grown;
	k.path = strdup(place.path ? place.path : "");
	k.statement = strdup(place.statement ? place.statement : "");
	if (vasprintf(&k.reason, fmt, ap) < 0)
		k.reason = NULL;
	if (!k.path || !k.statement || !k.reason) {
		complaint_fini(&k);
		return;
	}
	c->v[c->n++] = k;
}

void complain(struct complaints *c, enum complaint_level level, struct complaint_place place,
	const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain_v(c, level, place, fmt, ap);
	va_end(ap);
}

static int write_one(FILE *f, const struct complaint *k)
{
	if (fprintf(f, "[edit%s%s]\n  '%s'\n    %s%s", *k->path ? " " : "", k->path, k->statement,
		    k->level == COMPLAINT_WARNING ? "warning: " : "", k->reason) < 0)
		return -ERR_IO;
	if (k->line && k->column)
		return fprintf(f, " (line %u, column %u)\n", k->line, k->column) < 0 ? -ERR_IO : 0;
	if (k->line)
		return fprintf(f, " (line %u)\n", k->line) < 0 ? -ERR_IO : 0;
	return fputc('\n', f) < 0 ? -ERR_IO : 0;
}

int complaints_text(const struct complaints *c, struct blob *out)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	int rc = 0;

	if (!f)
		return -ERR_NOMEM;
	for (uint32_t i = 0; rc == 0 && i < c->n; i++)
		rc = write_one(f, &c->v[i]);
	if (rc == 0 && c->n_dropped > 0 && fprintf(f, "%u more not shown\n", c->n_dropped) < 0)
		rc = -ERR_IO;
	if (rc == 0 && c->n_errors > 0 && fputs("error: configuration check-out failed\n", f) < 0)
		rc = -ERR_IO;
	if (fclose(f) != 0 && rc == 0)
		rc = -ERR_NOMEM;
	if (rc < 0) {
		free(text);
		return rc;
	}
	*out = (struct blob){(uint8_t *)text, n};
	return 0;
}

void complaints_fini(struct complaints *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		complaint_fini(&c->v[i]);
	free(c->v);
	*c = (struct complaints){0};
}
