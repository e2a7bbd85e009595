/** Only what neither Biome nor tsc can see: promises, exhaustiveness, and the purity of the cores. */
import tseslint from "typescript-eslint";

const cores = "src/{consensus,kvstore,crdt,mesh,ebpf,mape-k,rag,identity}/**/*.ts";
const purity = "a core takes time, chance and the world as arguments: see ARCHITECTURE.md";
const impureGlobals =
  "Date performance process setTimeout setInterval setImmediate fetch crypto console Buffer".split(
    " ",
  );

export default tseslint.config(
  { ignores: ["**/*.{js,mjs,cjs}", "dist/", "src/wire/", "coverage/"] },
  {
    files: ["**/*.ts"],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    plugins: { "@typescript-eslint": tseslint.plugin },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
      ],
      "@typescript-eslint/only-throw-error": "error",
      "@typescript-eslint/prefer-promise-reject-errors": "error",
      "@typescript-eslint/return-await": ["error", "error-handling-correctness-only"],
      "@typescript-eslint/no-unnecessary-type-assertion": "error",
      "@typescript-eslint/no-base-to-string": "error",
      "@typescript-eslint/restrict-plus-operands": "error",
      "@typescript-eslint/no-deprecated": "warn",
    },
  },
  {
    files: [cores],
    ignores: ["**/io/**"],
    rules: {
      "no-restricted-globals": [
        "error",
        ...impureGlobals.map((name) => ({ name, message: purity })),
      ],
      "no-restricted-properties": [
        "error",
        { object: "Math", property: "random", message: purity },
      ],
    },
  },
);
