/**
 * One file of `/proc/pressure/`: `some avg10=1.23 avg60=... avg300=... total=...` and the same for
 * `full`, in percent. Source: Documentation/accounting/psi.rst.
 */

import { type Fault, failed, fault, ok, type Result } from "../../../base/index.ts";
import type { PressureReading, PressureResource } from "../../observation.ts";

/**
 * Before Linux 5.13 `cpu` has no `full` line; system-wide it is undefined for the CPU and later
 * kernels write 0 there, so its absence is read as 0. For memory and io its absence is a fault.
 */
export function parsePressure(
  resource: PressureResource,
  text: string,
): Result<PressureReading, Fault<"E_MALFORMED">> {
  const someRatio = average10(text, "some");
  const fullRatio = average10(text, "full") ?? (resource === "cpu" ? absentRatio(text) : null);
  if (someRatio !== null && fullRatio !== null) return ok({ resource, someRatio, fullRatio });
  return failed(fault("E_MALFORMED", `/proc/pressure/${resource} is not what the kernel writes`));
}

function absentRatio(text: string): number | null {
  return text.includes("full") ? null : 0;
}

function average10(text: string, kind: "some" | "full"): number | null {
  const percent = new RegExp(`^${kind} avg10=(\\d{1,3})\\.(\\d{2}) avg60=`, "m").exec(text);
  if (percent === null) return null;
  const hundredths = Number(`${percent[1]}${percent[2]}`);
  return hundredths <= 10_000 ? hundredths / 10_000 : null;
}
