#pragma once
/*
 * Executors of the engine's SIGN and TRUST jobs: signatures are made by tandem-keys
 * (keys_client.h), certificates are judged where offload.h says.
 *
 * Life: a job comes from an effect and goes back as an event (SIGNED, TRUSTED); runner.signing
 * counts those that tandem-keys has. Thread: the loop, and the pool's for the work itself.
 */
struct runner;
struct ike_sign_job;
struct ike_trust_job;

void sign_work(struct runner *r, struct ike_sign_job *job);
void trust_work(struct runner *r, struct ike_trust_job *job);
