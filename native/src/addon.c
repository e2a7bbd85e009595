// SPDX-License-Identifier: Apache-2.0
/* The addon's one entry: knows which files export functions. */
#include "native.h"

NAPI_MODULE_INIT()
{
	register_link(env, exports);
	register_load(env, exports);
	register_attach(env, exports);
	register_inspect(env, exports);
	register_maps(env, exports);
	register_ring_buffer(env, exports);
	register_test_run(env, exports);
	register_probe(env, exports);
	register_netlink(env, exports);
	register_rtnl(env, exports);
	register_rtnl_counters(env, exports);
	register_genl_batadv(env, exports);
	register_poll(env, exports);
	register_sd_notify(env, exports);
	return exports;
}
