/* The generated initialisers cast constant strings. */
#pragma GCC diagnostic ignored "-Wcast-qual"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "cli/show.h"

/* Layouts to the column: docs call them the operator's contract. */

static uint8_t hub[] = {192, 0, 2, 1}, branch[] = {198, 51, 100, 2}, cell[] = {203, 0, 113, 140};

static ProtobufCBinaryData octets(uint8_t *p)
{
	return (ProtobufCBinaryData){4, p};
}

static Ctl__Endpoint endpoint(uint8_t *p, uint32_t port)
{
	Ctl__Endpoint e = CTL__ENDPOINT__INIT;

	e.address = octets(p);
	e.port = port;
	return e;
}

struct output {
	struct show s;
	char *text;
	size_t n;
	FILE *f;
};

static void open_output(struct output *o, enum action action, bool detail, bool json)
{
	struct command c = {.action = action};

	c.slot[SLOT_DETAIL].given = detail;
	o->f = open_memstream(&o->text, &o->n);
	assert_non_null(o->f);
	show_init(&o->s, o->f, &c, json);
}

static void add(struct output *o, Ctl__Response *r)
{
	assert_int_equal(show_part(&o->s, r, stderr), 0);
}

static void expect(struct output *o, const char *want)
{
	show_end(&o->s);
	(void)fclose(o->f);
	if (strcmp(o->text, want) != 0)
		fail_msg("got\n%s\nwanted\n%s", o->text, want);
	free(o->text);
}

static void expect_part(struct output *o, const char *want)
{
	show_end(&o->s);
	(void)fclose(o->f);
	if (!strstr(o->text, want))
		fail_msg("got\n%s\nwanted\n%s", o->text, want);
	free(o->text);
}

static Ctl__Response response(int32_t node)
{
	Ctl__Response r = CTL__RESPONSE__INIT;

	r.node = node;
	return r;
}

static Ctl__IkeSa ike_sa(uint32_t index, Ctl__Endpoint *local, Ctl__Endpoint *remote)
{
	Ctl__IkeSa sa = CTL__IKE_SA__INIT;

	sa.index = index;
	sa.up = true;
	sa.initiator_spi = 0x1f00a1b2c3d4e5f6;
	sa.responder_spi = 0x6f5e4d3c2b1a0099;
	sa.local = local;
	sa.remote = remote;
	return sa;
}

static void show_ike_brief(void **state)
{
	Ctl__Endpoint local = endpoint(hub, 500), remote = endpoint(branch, 500);
	Ctl__Endpoint other = endpoint(cell, 4500);
	Ctl__IkeSa a = ike_sa(4711, &local, &remote), b = ike_sa(12345678, &local, &other);
	Ctl__IkeSa *one[] = {&a}, *two[] = {&b};
	Ctl__IkeList list = CTL__IKE_LIST__INIT, more = CTL__IKE_LIST__INIT;
	Ctl__IkeList empty = CTL__IKE_LIST__INIT;
	Ctl__Response r = response(0);
	struct output o;

	(void)state;
	b.up = false;
	b.responder_spi = 0;
	b.exchange = CTL__EXCHANGE__EXCHANGE_AGGRESSIVE;
	list.n_sas = more.n_sas = 1;
	list.sas = one;
	more.sas = two;
	open_output(&o, ACTION_SHOW_IKE, false, false);
	r.body_case = CTL__RESPONSE__BODY_IKE;
	r.ike = &list;
	add(&o, &r);
	r.ike = &more; /* a second part of the same node: no second header */
	add(&o, &r);
	r.node = 1;
	r.ike = &empty;
	add(&o, &r);
	expect(&o, "node0:\n"
		   "--------------------------------------------------------------------------\n"
		   "Index   State  Initiator cookie  Responder cookie  Mode           Remote "
		   "Address\n"
		   "4711    UP     1f00a1b2c3d4e5f6  6f5e4d3c2b1a0099  IKEv2          "
		   "198.51.100.2\n"
		   "12345678 DOWN   1f00a1b2c3d4e5f6  0000000000000000  Aggressive     "
		   "203.0.113.140\n"
		   "\n"
		   "node1:\n"
		   "--------------------------------------------------------------------------\n"
		   "Index   State  Initiator cookie  Responder cookie  Mode           Remote "
		   "Address\n");
}

