#include "drops.h"

static struct ip_frame esp_to_us(void)
{
	struct ip_frame x = frame_to_us(IP_ESP, 60);

	store_be32(x.f + 34, WAY_SPI_IN);
	return x;
}

static void bucket_on_its_way_for_too_long(struct shot *s)
{
	struct ip_frame x = esp_to_us();

	s->y->w->holding = s->y->sa->bucket;
	aim(s);
	for (int i = 0; i < 8193; i++)
		way_receive(s->y, 0, way_packet(x.f, x.n, 0));
}

static void left_in_a_ring_of_a_thread_that_ended(struct shot *s)
{
	struct ip_frame x = esp_to_us();
	struct pkt *p = way_packet(x.f, x.n, 0);

	aim(s);
	(void)ring_put(&s->y->w->api_in, &p);
	worker_clear(s->y->w);
}

/* The SA is the clone's now: who was robbed in this burst leaves it alone. */
static void with_an_sa_that_was_cloned(struct shot *s)
{
	struct ip_frame x = esp_to_us();

	s->y->sa->out.cloned = 1;
	fire_frame(s, 0, &x);
}

/* An epoch that came after it was robbed is not entered. */
static void in_an_epoch_after_it_was_robbed(struct shot *s)
{
	uint8_t plain[52] = {0}, f[256];
	size_t n = way_seal(s->y, 1, view_of_array(plain), false, f);

	s->y->sa->out.entered = false;
	atomic_store(&s->y->w->revoked, true);
	fire(s, 0, f, n);
}

/* Found hung in the middle of a burst: what it opens when it wakes may be the clone's already. */
static struct suite slow;
static const struct suite *fast;
static struct worker *robbed;

static void open_and_be_robbed(
	const struct suite *s, struct suite_engine *e, struct suite_op *ops, uint32_t n)
{
	(void)s;
	fast->open(fast, e, ops, n);
	atomic_store(&robbed->revoked, true);
}

static void in_the_middle_of_its_burst(struct shot *s)
{
	uint8_t plain[52] = {0}, f[256];
	size_t n;

	ip4_put(plain, &(struct ip4_make){WAY_FAR, WAY_HOST, 50, 1, 0, IP_UDP, 9, 0});
	plain[51] = ESP_NEXT_IPV4;
	n = way_seal(s->y, 1, view_of_array(plain), false, f);
	fast = s->y->sa->suite;
	slow = *fast;
	slow.open = open_and_be_robbed;
	robbed = s->y->w;
	s->y->sa->suite = &slow;
	fire(s, 0, f, n);
	s->y->sa->suite = fast;
}

static const struct drop_case cases[] = {
	{STAT_DROP_MOVE_QUEUE, "one packet too many for a bucket on its way",
		bucket_on_its_way_for_too_long},
	{STAT_DROP_WORKER_GONE, "a packet for a thread that ended",
		left_in_a_ring_of_a_thread_that_ended},
	{STAT_DROP_WORKER_REVOKED, "an SA that was cloned", with_an_sa_that_was_cloned},
	{STAT_DROP_WORKER_REVOKED, "opened when it was robbed", in_the_middle_of_its_burst},
	{STAT_DROP_WORKER_REVOKED, "an epoch after it was robbed", in_an_epoch_after_it_was_robbed},
};

struct drop_cases drops_workers(void)
{
	return (struct drop_cases){cases, ARRAY_LEN(cases)};
}
