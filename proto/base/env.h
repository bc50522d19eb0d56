#pragma once
/*
 * The outside world as the sans-IO cores see it: random octets, and nothing else. Time arrives with
 * each event. A daemon injects getrandom(2); a simulation a seeded generator.
 */
#include <stddef.h>
#include <stdint.h>

struct env {
	void (*random)(void *ctx, void *out, size_t n);
	void *ctx;
};

static inline void env_random(const struct env *env, void *out, size_t n)
{
	env->random(env->ctx, out, n);
}

static inline uint32_t env_random32(const struct env *env)
{
	uint32_t v;

	env_random(env, &v, sizeof v);
	return v;
}

static inline uint64_t env_random64(const struct env *env)
{
	uint64_t v;

	env_random(env, &v, sizeof v);
	return v;
}