static void fill_ike_detail(Ctl__IkeSa *sa)
{
	sa->gateway = (char *)(uintptr_t) "GW-BRANCH";
	sa->expires_s = 27411;
	sa->reauth = true;
	sa->reauth_expires_s = 85011;
	sa->fragmentation = true;
	sa->fragment_size = 1200;
	sa->peer_id = (char *)(uintptr_t) "branch.example.net";
	sa->local_id = (char *)(uintptr_t) "hub.example.net";
	sa->integ = 12;
	sa->encr = 12;
	sa->key_bits = 256;
	sa->prf = 5;
	sa->dh = 14;
	sa->in_bytes = 2044;
	sa->out_bytes = 2188;
	sa->in_packets = sa->out_packets = 9;
	sa->children_created = 2;
}

/* The layout of the reference; who is not up is no active peer. */
static void show_ike_active_peer(void **state)
{
	Ctl__Endpoint local = endpoint(hub, 500), remote = endpoint(branch, 500);
	Ctl__IkeSa sa = ike_sa(4711, &local, &remote), down = ike_sa(4712, &local, &remote);
	Ctl__IkeSa *sas[] = {&sa, &down};
	Ctl__IkeList list = CTL__IKE_LIST__INIT;
	Ctl__Response r = response(-1);
	struct output o;

	(void)state;
	fill_ike_detail(&sa);
	sa.peer_certificate = (char *)(uintptr_t) "O=test, CN=branch";
	down.up = false;
	list.sas = sas;
	list.n_sas = 2;
	r.body_case = CTL__RESPONSE__BODY_IKE;
	r.ike = &list;
	open_output(&o, ACTION_SHOW_ACTIVE_PEER, false, false);
	add(&o, &r);
	expect(&o,
		"Remote Address                      Port     Peer IKE-ID                         "
		"AAA username                         Assigned IP\n"
		"198.51.100.2                        500      branch.example.net                  "
		"-                                    0.0.0.0\n");
	open_output(&o, ACTION_SHOW_ACTIVE_PEER, true, false);
	add(&o, &r);
	expect(&o, "Peer address: 198.51.100.2, Port: 500,\n"
		   "  Peer IKE-ID: branch.example.net,\n"
		   "  AAA username: -,\n"
		   "  Assigned network attributes:\n"
		   "   IP Address: 0.0.0.0\n"
		   "  Peer certificate: O=test, CN=branch\n"
		   "  Active IKE SA indexes: 4711\n"
		   "  IPSec tunnels active: 2\n");
}

static void show_ike_detail(void **state)
{
	Ctl__Endpoint local = endpoint(hub, 500), remote = endpoint(branch, 500);
	Ctl__IkeSa sa = ike_sa(4711, &local, &remote), *sas[] = {&sa};
	Ctl__Negotiation n = CTL__NEGOTIATION__INIT, *ns[] = {&n};
	Ctl__IkeList list = CTL__IKE_LIST__INIT;
	Ctl__Response r = response(-1);
	Ctl__Ha ha = CTL__HA__INIT;
	struct output o;

	(void)state;
	fill_ike_detail(&sa);
	sa.negotiations = ns;
	sa.n_negotiations = 1;
	n.type = (char *)(uintptr_t) "Quick mode";
	n.local = &local;
	n.remote = &remote;
	n.local_id = sa.local_id;
	n.remote_id = sa.peer_id;
	ha.group = 1;
	sa.ha = &ha;
	sa.rekeys_since_auth = 2;
	sa.reauth_frequency = 3;
	sa.next_send_mid = 14;
	sa.next_receive_mid = 3;
	list.sas = sas;
	list.n_sas = 1;
	r.body_case = CTL__RESPONSE__BODY_IKE;
	r.ike = &list;
	open_output(&o, ACTION_SHOW_IKE, true, false);
	add(&o, &r);
	expect(&o, "IKE peer 198.51.100.2, Index 4711, Gateway Name: GW-BRANCH\n"
		   "  Role: Initiator, State: UP\n"
		   "  Initiator cookie: 1f00a1b2c3d4e5f6, Responder cookie: 6f5e4d3c2b1a0099\n"
		   "  Exchange type: IKEv2, Authentication method: Pre-shared-keys\n"
		   "  Local: 192.0.2.1:500, Remote: 198.51.100.2:500\n"
		   "  Lifetime: Expires in 27411 seconds\n"
		   "  Reauth Lifetime: Expires in 85011 seconds\n"
		   "  IKE Fragmentation: Enabled, Size: 1200\n"
		   "  Remote Access Client Info: Unknown Client\n"
		   "  Peer ike-id: branch.example.net\n"
		   "  AAA assigned IP: 0.0.0.0\n"
		   "  HA: Redundancy group 1, Owner node0, Rekeys since authentication: 2 of 3, "
		   "Message ID send/receive: 14/3\n"
		   "  Algorithms:\n"
		   "   Authentication        : hmac-sha256-128\n"
		   "   Encryption            : aes256-cbc\n"
		   "   Pseudo random function: hmac-sha256\n"
		   "   Diffie-Hellman group  : DH-group-14\n"
		   "  Traffic statistics:\n"
		   "   Input  bytes  :                 2044\n"
		   "   Output bytes  :                 2188\n"
		   "   Input  packets:                    9\n"
		   "   Output packets:                    9\n"
		   "   Input  fragmentated packets:       0\n"
		   "   Output fragmentated packets:       0\n"
		   "  IPSec security associations: 2 created, 0 deleted\n"
		   "  Phase 2 negotiations in progress: 1\n"
		   "\n"
		   "    Negotiation type: Quick mode, Role: Initiator, Message ID: 0\n"
		   "    Local: 192.0.2.1:500, Remote: 198.51.100.2:500\n"
		   "    Local identity: hub.example.net\n"
		   "    Remote identity: branch.example.net\n"
		   "    Flags: IKE SA is created\n");
}

