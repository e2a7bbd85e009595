/**
 * Proves every layering rule of .dependency-cruiser.cjs on a small tree: each seeded violation is
 * reported under its rule and nothing else is, so what the tree does besides is allowed.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { cruise, type ICruiseResult } from "dependency-cruiser";
import extractConfig from "dependency-cruiser/config-utl/extract-depcruise-config";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = path.join(import.meta.dirname, "../..");
let tree: string;

/** rule, importing file, imported file or package */
const violations = [
  ["no-cycles", "src/base/cycle-a.ts", "src/base/cycle-b.ts"],
  ["base-knows-nobody", "src/base/a.ts", "src/config/index.ts"],
  ["base-knows-nobody", "src/base/b.ts", "node:os"],
  ["base-knows-nobody", "src/base/c.ts", "yaml"],
  ["core-touches-no-node-module", "src/consensus/a.ts", "node:fs/promises"],
  ["core-touches-no-node-module", "src/consensus/b.ts", "fs"],
  ["core-touches-no-node-module", "src/mesh/batman/a.ts", "node:sqlite"],
  ["core-touches-no-node-module", "src/crdt/a.ts", "node:os"],
  ["core-touches-no-package", "src/kvstore/a.ts", "yaml"],
  ["core-touches-no-package", "src/kvstore/b.ts", "yjs"],
  ["core-touches-no-package", "src/mape-k/monitor/a.ts", "yaml"],
  ["core-touches-no-package", "src/rag/a.ts", "not-installed"],
  ["crdt-core-touches-yjs-only", "src/crdt/b.ts", "yaml"],
  ["core-ignores-its-io", "src/ebpf/a.ts", "src/ebpf/io/index.ts"],
  ["core-ignores-its-io", "src/mesh/batman/b.ts", "src/mesh/batman/io/index.ts"],
  ["core-ignores-its-io", "src/mape-k/execute/a.ts", "src/mape-k/io/index.ts"],
  ["features-stay-apart", "src/mape-k/a.ts", "src/mesh/index.ts"],
  ["features-stay-apart", "src/identity/io/a.ts", "src/kvstore/io/index.ts"],
  ["features-stay-apart", "src/mesh/batman/c.ts", "src/consensus/index.ts"],
  ["mesh-ignores-batman", "src/mesh/a.ts", "src/mesh/batman/index.ts"],
  ["batman-uses-the-door-of-mesh", "src/mesh/batman/d.ts", "src/mesh/inner.ts"],
  ["features-have-doors", "src/node/a.ts", "src/mesh/inner.ts"],
  ["features-have-doors", "src/node/b.ts", "src/mesh/batman/inner.ts"],
  ["features-have-doors", "src/node/c.ts", "src/rag/io/deep/inner.ts"],
  ["features-ignore-the-faces", "src/identity/a.ts", "src/config/index.ts"],
  ["features-ignore-the-faces", "src/identity/io/b.ts", "src/telemetry/index.ts"],
  ["faces-ignore-features", "src/config/a.ts", "src/mesh/index.ts"],
  ["faces-ignore-features", "src/telemetry/a.ts", "src/mesh/batman/index.ts"],
  ["faces-ignore-features", "src/api/a.ts", "src/kvstore/io/index.ts"],
  ["faces-ignore-features", "src/cli/a.ts", "src/rag/index.ts"],
  ["faces-stay-apart", "src/api/b.ts", "src/telemetry/index.ts"],
  ["cli-is-a-thin-shell", "src/cli/b.ts", "src/api/index.ts"],
  ["wire-stays-at-the-edge", "src/telemetry/b.ts", "src/wire/index.ts"],
  ["wire-stays-at-the-edge", "src/consensus/c.ts", "src/wire/index.ts"],
  ["wire-knows-nobody", "src/wire/a.ts", "src/base/index.ts"],
  ["native-stays-behind-io", "src/node/d.ts", "native/index.cjs"],
  ["native-stays-behind-io", "src/kvstore/io/a.ts", "native/index.cjs"],
  ["only-cli-runs-node", "src/api/c.ts", "src/node/index.ts"],
  ["only-cli-runs-node", "src/rag/io/a.ts", "src/node/index.ts"],
  ["nobody-imports-cli", "src/node/e.ts", "src/cli/inner.ts"],
  ["src-ignores-tests", "src/node/f.ts", "test/support.ts"],
  ["src-needs-no-dev-package", "src/node/g.ts", "vitest"],
  ["src-needs-no-dev-package", "src/node/h.ts", "stray"],
] as const;

