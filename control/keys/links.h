#pragma once
/*
 * The socket to tandemd: frames in, with the files that came along; frames out, those of a turn
 * together.
 *
 * Life: links_init() .. links_fini(), which closes the socket and files nobody took. Blocking,
 * bounded: a frame above LINKS_FRAME_MAX or more than LINKS_FILES_MAX untaken files is an error,
 * after which the socket is of no use. Thread: one.
 */
#include "frame.h"
#include "keys.pb-c.h"

#include "base/err.h"

#define LINKS_FRAME_MAX (256u << 10)
#define LINKS_FILES_MAX 64

struct links {
	int fd;
	struct frame_in in;
	struct blob out; /* not sent yet */
	int files[LINKS_FILES_MAX];
	size_t n_files;
};

void links_init(struct links *l, int fd);
void links_fini(struct links *l);
/* Reads what is there (waits for something). -ERR_IO at the end, -ERR_LIMIT. */
int links_fill(struct links *l) MUST_CHECK;
/* 1 and the next message, to be freed by the caller; 0 when it is not all there; -ERR_SYNTAX,
 * -ERR_LIMIT. */
int links_next(struct links *l, Keys__Request **out) MUST_CHECK;
/* The next file that came, owned by the caller; -1 when there is none. */
int links_file(struct links *l);
/* Kept until links_flush(). */
int links_send(struct links *l, const Keys__Response *r) MUST_CHECK;
int links_flush(struct links *l) MUST_CHECK;
