/** `meshmend snapshot`: the whole store as one file, saved, looked at, and made a new group's. */

import { resolve } from "node:path";
import { failed, fault, messageOf, ok, type Result } from "../../base/index.ts";
import type { KvClient } from "../../client/index.ts";
import { type ExitCode, exitCode } from "../exit-code.ts";
import { type StoreOptions, withStore } from "../store-client.ts";
import { cliFault, complainOf, printable, type Terminal } from "../terminal.ts";
import { compileForRun, type RunFlags } from "./config.ts";

type Node = typeof import("../../node/index.ts");
type Writer = Extract<Awaited<ReturnType<Node["snapshotWriter"]>>, { ok: true }>["value"];
type Summary = Extract<Awaited<ReturnType<Node["snapshotStatus"]>>, { ok: true }>["value"];

export async function snapshotSave(
  terminal: Terminal,
  file: string,
  options: StoreOptions,
): Promise<ExitCode> {
  const { snapshotWriter } = await import("../../node/index.ts");
  const interruption = terminal.interruption();
  return withStore(terminal, options, async (client) => {
    const path = resolve(terminal.workingDirectory, file);
    const writer = await snapshotWriter(path);
    if (!writer.ok) return writer;
    const received = await receive(client, writer.value, interruption);
    if (!received.ok) {
      await writer.value.abandon();
      return interruption.aborted ? ok(exitCode.interrupted) : received;
    }
    const saved = await writer.value.finish();
    if (!saved.ok) return saved;
    tell(terminal, `saved ${path}`, saved.value, options.json);
    return ok(exitCode.ok);
  });
}

async function receive(
  client: KvClient,
  writer: Writer,
  signal: AbortSignal,
): Promise<Result<void>> {
  for await (const reply of client.snapshot(signal)) {
    if (!reply.ok) return reply;
    try {
      await writer.add(reply.value.blob);
    } catch (thrown) {
      return failed(fault("E_SNAPSHOT_WRITE", `the file cannot be written: ${messageOf(thrown)}`));
    }
  }
  return signal.aborted ? failed(fault("E_SNAPSHOT_ABORTED", "interrupted")) : ok(undefined);
}

export async function snapshotStatusOf(
  terminal: Terminal,
  file: string,
  options: { readonly json?: boolean },
): Promise<ExitCode> {
  const { snapshotStatus } = await import("../../node/index.ts");
  const path = resolve(terminal.workingDirectory, file);
  const read = await snapshotStatus(path);
  if (!read.ok) return complainOf(terminal, { ...read.fault, exit: exitCode.failure });
  tell(terminal, path, read.value, options.json);
  return exitCode.ok;
}

export interface RestoreOptions extends RunFlags {
  readonly json?: boolean;
}

export async function snapshotRestore(
  terminal: Terminal,
  file: string,
  options: RestoreOptions,
): Promise<ExitCode> {
  const found = await compileForRun(terminal, options);
  if (found === null) return exitCode.usage;
  const { restoreSnapshot } = await import("../../node/index.ts");
  const { config } = found;
  const restored = await restoreSnapshot(config, resolve(terminal.workingDirectory, file));
  if (!restored.ok) {
    const { code, message, remedy } = restored.fault;
    const exit = code === "E_FOLDER_LOCKED" ? exitCode.inUse : exitCode.failure;
    return complainOf(terminal, cliFault(exit, code, message, remedy));
  }
  const { clusterId, ...summary } = restored.value;
  const how = `restored into ${config.dataDir}: ${config.nodeId} is a group of one, cluster ${clusterId}`;
  tell(terminal, how, summary, options.json, { clusterId });
  return exitCode.ok;
}

function tell(
  terminal: Terminal,
  what: string,
  summary: Summary,
  json: boolean | undefined,
  more: object = {},
): void {
  const { position, revision, compactRevision, versions, leases, contentBytes } = summary;
  if (json === true) {
    const counts = { revision, compactRevision, versions, leases, contentBytes };
    terminal.write(`${JSON.stringify({ ...more, ...counts, index: position.index })}\n`);
    return;
  }
  terminal.write(`${printable(what)}\n`);
  const since = compactRevision > 0 ? `, compacted at ${compactRevision}` : "";
  terminal.write(
    `revision ${revision}${since}; versions: ${versions}, leases: ${leases}, bytes: ${contentBytes}\n`,
  );
}
