/*
 * pulse: numbered UDP datagrams at a steady rate, one program at each end, and a record of each
 * that arrives.
 *
 *     pulse --bind ADDRESS:PORT --to ADDRESS:PORT --log FILE [--interval-us N] [--size N]
 *           [--bind-count N] [--to-count N]
 *
 * Both ends run it; each sends its own numbers and records the other's. Before that each calls
 * until it has heard the other, so that no number is lost on an end that does not listen yet.
 * Stamps are real time in nanoseconds: the sender's in the datagram, the receiver's from the
 * kernel, so that neither end's scheduling is taken for the network's. A sender that was held up
 * catches up, and its stamps show it.
 *
 * With a count, numbers go in turns from, or to, so many addresses in a row; a pulse with
 * --bind-count hears all addresses of its host.
 *
 * SIGUSR1 ends sending; SIGTERM ends sending and, once nothing has arrived for QUIET_MS, the
 * program. The log is a row of struct row in host order: one for each datagram received, and in the
 * end one with number UINT64_MAX whose sent_ns is how many were sent. tests/tools/traffic.py reads
 * it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define QUIET_MS    300
#define LINGER_MS   2000
#define SIZE_FIRST  24
#define SIZE_LAST   1400
#define COUNT_LAST  65536
#define CATCH_UP    200 /* datagrams in a row after a stall; what is older is sent later */
#define BUFFER_SIZE (4 << 20)

/* Faster pulses beat in small groups: a wakeup for each datagram would be most of the work. */
enum { CALL_US = 20000, TICK_US = 500 };

#define MAX_OF(a, b) ((a) > (b) ? (a) : (b))

/* The number of a datagram that only asks whether somebody listens. */
#define CALL (UINT64_MAX - 1)

struct row {
	uint64_t number, sent_ns, received_ns;
};

struct pulse {
	int fd, timer, signals;
	struct sockaddr_in own, to;
	FILE *log;
	uint64_t interval_us, size, own_count, to_count;
	uint64_t sent;	   /* how many */
	uint64_t began_ns; /* monotonic: when the first one was due; 0 while nobody was heard */
	uint64_t ends_ns;  /* monotonic: when it ends at the latest; 0 while it is to run on */
	bool sending;
};

