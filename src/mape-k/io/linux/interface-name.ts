/**
 * What the kernel accepts as the name of an interface, and the patterns operators write for them.
 * Source of the rules: `dev_valid_name()` in net/core/dev.c, IFNAMSIZ in linux/if.h.
 */

const maxNameBytes = 15;

/**
 * Null when the name may be handed to a command and joined to a sysfs path, else why not. Stricter
 * than the kernel in one point: a leading `-` would be read as an option.
 */
export function interfaceNameProblem(name: string): string | null {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes === 0) return "it is empty";
  if (bytes > maxNameBytes) return `it has ${bytes} bytes, the kernel allows ${maxNameBytes}`;
  if (name === "." || name === "..") return "it is a directory";
  if (name.startsWith("-")) return "it starts with '-'";
  if (/[/:\s\0]/.test(name)) return "it holds '/', ':', a blank or a zero byte";
  return null;
}

/** Compiles glob patterns (`*` any run, `?` one character, all else literal) into one test. */
export function matchesAny(patterns: readonly string[]): (name: string) => boolean {
  const compiled = patterns.map(
    (pattern) =>
      new RegExp(
        `^${pattern
          .replace(/[.+^${}()|[\]\\]/g, "\\$&")
          .replace(/\*+/g, ".*")
          .replace(/\?/g, ".")}$`,
        "su",
      ),
  );
  return (name) => compiled.some((expression) => expression.test(name));
}
