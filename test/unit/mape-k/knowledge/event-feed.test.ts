import { describe, expect, it } from "vitest";
import type { LoopEvent } from "../../../../src/mape-k/event.ts";
import { EventFeed } from "../../../../src/mape-k/knowledge/event-feed.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { recordingLogger } from "../../support/recording-logger.ts";
import { symptom } from "../support/readings.ts";

const event: LoopEvent = {
  kind: "symptom-raised",
  symptom: symptom("flapping", "interface/mesh0"),
};

function feedOf(capacity: number) {
  const logger = recordingLogger();
  const clock = new ManualClock({ wallMs: 5 });
  const feed = new EventFeed({ clock, logger }, { capacity });
  const publish = (times: number) => {
    for (let n = 0; n < times; n++) feed.publish(event);
  };
  const sequences = (after: number) => feed.after(after).map(({ sequence }) => sequence);
  return { feed, logger, publish, sequences };
}

describe("EventFeed", () => {
  it("numbers events from 1, without gaps, with the time of day", () => {
    const { feed, publish } = feedOf(3);
    publish(2);
    expect(feed.after(0)).toEqual([
      { sequence: 1, wallMs: 5, event },
      { sequence: 2, wallMs: 5, event },
    ]);
  });

  it("gives only what came after, and only what is still there", () => {
    const { publish, sequences } = feedOf(3);
    publish(5);
    expect(sequences(0)).toEqual([3, 4, 5]);
    expect(sequences(4)).toEqual([5]);
    expect(sequences(5)).toEqual([]);
  });

  it("calls listeners until they leave", () => {
    const { feed, publish } = feedOf(3);
    const heard: number[] = [];
    const leave = feed.listen(({ sequence }) => heard.push(sequence));
    publish(2);
    leave();
    publish(1);
    expect(heard).toEqual([1, 2]);
  });

  it("reports a listener that throws, and calls the others all the same", () => {
    const { feed, logger, publish } = feedOf(3);
    const heard: number[] = [];
    feed.listen(() => {
      throw new Error("closed socket");
    });
    feed.listen(({ sequence }) => heard.push(sequence));
    publish(1);
    expect(heard).toEqual([1]);
    expect(logger.lines).toEqual(["error: a listener of the event feed failed"]);
  });
});
