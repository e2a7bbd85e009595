/** Every served shape, and the list of those that have a name in the OpenAPI document. */

import * as cluster from "./cluster-schemas.ts";
import * as decisions from "./decision-schemas.ts";
import * as face from "./face-schemas.ts";
import * as kv from "./kv-schemas.ts";
import * as mesh from "./mesh-schemas.ts";
import * as observations from "./observation-schemas.ts";

export * from "./cluster-schemas.ts";
export * from "./decision-schemas.ts";
export * from "./face-schemas.ts";
export * from "./kv-schemas.ts";
export * from "./mesh-schemas.ts";
export * from "./observation-schemas.ts";

export const namedSchemas = [
  ...Object.values(observations),
  ...Object.values(decisions),
  ...Object.values(face),
  ...Object.values(mesh),
  ...Object.values(cluster),
  ...Object.values(kv),
].filter((schema) => "$id" in schema);
