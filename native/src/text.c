// SPDX-License-Identifier: Apache-2.0
/* Keeps what libbpf prints while a thread works, so that a refusal carries the verifier's log
 * whole. */
#include "native.h"

#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* The kernel caps a verifier log at 16 MB less; what is beyond is cut. */
#define MAX_CAPTURE (16 * 1024 * 1024)

static _Thread_local struct {
	char *text;
	size_t length;
	bool on;
} capture;

static int keep(enum libbpf_print_level level, const char *format, va_list arguments)
{
	va_list again;
	char *grown;
	int wanted;

	if (!capture.on || level == LIBBPF_DEBUG)
		return 0;
	va_copy(again, arguments);
	wanted = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (wanted <= 0 || capture.length + wanted > MAX_CAPTURE)
		return 0;
	grown = realloc(capture.text, capture.length + wanted + 1);
	if (grown == NULL)
		return 0;
	capture.text = grown;
	vsnprintf(grown + capture.length, wanted + 1, format, arguments);
	capture.length += wanted;
	return wanted;
}

static void install(void)
{
	libbpf_set_print(keep);
}

void capture_begin(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, install);
	free(capture.text);
	capture.text = NULL;
	capture.length = 0;
	capture.on = true;
}

char *capture_end(void)
{
	char *text = capture.text;

	capture.text = NULL;
	capture.on = false;
	return text;
}
