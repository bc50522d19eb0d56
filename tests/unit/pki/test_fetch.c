/* PKI-011, PKI-012: where a fetch may lead, and what a directory answers.
 * Twin of: fetch.c ldif.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "pki/fetch.h"
#include "pki/ldif.h"

static void fetch_knows_local_addresses(void **state)
{
	static const struct {
		const char *address;
		bool local;
	} cases[] = {
		{"127.0.0.1", true},
		{"127.255.0.9", true},
		{"0.0.0.0", true},
		{"169.254.169.254", true},
		{"224.0.0.1", true},
		{"255.255.255.255", true},
		{"192.0.2.1", false},
		{"10.0.0.1", false},
		{"::1", true},
		{"::", true},
		{"::127.0.0.1", true},
		{"::ffff:127.0.0.1", true},
		{"::ffff:192.0.2.1", false},
		{"64:ff9b::127.0.0.1", true},
		{"64:ff9b::192.0.2.1", false},
		{"fe80::1", true},
		{"febf::1", true},
		{"fec0::1", false},
		{"ff02::1", true},
		{"2001:db8::1", false},
		{"fd00::1", false},
	};
	struct addr a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(addr_parse(cases[i].address, &a), 0);
		if (fetch_address_is_local(addr_view(&a)) != cases[i].local)
			fail_msg("%s", cases[i].address);
	}
	assert_true(fetch_address_is_local((struct view){0}));
}

/* A server of this process: what it would answer is never asked for, unless it is allowed. */
static int listen_on_loopback(uint16_t *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

static void fetch_does_not_connect_to_loopback(void **state)
{
	static const struct {
		const char *start, *end;
	} forms[] = {{"ldap://127.0.0.1", "cn=x"}, {"ldap://localhost", "cn=x"},
		{"http://127.0.0.1", ""}, {"http://localhost", ""}, {"http://0x7f000001", ""},
		{"http://[::ffff:127.0.0.1]", ""}};

	char url[64], why[FETCH_WHY_MAX];
	auto_blob out = {0};
	const int stop = 0;
	uint16_t port;
	int fd = listen_on_loopback(&port);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		const struct fetch_ask ask = {.url = url, .max = 100};

		(void)snprintf(url, sizeof url, "%s:%u/%s", forms[i].start, port, forms[i].end);
		assert_int_equal(fetch_wait(&ask, &stop, &out, why), -ERR_IO);
		if (!strstr(why, "loopback"))
			fail_msg("%s: %s", url, why);
	}
	(void)close(fd);
}

static void fetch_speaks_three_protocols_only(void **state)
{
	static const char *const urls[] = {"file:///etc/passwd", "ftp://192.0.2.1/",
		"gopher://192.0.2.1/", "dict://192.0.2.1/"};
	char why[FETCH_WHY_MAX];
	auto_blob out = {0};
	const int stop = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		const struct fetch_ask ask = {.url = urls[i], .max = 100, .allow_local = true};

		if (fetch_wait(&ask, &stop, &out, why) == 0 || !strstr(why, "rotocol"))
			fail_msg("%s: %s", urls[i], why);
	}
}

/* ---------------------------------------------------------------- a server of http that lies */

#define OK "HTTP/1.1 200 OK\r\nConnection: close\r\n"

static const struct page {
	const char *path, *head;
	size_t body; /* octets of 'x' that follow */
	bool drips;  /* one at a time, and never ends */
} pages[] = {
	{"/plain", OK "Content-Length: 5\r\n\r\nhello", 0, false},
	{"/odd-type", OK "Content-Type: text/html\r\nContent-Length: 5\r\n\r\nhello", 0, false},
	{"/packed", OK "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", 0, false},
	{"/said-large", OK "Content-Length: 101\r\n\r\n", 101, false},
	{"/endless", OK "\r\n", 1000000, false},
	{"/drip", OK "\r\n", 0, true},
	{"/silent", "", 0, true},
	{"/r1", "HTTP/1.1 302 F\r\nConnection: close\r\nLocation: /r2\r\n\r\n", 0, false},
	{"/r2", "HTTP/1.1 302 F\r\nConnection: close\r\nLocation: /r3\r\n\r\n", 0, false},
	{"/r3", "HTTP/1.1 302 F\r\nConnection: close\r\nLocation: /plain\r\n\r\n", 0, false},
	{"/r0", "HTTP/1.1 302 F\r\nConnection: close\r\nLocation: /r1\r\n\r\n", 0, false},
	{"/to-file", "HTTP/1.1 302 F\r\nConnection: close\r\nLocation: file:///etc/passwd\r\n\r\n",
		0, false},
	{"/to-ldap", "HTTP/1.1 302 F\r\nConnection: close\r\nLocation: ldap://127.0.0.1/\r\n\r\n",
		0, false},
	{"/gone", "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n", 0, false},
};

