#include "pki/fetch.h"

#include <curl/curl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "pki/ldif.h"

#define LIST_ATTRIBUTE "certificateRevocationList"

struct fetch {
	struct fetch_ops ops;
	CURLM *multi;
	struct list running;
	uint32_t n_running;
};

struct transfer {
	struct list link;
	struct fetch *f;
	CURL *easy;
	struct curl_slist *headers;
	struct blob body, post;
	size_t max;
	bool too_large, allow_local, refused, no_device;
	char source[64], device[IFNAMSIZ];
	long time_ms;
	const int *stop;
	char error[CURL_ERROR_SIZE];
	fetch_done_fn *done;
	void *ctx;
};

/* ---------------------------------------------------------------- where it may lead */

static bool is_local4(const uint8_t *a)
{
	return a[0] == 0 || a[0] == 127 || (a[0] == 169 && a[1] == 254) || a[0] >= 224;
}

bool fetch_address_is_local(struct view address)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
	static const uint8_t zero[12] = {0};
	const uint8_t *a = address.p;

	if (address.n == 4)
		return is_local4(a);
	if (address.n != 16)
		return true;
	/* IPv4 in its several clothes; ::1 and :: are among them. */
	if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0 || memcmp(a, zero, 12) == 0)
		return is_local4(a + 12);
	return a[0] == 0xff || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
}

/* The resolved address, at the last moment: a name cannot mean another one when it is checked. */
static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct transfer *t = (struct transfer *)ctx;
	struct view address = {0};
	int fd;

	(void)purpose;
	if (to->family == AF_INET)
		address = view_of(
			&((const struct sockaddr_in *)(const void *)&to->addr)->sin_addr, 4);
	else if (to->family == AF_INET6)
		address = view_of(
			&((const struct sockaddr_in6 *)(const void *)&to->addr)->sin6_addr, 16);
	if (!t->allow_local && fetch_address_is_local(address)) {
		t->refused = true;
		return CURL_SOCKET_BAD;
	}
	fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
	if (fd >= 0 && t->device[0] != '\0' &&
		setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, t->device,
			(socklen_t)strlen(t->device)) != 0) {
		t->no_device = true;
		(void)close(fd);
		return CURL_SOCKET_BAD;
	}
	return fd;
}

/* ---------------------------------------------------------------- one transfer */

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = (struct transfer *)ctx;

	if (size * n > t->max - t->body.n) {
		t->too_large = true;
		return 0;
	}
	return blob_append(&t->body, view_of(data, size * n)) == 0 ? size * n : 0;
}

static int on_progress(
	void *ctx, curl_off_t dl_all, curl_off_t dl, curl_off_t ul_all, curl_off_t ul)
{
	const struct transfer *t = (const struct transfer *)ctx;

	(void)dl_all;
	(void)dl;
	(void)ul_all;
	(void)ul;
	return t->stop && __atomic_load_n(t->stop, __ATOMIC_RELAXED) != 0;
}

static void transfer_free(struct transfer *t)
{
	if (t->easy)
		curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	blob_fini(&t->body);
	blob_fini(&t->post);
	free(t);
}

#define SET(option, value)                                                                         \
	do {                                                                                       \
		if (curl_easy_setopt(t->easy, (option), (value)) != CURLE_OK)                      \
			return -ERR_NOMEM;                                                         \
	} while (0)

static int transfer_limits(struct transfer *t)
{
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(CURLOPT_XFERINFODATA, t);
	SET(CURLOPT_TIMEOUT_MS, t->time_ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)FETCH_CONNECT_MS);
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->max);
	SET(CURLOPT_PROTOCOLS_STR, "http,https,ldap");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, t->post.n == 0 ? 1L : 0L);
	SET(CURLOPT_MAXREDIRS, (long)FETCH_REDIRECTS_MAX);
	SET(CURLOPT_OPENSOCKETFUNCTION, on_open);
	SET(CURLOPT_OPENSOCKETDATA, t);
	/* A connection that was checked for one profile is not another one's. */
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	/* Nothing of the process' surroundings: no proxy of the environment, no .netrc. */
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	if (t->source[0] != '\0')
		SET(CURLOPT_INTERFACE, t->source);
	/* Octets as they come: nothing is unpacked that could grow. */
	SET(CURLOPT_ACCEPT_ENCODING, NULL);
	SET(CURLOPT_FAILONERROR, 1L);
	SET(CURLOPT_ERRORBUFFER, t->error);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, t);
	return 0;
}

