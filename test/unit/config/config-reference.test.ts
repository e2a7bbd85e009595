import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { exampleFile } from "../../../src/config/config-reference.ts";
import {
  compileConfig,
  configReference,
  editorSchema,
  nearestName,
  options,
} from "../../../src/config/index.ts";

const machine = { environment: {}, flags: {}, hostName: "n", workingDirectory: "/" };

describe("the configuration reference", () => {
  it("is what docs/configuration.md says", () => {
    const path = new URL("../../../docs/configuration.md", import.meta.url);
    expect(readFileSync(path, "utf8")).toBe(configReference());
  });

  it("tells of every option", () => {
    for (const { path, environmentName } of options) {
      expect(configReference()).toContain(`### \`${path}\``);
      expect(configReference()).toContain(`\`${environmentName}\``);
    }
  });

  it("shows a file of defaults that is the same as no file", () => {
    const text = exampleFile();
    const written = compileConfig({ ...machine, file: { path: "example.yaml", text } });
    const empty = compileConfig(machine);
    expect(written.ok && written.value.config).toEqual(empty.ok && empty.value.config);
  });
});

describe("the schema for editors", () => {
  const fits = new Ajv({ strict: false }).compile(editorSchema);

  it("takes what the compiler takes", () => {
    const yaml = `${exampleFile()}\nnodeId: roof-3\n`;
    expect(fits(parse(yaml)), JSON.stringify(fits.errors)).toBe(true);
    expect(fits({ http: "127.0.0.1:1", targets: ["icmp://a"], loop: null })).toBe(true);
  });

  it.each([{ mode: "acct" }, { loop: { period: "soon" } }, { peroid: 1 }, { targets: 5 }])(
    "refuses %j",
    (written) => expect(fits(written)).toBe(false),
  );
});

describe("the name somebody meant", () => {
  it.each([
    ["peroid", "period"],
    ["MAXSERIES", "maxSeries"],
    ["max-series", "maxSeries"],
    ["moed", "mode"],
    ["nothing like it", null],
  ])("for %s is %s", (typed, meant) => {
    expect(nearestName(typed, ["mode", "period", "maxSeries"])).toBe(meant);
  });
});
