/** What Level throws, told as the faults of the decision log. */

import { type Fault, fault, messageOf } from "../../base/index.ts";
import type { DecisionLogFault } from "../knowledge/decision-log.ts";

export type OpenFault = Fault<"E_DATA_DIR_IN_USE" | "E_STORAGE_OPEN">;

export function openFault(folder: string, thrown: unknown): OpenFault {
  if (codesOf(thrown).includes("LEVEL_LOCKED")) {
    return fault(
      "E_DATA_DIR_IN_USE",
      `another meshmend uses this data directory: ${folder} is locked`,
      "stop the other one, or give this one its own dataDir",
    );
  }
  return fault(
    "E_STORAGE_OPEN",
    `cannot open the decision log in ${folder}: ${reasonOf(thrown)}`,
    "make the folder writable for meshmend; if its files are corrupt, move it away",
  );
}

/** LevelDB's files are there, and are not what they should be, or are there in part. */
export function isDamage(thrown: unknown): boolean {
  const codes = codesOf(thrown);
  if (codes.includes("LEVEL_CORRUPTION")) return true;
  return codes.includes("LEVEL_IO_ERROR") && /no such file/i.test(reasonOf(thrown));
}

export function readFault(thrown: unknown): DecisionLogFault {
  return fault("E_STORAGE_READ", `cannot read the decision log: ${reasonOf(thrown)}`);
}

/** Level wraps what LevelDB said; the cause is what helps. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error && thrown.cause !== undefined
    ? messageOf(thrown.cause)
    : messageOf(thrown);
}

function codesOf(thrown: unknown): string[] {
  const codes: string[] = [];
  for (let at = thrown; at instanceof Error && codes.length < 8; at = at.cause) {
    if ("code" in at) codes.push(String(at.code));
  }
  return codes;
}