static int transfer_post(struct transfer *t, const char *type)
{
	char line[96];

	(void)snprintf(line, sizeof line, "Content-Type: %s", type);
	t->headers = curl_slist_append(NULL, line);
	if (!t->headers)
		return -ERR_NOMEM;
	SET(CURLOPT_HTTPHEADER, t->headers);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->post.n);
	SET(CURLOPT_POSTFIELDS, (const char *)t->post.p);
	return 0;
}

/* Directories are asked for the one attribute that is wanted (RFC 4516 2.1). */
static int url_set(struct transfer *t, const char *url)
{
	char whole[FETCH_URL_MAX + 64];
	bool bare = fetch_is_ldap(url) && !strchr(url, '?');

	if (strlen(url) >= FETCH_URL_MAX)
		return -ERR_LIMIT;
	(void)snprintf(
		whole, sizeof whole, "%s%s", url, bare ? "?" LIST_ATTRIBUTE ";binary?base" : "");
	SET(CURLOPT_URL, whole);
	return 0;
}

static int transfer_set(struct transfer *t, const struct fetch_ask *ask)
{
	int rc = transfer_limits(t);

	if (rc == 0)
		rc = url_set(t, ask->url);
	if (rc == 0 && t->post.n != 0)
		rc = transfer_post(t, ask->post_type);
	if (rc == 0 && ask->password)
		SET(CURLOPT_PASSWORD, ask->password);
	return rc;
}

static int transfer_new(const struct fetch_ask *ask, struct transfer **out)
{
	struct transfer *t = calloc(1, sizeof *t);
	int rc = -ERR_NOMEM;

	if (!t)
		return rc;
	list_init(&t->link);
	t->max = ask->max;
	t->allow_local = ask->allow_local;
	t->time_ms = ask->time_ms != 0 ? (long)ask->time_ms : FETCH_TIME_MS;
	if (ask->source)
		(void)snprintf(t->source, sizeof t->source, "host!%s", ask->source);
	if (ask->device)
		(void)snprintf(t->device, sizeof t->device, "%s", ask->device);
	t->easy = curl_easy_init();
	if (t->easy && blob_copy(ask->post, &t->post) == 0)
		rc = transfer_set(t, ask);
	if (rc < 0) {
		transfer_free(t);
		return rc;
	}
	*out = t;
	return 0;
}

/* For a line of the log, between quotes: of a stranger, in parts. */
static void sentence(const char *text, char why[FETCH_WHY_MAX])
{
	size_t n = 0;

	for (; *text != '\0' && n + 1 < FETCH_WHY_MAX; text++)
		why[n++] =
			*text < ' ' || *text > '~' || *text == '"' || *text == '\\' ? '?' : *text;
	why[n] = '\0';
}

static int transfer_verdict(const struct transfer *t, CURLcode code, char why[FETCH_WHY_MAX])
{
	const char *text = t->error[0] ? t->error : curl_easy_strerror(code);

	if (code == CURLE_OK && t->body.n != 0)
		return 0;
	if (t->refused)
		text = "it leads to a loopback or link-local address";
	else if (t->no_device)
		text = "the kernel has no device with the name of its routing-instance";
	else if (t->too_large || code == CURLE_FILESIZE_EXCEEDED)
		text = "it is too large";
	else if (code == CURLE_OK)
		text = "the answer is empty";
	sentence(text, why);
	return t->too_large || code == CURLE_FILESIZE_EXCEEDED ? -ERR_LIMIT : -ERR_IO;
}

/* ---------------------------------------------------------------- on the caller's loop */

static int on_watch(CURL *easy, curl_socket_t fd, int what, void *ctx, void *per_socket)
{
	const struct fetch *f = (const struct fetch *)ctx;
	int events = what == CURL_POLL_IN      ? FETCH_READ
		     : what == CURL_POLL_OUT   ? FETCH_WRITE
		     : what == CURL_POLL_INOUT ? FETCH_READ | FETCH_WRITE
					       : 0;

	(void)easy;
	(void)per_socket;
	f->ops.watch(f->ops.ctx, fd, events);
	return 0;
}

