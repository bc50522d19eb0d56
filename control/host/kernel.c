#include "host/kernel.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "host/daemon.h"
#include "host/kernel_deaf.h"
#include "host/route_list.h"

/* The macros of the kernel's headers mix signs. */
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wsign-compare"

enum {
	REPLY_MAX = 64 << 10,
	REQUEST_MAX = 512,
	CHANGES_MAX = 2000, /* in one go: the loop has other work */
	MTU_MOST = 1380	    /* what fits any ESP over a link of 1500 */
};

struct kernel_route {
	uint32_t table;
	uint32_t device; /* ifindex */
	struct prefix to;
};

/* ---------------------------------------------------------------- messages */

struct request {
	union {
		struct nlmsghdr h;
		uint8_t room[REQUEST_MAX];
	};
};

static void *begin(struct request *q, uint16_t type, uint16_t flags, size_t body)
{
	*q = (struct request){0};
	q->h.nlmsg_type = type;
	q->h.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	q->h.nlmsg_len = (uint32_t)NLMSG_LENGTH(body);
	return NLMSG_DATA(&q->h);
}

static void attribute(struct request *q, uint16_t type, const void *data, size_t n)
{
	struct rtattr *a = (struct rtattr *)(void *)(q->room + NLMSG_ALIGN(q->h.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(n);
	memcpy(RTA_DATA(a), data, n);
	q->h.nlmsg_len = (uint32_t)(NLMSG_ALIGN(q->h.nlmsg_len) + RTA_ALIGN(a->rta_len));
}

static int socket_open(unsigned groups, bool nonblocking)
{
	struct sockaddr_nl me = {.nl_family = AF_NETLINK, .nl_groups = groups};
	struct timeval most = {.tv_sec = 1};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0),
		NETLINK_ROUTE);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
	if (bind(fd, (struct sockaddr *)&me, sizeof me) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

/* 0 or -errno, as the kernel answers. */
static int command(struct kernel *k, struct request *q)
{
	union {
		struct nlmsghdr h;
		uint8_t room[1024];
	} a;

	q->h.nlmsg_flags |= NLM_F_ACK;
	q->h.nlmsg_seq = ++k->serial;
	if (send(k->command, q, q->h.nlmsg_len, 0) < 0)
		return -errno;
	do {
		ssize_t n = recv(k->command, &a, sizeof a, 0);

		if (n < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)))
			return -EIO;
	} while (a.h.nlmsg_seq != k->serial);
	if (a.h.nlmsg_type != NLMSG_ERROR)
		return -EIO;
	return ((struct nlmsgerr *)NLMSG_DATA(&a.h))->error;
}

static uint8_t family_of(const struct addr *a)
{
	return a->family == 6 ? AF_INET6 : AF_INET;
}

static int put_route(struct kernel *k, const struct kernel_route *r, bool gone)
{
	struct request q;
	struct rtmsg *m = begin(&q, gone ? RTM_DELROUTE : RTM_NEWROUTE,
		gone ? 0 : NLM_F_CREATE | NLM_F_REPLACE, sizeof *m);

	m->rtm_family = family_of(&r->to.addr);
	m->rtm_dst_len = r->to.len;
	m->rtm_table = RT_TABLE_UNSPEC;
	m->rtm_protocol = KERNEL_PROTOCOL;
	m->rtm_scope = RT_SCOPE_LINK;
	m->rtm_type = RTN_UNICAST;
	attribute(&q, RTA_TABLE, &r->table, sizeof r->table);
	attribute(&q, RTA_OIF, &r->device, sizeof r->device);
	attribute(&q, RTA_DST, r->to.addr.b, addr_len(&r->to.addr));
	return command(k, &q);
}

static int put_link(struct kernel *k, uint32_t device, uint32_t mtu, bool up)
{
	struct request q;
	struct ifinfomsg *m = begin(&q, RTM_NEWLINK, 0, sizeof *m);
	uint8_t carrier = up;

	m->ifi_index = (int)device;
	m->ifi_flags = m->ifi_change = IFF_UP;
	attribute(&q, IFLA_MTU, &mtu, sizeof mtu);
	attribute(&q, IFLA_CARRIER, &carrier, sizeof carrier);
	return command(k, &q);
}

