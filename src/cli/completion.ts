/** Completion scripts, generated from the command tree: what `--help` knows, the shell knows. */

import type { Command, Option } from "commander";

export type Shell = "bash" | "zsh" | "fish";

interface Word {
  readonly word: string;
  readonly description: string;
}

/** What may follow the words `path`. */
interface Level {
  readonly path: string;
  readonly words: readonly Word[];
}

const visible = ({ hidden }: Option): boolean => !hidden;

function* levels(command: Command, path: readonly string[]): Generator<Level> {
  const words: Word[] = command.commands.map((each) => ({
    word: each.name(),
    description: each.description(),
  }));
  for (const { argChoices = [], description } of command.registeredArguments) {
    words.push(...argChoices.map((word) => ({ word, description })));
  }
  if (path.at(-1) === "explain" || path.at(-1) === "confirm" || path.at(-1) === "deny") {
    words.push({ word: "last", description: "the latest decision" });
  }
  for (const { long, short, description } of command.options.filter(visible)) {
    words.push({ word: long ?? short ?? "", description });
  }
  words.push({ word: "--help", description: "show help" });
  yield { path: path.join(" "), words };
  for (const each of command.commands) yield* levels(each, [...path, each.name()]);
}

export function completionScript(program: Command, shell: Shell): string {
  const all = [...levels(program, [])];
  switch (shell) {
    case "bash":
      return bash(all);
    case "zsh":
      return zsh(all);
    case "fish":
      return fish(all);
  }
}

/** Inside single quotes, for every one of the three shells. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function bash(all: readonly Level[]): string {
  const cases = all.map(({ path, words }) => {
    return `    ${quoted(path)}) words=${quoted(words.map(({ word }) => word).join(" "))} ;;`;
  });
  const paths = all.map(({ path }) => quoted(path)).join("|");
  return `# bash completion for meshmend; source it, or put it into bash-completion's directory
_meshmend() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' words='' i next
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="\${path:+$path }\${COMP_WORDS[i]}"
    case "$next" in
      ${paths}) path="$next" ;;
    esac
  done
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
    --config|-c|--data-dir) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
  esac
  case "$path" in
${cases.join("\n")}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _meshmend meshmend
`;
}

function zsh(all: readonly Level[]): string {
  const cases = all.map(({ path, words }) => {
    const described = words.map(({ word, description }) => {
      return quoted(`${word.replaceAll(":", "\\:")}:${description}`);
    });
    return `    ${quoted(path)}) entries=(${described.join(" ")}) ;;`;
  });
  const paths = all.map(({ path }) => quoted(path)).join("|");
  return `#compdef meshmend
# zsh completion for meshmend; put it into a directory of $fpath as _meshmend
_meshmend() {
  local path_words='' next i
  local -a entries
  for ((i = 2; i < CURRENT; i++)); do
    next="\${path_words:+$path_words }\${words[i]}"
    case "$next" in
      ${paths}) path_words="$next" ;;
    esac
  done
  case "\${words[CURRENT-1]}" in
    --config|-c|--data-dir) _files; return ;;
  esac
  case "$path_words" in
${cases.join("\n")}
  esac
  _describe 'meshmend' entries
}
if [ "$funcstack[1]" = "_meshmend" ]; then _meshmend "$@"; else compdef _meshmend meshmend; fi
`;
}

function fish(all: readonly Level[]): string {
  const lines = all.flatMap(({ path, words }) =>
    words.map(({ word, description }) => {
      const test = quoted(`test "$(__meshmend_path)" = "${path}"`);
      const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${word}`;
      return `complete -c meshmend -n ${test} ${what} -d ${quoted(description)}`;
    }),
  );
  const paths = all.map(({ path }) => quoted(path)).join(" ");
  return `# fish completion for meshmend
function __meshmend_path
  set -l path
  for word in (commandline -opc)[2..-1]
    set -l next (string trim "$path $word")
    contains -- "$next" ${paths}; and set path "$next"
  end
  echo "$path"
end
complete -c meshmend -f
${lines.join("\n")}
`;
}