static Ctl__Sa child(bool outbound, uint32_t spi, uint32_t encr, uint32_t bits, uint32_t integ)
{
	Ctl__Sa sa = CTL__SA__INIT;

	sa.outbound = outbound;
	sa.spi = spi;
	sa.encr = encr;
	sa.key_bits = bits;
	sa.integ = integ;
	sa.hard_s = 2711;
	sa.soft_s = 2576;
	sa.replay_window = 256;
	return sa;
}

static void show_ipsec_brief(void **state)
{
	Ctl__Endpoint remote = endpoint(branch, 500), natted = endpoint(cell, 4500);
	Ctl__Sa a = child(false, 0x0a1b2c3d, 20, 256, 0), b = child(true, 0x7d6c5b4a, 20, 256, 0);
	Ctl__Sa c = child(false, 0x0a1b2c41, 12, 128, 12);
	Ctl__Sa *ab[] = {&a, &b}, *cs[] = {&c};
	Ctl__Tunnel t1 = CTL__TUNNEL__INIT, t2 = CTL__TUNNEL__INIT, *ts[] = {&t1, &t2};
	Ctl__IpsecList list = CTL__IPSEC_LIST__INIT;
	Ctl__Response r = response(-1);
	struct output o;

	(void)state;
	c.hard_s = 1804;
	c.kilobytes_limited = true;
	c.kilobytes_left = 63000;
	t1.index = 500001;
	t1.remote = &remote;
	t1.sas = ab;
	t1.n_sas = 2;
	t2.index = 500002;
	t2.remote = &natted;
	t2.sas = cs;
	t2.n_sas = 1;
	list.total_tunnels = 2;
	list.total_sas = 2;
	list.tunnels = ts;
	list.n_tunnels = 2;
	r.body_case = CTL__RESPONSE__BODY_IPSEC;
	r.ipsec = &list;
	open_output(&o, ACTION_SHOW_IPSEC, false, false);
	add(&o, &r);
	expect(&o, "  Total active tunnels: 2     Total Ipsec sas: 2\n"
		   "  ID      Algorithm       SPI      Life:sec/kb  Mon lsys Port  Gateway\n"
		   "  <500001 ESP:aes-gcm-256/None 0a1b2c3d 2711/ unlim - root 500 198.51.100.2\n"
		   "  >500001 ESP:aes-gcm-256/None 7d6c5b4a 2711/ unlim - root 500 198.51.100.2\n"
		   "  <500002 ESP:aes-cbc-128/sha256 0a1b2c41 1804/ 63000 - root 4500 "
		   "203.0.113.140\n");
}

