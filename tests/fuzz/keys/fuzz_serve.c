/* Frames of keys.proto to the service, in this process and without its walls: it answers or ends.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "keys/serve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct serve s = {0};
	int pair[2];

	/* What fits into the socket's buffer at once. */
	if (n > 16384 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return 0;
	if (write(pair[0], data, n) == (ssize_t)n && shutdown(pair[0], SHUT_WR) == 0 &&
		serve_init(&s, pair[1]) == 0) {
		while (serve_once(&s) > 0)
			;
		serve_fini(&s);
	} else {
		(void)close(pair[1]);
	}
	(void)close(pair[0]);
	return 0;
}