static int on_time(CURLM *multi, long ms, void *ctx)
{
	const struct fetch *f = (const struct fetch *)ctx;

	(void)multi;
	f->ops.timer(f->ops.ctx, ms);
	return 0;
}

static void finish(struct fetch *f, struct transfer *t, CURLcode code)
{
	char why[FETCH_WHY_MAX] = "";
	int rc = transfer_verdict(t, code, why);

	list_del(&t->link);
	f->n_running--;
	(void)curl_multi_remove_handle(f->multi, t->easy);
	t->done(t->ctx, rc, blob_view(&t->body), why);
	transfer_free(t);
}

static void collect(struct fetch *f)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(f->multi, &left)) != NULL) {
		struct transfer *t = NULL, *at;
		CURLcode code = m->data.result;

		list_foreach (at, &f->running, link)
			if (at->easy == m->easy_handle)
				t = at;
		if (m->msg == CURLMSG_DONE && t)
			finish(f, t, code);
	}
}

void fetch_on_socket(struct fetch *f, int fd, int events)
{
	int running, mask = 0;

	if (events & FETCH_READ)
		mask |= CURL_CSELECT_IN;
	if (events & FETCH_WRITE)
		mask |= CURL_CSELECT_OUT;
	(void)curl_multi_socket_action(f->multi, fd, mask, &running);
	collect(f);
}

void fetch_on_timer(struct fetch *f)
{
	int running;

	(void)curl_multi_socket_action(f->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(f);
}

int fetch_start(struct fetch *f, const struct fetch_ask *ask, fetch_done_fn *done, void *ctx)
{
	struct transfer *t = NULL;
	int rc = fetch_is_ldap(ask->url) ? -ERR_UNSUPPORTED : transfer_new(ask, &t);

	if (rc < 0)
		return rc;
	t->f = f;
	t->done = done;
	t->ctx = ctx;
	if (curl_multi_add_handle(f->multi, t->easy) != CURLM_OK) {
		transfer_free(t);
		return -ERR_NOMEM;
	}
	list_add_tail(&f->running, &t->link);
	f->n_running++;
	return 0;
}

uint32_t fetch_running(const struct fetch *f)
{
	return f->n_running;
}

int fetch_new(const struct fetch_ops *ops, struct fetch **out)
{
	struct fetch *f = calloc(1, sizeof *f);

	if (!f)
		return -ERR_NOMEM;
	f->ops = *ops;
	list_init(&f->running);
	f->multi = curl_multi_init();
	if (!f->multi ||
		curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, on_watch) != CURLM_OK ||
		curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f) != CURLM_OK ||
		curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, on_time) != CURLM_OK ||
		curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f) != CURLM_OK) {
		fetch_free(f);
		return -ERR_NOMEM;
	}
	*out = f;
	return 0;
}

void fetch_free(struct fetch *f)
{
	struct transfer *t, *next;

	if (!f)
		return;
	list_foreach_safe (t, next, &f->running, link) {
		(void)curl_multi_remove_handle(f->multi, t->easy);
		list_del(&t->link);
		transfer_free(t);
	}
	if (f->multi)
		(void)curl_multi_cleanup(f->multi);
	free(f);
}

/* ---------------------------------------------------------------- on a thread of its own */

bool fetch_is_ldap(const char *url)
{
	return strncasecmp(url, "ldap:", 5) == 0;
}

int fetch_wait(
	const struct fetch_ask *ask, const int *stop, struct blob *out, char why[FETCH_WHY_MAX])
{
	struct transfer *t = NULL;
	int rc = transfer_new(ask, &t);

	if (rc < 0) {
		(void)snprintf(why, FETCH_WHY_MAX, "%s", err_text(rc));
		return rc;
	}
	t->stop = stop;
	rc = transfer_verdict(t, curl_easy_perform(t->easy), why);
	if (rc == 0) {
		rc = ldif_value(blob_view(&t->body), LIST_ATTRIBUTE, out);
		if (rc < 0)
			(void)snprintf(why, FETCH_WHY_MAX, "the entry holds no " LIST_ATTRIBUTE);
	}
	transfer_free(t);
	return rc;
}

int fetch_library_start(void)
{
	return curl_global_init(CURL_GLOBAL_ALL) == CURLE_OK ? 0 : -ERR_NOMEM;
}

void fetch_library_end(void)
{
	curl_global_cleanup();
}
