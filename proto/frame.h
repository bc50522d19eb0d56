#pragma once
/*
 * Length-prefixed protobuf messages over a byte stream: a 32-bit big-endian octet count, then the
 * message. Sans-IO: the caller moves octets in and out of its socket.
 *
 * Life: frame_in_init() .. frame_in_fini(). Bounded: a frame above max_len is an error that sticks,
 * so the connection must be closed.
 */
#include <protobuf-c/protobuf-c.h>

#include "base/view.h"

#define FRAME_MAX_DEFAULT (16u << 20)

struct frame_in {
	struct blob buf;
	size_t start, end, max_len;
	bool bad;
};

void frame_in_init(struct frame_in *f, size_t max_len);
void frame_in_fini(struct frame_in *f);
/* Room of at least `want` octets to read into; then tell how many arrived with frame_in_filled().
 */
int frame_in_room(struct frame_in *f, size_t want, uint8_t **room) MUST_CHECK;
void frame_in_filled(struct frame_in *f, size_t n);
/* Copies octets in: room, memcpy, filled. */
int frame_in_push(struct frame_in *f, struct view octets) MUST_CHECK;
/* 1 and the next whole message (lent until the next call on f), 0 when more octets are needed,
 * -ERR_LIMIT for a frame above the limit. */
int frame_in_next(struct frame_in *f, struct view *message) MUST_CHECK;

/* Prefix and packed message in one owned blob. */
int frame_pack(const ProtobufCMessage *m, struct blob *out) MUST_CHECK;
