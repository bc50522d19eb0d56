#pragma once
/*
 * Command line of tandemd.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

struct args {
	const char *config, *run_dir, *state_dir, *dataplane, *punt, *control, *log;
	const char *keys_program, *keys_user; /* NULL: beside tandemd; nobody */
	char pki_dir[256];		      /* certificates, keys, CRLs: config/pki_dir.h */
	int node;			      /* -1: stand-alone */
	uint32_t cluster_id;
	bool debug;
};

/* 0, or the exit status after telling the user what is wrong. *done: --help was answered. */
int args_parse(int argc, char **argv, struct args *out, bool *done) MUST_CHECK;
