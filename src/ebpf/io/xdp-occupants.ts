/**
 * Who sits on an interface: the program there, the links that hold it, and whether a live process
 * holds those. Linux tells the last only through /proc/PID/fdinfo.
 */

import { readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";
import { ok, type Result } from "../../base/index.ts";
import type { Occupant, XdpMode } from "../index.ts";
import type { NativePrograms } from "./native-contract.ts";
import { type EbpfFault, nativeFault } from "./native-fault.ts";

/** PROC_PID_INIT_INO (linux/proc_ns.h): from inside another namespace most processes are invisible. */
const initialPidNamespace = "pid:[4026531836]";

/** Null when nothing is attached. */
export async function occupantOf(
  native: NativePrograms,
  ifindex: number,
): Promise<Result<Occupant | null, EbpfFault>> {
  const found = native.queryXdp(ifindex);
  const what = `asking for XDP programs on interface ${ifindex}`;
  if (!found.ok) return { ok: false, fault: nativeFault(found.error, what) };
  const { nativeProgram, genericProgram, offloadedProgram } = found.value;
  const modes: readonly (readonly [XdpMode, number])[] = [
    ["native", nativeProgram],
    ["generic", genericProgram],
    ["offloaded", offloadedProgram],
  ];
  const [mode, programId] = modes.find(([, id]) => id !== 0) ?? ["native", 0];
  if (programId === 0) return ok(null);
  const program = native.programInfo(programId);
  if (!program.ok) {
    if (program.error.name === "ENOENT") return ok(null);
    return { ok: false, fault: nativeFault(program.error, `reading program ${programId}`) };
  }
  const links = native.linksOf(programId);
  if (!links.ok) return { ok: false, fault: nativeFault(links.error, what) };
  const held = links.value.length === 0 ? "by-nobody" : await holderOf(links.value);
  return ok({ programId, programName: program.value.name, mode, links: links.value, held });
}

/** Looks through the open files of every process; tens of milliseconds, and only at a start. */
async function holderOf(links: readonly number[]): Promise<Occupant["held"]> {
  const namespace = await readlink("/proc/self/ns/pid").catch(() => "");
  if (namespace !== initialPidNamespace) return "unknown";
  const wanted = new Set(links);
  let unreadable = false;
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const folder = path.join("/proc", pid, "fdinfo");
    const files = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      // A process that has just ended holds nothing; one we may not look into might.
      unreadable ||= error.code === "EACCES" || error.code === "EPERM";
      return [];
    });
    for (const file of files) {
      const text = await readFile(path.join(folder, file), "utf8").catch(() => "");
      const link = /^link_id:\s*(\d+)$/m.exec(text)?.[1];
      if (link !== undefined && wanted.has(Number(link))) return "by-a-process";
    }
  }
  return unreadable ? "unknown" : "by-nobody";
}
