/** What the node sees, as it is served; the shapes follow the loop's observation. */

import { Type } from "../../../json-schema/type.ts";
import { closed, count, nullable, oneOf, ratio, refer, wallMs } from "./building-blocks.ts";

export const modeSchema = oneOf(["observe", "confirm", "act"]);

export const interfaceSchema = closed(
  {
    name: Type.String(),
    index: count("The kernel's ifindex."),
    adminUp: Type.Boolean({ description: "IFF_UP: somebody wants this interface up." }),
    operState: oneOf(
      ["up", "down", "dormant", "testing", "lowerlayerdown", "notpresent", "unknown"],
      "RFC 2863 ifOperStatus, in the kernel's spelling.",
    ),
    mtuBytes: count("The largest packet it carries."),
    stacked: Type.Boolean({ description: "It stands on other interfaces, as a bridge does." }),
    carrierChanges: count("Since the interface exists."),
    rxBytes: count("Cumulative."),
    txBytes: count("Cumulative."),
    rxPackets: count("Cumulative."),
    txPackets: count("Cumulative."),
    rxErrors: count("Cumulative."),
    txErrors: count("Cumulative."),
    rxDrops: count("Cumulative."),
    txDrops: count("Cumulative."),
  },
  { $id: "Interface" },
);

export const targetSchema = closed(
  {
    name: Type.String(),
    url: Type.String({ description: "tcp://host:port or icmp://host" }),
    reachability: Type.Union([
      closed({ kind: Type.Literal("reachable"), latencyMs: Type.Number({ minimum: 0 }) }),
      closed({ kind: Type.Literal("unreachable"), reason: Type.String() }),
      closed({
        kind: Type.Literal("unknown"),
        reason: Type.Optional(Type.String({ description: "Why this node could not ask." })),
      }),
    ]),
    failuresInARow: count("Failed probes since the last good one."),
    probes: count("Probes that have ended since the start."),
    failures: count("Those of them that failed."),
  },
  { $id: "Target" },
);

const transport = closed(
  {
    sentSegments: count("TCP, cumulative since boot."),
    retransmittedSegments: count("TCP, cumulative since boot."),
    listenOverflows: count("Cumulative since boot."),
    listenDrops: count("Cumulative since boot."),
  },
  { description: "/proc/net/snmp and /proc/net/netstat." },
);

const pressure = closed(
  {
    resource: oneOf(["cpu", "memory", "io"]),
    someRatio: ratio("Share of the last 10 s in which some task was stalled."),
    fullRatio: ratio("Share of the last 10 s in which all tasks were stalled."),
  },
  { description: "Pressure stall information." },
);

const storage = closed({
  path: Type.String(),
  totalBytes: count("Of the file system."),
  availableBytes: count("Of the file system."),
  writable: Type.Boolean({ description: "False once a write was refused." }),
});

const ownProcess = closed({
  rssBytes: count("Resident memory."),
  heapUsedBytes: count("JavaScript heap in use."),
  cpuMs: Type.Number({ minimum: 0, description: "CPU time since the start." }),
  eventLoopDelayMaxMs: Type.Number({ minimum: 0, description: "Worst since the last beat." }),
});

const quality = () => Type.Number({ minimum: 0, description: "TQ (IV) or kbit/s (V)." });

export const meshLinkSchema = closed(
  {
    neighbour: Type.String({ description: "Its MAC address on the link." }),
    interface: Type.String(),
    lastSeenMs: Type.Number({ minimum: 0 }),
    quality: nullable(quality()),
    routes: count("Originators whose best path leads over it."),
    routesWithoutAlternative: count("Those with no path over another interface."),
    bestRouteQuality: nullable(quality()),
    worstAlternativeQuality: nullable(quality()),
  },
  { $id: "MeshLink" },
);

