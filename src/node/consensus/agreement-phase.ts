/** How far a node is in taking part in its group. */

import type { Fault } from "../../base/index.ts";

export type AgreementPhase =
  | { readonly kind: "joining"; readonly lastRefusal: Fault | null }
  | { readonly kind: "running"; readonly sinceMs: number }
  /** It takes no part, for this reason. */
  | { readonly kind: "unusable"; readonly fault: Fault };
