/*
 * tandem-dataplane: reads its few arguments, starts DPDK, then does what tandemd tells it.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "dp.h"

#include <rte_eal.h>
#include <rte_log.h>

enum { EAL_ARGS_MAX = 64, PACKETS_DEFAULT = 32768, MEMORY_MB = 256 };

struct options {
	struct dp_args dp;
	const char *pci[16];
	int n_pci;
	bool huge;
	unsigned memory_mb;
};

static struct dp *running; /* for the signal handler only */

static void on_signal(int sig)
{
	(void)sig;
	if (running)
		atomic_store(&running->stop, true);
}

static void log_line(void *ctx, enum log_level level, const char *event, const char *text)
{
	static const char *const names[] = {"err", "warning", "notice", "info", "debug"};
	FILE *f = ctx;
	struct timespec t;
	struct tm tm;
	char when[32];

	(void)clock_gettime(CLOCK_REALTIME, &t);
	(void)gmtime_r(&t.tv_sec, &tm);
	(void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)fprintf(
		f, "%s.%03ldZ %s %s %s\n", when, t.tv_nsec / 1000000, names[level], event, text);
	(void)fflush(f);
}

static void usage(FILE *f)
{
	(void)fprintf(f,
		"usage: tandem-dataplane --socket PATH --punt PATH --file-prefix NAME\n"
		"                        [--state DIR] [--log FILE] [--packets N] [--mtu MTU]\n"
		"                        [--memory MB] [--huge] [--pci ADDRESS]...\n"
		"                        [--test-socket PATH]\n"
		"\n"
		"  --socket PATH       where tandemd connects (stream)\n"
		"  --punt PATH         where tandemd connects for IKE datagrams (seqpacket)\n"
		"  --file-prefix NAME  keeps the files of several dataplanes apart\n"
		"  --state DIR         keeps the incarnation of IVs; without it each start is "
		"fresh\n"
		"  --log FILE          appends log lines; standard error otherwise\n"
		"  --packets N         buffers (default 32768)\n"
		"  --mtu MTU           buffers for packets of MTU octets from the start; otherwise "
		"they\n"
		"                      grow when the configuration asks for more than %d\n"
		"  --memory MB         of packet memory (default 256)\n"
		"  --huge              use hugepages\n"
		"  --pci ADDRESS       let DPDK see this PCI device; none otherwise\n"
		"  --test-socket PATH  for tests: lets whoever writes here make workers hang\n",
		PKT_DATA - PKT_AROUND);
}

enum {
	OPT_SOCKET = 1,
	OPT_PUNT,
	OPT_PREFIX,
	OPT_STATE,
	OPT_LOG,
	OPT_PACKETS,
	OPT_MTU,
	OPT_MEMORY,
	OPT_HUGE,
	OPT_PCI,
	OPT_TEST,
	OPT_HELP
};

static const struct option long_options[] = {
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"punt", required_argument, NULL, OPT_PUNT},
	{"file-prefix", required_argument, NULL, OPT_PREFIX},
	{"state", required_argument, NULL, OPT_STATE},
	{"log", required_argument, NULL, OPT_LOG},
	{"packets", required_argument, NULL, OPT_PACKETS},
	{"mtu", required_argument, NULL, OPT_MTU},
	{"memory", required_argument, NULL, OPT_MEMORY},
	{"huge", no_argument, NULL, OPT_HUGE},
	{"pci", required_argument, NULL, OPT_PCI},
	{"test-socket", required_argument, NULL, OPT_TEST},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static bool number(const char *text, unsigned long min, unsigned long max, unsigned *out)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (end == text || *end || v < min || v > max)
		return false;
	*out = (unsigned)v;
	return true;
}

/* False when the arguments are wrong. */
static bool option_take(struct options *o, int c)
{
	switch (c) {
	case OPT_SOCKET:
		o->dp.socket = optarg;
		return true;
	case OPT_PUNT:
		o->dp.punt = optarg;
		return true;
	case OPT_PREFIX:
		o->dp.prefix = optarg;
		return true;
	case OPT_STATE:
		o->dp.state = optarg;
		return true;
	case OPT_LOG:
		o->dp.log = optarg;
		return true;
	case OPT_PACKETS:
		return number(optarg, 1024, 1u << 24, &o->dp.packets);
	case OPT_MTU:
		return number(optarg, 1, PKT_DATA_JUMBO - PKT_AROUND, &o->dp.mtu);
	case OPT_MEMORY:
		return number(optarg, 64, 1u << 20, &o->memory_mb);
	case OPT_TEST:
		o->dp.test = optarg;
		return true;
	case OPT_HUGE:
		return o->huge = true;
	case OPT_PCI:
		if (o->n_pci == 16)
			return false;
		o->pci[o->n_pci++] = optarg;
		return true;
	default:
		return false;
	}
}