/* The kernel answers for none of its addresses there. */
static int put_noarp(struct kernel *k, uint32_t device)
{
	struct request q;
	struct ifinfomsg *m = begin(&q, RTM_NEWLINK, 0, sizeof *m);

	m->ifi_index = (int)device;
	m->ifi_flags = m->ifi_change = IFF_NOARP;
	return command(k, &q);
}

static int put_address(struct kernel *k, uint32_t device, const struct prefix *p)
{
	struct request q;
	struct ifaddrmsg *m = begin(&q, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof *m);

	m->ifa_family = family_of(&p->addr);
	m->ifa_prefixlen = p->len;
	m->ifa_index = device;
	attribute(&q, IFA_LOCAL, p->addr.b, addr_len(&p->addr));
	attribute(&q, IFA_ADDRESS, p->addr.b, addr_len(&p->addr));
	return command(k, &q);
}

/* ---------------------------------------------------------------- what is there */

struct found {
	struct kernel_route r;
	struct addr via;
	uint8_t protocol, type;
};

static bool read_route(const struct nlmsghdr *h, struct found *f)
{
	struct rtmsg *m = NLMSG_DATA(h);
	int left = (int)RTM_PAYLOAD(h);
	uint8_t size = m->rtm_family == AF_INET6 ? 16 : 4;

	if (h->nlmsg_type != RTM_NEWROUTE || left < 0 ||
		(m->rtm_family != AF_INET && m->rtm_family != AF_INET6))
		return false;
	*f = (struct found){.protocol = m->rtm_protocol, .type = m->rtm_type};
	f->r.table = m->rtm_table;
	f->r.to = (struct prefix){{.family = size == 16 ? 6 : 4}, m->rtm_dst_len};
	for (struct rtattr *a = RTM_RTA(m); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		size_t n = RTA_PAYLOAD(a);

		if (a->rta_type == RTA_TABLE && n == 4)
			memcpy(&f->r.table, RTA_DATA(a), 4);
		else if (a->rta_type == RTA_OIF && n == 4)
			memcpy(&f->r.device, RTA_DATA(a), 4);
		else if (a->rta_type == RTA_DST && n == size)
			memcpy(f->r.to.addr.b, RTA_DATA(a), n);
		else if (a->rta_type == RTA_GATEWAY && n == size) {
			f->via.family = f->r.to.addr.family;
			memcpy(f->via.b, RTA_DATA(a), n);
		}
	}
	return true;
}

/* False on the last message of a dump. */
static bool read_batch(
	const uint8_t *room, size_t n, void (*each)(void *ctx, const struct found *f), void *ctx)
{
	int left = (int)n;

	for (const struct nlmsghdr *h = (const void *)room; NLMSG_OK(h, left);
		h = NLMSG_NEXT(h, left)) {
		struct found f;

		if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
			return false;
		if (read_route(h, &f))
			each(ctx, &f);
	}
	return true;
}

static int dump(struct kernel *k, void (*each)(void *ctx, const struct found *f), void *ctx)
{
	_Alignas(struct nlmsghdr) uint8_t room[REPLY_MAX];
	struct request q;
	struct rtmsg *m = begin(&q, RTM_GETROUTE, NLM_F_DUMP, sizeof *m);
	ssize_t n;

	m->rtm_family = AF_UNSPEC;
	q.h.nlmsg_seq = ++k->serial;
	if (send(k->command, &q, q.h.nlmsg_len, 0) < 0)
		return -ERR_IO;
	do {
		n = recv(k->command, room, sizeof room, 0);
		if (n <= 0)
			return -ERR_IO;
	} while (read_batch(room, (size_t)n, each, ctx));
	return 0;
}

/* ---------------------------------------------------------------- devices */

/* All units of all interfaces, from 0; NULL after the last. */
static const struct model_unit *unit_at(const struct model *m, uint32_t at)
{
	for (uint32_t i = 0; i < m->n_interfaces; i++) {
		if (at < m->interfaces[i].n_units)
			return &m->interfaces[i].units[at];
		at -= m->interfaces[i].n_units;
	}
	return NULL;
}

