/**
 * Whether a history of operations could have happened one at a time: the search of Wing, Gong and
 * Lowe, for a model that the caller brings. Where answers carry a revision the model refuses all
 * orders but one, and the search is a sort and a replay; it branches only over operations of which
 * nobody knows whether they happened.
 */

export interface Operation<Request, Answer> {
  readonly request: Request;
  /** Moments in the order of the world; nobody's two are the same. */
  readonly invokedAt: number;
  /** Null when no answer came: it may have happened at any time since, or never. */
  readonly returned: { readonly at: number; readonly answer: Answer } | null;
}

export interface Model<State, Request, Answer> {
  readonly initial: State;
  /** The state after it; null when it cannot give this answer in `state`. No answer fits any. */
  step(state: State, request: Request, answer: Answer | null): State | null;
  /** Equal for states from which the same can follow. */
  nameOf(state: State): string;
}

export type Verdict<Request, Answer> =
  | { readonly linearizable: true }
  /** The search was given up; nothing is known. */
  | { readonly linearizable: null }
  | {
      readonly linearizable: false;
      /** The first that had to be next on the way that led furthest. */
      readonly stuckAt: Operation<Request, Answer> | null;
    };

interface Frame<State> {
  readonly state: State;
  readonly options: Iterator<number>;
  readonly taken: number;
  /** No other choice can lead further than the one made. */
  settled: boolean;
}

export function checkLinearizable<State, Request, Answer>(
  model: Model<State, Request, Answer>,
  history: readonly Operation<Request, Answer>[],
  maxSteps = 1_000_000,
): Verdict<Request, Answer> {
  const operations = history.toSorted((one, other) => one.invokedAt - other.invokedAt);
  const done = operations.map(() => false);
  const open = new Set(operations.keys());
  const seen = new Set<string>();
  let best = -1;
  let stuckAt: Operation<Request, Answer> | null = null;
  let completed = 0;
  const all = operations.filter(({ returned }) => returned !== null).length;

  /** Those that may come next: invoked before anything open has returned. Answered ones first. */
  function* candidates(): Generator<number> {
    let firstReturn = Infinity;
    for (const at of open) {
      firstReturn = Math.min(firstReturn, operations[at]?.returned?.at ?? Infinity);
    }
    const unanswered: number[] = [];
    for (const at of [...open]) {
      const operation = operations[at] as Operation<Request, Answer>;
      if (operation.invokedAt > firstReturn) break;
      if (operation.returned === null) unanswered.push(at);
      else yield at;
    }
    yield* unanswered;
  }
  const frames: Frame<State>[] = [
    { state: model.initial, options: candidates(), taken: -1, settled: false },
  ];
  for (let steps = 0; steps < maxSteps; steps++) {
    if (completed === all) return { linearizable: true };
    const frame = frames.at(-1);
    if (frame === undefined) return { linearizable: false, stuckAt };
    const next = frame.settled ? exhausted : frame.options.next();
    if (next.done === true) {
      frames.pop();
      if (frame.taken >= 0) {
        open.add(frame.taken);
        reorder(open);
        done[frame.taken] = false;
        if (operations[frame.taken]?.returned !== null) completed--;
      }
      continue;
    }
    const operation = operations[next.value] as Operation<Request, Answer>;
    const answer = operation.returned?.answer ?? null;
    const state = model.step(frame.state, operation.request, answer);
    if (state === null) {
      if (completed > best && operation.returned !== null) {
        best = completed;
        stuckAt = operation;
      }
      continue;
    }
    open.delete(next.value);
    done[next.value] = true;
    const name = `${done.map(Number).join("")} ${model.nameOf(state)}`;
    if (seen.has(name)) {
      open.add(next.value);
      reorder(open);
      done[next.value] = false;
      continue;
    }
    seen.add(name);
    if (operation.returned !== null) completed++;
    // What changes nothing and is possible now need not be tried later.
    frame.settled = state === frame.state;
    frames.push({ state, options: candidates(), taken: next.value, settled: false });
  }
  return { linearizable: null };
}

const exhausted = { done: true, value: undefined } as const;

/** A set remembers the order of insertion, and the search wants that of invocation. */
function reorder(open: Set<number>): void {
  const sorted = [...open].sort((one, other) => one - other);
  open.clear();
  for (const at of sorted) open.add(at);
}
