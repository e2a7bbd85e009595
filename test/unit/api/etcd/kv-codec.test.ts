/** The hand-written codec is held against the generated one: they must mean the same bytes. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeDeleteRange,
  decodePut,
  decodeRangeCall,
  decodeTransaction,
} from "../../../../src/api/etcd/kv-decoding.ts";
import {
  HeaderWriter,
  writeEvent,
  writeRange,
  writeTransaction,
} from "../../../../src/api/etcd/kv-encoding.ts";
import { ProtoFault, ProtoReader } from "../../../../src/api/etcd/proto-reader.ts";
import { ProtoWriter } from "../../../../src/api/etcd/proto-writer.ts";
import type { KeyValue, Operation, RangeReply } from "../../../../src/api/store-port.ts";
import { Event } from "../../../../src/wire/etcd/kv.ts";
import * as wire from "../../../../src/wire/etcd/rpc.ts";

const bytes = fc.uint8Array({ maxLength: 200 });
const number = fc.oneof(
  fc.constant(0),
  fc.nat(),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  fc.integer({ min: -(2 ** 40), max: -1 }),
);
const id = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const flag = fc.boolean();
const text = (key: Uint8Array) => Buffer.from(key).toString("latin1");
const reader = (message: Uint8Array) => new ProtoReader(Buffer.from(message));

const range = fc.record({
  key: bytes,
  rangeEnd: bytes,
  limit: number,
  revision: number,
  sortOrder: fc.constantFrom(0 as const, 1 as const, 2 as const),
  sortTarget: fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const, 4 as const),
  serializable: flag,
  keysOnly: flag,
  countOnly: flag,
  minModRevision: number,
  maxModRevision: number,
  minCreateRevision: number,
  maxCreateRevision: number,
});
const put = fc.record({
  key: bytes,
  value: bytes,
  lease: id.map(String),
  prevKv: flag,
  ignoreValue: flag,
  ignoreLease: flag,
});
const keyValue: fc.Arbitrary<KeyValue> = fc.record({
  key: bytes.map(text),
  value: bytes,
  createRevision: fc.nat(),
  modRevision: fc.maxSafeNat(),
  version: fc.nat(),
  lease: id,
});
const onTheWire = (kv: KeyValue) => ({
  ...kv,
  key: new Uint8Array(Buffer.from(kv.key, "latin1")),
  value: new Uint8Array(kv.value),
  lease: kv.lease.toString(),
});
const plain = <Value>(value: Value): Value => structuredClone(value);

describe("requests as the generated code writes them", () => {
  it("of a put", () =>
    fc.assert(
      fc.property(put, (request) => {
        const decoded = decodePut(reader(wire.PutRequest.encode(request).finish()));
        expect({ ...decoded, value: text(decoded.value) }).toEqual({
          ...request,
          kind: "put",
          key: text(request.key),
          value: text(request.value),
          lease: BigInt(request.lease),
        });
      }),
    ));

  it("of a range", () =>
    fc.assert(
      fc.property(range, ({ serializable, ...request }) => {
        const encoded = wire.RangeRequest.encode({ ...request, serializable }).finish();
        expect(decodeRangeCall(reader(encoded))).toEqual({
          serializable,
          request: {
            ...request,
            kind: "range",
            key: text(request.key),
            rangeEnd: text(request.rangeEnd),
            sortOrder: ["none", "ascend", "descend"][request.sortOrder],
            sortTarget: ["key", "version", "create", "mod", "value"][request.sortTarget],
          },
        });
      }),
    ));

  it("of a transaction with every kind of comparison and operation", () => {
    const key = new Uint8Array([0, 255]);
    const none = new Uint8Array(0);
    const compare = (
      target: 0 | 1 | 2 | 3 | 4,
      targetUnion: wire.Compare["targetUnion"],
      result: 0 | 1 | 2 | 3,
    ) => ({ result, target, key, rangeEnd: none, targetUnion });
    const inner = { compare: [], success: [], failure: [] };
    const encoded = wire.TxnRequest.encode({
      compare: [
        compare(0, { $case: "version", value: 3 }, 0),
        compare(1, { $case: "createRevision", value: 4 }, 1),
        compare(2, { $case: "modRevision", value: 5 }, 2),
        compare(3, { $case: "value", value: key }, 3),
        compare(4, { $case: "lease", value: "-1" }, 0),
        compare(0, undefined, 0),
      ],
      success: [
        { request: { $case: "requestDeleteRange", value: { key, rangeEnd: key, prevKv: true } } },
        { request: { $case: "requestTxn", value: inner } },
        { request: undefined },
      ],
      failure: [],
    }).finish();
    const decoded = decodeTransaction(reader(encoded));
    expect(decoded.compare.map(({ target, result, operand }) => [target, result, operand])).toEqual(
      [
        ["version", "equal", 3],
        ["create", "greater", 4],
        ["mod", "less", 5],
        ["value", "not-equal", Buffer.from(key)],
        ["lease", "equal", -1n],
        ["version", "equal", 0],
      ],
    );
    const kinds = (operations: readonly Operation[]) => operations.map(({ kind }) => kind);
    expect(kinds(decoded.success)).toEqual(["delete-range", "transaction"]);
    expect(decoded.success[0]).toEqual({
      kind: "delete-range",
      key: "\0\xff",
      rangeEnd: "\0\xff",
      prevKv: true,
    });
  });
});

describe("bytes that nobody should send", () => {
  it("are read, or refused in one way, never anything else", () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        for (const decode of [decodePut, decodeRangeCall, decodeDeleteRange, decodeTransaction]) {
          try {
            decode(reader(noise));
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(ProtoFault);
          }
        }
      }),
      { numRuns: 2_000 },
    ));

  it("are refused when a message is cut", () => {
    const whole = wire.PutRequest.encode({
      key: new Uint8Array([1, 2, 3]),
      value: new Uint8Array(300),
      lease: "5",
      prevKv: true,
      ignoreValue: false,
      ignoreLease: false,
    }).finish();
    for (const length of [1, 3, 6, 100, 307]) {
      expect(() => decodePut(reader(whole.subarray(0, length)))).toThrow(ProtoFault);
    }
  });

  it("are refused when transactions are nested without end", () => {
    let nested = Buffer.alloc(0);
    for (let depth = 0; depth < 20; depth++) {
      const operation = Buffer.concat([Buffer.from([0x22, nested.length]), nested]);
      nested = Buffer.concat([Buffer.from([0x12, operation.length]), operation]);
    }
    expect(() => decodeTransaction(reader(nested))).toThrow("nested deeper");
  });

  it("come down to the nearest number when they are beyond all revisions", () => {
    const limit = (varint: number[]) =>
      decodeRangeCall(reader(new Uint8Array([0x18, ...varint]))).request.limit;
    const ones = [255, 255, 255, 255, 255, 255, 255, 255];
    expect(limit([...ones, 127])).toBe(Number.MAX_SAFE_INTEGER);
    expect(limit([...ones, 255, 1])).toBe(-1);
  });
});

describe("replies as the generated code reads them", () => {
  const header = new HeaderWriter(
    () => ({ clusterId: 2n ** 64n - 1n, memberId: 77n }),
    () => 9,
  );

  it("of a range, with the header of whoever answers", () =>
    fc.assert(
      fc.property(fc.array(keyValue), fc.maxSafeNat(), flag, (keyValues, count, more) => {
        const reply: RangeReply = { kind: "range", revision: 12, keyValues, count, more };
        const writer = header.reply(12);
        writeRange(writer, reply);
        expect(plain(wire.RangeResponse.decode(new Uint8Array(writer.finish())))).toEqual({
          header: {
            clusterId: (2n ** 64n - 1n).toString(),
            memberId: "77",
            revision: 12,
            raftTerm: 9,
          },
          kvs: keyValues.map(onTheWire),
          count,
          more,
        });
      }),
    ));

  it("of a transaction in a transaction, however long", () => {
    const value = new Uint8Array(70_000).fill(7);
    const kv: KeyValue = {
      ...{ key: "k", value, lease: 0n },
      ...{ createRevision: 1, modRevision: 2, version: 3 },
    };
    const writer = new ProtoWriter();
    const inner = {
      kind: "transaction" as const,
      revision: 5,
      succeeded: false,
      replies: [{ kind: "put" as const, revision: 5, previous: kv }],
    };
    writeTransaction(writer, {
      kind: "transaction",
      revision: 5,
      succeeded: true,
      replies: [inner, { kind: "delete-range", revision: 5, deleted: 2, previous: [kv, kv] }],
    });
    const decoded = wire.TxnResponse.decode(new Uint8Array(writer.finish()));
    expect(decoded.succeeded).toBe(true);
    const [first, second] = decoded.responses.map(({ response }) => response);
    expect(first?.$case === "responseTxn" && first.value.responses[0]?.response).toMatchObject({
      $case: "responsePut",
      value: { header: { revision: 5 }, prevKv: { version: 3 } },
    });
    expect(second?.$case === "responseDeleteRange" && second.value.prevKvs.length).toBe(2);
  });

  it("of events", () =>
    fc.assert(
      fc.property(
        keyValue,
        fc.option(keyValue),
        fc.constantFrom("put" as const, "delete" as const),
        (now, previous, type) => {
          const writer = new ProtoWriter();
          writeEvent(writer, { type, keyValue: now, previous });
          expect(plain(Event.decode(new Uint8Array(writer.finish())))).toEqual({
            type: type === "put" ? 0 : 1,
            kv: onTheWire(now),
            prevKv: previous === null ? undefined : onTheWire(previous),
          });
        },
      ),
    ));
});
