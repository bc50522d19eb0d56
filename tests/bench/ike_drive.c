/*
 * Drives an IKEv2 responder, whoever it is, with set-ups of many peers: the engine as initiator
 * over real UDP sockets, one source address for each peer.
 *
 *     ike_drive CONFIG PEERS WINDOW [CERTIFICATES]
 *
 * CONFIG has a VPN V0, V1, ... for each peer, its address on a unit of some port (tests/bench/ike
 * writes it); the namespace must take those addresses for its own (`ip route add local`). At most
 * WINDOW set-ups are under way at a time. CERTIFICATES is a folder (ike_drive_proof.h).
 *
 * First a tenth of the peers is set up, then the rest; after each it says in one line of JSON what
 * happened, and serves its peers until a line comes on its standard input: "rekey" asks for a new
 * child SA in place of each at once and says how that went; "knock" asks for one in place of this,
 * then that, until one is answered: how long that took is how long nobody did; any other line goes
 * on; the end of input ends it.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "config/config.h"
#include "crypto/random.h"
#include "ike/show.h"
#include "ike/stats.h"
#include "ike/step.h"
#include "ike_drive_proof.h"

enum { DATAGRAM_MAX = 65536, MARKER = 4, STALL_MS = 30000, LINE_MAX_LEN = 80, KNOCK_MS = 10 };

struct drive {
	struct ike *ike;
	struct model *model;
	struct crypto *crypto;
	struct ike_effects fx;
	struct drive_proof proof;
	int fd[2]; /* ports 500 and 4500 */
};

static uint64_t now_ms(void)
{
	struct timespec ts = {0};

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint32_t interface_id(const char *name)
{
	return (uint32_t)strlen(name);
}

/* ---------------------------------------------------------------- sockets */

static int socket_open(uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, buffer = 8 << 20;

	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) < 0 ||
		bind(fd, (const struct sockaddr *)&at, sizeof at) < 0)
		die("socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
	return fd;
}

static void send_datagram(struct drive *d, const struct ike_fx_send *s, struct view octets)
{
	static const uint8_t marker[MARKER];
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(s->remote.port)};
	struct iovec part[2] = {{(void *)(uintptr_t)marker, s->natt ? MARKER : 0},
		{(void *)(uintptr_t)octets.p, octets.n}};
	uint8_t control[CMSG_SPACE(sizeof(struct in_pktinfo))] = {0};
	struct msghdr m = {.msg_name = &to,
		.msg_namelen = sizeof to,
		.msg_iov = part,
		.msg_iovlen = 2,
		.msg_control = control,
		.msg_controllen = sizeof control};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct in_pktinfo from = {0};

	memcpy(&to.sin_addr, s->remote.addr.b, 4);
	memcpy(&from.ipi_spec_dst, s->local.addr.b, 4);
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof from);
	memcpy(CMSG_DATA(c), &from, sizeof from);
	/* what the kernel has no room for is lost, as on any way */
	if (sendmsg(d->fd[s->local.port == 4500], &m, 0) < 0 && errno != EAGAIN)
		die("sendmsg");
}

static struct endpoint endpoint_of(const void *addr, uint16_t port)
{
	struct endpoint e = {.port = port};

	e.addr.family = 4;
	memcpy(e.addr.b, addr, 4);
	return e;
}

/* ---------------------------------------------------------------- engine */

static void feed(struct drive *d, struct ike_event *ev);

static void send_all(struct drive *d, const struct ike_fx_send *s)
{
	for (size_t i = 0; !s->keepalive && i < s->n; i++)
		send_datagram(d, s, s->datagrams[i]);
}

/* Does what is asked for; true when that has an answer. */
static bool execute_one(struct drive *d, struct ike_effect *e, struct ike_event *ev)
{
	switch (e->type) {
	case IKE_FX_KEX:
		ev->type = IKE_EV_KEX_DONE;
		ev->kex = take_ptr(e->kex);
		ike_kex_run(d->crypto, ev->kex);
		return true;
	case IKE_FX_SIGN:
		ev->type = IKE_EV_SIGNED;
		ev->sign = take_ptr(e->sign);
		drive_proof_sign(&d->proof, d->crypto, ev->sign);
		return true;
	case IKE_FX_TRUST:
		ev->type = IKE_EV_TRUSTED;
		ev->trust = take_ptr(e->trust);
		drive_proof_trust(ev->trust);
		return true;
	case IKE_FX_INSTALL:
		ev->type = IKE_EV_INSTALLED;
		ev->installed.ticket = e->install.ticket;
		return true;
	case IKE_FX_REPLICATE:
		ev->type = IKE_EV_COMMITTED;
		ev->committed = e->replicate.ticket;
		return true;
	case IKE_FX_SEND:
		send_all(d, &e->send);
		return false;
	case IKE_FX_UPDATE:
	case IKE_FX_DELETE:
	case IKE_FX_ASK_ACTIVITY:
	case IKE_FX_RESOLVE:
	case IKE_FX_EXPECT:
	case IKE_FX_OPERATOR_DONE:
	default:
		return false;
	}
}

