/** What `/health` says of the group: who leads, how far this node is behind, and what is missing. */

import { type Health, healthy } from "../../base/index.ts";
import { type DriverStatus, membersOf } from "../../consensus/index.ts";
import type { PeerLinkStatus } from "../../consensus/io/peer-link.ts";
import type { AgreementPhase } from "./agreement-phase.ts";

export interface AgreementView {
  readonly phase: AgreementPhase;
  /** The members that are asked for admission. */
  readonly asked: readonly string[];
  readonly status: DriverStatus | null;
  /** How long no leader has been known. */
  readonly leaderlessMs: number;
  readonly insecure: boolean;
  readonly peers: readonly Pick<PeerLinkStatus, "peer" | "state" | "fault">[];
}

/** An election is no trouble; that there is none for so long is. */
const patienceMs = 3_000;
/** Entries that wait to be applied; more is a state machine that does not keep up. */
const lagLimit = 10_000;

export function agreementHealth(view: AgreementView): Health {
  const { phase, status } = view;
  if (phase.kind === "unusable") {
    const { message, remedy = "see the log" } = phase.fault;
    return { state: "failed", reason: message, remedy };
  }
  if (phase.kind === "joining" || status === null) return joiningHealth(view);
  return troubleOf(view, status) ?? healthy(describe(status, view.insecure));
}

function joiningHealth({ phase, asked }: AgreementView): Health {
  const refusal = phase.kind === "joining" ? phase.lastRefusal : null;
  const why = refusal === null ? "" : `: ${refusal.message}`;
  return {
    state: refusal?.code === "E_MEMBER_EXISTS" ? "failed" : "degraded",
    reason: `waits to be admitted to the group of ${asked.join(", ")}${why}`,
    remedy: refusal?.remedy ?? "a member must answer at one of the addresses",
  };
}

function troubleOf(view: AgreementView, status: DriverStatus): Health | null {
  const about = describe(status, view.insecure);
  const degraded = (what: string, remedy: string): Health => {
    return { state: "degraded", reason: `${what}; ${about}`, remedy };
  };
  if (status.inRepair && membersOf(status.membership).length === 1) {
    const reason = `the log lost entries, and no other member has them; ${about}`;
    const remedy = "restore the data directory from a backup, or start anew with an empty one";
    return { state: "failed", reason, remedy };
  }
  if (status.diskFull) return degraded("the disk is full: it does not lead", "free space");
  if (status.leaderId === null && view.leaderlessMs > patienceMs) {
    const remedy = "bring back a majority of the voters, or see `meshmend cluster recover`";
    return degraded("no leader is known: writes are refused", remedy);
  }
  const refused = view.peers.find(({ state }) => state === "refused");
  if (refused !== undefined) {
    const why = refused.fault?.message ?? "refused";
    return degraded(`${refused.peer.id}: ${why}`, refused.fault?.remedy ?? "see its log as well");
  }
  const silent = status.peers.filter(({ inContact }) => !inContact).map(({ id }) => id);
  if (silent.length > 0) {
    return degraded(
      `${silent.join(", ")} does not answer`,
      "start it, or remove it from the group",
    );
  }
  if (status.inRepair) {
    return degraded(
      "lost entries are fetched again: it does not vote",
      "nothing; it ends by itself",
    );
  }
  if (status.commitIndex - status.appliedIndex > lagLimit) {
    return degraded("agreed entries wait to be applied", "see process and storage");
  }
  if (view.insecure) {
    const remedy = "set cluster.tlsAuthority, tlsCertificate and tlsKey, and drop cluster.insecure";
    return degraded("peers speak plaintext beyond this machine (cluster.insecure)", remedy);
  }
  return null;
}

function describe(status: DriverStatus, insecure: boolean): string {
  const { role, term, leaderId, commitIndex, appliedIndex, membership, id } = status;
  const members = membersOf(membership);
  const place = `commit ${commitIndex}, applied ${appliedIndex}`;
  if (members.length === 1 && role === "leader") {
    return `a group of one in term ${term}; ${place}`;
  }
  const led = leaderId === null ? "no leader" : leaderId === id ? "leads" : `led by ${leaderId}`;
  const who = members.map((member) => member.id).join(", ");
  const plain = insecure ? ", plaintext" : "";
  return `${role} in term ${term}, ${led}; ${place}; members ${who}${plain}`;
}
