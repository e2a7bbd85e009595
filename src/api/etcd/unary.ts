/** A unary method out of generated codecs and a function on plain data. */

import type { Fault, Result } from "../../base/index.ts";
import type { CallContext, UnaryMethod } from "../grpc/method.ts";
import { etcdFailure } from "./etcd-faults.ts";

interface Decoder<Message> {
  decode(bytes: Uint8Array): Message;
}

interface Encoder<Message> {
  encode(message: Message): { finish(): Uint8Array };
}

export function unary<Request, Response>(
  requests: Decoder<Request>,
  responses: Encoder<Response>,
  answer: (request: Request, context: CallContext) => Promise<Result<Response, Fault>>,
): UnaryMethod {
  return {
    kind: "unary",
    async answer(message, context) {
      const answered = await answer(requests.decode(message), context);
      if (!answered.ok) return etcdFailure(answered.fault);
      return responses.encode(answered.value).finish();
    },
  };
}
