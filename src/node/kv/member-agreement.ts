/** The group as the store asks it, whether this node is in one already or not. */

import { type Fault, failed, fault } from "../../base/index.ts";
import type { RaftNode } from "../../consensus/index.ts";
import type { Reply } from "../../kvstore/index.ts";
import type { Agreement } from "./agreement.ts";

const noGroup: Fault = fault(
  "E_NOT_STARTED",
  "this node is in no group yet",
  "see /health, component consensus",
);

export function memberAgreement(
  driver: () => RaftNode<Reply> | null,
  askLeader: Agreement["askLeader"],
): Agreement {
  const refused = async () => failed(noGroup);
  return {
    propose: (command, signal) => driver()?.propose(command, signal) ?? refused(),
    read: (mode, signal) => driver()?.read(mode, signal) ?? refused(),
    changeMembership: (changes, signal) => driver()?.changeMembership(changes, signal) ?? refused(),
    transferLeadership: (target, signal) =>
      driver()?.transferLeadership(target, signal) ?? refused(),
    askLeader,
    status: () => driver()?.status() ?? null,
  };
}
