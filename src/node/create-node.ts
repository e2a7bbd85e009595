/**
 * The composition root: from one configuration to one running node. Here the features meet, the
 * ports get their adapters, and the order of start and stop is written down. Nothing is decided here.
 */

import { join } from "node:path";
import { createHttpServer, isLoopback } from "../api/http/index.ts";
import {
  type Clock,
  type Fault,
  type Health,
  type HealthSource,
  healthy,
  type Logger,
  ok,
  type Random,
  type Result,
  timeOrderedId,
} from "../base/index.ts";
import type { HostPort, NodeConfig } from "../config/index.ts";
import type { Reply } from "../kvstore/index.ts";
import {
  type Action,
  type Actuator,
  type DecisionId,
  DecisionRecorder,
  EventFeed,
  Executor,
  Loop,
  Monitor,
  TimeSeries,
} from "../mape-k/index.ts";
import {
  commandRunner,
  type FileActionJournal,
  InterfaceActuator,
  kernelRoots,
  type LevelDecisionLog,
  MtuActuator,
  openFileActionJournal,
  openLevelDecisionLog,
  TellActuator,
} from "../mape-k/io/index.ts";
import { readLeases } from "../mesh/io/lease-files.ts";
import { linkAddresses } from "../mesh/io/link-addresses.ts";
import { openMdnsFace } from "../mesh/io/mdns-face.ts";
import {
  createNodeMetrics,
  type NodeMetrics,
  openTracing,
  type Tracing,
} from "../telemetry/index.ts";
import { hasCapability } from "./capabilities.ts";
import { Agreement } from "./consensus/agreement.ts";
import { clusterPort } from "./consensus/cluster-port.ts";
import { ConsensusSensor } from "./consensus/consensus-sensor.ts";
import { LeadershipActuator } from "./consensus/leadership-actuator.ts";
import { LeadershipPriority } from "./consensus/leadership-priority.ts";
import { EtcdFace } from "./kv/etcd-face.ts";
import { memberAgreement } from "./kv/member-agreement.ts";
import { openNodeStore } from "./kv/node-store.ts";
import { type LifeCyclePart, startInOrder } from "./life-cycle.ts";
import { logEvent } from "./log-events.ts";
import { loopPolicy } from "./loop-policy.ts";
import { MeshDiscovery } from "./mesh-discovery.ts";
import { MeshPictures } from "./mesh-pictures.ts";
import { type OpenedMesh, openMesh } from "./open-mesh.ts";
import { openSensors } from "./open-sensors.ts";
import {
  recordAgreement,
  recordEvent,
  recordMesh,
  recordPeers,
  recordState,
  recordStore,
} from "./record-metrics.ts";

export interface NodeParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly version: string;
  /** Log lines that could not be written since the start. */
  readonly logLinesDropped: () => number;
}

export interface RunningNode {
  /** Where it really listens; the port is known only now when 0 was asked for. */
  readonly http: HostPort;
  readonly grpc: HostPort;
  readonly loop: Loop;
  /** Resolves when the node must not go on: its group has removed it, or its log failed. */
  readonly ended: Promise<Fault>;
  /** In reverse order of the start. Never throws. */
  stop(): Promise<void>;
}

/** A fraction of the period: a slow sensor must not eat the whole beat. */
const sensorShare = 0.8;
const eventRing = 1_024;
const actionTimeoutMs = 20_000;
const recorderBacklog = 1_024;
const commandTimeoutMs = 10_000;