/** What the layers are for: importing file, and all it may import. */
const allowed: Record<string, string[]> = {
  "src/index.ts": ["src/node/index.ts", "src/consensus/index.ts"],
  "src/base/index.ts": ["src/base/inner.ts"],
  "src/base/cycle-b.ts": ["src/base/cycle-a.ts"], // The other half; a cycle is reported once.
  "src/mesh/index.ts": ["src/base/index.ts", "src/mesh/inner.ts"],
  "src/mesh/batman/index.ts": ["src/mesh/index.ts", "src/mesh/batman/inner.ts"],
  "src/mesh/batman/io/index.ts": ["native/index.cjs", "src/mesh/batman/inner.ts", "node:fs"],
  "src/crdt/index.ts": ["src/base/inner.ts", "yjs"],
  "src/mape-k/index.ts": ["src/mape-k/monitor/index.ts"],
  "src/ebpf/io/index.ts": ["src/ebpf/index.ts", "src/wire/index.ts", "native/index.cjs"],
  "src/kvstore/io/index.ts": ["src/kvstore/inner.ts", "yaml", "node:fs", "src/wire/index.ts"],
  "src/config/index.ts": ["src/base/index.ts", "yaml", "node:fs"],
  "src/telemetry/index.ts": ["src/base/index.ts", "yaml"],
  "src/api/index.ts": ["src/base/index.ts", "src/wire/index.ts", "yaml", "node:http"],
  "src/node/index.ts": [
    ...["src/api/index.ts", "src/config/index.ts", "src/telemetry/index.ts", "src/wire/index.ts"],
    ...["src/mesh/index.ts", "src/mesh/batman/index.ts", "src/mesh/batman/io/index.ts"],
    ...["src/kvstore/io/index.ts", "src/kvstore/io/level.ts", "src/crdt/index.ts", "node:os"],
  ],
  "src/cli/main.ts": ["src/node/index.ts", "src/config/index.ts", "src/wire/index.ts", "yaml"],
};

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(tree, file)), { recursive: true });
  writeFileSync(path.join(tree, file), text);
}

function importing(file: string, target: string, kind: string): string {
  const local = /^(src|test|native)\//.test(target);
  const relative = path.relative(path.dirname(file), target);
  const name = !local ? target : relative.startsWith(".") ? relative : `./${relative}`;
  return `import ${kind} * as it from "${name}";\n`;
}

function writeTree(kind: string): void {
  const files = new Map<string, string>();
  const link = (from: string, to: string, linkKind: string): void => {
    files.set(from, (files.get(from) ?? "") + importing(from, to, linkKind));
    if (/^(src|test|native)\//.test(to) && !files.has(to)) files.set(to, "");
  };
  for (const [from, targets] of Object.entries(allowed))
    for (const to of targets) link(from, to, "");
  for (const [, from, to] of violations) link(from, to, kind);
  for (const [file, imports] of files) write(file, `${imports}export const x = 0;\n`);
}

async function cruiseTree() {
  const { options, forbidden = [] } = await extractConfig(
    path.join(root, ".dependency-cruiser.cjs"),
  );
  const { output } = await cruise(["src"], {
    ...options,
    baseDir: tree,
    validate: true,
    ruleSet: { forbidden },
  });
  const { summary } = output as ICruiseResult;
  return { rules: forbidden.map(({ name }) => name), found: summary.violations };
}

beforeAll(() => {
  tree = mkdtempSync(path.join(tmpdir(), "meshmend-layers-"));
  write(
    "package.json",
    JSON.stringify({ dependencies: { yaml: "1", yjs: "1" }, devDependencies: { vitest: "1" } }),
  );
  for (const name of ["yaml", "yjs", "vitest", "stray"]) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, main: "index.js" }));
    write(`node_modules/${name}/index.js`, "exports.x = 0;\n");
  }
});
afterAll(() => rmSync(tree, { recursive: true, force: true }));

describe("layering", () => {
  // A package or builtin is reported under its resolved path, so what is compared is its name.
  const packageOf = (to: string) => /node_modules\/([^/]+)\//.exec(to)?.[1] ?? to;
  const bare = (to: string) => packageOf(to).replace(/^node:/, "");

  test.each([
    ["values", ""],
    ["types", "type"],
  ])("each rule reports its seeded violation and nothing else, importing %s", async (_, kind) => {
    writeTree(kind);
    const { rules, found } = await cruiseTree();
    const seen = found.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${bare(to)}`);
    const seeded = violations.map(([rule, from, to]) => `${rule}: ${from} -> ${bare(to)}`);
    expect(seen.toSorted()).toEqual(seeded.toSorted());
    expect([...new Set(violations.map(([rule]) => rule))].toSorted()).toEqual(rules.toSorted());
  });
});
