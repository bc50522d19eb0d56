#include "frame.h"

#include <stdlib.h>

#include "base/err.h"

enum { PREFIX = 4 };

void frame_in_init(struct frame_in *f, size_t max_len)
{
	*f = (struct frame_in){.max_len = max_len};
}

void frame_in_fini(struct frame_in *f)
{
	blob_fini(&f->buf);
	*f = (struct frame_in){0};
}

int frame_in_room(struct frame_in *f, size_t want, uint8_t **room)
{
	if (f->bad)
		return -ERR_LIMIT;
	if (f->start != 0 && f->buf.n - f->end < want) {
		memmove(f->buf.p, f->buf.p + f->start, f->end - f->start);
		f->end -= f->start;
		f->start = 0;
	}
	if (f->buf.n - f->end < want) {
		size_t n = MAX(f->buf.n * 2, f->end + want);
		uint8_t *p = realloc(f->buf.p, n);

		if (!p)
			return -ERR_NOMEM;
		f->buf = (struct blob){p, n};
	}
	*room = f->buf.p + f->end;
	return 0;
}

void frame_in_filled(struct frame_in *f, size_t n)
{
	f->end += n;
}

int frame_in_push(struct frame_in *f, struct view octets)
{
	uint8_t *room;
	int rc;

	if (octets.n == 0)
		return 0;
	rc = frame_in_room(f, octets.n, &room);
	if (rc < 0)
		return rc;
	memcpy(room, octets.p, octets.n);
	frame_in_filled(f, octets.n);
	return 0;
}

int frame_in_next(struct frame_in *f, struct view *message)
{
	const uint8_t *p;
	size_t have = f->end - f->start, n;

	if (f->bad)
		return -ERR_LIMIT;
	if (have < PREFIX)
		return 0;
	p = f->buf.p + f->start;
	n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	if (n > f->max_len) {
		f->bad = true;
		return -ERR_LIMIT;
	}
	if (have - PREFIX < n)
		return 0;
	*message = view_of(p + PREFIX, n);
	f->start += PREFIX + n;
	return 1;
}

int frame_pack(const ProtobufCMessage *m, struct blob *out)
{
	size_t n = protobuf_c_message_get_packed_size(m);
	uint8_t *p;

	if (n > UINT32_MAX)
		return -ERR_LIMIT;
	p = malloc(PREFIX + n);
	if (!p)
		return -ERR_NOMEM;
	p[0] = (uint8_t)(n >> 24);
	p[1] = (uint8_t)(n >> 16);
	p[2] = (uint8_t)(n >> 8);
	p[3] = (uint8_t)n;
	protobuf_c_message_pack(m, p + PREFIX);
	*out = (struct blob){p, PREFIX + n};
	return 0;
}
