#include "host/ike_statistics.h"

#include <malloc.h>

#include "host/daemon.h"
#include "ike/show.h"
#include "ike/stats.h"

static const char *const names[] = {
#define NAME(name, text) #name,
	IKE_STATS_LIST(NAME)
#undef NAME
};

static size_t put(Ctl__NamedCounter **list, Ctl__NamedCounter *room, const char *name, uint64_t v)
{
	ctl__named_counter__init(room);
	room->name = (char *)(uintptr_t)name;
	room->value = v;
	*list = room;
	return 1;
}

void ike_statistics_show(struct daemon *d, struct ctl_call *call)
{
	const struct ike_held held = ike_show_held(d->runner.ike);
	const struct ike_stats stats = *ike_show_stats(d->runner.ike);
	const uint64_t values[] = {
#define VALUE(name, text) stats.name,
		IKE_STATS_LIST(VALUE)
#undef VALUE
	};
	Ctl__NamedCounter counter[ARRAY_LEN(names)], now[4], *counters[ARRAY_LEN(names)], *holds[4];
	Ctl__IkeStatistics s = CTL__IKE_STATISTICS__INIT;
	Ctl__Response r = CTL__RESPONSE__INIT;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)put(&counters[i], &counter[i], names[i], values[i]);
	s.n_held += put(&holds[0], &now[0], "half_open", held.half_open);
	s.n_held += put(&holds[1], &now[1], "ike_sas", held.ike_sas);
	s.n_held += put(&holds[2], &now[2], "child_sas", held.child_sas);
	s.n_held += put(&holds[3], &now[3], "memory_octets", mallinfo2().uordblks);
	s.held = holds;
	s.counters = counters;
	s.n_counters = ARRAY_LEN(names);
	r.node = daemon_node(d);
	r.body_case = CTL__RESPONSE__BODY_IKE_STATISTICS;
	r.ike_statistics = &s;
	ctl_end(call, &r);
}
