#include "ha/cpg/gather.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/*
 * What Corosync calls back is written as words, what the core is fed is read as words:
 *
 *	+1 joined, ^1 with its node; -1 left (LEAVE), !1 its process died, x1 its node died;
 *	r5 a ring of nodes; d0 a delivery of node 0; | the end of a read
 *
 * Processes have the pid 10 + node. A change of the group lists its members after a "=".
 */

static struct gather_process process(unsigned node)
{
	return (struct gather_process){.node = node, .pid = 10 + node};
}

/* "x1^2=02": one change of the group. */
static void change_group(struct gather *g, const char *word)
{
	struct gather_process members[8], left[8], joined[8], p;
	struct gather_group group = {.members = members, .left = left, .joined = joined};
	const char *at = word;

	for (; *at != '='; at += 2) {
		p = process((unsigned)(at[1] - '0'));
		p.with_node = *at == 'x' || *at == '^';
		p.reason = *at == 'x'	? HA_LEFT_NODEDOWN
			   : *at == '!' ? HA_LEFT_PROCDOWN
					: HA_LEFT_LEAVE;
		if (*at == '+' || *at == '^')
			joined[group.n_joined++] = p;
		else
			left[group.n_left++] = p;
	}
	while (*++at)
		members[group.n_members++] = process((unsigned)(*at - '0'));
	gather_confchg(g, &group);
}

/* "r7=012": ring number 7, its representative is its first node. */
static void change_ring(struct gather *g, const char *word)
{
	uint32_t nodes = 0;

	for (const char *n = word + 3; *n; n++)
		nodes |= 1u << (*n - '0');
	gather_ring(g, (uint64_t)(word[1] - '0'), (uint32_t)(word[3] - '0'), nodes);
}

static void print_processes(char **at, char sign, uint32_t node, uint32_t pid)
{
	assert_int_equal(pid, 10 + node);
	*at += sprintf(*at, "%c%u", sign, node);
}

static void print_view(char **at, const struct ha_ev_view *v)
{
	static const char sign[] = {'-', '!', 'x'};

	*at += sprintf(
		*at, "V%llu@%u/%x", (unsigned long long)v->ring_seq, v->ring_node, v->ring_nodes);
	for (uint32_t i = 0; i < v->n_left; i++)
		print_processes(at, sign[v->left[i].reason], v->left[i].node, v->left[i].pid);
	for (uint32_t i = 0; i < v->n_joined; i++)
		print_processes(at, '+', v->joined[i].node, v->joined[i].pid);
	for (uint32_t i = 0; i < v->n_members; i++)
		print_processes(at, i ? ',' : '=', v->members[i].node, v->members[i].pid);
	*at += sprintf(*at, " ");
}

static void print_events(char **at, struct gather *g)
{
	struct ha_event ev;

	assert_int_equal(gather_end(g), 0);
	while (gather_next(g, &ev)) {
		if (ev.type == HA_EV_VIEW)
			print_view(at, &ev.view);
		else
			*at += sprintf(*at, "D%u%.*s%s ", ev.deliver.node, (int)ev.deliver.octets.n,
				(const char *)ev.deliver.octets.p, ev.deliver.more ? "+" : "");
	}
	*at += sprintf(*at, "| ");
	gather_reset(g);
}

static void play(const char *name, const char *script, const char *wanted)
{
	struct gather g = {0};
	char copy[256], got[512] = "", *at = got, *save = NULL;

	(void)snprintf(copy, sizeof copy, "%s", script);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		if (*w == 'r')
			change_ring(&g, w);
		else if (*w == 'd')
			gather_deliver(&g, (uint32_t)(w[1] - '0'), 0, view_of_text(w + 2));
		else if (*w == '|')
			print_events(&at, &g);
		else
			change_group(&g, w);
	}
	gather_fini(&g);
	if (strcmp(got, wanted) != 0)
		fail_msg("%s:\n got    %s\n wanted %s", name, got, wanted);
}

