import tseslint from "typescript-eslint";

export default tseslint.config(
  // runtime/backup.mjs is bundled by scripts/embed.mjs, with its libraries.
  { ignores: ["node_modules/", ".gvfx/", "cdktf.out*/", "dist/", "bindings/vultr/", "bindings/tailscale/", "coverage/", "runtime/backup.mjs"] },
  ...tseslint.configs.recommended,
  { files: ["**/*.js", "**/*.cjs"], rules: { "@typescript-eslint/no-require-imports": "off" } },
  {
    files: ["**/*.ts"],
    rules: {
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/no-explicit-any": "error",
    },
  },
  {
    files: ["**/*.ts"],
    rules: {
      "no-restricted-imports": ["error", { paths: [{ name: "cdktf", importNames: ["DataResource", "CloudBackend"], message: "It runs `terraform version` when it validates, so that synth would need Terraform: use constructs/state." }] }],
    },
  },
  {
    // Terraform-side code never imports the operator's CLI, reads no environment variable, and takes providers one resource at a time.
    files: ["environments/**/*.ts", "contracts/**/*.ts", "constructs/**/*.ts", "stacks/**/*.ts"],
    rules: {
      "no-restricted-imports": ["error", {
        paths: [{ name: "cdktf", importNames: ["DataResource", "CloudBackend"], message: "It runs `terraform version` when it validates, so that synth would need Terraform: use constructs/state." }],
        patterns: [
          { group: ["**/scripts/*", "**/scripts/**"], message: "Terraform-side code never imports from scripts/: move what both need to contracts/ or constructs/." },
          { regex: "^@cdktf/provider-[a-z]+$", message: "Import one resource, for example @cdktf/provider-nomad/lib/job: the barrel loads every resource and slows synth." },
        ],
      }],
      "no-restricted-properties": ["error", { object: "process", property: "env", message: "Environment variables are read in main.ts and the CLI's entry only: pass the value as a prop." }],
    },
  },
);
