/**
 * gRPC's status codes and how a status is written into trailers
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, statuscodes.md).
 */

export const grpcCodes = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

export type GrpcCodeName = keyof typeof grpcCodes;

/** How a call ended, other than well. */
export interface GrpcFailure {
  readonly code: GrpcCodeName;
  readonly message: string;
}

export const grpcFailure = (code: GrpcCodeName, message: string): GrpcFailure => ({
  code,
  message,
});

const unprintable = /[^\u0020-\u007e]|%/;

/** `grpc-message` is percent-encoded UTF-8: printable ASCII but `%` stands for itself. */
export function percentEncoded(message: string): string {
  if (!unprintable.test(message)) return message;
  let encoded = "";
  for (const byte of new TextEncoder().encode(message)) {
    encoded +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** The header fields that end a call with a failure. */
export function failureFields(failure: GrpcFailure): Record<string, string> {
  return {
    "grpc-status": String(grpcCodes[failure.code]),
    "grpc-message": percentEncoded(failure.message),
  };
}

const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** `grpc-timeout` in milliseconds; null when it is not one (at most eight digits and a unit). */
export function timeoutMs(value: string): number | null {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(value) ?? [];
  const scale = unitMs[unit ?? ""];
  return scale === undefined ? null : Number(digits) * scale;
}