static const struct {
	const char *name, *script, *wanted;
} cases[] = {
	{"a fresh client hears itself, then the ring", "+0=0 r1=01 |", "V1@0/3+0=0 | "},
	{"its ring comes a read later", "+0=0 | r1=01 |", "| V1@0/3+0=0 | "},
	{"the ring comes first", "r1=01 | +0=0 |", "| V1@0/3+0=0 | "},
	{"a ring without a group is no view", "r1=0 r2=01 |", "| "},
	{"a client joins and another dies in one ring: two views", "+0=0 r1=01 | +1=01 !1=0 |",
		"V1@0/3+0=0 | V1@0/3+1=0,1 V1@0/3!1=0 | "},
	{"a client says farewell", "+0=0 r1=01 +1=01 | -1=0 |",
		"V1@0/3+0=0 V1@0/3+1=0,1 | V1@0/3-1=0 | "},
	{"a node dies: one view, with the new ring", "+0=01 r1=01 | x1=0 r2=0 |",
		"V1@0/3+0=0,1 | V2@0/1x1=0 | "},
	{"its ring comes a read later, nothing is told before", "+0=01 r1=01 | x1=0 | r2=0 |",
		"V1@0/3+0=0,1 | | V2@0/1x1=0 | "},
	{"nodes come one by one, one view", "+0=0 r1=0 | ^1=01 | ^2=012 r2=012 |",
		"V1@0/1+0=0 | | V2@0/7+1+2=0,1,2 | "},
	{"a node left and came back between two views", "+0=01 r1=01 | x1=0 ^1=01 r3=01 |",
		"V1@0/3+0=0,1 | V3@0/3x1+1=0,1 | "},
	{"so did this one", "+0=01 r1=01 | x0=1 ^0=01 r3=01 |", "V1@0/3+0=0,1 | V3@0/3x0+0=0,1 | "},
	{"a process that is missed after a merge goes with it",
		"+0=012 r1=012 | x1=02 !2=0 r2=02 |", "V1@0/7+0=0,1,2 | V2@0/5x1!2=0 | "},
	{"a client dies, then a node: two views", "+0=012 r1=012 | !1=02 x2=0 r2=01 |",
		"V1@0/7+0=0,1,2 | V1@0/7!1=0,2 V2@0/3x2=0 | "},
	{"a ring changes without the group", "+0=0 r1=01 | r2=0 |", "V1@0/3+0=0 | V2@0/1=0 | "},
	{"the same ring again is no news", "+0=0 r1=01 | r1=01 |", "V1@0/3+0=0 | | "},
	{"unless a change waited for it", "+0=01 r1=01 | x1=0 | r1=0 |",
		"V1@0/3+0=0,1 | | V1@0/1x1=0 | "},
	{"the same number of another node is another ring", "+0=0 r1=01 | r1=10 |",
		"V1@0/3+0=0 | V1@1/3=0 | "},
	{"deliveries are gathered", "+0=0 r1=0 | d0a d1b d0c |", "V1@0/1+0=0 | D0a+ D1b+ D0c | "},
	{"but not over a view", "+0=0 r1=01 | d0a d0b +1=01 d1c |",
		"V1@0/3+0=0 | D0a+ D0b V1@0/3+1=0,1 D1c | "},
	{"and not over a read", "+0=0 r1=0 | d0a | d0b |", "V1@0/1+0=0 | D0a | D0b | "},
	{"an empty message is one", "+0=0 r1=0 | d0 d0 |", "V1@0/1+0=0 | D0+ D0 | "},
	{"news is told once", "+0=01 r1=01 | x1=0 r2=0 | r3=0 |",
		"V1@0/3+0=0,1 | V2@0/1x1=0 | V3@0/1=0 | "},
};

static void gather_tells(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		play(cases[i].name, cases[i].script, cases[i].wanted);
}

/* Events stay as they were lent, however much follows in the same read. */
static void gather_keeps_octets(void **state)
{
	enum { COUNT = 3000, SIZE = 700 };
	struct gather g = {0};
	uint8_t message[SIZE];
	struct ha_event ev;
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < COUNT; i++) {
		memset(message, (int)(i & 0xff), sizeof message);
		gather_deliver(&g, 0, i, view_of(message, i % SIZE));
	}
	assert_int_equal(gather_end(&g), 0);
	while (gather_next(&g, &ev)) {
		assert_int_equal(ev.type, HA_EV_DELIVER);
		assert_int_equal(ev.deliver.pid, n);
		assert_int_equal(ev.deliver.octets.n, n % SIZE);
		for (size_t i = 0; i < ev.deliver.octets.n; i++)
			assert_int_equal(ev.deliver.octets.p[i], n & 0xff);
		assert_int_equal(ev.deliver.more, n + 1 < COUNT);
		n++;
	}
	assert_int_equal(n, COUNT);
	gather_fini(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gather_tells),
		cmocka_unit_test(gather_keeps_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
