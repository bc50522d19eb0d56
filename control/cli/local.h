#pragma once
/*
 * Commands that need no daemon: they read a configuration file, or tell what one may say.
 *
 *     check FILE [--node N]
 *     corosync-conf FILE --node N [--keyfile PATH] [--state-dir PATH] [--log-file PATH]
 *     format FILE [--set] [--mask]
 *     statements ["WORDS FROM THE TOP"]
 */
#include <stdbool.h>

/* Whether argv[0] is one of them; then *status is the exit status. */
bool local_main(int argc, char **argv, int *status);
