/** Keys of the agreed map, as JSON: text where it is UTF-8, else null and base64 beside it. */

import { Type } from "../../../json-schema/type.ts";
import { closed, count, nullable, oneOf, refer } from "./building-blocks.ts";

const base64 = () => Type.String({ pattern: "^[A-Za-z0-9+/]*={0,2}$" });
const key = () => Type.String({ minLength: 1, maxLength: 4_096 });
const pair = {
  key: nullable(Type.String({ description: "Null when it is no UTF-8." })),
  keyBase64: Type.Optional(base64()),
  value: nullable(Type.String({ description: "Null when it is no UTF-8." })),
  valueBase64: Type.Optional(base64()),
};

export const keyValueSchema = closed(
  {
    ...pair,
    createRevision: count("When it was created."),
    modRevision: count("When it was changed last."),
    version: count("Puts since it was created; 1 is the creation."),
    lease: nullable(Type.String({ description: "Hexadecimal." })),
  },
  { $id: "KeyValue" },
);

export const keyRangeSchema = closed(
  {
    revision: count("The store's, when this was true."),
    count: count("Keys in the range, whatever the limit."),
    more: Type.Boolean({ description: "There are more than the limit." }),
    keyValues: Type.Array(refer(keyValueSchema)),
  },
  { $id: "KeyRange" },
);

export const keyPutSchema = closed(
  {
    key: key(),
    value: Type.Optional(Type.String()),
    valueBase64: Type.Optional(base64()),
    lease: Type.Optional(
      Type.String({ pattern: "^[0-9a-fA-F]{1,16}$", description: "Hexadecimal." }),
    ),
    ifRevision: Type.Optional(
      count("Only if its modRevision is this; 0: only if there is no such key."),
    ),
  },
  { $id: "KeyPut", description: "Either `value` or `valueBase64`." },
);

export const keyDeletionSchema = closed(
  { key: Type.Optional(key()), prefix: Type.Optional(Type.String({ maxLength: 4_096 })) },
  { $id: "KeyDeletion", description: "Either `key` or `prefix`; an empty prefix is all keys." },
);

export const keyChangedSchema = closed(
  { revision: count("Of the change."), deleted: Type.Optional(count("Keys deleted.")) },
  { $id: "KeyChanged" },
);

export const keyEventSchema = closed(
  {
    kind: oneOf(["put", "delete"]),
    ...pair,
    createRevision: count("0 of a deletion."),
    modRevision: count("When it happened."),
    version: count("0 of a deletion."),
    lease: nullable(Type.String()),
  },
  { $id: "KeyEvent" },
);
