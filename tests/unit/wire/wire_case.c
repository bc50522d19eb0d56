#include "wire_case.h"

#include <stdlib.h>

void wire_table(const struct wire_case *cases, size_t n, int (*parse)(struct view body))
{
	for (size_t i = 0; i < n; i++) {
		uint8_t *exact = malloc(cases[i].n ? cases[i].n : 1);
		int rc;

		assert_non_null(exact);
		memcpy(exact, cases[i].bytes, cases[i].n);
		rc = parse(view_of(exact, cases[i].n));
		free(exact);
		if (rc != cases[i].rc)
			fail_msg("%s: %s, not %s", cases[i].name, err_name(rc),
				err_name(cases[i].rc));
	}
}

struct view emitted(const struct emit *e)
{
	struct view out = {0};

	assert_int_equal(emit_done(e, &out), 0);
	return out;
}
