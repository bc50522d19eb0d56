#pragma once
/*
 * Small files that must survive a power loss: written beside, synced, renamed, directory synced.
 */
#include "base/view.h"

/* Whole file into an owned blob; -ERR_NOT_FOUND when it does not exist, -ERR_LIMIT above max. */
int store_file_read(const char *path, size_t max, struct blob *out) MUST_CHECK;
int store_file_write(const char *path, struct view data) MUST_CHECK;
