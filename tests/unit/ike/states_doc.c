/*
 * Prints docs/ike-states.md from the rule table; with --check FILE, says whether that is up to
 * date.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ike/fsm.h"
#include "wire/iana.h"
#include "wire/message.h"

static const char intro[] =
	"# The states of an IKE SA\n"
	"\n"
	"Made from the rule table `control/ike/v2/rules.c` by `test-ike-states-doc`; the test\n"
	"`ike-states-doc` fails when the two differ. `control/ike/fsm.c` runs the table: the first "
	"rule\n"
	"that fits state and event acts, and when the act succeeds the state is `next`. An act may "
	"also\n"
	"wait (for a key exchange in the thread pool, say): the state stays and the event comes "
	"again.\n"
	"A payload that is missing, or an act that fails, fires `error`. An event without a rule "
	"is\n"
	"dropped and counted. That nothing is sent before it is committed is not a matter of "
	"states:\n"
	"`control/ike/hold.c`.\n"
	"\n";

static const char *state_name(enum sa_state s, const char *none)
{
	return s == 0 ? none : sa_state_text(s);
}

/* Mermaid's identifiers know no hyphen. */
static void put_id(FILE *out, enum sa_state s)
{
	for (const char *p = sa_state_text(s); *p; p++)
		(void)fputc(*p == '-' ? '_' : *p, out);
}

/* ---------------------------------------------------------------- the graph */

static bool draws(const struct ike_rule *r, enum sa_state from, enum sa_state to)
{
	return r->from == from && r->to == to && from != to;
}

static void put_edge(FILE *out, struct ike_rules rules, enum sa_state from, enum sa_state to)
{
	unsigned n = 0;

	for (size_t i = 0; i < rules.n; i++) {
		if (!draws(&rules.v[i], from, to))
			continue;
		if (n++ == 0) {
			(void)fputs("    ", out);
			put_id(out, from);
			(void)fputs(" --> ", out);
			put_id(out, to);
			(void)fputs(" : ", out);
		} else {
			(void)fputs(", ", out);
		}
		/* A colon would end the label. */
		for (const char *p = sa_trigger_text(rules.v[i].on); *p; p++)
			if (*p != ':')
				(void)fputc(*p, out);
	}
	if (n)
		(void)fputc('\n', out);
}

static void put_graph(FILE *out, struct ike_rules rules)
{
	(void)fputs("```mermaid\nstateDiagram-v2\n    [*] --> idle\n", out);
	for (int from = SA_IDLE; from < SA_GONE; from++)
		for (int to = SA_IDLE; to <= SA_GONE; to++)
			put_edge(out, rules, (enum sa_state)from, (enum sa_state)to);
	(void)fputs("    gone --> [*]\n```\n\n", out);
	(void)fputs("A successor that a rekey of the IKE SA makes is born in `up`. Not drawn: "
		    "rules that\n"
		    "leave the state as it is, and those for any state.\n\n",
		out);
}

/* ---------------------------------------------------------------- the table */

static void put_payloads(FILE *out, uint32_t need)
{
	bool first = true;

	for (unsigned i = 0; i < 32; i++) {
		if (!(need & UINT32_C(1) << i))
			continue;
		(void)fprintf(out, "%s%s", first ? "" : " ", payload_text((uint8_t)(PLD_SA + i)));
		first = false;
	}
}

static void put_table(FILE *out, struct ike_rules rules)
{
	(void)fputs("| state | event | payloads that must be there | what happens | act | next |\n"
		    "|---|---|---|---|---|---|\n",
		out);
	for (size_t i = 0; i < rules.n; i++) {
		const struct ike_rule *r = &rules.v[i];

		(void)fprintf(
			out, "| %s | %s | ", state_name(r->from, "any"), sa_trigger_text(r->on));
		put_payloads(out, r->need);
		(void)fprintf(out, " | %s | ", r->story);
		if (r->act)
			(void)fprintf(out, "`%s`", r->name);
		(void)fprintf(out, " | %s |\n", state_name(r->to, "same"));
	}
}

static void put_all(FILE *out)
{
	struct ike_rules rules = v2_rules();

	(void)fputs(intro, out);
	put_graph(out, rules);
	put_table(out, rules);
}

/* ---------------------------------------------------------------- checking */

static int check(const char *path)
{
	char *made = NULL, *have = NULL;
	size_t n = 0, got;
	FILE *mem = open_memstream(&made, &n), *f = fopen(path, "r");
	int rc = 1;

	if (mem) {
		put_all(mem);
		(void)fclose(mem);
		have = malloc(n + 2);
	}
	if (f && made && have) {
		got = fread(have, 1, n + 1, f);
		rc = got == n && memcmp(have, made, n) == 0 ? 0 : 1;
	}
	if (f)
		(void)fclose(f);
	free(made);
	free(have);
	if (rc != 0)
		(void)fprintf(stderr,
			"%s is not what the rules say: write it anew with test-ike-states-doc\n",
			path);
	return rc;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--check") == 0)
		return check(argv[2]);
	put_all(stdout);
	return fflush(stdout) == 0 ? 0 : 1;
}
