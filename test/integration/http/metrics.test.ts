import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { startServer } from "./support.ts";

it("/metrics is what promtool takes without complaint", async (ctx) => {
  if (spawnSync("promtool", ["--version"]).error !== undefined) {
    return ctx.skip("needs promtool (Debian: prometheus)");
  }
  const node = await startServer();
  try {
    await fetch(node.url("/nope"));
    node.metrics.beat({ durationMs: 1, latenessMs: 1 });
    const answer = await fetch(node.url("/metrics"));
    expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await answer.text();
    expect(text).toContain('meshmend_component_state{component="http",state="ok"} 1');
    expect(text).toContain("process_resident_memory_bytes ");
    const checked = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
    expect({ status: checked.status, said: checked.stderr + checked.stdout }).toEqual({
      status: 0,
      said: "",
    });
  } finally {
    await node.server.stop();
  }
});
