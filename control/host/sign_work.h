#pragma once
/*
 * Executors of the engine's SIGN and TRUST jobs in libuv's thread pool: the key is in this process,
 * and revocation is not asked for.
 *
 * Life: a job comes from an effect and goes back as an event (SIGNED, TRUSTED); runner.kex_running
 * counts those that are out. Thread: the loop, and the pool's for the work itself.
 */
struct runner;
struct ike_sign_job;
struct ike_trust_job;

void sign_work(struct runner *r, struct ike_sign_job *job);
void trust_work(struct runner *r, struct ike_trust_job *job);
