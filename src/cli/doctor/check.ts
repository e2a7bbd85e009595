/** What a look at the machine can say: yes, no and what is needed, or could not tell and why. */

export type Finding =
  | { readonly state: "yes"; readonly detail: string }
  | { readonly state: "no"; readonly detail: string; readonly remedy: string }
  | { readonly state: "could not tell"; readonly detail: string };

export type Check = Finding & {
  readonly name: string;
  /** Can the plain daemon not run without it? */
  readonly required: boolean;
  /** What it is good for. */
  readonly purpose: string;
};

export const yes = (detail: string): Finding => ({ state: "yes", detail });
export const no = (detail: string, remedy: string): Finding => ({ state: "no", detail, remedy });
export const couldNotTell = (detail: string): Finding => ({ state: "could not tell", detail });

/** The outcome for the exit code: can the plain daemon run here? */
export function canRun(checks: readonly Check[]): boolean {
  return checks.every(({ required, state }) => !required || state !== "no");
}

/** The soft limit of open files from /proc/self/limits; null when it is not there. */
export function openFileLimit(limits: string): number | null {
  const value = /^Max open files\s+(\d+|unlimited)\s/m.exec(limits)?.[1];
  if (value === undefined) return null;
  return value === "unlimited" ? Number.POSITIVE_INFINITY : Number(value);
}
