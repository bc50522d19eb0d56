#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "dp.h"

enum { OUT_MAX = 256 << 20, READ_CHUNK = 64 << 10, SCHEMA = 1 };

struct out_blob {
	struct list link;
	struct blob b;
	size_t at;
};

static int bound_socket(const char *path, int type)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	mode_t was;
	int rc;

	if (fd < 0 || strlen(path) >= sizeof a.sun_path)
		goto fail;
	memcpy(a.sun_path, path, strlen(path));
	(void)unlink(path);
	was = umask(0177); /* it takes keys: its owner alone may connect */
	rc = bind(fd, (struct sockaddr *)&a, sizeof a);
	(void)umask(was);
	if (rc == 0)
		return fd;
fail:
	if (fd >= 0)
		(void)close(fd);
	return -ERR_IO;
}

int api_listen(const char *path, int type)
{
	int fd = bound_socket(path, type);

	if (fd < 0 || listen(fd, 4) == 0)
		return fd;
	(void)close(fd);
	return -ERR_IO;
}

int api_listen_datagrams(const char *path)
{
	return bound_socket(path, SOCK_DGRAM);
}

static void conn_watch(struct dp *dp, bool out)
{
	struct epoll_event e = {.events = EPOLLIN | (out ? EPOLLOUT : 0u), .data.fd = dp->conn};

	if (dp->out_armed != out && dp->conn >= 0)
		(void)epoll_ctl(dp->epoll, EPOLL_CTL_MOD, dp->conn, &e);
	dp->out_armed = out;
}

void api_close(struct dp *dp)
{
	if (dp->conn < 0)
		return;
	log_notice(&dp->log, "dp.control.gone", "pending=%zu", dp->out_octets);
	(void)close(dp->conn);
	dp->conn = -1;
	frame_in_fini(&dp->in);
	while (!list_is_empty(&dp->out)) {
		struct out_blob *o = list_item(dp->out.next, struct out_blob, link);

		list_del(&o->link);
		blob_fini(&o->b);
		free(o);
	}
	dp->out_octets = 0;
	dp->out_armed = false;
	reply_drop_all(dp);
}

void api_accept(struct dp *dp)
{
	int fd = accept4(dp->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};

	if (fd < 0)
		return;
	api_close(dp); /* a new tandemd replaces the old one, state stays */
	if (epoll_ctl(dp->epoll, EPOLL_CTL_ADD, fd, &e) != 0) {
		(void)close(fd);
		return;
	}
	dp->conn = fd;
	frame_in_init(&dp->in, FRAME_MAX_DEFAULT);
	log_notice(&dp->log, "dp.control.here", "configured=%d", dp->configured);
}

void api_flush(struct dp *dp)
{
	while (dp->conn >= 0 && !list_is_empty(&dp->out)) {
		struct out_blob *o = list_item(dp->out.next, struct out_blob, link);
		ssize_t n = send(dp->conn, o->b.p + o->at, o->b.n - o->at, MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			conn_watch(dp, true);
			return;
		}
		if (n < 0) {
			api_close(dp);
			return;
		}
		o->at += (size_t)n;
		dp->out_octets -= (size_t)n;
		if (o->at < o->b.n)
			continue;
		list_del(&o->link);
		blob_fini(&o->b);
		free(o);
	}
	conn_watch(dp, false);
}

void api_output(struct dp *dp, struct blob *packed)
{
	struct out_blob *o;

	if (dp->conn < 0 || packed->n == 0)
		return;
	o = calloc(1, sizeof *o);
	if (!o || dp->out_octets > OUT_MAX) { /* it does not read: let it come back */
		free(o);
		api_close(dp);
		return;
	}
	o->b = blob_take(packed);
	dp->out_octets += o->b.n;
	list_add_tail(&dp->out, &o->link);
}

void api_event(struct dp *dp, const Dp__Event *e)
{
	Dp__Output o = DP__OUTPUT__INIT;
	auto_blob packed = {0};

	if (dp->conn < 0)
		return;
	o.body_case = DP__OUTPUT__BODY_EVENT;
	o.event = (Dp__Event *)(uintptr_t)e;
	if (frame_pack(&o.base, &packed) == 0)
		api_output(dp, &packed);
}