/** Starts a node; a part that cannot start stops those before it and gives its fault. */
export async function createNode(
  config: NodeConfig,
  parts: NodeParts,
): Promise<Result<RunningNode, Fault>> {
  const opened = await openLevelDecisionLog(join(config.dataDir, "decisions"), parts);
  if (!opened.ok) return opened;
  const log = opened.value;
  const journal = await openFileActionJournal(join(config.dataDir, "journal"), parts);
  if (!journal.ok) {
    await log.stop();
    return journal;
  }
  const kept = await openNodeStore(config.dataDir, parts);
  if (!kept.ok) {
    await journal.value.stop();
    await log.stop();
    return kept;
  }
  const store = kept.value;
  const tracing = await openTracing(parts, {
    endpoint: config.telemetry.otlpEndpoint,
    node: config.nodeId,
    version: parts.version,
  });
  const metrics = createNodeMetrics({ version: parts.version, node: config.nodeId });
  const stores = { log, journal: journal.value };
  const mesh = openMesh(config, parts);
  const agreement: Agreement<Reply> = new Agreement(
    {
      ...parts,
      stateMachine: store.serial,
      answer: (question) => face.answer(question),
      onPersisted(tookMs) {
        metrics.raftPersisted(tookMs);
        consensus.onPersisted(tookMs);
      },
    },
    config,
  );
  const consensus = new ConsensusSensor({ status: () => agreement.status() });
  const face: EtcdFace = new EtcdFace(
    {
      ...parts,
      ...store,
      agreement: memberAgreement(
        () => agreement.driver,
        (question, signal) => agreement.askLeader(question, signal),
      ),
      metrics,
    },
    {
      nodeId: config.nodeId,
      clusterId: () => agreement.clusterId,
      maxRequestBytes: config.grpc.maxRequestBytes,
      server: config.grpc,
    },
  );
  const composed = composeLoop(config, parts, {
    ...stores,
    tracing,
    metrics,
    mesh,
    agreement,
    consensus,
  });
  const { loop, feed } = composed;
  mesh?.onTrouble(() => loop.hasten());
  const dropped = { spans: () => tracing.dropped(), logLines: parts.logLinesDropped };
  feed.listen(({ event }) => {
    logEvent(parts.logger, event);
    recordEvent(metrics, event);
  });
  let listening: HostPort = config.http.listen;
  const seen = () => mesh?.watch.seen ?? null;
  const { peer } = config.cluster;
  const discovery = new MeshDiscovery(
    {
      ...parts,
      seen,
      openMdns: openMdnsFace,
      linkAddresses,
      readLeases: (search) => readLeases({ ...search, root: "/" }),
      publish: (event) => feed.publish(event),
      httpPort: () => (isLoopback(listening.host) ? null : listening.port),
      peerPort: () => (peer === null || isLoopback(peer.host) ? null : peer.port),
      clusterId: () => agreement.clusterId,
    },
    config,
  );
  const pictures = new MeshPictures(
    { clock: parts.clock, seen, names: () => discovery.names() },
    { label: config.nodeId, revision: parts.version },
  );
  const server = createHttpServer(
    {
      loop,
      mesh: pictures,
      peers: discovery,
      metrics: {
        ...metrics,
        text() {
          recordState(metrics, { ...composed, dropped });
          recordMesh(metrics, loop);
          recordPeers(metrics, discovery);
          recordAgreement(metrics, agreement);
          recordStore(metrics, store.machine);
          return metrics.text();
        },
      },
      cluster: clusterPort(config.nodeId, agreement),
      kv: face.store,
      health: () => [
        ...components(config, loop, stores, mesh),
        { component: "consensus", health: () => agreement.health() },
        store.machine,
        face,
        discovery,
      ],
      clock: parts.clock,
      logger: parts.logger,
    },
    {
      ...config.http,
      node: config.nodeId,
      version: parts.version,
      requiredComponents: ["loop", "http"],
    },
  );
  let grpc: HostPort = config.grpc.listen;
  const order: readonly LifeCyclePart[] = [
    { name: "tracing", start: async () => ok(null), stop: () => tracing.stop() },
    { name: "decision-log", start: async () => ok(null), stop: () => log.stop() },
    { name: "journal", start: async () => ok(null), stop: () => stores.journal.stop() },
    {
      name: "http",
      async start() {
        const started = await server.start();
        if (started.ok) listening = started.value;
        return started;
      },
      stop: () => server.stop(),
    },
    { name: "kv-store", start: async () => ok(null), stop: () => store.stop() },
    { name: "consensus", start: () => agreement.start(), stop: () => agreement.stop() },
    {
      name: "grpc",
      async start() {
        const started = await face.start();
        if (started.ok) grpc = started.value;
        return started;
      },
      stop: () => face.stop(),
    },
    {
      name: "loop",
      async start() {
        composed.startSensors();
        await loop.start();
        return ok(null);
      },
      stop: () => loop.stop(),
    },
    // It tells others which port http got.
    {
      name: "discovery",
      async start() {
        discovery.start();
        return ok(null);
      },
      stop: () => discovery.stop(),
    },
  ];
  const running = await startInOrder(order, parts.logger);
  if (!running.ok) return running;
  return ok({ http: listening, grpc, loop, ended: agreement.ended, stop: running.value.stop });
}

