#include "host/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/file.h"
#include "base/secret.h"
#include "crypto/hkdf.h"
#include "host/store_file.h"

enum { MAGIC_LEN = 8, SALT_LEN = 16, LENGTH_LEN = 8, AAD_LEN = JOURNAL_HEAD_LEN + 8 };

enum { ITEM_TOMBSTONE = 1 };

#define READ_MAX (1u << 30) /* ten times what the largest node keeps */

static const char magic[MAGIC_LEN + 1] = "TNDMJRN1";

/* ---------------------------------------------------------------- items */

size_t journal_item_size(const struct journal_item *i)
{
	return 1 + 4 + 1 + i->key.n + 4 + i->body.n;
}

void journal_item_put(struct emit *e, const struct journal_item *i)
{
	emit_u8(e, i->tombstone ? ITEM_TOMBSTONE : 0);
	emit_be32(e, i->rg);
	emit_u8(e, (uint8_t)i->key.n);
	emit_view(e, i->key);
	emit_be32(e, (uint32_t)i->body.n);
	emit_view(e, i->body);
}

static bool item_take(struct cur *c, struct journal_item *i)
{
	*i = (struct journal_item){.tombstone = (cur_u8(c) & ITEM_TOMBSTONE) != 0};
	i->rg = cur_be32(c);
	i->key = cur_take(c, cur_u8(c));
	i->body = cur_take(c, cur_be32(c));
	return cur_ok(c);
}

/* ---------------------------------------------------------------- sealing */

static int seal_of(
	const struct journal_secrets *s, const uint8_t head[JOURNAL_HEAD_LEN], struct seal **out)
{
	const struct hkdf_in in = {
		s->key, view_of(head + MAGIC_LEN, SALT_LEN), view_of_literal("tandem journal")};
	uint8_t key[SEAL_KEY_LEN];
	int rc = hkdf_sha256(s->crypto, &in, key, sizeof key);

	if (rc == 0)
		rc = seal_new(s->crypto, view_of_array(key), out);
	secret_wipe(key, sizeof key);
	return rc;
}

/* A frame belongs to its file and to its place in it. */
struct frame_seal {
	uint8_t nonce[SEAL_NONCE_LEN], aad[AAD_LEN];
};

static struct frame_seal frame_seal(const uint8_t head[JOURNAL_HEAD_LEN], uint64_t number)
{
	struct frame_seal f;
	struct emit nonce = emit_to(f.nonce, sizeof f.nonce), aad = emit_to(f.aad, sizeof f.aad);

	emit_be32(&nonce, 0);
	emit_be64(&nonce, number);
	emit_bytes(&aad, head, JOURNAL_HEAD_LEN);
	emit_be64(&aad, number);
	return f;
}

/* ---------------------------------------------------------------- writing */

int journal_file_create(struct journal_file *f, const struct journal_secrets *s, const char *path)
{
	int rc;

	*f = (struct journal_file){.fd = -1};
	memcpy(f->head, magic, MAGIC_LEN);
	env_random(s->env, f->head + MAGIC_LEN, SALT_LEN);
	rc = seal_of(s, f->head, &f->seal);
	if (rc < 0)
		return rc;
	f->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	rc = f->fd < 0 ? -ERR_IO : file_write(f->fd, view_of_array(f->head));
	f->size = sizeof f->head;
	if (rc < 0)
		journal_file_close(f);
	return rc;
}

int journal_file_append(struct journal_file *f, struct view items)
{
	size_t n = items.n + SEAL_TAG_LEN;
	auto_blob frame = {.p = malloc(LENGTH_LEN + n)};
	const struct frame_seal with = frame_seal(f->head, f->frames);
	struct emit e = emit_to(frame.p, LENGTH_LEN);
	int rc;

	if (!frame.p)
		return -ERR_NOMEM;
	if (n > READ_MAX)
		return -ERR_LIMIT;
	emit_be32(&e, (uint32_t)n);
	emit_be32(&e, ~(uint32_t)n);
	rc = seal_wrap(f->seal, with.nonce, view_of_array(with.aad), items, frame.p + LENGTH_LEN);
	if (rc == 0)
		rc = file_write(f->fd, view_of(frame.p, LENGTH_LEN + n));
	if (rc < 0)
		return rc;
	f->frames++;
	f->size += LENGTH_LEN + n;
	return 0;
}

int journal_file_sync(struct journal_file *f)
{
	return fdatasync(f->fd) == 0 ? 0 : -ERR_IO;
}

void journal_file_close(struct journal_file *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	seal_free(f->seal);
	*f = (struct journal_file){.fd = -1};
}

/* ---------------------------------------------------------------- reading */

struct reading {
	struct seal *seal;
	const uint8_t *head;
	int (*each)(void *ctx, const struct journal_item *i);
	void *ctx;
	struct journal_found *found;
};

static int read_items(const struct reading *r, struct view plain)
{
	struct cur c = cur_of(plain);
	struct journal_item i;
	int rc = 0;

	while (rc == 0 && cur_left(&c) != 0) {
		if (!item_take(&c, &i))
			return -ERR_VALUE; /* sealed by us: another version of this program */
		r->found->items++;
		rc = r->each(r->ctx, &i);
	}
	return rc;
}

static int open_frame(const struct reading *r, struct view sealed)
{
	const struct frame_seal with = frame_seal(r->head, r->found->frames);
	auto_blob plain = {.p = malloc(sealed.n + 1)};
	int rc;

	if (!plain.p)
		return -ERR_NOMEM;
	rc = seal_unwrap(r->seal, with.nonce, view_of_array(with.aad), sealed, plain.p);
	if (rc < 0)
		return rc == -ERR_TRUNCATED ? -ERR_AUTH : rc;
	plain.n = sealed.n - SEAL_TAG_LEN;
	rc = read_items(r, blob_view(&plain));
	secret_wipe(plain.p, plain.n);
	return rc;
}

/* 1: a whole frame; 0: the end, or one that was never finished. */
static int read_frame(const struct reading *r, struct cur *c)
{
	struct cur ahead = *c;
	uint32_t n = cur_be32(&ahead), check = cur_be32(&ahead);
	int rc;

	if (!cur_ok(&ahead))
		return 0;
	if (n != ~check)
		return -ERR_AUTH;
	if (n > cur_left(&ahead))
		return 0;
	rc = open_frame(r, cur_take(&ahead, n));
	*c = ahead;
	return rc < 0 ? rc : 1;
}

int journal_file_read(const char *path, const struct journal_secrets *s,
	int (*each)(void *ctx, const struct journal_item *i), void *ctx,
	struct journal_found *found)
{
	auto_blob file = {0};
	auto_seal seal = NULL;
	struct reading r = {.each = each, .ctx = ctx, .found = found};
	struct cur c;
	int rc = store_file_read(path, READ_MAX, &file);

	*found = (struct journal_found){0};
	if (rc < 0)
		return rc;
	if (file.n < JOURNAL_HEAD_LEN || memcmp(file.p, magic, MAGIC_LEN) != 0)
		return -ERR_AUTH;
	rc = seal_of(s, file.p, &seal);
	if (rc < 0)
		return rc;
	r.seal = seal;
	r.head = file.p;
	c = cur_of(view_of(file.p + JOURNAL_HEAD_LEN, file.n - JOURNAL_HEAD_LEN));
	while ((rc = read_frame(&r, &c)) > 0)
		found->frames++;
	found->cut_octets = cur_left(&c);
	return rc;
}
