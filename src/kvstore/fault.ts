/** Why the store refuses. The faces say it in the words of their protocols; the codes are ours. */

import { type Fault, fault } from "../base/index.ts";

export const kvFaults = {
  E_KEY_EMPTY: "the key is empty",
  E_KEY_NOT_FOUND: "the key to keep the value or lease of does not exist",
  E_KEY_DUPLICATE: "the transaction writes a key twice",
  E_VALUE_PROVIDED: "a value came with the wish to keep the old one",
  E_LEASE_PROVIDED: "a lease came with the wish to keep the old one",
  E_LEASE_NOT_FOUND: "there is no such lease",
  E_LEASE_EXISTS: "there is a lease of this id already",
  E_LEASE_TTL: "the lease's time to live is not within 1 and 9,000,000,000 seconds",
  E_LEASE_RENEWED: "the lease was renewed by a new leader after its expiry was decided",
  E_COMPACTED: "the revision is compacted away",
  E_FUTURE_REVISION: "the revision is still to come",
  E_TOO_MANY_OPERATIONS: "the transaction has too many operations",
  E_REQUEST_TOO_LARGE: "the request is too large",
  E_COMMAND_UNREADABLE: "the command cannot be read",
  E_NO_SPACE: "the store is as large as its quota allows",
  E_STORE_CORRUPT: "the alarm about differing copies of the store is active",
} as const satisfies Record<string, string>;

export type KvFaultCode = keyof typeof kvFaults;
export type KvFault = Fault<KvFaultCode>;

const faults = new Map(
  (Object.keys(kvFaults) as KvFaultCode[]).map((code) => [code, fault(code, kvFaults[code])]),
);

export function kvFault(code: KvFaultCode, detail?: string): KvFault {
  const known = faults.get(code) as KvFault;
  return detail === undefined ? known : fault(code, `${known.message}: ${detail}`);
}
