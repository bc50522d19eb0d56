#pragma once
/*
 * Log lines with a stable event name and key=value text. The sink is handed in; without one, lines
 * are dropped (the sans-IO cores and unit tests need none).
 *
 * A line is for the operator: `ike.auth.failed reason="..." peer=...`. Never key octets. Text that
 * a peer chose goes through log_escape().
 */
#include <stdint.h>

#include "base/view.h"

enum log_level { LOG_LEVEL_ERR, LOG_LEVEL_WARN, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct log_sink {
	void (*line)(void *ctx, enum log_level level, const char *event, const char *text);
	void (*flush)(void *ctx); /* NULL: nothing is held back */
	void *ctx;
	enum log_level max;
};

/* What is said before the event on each line of an object: "gw=paris ike=5f..c1 peer=192.0.2.7". */
struct log_ctx {
	const struct log_sink *sink;
	char prefix[160];
};

void log_emit(const struct log_ctx *ctx, enum log_level level, const char *event, const char *fmt,
	...) PRINTF(4, 5);

/* Before anybody outside can see what lines tell of: a sink may hold them back until then. */
void log_flush(const struct log_ctx *ctx);

#define log_err(ctx, event, ...)    log_emit((ctx), LOG_LEVEL_ERR, (event), __VA_ARGS__)
#define log_warn(ctx, event, ...)   log_emit((ctx), LOG_LEVEL_WARN, (event), __VA_ARGS__)
#define log_notice(ctx, event, ...) log_emit((ctx), LOG_LEVEL_NOTICE, (event), __VA_ARGS__)
#define log_info(ctx, event, ...)   log_emit((ctx), LOG_LEVEL_INFO, (event), __VA_ARGS__)
#define log_debug(ctx, event, ...)  log_emit((ctx), LOG_LEVEL_DEBUG, (event), __VA_ARGS__)

/* Printable ASCII stays, anything else and quotes become \xNN; truncates. Returns out. */
char *log_escape(struct view v, char *out, size_t cap);
