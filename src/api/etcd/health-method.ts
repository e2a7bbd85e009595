/** `grpc.health.v1.Health`, which etcd serves beside its own: for probes that speak gRPC. */

import { grpcFailure } from "../grpc/grpc-status.ts";
import type { Methods } from "../grpc/method.ts";
import { ProtoReader } from "./proto-reader.ts";
import { ProtoWriter } from "./proto-writer.ts";

/** https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
const serving = 1;
const notServing = 2;

export function healthMethods(hasLeader: () => boolean): Methods {
  return {
    "/grpc.health.v1.Health/Check": {
      kind: "unary",
      answer(message) {
        const reader = new ProtoReader(message);
        let service = "";
        while (reader.hasMore) {
          const tag = reader.tag();
          if (tag === ((1 << 3) | 2)) service = reader.key();
          else reader.skip(tag);
        }
        if (service !== "") return grpcFailure("notFound", "unknown service");
        const writer = new ProtoWriter(4);
        writer.number(1, hasLeader() ? serving : notServing);
        return writer.finish();
      },
    },
  };
}
