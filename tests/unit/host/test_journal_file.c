#include "host_case.h"

#include <unistd.h>

#include "crypto/random.h"
#include "host/journal_file.h"
#include "host/store_file.h"

/* What a reader gets, as a text: "rg:key=body " for a record, "rg:key- " for a tombstone. */
struct heard {
	char text[4096];
	size_t n;
};

static int hear(void *ctx, const struct journal_item *i)
{
	struct heard *h = (struct heard *)ctx;

	h->n += (size_t)snprintf(h->text + h->n, sizeof h->text - h->n, "%u:%.*s%s%.*s ", i->rg,
		(int)i->key.n, (const char *)i->key.p, i->tombstone ? "-" : "=", (int)i->body.n,
		(const char *)i->body.p);
	return 0;
}

struct journal_case {
	struct host_case *h;
	struct crypto *crypto;
	struct env env;
	uint8_t key[JOURNAL_KEY_LEN];
	struct journal_secrets secrets;
	struct journal_file file;
};

static void begin(struct journal_case *c, void *state)
{
	*c = (struct journal_case){.h = state};
	c->env = random_env();
	assert_int_equal(crypto_new(&c->crypto), 0);
	env_random(&c->env, c->key, sizeof c->key);
	c->secrets = (struct journal_secrets){c->crypto, view_of_array(c->key), &c->env};
	assert_int_equal(journal_file_create(&c->file, &c->secrets, c->h->path), 0);
}

static void end(struct journal_case *c)
{
	journal_file_close(&c->file);
	crypto_free(c->crypto);
}

static void append(struct journal_case *c, const struct journal_item *items, size_t n)
{
	uint8_t octets[1024];
	struct emit e = emit_to(octets, sizeof octets);
	struct view v;
	size_t size = 0;

	for (size_t i = 0; i < n; i++) {
		journal_item_put(&e, &items[i]);
		size += journal_item_size(&items[i]);
	}
	assert_int_equal(emit_done(&e, &v), 0);
	assert_int_equal(v.n, size);
	assert_int_equal(journal_file_append(&c->file, v), 0);
	assert_int_equal(journal_file_sync(&c->file), 0);
}

static struct journal_item item(uint32_t rg, const char *key, const char *body)
{
	return (struct journal_item){.tombstone = !body,
		.rg = rg,
		.key = view_of_text(key),
		.body = view_of_text(body ? body : "")};
}

static int read_back(struct journal_case *c, struct heard *h, struct journal_found *found)
{
	*h = (struct heard){0};
	return journal_file_read(c->h->path, &c->secrets, hear, h, found);
}

/* Three frames; where each ends in the file, and what has been said by then. */
enum { FRAMES = 3 };

static const char *const said[FRAMES + 1] = {
	"",
	"0:Ia=one 7:Cb=two ",
	"0:Ia=one 7:Cb=two 0:Ia=another ",
	"0:Ia=one 7:Cb=two 0:Ia=another 7:Cb- 1:E= ",
};

static void write_three(struct journal_case *c, uint64_t ends[FRAMES + 1])
{
	const struct journal_item one[] = {item(0, "Ia", "one"), item(7, "Cb", "two")};
	const struct journal_item two[] = {item(0, "Ia", "another")};
	const struct journal_item three[] = {item(7, "Cb", NULL), item(1, "E", "")};

	ends[0] = c->file.size;
	append(c, one, ARRAY_LEN(one));
	ends[1] = c->file.size;
	append(c, two, ARRAY_LEN(two));
	ends[2] = c->file.size;
	append(c, three, ARRAY_LEN(three));
	ends[3] = c->file.size;
}

static void journal_file_gives_back_what_was_written(void **state)
{
	struct journal_case c;
	struct journal_found found;
	struct heard h;
	uint64_t ends[FRAMES + 1];
	auto_blob octets = {0};

	begin(&c, *state);
	assert_int_equal(read_back(&c, &h, &found), 0);
	assert_string_equal(h.text, "");
	write_three(&c, ends);
	assert_int_equal(read_back(&c, &h, &found), 0);
	assert_string_equal(h.text, said[FRAMES]);
	assert_int_equal(found.frames, 3);
	assert_int_equal(found.items, 5);
	assert_int_equal(found.cut_octets, 0);
	assert_int_equal(store_file_read(c.h->path, 65536, &octets), 0);
	assert_int_equal(octets.n, ends[FRAMES]);
	assert_null(memmem(octets.p, octets.n, "another", 7)); /* sealed */
	end(&c);
}