static uint32_t units_of(const struct model *m)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->n_interfaces; i++)
		n += m->interfaces[i].n_units;
	return n;
}

static bool is_outside(const struct model_unit *u)
{
	return u->interface->kind != MODEL_IF_TUNNEL;
}

static bool is_used(const struct kernel *k)
{
	const struct model_unit *u;

	for (uint32_t i = 0; (u = unit_at(k->d->model, i)) != NULL; i++)
		if (u->kernel_device)
			return true;
	return false;
}

static const struct model_unit *unit_of_device(const struct kernel *k, uint32_t device)
{
	const struct model_unit *u;

	for (uint32_t i = 0; (u = unit_at(k->d->model, i)) != NULL; i++)
		if (u->kernel_device && if_nametoindex(u->kernel_device) == device)
			return u;
	return NULL;
}

/* The node that acts for one of its VPNs: the other's kernel must not speak with this address. */
static bool acts_for(const struct kernel *k, const struct model_unit *u)
{
	const struct model *m = k->d->model;

	if (is_outside(u))
		return ha_bridge_may_act(&k->d->ha, u->interface->rg);
	for (uint32_t v = 0; v < m->n_vpns; v++)
		if (m->vpns[v].bind == u && m->vpns[v].gateway &&
			ha_bridge_may_act(&k->d->ha, m->vpns[v].gateway->rg))
			return true;
	return false;
}

static int put_device(
	struct kernel *k, const struct model_unit *u, const struct kernel_device *want)
{
	int rc = put_link(
		k, want->device, MIN((uint32_t)u->interface->mtu, (uint32_t)MTU_MOST), want->up);

	for (uint32_t i = 0; i < u->n_addresses && rc == 0; i++) {
		struct prefix own = u->addresses[i];

		/* Of an outside network the kernel gets what it may speak to, not all of it. */
		if (is_outside(u))
			own.len = (uint8_t)(addr_len(&own.addr) * 8);
		rc = put_address(k, want->device, &own);
	}
	if (rc < 0)
		log_warn(&k->d->log, "kernel.device", "device=%s reason=\"%s\"", u->kernel_device,
			strerror(-rc));
	return rc;
}

/* Ports that the kernel drives, too: with an address of ours it would take what comes there. */
static bool ports_deafen(struct kernel *k)
{
	const struct model *m = k->d->model;
	char name[IF_NAMESIZE];
	bool all = true;

	for (uint32_t i = 0; i < m->n_interfaces; i++) {
		const char *why = NULL;
		int rc;

		if (!kernel_ifname_of(m->interfaces[i].device, name))
			continue;
		rc = put_noarp(k, if_nametoindex(name));
		if (rc < 0)
			why = strerror(-rc);
		else
			(void)kernel_deafen(name, &why);
		if (why)
			log_err(&k->d->log, "kernel.deaf", "device=%s reason=\"%s\"", name, why);
		all = all && !why;
	}
	return all;
}

/* Told once for each change: a link that was told anything says so to everybody, us too. */
static void sync_device(struct kernel *k, const struct model_unit *u, struct kernel_device *known)
{
	const struct kernel_device want = {
		.device = u->kernel_device ? if_nametoindex(u->kernel_device) : 0,
		.model = k->d->model,
		/* Outside, what has no SA yet asks for one. */
		.up = (is_outside(u) || route_unit_is_up(&k->d->routes.presence, k->d->model, u)) &&
		      acts_for(k, u)};

	if (want.device == known->device && want.up == known->up && want.model == known->model)
		return;
	/* What the device carries was protected: the kernel must not hear the same in clear. */
	if (want.device != 0 && is_outside(u) && !ports_deafen(k)) {
		*known = want;
		return;
	}
	/* no device: the dataplane makes it, or says why not */
	if (want.device == 0 || put_device(k, u, &want) == 0)
		*known = want;
}

