/** The shapes of what the daemon answers, as far as the commands use them. */

import {
  boolean,
  list,
  nullable,
  number,
  optional,
  record,
  type Shaped,
  scalar,
  text,
} from "./shape.ts";

const memberShape = record({
  id: text,
  address: text,
  role: text,
  promote: boolean,
  leader: boolean,
  self: boolean,
  inContact: nullable(boolean),
  lagEntries: nullable(number),
});

export const clusterShape = record({
  phase: text,
  reason: nullable(text),
  clusterId: nullable(text),
  nodeId: text,
  role: nullable(text),
  leader: nullable(text),
  term: number,
  commitIndex: number,
  appliedIndex: number,
  insecure: boolean,
  members: list(memberShape),
});
export type ClusterAnswer = Shaped<typeof clusterShape>;

export const healthShape = record({
  state: text,
  node: text,
  version: text,
  mode: text,
  uptimeSeconds: number,
  components: list(
    record({
      component: text,
      state: text,
      since: text,
      reason: text,
      remedy: optional(text),
    }),
  ),
});
export type HealthAnswer = Shaped<typeof healthShape>;

const evidenceShape = record({ what: text, seen: scalar, limit: optional(scalar) });
export type Evidence = Shaped<typeof evidenceShape>;

export const symptomShape = record({
  key: text,
  kind: text,
  subject: text,
  severity: text,
  confidence: number,
  summary: text,
  evidence: list(evidenceShape),
  raisedWallMs: number,
  raisedBeat: number,
});
export type Symptom = Shaped<typeof symptomShape>;

/** One shape for all kinds: a kind this version does not know is shown with what it carries. */
const plainAction = {
  kind: text,
  interface: optional(text),
  downMs: optional(number),
  throughputKbps: optional(number),
  hopPenalty: optional(number),
  intervalMs: optional(number),
  mtuBytes: optional(number),
  member: optional(boolean),
  address: optional(text),
  denied: optional(boolean),
  limit: optional(nullable(record({ perSecond: number, burst: number }))),
  target: optional(nullable(text)),
  gateway: optional(record({ mode: text })),
  severity: optional(text),
  message: optional(text),
};
export const actionShape = record({ ...plainAction, to: optional(record(plainAction)) });
export type Action = Shaped<typeof actionShape>;

const planShape = record({
  reason: text,
  actions: list(actionShape),
  undo: list(actionShape),
  expectedGain: text,
  expectation: record({
    symptom: text,
    proof: optional(text),
    withinMs: number,
    quietBeats: number,
  }),
  standing: optional(nullable(record({ releaseBeats: number }))),
  alternatives: list(record({ action: nullable(actionShape), rejectedBecause: text })),
});

export const decisionShape = record({
  id: text,
  node: text,
  mode: text,
  madeWallMs: number,
  beat: number,
  symptom: symptomShape,
  plan: planShape,
  admission: record({
    kind: text,
    code: optional(text),
    reason: optional(text),
    expiresWallMs: optional(number),
  }),
  phase: text,
  verdict: nullable(
    record({
      outcome: text,
      reason: text,
      before: list(evidenceShape),
      after: list(evidenceShape),
      wallMs: number,
      tookMs: number,
    }),
  ),
  withdrawal: optional(
    nullable(record({ outcome: text, reason: text, wallMs: number, heldMs: number })),
  ),
  timeline: list(record({ wallMs: number, what: text })),
});
export type Decision = Shaped<typeof decisionShape>;

export const decisionPageShape = record({ decisions: list(decisionShape), next: nullable(text) });
export const symptomsShape = record({ symptoms: list(symptomShape) });

const dryRunShape = record({
  symptom: symptomShape,
  plan: planShape,
  admitted: boolean,
  refusal: nullable(text),
});
export type DryRun = Shaped<typeof dryRunShape>;
export const plansShape = record({ plans: list(dryRunShape) });

const interfaceShape = record({
  name: text,
  adminUp: boolean,
  operState: text,
  carrierChanges: number,
});
const targetShape = record({
  name: text,
  url: text,
  reachability: record({ kind: text, latencyMs: optional(number), reason: optional(text) }),
  failuresInARow: number,
});
const observationShape = record({
  beat: number,
  wallMs: number,
  interfaces: nullable(list(interfaceShape)),
  targets: nullable(list(targetShape)),
  faults: list(record({ sensor: text, fault: record({ code: text, message: text }) })),
});
export type Observation = Shaped<typeof observationShape>;

export const observationsShape = record({
  observation: nullable(observationShape),
  statistics: record({ beats: number, missed: number, periodMs: number, lastDurationMs: number }),
});

export const confirmedShape = record({ decision: text, approved: boolean });

export const eventShape = record({
  sequence: number,
  wallMs: number,
  event: record({
    kind: text,
    symptom: optional(symptomShape),
    lastedMs: optional(number),
    decision: optional(decisionShape),
    peer: optional(
      record({
        nodeId: text,
        originator: nullable(text),
        addresses: list(text),
        sources: list(text),
      }),
    ),
    reason: optional(text),
  }),
});
export type EventAnswer = Shaped<typeof eventShape>;

export const networkGraphShape = record({
  type: text,
  protocol: text,
  version: nullable(text),
  metric: nullable(text),
  router_id: nullable(text),
  revision: text,
  topology_id: text,
  nodes: list(
    record({
      id: text,
      label: optional(text),
      properties: record({ gateway: boolean, known: boolean, cut: boolean, part: number }),
    }),
  ),
  links: list(
    record({
      source: text,
      target: text,
      cost: number,
      cost_text: text,
      properties: record({ kind: text, cut: boolean }),
    }),
  ),
});
export type NetworkGraph = Shaped<typeof networkGraphShape>;

export const peersShape = record({
  self: record({
    nodeId: text,
    clusterId: nullable(text),
    version: nullable(text),
    originator: nullable(text),
    httpPort: nullable(number),
    peerPort: nullable(number),
  }),
  peers: list(
    record({
      nodeId: text,
      clusterId: nullable(text),
      version: nullable(text),
      originator: nullable(text),
      inOriginatorTable: nullable(boolean),
      contested: boolean,
      sources: list(text),
      addresses: list(
        record({
          address: text,
          source: text,
          httpPort: nullable(number),
          peerPort: nullable(number),
          lastSeenMs: number,
          expiresInMs: number,
        }),
      ),
      lastSeenMs: number,
      expiresInMs: number,
    }),
  ),
  seeds: list(
    record({ host: text, port: number, source: text, state: text, detail: nullable(text) }),
  ),
  mdnsInterface: nullable(text),
  refused: record({ noRoom: number, malformed: number, offLink: number, events: number }),
});
export type PeersAnswer = Shaped<typeof peersShape>;

export const problemShape = record({
  code: text,
  detail: text,
  errors: optional(list(record({ path: text, expected: text }))),
});