const mesh = closed(
  {
    name: Type.String({ examples: ["bat0"] }),
    algorithm: oneOf(["BATMAN_IV", "BATMAN_V"]),
    originators: count("Nodes of the mesh that this node knows a way to."),
    pathSwitches: count("Changes of next hops since the process started."),
    hopPenalty: count("0 to 255."),
    originatorIntervalMs: Type.Number({ minimum: 0 }),
    gatewayMode: oneOf(["off", "client", "server"]),
    interfaces: Type.Array(
      closed({
        name: Type.String(),
        active: Type.Boolean(),
        hopPenalty: nullable(count("0 to 255.")),
        elpIntervalMs: nullable(Type.Number({ minimum: 0 })),
        throughputOverrideKbps: nullable(Type.Number({ minimum: 0, description: "0: none." })),
      }),
    ),
    links: Type.Array(refer(meshLinkSchema)),
    gateways: Type.Array(
      closed({
        originator: Type.String(),
        selected: Type.Boolean(),
        quality: quality(),
        downKbps: Type.Number({ minimum: 0 }),
        upKbps: Type.Number({ minimum: 0 }),
      }),
    ),
  },
  { description: "batman-adv, as this node has it." },
);

const messageCount = {
  expected: count("Numbered messages sent, cumulative."),
  received: count("Those that came, cumulative."),
  overdue: count("Due by now and not seen."),
};

const linkLoss = closed(
  {
    neighbour: Type.String(),
    interface: Type.String(),
    ...messageCount,
    echoes: closed(messageCount, {
      description: "Our own messages as the neighbour repeats them; BATMAN_IV only.",
    }),
  },
  { description: "A neighbour's ELP and originator messages." },
);

export const faultSchema = closed(
  {
    code: Type.String({ description: "Stable; starts with E_." }),
    message: Type.String(),
    remedy: Type.Optional(Type.String()),
  },
  { $id: "Fault" },
);

const consensus = closed({
  role: oneOf(["follower", "pre-candidate", "candidate", "leader"]),
  leader: nullable(Type.String()),
  members: count("Of the group."),
  leaderChanges: count("As this node has seen them since its start."),
  replicationLagEntries: nullable(count("Of the slowest voter; only the leader knows.")),
  applyLagEntries: count("Agreed on, and not yet in this node's state."),
  persistMaxMs: nullable(
    Type.Number({ minimum: 0, description: "The slowest write to the log since the last beat." }),
  ),
  diskQueue: count("Writes to the log that are not confirmed."),
  pendingCommands: count("Commands that wait to be agreed on."),
});

export const observationSchema = closed(
  {
    beat: count("Beats since this process started."),
    atMs: Type.Number({ description: "Monotonic milliseconds." }),
    wallMs: wallMs(),
    interfaces: nullable(Type.Array(refer(interfaceSchema))),
    targets: nullable(Type.Array(refer(targetSchema))),
    transport: nullable(transport),
    pressure: nullable(Type.Array(pressure)),
    storage: nullable(Type.Array(storage)),
    process: nullable(ownProcess),
    mesh: nullable(mesh),
    linkLoss: nullable(Type.Array(linkLoss)),
    consensus: nullable(consensus),
    faults: Type.Array(
      closed({
        sensor: oneOf([
          "interfaces",
          "targets",
          "transport",
          "pressure",
          "storage",
          "process",
          "mesh",
          "linkLoss",
          "consensus",
        ]),
        fault: refer(faultSchema),
      }),
    ),
  },
  { $id: "Observation", description: "One beat; null is not observed, [] is observed and empty." },
);

export const beatStatisticsSchema = closed(
  {
    beats: count("Since the start."),
    missed: count("Left out because the loop was late by a whole period or more."),
    periodMs: Type.Number({ minimum: 0 }),
    lastDurationMs: Type.Number({ minimum: 0 }),
  },
  { $id: "BeatStatistics" },
);

export const seriesSchema = closed(
  {
    subject: Type.String(),
    wallMs: Type.Array(wallMs()),
    metrics: Type.Record(
      Type.String(),
      // A missing sample is NaN in memory and null in JSON.
      Type.Unsafe<number[]>({ type: "array", items: { type: ["number", "null"] } }),
    ),
  },
  { $id: "Series", description: "Columns of equal length, oldest first; null: no sample." },
);
