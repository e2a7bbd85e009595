/**
 * Who may import whom, as ARCHITECTURE.md draws it. test/unit/layering.test.ts proves every rule with
 * a seeded violation. Type-only imports count: a feature that knows another's types knows it.
 */
const features = "consensus|kvstore|crdt|mesh|ebpf|mape-k|rag|identity";
const feature = `^src/(${features})/`;
/** The same, with batman a feature of its own inside mesh. */
const innerFeature = `^src/(mesh/batman|${features})/`;
const io = "/io/";

const forbid = (name, comment, from, to) => ({ name, severity: "error", comment, from, to });
const core = { path: innerFeature, pathNot: io };

module.exports = {
  forbidden: [
    forbid("no-cycles", "modules that need each other are one module", {}, { circular: true }),
    forbid(
      "base-knows-nobody",
      "base is the vocabulary: it stands alone, without packages and without node:",
      { path: "^src/base/" },
      { pathNot: "^src/base/" },
    ),
    forbid(
      "core-touches-no-node-module",
      "a core does no I/O, so that the simulator runs the production code: move it to io/",
      core,
      { dependencyTypes: ["core"] },
    ),
    forbid(
      "core-touches-no-package",
      "a core decides by itself: packages belong in io/ (yjs in crdt excepted)",
      { ...core, pathNot: [io, "^src/crdt/"] },
      { pathNot: "^src/", dependencyTypesNot: ["core"] },
    ),
    forbid(
      "crdt-core-touches-yjs-only",
      "documents are yjs; any other package belongs in crdt/io",
      { path: "^src/crdt/", pathNot: io },
      { pathNot: ["^src/", "(^|/)node_modules/yjs/"], dependencyTypesNot: ["core"] },
    ),
    forbid("core-ignores-its-io", "io/ is built around a core, never the reverse", core, {
      path: "^src/$1/io/",
    }),
    forbid(
      "features-stay-apart",
      "features meet only in src/node, by structural typing",
      { path: feature },
      { path: feature, pathNot: "^src/$1/" },
    ),
    forbid(
      "mesh-ignores-batman",
      "batman-adv is one way to have a mesh",
      { path: "^src/mesh/", pathNot: "^src/mesh/batman/" },
      { path: "^src/mesh/batman/" },
    ),
    forbid(
      "batman-uses-the-door-of-mesh",
      "a feature's index.ts is its one door",
      { path: "^src/mesh/batman/" },
      { path: "^src/mesh/", pathNot: ["^src/mesh/batman/", "^src/mesh/index\\.ts$"] },
    ),
    forbid(
      "features-have-doors",
      "from outside, a feature is its index.ts, and its adapters the files right in its io/",
      { path: "^src/", pathNot: feature },
      { path: feature, pathNot: `${innerFeature}(index\\.ts|io/[^/]+\\.ts)$` },
    ),
    forbid(
      "features-ignore-the-faces",
      "a feature is handed its configuration, metrics and callers as plain arguments",
      { path: feature },
      { path: "^src/(config|telemetry|api)/" },
    ),
    forbid(
      "faces-ignore-features",
      "config, telemetry and api declare what they need; src/node plugs the features in",
      { path: "^src/(config|telemetry|api|cli)/" },
      { path: feature },
    ),
    forbid(
      "faces-stay-apart",
      "config, telemetry and api are useful without each other",
      { path: "^src/(config|telemetry|api)/" },
      { path: "^src/(config|telemetry|api)/", pathNot: "^src/$1/" },
    ),
    forbid(
      "cli-is-a-thin-shell",
      "commands use node, config, wire and base, nothing deeper",
      { path: "^src/cli/" },
      { path: "^src/(telemetry|api)/" },
    ),
    forbid(
      "wire-stays-at-the-edge",
      "generated code is for adapters and faces",
      { path: "^src/", pathNot: ["^src/(wire|api|client|node|cli)/", io] },
      { path: "^src/wire/" },
    ),
    forbid(
      "wire-knows-nobody",
      "generated code needs only its runtime",
      { path: "^src/wire/" },
      { path: "^src/", pathNot: "^src/wire/" },
    ),
    forbid(
      "native-stays-behind-io",
      "only the adapters that own the kernel may see the native addon",
      { path: "^src/", pathNot: ["^src/ebpf/io/", "^src/mesh/batman/io/"] },
      { path: "^native/" },
    ),
    forbid(
      "only-cli-runs-node",
      "the composition root knows everyone, so nobody may know it (src/index.ts offers it)",
      { path: "^src/", pathNot: ["^src/(node|cli)/", "^src/index\\.ts$"] },
      { path: "^src/node/" },
    ),
    forbid(
      "nobody-imports-cli",
      "the command line is the outermost layer",
      { path: "^src/", pathNot: "^src/cli/" },
      { path: "^src/cli/" },
    ),
    forbid(
      "src-ignores-tests",
      "production code must not need what is not shipped",
      { path: "^src/" },
      { path: "^(test|bench|scripts)/" },
    ),
    forbid(
      "src-needs-no-dev-package",
      "it would be missing after npm ci --omit=dev",
      { path: "^src/" },
      { dependencyTypes: ["npm-dev", "npm-no-pkg"] },
    ),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    builtInModules: { add: ["node:sqlite", "node:test", "node:sea"] },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "types"],
    },
  },
};
