#include "config/application.h"

#include <stddef.h>
#include <string.h>

enum { ICMP = 1, TCP = 6, UDP = 17, GRE = 47, ICMP6 = 58, OSPF = 89 };

/* clang-format off */
static const struct application rows[] = {
	{"junos-bgp", TCP, 179, 179},
	{"junos-dhcp-client", UDP, 68, 68},
	{"junos-dhcp-server", UDP, 67, 67},
	{"junos-discard", TCP, 9, 9},
	{"junos-dns-tcp", TCP, 53, 53},
	{"junos-dns-udp", UDP, 53, 53},
	{"junos-finger", TCP, 79, 79},
	{"junos-ftp", TCP, 21, 21},
	{"junos-gre", GRE, 0, 65535},
	{"junos-http", TCP, 80, 80},
	{"junos-http-ext", TCP, 7001, 7001},
	{"junos-https", TCP, 443, 443},
	{"junos-icmp-all", ICMP, 0, 65535},
	{"junos-icmp6-all", ICMP6, 0, 65535},
	{"junos-ident", TCP, 113, 113},
	{"junos-ike", UDP, 500, 500},
	{"junos-ike-nat", UDP, 4500, 4500},
	{"junos-imap", TCP, 143, 143},
	{"junos-imaps", TCP, 993, 993},
	{"junos-ldap", TCP, 389, 389},
	{"junos-l2tp", UDP, 1701, 1701},
	{"junos-mgcp-ca", UDP, 2727, 2727},
	{"junos-ms-sql", TCP, 1433, 1433},
	{"junos-nntp", TCP, 119, 119},
	{"junos-ntp", UDP, 123, 123},
	{"junos-ospf", OSPF, 0, 65535},
	{"junos-pop3", TCP, 110, 110},
	{"junos-pptp", TCP, 1723, 1723},
	{"junos-radacct", UDP, 1813, 1813},
	{"junos-radius", UDP, 1812, 1812},
	{"junos-rsh", TCP, 514, 514},
	{"junos-rtsp", TCP, 554, 554},
	{"junos-smtp", TCP, 25, 25},
	{"junos-smtps", TCP, 465, 465},
	{"junos-snmp-agentx", TCP, 705, 705},
	{"junos-sqlnet-v2", TCP, 1521, 1521},
	{"junos-ssh", TCP, 22, 22},
	{"junos-syslog", UDP, 514, 514},
	{"junos-tacacs", TCP, 49, 49},
	{"junos-tcp-any", TCP, 0, 65535},
	{"junos-telnet", TCP, 23, 23},
	{"junos-tftp", UDP, 69, 69},
	{"junos-udp-any", UDP, 0, 65535},
	{"junos-who", UDP, 513, 513},
	{"junos-whois", TCP, 43, 43},
};

/* clang-format on */

const struct application *application_find(const char *name)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}