struct tunnel {
	Ctl__Tunnel t;
	Ctl__Endpoint local, remote;
	Ctl__Range local_ts, remote_ts;
	Ctl__Range *locals[1], *remotes[1];
	Ctl__Sa in, out;
	Ctl__Sa *sas[2];
	Ctl__TunnelEvent event;
	Ctl__TunnelEvent *events[1];
};

static uint8_t net_low[] = {10, 10, 0, 0}, net_high[] = {10, 10, 0, 255};
static uint8_t far_low[] = {10, 20, 0, 0}, far_high[] = {10, 20, 0, 255};

static void fill_tunnel(struct tunnel *x)
{
	ctl__tunnel__init(&x->t);
	x->local = endpoint(hub, 500);
	x->remote = endpoint(branch, 500);
	ctl__range__init(&x->local_ts);
	x->local_ts.low = octets(net_low);
	x->local_ts.high = octets(net_high);
	x->local_ts.port_high = 65535;
	x->remote_ts = x->local_ts;
	x->remote_ts.low = octets(far_low);
	x->remote_ts.high = octets(far_high);
	x->locals[0] = &x->local_ts;
	x->remotes[0] = &x->remote_ts;
	x->in = child(false, 0x0a1b2c3d, 20, 256, 0);
	x->out = child(true, 0x7d6c5b4a, 20, 256, 0);
	x->sas[0] = &x->in;
	x->sas[1] = &x->out;
	ctl__tunnel_event__init(&x->event);
	x->event.unix_s = 1795252502;
	x->event.text = (char *)(uintptr_t) "IPSec SA negotiation successfully completed";
	x->event.count = 4;
	x->events[0] = &x->event;
	x->t.index = 500001;
	x->t.vpn = (char *)(uintptr_t) "VPN-BRANCH";
	x->t.selector = (char *)(uintptr_t) "TS1";
	x->t.local = &x->local;
	x->t.remote = &x->remote;
	x->t.local_ts = x->locals;
	x->t.remote_ts = x->remotes;
	x->t.n_local_ts = x->t.n_remote_ts = 1;
	x->t.ike_version = 2;
	x->t.df = CTL__DF_BIT__DF_COPY;
	x->t.bind_interface = (char *)(uintptr_t) "st0.10";
	x->t.negotiations = 4;
	x->t.flags = 0x2c608b29;
	x->t.configured_sas = x->t.negotiated_sas = 1;
	x->t.events = x->events;
	x->t.n_events = 1;
	x->t.sas = x->sas;
	x->t.n_sas = 2;
}

static const char detail_rest[] =
	"  Version: IKEv2\n"
	"  DF-bit: copy, Copy-Outer-DSCP Disabled, Bind-interface: st0.10\n"
	"  Port: 500, Nego#: 4, Fail#: 0, Def-Del#: 0 Flag: 0x2c608b29\n"
	"  Multi-sa, Configured SAs# 1, Negotiated SAs#: 1\n"
	"  HA: Redundancy group 1, Owner node0, Worker 3, Bucket 0x1a7\n"
	"  Tunnel events:\n"
	"    Sat Nov 21 2026 09:15:02 +0000: IPSec SA negotiation successfully completed (4 "
	"times)\n"
	"  Direction: inbound, SPI: 0a1b2c3d, AUX-SPI: 0\n"
	"                              , VPN Monitoring: -\n"
	"    Hard lifetime: Expires in 2711 seconds\n"
	"    Lifesize Remaining:  Unlimited\n"
	"    Soft lifetime: Expires in 2576 seconds\n"
	"    Mode: Tunnel(0 0), Type: dynamic, State: installed\n"
	"    Protocol: ESP, Authentication: None, Encryption: aes-gcm (256 bits)\n"
	"    Anti-replay service: counter-based enabled, Replay window size: 256\n"
	"  Direction: outbound, SPI: 7d6c5b4a, AUX-SPI: 0\n"
	"                              , VPN Monitoring: -\n"
	"    Hard lifetime: Expires in 2711 seconds\n"
	"    Lifesize Remaining:  Unlimited\n"
	"    Soft lifetime: Expires in 2576 seconds\n"
	"    Mode: Tunnel(0 0), Type: dynamic, State: installed\n"
	"    Protocol: ESP, Authentication: None, Encryption: aes-gcm (256 bits)\n"
	"    Anti-replay service: counter-based enabled, Replay window size: 256\n";