/* A process may die at any octet of a write: what was whole stays, the rest is as if never said. */
static void journal_file_survives_every_truncation(void **state)
{
	struct journal_case c;
	uint64_t ends[FRAMES + 1];
	auto_blob octets = {0};

	begin(&c, *state);
	write_three(&c, ends);
	assert_int_equal(store_file_read(c.h->path, 65536, &octets), 0);
	for (size_t n = 0; n <= octets.n; n++) {
		struct journal_found found;
		struct heard h;
		size_t whole = 0;

		assert_int_equal(store_file_write(c.h->path, view_of(octets.p, n)), 0);
		if (n < JOURNAL_HEAD_LEN) {
			assert_int_equal(read_back(&c, &h, &found), -ERR_AUTH);
			continue;
		}
		while (whole < FRAMES && n >= ends[whole + 1])
			whole++;
		assert_int_equal(read_back(&c, &h, &found), 0);
		assert_string_equal(h.text, said[whole]);
		assert_int_equal(found.cut_octets, n - ends[whole]);
	}
	end(&c);
}

/* A state of some earlier moment must never pass for the last one: a damaged file is refused as a
 * whole, also when the damage is in its last frame. */
static void journal_file_refuses_every_damaged_octet(void **state)
{
	struct journal_case c;
	uint64_t ends[FRAMES + 1];
	auto_blob octets = {0};

	begin(&c, *state);
	write_three(&c, ends);
	assert_int_equal(store_file_read(c.h->path, 65536, &octets), 0);
	for (size_t i = 0; i < octets.n; i++) {
		struct journal_found found;
		struct heard h;

		octets.p[i] ^= (uint8_t)(1u << (i % 8));
		assert_int_equal(store_file_write(c.h->path, blob_view(&octets)), 0);
		assert_int_equal(read_back(&c, &h, &found), -ERR_AUTH);
		octets.p[i] ^= (uint8_t)(1u << (i % 8));
	}
	end(&c);
}

/* Frames swapped, repeated, or of another file under the same key. */
static void journal_file_refuses_frames_out_of_place(void **state)
{
	struct journal_case c;
	struct journal_found found;
	struct heard h;
	uint64_t ends[FRAMES + 1];
	auto_blob octets = {0}, other = {0}, mixed = {0};

	begin(&c, *state);
	write_three(&c, ends);
	assert_int_equal(store_file_read(c.h->path, 65536, &octets), 0);
	assert_int_equal(blob_append(&mixed, view_of(octets.p, ends[0])), 0);
	assert_int_equal(blob_append(&mixed, view_of(octets.p + ends[1], ends[2] - ends[1])), 0);
	assert_int_equal(store_file_write(c.h->path, blob_view(&mixed)), 0);
	assert_int_equal(read_back(&c, &h, &found), -ERR_AUTH);

	journal_file_close(&c.file);
	assert_int_equal(journal_file_create(&c.file, &c.secrets, c.h->path), 0);
	write_three(&c, ends);
	assert_int_equal(store_file_read(c.h->path, 65536, &other), 0);
	assert_memory_not_equal(octets.p, other.p, JOURNAL_HEAD_LEN);
	memcpy(other.p + ends[0], octets.p + ends[0], ends[1] - ends[0]);
	assert_int_equal(store_file_write(c.h->path, blob_view(&other)), 0);
	assert_int_equal(read_back(&c, &h, &found), -ERR_AUTH);
	end(&c);
}

static void journal_file_needs_its_key(void **state)
{
	struct journal_case c;
	struct journal_found found;
	struct heard h;
	uint64_t ends[FRAMES + 1];

	begin(&c, *state);
	write_three(&c, ends);
	c.key[3] ^= 1;
	assert_int_equal(read_back(&c, &h, &found), -ERR_AUTH);
	assert_string_equal(h.text, "");
	c.key[3] ^= 1;
	assert_int_equal(read_back(&c, &h, &found), 0);
	(void)unlink(c.h->path);
	assert_int_equal(read_back(&c, &h, &found), -ERR_NOT_FOUND);
	end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(journal_file_gives_back_what_was_written),
		host_test(journal_file_survives_every_truncation),
		host_test(journal_file_refuses_every_damaged_octet),
		host_test(journal_file_refuses_frames_out_of_place),
		host_test(journal_file_needs_its_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
