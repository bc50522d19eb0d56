#pragma once
/*
 * The world of bench-esp: a node with a tunnel and many SAs, frames in memory, a port that gives
 * them and one that throws away, and slices of the packets' way through it.
 *
 * Life: bench_init() .. bench_fini(); one at a time. Thread: the caller's, slices start their own.
 */
#include <stdint.h>

#include "core/ip4.h"
#include "esp_stage.h"
#include "worker.h"

enum {
	SLICE = 2048, /* packets, or as many as there are SAs */
	FRAME_MAX = 1600,
	IMIX = 0, /* 7 : 4 : 1 of 64, 576 and 1400 octets */
	GW_OUT = (int)0xc0000201,
	PEER = (int)0xc0000209,
	GW_IN = 0x0a010001,
	HOST = 0x0a01000a,
	FAR_NET = 0x0b000000, /* each SA has 16 addresses of it */
	PER_SA = 16,
	BUCKET_BITS = 10,
};

enum dir { OUT, IN };

struct frame {
	uint32_t len;
	uint8_t *b;
};

struct kind {
	const char *name;
	uint32_t encr, key_bits, integ;
};

struct row {
	const struct kind *suite;
	enum dir dir;
	uint32_t bytes, sas, workers;
	bool shuffled;
	double min, median, bare_min, bare_median, peer;
	double stages[STAGES]; /* 0: not watched */
	double resident; /* octets an SA pair, with its place in the SAD; 0: too few to tell */
};

enum { LANES = 2 };

/* A worker and what its receiving port gives it, over and over. */
struct lane {
	struct worker *w;
	uint8_t *room; /* of the frames */
	struct frame *frames;
	uint32_t n_frames, at;
};

struct bench {
	struct shared sh;
	uint32_t n_lanes;
	struct lane lanes[LANES];
	struct port ports[2];
	struct suite_engine *engine; /* of the thread that installs */
	struct sa **sas;
	uint32_t n_sas;
	struct policy_sas *policies;
	uint16_t rx_port;
	uint64_t resident; /* octets that came with the SAs */
};

void must(bool ok, const char *what);
void bench_init(struct bench *b, const struct suite *suite, uint32_t n_sas, uint32_t workers);
void bench_fini(struct bench *b);
/* Until all workers have been between two bursts. */
void bench_grace(struct bench *b);
/* Installs the i-th SA; the caller's thread alone does such things. */
struct sa *bench_sa(struct bench *b, const struct suite *suite, uint32_t i);
/* What lane `lane` receives in a slice of such a row. */
void make_frames(struct bench *b, uint32_t lane, const struct row *row);
/* One slice through everything: the slowest worker's cycles a packet. */
double slice_whole(struct bench *b, enum dir dir);
/* Only the cipher, of packets of the same lengths. */
double slice_bare(struct bench *b, enum dir dir, uint32_t bytes);
/* Frame sizes of a mixture, in turn. */
uint32_t size_of(uint32_t bytes, uint32_t i);
/* From here on slices tell their stages; the plain ones are disturbed by it. */
void bench_watch(struct bench *b);
/* One slice: cycles a packet for each stage. One lane. */
void slice_stages(struct bench *b, enum dir dir, double *out);
