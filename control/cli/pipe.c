#include "cli/pipe.h"

#include <regex.h>
#include <stdlib.h>

static const char *const kinds[] = {"match", "except", "count", "last", "no-more", "display"};

enum { KIND_NO_MORE = PIPE_LAST + 1, KIND_DISPLAY };

#define LAST_DEFAULT 10

static int refuse(struct words_error *error, size_t at, const char *text)
{
	error->at = at;
	(void)snprintf(error->text, sizeof error->text, "%s", text);
	return -ERR_SYNTAX;
}

static bool is_number(const char *s)
{
	return *s != '\0' && strspn(s, "0123456789") == strlen(s) && strlen(s) < 10;
}

/* The words of one pipe, i pointing behind its name; moves *i behind its arguments. */
static int take_arguments(
	const struct words *w, int kind, size_t *i, struct pipes *out, struct words_error *error)
{
	static const char *const displays[] = {"json", "set"};
	bool more = *i < w->n && !w->w[*i].pipe;
	int hit;

	if (kind == PIPE_LAST) {
		out->p[out->n].number = LAST_DEFAULT;
		if (more && is_number(w->w[*i].s))
			out->p[out->n].number = strtoull(w->w[(*i)++].s, NULL, 10);
		return 0;
	}
	if (kind == PIPE_COUNT || kind == KIND_NO_MORE)
		return 0;
	if (!more)
		return refuse(error, w->end, "syntax error, expecting an argument.");
	if (kind == KIND_DISPLAY) {
		hit = words_match(displays, ARRAY_LEN(displays), w->w[*i].s);
		if (hit < 0)
			return refuse(error, w->w[*i].at, "syntax error.");
		out->json = out->json || hit == 0;
		out->set = out->set || hit == 1;
	} else {
		out->p[out->n].text = w->w[*i].s;
	}
	(*i)++;
	return 0;
}

int pipes_parse(const struct words *w, struct pipes *out, struct words_error *error)
{
	size_t i = 0;
	int rc;

	*out = (struct pipes){.n = 0};
	while (i < w->n && !w->w[i].pipe)
		i++;
	while (i < w->n) {
		int kind;

		if (!w->w[i].pipe)
			return refuse(error, w->w[i].at, "syntax error.");
		if (++i == w->n || w->w[i].pipe)
			return refuse(error, i == w->n ? w->end : w->w[i].at,
				"syntax error, expecting <command>.");
		kind = words_match(kinds, ARRAY_LEN(kinds), w->w[i].s);
		if (kind < 0 || out->n == PIPES_MAX)
			return refuse(
				error, w->w[i].at, kind < 0 ? "syntax error." : "too many pipes.");
		i++;
		rc = take_arguments(w, kind, &i, out, error);
		if (rc < 0)
			return rc;
		if (kind <= PIPE_LAST)
			out->p[out->n++].kind = (enum pipe_kind)kind;
	}
	return 0;
}

/* ---- running them */

struct text {
	char *s;
	size_t n;
};

static const char *line_end(const char *s, const char *end)
{
	const char *nl = memchr(s, '\n', (size_t)(end - s));

	return nl ? nl + 1 : end;
}

/* Lines are terminated in place for the matcher and restored. */
static int keep_matching(struct text *in, const char *expression, bool wanted, FILE *to)
{
	char *end = in->s + in->n;
	regex_t re;

	if (regcomp(&re, expression, REG_EXTENDED | REG_NOSUB | REG_ICASE) != 0)
		return -ERR_VALUE;
	for (char *s = in->s, *next; s < end; s = next) {
		char *stop = memchr(s, '\n', (size_t)(end - s));
		bool hit;

		next = stop ? stop + 1 : end;
		if (stop)
			*stop = '\0';
		hit = regexec(&re, s, 0, NULL, 0) == 0;
		if (stop)
			*stop = '\n';
		if (hit == wanted)
			(void)fwrite(s, 1, (size_t)(next - s), to);
	}
	regfree(&re);
	return 0;
}

static size_t count_lines(const struct text *in)
{
	size_t n = 0;

	for (const char *s = in->s; s < in->s + in->n; s = line_end(s, in->s + in->n))
		n++;
	return n;
}

static void keep_last(const struct text *in, uint64_t last, FILE *to)
{
	size_t lines = count_lines(in), skip = lines > last ? lines - (size_t)last : 0;
	const char *s = in->s;

	for (; skip > 0; skip--)
		s = line_end(s, in->s + in->n);
	(void)fwrite(s, 1, (size_t)(in->s + in->n - s), to);
}

static int run_one(const struct pipes *p, size_t i, struct text *in, FILE *to)
{
	switch (p->p[i].kind) {
	case PIPE_MATCH:
		return keep_matching(in, p->p[i].text, true, to);
	case PIPE_EXCEPT:
		return keep_matching(in, p->p[i].text, false, to);
	case PIPE_COUNT:
		(void)fprintf(to, "Count: %zu lines\n", count_lines(in));
		return 0;
	case PIPE_LAST:
		keep_last(in, p->p[i].number, to);
		return 0;
	}
	return -ERR_VALUE;
}

int pipes_run(const struct pipes *p, const char *text, size_t n, FILE *to)
{
	struct text now = {malloc(n + 1), n};
	int rc = 0;

	if (!now.s)
		return -ERR_NOMEM;
	memcpy(now.s, text, n);
	now.s[n] = '\0';
	for (size_t i = 0; rc == 0 && i < p->n; i++) {
		struct text then = {NULL, 0};
		FILE *f = open_memstream(&then.s, &then.n);

		rc = f ? run_one(p, i, &now, f) : -ERR_NOMEM;
		if (f && fclose(f) != 0 && rc == 0)
			rc = -ERR_NOMEM;
		free(now.s);
		now = then;
	}
	if (rc == 0)
		(void)fwrite(now.s, 1, now.n, to);
	free(now.s);
	return rc;
}
