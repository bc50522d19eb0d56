#pragma once
/*
 * What the tests of tandem-keys share: the real process at the other end of a socket pair.
 *
 * Life: case_start() .. case_stop(), which waits for its end and returns its status.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "crypto/key_file.h"
#include "crypto/sign.h"
#include "frame.h"
#include "keys.pb-c.h"

#define CASE_WAIT_MS 20000

struct keys_case {
	pid_t pid;
	int fd;
	struct frame_in in;
	uint64_t last;
	Keys__Response *got; /* the last answer */
};

static inline const Keys__Response *case_receive(struct keys_case *k)
{
	struct pollfd p = {k->fd, POLLIN, 0};
	struct view m;
	uint8_t *room;
	ssize_t n;

	while (frame_in_next(&k->in, &m) == 0) {
		if (poll(&p, 1, CASE_WAIT_MS) != 1)
			fail_msg("tandem-keys does not answer");
		assert_int_equal(frame_in_room(&k->in, 4096, &room), 0);
		n = recv(k->fd, room, 4096, 0);
		if (n <= 0)
			return NULL;
		frame_in_filled(&k->in, (size_t)n);
	}
	if (k->got)
		keys__response__free_unpacked(k->got, NULL);
	k->got = keys__response__unpack(NULL, m.n, m.p);
	assert_non_null(k->got);
	return k->got;
}

static inline void case_send(struct keys_case *k, Keys__Request *r, const int *files, uint32_t n)
{
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct blob frame = {0};
	struct iovec io;
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1};

	r->id = ++k->last;
	r->files = n;
	assert_int_equal(frame_pack(&r->base, &frame), 0);
	io = (struct iovec){frame.p, frame.n};
	if (n > 0) {
		struct cmsghdr *c;

		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), files, n * sizeof(int));
	}
	assert_int_equal(sendmsg(k->fd, &m, MSG_NOSIGNAL), (ssize_t)frame.n);
	blob_fini(&frame);
}

/* The answer to r; file -1: none goes along. */
static inline const Keys__Response *case_ask(struct keys_case *k, Keys__Request *r, int file)
{
	const Keys__Response *got;

	case_send(k, r, &file, file >= 0 ? 1 : 0);
	got = case_receive(k);
	assert_non_null(got);
	assert_int_equal(got->id, k->last);
	return got;
}

/* arguments: NULL at the end, at most 6. */
static inline void case_start(struct keys_case *k, const char *const *arguments)
{
	const char *argv[8] = {getenv("TANDEM_KEYS")};
	int pair[2];

	*k = (struct keys_case){0};
	frame_in_init(&k->in, 1 << 20);
	assert_non_null(argv[0]);
	for (size_t i = 0; arguments[i] && i < 6; i++)
		argv[i + 1] = arguments[i];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	k->pid = fork();
	assert_true(k->pid >= 0);
	if (k->pid == 0) {
		char *const *args;

		memcpy(&args, &(const char *const *){argv}, sizeof args);
		if (dup2(pair[1], 3) == 3)
			(void)execv(argv[0], args);
		_exit(127);
	}
	(void)close(pair[1]);
	k->fd = pair[0];
	if (!case_receive(k))
		fail_msg("tandem-keys did not start");
	assert_int_equal(k->got->id, 0);
}

/* Status of waitpid(). */
static inline int case_stop(struct keys_case *k)
{
	int status = -1;

	(void)close(k->fd);
	assert_int_equal(waitpid(k->pid, &status, 0), k->pid);
	frame_in_fini(&k->in);
	if (k->got)
		keys__response__free_unpacked(k->got, NULL);
	return status;
}

/* Does the signature fit the public key (SubjectPublicKeyInfo)? */
static inline bool case_verify(
	struct view public_key, enum sign_scheme scheme, struct view octets, struct view signature)
{
	struct sign_alg a = {.scheme = scheme};
	auto_key_file key = NULL;
	auto_crypto c = NULL;

	assert_int_equal(crypto_new(&c), 0);
	assert_int_equal(key_file_of_public(public_key, &key), 0);
	a.salt_len = scheme == SIGN_PSS_SHA256	 ? 32
		     : scheme == SIGN_PSS_SHA384 ? 48
		     : scheme == SIGN_PSS_SHA512 ? 64
						 : 0;
	return sign_check(c, key, &a, octets, signature) == 0;
}

static inline Keys__Request case_request(Keys__Request__JobCase job)
{
	Keys__Request r = KEYS__REQUEST__INIT;

	r.job_case = job;
	return r;
}

static inline char *case_text(const char *s)
{
	return (char *)(uintptr_t)s;
}

static inline const Keys__Response *case_generate(
	struct keys_case *k, const char *id, Keys__KeyType type, uint32_t bits, int file)
{
	Keys__Request r = case_request(KEYS__REQUEST__JOB_GENERATE);
	Keys__Generate g = KEYS__GENERATE__INIT;

	g.key_id = case_text(id);
	g.type = type;
	g.bits = bits;
	r.generate = &g;
	return case_ask(k, &r, file);
}

static inline const Keys__Response *case_load(
	struct keys_case *k, const char *id, const char *uri, int file)
{
	Keys__Request r = case_request(KEYS__REQUEST__JOB_LOAD);
	Keys__Load l = KEYS__LOAD__INIT;

	l.key_id = case_text(id);
	l.uri = case_text(uri);
	r.load = &l;
	return case_ask(k, &r, file);
}

static inline const Keys__Response *case_sign(
	struct keys_case *k, const char *id, enum sign_scheme scheme, struct view octets)
{
	Keys__Request r = case_request(KEYS__REQUEST__JOB_SIGN);
	Keys__Sign s = KEYS__SIGN__INIT;

	s.key_id = case_text(id);
	s.scheme = scheme;
	s.octets = (ProtobufCBinaryData){octets.n, (uint8_t *)(uintptr_t)octets.p};
	r.sign = &s;
	return case_ask(k, &r, -1);
}
