/** The types of build.mjs, which runs on any Node and hence is plain JavaScript. */

export interface LabImage {
  readonly kernel: string;
  readonly initrd: string;
  /** As `uname -r` says it. */
  readonly release: string;
}

export interface LabTool {
  readonly binary: string;
  readonly debian: string;
  readonly reason: string;
}

export const cacheFolder: string;
export const labTools: readonly LabTool[];
export function builtImage(): LabImage | null;
export function labProblem(): string | null;
export function buildImage(options?: { readonly fresh?: boolean }): LabImage;
