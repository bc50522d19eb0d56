#include "cli/client.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/secret.h"
#include "frame.h"

#define SILENCE_S 30
#define READ_SIZE 65536

static int open_socket(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const struct timeval silence = {.tv_sec = SILENCE_S};
	int fd;

	if (strlen(path) >= sizeof to.sun_path)
		return -ERR_VALUE;
	memcpy(to.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -ERR_IO;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof silence);
	if (connect(fd, (const struct sockaddr *)&to, sizeof to) < 0) {
		int rc = errno == ENOENT || errno == ECONNREFUSED ? -ERR_NOT_FOUND : -ERR_IO;

		(void)close(fd);
		return rc;
	}
	return fd;
}

static int send_all(int fd, struct view v)
{
	while (v.n > 0) {
		ssize_t n = send(fd, v.p, v.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -ERR_IO;
		v.p += n;
		v.n -= (size_t)n;
	}
	return 0;
}

/* 0 when octets arrived. */
static int receive(int fd, struct frame_in *in)
{
	uint8_t *room;
	ssize_t n;
	int rc = frame_in_room(in, READ_SIZE, &room);

	if (rc < 0)
		return rc;
	do
		n = recv(fd, room, READ_SIZE, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? -ERR_AGAIN : -ERR_IO;
	if (n == 0)
		return -ERR_IO;
	frame_in_filled(in, (size_t)n);
	return 0;
}

/* 1 when the last response was handed on. */
static int take_responses(struct frame_in *in, client_part_fn *part, void *ctx)
{
	struct view message;
	int rc;

	while ((rc = frame_in_next(in, &message)) > 0) {
		Ctl__Response *r = ctl__response__unpack(NULL, message.n, message.p);
		bool more;

		if (!r)
			return -ERR_SYNTAX;
		more = r->more;
		rc = part(ctx, r);
		ctl__response__free_unpacked(r, NULL);
		if (rc < 0)
			return rc;
		if (!more)
			return 1;
	}
	return rc;
}

int client_ask(
	const char *socket_path, const Ctl__Request *request, client_part_fn *part, void *ctx)
{
	struct blob message = {0}; /* may hold a key */
	struct frame_in in;
	int fd = open_socket(socket_path), rc;

	if (fd < 0)
		return fd;
	frame_in_init(&in, FRAME_MAX_DEFAULT);
	rc = frame_pack(&request->base, &message);
	if (rc == 0)
		rc = send_all(fd, blob_view(&message));
	while (rc == 0) {
		rc = receive(fd, &in);
		if (rc == 0)
			rc = take_responses(&in, part, ctx);
	}
	secret_wipe_blob(&message);
	frame_in_fini(&in);
	(void)close(fd);
	return rc < 0 ? rc : 0;
}
