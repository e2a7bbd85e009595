/** A node as far as the peer port goes: listener and transport on loopback, and what arrived. */

import { type Fault, type Logger, type NodeId, seededRandom } from "../../src/base/index.ts";
import { asTerm, type Member, type Message } from "../../src/consensus/index.ts";
import { GrpcPeerTransport } from "../../src/consensus/io/grpc-peer-transport.ts";
import type { PeerSecurity } from "../../src/consensus/io/peer-credentials.ts";
import type { PeerLinkStatus } from "../../src/consensus/io/peer-link.ts";
import {
  defaultPeerListenerOptions,
  PeerListener,
  type PeerListenerOptions,
} from "../../src/consensus/io/peer-listener.ts";
import {
  defaultPeerTransportOptions,
  type PeerTransportOptions,
} from "../../src/consensus/io/peer-transport-options.ts";
import type { MessageBody } from "../../src/consensus/message.ts";
import { realClock } from "./real-clock.ts";

export const nodeId = (id: string): NodeId => id as NodeId;
export const plaintext: PeerSecurity = { credentials: null, insecure: false };

export interface PeerNodeOptions {
  readonly clusterId?: string;
  readonly protocolVersion?: number;
  readonly security?: PeerSecurity;
  readonly port?: number;
  readonly transport?: Partial<PeerTransportOptions>;
  readonly listener?: Partial<PeerListenerOptions>;
}

export type PeerNode = Awaited<ReturnType<typeof startPeerNode>>;

/** Keeps what matters of a log here: the level, the sentence and the fault's code. */
function keptLog(lines: string[]): Logger {
  const keep = (level: string) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
    const { code } = (fields?.["fault"] ?? { code: "" }) as Fault;
    lines.push(`${level}: ${message} ${code}`.trimEnd());
  };
  const [debug, info, warn, error] = [keep("debug"), keep("info"), keep("warn"), keep("error")];
  const logger: Logger = { debug, info, warn, error, child: () => logger };
  return logger;
}

export async function startPeerNode(name: string, options: PeerNodeOptions = {}) {
  const id = nodeId(name);
  const { clusterId = "cluster", security = plaintext, port = 0 } = options;
  const lines: string[] = [];
  const logger = keptLog(lines);
  const clock = realClock;
  const host = "127.0.0.1";
  const quick = { refusedRetryMs: 300, handshakeTimeoutMs: 2_000, pingEveryMs: 50 };
  const listener = new PeerListener(
    { clock, logger, security },
    { ...defaultPeerListenerOptions, host, port, ...options.listener },
  );
  const transport = new GrpcPeerTransport(
    { clock, random: seededRandom(1), logger, security, listener },
    {
      id,
      clusterId,
      ...(options.protocolVersion !== undefined && { protocolVersion: options.protocolVersion }),
    },
    { ...defaultPeerTransportOptions, ...quick, ...options.transport },
  );
  const started = await listener.start();
  if (!started.ok) throw new Error(started.fault.message);
  const received: Message[] = [];
  const unreachable: NodeId[] = [];
  await transport.start({
    onMessage: (message) => received.push(message),
    onUnreachable: (peer) => unreachable.push(peer),
  });
  const member: Member = { id, address: `127.0.0.1:${started.value.port}` };
  return {
    member,
    port: started.value.port,
    listener,
    transport,
    received,
    unreachable,
    lines,
    linkTo(other: { readonly member: Member }): PeerLinkStatus {
      const link = transport.status().peers.find(({ peer }) => peer.id === other.member.id);
      if (link === undefined) throw new Error(`${name} has no link to ${other.member.id}`);
      return link;
    },
    say(to: { readonly member: Member }, body: MessageBody): Message {
      return {
        ...{ clusterId, protocolVersion: 1, from: id, to: to.member.id, term: asTerm(1) },
        ...body,
      };
    },
    async stop(): Promise<void> {
      await transport.stop();
      await listener.stop();
    },
  };
}

/** Waits until `holds`; fails aloud with what was awaited. */
export async function eventually(
  what: string,
  holds: () => boolean,
  withinMs = 10_000,
): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`waited in vain for: ${what}`);
    await realClock.sleep(5);
  }
}
