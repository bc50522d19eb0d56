/*
 * sim --seeds A-B [--mutant NAME | --mutants] [--trace] [--keep-going]
 *
 * Runs each seed; a violated invariant is printed with the command that replays it, and the exit
 * status is 1. With a mutant it is the other way round: status 0 when a seed kills it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "models.h"
#include "world.h"

struct options {
	uint64_t first, last;
	const struct mutant *mutant;
	bool all_mutants, trace, keep_going;
};

static int usage(void)
{
	fprintf(stderr, "usage: sim --seeds A-B [--mutant NAME | --mutants] [--trace] "
			"[--keep-going]\nmutants:");
	for (size_t i = 0; mutant_at(i); i++)
		fprintf(stderr, " %s", mutant_at(i)->name);
	fprintf(stderr, "\n");
	return 2;
}

static int parse(int argc, char **argv, struct options *o)
{
	*o = (struct options){.first = 1, .last = 100};
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc) {
			char *end;

			o->first = o->last = strtoull(argv[++i], &end, 10);
			if (*end == '-')
				o->last = strtoull(end + 1, NULL, 10);
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

/* Number of seeds that found something. */
static uint64_t run_seeds(const struct options *o, const struct mutant *mutant, uint64_t *jobs)
{
	struct setting s = {.models = models_new()};
	uint64_t bad = 0;

	if (crypto_new(&s.crypto) < 0)
		abort();

	for (uint64_t seed = o->first; seed <= o->last; seed++) {
		struct world *w = world_new(&s, seed, mutant, o->trace);
		bool ok = world_run(w);

		*jobs += w->jobs_done;
		if (!ok) {
			bad++;
			printf("seed %llu: %s at %.3f ms; replay: sim --seeds %llu%s%s --trace\n",
				(unsigned long long)seed, w->violation, (double)w->now / 1e6,
				(unsigned long long)seed, mutant ? " --mutant " : "",
				mutant ? mutant->name : "");
			(void)fflush(stdout);
		}
		world_free(w);
		if (!ok && !o->keep_going)
			break;
	}
	models_free(s.models);
	crypto_free(s.crypto);
	return bad;
}

static int kill_mutant(const struct options *o, const struct mutant *m)
{
	uint64_t jobs = 0, bad = run_seeds(o, m, &jobs);

	printf("mutant %s %s\n", m->name, bad ? "dies" : "SURVIVES");
	return bad ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct options o;
	uint64_t jobs = 0, bad;
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
	bad = run_seeds(&o, NULL, &jobs);
	printf("seeds %llu-%llu: %llu failed, %llu events\n", (unsigned long long)o.first,
		(unsigned long long)o.last, (unsigned long long)bad, (unsigned long long)jobs);
	return bad ? 1 : 0;
}
