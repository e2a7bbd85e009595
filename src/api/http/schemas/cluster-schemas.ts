/** The group of nodes that agree with each other, as this node sees it. */

import { Type } from "../../../json-schema/type.ts";
import { closed, count, nullable, oneOf, refer } from "./building-blocks.ts";

const memberId = () => Type.String({ minLength: 1, maxLength: 63 });
const address = () =>
  Type.String({
    minLength: 3,
    maxLength: 300,
    pattern: "^(\\[[0-9a-fA-F:.%]+\\]|[^\\s:/\\[\\]]+):\\d{1,5}$",
    description: "Its peer address, `host:port`.",
  });

export const clusterMemberSchema = closed(
  {
    id: memberId(),
    address: Type.String({ description: "Where its peers reach it." }),
    role: oneOf(
      ["voter", "learner", "leaving"],
      "A learner receives everything and counts for nothing; leaving: a voter until a change ends.",
    ),
    promote: Type.Boolean({ description: "A learner that becomes a voter once it has caught up." }),
    leader: Type.Boolean(),
    self: Type.Boolean({ description: "The node that answers." }),
    inContact: nullable(Type.Boolean({ description: "Null where only the leader knows." })),
    lagEntries: nullable(Type.Integer({ description: "Entries it has yet to acknowledge." })),
  },
  { $id: "ClusterMember" },
);

export const clusterSchema = closed(
  {
    phase: oneOf(["joining", "running", "unusable"], "How this node takes part in the group."),
    reason: nullable(Type.String({ description: "Why it does not, when it does not." })),
    clusterId: nullable(Type.String()),
    nodeId: memberId(),
    role: nullable(oneOf(["follower", "pre-candidate", "candidate", "leader"])),
    leader: nullable(Type.String({ description: "Null while none is known." })),
    term: count("Grows with every election."),
    commitIndex: count("The last entry that is agreed on."),
    appliedIndex: count("The last entry in this node's state."),
    snapshotIndex: count("The last entry in the latest snapshot."),
    insecure: Type.Boolean({ description: "Peers speak plaintext beyond this machine." }),
    members: Type.Array(refer(clusterMemberSchema)),
  },
  { $id: "Cluster" },
);

export const memberAdditionSchema = closed(
  {
    id: memberId(),
    address: address(),
    promote: Type.Optional(
      Type.Boolean({ description: "Make it a voter once it has caught up; true unless said." }),
    ),
  },
  { $id: "MemberAddition" },
);

export const leadershipSchema = closed(
  { target: nullable(memberId()) },
  { $id: "Leadership", description: "Who shall lead; null leaves the choice to the leader." },
);
