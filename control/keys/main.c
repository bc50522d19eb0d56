/*
 * tandem-keys: started by tandemd with a socket as descriptor 3.
 *
 *     tandem-keys [--user NAME] [--module PATH]...
 */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "keys/sandbox.h"
#include "keys/serve.h"

enum { SOCKET = 3 };

static const struct option options[] = {
	{"user", required_argument, NULL, 'u'},
	{"module", required_argument, NULL, 'm'},
	{0},
};

static int fail(const char *what, int rc)
{
	(void)fprintf(stderr, "tandem-keys: %s: %s\n", what, err_text(rc));
	return 1;
}

static int usage(void)
{
	(void)fputs("usage: tandem-keys [--user NAME] [--module PATH]...\n"
		    "tandemd starts it; descriptor 3 is the socket between them\n",
		stderr);
	return 2;
}

/* A library that cannot be had is said and left out: the keys of files must go on. */
static void add_module(struct serve *s, const char *path)
{
	int rc = token_modules_add(&s->modules, path);

	if (rc < 0)
		(void)fail(path, rc);
}

static int run(struct serve *s, const struct sandbox *box, struct sandbox_state *is)
{
	char ready[128];
	int rc = serve_init(s, SOCKET);

	if (rc < 0)
		return fail("start", rc);
	rc = sandbox_lock(box, is);
	if (rc < 0)
		return fail("filter of system calls", rc);
	(void)snprintf(ready, sizeof ready, "user=%s network=%s memory=%s files=%s",
		is->own_user ? box->user : "same", is->own_network ? "none" : "shared",
		is->memory_locked ? "locked" : "swappable", box->files ? "modules" : "none");
	rc = serve_run(s, ready);
	serve_fini(s);
	return rc < 0 ? fail("serve", rc) : 0;
}

int main(int argc, char **argv)
{
	const char *modules[TOKEN_MODULES_MAX];
	struct sandbox box = {.user = "nobody"};
	struct sandbox_state is;
	struct serve s = {0};
	size_t n = 0;
	int option, rc;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'u')
			box.user = optarg;
		else if (option == 'm' && n < ARRAY_LEN(modules))
			modules[n++] = optarg;
		else
			return usage();
	}
	if (optind != argc)
		return usage();
	box.files = n > 0;
	rc = sandbox_detach(&box, &is);
	if (rc < 0)
		return fail(box.user, rc);
	for (size_t i = 0; i < n; i++)
		add_module(&s, modules[i]);
	rc = run(&s, &box, &is);
	/* Without handlers at exit: they belong to libraries and would want what is not allowed. */
	_exit(rc);
}
