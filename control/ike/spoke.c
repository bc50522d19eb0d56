#include "ike/spoke.h"

#include <stdlib.h>

#include "base/emit.h"
#include "base/err.h"
#include "ike/engine.h"
#include "ike/fsm.h"

#define DRAWS	     64
#define NUMBER_FIRST 1000000 /* below are the numbers that operators see of configured tunnels */
#define WHO_MAX	     1024
#define QUIET_MS     1000

/* ---------------------------------------------------------------- who */

/* Host names are the same in either case. */
static uint8_t folded(uint8_t type, uint8_t c)
{
	return type == ID_FQDN && c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* What two connections of one peer have in common. */
static int who_of(
	const struct ike_sa *sa, enum model_user_type type, uint8_t room[WHO_MAX], struct view *out)
{
	struct emit e = emit_to(room, WHO_MAX);

	emit_u8(&e, sa->remote_id.type);
	if (type == MODEL_USER_SHARED) {
		emit_u8(&e, sa->remote.addr.family);
		emit_bytes(&e, sa->remote.addr.b, addr_len(&sa->remote.addr));
		emit_be16(&e, sa->remote.port);
	}
	for (size_t i = 0; i < sa->remote_id.data.n; i++)
		emit_u8(&e, folded(sa->remote_id.type, sa->remote_id.data.p[i]));
	return emit_done(&e, out);
}

static struct gateway *find(const struct gateway *parent, struct view who)
{
	struct gateway *s;

	HASH_FIND(of_parent, parent->spokes, who.p, who.n, s);
	return s;
}

static bool number_is_free(struct ike *ike, uint32_t n)
{
	struct gateway *s;

	HASH_FIND(by_number, ike->spokes, &n, sizeof n, s);
	return n != 0 && !s;
}

static uint32_t draw(struct ike *ike, uint32_t rg)
{
	uint32_t low = env_random32(&ike->cfg.env) & 0xffffff;

	return (rg & 0xff) << 24 | MAX(low, (uint32_t)NUMBER_FIRST);
}

static struct gateway *spoke_new(
	struct ike *ike, struct gateway *parent, struct view who, uint32_t number)
{
	struct gateway *s = calloc(1, sizeof *s);

	if (!s || blob_copy(who, &s->who) < 0) {
		free(s);
		return NULL;
	}
	for (int i = 0; i < DRAWS && !number_is_free(ike, number); i++)
		number = draw(ike, parent->model->rg);
	if (!number_is_free(ike, number)) {
		blob_fini(&s->who);
		free(s);
		return NULL;
	}
	s->number = number;
	s->name = parent->name;
	s->parent = parent;
	s->model = parent->model;
	s->listed = true;
	list_init(&s->sas);
	list_init(&s->tunnels);
	list_init(&s->idle);
	list_add_tail(&ike->idle_spokes, &s->idle); /* until the end of the step at least */
	HASH_ADD_KEYPTR(of_parent, parent->spokes, s->who.p, s->who.n, s);
	HASH_ADD(by_number, ike->spokes, number, sizeof s->number, s);
	return s;
}

/* ---------------------------------------------------------------- connections */

bool spoke_is_connected(const struct gateway *spoke)
{
	const struct ike_sa *sa;

	list_foreach (sa, &spoke->sas, of_gw)
		if (sa_is_open(sa))
			return true;
	return false;
}

uint32_t spokes_connected(const struct gateway *parent)
{
	uint32_t n = 0;

	for (const struct gateway *s = parent->spokes; s; s = s->of_parent.next)
		n += spoke_is_connected(s);
	return n;
}

static bool is_full(const struct gateway *parent)
{
	/* Those that are on their way out count among all, but not here. */
	return HASH_CNT(of_parent, parent->spokes) >= parent->model->connections_limit &&
	       spokes_connected(parent) >= parent->model->connections_limit;
}

/* Somebody else, as far as can be told: the same one may come again from where it was, after a
 * restart or to authenticate anew. */
static const struct ike_sa *elsewhere(const struct gateway *spoke, const struct ike_sa *than)
{
	const struct ike_sa *sa;

	list_foreach (sa, &spoke->sas, of_gw)
		if (sa != than && sa_is_open(sa) &&
			!addr_equal(&sa->remote.addr, &than->remote.addr))
			return sa;
	return NULL;
}

/* Who has the key can knock as often as he likes: a line a second for a gateway, and a count. */
static bool may_speak(struct ike *ike, struct gateway *parent)
{
	if (ike->now_ms < parent->quiet_until_ms) {
		parent->unspoken++;
		return false;
	}
	parent->quiet_until_ms = ike->now_ms + QUIET_MS;
	return true;
}

static int refused(struct ike *ike, struct ike_sa *sa, struct gateway *parent, int rc)
{
	char id[IDENT_TEXT_MAX];

	if (rc == -ERR_LIMIT)
		ike->stats.peers_over_limit++;
	else
		ike->stats.peers_duplicate++;
	if (may_speak(ike, parent)) {
		sa_warn(ike, sa, "peer.refused", "reason=\"%s\" peer-id=\"%s\" unspoken=%u",
			rc == -ERR_LIMIT ? "connections-limit is reached"
					 : "this identity is connected from elsewhere",
			ident_text(&sa->remote_id, id), parent->unspoken);
		parent->unspoken = 0;
	}
	return rc;
}

int spoke_join(struct ike *ike, struct ike_sa *sa)
{
	struct gateway *parent = sa->gw, *s;
	uint8_t room[WHO_MAX];
	struct view who;
	int rc;

	if (!parent || !parent->model->dynamic || parent->parent)
		return 0;
	rc = who_of(sa, parent->model->user_type, room, &who);
	if (rc < 0)
		return rc;
	s = find(parent, who);
	if (s && parent->model->reject_duplicate && elsewhere(s, sa))
		return refused(ike, sa, parent, -ERR_EXISTS);
	if (!(s && spoke_is_connected(s)) && is_full(parent))
		return refused(ike, sa, parent, -ERR_LIMIT);
	if (!s)
		s = spoke_new(ike, parent, who, 0);
	if (!s)
		return -ERR_NOMEM;
	sa_attach(ike, sa, s);
	return 0;
}

void spoke_established(struct ike *ike, struct ike_sa *sa)
{
	struct ike_sa *other, *next;

	if (!sa->gw || !sa->gw->parent)
		return;
	list_foreach_safe (other, next, &sa->gw->sas, of_gw) {
		if (other == sa || !sa_is_open(other) ||
			addr_equal(&other->remote.addr, &sa->remote.addr))
			continue;
		ike->stats.peers_replaced++;
		if (may_speak(ike, sa->gw->parent))
			sa_info(ike, other, "peer.replaced",
				"reason=\"the same identity has come from elsewhere\"");
		(void)fsm_on(ike, other, ON_LINGER);
	}
}

int spoke_restore(struct ike *ike, struct ike_sa *sa, uint32_t number)
{
	struct gateway *parent = sa->gw, *s;
	uint8_t room[WHO_MAX];
	struct view who;
	int rc;

	if (!parent || !parent->model->dynamic || parent->parent || sa->remote_id.type == 0)
		return 0;
	rc = who_of(sa, parent->model->user_type, room, &who);
	if (rc < 0)
		return rc;
	s = find(parent, who);
	if (!s)
		s = spoke_new(ike, parent, who, number);
	if (!s)
		return -ERR_NOMEM;
	sa_attach(ike, sa, s);
	return 0;
}

/* ---------------------------------------------------------------- tunnels */

struct tunnel *spoke_tunnel_find(const struct gateway *gw, struct tunnel *configured)
{
	struct tunnel *t;

	if (!gw->parent)
		return configured;
	list_foreach (t, &gw->tunnels, of_gw)
		if (t->of == configured)
			return t;
	return NULL;
}

struct tunnel *spoke_tunnel(
	struct ike *ike, struct gateway *gw, struct tunnel *configured, uint32_t policy_id)
{
	struct tunnel *t = spoke_tunnel_find(gw, configured);

	if (t)
		return t;
	for (int i = 0; i < DRAWS && (policy_id == 0 || tunnel_find(ike, policy_id)); i++)
		policy_id = draw(ike, gw->model->rg);
	if (tunnel_find(ike, policy_id))
		return NULL;
	return tunnel_new_for(ike, gw, configured, policy_id);
}

/* ---------------------------------------------------------------- life */

void spoke_free(struct ike *ike, struct gateway *spoke)
{
	struct tunnel *t, *next;

	list_foreach_safe (t, next, &spoke->tunnels, of_gw)
		tunnel_drop(ike, t);
	list_del(&spoke->idle);
	HASH_DELETE(of_parent, spoke->parent->spokes, spoke);
	HASH_DELETE(by_number, ike->spokes, spoke);
	blob_fini(&spoke->who);
	free(spoke);
}

void spokes_bury(struct ike *ike)
{
	struct gateway *s, *next;

	list_foreach_safe (s, next, &ike->idle_spokes, idle) {
		list_del(&s->idle);
		if (list_is_empty(&s->sas))
			spoke_free(ike, s);
	}
}
