/**
 * A node as DNS-SD records (RFC 6763) under `_meshmend._tcp.local`, and back. The TXT record carries
 * the claim; SRV and addresses are there for other people's browsers, and are not believed: a peer's
 * address is the one its packet came from.
 */

import { readClaim } from "./peer-claim.ts";
import type { PeerClaim } from "./peer-roster.ts";

export const serviceName = "_meshmend._tcp.local";
/** RFC 6763 section 9: who asks for all there is. */
const serviceListName = "_services._dns-sd._udp.local";

/** In the shape the DNS library writes. */
export type ServiceRecord =
  | { readonly type: "PTR"; readonly name: string; readonly ttl: number; readonly data: string }
  | {
      readonly type: "SRV";
      readonly name: string;
      readonly ttl: number;
      readonly flush: true;
      readonly data: { readonly port: number; readonly target: string };
    }
  | {
      readonly type: "TXT";
      readonly name: string;
      readonly ttl: number;
      readonly flush: true;
      readonly data: readonly string[];
    }
  | {
      readonly type: "A" | "AAAA";
      readonly name: string;
      readonly ttl: number;
      readonly flush: true;
      readonly data: string;
    };

/** As it came from the network: nothing in it is certain. */
export interface ForeignRecord {
  readonly name: string;
  readonly type: string;
  readonly ttl?: number | undefined;
  readonly data?: unknown;
}

export interface ForeignQuestion {
  readonly name: string;
  readonly type: string;
}

/** A packet of ours has five; who sends hundreds is not meant. */
const maxRecords = 64;
const maxTextBytes = 1_300;
/** Longer promises are cut: a peer must show itself once an hour. */
const maxTtlSeconds = 3_600;

/** One DNS label: the node's name without dots, which would be further labels. */
export function instanceLabel(nodeId: string, attempt: number): string {
  const plain = nodeId.replaceAll(".", "-");
  return attempt === 1 ? plain : `${plain.slice(0, 58)}-${attempt}`;
}

export const instanceName = (label: string) => `${label}.${serviceName}`;
/** Not the machine's own `.local` name, which another responder on it may answer for. */
const hostName = (label: string) => `${`meshmend-${label}`.slice(0, 63)}.local`;

export interface Announcement {
  readonly label: string;
  readonly claim: PeerClaim;
  readonly addresses: readonly { readonly family: 4 | 6; readonly address: string }[];
  /** 0: goodbye (RFC 6762 section 10.1). */
  readonly ttlSeconds: number;
}

export function serviceRecords(announcement: Announcement): readonly ServiceRecord[] {
  const { label, claim, addresses, ttlSeconds: ttl } = announcement;
  const name = instanceName(label);
  const target = hostName(label);
  // Port 0: nothing is offered to others under this address.
  const port = claim.peerPort ?? claim.httpPort ?? 0;
  return [
    { type: "PTR", name: serviceName, ttl, data: name },
    { type: "SRV", name, ttl, flush: true, data: { port, target } },
    { type: "TXT", name, ttl, flush: true, data: textOf(claim) },
    ...addresses.map(({ family, address }): ServiceRecord => {
      return { type: family === 4 ? "A" : "AAAA", name: target, ttl, flush: true, data: address };
    }),
  ];
}

function textOf(claim: PeerClaim): readonly string[] {
  const { nodeId, clusterId, version, originator, httpPort, peerPort } = claim;
  const fields = Object.entries({
    txtvers: 1,
    id: nodeId,
    cluster: clusterId,
    version,
    mac: originator,
    http: httpPort,
    peer: peerPort,
  });
  return fields.flatMap(([key, value]) => (value === null ? [] : [`${key}=${value}`]));
}

/** Does it ask for what this instance can answer? */
export function asksFor(questions: readonly ForeignQuestion[], label: string): boolean {
  const ours = new Set([serviceName, instanceName(label), hostName(label)].map(lower));
  return questions.slice(0, maxRecords).some(({ name }) => ours.has(lower(name)));
}

/** Does it ask which services there are at all? */
export function asksForServices(questions: readonly ForeignQuestion[]): boolean {
  return questions.slice(0, maxRecords).some(({ name }) => lower(name) === serviceListName);
}

export const serviceListRecord = (ttl: number): ServiceRecord => {
  return { type: "PTR", name: serviceListName, ttl, data: serviceName };
};

/** Whom does this record name: does somebody else hold, or want, this instance's name? */
export function claimsInstance(records: readonly ForeignRecord[], label: string): boolean {
  const name = lower(instanceName(label));
  return records
    .slice(0, maxRecords)
    .some((each) => (each.type === "SRV" || each.type === "TXT") && lower(each.name) === name);
}

export interface ReadAnnouncement {
  readonly claim: PeerClaim;
  /** 0: goodbye. */
  readonly ttlSeconds: number;
}

export interface ReadAnnouncements {
  readonly announcements: readonly ReadAnnouncement[];
  /** Records of the service that are not as they should be. */
  readonly malformed: number;
}

/** Each instance of the service in one packet. */
export function readAnnouncements(records: readonly ForeignRecord[]): ReadAnnouncements {
  const announcements: ReadAnnouncement[] = [];
  let malformed = 0;
  for (const record of records.slice(0, maxRecords)) {
    if (record.type !== "TXT" || !lower(record.name).endsWith(`.${serviceName}`)) continue;
    const claim = readText(record.data);
    if (claim === null) malformed++;
    else announcements.push({ claim, ttlSeconds: ttlOf(record) });
  }
  return { announcements, malformed };
}

const lower = (name: string) => name.toLowerCase();

function ttlOf({ ttl }: ForeignRecord): number {
  return typeof ttl === "number" && ttl > 0 ? Math.min(ttl, maxTtlSeconds) : 0;
}

/** `key=value` strings, the first of each key (RFC 6763 section 6.4); unknown keys are passed over. */
function readText(data: unknown): PeerClaim | null {
  const items: unknown[] = Array.isArray(data) ? data : [data];
  const fields = new Map<string, string>();
  let bytes = 0;
  for (const item of items) {
    const text = typeof item === "string" ? item : item instanceof Uint8Array ? ascii(item) : null;
    if (text === null) return null;
    bytes += text.length;
    if (bytes > maxTextBytes) return null;
    const at = text.indexOf("=");
    const key = lower(at < 0 ? text : text.slice(0, at));
    if (at > 0 && !fields.has(key)) fields.set(key, text.slice(at + 1));
  }
  const number = (key: string) => {
    const value = fields.get(key);
    return value === undefined ? null : /^\d{1,5}$/.test(value) ? Number(value) : value;
  };
  return readClaim({
    nodeId: fields.get("id"),
    clusterId: fields.get("cluster"),
    version: fields.get("version"),
    originator: fields.get("mac"),
    httpPort: number("http"),
    peerPort: number("peer"),
  });
}

/** Whatever is not ASCII becomes a character that no field admits. */
function ascii(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes.subarray(0, maxTextBytes + 1)) {
    text += byte < 0x80 ? String.fromCharCode(byte) : "\ufffd";
  }
  return text;
}
