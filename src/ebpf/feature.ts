/**
 * What the kernel can do for us, three-valued: yes, no (and what is needed), or could not tell
 * (and why). Asking beats comparing versions: distributions port back and leave out.
 */

export type FeatureAnswer =
  | { readonly kind: "yes" }
  | { readonly kind: "no"; readonly needs: string }
  | { readonly kind: "unknown"; readonly why: string };

export interface Feature {
  readonly name: string;
  /** What is lost without it. */
  readonly purpose: string;
  readonly answer: FeatureAnswer;
}

/** Can the mesh program be loaded, as far as the features tell? */
export function combined(features: readonly Feature[]): FeatureAnswer {
  const missing = features.flatMap(({ answer }) => (answer.kind === "no" ? [answer.needs] : []));
  if (missing.length > 0) return { kind: "no", needs: [...new Set(missing)].join("; ") };
  const open = features.flatMap(({ answer }) => (answer.kind === "unknown" ? [answer.why] : []));
  if (open.length > 0) return { kind: "unknown", why: [...new Set(open)].join("; ") };
  return { kind: "yes" };
}