static void sync_devices(struct kernel *k)
{
	const struct model_unit *u;
	uint32_t n = units_of(k->d->model);

	if (n > k->n_devices) {
		struct kernel_device *more = realloc(k->devices, n * sizeof *more);

		if (!more)
			return;
		memset(more + k->n_devices, 0, (n - k->n_devices) * sizeof *more);
		k->devices = more;
		k->n_devices = n;
	}
	for (uint32_t i = 0; i < k->n_devices && (u = unit_at(k->d->model, i)) != NULL; i++)
		sync_device(k, u, &k->devices[i]);
}

/* ---------------------------------------------------------------- routes */

static int by_route(const void *x, const void *y)
{
	return memcmp(x, y, sizeof(struct kernel_route));
}

struct route_set {
	struct kernel *k;
	struct kernel_route *v;
	size_t n, cap;
	bool failed;
};

static void set_put(struct route_set *l, const struct kernel_route *r)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		struct kernel_route *more = realloc(l->v, cap * sizeof *more);

		if (!more) {
			l->failed = true;
			return;
		}
		l->v = more;
		l->cap = cap;
	}
	l->v[l->n++] = *r;
}

/* Whom a VPN in transport mode is with. Anybody: only in a table that is there for it. */
static bool peer_of(const struct model_vpn *v, uint32_t table, struct prefix *out)
{
	const struct model_gateway *g = v->gateway;

	if (v->manual)
		out->addr = v->manual->remote;
	else if (g && g->n_peers == 1 && g->peers[0].addr.family != 0)
		out->addr = g->peers[0].addr;
	else if (g && table != RT_TABLE_MAIN) {
		*out = (struct prefix){.addr = {.family = g->local.family}};
		return g->local.family != 0;
	} else
		return false;
	out->len = (uint8_t)(addr_len(&out->addr) * 8);
	return true;
}

static void want_peers(struct kernel *k, struct route_set *out)
{
	const struct model *m = k->d->model;

	for (uint32_t i = 0; i < m->n_vpns; i++) {
		const struct model_unit *u = model_vpn_unit(&m->vpns[i]);
		struct kernel_route one = {0};

		if (!u || !u->kernel_device || !is_outside(u) ||
			!peer_of(&m->vpns[i], u->kernel_table, &one.to))
			continue;
		one.device = if_nametoindex(u->kernel_device);
		one.table = u->kernel_table;
		if (one.device != 0)
			set_put(out, &one);
	}
}

/* What our kernel is to know: negotiated and configured routes over a unit with a device. */
static void wanted(struct kernel *k, struct route_set *out)
{
	const struct rib *rib = &k->d->routes.rib;

	for (size_t i = 0; i < rib->n; i++) {
		const struct rib_route *r = &rib->v[i];
		const struct model_unit *u;
		struct kernel_route one = {.to = r->to};

		if (!r->active || (r->source != RIB_STATIC && r->source != RIB_AUTO &&
					  r->source != RIB_REVERSE))
			continue;
		u = model_unit(k->d->model, r->name);
		if (!u || !u->kernel_device || is_outside(u))
			continue;
		one.device = if_nametoindex(u->kernel_device);
		one.table = u->kernel_table;
		if (one.device != 0)
			set_put(out, &one);
	}
}

/* Both sorted: what is only in `a` is done `gone` to, until there were too many. */
static size_t apply(struct kernel *k, const struct route_set *a, const struct route_set *b,
	bool gone, struct route_set *done, size_t budget)
{
	size_t at = 0;

	for (size_t i = 0; i < a->n; i++) {
		while (at < b->n && by_route(&b->v[at], &a->v[i]) < 0)
			at++;
		if (at < b->n && by_route(&b->v[at], &a->v[i]) == 0) {
			if (!gone)
				set_put(done, &a->v[i]);
			continue;
		}
		if (budget == 0) {
			if (gone)
				set_put(done, &a->v[i]);
			continue;
		}
		budget--;
		if (put_route(k, &a->v[i], gone) == 0 && !gone)
			set_put(done, &a->v[i]);
	}
	return budget;
}

