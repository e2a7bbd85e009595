/**
 * Who this node is to its peers, and what it takes to be believed: TLS 1.3 with a certificate on
 * both sides, or plaintext where nobody else listens. A certificate names its node by a SPIFFE URI
 * that ends in `/node/<id>` (https://github.com/spiffe/spiffe, SPIFFE-ID) or, when it has no such
 * URI, by a DNS name equal to the id.
 */

import { X509Certificate } from "node:crypto";
import { createSecureContext, type PeerCertificate } from "node:tls";
import { ChannelCredentials } from "@grpc/grpc-js";
import {
  type Fault,
  failed,
  fault,
  messageOf,
  type NodeId,
  ok,
  type Result,
} from "../../base/index.ts";
import { isLoopback, type PeerAddress } from "./peer-address.ts";

/** PEM texts. Never changed: whoever rotates them hands out a new object. */
export interface PeerIdentity {
  readonly authorities: string;
  readonly certificate: string;
  readonly key: string;
}

/** Asked for every new connection, so that a rotation needs no restart. */
export interface PeerCredentials {
  /** The same object until something changed. May throw when it cannot be read. */
  current(): PeerIdentity;
}

export interface PeerSecurity {
  /** Null: plaintext, which must stay on this machine unless `insecure` says otherwise. */
  readonly credentials: PeerCredentials | null;
  /** Allows plaintext beyond loopback. Spelled out by the operator, logged and reported. */
  readonly insecure: boolean;
}

const remedy =
  "give the peers certificates (cluster.tlsAuthority, tlsCertificate and tlsKey), or allow plaintext with cluster.insecure";

/** Null when this host may be spoken to or listened on; else E_PEER_INSECURE. */
export function refusalOfHost(host: string, security: PeerSecurity): Fault | null {
  if (security.credentials !== null || security.insecure || isLoopback(host)) return null;
  const message = `plaintext between peers stays on this machine, and ${host} leaves it`;
  return fault("E_PEER_INSECURE", message, remedy);
}

/** The identity of now, fit for use. Fault: E_PEER_CREDENTIALS. */
export function identityOf(credentials: PeerCredentials): Result<PeerIdentity> {
  try {
    const identity = credentials.current();
    const refusal = refusalOfIdentity(identity);
    return refusal === null ? ok(identity) : failed(refusal);
  } catch (thrown) {
    return failed(fault("E_PEER_CREDENTIALS", `the peer certificate: ${messageOf(thrown)}`));
  }
}

/** Identities never change, and looking into one takes a millisecond: each is examined once. */
const examined = new WeakMap<PeerIdentity, Fault | null>();

/** Null when certificate and key are sound and belong together; else E_PEER_CREDENTIALS. */
export function refusalOfIdentity(identity: PeerIdentity): Fault | null {
  const known = examined.get(identity);
  if (known !== undefined) return known;
  const refusal = examine(identity);
  examined.set(identity, refusal);
  return refusal;
}

function examine(identity: PeerIdentity): Fault | null {
  try {
    // An authority that is no certificate is passed over by OpenSSL: nobody would be trusted.
    new X509Certificate(identity.authorities);
    createSecureContext(contextOptions(identity));
    return null;
  } catch (thrown) {
    return fault("E_PEER_CREDENTIALS", `the peer certificate: ${messageOf(thrown)}`);
  }
}

/** For both ends. TLS 1.3 alone: every peer is of our own making. */
export function contextOptions({ authorities, certificate, key }: PeerIdentity) {
  return { ca: authorities, cert: certificate, key, minVersion: "TLSv1.3" } as const;
}

/**
 * What to speak to `peer` with; `onMismatch` hears why a certificate of somebody else was refused.
 * Faults: E_PEER_INSECURE, E_PEER_CREDENTIALS.
 */
export function channelCredentials(
  { host }: PeerAddress,
  peer: NodeId | null,
  security: PeerSecurity,
  onMismatch: (refusal: Fault) => void,
): Result<ChannelCredentials> {
  const refusal = refusalOfHost(host, security);
  if (refusal !== null) return failed(refusal);
  if (security.credentials === null) return ok(ChannelCredentials.createInsecure());
  const identity = identityOf(security.credentials);
  if (!identity.ok) return identity;
  const verifyOptions = {
    // The name of a peer is its node id, not where it happens to be reached.
    checkServerIdentity: (_host: string, certificate: PeerCertificate) => {
      const mismatch = peer === null ? null : mismatchOf(certificate, peer);
      if (mismatch === null) return undefined;
      onMismatch(mismatch);
      return new Error(mismatch.message);
    },
  };
  const context = createSecureContext(contextOptions(identity.value));
  return ok(ChannelCredentials.createFromSecureContext(context, verifyOptions));
}

/** Null when the certificate is that of `node`; else E_PEER_WRONG_NODE. */
export function mismatchOf(
  { subjectaltname }: Pick<PeerCertificate, "subjectaltname">,
  node: NodeId,
): Fault | null {
  const names = namesIn(subjectaltname ?? "");
  if (names.includes(node)) return null;
  const named = names.length === 0 ? "no node" : names.join(", ");
  const message = `the certificate is that of ${named}, not of ${node}`;
  const wanted = `issue one with the alternative name URI:spiffe://<domain>/node/${node}`;
  return fault("E_PEER_WRONG_NODE", message, wanted);
}

/** Node quotes a name that has unusual characters as JSON, so a comma in it splits nothing. */
function namesIn(subjectAlternativeName: string): string[] {
  const uris: string[] = [];
  const hosts: string[] = [];
  for (const [, kind, quoted, plain] of subjectAlternativeName.matchAll(
    /(?:^|, )(\w[\w ]*):(?:("(?:[^"\\]|\\.)*")|([^,]*))/g,
  )) {
    const value = quoted === undefined ? plain : unquoted(quoted);
    const node = /^spiffe:\/\/[^/]+\/(?:.*\/)?node\/([^/]+)$/.exec(value ?? "")?.[1];
    if (kind === "URI" && node !== undefined) uris.push(node);
    if (kind === "DNS" && value !== undefined) hosts.push(value);
  }
  return uris.length > 0 ? uris : hosts;
}

function unquoted(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : undefined;
  } catch {
    // Not the quoting of node:tls, so no name that we could mean.
    return undefined;
  }
}
