/**
 * Decides what to do so that the wanted interfaces carry our program and no other ones do. It never
 * decides to replace a stranger's program: it says whose is in the way.
 */

export type XdpMode = "native" | "generic" | "offloaded";

/** The name of our XDP program, by which a crashed daemon's is known. */
export const meshProgramName = "meshmend_mesh";

/** A program on an interface that this process has not attached. */
export interface Occupant {
  readonly programId: number;
  readonly programName: string;
  readonly mode: XdpMode;
  /** Ids of the BPF links that hold it; without any it was attached by netlink. */
  readonly links: readonly number[];
  /** Whether a live process holds one of the links, as far as it can be seen. */
  readonly held: "by-a-process" | "by-nobody" | "unknown";
}

export interface PresentInterface {
  readonly name: string;
  readonly index: number;
  /** Empty when it is no Ethernet interface. */
  readonly address: string;
  readonly occupant: Occupant | null;
}

/** One of this process's own attachments. */
export interface Attachment {
  readonly index: number;
  readonly name: string;
  readonly address: string;
}

export type Step =
  | { readonly kind: "detach"; readonly attachment: Attachment; readonly reason: string }
  /** A program of ours that a crashed daemon left behind. */
  | { readonly kind: "remove"; readonly on: PresentInterface; readonly leftover: Occupant }
  | { readonly kind: "attach"; readonly to: PresentInterface };

export type Refusal =
  | { readonly kind: "missing"; readonly name: string }
  | { readonly kind: "unsuitable"; readonly name: string }
  | { readonly kind: "occupied"; readonly name: string; readonly occupant: Occupant };

export interface Reconciliation {
  readonly steps: readonly Step[];
  readonly refusals: readonly Refusal[];
}

/** Ours, and nobody alive answers for it. A link that we cannot see the holder of is left alone. */
export function isLeftover(occupant: Occupant): boolean {
  if (occupant.programName !== meshProgramName || occupant.mode === "offloaded") return false;
  return occupant.links.length === 0 || occupant.held === "by-nobody";
}

export function reconcile(
  wanted: readonly string[],
  present: readonly PresentInterface[],
  attached: readonly Attachment[],
): Reconciliation {
  const steps: Step[] = [];
  const refusals: Refusal[] = [];
  const kept = new Set<number>();
  for (const attachment of attached) {
    const reason = whyDetach(attachment, wanted, present);
    if (reason === null) kept.add(attachment.index);
    else steps.push({ kind: "detach", attachment, reason });
  }
  for (const name of new Set(wanted)) {
    const on = present.find((candidate) => candidate.name === name);
    if (on === undefined) {
      refusals.push({ kind: "missing", name });
    } else if (kept.has(on.index)) {
      // Nothing to do.
    } else if (on.address === "") {
      refusals.push({ kind: "unsuitable", name });
    } else if (on.occupant === null) {
      steps.push({ kind: "attach", to: on });
    } else if (isLeftover(on.occupant)) {
      steps.push({ kind: "remove", on, leftover: on.occupant }, { kind: "attach", to: on });
    } else {
      refusals.push({ kind: "occupied", name, occupant: on.occupant });
    }
  }
  return { steps, refusals };
}

function whyDetach(
  attachment: Attachment,
  wanted: readonly string[],
  present: readonly PresentInterface[],
): string | null {
  const now = present.find(({ index }) => index === attachment.index);
  if (now === undefined) return "the interface is gone";
  if (!wanted.includes(now.name)) return "it is not wanted any more";
  if (now.name !== attachment.name) return `it is called ${now.name} now`;
  // Echoes of our own OGMs are known by it.
  if (now.address !== attachment.address) return `its address is ${now.address} now`;
  return null;
}
