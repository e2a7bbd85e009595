/**
 * Where DHCP clients keep the lease of an interface. BusyBox's udhcpc keeps none: there a hook script
 * has to write its variables to `/run/udhcpc.INTERFACE.lease` (docs/operations.md has the line).
 */

import { constants, type FileHandle, open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type LeaseFormat, readLease, type SeedAddress } from "../dhcp-lease.ts";

export interface FoundLeases {
  /** The files that were read. */
  readonly files: readonly string[];
  readonly seeds: readonly SeedAddress[];
  /** Words that are no usable address. */
  readonly refused: number;
  /** Files that could not be read, and why. */
  readonly unreadable: readonly string[];
}

export interface LeaseSearch {
  readonly interface: string;
  readonly option: number;
  readonly wallMs: number;
  /** `/`, or a directory that stands for it. */
  readonly root: string;
}

/** dhclient appends for years; the last lease is at the end. */
const maxFileBytes = 262_144;
const maxFiles = 32;
const dhclientFolders = ["var/lib/dhcp", "var/lib/dhclient", "var/lib/NetworkManager"];

export async function readLeases(search: LeaseSearch): Promise<FoundLeases> {
  const { interface: name, option, wallMs } = search;
  const found = { files: [] as string[], refused: 0, unreadable: [] as string[] };
  const seeds = new Map<string, SeedAddress>();
  for (const { path, format } of await leaseFiles(search)) {
    const text = await tailOf(path);
    if (text === null) continue;
    if (!text.ok) {
      found.unreadable.push(text.why);
      continue;
    }
    found.files.push(path);
    const read = readLease(text.value, { format, option, interface: name, wallMs });
    found.refused += read.refused;
    for (const seed of read.seeds ?? []) seeds.set(`${seed.host} ${seed.port}`, seed);
  }
  return { ...found, seeds: [...seeds.values()] };
}

async function leaseFiles(
  search: LeaseSearch,
): Promise<readonly { readonly path: string; readonly format: LeaseFormat }[]> {
  const { root, interface: name } = search;
  const dhclient: string[] = [];
  for (const folder of dhclientFolders) {
    const names = await readdir(join(root, folder)).catch(() => []);
    const leases = names.filter((each) => /^dhclient[\w.:@-]*\.leases?$/.test(each));
    dhclient.push(...leases.toSorted().map((each) => join(root, folder, each)));
  }
  const index = await readFile(join(root, "sys/class/net", name, "ifindex"), "utf8").then(
    (text) => text.trim(),
    () => null,
  );
  return [
    ...dhclient.slice(0, maxFiles).map((path) => ({ path, format: "dhclient" as const })),
    ...(index === null
      ? []
      : [{ path: join(root, "run/systemd/netif/leases", index), format: "networkd" as const }]),
    { path: join(root, `run/udhcpc.${name}.lease`), format: "udhcpc" },
  ];
}

type Tail =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly why: string };

/** Null: there is no such file, as on nearly every machine. */
async function tailOf(path: string): Promise<Tail | null> {
  let file: FileHandle;
  try {
    // O_NONBLOCK: a pipe of that name must not hold anybody up.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    return code === "ENOENT" || code === "ENOTDIR" ? null : { ok: false, why: message };
  }
  try {
    const status = await file.stat();
    if (!status.isFile()) return { ok: false, why: `${path} is not a file` };
    const length = Math.min(status.size, maxFileBytes);
    const { buffer, bytesRead } = await file.read({
      buffer: Buffer.alloc(length),
      position: status.size - length,
      length,
    });
    return { ok: true, value: buffer.toString("latin1", 0, bytesRead) };
  } catch (thrown) {
    return { ok: false, why: (thrown as Error).message };
  } finally {
    await file.close();
  }
}
