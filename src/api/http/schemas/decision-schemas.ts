/** Symptoms, decisions and events, as they are served; the shapes follow the loop's records. */

import { Type } from "../../../json-schema/type.ts";
import { closed, count, nullable, oneOf, ratio, refer, wallMs } from "./building-blocks.ts";
import { modeSchema } from "./observation-schemas.ts";

const scalar = () =>
  Type.Unsafe<number | string | boolean>({ type: ["number", "string", "boolean"] });
const severity = () => oneOf(["info", "warning", "critical"]);

export const evidenceSchema = closed(
  { what: Type.String(), seen: scalar(), limit: Type.Optional(scalar()) },
  { $id: "Evidence" },
);

export const symptomSchema = closed(
  {
    key: Type.String({ description: "kind:subject" }),
    kind: oneOf([
      "interface-down",
      "flapping",
      "error-burst",
      "drop-burst",
      "target-unreachable",
      "retransmit-burst",
      "listen-drops",
      "resource-pressure",
      "storage-low",
      "sensor-failed",
      "link-loss",
      "silent-neighbour",
    ]),
    subject: Type.String({ examples: ["interface/eth0"] }),
    severity: severity(),
    confidence: ratio("How sure the detector is."),
    summary: Type.String(),
    evidence: Type.Array(refer(evidenceSchema)),
    raisedWallMs: wallMs(),
    raisedBeat: count("The beat it was raised in."),
  },
  { $id: "Symptom" },
);

const onInterface = { interface: Type.String() };
const atLeast0 = () => Type.Number({ minimum: 0 });

const gatewayRole = Type.Union([
  closed({ mode: Type.Literal("off") }),
  closed({ mode: Type.Literal("client"), selectionClass: atLeast0() }),
  closed({ mode: Type.Literal("server"), downKbps: atLeast0(), upKbps: atLeast0() }),
]);

export const settingSchema = Type.Union(
  [
    closed({
      kind: Type.Literal("throughput-override"),
      ...onInterface,
      throughputKbps: Type.Number({ minimum: 0, description: "kbit/s; 0 is none." }),
    }),
    closed({
      kind: Type.Literal("interface-hop-penalty"),
      ...onInterface,
      hopPenalty: Type.Number({ minimum: 0, maximum: 255 }),
    }),
    closed({ kind: Type.Literal("elp-interval"), ...onInterface, intervalMs: atLeast0() }),
    closed({
      kind: Type.Literal("mesh-hop-penalty"),
      ...onInterface,
      hopPenalty: Type.Number({ minimum: 0, maximum: 255 }),
    }),
    closed({ kind: Type.Literal("originator-interval"), ...onInterface, intervalMs: atLeast0() }),
    closed({ kind: Type.Literal("gateway-mode"), ...onInterface, gateway: gatewayRole }),
    closed({ kind: Type.Literal("mesh-membership"), ...onInterface, member: Type.Boolean() }),
    closed({ kind: Type.Literal("interface-mtu"), ...onInterface, mtuBytes: atLeast0() }),
    closed({
      kind: Type.Literal("frame-deny"),
      ...onInterface,
      address: Type.String({ description: "A MAC address." }),
      denied: Type.Boolean(),
    }),
    closed({
      kind: Type.Literal("broadcast-limit"),
      ...onInterface,
      limit: Type.Union([
        closed({ perSecond: atLeast0(), burst: atLeast0() }),
        Type.Null({ description: "None." }),
      ]),
    }),
  ],
  { $id: "Setting", description: "A value that is set, and restored by its undo." },
);

export const actionSchema = Type.Union(
  [
    closed({ kind: Type.Literal("interface-up"), ...onInterface }),
    closed({ kind: Type.Literal("interface-down"), ...onInterface }),
    closed({
      kind: Type.Literal("interface-bounce"),
      ...onInterface,
      downMs: Type.Number({ minimum: 0 }),
    }),
    closed({ kind: Type.Literal("mesh-reenslave"), ...onInterface }),
    closed({ kind: Type.Literal("transfer-leadership"), target: nullable(Type.String()) }),
    refer(settingSchema),
    closed({
      kind: Type.Literal("restore"),
      ...onInterface,
      to: refer(settingSchema),
      from: refer(settingSchema),
    }),
    closed({ kind: Type.Literal("tell"), severity: severity(), message: Type.String() }),
  ],
  { $id: "Action" },
);

