/** A decision told as a story: what was wrong, what was chosen and why, what came of it. */

import type { Decision } from "./answers.ts";
import { printable, type Terminal } from "./terminal.ts";
import { actionsWords, actionWords, evidenceWords, span, stateWords, wallTime } from "./words.ts";

export function explainDecision(terminal: Terminal, decision: Decision): string {
  const title = (text: string): string => terminal.paint("bold", text);
  const { id, node, madeWallMs, beat, mode, phase } = decision;
  return [
    title(`Decision ${printable(id)}`),
    `Made by ${printable(node)} at ${wallTime(madeWallMs)}, in beat ${beat}, mode ${printable(mode)}; now ${printable(phase)}.`,
    "",
    title("What was wrong"),
    ...symptomLines(terminal, decision),
    "",
    title("What was chosen"),
    ...planLines(decision),
    "",
    title("What else was considered"),
    ...alternativeLines(decision),
    "",
    title("What the guard said"),
    guardSentence(decision),
    "",
    title("What happened"),
    ...timelineLines(decision),
    "",
    title("How it ended"),
    ...verdictLines(terminal, decision),
    "",
  ].join("\n");
}

function symptomLines(terminal: Terminal, { symptom }: Decision): string[] {
  const sure = `${Math.round(symptom.confidence * 100)} % sure`;
  const severity = stateWords(terminal, symptom.severity);
  return [
    sentence(symptom.summary),
    `Symptom ${printable(symptom.kind)} of ${printable(symptom.subject)}: ` +
      `${severity}, ${sure}, raised at ${wallTime(symptom.raisedWallMs)}.`,
    ...symptom.evidence.map((each) => `  - ${evidenceWords(each)}`),
  ];
}

function planLines({ plan }: Decision): string[] {
  const { expectation } = plan;
  const beats = expectation.quietBeats === 1 ? "1 beat" : `${expectation.quietBeats} beats`;
  return [
    sentence(plan.reason),
    `  - to do: ${actionsWords(plan.actions)}`,
    `  - to take it back: ${actionsWords(plan.undo)}`,
    `  - expected: ${printable(plan.expectedGain)}`,
    expectation.proof === "traffic-moved"
      ? `  - proof: no traffic takes it for ${beats}, within ${span(expectation.withinMs)}`
      : `  - proof: ${printable(expectation.symptom)} stays away for ${beats}, within ${span(expectation.withinMs)}`,
    ...(plan.standing
      ? [
          `  - it stays in force until ${printable(expectation.symptom)} has stayed away for ${plan.standing.releaseBeats} beats`,
        ]
      : []),
  ];
}

function alternativeLines({ plan }: Decision): string[] {
  if (plan.alternatives.length === 0) return ["Nothing: there was one way only."];
  return plan.alternatives.map(({ action, rejectedBecause }) => {
    const what = action === null ? "do nothing" : actionWords(action);
    return `  - ${what}; not chosen: ${printable(rejectedBecause)}`;
  });
}

function guardSentence({ admission, id }: Decision): string {
  switch (admission.kind) {
    case "admitted":
      return "It admitted the plan.";
    case "observed":
      return "It was not asked: in mode observe plans are recorded and nothing is touched.";
    case "awaiting-confirmation": {
      const until = wallTime(admission.expiresWallMs ?? Number.NaN);
      return `It waits until ${until} for a person: \`meshmend confirm ${printable(id)}\` or \`meshmend deny ${printable(id)}\`.`;
    }
    case "refused": {
      const reason = sentence(admission.reason ?? "no reason given");
      return `It refused the plan (${printable(admission.code ?? "?")}): ${reason}`;
    }
    default:
      return printable(admission.kind);
  }
}

function timelineLines({ timeline, madeWallMs }: Decision): string[] {
  if (timeline.length === 0) return ["Nothing was done."];
  return timeline.map(({ wallMs, what }) => {
    return `  ${`+${span(Math.max(0, wallMs - madeWallMs))}`.padStart(12)}  ${printable(what)}`;
  });
}

const endings: Readonly<Record<string, string>> = {
  healed: "the symptom went away and stayed away",
  undone: "it did not help, and was taken back",
  "undo-failed": "it did not help, and could not be taken back: somebody must look",
  "not-applied": "it could not be carried out",
  told: "it was only told; there was nothing to judge",
};

function verdictLines(terminal: Terminal, decision: Decision): string[] {
  const { verdict, phase, withdrawal } = decision;
  if (verdict === null) {
    return [
      phase === "closed" ? "Nothing was done, so nothing is judged." : "It is not judged yet.",
    ];
  }
  const meaning = Object.hasOwn(endings, verdict.outcome) ? endings[verdict.outcome] : undefined;
  const told = meaning === undefined ? "" : `, ${meaning}`;
  return [
    `${stateWords(terminal, verdict.outcome)}${told}, after ${span(verdict.tookMs)}: ${sentence(verdict.reason)}`,
    ...verdict.before.map((each) => `  - before: ${evidenceWords(each)}`),
    ...verdict.after.map((each) => `  - after: ${evidenceWords(each)}`),
    ...(phase === "holding" ? ["It is in force, and is withdrawn when its cause has passed."] : []),
    ...(withdrawal
      ? [
          `${stateWords(terminal, withdrawal.outcome)} after ${span(withdrawal.heldMs)} in force: ${sentence(withdrawal.reason)}`,
        ]
      : []),
  ];
}

/** With a full stop; not with a capital, for it may begin with the name of an interface. */
function sentence(text: string): string {
  const clean = printable(text.trim());
  return clean === "" || /[.!?]$/.test(clean) ? clean : `${clean}.`;
}
