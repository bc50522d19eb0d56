#include "stats.h"

const char *stat_name(enum counter s)
{
	static const char *const names[STAT_COUNT] = {
#define X(id, name) [STAT_##id] = (name),
		STAT_LIST(X)
#undef X
	};

	return s < STAT_COUNT ? names[s] : "unknown";
}
