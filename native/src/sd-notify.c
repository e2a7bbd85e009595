// SPDX-License-Identifier: Apache-2.0
/*
 * sendDatagram(path, text): one datagram to a Unix socket, which is all that sd_notify(3) is; Node
 * has no datagram Unix sockets. A path that begins with @ is in the abstract namespace.
 */
#define _GNU_SOURCE
#include "native.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static napi_value send_datagram(napi_env env, napi_callback_info info)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	napi_value given[2];
	char text[1024];
	socklen_t length;
	int fd, error = 0;

	if (!arguments(env, info, 2, given) ||
	    !read_string(env, given[0], address.sun_path, sizeof(address.sun_path)) ||
	    !read_string(env, given[1], text, sizeof(text)))
		return NULL;
	length = offsetof(struct sockaddr_un, sun_path) + strlen(address.sun_path);
	if (address.sun_path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* A service manager that does not read must not stop the service. */
	if (fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
			     (struct sockaddr *)&address, length) < 0)
		error = errno;
	if (fd >= 0)
		close(fd);
	return error ? fail_errno(env, "sendDatagram", error, NEEDS_NOTHING)
		     : succeed(env, undefined(env));
}

void register_sd_notify(napi_env env, napi_value exports)
{
	export_function(env, exports, "sendDatagram", send_datagram);
}
