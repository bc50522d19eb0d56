#include "ike/exch.h"

#include <stdlib.h>

#include "base/err.h"
#include "ike/v2/follow.h"

struct exch *exch_new(enum exch_kind kind)
{
	struct exch *x = calloc(1, sizeof *x);

	if (x)
		x->kind = kind;
	return x;
}

void exch_free(struct exch *x)
{
	if (!x)
		return;
	flight_free(x->flight);
	kex_free(x->kex);
	secret_free(x->kex_saved);
	blob_fini(&x->rival_nonce);
	parked_free(x->answer);
	follow_free(x->follow);
	free(x);
}

int exch_hand_kex(struct exch *x, struct kex **out)
{
	int rc = x->kex ? kex_export(x->kex, &x->kex_saved) : -ERR_WRONG_STATE;

	if (rc == 0)
		*out = take_ptr(x->kex);
	return rc;
}

const char *exch_text(enum exch_kind kind)
{
	switch (kind) {
	case EXCH_INIT:
		return "IKE_SA_INIT";
	case EXCH_INTERMEDIATE:
		return "IKE_INTERMEDIATE";
	case EXCH_AUTH:
		return "IKE_AUTH";
	case EXCH_CHILD:
		return "child";
	case EXCH_CHILD_REKEY:
		return "child-rekey";
	case EXCH_IKE_REKEY:
		return "ike-rekey";
	case EXCH_DELETE_CHILD:
		return "child-delete";
	case EXCH_DELETE_IKE:
		return "ike-delete";
	case EXCH_PROBE:
		return "probe";
	case EXCH_VERIFY:
		return "verify";
	case EXCH_UPDATE:
		return "update";
	case EXCH_REDIRECT:
		return "redirect";
	case EXCH_NONE:
	default:
		return "none";
	}
}

struct parked *parked_new(uint8_t first, struct view inner)
{
	struct parked *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->first = first;
	if (blob_copy(inner, &p->inner) < 0) {
		free(p);
		return NULL;
	}
	return p;
}

void parked_free(struct parked *p)
{
	if (!p)
		return;
	if (p->inner.n)
		secret_wipe(p->inner.p, p->inner.n);
	blob_fini(&p->inner);
	kex_free(p->kex);
	secret_free(p->shared);
	free(p);
}