/* Effects of one step; what they answer is fed after all of them. Nothing is installed or kept. */
static void execute(struct drive *d)
{
	struct ike_event *later = calloc(d->fx.n + 1, sizeof *later);
	size_t n = 0;

	if (!later)
		die("memory");
	for (size_t i = 0; i < d->fx.n; i++)
		n += execute_one(d, &d->fx.v[i], &later[n]);
	ike_effects_clear(&d->fx);
	for (size_t i = 0; i < n; i++)
		feed(d, &later[i]);
	free(later);
}

static void feed(struct drive *d, struct ike_event *ev)
{
	ev->now_ms = ev->wall_ms = now_ms();
	if (ike_step(d->ike, ev, &d->fx) < 0)
		exit(1);
	execute(d);
}

static void receive_all(struct drive *d, int natt)
{
	static uint8_t octets[DATAGRAM_MAX];
	uint8_t control[256];
	struct sockaddr_in from;
	struct iovec part = {octets, sizeof octets};

	for (;;) {
		struct msghdr m = {.msg_name = &from,
			.msg_namelen = sizeof from,
			.msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof control};
		ssize_t n = recvmsg(d->fd[natt], &m, 0);
		size_t skip = natt ? MARKER : 0;
		struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m);
		struct ike_event ev = {.type = IKE_EV_DATAGRAM};
		struct in_pktinfo at;

		if (n < 0)
			return;
		if (!c || c->cmsg_type != IP_PKTINFO || (size_t)n <= skip)
			continue;
		memcpy(&at, CMSG_DATA(c), sizeof at);
		ev.datagram.interface_id = 1;
		ev.datagram.local = endpoint_of(&at.ipi_addr, natt ? 4500 : 500);
		ev.datagram.remote = endpoint_of(&from.sin_addr, ntohs(from.sin_port));
		ev.datagram.natt = natt;
		ev.datagram.octets = view_of(octets + skip, (size_t)n - skip);
		feed(d, &ev);
	}
}

/* By its number: an operator's wish, by name, would look at all there are. */
static void initiate(struct drive *d, unsigned peer)
{
	struct ike_event ev = {.type = IKE_EV_ACQUIRE};
	char vpn[16];

	(void)snprintf(vpn, sizeof vpn, "V%u", peer);
	ev.acquire.policy_id = model_policy_id(vpn, "T");
	feed(d, &ev);
}

/* Of the sockets, the engine's timers and standard input; true when that has something. */
static bool wait_events(struct drive *d, bool with_input)
{
	struct pollfd watch[3] = {{d->fd[0], POLLIN, 0}, {d->fd[1], POLLIN, 0},
		{with_input ? STDIN_FILENO : -1, POLLIN, 0}};
	uint64_t due = ike_deadline(d->ike), now = now_ms();
	int wait = due <= now ? 0 : (int)MIN(due - now, (uint64_t)KNOCK_MS);
	struct ike_event tick = {.type = IKE_EV_TICK};

	(void)poll(watch, ARRAY_LEN(watch), wait);
	for (int i = 0; i < 2; i++)
		if (watch[i].revents)
			receive_all(d, i);
	if (ike_deadline(d->ike) <= now_ms())
		feed(d, &tick);
	return watch[2].revents != 0;
}

/* Sets up those from `first` on below `end`; gives up when nothing happened for STALL_MS. */
static void run(struct drive *d, unsigned first, unsigned end, unsigned window)
{
	const struct ike_stats *s = ike_show_stats(d->ike);
	uint64_t done = first, last_ms = now_ms();

	for (unsigned begun = first; done < end; (void)wait_events(d, false)) {
		uint64_t ended = s->child_up + s->child_failed + s->auth_failed + s->ike_dead;

		if (ended != done)
			last_ms = now_ms();
		done = ended;
		while (begun < end && begun - done < window)
			initiate(d, begun++);
		if (now_ms() - last_ms > STALL_MS)
			return;
	}
}

static void report(const struct drive *d, uint64_t began_ms)
{
	const struct ike_stats *s = ike_show_stats(d->ike);

	printf("{\"up\": %" PRIu64 ", \"wall_ms\": %" PRIu64 ", \"retransmits\": %" PRIu64
	       ", \"rekeyed\": %" PRIu64 ", \"children\": %" PRIu64 ", \"dead\": %" PRIu64 "}\n",
		s->ike_up, now_ms() - began_ms, s->tx_retransmits, s->child_rekeyed,
		s->child_up - s->child_down, s->ike_dead + s->ike_down);
	(void)fflush(stdout);
}

