#pragma once
/*
 * Adding complaints; the struct itself is in config.h.
 */
#include <stdarg.h>

#include "config/config.h"

struct complaint_place {
	uint32_t line, column;
	const char *path, *statement;
};

/* The line, where known, is appended to the reason when it is printed. */
void complain(struct complaints *c, enum complaint_level level, struct complaint_place place,
	const char *fmt, ...) PRINTF(4, 5);
void complain_v(struct complaints *c, enum complaint_level level, struct complaint_place place,
	const char *fmt, va_list ap) PRINTF(4, 0);