static void die(const char *what)
{
	fprintf(stderr, "pulse: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct sockaddr_in endpoint(const char *text)
{
	struct sockaddr_in out = {.sin_family = AF_INET};
	const char *colon = strrchr(text, ':');
	char host[64] = {0};

	if (!colon || (size_t)(colon - text) >= sizeof host) {
		fprintf(stderr, "pulse: %s is not ADDRESS:PORT\n", text);
		exit(2);
	}
	memcpy(host, text, (size_t)(colon - text));
	out.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	if (inet_pton(AF_INET, host, &out.sin_addr) != 1) {
		fprintf(stderr, "pulse: %s is not an address\n", host);
		exit(2);
	}
	return out;
}

static void socket_open(struct pulse *p)
{
	struct sockaddr_in at = p->own;
	int on = 1, buffer = BUFFER_SIZE;

	if (p->own_count > 1)
		at.sin_addr.s_addr = INADDR_ANY;
	p->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0)
		die("socket");
	(void)setsockopt(p->fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
	(void)setsockopt(p->fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
	if (setsockopt(p->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0)
		die("SO_TIMESTAMPNS");
	if (bind(p->fd, (const struct sockaddr *)&at, sizeof at) < 0)
		die("bind");
}

static struct in_addr address_of(const struct sockaddr_in *first, uint64_t number, uint64_t count)
{
	return (struct in_addr){htonl(ntohl(first->sin_addr.s_addr) + (uint32_t)(number % count))};
}

static void send_from(struct pulse *p, struct in_addr from, struct msghdr *m)
{
	uint8_t control[CMSG_SPACE(sizeof(struct in_pktinfo))] = {0};
	struct in_pktinfo info = {.ipi_spec_dst = from};
	struct cmsghdr *c;

	m->msg_control = control;
	m->msg_controllen = sizeof control;
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof info);
	memcpy(CMSG_DATA(c), &info, sizeof info);
	(void)sendmsg(p->fd, m, 0);
}

static void send_one(struct pulse *p, uint64_t number)
{
	uint64_t head[2] = {number, now_ns(CLOCK_REALTIME)};
	uint8_t datagram[SIZE_LAST] = {0};
	struct sockaddr_in to = p->to;
	struct iovec part = {datagram, p->size};
	struct msghdr m = {
		.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &part, .msg_iovlen = 1};

	memcpy(datagram, head, sizeof head);
	to.sin_addr = address_of(&p->to, number, p->to_count);
	/* A refusal (no route yet, a full queue) is a lost datagram like any other: it counts as
	 * sent. */
	if (p->own_count > 1)
		send_from(p, address_of(&p->own, number, p->own_count), &m);
	else
		(void)sendmsg(p->fd, &m, 0);
}

static void send_due(struct pulse *p)
{
	uint64_t expirations, elapsed_us, due;

	(void)!read(p->timer, &expirations, sizeof expirations);
	if (p->began_ns == 0) {
		send_one(p, CALL);
		return;
	}
	elapsed_us = (now_ns(CLOCK_MONOTONIC) - p->began_ns) / 1000;
	due = elapsed_us / p->interval_us + 1;
	for (unsigned n = 0; p->sending && p->sent < due && n < CATCH_UP; n++)
		send_one(p, p->sent++);
}

static void timer_every(struct pulse *p, uint64_t us)
{
	struct itimerspec every = {
		.it_interval = {.tv_sec = (time_t)(us / 1000000),
			.tv_nsec = (long)(us % 1000000) * 1000},
		.it_value = {.tv_nsec = 1},
	};

	if (timerfd_settime(p->timer, 0, &every, NULL) < 0)
		die("timer");
}

/* The other end listens: from now on datagrams count. */
static void begin(struct pulse *p)
{
	p->began_ns = now_ns(CLOCK_MONOTONIC);
	timer_every(p, MAX_OF(p->interval_us, TICK_US));
}

static uint64_t stamp_of(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct timespec t;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&t, CMSG_DATA(c), sizeof t);
		return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	}
	return now_ns(CLOCK_REALTIME);
}

static void receive_all(struct pulse *p)
{
	for (;;) {
		uint8_t data[2048];
		char control[256];
		struct iovec part = {data, sizeof data};
		struct msghdr m = {.msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof control};
		ssize_t n = recvmsg(p->fd, &m, 0);
		struct row r = {0};

		if (n < 0)
			return; /* nothing left, or an ICMP error that was ours to hear */
		if (n < SIZE_FIRST)
			continue;
		memcpy(&r, data, 2 * sizeof(uint64_t));
		if (p->began_ns == 0)
			begin(p);
		if (r.number == CALL)
			continue;
		r.received_ns = stamp_of(&m);
		if (fwrite(&r, sizeof r, 1, p->log) != 1)
			die("log");
	}
}

static void heed(struct pulse *p)
{
	struct signalfd_siginfo info;

	if (read(p->signals, &info, sizeof info) != (ssize_t)sizeof info)
		return;
	p->sending = false;
	if (info.ssi_signo != SIGUSR1)
		p->ends_ns = now_ns(CLOCK_MONOTONIC) + LINGER_MS * UINT64_C(1000000);
}

static void run(struct pulse *p)
{
	struct pollfd watch[3] = {
		{p->fd, POLLIN, 0}, {p->timer, POLLIN, 0}, {p->signals, POLLIN, 0}};

	for (;;) {
		int n = poll(watch, 3, p->ends_ns ? QUIET_MS : -1);

		if (n < 0 && errno != EINTR)
			die("poll");
		if (n == 0 || (p->ends_ns && now_ns(CLOCK_MONOTONIC) > p->ends_ns))
			return;
		if (watch[0].revents)
			receive_all(p);
		if (watch[1].revents)
			send_due(p);
		if (watch[2].revents)
			heed(p);
		if (!p->sending)
			watch[1].fd = -1;
	}
}

static void clockwork(struct pulse *p)
{
	struct sched_param realtime = {.sched_priority = 1};
	sigset_t heeded;

	(void)sigemptyset(&heeded);
	(void)sigaddset(&heeded, SIGTERM);
	(void)sigaddset(&heeded, SIGINT);
	(void)sigaddset(&heeded, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &heeded, NULL);
	p->signals = signalfd(-1, &heeded, SFD_CLOEXEC | SFD_NONBLOCK);
	p->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (p->signals < 0 || p->timer < 0)
		die("timer");
	/* A steadier pulse where the machine allows it; the stamps tell the truth without it. */
	(void)sched_setscheduler(0, SCHED_RR, &realtime);
	timer_every(p, CALL_US);
}

static uint64_t number_within(const char *text, uint64_t lo, uint64_t hi)
{
	char *end;
	uint64_t v = strtoull(text, &end, 10);

	if (*end || v < lo || v > hi) {
		fprintf(stderr, "pulse: %s is not within %" PRIu64 "..%" PRIu64 "\n", text, lo, hi);
		exit(2);
	}
	return v;
}

int main(int argc, char **argv)
{
	static const struct option known[] = {{"bind", required_argument, NULL, 'b'},
		{"to", required_argument, NULL, 't'}, {"log", required_argument, NULL, 'l'},
		{"interval-us", required_argument, NULL, 'i'},
		{"size", required_argument, NULL, 's'},
		{"bind-count", required_argument, NULL, 'B'},
		{"to-count", required_argument, NULL, 'T'}, {0}};
	struct pulse p = {
		.interval_us = 1000, .size = 100, .own_count = 1, .to_count = 1, .sending = true};
	struct row last = {UINT64_MAX, 0, 0};
	const char *bind_to = NULL, *to = NULL, *log = NULL;

	for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		if (c == 'b')
			bind_to = optarg;
		else if (c == 't')
			to = optarg;
		else if (c == 'l')
			log = optarg;
		else if (c == 'i')
			p.interval_us = number_within(optarg, 10, 10000000);
		else if (c == 's')
			p.size = number_within(optarg, SIZE_FIRST, SIZE_LAST);
		else if (c == 'B')
			p.own_count = number_within(optarg, 1, COUNT_LAST);
		else if (c == 'T')
			p.to_count = number_within(optarg, 1, COUNT_LAST);
		else
			return 2;
	}
	if (!bind_to || !to || !log) {
		fprintf(stderr, "pulse: --bind, --to and --log are needed\n");
		return 2;
	}
	p.own = endpoint(bind_to);
	p.to = endpoint(to);
	p.log = fopen(log, "wb");
	if (!p.log)
		die(log);
	socket_open(&p);
	clockwork(&p);
	run(&p);
	last.sent_ns = p.sent;
	if (fwrite(&last, sizeof last, 1, p.log) != 1 || fclose(p.log) != 0)
		die("log");
	return 0;
}
