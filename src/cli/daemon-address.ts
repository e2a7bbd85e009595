/**
 * Which daemon a command talks to: `--http`, then `MESHMEND_HTTP`, then the `http` of the
 * configuration file the daemon itself would read, then the default; likewise `--grpc` for the
 * store. The configuration compiler is loaded only when there is a file.
 */

import { hostname } from "node:os";
import { failed, ok, type Result } from "../base/index.ts";
import { readConfigFile } from "../config/io/read-config-file.ts";
import type { HostPort } from "../config/node-config.ts";
import { readHostPort } from "../config/notation.ts";
import { connectDaemon, type DaemonClient } from "./daemon-client.ts";
import { exitCode } from "./exit-code.ts";
import { type CliFault, cliFault, type Terminal } from "./terminal.ts";

/** A face of the daemon: how its address is named, and where it is by default. */
interface Face {
  readonly flag: "--http" | "--grpc";
  readonly variable: "MESHMEND_HTTP" | "MESHMEND_GRPC";
  readonly section: "http" | "grpc";
  readonly byDefault: HostPort;
}

const httpFace: Face = {
  flag: "--http",
  variable: "MESHMEND_HTTP",
  section: "http",
  byDefault: { host: "127.0.0.1", port: 8480 },
};

const grpcFace: Face = {
  flag: "--grpc",
  variable: "MESHMEND_GRPC",
  section: "grpc",
  byDefault: { host: "127.0.0.1", port: 8481 },
};

const badAddress = (where: string, seen: string): CliFault =>
  cliFault(
    exitCode.usage,
    "E_USAGE",
    `${where}: expected HOST:PORT or [IPV6]:PORT with a port from 1; seen ${JSON.stringify(seen)}`,
  );

/** What a listening address is called from the same machine. */
function reachable({ host, port }: HostPort): HostPort {
  if (host === "0.0.0.0") return { host: "127.0.0.1", port };
  return /^[0:]+$/.test(host) ? { host: "::1", port } : { host, port };
}

async function addressOf(
  terminal: Terminal,
  face: Face,
  flag: string | undefined,
): Promise<Result<HostPort, CliFault>> {
  const { environment, workingDirectory } = terminal;
  const named = flag ?? environment[face.variable];
  if (named !== undefined) {
    const address = readHostPort(named);
    const where = flag === undefined ? face.variable : face.flag;
    if (address === null || address.port === 0) return failed(badAddress(where, named));
    return ok(reachable(address));
  }
  const file = await readConfigFile(environment["MESHMEND_CONFIG"]);
  // An unreadable file concerns the daemon; a command for other users falls back to the default.
  if (!file.ok || file.value === null) return ok(face.byDefault);
  const { compileConfig, formatConfigFault } = await import("../config/index.ts");
  const hostName = hostname();
  const input = { file: file.value, environment: {}, flags: {}, hostName, workingDirectory };
  const compiled = compileConfig(input);
  if (!compiled.ok) {
    const first = formatConfigFault(compiled.fault[0]);
    return failed(
      cliFault(exitCode.usage, compiled.fault[0].code, first, "see `meshmend config check`"),
    );
  }
  const { listen } = compiled.value.config[face.section];
  if (listen.port !== 0) return ok(reachable(listen));
  const why = `${file.value.path} lets the system choose the port, so its number must be given`;
  const remedy = `use ${face.flag} HOST:PORT or ${face.variable}`;
  return failed(cliFault(exitCode.usage, "E_USAGE", why, remedy));
}

/** Where etcd's API is served. */
export const storeAddress = (
  terminal: Terminal,
  flag: string | undefined,
): Promise<Result<HostPort, CliFault>> => addressOf(terminal, grpcFace, flag);

export interface DaemonOptions {
  readonly http?: string;
}

export async function findDaemon(
  terminal: Terminal,
  { http }: DaemonOptions,
): Promise<Result<DaemonClient, CliFault>> {
  const address = await addressOf(terminal, httpFace, http);
  return address.ok ? ok(connectDaemon(address.value)) : address;
}