/* All at once. Over when each was answered and its predecessor is deleted. */
static void rekey(struct drive *d)
{
	const struct ike_stats *s = ike_show_stats(d->ike);
	uint64_t before = s->child_rekeyed, children = s->child_up - s->child_down;
	uint64_t began_ms = now_ms(), last_ms = began_ms, seen = 0;
	struct ike_event ev = {.type = IKE_EV_OPERATOR};

	ev.operator_.op = IKE_OP_REKEY_CHILD;
	feed(d, &ev);
	while (s->child_rekeyed - before < children || s->child_up - s->child_down != children) {
		uint64_t now = s->child_rekeyed + s->child_up + s->child_down;

		(void)wait_events(d, false);
		if (now != seen)
			last_ms = now_ms();
		seen = now;
		if (now_ms() - last_ms > STALL_MS)
			break;
	}
	report(d, began_ms);
}

/* One peer after the other, so that no retransmission is waited for. */
static void knock(struct drive *d, unsigned peers)
{
	const struct ike_stats *s = ike_show_stats(d->ike);
	uint64_t before = s->child_rekeyed, began_ms = now_ms(), next_ms = began_ms;
	struct ike_event ev = {.type = IKE_EV_OPERATOR};
	char vpn[16];

	ev.operator_.op = IKE_OP_REKEY_CHILD;
	ev.operator_.filter.vpn = vpn;
	for (unsigned i = 0; s->child_rekeyed == before && now_ms() - began_ms < STALL_MS;) {
		if (now_ms() >= next_ms && i < peers) {
			(void)snprintf(vpn, sizeof vpn, "V%u", i++);
			feed(d, &ev);
			next_ms += KNOCK_MS;
		}
		(void)wait_events(d, false);
	}
	report(d, began_ms);
}

/* False at the end of input. */
static bool obey(struct drive *d, unsigned peers)
{
	char line[LINE_MAX_LEN];

	for (;;) {
		while (!wait_events(d, true))
			;
		if (!fgets(line, sizeof line, stdin))
			return false;
		if (strcmp(line, "rekey\n") == 0)
			rekey(d);
		else if (strcmp(line, "knock\n") == 0)
			knock(d, peers);
		else
			return true;
	}
}

static void start(struct drive *d, const char *path)
{
	struct ike_config config = {
		.env = random_env(), .iv_node = 1, .interface_id = interface_id};
	struct ike_event ev = {.type = IKE_EV_RG, .rg = {.rg = 0, .active = true, .epoch = 1}};
	struct complaints c = {0};
	char *text = drive_text(path);

	if (!text)
		die(path);
	if (crypto_new(&d->crypto) < 0 ||
		config_load(view_of(text, strlen(text)), CONFIG_STANDALONE, &d->model, &c) < 0) {
		fprintf(stderr, "%s: not a configuration\n", path);
		exit(1);
	}
	complaints_fini(&c);
	free(text);
	config.crypto = d->crypto;
	config.incarnation = (uint16_t)now_ms();
	if (d->proof.folder)
		config.credentials = &d->proof.face;
	ike_effects_init(&d->fx);
	if (ike_new(&config, d->model, &d->ike) < 0)
		exit(1);
	d->fd[0] = socket_open(500);
	d->fd[1] = socket_open(4500);
	feed(d, &ev);
	ev = (struct ike_event){.type = IKE_EV_RESTORE_DONE};
	feed(d, &ev);
}

int main(int argc, char **argv)
{
	struct drive d = {0};
	unsigned peers, warm, window;

	if (argc != 4 && argc != 5) {
		fprintf(stderr, "usage: ike_drive CONFIG PEERS WINDOW [CERTIFICATES]\n");
		return 2;
	}
	if (drive_proof_init(&d.proof, argc > 4 ? argv[4] : NULL) < 0)
		die(argv[4]);
	peers = (unsigned)strtoul(argv[2], NULL, 10);
	window = (unsigned)strtoul(argv[3], NULL, 10);
	warm = peers / 10;
	(void)setvbuf(stdin, NULL, _IONBF, 0); /* what is read is what was waited for */
	start(&d, argv[1]);
	for (unsigned i = 0; i < 2; i++) {
		uint64_t began_ms = now_ms();

		run(&d, i ? warm : 0, i ? peers : warm, window);
		report(&d, began_ms);
		if (!obey(&d, peers))
			break;
	}
	ike_free(d.ike);
	ike_effects_fini(&d.fx);
	drive_proof_fini(&d.proof);
	model_free(d.model);
	crypto_free(d.crypto);
	return 0;
}
