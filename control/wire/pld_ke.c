#include "wire/pld_ke.h"

#include "base/cursor.h"
#include "base/err.h"

int pld_ke_parse(struct view body, struct pld_ke *out)
{
	struct cur c = cur_of(body);
	struct pld_ke ke;

	ke.group = cur_be16(&c);
	(void)cur_be16(&c); /* RESERVED: must be ignored on receipt */
	ke.data = cur_rest(&c);
	if (!cur_done(&c))
		return -ERR_TRUNCATED;
	if (ke.group == 0 || ke.data.n == 0)
		return -ERR_VALUE;
	*out = ke;
	return 0;
}

void pld_ke_emit(struct emit *e, const struct pld_ke *ke)
{
	emit_be16(e, ke->group);
	emit_be16(e, 0);
	emit_view(e, ke->data);
}