void api_hello(struct dp *dp, const Dp__Hello *h, struct reply *r)
{
	Dp__Reply body;
	Dp__HelloReply hello;
	Dp__RgSet *sets = calloc(RG_MAX, sizeof *sets), **refs = calloc(RG_MAX, sizeof(void *));
	uint32_t *spis = calloc(dp->sh.sad.n_live + 1u, sizeof *spis);
	static char version[] = "0.1.0";
	struct sa *sa;

	dp__reply__init(&body);
	dp__hello_reply__init(&hello);
	if (!sets || !refs || !spis) {
		reply_fail(r, -ERR_NOMEM, "out of memory");
		goto done;
	}
	hello.schema = MIN(h->schema, (uint32_t)SCHEMA);
	hello.version = version;
	hello.incarnation = iv_pool_incarnation(&dp->sh.ivs);
	hello.fresh_state = dp->incarnation.is_fresh;
	hello.configured = dp->configured;
	hello.workers = crew_members(dp);
	hello.rgs = refs;
	for (uint32_t rg = 0; rg < RG_MAX; rg++)
		if (rg_ctl_describe(dp, rg, &sets[hello.n_rgs]))
			refs[hello.n_rgs] = &sets[hello.n_rgs], hello.n_rgs++;
	for (uint32_t i = 0; i < RG_MAX; i++) /* who comes wants to know soon */
		dp->probes[i].told_ns = 0;
	for (uint32_t i = 0; i < RG_OWNER_NONE; i++)
		dp->peers[i].told_ns = 0;
	hello.spi_in = spis;
	for (uint32_t i = 0; sad_at(&dp->sh.sad, i, &sa); i++)
		if (sa)
			spis[hello.n_spi_in++] = sa->spi_in;
	body.hello = &hello;
	reply_body(r, &body);
done:
	free(sets);
	free(refs);
	free(spis);
}

static void handle(struct dp *dp, const Dp__Request *q, struct reply *r)
{
	switch (q->body_case) {
	case DP__REQUEST__BODY_HELLO:
		api_hello(dp, q->hello, r);
		return;
	case DP__REQUEST__BODY_CONFIGURE:
		api_configure(dp, q->configure, r);
		return;
	case DP__REQUEST__BODY_ROUTE_SET:
		api_route_set(dp, q->route_set, r);
		return;
	case DP__REQUEST__BODY_CHILD_INSTALL:
		api_child_install(dp, q->child_install, r);
		return;
	case DP__REQUEST__BODY_CHILD_EXPECT:
		api_child_expect(dp, q->child_expect, r);
		return;
	case DP__REQUEST__BODY_CHILD_UPDATE:
		api_child_update(dp, q->child_update, r);
		return;
	case DP__REQUEST__BODY_CHILD_DELETE:
		api_child_delete(dp, q->child_delete, r);
		return;
	case DP__REQUEST__BODY_RG_SET:
		api_rg_set(dp, q->rg_set, r);
		return;
	case DP__REQUEST__BODY_DEADLINE_SET:
		api_deadline_set(dp, q->deadline_set, r);
		return;
	case DP__REQUEST__BODY_LEASE_GRANT:
		api_lease_grant(dp, q->lease_grant, r);
		return;
	case DP__REQUEST__BODY_HANDOVER_FREEZE:
		api_handover_freeze(dp, q->handover_freeze, r);
		return;
	case DP__REQUEST__BODY_HANDOVER_ACTIVATE:
		api_handover_activate(dp, q->handover_activate, r);
		return;
	case DP__REQUEST__BODY_HANDOVER_FORWARD:
		api_handover_forward(dp, q->handover_forward, r);
		return;
	case DP__REQUEST__BODY_FABRIC_RENEW:
		api_fabric_renew(dp, q->fabric_renew, r);
		return;
	case DP__REQUEST__BODY_FABRIC_SEND:
		api_fabric_send(dp, q->fabric_send, r);
		return;
	case DP__REQUEST__BODY_ANNOUNCE:
		api_announce(dp, q->announce, r);
		return;
	case DP__REQUEST__BODY_QUERY:
		api_query(dp, q->query, r);
		return;
	case DP__REQUEST__BODY_WORKER_SET:
		api_worker_set(dp, q->worker_set, r);
		return;
	case DP__REQUEST__BODY_REBALANCE:
		api_rebalance(dp, r);
		return;
	case DP__REQUEST__BODY__NOT_SET:
	case _DP__REQUEST__BODY__CASE_IS_INT_SIZE:
	default:
		reply_fail(r, -ERR_UNSUPPORTED, "this request is not known here");
	}
}