static void show_ipsec_detail(void **state)
{
	struct tunnel a, b;
	Ctl__Tunnel *ts[] = {&a.t, &b.t};
	Ctl__IpsecList list = CTL__IPSEC_LIST__INIT;
	Ctl__Response r = response(-1);
	Ctl__Ha ha = CTL__HA__INIT;
	char want[8192];
	struct output o;

	(void)state;
	fill_tunnel(&a);
	fill_tunnel(&b);
	b.t.selector = NULL;
	b.remote_ts.protocol = 6;
	b.remote_ts.port_low = b.remote_ts.port_high = 443;
	ha.group = 1;
	a.t.ha = b.t.ha = &ha;
	a.t.worker = b.t.worker = 3;
	a.t.bucket = b.t.bucket = 0x1a7;
	list.tunnels = ts;
	list.n_tunnels = 2;
	r.body_case = CTL__RESPONSE__BODY_IPSEC;
	r.ipsec = &list;
	open_output(&o, ACTION_SHOW_IPSEC, true, false);
	add(&o, &r);
	(void)snprintf(want, sizeof want,
		"ID: 500001 Virtual-system: root, VPN Name: VPN-BRANCH\n"
		"  Local Gateway: 192.0.2.1, Remote Gateway: 198.51.100.2\n"
		"  Traffic Selector Name: TS1\n"
		"  Local Identity: ipv4(10.10.0.0-10.10.0.255)\n"
		"  Remote Identity: ipv4(10.20.0.0-10.20.0.255)\n"
		"%s\n"
		"ID: 500001 Virtual-system: root, VPN Name: VPN-BRANCH\n"
		"  Local Gateway: 192.0.2.1, Remote Gateway: 198.51.100.2\n"
		"  Local Identity: ipv4_subnet(any:0,[0..7]=10.10.0.0/24)\n"
		"  Remote Identity: ipv4_subnet(tcp:443,[0..7]=10.20.0.0/24)\n"
		"%s",
		detail_rest, detail_rest);
	expect(&o, want);
}

/* UDP-006 */
static void show_ipsec_detail_udp_encapsulation(void **state)
{
	struct tunnel a;
	Ctl__Tunnel *ts[] = {&a.t};
	Ctl__IpsecList list = CTL__IPSEC_LIST__INIT;
	Ctl__Response r = response(-1);
	struct output o;

	(void)state;
	fill_tunnel(&a);
	a.t.udp_port = 4565;
	list.tunnels = ts;
	list.n_tunnels = 1;
	r.body_case = CTL__RESPONSE__BODY_IPSEC;
	r.ipsec = &list;
	open_output(&o, ACTION_SHOW_IPSEC, true, false);
	add(&o, &r);
	expect_part(&o, "\n  UDP encapsulate: Enabled, UDP Destination port: 4565\n");
}

static void show_statistics(void **state)
{
	Ctl__IpsecStatistics t = CTL__IPSEC_STATISTICS__INIT;
	Ctl__Response r = response(-1);
	struct output o;

	(void)state;
	t.esp_encrypted_bytes = 90412345;
	t.esp_decrypted_bytes = 81230044;
	t.esp_encrypted_packets = 70412;
	t.esp_decrypted_packets = 69977;
	t.replay_errors = 3;
	t.invalid_spi = 2;
	t.discarded = 5;
	r.body_case = CTL__RESPONSE__BODY_IPSEC_STATISTICS;
	r.ipsec_statistics = &t;
	open_output(&o, ACTION_SHOW_IPSEC_STATISTICS, false, false);
	add(&o, &r);
	expect(&o, "ESP Statistics:\n"
		   "  Encrypted bytes:         90412345\n"
		   "  Decrypted bytes:         81230044\n"
		   "  Encrypted packets:          70412\n"
		   "  Decrypted packets:          69977\n"
		   "AH Statistics:\n"
		   "  Input bytes:                    0\n"
		   "  Output bytes:                   0\n"
		   "  Input packets:                  0\n"
		   "  Output packets:                 0\n"
		   "Errors:\n"
		   "  AH authentication failures: 0, Replay errors: 3\n"
		   "  ESP authentication failures: 0, ESP decryption failures: 0\n"
		   "  Bad headers: 0, Bad trailers: 0\n"
		   "  Invalid SPI: 2, TS check fail: 0\n"
		   "  Exceeds tunnel MTU: 0\n"
		   "  Discarded: 5\n");
}

