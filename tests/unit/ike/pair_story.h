#pragma once
/*
 * Two ends of a pair (pair.h) that authenticate by certificates of their own: the lines of their
 * configuration, and what is between making them and starting them.
 *
 * Life: story_of() .. story_start() .. story_end(); all between story_ca_setup() and
 * story_ca_teardown().
 */
#include "pair.h"
#include "pair_cert.h"

#define CERT_LINES                                                                                 \
	"set security pki ca-profile Root ca-identity Root\n"                                      \
	"set security ike policy IP certificate local-certificate me\n"                            \
	"set security ike policy IP certificate trusted-ca ca-profile Root\n"                      \
	"delete security ike policy IP pre-shared-key\n"
#define METHOD(m) "set security ike proposal P authentication-method " m "\n"
#define BY_NAME(own, peer)                                                                         \
	"set security ike gateway G local-identity hostname " own "\n"                             \
	"set security ike gateway G remote-identity hostname " peer "\n"

struct story {
	struct pair *p;
	struct pair_cert *a, *b;
	struct pair_side side_a, side_b;
};

/* The CAs of all of a program's stories, from its group's setup to its teardown. */
extern struct pair_ca story_ca;

int story_ca_setup(void **state);
int story_ca_teardown(void **state);
/* Two ends that are not started yet, with those more lines; certified by story_ca. */
struct story story_of(enum pair_key key, const char *extra_a, const char *extra_b);
void story_start(struct story *s);
void story_end(struct story *s);
