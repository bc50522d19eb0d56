/*
 * tandem: the operator's command. One command line in, one answer out.
 *
 *     tandem [--socket PATH] [--json] WORD...
 *
 * The words are Junos' operational commands; quote the bar for the shell, or the whole line:
 *     tandem show security ike security-associations detail \| display json
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/client.h"
#include "cli/local.h"
#include "cli/pipe.h"
#include "cli/pki.h"
#include "cli/request.h"
#include "cli/show.h"

static int usage(FILE *to)
{
	(void)fputs("usage: tandem [--socket PATH] [--json] COMMAND...\n"
		    "       tandem check FILE [--node N]\n"
		    "       tandem corosync-conf FILE --node N\n"
		    "       tandem format FILE [--set] [--mask]\n"
		    "       tandem statements [\"WORDS FROM THE TOP\"]\n"
		    "       tandem ?          lists the commands\n",
		to);
	return 2;
}

/* The arguments as one line; those with blanks were one word to the shell and stay one. */
static int join(int argc, char **argv, char *line, size_t cap)
{
	size_t at = 0;

	line[0] = '\0';
	for (int i = 0; i < argc; i++) {
		bool quote = argc > 1 && (argv[i][0] == '\0' || strpbrk(argv[i], " \t") != NULL) &&
			     !strchr(argv[i], '"') && argv[i][0] != '|';
		int n = snprintf(
			line + at, cap - at, quote ? "%s\"%s\"" : "%s%s", i ? " " : "", argv[i]);

		if (n < 0 || (size_t)n >= cap - at)
			return -ERR_LIMIT;
		at += (size_t)n;
	}
	return 0;
}

/* The line again, a caret under what is wrong, and why. */
static int complain(const char *line, const struct words_error *e)
{
	(void)fprintf(stderr, "%s\n%*s^\n%s\n", line, (int)e->at, "", e->text);
	return 1;
}

struct answer {
	struct show show;
	const struct command *command;
	struct request *request;
	struct pki_files *files;
	bool confirmed; /* the request goes again */
};

static int take_part(void *ctx, const Ctl__Response *r)
{
	struct answer *a = ctx;
	int rc = 0;

	if (r->body_case == CTL__RESPONSE__BODY_PKI_QUESTION) {
		a->confirmed = pki_confirm(a->request, r->pki_question, a->files, stdout, stdin);
		return 0;
	}
	if (r->body_case == CTL__RESPONSE__BODY_PKI_MADE)
		rc = pki_write(a->command, r->pki_made, stderr);
	return rc < 0 ? rc : show_part(&a->show, r, stderr);
}

static int explain(int rc, const char *socket_path)
{
	switch (rc) {
	case -ERR_WRONG_STATE:
		break; /* the daemon's own words were printed */
	case -ERR_NOT_FOUND:
		(void)fprintf(stderr, "error: tandemd is not running (%s)\n", socket_path);
		break;
	case -ERR_AGAIN:
		(void)fputs("error: tandemd does not answer\n", stderr);
		break;
	default:
		(void)fprintf(stderr, "error: %s: %s\n", socket_path, err_text(rc));
	}
	return 1;
}

/* Renders to `to` as the answer streams in. */
static int ask(const char *socket_path, const struct command *c, const struct pipes *p, FILE *to)
{
	struct request r;
	struct pki_files files = {0};
	struct answer a = {.command = c, .request = &r, .files = &files};
	int rc;

	request_fill(&r, c, p->set);
	rc = pki_files_read(&r, c, &files, stderr);
	if (rc < 0) {
		pki_files_fini(&files);
		return rc;
	}
	show_init(&a.show, to, c, p->json);
	rc = client_ask(socket_path, &r.request, take_part, &a);
	if (rc == 0 && a.confirmed)
		rc = client_ask(socket_path, &r.request, take_part, &a);
	show_end(&a.show);
	pki_files_fini(&files);
	return rc;
}

static int run(const char *socket_path, const struct command *c, const struct pipes *p)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f;
	int rc, piped = 0;

	if (p->n == 0) {
		rc = ask(socket_path, c, p, stdout);
		return rc < 0 ? explain(rc, socket_path) : 0;
	}
	f = open_memstream(&text, &n);
	if (!f)
		return explain(-ERR_NOMEM, socket_path);
	rc = ask(socket_path, c, p, f);
	if (fclose(f) == 0)
		piped = pipes_run(p, text, n, stdout);
	free(text);
	if (rc == 0 && piped < 0) {
		(void)fputs("error: the regular expression is wrong\n", stderr);
		return 1;
	}
	return rc < 0 ? explain(rc, socket_path) : 0;
}

static int command_line(const char *socket_path, const char *line, bool json)
{
	struct words w;
	struct words_error error = {0};
	struct command c;
	struct pipes p;

	if (words_split(line, &w) < 0) {
		(void)fputs("error: the line is too long\n", stderr);
		return 1;
	}
	if (w.n == 0)
		return usage(stderr);
	if (strcmp(w.w[w.n - 1].s, "?") == 0)
		return words_help(&w, stdout, &error) ? 0 : complain(line, &error);
	if (words_parse(&w, &c, &error) < 0 || pipes_parse(&w, &p, &error) < 0)
		return complain(line, &error);
	p.json = p.json || json;
	return run(socket_path, &c, &p);
}

int main(int argc, char **argv)
{
	const char *socket_path = getenv("TANDEM_SOCKET");
	char line[4096];
	bool json = false;
	int status;

	if (!socket_path || *socket_path == '\0')
		socket_path = CLIENT_SOCKET_DEFAULT;
	for (argc--, argv++; argc > 0 && strncmp(argv[0], "--", 2) == 0; argc--, argv++) {
		if (strcmp(argv[0], "--json") == 0) {
			json = true;
		} else if (strcmp(argv[0], "--socket") == 0 && argc > 1) {
			socket_path = argv[1];
			argc--;
			argv++;
		} else {
			bool help = strcmp(argv[0], "--help") == 0;

			status = usage(help ? stdout : stderr);
			return help ? 0 : status;
		}
	}
	if (argc == 0)
		return usage(stderr);
	if (local_main(argc, argv, &status))
		return status;
	if (join(argc, argv, line, sizeof line) < 0) {
		(void)fputs("error: the line is too long\n", stderr);
		return 1;
	}
	return command_line(socket_path, line, json);
}