static void show_ike_counters(void **state)
{
	Ctl__IkeStatistics t = CTL__IKE_STATISTICS__INIT;
	Ctl__NamedCounter held = CTL__NAMED_COUNTER__INIT, *holds[] = {&held};
	Ctl__NamedCounter dropped = CTL__NAMED_COUNTER__INIT, *counters[] = {&dropped};
	Ctl__Response r = response(-1);
	struct output o;

	(void)state;
	held.name = (char *)(uintptr_t) "half_open";
	held.value = 3;
	dropped.name = (char *)(uintptr_t) "rx_malformed";
	dropped.value = 12;
	t.n_held = t.n_counters = 1;
	t.held = holds;
	t.counters = counters;
	r.body_case = CTL__RESPONSE__BODY_IKE_STATISTICS;
	r.ike_statistics = &t;
	open_output(&o, ACTION_SHOW_IKE_STATISTICS, false, false);
	add(&o, &r);
	expect(&o, "Held:\n"
		   "  half_open                       3\n"
		   "Counted:\n"
		   "  rx_malformed                   12\n");
}

static void show_cluster_status(void **state)
{
	Ctl__ClusterStatus c = CTL__CLUSTER_STATUS__INIT;
	Ctl__Group g = CTL__GROUP__INIT, *gs[] = {&g};
	Ctl__Member a = CTL__MEMBER__INIT, b = a, d = a, *ms[] = {&a, &b, &d};
	char *failures[] = {(char *)(uintptr_t) "CS"};
	Ctl__Response r = response(0);
	struct output o;

	(void)state;
	c.cluster_id = 1;
	c.groups = gs;
	c.n_groups = 1;
	g.id = 2;
	g.failovers = 2;
	g.members = ms;
	g.n_members = 3;
	a.status = CTL__NODE_STATUS__STATUS_SECONDARY;
	a.preempt = true;
	a.failures = failures;
	a.n_failures = 1;
	b.node = 1;
	b.priority = 255;
	b.status = CTL__NODE_STATUS__STATUS_PRIMARY;
	b.manual = true;
	d.node = 12;
	d.priority = 100;
	d.status = CTL__NODE_STATUS__STATUS_LOST;
	r.body_case = CTL__RESPONSE__BODY_CLUSTER;
	r.cluster = &c;
	open_output(&o, ACTION_SHOW_CLUSTER, false, false);
	add(&o, &r);
	expect(&o, "Monitor Failure codes:\n"
		   "    CS  Cold Sync monitoring        FL  Fabric Connection monitoring\n"
		   "    GR  GRES monitoring             HW  Hardware monitoring\n"
		   "    IF  Interface monitoring        IP  IP monitoring\n"
		   "    LB  Loopback monitoring         MB  Mbuf monitoring\n"
		   "    NH  Nexthop monitoring          NP  NPC monitoring\n"
		   "    SP  SPU monitoring              SM  Schedule monitoring\n"
		   "    CF  Config Sync monitoring      RE  Relinquish monitoring\n"
		   "    IS  IRQ storm\n"
		   "\n"
		   "Cluster ID: 1\n"
		   "Node   Priority Status               Preempt Manual   Monitor-failures\n"
		   "\n"
		   "Redundancy group: 2 , Failover count: 2\n"
		   "node0  0        secondary            yes     no       CS\n"
		   "node1  255      primary              no      yes      None\n"
		   "node12 0        lost                 n/a     n/a      n/a\n");
}

