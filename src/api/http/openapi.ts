/**
 * The OpenAPI document, made when somebody first asks for it, from the routes themselves: they are
 * put on a second app that never listens. The generator and the YAML library it brings are loaded
 * only then; most nodes are never asked.
 */

import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import { fastify } from "fastify";
import type { App } from "./app.ts";
import { namedSchemas } from "./schemas/index.ts";

export interface DescribedRoutes {
  /** Puts the routes on an app, of which there may be several. */
  serve(app: App): void;
  readonly version: string;
}

/** Makes it once; a failure is not kept, so that the next request tries again. */
export function openApiDocument(routes: DescribedRoutes): () => Promise<string> {
  let made: Promise<string> | null = null;
  return () => {
    made ??= describe(routes).catch((thrown: unknown) => {
      made = null;
      throw thrown;
    });
    return made;
  };
}

async function describe({ serve, version }: DescribedRoutes): Promise<string> {
  const { default: swagger } = await import("@fastify/swagger");
  const app: App = fastify().withTypeProvider<TypeBoxTypeProvider>();
  try {
    app.setSerializerCompiler(() => JSON.stringify);
    for (const schema of namedSchemas) app.addSchema(schema);
    await app.register(swagger, {
      openapi: {
        openapi: "3.1.0",
        info: {
          title: "meshmend",
          version,
          description: "A mesh node's health, what it sees and decides, and why.",
          license: { name: "Apache-2.0", identifier: "Apache-2.0" },
        },
      },
      refResolver: {
        // Every schema that is added has a name.
        buildLocalReference: (schema) => schema["$id"] as string,
      },
    });
    serve(app);
    await app.ready();
    return JSON.stringify(app.swagger());
  } finally {
    await app.close();
  }
}