/* True when there is more to do. */
static bool sync_routes(struct kernel *k)
{
	struct route_set want = {.k = k}, have = {.v = k->mirror, .n = k->n_mirror},
			 done = {.k = k};
	size_t budget = CHANGES_MAX;

	wanted(k, &want);
	want_peers(k, &want);
	if (want.n)
		qsort(want.v, want.n, sizeof *want.v, by_route);
	budget = apply(k, &have, &want, true, &done, budget);
	budget = apply(k, &want, &have, false, &done, budget);
	if (done.n)
		qsort(done.v, done.n, sizeof *done.v, by_route);
	free(want.v);
	free(k->mirror);
	k->mirror = done.v;
	k->n_mirror = done.n;
	return budget == 0;
}

static void note_own(void *ctx, const struct found *f)
{
	struct route_set *l = (struct route_set *)ctx;

	if (f->protocol == KERNEL_PROTOCOL && unit_of_device(l->k, f->r.device))
		set_put(l, &f->r);
}

static void note_learned(void *ctx, const struct found *f)
{
	struct route_set *l = (struct route_set *)ctx;
	const struct model_unit *u;
	struct rib_route r = {.source = RIB_KERNEL,
		.preference = RIB_PREFER_KERNEL,
		.to = f->r.to,
		.via = f->via};

	if (f->protocol == KERNEL_PROTOCOL || f->protocol == RTPROT_KERNEL ||
		f->protocol == RTPROT_REDIRECT || f->type != RTN_UNICAST || f->r.device == 0)
		return;
	u = unit_of_device(l->k, f->r.device);
	if (!u || is_outside(u) || u->kernel_table != f->r.table)
		return;
	r.instance = u->instance;
	r.unit = model_interface_id(u->name);
	r.name = u->name;
	rib_add(&l->k->learned, &r);
}

/* True when it is not what was known. */
static bool learn(struct kernel *k)
{
	struct rib before = k->learned;
	struct route_set l = {.k = k};
	bool same;

	k->learned = (struct rib){0};
	if (dump(k, note_learned, &l) < 0) {
		rib_fini(&k->learned);
		k->learned = before;
		return false;
	}
	rib_settle(&k->learned, NULL, 0);
	same = rib_same(&before, &k->learned);
	rib_fini(&before);
	return !same;
}

/* ---------------------------------------------------------------- life */

static void on_change(uv_poll_t *p, int status, int events)
{
	struct kernel *k = (struct kernel *)p->data;
	uint8_t room[REPLY_MAX];

	(void)status;
	(void)events;
	while (recv(k->watch, room, sizeof room, 0) > 0)
		;
	routes_again(&k->d->routes);
}

static bool start(struct kernel *k)
{
	struct route_set l = {.k = k};

	k->command = socket_open(0, false);
	k->watch = socket_open(RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE, true);
	if (k->command < 0 || k->watch < 0 || uv_poll_init(&k->d->loop, &k->poll, k->watch) != 0) {
		log_err(&k->d->log, "kernel.netlink", "reason=\"%s\"", strerror(errno));
		return false;
	}
	k->poll.data = k;
	k->polling = uv_poll_start(&k->poll, UV_READABLE, on_change) == 0;
	(void)dump(k, note_own, &l);
	if (l.n)
		qsort(l.v, l.n, sizeof *l.v, by_route);
	k->mirror = l.v;
	k->n_mirror = l.n;
	return true;
}

bool kernel_sync(struct kernel *k)
{
	bool more;

	if (!is_used(k) && k->n_mirror == 0 && k->learned.n == 0)
		return false;
	if (k->command < 0 && !start(k))
		return false;
	sync_devices(k);
	more = sync_routes(k);
	return learn(k) || more;
}

int kernel_init(struct kernel *k, struct daemon *d)
{
	*k = (struct kernel){.d = d, .command = -1, .watch = -1};
	return 0;
}

void kernel_fini(struct kernel *k)
{
	if (k->polling)
		(void)uv_poll_stop(&k->poll);
	if (k->poll.data && !uv_is_closing((uv_handle_t *)&k->poll))
		uv_close((uv_handle_t *)&k->poll, NULL);
	if (k->command >= 0)
		(void)close(k->command);
	if (k->watch >= 0)
		(void)close(k->watch);
	free(k->mirror);
	free(k->devices);
	rib_fini(&k->learned);
}
