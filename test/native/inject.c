// SPDX-License-Identifier: Apache-2.0
/*
 * Puts frames from standard input, each a u32 of its length and its bytes, onto an interface,
 * whatever they are: a test's sender. Usage: inject INTERFACE [MICROSECONDS_BETWEEN]
 * It keeps to the pace: what it could not send in time it makes up for.
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
#include <time.h>
#include <unistd.h>

static void wait_until(const struct timespec *start, uint64_t after_us)
{
	uint64_t ns = start->tv_nsec + after_us % 1000000 * 1000;
	struct timespec due = { .tv_sec = start->tv_sec + after_us / 1000000 + ns / 1000000000,
				.tv_nsec = ns % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
		;
}

int main(int count, char **arguments)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	static uint8_t frame[65536];
	uint32_t length, sent = 0;
	uint64_t pause = count > 2 ? strtoull(arguments[2], NULL, 10) : 0;
	struct timespec start;
	int fd;

	if (count < 2)
		return 2;
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	to.sll_ifindex = (int)if_nametoindex(arguments[1]);
	if (fd < 0 || to.sll_ifindex == 0) {
		perror("inject");
		return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
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
			wait_until(&start, sent * pause);
	}
	printf("%u\n", sent);
	return 0;
}
