/** What a reading, a symptom or an action is about, as a key that is readable as it stands. */

export type SubjectKind = "interface" | "target" | "resource" | "storage" | "sensor" | "node";

export type Subject = `${SubjectKind}/${string}`;

export function subject(kind: SubjectKind, name: string): Subject {
  return `${kind}/${name}`;
}

export function subjectName(of: Subject): string {
  return of.slice(of.indexOf("/") + 1);
}
