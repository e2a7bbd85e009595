import { describe, expect, it } from "vitest";
import type { Decision } from "../../../src/cli/answers.ts";
import { explainDecision } from "../../../src/cli/explain.ts";
import { painter, printable, processTerminal } from "../../../src/cli/terminal.ts";
import { outcomeWords, span } from "../../../src/cli/words.ts";
import { sampleDecision } from "./sample-decision.ts";

const nowhere = { write: () => true };
const terminal = processTerminal({
  env: {},
  stdout: nowhere,
  stderr: nowhere,
  cwd: () => "/",
  once: () => undefined,
});
const explained = (change: Partial<Decision> = {}) =>
  explainDecision(terminal, { ...sampleDecision, ...change });

describe("an explained decision", () => {
  it("tells the story from the symptom to the verdict", () => {
    const told = explained();
    const parts = [
      "wlan0 lost its carrier 7 times in 30 s.",
      "critical, 90 % sure",
      "carrier changes: 7 (limit 5)",
      "a bounce makes the driver start afresh.",
      "to do: set wlan0 down, and up again after 500 ms",
      "to take it back: set wlan0 up",
      "stays away for 5 beats, within 15 s",
      "set wlan0 down; not chosen: it would cut the last path",
      "do nothing; not chosen: it has lasted too long",
      "It admitted the plan.",
      "+10 ms  wlan0 set down",
      "+520 ms  wlan0 set up",
      "healed, the symptom went away and stayed away, after 7 s: no carrier change in 5 beats.",
    ];
    let from = 0;
    for (const part of parts) {
      const at = told.indexOf(part, from);
      expect(at, part).toBeGreaterThanOrEqual(from);
      from = at;
    }
  });

  it("says why the guard refused", () => {
    const told = explained({
      admission: { kind: "refused", code: "E_LAST_PATH", reason: "wlan0 is the last way out" },
      phase: "closed",
      verdict: null,
      timeline: [],
    });
    expect(told).toContain("It refused the plan (E_LAST_PATH): wlan0 is the last way out.");
    expect(told).toContain("Nothing was done, so nothing is judged.");
  });

  it("says what is in force, and how that ended", () => {
    const plan = { ...sampleDecision.plan, standing: { releaseBeats: 10 } };
    const held = { ...sampleDecision, plan, phase: "holding" };
    expect(explained(held)).toContain("stays in force until");
    expect(explained(held)).toContain("withdrawn when its cause has passed");
    expect(outcomeWords(held)).toBe("holding");
    const withdrawal = {
      outcome: "withdrawn",
      reason: "what was there before is restored",
      wallMs: 1,
      heldMs: 61_000,
    };
    const ended = { ...held, phase: "closed", withdrawal };
    expect(explained(ended)).toContain(
      "withdrawn after 1 min 1 s in force: what was there before is restored.",
    );
    expect(outcomeWords(ended)).toBe("withdrawn");
  });

  it("says how to answer while it waits", () => {
    const told = explained({
      admission: { kind: "awaiting-confirmation", expiresWallMs: 1_763_697_000_000 },
      phase: "waiting",
      verdict: null,
    });
    expect(told).toContain(`\`meshmend confirm ${sampleDecision.id}\``);
  });

  it("shows an action of a newer daemon by its name", () => {
    const plan = { ...sampleDecision.plan, actions: [{ kind: "hop-penalty", interface: "bat0" }] };
    expect(explained({ plan })).toContain("to do: hop-penalty on bat0");
  });

  it("lets nobody write to the screen behind its back", () => {
    const symptom = { ...sampleDecision.symptom, summary: "a\u001b[2Jb\nc\u202ed" };
    expect(explained({ symptom })).toContain("a\ufffd[2Jb\ufffdc\ufffdd.");
    expect(printable("\u009b31m\u0007")).toBe("\ufffd31m\ufffd");
  });
});

describe("words", () => {
  it.each([
    [5, "5 ms"],
    [4_210, "4.2 s"],
    [75_000, "1 min 15 s"],
    [3_600_000 * 5 + 60_000 * 7, "5 h 7 min"],
    [86_400_000 * 3, "3 d 0 h"],
  ])("for %d ms are %s", (ms, words) => expect(span(ms)).toBe(words));

  it("tell what became of a decision", () => {
    expect(outcomeWords(sampleDecision)).toBe("healed");
    const admission = { kind: "refused", code: "E_COOL_DOWN", reason: "too early" };
    expect(outcomeWords({ ...sampleDecision, verdict: null, admission })).toBe(
      "refused: E_COOL_DOWN",
    );
  });

  it("are painted only where colours are wanted", () => {
    expect(painter(true)("red", "x")).toBe("\u001b[31mx\u001b[39m");
    expect(painter(false)("red", "x")).toBe("x");
    const colourful = { env: { NO_COLOR: "1" }, stdout: { ...nowhere, isTTY: true } };
    const plain = processTerminal({ ...colourful, stderr: nowhere, cwd: () => "/", once: () => 0 });
    expect(plain.paint("red", "x")).toBe("x");
  });
});
