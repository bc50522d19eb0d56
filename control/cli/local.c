#include "cli/local.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "config/config.h"
#include "config/corosync.h"
#include "config/schema.h"

struct arguments {
	const char *file, *node, *keyfile, *state_dir, *log_file;
	bool set, mask;
};

/* "--name value" and "--flag"; false for anything else. */
static bool take(int argc, char **argv, struct arguments *a)
{
	const struct {
		const char *name;
		const char **value;
		bool *flag;
	} known[] = {{"--node", &a->node, NULL}, {"--keyfile", &a->keyfile, NULL},
		{"--state-dir", &a->state_dir, NULL}, {"--log-file", &a->log_file, NULL},
		{"--set", NULL, &a->set}, {"--mask", NULL, &a->mask}};

	for (int i = 1; i < argc; i++) {
		size_t k = 0;

		while (k < ARRAY_LEN(known) && strcmp(argv[i], known[k].name) != 0)
			k++;
		if (k < ARRAY_LEN(known) && known[k].flag)
			*known[k].flag = true;
		else if (k < ARRAY_LEN(known) && i + 1 < argc)
			*known[k].value = argv[++i];
		else if (k == ARRAY_LEN(known) && !a->file && argv[i][0] != '-')
			a->file = argv[i];
		else
			return false;
	}
	return a->file != NULL;
}

static int usage(const char *text)
{
	(void)fprintf(stderr, "usage: tandem %s\n", text);
	return 2;
}

static void print_complaints(const struct complaints *c)
{
	auto_blob text = {0};

	if (complaints_text(c, &text) == 0)
		(void)fwrite(text.p, 1, text.n, stderr);
}

/* What a made text is printed with; errors were complained about, or have a sentence. */
static int finish(int rc, const struct complaints *c, const struct blob *out)
{
	print_complaints(c);
	if (rc < 0 && c->n_errors == 0)
		(void)fprintf(stderr, "error: %s\n", err_text(rc));
	if (rc < 0)
		return 1;
	(void)fwrite(out->p, 1, out->n, stdout);
	return 0;
}

static int corosync_main(int argc, char **argv)
{
	struct arguments a = {0};
	auto_complaints c = {0};
	auto_blob text = {0}, out = {0};
	int node, rc;

	if (!take(argc, argv, &a) || !a.node || !config_node(a.node, &node))
		return usage("corosync-conf FILE --node N [--keyfile PATH] [--state-dir PATH] "
			     "[--log-file PATH]");
	rc = config_read_file(a.file, &text, &c);
	if (rc == 0) {
		const struct corosync_paths paths = {a.keyfile, a.state_dir, a.log_file};

		rc = corosync_conf(blob_view(&text), node, &paths, &out, &c);
		secret_wipe(text.p, text.n);
	}
	return finish(rc, &c, &out);
}

static int format_main(int argc, char **argv)
{
	struct arguments a = {0};
	auto_complaints c = {0};
	auto_blob text = {0}, out = {0};
	int rc;

	if (!take(argc, argv, &a) || a.node || a.keyfile || a.state_dir || a.log_file)
		return usage("format FILE [--set] [--mask]");
	rc = config_read_file(a.file, &text, &c);
	if (rc == 0) {
		rc = config_format(blob_view(&text), a.set ? CONFIG_SET : CONFIG_CURLY,
			a.mask ? CONFIG_SECRETS_MASKED : CONFIG_SECRETS_9, &out, &c);
		secret_wipe(text.p, text.n);
	}
	return finish(rc, &c, &out);
}

static void print_statement(const struct schema_row *row)
{
	printf("%s", row->path);
	if (row->flags & SCHEMA_LIST)
		printf(" <name>");
	if (row->type == SCHEMA_ENUM)
		printf(" (%s)", row->words);
	else if (row->type == SCHEMA_UINT)
		printf(" (%llu..%llu)", (unsigned long long)row->lo, (unsigned long long)row->hi);
	if (row->initial)
		printf(", default %s", row->initial);
	printf("\n    %s%s%s\n", row->help, row->flags & SCHEMA_OWN ? " [not in Junos]" : "",
		row->flags & SCHEMA_LATER ? " [no effect in this release]" : "");
}

static int statements_main(int argc, char **argv)
{
	if (argc > 2)
		return usage("statements [\"WORDS FROM THE TOP\"]");
	for (size_t i = 0; i < schema_rows_n; i++)
		if (argc < 2 || strncmp(schema_rows[i].path, argv[1], strlen(argv[1])) == 0)
			print_statement(&schema_rows[i]);
	return 0;
}

bool local_main(int argc, char **argv, int *status)
{
	if (strcmp(argv[0], "check") == 0)
		*status = config_check_main(argc, argv);
	else if (strcmp(argv[0], "corosync-conf") == 0)
		*status = corosync_main(argc, argv);
	else if (strcmp(argv[0], "format") == 0)
		*status = format_main(argc, argv);
	else if (strcmp(argv[0], "statements") == 0)
		*status = statements_main(argc, argv);
	else
		return false;
	return true;
}
