/*
 * sim [--seeds A-B,C,...] [--mutant NAME | --mutants] [--jobs N] [--trace] [--keep-going]
 *
 * Runs each seed; a violated invariant is printed with the command that replays it, and the exit
 * status is 1. With a mutant it is the other way round: status 0 when a seed kills it, by the
 * invariant that its rule is for. Jobs are processes that share the seeds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "models.h"
#include "theme.h"
#include "world.h"

enum { JOBS_MAX = 16, RANGES_MAX = 64 };

struct range {
	uint64_t first, last;
};

struct options {
	struct range range[RANGES_MAX];
	uint32_t n_ranges, step, at; /* this process: every step-th seed, from the at-th */
	const struct mutant *mutant;
	uint32_t jobs;
	bool all_mutants, trace, keep_going;
};

static int usage(void)
{
	(void)fprintf(stderr,
		"usage: sim [--seeds A-B,C,...] [--mutant NAME | --mutants] [--jobs N] "
		"[--trace] [--keep-going]\nmutants:");
	for (size_t i = 0; mutant_at(i); i++)
		(void)fprintf(stderr, " %s", mutant_at(i)->name);
	(void)fprintf(stderr, "\n");
	return 2;
}

/* 1-1000,1711,2366 */
static int parse_seeds(const char *text, struct options *o)
{
	char *end;

	for (o->n_ranges = 0; o->n_ranges < RANGES_MAX; text = end + 1) {
		struct range *r = &o->range[o->n_ranges++];

		r->first = r->last = strtoull(text, &end, 10);
		if (*end == '-')
			r->last = strtoull(end + 1, &end, 10);
		if (r->last < r->first)
			return -1;
		if (*end != ',')
			return *end == '\0' ? 0 : -1;
	}
	return -1;
}

static int parse(int argc, char **argv, struct options *o)
{
	*o = (struct options){.range = {{1, 100}}, .n_ranges = 1, .step = 1, .jobs = 1};
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc) {
			if (parse_seeds(argv[++i], o) < 0)
				return -1;
		} else if (strcmp(argv[i], "--jobs") == 0 && i + 1 < argc) {
			o->jobs = (uint32_t)strtoul(argv[++i], NULL, 10);
			if (o->jobs == 0 || o->jobs > JOBS_MAX)
				return -1;
		} else if (strcmp(argv[i], "--mutant") == 0 && i + 1 < argc) {
			o->mutant = mutant_find(argv[++i]);
			if (!o->mutant)
				return -1;
		} else if (strcmp(argv[i], "--mutants") == 0) {
			o->all_mutants = true;
		} else if (strcmp(argv[i], "--trace") == 0) {
			o->trace = true;
		} else if (strcmp(argv[i], "--keep-going") == 0) {
			o->keep_going = true;
		} else {
			return -1;
		}
	}
	return 0;
}

/* ---------------------------------------------------------------- seeds */

struct tally {
	uint64_t bad, events;
};

static bool counts(const struct world *w)
{
	const char *of = w->mutant ? w->mutant->dies_of : "";

	return w->violation[0] && strncmp(w->violation, of, strlen(of)) == 0;
}

static void run_seed(
	const struct options *o, const struct setting *s, uint64_t seed, struct tally *t)
{
	struct world *w = world_new(s, seed, o->mutant, o->trace);
	bool bad;

	(void)world_run(w);
	bad = counts(w);
	t->events += w->jobs_done;
	t->bad += bad;
	if (bad)
		printf("seed %llu: %s at %.3f ms; replay: sim --seeds %llu%s%s --trace\n",
			(unsigned long long)seed, w->violation, (double)w->now / 1e6,
			(unsigned long long)seed, o->mutant ? " --mutant " : "",
			o->mutant ? o->mutant->name : "");
	(void)fflush(stdout);
	world_free(w);
}

static bool is_meant(const struct options *o, uint64_t seed)
{
	if (o->mutant && o->mutant->leaving && !theme_leaves(seed))
		return false;
	return !o->mutant || !o->mutant->themed || theme_of(seed) != THEME_NONE;
}

static struct tally run_seeds(const struct options *o)
{
	struct setting s = {.models = models_new()};
	struct tally t = {0};
	uint64_t at = 0;

	if (crypto_new(&s.crypto) < 0)
		abort();
	for (uint32_t i = 0; i < o->n_ranges; i++)
		for (uint64_t seed = o->range[i].first; seed <= o->range[i].last; seed++)
			if (is_meant(o, seed) && at++ % o->step == o->at &&
				(o->keep_going || t.bad == 0))
				run_seed(o, &s, seed, &t);
	models_free(s.models);
	crypto_free(s.crypto);
	return t;
}

/* ---------------------------------------------------------------- processes */

/* The child's share; its tally comes back through a pipe. */
static int job_start(const struct options *o, uint32_t at, int *out, pid_t *pid)
{
	int fd[2];

	if (pipe(fd) != 0)
		return -1;
	(void)fflush(stdout);
	*pid = fork();
	if (*pid == 0) {
		struct options mine = *o;
		struct tally t;

		mine.at = at;
		mine.step = o->jobs;
		t = run_seeds(&mine);
		(void)fflush(stdout);
		_exit(write(fd[1], &t, sizeof t) == (ssize_t)sizeof t ? 0 : 1);
	}
	(void)close(fd[1]);
	*out = fd[0];
	return *pid < 0 ? -1 : 0;
}

/* False: a job died. */
static bool run_all(const struct options *o, struct tally *sum)
{
	int fd[JOBS_MAX];
	pid_t pid[JOBS_MAX];
	bool good = true;

	*sum = (struct tally){0};
	if (o->jobs == 1) {
		*sum = run_seeds(o);
		return true;
	}
	for (uint32_t i = 0; i < o->jobs; i++)
		if (job_start(o, i, &fd[i], &pid[i]) < 0)
			return false;
	for (uint32_t i = 0; i < o->jobs; i++) {
		struct tally t = {0};
		int status;

		good &= read(fd[i], &t, sizeof t) == (ssize_t)sizeof t;
		(void)close(fd[i]);
		good &= waitpid(pid[i], &status, 0) == pid[i] && status == 0;
		sum->bad += t.bad;
		sum->events += t.events;
	}
	return good;
}

static int kill_mutant(const struct options *o, const struct mutant *m)
{
	struct options mine = *o;
	struct tally t;

	mine.mutant = m;
	if (!run_all(&mine, &t))
		return 1;
	printf("mutant %s %s\n", m->name, t.bad ? "dies" : "SURVIVES");
	return t.bad ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct options o;
	struct tally t;
	bool good;
	int rc = 0;

	if (parse(argc, argv, &o) < 0)
		return usage();
	if (o.all_mutants) {
		for (size_t i = 0; mutant_at(i); i++)
			rc |= kill_mutant(&o, mutant_at(i));
		return rc;
	}
	if (o.mutant)
		return kill_mutant(&o, o.mutant);
	good = run_all(&o, &t);
	printf("%llu seeds failed, %llu events%s\n", (unsigned long long)t.bad,
		(unsigned long long)t.events, good ? "" : ", a job died");
	return good && t.bad == 0 ? 0 : 1;
}