static bool options_read(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (c == OPT_HELP) {
			usage(stdout);
			exit(0);
		}
		if (!option_take(o, c))
			return false;
	}
	return optind == argc && o->dp.socket && o->dp.punt && o->dp.prefix;
}

/* One main lcore on all CPUs: workers are threads of our own and inherit the set. */
static int eal_start(const struct options *o, char *program)
{
	static char lcores[64], prefix[128], memory[16];
	char *v[EAL_ARGS_MAX];
	int n = 0;

	(void)snprintf(
		lcores, sizeof lcores, "--lcores=0@(0-%ld)", sysconf(_SC_NPROCESSORS_ONLN) - 1);
	(void)snprintf(prefix, sizeof prefix, "--file-prefix=%s", o->dp.prefix);
	(void)snprintf(memory, sizeof memory, "%u", o->memory_mb);
	v[n++] = program;
	v[n++] = lcores;
	v[n++] = prefix;
	v[n++] = (char *)(uintptr_t) "--no-telemetry";
	v[n++] = (char *)(uintptr_t) "--no-shconf";
	v[n++] = (char *)(uintptr_t) "-m";
	v[n++] = memory;
	if (!o->huge)
		v[n++] = (char *)(uintptr_t) "--no-huge";
	if (o->n_pci == 0)
		v[n++] = (char *)(uintptr_t) "--no-pci";
	for (int i = 0; i < o->n_pci; i++) {
		v[n++] = (char *)(uintptr_t) "-a";
		v[n++] = (char *)(uintptr_t)o->pci[i];
	}
	v[n] = NULL;
	return rte_eal_init(n, v);
}

static void signals_set(void)
{
	struct sigaction stop = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};

	(void)sigaction(SIGTERM, &stop, NULL);
	(void)sigaction(SIGINT, &stop, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)sigaction(SIGHUP, &ignore, NULL);
}

int main(int argc, char **argv)
{
	struct options o = {.dp.packets = PACKETS_DEFAULT, .memory_mb = MEMORY_MB};
	struct log_sink sink = {.line = log_line, .ctx = stderr, .max = LOG_LEVEL_INFO};
	struct dp *dp = aligned_alloc(64, (sizeof *dp + 63) & ~(size_t)63);
	int rc;

	if (!dp)
		return 1;
	memset(dp, 0, sizeof *dp);
	if (!options_read(argc, argv, &o)) {
		usage(stderr);
		free(dp);
		return 2;
	}
	if (o.dp.log) {
		FILE *f = fopen(o.dp.log, "ae");

		if (!f) {
			(void)fprintf(
				stderr, "tandem-dataplane: %s: %s\n", o.dp.log, strerror(errno));
			free(dp);
			return 1;
		}
		sink.ctx = f;
		(void)rte_openlog_stream(f);
	}
	(void)prctl(PR_SET_DUMPABLE, 0); /* keys must not end up in a core file */
	dp->log.sink = &sink;
	if (eal_start(&o, argv[0]) < 0) {
		log_err(&dp->log, "dp.eal", "DPDK cannot start");
		free(dp);
		return 1;
	}
	signals_set();
	running = dp;
	rc = dp_init(dp, &o.dp);
	if (rc == 0) {
		log_notice(&dp->log, "dp.ready", "socket=%s incarnation=%u fresh=%d", o.dp.socket,
			dp->incarnation.now, dp->incarnation.is_fresh);
		rc = dp_run(dp);
	} else {
		log_err(&dp->log, "dp.start", "reason=\"%s\" packets=%u memory_mb=%u", err_text(rc),
			o.dp.packets, o.memory_mb);
	}
	running = NULL;
	dp_fini(dp);
	(void)rte_eal_cleanup();
	log_notice(&dp->log, "dp.stopped", "rc=%d", rc);
	free(dp);
	return rc == 0 ? 0 : 1;
}
