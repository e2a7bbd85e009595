/** What a reading, a symptom or an action is about, as a key that is readable as it stands. */

export type SubjectKind =
  | "interface"
  | "target"
  | "resource"
  | "storage"
  | "sensor"
  | "node"
  /** A neighbour on an interface: `link/wlan0/02:00:00:00:00:01`. */
  | "link"
  /** The numbered messages heard on a link; named like it. */
  | "loss"
  /** A mesh interface. */
  | "mesh";

export type Subject = `${SubjectKind}/${string}`;

export function subject(kind: SubjectKind, name: string): Subject {
  return `${kind}/${name}`;
}

export function linkSubject(link: {
  readonly interface: string;
  readonly neighbour: string;
}): Subject {
  return subject("link", `${link.interface}/${link.neighbour}`);
}

export function lossSubject(link: {
  readonly interface: string;
  readonly neighbour: string;
}): Subject {
  return subject("loss", `${link.interface}/${link.neighbour}`);
}

export function subjectName(of: Subject): string {
  return of.slice(of.indexOf("/") + 1);
}
