#include "wire/pld_vendor.h"

int pld_vendor_parse(struct view body, struct view *out)
{
	*out = body;
	return 0;
}

void pld_vendor_emit(struct emit *e, struct view id)
{
	emit_view(e, id);
}
