#include "cli/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"
#include "base/secret.h"

bool passphrase_is_needed(struct view key)
{
	static const char *const words[] = {
		"BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (key.n != 0 && memmem(key.p, key.n, words[i], strlen(words[i])))
			return true;
	return false;
}

int passphrase_read(int fd, struct blob *out)
{
	char text[PASSPHRASE_MAX + 1];
	size_t n = 0;
	int rc = 0;

	/* One by one: what follows the line is somebody else's. */
	while (rc == 0) {
		ssize_t got = read(fd, text + n, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			rc = -ERR_IO;
		if (got <= 0 || text[n] == '\n')
			break;
		if (++n > PASSPHRASE_MAX)
			rc = -ERR_LIMIT;
	}
	if (n != 0 && text[n - 1] == '\r')
		n--;
	text[n] = '\0';
	if (rc == 0)
		rc = blob_copy(view_of(text, n + 1), out);
	secret_wipe(text, sizeof text);
	return rc;
}

int passphrase_ask(const char *question, struct blob *out)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY), rc;
	struct termios before, quiet;
	sigset_t all, was;

	if (tty < 0)
		return -ERR_NOT_FOUND;
	if (tcgetattr(tty, &before) != 0) {
		(void)close(tty);
		return -ERR_NOT_FOUND;
	}
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	/* An interrupt meanwhile would leave the terminal mute: it waits until the line is in. */
	(void)sigemptyset(&all);
	(void)sigaddset(&all, SIGINT);
	(void)sigaddset(&all, SIGTERM);
	(void)sigaddset(&all, SIGTSTP);
	(void)sigprocmask(SIG_BLOCK, &all, &was);
	(void)tcsetattr(tty, TCSAFLUSH, &quiet);
	(void)!write(tty, question, strlen(question));
	rc = passphrase_read(tty, out);
	(void)!write(tty, "\n", 1);
	(void)tcsetattr(tty, TCSAFLUSH, &before);
	(void)sigprocmask(SIG_SETMASK, &was, NULL);
	(void)close(tty);
	return rc;
}
