/** A real server on a free port in front of a loop that says what the test tells it to. */

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { createHttpServer, type HttpServerOptions } from "../../../src/api/http/index.ts";
import type { ClusterPort } from "../../../src/api/http/ports.ts";
import { failed, fault, type HealthSource, type Logger, ok } from "../../../src/base/index.ts";
import type { NumberedEvent } from "../../../src/mape-k/event.ts";
import type { LoopView } from "../../../src/mape-k/loop/loop-view.ts";
import type { Observation } from "../../../src/mape-k/observation.ts";
import { MeshPictures } from "../../../src/node/mesh-pictures.ts";
import { createNodeMetrics } from "../../../src/telemetry/index.ts";
import { sampleDecision } from "../../compliance/sample-decision.ts";
import { loneStore } from "../../support/lone-store.ts";
import { realClock } from "../../support/real-clock.ts";
import { recordedNetlinkPort } from "../../support/recorded-batman.ts";

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export function recordingLogger(lines: LogLine[]): Logger {
  const at = (level: LogLine["level"]): Logger["info"] => {
    return (message, fields = {}) => void lines.push({ level, message, fields });
  };
  const logger: Logger = {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: () => logger,
  };
  return logger;
}

export function sampleObservation(): Observation {
  return {
    beat: 7,
    atMs: realClock.monotonicMs(),
    wallMs: realClock.wallMs(),
    interfaces: [
      {
        name: "mesh0",
        index: 3,
        adminUp: true,
        operState: "up",
        mtuBytes: 1_500,
        stacked: false,
        carrierChanges: 2,
        rxBytes: 10,
        txBytes: 10,
        rxPackets: 1,
        txPackets: 1,
        rxErrors: 0,
        txErrors: 0,
        rxDrops: 0,
        txDrops: 0,
      },
    ],
    targets: [
      {
        name: "gateway",
        url: "icmp://192.0.2.1",
        reachability: { kind: "reachable", latencyMs: 1.5 },
        failuresInARow: 0,
        probes: 3,
        failures: 1,
      },
      {
        name: "island",
        url: "icmp://10.0.0.9",
        reachability: { kind: "unknown", reason: "there is no ping" },
        failuresInARow: 0,
        probes: 0,
        failures: 0,
      },
    ],
    transport: {
      sentSegments: 10,
      retransmittedSegments: 1,
      listenOverflows: 0,
      listenDrops: 0,
    },
    pressure: null,
    mesh: {
      name: "bat0",
      algorithm: "BATMAN_V",
      originators: 2,
      pathSwitches: 0,
      hopPenalty: 30,
      originatorIntervalMs: 1_000,
      gatewayMode: "client",
      interfaces: [
        {
          name: "mesh0",
          active: true,
          hopPenalty: 0,
          elpIntervalMs: 500,
          throughputOverrideKbps: 0,
        },
      ],
      links: [
        {
          neighbour: "02:00:00:00:00:02",
          interface: "mesh0",
          lastSeenMs: 40,
          quality: 54_000,
          routes: 2,
          routesWithoutAlternative: 2,
          bestRouteQuality: 54_000,
          worstAlternativeQuality: null,
        },
      ],
      gateways: [
        {
          originator: "02:00:00:00:00:02",
          selected: true,
          quality: 54_000,
          downKbps: 20_000,
          upKbps: 5_000,
        },
      ],
    },
    consensus: {
      role: "leader" as const,
      leader: "node",
      members: 3,
      leaderChanges: 1,
      replicationLagEntries: 0,
      applyLagEntries: 0,
      persistMaxMs: 2.5,
      diskQueue: 0,
      pendingCommands: 0,
    },
    linkLoss: [
      {
        neighbour: "02:00:00:00:00:02",
        interface: "mesh0",
        expected: 100,
        received: 98,
        overdue: 0,
        echoes: { expected: 0, received: 0, overdue: 0 },
      },
    ],
    storage: [{ path: "/var/lib/x", totalBytes: 100, availableBytes: 50, writable: true }],
    process: { rssBytes: 1, heapUsedBytes: 1, cpuMs: 1.5, eventLoopDelayMaxMs: 0.5 },
    faults: [
      {
        sensor: "pressure",
        fault: { code: "E_NOT_SUPPORTED", message: "no PSI", remedy: "psi=1" },
      },
    ],
  };
}

