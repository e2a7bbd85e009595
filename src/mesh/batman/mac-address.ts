/** Addresses of six bytes, as every table of batman-adv has them: `02:00:00:00:01:02`, lower case. */

import type { Brand } from "../../base/index.ts";

export type MacAddress = Brand<string, "MacAddress">;

const form = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

/** Null when it is none. */
export function parseMacAddress(text: string): MacAddress | null {
  const lower = text.toLowerCase();
  return form.test(lower) ? (lower as MacAddress) : null;
}

const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** The six bytes at `at`; the caller has checked that they are there. */
export function macAddressAt(bytes: Uint8Array, at: number): MacAddress {
  let text = digits[bytes[at] ?? 0] ?? "";
  for (let i = 1; i < 6; i++) text += `:${digits[bytes[at + i] ?? 0]}`;
  return text as MacAddress;
}