static void show_replication_state(void **state)
{
	Ctl__Replication rep = CTL__REPLICATION__INIT;
	Ctl__ReplicationGroup g = CTL__REPLICATION_GROUP__INIT, *gs[] = {&g};
	Ctl__ReplicationPeer p = CTL__REPLICATION_PEER__INIT, *ps[] = {&p};
	Ctl__Response r = response(-1);
	struct output o;

	(void)state;
	rep.groups = gs;
	rep.n_groups = 1;
	g.id = 1;
	g.epoch = 7;
	g.peers = ps;
	g.n_peers = 1;
	g.ike_sas = 211;
	g.ipsec_sas = 1841;
	g.leases = 12;
	g.digest = 0x5f3c91aa;
	p.node = 1;
	p.schema = 3;
	p.state = (char *)(uintptr_t) "synchronized";
	p.last_sent = 918233;
	p.last_applied = 918231;
	p.lag_ms = 4;
	p.snapshot = (char *)(uintptr_t) "complete";
	r.body_case = CTL__RESPONSE__BODY_REPLICATION;
	r.replication = &rep;
	open_output(&o, ACTION_SHOW_REPLICATION, false, false);
	add(&o, &r);
	expect(&o, "Redundancy group: 1, Owner: node0, Epoch: 7\n"
		   "  Peer    Schema  State        Last sent   Last applied  Lag(ms)  Snapshot\n"
		   "  node1   3       synchronized 918233      918231        4        complete\n"
		   "  IKE SAs: 211, IPsec SAs: 1841, Leases: 12, Digest: 5f3c91aa\n");
}

/* An error ends the answer; a clear that worked says nothing; a request says whose words. */
static void show_done_and_error(void **state)
{
	Ctl__Error error = CTL__ERROR__INIT;
	Ctl__Done done = CTL__DONE__INIT;
	Ctl__Response r = response(1);
	char *said = NULL;
	size_t n = 0;
	FILE *err = open_memstream(&said, &n);
	struct output o;

	(void)state;
	r.body_case = CTL__RESPONSE__BODY_DONE;
	r.done = &done;
	open_output(&o, ACTION_CLEAR_IKE, false, false);
	add(&o, &r);
	expect(&o, "");
	done.text = (char *)(uintptr_t) "Initiated manual failover for redundancy group 1";
	open_output(&o, ACTION_FAILOVER, false, false);
	add(&o, &r);
	expect(&o, "node1:\n"
		   "--------------------------------------------------------------------------\n"
		   "Initiated manual failover for redundancy group 1\n");
	r.body_case = CTL__RESPONSE__BODY_ERROR;
	r.error = &error;
	error.text = (char *)(uintptr_t) "Node 1 is already primary for redundancy group 1";
	open_output(&o, ACTION_FAILOVER, false, false);
	assert_int_equal(show_part(&o.s, &r, err), -ERR_WRONG_STATE);
	expect(&o, "");
	(void)fclose(err);
	assert_string_equal(said, "error: Node 1 is already primary for redundancy group 1\n");
	free(said);
}

/* A peer cannot write to the operator's terminal. */
static void show_escapes(void **state)
{
	Ctl__Endpoint local = endpoint(hub, 500), remote = endpoint(branch, 500);
	Ctl__IkeSa sa = ike_sa(1, &local, &remote), *sas[] = {&sa};
	Ctl__IkeList list = CTL__IKE_LIST__INIT;
	Ctl__Response r = response(-1);
	struct output o;

	(void)state;
	sa.peer_id = (char *)(uintptr_t) "a\x1b[2J\n\"b";
	list.sas = sas;
	list.n_sas = 1;
	r.body_case = CTL__RESPONSE__BODY_IKE;
	r.ike = &list;
	for (int json = 0; json < 2; json++) {
		open_output(&o, ACTION_SHOW_IKE, true, json);
		add(&o, &r);
		show_end(&o.s);
		(void)fclose(o.f);
		assert_null(strchr(o.text, '\x1b'));
		if (json)
			assert_non_null(strstr(o.text, "\"peer-id\": \"a\\u001b[2J\\u000a\\\"b\""));
		free(o.text);
	}
}

static void show_json(void **state)
{
	Ctl__ClusterStatus c = CTL__CLUSTER_STATUS__INIT;
	Ctl__Group g = CTL__GROUP__INIT, *gs[] = {&g};
	Ctl__Member a = CTL__MEMBER__INIT, *ms[] = {&a};
	Ctl__Response r = response(0);
	struct output o;

	(void)state;
	c.cluster_id = 1;
	c.groups = gs;
	c.n_groups = 1;
	g.epoch = 9;
	g.members = ms;
	g.n_members = 1;
	a.priority = 200;
	a.status = CTL__NODE_STATUS__STATUS_PRIMARY;
	r.body_case = CTL__RESPONSE__BODY_CLUSTER;
	r.cluster = &c;
	open_output(&o, ACTION_SHOW_CLUSTER, false, true);
	add(&o, &r);
	expect(&o, "{\n"
		   "  \"chassis-cluster\": [\n"
		   "    {\n"
		   "      \"cluster-id\": 1,\n"
		   "      \"redundancy-groups\": [\n"
		   "        {\n"
		   "          \"id\": 0,\n"
		   "          \"failover-count\": 0,\n"
		   "          \"epoch\": 9,\n"
		   "          \"nodes\": [\n"
		   "            {\n"
		   "              \"node\": 0,\n"
		   "              \"priority\": 200,\n"
		   "              \"status\": \"primary\",\n"
		   "              \"preempt\": false,\n"
		   "              \"manual\": false,\n"
		   "              \"monitor-failures\": []\n"
		   "            }\n"
		   "          ]\n"
		   "        }\n"
		   "      ]\n"
		   "    }\n"
		   "  ]\n"
		   "}\n");
	open_output(&o, ACTION_SHOW_IKE, false, true);
	expect(&o, "{\n  \"ike-security-associations\": []\n}\n");
}

