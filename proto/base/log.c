#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void log_emit(
	const struct log_ctx *ctx, enum log_level level, const char *event, const char *fmt, ...)
{
	char text[1024];
	size_t n = 0;
	va_list ap;

	if (!ctx || !ctx->sink || !ctx->sink->line || level > ctx->sink->max)
		return;
	if (ctx->prefix[0] != '\0')
		n = (size_t)snprintf(text, sizeof text, "%s ", ctx->prefix);
	va_start(ap, fmt);
	(void)vsnprintf(text + n, sizeof text - n, fmt, ap);
	va_end(ap);
	ctx->sink->line(ctx->sink->ctx, level, event, text);
}

void log_flush(const struct log_ctx *ctx)
{
	if (ctx && ctx->sink && ctx->sink->flush)
		ctx->sink->flush(ctx->sink->ctx);
}

char *log_escape(struct view v, char *out, size_t cap)
{
	size_t at = 0;

	if (cap == 0)
		return out;
	for (size_t i = 0; i < v.n && at + 5 <= cap; i++) {
		uint8_t c = v.p[i];

		if (c > 0x20 && c < 0x7f && c != '"' && c != '\\')
			out[at++] = (char)c;
		else
			at += (size_t)snprintf(out + at, cap - at, "\\x%02x", c);
	}
	out[at] = '\0';
	return out;
}
