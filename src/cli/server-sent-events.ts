/** The text/event-stream format (WHATWG HTML, "Server-sent events"), read in pieces. */

export interface ServerSentEvent {
  readonly id: string;
  readonly kind: string;
  readonly data: string;
}

/** A line longer than this is not from a meshmend. */
const maxEventCharacters = 1_048_576;

export class EventStreamReader {
  #rest = "";
  #id = "";
  #kind = "";
  #data: string[] = [];
  #characters = 0;

  /** The events that this piece completes; null when the stream is not one. */
  read(piece: string): readonly ServerSentEvent[] | null {
    const events: ServerSentEvent[] = [];
    const lines = (this.#rest + piece).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      this.#characters += line.length;
      const event = this.#line(line.endsWith("\r") ? line.slice(0, -1) : line);
      if (event !== null) events.push(event);
      if (this.#characters > maxEventCharacters) return null;
    }
    return this.#rest.length > maxEventCharacters ? null : events;
  }

  #line(line: string): ServerSentEvent | null {
    if (line === "") return this.#end();
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#kind = value;
    else if (field === "id") this.#id = value;
    return null;
  }

  #end(): ServerSentEvent | null {
    const data = this.#data.join("\n");
    const kind = this.#kind === "" ? "message" : this.#kind;
    const isEvent = this.#data.length > 0;
    this.#kind = "";
    this.#data = [];
    this.#characters = 0;
    return isEvent ? { id: this.#id, kind, data } : null;
  }
}
