/** The header of replies that are written by generated code; kv-encoding.ts has that of the rest. */

import { ok } from "../../base/index.ts";
import type { ResponseHeader } from "../../wire/etcd/rpc.ts";

export interface Identity {
  readonly clusterId: bigint;
  readonly memberId: bigint;
}

export class ReplyHeader {
  readonly #identity: () => Identity;
  readonly #term: () => number;

  constructor(identity: () => Identity, term: () => number) {
    this.#identity = identity;
    this.#term = term;
  }

  /** The reply with its header. `revision` 0: the call had nothing to do with keys. */
  with<Body extends object>(
    revision: number,
    body: Body,
  ): { readonly ok: true; readonly value: Body & { header: ResponseHeader } } {
    const { clusterId, memberId } = this.#identity();
    const header: ResponseHeader = {
      clusterId: clusterId.toString(),
      memberId: memberId.toString(),
      revision,
      raftTerm: this.#term(),
    };
    return ok({ ...body, header });
  }
}
