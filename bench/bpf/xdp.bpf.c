// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * For bench/xdp.ts: an empty program to compare with, and mesh.bpf.c behind a
 * step that gives each frame the next sequence number, since BPF_PROG_TEST_RUN
 * repeats one frame and a repeated number would only be a duplicate.
 */
#include "../../bpf/mesh.bpf.c"

SEC("xdp")
int empty(struct xdp_md *ctx)
{
	return XDP_PASS;
}

ALWAYS_INLINE int next_number(struct xdp_md *ctx, __u32 offset)
{
	__u8 *data = (__u8 *)(long)ctx->data, *end = (__u8 *)(long)ctx->data_end;
	__u32 *number = (__u32 *)(data + offset);

	if ((__u8 *)(number + 1) > end)
		return 0;
	*number = bpf_htonl(bpf_ntohl(*number) + 1);
	return 1;
}

/* The step alone, to be taken off again. */
SEC("xdp")
int only_step_4(struct xdp_md *ctx)
{
	return next_number(ctx, ETH_HLEN + 4) ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int step_4(struct xdp_md *ctx)
{
	return next_number(ctx, ETH_HLEN + 4) ? see(ctx) : XDP_DROP;
}

SEC("xdp")
int step_8(struct xdp_md *ctx)
{
	return next_number(ctx, ETH_HLEN + 8) ? see(ctx) : XDP_DROP;
}
