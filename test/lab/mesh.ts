/**
 * A mesh of real batman-adv nodes, and what can be done to it: faults on links and nodes, pings as
 * a user would see them, commands inside a node. Every call is bounded in time. Moments are given
 * in milliseconds of the guest's monotonic clock, so that they compare with each other.
 */

import type { EndLine } from "./guest/protocol.ts";
import { type Guest, GuestError, type RunOptions } from "./host/guest.ts";
import { type PingWindow, PingWindows } from "./host/ping-windows.ts";
import { MeshmendNode, type MeshmendOptions } from "./meshmend-node.ts";
import { buildScript, netemCommand, settleScript } from "./topology/shape.ts";
import {
  type LinkQuality,
  linkNamed,
  nodeNamed,
  peersOf,
  type RoutingAlgorithm,
  type Topology,
} from "./topology/topology.ts";

export interface MeshOptions {
  readonly algorithm?: RoutingAlgorithm;
  /** How long the nodes have to find each other. */
  readonly settleWithinSeconds?: number;
}

export interface PingOptions {
  readonly seconds: number;
  /** 100 by default. */
  readonly intervalMs?: number;
  /** 1,000 by default. */
  readonly windowMs?: number;
  readonly onWindow?: (window: PingWindow) => void;
}

export interface PingReport {
  readonly from: string;
  readonly to: string;
  /** When the first request was sent, in the guest's time. */
  readonly startedAtMs: number;
  readonly windows: readonly PingWindow[];
  readonly duplicates: number;
}

export interface RunningPing {
  /** The windows so far. */
  report(): PingReport;
  readonly ended: Promise<PingReport>;
  stop(): Promise<PingReport>;
}

const replyWithinMs = 1_000;

export class Mesh {
  readonly guest: Guest;
  readonly topology: Topology;
  readonly algorithm: RoutingAlgorithm;
  /** From the first namespace to the first moment at which everybody reached everybody. */
  readonly settledMs: number;
  readonly #daemons = new Map<string, MeshmendNode>();
  /** The latest of each node since the mesh was clear, running or not. */
  readonly #logs = new Map<string, MeshmendNode>();
  /** What leaves a node towards a peer and is not as the topology says, by `node>peer`. */
  readonly #faults = new Map<string, LinkQuality>();

  private constructor(
    parts: { readonly guest: Guest; readonly topology: Topology },
    options: { readonly algorithm: RoutingAlgorithm; readonly settledMs: number },
  ) {
    this.guest = parts.guest;
    this.topology = parts.topology;
    this.algorithm = options.algorithm;
    this.settledMs = options.settledMs;
  }

  /** Makes the mesh in the guest, in place of any other, and waits until pings pass everywhere. */
  static async open(guest: Guest, topology: Topology, options: MeshOptions = {}): Promise<Mesh> {
    const { algorithm = topology.algorithm, settleWithinSeconds = 90 } = options;
    const startedMs = performance.now();
    await guest.reset();
    await guest.script(buildScript(topology, algorithm), { timeoutMs: 120_000 });
    const timeoutMs = (settleWithinSeconds + 30) * 1_000;
    await guest.script(settleScript(topology, settleWithinSeconds), { timeoutMs });
    const settledMs = Math.round(performance.now() - startedMs);
    return new Mesh({ guest, topology }, { algorithm, settledMs });
  }

