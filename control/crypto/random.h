#pragma once
/*
 * Random octets for daemons, from getrandom(2): the `struct env` to inject into the sans-IO cores.
 * Never fails: a kernel that refuses is a reason to abort. Any thread.
 */
#include "base/env.h"

struct env random_env(void);
