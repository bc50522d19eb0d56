#include "host/kernel_deaf.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_ROOM = 128, STRICT = 1 };

bool kernel_ifname_of(const char *device, char out[IF_NAMESIZE])
{
	const char *at = device && strncmp(device, "net_af_packet", 13) == 0
				 ? strstr(device, "iface=")
				 : NULL;
	size_t n = at ? strcspn(at + 6, ",") : 0;

	if (n == 0 || n >= IF_NAMESIZE)
		return false;
	memcpy(out, at + 6, n);
	out[n] = '\0';
	return true;
}

static void path_of(char out[PATH_ROOM], const char *family, const char *name, const char *what)
{
	(void)snprintf(out, PATH_ROOM, "/proc/sys/net/%s/conf/%s/%s", family, name, what);
}

/* -1: it cannot be read. */
static int setting(const char *family, const char *name, const char *what)
{
	char path[PATH_ROOM], said[16] = "";
	ssize_t n = -1;
	int fd;

	path_of(path, family, name, what);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, said, sizeof said - 1);
		(void)close(fd);
	}
	return n > 0 ? atoi(said) : -1;
}

/* Whether it was taken is asked afterwards. */
static void set_to_one(const char *family, const char *name, const char *what)
{
	char path[PATH_ROOM];
	int fd;

	if (setting(family, name, what) == 1)
		return;
	path_of(path, family, name, what);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)!write(fd, "1", 1);
	(void)close(fd);
}

int kernel_deafen(const char *name, const char **why)
{
	*why = NULL;
	set_to_one("ipv4", name, "rp_filter");
	set_to_one("ipv6", name, "disable_ipv6");
	if (setting("ipv4", name, "rp_filter") != STRICT)
		*why = "net.ipv4.conf: rp_filter cannot be set to 1";
	else if (setting("ipv4", "all", "rp_filter") > STRICT) /* the larger of the two counts */
		*why = "net.ipv4.conf.all.rp_filter is 2: it must be 0 or 1";
	else if (setting("ipv6", name, "disable_ipv6") == 0)
		*why = "net.ipv6.conf: disable_ipv6 cannot be set to 1";
	return *why ? -ERR_IO : 0;
}
