/** How the schemas are put together: named, closed to unknown fields, and referred to by name. */

import type { Static, TProperties, TSchema } from "typebox";
import { Type } from "../../../json-schema/type.ts";

/** An object that admits no other fields; with `$id`, it gets its own entry in the OpenAPI. */
export function closed<Properties extends TProperties>(
  properties: Properties,
  options: { readonly $id?: string; readonly description?: string } = {},
) {
  return Type.Object(properties, { ...options, additionalProperties: false });
}

/** A reference to a named schema, so that the OpenAPI says each shape once. */
export function refer<Schema extends TSchema>(schema: Schema & { readonly $id?: string }) {
  return Type.Unsafe<Static<Schema>>({ $ref: `${schema.$id}#` });
}

export function nullable<Schema extends TSchema>(schema: Schema) {
  return Type.Union([schema, Type.Null()]);
}

/** One of a few words. */
export function oneOf<const Words extends readonly string[]>(words: Words, description?: string) {
  return Type.Unsafe<Words[number]>({
    type: "string",
    enum: [...words],
    ...(description !== undefined && { description }),
  });
}

export const wallMs = () => Type.Number({ description: "Unix milliseconds." });
export const count = (description: string) => Type.Integer({ minimum: 0, description });
export const ratio = (description: string) => Type.Number({ minimum: 0, maximum: 1, description });
