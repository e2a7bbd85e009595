import { Type as TypeBox } from "typebox";
import { describe, expect, it } from "vitest";
import { Type } from "../../../src/json-schema/type.ts";

type Builder = typeof Type;

const schemas: readonly (readonly [string, (type: Builder) => unknown])[] = [
  ["an array", (type) => type.Array(type.String({ minLength: 1 }), { maxItems: 3 })],
  ["a choice", (type) => type.Union([type.Integer({ minimum: 0 }), type.Null()])],
  ["words", (type) => type.Enum(["auto", "on"], { default: "auto", description: "x" })],
  ["a literal", (type) => type.Literal("up")],
  ["a record", (type) => type.Record(type.String(), type.Number({ maximum: 1 }))],
  ["a schema of one's own", (type) => type.Unsafe<number>({ $ref: "Name#" })],
  ["an empty object", (type) => type.Object({})],
  [
    "an object that may lack some of its properties",
    (type) =>
      type.Object(
        {
          needed: type.Boolean(),
          may: type.Optional(type.String({ description: "x" })),
          inner: type.Object({ also: type.Optional(type.Null()) }),
        },
        { $id: "Thing", additionalProperties: false },
      ),
  ],
];

describe("a schema built without TypeBox's runtime", () => {
  it.each(schemas)("is the one TypeBox builds: %s", (_what, build) => {
    expect(JSON.stringify(build(Type))).toBe(JSON.stringify(build(TypeBox)));
  });

  it("leaves the schema that is made optional as it was", () => {
    const name = Type.String();
    Type.Optional(name);
    expect(Type.Object({ name }).required).toEqual(["name"]);
  });
});
