/**
 * Builds the JSON Schemas that configuration and API are held against. The types are TypeBox's, so
 * that a schema's `Static` type follows from it; its runtime is not used, since all of it (373
 * modules, 13 MB of memory) would be loaded for these few objects. ajv does the checking.
 */

import type { Type as TypeBox } from "typebox";

/** What TypeBox does as well: hidden marks tell an object which of its properties it may lack. */
const optional = Symbol("optional");

interface Schema {
  readonly [optional]?: true;
  readonly [keyword: string]: unknown;
}
type Options = Readonly<Record<string, unknown>>;

const simple = (type: string) => (options?: Options) => ({ type, ...options });

function object(properties: Readonly<Record<string, Schema>>, options?: Options): Schema {
  const required = Object.keys(properties).filter((key) => properties[key]?.[optional] !== true);
  return {
    type: "object",
    ...(required.length > 0 && { required }),
    properties,
    ...options,
  };
}

const builders = {
  Array: (items: Schema, options?: Options) => ({ type: "array", items, ...options }),
  Boolean: simple("boolean"),
  Enum: (values: readonly unknown[], options?: Options) => ({ enum: values, ...options }),
  Integer: simple("integer"),
  Literal: (value: string, options?: Options) => ({ type: "string", const: value, ...options }),
  Null: simple("null"),
  Number: simple("number"),
  Object: object,
  Optional(schema: Schema): Schema {
    const marked = { ...schema };
    Object.defineProperty(marked, optional, { value: true });
    return marked;
  },
  /** Any text is a key. */
  Record: (_key: Schema, value: Schema, options?: Options) => ({
    type: "object",
    patternProperties: { "^.*$": value },
    ...options,
  }),
  String: simple("string"),
  Union: (schemas: readonly Schema[], options?: Options) => ({ anyOf: schemas, ...options }),
  Unsafe: (schema: Schema) => ({ ...schema }),
};

/** The part of TypeBox's builder that is used here; what it makes is plain JSON Schema. */
export const Type = builders as unknown as Pick<typeof TypeBox, keyof typeof builders>;
