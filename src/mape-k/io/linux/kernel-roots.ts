/** Where the kernel's file systems are mounted: arguments, so that recorded trees can be read too. */

export interface KernelRoots {
  /** Usually `/proc`. */
  readonly procRoot: string;
  /** Usually `/sys`. */
  readonly sysRoot: string;
}

export const kernelRoots: KernelRoots = { procRoot: "/proc", sysRoot: "/sys" };