  /** Loses this share of frames on a link, in both directions. */
  async loss(link: string, lossRatio: number): Promise<number> {
    const [one, other] = linkNamed(this.topology, link).between;
    return this.#shape([
      [one, other, { lossRatio }],
      [other, one, { lossRatio }],
    ]);
  }

  /** Loses this share of what `from` sends to `to`, and nothing the other way. */
  async oneWay(from: string, to: string, lossRatio = 1): Promise<number> {
    linkNamed(this.topology, `${from}-${to}`);
    return this.#shape([[from, to, { lossRatio }]]);
  }

  /** Nothing passes any more, as when a radio's path is blocked: the interfaces stay up. */
  async cut(link: string): Promise<number> {
    return this.loss(link, 1);
  }

  /** A node that hears and is not heard: all its interfaces stay up, and none sends. */
  async silence(node: string): Promise<number> {
    nodeNamed(this.topology, node);
    return this.#shape(
      peersOf(this.topology, node).map((peer) => [node, peer, { lossRatio: 1 }] as const),
    );
  }

  /** Changes the delay or the rate of a link, in both directions. */
  async slow(link: string, quality: Partial<LinkQuality>): Promise<number> {
    const [one, other] = linkNamed(this.topology, link).between;
    return this.#shape([
      [one, other, quality],
      [other, one, quality],
    ]);
  }

  /** Every link as the topology says, or this one. NaN when they were. */
  async restore(link?: string): Promise<number> {
    const ends = link === undefined ? null : linkNamed(this.topology, link).between;
    const entries = [...this.#faults.keys()]
      .map((key) => key.split(">") as [string, string])
      .filter((pair) => ends === null || pair.every((end) => ends.includes(end)));
    for (const [from, to] of entries) this.#faults.delete(`${from}>${to}`);
    if (entries.length === 0) return Number.NaN;
    return this.#shape(entries.map(([from, to]) => [from, to, {}] as const));
  }

  /** Runs a command in a node's namespace. */
  async exec(node: string, command: readonly string[], options: RunOptions = {}): Promise<EndLine> {
    return this.guest.run(this.inside(node, command), options);
  }

  /** A command as it is called from outside the node's namespace. */
  inside(node: string, command: readonly string[]): readonly string[] {
    return ["ip", "netns", "exec", nodeNamed(this.topology, node).name, ...command];
  }

  /** What batctl prints about bat0, e.g. `batctl("n1", "originators")`. */
  async batctl(node: string, ...args: readonly string[]): Promise<string> {
    return (await this.exec(node, ["batctl", "meshif", "bat0", ...args])).stdout;
  }

  /** batctl's JSON, e.g. `batctlJson("n1", "oj")`. */
  async batctlJson<Table>(node: string, table: string): Promise<Table> {
    return JSON.parse(await this.batctl(node, table)) as Table;
  }

  async tc(node: string, ...args: readonly string[]): Promise<string> {
    return (await this.guest.run(["tc", "-n", nodeNamed(this.topology, node).name, ...args]))
      .stdout;
  }

  /** Pings as a user of `from` would, in the background. */
  ping(from: string, to: string, options: PingOptions): RunningPing {
    const { seconds, intervalMs = 100, windowMs = 1_000, onWindow } = options;
    const windows = new PingWindows({
      intervalMs,
      windowMs,
      replyWithinMs,
      ...(onWindow === undefined ? {} : { onWindow }),
    });
    const { address } = nodeNamed(this.topology, to);
    const count = String(Math.ceil((seconds * 1_000) / intervalMs));
    const flags = ["-n", "-O", "-c", count, "-i", String(intervalMs / 1_000), "-W", "1"];
    const ping = this.guest.start(this.inside(from, ["ping", ...flags, address]));
    let startedAtMs = Number.NaN;
    ping.onLine(({ line, atMs }) => {
      if (Number.isNaN(startedAtMs)) startedAtMs = atMs;
      windows.line(line);
    });
    const report = (): PingReport => ({
      from,
      to,
      startedAtMs,
      windows: [...windows.windows],
      duplicates: windows.duplicates,
    });
    const ended = ping.ended.then((end) => {
      // 1: some answers are missing, which is what is measured here.
      if (end.exitCode === null || end.exitCode > 1) {
        throw new GuestError(`ping from ${from} to ${to}: ${end.endedBy ?? end.exitCode}`, end);
      }
      windows.end();
      return report();
    });
    ended.catch(() => {});
    return {
      report,
      ended,
      async stop() {
        ping.signal("SIGINT");
        return ended;
      },
    };
  }

  /** What iperf3 reaches from one node to another over TCP, in kbit/s as received. */
  async throughputKbit(from: string, to: string, seconds = 5): Promise<number> {
    const server = this.guest.start(this.inside(to, ["iperf3", "--server", "--one-off"]));
    try {
      const { address } = nodeNamed(this.topology, to);
      const client = `for try in 1 2 3 4 5; do
        ip netns exec ${from} iperf3 --json --client ${address} --time ${seconds} && exit 0
        sleep 0.5
      done; exit 1`;
      const { stdout } = await this.guest.run(["bash", "-c", client], {
        timeoutMs: (seconds + 30) * 1_000,
      });
      // A try that met no server yet prints an object of its own before the good one.
      const last = stdout.slice(stdout.lastIndexOf("\n{\n") + 1);
      const report = JSON.parse(last) as { end: { sum_received: { bits_per_second: number } } };
      return Math.round(report.end.sum_received.bits_per_second / 1_000);
    } finally {
      await server.stop();
    }
  }

  /** Starts a daemon in the node's namespace and waits until it watches. */
  async startMeshmend(node: string, options: MeshmendOptions = {}): Promise<MeshmendNode> {
    if (this.#daemons.has(node)) throw new Error(`${node} runs meshmend already`);
    const daemon = await MeshmendNode.start(this, node, options);
    this.#daemons.set(node, daemon);
    this.#logs.set(node, daemon);
    void daemon.ended.then(() => this.#daemons.delete(node));
    return daemon;
  }

  /** What each node's latest daemon has logged, as JSON lines. */
  daemonLogs(): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries([...this.#logs].map(([node, daemon]) => [node, daemon.log()]));
  }

  /** As it was when it was opened: no daemon, no fault, no process of anybody's. */
  async clear(): Promise<void> {
    await Promise.all([...this.#daemons.values()].map((daemon) => daemon.stop()));
    this.#logs.clear();
    await this.guest.reset();
    await this.restore();
  }

  /** Waits until each node reaches each other again. */
  async settle(withinSeconds = 90): Promise<void> {
    const timeoutMs = (withinSeconds + 30) * 1_000;
    await this.guest.script(settleScript(this.topology, withinSeconds), { timeoutMs });
  }

  /** When the first of them had been carried out. */
  async #shape(
    changes: readonly (readonly [string, string, Partial<LinkQuality>])[],
  ): Promise<number> {
    const commands = changes.map(([from, to, change]) => {
      const quality = { ...linkNamed(this.topology, `${from}-${to}`).quality, ...change };
      if (Object.keys(change).length > 0) this.#faults.set(`${from}>${to}`, quality);
      return netemCommand(from, to, quality);
    });
    // Bash knows the time without a process of its own, each of which may take a second there.
    const script = commands.map((command) => `${command}\necho "$EPOCHREALTIME"\n`).join("");
    const { atMs, stdout } = await this.guest.script(script);
    const doneSeconds = stdout.trim().split("\n").map(Number);
    return atMs - ((doneSeconds.at(-1) ?? 0) - (doneSeconds[0] ?? 0)) * 1_000;
  }
}