struct server {
	int fd;
	uint16_t port;
	pthread_t thread;
	unsigned asked;
};

static void page_send(int fd, const struct page *p)
{
	char some[1024];
	size_t left = p->body;

	memset(some, 'x', sizeof some);
	(void)!send(fd, p->head, strlen(p->head), MSG_NOSIGNAL);
	while (left != 0) {
		ssize_t n = send(fd, some, left < sizeof some ? left : sizeof some, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		left -= (size_t)n;
	}
	/* Until the other end has had enough. */
	while (p->drips && send(fd, p->head[0] ? "x" : "", p->head[0] ? 1 : 0, MSG_NOSIGNAL) >= 0) {
		struct pollfd hup = {.fd = fd, .events = POLLIN};
		char c;

		if (poll(&hup, 1, 20) > 0 && recv(fd, &c, 1, MSG_DONTWAIT) <= 0)
			return;
	}
}

static void *serve(void *arg)
{
	struct server *s = arg;
	char asked[512];
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		ssize_t n = recv(fd, asked, sizeof asked - 1, 0);
		char *path = asked + 4, *end;

		asked[n > 0 ? n : 0] = '\0';
		end = n > 4 ? strchr(path, ' ') : NULL;
		if (end)
			*end = '\0';
		s->asked++;
		for (size_t i = 0; end && i < ARRAY_LEN(pages); i++)
			if (strcmp(pages[i].path, path) == 0)
				page_send(fd, &pages[i]);
		(void)close(fd);
	}
	return NULL;
}

/* What one transfer needs of a loop. */
struct drive {
	struct fetch *f;
	struct pollfd fds[4];
	long due;
	bool done;
	int rc;
	char body[64], why[FETCH_WHY_MAX];
};

static void drive_watch(void *ctx, int fd, int events)
{
	struct drive *d = ctx;
	size_t i = 0;

	while (i < 3 && d->fds[i].fd != fd && d->fds[i].fd >= 0)
		i++;
	d->fds[i].fd = events ? fd : -1;
	d->fds[i].events =
		(short)((events & FETCH_READ ? POLLIN : 0) | (events & FETCH_WRITE ? POLLOUT : 0));
}

static void drive_timer(void *ctx, long ms)
{
	((struct drive *)ctx)->due = ms;
}

static void drive_done(void *ctx, int rc, struct view body, const char *why)
{
	struct drive *d = ctx;

	d->done = true;
	d->rc = rc;
	(void)snprintf(d->body, sizeof d->body, "%.*s", (int)body.n, (const char *)body.p);
	(void)snprintf(d->why, sizeof d->why, "%s", why ? why : "");
}

static void drive(struct drive *d, const struct fetch_ask *ask)
{
	const struct fetch_ops ops = {d, drive_watch, drive_timer};

	*d = (struct drive){.due = -1};
	for (size_t i = 0; i < 4; i++)
		d->fds[i].fd = -1;
	assert_int_equal(fetch_new(&ops, &d->f), 0);
	assert_int_equal(fetch_start(d->f, ask, drive_done, d), 0);
	while (!d->done) {
		int n = poll(d->fds, 4, d->due < 0 ? 100 : (int)(d->due < 100 ? d->due : 100));

		for (size_t i = 0; n > 0 && i < 4; i++) {
			short got = d->fds[i].revents;

			d->fds[i].revents = 0;
			if (d->fds[i].fd >= 0 && got)
				fetch_on_socket(d->f, d->fds[i].fd,
					(got & POLLOUT ? FETCH_WRITE : 0) |
						(got & ~POLLOUT ? FETCH_READ : 0));
		}
		fetch_on_timer(d->f);
	}
	fetch_free(d->f);
}

