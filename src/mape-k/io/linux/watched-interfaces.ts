/** Which interfaces are watched, and how many at most: the same for every way of reading them. */

import { type Fault, fault } from "../../../base/index.ts";
import { matchesAny } from "./interface-name.ts";

export interface WatchedInterfaces {
  /** Glob patterns; the loopback interface is never watched. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** More watched interfaces than this are a fault. */
  readonly maxInterfaces: number;
}

export function watches({ include, exclude }: WatchedInterfaces): (name: string) => boolean {
  const included = matchesAny(include);
  const excluded = matchesAny(exclude);
  return (name) => name !== "lo" && included(name) && !excluded(name);
}

export function tooManyInterfaces(count: number, limit: number): Fault<"E_TOO_MANY_INTERFACES"> {
  return fault(
    "E_TOO_MANY_INTERFACES",
    `${count} interfaces match, at most ${limit} are watched`,
    "narrow interfaces.include or widen interfaces.exclude",
  );
}
