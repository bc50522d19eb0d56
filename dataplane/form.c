#include "form.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "core/ah.h"

struct sa_form *form_new(struct suite_engine *e, const struct suite *esp, const struct sa_keys *k)
{
	uint32_t one = esp ? (esp->expanded + 63) & ~63u : 0;
	size_t size = (sizeof(struct sa_form) + 2 * (size_t)one + 63) & ~(size_t)63;
	struct sa_form *f = aligned_alloc(64, size);

	if (!f)
		return NULL;
	memset(f, 0, size);
	f->refs = 1;
	f->esp = esp;
	f->keys_len = 2 * one;
	if (!esp)
		return f;
	f->key_in = f->keys;
	f->key_out = f->keys + one;
	esp->expand(esp, e, k->encr_in, (struct view){0}, f->keys);
	esp->expand(esp, e, k->encr_out, (struct view){0}, f->keys + one);
	return f;
}

struct sa_form *form_ref(struct sa_form *f)
{
	if (f)
		f->refs++;
	return f;
}

void form_free(struct sa_form *f)
{
	if (!f || --f->refs)
		return;
	secret_wipe(f->keys, f->keys_len);
	free(f);
}

bool form_same(const struct sa_form *a, const struct sa_form *b)
{
	if (!a || !b)
		return a == b;
	return a->transport == b->transport && a->esp == b->esp && a->aux_in == b->aux_in &&
	       view_equal_ct(view_of(a->keys, a->keys_len), view_of(b->keys, b->keys_len));
}

static uint32_t ah_part(const struct sa *sa, bool ip6)
{
	return suite_is_ah(sa->suite) ? ah_size(sa->suite->shape.icv, ip6) : 0;
}

static const struct suite *esp_part(const struct sa *sa)
{
	return suite_is_ah(sa->suite) ? sa->form->esp : sa->suite;
}

uint32_t form_size(const struct sa *sa, uint32_t n, bool ip6)
{
	const struct suite *esp = esp_part(sa);

	return ah_part(sa, ip6) + (esp ? esp_size(&esp->shape, n) : n);
}

uint32_t form_payload_max(const struct sa *sa, uint32_t room, bool ip6)
{
	const struct suite *esp = esp_part(sa);
	uint32_t ah = ah_part(sa, ip6);

	if (room <= ah)
		return 0;
	return esp ? esp_payload_max(&esp->shape, room - ah) : room - ah;
}