static void server_begin(struct server *s)
{
	s->asked = 0;
	s->fd = listen_on_loopback(&s->port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_end(struct server *s)
{
	(void)shutdown(s->fd, SHUT_RDWR);
	(void)pthread_join(s->thread, NULL);
	(void)close(s->fd);
}

/* Bounded in octets, in time and in where it leads, whatever the server does. */
static void fetch_bears_a_lying_server(void **state)
{
	static const struct {
		const char *path, *source, *device;
		int rc;
		const char *want; /* the body, or of why */
	} cases[] = {
		{"/plain", NULL, NULL, 0, "hello"},
		{"/odd-type", NULL, NULL, 0, "hello"}, /* what counts is who signed it */
		{"/packed", NULL, NULL, 0, "hello"},   /* not unpacked */
		{"/said-large", NULL, NULL, -ERR_LIMIT, "too large"},
		{"/endless", NULL, NULL, -ERR_LIMIT, "too large"},
		{"/drip", NULL, NULL, -ERR_IO, "timed"},
		{"/silent", NULL, NULL, -ERR_IO, "timed"},
		{"/r1", NULL, NULL, 0, "hello"}, /* three hops */
		{"/r0", NULL, NULL, -ERR_IO, "redirects"},
		{"/to-file", NULL, NULL, -ERR_IO, "rotocol"},
		{"/to-ldap", NULL, NULL, -ERR_IO, "rotocol"},
		{"/gone", NULL, NULL, -ERR_IO, "404"},
		{"/plain", "127.0.0.9", NULL, 0, "hello"},
		{"/plain", "192.0.2.77", NULL, -ERR_IO, "bind failed"},
		{"/plain", NULL, "nosuch0", -ERR_IO, "routing-instance"},
	};
	struct server s;
	struct drive d;
	char url[64];

	(void)state;
	server_begin(&s);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct fetch_ask ask = {.url = url,
			.max = 100,
			.allow_local = true,
			.time_ms = cases[i].want[0] == 't' && cases[i].want[1] == 'i' ? 300 : 0,
			.source = cases[i].source,
			.device = cases[i].device};

		(void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", s.port, cases[i].path);
		drive(&d, &ask);
		if (d.rc != cases[i].rc || !strstr(d.rc == 0 ? d.body : d.why, cases[i].want))
			fail_msg("%s: %d %s %s", cases[i].path, d.rc, d.body, d.why);
	}
	server_end(&s);
}

static void ldif_value_table(void **state)
{
	static const struct {
		const char *name, *text, *want; /* want NULL: refused */
	} cases[] = {
		{"as curl writes it", "DN: cn=x\n\tcertificateRevocationList;binary:: MDEyMw==\n\n",
			"0123"},
		{"without option", "certificateRevocationList:: MDEyMw==\n", "0123"},
		{"another case", "CERTIFICATEREVOCATIONLIST;BINARY:: MDEyMw==\n", "0123"},
		{"folded", "certificateRevocationList:: MDEy\n Mw==\n", "0123"},
		{"the first of two",
			"certificateRevocationList:: MA==\ncertificateRevocationList:: MQ==\n",
			"0"},
		{"another attribute", "certificateRevocationListX:: MDEyMw==\n", NULL},
		{"not base64", "certificateRevocationList: 0123\n", NULL},
		{"no digits of it", "certificateRevocationList:: M*\n", NULL},
		{"nothing", "certificateRevocationList::\n", NULL},
		{"empty", "", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_blob out = {0};
		int rc = ldif_value(view_of_text(cases[i].text), "certificateRevocationList", &out);

		if ((rc == 0) != (cases[i].want != NULL) ||
			(rc == 0 && !view_equal(blob_view(&out), view_of_text(cases[i].want))))
			fail_msg("%s: %d", cases[i].name, rc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fetch_knows_local_addresses),
		cmocka_unit_test(fetch_does_not_connect_to_loopback),
		cmocka_unit_test(fetch_speaks_three_protocols_only),
		cmocka_unit_test(fetch_bears_a_lying_server),
		cmocka_unit_test(ldif_value_table),
	};
	int rc = fetch_library_start();

	if (rc == 0)
		rc = cmocka_run_group_tests(tests, NULL, NULL);
	fetch_library_end();
	return rc != 0;
}
