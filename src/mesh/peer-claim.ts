/** What a node may say of itself, field by field: everything a stranger wrote passes here first. */

import type { PeerClaim } from "./peer-roster.ts";

const nodeIdForm = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const clusterIdForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const versionForm = /^[0-9A-Za-z.+-]{1,32}$/;
const originatorForm = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

const textOf = (form: RegExp, value: unknown): string | null | undefined => {
  if (value === undefined || value === null) return null;
  return typeof value === "string" && form.test(value) ? value : undefined;
};

function portOf(value: unknown): number | null | undefined {
  if (value === undefined || value === null) return null;
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535
    ? Number(value)
    : undefined;
}

/** Null when there is no name, or when anything in it is not of its form. */
export function readClaim(
  fields: { readonly [Field in keyof PeerClaim]?: unknown },
): PeerClaim | null {
  const nodeId = textOf(nodeIdForm, fields.nodeId);
  const clusterId = textOf(clusterIdForm, fields.clusterId);
  const version = textOf(versionForm, fields.version);
  const originator = textOf(originatorForm, fields.originator);
  const httpPort = portOf(fields.httpPort);
  const peerPort = portOf(fields.peerPort);
  if (nodeId === null || nodeId === undefined) return null;
  if (clusterId === undefined || version === undefined || originator === undefined) return null;
  if (httpPort === undefined || peerPort === undefined) return null;
  return { nodeId, clusterId, version, originator, httpPort, peerPort };
}