/** Twelve closed decisions and a waiting one, `01JD...12` being the newest. */
const decisions = Array.from({ length: 13 }, (_, i) => sampleDecision(12 - i));

export class FakeLoop implements LoopView {
  readonly mode = "confirm";
  readonly answers: [string, boolean][] = [];
  observation: Observation | null = sampleObservation();
  readonly ring: NumberedEvent[] = [];
  ringCapacity = 1_000;
  readonly #listeners = new Set<(event: NumberedEvent) => void>();
  #sequence = 0;

  statistics() {
    return { beats: 7, missed: 0, periodMs: 1_000, lastDurationMs: 0.8 };
  }
  latestObservation() {
    return this.observation;
  }
  seriesSubjects() {
    return ["interface/mesh0" as const];
  }
  series(of: string) {
    if (of !== "interface/mesh0") return null;
    const metrics = { rxErrors: [0, Number.NaN, 2] };
    return { subject: "interface/mesh0" as const, wallMs: [1, 2, 3], metrics };
  }
  symptoms() {
    return [sampleDecision(1).symptom];
  }
  dryRun() {
    const { symptom, plan } = sampleDecision(1);
    return [{ symptom, plan, admitted: false, refusal: "E_COOL_DOWN" }];
  }
  async decisions(query: { readonly limit: number; readonly before?: string }) {
    const { before } = query;
    const older = decisions.filter(({ id }) => before === undefined || id < before);
    return ok(older.slice(0, query.limit));
  }
  async decision(id: string) {
    if (id === "unreadable") return failed(fault("E_STORAGE_READ", "the record is damaged"));
    if (id === "surprising") throw new Error("a secret of the inside");
    return ok(decisions.find((each) => each.id === id) ?? null);
  }
  confirm(id: string, approve: boolean): ReturnType<LoopView["confirm"]> {
    if (id === "busy") return failed(fault("E_BUSY", "the inbox is full"));
    if (id === "closed") return failed(fault("E_NOT_WAITING", "it is closed"));
    if (!decisions.some((each) => each.id === id)) {
      return failed(fault("E_NO_SUCH_DECISION", "there is none"));
    }
    this.answers.push([id, approve]);
    return ok(undefined);
  }
  eventsAfter(sequence: number) {
    return this.ring.filter((event) => event.sequence > sequence);
  }
  onEvent(listener: (event: NumberedEvent) => void) {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
  /** Publishes an event of about `bytes` bytes. */
  publish(bytes = 0): NumberedEvent {
    const decision = sampleDecision(1, { timeline: [{ wallMs: 0, what: "x".repeat(bytes) }] });
    const sequence = ++this.#sequence;
    const event: NumberedEvent = {
      sequence,
      wallMs: realClock.wallMs(),
      event: { kind: "decision-made", decision },
    };
    this.ring.push(event);
    if (this.ring.length > this.ringCapacity) this.ring.shift();
    for (const listener of this.#listeners) listener(event);
    return event;
  }
}

/** A recorded mesh; it is seen for as long as the loop's observation has one. */
export async function picturesOf(loop: FakeLoop): Promise<MeshPictures> {
  const { signal } = new AbortController();
  const tables = await recordedNetlinkPort("triangle-v").readTables("bat0", signal);
  if (!tables.ok) throw new Error(tables.fault.message);
  const seen = { tables: tables.value, atMs: 0 };
  return new MeshPictures(
    {
      clock: realClock,
      seen: () => (loop.observation?.mesh == null ? null : seen),
      names: () => new Map(),
    },
    { label: "node-a", revision: "0.0.0-test" },
  );
}

/** One peer, found by multicast DNS. */
export const samplePeers = {
  self: {
    nodeId: "node-a",
    clusterId: null,
    version: "0.0.0-test",
    originator: "02:00:00:00:00:01",
    httpPort: null,
    peerPort: null,
  },
  peers: [
    {
      nodeId: "node-b",
      clusterId: null,
      version: "0.1.0",
      originator: "02:00:00:00:00:02",
      inOriginatorTable: true,
      contested: false,
      sources: ["mdns" as const],
      addresses: [
        {
          address: "fe80::2%bat0",
          source: "mdns" as const,
          httpPort: null,
          peerPort: null,
          lastSeenMs: 1_000,
          expiresInMs: 179_000,
        },
      ],
      lastSeenMs: 1_000,
      expiresInMs: 179_000,
    },
  ],
  seeds: [
    {
      host: "10.0.0.9",
      port: 8_480,
      source: "seed" as const,
      state: "silent" as const,
      detail: "no",
    },
  ],
  mdnsInterface: "bat0",
  refused: { noRoom: 0, malformed: 0, offLink: 0, events: 0 },
};

export async function startServer(
  changes: Partial<HttpServerOptions> = {},
  health: () => readonly HealthSource[] = () => [],
) {
  const loop = new FakeLoop();
  const mesh = await picturesOf(loop);
  const metrics = createNodeMetrics({ version: "0.0.0-test", node: "node-a" });
  const log: LogLine[] = [];
  const kv = await loneStore();
  const server = createHttpServer(
    {
      loop,
      mesh,
      peers: { peers: () => samplePeers },
      cluster: new FakeCluster(),
      kv,
      metrics,
      health,
      clock: realClock,
      logger: recordingLogger(log),
    },
    {
      listen: { host: "127.0.0.1", port: 0 },
      maxBodyBytes: 64 * 1024,
      maxConnections: 200,
      insecure: false,
      node: "node-a",
      version: "0.0.0-test",
      requiredComponents: [],
      ...changes,
    },
  );
  const started = await server.start();
  if (!started.ok) throw new Error(started.fault.message);
  const { host, port } = started.value;
  return {
    server,
    loop,
    kv,
    metrics,
    log,
    host,
    port,
    url: (path: string) => `http://${host.includes(":") ? `[${host}]` : host}:${port}${path}`,
    async measured(line: string): Promise<number> {
      const text = await metrics.text();
      const found = text.split("\n").find((each) => each.startsWith(`${line} `));
      return Number(found?.slice(line.length + 1));
    },
  };
}

export type TestServer = Awaited<ReturnType<typeof startServer>>;

/** A raw connection that remembers what it received. */
export class RawClient {
  readonly socket: Socket;
  received = "";
  closed = false;

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.setEncoding("utf8");
    this.socket.on("data", (text: string) => {
      this.received += text;
    });
    this.socket.on("close", () => {
      this.closed = true;
    });
    // The server is allowed to be rude to rude clients.
    this.socket.on("error", () => {});
  }

  /** What came until the server closed the connection. */
  async untilClosed(): Promise<string> {
    if (!this.closed) await once(this.socket, "close");
    return this.received;
  }

  async until(what: string | RegExp, withinMs = 10_000): Promise<string> {
    await eventually(() => this.received.search(what) >= 0, withinMs);
    return this.received;
  }
}

export async function exchange(port: number, bytes: string | Uint8Array): Promise<string> {
  const client = new RawClient(port);
  client.socket.write(bytes);
  return client.untilClosed();
}

export async function eventually(holds: () => boolean, withinMs = 10_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${holds}`);
    await delay(10);
  }
}

/** A group of one that takes in and lets go of whom it is told to. */
export class FakeCluster implements ClusterPort {
  members: { id: string; address: string; role: "voter" | "learner" }[] = [
    { id: "node", address: "127.0.0.1:8482", role: "voter" },
  ];

  view() {
    const members = this.members.map((member) => ({
      ...member,
      promote: false,
      leader: member.id === "node",
      self: member.id === "node",
      inContact: true,
      lagEntries: 0,
    }));
    return {
      phase: "running" as const,
      reason: null,
      clusterId: "cluster",
      nodeId: "node",
      role: "leader" as const,
      leader: "node",
      term: 1,
      commitIndex: 2,
      appliedIndex: 2,
      snapshotIndex: 0,
      insecure: false,
      members,
    };
  }

  async add({ id, address }: { readonly id: string; readonly address: string }) {
    if (this.members.some((member) => member.id === id)) {
      return failed(fault("E_MEMBER_EXISTS", `${id} is a member already`));
    }
    this.members.push({ id, address, role: "learner" });
    return ok(undefined);
  }

  async remove(id: string) {
    const found = this.members.some((member) => member.id === id);
    if (!found) return failed(fault("E_NO_SUCH_MEMBER", `${id} is no member`));
    this.members = this.members.filter((member) => member.id !== id);
    return ok(undefined);
  }

  async promote(id: string) {
    return this.members.some((member) => member.id === id && member.role === "learner")
      ? ok(undefined)
      : failed(fault("E_NO_SUCH_MEMBER", `${id} is no learner`));
  }

  async transfer() {
    return failed(fault("E_NO_SUCCESSOR", "no other voter is fit to lead"));
  }
}
