#pragma once
/*
 * One question to tandem-keys on its way. Inside of keys_client.c and keys_process.c.
 *
 * Life: keys_job_new() .. keys_job_free(), in one of the client's lists in between. Owns its frame,
 * which is wiped, and its file.
 */
#include "host/keys_client.h"

struct keys_job {
	struct list link;
	uint64_t id;
	Keys__Request__JobCase kind;
	char *key_id, *uri; /* uri: to keep when it went well; else NULL */
	struct blob frame;
	size_t sent;
	int file;   /* goes along; -1: none */
	bool keeps; /* the file is a new key: renamed when it went well, else removed */
	unsigned tries;
	int rc;		   /* ended without the process */
	uint64_t since_ms; /* sent */
	keys_done_fn *done;
	void *ctx;
};

/* Takes the file. NULL: no memory (the file is closed then). */
struct keys_job *keys_job_new(struct keys_client *k, const char *key_id, int file);
/* Packs r, whose id and files are filled in. */
int keys_job_pack(struct keys_job *j, Keys__Request *r) MUST_CHECK;
void keys_job_free(struct keys_job *j);
/* To the process, or, with rc < 0, back to whoever asked as soon as the loop turns. */
void keys_job_post(struct keys_client *k, struct keys_job *j, int rc);
/* A question that loads the key of the store; *out may be NULL with the reason returned. */
int keys_job_load(struct keys_client *k, const char *key_id, struct keys_job **out) MUST_CHECK;
/* What follows from an answer: files kept or removed, whoever asked told. Frees j. */
void keys_job_end(struct keys_client *k, struct keys_job *j, int rc, const Keys__Response *r);

/* keys_process.c */
void keys_process_turn(uv_prepare_t *turn);
/* Its library must be known to the process; starts a new one if it is not. */
int keys_process_module(struct keys_client *k, const char *path) MUST_CHECK;
void keys_process_find_modules(struct keys_client *k);
bool keys_process_is_asked(struct keys_client *k, const char *key_id);
void keys_process_forget_asked(struct keys_client *k, const char *key_id);
void keys_process_kill(struct keys_client *k);
