/** What stands in for peers where a node has no peer port: there is nobody to speak to. */

import { failed, fault } from "../../base/index.ts";
import type { LeaderPort, PeerTransport } from "../../consensus/index.ts";

const noPort = fault(
  "E_PEER_UNREACHABLE",
  "this node has no peer port",
  "set cluster.peer, or give --peer HOST:PORT",
);

export const lonelyTransport: PeerTransport = {
  start: async () => {},
  setPeers() {},
  send() {},
  stop: async () => {},
};

export const lonelyLeader: LeaderPort = {
  propose: async () => failed(noPort),
  changeMembership: async () => failed(noPort),
  transferLeadership: async () => failed(noPort),
};
