/**
 * `MESHMEND_*` to one raw tree per variable. A name that is no option is a fault, because a
 * misspelt option that is silently ignored is worse than a daemon that does not start.
 */

import { type ConfigFault, type ConfigSource, configFault, showValue } from "./config-fault.ts";
import { nearestName } from "./nearest-name.ts";
import { options } from "./option-table.ts";
import { type RawNode, rawAt } from "./raw-tree.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Read by the command line, the setup and the tests, which start daemons of their own. */
const otherNames = /^MESHMEND_(CONFIG|SOAK|SETUP_[A-Z_]+|TEST_[A-Z_]+)$/;

/**
 * What Kubernetes puts into every container of a namespace with a service `meshmend` or
 * `meshmend-…` (https://kubernetes.io/docs/concepts/services-networking/service, "Environment
 * variables"). Only with the values it gives them: MESHMEND_HTTP_PORT=8080 is somebody's mistake.
 */
function isServiceLink(name: string, value: string): boolean {
  if (/_SERVICE_HOST$/.test(name) || /_SERVICE_PORT(_[A-Z0-9_]+)?$/.test(name)) return true;
  if (/_PORT(_\d+_(TCP|UDP|SCTP))?$/.test(name)) return /^(tcp|udp|sctp):\/\//.test(value);
  return /_PORT_\d+_(TCP|UDP|SCTP)_(PROTO|PORT|ADDR)$/.test(name);
}

export interface RawLayer {
  readonly roots: readonly RawNode[];
  readonly faults: readonly ConfigFault[];
}

export function readEnvironment(environment: Environment): RawLayer {
  const roots: RawNode[] = [];
  const faults: ConfigFault[] = [];
  const known = new Map(options.map((option) => [option.environmentName, option]));
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || !name.startsWith("MESHMEND_") || otherNames.test(name)) continue;
    const source: ConfigSource = { kind: "environment", name };
    const option = known.get(name);
    if (option !== undefined) {
      roots.push(rawAt(option.keys, value, source));
    } else if (!isServiceLink(name, value)) {
      const near = nearestName(
        name.slice(9),
        options.map((each) => each.environmentName.slice(9)),
      );
      faults.push(
        configFault("E_CONFIG_UNKNOWN", {
          path: "",
          source,
          expected: "the name of an option",
          seen: showValue(name),
          remedy: near === null ? undefined : `did you mean MESHMEND_${near}?`,
        }),
      );
    }
  }
  return { roots, faults };
}

/** Flags by name without dashes (`data-dir`); only options that declare a flag have one. */
export function readFlags(flags: Readonly<Record<string, string | undefined>>): RawLayer {
  const roots: RawNode[] = [];
  const faults: ConfigFault[] = [];
  for (const [name, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    const source: ConfigSource = { kind: "flag", name: `--${name}` };
    const option = options.find((each) => each.flag === source.name);
    if (option !== undefined) roots.push(rawAt(option.keys, value, source));
    else {
      const parts = { path: "", source, expected: "the flag of an option", seen: showValue(name) };
      faults.push(configFault("E_CONFIG_UNKNOWN", parts));
    }
  }
  return { roots, faults };
}
