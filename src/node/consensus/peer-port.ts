/**
 * The peer port of this node: Raft's messages and the members' calls on one address. gRPC is loaded
 * here and only here, when there is a port at all: a node alone does without its 15 MB.
 */

import { readFileSync, statSync } from "node:fs";
import { type Clock, failed, type Logger, ok, type Random, type Result } from "../../base/index.ts";
import type { HostPort } from "../../config/index.ts";
import type { Accepted, LeaderPort, PeerTransport } from "../../consensus/index.ts";
import type { PeerTransportStatus } from "../../consensus/io/grpc-peer-transport.ts";
import type { MemberHandlers } from "../../consensus/io/member-calls.ts";
import type { MemberClient } from "../../consensus/io/member-client.ts";
import type { PeerIdentity, PeerSecurity } from "../../consensus/io/peer-credentials.ts";
import type { LocalNode } from "../../consensus/io/peer-handshake.ts";
import type { PeerListenerStatus } from "../../consensus/io/peer-listener.ts";

export interface PeerPortParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface PeerPortOptions {
  readonly listen: HostPort;
  readonly security: PeerSecurity;
  readonly local: LocalNode;
}

export interface PeerPort {
  readonly transport: PeerTransport;
  readonly leader: LeaderPort;
  readonly client: MemberClient;
  status(): PeerTransportStatus & PeerListenerStatus;
  /** Faults: E_PEER_INSECURE, E_PEER_CREDENTIALS, E_PEER_LISTEN. */
  listen(): Promise<Result<HostPort>>;
  /** After the transport was stopped. */
  close(): Promise<void>;
}

export async function openPeerPort(
  parts: PeerPortParts,
  { listen, security, local }: PeerPortOptions,
  handlers: MemberHandlers,
): Promise<PeerPort> {
  const [transports, transportOptions, listeners, servers] = await Promise.all([
    import("../../consensus/io/grpc-peer-transport.ts"),
    import("../../consensus/io/peer-transport-options.ts"),
    import("../../consensus/io/peer-listener.ts"),
    import("../../consensus/io/member-server.ts"),
  ]);
  const { clock, random, logger } = parts;
  const listener = new listeners.PeerListener(
    { clock, logger, security },
    { ...listeners.defaultPeerListenerOptions, ...listen },
  );
  const transport = new transports.GrpcPeerTransport(
    { clock, random, logger, security, listener },
    local,
    transportOptions.defaultPeerTransportOptions,
  );
  new servers.MemberServer({ logger, listener, handlers }, local);
  const client = await openMemberClient(parts, security, local);
  return {
    transport,
    leader: leaderPort(client),
    client,
    status: () => ({ ...transport.status(), ...listener.status() }),
    listen: () => listener.start(),
    async close() {
      client.stop();
      await listener.stop();
    },
  };
}

/** For a node that is no member yet as well. */
export async function openMemberClient(
  { clock }: Pick<PeerPortParts, "clock">,
  security: PeerSecurity,
  local: LocalNode,
): Promise<MemberClient> {
  const { MemberClient, defaultMemberClientOptions } = await import(
    "../../consensus/io/member-client.ts"
  );
  return new MemberClient({ clock, security }, local, defaultMemberClientOptions);
}

function leaderPort(client: MemberClient): LeaderPort {
  return {
    async propose(leader, commands, signal) {
      const answer = await client.propose(leader, commands, signal);
      if (!answer.ok) return failed(answer.fault);
      const { term, firstIndex } = answer.value;
      const accepted: Accepted = { term, firstIndex, count: commands.length };
      return ok(accepted);
    },
    async changeMembership(leader, changes, signal) {
      const answer = await client.changeMembership(leader, changes, signal);
      return answer.ok ? ok(undefined) : failed(answer.fault);
    },
    async transferLeadership(leader, target, signal) {
      const answer = await client.transferLeadership(leader, target, signal);
      return answer.ok ? ok(undefined) : failed(answer.fault);
    },
  };
}

interface TlsFiles {
  readonly authorityPath: string;
  readonly certificatePath: string;
  readonly keyPath: string;
}

/** Certificates from files; they are read anew when one of them was changed. */
export function peerSecurity(tls: TlsFiles | null, insecure: boolean): PeerSecurity {
  if (tls === null) return { credentials: null, insecure };
  const paths = [tls.authorityPath, tls.certificatePath, tls.keyPath];
  let known: { readonly stamp: string; readonly identity: PeerIdentity } | null = null;
  const current = (): PeerIdentity => {
    const stamp = paths.map((path) => `${statSync(path).ino} ${statSync(path).mtimeMs}`).join(" ");
    if (known?.stamp === stamp) return known.identity;
    const identity = {
      authorities: readFileSync(tls.authorityPath, "utf8"),
      certificate: readFileSync(tls.certificatePath, "utf8"),
      key: readFileSync(tls.keyPath, "utf8"),
    };
    known = { stamp, identity };
    return identity;
  };
  return { credentials: { current }, insecure };
}