export const planSchema = closed(
  {
    reason: Type.String(),
    actions: Type.Array(refer(actionSchema)),
    undo: Type.Array(refer(actionSchema)),
    expectedGain: Type.String(),
    expectation: closed({
      symptom: Type.String(),
      proof: oneOf(
        ["symptom-gone", "traffic-moved"],
        "Whether the cause must go, or the traffic that suffers from it.",
      ),
      withinMs: Type.Number({ minimum: 0 }),
      quietBeats: count("Beats the proof must hold."),
    }),
    standing: nullable(
      closed(
        { releaseBeats: count("Beats without its symptom after which it is withdrawn.") },
        { description: "The repair stays in force until its cause has passed." },
      ),
    ),
    alternatives: Type.Array(
      closed({ action: nullable(refer(actionSchema)), rejectedBecause: Type.String() }),
    ),
  },
  { $id: "Plan" },
);

const admission = Type.Union([
  closed({ kind: Type.Literal("admitted") }),
  closed({ kind: Type.Literal("observed") }),
  closed({ kind: Type.Literal("awaiting-confirmation"), expiresWallMs: wallMs() }),
  closed({
    kind: Type.Literal("refused"),
    code: oneOf([
      "E_COOL_DOWN",
      "E_BUDGET_SPENT",
      "E_REPAIR_UNDER_WAY",
      "E_LAST_PATH",
      "E_NO_CAPABILITY",
      "E_JOURNAL_UNAVAILABLE",
      "E_CONFIRMATION_DENIED",
      "E_CONFIRMATION_EXPIRED",
    ]),
    reason: Type.String(),
  }),
]);

const verdict = closed({
  outcome: oneOf(["healed", "undone", "undo-failed", "not-applied", "told"]),
  reason: Type.String(),
  before: Type.Array(refer(evidenceSchema)),
  after: Type.Array(refer(evidenceSchema)),
  wallMs: wallMs(),
  tookMs: Type.Number({ minimum: 0, description: "From the decision to the verdict." }),
});

const withdrawal = closed(
  {
    outcome: oneOf(["withdrawn", "superseded", "vanished"]),
    reason: Type.String(),
    wallMs: wallMs(),
    heldMs: Type.Number({ minimum: 0, description: "From the verdict to the end." }),
  },
  { description: "How a standing repair ended." },
);

export const decisionSchema = closed(
  {
    id: Type.String({ description: "ULID: sorting by id is sorting by time." }),
    node: Type.String(),
    mode: modeSchema,
    madeWallMs: wallMs(),
    beat: count("The beat it was made in."),
    symptom: refer(symptomSchema),
    plan: refer(planSchema),
    admission,
    phase: oneOf([
      "waiting",
      "applying",
      "verifying",
      "undoing",
      "holding",
      "withdrawing",
      "closed",
    ]),
    verdict: nullable(verdict),
    withdrawal: nullable(withdrawal),
    timeline: Type.Array(closed({ wallMs: wallMs(), what: Type.String() })),
  },
  { $id: "Decision" },
);

export const dryRunSchema = closed(
  {
    symptom: refer(symptomSchema),
    plan: refer(planSchema),
    admitted: Type.Boolean({ description: "The guard's word, as it would be in mode act." }),
    refusal: nullable(Type.String()),
  },
  { $id: "DryRun" },
);

export const peerNoticeSchema = closed(
  {
    nodeId: Type.String(),
    originator: nullable(Type.String({ description: "Null: not told." })),
    addresses: Type.Array(Type.String()),
    sources: Type.Array(oneOf(["mdns", "seed", "dhcp"])),
  },
  { $id: "PeerNotice", description: "Another node that runs meshmend, as it says of itself." },
);

export const loopEventSchema = closed(
  {
    sequence: count("From 1, without gaps, since the process started."),
    wallMs: wallMs(),
    event: Type.Union([
      closed({ kind: Type.Literal("symptom-raised"), symptom: refer(symptomSchema) }),
      closed({
        kind: Type.Literal("symptom-cleared"),
        key: Type.String(),
        symptom: refer(symptomSchema),
        lastedMs: Type.Number({ minimum: 0 }),
      }),
      closed({ kind: Type.Literal("decision-made"), decision: refer(decisionSchema) }),
      closed({ kind: Type.Literal("decision-changed"), decision: refer(decisionSchema) }),
      closed({ kind: Type.Literal("verdict"), decision: refer(decisionSchema) }),
      closed({ kind: Type.Literal("peer-appeared"), peer: refer(peerNoticeSchema) }),
      closed({
        kind: Type.Literal("peer-gone"),
        peer: refer(peerNoticeSchema),
        reason: oneOf(["goodbye", "expired"], "It said so, or was not heard any more."),
      }),
    ]),
  },
  { $id: "Event" },
);
