#include "ike/filter.h"

#include "ike/engine.h"

static bool text_fits(const char *wanted, const char *have)
{
	return !wanted || wanted[0] == '\0' || strcmp(wanted, have) == 0;
}

bool filter_fits_sa(const struct ike_filter *f, const struct ike_sa *sa)
{
	return (f->index == 0 || f->index == sa->index) &&
	       (f->peer.family == 0 || addr_equal(&f->peer, &sa->remote.addr)) &&
	       (f->port == 0 || f->port == sa->remote.port) &&
	       (f->family == 0 || f->family == sa->remote.addr.family) &&
	       text_fits(f->gateway, sa->gw ? sa->gw->name : "");
}

bool filter_fits_tunnel(const struct ike_filter *f, const struct tunnel *t)
{
	return t && (f->index == 0 || f->index == t->id) &&
	       text_fits(f->vpn, t->model->vpn->name) && text_fits(f->selector, t->model->name) &&
	       text_fits(f->gateway, t->gw->name);
}

bool filter_fits_child(const struct ike_filter *f, const struct child *c)
{
	return filter_fits_tunnel(f, c->tunnel) &&
	       (f->family == 0 || f->family == c->sa->remote.addr.family);
}
