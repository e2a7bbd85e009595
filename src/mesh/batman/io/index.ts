/** The ways to batman-adv: netlink with the native addon, batctl without. */

export { BatctlBatmanPort } from "./batctl-port.ts";
export { type BatadvNetlink, NetlinkBatmanPort } from "./netlink-port.ts";
