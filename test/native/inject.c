// SPDX-License-Identifier: Apache-2.0
/*
 * Puts frames from standard input, each a u32 of its length and its bytes, onto an interface,
 * whatever they are: a test's sender. Usage: inject INTERFACE [MICROSECONDS_BETWEEN]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char **arguments)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	static uint8_t frame[65536];
	uint32_t length, sent = 0;
	int fd, pause = count > 2 ? atoi(arguments[2]) : 0;

	if (count < 2)
		return 2;
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	to.sll_ifindex = (int)if_nametoindex(arguments[1]);
	if (fd < 0 || to.sll_ifindex == 0) {
		perror("inject");
		return 1;
	}
	while (fread(&length, sizeof(length), 1, stdin) == 1) {
		if (length > sizeof(frame) || fread(frame, 1, length, stdin) != length)
			return 2;
		/* Wait for room: a test counts what it sent. */
		while (sendto(fd, frame, length, 0, (struct sockaddr *)&to, sizeof(to)) < 0) {
			if (errno != ENOBUFS && errno != EAGAIN) {
				perror("inject");
				return 1;
			}
			usleep(100);
		}
		sent++;
		if (pause > 0)
			usleep(pause);
	}
	printf("%u\n", sent);
	return 0;
}
