#include "keys/links.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/secret.h"

enum { READ_SIZE = 65536 };

void links_init(struct links *l, int fd)
{
	*l = (struct links){.fd = fd};
	frame_in_init(&l->in, LINKS_FRAME_MAX);
}

void links_fini(struct links *l)
{
	for (size_t i = 0; i < l->n_files; i++)
		(void)close(l->files[i]);
	frame_in_fini(&l->in);
	blob_fini(&l->out);
	(void)close(l->fd);
	*l = (struct links){.fd = -1};
}

static int take_files(struct links *l, struct msghdr *m)
{
	int rc = (m->msg_flags & MSG_CTRUNC) ? -ERR_LIMIT : 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (l->n_files < LINKS_FILES_MAX) {
				l->files[l->n_files++] = fd;
			} else {
				(void)close(fd);
				rc = -ERR_LIMIT;
			}
		}
	}
	return rc;
}

int links_fill(struct links *l)
{
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct iovec io = {.iov_len = READ_SIZE};
	struct msghdr m = {.msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control};
	uint8_t *room;
	ssize_t n;
	int rc = frame_in_room(&l->in, READ_SIZE, &room);

	if (rc < 0)
		return rc;
	io.iov_base = room;
	do
		n = recvmsg(l->fd, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return -ERR_IO;
	frame_in_filled(&l->in, (size_t)n);
	return take_files(l, &m);
}

int links_next(struct links *l, Keys__Request **out)
{
	struct view m;
	int rc = frame_in_next(&l->in, &m);

	if (rc <= 0)
		return rc;
	*out = keys__request__unpack(NULL, m.n, m.p);
	secret_wipe((void *)(uintptr_t)m.p, m.n); /* it may have brought a key */
	return *out ? 1 : -ERR_SYNTAX;
}

int links_file(struct links *l)
{
	int fd;

	if (l->n_files == 0)
		return -1;
	fd = l->files[0];
	l->n_files--;
	memmove(l->files, l->files + 1, l->n_files * sizeof *l->files);
	return fd;
}

int links_send(struct links *l, const Keys__Response *r)
{
	auto_blob frame = {0};
	int rc = frame_pack(&r->base, &frame);

	return rc < 0 ? rc : blob_append(&l->out, blob_view(&frame));
}

int links_flush(struct links *l)
{
	auto_blob out = blob_take(&l->out);
	struct view left = blob_view(&out);

	while (left.n > 0) {
		ssize_t n = send(l->fd, left.p, left.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -ERR_IO;
		left = view_of(left.p + n, left.n - (size_t)n);
	}
	return 0;
}
