#pragma once
/*
 * Octets into an open file. No state; the descriptor stays its caller's. Any thread.
 */
#include "base/view.h"

/* All of v, however many calls it takes. -ERR_IO; how much arrived is not known then. */
int file_write(int fd, struct view v) MUST_CHECK;