interface LoopSurroundings {
  readonly log: LevelDecisionLog;
  readonly journal: FileActionJournal;
  readonly tracing: Tracing;
  readonly metrics: NodeMetrics;
  readonly mesh: OpenedMesh | null;
  readonly agreement: Pick<Agreement<unknown>, "transfer" | "setPriority">;
  readonly consensus: ConsensusSensor;
}

function composeLoop(config: NodeConfig, parts: NodeParts, around: LoopSurroundings) {
  const { clock, random, logger } = parts;
  const { metrics, log, journal, mesh, agreement, consensus } = around;
  const history = new TimeSeries(config.loop);
  const feed = new EventFeed({ clock, logger }, { capacity: eventRing });
  const recorder = new DecisionRecorder(
    { clock, log, logger },
    { keepDecisions: config.loop.keepDecisions, backlog: recorderBacklog },
  );
  const writable = () => recorder.writable;
  const { sensors, start: startSensors } = openSensors(config, {
    clock,
    random,
    writable,
    mesh,
    consensus,
  });
  const monitor = new Monitor(
    {
      clock,
      sensors,
      onSample(sensor, tookMs, failed) {
        metrics.sensorSampled(sensor, tookMs);
        if (failed) metrics.sensorFailed(sensor);
      },
    },
    { timeoutMs: config.loop.periodMs * sensorShare },
  );
  const priority = new LeadershipPriority();
  const actuators: Actuator[] = [
    new TellActuator({ logger }),
    new LeadershipActuator({ group: agreement }),
  ];
  if (hasCapability("CAP_NET_ADMIN") !== false) {
    const run = commandRunner(clock);
    const options = { ...kernelRoots, timeoutMs: commandTimeoutMs };
    actuators.push(new InterfaceActuator({ clock, run }, options));
    actuators.push(new MtuActuator({ clock, run }, options));
  }
  actuators.push(...(mesh?.actuators ?? []));
  const onAction = (action: Action, result: Result<void, Fault>) =>
    metrics.action(action.kind, result.ok ? "applied" : "failed");
  const loop = new Loop(
    {
      clock,
      logger,
      tracer: around.tracing.tracer,
      monitor,
      history,
      feed,
      log,
      recorder,
      journal,
      nextId: () => timeOrderedId(clock.wallMs(), random) as DecisionId,
      createExecutor: (report) =>
        new Executor({ clock, logger, actuators, journal, report, onAction }, { actionTimeoutMs }),
      onPhase: (phase, tookMs) => metrics.phase(phase, tookMs),
      onBeat({ tookMs, latenessMs, missed }) {
        metrics.beat({ durationMs: tookMs, latenessMs });
        if (missed > 0) metrics.beatsMissed(missed);
        agreement.setPriority(priority.update(loop.symptoms(), clock.monotonicMs()));
      },
    },
    {
      policy: loopPolicy(config),
      periodMs: config.loop.periodMs,
      windowBeats: config.loop.windowBeats,
    },
  );
  return { loop, feed, history, recorder, startSensors };
}

function components(
  config: NodeConfig,
  loop: Loop,
  stores: { readonly log: LevelDecisionLog; readonly journal: FileActionJournal },
  mesh: OpenedMesh | null,
): readonly HealthSource[] {
  return [
    { component: "loop", health: () => loop.health() },
    ...loop.sensorHealth(),
    ...(mesh?.health ?? []),
    { component: "decision-log", health: () => stores.log.health() },
    { component: "journal", health: () => loop.journalHealth() },
    { component: "repair", health: () => repairHealth(config) },
  ];
}

function repairHealth({ mode }: NodeConfig): Health {
  if (mode === "observe") return healthy("mode observe: plans are recorded, nothing is touched");
  if (hasCapability("CAP_NET_ADMIN") !== false) return healthy(`mode ${mode}`);
  return {
    state: "degraded",
    reason: `mode ${mode}, but interfaces cannot be set: CAP_NET_ADMIN is missing`,
    remedy: "run it by systemd with infra/systemd/meshmend.service, or as root",
  };
}
