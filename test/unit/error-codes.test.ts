import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { errorReference } from "../../scripts/error-reference.ts";

const root = new URL("../../", import.meta.url);

/** Every code that stands in the sources as a value or as the type of one. */
function codesOfTheSources(): Set<string> {
  const codes = new Set<string>();
  for (const file of readdirSync(new URL("src", root), { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts")) continue;
    const text = readFileSync(new URL(`src/${file}`, root), "utf8");
    for (const [, quoted, key] of text.matchAll(/["'](E_[A-Z_]+)["']|^ *(E_[A-Z_]+):/gm)) {
      codes.add(quoted ?? key ?? "");
    }
  }
  return codes;
}

describe("docs/error-codes.md", () => {
  const page = readFileSync(new URL("docs/error-codes.md", root), "utf8");

  it("is what the tables say (else: node_modules/.bin/node scripts/write-references.ts)", () => {
    expect(page).toBe(errorReference());
  });

  it("lists every code of the sources, and no other", () => {
    const listed = [...page.matchAll(/^\|(?: \d+ \|)? `(E_[A-Z_]+)` \|/gm)].map(([, code]) => code);
    const codes = codesOfTheSources();
    expect(codes.size).toBeGreaterThan(50);
    expect([...new Set(listed)].sort()).toEqual([...codes].sort());
  });

  it("says of each what it means, in a sentence", () => {
    for (const row of page.split("\n").filter((line) => line.includes("| `E_"))) {
      expect(row).toMatch(/^\|(?: \d{3} \|)? `E_[A-Z_]+` \| [^|]+\. \|$/);
    }
  });
});
