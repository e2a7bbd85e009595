/** Values that are fine alone and senseless together. */

import { type ConfigFault, type ConfigSource, configFault } from "./config-fault.ts";
import type { WrittenConfig } from "./config-schema.ts";
import { readHostPort, writeDuration } from "./notation.ts";

/** A repair is proven by beats without its symptom: there must be room for a few. */
const beatsToVerify = 3;

export function crossChecks(
  config: WrittenConfig,
  sourceOf: (path: string) => ConfigSource,
): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const conflict = (path: string, expected: string, seen: string): void => {
    const parts = { path, source: sourceOf(path), expected, seen };
    faults.push(configFault("E_CONFIG_CONFLICT", parts));
  };
  const { loop, mesh, repair, thresholds, targets } = config;
  const leastVerify = beatsToVerify * loop.period;
  if (repair.verify < leastVerify) {
    conflict(
      "repair.verify",
      `at least ${beatsToVerify} beats (loop.period), ${writeDuration(leastVerify)}`,
      writeDuration(repair.verify),
    );
  }
  if (thresholds.flapWindow < loop.period) {
    conflict(
      "thresholds.flapWindow",
      `at least one beat (loop.period), ${writeDuration(loop.period)}`,
      writeDuration(thresholds.flapWindow),
    );
  }
  clusterChecks(config, conflict);
  const names = new Set<string>();
  for (const [index, { name, interval, timeout }] of targets.entries()) {
    if (names.has(name)) {
      conflict(`targets[${index}]`, "a name of its own", JSON.stringify(name));
    }
    names.add(name);
    if (timeout > interval) {
      const seen = `a timeout of ${writeDuration(timeout)}`;
      conflict(
        `targets[${index}]`,
        `a timeout within the interval, ${writeDuration(interval)}`,
        seen,
      );
    }
  }
  for (const [index, seed] of mesh.discovery.seeds.entries()) {
    if (!seed.endsWith(":0")) continue;
    conflict(`mesh.discovery.seeds[${index}]`, "a port from 1 to 65535", JSON.stringify(seed));
  }
  return faults;
}

type Conflict = (path: string, expected: string, seen: string) => void;

function clusterChecks({ cluster }: WrittenConfig, conflict: Conflict): void {
  const { peer, advertise, join, tlsAuthority, tlsCertificate, tlsKey } = cluster;
  const files = { tlsAuthority, tlsCertificate, tlsKey };
  const missing = Object.entries(files).filter(([, path]) => path === null);
  if (missing.length === 1 || missing.length === 2) {
    for (const [name] of missing) {
      conflict(`cluster.${name}`, "a file, as the other tls options have one", "null");
    }
  }
  if (join.length > 0 && peer === null) {
    conflict("cluster.join", "cluster.peer (--peer) as well: members must reach this node", "none");
  }
  // Among others its own is fine: the same list can then be given to every node.
  if (join.length > 0 && join.every((address) => address === peer || address === advertise)) {
    conflict("cluster.join", "the address of another node, which is a member", join.join(","));
  }
  if (advertise !== null && peer === null) {
    conflict("cluster.advertise", "cluster.peer as well: that is where it listens", "none");
  }
  const reached = readHostPort(advertise ?? peer);
  if (reached !== null && (/^[0:.]+$/.test(reached.host) || reached.port === 0)) {
    const expected = "an address that other nodes can connect to; see cluster.advertise";
    const name = advertise === null ? "peer" : "advertise";
    conflict(`cluster.${name}`, expected, JSON.stringify(advertise ?? peer));
  }
}
