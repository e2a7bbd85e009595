/**
 * Limits that decide what is refused. They are part of the protocol, not of a node's configuration:
 * copies that drew the line elsewhere would come to differ.
 */

export const limits = {
  /** Compares, and operations of either branch, of one transaction, its nested ones included. */
  operations: 128,
  /** One encoded command. etcd takes 1.5 MiB (`--max-request-bytes`), this a little for framing. */
  commandBytes: 1_600_000,
  /** As in etcd (lease.MaxLeaseTTL): some 285 years. */
  leaseTtlSeconds: 9_000_000_000,
  /** What a stored version weighs in the quota besides its key and value. */
  versionBytes: 64,
  /** The quota of a new store, like etcd's (`--quota-backend-bytes`). */
  quotaBytes: 2 * 1024 ** 3,
} as const;
