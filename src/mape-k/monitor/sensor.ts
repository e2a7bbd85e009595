/** The port of a sensor. It delivers one section of the observation, or the fault that kept it. */

import type { Fault, Result } from "../../base/index.ts";
import type { SectionName, Sections } from "../observation.ts";

export interface Sensor<Section> {
  /**
   * Takes one sample. Must not block the event loop (reading procfs and kernel memory is fine,
   * a disk or a process is not) and must end when `signal` aborts.
   */
  sample(signal: AbortSignal): Result<Section, Fault> | Promise<Result<Section, Fault>>;
  /** Gives back what it holds (file descriptors, timers). Never throws. */
  close?(): void | Promise<void>;
}

/** One sensor a section at most; a section without one stays `null`. */
export type Sensors = { readonly [Name in SectionName]?: Sensor<Sections[Name]> };
