/*
 * An Ethernet link that loses and delays frames, for kernels without netem: one end is a tap in the
 * network namespace of a member, the other a tap in that of the hub. Taps offload nothing, so that
 * every frame is whole, with its checksums.
 *
 * bad-link MEMBER_NAMESPACE HUB_NAMESPACE HUB_NAME LOSS_PERCENT DELAY_MS SEED
 *
 * Each way loses and delays by itself. Prints a line once both ends are there, and ends with its
 * standard input, saying then how many frames were carried and lost.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { waiting_most = 4096, frame_most = 2048 };

struct frame {
  long long due_ms;
  int to;
  int length;
  unsigned char bytes[frame_most];
};

static struct frame waiting[waiting_most];

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static int open_tap(const char *namespace, const char *name) {
  char path[256];
  snprintf(path, sizeof path, "/run/netns/%s", namespace);
  int there = open(path, O_RDONLY | O_CLOEXEC);
  if (there < 0 || setns(there, CLONE_NEWNET) != 0) fail(path);
  close(there);
  int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (tap < 0) fail("/dev/net/tun");
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  if (ioctl(tap, TUNSETIFF, &request) != 0) fail("TUNSETIFF");
  return tap;
}

static long long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int main(int count, char **words) {
  if (count != 7) {
    fprintf(stderr, "bad-link MEMBER_NAMESPACE HUB_NAMESPACE HUB_NAME LOSS_PERCENT DELAY_MS SEED\n");
    return 2;
  }
  int taps[2] = {open_tap(words[1], "eth0"), open_tap(words[2], words[3])};
  long loss_percent = atol(words[4]), delay_ms = atol(words[5]);
  srandom((unsigned)atol(words[6]));
  puts("up");
  fflush(stdout);

  unsigned long first = 0, last = 0, carried = 0, lost = 0;
  for (;;) {
    long long wait_ms = first == last ? -1 : waiting[first % waiting_most].due_ms - now_ms();
    struct pollfd polled[3] = {{.fd = taps[0], .events = POLLIN},
                               {.fd = taps[1], .events = POLLIN},
                               {.fd = STDIN_FILENO, .events = POLLIN}};
    int timeout_ms = first == last ? -1 : wait_ms < 0 ? 0 : (int)wait_ms;
    if (poll(polled, 3, timeout_ms) < 0 && errno != EINTR) fail("poll");
    if (polled[2].revents != 0) break;
    for (int from = 0; from < 2; from++) {
      for (;;) {
        unsigned char bytes[frame_most];
        ssize_t length = read(taps[from], bytes, sizeof bytes);
        if (length <= 0) break;
        /* A queue that is full loses what comes, as a router's does. */
        if (random() % 100 < loss_percent || last - first == waiting_most) {
          lost++;
          continue;
        }
        struct frame *frame = &waiting[last++ % waiting_most];
        frame->due_ms = now_ms() + delay_ms;
        frame->to = 1 - from;
        frame->length = (int)length;
        memcpy(frame->bytes, bytes, (size_t)length);
      }
    }
    while (first != last && waiting[first % waiting_most].due_ms <= now_ms()) {
      const struct frame *frame = &waiting[first++ % waiting_most];
      if (write(taps[frame->to], frame->bytes, (size_t)frame->length) < 0) lost++;
      else carried++;
    }
  }
  printf("%lu carried, %lu lost\n", carried, lost);
  return 0;
}