/* A request that waits, with all that come after it. */
struct stalled {
	struct list link;
	Dp__Request *q;
	struct reply *r;
};

/* Who owns an SA is clear only between two moves of buckets. And before a group becomes active,
 * workers must know what the log granted until then: a grant behind the new role would be taken for
 * news (I4). */
static bool must_wait(const struct dp *dp, const Dp__Request *q)
{
	if (crew_is_busy(dp))
		return true;
	return q->body_case == DP__REQUEST__BODY_RG_SET && dp->n_orders &&
	       q->rg_set->role == DP__RG_ROLE__RG_ACTIVE;
}

/* Deadlines cannot wait, and mean no SA; but a role that waits comes before its deadline. */
static bool may_overtake(const struct dp *dp, const Dp__Request *q)
{
	struct stalled *s;

	if (q->body_case != DP__REQUEST__BODY_DEADLINE_SET)
		return false;
	list_foreach (s, &dp->stalled, link)
		if (s->q->body_case == DP__REQUEST__BODY_RG_SET)
			return false;
	return true;
}

static bool stall(struct dp *dp, Dp__Request *q, struct reply *r)
{
	struct stalled *s;

	if (may_overtake(dp, q) || (list_is_empty(&dp->stalled) && !must_wait(dp, q)))
		return false;
	s = calloc(1, sizeof *s);
	if (!s)
		dp_give_up(dp, "out of memory"); /* no order of requests, no promise */
	s->q = q;
	s->r = r;
	list_add_tail(&dp->stalled, &s->link);
	return true;
}

void api_stalled_step(struct dp *dp)
{
	while (!list_is_empty(&dp->stalled)) {
		struct stalled *s = list_item(dp->stalled.next, struct stalled, link);

		if (must_wait(dp, s->q))
			return;
		list_del(&s->link);
		handle(dp, s->q, s->r);
		reply_done(dp, s->r);
		dp__request__free_unpacked(s->q, NULL);
		free(s);
	}
}

static void handle_frame(struct dp *dp, struct view v)
{
	Dp__Request *q = dp__request__unpack(NULL, v.n, v.p);
	struct reply *r;

	if (!q) {
		log_err(&dp->log, "dp.control.garbled", "octets=%zu", v.n);
		api_close(dp);
		return;
	}
	r = reply_new(dp, q->id);
	if (r && stall(dp, q, r))
		return;
	if (r) {
		handle(dp, q, r);
		reply_done(dp, r);
	}
	dp__request__free_unpacked(q, NULL);
}

void api_readable(struct dp *dp)
{
	uint8_t *room;
	struct view v;
	ssize_t n;
	int rc;

	if (frame_in_room(&dp->in, READ_CHUNK, &room) < 0) {
		api_close(dp);
		return;
	}
	n = recv(dp->conn, room, READ_CHUNK, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		api_close(dp);
		return;
	}
	frame_in_filled(&dp->in, (size_t)n);
	while (dp->conn >= 0 && (rc = frame_in_next(&dp->in, &v)) != 0) {
		if (rc < 0) {
			log_err(&dp->log, "dp.control.garbled", "reason=\"%s\"", err_text(rc));
			api_close(dp);
			return;
		}
		handle_frame(dp, v);
	}
}
