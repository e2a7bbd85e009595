import { describe, expect, it } from "vitest";
import {
  type Action,
  actionSubject,
  describeAction,
  isDisruptive,
  undoOf,
} from "../../../src/mape-k/action.ts";

const rows: readonly { action: Action; words: string; undo: string; subject: string }[] = [
  {
    action: { kind: "interface-up", interface: "mesh0" },
    words: "set mesh0 up",
    undo: "set mesh0 down",
    subject: "interface/mesh0",
  },
  {
    action: { kind: "interface-down", interface: "mesh0" },
    words: "set mesh0 down",
    undo: "set mesh0 up",
    subject: "interface/mesh0",
  },
  {
    action: { kind: "interface-bounce", interface: "mesh0", downMs: 500 },
    words: "set mesh0 down and up again after 500 ms",
    undo: "set mesh0 up",
    subject: "interface/mesh0",
  },
  {
    action: { kind: "tell", severity: "warning", message: "look here" },
    words: "tell: look here",
    undo: "tell: withdrawn: look here",
    subject: "node/self",
  },
];

describe("an action", () => {
  it.each(rows)("$words", ({ action, words, undo, subject }) => {
    expect(describeAction(action)).toBe(words);
    expect(describeAction(undoOf(action) ?? action)).toBe(undo);
    expect(actionSubject(action)).toBe(subject);
    expect(isDisruptive(action)).toBe(action.kind !== "tell");
  });
});
