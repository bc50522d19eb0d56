#include "host/args.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { NODE_MAX = 31, CLUSTER_MAX = 255 };

static const char usage[] =
	"usage: tandemd --config FILE [options]\n"
	"  --config FILE     configuration (Junos curly or set form)\n"
	"  --node N          this node's number in the chassis cluster; absent: stand-alone\n"
	"  --cluster-id C    1..255, default 1 with --node\n"
	"  --run DIR         sockets, default /run/tandem\n"
	"  --state DIR       what must survive a restart, default /var/lib/tandem\n"
	"  --pki DIR         certificates, keys and CRLs, default STATE/pki\n"
	"  --keys PATH       the program that holds the private keys, default beside this one\n"
	"  --keys-user NAME  as whom it runs when this runs as root, default nobody\n"
	"  --dataplane PATH  stream socket of tandem-dataplane, default RUN/dataplane.sock\n"
	"  --punt PATH       its IKE socket, default RUN/punt.sock\n"
	"  --control PATH    socket for the tandem command, default RUN/tandemd.sock\n"
	"  --log FILE        default standard error\n"
	"  --debug           log debug lines too\n";

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'},
	{"node", required_argument, NULL, 'n'},
	{"cluster-id", required_argument, NULL, 'i'},
	{"run", required_argument, NULL, 'r'},
	{"state", required_argument, NULL, 's'},
	{"pki", required_argument, NULL, 'k'},
	{"keys", required_argument, NULL, 'K'},
	{"keys-user", required_argument, NULL, 'U'},
	{"dataplane", required_argument, NULL, 'd'},
	{"punt", required_argument, NULL, 'p'},
	{"control", required_argument, NULL, 't'},
	{"log", required_argument, NULL, 'l'},
	{"debug", no_argument, NULL, 'D'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static bool number(const char *text, long low, long high, long *out)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (end == text || *end != '\0' || v < low || v > high) {
		fprintf(stderr, "tandemd: '%s' is not a number from %ld to %ld\n", text, low, high);
		return false;
	}
	*out = v;
	return true;
}

static bool copy(const char *text, char out[256])
{
	if (snprintf(out, 256, "%s", text) < 256)
		return true;
	fprintf(stderr, "tandemd: '%s' is too long\n", text);
	return false;
}

static bool take(struct args *a, int option)
{
	long v = 0;

	switch (option) {
	case 'c':
		a->config = optarg;
		return true;
	case 'n':
		if (!number(optarg, 0, NODE_MAX, &v))
			return false;
		a->node = (int)v;
		return true;
	case 'i':
		if (!number(optarg, 1, CLUSTER_MAX, &v))
			return false;
		a->cluster_id = (uint32_t)v;
		return true;
	case 'r':
		a->run_dir = optarg;
		return true;
	case 's':
		a->state_dir = optarg;
		return true;
	case 'K':
		a->keys_program = optarg;
		return true;
	case 'U':
		a->keys_user = optarg;
		return true;
	case 'k':
		return copy(optarg, a->pki_dir);
	case 'd':
		a->dataplane = optarg;
		return true;
	case 'p':
		a->punt = optarg;
		return true;
	case 't':
		a->control = optarg;
		return true;
	case 'l':
		a->log = optarg;
		return true;
	case 'D':
		a->debug = true;
		return true;
	default:
		return false;
	}
}

int args_parse(int argc, char **argv, struct args *out, bool *done)
{
	struct args a = {.node = -1,
		.keys_user = "nobody",
		.run_dir = "/run/tandem",
		.state_dir = "/var/lib/tandem"};
	int option;

	*done = false;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h') {
			(void)fputs(usage, stdout);
			*done = true;
			return 0;
		}
		if (!take(&a, option)) {
			(void)fputs(usage, stderr);
			return 2;
		}
	}
	if (!a.config || optind != argc) {
		(void)fputs(usage, stderr);
		return 2;
	}
	if (a.pki_dir[0] == '\0' && snprintf(a.pki_dir, sizeof a.pki_dir, "%s/pki", a.state_dir) >=
					    (int)sizeof a.pki_dir) {
		fprintf(stderr, "tandemd: '%s' is too long\n", a.state_dir);
		return 2;
	}
	if (a.node >= 0 && a.cluster_id == 0)
		a.cluster_id = 1;
	*out = a;
	return 0;
}
