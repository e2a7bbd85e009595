/** A nominal type over a plain one: a `Brand<number, "Term">` is no `Brand<number, "LogIndex">`. */

declare const brand: unique symbol;

export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

/** This node's name in the mesh and in every record it writes. */
export type NodeId = Brand<string, "NodeId">;