static void show_interfaces_rows(void **state)
{
	char *two[] = {(char *)"192.0.2.1/24", (char *)"2001:db8::1/64"};
	uint8_t mac[] = {2, 0x54, 0x44, 0x4d, 1, 0};
	Ctl__Interface reth = CTL__INTERFACE__INIT, unit = CTL__INTERFACE__INIT;
	Ctl__Interface member = CTL__INTERFACE__INIT, *all[] = {&reth, &unit, &member};
	Ctl__InterfaceList list = CTL__INTERFACE_LIST__INIT;
	Ctl__Response r = CTL__RESPONSE__INIT;
	struct output o;

	(void)state;
	reth.name = (char *)"reth0";
	reth.admin_up = reth.link_up = unit.admin_up = unit.link_up = true;
	reth.mac = (ProtobufCBinaryData){6, mac};
	reth.in_packets = 12;
	unit.name = (char *)"reth0.0";
	unit.addresses = two;
	unit.n_addresses = 2;
	member.name = (char *)"ge-0/0/0.0";
	member.parent = (char *)"reth0.0";
	list.interfaces = all;
	list.n_interfaces = 3;
	r.node = 1;
	r.body_case = CTL__RESPONSE__BODY_INTERFACES;
	r.interfaces = &list;
	open_output(&o, ACTION_SHOW_INTERFACES, false, false);
	o.s.terse = true;
	add(&o, &r);
	expect(&o, "node1:\n"
		   "--------------------------------------------------------------------------\n"
		   "Interface               Admin Link Proto    Local                 Remote\n"
		   "reth0                   up    up\n"
		   "reth0.0                 up    up   inet     192.0.2.1/24\n"
		   "                                   inet6    2001:db8::1/64\n"
		   "ge-0/0/0.0              down  down aenet    --> reth0.0\n");
	open_output(&o, ACTION_SHOW_INTERFACES, false, false);
	add(&o, &r);
	expect(&o, "node1:\n"
		   "--------------------------------------------------------------------------\n"
		   "Physical interface: reth0, Enabled, Physical link is Up\n"
		   "  Current address: 02:54:44:4d:01:00\n"
		   "  Traffic statistics:\n"
		   "   Input  bytes  :                    0\n"
		   "   Output bytes  :                    0\n"
		   "   Input  packets:                   12\n"
		   "   Output packets:                    0\n"
		   "   Drops         :                    0\n"
		   "  Logical interface reth0.0\n"
		   "    Protocol inet, Local: 192.0.2.1/24\n"
		   "    Protocol inet6, Local: 2001:db8::1/64\n"
		   "  Logical interface ge-0/0/0.0\n"
		   "    Protocol aenet, AE bundle: reth0.0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(show_ike_brief),
		cmocka_unit_test(show_ike_active_peer),
		cmocka_unit_test(show_ike_detail),
		cmocka_unit_test(show_ipsec_brief),
		cmocka_unit_test(show_ipsec_detail),
		cmocka_unit_test(show_ipsec_detail_udp_encapsulation),
		cmocka_unit_test(show_statistics),
		cmocka_unit_test(show_ike_counters),
		cmocka_unit_test(show_cluster_status),
		cmocka_unit_test(show_replication_state),
		cmocka_unit_test(show_interfaces_rows),
		cmocka_unit_test(show_done_and_error),
		cmocka_unit_test(show_escapes),
		cmocka_unit_test(show_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
